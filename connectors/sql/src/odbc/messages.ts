import type { SqlRow, SqlValue } from '../database.ts';

/** What the driver manager told when a call failed. */
export interface Diagnosis {
  /** Five letters and digits: SQLSTATE. */
  readonly state: string;
  /** The number of the database. */
  readonly native: number;
  readonly message: string;
  /** Whether the database said it, or one of the programs in between. */
  readonly sql?: string;
}

/** What is known of a database once it is connected (SQLGetInfo). */
export interface DriverFacts {
  /** SQL_DBMS_NAME: `PostgreSQL`, `Microsoft SQL Server`, … */
  readonly product: string;
  readonly version: string;
  /** The file name of the driver. */
  readonly driver: string;
  /** What names are quoted with; a space where they cannot be. */
  readonly quote: string;
  /** The isolation levels that there are, as SQL_TXN_… bits. */
  readonly isolations: number;
  /** Whether transactions exist (SQL_TXN_CAPABLE is not SQL_TC_NONE). */
  readonly transactions: boolean;
}

/** A column of a result as its driver describes it (SQLDescribeCol). */
export interface ResultColumn {
  readonly name: string;
  /** SQL_… number of the type. */
  readonly type: number;
  readonly size: number;
  readonly nullable: boolean;
}

/** The catalogue functions, with their arguments in order; `null` is any. */
export type CatalogueCall =
  | { readonly function: 'tables'; readonly schema: string | null; readonly table: string | null }
  | { readonly function: 'columns' | 'primaryKeys' | 'foreignKeys' | 'statistics'; readonly schema: string | null; readonly table: string };

/** What is asked of the program. One connection works on one request at a time, `cancel` and `disconnect` aside. */
export type OdbcRequest =
  | { readonly call: 'connect'; readonly text: string; readonly seconds: number }
  | {
      readonly call: 'run';
      readonly sql: string;
      readonly values: readonly SqlValue[];
      readonly seconds: number;
      readonly rows: number;
      readonly bytes: number;
    }
  | { readonly call: 'more'; readonly rows: number; readonly bytes: number }
  | { readonly call: 'describe'; readonly sql: string }
  | { readonly call: 'catalogue'; readonly catalogue: CatalogueCall }
  | { readonly call: 'begin'; readonly isolation: number | undefined }
  | { readonly call: 'end'; readonly commit: boolean }
  | { readonly call: 'free' }
  | { readonly call: 'cancel' }
  | { readonly call: 'disconnect' };

/** A page of rows; `ended` when there are no more. */
export interface RowsPage {
  readonly rows: readonly SqlRow[];
  readonly ended: boolean;
  /** Rows that the statement changed, where it returns none. */
  readonly changes: number;
}

export interface ToProgram {
  readonly id: number;
  readonly connection: number;
  readonly request: OdbcRequest;
}

export type FromProgram =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly diagnosis: Diagnosis }
  | { readonly id: number; readonly failure: string };
