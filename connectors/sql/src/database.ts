import type { Value } from '@landbridge/connector-sdk';

/** A value as a driver takes it. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null;

/** A row as an array of driver values, in the order of the selected columns. */
export type SqlRow = readonly unknown[];

/** A column as the catalogue describes it. */
export interface CatalogueColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'binary';
  /** The type as the database names it: for comparisons that must be told. */
  readonly declared: string;
  readonly nullable: boolean;
  /** The database gives it a value on insert: identity, serial, default. */
  readonly defaulted: boolean;
  /** A single-column unique constraint or primary key. */
  readonly unique: boolean;
}

/** What statements need to know of a database: the differences, and nothing else. */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres';
  placeholder(index: number): string;
  /** Order of text that equals the order of code points, the same for every table. */
  readonly textCollation: string;
  /** Folds text for comparison without regard to case. */
  fold(expression: string): string;
  /** A value of an attribute as the driver takes it. */
  toSql(value: Value): SqlValue;
  /** Reads a driver value as the attribute's type; `undefined` for NULL. */
  reader(type: CatalogueColumn['type']): (value: unknown) => Value | undefined;
}

/** One connection that statements run on. */
export interface SqlConnection {
  query(sql: string, values: readonly SqlValue[]): Promise<{ readonly rows: readonly SqlRow[]; readonly changes: number }>;
}

/** An open database. Errors that come out of it are `ConnectorError`s. */
export interface SqlDatabase {
  readonly dialect: Dialect;
  query(sql: string, values: readonly SqlValue[]): Promise<{ readonly rows: readonly SqlRow[]; readonly changes: number }>;
  /** Runs work in one transaction: what throws rolls back. */
  transaction<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result>;
  /** Several ordered reads over one consistent state, each with its own cursor. */
  snapshot(signal: AbortSignal): Promise<SqlSnapshot>;
  columns(table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]>;
  /** The columns of a query, by running it for no rows. */
  queryColumns(sql: string): Promise<readonly CatalogueColumn[]>;
  close(): Promise<void>;
}

/** A consistent state of the database, read by cursors. */
export interface SqlSnapshot {
  cursor(sql: string, values: readonly SqlValue[], fetchSize: number): Promise<SqlCursor>;
  close(): Promise<void>;
}

/** A cursor: pages of rows until an empty one. */
export interface SqlCursor {
  read(): Promise<readonly SqlRow[]>;
}

/** Quotes an identifier; both dialects use the standard's double quotes. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
