import { NO_AUDIT_KEY } from '../audit-chain.ts';
import type { ConnectorStore, Intent, StoreModel } from '../connector-store.ts';
import { attributeOf, typeOf } from '../rules/stored-model.ts';
import { limitLog, openForWriting, PAGE_BYTES } from './database.ts';
import { makeDeferredIndexes } from './deferred-indexes.ts';
import { readFileState, type StoreState } from './entry-rows.ts';
import { createImportCommands } from './import-commands.ts';
import { keyIndex } from './key-columns.ts';
import { createOutboxCommands } from './outbox.ts';
import { forgetOld } from './retention.ts';
import { applyModel, readModel } from './stored-model.ts';
import { createTables } from './tables.ts';
import { createWriteCommands } from './write-commands.ts';

/** The commands of a store as plain synchronous functions: what the store thread runs. */
export type StoreCommands = {
  readonly [Name in keyof ConnectorStore]: (...values: Parameters<ConnectorStore[Name]>) => Awaited<ReturnType<ConnectorStore[Name]>>;
} & {
  /** Makes one of the indexes that a first import goes without, the one named or the next; `done`: none of those asked for waits any more. */
  makeIndex(name?: string): { readonly done: boolean };
};

/** What looks for entries by more than their names, or ends a first import: never without the indexes. */
const INDEXED = ['configure', 'commitLinkChanges', 'decideHeldWrites', 'planRemovals', 'removeChunk', 'removeUnshown', 'endStep', 'removeHeldChunk'];

/** Opens a connector's file for writing and makes its commands. */
export function openStoreCommands(file: string, auditKey: Uint8Array = NO_AUDIT_KEY): StoreCommands {
  const database = openForWriting(file);
  createTables(database, file);
  // A first import that a crash cut off left them.
  makeDeferredIndexes(database);
  const state: StoreState = {
    database,
    auditKey,
    model: readModel(database).model,
    removed: 0,
    deferred: false,
    grown: new Map(),
    announces: false,
    ...readFileState(database),
  };
  const commands: StoreCommands = {
    makeIndex(name) {
      const isWanted = (index: string): boolean => name === undefined || index === name;
      return { done: !needIndexes(state, isWanted, 1).some(isWanted) };
    },
    configure(model: StoreModel) {
      const changed = applyModel(database, model);
      if (changed) state.model = readModel(database).model;
      return { changed };
    },
    ...createWriteCommands(state),
    ...createImportCommands(state),
    ...createOutboxCommands(state),
    forgetOverlay: () => void database.run("DELETE FROM meta WHERE name = 'overlay'"),
    settleDrifts: (journalIds) => void database.run('DELETE FROM drifts WHERE journal IN (SELECT value FROM json_each(?))', JSON.stringify(journalIds)),
    forgetOld: (retention) => forgetOld(state, retention),
    checkpoint() {
      // The log begins again in the file it has: a commit that overwrites costs half of one that makes the file grow.
      const row = database.get('PRAGMA wal_checkpoint(RESTART)');
      limitLog(database, 'writes');
      return Math.max(0, Number(row?.['log'] ?? 0)) * PAGE_BYTES;
    },
    backup(target) {
      database.execute(`VACUUM INTO '${target.replaceAll("'", "''")}'`);
    },
    close: () => database.close(),
  };
  return {
    ...commands,
    ...Object.fromEntries(INDEXED.map((name) => [name, afterLoading(state, commands[name as keyof StoreCommands])])),
    commitIntents(intents) {
      const claimed = intents.every(isCreate) ? claimIndexes(state, intents) : undefined;
      needIndexes(state, (name) => claimed?.has(name) ?? true);
      return commands.commitIntents(intents);
    },
    commitResults(results) {
      const areCreates = [...state.open.values()].every(({ kind }) => kind === 'add');
      needIndexes(state, () => !areCreates);
      return commands.commitResults(results);
    },
  };
}

function afterLoading(state: StoreState, command: StoreCommands[keyof StoreCommands]): (...values: readonly unknown[]) => unknown {
  return (...values) => {
    needIndexes(state);
    // The values are those of the command: only when it begins is ours.
    return (command as (...all: readonly unknown[]) => unknown)(...values);
  };
}

/** Makes what a first import goes without and is wanted; returns the names of what still waits. */
function needIndexes(state: StoreState, wanted: (name: string) => boolean = () => true, atMost?: number): readonly string[] {
  if (!state.deferred) return [];
  const waiting = makeDeferredIndexes(state.database, wanted, atMost);
  state.deferred = waiting.length > 0;
  return waiting;
}

/** A new entry is nobody's target, and its link is new: only what it claims is looked for. */
function isCreate(intent: Intent): boolean {
  return intent.kind === 'add' && intent.entryId === undefined;
}

function claimIndexes(state: StoreState, intents: readonly Intent[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { objectType, claims } of intents)
    for (const { attribute } of claims) {
      const { column } = attributeOf(typeOf(state, objectType), attribute);
      if (column !== undefined) names.add(keyIndex(column));
    }
  return names;
}
