import type { Readable } from 'node:stream';
import type { Connection } from 'mysql2/promise';
import type { SqlCursor, SqlRow, SqlSnapshot, SqlValue } from './database.ts';
import { bindable, cancelStatement, connectOnce, loadDriver, runStatement } from './mysql-connection.ts';
import { mysqlError } from './mysql-errors.ts';
import { abortable, cancelled } from './pooled-connections.ts';
import type { SqlSettings } from './settings.ts';

/** The core of a connection of the driver: what its promises wrap, and what alone can stream. */
interface Streaming {
  readonly connection: {
    execute(options: { readonly sql: string; readonly values: readonly unknown[] }): { stream(options: { readonly highWaterMark: number }): Readable };
  };
}

/**
 * A REPEATABLE READ state on one connection. A connection answers one statement at a time, and no other can share its state:
 * several tables are read page by page with `query`. A cursor streams on a connection, and a state, of its own.
 */
export async function openMysqlSnapshot(settings: SqlSettings, signal: AbortSignal): Promise<SqlSnapshot> {
  const driver = await loadDriver();
  const connections: Connection[] = [];
  const abort = (): void => {
    for (const connection of connections) void cancelStatement(settings, connection);
  };
  signal.addEventListener('abort', abort, { once: true });

  async function connect(): Promise<Connection> {
    const connection = await connectOnce(settings);
    connections.push(connection);
    try {
      // Whoever reads may work on a page for long: the server must not take that for a broken line.
      await connection.query('SET net_write_timeout = 3600');
      await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      return connection;
    } catch (error) {
      throw mysqlError(error, 'before-commit');
    }
  }

  function openCursor(connection: Connection, sql: string, values: readonly SqlValue[], fetchSize: number): SqlCursor {
    const bound = values.map((value) => bindable(driver, value));
    const stream = (connection as unknown as Streaming).connection.execute({ sql, values: bound }).stream({ highWaterMark: fetchSize });
    const rows = stream[Symbol.asyncIterator]() as AsyncIterator<SqlRow>;
    return {
      async read() {
        const page: SqlRow[] = [];
        try {
          while (page.length < fetchSize) {
            if (signal.aborted) throw cancelled();
            const next = await rows.next();
            if (next.done) break;
            page.push(next.value);
          }
          return page;
        } catch (error) {
          throw signal.aborted ? cancelled() : mysqlError(error, 'before-commit');
        }
      },
      async close() {
        stream.destroy();
      },
    };
  }

  const main = await connect();
  return {
    async query(sql, values, querySignal) {
      try {
        return await abortable(
          querySignal,
          () => {},
          () => runStatement(main, sql, values, settings.commandTimeoutSeconds),
        );
      } catch (error) {
        throw mysqlError(error, 'before-commit');
      }
    },
    async cursor(sql, values, fetchSize) {
      if (signal.aborted) throw cancelled();
      return openCursor(await connect(), sql, values, fetchSize);
    },
    async close() {
      signal.removeEventListener('abort', abort);
      // Nothing is owed to these connections: a result that is still coming ends with them.
      for (const connection of connections) connection.destroy();
    },
  };
}
