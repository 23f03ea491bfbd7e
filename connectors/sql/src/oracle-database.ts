import type { SqlDatabase } from './database.ts';
import { oracleDialect } from './dialect-oracle.ts';
import { keepConnections } from './idle-connections.ts';
import {
  countOracleRows,
  describeOracleColumns,
  listOracleTables,
  missingOraclePrivileges,
  oracleCatalogue,
  readOracleColumns,
  readOracleWriters,
} from './oracle-catalogue.ts';
import { connectOnce, fetchOptions, runStatement } from './oracle-connection.ts';
import { loadOracle, type OracleConnection, type OracleDriver } from './oracle-driver.ts';
import { isBroken, locateOracleConstraint, oracleError } from './oracle-errors.ts';
import { openOracleSnapshot } from './oracle-snapshot.ts';
import { createPooledConnections } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/** Opens an Oracle application. @throws ConnectorError. */
export async function openOracle(settings: SqlSettings): Promise<SqlDatabase> {
  return openOracleWith(await loadOracle(), settings);
}

/** The same with a driver that is given: the tests have one of their own. */
export async function openOracleWith(driver: OracleDriver, settings: SqlSettings): Promise<SqlDatabase> {
  const end = (client: OracleConnection): void => void client.close().catch(() => undefined);
  const pool = keepConnections<OracleConnection>({ connect: () => connectOnce(driver, settings), isOpen: (client) => client.isHealthy(), end });
  const server = createPooledConnections<OracleConnection>({
    size: settings.poolSize,
    take: pool.take,
    giveBack: pool.giveBack,
    run: (client, sql, values) => runStatement(driver, client, sql, values),
    // A transaction begins by itself; whether the connection is alive shows here.
    begin: (client) => client.ping(),
    commit: (client) => client.commit(),
    rollback: (client) => client.rollback(),
    cancel: (client) => void client.break().catch(() => undefined),
    errorOf: oracleError,
    isBroken,
  });
  const { query } = server;
  try {
    const { rows } = await query(oracleCatalogue.facts, []);
    return {
      dialect: oracleDialect({ isUnicode: /^(AL32)?UTF8$/.test(String(rows[0]?.[0])) }),
      query,
      runUnits: server.runUnits,
      snapshot: (signal) => openOracleSnapshot(driver, settings, signal),
      columns: (table, schema) => readOracleColumns(query, table, schema),
      tables: (schema) => listOracleTables(query, schema),
      queryColumns: (sql) =>
        server.lend(undefined, async (client) =>
          describeOracleColumns((await client.execute(`SELECT * FROM (${sql}) m WHERE 1 = 0`, {}, fetchOptions(driver))).metaData ?? []),
        ),
      countRows: (table, schema) => countOracleRows(query, table, schema),
      missingPrivileges: (table, schema) => missingOraclePrivileges(query, table, schema),
      writersNow: () => readOracleWriters(query),
      locate: (error) => locateOracleConstraint(query, error),
      close: async () => pool.close(),
    };
  } catch (error) {
    pool.close();
    throw error;
  }
}
