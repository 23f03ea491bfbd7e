import type { Value } from '@landbridge/connector-sdk';
import {
  afterParts,
  type CatalogueColumn,
  type Dialect,
  type Insert,
  inParts,
  type ProcedureParameter,
  quote,
  type RowSet,
  type SqlValue,
  type Statement,
} from './database.ts';
import { bytesOfDriver, isFlagSet, readWhole, textOfDriver } from './driver-values.ts';
import { isVersionType, isWholeType, mssqlTypes as types } from './mssql-types.ts';
import type { ColumnType } from './settings.ts';

const UUID = /^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$/;
const BINARY_ORDER = 'COLLATE Latin1_General_100_BIN2';
/** Values in one statement: the server takes 2100. */
const PARAMETERS = 2000;
/** Rows in one statement: few sizes, so that the server compiles few texts. */
const CHUNKS = [200, 20, 1] as const;

type Bind = (value: SqlValue) => string;

const READERS: Readonly<Record<ColumnType, (value: unknown) => Value>> = {
  string: textOfDriver,
  integer: (value) => (typeof value === 'boolean' ? BigInt(value) : readWhole(String(value))),
  boolean: (value) => (typeof value === 'boolean' ? value : isFlagSet(String(value))),
  binary: bytesOfDriver,
};

function isText({ declared }: CatalogueColumn): boolean {
  return types.text.test(declared);
}

/** Old large types that cannot be compared, and new ones. */
function isComparable({ declared }: CatalogueColumn): boolean {
  return !types.incomparable.test(declared);
}

/**
 * Texts by their code units. `=` ignores spaces at the end, whatever the collation: a character below all others ends each text,
 * and what is equal then is the same.
 */
function codePoints(text: string): string {
  return `(CONVERT(nvarchar(max), ${text}) + NCHAR(1)) ${BINARY_ORDER}`;
}

/** How the text of each kind of type is made, so that nothing is lost. Style 121 is ISO, 2 is money with all its digits. */
const TEXTS: readonly (readonly [pattern: RegExp, text: (expression: string) => string])[] = [
  [types.padded, (expression) => `RTRIM(${expression})`],
  [types.varying, (expression) => expression],
  [types.time, (expression) => `CONVERT(nvarchar(40), ${expression}, 121)`],
  [types.money, (expression) => `CONVERT(nvarchar(40), ${expression}, 2)`],
  [types.float, (expression) => `FORMAT(${expression}, N'R', N'en-US')`],
  [types.clr, (expression) => `${expression}.ToString()`],
];

function textOf(expression: string, { declared }: CatalogueColumn): string {
  const [, text] = TEXTS.find(([pattern]) => pattern.test(declared)) ?? [];
  return text === undefined ? `CONVERT(nvarchar(max), ${expression})` : text(expression);
}

/** What the driver gives without loss comes as it is; everything else as text. */
function selected(expression: string, column: CatalogueColumn): string {
  const { declared } = column;
  if (isVersionType(declared)) return `CONVERT(bigint, ${expression})`;
  if (/^image\b/.test(declared)) return `CONVERT(varbinary(max), ${expression})`;
  const isPlain =
    isWholeType(declared) || types.bit.test(declared) || types.binary.test(declared) || types.padded.test(declared) || types.varying.test(declared);
  return isPlain ? expression : textOf(expression, column);
}

/** The type of what {@link selected} gives. */
function selectedType({ declared }: CatalogueColumn): string {
  if (isVersionType(declared) || isWholeType(declared)) return 'bigint';
  if (types.bit.test(declared)) return 'bit';
  return types.binary.test(declared) ? 'varbinary(max)' : 'nvarchar(max)';
}

/**
 * A value as the column has it. Texts of one byte a character must be of the column's own code page: else the server converts the
 * column, compares in another order, and uses no index.
 */
function parameter(placeholder: string, column: CatalogueColumn): string {
  const { declared, collation } = column;
  if (/^(n?text|nvarchar|nchar|sysname)\b/.test(declared) || isWholeType(declared) || types.bit.test(declared)) return placeholder;
  if (/^(var)?char\b/.test(declared)) {
    const own = collation === undefined ? placeholder : `${placeholder} COLLATE ${collation}`;
    return `CONVERT(varchar(${/\(max\)/.test(declared) ? 'max' : '8000'}), ${own})`;
  }
  if (types.binary.test(declared)) return `CONVERT(varbinary(max), ${placeholder})`;
  if (isVersionType(declared)) return `CONVERT(binary(8), CONVERT(bigint, ${placeholder}))`;
  // What the older types take for a time depends on the session, and has three digits at most.
  if (/^(small)?datetime$/.test(declared)) return `CONVERT(${declared}, CONVERT(datetime2(7), ${placeholder}))`;
  if (/^sql_variant\b/.test(declared)) return `CONVERT(nvarchar(4000), ${placeholder})`;
  return `CONVERT(${declared}, ${placeholder})`;
}

