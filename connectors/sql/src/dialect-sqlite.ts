import type { Value } from '@landbridge/connector-sdk';
import {
  afterRow,
  type CatalogueColumn,
  type Dialect,
  insertWithReturning,
  quote,
  type RowSet,
  type Statement,
  standardWildcards,
  withLimit,
} from './database.ts';
import { bytesOfDriver, notWhole, saysYes, textOfDriver } from './driver-values.ts';
import type { ColumnType } from './settings.ts';

const INTEGER = /^-?\d+$/;

/** How driver values become typed values. SQLite keeps any type in any column: each reader takes what it can get. */
const READERS: Readonly<Record<ColumnType, (value: unknown) => Value>> = {
  string: textOfDriver,
  integer: (value) => (typeof value === 'bigint' ? value : toInteger(value)),
  boolean: (value) => value === 1n || (value !== 0n && saysYes(String(value))),
  binary: bytesOfDriver,
};

function toInteger(value: unknown): bigint {
  const text = String(value);
  if (INTEGER.test(text)) return BigInt(text);
  throw notWhole();
}

/** Whether the column keeps text as text (sqlite.org/datatype3.html §3.1). */
function hasTextAffinity(column: CatalogueColumn): boolean {
  return /char|clob|text/i.test(column.declared) && !/int/i.test(column.declared);
}

function textOf(expression: string, column: CatalogueColumn): string {
  return hasTextAffinity(column) ? expression : `CAST(${expression} AS TEXT)`;
}

/**
 * SQLite's ways, for a database of this text encoding. BINARY compares the stored bytes: in UTF-8 that is the order of code
 * points; in UTF-16 it is not, and a function gives the bytes of the UTF-8 form.
 */
export function sqliteDialect(encoding: string): Dialect {
  const codePoints = (expression: string): string => (encoding === 'UTF-8' ? `${expression} COLLATE BINARY` : `landbridge_utf8(${expression})`);
  return {
    name: 'sqlite',
    placeholder: () => '?',
    selected: (expression) => expression,
    firstBytes: (expression, count) => `substr(${expression}, 1, ${count})`,
    text: textOf,
    codePoints,
    searched: (text) => text,
    truth: (expression) => expression,
    // SQLite keeps anything in a boolean column, and numbers of other types elsewhere: its comparisons are not the evaluator's.
    comparesNatively: ({ type, declared }) => type === 'integer' && /int/i.test(declared),
    fold: (text) => `landbridge_fold(${text})`,
    foldMisses: 'nothing',
    orderBy: (expression, column, order) => (order === 'text' ? codePoints(textOf(expression, column)) : expression),
    isSet: (expression) => `coalesce(lower(CAST(${expression} AS TEXT)) NOT IN ('', '0', '0.0', 'false', 'f', 'no', 'n', 'off'), 0)`,
    // Whatever collation the column has: NOCASE would call different texts equal.
    equalsText: (expression, column, value, bind) => `${textOf(expression, column)} = ${bind(value)} COLLATE BINARY`,
    equals: (expression, _column, value, bind) => `${expression} = ${bind(value)}`,
    joins: (left, _leftColumn, right) => `${left} = ${right}`,
    isAfter: afterRow,
    isOneOf(expressions, _columns, keys, bind) {
      if (expressions.length === 1) return `${expressions[0] ?? ''} IN (${keys.flatMap((key) => key.map(bind)).join(', ')})`;
      return `(${expressions.join(', ')}) IN (VALUES ${keys.map((key) => `(${key.map(bind).join(', ')})`).join(', ')})`;
    },
    toSql: (value) => (typeof value === 'boolean' ? (value ? 1 : 0) : value),
    reader: (column) => READERS[column.type],
    defaultValues: 'DEFAULT VALUES',
    limited: withLimit,
    insertReturning: (insert, columns) => insertWithReturning({ selected: (expression) => expression }, insert, columns),
    wildcards: standardWildcards,
    earlier: () => undefined,
    insertRows: insertStatements,
    deleteRows: (rows) => rowByRow(rows, `DELETE FROM ${rows.from} WHERE ${equalities(rows)}`, 1),
    lockHint: '',
    lockClause: '',
    // Checked at COMMIT: dependants are moved in the same transaction.
    beforeKeyChange: ['PRAGMA defer_foreign_keys = ON'],
  };
}

function insertStatements(rows: RowSet): readonly Statement[] {
  const all = [...rows.fixedColumns, ...rows.keyColumns, ...rows.columns];
  const names = all.map((column) => quote(column.name)).join(', ');
  const there = `SELECT 1 FROM ${rows.from} WHERE ${equalities(rows)}`;
  return rowByRow(rows, `INSERT INTO ${rows.from} (${names}) SELECT ${all.map(() => '?').join(', ')} WHERE NOT EXISTS (${there})`, 2);
}

function equalities({ keyColumns, columns, where }: RowSet): string {
  return [...[...keyColumns, ...columns].map((column) => `${quote(column.name)} = ?`), ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
}

/** One text, prepared once, for each row: in process that is as fast as many rows in one statement. */
function rowByRow({ key, rows, fixed }: RowSet, sql: string, times: 1 | 2): readonly Statement[] {
  return rows.map((row) => {
    const values = [...key, ...row];
    return { sql, values: times === 1 ? values : [...fixed, ...values, ...values] };
  });
}
