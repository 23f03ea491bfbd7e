import type { Value } from '@landbridge/connector-sdk';
import {
  afterRow,
  type CatalogueColumn,
  type Dialect,
  insertWithReturning,
  type ProcedureParameter,
  quote,
  type RowSet,
  type SqlValue,
  type Statement,
  standardWildcards,
  withLimit,
} from './database.ts';
import { readWhole, saysYes } from './driver-values.ts';
import type { ColumnType } from './settings.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'character varying']);
const INTEGER_TYPES: ReadonlySet<string> = new Set(['smallint', 'integer', 'bigint']);

const NATIVE: Readonly<Record<ColumnType, ReadonlySet<string>>> = {
  string: new Set(),
  boolean: new Set(['boolean']),
  integer: INTEGER_TYPES,
  binary: new Set(['bytea']),
};

/** Everything arrives as text, so that nothing is lost on the way (64-bit integers, decimals, times). */
const READERS: Readonly<Record<ColumnType, (value: string) => Value>> = {
  string: (value) => value,
  integer: readWhole,
  boolean: saysYes,
  binary: (value) => Buffer.from(value, 'utf8'),
};

function textOf(expression: string, column: CatalogueColumn): string {
  return TEXT_TYPES.has(column.declared) ? expression : `CAST(${expression} AS text)`;
}

/** Facts of a database that statements depend on. */
export interface PostgresFacts {
  /** The encoding of the database, as the server names it. */
  readonly encoding: string;
  /** The locale of `lower()`. */
  readonly characterType: string;
}

/** PostgreSQL's ways, for a database with these facts. */
export function postgresDialect(facts: PostgresFacts): Dialect {
  // COLLATE "C" compares bytes: the order of code points in UTF-8, and in UTF-8 only.
  const codePoints = (text: string): string => (facts.encoding === 'UTF8' ? `${text} COLLATE "C"` : `convert_to(${text}, 'UTF8')`);
  // Turkish and its like fold ASCII their own way; "C" folds ASCII, and nothing else.
  const folds = /UTF-?8$/i.test(facts.characterType) && !/^(tr|az|lt)/i.test(facts.characterType);
  return {
    name: 'postgres',
    placeholder: (index) => `$${index}`,
    selected: (expression) => expression,
    firstBytes: (expression, count) => `substr(${expression}, 1, ${count})`,
    text: textOf,
    codePoints,
    searched: (text) => text,
    truth: (expression) => expression,
    comparesNatively: ({ type, declared }) => NATIVE[type].has(declared) || type === 'string',
    fold: (text) => (folds ? `lower(${text})` : `lower(${text} COLLATE "C")`),
    foldMisses: folds ? 'nothing' : 'beyond-ascii',
    // The order of uuids is that of their text, and their index serves.
    orderBy: (expression, column, order) => (order === 'text' && column.declared !== 'uuid' ? codePoints(textOf(expression, column)) : expression),
    isSet: (expression) => `coalesce(lower(CAST(${expression} AS text)) NOT IN ('', '0', '0.0', 'false', 'f', 'no', 'n', 'off'), false)`,
    equalsText(expression, column, value, bind) {
      if (column.declared === 'uuid') return UUID.test(value) ? `${expression} = ${bind(value)}` : undefined;
      return `${textOf(expression, column)} = ${bind(value)}`;
    },
    equals: (expression, _column, value, bind) => `${expression} = ${bind(value)}`,
    joins: (left, _leftColumn, right) => `${left} = ${right}`,
    isAfter: afterRow,
    isOneOf(expressions, _columns, keys, bind) {
      const left = expressions.length === 1 ? (expressions[0] ?? '') : `(${expressions.join(', ')})`;
      return `${left} IN (${keys.map((key) => `(${key.map(bind).join(', ')})`).join(', ')})`;
    },
    toSql,
    defaultValues: 'DEFAULT VALUES',
    limited: withLimit,
    insertReturning: (insert, columns) => insertWithReturning({ selected: (expression) => expression }, insert, columns),
    wildcards: standardWildcards,
    earlier: (values, { declared }) =>
      declared.startsWith('timestamp') ? `least(${values.map((value) => `CAST(${value} AS ${declared})`).join(', ')}) - interval '5 minutes'` : undefined,
    reader,
    givesText: ({ type, declared }) => type === 'integer' && INTEGER_TYPES.has(declared),
    call: callRoutine,
    insertRows,
    deleteRows,
    lockHint: '',
    lockClause: ' FOR UPDATE',
    beforeKeyChange: [],
  };
}

