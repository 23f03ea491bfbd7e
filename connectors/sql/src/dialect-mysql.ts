import type { Value } from '@landbridge/connector-sdk';
import {
  afterParts,
  type CatalogueColumn,
  type Dialect,
  inParts,
  insertWithReturning,
  type ProcedureParameter,
  quote,
  type RowSet,
  type SqlValue,
  type Statement,
  standardWildcards,
  withLimit,
} from './database.ts';
import { bytesOfDriver, isFlagSet, readWhole, textOfDriver } from './driver-values.ts';
import type { ColumnType } from './settings.ts';

const TEXT = /^(char|varchar|tinytext|text|mediumtext|longtext|enum|set)\b/;
const INTEGER = /^(tinyint|smallint|mediumint|int|bigint|year)\b/;
const BINARY = /^(binary|varbinary|tinyblob|blob|mediumblob|longblob)\b/;
const BIT = /^bit\b/;

type Bind = (value: SqlValue) => string;

/** The driver gives small integers as numbers, long ones as text, and everything without a character set as bytes. */
const READERS: Readonly<Record<ColumnType, (value: unknown) => Value>> = {
  string: textOfDriver,
  integer: (value) => readWhole(textOfDriver(value)),
  boolean: (value) => isFlagSet(textOfDriver(value)),
  binary: bytesOfDriver,
};

/** The bytes of the UTF-8 form: they compare in the order of code points, and no padding is ignored, whatever the collation. */
function codePoints(text: string): string {
  return `CAST(CONVERT(${text} USING utf8mb4) AS BINARY)`;
}

function textOf(expression: string, column: CatalogueColumn): string {
  return TEXT.test(column.declared) ? expression : `CAST(${expression} AS CHAR)`;
}

/** Times and floating-point numbers as the server writes them: the driver's own forms of them are shorter, or longer. */
function selected(expression: string, column: CatalogueColumn): string {
  const { declared } = column;
  if (BIT.test(declared)) return `CAST(${expression} AS UNSIGNED)`;
  const isPlain = TEXT.test(declared) || INTEGER.test(declared) || BINARY.test(declared) || /^(decimal|json)\b/.test(declared);
  return isPlain ? expression : `CAST(${expression} AS CHAR)`;
}

function equalsText(expression: string, column: CatalogueColumn, value: SqlValue, bind: Bind): string {
  if (!TEXT.test(column.declared)) return `${codePoints(textOf(expression, column))} = ${codePoints(bind(value))}`;
  const own = inCollation(column, () => bind(value));
  const indexed = own === undefined ? '' : `${expression} = ${own} AND `;
  // The first part is for the index; the collation may call different texts equal, and ignores spaces at the end.
  return `(${indexed}${codePoints(expression)} = ${codePoints(bind(value))})`;
}

/** A text parameter as a column of this collation compares it; `undefined` where nobody knows the collation. */
function inCollation({ collation }: CatalogueColumn, bound: () => string): string | undefined {
  if (collation === undefined) return undefined;
  // What the character set lacks becomes a question mark, and is told apart by the exact comparison.
  return collation.startsWith('utf8mb4') ? bound() : `CONVERT(${bound()} USING ${collation.split('_')[0] ?? ''}) COLLATE ${collation}`;
}

function isOneOf(expressions: readonly string[], columns: readonly CatalogueColumn[], keys: readonly (readonly SqlValue[])[], bind: Bind): string {
  const isText = columns.map(({ declared }) => TEXT.test(declared));
  const left = expressions.map((expression, index) => (isText[index] && columns[index]?.collation === undefined ? codePoints(expression) : expression));
  const one = (value: SqlValue, index: number): string => {
    const column = columns[index];
    if (!isText[index] || column === undefined) return bind(value);
    return inCollation(column, () => bind(value)) ?? codePoints(bind(value));
  };
  return `${left.length === 1 ? (left[0] ?? '') : `(${left.join(', ')})`} IN (${keys.map((key) => `(${key.map(one).join(', ')})`).join(', ')})`;
}

