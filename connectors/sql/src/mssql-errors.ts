import { ConnectorError } from '@landbridge/connector-sdk';
import type { ConstraintPlace, SqlConnection } from './database.ts';
import { errorOf, type Meaning, placeOf } from './driver-errors.ts';
import { mssqlCatalogue } from './mssql-catalogue.ts';
import type { Phase } from './pooled-connections.ts';
import { socketErrors } from './socket-errors.ts';

/** Error numbers of SQL Server and Azure SQL (sys.messages), with advice. */
const NUMBERS: Readonly<Record<number, Meaning>> = {
  102: ['invalid-configuration', ''],
  156: ['invalid-configuration', ''],
  201: ['invalid-configuration', 'the procedure wants more parameters'],
  207: ['invalid-configuration', ''],
  208: ['invalid-configuration', 'does the object exist, and in which schema?'],
  220: ['invalid-attribute-value', ''],
  229: ['permission-denied', ''],
  230: ['permission-denied', ''],
  232: ['invalid-attribute-value', ''],
  233: ['connection-dropped', ''],
  241: ['invalid-attribute-value', ''],
  242: ['invalid-attribute-value', ''],
  245: ['invalid-attribute-value', ''],
  248: ['invalid-attribute-value', ''],
  262: ['permission-denied', ''],
  295: ['invalid-attribute-value', ''],
  297: ['permission-denied', ''],
  300: ['permission-denied', ''],
  440: ['invalid-configuration', ''],
  515: ['missing-attribute', ''],
  544: ['invalid-attribute-value', 'the database numbers this column; let anchorAssigned be true'],
  547: ['constraint-violation', ''],
  701: ['run-failed', 'the server is out of memory'],
  916: ['permission-denied', 'the account may not use this database'],
  1101: ['run-failed', 'the disk of the server is full'],
  1105: ['run-failed', 'the disk of the server, or the limit of the database, is full'],
  1204: ['throttled', 'the server has no lock left'],
  1205: ['throttled', ''],
  1222: ['throttled', 'another transaction holds a lock for too long'],
  2601: ['already-exists', ''],
  2627: ['already-exists', ''],
  2628: ['invalid-attribute-value', ''],
  2812: ['invalid-configuration', 'does the procedure exist, and in which schema?'],
  3902: ['entry-failed', 'the transaction was rolled back by a trigger or a procedure'],
  3903: ['entry-failed', 'the transaction was rolled back by a trigger or a procedure'],
  3609: ['entry-failed', ''],
  3906: ['permission-denied', 'the database is read-only; is it a replica?'],
  3930: ['entry-failed', ''],
  3952: ['run-failed', 'the database does not allow snapshots any more (ALLOW_SNAPSHOT_ISOLATION)'],
  3958: ['run-failed', 'the server has no room for the versions that a snapshot needs (tempdb)'],
  3960: ['throttled', ''],
  3961: ['throttled', ''],
  4060: ['invalid-configuration', 'check the parameter "database", and that the account may use it'],
  4064: ['invalid-configuration', 'the default database of the account cannot be opened; give the parameter "database"'],
  4922: ['invalid-configuration', ''],
  8115: ['invalid-attribute-value', ''],
  8114: ['invalid-attribute-value', ''],
  8144: ['invalid-configuration', 'the procedure wants fewer parameters'],
  8145: ['invalid-configuration', ''],
  8152: ['invalid-attribute-value', ''],
  8169: ['invalid-attribute-value', ''],
  8645: ['throttled', 'the server has no memory for this statement just now'],
  9002: ['run-failed', 'the transaction log of the database is full'],
  10928: ['throttled', 'the database has reached a limit of its service tier'],
  10929: ['throttled', 'the server is busy'],
  17142: ['connection-dropped', 'the server is pausing'],
  17806: ['bad-credentials', 'the domain refuses the sign-in'],
  17809: ['throttled', 'the server has no connection left; lower "poolSize"'],
  18401: ['server-down', 'the server is upgrading'],
  18452: ['bad-credentials', 'the server does not trust the domain; use an account of SQL Server, or DOMAIN\\\\user of a domain it trusts'],
  18456: ['bad-credentials', 'check the parameters "user" and "password", and that the server allows this kind of account'],
  18470: ['bad-credentials', 'the account is disabled'],
  18486: ['bad-credentials', 'the account is locked'],
  18487: ['bad-credentials', 'the password has expired'],
  18488: ['bad-credentials', 'the password must be changed'],
  22105: ['watermark-lost', ''],
  40197: ['server-down', 'the service is moving the database; it comes back'],
  40501: ['throttled', 'the service is busy'],
  40613: ['server-down', 'the database is not available just now'],
  40615: ['bad-credentials', 'the firewall of the server does not admit this address'],
  49918: ['throttled', 'the service is busy'],
  49919: ['throttled', 'the service is busy'],
  49920: ['throttled', 'the service is busy'],
};

