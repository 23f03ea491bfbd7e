import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { mssqlCatalogue } from '../mssql-catalogue.ts';
import { mssqlTracking } from '../mssql-change-tracking.ts';
import type { Bench } from './applications.ts';
import { createLock, type Lock } from './engine-lock.ts';
import { startTdsServer, type TdsResult, type TdsServer, type TdsSession, type TdsStatement } from './tds-server.ts';
import type { TdsColumn, TdsError, TdsType, TdsValue } from './tds-wire.ts';
import { matchesLike, rewrite } from './tsql-rewriting.ts';

const PASSWORD = 'landbridge-test';

/** A fixture of SQL Server: the real driver speaks the real protocol to it, and SQLite stands for the engine. Not SQL Server. */
export interface MssqlFixture {
  readonly server: TdsServer;
  readonly parameters: Readonly<Record<string, string | { readonly mode: string }>>;
  /** Runs a script on the database underneath, in SQLite's words. */
  run(script: string): void;
  rows(query: string): readonly (readonly (string | null)[])[];
  stop(): Promise<void>;
}

/** Starts one over an empty file. `ignoreCase`: text columns have a collation that ignores case. */
export async function startMssqlFixture(options: { readonly ignoreCase?: boolean; readonly snapshots?: boolean } = {}): Promise<MssqlFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-mssql-'));
  const file = join(folder, 'engine.db');
  const own = openEngine(file);
  own.exec('PRAGMA journal_mode = WAL');
  const lock = createLock();
  const facts = { ignoreCase: options.ignoreCase ?? false, snapshots: options.snapshots ?? true };
  const server = await startTdsServer((login) =>
    login.user === 'landbridge' && login.password === PASSWORD
      ? openSession(openEngine(file), lock, facts)
      : { number: 18456, class: 14, message: `Login failed for user '${login.user}'.` },
  );
  return {
    server,
    parameters: {
      dialect: 'mssql',
      host: '127.0.0.1',
      port: String(server.port),
      user: 'landbridge',
      password: PASSWORD,
      database: 'fixture',
      tls: { mode: 'disable' },
    },
    run: (script) => own.exec(toEngine(script, facts.ignoreCase)),
    rows(query) {
      const statement = own.prepare(query);
      statement.setReadBigInts(true);
      return statement.all().map((row) => Object.values(row).map((value) => (value === null ? null : String(value))));
    },
    async stop() {
      await server.stop();
      own.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The fixture as a database that tests run on: one server for each application. */
export function createMssqlBench(options: { readonly ignoreCase?: boolean; readonly snapshots?: boolean } = {}): Bench {
  const details = [...(options.ignoreCase ? ['case-insensitive'] : []), ...(options.snapshots === false ? ['without snapshots'] : [])];
  const running = new Set<MssqlFixture>();
  return {
    name: ['the protocol fixture of SQL Server', ...details].join(', '),
    dialect: 'mssql',
    isThere: true,
    start: async () => {},
    async create(script) {
      const fixture = await startMssqlFixture(options);
      running.add(fixture);
      fixture.run(script);
      return {
        dialect: 'mssql',
        parameters: fixture.parameters,
        run: async (more) => fixture.run(more),
        rows: async (query) => fixture.rows(query),
        async close() {
          running.delete(fixture);
          await fixture.stop();
        },
      };
    },
    async stop() {
      for (const fixture of running) await fixture.stop();
    },
  };
}

/** A script with types of SQL Server as SQLite takes them. */
function toEngine(script: string, ignoreCase: boolean): string {
  // SQLite has no decimals: their digits are kept as text.
  const sized = script.replace(/\(max\)/gi, '(2147483647)').replace(/\bdecimal\(/gi, 'decimal_text(');
  return ignoreCase ? sized.replace(/\b(n?varchar\(\d+\)|text)(?= |,|\))/gi, '$1 COLLATE NOCASE') : sized;
}

function openEngine(file: string): DatabaseSync {
  const engine = new DatabaseSync(file);
  engine.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON');
  engine.function('tsql_convert', { deterministic: true, useBigIntArguments: true }, (type, value, style) => convert(String(type), value, Number(style)));
  const lower = (text: unknown): string | null =>
    text === null ? null : [...String(text)].map((one) => (one.toLowerCase().length === 1 ? one.toLowerCase() : one)).join('');
  engine.function('lower', { deterministic: true }, lower);
  engine.function('like', { deterministic: true }, (pattern, text, escaped) =>
    text === null || pattern === null ? null : matchesLike(String(text), String(pattern), String(escaped)) ? 1 : 0,
  );
  return engine;
}

type EngineValue = string | number | bigint | Uint8Array | null;

function convert(type: string, value: unknown, _style: number): EngineValue {
  if (value === null) return null;
  if (/^n?varchar/.test(type)) return value instanceof Uint8Array ? Buffer.from(value).toString('utf16le') : String(value);
  if (/^bigint/.test(type)) return BigInt(String(value));
  if (/^varbinary/.test(type)) return typeof value === 'string' ? Buffer.from(value, 'utf16le') : (value as EngineValue);
  return value as EngineValue;
}

interface Facts {
  readonly ignoreCase: boolean;
  readonly snapshots: boolean;
}

function openSession(engine: DatabaseSync, lock: Lock, facts: Facts): TdsSession {
  let isSnapshot = false;
  let release: (() => void) | undefined;
  const end = (): void => {
    release?.();
    release = undefined;
  };

  async function control(sql: string): Promise<readonly TdsResult[] | undefined> {
    if (/^SET TRANSACTION ISOLATION LEVEL SNAPSHOT$/.test(sql)) isSnapshot = true;
    else if (sql === 'BEGIN TRANSACTION') {
      if (!isSnapshot) release = await lock.take();
      engine.exec(isSnapshot ? 'BEGIN' : 'BEGIN IMMEDIATE');
      return [{ transaction: 'begin' }];
    } else if (sql === 'COMMIT TRANSACTION') {
      engine.exec('COMMIT');
      end();
      return [{ transaction: 'commit' }];
    } else if (/ROLLBACK TRANSACTION$/.test(sql)) {
      if (engine.isTransaction) engine.exec('ROLLBACK');
      end();
      return [{ transaction: 'rollback' }];
    } else return undefined;
    return [{}];
  }

  return {
    async run({ sql, parameters }) {
      const controlled = await control(sql);
      if (controlled !== undefined) return controlled;
      const catalogue = answerCatalogue(engine, { sql, parameters, declarations: '' }, facts, lock.held && release === undefined);
      if (catalogue !== undefined) return [catalogue];
      const isWrite = /^(DECLARE|INSERT|UPDATE|DELETE)/.test(sql);
      const done = isWrite && release === undefined ? await lock.take() : undefined;
      try {
        return [execute(engine, sql, parameters)];
      } catch (error) {
        return [{ error: errorOf(error as Error) }];
      } finally {
        done?.();
      }
    },
    close() {
      engine.close();
      end();
    },
  };
}

function execute(engine: DatabaseSync, sql: string, parameters: TdsStatement['parameters']): TdsResult {
  const statement = engine.prepare(rewrite(sql));
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  statement.setAllowUnknownNamedParameters(true);
  const values = Object.fromEntries(parameters.map(({ name, value }) => [name, engineValue(value)]));
  if (statement.columns().length === 0) return { count: Number(statement.run(values).changes) };
  // `setReturnArrays` makes rows arrays.
  const rows = statement.all(values) as unknown as EngineValue[][];
  return { columns: describe(statement, rows), rows };
}

function engineValue(value: TdsValue): EngineValue {
  return typeof value === 'boolean' ? (value ? 1n : 0n) : value;
}

const DECLARED: Readonly<Record<string, TdsType>> = { BIT: 'bit', BOOLEAN: 'bit', INT: 'bigint', INTEGER: 'bigint', BIGINT: 'bigint' };

function describe(statement: StatementSync, rows: readonly (readonly EngineValue[])[]): readonly TdsColumn[] {
  return statement.columns().map(({ name, type }, index) => {
    const known = DECLARED[type?.toUpperCase() ?? ''];
    return { name, type: known ?? typeOfValue(rows.find((row) => row[index] !== null)?.[index]) };
  });
}

function typeOfValue(value: EngineValue | undefined): TdsType {
  if (typeof value === 'bigint') return 'bigint';
  if (typeof value === 'number') return 'float';
  return value instanceof Uint8Array ? 'varbinary(max)' : 'nvarchar(max)';
}

/** What SQL Server says where SQLite refuses, in its numbers and words. */
function errorOf({ message, errcode }: Error & { readonly errcode?: number }): TdsError {
  const unique = /UNIQUE constraint failed: (\w+)\.(\w+)/.exec(message);
  if (unique !== null) {
    const [, table = '', column = ''] = unique;
    return {
      number: 2627,
      class: 14,
      message: `Violation of UNIQUE KEY constraint 'UQ_${column}'. Cannot insert duplicate key in object 'dbo.${table}'. The duplicate key value is (secret).`,
    };
  }
  const none = /NOT NULL constraint failed: (\w+)\.(\w+)/.exec(message);
  if (none !== null)
    return {
      number: 515,
      message: `Cannot insert the value NULL into column '${none[2] ?? ''}', table 'fixture.dbo.${none[1] ?? ''}'; column does not allow nulls. INSERT fails.`,
    };
  if (/FOREIGN KEY/.test(message))
    return {
      number: 547,
      message:
        'The statement conflicted with the FOREIGN KEY constraint "FK_fixture". The conflict occurred in database "fixture", table "dbo.other", column \'id\'.',
    };
  const check = /CHECK constraint failed: (.*)/.exec(message);
  if (check !== null)
    return {
      number: 547,
      message: `The INSERT statement conflicted with the CHECK constraint "CK ${check[1] ?? ''}". The conflict occurred in database "fixture", table "dbo.t".`,
    };
  const table = /no such table: (\S+)/.exec(message);
  if (table !== null) return { number: 208, message: `Invalid object name '${table[1] ?? ''}'.` };
  if (errcode === 1811) return { number: 50_000, message };
  return { number: 102, class: 15, message: `The fixture cannot: ${message}` };
}

function result(names: readonly string[], rows: readonly (readonly TdsValue[])[]): TdsResult {
  const columns = names.map((name, index): TdsColumn => ({ name, type: typeOfValue(rows.find((row) => row[index] !== null)?.[index] as EngineValue) }));
  return { columns, rows };
}

/** The catalogue, by the statements that read it. */
function answerCatalogue(engine: DatabaseSync, { sql, parameters }: TdsStatement, facts: Facts, busy: boolean): TdsResult | undefined {
  const first = parameters[0]?.value;
  const table = /\[((?:[^\]]|\]\])+)\]$/.exec(String(first))?.[1]?.replaceAll(']]', ']') ?? '';
  const all = (query: string, ...values: string[]): Record<string, unknown>[] => engine.prepare(query).all(...values) as Record<string, unknown>[];
  switch (sql) {
    case mssqlCatalogue.facts:
      return result(['state'], [[facts.snapshots ? 1n : 0n]]);
    case mssqlCatalogue.columns:
      return result(
        [...'abcdefghijkl'],
        all('SELECT * FROM pragma_table_xinfo(?)', table).map((row) => columnRow(engine, table, row, facts)),
      );
    case mssqlCatalogue.tables:
      return result(
        ['n', 't'],
        all("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' ESCAPE '!' ORDER BY name").map((row) => [
          String(row['name']),
          row['type'] === 'view' ? 'V' : 'U',
        ]),
      );
    case mssqlCatalogue.primaryKeys:
      return result(
        ['t', 'c'],
        all("SELECT m.name AS t, i.name AS c FROM sqlite_schema m, pragma_table_info(m.name) i WHERE m.type = 'table' AND i.pk > 0 ORDER BY m.name, i.pk").map(
          (row) => [String(row['t']), String(row['c'])],
        ),
      );
    case mssqlCatalogue.foreignKeys:
      return result(
        ['t', 'k', 'c', 'r', 'd'],
        all(
          'SELECT m.name AS t, f.id AS k, f."from" AS c, f."table" AS r, f."to" AS d FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = \'table\' ORDER BY m.name, f.id, f.seq',
        ).map((row) => ['t', 'k', 'c', 'r', 'd'].map((name) => String(row[name]))),
      );
    case mssqlCatalogue.describe:
      return describeQuery(engine, String(first), facts);
    case mssqlCatalogue.count: {
      const isTable = all("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", table).length > 0;
      return result(['n'], [[isTable ? BigInt(String(all(`SELECT count(*) AS n FROM "${table}"`)[0]?.['n'])) : null]]);
    }
    case mssqlCatalogue.privileges:
      return result(['a', 'b', 'c', 'd'], [[1n, 1n, 1n, 1n]]);
    case mssqlTracking.version:
      return result(['v'], [[tracked(engine, '')]]);
    case mssqlTracking.minimum:
      return result(['v'], [[tracked(engine, table)]]);
    case mssqlTracking.primaryKey:
      return result(
        ['c'],
        all('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk', table).map((row) => [String(row['name'])]),
      );
    case mssqlCatalogue.writers:
      return result(['n'], [[busy ? 1n : 0n]]);
    case mssqlCatalogue.constraint: {
      const check = /^CK (.*)$/.exec(String(first))?.[1];
      if (check !== undefined) return result(['t', 'c'], [[null, check]]);
      const column = /^UQ_(.*)$/.exec(String(first))?.[1];
      return result(['t', 'c'], column === undefined ? [] : [[String(parameters[1]?.value).replace('dbo.', ''), column]]);
    }
    default:
      return undefined;
  }
}

