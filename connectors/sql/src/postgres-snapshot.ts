import pg from 'pg';
import Cursor from 'pg-cursor';
import type { SqlCursor, SqlRow, SqlSnapshot, SqlValue } from './database.ts';
import { cancelled } from './pooled-connections.ts';
import { AS_TEXT, cancelStatement, connectOnce } from './postgres-connection.ts';
import { postgresError } from './postgres-errors.ts';
import type { SqlSettings } from './settings.ts';

/** Opens a cursor on a connection inside a transaction; the next page is fetched while the last one is worked on. */
function openPostgresCursor(client: pg.Client, sql: string, values: readonly SqlValue[], fetchSize: number, signal: AbortSignal): SqlCursor {
  const cursor = client.query(new Cursor(sql, [...values], { rowMode: 'array', types: AS_TEXT }));
  let broken: unknown;
  const onEnd = (): void => {
    broken ??= new Error('Connection terminated unexpectedly');
  };
  client.once('end', onEnd);
  let ahead: Promise<readonly SqlRow[]> | undefined;
  const fetch = (): Promise<readonly SqlRow[]> => {
    // `rowMode: 'array'` makes rows arrays. A page that nobody waits for yet must not count as an unhandled rejection.
    const page = cursor.read(fetchSize) as Promise<readonly SqlRow[]>;
    page.catch(() => {});
    return page;
  };
  return {
    async read() {
      if (signal.aborted) throw cancelled();
      try {
        if (ahead === undefined && broken !== undefined) throw broken;
        const rows = await (ahead ?? fetch());
        ahead = rows.length === 0 ? Promise.resolve([]) : fetch();
        return rows;
      } catch (error) {
        throw signal.aborted ? cancelled() : postgresError(error, 'before-commit');
      }
    },
    async close() {
      client.removeListener('end', onEnd);
      if (broken === undefined) await cursor.close();
    },
  };
}

/**
 * One connection for each open cursor, all in one REPEATABLE READ state: the first connection exports its snapshot, and
 * holds it until the end.
 */
export function openPostgresSnapshot(settings: SqlSettings, signal: AbortSignal): SqlSnapshot {
  const clients: pg.Client[] = [];
  const idle: pg.Client[] = [];
  let snapshot: string | undefined;
  const abort = (): void => {
    for (const client of clients) void cancelStatement(settings, client);
  };
  signal.addEventListener('abort', abort, { once: true });

  async function connect(): Promise<pg.Client> {
    const known = idle.pop();
    if (known !== undefined) return known;
    const client = await connectOnce(settings);
    clients.push(client);
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (snapshot === undefined) {
        const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
        snapshot = rows[0]?.id ?? '';
      } else await client.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`);
      return client;
    } catch (error) {
      throw postgresError(error, 'before-commit');
    }
  }

  return {
    async cursor(sql, values, fetchSize) {
      if (signal.aborted) throw cancelled();
      const client = await connect();
      const cursor = openPostgresCursor(client, sql, values, fetchSize, signal);
      return {
        read: cursor.read,
        async close() {
          await cursor.close();
          idle.push(client);
        },
      };
    },
    async close() {
      signal.removeEventListener('abort', abort);
      // Ending a connection ends its transaction, and a statement that still runs.
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}