const CERTIFICATE: Meaning = ['invalid-configuration', 'check "tls": the certificate of the server, tls.ca, and that "host" is a name in the certificate'];

/** Codes of the driver and of the socket. */
const CODES: Readonly<Record<string, Meaning>> = {
  ...socketErrors,
  ECLOSE: ['connection-dropped', ''],
  ECONNCLOSED: ['connection-dropped', ''],
  EINVALIDSTATE: ['connection-dropped', ''],
  ECANCEL: ['cancelled', ''],
  EENCRYPT: ['invalid-configuration', 'let the server offer TLS, or set tls.mode to disable where the network is safe'],
  ELOGIN: ['bad-credentials', 'check the parameters "user" and "password"'],
  EINSTLOOKUP: ['server-down', 'the name of the host is unknown; check "host"'],
};

/** The driver's errors: those of connections carry their cause, those of statements the number of the server. */
interface DriverError {
  readonly code?: string;
  readonly number?: number;
  readonly class?: number;
  readonly message?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
  readonly state?: unknown;
}

/** The error of the contract for whatever the driver threw. */
export function mssqlError(thrown: unknown, phase: Phase): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  // The driver's errors carry these.
  const error = thrown as DriverError;
  const chain = chainOf(error);
  const message = chain.find((one) => one.message !== undefined && one.message !== '')?.message ?? String(thrown);
  const number = chain.find((one) => one.number !== undefined)?.number;
  const detail = { internal: `error ${number ?? error.code ?? 'none'}, state ${typeof error.state === 'number' ? error.state : 'none'}` };
  return errorOf(classify(chain, message, phase), { message, detail, cause: thrown, phase });
}

/** An error with what it is made of, the outermost first. */
function chainOf(error: DriverError): readonly DriverError[] {
  const inner = [...(error.errors ?? []), ...(error.cause === undefined ? [] : [error.cause])];
  return [error, ...inner.flatMap((one) => (typeof one === 'object' && one !== null ? chainOf(one as DriverError) : []))];
}

function classify(chain: readonly DriverError[], message: string, phase: Phase): Meaning {
  for (const { number } of chain) {
    // One number for two things.
    if (number === 547 && /CHECK constraint/.test(message)) return ['invalid-attribute-value', ''];
    const known = number === undefined ? undefined : NUMBERS[number];
    if (known !== undefined) return known;
    // Numbers from 50000 on are the application's own: RAISERROR and THROW.
    if (number !== undefined) return ['entry-failed', ''];
  }
  const text = chain.map((one) => `${one.code ?? ''} ${one.message ?? ''}`).join(' ');
  if (/certificate|self.signed|altnames|CERT_|ERR_TLS/i.test(text)) return CERTIFICATE;
  for (const { code } of [...chain].reverse()) {
    const known = code === undefined ? undefined : CODES[code];
    if (known !== undefined) return known;
  }
  // What was under way when the time was up may have been done.
  if (/ETIMEOUT/.test(text)) {
    if (/connect/i.test(message) && phase === 'before-commit') return ['server-down', 'the server does not answer; check "host", "port" and the firewall'];
    return ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'];
  }
  if (/ESOCKET/.test(text)) return ['connection-dropped', ''];
  return ['unknown', ''];
}

/** Whether the connection itself is gone, or of no more use, and with it any open transaction. */
export function isBroken(error: ConnectorError): boolean {
  // Errors of the driver and the server carry their cause; ours do not, and leave the connection whole.
  if (error.cause === undefined) return false;
  const chain = chainOf(error.cause as DriverError);
  // The server closes the connection after errors of class 20 and above.
  if (chain.some((one) => (one.class ?? 0) >= 20)) return true;
  if (chain.some((one) => one.number !== undefined)) return false;
  return chain.some((one) => /^(ESOCKET|ECLOSE|ECONN|EINVALIDSTATE|EPIPE|ETIMEDOUT|ETIMEOUT|ECANCEL)/.test(one.code ?? ''));
}

/** The columns of the constraint that an error names. The session's messages are in English. */
export async function locateMssqlConstraint(query: SqlConnection['query'], error: unknown): Promise<ConstraintPlace> {
  const { message = '' } = error as { readonly message?: string };
  // 515: "… the value NULL into column 'c', table 'd.s.t'"; 2628: "… truncated in table 'd.s.t', column 'c'".
  const column = /column '([^']+)', table '|in table '[^']+', column '([^']+)'/.exec(message);
  const table = /table '(?:[^'.]*\.)*([^'.]+)'/.exec(message)?.[1];
  if (column !== null) return { ...(table === undefined ? {} : { table }), columns: [column[1] ?? column[2] ?? ''] };
  const constraint = /(?:constraint|unique index) ['"]([^'"]+)['"]/.exec(message)?.[1];
  if (constraint === undefined) return { columns: [] };
  const object = /object '([^']+)'/.exec(message)?.[1] ?? null;
  const { rows } = await query(mssqlCatalogue.constraint, [constraint, object]);
  return placeOf(rows);
}
