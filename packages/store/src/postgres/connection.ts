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

/**
 * One connection, for transactions. Statements reach the server in the order in which they were asked for, and need not be waited
 * for one by one: those that do not need each other's rows are asked for at once, and cost one round trip together.
 */
export interface Session extends Queries {
  /** Runs statements without values: BEGIN, COMMIT, DDL. */
  execute(sql: string): Promise<void>;
  /** Sends rows by COPY, in its text format (PostgreSQL manual, COPY, "Text Format"). */
  copy(into: string, rows: Iterable<readonly (string | number | null)[]>): Promise<void>;
  readonly broken: boolean;
  close(): Promise<void>;
}

/** Readers. */
export interface Pool extends Queries {
  /** For statements that an index serves whatever they are asked for: each connection plans them once. */
  readonly lookUps: Queries;
  close(): Promise<void>;
}

const { builtins } = pg.types;
const NUMBERS: ReadonlySet<number> = new Set([builtins.INT2, builtins.INT4, builtins.INT8]);
const types = {
  getTypeParser: (oid: number) => (value: string | null) =>
    value === null ? null : NUMBERS.has(oid) ? Number(value) : oid === builtins.BOOL ? value === 't' : value,
} as unknown as pg.CustomTypesConfig;

/**
 * Every statement of the writer is served by an index. Plans for sets of any size are made for the tables as they are: one that was
 * kept from when they were empty would read all of them.
 */
const SET_PLANS = { plan_cache_mode: 'force_custom_plan', enable_seqscan: 'off' };
/**
 * The statements of a write, and the look-ups of a reader, touch a handful of rows, and planning them costs as much as running them. So plans are made once, and
 * only those are allowed that stay right however the tables grow: look-ups by an index, row by row.
 */
const ROW_PLANS = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off' };
export type Plans = 'sets' | 'rows';
const PLANS: Readonly<Record<Plans, Settings>> = { sets: SET_PLANS, rows: ROW_PLANS };

/** Begins a transaction of a session of row plans whose statements are about sets. */
export const BEGIN_SETS = `BEGIN; ${Object.keys(ROW_PLANS)
  .map((name) => `SET LOCAL ${name} = ${(SET_PLANS as Readonly<Record<string, string>>)[name] ?? 'on'}`)
  .join('; ')}`;

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
  more: { readonly name?: string; readonly timeoutMilliseconds?: number; readonly plans?: Plans } = {},
): Promise<Session> {
  const client = await connect(options, schema, more).catch(explain);
  let broken = false;
  const end = (): void => {
    broken = true;
  };
  client.on('error', end);
  client.on('end', end);
  /** The last COPY that was asked for, and how many statements wait for it: what comes behind it keeps its place. */
  let copying: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let last: Promise<unknown> = copying;

  function inOrder<Result>(send: () => Promise<Result>): Promise<Result> {
    if (waiting === 0) return remember(send());
    waiting += 1;
    return remember(
      copying.then(() => {
        waiting -= 1;
        return send();
      }),
    );
  }

  function remember<Result>(work: Promise<Result>): Promise<Result> {
    last = work.catch(() => {});
    return work;
  }

  /** The driver sends nothing else while it copies, and does not copy while statements are on their way. */
  async function sendCopy(into: string, rows: Iterable<readonly (string | number | null)[]>): Promise<void> {
    Object.assign(client, { pipeline: false });
    try {
      const stream = client.query(copyFrom(`COPY ${into} FROM STDIN`));
      const done = once(stream, 'finish').catch(explain);
      for (const chunk of toCopyChunks(rows)) if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), done]);
      stream.end();
      await done;
    } finally {
      Object.assign(client, { pipeline: true });
    }
  }

  const all: Session['all'] = (sql, ...values) => inOrder(async () => (await client.query(bind(sql, values)).catch(explain)).rows as readonly Row[]);
  return {
    all,
    get: async (sql, ...values) => (await all(sql, ...values))[0],
    execute: (sql) => inOrder(async () => void (await client.query(sql).catch(explain))),
    async copy(into, rows) {
      waiting += 1;
      const copy = last.then(() => sendCopy(into, rows));
      const done = (): void => {
        waiting -= 1;
      };
      copying = copy.then(done, done);
      await remember(copy);
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
  { name = 'landbridge store', timeoutMilliseconds, plans = 'sets' }: { readonly name?: string; readonly timeoutMilliseconds?: number; readonly plans?: Plans },
): Promise<pg.Client> {
  const until = performance.now() + STARTING_MILLISECONDS;
  for (;;) {
    const client = new pg.Client({
      ...settings(options, name, schema, optionsOf(PLANS[plans])),
      pipeline: true,
      ...(timeoutMilliseconds === undefined ? {} : { query_timeout: timeoutMilliseconds }),
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== STARTING || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/**
 * Reads are many and short. Over a million entries the planner takes the references of one page for thousands of rows and starts
 * workers for them, which costs 8 to 20 ms where the rows cost 0.2; scans of everything pay for it, with one core instead of three.
 */
const READER_PLANS = '-c max_parallel_workers_per_gather=0';
/**
 * What is found by other values is another question: a page of the members of a group of a million has another plan than one of five hundred.
 * Left to itself the server keeps one plan for both after five of them, and reads a million members for a page.
 */
const QUERY_PLANS = { plan_cache_mode: 'force_custom_plan' };

/** Opens readers: connections are made when they are needed, at most `size` of each of two kinds. */
export function openPool(options: PostgresOptions, schema: string, size: number): Pool {
  const planned = openConnections(options, schema, size, QUERY_PLANS);
  const lookUps = openConnections(options, schema, size, ROW_PLANS);
  return { ...planned, lookUps, close: async () => void (await Promise.all([planned.close(), lookUps.close()])) };
}

type Settings = Readonly<Record<string, string>>;

const optionsOf = (plans: Settings): string =>
  Object.entries(plans)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');

function openConnections(options: PostgresOptions, schema: string, size: number, plans: Settings): Omit<Pool, 'lookUps'> {
  const pool = new pg.Pool({ ...settings(options, 'landbridge reader', schema, `${READER_PLANS} ${optionsOf(plans)}`), max: size, idleTimeoutMillis: 60_000 });
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
