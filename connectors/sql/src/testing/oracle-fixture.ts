import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { oracleCatalogue } from '../oracle-catalogue.ts';
import type { OracleBind, OracleConnection, OracleDriver, OracleOptions, OracleResult } from '../oracle-driver.ts';
import type { Bench } from './applications.ts';
import { createLock, type Lock } from './engine-lock.ts';

const PASSWORD = 'landbridge-test';

/** A driver of Oracle that is none: SQLite runs the statements, under the rules that Oracle's manual describes. Not Oracle. */
export interface OracleFixture {
  readonly parameters: Readonly<Record<string, string>>;
  /** Every statement, with its binds. */
  readonly statements: { readonly sql: string; readonly binds: Readonly<Record<string, OracleBind>> }[];
  /** Called before each statement; what it throws is thrown instead. */
  before: (sql: string) => void;
  run(script: string): void;
  rows(query: string): readonly (readonly (string | null)[])[];
  stop(): void;
}

const constants = {
  ...{ OUT_FORMAT_ARRAY: 4001, BIND_IN: 3001, BIND_OUT: 3003, STRING: 'STRING', NUMBER: 'NUMBER', BUFFER: 'BUFFER' },
  ...{ DB_TYPE_NUMBER: 'N', DB_TYPE_CLOB: 'C', DB_TYPE_NCLOB: 'NC', DB_TYPE_BLOB: 'B' },
};

interface Running extends OracleFixture {
  readonly file: string;
  readonly lock: Lock;
}

/** The fixtures that run, by the name of their service. */
const running = new Map<string, Running>();
let count = 0;

/** What stands for the module `oracledb`: it finds its fixture by the name of the service. */
export const fixtureDriver: OracleDriver = {
  ...constants,
  async getConnection({ password, connectString }) {
    const found = running.get(/\/([^/?]*)(?:\?.*)?$/.exec(connectString)?.[1] ?? '');
    if (found === undefined) throw driverError('NJS-511', `connection to listener at ${connectString} was refused`);
    if (password !== PASSWORD) throw driverError('ORA-01017', 'invalid credential or not authorized; logon denied');
    return openConnection(openEngine(found.file), found.lock, found);
  },
};

/** Makes one over an empty file. */
export function createOracleFixture(): OracleFixture {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-oracle-'));
  const file = join(folder, 'engine.db');
  const own = openEngine(file);
  own.exec('PRAGMA journal_mode = WAL');
  count += 1;
  const service = `fixture${count}`;
  const fixture: Running = {
    file,
    lock: createLock(),
    statements: [],
    before: () => {},
    parameters: { dialect: 'oracle', host: '127.0.0.1', user: 'landbridge', password: PASSWORD, database: service },
    run: (script) => own.exec(script.replace(/\bdecimal\(/gi, 'decimal_text(')),
    rows(query) {
      const statement = own.prepare(query);
      statement.setReadBigInts(true);
      return statement.all().map((row) => Object.values(row).map((value) => (value === null ? null : String(value))));
    },
    stop() {
      running.delete(service);
      own.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  running.set(service, fixture);
  return fixture;
}

/** The fixture as a database that tests run on; they replace the module `oracledb` by {@link fixtureDriver}. */
export function createOracleBench(): Bench {
  return {
    name: 'the driver fixture of Oracle',
    dialect: 'oracle',
    isThere: true,
    start: async () => {},
    async create(script) {
      const fixture = createOracleFixture();
      fixture.run(script);
      const { parameters, run, rows, stop } = fixture;
      return { dialect: 'oracle', parameters, run: async (more) => run(more), rows: async (query) => rows(query), close: async () => stop() };
    },
    stop: async () => {},
  };
}

/** An error as the driver throws it. */
export function driverError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}\nHelp: https://docs.oracle.com/error-help/db/${code.toLowerCase()}/`), {
    code,
    ...(code.startsWith('ORA') ? { errorNum: Number(code.slice(4)) } : {}),
  });
}

function openEngine(file: string): DatabaseSync {
  const engine = new DatabaseSync(file);
  engine.exec('PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON');
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
  for (const name of ['to_char', 'to_timestamp', 'to_clob', 'to_nchar'])
    engine.function(name, { deterministic: true, varargs: true, useBigIntArguments: true }, text);
  engine.function('to_number', { deterministic: true }, (value) => (value === null ? null : Number(value)));
  engine.function('lower', { deterministic: true }, (value) =>
    value === null ? null : [...String(value)].map((one) => (one.toLowerCase().length === 1 ? one.toLowerCase() : one)).join(''),
  );
  engine.function('like', { deterministic: true }, (pattern, value, escaped) =>
    value === null || pattern === null ? null : isLike(String(value), String(pattern), String(escaped)) ? 1 : 0,
  );
  engine.function('regexp_replace', { deterministic: true, varargs: true }, (value) => (value === null ? null : String(value).replace(/^(-?)[.]/, '$10.')));
  engine.function('dbms_lob_compare', { deterministic: true }, (left, right) => (left === null || right === null ? null : left === right ? 0 : 1));
  return engine;
}

