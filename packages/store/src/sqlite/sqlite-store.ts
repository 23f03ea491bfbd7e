import type { ConnectorStore, StoreModel } from '../connector-store.ts';
import { type Database, openForWriting } from './database.ts';
import type { StoreState } from './entry-rows.ts';
import { createImportCommands } from './import-commands.ts';
import { applyModel, readModel } from './stored-model.ts';
import { createTables, flag } from './tables.ts';
import { createWriteCommands } from './write-commands.ts';

/** The commands of a store as plain synchronous functions: what the store thread runs. */
export type StoreCommands = {
  readonly [Name in keyof ConnectorStore]: (...values: Parameters<ConnectorStore[Name]>) => Awaited<ReturnType<ConnectorStore[Name]>>;
};

/** Opens a connector's file for writing and makes its commands. */
export function openStoreCommands(file: string): StoreCommands {
  const database = openForWriting(file);
  createTables(database);
  const state = readState(database);
  return {
    configure(model: StoreModel) {
      const changed = applyModel(database, model);
      if (changed) state.model = readModel(database).model;
      return { changed };
    },
    ...createWriteCommands(state),
    ...createImportCommands(state),
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

/** What the store thread remembers, from the file. */
function readState(database: Database): StoreState {
  const open = new Map<number, { journalId: number; kind: string; otype: number; inDoubtSince: number | undefined }>();
  const position = Number(database.get("SELECT value FROM meta WHERE name = 'position'")?.['value'] ?? 0);
  for (const row of database.all("SELECT id, kind, otype, entry FROM journal WHERE state IN ('held', 'intended', 'in-doubt')")) {
    // Whatever an earlier process left open is in doubt from now on (R13).
    open.set(Number(row['entry']), {
      journalId: Number(row['id']),
      kind: String(row['kind']),
      otype: Number(row['otype']),
      inDoubtSince: position,
    });
  }
  const sequence = Number(database.get("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")?.['seq'] ?? 0);
  const journalled = Number(database.get('SELECT max(entry) AS entry FROM journal')?.['entry'] ?? 0);
  return {
    database,
    position,
    model: readModel(database).model,
    open,
    nextEntryId: Math.max(sequence, journalled) + 1,
    unresolved: Number(database.get('SELECT count(*) AS n FROM unresolved')?.['n'] ?? 0),
    links: database.get('SELECT 1 AS one FROM links LIMIT 1') !== undefined,
    grown: new Map(),
    removed: 0,
    pending: Number(database.get(`SELECT count(*) AS n FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0`)?.['n'] ?? 0),
  };
}
