import pg from 'pg';
import type { SqlDatabase, SqlValue, StatementResult } from './database.ts';
import { postgresDialect } from './dialect-postgres.ts';
import { createPooledConnections, type PooledConnections } from './pooled-connections.ts';
import {
  countPostgresRows,
  describePostgresFields,
  listPostgresTables,
  missingPostgresPrivileges,
  readPostgresColumns,
  readPostgresWriters,
} from './postgres-catalogue.ts';
import { cancelStatement, connectError, connectionOf, runStatement } from './postgres-connection.ts';
import { isBroken, locatePostgresConstraint, postgresError } from './postgres-errors.ts';
import { openPostgresSnapshot } from './postgres-snapshot.ts';
import type { SqlSettings } from './settings.ts';

/** Opens a PostgreSQL application: a pool, and what the statements depend on. @throws ConnectorError. */
export async function openPostgres(settings: SqlSettings): Promise<SqlDatabase> {
  const pool = new pg.Pool({
    ...connectionOf(settings),
    max: settings.poolSize,
    idleTimeoutMillis: 30_000,
    statement_timeout: settings.commandTimeoutSeconds * 1000,
  });
  // An idle connection that breaks is replaced by the pool; one at work fails its statement. The events alone would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const limit = settings.commandTimeoutSeconds;
  const run = (client: pg.PoolClient, sql: string, values: readonly SqlValue[]): Promise<StatementResult> => runStatement(client, sql, values, limit);
  const server = createPooledConnections<pg.PoolClient>({
    size: settings.poolSize,
    async take() {
      try {
        return await pool.connect();
      } catch (error) {
        throw connectError(error, settings);
      }
    },
    giveBack: (client, broken) => client.release(broken),
    run,
    begin: async (client) => void (await run(client, 'BEGIN', [])),
    commit: async (client) => void (await run(client, 'COMMIT', [])),
    rollback: async (client) => void (await client.query('ROLLBACK')),
    cancel: (client) => void cancelStatement(settings, client),
    errorOf: postgresError,
    isBroken,
  });
  try {
    const { rows } = await server.query("SELECT current_setting('server_encoding'), (SELECT datctype FROM pg_database WHERE datname = current_database())", []);
    return databaseOf(pool, settings, server, { encoding: String(rows[0]?.[0]), characterType: String(rows[0]?.[1]) });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function databaseOf(
  pool: pg.Pool,
  settings: SqlSettings,
  server: PooledConnections<pg.PoolClient>,
  facts: { readonly encoding: string; readonly characterType: string },
): SqlDatabase {
  const { query } = server;
  const describe = (sql: string): Promise<readonly pg.FieldDef[]> =>
    server.lend(undefined, async (client) => (await client.query(`SELECT * FROM (${sql}) AS m LIMIT 0`)).fields);
  let closing: Promise<void> | undefined;
  return {
    dialect: postgresDialect(facts),
    query,
    runUnits: server.runUnits,
    snapshot: async (signal) => openPostgresSnapshot(settings, signal),
    columns: (table, schema) => readPostgresColumns(query, table, schema),
    tables: (schema) => listPostgresTables(query, schema),
    queryColumns: async (sql) => describePostgresFields(query, await describe(sql)),
    countRows: (table, schema) => countPostgresRows(query, table, schema),
    missingPrivileges: (table, schema) => missingPostgresPrivileges(query, table, schema),
    writersNow: () => readPostgresWriters(query),
    locate: async (error) => locatePostgresConstraint(error),
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}
