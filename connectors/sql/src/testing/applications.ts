import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type {
  AttributeChange,
  Attributes,
  ConnectorContext,
  EntryChange,
  EntryFilter,
  EntryResult,
  FindResult,
  ImportEntry,
  ParameterValue,
  Schema,
} from '@landbridge/connector-sdk';
import pg from 'pg';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import { connector } from '../index.ts';

/** A seeded database to test with, whatever its dialect. */
export interface Application {
  readonly dialect: 'sqlite' | 'postgres';
  /** The parameters that reach it, without object types. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Runs a script as the application itself would. */
  run(script: string): Promise<void>;
  /** Rows of a query, every value as text or `null`. */
  rows(query: string): Promise<readonly (readonly (string | null)[])[]>;
  close(): Promise<void>;
}

/** One dialect: how to make a database of it. */
export interface Bench {
  /** What stands in the names of tests. */
  readonly name: string;
  readonly dialect: 'sqlite' | 'postgres';
  readonly isThere: boolean;
  start(): Promise<void>;
  create(script: string): Promise<Application>;
  stop(): Promise<void>;
}

/** SQLite: a file in a folder that goes away. */
export function createSqliteBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-sql-'));
  let count = 0;
  return {
    name: 'SQLite',
    dialect: 'sqlite',
    isThere: true,
    start: async () => {},
    async create(script) {
      count += 1;
      const file = join(folder, `application-${count}.db`);
      const handle = new DatabaseSync(file);
      handle.exec('PRAGMA journal_mode = WAL');
      handle.exec(script);
      return {
        dialect: 'sqlite',
        parameters: { dialect: 'sqlite', file },
        run: async (more) => handle.exec(more),
        async rows(query) {
          const statement = handle.prepare(query);
          statement.setReadBigInts(true);
          return statement.all().map((row) => Object.values(row).map((value) => (value === null ? null : String(value))));
        },
        close: async () => handle.close(),
      };
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** PostgreSQL: one private server, a database for each application. */
export function createPostgresBench(locale?: string): Bench {
  let server: PrivatePostgres | undefined;
  let count = 0;
  const running = (): PrivatePostgres => {
    if (server === undefined) throw new Error('the server was not started');
    return server;
  };
  return {
    name: locale === undefined ? 'PostgreSQL' : `PostgreSQL with locale ${locale}`,
    dialect: 'postgres',
    isThere: postgresPrograms() !== undefined,
    async start() {
      server = await startPostgres();
    },
    async create(script) {
      count += 1;
      const server = running();
      const name = `application_${count}`;
      server.psql(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LOCALE '${locale ?? 'C.UTF-8'}'`);
      const url = server.url.replace(/[^/]*$/, name);
      const client = new pg.Client({ connectionString: url });
      client.on('error', () => {});
      await client.connect();
      await client.query(script);
      return {
        dialect: 'postgres',
        parameters: { dialect: 'postgres', url },
        async run(more) {
          await client.query(more);
        },
        async rows(query) {
          const { rows } = await client.query({ text: query, rowMode: 'array', types: { getTypeParser: () => (value: string) => value } });
          return rows as (string | null)[][];
        },
        close: () => client.end(),
      };
    },
    async stop() {
      await server?.stop();
    },
  };
}

/** Makes the context of a connector. The name is new each time: nothing is shared between tests by accident. */
export function contextOf(application: Application, objectTypes: ParameterValue, more: Readonly<Record<string, ParameterValue>> = {}): ConnectorContext {
  const silent = (): void => {};
  contexts += 1;
  return {
    connector: `test-${contexts}`,
    folder: '',
    parameters: { ...application.parameters, ...more, objectTypes },
    log: { debug: silent, info: silent, warn: silent, error: silent },
  };
}
let contexts = 0;

const signal = new AbortController().signal;

/** The schema of a context. */
export function schemaOf(context: ConnectorContext): Promise<Schema> {
  return connector.schema(context, { signal });
}

/** What an import brought. */
export interface Imported {
  readonly entries: readonly ImportEntry[];
  readonly watermark: string | undefined;
  readonly total: number | undefined;
  readonly pages: number;
}

/** Runs an import to its end. */
export async function importAll(
  context: ConnectorContext,
  step: {
    readonly kind?: 'full' | 'delta';
    readonly watermark?: string;
    readonly pageSize?: number;
    readonly schema?: Schema;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Imported> {
  const pageSignal = step.signal ?? signal;
  const session = await connector.openImport?.(context, {
    kind: step.kind ?? 'full',
    schema: step.schema ?? (await schemaOf(context)),
    pageSize: step.pageSize ?? 100,
    signal: pageSignal,
    ...(step.watermark === undefined ? {} : { watermark: step.watermark }),
  });
  if (session === undefined) throw new Error('the connector cannot import');
  const entries: ImportEntry[] = [];
  let watermark: string | undefined;
  let total: number | undefined;
  let pages = 0;
  let reason: 'normal' | 'failed' = 'failed';
  try {
    for (let more = true; more; ) {
      const page = await session.readPage({ signal: pageSignal });
      entries.push(...page.entries);
      watermark = page.watermark ?? watermark;
      total = page.total ?? total;
      pages += 1;
      more = page.more;
    }
    reason = 'normal';
  } finally {
    watermark = (await session.close(reason))?.watermark ?? watermark;
  }
  return { entries, watermark, total, pages };
}

/** Exports changes as one batch. */
export async function put(context: ConnectorContext, changes: readonly EntryChange[]): Promise<readonly EntryResult[]> {
  const session = await connector.openExport?.(context, { kind: 'delta', schema: await schemaOf(context), batchSize: 100, signal });
  if (session === undefined) throw new Error('the connector cannot export');
  try {
    return await session.put(changes, { signal });
  } finally {
    await session.close('normal');
  }
}

/** Exports one change. */
export async function putOne(context: ConnectorContext, change: Omit<EntryChange, 'id'>): Promise<EntryResult> {
  const [result] = await put(context, [{ id: 'one', ...change }]);
  if (result === undefined) throw new Error('there is no result');
  return result;
}

/** An `add` of attributes. */
export function addOf(objectType: string, attributes: Attributes, anchor?: Attributes): Omit<EntryChange, 'id'> {
  const changes = Object.entries(attributes).map(
    ([name, value]): AttributeChange => ({ name, modification: 'add', values: Array.isArray(value) ? value : [value as string] }),
  );
  return { modification: 'add', objectType, changes, ...(anchor === undefined ? {} : { anchor }) };
}

/** Looks entries up. */
export async function find(context: ConnectorContext, objectType: string, filter: EntryFilter, limit = 100): Promise<FindResult> {
  const found = await connector.find?.(context, { schema: await schemaOf(context), objectType, filter, limit, signal });
  if (found === undefined) throw new Error('the connector cannot look entries up');
  return found;
}

/** A comparison. */
export function compare(
  attribute: string,
  comparison: Extract<EntryFilter, { kind: 'compare' }>['comparison'],
  value: string | boolean,
  type: Extract<EntryFilter, { kind: 'compare' }>['type'] = 'string',
  caseExact = true,
): EntryFilter {
  return { kind: 'compare', attribute, comparison, value, type, caseExact };
}
