import { ConnectorError } from '@landbridge/connector-sdk';
import type { ConstraintPlace, SqlConnection } from './database.ts';
import { errorOf, type Meaning } from './driver-errors.ts';
import type { Phase } from './pooled-connections.ts';
import { socketErrors } from './socket-errors.ts';

/** Error numbers of MariaDB and MySQL, which agree below 1900, with advice. */
const NUMBERS: Readonly<Record<number, Meaning>> = {
  1021: ['run-failed', 'the disk of the server is full'],
  1040: ['throttled', 'the server has no connection left; lower "poolSize" or raise its max_connections'],
  1041: ['run-failed', 'the server is out of memory'],
  1044: ['bad-credentials', 'the account may not use this database; check "user" and "database"'],
  1045: ['bad-credentials', 'check the parameters "user" and "password"'],
  1048: ['missing-attribute', ''],
  1049: ['invalid-configuration', 'check the parameter "database"'],
  1053: ['connection-dropped', 'the server is stopping'],
  1062: ['already-exists', ''],
  1077: ['connection-dropped', 'the server is stopping'],
  1114: ['run-failed', 'the table is full'],
  1129: ['server-down', 'the server blocks this host after too many errors; run FLUSH HOSTS there'],
  1130: ['bad-credentials', 'the server admits no connection from this host'],
  1142: ['permission-denied', ''],
  1143: ['permission-denied', ''],
  1153: ['invalid-attribute-value', 'the value is larger than max_allowed_packet of the server'],
  1158: ['connection-dropped', ''],
  1159: ['connection-dropped', ''],
  1160: ['connection-dropped', ''],
  1161: ['connection-dropped', ''],
  1203: ['throttled', 'the account has no connection left; lower "poolSize"'],
  1205: ['throttled', 'another transaction holds a lock for too long'],
  1213: ['throttled', ''],
  1216: ['constraint-violation', ''],
  1217: ['constraint-violation', ''],
  1226: ['throttled', 'the account has used up a limit of the server'],
  1227: ['permission-denied', ''],
  1251: ['bad-credentials', 'the server asks for a way to sign in that the driver does not know'],
  1264: ['invalid-attribute-value', ''],
  1265: ['invalid-attribute-value', ''],
  1290: ['permission-denied', 'the server is read-only; is it a replica?'],
  1292: ['invalid-attribute-value', ''],
  1317: ['timeout', 'the statement was stopped'],
  1364: ['missing-attribute', ''],
  1366: ['invalid-attribute-value', ''],
  1370: ['permission-denied', ''],
  1406: ['invalid-attribute-value', ''],
  1411: ['invalid-attribute-value', ''],
  1451: ['constraint-violation', ''],
  1452: ['constraint-violation', ''],
  1586: ['already-exists', ''],
  1644: ['entry-failed', ''],
  1690: ['invalid-attribute-value', ''],
  1698: ['bad-credentials', 'check the parameters "user" and "password"'],
  1792: ['permission-denied', 'the server is read-only; is it a replica?'],
  1836: ['permission-denied', 'the server is read-only'],
  1927: ['connection-dropped', ''],
  1969: ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'],
  3024: ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'],
  3819: ['invalid-attribute-value', ''],
  4025: ['invalid-attribute-value', ''],
};

/** Classes of SQLSTATE for numbers that need no row of their own. */
const CLASSES: Readonly<Record<string, Meaning>> = {
  '22': ['invalid-attribute-value', ''],
  '23': ['constraint-violation', ''],
  '28': ['bad-credentials', 'check the parameters "user" and "password"'],
  '40': ['throttled', ''],
  '42': ['invalid-configuration', ''],
  '45': ['entry-failed', ''],
};

