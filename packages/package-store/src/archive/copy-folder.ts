import { copyFileSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PackageError } from '../package-error.ts';
import { packageLimits, safePath } from './safe-path.ts';

/** Folders of development that are no part of a package. */
const LEFT_OUT = new Set(['.git', '.svn', '.vs', 'obj']);

/** A file of a folder: its path below it, and how many bytes. */
export interface FolderFile {
  readonly path: string;
  readonly bytes: number;
}

/**
 * The files of a folder, sorted by path.
 *
 * @throws PackageError `hostile` for links and special files, or more than a package may hold.
 */
export function listFolder(folder: string): readonly FolderFile[] {
  const files: FolderFile[] = [];
  let bytes = 0;
  const visit = (relative: string): void => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (relative !== '' || !LEFT_OUT.has(entry.name)) visit(safePath(path));
        continue;
      }
      if (!entry.isFile())
        throw new PackageError('hostile', `"${path}" is ${entry.isSymbolicLink() ? 'a symbolic link: copy what it points to' : 'not a plain file'}`);
      const { size } = lstatSync(join(folder, path));
      bytes += size;
      files.push({ path: safePath(path), bytes: size });
      if (files.length > packageLimits.files || bytes > packageLimits.bytes)
        throw new PackageError('hostile', `the folder holds more than a package may: ${packageLimits.files} files, ${packageLimits.bytes} bytes`);
    }
  };
  visit('');
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** Copies the files of a folder. */
export function copyFolder(from: string, to: string): void {
  for (const { path } of listFolder(from)) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(from, path), target);
  }
}
