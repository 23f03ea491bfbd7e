import type { Connection } from 'tedious';
import type { SqlDatabase } from './database.ts';
import { mssqlDialect } from './dialect-mssql.ts';
import { keepConnections } from './idle-connections.ts';
import {
  allowsSnapshots,
  countMssqlRows,
  describeMssqlQuery,
  listMssqlTables,
  missingMssqlPrivileges,
  readMssqlColumns,
  readMssqlWriters,
} from './mssql-catalogue.ts';
import { connectOnce, isOpen, runBatch, runStatement } from './mssql-connection.ts';
import { isBroken, locateMssqlConstraint, mssqlError } from './mssql-errors.ts';
import { openMssqlSnapshot } from './mssql-snapshot.ts';
import { createPooledConnections } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/** Opens a SQL Server application. @throws ConnectorError. */
export async function openMssql(settings: SqlSettings): Promise<SqlDatabase> {
  const pool = keepConnections<Connection>({ connect: () => connectOnce(settings), isOpen, end: (client) => client.close() });
  const server = createPooledConnections<Connection>({
    size: settings.poolSize,
    take: pool.take,
    giveBack: pool.giveBack,
    run: runStatement,
    begin: (client) => runBatch(client, 'BEGIN TRANSACTION'),
    commit: (client) => runBatch(client, 'COMMIT TRANSACTION'),
    // A deadlock, and many a trigger, has rolled back already.
    rollback: (client) => runBatch(client, 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION'),
    cancel: (client) => void client.cancel(),
    errorOf: mssqlError,
    isBroken,
  });
  const { query } = server;
  try {
    const snapshots = await allowsSnapshots(query);
    return {
      dialect: mssqlDialect(),
      query,
      runUnits: server.runUnits,
      snapshot: (signal) => openMssqlSnapshot(settings, snapshots, signal),
      columns: (table, schema) => readMssqlColumns(query, table, schema),
      tables: (schema) => listMssqlTables(query, schema),
      queryColumns: (sql) => describeMssqlQuery(query, sql),
      countRows: (table, schema) => countMssqlRows(query, table, schema),
      missingPrivileges: (table, schema) => missingMssqlPrivileges(query, table, schema),
      writersNow: () => readMssqlWriters(query),
      locate: (error) => locateMssqlConstraint(query, error),
      close: async () => pool.close(),
    };
  } catch (error) {
    pool.close();
    throw error;
  }
}
