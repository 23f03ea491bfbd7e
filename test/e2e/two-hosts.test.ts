import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleConfiguration, sampleTables } from '../../apps/cli/src/tour/sample-application.ts';
import { startServer } from '../../apps/server/src/index.ts';
import { postgresPrograms } from '../../tools/backends.ts';
import { freePort } from '../backends/loopback.ts';
import { type PrivatePostgres, startPostgres } from '../backends/postgres.ts';
import { type HostProcess, startHostProcess } from '../fixtures/host-process.ts';
import type { Answer } from '../fixtures/https-host.ts';

/** Two hosts of one PostgreSQL store, as processes: one owns the connector, the other one stands by (R34). */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-two-hosts-'));
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const configFile = join(folder, 'landbridge.yaml');
const SHARED = ['token-pepper.key', 'sealing.key', 'audit.key', 'secrets.key'];
const running = new Set<HostProcess>();
let postgres: PrivatePostgres;
let token: string;

/** Each host has its configuration beside its data folder, as on a machine of its own. */
async function start(name: string, keysOf?: string): Promise<HostProcess> {
  const dataFolder = join(folder, name);
  mkdirSync(join(folder, `of-${name}`), { recursive: true });
  const own = join(folder, `of-${name}`, 'landbridge.yaml');
  copyFileSync(configFile, own);
  if (keysOf !== undefined) {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    for (const key of SHARED) copyFileSync(join(folder, keysOf, key), join(dataFolder, key));
  }
  const host = await startHostProcess({ dataFolder, configFile: own, port: await freePort(), env: { TWO_HOSTS_PASSWORD: postgres.password } });
  running.add(host);
  return host;
}

async function kill(host: HostProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  running.delete(host);
  await host.end(signal);
}

beforeAll(async () => {
  if (postgresPrograms() === undefined) return;
  postgres = await startPostgres();
  postgres.psql(`${sampleTables('postgres')} INSERT INTO employees(user_name, first_name) SELECT 'p' || n, 'P' FROM generate_series(1, 300) AS n;`);
  const place = `host: 127.0.0.1, port: ${postgres.port}, user: ${postgres.user}, database: ${postgres.database}, password: "\${env:TWO_HOSTS_PASSWORD}"`;
  // What a killed host left in doubt is looked for until no statement of it can be under way any more.
  const parameters = ['dialect: postgres', 'commandTimeout: 3', ...place.split(', ')];
  writeFileSync(configFile, `${sampleConfiguration(parameters)}\n    limits: { call: 3s }\nstore:\n  lease: 3s\n  postgres: { ${place} }\n`);
});

