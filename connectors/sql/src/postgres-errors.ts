import { ConnectorError, type ConnectorErrorCode } from '@landbridge/connector-sdk';
import type { ConstraintPlace } from './database.ts';
import { errorOf, type Meaning } from './driver-errors.ts';
import type { Phase } from './pooled-connections.ts';
import { socketErrors } from './socket-errors.ts';

/** SQLSTATEs (PostgreSQL, Appendix A), their classes (two characters), and errors of the socket, with advice. */
const CODES: Readonly<Record<string, Meaning>> = {
  '23505': ['already-exists', ''],
  '23502': ['missing-attribute', ''],
  '23503': ['constraint-violation', ''],
  '23514': ['invalid-attribute-value', ''],
  '23': ['constraint-violation', ''],
  '28P01': ['bad-credentials', 'check the parameters "user" and "password"'],
  '28': ['bad-credentials', 'the server refuses this user; check "user", "tls" and the server\'s pg_hba.conf'],
  '3D000': ['invalid-configuration', 'check the parameter "database"'],
  '42501': ['permission-denied', ''],
  '25006': ['permission-denied', 'the server is read-only; is it a standby?'],
  '57014': ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'],
  '57P01': ['connection-dropped', ''],
  '57P02': ['connection-dropped', ''],
  '57P05': ['connection-dropped', ''],
  '57P03': ['server-down', 'the server is starting or stopping'],
  '53300': ['throttled', 'the server has no connection left; lower "poolSize" or raise its max_connections'],
  '40': ['throttled', ''],
  '55P03': ['throttled', ''],
  '55006': ['throttled', 'somebody else is using it just now'],
  '22': ['invalid-attribute-value', ''],
  '42': ['invalid-configuration', ''],
  '0A': ['not-supported', ''],
  '55': ['not-supported', ''],
  '53': ['run-failed', 'the server is out of resources'],
  '58': ['run-failed', 'the server has trouble with its own files'],
  '08': ['connection-dropped', ''],
  XX: ['run-failed', 'the server reports an internal error'],
  ...socketErrors,
};

/** What the driver says without a code. */
const MESSAGES: readonly (readonly [pattern: RegExp, code: ConnectorErrorCode, advice: string])[] = [
  [
    /timeout expired|connection timeout|timeout exceeded when trying to connect/i,
    'server-down',
    'the host does not answer; check "host", "port" and the firewall',
  ],
  [/query read timeout/i, 'timeout', 'the server did not answer within the parameter "commandTimeout"'],
  [
    /connection terminated|connection ended|not queryable|client was closed/i,
    'connection-dropped',
    'the connection to the server broke; did the server stop, or does something between cut connections?',
  ],
  [/does not support SSL/i, 'invalid-configuration', 'set tls.mode to disable, or let the server offer TLS'],
  [/certificate|self.signed|altnames|SSL|TLS/i, 'invalid-configuration', 'check "tls": the certificate of the server, and tls.ca'],
  [/SASL|password must be/i, 'bad-credentials', 'check the parameter "password"'],
];

/** The error of the contract for whatever the driver threw. */
export function postgresError(thrown: unknown, phase: Phase): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  // The driver's errors carry these; several addresses that all refuse come as one AggregateError without a message.
  const { code, message, column } = thrown as Partial<Record<'code' | 'message' | 'column', string>>;
  const said = message === undefined || message === '' ? (code ?? String(thrown)) : message;
  const detail = { ...(column === undefined ? {} : { attribute: column }), internal: `SQLSTATE ${code ?? 'none'}` };
  return errorOf(classify(code, said), { message: said, detail, cause: thrown, phase });
}

function classify(code: string | undefined, message: string): Meaning {
  const known = code === undefined ? undefined : (CODES[code] ?? CODES[code.slice(0, 2)]);
  if (known !== undefined) return known;
  // The server answered, with a state that needs no row of its own (P0001: a trigger refuses): nothing of the entry was applied.
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) return ['entry-failed', ''];
  const guessed = MESSAGES.find(([pattern]) => pattern.test(message));
  return guessed === undefined ? ['unknown', ''] : [guessed[1], guessed[2]];
}

/** Whether the connection itself is gone, and with it any open transaction. */
export function isBroken(error: ConnectorError): boolean {
  // Errors that the driver or the server raised carry their cause; ours do not, and leave the connection whole.
  const { code } = (error.cause ?? { code: 'ours' }) as { readonly code?: string };
  // A statement prepared before a table was altered is of no use any more, nor is its connection.
  if (code === '0A000' && error.message.includes('cached plan')) return true;
  return isLost(code) || (code === undefined && /connection|not queryable|query read timeout/i.test(error.message));
}

function isLost(code: string | undefined): boolean {
  return code !== undefined && /^(57P0|08|ECONN|EPIPE|ETIMEDOUT)/.test(code);
}

/** The columns of the constraint that an error names: `Key (a, b)=(…)`, whatever the language of the server. */
export function locatePostgresConstraint(error: unknown): ConstraintPlace {
  const cause = error instanceof Error ? error.cause : undefined;
  if (typeof cause !== 'object' || cause === null) return { columns: [] };
  const { table, column, detail } = cause as Partial<Record<'table' | 'column' | 'detail', string>>;
  const key = /\((.*?)\)=\(/s.exec(detail ?? '')?.[1];
  const columns = column === undefined ? (key === undefined ? [] : [key]) : [column];
  return { ...(table === undefined ? {} : { table }), columns };
}
