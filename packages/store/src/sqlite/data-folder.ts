import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** File systems over a network: their locks and syncs do not hold what SQLite needs (R1). Magic numbers of statfs(2). */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x517b, 'SMB'],
  [0x01021997, '9P'],
]);

/** A data folder that belongs to this process. */
export interface DataFolder {
  readonly path: string;
  /** Gives the folder back. */
  release(): void;
}

/**
 * Takes a data folder for this process (R1): creates it with access for the owner only, and locks it.
 *
 * @throws Error with a sentence for a person, when another process has it, it cannot be written, or it lies on a network file system.
 */
export function openDataFolder(path: string): DataFolder {
  makeWritable(path);
  const network = NETWORK_FILE_SYSTEMS.get(statfsSync(path).type >>> 0);
  if (network !== undefined)
    throw new Error(
      `the data folder ${path} is on a network file system (${network}), where nothing can be stored safely; choose a folder on a local disk with --data`,
    );
  const lock = lockFile(path);
  writeFileSync(join(path, 'host.pid'), String(process.pid));
  return {
    path,
    release() {
      rmSync(join(path, 'host.pid'), { force: true });
      lock.close();
    },
  };
}

const REASONS: Readonly<Record<string, string>> = {
  EROFS: 'the file system is read-only',
  EACCES: 'this account may not write there',
  EPERM: 'this account may not write there',
  ENOSPC: 'the disk is full',
  EEXIST: 'it is a file, not a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
};

function makeWritable(path: string): void {
  try {
    makeFolder(path);
    const probe = join(path, `.writable-${process.pid}`);
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new Error(`the data folder ${path} cannot be written: ${REASONS[code] ?? code}; choose another folder with --data`, { cause: error });
  }
}

/** Folder by folder: the recursive mkdir of Node.js never ends in /proc, and calls a read-only file system ENOENT. */
function makeFolder(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return;
  if (!existsSync(dirname(path))) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** The lock is SQLite's own on a small file: the operating system gives it back when the process dies, however it dies. */
function lockFile(path: string): DatabaseSync {
  const file = join(path, 'lock');
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    chmodSync(file, 0o600);
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
    return lock;
  } catch {
    lock.close();
    throw new Error(`the data folder ${path} is in use by another process${readHolder(path)}; stop it, or choose another folder with --data`);
  }
}

function readHolder(path: string): string {
  try {
    return ` (process ${readFileSync(join(path, 'host.pid'), 'utf8').trim()})`;
  } catch {
    // The file only helps the message; without it the message is still right.
    return '';
  }
}
