import { readFileSync } from 'node:fs';
import { ConnectorError } from '@landbridge/connector-sdk';
import type { Connection, ConnectionConfiguration, Request } from 'tedious';
import type { SqlRow, SqlValue, StatementResult } from './database.ts';
import { mssqlError } from './mssql-errors.ts';
import { authenticationOf } from './mssql-sign-in.ts';
import { addressOf } from './server-address.ts';
import type { SqlSettings } from './settings.ts';

const CONNECT_MILLISECONDS = 10_000;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
/** Texts and bytes up to these lengths are declared with them, so that the server compiles a statement once, whatever it is given. */
const TEXT_LENGTH = 4000;
const BYTES_LENGTH = 8000;

/** What the driver's module has. */
export type Driver = typeof import('tedious');

/** The driver, loaded when it is needed first: hosts without SQL Server do without it. @throws ConnectorError where it is not installed. */
export async function loadDriver(): Promise<Driver> {
  try {
    // Its exports are found at run time: only the default export has them all.
    return (await import('tedious')).default as unknown as Driver;
  } catch (error) {
    throw new ConnectorError('invalid-configuration', 'the driver of SQL Server is not installed; install the npm package tedious', {}, { cause: error });
  }
}

/** The driver's options. Without `tls` the connection is encrypted, and the certificate checked: a server has one by itself, but not one to trust. */
function mssqlOptions(settings: SqlSettings): ConnectionConfiguration {
  const { host, port } = addressOf(settings);
  const url = settings.url === undefined ? undefined : new URL(settings.url);
  const database = settings.database ?? decodeURIComponent(url?.pathname.slice(1) ?? '');
  const user = settings.user ?? decodeURIComponent(url?.username ?? '');
  const password = settings.password ?? decodeURIComponent(url?.password ?? '');
  const mode = settings.tls?.mode ?? 'verify-full';
  return {
    server: host,
    authentication: authenticationOf(settings.signIn ?? 'password', { user, password, tenant: settings.tenant ?? '' }),
    options: {
      port,
      ...(database === '' ? {} : { database }),
      encrypt: mode !== 'disable',
      trustServerCertificate: mode === 'require',
      cryptoCredentialsDetails: { minVersion: 'TLSv1.2', ...(settings.tls?.ca === undefined ? {} : { ca: readCertificates(settings.tls.ca) }) },
      connectTimeout: CONNECT_MILLISECONDS,
      requestTimeout: settings.commandTimeoutSeconds * 1000,
      appName: 'landbridge',
      // Whatever the language of the account: times are read as they are written, and messages are those that we know.
      language: 'us_english',
      dateFormat: 'ymd',
      enableAnsiNull: true,
      enableArithAbort: true,
      enableQuotedIdentifier: true,
      useUTC: true,
    },
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConnectorError('invalid-configuration', `tls.ca: the file ${file} cannot be read`, { parameter: 'tls.ca' }, { cause: error });
  }
}

/** A connection that has ended, whoever ended it. */
const ended = new WeakSet<Connection>();

/** Whether a connection can still be used. */
export function isOpen(connection: Connection): boolean {
  return !ended.has(connection);
}

/** Connects. @throws ConnectorError that says what is wrong. */
export async function connectOnce(settings: SqlSettings): Promise<Connection> {
  const driver = await loadDriver();
  const connection = new driver.Connection(mssqlOptions(settings));
  connection.on('end', () => ended.add(connection));
  // A connection that breaks also fails the statement under way; alone, this event would end the process.
  connection.on('error', () => ended.add(connection));
  // The error of a refused login has no number of its own. The first says why.
  let refusal: { readonly number: number; readonly message: string } | undefined;
  connection.on('errorMessage', (token: { readonly number: number; readonly message: string }) => {
    refusal ??= { number: token.number, message: token.message };
  });
  try {
    await new Promise<void>((resolve, reject) => connection.connect((error) => (error === undefined || error === null ? resolve() : reject(error))));
    return connection;
  } catch (error) {
    connection.close();
    throw connectError(refusal === undefined ? error : Object.assign(new Error(refusal.message), { code: 'ELOGIN', number: refusal.number }), settings);
  }
}

