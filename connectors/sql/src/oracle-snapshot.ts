import type { SqlSnapshot } from './database.ts';
import { bindsOf, connectOnce, fetchOptions, runStatement } from './oracle-connection.ts';
import type { OracleConnection, OracleDriver } from './oracle-driver.ts';
import { oracleError } from './oracle-errors.ts';
import { abortable, cancelled } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/**
 * A READ ONLY transaction on one connection, read page by page: no other connection can share its state. A cursor has a connection,
 * and a state, of its own.
 */
export async function openOracleSnapshot(driver: OracleDriver, settings: SqlSettings, signal: AbortSignal): Promise<SqlSnapshot> {
  const connections: OracleConnection[] = [];
  const stop = (connection: OracleConnection): void => void connection.break().catch(() => undefined);
  const abort = (): void => connections.forEach(stop);
  signal.addEventListener('abort', abort, { once: true });

  /** Runs on a connection; what it throws is the contract's. */
  async function guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw signal.aborted ? cancelled() : oracleError(error, 'before-commit');
    }
  }

  async function connect(): Promise<OracleConnection> {
    if (signal.aborted) throw cancelled();
    const connection = await connectOnce(driver, settings);
    connections.push(connection);
    await guarded(() => connection.execute('SET TRANSACTION READ ONLY', {}, fetchOptions(driver)));
    return connection;
  }

  async function close(): Promise<void> {
    signal.removeEventListener('abort', abort);
    // One that is broken has nothing left to close.
    await Promise.all(connections.map((connection) => connection.close().catch(() => undefined)));
  }

  try {
    const main = await connect();
    return {
      query: (sql, values, querySignal) =>
        guarded(() =>
          abortable(
            querySignal,
            () => stop(main),
            () => runStatement(driver, main, sql, values),
          ),
        ),
      async cursor(sql, values, fetchSize) {
        const connection = await connect();
        const options = { ...fetchOptions(driver), resultSet: true, fetchArraySize: fetchSize };
        const { resultSet } = await guarded(() => connection.execute(sql, bindsOf(driver, sql, values), options));
        return {
          read: () => guarded(async () => (await resultSet?.getRows(fetchSize)) ?? []),
          close: async () => resultSet?.close(),
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
