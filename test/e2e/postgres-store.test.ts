import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { createScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, StartError, startServer } from '../../apps/server/src/index.ts';
import { postgresPrograms } from '../../tools/backends.ts';
import { type PrivatePostgres, startPostgres } from '../backends/postgres.ts';
import { runLandbridge } from '../fixtures/run-landbridge.ts';

/** A host whose state is in PostgreSQL, as its users meet it. */
type Json = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(join(tmpdir(), 'landbridge-e2e-pg-'));
const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
let postgres: PrivatePostgres;

function configure(name: string, store: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `${sampleConfiguration(['dialect: sqlite', `file: ${join(folder, 'hr.sqlite')}`])}\n${store}\n`);
  return file;
}

function inServer(more = ''): string {
  const { host, port, user, database } = postgres;
  return `store:\n  postgres: { host: ${host}, port: ${port}, user: ${user}, database: ${database}, password: "\${env:E2E_STORE_PASSWORD}"${more} }`;
}

const start = (data: string, more: Partial<Parameters<typeof startServer>[0]>): Promise<RunningServer> =>
  startServer({ dataFolder: join(folder, data), port: 0, log, ...more });

async function admin(server: RunningServer, method: 'GET' | 'POST', path: string, body?: Json): Promise<Json> {
  const dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile ?? '', 'utf8') } });
  const response = await request(`${server.url}/admin/v1${path}`, {
    method,
    dispatcher,
    headers: { authorization: `Bearer ${readFileSync(server.adminTokenFile, 'utf8').trim()}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.body.text();
  await dispatcher.close();
  if (response.statusCode >= 300) throw new Error(`${response.statusCode} ${text}`);
  return JSON.parse(text.trim().split('\n').at(-1) ?? '{}') as Json;
}

const stateOf = async (server: RunningServer): Promise<Json> => ((await admin(server, 'GET', '/status'))['connectors'] as readonly Json[])[0] ?? {};

beforeAll(async () => {
  createSampleApplication(join(folder, 'hr.sqlite'), 50);
  postgres = await startPostgres();
  process.env['E2E_STORE_PASSWORD'] = postgres.password;
});

afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(postgresPrograms() === undefined)('the state in PostgreSQL', () => {
  it('R12 R34 serves, survives a restart without its configuration, and keeps a connector for its owner', async () => {
    const server = await start('one', { configFile: configure('one', inServer()) });
    await admin(server, 'POST', '/connectors/hr/runs', { profile: 'full' });
    await expect.poll(async () => (await stateOf(server))['state'], { timeout: 20_000 }).toBe('ready');
    const { token } = (await admin(server, 'POST', '/tokens', { connector: 'hr' })) as { readonly token: string };
    const scim = createScimClient(`${server.url}/scim/hr`, token, server.caFile);
    const made = await scim.send('POST', '/Users', { schemas: [USER], userName: 'ada.pg', externalId: 'E1', name: { givenName: 'Ada', familyName: 'Pg' } });
    expect(made.status).toBe(201);
    // Another host with the same configuration does not get the connector while this one has it.
    mkdirSync(join(folder, 'two'), { mode: 0o700 });
    for (const key of ['token-pepper.key', 'sealing.key', 'audit.key', 'secrets.key']) copyFileSync(join(folder, 'one', key), join(folder, 'two', key));
    const other = await start('two', { configFile: configure('two', inServer()) });
    expect(await stateOf(other)).toMatchObject({ state: 'standby', problem: expect.stringContaining('belongs to another host') });
    await other.close();
    await scim.close();
    await server.close();

    const again = await start('one', {});
    const client = createScimClient(`${again.url}/scim/hr`, token, again.caFile);
    const found = await client.send('GET', `/Users?filter=${encodeURIComponent('userName eq "ADA.PG"')}`);
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id: made.body['id'], externalId: 'E1' }] });
    await client.close();
    await again.close();
    expect(postgres.psql("SELECT count(*) FROM landbridge_hr.journal WHERE state = 'applied'").trim()).toBe('1');
    expect(readFileSync(join(folder, 'one', 'store.json'), 'utf8')).not.toContain(postgres.password);
  });

  it('R1 refuses to start empty where the state is somewhere else, and says what to do', async () => {
    const plain = await start('three', { configFile: configure('plain', '') });
    await plain.close();
    await expect(start('three', { configFile: configure('three', inServer()) })).rejects.toThrow('landbridge store migrate --to URL');
    await expect(start('one', { configFile: configure('moved', inServer(', schema: elsewhere')) })).rejects.toThrow(
      /is in .*schema landbridge.*schema elsewhere/,
    );
  });

  it('R5 store migrate moves a stopped host, refuses a running one, and the host goes on', async () => {
    const url = `postgres://${postgres.user}:\${env:E2E_STORE_PASSWORD}@${postgres.host}:${postgres.port}/${postgres.database}?schema=migrated`;
    const migrate = async (): Promise<{ readonly status: number; readonly text: string }> => {
      const { status, stdout, stderr } = await runLandbridge(['store', 'migrate', '--to', url, '--data', join(folder, 'five')]);
      return { status, text: stdout + stderr };
    };
    const server = await start('five', { configFile: configure('five', '') });
    await admin(server, 'POST', '/connectors/hr/runs', { profile: 'full' });
    await expect.poll(async () => (await stateOf(server))['state'], { timeout: 20_000 }).toBe('ready');
    const entries = (await stateOf(server))['entries'];
    const running = await migrate();
    expect(running).toMatchObject({ status: 1, text: expect.stringContaining('in use by another process') });
    await server.close();
    const moved = await migrate();
    expect(moved).toMatchObject({ status: 0, text: expect.stringMatching(/moved {2}hr: .*entries.*moved {2}control data: .*1 revisions/s) });
    expect(moved.text).not.toContain(postgres.password);
    const again = await start('five', { configFile: configure('five', '') });
    expect(await stateOf(again)).toMatchObject({ state: 'ready', entries });
    await again.close();
    expect(await migrate()).toMatchObject({ status: 0 });
    expect(existsSync(join(folder, 'five/sqlite-before-migration/connectors/hr/connector.db'))).toBe(true);
  });

  it('R5 backup copies the state out of the database in one snapshot; restore brings it back, and the connector catches up first', async () => {
    const server = await start('kept', { configFile: configure('kept', inServer(', schema: kept')) });
    await admin(server, 'POST', '/connectors/hr/runs', { profile: 'full' });
    await expect.poll(async () => (await stateOf(server))['state'], { timeout: 20_000 }).toBe('ready');
    const entries = (await stateOf(server))['entries'];
    const backup = join(folder, 'kept-backup');
    expect(await admin(server, 'POST', '/backup', { target: backup })).toMatchObject({ connectors: ['hr'] });
    await server.close();
    const restore = (): ReturnType<typeof runLandbridge> => runLandbridge(['restore', backup, '--data', join(folder, 'restored')]);
    const refused = await restore();
    expect(refused).toMatchObject({ stderr: expect.stringMatching(/did not take the backup: .*already exists; it must have none of the schemas/) });
    expect(refused.stderr).not.toContain(postgres.password);
    postgres.psql('DROP SCHEMA kept CASCADE; DROP SCHEMA kept_hr CASCADE;');
    expect(await restore()).toMatchObject({ status: 0 });
    const again = await start('restored', {});
    await expect.poll(async () => (await stateOf(again))['state'], { timeout: 20_000 }).toBe('ready');
    expect(await stateOf(again)).toMatchObject({ entries, lastRun: { startedBy: 'restore' } });
    await again.close();
  });

  it('SEC-04 takes no password in the configuration or on the command line, and shows none when the server refuses', async () => {
    const literal = configure('literal', 'store:\n  postgres: postgres://me:hunter2@localhost/db');
    await expect(start('four', { configFile: literal })).rejects.toThrow(/store.postgres: a password must not stand in the configuration/);
    await expect(start('four', { store: 'postgres://me:hunter2@localhost/db' })).rejects.toThrow('${env:NAME}');
    await expect(start('four', { store: 'postgres://localhost' })).rejects.toThrow('postgres://USER@HOST:PORT/DATABASE');
    process.env['E2E_WRONG'] = 'p@ss/w:rd';
    const wrong = `postgres://landbridge:\${env:E2E_WRONG}@${postgres.host}:${postgres.port}/${postgres.database}`;
    const failure = await start('four', { store: wrong }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartError);
    expect(String(failure)).toMatch(/store of the host cannot be opened: password authentication failed/);
    expect(String(failure)).not.toContain('p@ss');
  });
});
