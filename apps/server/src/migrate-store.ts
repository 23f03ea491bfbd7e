import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { type MovedPart, migrateFromSqlite, openDataFolder } from '@landbridge/store';
import { readRemembered, rememberStore, resolveStore, type StoreChoice } from './choose-store.ts';
import { describePlace } from './configuration/store-configuration.ts';
import { StartError } from './start-error.ts';

/** Where the files go that were moved: they are not deleted. */
const LEFT = 'sqlite-before-migration';

/** What a migration did. */
export interface StoreMigration {
  readonly place: string;
  readonly parts: readonly MovedPart[];
  /** The folder with the former files. */
  readonly left: string;
}

/**
 * Moves the state of a data folder from its SQLite files into a PostgreSQL database, checks the numbers of rows, and has the
 * folder remember the new place. It can be repeated after any interruption: the folder changes over at the very end.
 *
 * @throws StartError when the host runs, the state is elsewhere already, or the target cannot take it.
 */
export async function migrateStore(options: { readonly dataFolder: string; readonly to: string; report?(part: MovedPart): void }): Promise<StoreMigration> {
  const { dataFolder } = options;
  if (!existsSync(dataFolder)) throw new StartError(`the data folder ${dataFolder} does not exist; name it with --data`);
  const choice: StoreChoice = { store: { postgres: options.to }, folder: process.cwd() };
  const postgres = resolveStore(choice);
  const place = describePlace(postgres);
  const left = join(dataFolder, LEFT);
  const lock = lockFolder(dataFolder);
  try {
    const remembered = readRemembered(dataFolder);
    if (remembered !== undefined && describePlace(resolveStore(remembered)) !== place)
      throw new StartError(`the state of the data folder ${dataFolder} is in ${describePlace(resolveStore(remembered))} already`);
    if (remembered === undefined && !existsSync(join(dataFolder, 'control.db')))
      throw new StartError(`the data folder ${dataFolder} has no state in SQLite files: there is nothing to move`);
    const parts = remembered === undefined ? await migrateFromSqlite(dataFolder, postgres, options.report ?? (() => {})) : [];
    // From here on the state is in the database: what follows only tidies up.
    if (remembered === undefined) rememberStore(dataFolder, choice);
    putAside(dataFolder, left);
    return { place, parts, left };
  } catch (error) {
    throw error instanceof StartError ? error : new StartError(messageOf(error), { cause: error });
  } finally {
    lock.release();
  }
}

function lockFolder(dataFolder: string): ReturnType<typeof openDataFolder> {
  try {
    return openDataFolder(dataFolder);
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error });
  }
}

function putAside(dataFolder: string, left: string): void {
  const connectors = join(dataFolder, 'connectors');
  const folders = [dataFolder, ...(existsSync(connectors) ? readdirSync(connectors).map((name) => join(connectors, name)) : [])];
  for (const folder of folders)
    for (const name of ['control.db', 'connector.db'])
      for (const suffix of ['', '-wal', '-shm']) {
        const file = join(folder, `${name}${suffix}`);
        if (!existsSync(file)) continue;
        const target = join(left, relative(dataFolder, file));
        mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
        renameSync(file, target);
      }
}