/** Codes of the driver and of the socket. */
const CODES: Readonly<Record<string, Meaning>> = {
  ...socketErrors,
  PROTOCOL_CONNECTION_LOST: ['connection-dropped', ''],
  PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR: ['connection-dropped', ''],
  PROTOCOL_SEQUENCE_TIMEOUT: ['timeout', 'the server did not answer within the parameter "commandTimeout"'],
  POOL_CLOSED: ['server-down', ''],
  HANDSHAKE_NO_SSL_SUPPORT: ['invalid-configuration', 'set tls.mode to disable, or let the server offer TLS'],
  HANDSHAKE_SSL_ERROR: ['invalid-configuration', 'check "tls": the certificate of the server, and tls.ca'],
  AUTH_SWITCH_PLUGIN_ERROR: ['bad-credentials', 'the server asks for a way to sign in that the driver does not know'],
};

interface DriverError {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly message?: string;
}

/** The error of the contract for whatever the driver threw. */
export function mysqlError(thrown: unknown, phase: Phase): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  // The driver's errors carry these.
  const error = thrown as DriverError;
  const message = error.message === undefined || error.message === '' ? (error.code ?? String(thrown)) : error.message;
  const detail = { internal: `error ${error.errno ?? error.code ?? 'none'}, SQLSTATE ${error.sqlState ?? 'none'}` };
  return errorOf(classify(error, message), { message, detail, cause: thrown, phase });
}

function classify({ code, errno, sqlState }: DriverError, message: string): Meaning {
  // Numbers of the socket are negative.
  if (errno !== undefined && errno > 0) {
    const known = NUMBERS[errno] ?? CLASSES[(sqlState ?? '').slice(0, 2)];
    if (known !== undefined) return known;
    if (sqlState !== undefined) return ['entry-failed', ''];
  }
  const known = code === undefined ? undefined : CODES[code];
  if (known !== undefined) return known;
  if (/certificate|self.signed|altnames|SSL|TLS/i.test(`${code ?? ''} ${message}`)) return CODES['HANDSHAKE_SSL_ERROR'] ?? ['unknown', ''];
  if (/closed state|connection (is )?(lost|closed)/i.test(message)) return ['connection-dropped', ''];
  return ['unknown', ''];
}

/** Whether the connection itself is gone, or of no more use, and with it any open transaction. */
export function isBroken(error: ConnectorError): boolean {
  // Errors of the driver and the server carry their cause; ours do not, and leave the connection whole.
  if (error.cause === undefined) return false;
  const { code, errno } = error.cause as DriverError;
  if (errno !== undefined && errno > 0 && errno !== 1927) return false;
  return /^(PROTOCOL_|ECONN|EPIPE|ETIMEDOUT|POOL_CLOSED)/.test(code ?? '') || errno === 1927 || /closed state/.test(error.message);
}

/** The columns of the constraint that an error names. The session's messages are in English. */
export async function locateMysqlConstraint(query: SqlConnection['query'], error: unknown): Promise<ConstraintPlace> {
  const { message = '', cause } = error as { readonly message?: string; readonly cause?: { readonly sql?: string } };
  const [, schema, table] = /(?:INSERT INTO|UPDATE|DELETE FROM) (?:"((?:[^"]|"")+)"\.)?"((?:[^"]|"")+)"/.exec(cause?.sql ?? '') ?? [];
  const at = table === undefined ? {} : { table: table.replaceAll('""', '"') };
  const key = /for key '(?:[^']*\.)?([^'.]+)'/.exec(message)?.[1];
  if (key !== undefined && table !== undefined) {
    const { rows } = await query(
      'SELECT column_name FROM information_schema.statistics WHERE table_schema = coalesce(?, database()) AND table_name = ? AND index_name = ? ORDER BY seq_in_index',
      [schema ?? null, table, key],
    );
    return { ...at, columns: rows.map((row) => String(row[0])) };
  }
  const foreign = /FOREIGN KEY \(([^)]*)\)/.exec(message)?.[1];
  const named = /(?:column|Column|Field) [`']([^`']+)[`'](?:\.`([^`]+)`\.`([^`]+)`)?/.exec(message);
  const check = /CONSTRAINT [`'](?:[^`'.]*\.)?([^`']+)[`'] failed|Check constraint '([^']+)'/.exec(message);
  const column = named?.[3] ?? named?.[1] ?? foreign?.replaceAll('`', '') ?? check?.[1] ?? check?.[2];
  return { ...at, columns: column === undefined ? [] : [column] };
}
