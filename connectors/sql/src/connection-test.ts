import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type ConnectorContext, ConnectorError, type TestLayer, type TestResult, toErrorData } from '@landbridge/connector-sdk';
import type { SqlDatabase } from './database.ts';
import { buildModels, type ObjectModel } from './object-model.ts';
import { openDatabase } from './open-database.ts';
import { addressOf, tlsOptions } from './postgres-connection.ts';
import { readSettings, type SqlSettings } from './settings.ts';

const WAIT_MILLISECONDS = 5_000;

/** Tests a connection layer by layer, from the wire up; stops at the first that fails. */
export async function* testConnection(context: ConnectorContext, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<TestResult> {
  const { settings, problems } = readSettings(context.parameters);
  if (problems.length > 0) {
    yield { layer: 'schema', status: 'failed', milliseconds: 0, message: problems.map((problem) => `${problem.parameter}: ${problem.message}`).join('; ') };
    return;
  }
  const found: Findings = { database: undefined, models: new Map() };
  try {
    for (const [layer, check] of layersOf(settings, found, signal)) {
      if (signal.aborted) throw new ConnectorError('cancelled', 'the test was cancelled');
      const started = performance.now();
      const result = await run(check);
      yield { layer, ...result, milliseconds: Math.round(performance.now() - started) };
      if (result.status === 'failed') return;
    }
  } finally {
    await found.database?.close();
  }
}

/** What one layer found, for the next. */
interface Findings {
  database: SqlDatabase | undefined;
  models: ReadonlyMap<string, ObjectModel>;
}

/** A check gives a sentence, or `undefined` where the layer does not exist; what it throws is why it failed. */
type Check = () => Promise<string | undefined>;

async function run(check: Check): Promise<Pick<TestResult, 'status' | 'message'>> {
  try {
    const message = await check();
    return message === undefined ? { status: 'skipped', message: 'does not apply' } : { status: 'passed', message };
  } catch (error) {
    return { status: 'failed', message: toErrorData(error).message };
  }
}

function layersOf(settings: SqlSettings, found: Findings, signal: AbortSignal): readonly (readonly [TestLayer, Check])[] {
  const { host, port } = addressOf(settings);
  const isRemote = settings.dialect === 'postgres' && !host.startsWith('/');
  const open = async (): Promise<string> => {
    found.database = await openDatabase(settings);
    return settings.dialect === 'sqlite' ? 'the file is a SQLite database and can be opened' : `${host}:${port} accepts the user and the password`;
  };
  return [
    ['name-resolution', async () => (isRemote ? resolve(host) : undefined)],
    ['tcp', async () => (isRemote ? knock(host, port, signal) : settings.file === undefined ? undefined : lookForFile(settings.file))],
    ['tls', async () => (isRemote && usesTls(settings) ? shakeHands(settings, signal) : undefined)],
    ['authentication', open],
    ['permissions', async () => checkPermissions(settings, found)],
    ['schema', async () => describeTypes(found)],
  ];
}

async function resolve(host: string): Promise<string | undefined> {
  if (isIP(host) !== 0) return undefined;
  try {
    return `${host} is ${(await lookup(host)).address}`;
  } catch (error) {
    throw new ConnectorError('server-down', `the name ${host} cannot be resolved; check the parameter "host" and the name server`, {}, { cause: error });
  }
}

async function lookForFile(file: string): Promise<string> {
  if (existsSync(file)) return `the file ${file} is there`;
  throw new ConnectorError('server-down', `the file ${file} does not exist; check the parameter "file"`);
}

async function knock(host: string, port: number, signal: AbortSignal): Promise<string> {
  const socket = await openSocket(host, port, signal);
  socket.destroy();
  return `${host}:${port} answers`;
}

function openSocket(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolveSocket, reject) => {
    const socket = connect({ host, port, timeout: WAIT_MILLISECONDS, signal }, () => resolveSocket(socket));
    socket.on('timeout', () => {
      socket.destroy();
      reject(new ConnectorError('server-down', `${host}:${port} does not answer within ${WAIT_MILLISECONDS / 1000} seconds; check the firewall`));
    });
    socket.on('error', (error) => {
      const code = (error as NodeJS.ErrnoException).code ?? error.message;
      reject(
        new ConnectorError(
          'server-down',
          `${host}:${port} cannot be reached (${code}); is the database running there, and does it listen on this address?`,
          {},
          { cause: error },
        ),
      );
    });
  });
}

function usesTls({ tls, url }: SqlSettings): boolean {
  return tls === undefined ? /[?&](sslmode=(require|verify|prefer)|ssl=true)/.test(url ?? '') : tls.mode !== 'disable';
}

/** PostgreSQL's request for TLS (its protocol, "SSLRequest"): length 8, code 80877103; the answer is one letter. */
const REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

async function shakeHands(settings: SqlSettings, signal: AbortSignal): Promise<string> {
  const { host, port } = addressOf(settings);
  const ssl = tlsOptions(settings, host);
  const socket = await openSocket(host, port, signal);
  try {
    if ((await askForTls(socket)) !== 'S')
      throw new ConnectorError('invalid-configuration', `${host}:${port} does not offer TLS; set tls.mode to disable, or ssl=on in the server`);
    return await new Promise((resolveMessage, reject) => {
      const options = { rejectUnauthorized: false, ...(typeof ssl === 'object' ? ssl : {}), ...(isIP(host) === 0 ? { servername: host } : { host }) };
      const secure = connectTls({ ...options, socket }, () =>
        resolveMessage(`${secure.getProtocol() ?? 'TLS'}; the certificate is ${secure.authorized ? 'trusted' : 'not checked'}`),
      );
      secure.on('error', (error) => {
        reject(
          new ConnectorError(
            'invalid-configuration',
            `the certificate of ${host}:${port} is refused (${error.message}); check tls.ca, and that "host" is a name in the certificate`,
            {},
            { cause: error },
          ),
        );
      });
    });
  } finally {
    socket.destroy();
  }
}

function askForTls(socket: Socket): Promise<string> {
  return new Promise((resolveLetter, reject) => {
    socket.once('data', (data) => resolveLetter(data.toString('latin1').slice(0, 1)));
    socket.once('close', () => reject(new ConnectorError('server-down', 'the server closed the connection; is it PostgreSQL that listens there?')));
    socket.write(REQUEST);
  });
}

async function checkPermissions(settings: SqlSettings, found: Findings): Promise<string> {
  const database = required(found);
  found.models = await buildModels(database, settings);
  const missing: string[] = [];
  for (const model of found.models.values()) {
    await database.query(`SELECT 1 FROM ${model.from} LIMIT 1`, []);
    const { table, writeTable, schema } = model.settings;
    const written = table ?? writeTable;
    if (written === undefined) continue;
    const tables = [{ table: written, schema }, ...model.sides.map((side) => ({ table: side.settings.table, schema: side.settings.schema }))];
    for (const one of tables) {
      const lacking = await database.missingPrivileges(one.table, one.schema);
      if (lacking.length > 0) missing.push(`${one.table}: ${lacking.join(', ')}`);
    }
  }
  const all = `all ${found.models.size} object types can be read`;
  return missing.length === 0 ? `${all} and written` : `${all}; the account may not (${missing.join('; ')}), so changes will be refused there`;
}

async function describeTypes(found: Findings): Promise<string> {
  return [...found.models.values()].map((model) => `${model.name}: ${model.definition.attributes.length} attributes`).join(', ');
}

function required({ database }: Findings): SqlDatabase {
  if (database === undefined) throw new ConnectorError('server-down', 'the database is not open');
  return database;
}
