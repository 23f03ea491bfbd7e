import { ConnectorError } from '@landbridge/connector-sdk';
import type { ConstraintPlace, SqlConnection } from './database.ts';
import { errorOf, type Meaning, placeOf } from './driver-errors.ts';
import { oracleCatalogue } from './oracle-catalogue.ts';
import type { Phase } from './pooled-connections.ts';
import { socketErrors } from './socket-errors.ts';

/** Error numbers of the server (ORA-), with advice. */
const NUMBERS: Readonly<Record<number, Meaning>> = {
  1: ['already-exists', ''],
  18: ['throttled', 'the server has no session left; lower "poolSize"'],
  20: ['throttled', 'the server has no process left; lower "poolSize"'],
  28: ['connection-dropped', 'the session was ended by an administrator'],
  54: ['throttled', 'another transaction holds the lock'],
  60: ['throttled', ''],
  603: ['connection-dropped', ''],
  604: ['entry-failed', ''],
  900: ['invalid-configuration', ''],
  903: ['invalid-configuration', ''],
  904: ['invalid-configuration', 'names are as they are in the catalogue, mostly in capitals'],
  907: ['invalid-configuration', ''],
  911: ['invalid-configuration', ''],
  942: ['invalid-configuration', 'names are as they are in the catalogue, mostly in capitals; or the account may not see it'],
  1012: ['connection-dropped', ''],
  1013: ['cancelled', ''],
  1017: ['bad-credentials', 'check the parameters "user" and "password"'],
  1031: ['permission-denied', ''],
  1033: ['server-down', 'the database is starting or stopping'],
  1034: ['server-down', 'the database is not running'],
  1089: ['connection-dropped', 'the database is stopping'],
  1400: ['missing-attribute', ''],
  1407: ['missing-attribute', ''],
  1438: ['invalid-attribute-value', ''],
  1455: ['invalid-attribute-value', ''],
  1536: ['run-failed', 'the account has used up its space'],
  1555: ['run-failed', 'the state that was read is no longer kept: raise UNDO_RETENTION'],
  1653: ['run-failed', 'the table cannot grow: its tablespace is full'],
  1722: ['invalid-attribute-value', ''],
  1830: ['invalid-attribute-value', ''],
  1839: ['invalid-attribute-value', ''],
  1840: ['invalid-attribute-value', ''],
  1841: ['invalid-attribute-value', ''],
  1843: ['invalid-attribute-value', ''],
  1847: ['invalid-attribute-value', ''],
  1858: ['invalid-attribute-value', ''],
  1861: ['invalid-attribute-value', ''],
  2290: ['invalid-attribute-value', ''],
  2291: ['constraint-violation', ''],
  2292: ['constraint-violation', ''],
  3113: ['connection-dropped', ''],
  3114: ['connection-dropped', ''],
  3135: ['connection-dropped', ''],
  4021: ['throttled', ''],
  6550: ['invalid-configuration', ''],
  8177: ['throttled', ''],
  12154: ['invalid-configuration', 'check the parameters "host" and "database"'],
  12505: ['invalid-configuration', 'check the parameter "database": it is the name of a service'],
  12514: ['invalid-configuration', 'check the parameter "database": it is the name of a service'],
  12516: ['throttled', 'the server has no connection left; lower "poolSize"'],
  12519: ['throttled', 'the server has no connection left; lower "poolSize"'],
  12537: ['connection-dropped', ''],
  12541: ['server-down', 'nothing listens there; check "host" and "port"'],
  12545: ['server-down', 'the name of the host is unknown; check "host"'],
  12899: ['invalid-attribute-value', ''],
  16000: ['permission-denied', 'the database is read-only; is it a replica?'],
  28000: ['bad-credentials', 'the account is locked'],
  28001: ['bad-credentials', 'the password has expired'],
};