/** LIKE of the standard; only wildcards and the escape itself may stand after the escape (ORA-01424). */
function isLike(text: string, pattern: string, escaped: string): boolean {
  let expression = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const letter = pattern[at] ?? '';
    if (letter === escaped) {
      at += 1;
      if (!['%', '_', escaped].includes(pattern[at] ?? '')) throw new Error('ORA-01424: missing or illegal character following the escape character');
      expression += literal(pattern[at] ?? '');
    } else expression += letter === '%' ? '[^]*' : letter === '_' ? '[^]' : literal(letter);
  }
  return new RegExp(`^${expression}$`).test(text);
}

function literal(letter: string): string {
  return letter.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&');
}

/** A statement of the connector as SQLite runs it. */
function rewrite(sql: string): string {
  return sql
    .replace(/ FETCH FIRST (\d+) ROWS ONLY$/, ' LIMIT $1')
    .replace(/ RETURNING (.*) INTO :o\d+(?:, :o\d+)*$/, ' RETURNING $1')
    .replace(/CAST\((TO_TIMESTAMP\([^)]*\)) AS DATE\)/g, '$1')
    .replace(/DBMS_LOB\.COMPARE\(/g, 'dbms_lob_compare(')
    .replace(/\) IN \(\(/g, ') IN (VALUES (')
    .replace(/ FOR UPDATE$/, '')
    .replace(/ FROM DUAL/g, '');
}

type EngineValue = string | number | bigint | Uint8Array | null;

function openConnection(engine: DatabaseSync, lock: Lock, fixture: OracleFixture): OracleConnection {
  let release: (() => void) | undefined;
  let isOpen = true;
  let isReading = false;
  const end = (): void => {
    release?.();
    release = undefined;
  };

  function execute(sql: string, binds: Readonly<Record<string, OracleBind>>, options: OracleOptions): OracleResult {
    const catalogue = answerCatalogue(engine, sql, binds, lock.held && release === undefined);
    if (catalogue !== undefined) return { rows: catalogue };
    const statement = engine.prepare(rewrite(sql));
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    statement.setAllowUnknownNamedParameters(true);
    const values = Object.fromEntries(
      Object.entries(binds)
        .filter(([, bind]) => bind.dir === constants.BIND_IN)
        // An empty text is NULL.
        .map(([name, { val }]) => [name, val === '' || val === undefined ? null : val]),
    );
    const columns = statement.columns();
    if (columns.length === 0) return { rowsAffected: Number(statement.run(values).changes) };
    // `setReturnArrays` makes rows arrays.
    const rows = (statement.all(values) as unknown as EngineValue[][]).map((row) => row.map((value) => asDriver(value, options)));
    if (/ INTO :o\d+/.test(sql))
      return { rowsAffected: 1, outBinds: Object.fromEntries((rows[0] ?? []).map((value, index) => [`o${index}`, [value === null ? null : String(value)]])) };
    const metaData = columns.map(({ name, type }) => ({ name, ...describeType(type ?? ''), nullable: true }));
    return { rows, metaData };
  }

  function asDriver(value: EngineValue, { fetchTypeHandler }: OracleOptions): unknown {
    if (value instanceof Uint8Array) return Buffer.from(value);
    const wanted = typeof value === 'bigint' ? fetchTypeHandler?.({ dbType: constants.DB_TYPE_NUMBER })?.type : undefined;
    return wanted === constants.STRING ? String(value) : value;
  }

  return {
    callTimeout: 0,
    async execute(sql, binds, options) {
      fixture.statements.push({ sql, binds });
      fixture.before(sql);
      if (sql.startsWith('ALTER SESSION')) return {};
      if (sql === 'SET TRANSACTION READ ONLY') {
        engine.exec('BEGIN');
        isReading = true;
        return {};
      }
      if (/^(INSERT|UPDATE|DELETE)| FOR UPDATE$/.test(sql) && release === undefined) {
        release = await lock.take();
        engine.exec('BEGIN IMMEDIATE');
      }
      try {
        const result = execute(sql, binds, options);
        if (!options.resultSet) return result;
        let rest = result.rows ?? [];
        return {
          resultSet: {
            async getRows(count) {
              const page = rest.slice(0, count);
              rest = rest.slice(count);
              return page;
            },
            close: async () => {},
          },
        };
      } catch (error) {
        throw errorOf(error as Error);
      }
    },
    async commit() {
      fixture.before('COMMIT');
      if (engine.isTransaction) engine.exec('COMMIT');
      end();
    },
    async rollback() {
      if (engine.isTransaction) engine.exec('ROLLBACK');
      end();
    },
    ping: async () => {},
    break: async () => {},
    async close() {
      if (isOpen) engine.close();
      isOpen = false;
      end();
    },
    isHealthy: () => isOpen && !isReading,
  };
}

/** What Oracle says where SQLite refuses. */
function errorOf({ message, errcode }: Error & { readonly errcode?: number }): Error {
  const unique = /UNIQUE constraint failed: (\w+)\.(\w+)/.exec(message);
  if (unique !== null) return driverError('ORA-00001', `unique constraint (APP.UQ_${unique[1] ?? ''}_${unique[2] ?? ''}) violated`);
  const none = /NOT NULL constraint failed: (\w+)\.(\w+)/.exec(message);
  if (none !== null) return driverError('ORA-01400', `cannot insert NULL into ("APP"."${none[1] ?? ''}"."${none[2] ?? ''}")`);
  if (/FOREIGN KEY/.test(message)) return driverError('ORA-02291', 'integrity constraint (APP.FK) violated - parent key not found');
  const check = /CHECK constraint failed: (.*)/.exec(message);
  if (check !== null) return driverError('ORA-02290', `check constraint (APP.CK ${check[1] ?? ''}) violated`);
  if (/no such table/.test(message)) return driverError('ORA-00942', 'table or view does not exist');
  if (/^ORA-/.test(message)) return driverError(message.slice(0, 9), message.slice(11));
  return errcode === 1811 ? driverError('ORA-20001', message) : driverError('ORA-00900', `the fixture cannot: ${message}`);
}

const SQL_TYPES: Readonly<Record<string, string>> = {
  integer: 'NUMBER',
  bigint: 'NUMBER',
  boolean: 'BOOLEAN',
  blob: 'BLOB',
  raw: 'RAW',
  decimal_text: 'NUMBER',
  timestamp: 'TIMESTAMP(6)',
  date: 'DATE',
};

/** A type as SQLite keeps it, in Oracle's words. */
function typeOf(declared: string): readonly [type: string, length: number, precision: number | null, scale: number | null] {
  const [, name = '', size] = /^(\w*)(?:\((\d+)\b.*\))?$/.exec(declared.trim()) ?? [];
  const type = SQL_TYPES[name.toLowerCase()] ?? 'VARCHAR2';
  if (/^(integer|bigint)$/i.test(name)) return [type, 0, 19, 0];
  return [type, type === 'VARCHAR2' ? Number(size ?? 4000) : 0, null, null];
}

function describeType(declared: string): { readonly dbTypeName: string; readonly precision: number; readonly scale: number; readonly byteSize: number } {
  const [dbTypeName, byteSize, precision, scale] = typeOf(declared);
  return { dbTypeName, byteSize, precision: precision ?? 0, scale: scale ?? -127 };
}

/** The catalogue, by the statements that read it. */
function answerCatalogue(
  engine: DatabaseSync,
  sql: string,
  binds: Readonly<Record<string, OracleBind>>,
  busy: boolean,
): readonly (readonly unknown[])[] | undefined {
  const table = String(binds['p1']?.val);
  const all = (query: string, ...values: string[]): Record<string, unknown>[] => engine.prepare(query).all(...values) as Record<string, unknown>[];
  switch (sql) {
    case oracleCatalogue.facts:
      return [['AL32UTF8']];
    case oracleCatalogue.columns:
      return all('SELECT * FROM pragma_table_xinfo(?)', table).map((row) => columnRow(engine, table, row));
    case oracleCatalogue.count:
      return all("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", table).length > 0
        ? [[String(all(`SELECT count(*) AS n FROM "${table}"`)[0]?.['n'])]]
        : [];
    case oracleCatalogue.privileges:
      return [['OWNER']];
    case oracleCatalogue.writers:
      return [[busy ? '1' : '0']];
    case oracleCatalogue.constraint: {
      const [, named, column] = /^UQ_([^_]+)_(.*)$/.exec(String(binds['p2']?.val)) ?? [];
      const check = /^CK (.*)$/.exec(String(binds['p2']?.val))?.[1];
      if (check !== undefined) return [[null, check]];
      return column === undefined ? [] : [[named, column]];
    }
    default:
      return undefined;
  }
}

function columnRow(engine: DatabaseSync, table: string, row: Record<string, unknown>): readonly unknown[] {
  const name = String(row['name']);
  const unique = engine
    .prepare('SELECT 1 FROM pragma_index_list(?) l WHERE l."unique" = 1 AND (SELECT group_concat(i.name) FROM pragma_index_info(l.name) i) = ?')
    .all(table, name);
  const onlyKey = row['pk'] === 1 && engine.prepare('SELECT 1 FROM pragma_table_info(?) WHERE pk > 1').all(table).length === 0;
  const isIdentity = row['pk'] === 1 && /^integer$/i.test(String(row['type']));
  return [
    ...[name, ...typeOf(String(row['type']))],
    ...[row['notnull'] === 0 && row['pk'] === 0 ? 'Y' : 'N', isIdentity ? 'YES' : 'NO', row['hidden'] === 2 || row['hidden'] === 3 ? 'YES' : 'NO'],
    ...[row['dflt_value'] === null ? 0 : 1, unique.length > 0 || onlyKey ? 1 : 0, null],
  ];
}
