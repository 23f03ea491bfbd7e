import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFolder } from './archive/copy-folder.ts';

/**
 * The digest of the content of a folder: SHA-256 over the paths, sizes and digests of its files in the order of their paths.
 * Times, modes and the order of an archive do not count, so that equal content has one digest.
 */
export function digestFolder(folder: string): string {
  const all = createHash('sha256');
  for (const { path, bytes } of listFolder(folder)) {
    const own = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
    all.update(`${path}\0${bytes}\0${own}\n`);
  }
  return all.digest('hex');
}
