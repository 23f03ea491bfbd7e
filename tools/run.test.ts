import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A checkout with one dependency, and an npm that only leaves a mark. */
const packages = {
  '': { name: 'x' },
  'node_modules/one': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/elsewhere': { version: '1.0.0', optional: true },
};
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landbridge-run-'));
  mkdirSync(join(root, 'tools'));
  mkdirSync(join(root, 'node_modules'));
  copyFileSync(join(import.meta.dirname, 'run.mjs'), join(root, 'tools/run.mjs'));
  writeFileSync(join(root, 'script.ts'), "console.log('it ran');");
  writeFileSync(join(root, 'npm.cjs'), `require('node:fs').writeFileSync(${JSON.stringify(join(root, 'installed'))}, '')`);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function run(installed: Readonly<Record<string, unknown>> | undefined): { readonly said: string; readonly installs: boolean } {
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (installed !== undefined) {
    writeFileSync(hidden, JSON.stringify({ packages: installed }));
    utimesSync(hidden, 1, 1);
  }
  const env = { ...process.env, npm_execpath: join(root, 'npm.cjs') };
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'tools/run.mjs'), 'script.ts'], { encoding: 'utf8', env });
  expect({ stdout, status }).toEqual({ stdout: 'it ran\n', status: 0 });
  return { said: stderr, installs: existsSync(join(root, 'installed')) };
}

describe('npm run', () => {
  it('installs nothing where the lockfile is only newer', () => {
    expect(run({ 'node_modules/one': packages['node_modules/one'] })).toEqual({ said: '', installs: false });
  });

  it('installs what the lockfile says after it changed, and says why', () => {
    const { said, installs } = run({ 'node_modules/one': { version: '0.9.0', integrity: 'sha512-b' } });
    expect(installs).toBe(true);
    expect(said).toBe('node_modules/one is not what package-lock.json says: running npm ci …\n');
  });

  it('installs where nothing is installed', () => {
    expect(run(undefined)).toEqual({ said: 'no dependencies are installed: running npm ci …\n', installs: true });
  });
});
