import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { type ConnectorContext, type TestLayer, type TestResult, toErrorData } from '@landbridge/connector-sdk';
import { buildModels } from './object-model.ts';
import { openDatabase } from './open-database.ts';
import { connectionOf } from './postgres-database.ts';
import { readSettings, type SqlSettings } from './settings.ts';

/** Tests a connection layer by layer, from the wire up; stops at the first that fails. */
export async function* testConnection(context: ConnectorContext): AsyncGenerator<TestResult> {
  const { settings, problems } = readSettings(context.parameters);
  if (problems.length > 0) {
    yield { layer: 'schema', status: 'failed', milliseconds: 0, message: problems.map((problem) => `${problem.parameter}: ${problem.message}`).join('; ') };
    return;
  }
  for (const [layer, check] of layersOf(settings)) {
    const started = performance.now();
    const result = await run(check);
    yield { layer, ...result, milliseconds: Math.round(performance.now() - started) };
    if (result.status === 'failed') return;
  }
}

type Check = () => Promise<string | undefined>;

/** A check gives a sentence, or `undefined` where the layer does not exist; what it throws is why it failed. */
async function run(check: Check): Promise<Pick<TestResult, 'status' | 'message'>> {
  try {
    const message = await check();
    return message === undefined ? { status: 'skipped', message: 'does not apply' } : { status: 'passed', message };
  } catch (error) {
    return { status: 'failed', message: toErrorData(error).message };
  }
}

function layersOf(settings: SqlSettings): readonly (readonly [TestLayer, Check])[] {
  const { host, port } = addressOf(settings);
  const remote = settings.dialect === 'postgres' && !host.startsWith('/');
  return [
    ['name-resolution', async () => (remote ? `${host} is ${(await lookup(host)).address}` : undefined)],
    [
      'tcp',
      async () =>
        remote
          ? knock(host, port)
          : existsSync(settings.file ?? '')
            ? `the file ${settings.file ?? ''} is there`
            : Promise.reject(new Error(`the file ${settings.file ?? ''} is not there`)),
    ],
    [
      'tls',
      async () =>
        settings.dialect === 'sqlite' || settings.tls.mode === 'disable' ? undefined : withDatabase(settings, async () => 'the connection is encrypted'),
    ],
    ['authentication', async () => withDatabase(settings, async () => `connected${settings.user === undefined ? '' : ` as ${settings.user}`}`)],
    [
      'permissions',
      async () =>
        withDatabase(settings, async (database) => {
          const models = await buildModels(database, settings);
          for (const model of models.values()) await database.query(`SELECT 1 FROM ${model.from} LIMIT 1`, []);
          return `all ${models.size} object types can be read`;
        }),
    ],
    [
      'schema',
      async () =>
        withDatabase(settings, async (database) => {
          const models = await buildModels(database, settings);
          return [...models.values()].map((model) => `${model.name}: ${model.definition.attributes.length} attributes`).join(', ');
        }),
    ],
  ];
}

function addressOf(settings: SqlSettings): { readonly host: string; readonly port: number } {
  if (settings.url !== undefined && URL.canParse(settings.url)) {
    const url = new URL(settings.url);
    return { host: url.hostname, port: Number(url.port === '' ? 5432 : url.port) };
  }
  const { host, port } = connectionOf({ ...settings, tls: { mode: 'disable' } });
  return { host: host ?? 'localhost', port: port ?? 5432 };
}

function knock(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 5000 }, () => {
      socket.destroy();
      resolve(`${host}:${port} answers`);
    });
    socket.on('timeout', () => {
      socket.destroy();
      reject(new Error(`${host}:${port} does not answer within 5 seconds; check the firewall`));
    });
    socket.on('error', (error) => reject(new Error(`${host}:${port} cannot be reached (${error.message}); is the database running there?`)));
  });
}

async function withDatabase(settings: SqlSettings, work: (database: ReturnType<typeof openDatabase>) => Promise<string>): Promise<string> {
  const database = openDatabase(settings);
  try {
    await database.query('SELECT 1', []);
    return await work(database);
  } finally {
    await database.close();
  }
}
