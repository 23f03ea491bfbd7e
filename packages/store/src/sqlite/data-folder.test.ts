import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openDataFolder } from './data-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'landbridge-data-folder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('R1: a data folder', () => {
  it('is made with the folders above it, and given back', () => {
    const path = join(folder, 'a', 'b', 'c');
    openDataFolder(path).release();
    openDataFolder(path).release();
  });

  it.each([
    ['a file', 'file', /the data folder .*file cannot be written: it is a file, not a folder; choose another folder with --data/],
    ['below a file', 'file/x', /cannot be written: a part of the path is a file, not a folder; choose another/],
  ])('that is %s is refused with what to do', (_name, path, message) => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openDataFolder(join(folder, path))).toThrow(message);
  });

  it.runIf(process.platform === 'linux')('where no folder can be made is refused, and the start does not hang', () => {
    expect(() => openDataFolder('/proc/landbridge/data')).toThrow(
      /the data folder \/proc\/landbridge\/data cannot be written: .*; choose another folder with --data/,
    );
  });
});
