import type { ConnectorStore, StoreModel } from '../connector-store.ts';
import { openForWriting } from './database.ts';
import { readFileState, type StoreState } from './entry-rows.ts';
import { createImportCommands } from './import-commands.ts';
import { createOutboxCommands } from './outbox.ts';
import { applyModel, readModel } from './stored-model.ts';
import { createTables } from './tables.ts';
import { createWriteCommands } from './write-commands.ts';

/** The commands of a store as plain synchronous functions: what the store thread runs. */
export type StoreCommands = {
  readonly [Name in keyof ConnectorStore]: (...values: Parameters<ConnectorStore[Name]>) => Awaited<ReturnType<ConnectorStore[Name]>>;
};

/** Opens a connector's file for writing and makes its commands. */
export function openStoreCommands(file: string): StoreCommands {
  const database = openForWriting(file);
  createTables(database);
  const state: StoreState = { database, model: readModel(database).model, removed: 0, grown: new Map(), announces: false, ...readFileState(database) };
  return {
    configure(model: StoreModel) {
      const changed = applyModel(database, model);
      if (changed) state.model = readModel(database).model;
      return { changed };
    },
    ...createWriteCommands(state),
    ...createImportCommands(state),
    ...createOutboxCommands(state),
    checkpoint() {
      const row = database.get('PRAGMA wal_checkpoint(TRUNCATE)');
      return Number(row?.['log'] ?? 0) * 4096;
    },
    backup(target) {
      database.execute(`VACUUM INTO '${target.replaceAll("'", "''")}'`);
    },
    close() {
      database.execute('PRAGMA analysis_limit=1000; PRAGMA optimize;');
      database.close();
    },
  };
}
