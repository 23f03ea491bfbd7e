import { ConnectorError, type ConnectorErrorCode } from '@landbridge/connector-sdk';
import type { ConstraintPlace, SqlRow, SqlValue } from './database.ts';
import { errorOf, type Meaning } from './driver-errors.ts';

/** SQLite's result codes (sqlite.org/rescode.html) as errors of the contract; extended codes, else primary ones. */
const CODES: ReadonlyMap<number, Meaning> = new Map([
  [2067, ['already-exists', '']],
  [1555, ['already-exists', '']],
  [2579, ['already-exists', '']],
  [1299, ['missing-attribute', '']],
  [787, ['constraint-violation', '']],
  [275, ['invalid-attribute-value', '']],
  [3091, ['invalid-attribute-value', '']],
  // RAISE in a trigger: its message is meant for people.
  [1811, ['entry-failed', '']],
  [19, ['constraint-violation', '']],
  [20, ['invalid-attribute-value', '']],
  [18, ['invalid-attribute-value', '']],
  [5, ['throttled', 'another program holds the database locked']],
  [6, ['throttled', 'another program holds the table locked']],
  [8, ['permission-denied', 'the file or its folder cannot be written by this account']],
  [23, ['permission-denied', '']],
  [3, ['permission-denied', 'the file cannot be opened by this account']],
  [13, ['run-failed', 'the disk is full']],
  // Where it happens at COMMIT nobody knows what reached the disk.
  [10, ['connection-dropped', 'the disk cannot be read or written']],
  [11, ['invalid-data', 'the file is damaged']],
  [14, ['server-down', 'the file cannot be opened; check the parameter "file" and the rights of this account']],
  [26, ['invalid-configuration', 'the file is not a SQLite database; check the parameter "file"']],
  [1, ['invalid-configuration', '']],
]);

/** The error of the contract for whatever the driver threw. */
export function sqliteError(thrown: unknown): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  // The driver's errors carry these.
  const {
    code,
    errcode,
    message = String(thrown),
  } = thrown as Partial<Record<'code' | 'message', string>> & {
    readonly errcode?: number;
  };
  if (errcode === undefined) {
    // The driver refuses what SQLite cannot hold, integers beyond 64 bits for one, before SQLite sees it.
    const known: ConnectorErrorCode = code?.startsWith('ERR_INVALID_ARG') ? 'invalid-attribute-value' : 'unknown';
    return new ConnectorError(known, message, {}, { cause: thrown });
  }
  const known = CODES.get(errcode) ?? CODES.get(errcode & 0xff) ?? ['unknown', ''];
  return errorOf(known, { message, detail: { internal: `SQLite result code ${errcode}` }, cause: thrown });
}

/** The columns that the message of a constraint names; for an index over an expression, the text of the index. */
export function locateSqliteConstraint(
  run: (sql: string, values: readonly SqlValue[]) => { readonly rows: readonly SqlRow[] },
  error: unknown,
): ConstraintPlace {
  const message = error instanceof Error ? error.message : '';
  const index = /constraint failed: index '(.+)'/.exec(message)?.[1];
  if (index !== undefined) {
    const [row] = run("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND name = ?", [index]).rows;
    return row === undefined ? { columns: [] } : { table: String(row[0]), columns: [String(row[1]).replace(/^.*?\(/s, '')] };
  }
  const list = /(?:UNIQUE|NOT NULL) constraint failed: (.+)/.exec(message)?.[1]?.split(', ') ?? [];
  const cell = /cannot store \w+ value in \w+ column (\S+)/.exec(message)?.[1];
  const names = cell === undefined ? list : [cell];
  const [table] = names[0]?.split('.') ?? [];
  return { ...(table === undefined ? {} : { table }), columns: names.map((name) => name.slice(name.indexOf('.') + 1)) };
}