function equals(expression: string, column: CatalogueColumn, value: SqlValue, bind: Bind): string {
  return typeof value === 'string' && TEXT.test(column.declared) ? equalsText(expression, column, value, bind) : `${expression} = ${bind(value)}`;
}

function joins(left: string, leftColumn: CatalogueColumn, right: string, rightColumn: CatalogueColumn): string {
  const isText = TEXT.test(leftColumn.declared) || TEXT.test(rightColumn.declared);
  if (!isText) return `${left} = ${right}`;
  const exactly = `${codePoints(textOf(left, leftColumn))} = ${codePoints(textOf(right, rightColumn))}`;
  // Columns of different collations cannot be compared as they are.
  return leftColumn.collation === rightColumn.collation ? `(${left} = ${right} AND ${exactly})` : exactly;
}

function toSql(value: Value, column: CatalogueColumn): SqlValue {
  if (typeof value === 'boolean') return TEXT.test(column.declared) ? String(value) : value ? 1n : 0n;
  return value;
}

/** The ways of MariaDB and MySQL. `returning`: INSERT has RETURNING (MariaDB 10.5). */
export function mysqlDialect({ returning }: { readonly returning: boolean }): Dialect {
  return {
    name: 'mysql',
    placeholder: () => '?',
    selected,
    firstBytes: (expression, count) => `substr(${expression}, 1, ${count})`,
    text: textOf,
    codePoints,
    // A collation may read two letters as one: bytes it never does.
    searched: codePoints,
    truth: (expression) => `(${expression} <> 0)`,
    comparesNatively: ({ type, declared }) =>
      ({ string: true, integer: INTEGER.test(declared), boolean: /^(tinyint|bit)\b/.test(declared), binary: BINARY.test(declared) })[type],
    fold: (text) => `CAST(LOWER(CONVERT(${text} USING utf8mb4) COLLATE utf8mb4_general_ci) AS BINARY)`,
    foldMisses: 'beyond-ascii',
    orderBy(expression, column, order) {
      if (order !== 'text') return expression;
      // Where the collation keeps values apart its own order serves, and with it the index: nothing is merged here.
      return column.unique && TEXT.test(column.declared) && column.collation?.startsWith('utf8mb4') ? expression : codePoints(textOf(expression, column));
    },
    isSet: (expression) => `coalesce(lower(CAST(${expression} AS CHAR)) NOT IN ('', '0', '0.0', 'false', 'f', 'no', 'n', 'off'), false)`,
    equalsText,
    equals,
    joins,
    isAfter: afterParts,
    isOneOf,
    toSql,
    reader: (column) => READERS[column.type],
    defaultValues: '() VALUES ()',
    limited: withLimit,
    ...(returning ? { insertReturning: (insert, columns) => insertWithReturning({ selected }, insert, columns) } : {}),
    wildcards: standardWildcards,
    earlier: ([value = ''], { declared }) =>
      /^(datetime|timestamp)\b/.test(declared) ? `CAST(CAST(${value} AS DATETIME(6)) - INTERVAL 5 MINUTE AS CHAR)` : undefined,
    call: callRoutine,
    insertRows: insertStatements,
    deleteRows: deleteStatements,
    lockHint: '',
    lockClause: ' FOR UPDATE',
    // Foreign keys are checked at once; those that follow (ON UPDATE CASCADE) do so by themselves.
    beforeKeyChange: [],
  };
}

/** Rows in one statement: few sizes, so that the server parses few texts. */
const CHUNKS = [500, 50, 5, 1] as const;

/** Whether rows are numbers of one owner, memberships mostly: then many go in one statement, and no collation has a say. */
function areNumbers({ keyColumns, columns }: RowSet): boolean {
  return columns.length === 1 && [...keyColumns, ...columns].every(({ declared }) => INTEGER.test(declared));
}

function inChunks({ rows }: RowSet, statement: (values: readonly SqlValue[]) => Statement): readonly Statement[] {
  const all = rows.map(([value = null]) => value);
  return inParts(all, CHUNKS).map(statement);
}

