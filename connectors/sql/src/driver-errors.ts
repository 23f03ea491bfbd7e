import { ConnectorError, type ConnectorErrorCode, type ConnectorErrorDetail } from '@landbridge/connector-sdk';
import type { ConstraintPlace, SqlRow } from './database.ts';
import type { Phase } from './pooled-connections.ts';

/** What a number, a state or a word of a driver means, and what to do; no advice is an empty text. */
export type Meaning = readonly [code: ConnectorErrorCode, advice: string];

/** What a driver threw. */
export interface Thrown {
  readonly message: string;
  readonly detail: ConnectorErrorDetail;
  readonly cause: unknown;
  /** Absent: the database is a file, and no connection can end. */
  readonly phase?: Phase;
}

/** The error of the contract. A connection that ended before anything was to be committed did no harm: then the server is only down. */
export function errorOf([code, advice]: Meaning, { message, detail, cause, phase }: Thrown): ConnectorError {
  const ours = code === 'connection-dropped' && phase === 'before-commit' ? 'server-down' : code;
  return new ConnectorError(ours, advice === '' ? message : `${message}: ${advice}`, detail, { cause });
}

/** The place of a constraint, by rows of its table and a column each. */
export function placeOf(rows: readonly SqlRow[]): ConstraintPlace {
  const table = rows[0]?.[0];
  return { ...(table === undefined || table === null ? {} : { table: String(table) }), columns: rows.map((row) => String(row[1])) };
}
