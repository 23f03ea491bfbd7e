import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@landbridge/connector-sdk';
import { type ControlStore, openDataFolder, restoreSchemas } from '@landbridge/store';
import { readRemembered, rememberStore, resolveStore } from '../choose-store.ts';
import { describePlace } from '../configuration/store-configuration.ts';
import { BEHIND, type HostConnectors } from '../host-connectors.ts';
import { StartError } from '../start-error.ts';

/** Why a backup or a restore cannot be; the message is for a person. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** What a backup is of. Written last: without it the copy is not whole. */
export interface BackupManifest {
  readonly format: 1;
  readonly version: string;
  readonly at: number;
  readonly connectors: readonly string[];
}

const MANIFEST = 'backup.json';
/** The state of a host that keeps it in PostgreSQL. */
const DUMP = 'store.dump';
/** Not copied: what belongs to the process, what is made again, the log, and the key-encryption key, which is to be kept apart. */
const LEFT_OUT = new Set([
  'host.json',
  'host.pid',
  'host-id',
  'lock',
  'lock-journal',
  'sqlite-before-migration',
  'host.log',
  'node_modules',
  'secrets.key',
  'connectors',
  'control.db',
  'control.db-wal',
  'control.db-shm',
]);
const STORE_FILES = /^connector\.db(-wal|-shm)?$/;

/**
 * Copies the state of a running host into a new folder (R5): each store file from the thread that writes it, in one transaction of its
 * own; then the connectors' own files and the keys. No promise spans two files (R4), so no moment needs to be common to them.
 */
export async function backUp(options: {
  readonly dataFolder: string;
  readonly target: string;
  readonly control: ControlStore;
  readonly connectors: HostConnectors;
  readonly version: string;
  /** Where the state is in PostgreSQL: copies it into a file, in one snapshot. */
  readonly dump?: (connectors: readonly string[], file: string) => Promise<void>;
}): Promise<BackupManifest & { readonly target: string }> {
  const target = resolve(options.target);
  if (existsSync(target) && readdirSync(target).length > 0) throw new BackupError(`the folder ${target} is not empty; name a new one`);
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const names = listFolders(join(options.dataFolder, 'connectors'));
  if (options.dump === undefined) await options.control.backup(ownFile(join(target, 'control.db')));
  else
    await options.dump(names, ownFile(join(target, DUMP))).catch((error: unknown) => {
      throw new BackupError(messageOf(error), { cause: error });
    });
  for (const name of names) {
    const own = join(options.dataFolder, 'connectors', name);
    const copy = join(target, 'connectors', name);
    mkdirSync(copy, { recursive: true, mode: 0o700 });
    const connector = options.connectors.get(name);
    const store = join(copy, 'connector.db');
    if (options.dump !== undefined) {
      // The dump has it.
    } else if (connector !== undefined && !('problem' in connector)) await connector.backup(ownFile(store));
    else copyClosed(join(own, 'connector.db'), store);
    for (const entry of readdirSync(own)) if (!STORE_FILES.test(entry)) copyPlain(join(own, entry), join(copy, entry));
  }
  for (const entry of readdirSync(options.dataFolder)) if (!LEFT_OUT.has(entry)) copyPlain(join(options.dataFolder, entry), join(target, entry));
  const manifest: BackupManifest = { format: 1, version: options.version, at: Date.now(), connectors: names };
  writeFileSync(join(target, MANIFEST), JSON.stringify(manifest), { mode: 0o600 });
  return { ...manifest, target };
}

/** An empty file for this account alone, to be filled: the folder may be one that others may read. */
function ownFile(path: string): string {
  writeFileSync(path, '', { mode: 0o600 });
  return path;
}

/**
 * Makes a data folder of a backup. No host may run on it, and it must be empty but for `secrets.key`. Each connector is behind from
 * then on: the application went on without it, so a full import comes before everything else (R5).
 *
 * @throws BackupError
 */
export async function restoreBackup(from: string, dataFolder: string, store?: string): Promise<BackupManifest> {
  const manifest = readManifest(from);
  const folder = openDataFolder(dataFolder);
  try {
    const there = readdirSync(folder.path).filter((name) => !['lock', 'lock-journal', 'host.pid', 'secrets.key'].includes(name));
    if (there.length > 0)
      throw new BackupError(`the data folder ${folder.path} is not empty (${there.slice(0, 3).join(', ')}); restore into a new one, or move it away first`);
    await restoreDump(from, manifest.connectors, store);
    for (const entry of readdirSync(from)) if (entry !== MANIFEST && entry !== DUMP) copyPlain(join(from, entry), join(folder.path, entry));
    if (store !== undefined) rememberStore(folder.path, { store: { postgres: store }, folder: process.cwd() });
    for (const name of manifest.connectors) writeFileSync(join(folder.path, 'connectors', name, BEHIND), String(manifest.at), { mode: 0o600 });
    return manifest;
  } finally {
    folder.release();
  }
}

/** Brings the state back into the database that the backup names, or into another one. */
async function restoreDump(from: string, connectors: readonly string[], store: string | undefined): Promise<void> {
  const dump = join(from, DUMP);
  if (!existsSync(dump)) {
    if (store !== undefined)
      throw new BackupError(`${from} is the backup of a host with SQLite files: restore it without --store, then landbridge store migrate`);
    return;
  }
  const choice = store === undefined ? readRemembered(from) : { store: { postgres: store }, folder: process.cwd() };
  if (choice === undefined) throw new BackupError(`${from} does not say which database its state belongs to; name one with --store`);
  try {
    await restoreSchemas(resolveStore(choice), connectors, dump);
  } catch (error) {
    const place = error instanceof StartError ? '' : ` (${describePlace(resolveStore(choice))})`;
    throw new BackupError(`the database${place} did not take the backup: ${messageOf(error)}; it must have none of the schemas yet, nothing was changed`, {
      cause: error,
    });
  }
}

function readManifest(from: string): BackupManifest {
  const file = join(from, MANIFEST);
  if (!existsSync(file)) throw new BackupError(`${from} is no whole backup: it has no ${MANIFEST}`);
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as BackupManifest;
  if (manifest.format !== 1) throw new BackupError(`${from} was made by another version (${manifest.version}); restore it with that one`);
  return manifest;
}

/** A connector that cannot be opened has a store all the same; nobody writes it. */
function copyClosed(from: string, to: string): void {
  if (!existsSync(from)) return;
  const database = new DatabaseSync(from, { readOnly: true });
  try {
    database.prepare('VACUUM INTO ?').run(ownFile(to));
  } finally {
    database.close();
  }
}

/** Links could lead out of the folder: what they point to is not taken along. */
function copyPlain(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (source) => !lstatSync(source).isSymbolicLink() });
}

function listFolders(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
