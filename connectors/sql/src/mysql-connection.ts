import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { ConnectorError } from '@landbridge/connector-sdk';
import type { Connection, ConnectionOptions, FieldPacket, TypedParameterValue } from 'mysql2/promise';
import type { SqlRow, SqlValue, StatementResult } from './database.ts';
import { mysqlError } from './mysql-errors.ts';
import { addressOf } from './server-address.ts';
import type { SqlSettings } from './settings.ts';

const CONNECT_MILLISECONDS = 10_000;
/** How much later than the server this side gives a statement up: only where the server or the network is gone. */
const GRACE_MILLISECONDS = 5_000;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** The driver, loaded when it is needed first. */
export async function loadDriver(): Promise<Driver> {
  // Its exports are found at run time: only the default export has them all.
  return (await import('mysql2/promise')).default as unknown as Driver;
}

/** What the driver's module has. */
export type Driver = typeof import('mysql2/promise');

/** The driver's options. Values come without loss: long integers and decimals as text, times as text, JSON as text. */
export function mysqlOptions(settings: SqlSettings): ConnectionOptions {
  const { host, port } = addressOf(settings);
  const url = settings.url === undefined ? undefined : new URL(settings.url);
  const database = settings.database ?? decodeURIComponent(url?.pathname.slice(1) ?? '');
  const user = settings.user ?? decodeURIComponent(url?.username ?? '');
  const password = settings.password ?? decodeURIComponent(url?.password ?? '');
  const ssl = tlsOf(settings);
  return {
    host,
    port,
    database,
    user,
    password,
    connectTimeout: CONNECT_MILLISECONDS,
    enableKeepAlive: true,
    charset: 'utf8mb4_general_ci',
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    rowsAsArray: true,
    multipleStatements: false,
    // Parsers without generated code; and few statements for each connection: the server counts them all.
    disableEval: true,
    maxPreparedStatements: 200,
    ...(ssl === undefined ? {} : { ssl }),
    ...(ssl?.verifyIdentity && isIP(host) !== 0 ? { stream: () => socketTo(host, port) } : {}),
  };
}

/**
 * The driver tells TLS no name for an address, and the certificate would be checked against "localhost". Node takes the name of
 * the socket underneath where it has one (`tls.connect`: servername, host, the socket's own).
 */
function socketTo(host: string, port: number): Socket {
  const socket = connect({ host, port, keepAlive: true, noDelay: true });
  Object.defineProperty(socket, '_host', { value: host });
  return socket;
}

function tlsOf({ tls }: SqlSettings): Exclude<ConnectionOptions['ssl'], string> {
  if (tls === undefined || tls.mode === 'disable') return undefined;
  const verify = tls.mode === 'verify-full';
  return { rejectUnauthorized: verify, verifyIdentity: verify, minVersion: 'TLSv1.2', ...(tls.ca === undefined ? {} : { ca: readCertificates(tls.ca) }) };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConnectorError('invalid-configuration', `tls.ca: the file ${file} cannot be read`, { parameter: 'tls.ca' }, { cause: error });
  }
}

/**
 * What every session sets: names in double quotes and texts as the standard has them, so that statements are the same for all
 * databases; nothing is cut to fit; times are in UTC; messages are in English; long keys are sorted whole. The comment for MariaDB alone limits the time of
 * a statement on the server.
 */
export function sessionStatements({ commandTimeoutSeconds }: SqlSettings): readonly string[] {
  return [
    "SET sql_mode = concat(@@sql_mode, ',ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES'), time_zone = '+00:00', lc_messages = 'en_US', max_sort_length = 4096",
    `/*M! SET max_statement_time = ${commandTimeoutSeconds} */`,
  ];
}

/** Connects once, outside the pool. @throws ConnectorError that says what is wrong. */
export async function connectOnce(settings: SqlSettings): Promise<Connection> {
  const driver = await loadDriver();
  try {
    const connection = await driver.createConnection(mysqlOptions(settings));
    // A connection that breaks also fails the statement under way; alone, this event would end the process.
    connection.on('error', () => {});
    for (const sql of sessionStatements(settings)) await connection.query(sql);
    return connection;
  } catch (error) {
    throw connectError(error, settings);
  }
}

/** Says where it was tried to connect. */
export function connectError(error: unknown, settings: SqlSettings): ConnectorError {
  const { host, port } = addressOf(settings);
  const { code, message, detail } = mysqlError(error, 'before-commit');
  return new ConnectorError(code, `${host}:${port}: ${message}`, detail, { cause: error });
}

/** Values as the driver binds them: integers as 64-bit ones, which it would send as text, and text compares as numbers with a loss. */
export function bindable(driver: Driver, value: SqlValue): TypedParameterValue | string | number | Buffer | null {
  if (typeof value === 'bigint') return value >= MIN_INT64 && value <= MAX_INT64 ? driver.TypedParameter.BIGINT(value) : value.toString();
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value;
  throw new ConnectorError('invalid-attribute-value', 'the database has no lists');
}

/**
 * Runs a statement as a prepared one: the server gets text and values apart (SEC-32). The driver would put values into the
 * text of an unprepared one, with an escape that this session does not have.
 */
export async function runStatement(connection: Connection, sql: string, values: readonly SqlValue[], limitSeconds: number): Promise<StatementResult> {
  const driver = await loadDriver();
  const [result] = await connection.execute({ sql, timeout: limitSeconds * 1000 + GRACE_MILLISECONDS, values: values.map((value) => bindable(driver, value)) });
  // A procedure answers with its result sets, then with what became of it: the first of the sets counts.
  const answers = result as unknown as readonly unknown[];
  if (Array.isArray(result) && answers.length > 0 && !Array.isArray(answers.at(-1))) return { rows: answers[0] as readonly SqlRow[], changes: 0 };
  // `rowsAsArray` makes rows arrays.
  if (Array.isArray(result)) return { rows: result as unknown as readonly SqlRow[], changes: result.length };
  const { affectedRows, insertId } = result as { readonly affectedRows: number; readonly insertId: number | string };
  const assigned = BigInt(insertId);
  return { rows: [], changes: affectedRows, ...(assigned === 0n ? {} : { assigned }) };
}

/** The columns of a result, as the driver describes them. */
export async function describeStatement(connection: Connection, sql: string): Promise<readonly FieldPacket[]> {
  return (await connection.query(sql))[1];
}

/** Stops what a connection is doing, by a connection of its own; where that cannot be had the connection is cut. */
export async function cancelStatement(settings: SqlSettings, connection: Connection): Promise<void> {
  const { threadId } = connection;
  try {
    const other = await connectOnce(settings);
    await other.query(`KILL QUERY ${Number(threadId)}`);
    await other.end();
  } catch {
    connection.destroy();
  }
}