/** The first part is for the index; the collation may call different texts equal. */
function equalsText(expression: string, column: CatalogueColumn, value: string, bind: Bind): string | undefined {
  if (types.uuid.test(column.declared)) return UUID.test(value) ? `${expression} = ${parameter(bind(value), column)}` : undefined;
  const bound = bind(value);
  const exactly = `${codePoints(textOf(expression, column))} = ${codePoints(bound)}`;
  return isText(column) && isComparable(column) ? `(${expression} = ${parameter(bound, column)} AND ${exactly})` : exactly;
}

function equals(expression: string, column: CatalogueColumn, value: SqlValue, bind: Bind): string {
  if (typeof value === 'string' && (isText(column) || !isComparable(column))) return equalsText(expression, column, value, bind) ?? '1=0';
  return `${expression} = ${parameter(bind(value), column)}`;
}

function joins(left: string, leftColumn: CatalogueColumn, right: string, rightColumn: CatalogueColumn): string {
  if (!isText(leftColumn) && !isText(rightColumn)) return `${left} = ${right}`;
  const exactly = `${codePoints(textOf(left, leftColumn))} = ${codePoints(textOf(right, rightColumn))}`;
  const isAlike = leftColumn.collation === rightColumn.collation && isComparable(leftColumn) && isComparable(rightColumn);
  return isAlike ? `(${left} = ${right} AND ${exactly})` : exactly;
}

function isOneOf(expressions: readonly string[], columns: readonly CatalogueColumn[], keys: readonly (readonly SqlValue[])[], bind: Bind): string {
  const bound = (value: SqlValue, index: number): string => {
    const column = columns[index];
    return column === undefined ? bind(value) : parameter(bind(value), column);
  };
  if (expressions.length === 1) return `${expressions[0] ?? ''} IN (${keys.map((key) => bound(key[0] ?? null, 0)).join(', ')})`;
  return `(${keys.map((key) => `(${key.map((value, index) => `${expressions[index] ?? ''} = ${bound(value, index)}`).join(' AND ')})`).join(' OR ')})`;
}

function toSql(value: Value, column: CatalogueColumn): SqlValue {
  if (typeof value === 'boolean') return isText(column) ? String(value) : types.bit.test(column.declared) ? value : value ? 1n : 0n;
  if (!(value instanceof Uint8Array)) return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return isText(column) ? bytes.toString('utf8') : bytes;
}

function reader(column: CatalogueColumn): (value: unknown) => Value {
  // The padding of char(n) means nothing, and comparisons ignore it.
  if (column.type === 'string' && types.padded.test(column.declared)) return (value) => String(value).replace(/ +$/, '');
  return READERS[column.type];
}

/** Through a table of its own: the plain OUTPUT is refused where the table has triggers. */
function insertReturning({ into, names, values }: Insert, columns: readonly CatalogueColumn[]): string {
  const list = columns.map((_, index) => `c${index}`).join(', ');
  const declared = columns.map((column, index) => `c${index} ${selectedType(column)}`).join(', ');
  const output = columns.map((column) => selected(`INSERTED.${quote(column.name)}`, column)).join(', ');
  return `DECLARE @landbridge TABLE (${declared}); INSERT INTO ${into} ${names} OUTPUT ${output} INTO @landbridge (${list}) ${values}; SELECT ${list} FROM @landbridge`;
}

