import { ConnectorError, type ConnectorErrorCode } from '@landbridge/connector-sdk';

/** SQLite's result codes (sqlite.org/rescode.html) as errors of the contract. The extended code comes first. */
const CODES: ReadonlyMap<number, ConnectorErrorCode> = new Map([
  [2067, 'already-exists'],
  [1555, 'already-exists'],
  [2579, 'already-exists'],
  [1299, 'missing-attribute'],
  [787, 'constraint-violation'],
  [275, 'constraint-violation'],
  [3091, 'invalid-attribute-value'],
  [19, 'constraint-violation'],
  [20, 'invalid-attribute-value'],
  [18, 'invalid-attribute-value'],
  [5, 'throttled'],
  [6, 'throttled'],
  [8, 'permission-denied'],
  [13, 'run-failed'],
  [10, 'connection-dropped'],
  [11, 'invalid-data'],
  [14, 'server-down'],
  [26, 'invalid-configuration'],
  [1, 'invalid-configuration'],
]);

/** The error of the contract for whatever the driver threw. */
export function sqliteError(thrown: unknown): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  const { errcode, message = String(thrown) } = thrown as { readonly errcode?: number; readonly message?: string };
  const code = errcode === undefined ? undefined : (CODES.get(errcode) ?? CODES.get(errcode & 0xff));
  if (code === undefined) return new ConnectorError('unknown', message, {}, { cause: thrown });
  const column = /constraint failed: \S+?\.(\S+?)(?:,|$)/.exec(message)?.[1];
  return new ConnectorError(code, message, { ...(column === undefined ? {} : { attribute: column }), internal: `SQLite ${errcode ?? ''}` }, { cause: thrown });
}
