import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openScriptedApplication, type ScriptedApplication } from '@landbridge/connector-testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type HttpsHost, type Json, type Method, startHttpsHost } from '../fixtures/https-host.ts';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';
import { scriptedPackage } from '../fixtures/scripted-host.ts';

/**
 * What the Entra provisioning service sends to the ECMA Connector Host, replayed: the URL, the token, the schema and the quirks that an
 * existing Entra application depends on. Each request is written as the service writes it, in both of its PATCH dialects.
 */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-entra-'));
const HOST_USER = 'urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const TOKEN = 'a-secret-token-of-the-old-host';
let running: HttpsHost;
let application: ScriptedApplication;

const send = (method: Method, path: string, body?: unknown, token = TOKEN): Promise<Answer> =>
  running.ask(method, `/ecma2host_Directory/scim${path}`, {
    token,
    body,
    headers: { 'content-type': 'application/scim+json; charset=utf-8', accept: 'application/scim+json' },
  });

const find = (filter: string): Promise<Answer> => send('GET', `/Users?filter=${encodeURIComponent(filter)}`);
const host = (resource: Json): Json => (resource[HOST_USER] ?? {}) as Json;

beforeAll(async () => {
  process.env['ENTRA_TEST_TOKEN'] = TOKEN;
  application = openScriptedApplication(join(folder, 'application.db'));
  const parameters = {
    file: application.file,
    schema: [
      {
        name: 'person',
        attributes: [
          { name: 'uid', type: 'string', anchor: true, required: true },
          { name: 'cn', type: 'string' },
          { name: 'mail', type: 'string', unique: true },
          { name: '_externalCode', type: 'string' },
          { name: 'locked', type: 'boolean' },
          { name: 'proxies', type: 'string', multiValued: true },
        ],
      },
    ],
    capabilities: { distinguishedNameStyle: 'ldap', objectRename: true, password: true, exportPasswordInFirstPass: true },
  };
  writeFileSync(
    join(folder, 'landbridge.json'),
    JSON.stringify({
      version: 1,
      connectors: {
        Directory: {
          package: scriptedPackage,
          parameters,
          publicParameters: Object.keys(parameters),
          secretToken: '${env:ENTRA_TEST_TOKEN}',
          linkedIds: ['raw', 'url', 'base64', 'dn'],
          objectTypes: { person: { resourceType: 'User', mapping: { userName: 'uid' }, dn: 'CN={uid},OBJECT=USER' } },
          deprovisioning: { disable: { set: { locked: true } }, delete: 'delete' },
        },
      },
    }),
  );
  running = await startHttpsHost({ dataFolder: join(folder, 'data'), configFile: join(folder, 'landbridge.json') });
});