/** Numbers of the driver (NJS-), with advice. */
const DRIVER: Readonly<Record<number, Meaning>> = {
  3: ['connection-dropped', ''],
  123: ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'],
  500: ['connection-dropped', ''],
  501: ['connection-dropped', ''],
  503: ['server-down', 'check "host" and "port", and whether the server runs'],
  510: ['server-down', 'the server does not answer; check "host", "port" and the firewall'],
  511: ['server-down', 'nothing listens there; check "host" and "port"'],
  515: ['invalid-configuration', 'check "host", "port" and "database"'],
  517: ['invalid-configuration', 'check the parameter "database"'],
  518: ['invalid-configuration', 'check the parameter "database": it is the name of a service'],
  519: ['invalid-configuration', 'check the parameter "database": it is the name of a service'],
  521: ['connection-dropped', ''],
  530: ['server-down', 'the name of the host is unknown; check "host"'],
  533: ['invalid-configuration', 'the server demands native network encryption, which the thin driver does not have; use TLS'],
};

/** The driver's errors: `errorNum` is the server's, `code` has either. */
interface DriverError {
  readonly code?: string;
  readonly errorNum?: number;
  readonly message?: string;
  readonly cause?: { readonly code?: string };
}

/** The error of the contract for whatever the driver threw. */
export function oracleError(thrown: unknown, phase: Phase): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  // The driver's errors carry these.
  const error = thrown as DriverError;
  const message = (error.message ?? String(thrown)).replace(/\nHelp: https?:\S+/g, '');
  return errorOf(classify(error, message), { message, detail: { internal: `error ${error.code ?? 'none'}` }, cause: thrown, phase });
}

function classify({ code = '', cause }: DriverError, message: string): Meaning {
  const [, kind, digits] = /^(ORA|NJS)-(\d+)$/.exec(code) ?? [];
  if (/certificate|self.signed|altnames|CERT_|ERR_TLS|DPY-6006/i.test(message))
    return ['invalid-configuration', 'check "tls": the certificate of the server, tls.ca, and that "host" is a name in the certificate'];
  const number = Number(digits);
  // Numbers from 20000 to 20999 are the application's own: RAISE_APPLICATION_ERROR.
  if (kind === 'ORA') return NUMBERS[number] ?? ['entry-failed', ''];
  return (kind === 'NJS' ? DRIVER[number] : undefined) ?? socketErrors[code] ?? socketErrors[cause?.code ?? ''] ?? ['unknown', ''];
}

const BROKEN: ReadonlySet<string> = new Set([
  ...['ORA-00028', 'ORA-00603', 'ORA-01012', 'ORA-01089', 'ORA-03113', 'ORA-03114', 'ORA-03135', 'ORA-12537'],
  ...['NJS-003', 'NJS-123', 'NJS-500', 'NJS-501', 'NJS-521', 'ECONNRESET', 'EPIPE'],
]);

/** Whether the connection itself is gone, or of no more use, and with it any open transaction. */
export function isBroken(error: ConnectorError): boolean {
  // Errors of the driver and the server carry their cause; ours do not, and leave the connection whole.
  return error.cause !== undefined && BROKEN.has((error.cause as DriverError).code ?? '');
}

/** The columns of the constraint that an error names: `(OWNER.NAME)`, or of ORA-01400 and ORA-12899 `("OWNER"."TABLE"."COLUMN")`. */
export async function locateOracleConstraint(query: SqlConnection['query'], error: unknown): Promise<ConstraintPlace> {
  const { message = '' } = error as { readonly message?: string };
  const [, , table, column] = /"([^"]+)"\."([^"]+)"\."([^"]+)"/.exec(message) ?? [];
  if (table !== undefined && column !== undefined) return { table, columns: [column] };
  const [, owner, constraint] = /constraint \(([^.()]+)\.([^()]+)\)/.exec(message) ?? [];
  if (owner === undefined || constraint === undefined) return { columns: [] };
  const { rows } = await query(oracleCatalogue.constraint, [owner, constraint]);
  return placeOf(rows);
}