/** The version of a table that tests keep: the lowest that is known of it, and under no name that of now. */
function tracked(engine: DatabaseSync, table: string): bigint | null {
  if (engine.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'tracked_versions'").get() === undefined) return null;
  const version = engine.prepare('SELECT version FROM tracked_versions WHERE name = ?').get(table)?.['version'];
  return version === undefined ? null : BigInt(String(version));
}

/** A type as SQLite keeps it, in the catalogue's words: its name, and its length in bytes. */
function typeOf(declared: string): readonly [name: string, bytes: bigint] {
  const [, name = '', size] = /^(\w*)(?:\((\d+)\b.*\))?$/.exec(declared.trim()) ?? [];
  const length = size === undefined || size === '2147483647' ? -1n : BigInt(size);
  const plain = name.toLowerCase();
  const known: Readonly<Record<string, string>> = {
    ...{ integer: 'bigint', text: 'nvarchar', blob: 'varbinary', boolean: 'bit', '': 'nvarchar' },
    decimal_text: 'decimal',
    timestamp: 'datetime2',
  };
  const type = known[plain] ?? plain;
  return [type, length > 0n && /^nv?ar?char|nchar/.test(type) ? length * 2n : length];
}

function columnRow(engine: DatabaseSync, table: string, row: Record<string, unknown>, facts: Facts): readonly TdsValue[] {
  const name = String(row['name']);
  const [type, bytes] = typeOf(String(row['type']));
  const [, precision = '0', scale] = /\((\d+)(?:, *(\d+))?\)/.exec(String(row['type'])) ?? [];
  const isIdentity = row['pk'] === 1 && /^integer$/i.test(String(row['type']));
  const unique = engine
    .prepare('SELECT 1 FROM pragma_index_list(?) l WHERE l."unique" = 1 AND (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) = ?')
    .all(table, name);
  const onlyKey = row['pk'] === 1 && engine.prepare('SELECT 1 FROM pragma_table_info(?) WHERE pk > 1').all(table).length === 0;
  const pointer = engine.prepare('SELECT "table", "to" FROM pragma_foreign_key_list(?) WHERE "from" = ?').get(table, name);
  const flag = (value: boolean): bigint => (value ? 1n : 0n);
  return [
    name,
    type,
    bytes,
    BigInt(precision),
    BigInt(scale ?? (/^datetime2|offset|^time$/.test(type) ? precision : 0)),
    flag(row['notnull'] === 0 && row['pk'] === 0),
    flag(isIdentity),
    flag(row['hidden'] === 2 || row['hidden'] === 3),
    flag(row['dflt_value'] !== null),
    /char|text/.test(type) ? (facts.ignoreCase ? 'Latin1_General_CI_AS' : 'Latin1_General_100_BIN2') : null,
    flag(unique.length > 0 || onlyKey),
    pointer === undefined ? null : `${String(pointer['table'])}.${String(pointer['to'])}`,
  ];
}

function describeQuery(engine: DatabaseSync, sql: string, facts: Facts): TdsResult {
  const names = ['name', 'type', 'nullable', 'collation', 'error'];
  try {
    const rows = engine
      .prepare(rewrite(sql))
      .columns()
      .map(({ name, type }): TdsValue[] => {
        const [base] = typeOf(type ?? '');
        const declared = /char|text/.test(base) ? 'nvarchar(max)' : base;
        return [name, declared, 1n, declared === base ? null : facts.ignoreCase ? 'Latin1_General_CI_AS' : 'Latin1_General_100_BIN2', null];
      });
    return result(names, rows);
  } catch (error) {
    return result(names, [[null, null, null, null, (error as Error).message]]);
  }
}