function toSql(value: Value, column: CatalogueColumn): SqlValue {
  if (typeof value === 'boolean') return INTEGER_TYPES.has(column.declared) ? Number(value) : value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return column.declared === 'bytea' ? bytes : bytes.toString('utf8');
}

/** The driver is told to give text, always: what it gives is a string. */
function reader(column: CatalogueColumn): (value: unknown) => Value {
  if (column.type === 'integer' && INTEGER_TYPES.has(column.declared)) return (value) => BigInt(value as string);
  if (column.type === 'binary' && column.declared === 'bytea') return (value) => Buffer.from((value as string).slice(2), 'hex');
  // The padding of char(n) means nothing, and its own comparisons ignore it.
  if (column.type === 'string' && column.declared === 'bpchar') return (value) => (value as string).replace(/ +$/, '');
  const read = READERS[column.type];
  return (value) => read(value as string);
}

/** The rows as arrays, one for each column: a statement of one shape for any number of rows. */
function unnest({ key, columns, rows }: RowSet): { readonly source: string; readonly values: readonly SqlValue[] } {
  const arrays = columns.map((column, index) => `$${key.length + index + 1}::${column.declared}[]`).join(', ');
  const names = columns.map((_, index) => `v${index}`).join(', ');
  return { source: `unnest(${arrays}) AS r(${names})`, values: [...key, ...columns.map((_, index) => rows.map((row) => row[index] ?? null))] };
}

function matches({ keyColumns, columns, where }: RowSet): string {
  const keys = keyColumns.map((column, index) => `s.${quote(column.name)} = $${index + 1}`);
  return [...keys, ...columns.map((column, index) => `s.${quote(column.name)} = r.v${index}`), ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
}

function insertRows(rows: RowSet): readonly Statement[] {
  if (rows.rows.length === 0) return [];
  const { source, values } = unnest(rows);
  const names = [...rows.keyColumns, ...rows.columns, ...rows.fixedColumns].map((column) => quote(column.name)).join(', ');
  const list = [
    ...rows.keyColumns.map((column, index) => `$${index + 1}::${column.declared}`),
    ...rows.columns.map((_, index) => `r.v${index}`),
    ...rows.fixedColumns.map((column, index) => `$${values.length + index + 1}::${column.declared}`),
  ];
  const there = `SELECT 1 FROM ${rows.from} s WHERE ${matches(rows)}`;
  return [
    { sql: `INSERT INTO ${rows.from} (${names}) SELECT ${list.join(', ')} FROM ${source} WHERE NOT EXISTS (${there})`, values: [...values, ...rows.fixed] },
  ];
}

function deleteRows(rows: RowSet): readonly Statement[] {
  if (rows.rows.length === 0) return [];
  const { source, values } = unnest(rows);
  return [{ sql: `DELETE FROM ${rows.from} s USING ${source} WHERE ${matches(rows)}`, values }];
}

/** A procedure takes something for each parameter, a function for those that go in only; both give back a row of what comes out. */
function callRoutine(routine: string, parameters: readonly ProcedureParameter[], kind: 'procedure' | 'function'): readonly Statement[] {
  const values: SqlValue[] = [];
  const list = parameters
    .filter(({ direction }) => kind === 'procedure' || direction !== 'out')
    .map(({ direction, value }) => (direction === 'out' ? 'NULL' : `$${values.push(value)}`));
  return [{ sql: kind === 'procedure' ? `CALL ${routine}(${list.join(', ')})` : `SELECT * FROM ${routine}(${list.join(', ')})`, values }];
}
