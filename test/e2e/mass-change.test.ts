import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { type Answer, type HttpsHost, type Json, type Method, startHttpsHost } from '../fixtures/https-host.ts';

/** The mass-change guard as a client and an administrator meet it: over HTTPS, on a real application (SEC-20). */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-mass-change-'));
const file = join(folder, 'hr.sqlite');
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const PASSES = 4;
let host: HttpsHost;
let token: string;
let people: readonly string[];

const ask = (method: Method, path: string, body?: Json, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  path.startsWith('/admin') ? host.admin(method, path.slice('/admin/v1'.length), body) : host.ask(method, path, { token, body, headers });

const person = (index: number): string => `/scim/hr/Users/${people[index] ?? ''}`;
const setActive = (index: number, active: boolean): Promise<Answer> =>
  ask('PATCH', person(index), { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: active }] });
const decide = (decision: 'approve' | 'reject', writes: 'all' | readonly number[], more: Json = {}): Promise<Answer> =>
  ask('POST', `/admin/v1/connectors/hr/journal/${decision}`, { writes, ...more });
const heldRows = async (): Promise<readonly Json[]> =>
  (await ask('GET', '/admin/v1/connectors/hr/journal?limit=100&state=held')).body as unknown as readonly Json[];

/** What the application itself says. */
function inApplication<Row>(sql: string, ...values: readonly (string | number)[]): Row | undefined {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(sql).get(...values) as Row | undefined;
  } finally {
    database.close();
  }
}
const employees = (): number => inApplication<{ readonly n: number }>('SELECT count(*) AS n FROM employees')?.n ?? 0;
const disabled = (): number => inApplication<{ readonly n: number }>("SELECT count(*) AS n FROM employees WHERE status <> 'A'")?.n ?? 0;

async function start(): Promise<void> {
  host = await startHttpsHost({ dataFolder: join(folder, 'data'), configFile: join(folder, 'landbridge.yaml') });
}

beforeAll(async () => {
  createSampleApplication(file, 100);
  const configuration = sampleConfiguration(['dialect: sqlite', `file: ${file}`]);
  writeFileSync(
    join(folder, 'landbridge.yaml'),
    configuration.replace('    package: sql\n', `    package: sql\n    massChange: { percent: 1, minimum: ${PASSES}, memberPercent: 50 }\n`),
  );
  await start();
  expect(await host.importAll('hr')).toBe('success');
  token = String((await ask('POST', '/admin/v1/tokens', { connector: 'hr', profile: 'entra', label: 'test' })).body['token']);
  // From the end: nobody's manager, so that the application lets them go.
  const list = await ask('GET', '/scim/hr/Users?count=100&attributes=id');
  if (list.status !== 200) throw new Error(JSON.stringify(list.body));
  people = (list.body['Resources'] as readonly Json[]).map((one) => String(one['id'])).reverse();
});

afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('S-172 SEC-20 deletes and disables beyond the threshold', () => {
  it('are held with one journal row per entry, answered 429, and change nothing', async () => {
    const before = employees();
    for (let index = 0; index < PASSES - 1; index += 1) expect((await ask('DELETE', person(index))).status).toBe(204);
    expect((await setActive(PASSES - 1, false)).status).toBe(200);

    const refused = await ask('DELETE', person(10));
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('900');
    expect(String(refused.body['detail'])).toMatch(/journal approve/);
    expect((await setActive(11, false)).status).toBe(429);
    expect((await ask('DELETE', person(10))).status).toBe(429);
    expect((await heldRows()).map((row) => row['kind'])).toEqual(['update', 'delete']);
    expect(employees()).toBe(before - (PASSES - 1));
    expect(disabled()).toBe(1);
    expect((await ask('GET', person(10))).body['active']).toBe(true);
    expect((await ask('GET', person(11))).body['active']).toBe(true);
  });

  it('are answered 202 with a transaction where the client asked not to wait', async () => {
    const accepted = await ask('DELETE', person(12), undefined, { prefer: 'respond-async' });
    expect(accepted.status).toBe(202);
    expect(accepted.headers['preference-applied']).toBe('respond-async');
    const row = (await heldRows()).find((one) => (one['request'] as Json)['correlation'] === accepted.headers['set-txn']);
    expect(row).toMatchObject({ kind: 'delete', state: 'held', scimId: people[12], display: expect.stringMatching(/\w/) });
  });

  it('survive a restart, and so does what passed within the hour', async () => {
    await host.close();
    await start();
    expect(await heldRows()).toHaveLength(3);
    expect((await ask('DELETE', person(13))).status).toBe(429);
    const status = (await ask('GET', '/admin/v1/connectors')).body as unknown as readonly Json[];
    expect(status[0]).toMatchObject({ name: 'hr', heldWrites: 4 });
  });

  it('do not stop an import from showing the entry', async () => {
    const id = inApplication<{ readonly id: number }>(
      'SELECT id FROM employees WHERE user_name = ?',
      String((await ask('GET', person(10))).body['userName']),
    )?.id;
    const database = new DatabaseSync(file);
    database.prepare("UPDATE employees SET title = 'Archivist' WHERE id = ?").run(id ?? 0);
    database.close();
    expect(await host.importAll('hr')).toBe('success');
    expect((await ask('GET', person(10))).body['title']).toBe('Archivist');
    expect(await heldRows()).toHaveLength(4);
  });

  it('happen when an administrator approves them, and not when one rejects them', async () => {
    const rows = await heldRows();
    const idOf = (index: number): number => Number(rows.find((row) => row['scimId'] === people[index])?.['id']);
    const before = employees();
    expect((await decide('approve', [idOf(10), idOf(11), 999])).body).toEqual({ applied: 2, rejected: 0, refused: 0, underWay: 0, notHeld: [999] });
    expect(employees()).toBe(before - 1);
    expect(disabled()).toBe(2);
    expect((await ask('GET', person(10))).status).toBe(404);
    expect((await ask('GET', person(11))).body['active']).toBe(false);

    expect((await decide('reject', 'all')).body).toMatchObject({ applied: 0, rejected: 2 });
    expect(await heldRows()).toHaveLength(0);
    expect(employees()).toBe(before - 1);
    expect((await ask('GET', person(12))).body['active']).toBe(true);
    expect((await decide('approve', [])).status).toBe(400);
  });

  it('are withdrawn when the client changes its mind', async () => {
    expect((await setActive(14, false)).status).toBe(429);
    expect((await setActive(14, true)).status).toBe(200);
    expect(await heldRows()).toHaveLength(0);
    expect((await setActive(15, false)).status).toBe(429);
    const renamed = await ask('PATCH', person(15), { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'Curator' }] });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toMatchObject({ title: 'Curator', active: true });
    expect(await heldRows()).toHaveLength(0);
  });

  it('are not sent on an approval that comes after the entry changed', async () => {
    expect((await setActive(16, false)).status).toBe(429);
    const name = String((await ask('GET', person(16))).body['userName']);
    const database = new DatabaseSync(file);
    database.prepare("UPDATE employees SET title = 'Gardener' WHERE user_name = ?").run(name);
    database.close();
    expect(await host.importAll('hr')).toBe('success');
    expect((await decide('approve', 'all')).body).toMatchObject({ applied: 0, refused: 1 });
    expect((await ask('GET', person(16))).body).toMatchObject({ active: true, title: 'Gardener' });
  });

  it('also as the emptying of a group', async () => {
    const groups = (await ask('GET', '/scim/hr/Groups?count=1')).body['Resources'] as readonly Json[];
    const path = `/scim/hr/Groups/${String(groups[0]?.['id'])}`;
    const members = async (): Promise<number> => ((await ask('GET', path)).body['members'] as readonly unknown[] | undefined)?.length ?? 0;
    const before = await members();
    expect(before).toBeGreaterThan(PASSES);
    const group = (await ask('GET', path)).body;
    expect((await ask('PUT', path, { ...group, members: [] })).status).toBe(429);
    expect(await members()).toBe(before);
    expect((await decide('approve', 'all')).body).toMatchObject({ applied: 1 });
    expect(await members()).toBe(0);
  });

  it('pass for as long as an administrator says that they are expected', async () => {
    expect((await ask('DELETE', person(17))).status).toBe(429);
    expect((await decide('approve', 'all', { suspendMinutes: 5 })).body).toMatchObject({ applied: 1 });
    expect((await ask('DELETE', person(18))).status).toBe(204);
  });
});
