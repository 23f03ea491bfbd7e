import type { Connection, PoolConnection } from 'mysql2/promise';
import type { SqlDatabase, SqlValue, StatementResult } from './database.ts';
import { mysqlDialect } from './dialect-mysql.ts';
import { countMysqlRows, describeMysqlFields, listMysqlTables, missingMysqlPrivileges, readMysqlColumns, readMysqlWriters } from './mysql-catalogue.ts';
import {
  cancelStatement,
  connectError,
  connectOnce,
  describeStatement,
  loadDriver,
  mysqlOptions,
  runStatement,
  sessionStatements,
} from './mysql-connection.ts';
import { isBroken, locateMysqlConstraint, mysqlError } from './mysql-errors.ts';
import { openMysqlSnapshot } from './mysql-snapshot.ts';
import { createPooledConnections } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/** Opens a MariaDB or MySQL application. @throws ConnectorError. */
export async function openMysql(settings: SqlSettings): Promise<SqlDatabase> {
  const { returning, session } = await readFacts(settings);
  const driver = await loadDriver();
  const pool = driver.createPool({ ...mysqlOptions(settings), connectionLimit: settings.poolSize, maxIdle: settings.poolSize, idleTimeout: 30_000 });
  const known = new WeakSet<Connection>();
  const run = (client: PoolConnection, sql: string, values: readonly SqlValue[]): Promise<StatementResult> =>
    runStatement(client, sql, values, settings.commandTimeoutSeconds);
  const server = createPooledConnections<PoolConnection>({
    size: settings.poolSize,
    async take() {
      try {
        const client = await pool.getConnection();
        const { connection } = client;
        if (known.has(connection)) return client;
        for (const sql of session) await client.query(sql);
        known.add(connection);
        return client;
      } catch (error) {
        throw connectError(error, settings);
      }
    },
    giveBack: (client, broken) => (broken ? client.destroy() : client.release()),
    run,
    begin: async (client) => void (await client.query('START TRANSACTION')),
    commit: async (client) => void (await client.query('COMMIT')),
    rollback: async (client) => void (await client.query('ROLLBACK')),
    cancel: (client) => void cancelStatement(settings, client),
    errorOf: mysqlError,
    isBroken,
  });
  const { query } = server;
  let closing: Promise<void> | undefined;
  return {
    dialect: mysqlDialect({ returning }),
    query,
    runUnits: server.runUnits,
    snapshot: (signal) => openMysqlSnapshot(settings, signal),
    columns: (table, schema) => readMysqlColumns(query, table, schema),
    tables: (schema) => listMysqlTables(query, schema),
    queryColumns: async (sql) =>
      describeMysqlFields(await server.lend(undefined, (client) => describeStatement(client, `SELECT * FROM (${sql}) AS m LIMIT 0`))),
    countRows: (table, schema) => countMysqlRows(query, table, schema),
    missingPrivileges: (table, schema) => missingMysqlPrivileges(query, table, schema),
    writersNow: () => readMysqlWriters(query),
    locate: (error) => locateMysqlConstraint(query, error),
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}

/** What the sessions of this server need, and what it can do. */
async function readFacts(settings: SqlSettings): Promise<{ readonly returning: boolean; readonly session: readonly string[] }> {
  const connection = await connectOnce(settings);
  try {
    const { rows } = await runStatement(connection, "SELECT version(), @@log_bin = 0 OR @@binlog_format <> 'STATEMENT'", [], settings.commandTimeoutSeconds);
    const version = String(rows[0]?.[0]);
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)\.\d+-MariaDB/i.exec(version) ?? [];
    const returning = Number(major) > 10 || (Number(major) === 10 && Number(minor) >= 5);
    // Gap locks make parallel inserts wait for each other; a log of statements needs them.
    const isolation = String(rows[0]?.[1]) === '1' ? ['SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'] : [];
    return { returning, session: [...sessionStatements(settings), ...isolation] };
  } catch (error) {
    throw connectError(error, settings);
  } finally {
    connection.destroy();
  }
}
