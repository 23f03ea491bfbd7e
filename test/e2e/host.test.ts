import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { type Ended, landbridge, runLandbridge } from '../fixtures/run-landbridge.ts';

/** The host as its users meet it: over HTTPS and from the command line, on a real application. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-e2e-'));
const data = join(folder, 'data');
const file = join(folder, 'hr.sqlite');
const quiet = (): void => {};
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
let server: RunningServer;
let scim: ScimClient;
let token: string;
let dispatcher: Agent;
let database: DatabaseSync;

type Json = Readonly<Record<string, unknown>>;

/** Runs the command line beside this process, which is the host. */
const cli = (...values: readonly string[]): Promise<Ended> => runLandbridge([...values, '--data', data]);

async function cliJson(...values: readonly string[]): Promise<Json> {
  const { stdout, stderr } = await cli(...values, '--json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Json;
}

async function raw(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ readonly status: number; readonly headers: Json; readonly body: Json }> {
  const response = await request(`${server.url}${path}`, { method: method as 'GET', dispatcher, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers as Json, body: text === '' ? {} : (JSON.parse(text) as Json) };
}

const bearer = (value = token): Record<string, string> => ({ authorization: `Bearer ${value}`, 'content-type': 'application/scim+json' });
const resources = (body: Json): readonly Json[] => body['Resources'] as readonly Json[];
const find = async (filter: string, type = 'Users'): Promise<Json> => (await scim.send('GET', `/${type}?filter=${encodeURIComponent(filter)}`)).body;

beforeAll(async () => {
  createSampleApplication(file, 300);
  writeFileSync(join(folder, 'landbridge.yaml'), sampleConfiguration(['dialect: sqlite', `file: ${file}`]));
  server = await startServer({
    dataFolder: data,
    configFile: join(folder, 'landbridge.yaml'),
    port: 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile ?? '', 'utf8') } });
  database = new DatabaseSync(file, { timeout: 10_000 });
  await cliJson('run', 'hr', 'full');
  token = String((await cliJson('token', 'create', 'hr'))['token']);
  scim = createScimClient(`${server.url}/scim/hr`, token, server.caFile);
});