function deleteStatements(rows: RowSet): readonly Statement[] {
  if (!areNumbers(rows)) return eachRow(rows, (bind, row) => `DELETE FROM ${rows.from} WHERE ${isRow(rows, row, bind)}`);
  const { from, keyColumns, key, columns, where } = rows;
  const own = [...keyColumns.map((column) => `${quote(column.name)} = ?`), ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
  return inChunks(rows, (values) => ({
    sql: `DELETE FROM ${from} WHERE ${own} AND ${quote(columns[0]?.name ?? '')} IN (${values.map(() => '?').join(', ')})`,
    values: [...key, ...values],
  }));
}

function insertNumbers(rows: RowSet): readonly Statement[] {
  const { from, keyColumns, key, columns, fixedColumns, fixed, where } = rows;
  const names = [...fixedColumns, ...keyColumns, ...columns].map((column) => quote(column.name)).join(', ');
  const constants = [...fixed, ...key].map(() => '?').join(', ');
  const own = [
    ...keyColumns.map((column) => `s.${quote(column.name)} = ?`),
    `s.${quote(columns[0]?.name ?? '')} = r.v`,
    ...(where === undefined ? [] : [`(${where})`]),
  ];
  return inChunks(rows, (values) => ({
    sql: `INSERT INTO ${from} (${names}) SELECT ${constants}, r.v FROM (SELECT ? AS v${' UNION ALL SELECT ?'.repeat(values.length - 1)}) AS r WHERE NOT EXISTS (SELECT 1 FROM ${from} AS s WHERE ${own.join(' AND ')})`,
    values: [...fixed, ...key, ...values, ...key],
  }));
}

function insertStatements(rows: RowSet): readonly Statement[] {
  if (areNumbers(rows)) return insertNumbers(rows);
  const names = [...rows.fixedColumns, ...rows.keyColumns, ...rows.columns].map((column) => quote(column.name)).join(', ');
  return eachRow(rows, (bind, row) => {
    const list = [...rows.fixed, ...rows.key, ...row].map(bind).join(', ');
    return `INSERT INTO ${rows.from} (${names}) SELECT ${list} FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM ${rows.from} WHERE ${isRow(rows, row, bind)})`;
  });
}

function isRow({ keyColumns, key, columns, where }: RowSet, row: readonly SqlValue[], bind: Bind): string {
  const all = [...keyColumns.map((column, index) => [column, key[index]] as const), ...columns.map((column, index) => [column, row[index]] as const)];
  const parts = all.map(([column, value]) => equals(quote(column.name), column, value ?? null, bind));
  return [...parts, ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
}

/** One statement for each row: of one text, so that the server parses it once. */
function eachRow(rows: RowSet, text: (bind: Bind, row: readonly SqlValue[]) => string): readonly Statement[] {
  return rows.rows.map((row) => {
    const values: SqlValue[] = [];
    const sql = text((value) => {
      values.push(value);
      return '?';
    }, row);
    return { sql, values };
  });
}

/** What comes out of a procedure goes into variables of the session, which are read afterwards. */
function callRoutine(routine: string, parameters: readonly ProcedureParameter[], kind: 'procedure' | 'function'): readonly Statement[] {
  if (kind === 'function') return [{ sql: `SELECT ${routine}(${parameters.map(() => '?').join(', ')})`, values: parameters.map(({ value }) => value) }];
  const variables = parameters.flatMap(({ direction, value }, index) => (direction === 'in' ? [] : [{ name: `@landbridge_${index}`, value }]));
  const call = {
    sql: `CALL ${routine}(${parameters.map(({ direction }, index) => (direction === 'in' ? '?' : `@landbridge_${index}`)).join(', ')})`,
    values: parameters.filter(({ direction }) => direction === 'in').map(({ value }) => value),
  };
  if (variables.length === 0) return [call];
  const names = variables.map(({ name }) => name);
  return [
    { sql: `SET ${names.map((name) => `${name} = ?`).join(', ')}`, values: variables.map(({ value }) => value) },
    call,
    { sql: `SELECT ${names.join(', ')}`, values: [] },
  ];
}
