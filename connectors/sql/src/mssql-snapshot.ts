import type { Connection } from 'tedious';
import type { SqlCursor, SqlRow, SqlSnapshot, SqlValue } from './database.ts';
import { connectOnce, createRequest, loadDriver, runBatch, runStatement } from './mssql-connection.ts';
import { mssqlError } from './mssql-errors.ts';
import { abortable, cancelled } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/**
 * A state of the database on one connection, read page by page: a connection answers one statement at a time, and no other can
 * share its state. Where the database allows no snapshots (ALLOW_SNAPSHOT_ISOLATION) each page is read as it is committed: a row
 * that is there throughout is never missed, but rows of side tables may be newer than their owner.
 */
export async function openMssqlSnapshot(settings: SqlSettings, snapshots: boolean, signal: AbortSignal): Promise<SqlSnapshot> {
  const driver = await loadDriver();
  const connections: Connection[] = [];
  const abort = (): void => {
    for (const connection of connections) connection.close();
  };
  signal.addEventListener('abort', abort, { once: true });

  async function connect(): Promise<Connection> {
    if (signal.aborted) throw cancelled();
    const connection = await connectOnce(settings);
    connections.push(connection);
    try {
      if (snapshots) {
        await runBatch(connection, 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT');
        await runBatch(connection, 'BEGIN TRANSACTION');
      }
      return connection;
    } catch (error) {
      throw mssqlError(error, 'before-commit');
    }
  }

  function openCursor(connection: Connection, sql: string, values: readonly SqlValue[], fetchSize: number): SqlCursor {
    const rows: SqlRow[] = [];
    let state: { readonly error?: unknown } | undefined;
    let wake = (): void => {};
    const request = createRequest(
      driver,
      sql,
      values,
      (row) => {
        rows.push(row);
        // The driver stops reading from the socket, and the server stops sending.
        if (rows.length >= fetchSize) request.pause();
        wake();
      },
      (error) => {
        state = error === null || error === undefined ? {} : { error };
        wake();
      },
    );
    // Whoever reads may work on a page for long.
    request.setTimeout(0);
    connection.execSql(request);
    return {
      async read() {
        while (rows.length < fetchSize && state === undefined) {
          const more = new Promise<void>((resolve) => {
            wake = resolve;
          });
          request.resume();
          await more;
        }
        if (signal.aborted) throw cancelled();
        if (state?.error !== undefined) throw mssqlError(state.error, 'before-commit');
        return rows.splice(0, fetchSize);
      },
      async close() {
        connection.close();
      },
    };
  }

  let main: Connection;
  try {
    main = await connect();
  } catch (error) {
    signal.removeEventListener('abort', abort);
    for (const connection of connections) connection.close();
    throw error;
  }
  return {
    async query(sql, values, querySignal) {
      try {
        return await abortable(
          querySignal,
          () => void main.cancel(),
          () => runStatement(main, sql, values),
        );
      } catch (error) {
        throw signal.aborted ? cancelled() : mssqlError(error, 'before-commit');
      }
    },
    cursor: async (sql, values, fetchSize) => openCursor(await connect(), sql, values, fetchSize),
    async close() {
      signal.removeEventListener('abort', abort);
      // Nothing is owed to these connections: a result that is still coming ends with them.
      for (const connection of connections) connection.close();
    },
  };
}
