import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Agent, request } from 'undici';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createLog } from '../../apps/server/src/operations/log.ts';
import { landbridge, outputOf } from '../fixtures/run-landbridge.ts';

/** What an operator relies on: health, metrics, a log without secrets, and a stop that answers what was taken. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-operations-'));
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const slow = join(import.meta.dirname, '../fixtures/slow-connector.ts');
const SECRET = 'swordfish-4711';

interface Host {
  readonly child: ChildProcess;
  readonly data: string;
  readonly ended: Promise<number | null>;
  get(path: string, token?: string): Promise<{ readonly status: number; readonly text: string; readonly headers: Readonly<Record<string, unknown>> }>;
  post(path: string, token: string, body: unknown): Promise<{ readonly status: number; readonly headers: Readonly<Record<string, unknown>> }>;
  cli(...values: readonly string[]): Promise<string>;
  token(...values: readonly string[]): Promise<string>;
}

let host: Host | undefined;

afterEach(async () => {
  host?.child.kill('SIGKILL');
  await host?.ended;
  host = undefined;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(name: string, environment: NodeJS.ProcessEnv = {}): Promise<Host> {
  const data = join(folder, name);
  const file = join(folder, `${name}.yaml`);
  const gate = join(folder, `${name}.gate`);
  writeFileSync(
    file,
    `version: 1
connectors:
  app:
    package: ${slow}
    parameters: { gate: ${gate}, password: '\${env:APP_PASSWORD}' }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`,
  );
  const child = spawn(landbridge, ['up', '--data', data, '--config', file, '--port', '0', '--json'], {
    env: { ...process.env, APP_PASSWORD: SECRET, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const line = await new Promise<string>((resolve) => child.stdout?.on('data', (chunk) => String(chunk).includes('"url"') && resolve(String(chunk))));
  const started = line.split('\n').find((one) => one.includes('"adminTokenFile"')) ?? '';
  const { url, caFile } = JSON.parse(started) as { readonly url: string; readonly caFile: string };
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile, 'utf8') } });
  const cli = (...values: readonly string[]): Promise<string> => outputOf([...values, '--data', data]);
  host = {
    child,
    data,
    ended,
    cli,
    async get(path, token) {
      const response = await request(`${url}${path}`, { dispatcher, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
      return { status: response.statusCode, text: await response.body.text(), headers: response.headers };
    },
    async post(path, token, body) {
      const response = await request(`${url}${path}`, {
        method: 'POST',
        dispatcher,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
        body: JSON.stringify(body),
      });
      await response.body.text();
      return { status: response.statusCode, headers: response.headers };
    },
    async token(...values) {
      return (JSON.parse(await cli('token', 'create', ...values, '--json')) as { readonly token: string }).token;
    },
  };
  return host;
}

/** Waits until something holds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a host in operation', () => {
  it('health is open and names nothing; metrics need a token of their own, which opens nothing else', async () => {
    const { get, post, token } = await start('metrics');
    expect(await get('/health/live')).toMatchObject({ status: 200, text: '{"status":"live"}' });
    expect(await get('/health/ready')).toMatchObject({ status: 200, text: '{"status":"ready","connectors":{"open":1,"failed":0}}' });
    expect((await get('/metrics')).status).toBe(401);
    const scim = await token('app');
    const metrics = await token('--metrics');
    expect((await get('/metrics', scim)).status).toBe(401);
    expect((await get('/admin/v1/status', metrics)).status).toBe(401);
    expect((await get('/scim/app/Users', metrics)).status).toBe(404);
    writeFileSync(join(folder, 'metrics.gate'), '');
    expect((await post('/scim/app/Users', scim, { schemas: [USER], userName: 'ada' })).status).toBe(201);
    expect((await get('/scim/app/Users?count=1', scim)).status).toBe(200);
    expect((await get('/scim/nobody/Users', scim)).status).toBe(404);
    const { status, text, headers } = await get('/metrics', metrics);
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    for (const line of [
      'landbridge_scim_requests_total{connector="app",method="POST",status="201"} 1',
      'landbridge_scim_requests_total{connector="app",method="GET",status="200"} 1',
      'landbridge_scim_request_seconds_count{connector="app",method="POST"} 1',
      'landbridge_connector_up{connector="app"} 1',
      'landbridge_entries{connector="app",type="person"} 1',
      'landbridge_writes_in_doubt{connector="app"} 0',
      'landbridge_build_info{version="0.1.0"',
      'nodejs_eventloop_lag_seconds',
    ])
      expect(text).toContain(line);
    // Names that somebody tries must not become labels.
    expect(text).not.toContain('nobody');
    expect(text).not.toContain(SECRET);
  });

  it('SIGTERM with writes in flight: all are answered, later requests are told to come back, and the journal has nothing open', async () => {
    const { child, data, ended, get, post, token } = await start('drain');
    const scim = await token('app');
    const metrics = await token('--metrics');
    const writes = Promise.all(Array.from({ length: 8 }, (_, index) => post('/scim/app/Users', scim, { schemas: [USER], userName: `user${index}` })));
    await until(async () => (await get('/metrics', metrics)).text.includes('landbridge_scim_requests_in_flight 8'));
    child.kill('SIGTERM');
    await until(async () => (await get('/health/ready')).status === 503);
    expect((await get('/health/live')).status).toBe(200);
    const late = await post('/scim/app/Users', scim, { schemas: [USER], userName: 'late' });
    expect(late).toMatchObject({ status: 503, headers: { 'retry-after': '5', connection: 'close' } });
    // The application works on: only now can the writes end.
    writeFileSync(join(folder, 'drain.gate'), '');
    expect((await writes).map((one) => one.status)).toEqual(Array.from({ length: 8 }, () => 201));
    expect(await ended).toBe(0);
    expect(existsSync(join(data, 'host.json'))).toBe(false);
    const store = new DatabaseSync(join(data, 'connectors/app/connector.db'), { readOnly: true });
    const states = store.prepare('SELECT state, count(*) AS n FROM journal GROUP BY state').all();
    store.close();
    expect(states).toEqual([{ state: 'applied', n: 8 }]);
    const log = readFileSync(join(data, 'host.log'), 'utf8');
    expect(log).toContain('"msg":"the host has stopped"');
  });

  it('the log is JSON lines without secrets, reopened at SIGHUP; requests are there at debug, without their query', async () => {
    const { child, data, get, token } = await start('log', { LANDBRIDGE_LOG_LEVEL: 'debug' });
    const scim = await token('app');
    await get('/scim/app/Users?filter=userName%20eq%20%22grace%22', scim);
    await get('/scim/app/Users', 'lb_AAAAAAAAAAAA_wrong');
    const file = join(data, 'host.log');
    await until(() => readFileSync(file, 'utf8').includes('"status":401'));
    const text = readFileSync(file, 'utf8');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(lines.find((line) => line['path'] === '/scim/app/Users')).toMatchObject({
      level: 'debug',
      method: 'GET',
      status: 200,
      msg: 'a request was answered',
    });
    expect(String(lines[0]?.['time'])).toMatch(/^\d{4}-\d\d-\d\dT/);
    for (const secret of [SECRET, scim, 'grace', 'lb_AAAAAAAAAAAA_wrong', readFileSync(join(data, 'admin-token'), 'utf8')]) expect(text).not.toContain(secret);
    renameSync(file, `${file}.1`);
    child.kill('SIGHUP');
    await until(() => existsSync(file));
    await get('/health/live');
    await until(() => readFileSync(file, 'utf8').includes('/health/live'));
  });

  it('SEC-04 redaction: by the names of fields at any depth, and by the form of texts', () => {
    const written: string[] = [];
    const log = createLog({ write: (line) => void written.push(line) });
    log.info(
      {
        nested: { deep: [{ clientSecret: SECRET, Authorization: SECRET, dbPassword: SECRET, api_key: SECRET }] },
        reason: `connecting to postgres://hr:${SECRET}@db/hr with Authorization: Bearer ${SECRET}${SECRET}`,
        more: `password=${SECRET}; token: "${SECRET}" lb_AbCdEf123456_${SECRET}`,
        cause: new Error(`pwd=${SECRET}`),
        kept: 'password authentication failed for user "hr"',
      },
      'a message',
    );
    expect(written.join('')).not.toContain(SECRET);
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ level: 'info', msg: 'a message', kept: 'password authentication failed for user "hr"' });
  });
});