afterAll(async () => {
  await scim.close();
  await dispatcher.close();
  await server.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('credentials', () => {
  it('SEC-01 SEC-02 S-217 S-219 nothing opens without a valid token, and the answer is a SCIM error with WWW-Authenticate', async () => {
    for (const authorization of ['', 'Bearer', 'Bearer ', 'Bearer undefined', 'Bearer lb_x_y', 'Basic Og==', `Bearer ${token}x`]) {
      for (const path of ['/scim/hr/Users', '/scim/hr/ServiceProviderConfig', '/ecma2host_hr/scim/Users', '/admin/v1/status', '/admin/v1/openapi.json']) {
        const { status, headers, body } = await raw('GET', path, { authorization });
        expect(status, `${path} with "${authorization}"`).toBe(401);
        expect(headers['www-authenticate']).toContain('Bearer');
        expect(JSON.stringify(body)).not.toContain('at ');
      }
    }
  });

  it('SEC-08 SEC-10 SEC-13 a SCIM token opens its own connector and nothing else', async () => {
    expect((await raw('GET', '/admin/v1/status', bearer())).status).toBe(401);
    expect((await raw('GET', '/scim/other/Users', bearer())).status).toBe(404);
    expect((await raw('GET', '/scim/HR/Users', bearer())).status).toBe(404);
    const admin = readFileSync(join(data, 'admin-token'), 'utf8');
    expect((await raw('GET', '/scim/hr/Users', bearer(admin))).status).toBe(404);
  });

  it('SEC-04 S-220 S-221 tokens are kept hashed, two live at a time, and a revoked one fails at once', async () => {
    const second = await cliJson('token', 'create', 'hr');
    expect((await cli('token', 'create', 'hr')).stderr).toContain('2 live tokens');
    expect((await raw('GET', '/scim/hr/Users?count=1', bearer(String(second['token'])))).status).toBe(200);
    expect(readFileSync(join(data, 'control.db')).includes(String(second['token']).slice(-20))).toBe(false);
    await cliJson('token', 'revoke', String(second['id']));
    expect((await raw('GET', '/scim/hr/Users?count=1', bearer(String(second['token'])))).status).toBe(401);
  });

  it('keys and tokens on disk are for the owner only', () => {
    for (const name of ['admin-token', 'sealing.key', 'token-pepper.key', 'server.key', 'ca.key'])
      expect(statSync(join(data, name)).mode & 0o077, name).toBe(0);
  });
});

describe('reading', () => {
  it('S-001 S-007 S-008 S-011 the discovery documents say what there is', async () => {
    const config = (await scim.send('GET', '/ServiceProviderConfig')).body;
    expect(config['schemas']).toEqual(['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig']);
    expect(config['patch']).toEqual({ supported: true });
    expect(resources((await scim.send('GET', '/ResourceTypes')).body).map((one) => one['id'])).toEqual(['User', 'Group']);
    expect((await scim.send('GET', '/ResourceTypes/User')).body['endpoint']).toBe('/Users');
    expect((await scim.send('GET', `/Schemas/${USER.toUpperCase()}`)).status).toBe(200);
    expect(JSON.stringify((await scim.send('GET', '/Schemas')).body)).not.toContain('null');
  });

  it('S-092 S-093 S-098 filters find without regard to case, and nothing is 200 and empty', async () => {
    const all = resources((await scim.send('GET', '/Users?count=5')).body);
    const name = String(all[2]?.['userName']);
    expect(resources(await find(`userName eq "${name.toUpperCase()}"`))[0]?.['userName']).toBe(name);
    const nothing = await find('userName eq "8f4b1a2c-nobody"');
    expect(nothing).toMatchObject({ totalResults: 0, Resources: [], itemsPerPage: 0 });
  });

  it('S-080 S-082 S-084 filters of the clients: elements, URNs, references', async () => {
    const [person] = resources(await find('emails[type eq "work"].value sw "ada."'));
    expect(person?.['userName']).toMatch(/^ada\./);
    expect(Number((await find(`${ENTERPRISE}:department eq "sales"`))['totalResults'])).toBeGreaterThan(10);
    const manager = ((person?.[ENTERPRISE] as Json | undefined)?.['manager'] as Json | undefined)?.['value'];
    const both = await find(`id eq "${String(person?.['id'])}" and ${ENTERPRISE}:manager.value eq "${String(manager)}"`);
    expect(both['totalResults']).toBe(1);
    const [group] = resources(await find('displayName eq "SALES"', 'Groups'));
    const [member] = (group?.['members'] ?? []) as readonly Json[];
    expect((await find(`id eq "${String(group?.['id'])}" and members eq "${String(member?.['value'])}"`, 'Groups'))['totalResults']).toBe(1);
  });

  it('S-096 S-250 a filter without an index gives the same as the application says', async () => {
    const counted = database.prepare("SELECT count(*) AS n FROM employees WHERE lower(title) LIKE '%eng%' OR NOT last_name = 'Fischer'").get()?.['n'];
    expect((await find('title co "ENG" or not (name.familyName eq "fischer")'))['totalResults']).toBe(counted);
  });

  it('S-103 S-106 S-107 S-110 S-111 paging and sorting', async () => {
    const seen = new Set<unknown>();
    for (let start = 1; start <= 300; start += 70)
      for (const one of resources((await scim.send('GET', `/Users?startIndex=${start}&count=70`)).body)) seen.add(one['id']);
    expect(seen.size).toBe(300);
    expect((await scim.send('GET', '/Users?count=0')).body).toMatchObject({ totalResults: 300, Resources: [] });
    const names = resources((await scim.send('GET', '/Users?sortBy=userName&sortOrder=descending&count=300')).body).map((one) => String(one['userName']));
    expect(names).toEqual([...names].sort().reverse());
  });

  it('S-121 S-122 S-124 projection', async () => {
    const [group] = resources((await scim.send('GET', '/Groups?excludedAttributes=members&count=1')).body);
    expect(group?.['members']).toBeUndefined();
    const one = (await scim.send('GET', `/Groups/${String(group?.['id'])}?attributes=displayName`)).body;
    expect(Object.keys(one).sort()).toEqual(['displayName', 'id', 'schemas']);
    expect((await scim.send('GET', '/Users?attributes=a&excludedAttributes=b')).status).toBe(400);
  });

  it('S-197 S-198 S-199 versions and preconditions', async () => {
    const [person] = resources((await scim.send('GET', '/Users?count=1&startIndex=50')).body);
    const path = `/scim/hr/Users/${String(person?.['id'])}`;
    const { headers } = await raw('GET', path, bearer());
    expect((await raw('GET', path, { ...bearer(), 'if-none-match': String(headers['etag']) })).status).toBe(304);
    expect((await raw('DELETE', path, { ...bearer(), 'if-match': 'W/"999"' })).status).toBe(412);
  });
});

describe('writing', () => {
  it('the life of a person, as Entra ID and Okta write it (S-061, S-160, S-171, S-046, S-052, S-169)', async () => {
    const created = await scim.send('POST', '/Users', {
      schemas: [USER],
      externalId: 'x1',
      userName: 'Lise.Meitner',
      name: { givenName: 'Lise', familyName: 'Meitner' },
      emails: [{ type: 'work', value: 'lise@x' }],
      roles: [],
      meta: { resourceType: 'User' },
    });
    expect(created.status).toBe(201);
    const id = String(created.body['id']);
    expect(created.body).toMatchObject({ userName: 'Lise.Meitner', externalId: 'x1', active: true });
    const row = () => database.prepare('SELECT * FROM employees WHERE lower(user_name) = ?').get('lise.meitner');
    expect(row()).toMatchObject({ first_name: 'Lise', mail: 'lise@x', status: 'A' });
    expect(resources(await find('externalId eq "x1"'))[0]?.['id']).toBe(id);
    expect(await scim.send('POST', '/Users', { schemas: [USER], userName: 'LISE.MEITNER' })).toMatchObject({
      status: 409,
      body: { scimType: 'uniqueness', status: '409' },
    });
    const patch = (operations: readonly unknown[]) => scim.send('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: operations });
    expect((await patch([{ op: 'Replace', path: 'active', value: 'False' }])).body['active']).toBe(false);
    expect(row()).toMatchObject({ status: 'D' });
    expect((await scim.send('GET', `/Users/${id}`)).body['active']).toBe(false);
    expect((await patch([{ op: 'replace', path: 'id', value: 'y' }])).body['scimType']).toBe('mutability');
    const whole = (await scim.send('GET', `/Users/${id}`)).body;
    const version = (whole['meta'] as Json)['version'];
    expect(((await scim.send('PUT', `/Users/${id}`, whole)).body['meta'] as Json)['version']).toBe(version);
    expect((await scim.send('PUT', `/Users/${id}`, { ...whole, active: true, title: 'Physicist' })).body).toMatchObject({ active: true, title: 'Physicist' });
    expect(row()).toMatchObject({ status: 'A', title: 'Physicist' });
    expect((await scim.send('DELETE', `/Users/${id}`)).status).toBe(204);
    expect(row()).toBeUndefined();
    for (const method of ['GET', 'DELETE'] as const) expect((await scim.send(method, `/Users/${id}`)).status).toBe(404);
    const again = await scim.send('POST', '/Users', { schemas: [USER], userName: 'Lise.Meitner' });
    expect(again.status).toBe(201);
    expect(again.body['id']).not.toBe(id);
    await scim.send('DELETE', `/Users/${String(again.body['id'])}`);
  });

  it('R15 S-053 twenty creates of one name at the same time make one person', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => scim.send('POST', '/Users', { schemas: [USER], userName: 'Twin', title: String(index) })),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 409)).toHaveLength(19);
    expect(database.prepare("SELECT count(*) AS n FROM employees WHERE user_name = 'Twin'").get()?.['n']).toBe(1);
  });

  it('S-053 R16 twenty times the same create at the same time: one has created, and the others are told of it', async () => {
    const body = { schemas: [USER], userName: 'Same.Twin', title: 'x' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => scim.send('POST', '/Users', body)));
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 409 && answer.body['scimType'] === 'uniqueness')).toHaveLength(19);
    expect(database.prepare("SELECT count(*) AS n FROM employees WHERE user_name = 'Same.Twin'").get()?.['n']).toBe(1);
  });

  it('S-056 names that differ in the width or composition of characters only are one: in filters, and for uniqueness', async () => {
    const name = (userName: string) => scim.send('POST', '/Users', { schemas: [USER], userName });
    const found = async (userName: string) => resources(await find(`userName eq "${userName}"`)).map((one) => one['userName']);
    const wide = 'ＺＯＥ.ｍíller';
    expect((await name(wide)).body['userName']).toBe(wide);
    for (const form of ['zoe.m\u00edller', 'ZOE.mi\u0301ller', 'ｚoe．mí\uff4cler']) {
      expect(await name(form), form).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
      expect(await found(form), form).toEqual([wide]);
    }
    expect(resources(await find('userName co "OE.MÍLL"')).map((one) => one['userName'])).toEqual([wide]);
    expect((await name('Strasse')).status).toBe(201);
    expect((await name('Straße')).status).toBe(201);
    expect(await found('STRASSE')).toEqual(['Strasse']);
    const person = resources(await find(`userName eq "Strasse"`))[0];
    const renamed = await scim.send('PATCH', `/Users/${String(person?.['id'])}`, {
      schemas: [PATCH],
      Operations: [{ op: 'replace', path: 'userName', value: 'zoe.míｌｌｅｒ' }],
    });
    expect(renamed.status).toBe(409);
  });

  it('S-181 SEC-25 concurrent changes of one group lose nobody', async () => {
    const [group] = resources(await find('displayName eq "Legal"', 'Groups'));
    const people = resources((await scim.send('GET', `/Users?count=30&filter=${encodeURIComponent(`${ENTERPRISE}:department eq "Finance"`)}`)).body).map(
      (one) => String(one['id']),
    );
    await Promise.all(
      people.map((id) =>
        scim.send('PATCH', `/Groups/${String(group?.['id'])}`, { schemas: [PATCH], Operations: [{ op: 'add', path: 'members', value: [{ value: id }] }] }),
      ),
    );
    const members = ((await scim.send('GET', `/Groups/${String(group?.['id'])}`)).body['members'] as readonly Json[]).map((one) => one['value']);
    expect(people.filter((id) => !members.includes(id))).toEqual([]);
    const removed = await scim.send('PATCH', `/Groups/${String(group?.['id'])}`, {
      schemas: [PATCH],
      Operations: [{ op: 'Remove', path: 'members', value: people.map((value) => ({ value })) }],
    });
    expect(removed.status).toBe(204);
    const after = ((await scim.send('GET', `/Groups/${String(group?.['id'])}`)).body['members'] as readonly Json[]).map((one) => one['value']);
    expect(people.filter((id) => after.includes(id))).toEqual([]);
    expect(after.length).toBeGreaterThan(5);
  });

  it('S-178 an unknown member is refused by name and nothing is applied', async () => {
    const [group] = resources(await find('displayName eq "People"', 'Groups'));
    const [person] = resources((await scim.send('GET', '/Users?count=1')).body);
    const answer = await scim.send('PATCH', `/Groups/${String(group?.['id'])}`, {
      schemas: [PATCH],
      Operations: [{ op: 'add', path: 'members', value: [{ value: person?.['id'] }, { value: 'nobody' }] }],
    });
    expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect(String(answer.body['detail'])).toContain('nobody');
    expect(String(answer.body['detail'])).not.toContain(String(person?.['id']));
  });

  it('S-197 a change made in the application arrives with the next import, and R20 confirms what was exported', async () => {
    database.exec("UPDATE employees SET title = 'Changed outside' WHERE id = 17");
    const run = await cliJson('run', 'hr', 'full');
    expect(run['result']).toBe('success');
    expect(Number((await find('title eq "changed OUTSIDE"'))['totalResults'])).toBe(1);
  });

  it('R23 removals above the threshold wait for approval', async () => {
    database.exec('PRAGMA foreign_keys=OFF; DELETE FROM memberships WHERE employee_id > 200; DELETE FROM employees WHERE id > 200 AND id <= 300');
    const before = Number((await scim.send('GET', '/Users?count=0')).body['totalResults']);
    const held = await cliJson('run', 'hr', 'full');
    expect(held['result']).toBe('held');
    expect((await scim.send('GET', '/Users?count=0')).body['totalResults']).toBe(before);
    expect((await cli('runs', 'hr', String(held['id']))).stdout).toContain('landbridge run approve');
    expect(await cliJson('run', 'approve', 'hr', String(held['id']))).toEqual({ removed: 100 });
    expect((await scim.send('GET', '/Users?count=0')).body['totalResults']).toBe(before - 100);
  });
});

