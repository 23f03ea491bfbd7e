import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { logFile } from './log-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'landbridge-log-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the file of a log', () => {
  it('has each line as soon as it is written, in the new file after a reopen', () => {
    const file = join(folder, 'host.log');
    const log = logFile(file);
    log.write('one\n');
    renameSync(file, `${file}.1`);
    log.write('two\n');
    log.reopen();
    log.write('three\n');
    expect([readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')]).toEqual(['one\ntwo\n', 'three\n']);
  });

  it.runIf(process.platform === 'linux')('drops lines while the disk is full, and says how many when there is room', () => {
    const file = join(folder, 'full.log');
    symlinkSync('/dev/full', file);
    const log = logFile(file);
    log.write('lost\n');
    log.write('lost too\n');
    unlinkSync(file);
    log.reopen();
    log.write('kept\n');
    const [notice, kept] = readFileSync(file, 'utf8').trim().split('\n');
    expect(JSON.parse(notice ?? '')).toMatchObject({ level: 'warn', lost: 2 });
    expect(kept).toBe('kept');
  });

  it('goes on with the old file where the new one cannot be opened', () => {
    const gone = mkdtempSync(join(folder, 'gone-'));
    const log = logFile(join(gone, 'host.log'));
    renameSync(gone, `${gone}-moved`);
    log.reopen();
    log.write('still here\n');
    expect(readFileSync(join(`${gone}-moved`, 'host.log'), 'utf8')).toBe('still here\n');
  });
});
