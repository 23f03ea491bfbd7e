import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { postgresPrograms } from '../../tools/backends.ts';
import { type PrivatePostgres, startPostgres } from '../backends/postgres.ts';
import { type Answer, type HttpsHost, startHttpsHost } from '../fixtures/https-host.ts';

/** The database of the store goes down under a running host, and comes back. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-outage-'));
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
let postgres: PrivatePostgres;
let host: HttpsHost;
let token: string;

beforeAll(async () => {
  if (postgresPrograms() === undefined) return;
  createSampleApplication(join(folder, 'hr.sqlite'), 200);
  postgres = await startPostgres();
  process.env['OUTAGE_PASSWORD'] = postgres.password;
  const configFile = join(folder, 'landbridge.yaml');
  const { port, user, database } = postgres;
  writeFileSync(
    configFile,
    `${sampleConfiguration(['dialect: sqlite', `file: ${join(folder, 'hr.sqlite')}`])}\nstore:\n  postgres: { host: 127.0.0.1, port: ${port}, user: ${user}, database: ${database}, password: "\${env:OUTAGE_PASSWORD}" }\n`,
  );
  host = await startHttpsHost({ dataFolder: join(folder, 'data'), configFile });
  expect(await host.importAll('hr')).toBe('success');
  token = String((await host.admin('POST', '/tokens', { connector: 'hr' })).body['token']);
});

afterAll(async () => {
  await host?.close();
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const create = (name: string): Promise<Answer> =>
  host.ask('POST', '/scim/hr/Users', { token, body: { schemas: [USER], userName: name, name: { givenName: 'A', familyName: name } } });

async function readMetrics(): Promise<string> {
  const response = await request(`${host.server.url}/metrics`, { dispatcher: host.dispatcher, headers: { authorization: `Bearer ${host.adminToken}` } });
  return response.body.text();
}

const ready = async (): Promise<string> => `${(await host.ask('GET', '/health/ready')).status}`;

function expectComeBack(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(answer.body).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '503' });
  expect(answer.body).not.toHaveProperty('scimType');
  expect(JSON.stringify(answer.body)).not.toContain(String(postgres.port));
}

/** What clients do: they ask again until they are answered, and then know that it is there. */
async function createUntilAnswered(names: readonly string[], answered: (answer: Answer) => void): Promise<void> {
  for (const name of names)
    for (;;) {
      const answer = await create(name);
      answered(answer);
      // 409: an earlier try was applied although its answer was 503.
      if (answer.status === 201 || answer.status === 409) break;
      expectComeBack(answer);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

describe.skipIf(postgresPrograms() === undefined)('a store that goes away', { timeout: 120_000 }, () => {
  it('R3 R12 answers 503 with Retry-After while its database is down, says so, and goes on by itself', async () => {
    await postgres.halt('fast');
    await expect.poll(ready, { timeout: 10_000 }).toBe('503');
    expect((await host.ask('GET', '/health/ready')).body).toMatchObject({ status: 'store-unavailable' });
    expect((await host.ask('GET', '/health/live')).status).toBe(200);
    expectComeBack(await create('nobody'));
    expectComeBack(await host.ask('GET', '/scim/hr/Users?filter=userName%20eq%20%22nobody%22', { token }));
    expectComeBack(await host.ask('GET', '/scim/hr/Users?count=2', { token }));
    expect(await host.admin('GET', '/status')).toMatchObject({ status: 503, body: { error: { code: 'store-unavailable' } } });
    expect(await host.admin('POST', '/connectors/hr/runs', { profile: 'full' })).toMatchObject({ status: 503 });
    expect(await readMetrics()).toMatch(/^landbridge_store_up 0$/m);
    expect((await host.ask('GET', '/scim/hr/ServiceProviderConfig', { token })).status).toBe(200);
    await postgres.resume();
    await expect.poll(ready, { timeout: 30_000 }).toBe('200');
    expect(await readMetrics()).toMatch(/^landbridge_store_up 1$/m);
    await expect.poll(async () => (await create('somebody')).status, { timeout: 10_000 }).toBe(201);
    expect(await host.importAll('hr')).toBe('success');
  });

  it('R12 R16 loses and doubles nothing when it is cut off in the middle of writes and of a run', async () => {
    const lanes = [0, 1, 2, 3].map((lane) => Array.from({ length: 25 }, (_, index) => `outage${lane}.${index}`));
    let good = 0;
    const work = lanes.map((names) =>
      createUntilAnswered(names, ({ status }) => {
        if (status !== 503) good += 1;
      }),
    );
    for (const goal of [20, 60]) {
      await expect.poll(() => good, { timeout: 30_000 }).toBeGreaterThan(goal);
      const run = await host.admin('POST', '/connectors/hr/runs', { profile: 'full' });
      // 409: the end of the last one is not stored yet.
      expect([200, 409, 503]).toContain(run.status);
      await postgres.halt('immediate');
      expectComeBack(await host.ask('GET', '/scim/hr/Users?count=2', { token }));
      await postgres.resume();
    }
    await Promise.all(work);
    // What is in doubt is settled, and runs have an end.
    const state = async (): Promise<number | undefined> =>
      ((await host.admin('GET', '/connectors')).body as unknown as readonly { readonly inDoubt: number }[])[0]?.inDoubt;
    await expect.poll(state, { timeout: 30_000 }).toBe(0);
    const runs = async (): Promise<number> =>
      ((await host.admin('GET', '/connectors/hr/runs')).body as unknown as readonly { readonly result: string }[]).filter((run) => run.result === 'running')
        .length;
    await expect.poll(runs, { timeout: 30_000 }).toBe(0);
    const application = new DatabaseSync(join(folder, 'hr.sqlite'));
    const rows = application.prepare("SELECT user_name AS name, count(*) AS n FROM employees WHERE user_name LIKE 'outage%' GROUP BY user_name").all();
    application.close();
    expect(rows.length).toBe(100);
    expect(rows.filter((row) => row['n'] !== 1)).toEqual([]);
    for (const name of lanes.flat()) {
      const found = await host.ask('GET', `/scim/hr/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`, { token });
      expect(found.body).toMatchObject({ totalResults: 1 });
    }
    expect(postgres.psql("SELECT count(*) FROM landbridge_hr.journal WHERE state IN ('intended', 'in-doubt')").trim()).toBe('0');
  });
});
