import { readFileSync } from 'node:fs';
import { ConnectorError, type Value } from '@landbridge/connector-sdk';
import pg from 'pg';
import Cursor from 'pg-cursor';
import {
  type CatalogueColumn,
  type Dialect,
  quote,
  type SqlConnection,
  type SqlCursor,
  type SqlDatabase,
  type SqlRow,
  type SqlSnapshot,
  type SqlValue,
} from './database.ts';
import { postgresError } from './postgres-errors.ts';
import type { SqlSettings } from './settings.ts';

/** PostgreSQL's ways. Everything is read as text, so that nothing is lost on the way (64-bit integers, decimals, times). */
export const postgresDialect: Dialect = {
  name: 'postgres',
  placeholder: (index) => `$${index}`,
  textCollation: 'COLLATE "C"',
  fold: (expression) => `lower(${expression}::text)`,
  toSql: (value) => (typeof value === 'bigint' ? value.toString() : value instanceof Uint8Array ? Buffer.from(value) : value),
  reader: (type) => READERS[type],
};

const READERS: Readonly<Record<CatalogueColumn['type'], (value: unknown) => Value | undefined>> = {
  string: (value) => (value === null ? undefined : (value as string)),
  integer: (value) => (value === null ? undefined : BigInt(value as string)),
  boolean: (value) => (value === null ? undefined : value === 't' || value === 'true' || value === '1'),
  binary: (value) => (value === null ? undefined : Buffer.from((value as string).slice(2), 'hex')),
};

const AS_TEXT = { getTypeParser: () => (value: unknown) => value };