/** Says where it was tried to connect. */
function connectError(error: unknown, settings: SqlSettings): ConnectorError {
  const { host, port } = addressOf(settings);
  const { code, message, detail } = mssqlError(error, 'before-commit');
  return new ConnectorError(code, `${host}:${port}: ${message}`, detail, { cause: error });
}

/** Gives a value to a request, as a type that loses nothing. */
function addValue({ TYPES }: Driver, request: Request, name: string, value: SqlValue): void {
  if (typeof value === 'boolean') return request.addParameter(name, TYPES.Bit, value);
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return request.addParameter(name, TYPES.VarBinary, bytes, bytes.length <= BYTES_LENGTH ? { length: BYTES_LENGTH } : {});
  }
  if (Array.isArray(value)) throw new ConnectorError('invalid-attribute-value', 'the database has no lists');
  const whole = typeof value === 'bigint' ? value : typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (whole !== undefined && whole >= MIN_INT64 && whole <= MAX_INT64) return request.addParameter(name, TYPES.BigInt, whole);
  const text = value === null ? null : String(value);
  request.addParameter(name, TYPES.NVarChar, text, (text?.length ?? 0) <= TEXT_LENGTH ? { length: TEXT_LENGTH } : {});
}

/** A column of a row, as the driver's event has it. */
interface DriverColumn {
  readonly value: unknown;
}

/** Makes a request with values, which go to the server apart from the text (SEC-32). */
export function createRequest(
  driver: Driver,
  sql: string,
  values: readonly SqlValue[],
  onRow: (row: SqlRow) => void,
  onEnd: (error: Error | null | undefined) => void,
): Request {
  const request = new driver.Request(sql, onEnd);
  for (const [index, value] of values.entries()) addValue(driver, request, `p${index + 1}`, value);
  request.on('row', (columns: readonly DriverColumn[]) => onRow(columns.map((column) => column.value)));
  return request;
}

/** What a batch of {@link runStatement} found, set by set. */
interface ResultSet {
  readonly isOutput: boolean;
  readonly rows: SqlRow[];
}

/** Runs a statement with values. Of several sets of rows that of the output parameters counts, else the first. */
export async function runStatement(connection: Connection, sql: string, values: readonly SqlValue[]): Promise<StatementResult> {
  const driver = await loadDriver();
  const sets: ResultSet[] = [];
  let changes = 0;
  await new Promise<void>((resolve, reject) => {
    const request = createRequest(
      driver,
      sql,
      values,
      (row) => void sets.at(-1)?.rows.push(row),
      (error) => (error === null || error === undefined ? resolve() : reject(error)),
    );
    request.on('columnMetadata', (columns) => {
      // The option that would make an object of the columns is not used.
      const [first] = columns as readonly { readonly colName: string }[];
      sets.push({ isOutput: first?.colName.startsWith('landbridge_out_') ?? false, rows: [] });
    });
    // Triggers tell their counts before the statement tells its own.
    request.on('doneInProc', (count) => {
      if (count !== undefined) changes = count;
    });
    if (!isOpen(connection)) return reject(Object.assign(new Error('the connection is closed'), { code: 'ECLOSE' }));
    connection.execSql(request);
  });
  const rows = (sets.find((set) => set.isOutput) ?? sets[0])?.rows ?? [];
  return { rows, changes: sets.length === 0 ? changes : Math.max(changes, rows.length) };
}

/** Runs a batch without values: what holds for the session, and the bounds of transactions. */
export async function runBatch(connection: Connection, sql: string): Promise<void> {
  const driver = await loadDriver();
  await new Promise<void>((resolve, reject) => {
    if (!isOpen(connection)) return reject(Object.assign(new Error('the connection is closed'), { code: 'ECLOSE' }));
    connection.execSqlBatch(new driver.Request(sql, (error) => (error === null || error === undefined ? resolve() : reject(error))));
  });
}
