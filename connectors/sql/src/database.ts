import type { Value } from '@landbridge/connector-sdk';
import type { ColumnCodec } from './column-codec.ts';
import type { ColumnType } from './settings.ts';

/** A value as a driver takes it; lists are arrays of the database (PostgreSQL only). */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null | readonly SqlValue[];

/** A row as an array of driver values, in the order of the selected columns. */
export type SqlRow = readonly unknown[];

/** A column as the catalogue describes it. */
export interface CatalogueColumn {
  readonly name: string;
  /** The type of the attribute: by the catalogue, or as the administrator declared it. */
  readonly type: ColumnType;
  /** The type as the database names it: for casts, and for comparisons that depend on it. */
  readonly declared: string;
  readonly nullable: boolean;
  /** The database gives it a value on insert: identity, serial, default. */
  readonly defaulted: boolean;
  /** Numbered or computed by the database: identity, serial, generated. */
  readonly assigned: boolean;
  /** Cannot be written at all: generated columns. */
  readonly generated: boolean;
  /** A single-column unique constraint or primary key. */
  readonly unique: boolean;
  /** Characters that fit, where the type limits them. */
  readonly maximumLength?: number;
  /** The collation, where the database has one for each column and comparisons depend on it. */
  readonly collation?: string;
  /** What it may hold, in order, where it is an enumeration. */
  readonly labels?: readonly string[];
  /** How its values become those of the attribute, where that is more than the type says. */
  readonly codec?: ColumnCodec;
  /** Bytes that a binary value may have. */
  readonly maximumBytes?: number;
  /** What a foreign key of this column points to, `table.column`: for people. */
  readonly pointsTo?: string;
}

/** One statement with its values. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly SqlValue[];
  /** A SELECT; where it finds a row the statement is left out. */
  readonly unless?: Statement;
}

