import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectorContext, ConnectorError, type TestLayer, type TestResult, toErrorData } from '@landbridge/connector-sdk';
import type { SqlDatabase } from './database.ts';
import { buildModels, type ObjectModel } from './object-model.ts';
import { openDatabase } from './open-database.ts';
import { addressOf } from './server-address.ts';
import { readSettings, type SqlSettings } from './settings.ts';
import { openSocket, shakeHands, usesTls } from './tls-handshake.ts';

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
  const isRemote = settings.dialect !== 'sqlite' && settings.dialect !== 'odbc' && !host.startsWith('/');
  const open = async (): Promise<string> => {
    found.database = await openDatabase(settings);
    if (settings.dialect === 'odbc') return 'the driver is connected';
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

async function checkPermissions(settings: SqlSettings, found: Findings): Promise<string> {
  const database = required(found);
  found.models = await buildModels(database, settings);
  const missing: string[] = [];
  for (const model of found.models.values()) {
    await database.query(database.dialect.limited(`SELECT 1 FROM ${model.from}`, 1), []);
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
  // Views and queries without a table or statements of their own to write by.
  const readOnly = [...found.models.values()].filter(({ target, operations }) => target === undefined && Object.keys(operations).length === 0);
  const written = readOnly.length === 0 ? 'and written' : `and, except ${readOnly.map((model) => model.name).join(', ')} (read only), written`;
  return missing.length === 0 ? `${all} ${written}` : `${all}; the account may not (${missing.join('; ')}), so changes will be refused there`;
}

async function describeTypes(found: Findings): Promise<string> {
  return [...found.models.values()].map((model) => `${model.name}: ${model.definition.attributes.length} attributes, ${describeDelta(model)}`).join('; ');
}

function describeDelta({ delta }: ObjectModel): string {
  if (delta === undefined) return 'no delta: full imports find changes and deletes';
  if (delta.kind === 'log') return 'delta by a change log, deletes included';
  if (delta.kind === 'tracking') return 'delta by change tracking, deletes included';
  if (delta.kind === 'replication') return 'delta by logical replication, deletes included';
  return delta.deleted === undefined ? 'delta by a watermark, which does not see deletes: schedule full imports' : 'delta by a watermark, deletes by a mark';
}

function required({ database }: Findings): SqlDatabase {
  if (database === undefined) throw new ConnectorError('server-down', 'the database is not open');
  return database;
}
