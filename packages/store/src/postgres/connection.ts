import { hash } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { StoreUnavailableError } from '../store-errors.ts';

/** Where the host's own store is, in PostgreSQL. Plain data: it is handed to threads. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`. */
  readonly url: string;
  /** The schema of the control data, and the prefix of the connectors' schemas. Default is `landbridge`. */
  readonly schema?: string;
}

/** A value of a statement. Arrays are bound as PostgreSQL arrays. */
export type SqlValue = string | number | boolean | null | readonly number[] | readonly string[];

/** A row: numbers for every integer type, text for JSON, as the statements expect it. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** A connection, or a pool of them, with statements prepared once for each connection. */
export interface Queries {
  /** Runs one statement and returns its rows. */
  all(sql: string, ...values: readonly SqlValue[]): Promise<readonly Row[]>;
  get(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined>;
}

/** One connection, for transactions. */
export interface Session extends Queries {
  /** Runs statements without values: BEGIN, COMMIT, DDL. */
  execute(sql: string): Promise<void>;
  /** Sends rows by COPY, in its text format (PostgreSQL manual, COPY, "Text Format"). */
  copy(into: string, rows: Iterable<readonly (string | number | null)[]>): Promise<void>;
  readonly broken: boolean;
  close(): Promise<void>;
}

/** A pool of readers. */
export interface Pool extends Queries {
  close(): Promise<void>;
}

const { builtins } = pg.types;
const NUMBERS: ReadonlySet<number> = new Set([builtins.INT2, builtins.INT4, builtins.INT8]);
const types = {
  getTypeParser: (oid: number) => (value: string | null) =>
    value === null ? null : NUMBERS.has(oid) ? Number(value) : oid === builtins.BOOL ? value === 't' : value,
} as unknown as pg.CustomTypesConfig;

/**
 * Every statement of the writer is served by an index. Plans are made for the tables as they are: one that was kept from when
 * they were empty would read all of them.
 */
const WRITER_PLANS = '-c plan_cache_mode=force_custom_plan -c enable_seqscan=off';

function settings(options: PostgresOptions, name: string, schema: string, more = ''): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: name,
    types,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    // R3: an answer promises durability whatever the server's default is. Errors of a server that hangs are not waited for for ever.
    options: `-c synchronous_commit=on -c lock_timeout=60000 -c idle_in_transaction_session_timeout=120000 -c jit=off -c search_path=${quote(schema).replaceAll('\\', '\\\\').replaceAll(' ', '\\ ')} ${more}`,
  };
}

const names = new Map<string, string>();

/** The name of a prepared statement: PostgreSQL plans it once for each connection. */
function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = hash('sha1', sql, 'hex').slice(0, 20);
  names.set(sql, name);
  return name;
}

const bind = (sql: string, values: readonly SqlValue[]) => ({ name: nameOf(sql), text: sql, values: values as unknown[] as string[] });

/** `cannot_connect_now` (PostgreSQL manual, appendix A): the server starts, or recovers from a crash. It is waited for. */
const STARTING = '57P03';
const STARTING_MILLISECONDS = 30_000;

/**
 * SQLSTATE of a server that goes down, comes up or has no connection left (PostgreSQL manual, appendix A): classes 08 and 57P,
 * `too_many_connections`, a session that was idle in its transaction for too long.
 */
const UNAVAILABLE = /^(?:08|57P|53300|25P03)/;

/** A failure of the connection, in words of the store; any other error stays what it is. */
function explain(error: unknown): never {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  const isStatement = code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E');
  // What has no SQLSTATE did not come from the server: the driver speaks of the connection.
  const isConnection = isStatement
    ? UNAVAILABLE.test(code)
    : (code !== undefined && /^E[A-Z]+/.test(code)) || /connection|terminated|timeout|closed/i.test(message ?? '');
  if (!isConnection) throw error;
  throw new StoreUnavailableError(`the database of the store cannot be used: ${message === undefined || message === '' ? code : message}`, { cause: error });
}

/**
 * Opens a connection. `timeoutMilliseconds` is how long a statement may take; without it a statement waits as long as the server does.
 *
 * @throws StoreUnavailableError; Error with the server's reason, without the password.
 */
export async function openSession(
  options: PostgresOptions,
  schema: string,
  more: { readonly name?: string; readonly timeoutMilliseconds?: number } = {},
): Promise<Session> {
  const client = await connect(options, schema, more).catch(explain);
  let broken = false;
  const end = (): void => {
    broken = true;
  };
  client.on('error', end);
  client.on('end', end);
  const all: Session['all'] = async (sql, ...values) => (await client.query(bind(sql, values)).catch(explain)).rows as readonly Row[];
  return {
    all,
    get: async (sql, ...values) => (await all(sql, ...values))[0],
    async execute(sql) {
      await client.query(sql).catch(explain);
    },
    async copy(into, rows) {
      const stream = client.query(copyFrom(`COPY ${into} FROM STDIN`));
      const done = once(stream, 'finish').catch(explain);
      for (const chunk of toCopyChunks(rows)) if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), done]);
      stream.end();
      await done;
    },
    get broken() {
      return broken;
    },
    async close() {
      await client.end();
    },
  };
}

async function connect(
  options: PostgresOptions,
  schema: string,
  { name = 'landbridge store', timeoutMilliseconds }: { readonly name?: string; readonly timeoutMilliseconds?: number },
): Promise<pg.Client> {
  const until = Date.now() + STARTING_MILLISECONDS;
  for (;;) {
    const client = new pg.Client({
      ...settings(options, name, schema, WRITER_PLANS),
      ...(timeoutMilliseconds === undefined ? {} : { query_timeout: timeoutMilliseconds }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== STARTING || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Opens a pool of readers: connections are made when they are needed. */
export function openPool(options: PostgresOptions, schema: string, size: number): Pool {
  const pool = new pg.Pool({ ...settings(options, 'landbridge reader', schema), max: size, idleTimeoutMillis: 60_000 });
  // A connection that breaks while idle is replaced by the next query.
  pool.on('error', () => {});
  const all: Pool['all'] = async (sql, ...values) => (await pool.query(bind(sql, values)).catch(explain)).rows as readonly Row[];
  return { all, get: async (sql, ...values) => (await all(sql, ...values))[0], close: () => pool.end() };
}

const CHUNK_CHARACTERS = 65_536;

function* toCopyChunks(rows: Iterable<readonly (string | number | null)[]>): Generator<string> {
  let text = '';
  for (const row of rows) {
    text += `${row.map(toCopyText).join('\t')}\n`;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function toCopyText(value: string | number | null): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  return value.replace(/[\\\n\r\t]/g, (character) => ESCAPED[character] ?? character);
}

/** An identifier, quoted. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** The schema of a connector: PostgreSQL cuts names at 63 bytes, so a long one ends with a digest of itself. */
export function connectorSchema(options: PostgresOptions, connector: string): string {
  const name = `${options.schema ?? 'landbridge'}_${connector}`;
  return Buffer.byteLength(name) <= 63
    ? name
    : `${Buffer.from(name)
        .subarray(0, 46)
        .toString()
        .replace(/\uFFFD+$/, '')}_${hash('sha256', name, 'hex').slice(0, 16)}`;
}