/** Rows of a table to insert or delete: the columns of the key have the same value in each. */
export interface RowSet {
  /** The table, quoted. */
  readonly from: string;
  readonly keyColumns: readonly CatalogueColumn[];
  readonly key: readonly SqlValue[];
  readonly columns: readonly CatalogueColumn[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** Other columns of inserted rows, the same in each. */
  readonly fixedColumns: readonly CatalogueColumn[];
  readonly fixed: readonly SqlValue[];
  /** A condition in SQL that rows must satisfy to be there, or to be deleted. */
  readonly where: string | undefined;
}

/** A table as the catalogue knows it, for whoever does not know it yet. */
export interface CatalogueTable {
  readonly name: string;
  readonly isView: boolean;
  readonly primaryKey: readonly string[];
  readonly foreignKeys: readonly { readonly columns: readonly string[]; readonly table: string; readonly targets: readonly string[] }[];
}

/** An INSERT of one row. */
export interface Insert {
  /** The table, quoted. */
  readonly into: string;
  /** `(a, b)`, or nothing. */
  readonly names: string;
  /** `VALUES (…)`, or what the dialect has instead. */
  readonly values: string;
}

/** A value of a call; what comes out of it is a column of the last row that its statements return, in order. */
export interface ProcedureParameter {
  readonly direction: 'in' | 'out' | 'inout';
  readonly value: SqlValue;
}

/** How a merge compares the parts of a key: integers by number, bytes by byte, all else by the code points of its text. */
export type KeyOrder = 'integer' | 'binary' | 'text';

/** What statements need to know of a database: the differences, and nothing else. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres' | 'mysql' | 'mssql' | 'oracle' | 'generic';
  /**
   * Texts compare by the collation of the database, whatever it is: every comparison may find too much, `isAfter` begins with the key
   * itself, and what is exact is decided by whoever reads.
   */
  readonly loose?: boolean;
  placeholder(index: number): string;
  /** How a column is selected so that the driver loses nothing of it. */
  selected(expression: string, column: CatalogueColumn): string;
  /** The first bytes of a binary expression. */
  firstBytes(expression: string, count: number): string;
  /** The text of a column; the bare column where it holds text already, so that an index serves. */
  text(expression: string, column: CatalogueColumn): string;
  /** A text expression that compares by code point, whatever the collation of the column. */
  codePoints(text: string): string;
  /** A text expression as it stands before LIKE: never matches less than a comparison of code points. */
  searched(text: string): string;
  /** A boolean column as a value that `=` compares with a boolean. */
  truth(expression: string): string;
  /** Whether values of the column compare by its type as the evaluator compares them. */
  comparesNatively(column: CatalogueColumn): boolean;
  /** Folds a text expression for comparison without regard to case, as near to `foldCase` as the database can. */
  fold(text: string): string;
  /** What a folded comparison may miss that `foldCase` finds: nothing, or letters beyond ASCII. */
  readonly foldMisses: 'nothing' | 'beyond-ascii';
  /** What LIKE takes for more than itself, the escape among it. */
  readonly wildcards: RegExp;
  /** Characters that a pattern of LIKE may have, where there is a limit. */
  readonly longestPattern?: number;
  /** Whether texts are ordered by their UTF-16 code units, where characters beyond U+FFFF come before U+E000. */
  readonly ordersByCodeUnit?: boolean;
  /** Whether an empty text is NULL. */
  readonly emptyIsNull?: boolean;
  /** Whether the database cannot compare the texts of a column: the evaluator does. */
  isOpaque?(column: CatalogueColumn): boolean;
  /** An expression for ORDER BY with the order of {@link KeyOrder}, the same in every table. */
  orderBy(expression: string, column: CatalogueColumn, order: KeyOrder): string;
  /** A condition that is never NULL: the value is a flag that is set, or a time that is there. */
  isSet(expression: string): string;
  /** An exact text comparison that an index can serve; `undefined` where no value of the column can have this text. */
  equalsText(expression: string, column: CatalogueColumn, value: string, bind: (value: SqlValue) => string): string | undefined;
  /** An exact comparison of a key or a value that is written: never another row, whatever the collation. */
  equals(expression: string, column: CatalogueColumn, value: SqlValue, bind: (value: SqlValue) => string): string;
  /** An exact comparison of columns of two tables. */
  joins(left: string, leftColumn: CatalogueColumn, right: string, rightColumn: CatalogueColumn): string;
  /** `(a, b) > (x, y)` in the order of the pairs. */
  isAfter(pairs: readonly { readonly left: string; right(): string }[]): string;
  /** `(a, b) IN (…)`. */
  isOneOf(
    expressions: readonly string[],
    columns: readonly CatalogueColumn[],
    keys: readonly (readonly SqlValue[])[],
    bind: (value: SqlValue) => string,
  ): string;
  /** A value of an attribute as the driver takes it for this column. */
  toSql(value: Value, column: CatalogueColumn): SqlValue;
  /** Reads a driver value, never NULL, as the column's type. @throws ConnectorError `invalid-attribute-value`. */
  reader(column: CatalogueColumn): (value: unknown) => Value;
  /** Whether the driver gives the values of a column as the very texts that anchors and references carry. */
  givesText?(column: CatalogueColumn): boolean;
  /** A SELECT of the mark below which nothing can appear any more, for columns that the database counts up itself. */
  markOf?(column: CatalogueColumn): string | undefined;
  /** A placeholder as a value of this column, where the database does not convert it by itself, or not without a loss. */
  parameter?(placeholder: string, column: CatalogueColumn): string;
  /** The first rows of a SELECT. */
  limited(select: string, count: number): string;
  /** What stands instead of columns and values in an INSERT that gives none. */
  readonly defaultValues: string;
  /** An INSERT that gives these columns back; absent where the row is read by its key, or by the number that was assigned. */
  insertReturning?(insert: Insert, columns: readonly CatalogueColumn[]): string;
  /** A time some minutes before the earliest of these, as the column holds times; `undefined` where it holds none. */
  earlier(values: readonly string[], column: CatalogueColumn): string | undefined;
  /** Inserts the rows that are not there yet. */
  insertRows(rows: RowSet): readonly Statement[];
  /** Deletes these rows. */
  deleteRows(rows: RowSet): readonly Statement[];
  /** The statements of a call; absent where the database has no stored routines. */
  call?(routine: string, parameters: readonly ProcedureParameter[], kind: 'procedure' | 'function'): readonly Statement[];
  /** Locks a row that is only looked at: after the table, or at the end of the statement. */
  readonly lockHint: string;
  readonly lockClause: string;
  /** Statements before an update that changes a key, so that dependants may follow it in the same transaction. */
  readonly beforeKeyChange: readonly string[];
}

/** The answer to a statement. */
export interface StatementResult {
  readonly rows: readonly SqlRow[];
  /** Rows changed, or returned where the statement returns rows. */
  readonly changes: number;
  /** The number that an INSERT was assigned, where the driver tells. */
  readonly assigned?: bigint;
}

/** One connection that statements run on. */
export interface SqlConnection {
  query(sql: string, values: readonly SqlValue[]): Promise<StatementResult>;
}

/** Something to be done as one transaction. */
export interface Unit<Result> {
  /** Indexes of earlier units that must have ended before this one starts. */
  readonly after: readonly number[];
  work(connection: SqlConnection): Promise<Result>;
}

/** What became of a unit. */
export type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