describe('bad input has a clear answer', () => {
  const post = (body: string, headers: Record<string, string> = {}) => raw('POST', '/scim/hr/Users', { ...bearer(), ...headers }, body);

  it('S-030 S-204 SEC-27 SEC-37 bodies that are not what they seem', async () => {
    for (const body of [
      '{',
      '[]',
      '"x"',
      '{"a":1,"a":2}',
      '{"active":true,"Active":false}',
      '{"__proto__":{"x":1}}',
      '{"userName":"x","\\udc00":1}',
      `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`,
      JSON.stringify({ schemas: [USER], userName: 'long', title: 'x'.repeat(1024 * 1024 + 1) }),
      JSON.stringify({ schemas: [USER], userName: 'long', title: 'ä'.repeat(512 * 1024 + 1) }),
      '',
    ]) {
      const { status, body: error } = await post(body);
      expect(status, body.slice(0, 30)).toBe(400);
      expect(error).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '400', scimType: 'invalidSyntax' });
    }
    expect(({} as Json)['x']).toBeUndefined();
  });

  it('S-121 S-122 a wish for attributes that contradicts itself is refused before anything is written', async () => {
    const both = 'attributes=userName&excludedAttributes=title';
    expect((await raw('POST', `/scim/hr/Users?${both}`, bearer(), JSON.stringify({ schemas: [USER], userName: 'not.made' }))).status).toBe(400);
    expect((await find('userName eq "not.made"'))['totalResults']).toBe(0);
    const [person] = resources((await scim.send('GET', '/Users?count=1&startIndex=20')).body);
    const path = `/Users/${String(person?.['id'])}`;
    const operations = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'not set' }] };
    expect((await raw('PATCH', `/scim/hr${path}?${both}`, bearer(), JSON.stringify(operations))).body['scimType']).toBe('invalidValue');
    expect((await raw('PUT', `/scim/hr${path}?${both}`, bearer(), JSON.stringify({ ...person, title: 'not set' }))).status).toBe(400);
    expect((await scim.send('GET', path)).body).toEqual(person);
  });

  it('S-210 S-211 S-013 media types and methods', async () => {
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await raw('GET', '/scim/hr/Users', { ...bearer(), accept: 'text/html' })).status).toBe(406);
    expect((await raw('GET', '/scim/hr/Users', { ...bearer(), accept: 'application/json;q=0, text/plain' })).status).toBe(406);
    expect((await raw('GET', '/scim/hr/Users?count=0', { ...bearer(), accept: 'text/html, */*;q=0.1' })).status).toBe(200);
    expect((await post('{}', { 'content-type': 'application/scim+json; charset=iso-8859-1' })).status).toBe(415);
    expect((await post('{}', { 'content-type': 'application/json; charset="UTF-8"' })).status).toBe(400);
    const wrong = await raw('PUT', '/scim/hr/Users', bearer(), '{}');
    expect(wrong.status).toBe(405);
    expect(wrong.headers['allow']).toBe('GET, POST');
    expect((await raw('GET', '/scim/hr/v1/Users', bearer())).body['scimType']).toBe('invalidVers');
    expect((await raw('GET', '/scim/hr//v2//Users/?count=1', bearer())).status).toBe(200);
  });

  it('S-075 S-078 S-099 SEC-28 SEC-38 filters that are wrong or hostile are refused quickly', async () => {
    const hostile = [
      '',
      'userName',
      'userName xx "a"',
      '(userName eq "a"',
      'userName eq "a',
      `${'('.repeat(5000)}`,
      `${Array.from({ length: 600 }, () => 'title eq "a"').join(' or ')}`,
      'active gt true',
    ];
    for (const filter of hostile) {
      const started = performance.now();
      const { status, body } = await raw('GET', `/scim/hr/Users?filter=${encodeURIComponent(filter)}`, bearer());
      expect(status, filter.slice(0, 40)).toBe(400);
      expect(body['scimType']).toBe('invalidFilter');
      expect(performance.now() - started).toBeLessThan(500);
    }
    expect((await raw('GET', '/scim/hr/Users?count=1&count=2', bearer())).status).toBe(400);
  });

  it('S-063 a missing or wrong value is named', async () => {
    expect(String((await post(JSON.stringify({ schemas: [USER] }))).body['detail'])).toContain('userName');
    expect(String((await post(JSON.stringify({ schemas: [USER], userName: 'x', active: 'maybe' }))).body['detail'])).toContain('active');
  });

  it('the command line says what is wrong, what to do, and exits non-zero', async () => {
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'version: 1\nconnectors:\n  hr:\n    packge: sql\n    parameters: { password: hunter2 }\n    objectTypes: {}\n');
    const invalid = await cli('validate', bad);
    expect(invalid.status).toBe(1);
    expect(invalid.stdout).toContain('bad.yaml:4');
    expect(invalid.stdout).toContain('did you mean "package"?');
    writeFileSync(bad, 'version: 1\nconnectors: {hr: {package: sql, parameters: {password: hunter2}, objectTypes: {p: {resourceType: User}}}}\n');
    const secret = await cli('validate', bad);
    expect(secret.stdout).toContain('${env:NAME}');
    expect(secret.stdout).not.toContain('hunter2');
    writeFileSync(bad, 'version: 1\n  connectors: [\n');
    expect((await cli('validate', bad)).stdout).toMatch(/bad\.yaml:\d+:\d+ this is not YAML/);
    expect(await cli('run', 'nobody', 'full')).toMatchObject({ status: 4 });
    expect((await cli('run', 'hr', 'nothing')).stderr).toContain('it has full, delta');
    expect((await cli('frobnicate')).status).toBe(2);
    expect(spawnSync(landbridge, ['status', '--data', join(folder, 'nowhere')], { encoding: 'utf8' })).toMatchObject({ status: 3 });
  });

  it('a connector that cannot be opened says why and leaves the others alone', async () => {
    const configuration = readFileSync(join(folder, 'landbridge.yaml'), 'utf8');
    const broken = `${configuration}  broken:\n    package: sql\n    parameters: { dialect: postgres, host: 127.0.0.1, port: 1, objectTypes: { p: { table: t, anchor: [id] } } }\n    objectTypes: { p: { resourceType: User } }\n`;
    writeFileSync(join(folder, 'broken.yaml'), broken);
    await cliJson('apply', join(folder, 'broken.yaml'));
    const status = await cliJson('status');
    const connectors = status['connectors'] as readonly Json[];
    expect(connectors.find((one) => one['name'] === 'broken')).toMatchObject({ state: 'failed' });
    expect(String(connectors.find((one) => one['name'] === 'broken')?.['problem'])).toContain('ECONNREFUSED');
    expect((await scim.send('GET', '/Users?count=1')).status).toBe(200);
    const diff = (await cliJson('diff', join(folder, 'landbridge.yaml'))) as unknown as readonly Json[];
    expect(diff).toMatchObject([{ path: 'connectors.broken', kind: 'removed' }]);
    await cliJson('apply', join(folder, 'landbridge.yaml'));
    expect((await cliJson('status'))['revision']).toBe(3);
  });

  it('R24 validate, apply and connector show say that deltas do not see deletes, where no full import is scheduled', async () => {
    const marked = join(folder, 'marked.sqlite');
    const application = new DatabaseSync(marked);
    application.exec('CREATE TABLE people(id INTEGER PRIMARY KEY, login TEXT NOT NULL, changed INTEGER NOT NULL)');
    application.close();
    const said = expect.stringMatching(/^connectors\.marked: delta imports .* do not see what was deleted .* "full" is run once a day/) as string;
    const write = (autosync: string): string => {
      const written = join(folder, 'marked.yaml');
      const own = `  marked:\n    package: sql\n    parameters: { dialect: sqlite, file: ${marked}, objectTypes: { p: { table: people, anchor: [id], delta: { watermarkColumn: changed } } } }\n`;
      const rest = `    objectTypes: { p: { resourceType: User, mapping: { userName: login } } }\n    autosync: ${autosync}\n    secretToken: \${env:NOT_SET_HERE}\n`;
      writeFileSync(written, `${readFileSync(join(folder, 'landbridge.yaml'), 'utf8')}${own}${rest}`);
      return written;
    };
    const silent = write('{ delta: 5m }');
    // Where a configuration is checked, its secrets need not be.
    expect(await cliJson('validate', silent)).toEqual({ valid: true, problems: [], warnings: [said] });
    expect((await cli('validate', silent)).stdout).toMatch(/is valid\nwarning: connectors\.marked: delta imports/);
    writeFileSync(silent, readFileSync(silent, 'utf8').replace(/ {4}secretToken.*\n/, ''));
    expect((await cliJson('apply', silent))['warnings']).toEqual([said]);
    const shown = await cliJson('connector', 'show', 'marked');
    expect(shown).toMatchObject({ deletesSeen: 'by full imports only', missedDeletes: expect.stringContaining('once a day') as string });
    expect((await cliJson('validate', write('{ delta: 5m, full: 6h }')))['warnings']).toEqual([]);
    await cliJson('apply', join(folder, 'landbridge.yaml'));
  });

  it('two hosts cannot share a data folder', async () => {
    const second = await cli('up', '--port', '0');
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('in use by another process');
  });
});
