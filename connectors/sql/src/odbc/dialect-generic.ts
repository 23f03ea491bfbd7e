import { ConnectorError, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, type Dialect, quote, type RowSet, type SqlValue, type Statement, standardWildcards } from '../database.ts';
import { bytesOfDriver, readWhole, saysYes, textOfDriver } from '../driver-values.ts';
import type { ColumnType } from '../settings.ts';

/** Types that compare with a text. Long ones do not, in many databases. */
const COMPARABLE_TEXTS: ReadonlySet<string> = new Set(['char', 'varchar']);

const READERS: Readonly<Record<ColumnType, (value: unknown) => Value>> = {
  string: textOfDriver,
  integer: (value) => readWhole(textOfDriver(value).trim()),
  boolean: (value) => saysYes(textOfDriver(value).trim()),
  binary: bytesOfDriver,
};

type Bind = (value: SqlValue) => string;

/**
 * A database that nobody here knows: entry-level SQL-92 (ISO/IEC 9075:1992) and nothing else. Texts are compared by `=` and by the
 * collation of the database, which may find too much; what is exact is decided here. No SELECT without FROM, no LIMIT, no LIKE, no
 * RETURNING.
 */
export const genericDialect: Dialect = {
  name: 'generic',
  loose: true,
  placeholder: () => '?',
  selected: (expression) => expression,
  // Of a value no more is read than an attribute may have.
  firstBytes: (expression) => expression,
  text: (expression) => expression,
  codePoints: (text) => text,
  searched: (text) => text,
  truth: (expression) => expression,
  comparesNatively: ({ type, declared }) => type === 'integer' && declared !== 'other',
  fold: (text) => text,
  foldMisses: 'beyond-ascii',
  wildcards: standardWildcards,
  orderBy: (expression) => expression,
  isSet: (expression) =>
    `(CASE WHEN ${expression} IS NULL THEN 0 WHEN LOWER(TRIM(CAST(${expression} AS CHAR(40)))) IN ('', '0', '0.0', 'false', 'f', 'no', 'n', 'off') THEN 0 ELSE 1 END = 1)`,
  equalsText: (expression, _column, value, bind) => `${expression} = ${bind(value)}`,
  equals: (expression, _column, value, bind) => `${expression} = ${bind(value)}`,
  joins: (left, _leftColumn, right) => `${left} = ${right}`,
  isAfter: fromHere,
  isOneOf,
  toSql(value, { declared }) {
    if (typeof value !== 'boolean') return value;
    if (declared === 'bit') return value;
    return COMPARABLE_TEXTS.has(declared) ? String(value) : value ? 1n : 0n;
  },
  reader(column) {
    const read = READERS[column.type];
    // The padding of CHAR(n) means nothing.
    return column.type === 'string' && column.declared === 'char' ? (value) => textOfDriver(value).replace(/ +$/, '') : read;
  },
  defaultValues: 'DEFAULT VALUES',
  limited: firstRows,
  earlier: () => undefined,
  insertRows: (rows) =>
    rows.rows.map((row) => {
      const columns = [...rows.fixedColumns, ...rows.keyColumns, ...rows.columns];
      return {
        sql: `INSERT INTO ${rows.from} (${columns.map((column) => quote(column.name)).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
        values: [...rows.fixed, ...rows.key, ...row],
        unless: rowStatement(rows, row, 'SELECT 1'),
      };
    }),
  deleteRows: (rows) => rows.rows.map((row) => rowStatement(rows, row, 'DELETE')),
  call(routine, parameters, kind) {
    if (kind === 'function' || parameters.some(({ direction }) => direction !== 'in'))
      throw new ConnectorError('not-supported', 'procedures of this database take values only; let a statement of write return what comes out');
    return [{ sql: `{CALL ${routine}(${parameters.map(() => '?').join(', ')})}`, values: parameters.map(({ value }) => value) }];
  },
  lockHint: '',
  lockClause: '',
  beforeKeyChange: [],
};

/** A mark behind a SELECT for whoever runs it: so many rows are read, and the cursor is closed. */
function firstRows(select: string, count: number): string {
  return `${select} /* first ${count} */`;
}

/** How many rows of a statement are wanted; `undefined` for all. */
export function wantedRows(sql: string): number | undefined {
  const count = / \/\* first (\d+) \*\/$/.exec(sql)?.[1];
  return count === undefined ? undefined : Number(count);
}

/** From the key on, the key itself and what its collation takes for it included: whoever reads leaves out what was read before. */
function fromHere(pairs: readonly { readonly left: string; right(): string }[]): string {
  const [first, ...rest] = pairs;
  if (first === undefined) return '1=0';
  if (rest.length === 0) return `${first.left} >= ${first.right()}`;
  return `(${first.left} > ${first.right()} OR (${first.left} = ${first.right()} AND ${fromHere(rest)}))`;
}

function isOneOf(expressions: readonly string[], _columns: readonly CatalogueColumn[], keys: readonly (readonly SqlValue[])[], bind: Bind): string {
  if (expressions.length === 1) return `${expressions[0] ?? ''} IN (${keys.flatMap((key) => key.map(bind)).join(', ')})`;
  return `(${keys.map((key) => `(${key.map((value, index) => `${expressions[index] ?? ''} = ${bind(value)}`).join(' AND ')})`).join(' OR ')})`;
}

function rowStatement({ from, keyColumns, columns, key, where }: RowSet, row: readonly SqlValue[], verb: 'SELECT 1' | 'DELETE'): Statement {
  const parts = [...keyColumns, ...columns].map((column) => `${quote(column.name)} = ?`);
  return { sql: `${verb} FROM ${from} WHERE ${[...parts, ...(where === undefined ? [] : [`(${where})`])].join(' AND ')}`, values: [...key, ...row] };
}

/** A statement in which names are quoted as the database quotes them; in texts nothing changes. @throws ConnectorError. */
export function requote(sql: string, mark: string): string {
  if (mark === '"') return sql;
  return sql.replace(/'(?:[^']|'')*'|"((?:[^"]|"")+)"/g, (whole: string, name: string | undefined) => {
    if (name === undefined) return whole;
    const plain = name.replaceAll('""', '"');
    if (mark === '[') return `[${plain.replaceAll(']', ']]')}]`;
    if (mark.trim() !== '') return `${mark}${plain.replaceAll(mark, mark + mark)}${mark}`;
    if (/^[\p{L}_]\w*$/u.test(plain)) return plain;
    throw new ConnectorError('invalid-configuration', `the database cannot quote names, and "${plain}" needs quotes`);
  });
}