/** Opens a PostgreSQL application. Connections are made when they are needed. */
export function openPostgres(settings: SqlSettings): SqlDatabase {
  const config: pg.PoolConfig = {
    ...connectionOf(settings),
    max: settings.poolSize,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 10_000,
    statement_timeout: settings.commandTimeoutSeconds * 1000,
    application_name: 'landbridge',
    keepAlive: true,
  };
  const pool = new pg.Pool(config);
  // An idle connection that breaks is replaced by the pool; the next statement tells if the server is gone.
  pool.on('error', () => {});

  async function acquire(): Promise<pg.PoolClient> {
    try {
      return await pool.connect();
    } catch (error) {
      throw postgresError(error, false);
    }
  }

  async function query(sql: string, values: readonly SqlValue[]): Promise<{ readonly rows: readonly SqlRow[]; readonly changes: number }> {
    const client = await acquire();
    let broken: ConnectorError | undefined;
    try {
      return await runOn(client, sql, values);
    } catch (error) {
      broken = postgresError(error, true);
      throw broken;
    } finally {
      client.release(broken?.code === 'connection-dropped');
    }
  }

  return {
    dialect: postgresDialect,
    query,
    async transaction(work) {
      const client = await acquire();
      let failure: ConnectorError | undefined;
      try {
        await client.query('BEGIN');
        const result = await work({ query: (sql, values) => runOn(client, sql, values) });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        failure = postgresError(error, true);
        if (failure.code !== 'connection-dropped') await rollback(client);
        throw failure;
      } finally {
        client.release(failure?.code === 'connection-dropped');
      }
    },
    snapshot: (signal) => openSnapshot(settings, signal),
    columns: (table, schema) => readColumns(query, table, schema),
    async queryColumns(sql) {
      const client = await acquire();
      try {
        const { fields } = await client.query(`SELECT * FROM (${sql}) landbridge_query LIMIT 0`);
        return fields.map(
          (field): CatalogueColumn => ({ name: field.name, type: typeOfOid(field.dataTypeID), declared: '', nullable: true, defaulted: false, unique: false }),
        );
      } catch (error) {
        throw postgresError(error, true);
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

/** A rollback that fails means that the connection is gone, and with it the transaction. */
async function rollback(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
  } catch {
    client.release(true);
  }
}

/** Named statements are planned once for each connection. */
const names = new Map<string, string>();

async function runOn(client: pg.ClientBase, sql: string, values: readonly SqlValue[]): Promise<{ readonly rows: readonly SqlRow[]; readonly changes: number }> {
  let name = names.get(sql);
  if (name === undefined && names.size < 500) {
    name = `landbridge_${names.size}`;
    names.set(sql, name);
  }
  const result = await client.query({ ...(name === undefined ? {} : { name }), text: sql, values: values as unknown[], rowMode: 'array', types: AS_TEXT });
  return { rows: result.rows as SqlRow[], changes: result.rowCount ?? 0 };
}

/** How to connect, for pools and for single connections. */
export function connectionOf(settings: SqlSettings): pg.ClientConfig {
  const ssl =
    settings.tls.mode === 'disable'
      ? undefined
      : { rejectUnauthorized: settings.tls.mode === 'verify-full', ...(settings.tls.ca === undefined ? {} : { ca: readFileSync(settings.tls.ca, 'utf8') }) };
  if (settings.url !== undefined) return { connectionString: settings.url, ...(ssl === undefined ? {} : { ssl }) };
  return {
    host: settings.host ?? 'localhost',
    port: settings.port ?? 5432,
    ...(settings.database === undefined ? {} : { database: settings.database }),
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** One connection for each cursor, all in the snapshot of the first. */
async function openSnapshot(settings: SqlSettings, signal: AbortSignal): Promise<SqlSnapshot> {
  const clients: pg.Client[] = [];
  let snapshot: string | undefined;
  const abort = (): void => {
    for (const client of clients) void client.end();
  };
  signal.addEventListener('abort', abort, { once: true });

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...connectionOf(settings), connectionTimeoutMillis: 10_000, application_name: 'landbridge import' });
    client.on('error', () => {});
    try {
      await client.connect();
      clients.push(client);
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (snapshot === undefined) snapshot = String((await client.query('SELECT pg_export_snapshot() AS id')).rows[0]?.id);
      else await client.query(`SET TRANSACTION SNAPSHOT '${snapshot.replaceAll("'", "''")}'`);
      return client;
    } catch (error) {
      throw postgresError(error, false);
    }
  }

  return {
    async cursor(sql, values, fetchSize): Promise<SqlCursor> {
      const client = await connect();
      const cursor = client.query(new Cursor(sql, values as unknown[], { rowMode: 'array', types: AS_TEXT }));
      // The next page is fetched while this one is worked on.
      let ahead: Promise<readonly SqlRow[]> | undefined;
      const fetch = (): Promise<readonly SqlRow[]> => {
        const page = cursor.read(fetchSize) as Promise<readonly SqlRow[]>;
        page.catch(() => {});
        return page;
      };
      return {
        async read() {
          try {
            const rows = await (ahead ?? fetch());
            ahead = rows.length === 0 ? Promise.resolve([]) : fetch();
            return rows;
          } catch (error) {
            if (signal.aborted) throw new ConnectorError('cancelled', 'the run was cancelled');
            throw postgresError(error, true);
          }
        },
      };
    },
    async close() {
      signal.removeEventListener('abort', abort);
      await Promise.all(clients.map((client) => client.end()));
    },
  };
}

type Query = SqlConnection['query'];

const COLUMNS = `
  SELECT a.attname, format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
    EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND i.indexprs IS NULL)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

async function readColumns(query: Query, table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]> {
  const name = schema === undefined ? quote(table) : `${quote(schema)}.${quote(table)}`;
  const { rows } = await query(COLUMNS, [name]);
  return rows.map((row): CatalogueColumn => {
    const declared = String(row[1]);
    return { name: String(row[0]), declared, type: typeOfName(declared), nullable: row[2] !== 't', defaulted: row[3] === 't', unique: row[4] === 't' };
  });
}

function typeOfName(declared: string): CatalogueColumn['type'] {
  if (declared === 'boolean') return 'boolean';
  if (declared === 'smallint' || declared === 'integer' || declared === 'bigint') return 'integer';
  return declared === 'bytea' ? 'binary' : 'string';
}

function typeOfOid(oid: number): CatalogueColumn['type'] {
  if (oid === 16) return 'boolean';
  if (oid === 20 || oid === 21 || oid === 23) return 'integer';
  return oid === 17 ? 'binary' : 'string';
}
