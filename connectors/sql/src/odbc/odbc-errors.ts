import { ConnectorError, type ConnectorErrorCode, messageOf } from '@landbridge/connector-sdk';
import { errorOf, type Meaning } from '../driver-errors.ts';
import { mysqlError } from '../mysql-errors.ts';
import type { Phase } from '../pooled-connections.ts';
import { postgresError } from '../postgres-errors.ts';
import { sqliteError } from '../sqlite-errors.ts';
import { OdbcError } from './odbc-process.ts';
import type { Product } from './products.ts';

/** SQLSTATEs of the standard and of ODBC (its "Appendix A: ODBC Error Codes"), and their classes, with advice. */
const STATES: Readonly<Record<string, Meaning>> = {
  '01': ['entry-failed', ''],
  '07': ['invalid-attribute-value', ''],
  '08': ['connection-dropped', ''],
  '08001': ['server-down', 'check "connectionString" or "dsn", and whether the server runs'],
  '0A': ['not-supported', ''],
  '21': ['invalid-configuration', ''],
  '22': ['invalid-attribute-value', ''],
  '23': ['constraint-violation', ''],
  '23502': ['missing-attribute', ''],
  '23503': ['constraint-violation', ''],
  '23505': ['already-exists', ''],
  '23513': ['invalid-attribute-value', ''],
  '23514': ['invalid-attribute-value', ''],
  '25006': ['permission-denied', 'the database is read-only'],
  '28': ['bad-credentials', 'check the parameters "user" and "password"'],
  '3D': ['invalid-configuration', 'check the name of the database in "connectionString" or "dsn"'],
  '40': ['throttled', ''],
  '42': ['invalid-configuration', ''],
  '42501': ['permission-denied', ''],
  '44': ['constraint-violation', ''],
  '45': ['entry-failed', ''],
  '53': ['run-failed', 'the server is out of resources'],
  '57014': ['timeout', 'the statement was stopped; it took longer than the parameter "commandTimeout" allows'],
  HYT00: ['timeout', 'the statement took longer than the parameter "commandTimeout" allows'],
  HYT01: ['connection-dropped', 'the server does not answer'],
  S1T00: ['timeout', 'the statement took longer than the parameter "commandTimeout" allows'],
  HY008: ['timeout', 'the statement was stopped'],
  HY001: ['run-failed', 'there is not enough memory'],
  HYC00: ['not-supported', 'the driver does not have this'],
  IM001: ['not-supported', 'the driver does not have this'],
  IM002: ['invalid-configuration', 'no such data source: check "dsn" (odbc.ini of this machine and account) or Driver= in "connectionString"'],
  IM003: ['invalid-configuration', 'the driver cannot be loaded: is it installed, and of 64 bits?'],
  IM: ['invalid-configuration', ''],
};

/** What drivers say in words where SQLSTATE says only that a constraint was broken. */
const WORDS: readonly (readonly [pattern: RegExp, code: ConnectorErrorCode])[] = [
  [/unique|duplicate|primary key/i, 'already-exists'],
  [/not.null|null value|cannot insert null|may not be null/i, 'missing-attribute'],
  [/\bcheck\b/i, 'invalid-attribute-value'],
];

/** SQLite's extended result codes by the words of its messages: its driver tells only that a constraint was broken. */
const SQLITE: readonly (readonly [pattern: RegExp, code: number])[] = [
  [/^UNIQUE/, 2067],
  [/^NOT NULL/, 1299],
  [/^CHECK/, 275],
  [/^FOREIGN KEY/, 787],
  [/^cannot store/, 3091],
];

/** The error of the contract for whatever a driver threw; known databases classify their errors as their own drivers' do. */
export function odbcError(thrown: unknown, phase: Phase, product: Product | undefined): ConnectorError {
  if (thrown instanceof ConnectorError) return thrown;
  if (!(thrown instanceof OdbcError)) return new ConnectorError('unknown', messageOf(thrown), {}, { cause: thrown });
  const { state, native, sql } = thrown.diagnosis;
  const message = withoutOrigin(thrown.diagnosis.message);
  const own = isLost(state) || state.startsWith('IM') || state.startsWith('HYT') ? undefined : byProduct(product, { state, native, message, sql }, phase);
  const meaning: Meaning = own === undefined ? classify(state, message) : [own.code, ''];
  const detail = { internal: `SQLSTATE ${state}, native ${native}` };
  return errorOf(meaning, { message: own?.message ?? message, detail, cause: { state, native, message, sql }, phase });
}

function classify(state: string, message: string): Meaning {
  const known = STATES[state] ?? STATES[state.slice(0, 2)];
  // Some drivers have one state for everything.
  const isConstraint = state === '23000' || (known === undefined && /constraint/i.test(message));
  if (isConstraint) return [WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'constraint-violation', ''];
  return known ?? ['entry-failed', ''];
}

interface Said {
  readonly state: string;
  readonly native: number;
  readonly message: string;
  readonly sql: string | undefined;
}

function byProduct(product: Product | undefined, { state, native, message, sql }: Said, phase: Phase): ConnectorError | undefined {
  if (product === 'postgres') return /^(HY|S1)/.test(state) ? undefined : postgresError({ code: state, message }, phase);
  if (product === 'mysql')
    // Numbers from 2000 on are those of its client library.
    return native > 0 && (native < 2000 || native >= 3000) ? mysqlError({ errno: native, sqlState: state, message, sql }, phase) : undefined;
  if (product !== 'sqlite' || native <= 0) return undefined;
  // What RAISE of a trigger says has no form of its own.
  const fallback = native === 19 && !message.endsWith('constraint failed') ? 1811 : native;
  return sqliteError({ errcode: SQLITE.find(([pattern]) => pattern.test(message))?.[1] ?? fallback, message });
}

/** The message without the programs that it came through: `[vendor][driver][database]`, and SQLite's number behind it. */
function withoutOrigin(message: string): string {
  return message
    .replace(/^(\[[^\]]*\]\s*)+/, '')
    .replace(/;\s*Error while executing the query.*$/s, '')
    .replace(/ \(\d+\)$/, '')
    .trim();
}

function isLost(state: string): boolean {
  return state.startsWith('08') || state === 'HYT01';
}

/** Whether the connection itself is gone, and with it any open transaction. */
export function isBroken(error: ConnectorError): boolean {
  const { state } = (error.cause ?? { state: '' }) as { readonly state?: string };
  // Without a state: the process of the driver failed.
  return error.cause !== undefined && (state === undefined || isLost(state) || (state === 'HY000' && error.code === 'connection-dropped'));
}
