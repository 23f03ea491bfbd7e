import { cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Snapshots of a connector's own files by the version of the package that left them (R28): taken when a version hands over, put back
 * when a rollback returns to it. What the newer version wrote is kept as the snapshot of that one.
 */
export interface OwnFiles {
  /** Remembers the files as the version leaves them. */
  snapshot(digest: string): void;
  /** Puts the files back as the version left them; says whether there was a snapshot. */
  restore(digest: string): boolean;
}

/**
 * The own files of a connector; `folder` is that of the connector. No connector may be open on it. What a crash interrupted is
 * finished first.
 */
export function openOwnFiles(folder: string): OwnFiles {
  const files = join(folder, 'files');
  // The swap had begun, so the copy beside it is whole.
  if (!existsSync(files) && existsSync(`${files}.old`) && existsSync(`${files}.next`)) renameSync(`${files}.next`, files);
  const snapshotOf = (digest: string): string => join(folder, 'snapshots', digest.slice(0, 16));
  return {
    snapshot(digest) {
      if (existsSync(files)) copyWhole(files, snapshotOf(digest));
    },
    restore(digest) {
      const from = snapshotOf(digest);
      if (!existsSync(from)) return false;
      copyWhole(from, files);
      return true;
    },
  };
}

/** Copies beside and swaps, so that a crash leaves the old or the new content and never half of it. */
function copyWhole(from: string, to: string): void {
  const next = `${to}.next`;
  const old = `${to}.old`;
  mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  rmSync(next, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
  cpSync(from, next, { recursive: true, preserveTimestamps: true, filter: (source) => !lstatSync(source).isSymbolicLink() });
  if (existsSync(to)) renameSync(to, old);
  renameSync(next, to);
  rmSync(old, { recursive: true, force: true });
}
