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
  standardWildcards,
} from './database.ts';
import { bytesOfDriver, isFlagSet, readWhole, textOfDriver } from './driver-values.ts';
import type { ColumnType } from './settings.ts';

const CHARACTERS = /^N?(VAR)?CHAR2?\b/;
const PADDED = /^N?CHAR\(/;
const NUMBER = /^NUMBER\b/;
const WHOLE_COLUMN = /^NUMBER\(\d+,0\)$/;
const LARGE = /^(N?CLOB|LONG|BLOB|BFILE|JSON|XMLTYPE)\b/;
const FLOAT = /^BINARY_(FLOAT|DOUBLE)$/;
/** A number as the server writes it with a digit before the point. */
const CANONICAL = /^(0|-?(0\.\d*[1-9]|[1-9]\d*(\.\d*[1-9])?))$/;
/** Rows in one statement: few sizes, so that the server parses few texts. */
const CHUNKS = [200, 20, 1] as const;

type Bind = (value: SqlValue) => string;

const READERS: Readonly<Record<ColumnType, (value: unknown) => Value>> = {
  string: textOfDriver,
  integer: (value) => readWhole(String(value)),
  boolean: (value) => (typeof value === 'boolean' ? value : isFlagSet(String(value))),
  binary: bytesOfDriver,
};

/** Times in ISO's order, with all digits of their seconds. */
const TIMES: readonly (readonly [pattern: RegExp, format: string])[] = [
  [/^DATE$/, 'YYYY-MM-DD HH24:MI:SS'],
  [/^TIMESTAMP.* WITH TIME ZONE$/, 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM'],
  [/^TIMESTAMP/, 'YYYY-MM-DD HH24:MI:SS.FF'],
];

function formatOf({ declared }: Pick<CatalogueColumn, 'declared'>): string | undefined {
  return TIMES.find(([pattern]) => pattern.test(declared))?.[1];
}

function textOf(expression: string, column: CatalogueColumn): string {
  const { declared } = column;
  // Spaces at the end of CHAR mean nothing, but a value that is bound does not know that.
  if (PADDED.test(declared)) return `RTRIM(${expression})`;
  if (CHARACTERS.test(declared) || LARGE.test(declared)) return expression;
  const format = formatOf(column);
  if (format !== undefined) return `TO_CHAR(${expression}, '${format}')`;
  // The server writes .5 for a half.
  return NUMBER.test(declared) ? `REGEXP_REPLACE(TO_CHAR(${expression}, 'TM9'), '^(-?)[.]', '\\10.')` : `TO_CHAR(${expression})`;
}

/** Whole numbers as the driver gives them: as text. Everything that has a text of several forms, in ours. */
function selected(expression: string, column: CatalogueColumn): string {
  const { declared, type } = column;
  const isPlain = LARGE.test(declared) || FLOAT.test(declared) || CHARACTERS.test(declared) || /^(RAW|BOOLEAN)\b/.test(declared);
  return isPlain || (NUMBER.test(declared) && (type !== 'string' || WHOLE_COLUMN.test(declared))) ? expression : textOf(expression, column);
}

/** A value as the column has it: a time is not taken from a text without its format. */
function parameter(placeholder: string, column: Pick<CatalogueColumn, 'declared'>): string {
  const { declared } = column;
  if (declared === 'DATE') return `CAST(TO_TIMESTAMP(${placeholder}, 'YYYY-MM-DD HH24:MI:SS.FF') AS DATE)`;
  if (/^TIMESTAMP.* WITH TIME ZONE$/.test(declared)) return `TO_TIMESTAMP_TZ(${placeholder}, 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM')`;
  if (/^TIMESTAMP/.test(declared)) return `TO_TIMESTAMP(${placeholder}, 'YYYY-MM-DD HH24:MI:SS.FF')`;
  return placeholder;
}

function equalsText(expression: string, column: CatalogueColumn, value: string, bind: Bind): string | undefined {
  if (NUMBER.test(column.declared)) return CANONICAL.test(value) ? `${expression} = TO_NUMBER(${bind(value)})` : undefined;
  return `${textOf(expression, column)} = ${bind(value)}`;
}

function equals(expression: string, column: CatalogueColumn, value: SqlValue, bind: Bind): string {
  const own = PADDED.test(column.declared) ? `RTRIM(${expression})` : expression;
  if (column.declared === 'CLOB' && typeof value === 'string') return `DBMS_LOB.COMPARE(${expression}, TO_CLOB(${bind(value)})) = 0`;
  return `${own} = ${parameter(bind(value), column)}`;
}

function joins(left: string, leftColumn: CatalogueColumn, right: string, rightColumn: CatalogueColumn): string {
  if (leftColumn.declared === rightColumn.declared || (NUMBER.test(leftColumn.declared) && NUMBER.test(rightColumn.declared))) return `${left} = ${right}`;
  return `${textOf(left, leftColumn)} = ${textOf(right, rightColumn)}`;
}

function isOneOf(expressions: readonly string[], columns: readonly CatalogueColumn[], keys: readonly (readonly SqlValue[])[], bind: Bind): string {
  const own = expressions.map((expression, index) => (PADDED.test(columns[index]?.declared ?? '') ? `RTRIM(${expression})` : expression));
  const one = (value: SqlValue, index: number): string => parameter(bind(value), columns[index] ?? { declared: '' });
  if (own.length === 1) return `${own[0] ?? ''} IN (${keys.map((key) => one(key[0] ?? null, 0)).join(', ')})`;
  return `(${own.join(', ')}) IN (${keys.map((key) => `(${key.map(one).join(', ')})`).join(', ')})`;
}

function toSql(value: Value, { declared }: CatalogueColumn): SqlValue {
  if (typeof value === 'boolean') return CHARACTERS.test(declared) ? String(value) : value ? 1n : 0n;
  if (!(value instanceof Uint8Array)) return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return /^(RAW|BLOB|LONG RAW)\b/.test(declared) ? bytes : bytes.toString('utf8');
}

function reader(column: CatalogueColumn): (value: unknown) => Value {
  if (column.type === 'string' && PADDED.test(column.declared)) return (value) => String(value).replace(/ +$/, '');
  return READERS[column.type];
}

/** Oracle's ways. `isUnicode`: the bytes of texts are ordered as their code points are. */
export function oracleDialect({ isUnicode }: { readonly isUnicode: boolean }): Dialect {
  return {
    name: 'oracle',
    placeholder: (index) => `:p${index}`,
    selected,
    // What is larger than a value of SQL may be is cut nowhere but here: the limit is looked at when it has arrived.
    firstBytes: (expression) => expression,
    text: textOf,
    codePoints: (text) => (isUnicode ? text : `TO_NCHAR(${text})`),
    searched: (text) => text,
    truth: (expression) => expression,
    comparesNatively: ({ type, declared }) =>
      ({ string: true, integer: NUMBER.test(declared), boolean: WHOLE_COLUMN.test(declared) || declared === 'BOOLEAN', binary: /^RAW\b/.test(declared) })[type],
    isOpaque: ({ declared }) => LARGE.test(declared) || FLOAT.test(declared),
    fold: (text) => `LOWER(${text})`,
    foldMisses: 'beyond-ascii',
    wildcards: standardWildcards,
    longestPattern: 1000,
    // Texts of the national character set are UTF-16.
    ordersByCodeUnit: true,
    emptyIsNull: true,
    orderBy: (expression, column, order) =>
      order === 'text' && CHARACTERS.test(column.declared) && !isUnicode ? `TO_NCHAR(${textOf(expression, column)})` : orderOf(expression, column),
    isSet: (expression) => `(${expression} IS NOT NULL AND LOWER(TO_CHAR(${expression})) NOT IN ('0', '0.0', 'false', 'f', 'no', 'n', 'off'))`,
    equalsText,
    equals,
    joins,
    isAfter: afterParts,
    isOneOf,
    parameter,
    toSql,
    reader,
    limited: (select, count) => `${select} FETCH FIRST ${count} ROWS ONLY`,
    defaultValues: 'VALUES (DEFAULT)',
    insertReturning({ into, names, values }: Insert, columns) {
      const list = columns.map((column) => selected(quote(column.name), column)).join(', ');
      return `INSERT INTO ${into} ${names} ${values} RETURNING ${list} INTO ${columns.map((_, index) => `:o${index}`).join(', ')}`;
    },
    earlier([value = ''], column) {
      const format = formatOf(column);
      return format === undefined ? undefined : `TO_CHAR(${parameter(value, column)} - INTERVAL '5' MINUTE, '${format}') FROM DUAL`;
    },
    call: callRoutine,
    insertRows,
    deleteRows,
    lockHint: '',
    lockClause: ' FOR UPDATE',
    // Foreign keys are checked at once, unless they are deferred.
    beforeKeyChange: [],
  };
}

function orderOf(expression: string, column: CatalogueColumn): string {
  return PADDED.test(column.declared) ? textOf(expression, column) : expression;
}

/** The rows of a set in parts. */
function inChunks(set: RowSet, statement: (rows: readonly (readonly SqlValue[])[], bind: Bind) => string): readonly Statement[] {
  return inParts(set.rows, CHUNKS).map((rows) => {
    const values: SqlValue[] = [];
    return { sql: statement(rows, (value) => `:p${values.push(value)}`), values };
  });
}

function ownRows({ keyColumns, key, where }: RowSet, bind: Bind): readonly string[] {
  return [...keyColumns.map((column, index) => equals(quote(column.name), column, key[index] ?? null, bind)), ...(where === undefined ? [] : [`(${where})`])];
}

/** Those that are not there yet: the values as a table, of as many selects as there are rows. */
function insertRows(set: RowSet): readonly Statement[] {
  const names = [...set.keyColumns, ...set.fixedColumns, ...set.columns].map((column) => quote(column.name)).join(', ');
  return inChunks(set, (rows, bind) => {
    const source = rows
      .map(
        (row) => `SELECT ${set.columns.map((column, index) => `${parameter(bind(row[index] ?? null), column)} AS landbridge_${index}`).join(', ')} FROM DUAL`,
      )
      .join(' UNION ALL ');
    const constants = [
      ...set.keyColumns.map((column, index) => parameter(bind(set.key[index] ?? null), column)),
      ...set.fixedColumns.map((column, index) => parameter(bind(set.fixed[index] ?? null), column)),
    ];
    const list = [...constants, ...set.columns.map((_, index) => `r.landbridge_${index}`)].join(', ');
    const same = set.columns.map(
      (column, index) => `${PADDED.test(column.declared) ? `RTRIM(${quote(column.name)})` : quote(column.name)} = r.landbridge_${index}`,
    );
    return `INSERT INTO ${set.from} (${names}) SELECT ${list} FROM (${source}) r WHERE NOT EXISTS (SELECT 1 FROM ${set.from} WHERE ${[...ownRows(set, bind), ...same].join(' AND ')})`;
  });
}

function deleteRows(set: RowSet): readonly Statement[] {
  return inChunks(set, (rows, bind) => {
    const own = ownRows(set, bind);
    const any = rows.map((row) => set.columns.map((column, index) => equals(quote(column.name), column, row[index] ?? null, bind)).join(' AND '));
    return `DELETE FROM ${set.from} WHERE ${[...own, `(${any.map((one) => `(${one})`).join(' OR ')})`].join(' AND ')}`;
  });
}

/** A block: what goes in and comes out is set before the call. */
function callRoutine(routine: string, parameters: readonly ProcedureParameter[], kind: 'procedure' | 'function'): readonly Statement[] {
  const values: SqlValue[] = [];
  const bind: Bind = (value) => `:p${values.push(value)}`;
  let before = '';
  const list = parameters.flatMap(({ direction, value }, index) => {
    if (direction === 'in') return [bind(value)];
    if (kind === 'function') return [];
    if (direction === 'inout') before += `:o${index} := ${bind(value)}; `;
    return [`:o${index}`];
  });
  const call = `${routine}(${list.join(', ')})`;
  return [
    {
      sql: `BEGIN ${before}${
        kind === 'function'
          ? `:o${Math.max(
              0,
              parameters.findIndex(({ direction }) => direction !== 'in'),
            )} := `
          : ''
      }${call}; END;`,
      values,
    },
  ];
}
