import { readFileSync } from 'node:fs';
import { ConnectorError } from '@landbridge/connector-sdk';
import type { SqlValue, StatementResult } from './database.ts';
import type { OracleAddress, OracleBind, OracleConnection, OracleDriver, OracleOptions, OracleResult } from './oracle-driver.ts';
import { oracleError } from './oracle-errors.ts';
import { addressOf } from './server-address.ts';
import type { SqlSettings } from './settings.ts';

/** Bytes of a value that comes out of a statement. */
const OUT_BYTES = 32_767;

/**
 * What every session sets: points in numbers, times in UTC, and comparisons by the bytes of texts, whatever the language of the
 * account.
 */
const SESSION = "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,' NLS_COMP = BINARY NLS_SORT = BINARY NLS_LANGUAGE = AMERICAN TIME_ZONE = '+00:00'";

/** Where the server is. Without `tls` nothing is encrypted; with it the certificate is always checked, by `require` not for its name. */
function oracleAddress(settings: SqlSettings): OracleAddress {
  const { host, port } = addressOf(settings);
  const url = settings.url === undefined ? undefined : new URL(settings.url);
  const service = settings.database ?? decodeURIComponent(url?.pathname.slice(1) ?? '');
  const mode = settings.tls?.mode ?? 'disable';
  const names = mode === 'require' ? '?ssl_server_dn_match=off' : '';
  return {
    user: settings.user ?? decodeURIComponent(url?.username ?? ''),
    password: settings.password ?? decodeURIComponent(url?.password ?? ''),
    connectString: `${mode === 'disable' ? 'tcp' : 'tcps'}://${host.includes(':') ? `[${host}]` : host}:${port}/${service}${names}`,
    ...(settings.tls?.ca === undefined ? {} : { walletContent: readCertificates(settings.tls.ca) }),
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConnectorError('invalid-configuration', `tls.ca: the file ${file} cannot be read`, { parameter: 'tls.ca' }, { cause: error });
  }
}

/** Connects. @throws ConnectorError that says what is wrong. */
export async function connectOnce(driver: OracleDriver, settings: SqlSettings): Promise<OracleConnection> {
  try {
    const connection = await driver.getConnection(oracleAddress(settings));
    connection.callTimeout = settings.commandTimeoutSeconds * 1000;
    await connection.execute(SESSION, {}, { outFormat: driver.OUT_FORMAT_ARRAY });
    return connection;
  } catch (error) {
    const { host, port } = addressOf(settings);
    const { code, message, detail } = oracleError(error, 'before-commit');
    throw new ConnectorError(code, `${host}:${port}: ${message}`, detail, { cause: error });
  }
}

/** A value as it is bound: whole numbers as text, which the server reads without loss. */
function bound(driver: OracleDriver, value: SqlValue): OracleBind {
  const dir = driver.BIND_IN;
  if (value instanceof Uint8Array) return { dir, type: driver.BUFFER, val: Buffer.from(value.buffer, value.byteOffset, value.byteLength) };
  if (Array.isArray(value)) throw new ConnectorError('invalid-attribute-value', 'the database has no lists');
  if (typeof value === 'boolean') return { dir, type: driver.NUMBER, val: value ? 1 : 0 };
  return { dir, type: driver.STRING, val: value === null ? null : String(value) };
}

/** The binds of a statement: `:p1` for each value, and room for each `:o0` that it gives back. */
export function bindsOf(driver: OracleDriver, sql: string, values: readonly SqlValue[]): Readonly<Record<string, OracleBind>> {
  const binds: Record<string, OracleBind> = {};
  for (const [index, value] of values.entries()) binds[`p${index + 1}`] = bound(driver, value);
  for (const name of outputsOf(sql)) binds[name] = { dir: driver.BIND_OUT, type: driver.STRING, maxSize: OUT_BYTES };
  return binds;
}

/** The names of what comes out: at the end of an INSERT, or in a block. */
function outputsOf(sql: string): readonly string[] {
  const source = sql.startsWith('BEGIN ') ? sql.replace(/"(?:[^"]|"")*"/g, '') : (/ INTO (:o\d+(?:, :o\d+)*)$/.exec(sql)?.[1] ?? '');
  return [...new Set(source.match(/:o\d+/g) ?? [])].map((name) => name.slice(1)).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

/** How values are read: numbers as text, so that no digit is lost; long texts and bytes whole. */
export function fetchOptions(driver: OracleDriver): OracleOptions {
  const kinds = new Map([
    [driver.DB_TYPE_NUMBER, driver.STRING],
    [driver.DB_TYPE_CLOB, driver.STRING],
    [driver.DB_TYPE_NCLOB, driver.STRING],
    [driver.DB_TYPE_BLOB, driver.BUFFER],
  ]);
  return {
    outFormat: driver.OUT_FORMAT_ARRAY,
    fetchTypeHandler({ dbType }) {
      const type = kinds.get(dbType);
      return type === undefined ? undefined : { type };
    },
  };
}

/** Runs a statement with values, which go to the server apart from the text (SEC-32). What comes out is its row. */
export async function runStatement(driver: OracleDriver, connection: OracleConnection, sql: string, values: readonly SqlValue[]): Promise<StatementResult> {
  const result: OracleResult = await connection.execute(sql, bindsOf(driver, sql, values), fetchOptions(driver));
  const outputs = outputsOf(sql);
  if (outputs.length === 0) return { rows: result.rows ?? [], changes: result.rowsAffected ?? result.rows?.length ?? 0 };
  // An INSERT gives a list for each, a block the value itself.
  const row = outputs.map((name) => [result.outBinds?.[name] ?? null].flat()[0] ?? null);
  return { rows: [row], changes: result.rowsAffected ?? 1 };
}
