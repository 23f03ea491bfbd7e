import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { ConnectorError, foldCase, type Value } from '@landbridge/connector-sdk';
import type { CatalogueColumn, Dialect, SqlConnection, SqlDatabase, SqlRow, SqlSnapshot, SqlValue } from './database.ts';
import { quote } from './database.ts';
import type { SqlSettings } from './settings.ts';
import { sqliteError } from './sqlite-errors.ts';

/** SQLite's ways. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  placeholder: () => '?',
  textCollation: 'COLLATE BINARY',
  fold: (expression) => `landbridge_fold(${expression})`,
  toSql: (value) => (typeof value === 'boolean' ? (value ? 1 : 0) : value),
  reader: (type) => READERS[type],
};

const READERS: Readonly<Record<CatalogueColumn['type'], (value: unknown) => Value | undefined>> = {
  string: (value) => (value === null ? undefined : value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)),
  integer: (value) => (value === null ? undefined : typeof value === 'bigint' ? value : toInteger(value)),
  boolean: (value) => (value === null ? undefined : value === 1n || value === 'true' || value === 't'),
  binary: (value) => (value === null ? undefined : value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8')),
};

function toInteger(value: unknown): bigint {
  const text = String(value);
  if (!/^-?\d+$/.test(text))
    throw new ConnectorError('invalid-attribute-value', 'a column that should hold whole numbers holds something else; declare its type as string');
  return BigInt(text);
}

/** Opens a SQLite application. @throws ConnectorError when the file is not there or not a database. */
export function openSqlite(settings: SqlSettings): SqlDatabase {
  const file = settings.file ?? '';
  if (!existsSync(file)) throw new ConnectorError('server-down', `the SQLite file ${file} does not exist; check the parameter file`);
  const handle = guard(() => open(file, settings));
  const statements = new Map<string, StatementSync>();

  function prepare(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = configure(handle.prepare(sql));
    if (statements.size > 500) statements.clear();
    statements.set(sql, statement);
    return statement;
  }

  function run(sql: string, values: readonly SqlValue[]): { readonly rows: readonly SqlRow[]; readonly changes: number } {
    return guard(() => {
      const statement = prepare(sql);
      if (statement.columns().length > 0) {
        const rows = statement.all(...(values as SQLInputValue[])) as unknown as readonly SqlRow[];
        return { rows, changes: rows.length };
      }
      return { rows: [], changes: Number(statement.run(...(values as SQLInputValue[])).changes) };
    });
  }
  const connection: SqlConnection = { query: async (sql, values) => run(sql, values) };
  /** One connection: transactions take turns. */
  let turn: Promise<unknown> = Promise.resolve();

  return {
    dialect: sqliteDialect,
    query: connection.query,
    transaction(work) {
      const mine = turn.then(async () => {
        run('BEGIN IMMEDIATE', []);
        try {
          const result = await work(connection);
          run('COMMIT', []);
          return result;
        } catch (error) {
          if (handle.isTransaction) run('ROLLBACK', []);
          throw error;
        }
      });
      turn = mine.catch(() => {});
      return mine;
    },
    snapshot: async () => openSnapshot(file, settings),
    columns: async (table) => readColumns(run, table),
    queryColumns: async (sql) =>
      guard(() =>
        handle
          .prepare(sql)
          .columns()
          .map(
            (column): CatalogueColumn => ({
              name: column.name,
              type: typeOfDeclaration(column.type ?? ''),
              declared: column.type ?? '',
              nullable: true,
              defaulted: false,
              unique: false,
            }),
          ),
      ),
    async close() {
      statements.clear();
      if (handle.isOpen) handle.close();
    },
  };
}

function open(file: string, settings: SqlSettings, readOnly = false): DatabaseSync {
  const handle = new DatabaseSync(file, { readOnly, timeout: settings.commandTimeoutSeconds * 1000, enableForeignKeyConstraints: true });
  handle.function('landbridge_fold', { deterministic: true }, (value) => (typeof value === 'string' ? foldCase(value) : value));
  handle.prepare('SELECT count(*) FROM sqlite_schema').get();
  return handle;
}

function configure(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

/** A handle of its own in one read transaction: all cursors see the same state. */
function openSnapshot(file: string, settings: SqlSettings): SqlSnapshot {
  const handle = guard(() => open(file, settings, true));
  guard(() => handle.exec('BEGIN'));
  return {
    async cursor(sql, values, fetchSize) {
      const iterator = guard(() => configure(handle.prepare(sql)).iterate(...(values as SQLInputValue[])));
      return {
        read: async () =>
          guard(() => {
            const rows: SqlRow[] = [];
            while (rows.length < fetchSize) {
              const next = iterator.next();
              if (next.done) break;
              rows.push(next.value as unknown as SqlRow);
            }
            return rows;
          }),
      };
    },
    async close() {
      if (handle.isOpen) handle.close();
    },
  };
}

function guard<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw sqliteError(error);
  }
}

type Run = (sql: string, values: readonly SqlValue[]) => { readonly rows: readonly SqlRow[] };

function readColumns(run: Run, table: string): readonly CatalogueColumn[] {
  const info = run(`PRAGMA table_xinfo(${quote(table)})`, []).rows;
  const unique = new Set<string>();
  for (const index of run(`PRAGMA index_list(${quote(table)})`, []).rows) {
    if (index[2] !== 1n || index[4] === 1n) continue;
    const columns = run(`PRAGMA index_info(${quote(String(index[1]))})`, []).rows;
    if (columns.length === 1) unique.add(String(columns[0]?.[2]));
  }
  const keys = info.filter((row) => row[5] !== 0n);
  return info
    .filter((row) => row[6] === 0n || row[6] === 2n || row[6] === 3n)
    .map((row): CatalogueColumn => {
      const name = String(row[1]);
      const declared = String(row[2]);
      const isKey = row[5] !== 0n && keys.length === 1;
      return {
        name,
        type: typeOfDeclaration(declared),
        declared,
        nullable: row[3] === 0n && !isKey,
        defaulted: row[4] !== null || (isKey && /^integer$/i.test(declared)) || row[6] !== 0n,
        unique: isKey || unique.has(name),
      };
    });
}

/** SQLite's rules of affinity (sqlite.org/datatype3.html §3.1), with BOOLEAN as people mean it. */
function typeOfDeclaration(declared: string): CatalogueColumn['type'] {
  if (/bool/i.test(declared)) return 'boolean';
  if (/int/i.test(declared)) return 'integer';
  return /blob|binary/i.test(declared) ? 'binary' : 'string';
}