/** SQL Server's ways. */
export function mssqlDialect(): Dialect {
  return {
    name: 'mssql',
    placeholder: (index) => `@p${index}`,
    selected,
    firstBytes: (expression, count) => `SUBSTRING(${expression}, 1, ${count})`,
    text: textOf,
    codePoints,
    searched: (text) => `CONVERT(nvarchar(max), ${text}) ${BINARY_ORDER}`,
    truth: (expression) => expression,
    comparesNatively: ({ type, declared }) =>
      ({ string: true, integer: isWholeType(declared) || isVersionType(declared), boolean: types.bit.test(declared), binary: types.binary.test(declared) })[
        type
      ],
    fold: (text) => `LOWER(CONVERT(nvarchar(max), ${text}) ${BINARY_ORDER})`,
    foldMisses: 'beyond-ascii',
    // A bracket opens a set of characters.
    wildcards: /[\\%_[]/g,
    longestPattern: 4000,
    ordersByCodeUnit: true,
    orderBy(expression, column, order) {
      if (order !== 'text') return expression;
      // Where the collation keeps values apart its own order serves, and with it the index: nothing is merged here.
      const isNative = isComparable(column) && (column.unique || !isText(column));
      return isNative ? expression : codePoints(textOf(expression, column));
    },
    isSet: (expression) =>
      `(${expression} IS NOT NULL AND LOWER(CONVERT(nvarchar(40), ${expression})) NOT IN (N'', N'0', N'0.0', N'false', N'f', N'no', N'n', N'off'))`,
    equalsText,
    equals,
    joins,
    isAfter: afterParts,
    isOneOf,
    // Transactions that are under way have taken numbers that are not to be seen yet: nothing is missed below the oldest of these.
    markOf: ({ declared }) => (isVersionType(declared) ? 'SELECT CONVERT(bigint, MIN_ACTIVE_ROWVERSION()) - 1' : undefined),
    parameter,
    toSql,
    reader,
    limited: (select, count) => select.replace(/^SELECT /, `SELECT TOP (${count}) `),
    defaultValues: 'DEFAULT VALUES',
    insertReturning,
    earlier: ([value = ''], { declared }) =>
      /^(datetime|datetime2|datetimeoffset|smalldatetime)\b/.test(declared)
        ? `CONVERT(nvarchar(40), DATEADD(minute, -5, ${parameter(value, { declared } as CatalogueColumn)}), 121)`
        : undefined,
    call: callRoutine,
    insertRows,
    deleteRows,
    lockHint: ' WITH (UPDLOCK, ROWLOCK)',
    lockClause: '',
    // Foreign keys are checked at once; those that follow (ON UPDATE CASCADE) do so by themselves.
    beforeKeyChange: [],
  };
}

/** Collects the values of a statement. */
function collector(): { readonly values: SqlValue[]; readonly bind: Bind } {
  const values: SqlValue[] = [];
  return { values, bind: (value) => `@p${values.push(value)}` };
}

/** The rows of a set in parts, each as a table in the statement. */
function inChunks(set: RowSet, statement: (source: string, part: { readonly bind: Bind }) => string): readonly Statement[] {
  const room = Math.floor((PARAMETERS - set.key.length - set.fixed.length) / Math.max(1, set.columns.length));
  const sizes = CHUNKS.filter((size) => size <= room);
  const names = set.columns.map((_, index) => `landbridge_${index}`).join(', ');
  return inParts(set.rows, sizes).map((part) => {
    const { values, bind } = collector();
    const rows = part.map((row) => `(${set.columns.map((column, index) => parameter(bind(row[index] ?? null), column)).join(', ')})`);
    return { sql: statement(`(VALUES ${rows.join(', ')}) r (${names})`, { bind }), values };
  });
}

/** The columns that are there equal those of a row of the table in the statement. */
function isRow({ keyColumns, key, columns, where }: RowSet, bind: Bind): string {
  const keys = keyColumns.map((column, index) => equals(quote(column.name), column, key[index] ?? null, bind));
  const own = columns.map((column, index) => {
    const name = quote(column.name);
    const value = `r.landbridge_${index}`;
    return isText(column) ? `(${name} = ${value} AND ${codePoints(textOf(name, column))} = ${codePoints(value)})` : `${name} = ${value}`;
  });
  return [...keys, ...own, ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
}

function insertRows(set: RowSet): readonly Statement[] {
  const names = [...set.keyColumns, ...set.fixedColumns, ...set.columns].map((column) => quote(column.name)).join(', ');
  return inChunks(set, (source, { bind }) => {
    const constants = [
      ...set.keyColumns.map((column, index) => parameter(bind(set.key[index] ?? null), column)),
      ...set.fixedColumns.map((column, index) => parameter(bind(set.fixed[index] ?? null), column)),
    ];
    const list = [...constants, ...set.columns.map((_, index) => `r.landbridge_${index}`)].join(', ');
    return `INSERT INTO ${set.from} (${names}) SELECT ${list} FROM ${source} WHERE NOT EXISTS (SELECT 1 FROM ${set.from} WHERE ${isRow(set, bind)})`;
  });
}

function deleteRows(set: RowSet): readonly Statement[] {
  return inChunks(set, (source, { bind }) => `DELETE FROM ${set.from} WHERE EXISTS (SELECT 1 FROM ${source} WHERE ${isRow(set, bind)})`);
}

/** What comes out goes through variables, which are selected at the end. */
function callRoutine(routine: string, parameters: readonly ProcedureParameter[], kind: 'procedure' | 'function'): readonly Statement[] {
  const { values, bind } = collector();
  const bound = parameters.map(({ value }) => bind(value));
  if (kind === 'function') return [{ sql: `SELECT ${routine}(${bound.join(', ')})`, values }];
  const outs = parameters.flatMap(({ direction }, index) => (direction === 'in' ? [] : [index]));
  const declared = outs.map((index) => `DECLARE @o${index} nvarchar(max) = ${bound[index] ?? 'NULL'}; `).join('');
  const list = parameters.map(({ direction }, index) => (direction === 'in' ? (bound[index] ?? 'NULL') : `@o${index} OUTPUT`)).join(', ');
  const last = outs.length === 0 ? '' : `; SELECT ${outs.map((index) => `@o${index} AS landbridge_out_${index}`).join(', ')}`;
  return [{ sql: `${declared}EXEC ${routine} ${list}${last}`, values }];
}
