import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import type { ControlStore } from '../control-store.ts';
import type { OpenStore } from '../open-store.ts';
import { connectorSchema, openSession, type PostgresOptions } from '../postgres/connection.ts';
import { openPostgresControlStore } from '../postgres/control-database.ts';
import { openPostgresConnectorStore } from '../postgres/open-postgres-store.ts';
import { openSqliteControlStore } from '../sqlite/control-database.ts';
import { openSqliteConnectorStore } from '../sqlite/open-sqlite-store.ts';

/** A place where a store can be opened, closed and opened again: what the suite needs to know of an implementation. */
export interface StorePlace {
  openConnector(): Promise<OpenStore>;
  openControl(): Promise<ControlStore>;
  /** Runs statements past the store, as somebody does who can write to the database. */
  execute(part: 'connector' | 'control', sql: string): Promise<void>;
  /** Removes the place with everything in it. */
  dispose(): Promise<void>;
}

/** An implementation of the store. The suite runs on every one of them. */
export interface StoreImplementation {
  readonly name: string;
  createPlace(): Promise<StorePlace>;
}

/** The key of the audits' chains. */
export const AUDIT_KEY: Uint8Array = new Uint8Array(32).fill(7);

/** The implementations that can run here. */
export const implementations: readonly StoreImplementation[] = [
  {
    name: 'SQLite',
    async createPlace() {
      const folder = mkdtempSync(join(tmpdir(), 'landbridge-store-'));
      return {
        openConnector: () => openSqliteConnectorStore({ file: join(folder, 'connector.db'), thread: false, auditKey: AUDIT_KEY }),
        openControl: async () => openSqliteControlStore(join(folder, 'control.db'), AUDIT_KEY),
        async execute(part, sql) {
          const database = new DatabaseSync(join(folder, `${part}.db`));
          database.exec(sql);
          database.close();
        },
        dispose: async () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
  ...(postgresPrograms() === undefined ? [] : [postgres()]),
];

let server: Promise<PrivatePostgres> | undefined;
afterAll(async () => {
  await (await server)?.stop();
});

/** Everything that a connector's store keeps, but for its model. */
const EMPTY = `DELETE FROM entries; DELETE FROM mv; DELETE FROM refs; DELETE FROM links; DELETE FROM link_aliases; DELETE FROM link_external; DELETE FROM claims; DELETE FROM journal;
  DELETE FROM unconfirmed; DELETE FROM runs; DELETE FROM steps; DELETE FROM held; DELETE FROM watermarks; DELETE FROM audit; DELETE FROM audit_chain; DELETE FROM outbox; DELETE FROM event_streams; DELETE FROM event_acks; DELETE FROM event_failures; UPDATE types SET entries = 0;
  UPDATE head SET lease_until = '-infinity', position = 0;`;

/** One server for all places of a test file. Tables cost more than tests: a schema is emptied and used again. */
function postgres(): StoreImplementation {
  const free: PostgresOptions[] = [];
  let made = 0;
  return {
    name: 'PostgreSQL',
    async createPlace() {
      server ??= startPostgres();
      const { url } = await server;
      made += 1;
      // A name that needs quoting.
      const control = { url, schema: `control ${made}` };
      const options = free.pop() ?? { url, schema: `place ${made}` };
      return {
        openConnector: () => openPostgresConnectorStore({ postgres: options, connector: 'hr', owner: 'suite', thread: false, auditKey: AUDIT_KEY }),
        openControl: () => openPostgresControlStore(control, AUDIT_KEY),
        async execute(part, sql) {
          const session = await openSession(options, part === 'control' ? control.schema : connectorSchema(options, 'hr'));
          await session.execute(sql);
          await session.close();
        },
        async dispose() {
          const session = await openSession(options, connectorSchema(options, 'hr'));
          await session.execute(EMPTY).then(
            () => free.push(options),
            // A test of control data has no connector.
            () => {},
          );
          await session.close();
        },
      };
    },
  };
}