/** Which columns of which table a constraint is about. */
export interface ConstraintPlace {
  readonly table?: string;
  /** Names of columns, or an expression that contains them. */
  readonly columns: readonly string[];
}

/** An open database. Errors that come out of it are `ConnectorError`s. */
export interface SqlDatabase {
  readonly dialect: Dialect;
  query(sql: string, values: readonly SqlValue[], signal?: AbortSignal): Promise<StatementResult>;
  /** Runs units, each atomic by itself: what throws is rolled back and leaves its neighbours alone. It does not reject. */
  runUnits<Result>(units: readonly Unit<Result>[], signal: AbortSignal): Promise<readonly Outcome<Result>[]>;
  /** Several ordered reads over one consistent state, each with its own cursor. */
  snapshot(signal: AbortSignal): Promise<SqlSnapshot>;
  /** The columns of a table or view; empty when there is none. */
  columns(table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]>;
  /** All tables and views of a schema; by default of the one that is searched first. */
  tables(schema: string | undefined): Promise<readonly CatalogueTable[]>;
  /** The columns of a query, without reading a row. */
  queryColumns(sql: string): Promise<readonly CatalogueColumn[]>;
  /** The number of rows of a table, roughly where exactly is expensive; `undefined` where it cannot be had cheaply. */
  countRows(table: string, schema: string | undefined): Promise<number | undefined>;
  /** What the account may not do with a table: words such as `INSERT`. */
  missingPrivileges(table: string, schema: string | undefined): Promise<readonly string[]>;
  /** Whether others are writing just now, and since when: their changes may appear later with earlier marks. */
  writersNow(): Promise<{ readonly busy: boolean; readonly oldest?: string }>;
  /** Where the constraint stands that an error of this database is about. */
  locate(error: unknown): Promise<ConstraintPlace>;
  close(): Promise<void>;
}

/** A consistent state of the database, read by cursors. */
export interface SqlSnapshot {
  /**
   * Runs a statement in this state. Where it is there several cursors cannot share the state, and whoever reads several
   * tables reads them page by page with this.
   */
  query?(sql: string, values: readonly SqlValue[], signal?: AbortSignal): Promise<StatementResult>;
  cursor(sql: string, values: readonly SqlValue[], fetchSize: number): Promise<SqlCursor>;
  close(): Promise<void>;
}

/** A cursor: pages of rows until an empty one. */
export interface SqlCursor {
  read(): Promise<readonly SqlRow[]>;
  close(): Promise<void>;
}

/** `(a, b) > (x, y)`, for databases that compare rows, and use an index for it. */
export function afterRow(pairs: readonly { readonly left: string; right(): string }[]): string {
  return `(${pairs.map(({ left }) => left).join(', ')}) > (${pairs.map((pair) => pair.right()).join(', ')})`;
}

/** The same in parts, `a > x OR (a = x AND b > y)`, for those that do not. */
export function afterParts(pairs: readonly { readonly left: string; right(): string }[]): string {
  const [first, ...rest] = pairs;
  if (first === undefined) return '1=0';
  if (rest.length === 0) return `${first.left} > ${first.right()}`;
  return `(${first.left} > ${first.right()} OR (${first.left} = ${first.right()} AND ${afterParts(rest)}))`;
}

/** The first rows of a SELECT, as most databases say it. */
export function withLimit(select: string, count: number): string {
  return `${select} LIMIT ${count}`;
}

/** Quotes an identifier; all dialects use the standard's double quotes (SEC-32). */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A table name, quoted, with its schema. */
export function qualified(table: string, schema: string | undefined): string {
  return schema === undefined ? quote(table) : `${quote(schema)}.${quote(table)}`;
}

/** An INSERT that ends with RETURNING. */
export function insertWithReturning(dialect: Pick<Dialect, 'selected'>, { into, names, values }: Insert, columns: readonly CatalogueColumn[]): string {
  return `INSERT INTO ${into} ${names} ${values} RETURNING ${columns.map((column) => dialect.selected(quote(column.name), column)).join(', ')}`;
}

/** The wildcards of the standard. */
export const standardWildcards = /[\\%_]/g;

/**
 * Rows in parts of few sizes, so that a server has few texts of statements to parse.
 *
 * @param sizes from the largest on; where none fits, a part has one row.
 */
export function inParts<Row>(rows: readonly Row[], sizes: readonly number[]): readonly (readonly Row[])[] {
  const parts: (readonly Row[])[] = [];
  for (let at = 0; at < rows.length; ) {
    const size = sizes.find((one) => one <= rows.length - at) ?? 1;
    parts.push(rows.slice(at, at + size));
    at += size;
  }
  return parts;
}
