import { ConnectorError, type ConnectorErrorCode } from '@landbridge/connector-sdk';

/** SQLSTATE (PostgreSQL, Appendix A) and socket errors as errors of the contract; classes (two characters) after codes. */
const CODES: Readonly<Record<string, ConnectorErrorCode>> = {
  '23505': 'already-exists',
  '23502': 'missing-attribute',
  '23503': 'constraint-violation',
  '23514': 'constraint-violation',
  '23P01': 'constraint-violation',
  '28P01': 'bad-credentials',
  '28000': 'bad-credentials',
  '3D000': 'invalid-configuration',
  '42501': 'permission-denied',
  '57014': 'timeout',
  '57P01': 'connection-dropped',
  '57P02': 'connection-dropped',
  '57P03': 'server-down',
  '53300': 'throttled',
  '40001': 'throttled',
  '40P01': 'throttled',
  '55P03': 'throttled',
  '22': 'invalid-attribute-value',
  '42': 'invalid-configuration',
  '53': 'server-down',
  '08': 'connection-dropped',
  ECONNREFUSED: 'server-down',
  ENOTFOUND: 'server-down',
  EAI_AGAIN: 'server-down',
  ETIMEDOUT: 'server-down',
  EHOSTUNREACH: 'server-down',
  ECONNRESET: 'connection-dropped',
  EPIPE: 'connection-dropped',
};

/** The error of the contract for whatever the driver threw; `sent` says whether anything had reached the server. */
export function postgresError(thrown: unknown, sent: boolean): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  const {
    code,
    message = String(thrown),
    detail,
    column,
  } = thrown as { readonly code?: string; readonly message?: string; readonly detail?: string; readonly column?: string };
  const known = code === undefined ? guess(message) : (CODES[code] ?? CODES[code.slice(0, 2)] ?? guess(message));
  const ours = known === 'connection-dropped' && !sent ? 'server-down' : known;
  const attribute = column ?? /^Key \("?([^",)]+)"?\)/.exec(detail ?? '')?.[1];
  const text = ours === 'already-exists' || ours === 'constraint-violation' ? `${message}${detail === undefined ? '' : ` (${detail})`}` : message;
  return new ConnectorError(ours, text, { ...(attribute === undefined ? {} : { attribute }), internal: `SQLSTATE ${code ?? 'none'}` }, { cause: thrown });
}

function guess(message: string): ConnectorErrorCode {
  if (/Connection terminated|connection.*closed|Client has encountered a connection error/i.test(message)) return 'connection-dropped';
  if (/timeout/i.test(message)) return 'timeout';
  if (/certificate|SSL|TLS/i.test(message)) return 'server-down';
  if (/SASL|password must be/i.test(message)) return 'bad-credentials';
  return 'unknown';
}
