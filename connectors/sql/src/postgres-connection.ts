import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { ConnectorError } from '@landbridge/connector-sdk';
import pg from 'pg';
import type { SqlRow, SqlValue, StatementResult } from './database.ts';
import { postgresError } from './postgres-errors.ts';
import { addressOf } from './server-address.ts';
import type { SqlSettings } from './settings.ts';

/** How long making a connection may take. */
const CONNECT_MILLISECONDS = 10_000;
/** How much later than the server this side gives a statement up: only where the server or the network is gone. */
const GRACE_MILLISECONDS = 5_000;

/** Makes the driver hand out every value as the text that the server sent. */
export const AS_TEXT: pg.CustomTypesConfig = { getTypeParser: () => (value: unknown) => value };

/** What every session sets, so that the text of a value does not depend on the server's configuration. */
const SESSION = '-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c bytea_output=hex -c extra_float_digits=1';

/** The options of TLS for the driver; `undefined` leaves it to the URL. @throws ConnectorError for a file that cannot be read. */
export function tlsOptions({ tls, url }: SqlSettings, host: string): pg.ClientConfig['ssl'] {
  if (tls === undefined) return url === undefined ? false : undefined;
  if (tls.mode === 'disable') return false;
  // The driver names no host for an IP address, and the certificate would be checked against "localhost".
  return {
    rejectUnauthorized: tls.mode === 'verify-full',
    ...(isIP(host) === 0 ? {} : { host }),
    ...(tls.ca === undefined ? {} : { ca: readCertificates(tls.ca) }),
  };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConnectorError('invalid-configuration', `tls.ca: the file ${file} cannot be read`, { parameter: 'tls.ca' }, { cause: error });
  }
}

/** How to connect, for pools and for single connections. */
export function connectionOf(settings: SqlSettings): pg.ClientConfig {
  const ssl = tlsOptions(settings, addressOf(settings).host);
  const shared: pg.ClientConfig = {
    connectionTimeoutMillis: CONNECT_MILLISECONDS,
    application_name: 'landbridge',
    keepAlive: true,
    options: SESSION,
    ...(ssl === undefined ? {} : { ssl }),
  };
  if (settings.url !== undefined) return { ...shared, connectionString: withoutTls(settings.url, ssl !== undefined) };
  return {
    ...shared,
    ...addressOf(settings),
    ...(settings.database === undefined ? {} : { database: settings.database }),
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
  };
}

/** What the URL says of TLS would win over the parameter `tls`. */
function withoutTls(text: string, isSet: boolean): string {
  if (!isSet || !URL.canParse(text)) return text;
  const url = new URL(text);
  for (const name of ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey']) url.searchParams.delete(name);
  return url.toString();
}

/** Connects once. @throws ConnectorError that says what is wrong. */
export async function connectOnce(settings: SqlSettings): Promise<pg.Client> {
  const client = new pg.Client(connectionOf(settings));
  // A connection that breaks also fails the statement under way; alone, this event would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw connectError(error, settings);
  }
}

/** Says where it was tried to connect. */
export function connectError(error: unknown, settings: SqlSettings): ConnectorError {
  const { host, port } = addressOf(settings);
  const { code, message, detail } = postgresError(error, 'before-commit');
  // The driver names the address too: once is enough.
  const said = message.replace(/^connect (E[A-Z]+) \S+:\d+/, '$1');
  return new ConnectorError(code, `${host}:${port}: ${said}`, detail, { cause: error });
}

/** Named statements are parsed once for each connection: one name for each text. */
const names = new Map<string, string>();
const NAMED = 500;

function nameOf(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || names.size >= NAMED) return known;
  const name = `landbridge_${names.size}`;
  names.set(sql, name);
  return name;
}

/** Runs a statement; errors are the driver's. */
export async function runStatement(client: pg.ClientBase, sql: string, values: readonly SqlValue[], limitSeconds: number): Promise<StatementResult> {
  const name = nameOf(sql);
  const result = await client.query<unknown[], unknown[]>({
    ...(name === undefined ? {} : { name }),
    text: sql,
    values: [...values],
    rowMode: 'array',
    types: AS_TEXT,
    // The driver reads this option of a query; its types know it of connections only.
    ...{ query_timeout: limitSeconds * 1000 + GRACE_MILLISECONDS },
  });
  return { rows: result.rows as readonly SqlRow[], changes: result.rowCount ?? 0 };
}

/**
 * Stops what a connection is doing, by a connection of its own: the statement then fails, and its transaction ends.
 * Where even that cannot be had the connection is cut.
 */
export async function cancelStatement(settings: SqlSettings, client: pg.ClientBase): Promise<void> {
  // The driver keeps the number of the server's process; its types do not tell.
  const { processID } = client as unknown as { readonly processID: number };
  let other: pg.Client | undefined;
  try {
    other = await connectOnce(settings);
    await other.query('SELECT pg_cancel_backend($1)', [processID]);
  } catch {
    // A server that cannot be reached ends the statement by itself.
  } finally {
    await other?.end();
  }
}
