import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlStore } from '../control-store.ts';
import { openSqliteControlStore } from '../sqlite/control-database.ts';
import { type OpenStore, openSqliteConnectorStore } from '../sqlite/open-sqlite-store.ts';

/** A place where a store can be opened, closed and opened again: what the suite needs to know of an implementation. */
export interface StorePlace {
  openConnector(): Promise<OpenStore>;
  openControl(): Promise<ControlStore>;
  /** Removes the place with everything in it. */
  dispose(): Promise<void>;
}

/** An implementation of the store. The suite runs on every one of them. */
export interface StoreImplementation {
  readonly name: string;
  /** Starts what all places share: a server. */
  start(): Promise<void>;
  stop(): Promise<void>;
  createPlace(): Promise<StorePlace>;
}

/** The implementations that can run here. */
export const implementations: readonly StoreImplementation[] = [
  {
    name: 'SQLite',
    start: async () => {},
    stop: async () => {},
    async createPlace() {
      const folder = mkdtempSync(join(tmpdir(), 'landbridge-store-'));
      return {
        openConnector: () => openSqliteConnectorStore({ file: join(folder, 'connector.db'), thread: false }),
        openControl: async () => openSqliteControlStore(join(folder, 'control.db')),
        dispose: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
];