afterAll(async () => {
  for (const host of running) await host.end('SIGKILL');
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const stateAt = async (host: HostProcess): Promise<string> => {
  const { body } = await host.ask('GET', '/admin/v1/status', { token: host.adminToken, milliseconds: 2000 });
  return String((body['connectors'] as readonly { readonly state: string }[] | undefined)?.[0]?.state);
};

const create = (host: HostProcess, name: string, milliseconds?: number): Promise<Answer> =>
  host.ask('POST', '/scim/hr/Users', {
    token,
    body: { schemas: [USER], userName: name, name: { givenName: 'T', familyName: name } },
    ...(milliseconds === undefined ? {} : { milliseconds }),
  });

const countOf = (name: string): number => Number(postgres.psql(`SELECT count(*) FROM employees WHERE user_name = '${name}'`));

/** A client behind a load balancer: asks one host after the other until it is answered. Returns which names were answered 201. */
async function createUntilAnswered(hosts: () => readonly HostProcess[], names: readonly string[], done: () => void): Promise<void> {
  for (const name of names) {
    for (let turn = 0; ; turn += 1) {
      const all = hosts();
      const host = all[turn % all.length];
      const { status } = host === undefined ? { status: 0 } : await create(host, name, 8000);
      // 409: an earlier try was applied although nobody was told.
      if (status === 201 || status === 409) break;
      expect([0, 503]).toContain(status);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(countOf(name)).toBe(1);
    done();
  }
}

describe.skipIf(postgresPrograms() === undefined)('two hosts of one store', { timeout: 120_000 }, () => {
  it('R34 SEC-04 a host with other keys is told so at its start', async () => {
    const first = await start('one');
    const quiet = (): void => {};
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
    process.env['TWO_HOSTS_PASSWORD'] = postgres.password;
    await expect(startServer({ dataFolder: join(folder, 'stranger'), configFile, port: 0, log })).rejects.toThrow(
      'this host has other keys than the others of its store: copy token-pepper.key',
    );
    expect(await stateAt(first)).toBe('starting');
  });

  it('R34 the host without the connector sends requests on, and takes up what the other one was told', async () => {
    const [first] = running;
    if (first === undefined) throw new Error('there is no first host');
    const second = await start('two', 'one');
    expect(await stateAt(second)).toBe('standby');
    expect((await second.ask('GET', '/health/ready')).body).toMatchObject({ status: 'ready', connectors: { open: 0, failed: 0, standby: 1 } });
    // The same document in another folder is no change: the first host goes on as it is.
    const { body } = await first.ask('GET', '/admin/v1/configuration/revisions', { token: first.adminToken });
    expect(body).toMatchObject([{ number: 1 }]);
    const run = await second.ask('POST', '/admin/v1/connectors/hr/runs', { token: second.adminToken, body: { profile: 'full' } });
    expect(run.status).toBe(200);
    await expect.poll(() => stateAt(first), { timeout: 20_000 }).toBe('ready');
    const made = await first.ask('POST', '/admin/v1/tokens', { token: first.adminToken, body: { connector: 'hr' } });
    token = String(made.body['token']);
    // The token was made at the first host; the second one learns of it, and sends the request on under its own authority.
    await expect.poll(async () => (await second.ask('GET', '/scim/hr/Users?count=1', { token })).status, { timeout: 10_000 }).toBe(200);
    const created = await create(second, 'forwarded');
    expect(created).toMatchObject({ status: 201, body: { userName: 'forwarded' } });
    expect(created.headers['location']).toContain(String(created.body['id']));
    expect((await first.ask('GET', `/scim/hr/Users/${String(created.body['id'])}`, { token })).body).toMatchObject({ userName: 'forwarded' });
    expect((await second.ask('GET', '/scim/hr/Users', { token: `${token.slice(0, -1)}!` })).status).toBe(401);
    // Nobody but a host can say who asks.
    expect((await first.ask('GET', '/scim/hr/Users', { headers: { 'x-landbridge-forwarded': 'e30.AAAA' } })).status).toBe(401);
  });

  it('R34 a host that was paused beyond its lease finds it taken over: what it writes then is refused', async () => {
    const [first, second] = [...running];
    if (first === undefined || second === undefined) throw new Error('there are no two hosts');
    let done = 0;
    const names = Array.from({ length: 30 }, (_, index) => `paused${index}`);
    const work = createUntilAnswered(
      () => [second, first],
      names,
      () => {
        done += 1;
      },
    );
    await expect.poll(() => done, { timeout: 20_000 }).toBeGreaterThan(4);
    first.child.kill('SIGSTOP');
    // Taken by the kernel, seen by the host when it goes on: it does not own the connector any more.
    const late = create(first, 'late');
    await expect.poll(() => stateAt(second), { timeout: 30_000 }).toBe('ready');
    first.child.kill('SIGCONT');
    const { status } = await late;
    await expect.poll(() => stateAt(first), { timeout: 15_000 }).toBe('standby');
    expect(first.log()).toContain('another host has taken a connector over');
    await work;
    expect([201, 503, 0]).toContain(status);
    if (status === 201) expect(countOf('late')).toBe(1);
    expect(postgres.psql('SELECT epoch FROM landbridge_hr.head').trim()).toBe('2');
    // Now it is the first one that sends on.
    expect((await create(first, 'afterwards')).status).toBe(201);
  });

  it('R34 R12 when the owner is killed the other one takes over: nothing is lost, nothing doubled', async () => {
    const [first, second] = [...running];
    if (first === undefined || second === undefined) throw new Error('there are no two hosts');
    let done = 0;
    const lanes = [0, 1, 2].map((lane) => Array.from({ length: 12 }, (_, index) => `killed${lane}.${index}`));
    let hosts = [first, second];
    const work = lanes.map((names) =>
      createUntilAnswered(
        () => hosts,
        names,
        () => {
          done += 1;
        },
      ),
    );
    await expect.poll(() => done, { timeout: 20_000 }).toBeGreaterThan(6);
    // In the middle of writes, and of an import.
    await second.ask('POST', '/admin/v1/connectors/hr/runs', { token: second.adminToken, body: { profile: 'full' } });
    await kill(second, 'SIGKILL');
    hosts = [first];
    await expect.poll(() => stateAt(first), { timeout: 30_000 }).toBe('ready');
    await Promise.all(work);
    for (const name of lanes.flat()) {
      expect(countOf(name)).toBe(1);
      const found = await first.ask('GET', `/scim/hr/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`, { token });
      expect(found.body).toMatchObject({ totalResults: 1 });
    }
    expect(postgres.psql("SELECT count(*) FROM landbridge_hr.journal WHERE state IN ('intended', 'in-doubt')").trim()).toBe('0');
    expect(postgres.psql("SELECT count(*) FROM landbridge_hr.runs WHERE result = 'running'").trim()).toBe('0');
    await kill(first, 'SIGTERM');
    // A host that stops gives its connectors back at once.
    expect(postgres.psql("SELECT lease_until = '-infinity' FROM landbridge_hr.head").trim()).toBe('t');
  });
});
