import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { type Installation, type PostgresOptions, postgresInstallation, sqliteInstallation } from '@landbridge/store';
import { toSeconds } from './configuration/parse-configuration.ts';
import { describePlace, toPostgresOptions } from './configuration/store-configuration.ts';
import { hasLiteralPassword, type StoreDocument } from './configuration/store-document.ts';
import { StartError } from './start-error.ts';

/** A place for the state of the host, and the folder that its file references are relative to. */
export interface StoreChoice {
  readonly store: StoreDocument;
  readonly folder: string;
}

const REMEMBERED = 'store.json';

/**
 * Opens the place where the host's state is: the one asked for, else the one that the data folder remembers, else the data
 * folder itself. What is remembered holds references, never secrets.
 *
 * @throws StartError when the folder's state is somewhere else than asked for: starting empty would look like a loss of everything.
 */
export function openInstallation(dataFolder: string, asked: StoreChoice | undefined, auditKey: Uint8Array): Installation {
  const remembered = readRemembered(dataFolder);
  const choice = asked ?? remembered;
  if (choice === undefined) return sqliteInstallation(dataFolder, auditKey);
  const postgres = resolveStore(choice);
  if (remembered === undefined && existsSync(join(dataFolder, 'control.db')))
    throw new StartError(
      `the data folder ${dataFolder} keeps its state in SQLite files; move it first with: landbridge store migrate --to URL --data ${dataFolder}`,
    );
  if (remembered !== undefined && asked !== undefined) {
    const [before, after] = [describePlace(resolveStore(remembered)), describePlace(postgres)];
    if (before !== after)
      throw new StartError(
        `the state of the data folder ${dataFolder} is in ${before}, and the configuration names ${after}; move the schemas with pg_dump and pg_restore and remove ${join(dataFolder, REMEMBERED)}, or name the former place`,
      );
  }
  rememberStore(dataFolder, choice);
  return postgresInstallation(dataFolder, postgres, { auditKey, leaseSeconds: leaseSecondsOf(choice) });
}

/** @throws StartError for a lease that its own renewal could not keep. */
function leaseSecondsOf({ store }: StoreChoice): number {
  const seconds = store.lease === undefined ? 30 : toSeconds(store.lease, 30);
  if (seconds < 3 || seconds > 600) throw new StartError('store.lease: write a duration from 3s to 10m');
  return seconds;
}

/** The connection that a choice means. @throws StartError */
export function resolveStore({ store, folder }: StoreChoice): PostgresOptions {
  if (hasLiteralPassword(store))
    throw new StartError('the password of the store must not stand in its URL; write ${env:NAME} or ${file:PATH} there, or leave it to PGPASSWORD');
  try {
    return toPostgresOptions(store, folder);
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error });
  }
}

/** Keeps in the data folder where its state is. */
export function rememberStore(dataFolder: string, choice: StoreChoice): void {
  writeFileSync(join(dataFolder, REMEMBERED), JSON.stringify(choice), { mode: 0o600 });
}

/** Where the state of a data folder is, if not in the folder itself. */
export function readRemembered(dataFolder: string): StoreChoice | undefined {
  const file = join(dataFolder, REMEMBERED);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoreChoice) : undefined;
}