afterAll(async () => {
  await running?.close();
  application?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an existing Entra application, its URL changed and nothing else', () => {
  let id: string;

  it('test connection: a dummy user that nobody is, and the attribute PLACEHOLDER that nobody has', async () => {
    for (const filter of [
      `${HOST_USER}:uid eq "61f2a3d4-0b5c-4e6f-8a9b-1c2d3e4f5a6b"`,
      'userName eq "61f2a3d4-0b5c-4e6f-8a9b-1c2d3e4f5a6b"',
      'PLACEHOLDER eq "61f2a3d4-0b5c-4e6f-8a9b-1c2d3e4f5a6b"',
      `${HOST_USER}:PLACEHOLDER eq "61f2a3d4-0b5c-4e6f-8a9b-1c2d3e4f5a6b"`,
    ]) {
      expect(await find(filter)).toMatchObject({ status: 200, body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'], totalResults: 0 } });
    }
  });

  it('the token is that of the old host, on the URL of the old host, and the name is case-sensitive', async () => {
    expect((await send('GET', '/Users', undefined, 'another-token-altogether')).status).toBe(401);
    const other = await running.ask('GET', '/ecma2host_directory/scim/Users', { token: TOKEN });
    expect(other.status).toBe(404);
  });

  it('edit provisioning reads the schema: every attribute below the URN of the host, special names included', async () => {
    const { status, body } = await send('GET', '/Schemas');
    expect(status).toBe(200);
    const schema = (body['Resources'] as readonly Json[]).find((one) => one['id'] === HOST_USER);
    const names = ((schema?.['attributes'] ?? []) as readonly Json[]).map((one) => one['name']);
    expect(names).toEqual(expect.arrayContaining(['uid', 'cn', 'mail', '_externalCode', 'locked', 'proxies', '-dn-', 'export_password']));
  });

  it('create: POST with everything in the schema of the host; the name is made as the host made it, the password is set and never shown', async () => {
    const created = await send('POST', '/Users', {
      schemas: [USER, HOST_USER],
      externalId: 'ada',
      active: true,
      [HOST_USER]: { uid: 'ada', cn: 'Ada Lovelace', mail: 'ada@example.com', _externalCode: 'x1', export_password: 'Passw0rd!initial' },
      meta: { resourceType: 'User' },
    });
    expect(created.status).toBe(201);
    id = String(created.body['id']);
    expect(host(created.body)).toMatchObject({ uid: 'ada', '-dn-': 'CN=ada,OBJECT=USER', _externalCode: 'x1' });
    expect(JSON.stringify(created.body)).not.toContain('Passw0rd');
    const [entry] = application.objects('person');
    expect(entry).toMatchObject({ dn: 'CN=ada,OBJECT=USER' });
  });

  it('match: filters on any attribute of the host schema, alone and joined', async () => {
    for (const filter of [
      `${HOST_USER}:uid eq "ADA"`,
      `${HOST_USER}:mail eq "ada@example.com"`,
      `${HOST_USER}:-dn- eq "CN=ada,OBJECT=USER"`,
      `id eq "${id}" and ${HOST_USER}:cn eq "Ada Lovelace"`,
    ])
      expect((await find(filter)).body, filter).toMatchObject({ totalResults: 1, Resources: [{ id }] });
  });

  it('update in the default dialect: capital operations, one value each, booleans as text', async () => {
    const patched = await send('PATCH', `/Users/${id}`, {
      schemas: [PATCH],
      Operations: [
        { op: 'Replace', path: `${HOST_USER}:cn`, value: [{ $ref: null, value: 'Augusta Ada King' }] },
        { op: 'Add', path: `${HOST_USER}:locked`, value: 'False' },
        { op: 'Add', path: `${HOST_USER}:proxies`, value: [{ value: 'smtp:ada@example.com' }] },
      ],
    });
    expect([200, 204]).toContain(patched.status);
    expect(host((await send('GET', `/Users/${id}`)).body)).toMatchObject({ cn: 'Augusta Ada King', locked: false, proxies: ['smtp:ada@example.com'] });
  });

  it('update with aadOptscim062020: small operations, an object of dotted and qualified names', async () => {
    const patched = await send('PATCH', `/Users/${id}?aadOptscim062020`, {
      schemas: [PATCH],
      Operations: [
        { op: 'replace', value: { [`${HOST_USER}:mail`]: 'countess@example.com', [`${HOST_USER}:locked`]: true } },
        { op: 'remove', path: `${HOST_USER}:_externalCode` },
      ],
    });
    expect([200, 204]).toContain(patched.status);
    const now = host((await send('GET', `/Users/${id}`)).body);
    expect(now).toMatchObject({ mail: 'countess@example.com', locked: true });
    expect(now['_externalCode']).toBeUndefined();
  });

  it('a name that is mapped is the name: -dn- creates and renames', async () => {
    const created = await send('POST', '/Users', { schemas: [USER, HOST_USER], [HOST_USER]: { uid: 'grace', '-dn-': 'CN=Grace,OU=Navy,DC=example' } });
    expect(created.status).toBe(201);
    const own = String(created.body['id']);
    expect(host(created.body)['-dn-']).toBe('CN=Grace,OU=Navy,DC=example');
    await send('PATCH', `/Users/${own}`, {
      schemas: [PATCH],
      Operations: [{ op: 'Replace', path: `${HOST_USER}:-dn-`, value: 'CN=Grace Hopper,OU=Navy,DC=example' }],
    });
    const renamed = await send('GET', `/Users/${own}`);
    expect(renamed.body['id']).toBe(own);
    expect(host(renamed.body)['-dn-']).toBe('CN=Grace Hopper,OU=Navy,DC=example');
    expect(application.objects('person').map((entry) => entry.dn)).toContain('CN=Grace Hopper,OU=Navy,DC=example');
  });

  it('the Disable flow: active false sets the value, and the resource stays', async () => {
    await send('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: [{ op: 'Replace', path: `${HOST_USER}:locked`, value: 'False' }] });
    const disabled = await send('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: [{ op: 'Replace', path: 'active', value: 'False' }] });
    expect([200, 204]).toContain(disabled.status);
    const read = await send('GET', `/Users/${id}`);
    expect(read.body['active']).toBe(false);
    expect(host(read.body)['locked']).toBe(true);
  });

  it('the cache is shown to whoever has the token, and to nobody else', async () => {
    const { status, body } = await send('GET', '/cache');
    expect(status).toBe(200);
    expect((body['Resources'] as readonly Json[]).map((one) => host(one)['uid']).sort()).toEqual(['ada', 'grace']);
    expect((await send('GET', '/cache', undefined, 'nobody-at-all-here')).status).toBe(401);
    expect((await send('GET', '/cache?count=1')).body).toMatchObject({ totalResults: 2, itemsPerPage: 1 });
    // The clean URL has no such endpoint.
    const clean = await running.ask('GET', '/scim/Directory/cache', { token: TOKEN });
    expect(clean.status).toBe(404);
  });

  it('R32 an id from the old host finds its entry, and the resource answers with it from then on', async () => {
    const old = Buffer.from('grace', 'utf16le').toString('base64');
    const read = await send('GET', `/Users/${encodeURIComponent(old)}`);
    expect(read).toMatchObject({ status: 200, body: { id: old, meta: { location: expect.stringContaining(`/Users/${encodeURIComponent(old)}`) } } });
    expect((await find(`${HOST_USER}:uid eq "grace"`)).body).toMatchObject({ totalResults: 1, Resources: [{ id: old }] });
    expect((await find(`id eq "${old}"`)).body).toMatchObject({ totalResults: 1 });
    const patched = await send('PATCH', `/Users/${encodeURIComponent(old)}`, {
      schemas: [PATCH],
      Operations: [{ op: 'Replace', path: `${HOST_USER}:mail`, value: 'grace@example.com' }],
    });
    expect(patched).toMatchObject({ status: 200, body: { id: old } });
    expect((await send('GET', '/Users/bm9ib2R5')).status).toBe(404);
  });

  it('R32 ids import and verify: a list of ids that nobody could guess', async () => {
    const file = join(folder, 'ids.csv');
    writeFileSync(file, 'id,anchor\nguid-0001,ada\nguid-0002,nobody\n');
    const cli = (...values: readonly string[]): Promise<Ended> => runLandbridge([...values, '--data', join(folder, 'data')], { direct: true });
    expect(await cli('ids', 'verify', 'Directory', file)).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/1 known here, and not by that id[\s\S]*1 no entry has that anchor/),
    });
    expect((await send('GET', '/Users/guid-0001')).status).toBe(404);
    expect((await cli('ids', 'import', 'Directory', file)).stdout).toContain('1 linked now');
    writeFileSync(file, 'id;anchor;objectType\n"guid-0001";ada;person\n');
    expect(await cli('ids', 'verify', 'Directory', file)).toMatchObject({ status: 0, stdout: expect.stringContaining('1 answer by that id') });
    expect(await send('GET', '/Users/guid-0001')).toMatchObject({ status: 200, body: { id: 'guid-0001' } });
  });

  it('the Delete flow: DELETE removes the entry from the application', async () => {
    expect((await send('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await send('GET', `/Users/${id}`)).status).toBe(404);
    expect(application.objects('person')).toHaveLength(1);
  });
});
