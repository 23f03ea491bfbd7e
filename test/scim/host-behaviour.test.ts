import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { connect } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpServer } from '../../apps/server/src/http/create-http-server.ts';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { directoryConfiguration } from './directory-application.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** What the suite cannot see from outside: two connectors beside each other, the application behind, configuration, TLS, files. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
type Json = Readonly<Record<string, unknown>>;

let host: DirectoryHost;
let here: ScimConnection;
let other: ScimConnection;
let application: DatabaseSync;
let count = 0;

const name = (prefix = 'p'): string => {
  count += 1;
  return `${prefix}.${count}`;
};
const user = (more: Json = {}): Json => ({ schemas: [USER], userName: name(), name: { givenName: 'A', familyName: 'B' }, ...more });
const create = async (more: Json = {}, on = here): Promise<Json> => {
  const answer = await on.send('POST', '/Users', { body: user(more) });
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
};
const patch = (path: string, operations: readonly unknown[], on = here) => on.send('PATCH', path, { body: { schemas: [PATCH], Operations: operations } });
const find = async (filter: string, on = here): Promise<unknown> => (await on.send('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body['totalResults'];
const row = (login: unknown): Json | undefined => application.prepare('SELECT * FROM people WHERE login = ?').get(String(login));

/** A request of somebody without a credential. */
async function fetchAnonymous(
  of: DirectoryHost,
  path: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: Json }> {
  const agent = new Agent({ connect: { ca: of.ca } });
  try {
    const response = await request(`${of.server.url}${path}`, { method: method as 'GET', headers, dispatcher: agent });
    const text = await response.body.text();
    return { status: response.statusCode, body: text === '' ? {} : (JSON.parse(text) as Json) };
  } finally {
    await agent.close();
  }
}

beforeAll(async () => {
  host = await startDirectoryHost({ second: true, more: `    protected: ['userName eq "break-glass"', 'displayName eq "Administrators"']\n` });
  application = new DatabaseSync(host.file, { timeout: 10_000 });
  application.exec("INSERT INTO people(login, first_name) VALUES ('break-glass', 'Nobody'); INSERT INTO teams(name) VALUES ('Administrators')");
  await host.importAll();
  here = await host.connect('lenient');
  other = await host.connect('lenient', '/scim/other', 'other');
});

afterAll(async () => {
  application.close();
  await host.close();
});

describe('ids and names', () => {
  it('S-019 S-018 a rename in the application keeps the id, and the id tells nothing of the person', async () => {
    const made = await create({ externalId: 'e-77' });
    const before = row(made['userName']);
    for (const told of [before?.['id'], made['userName'], 'e-77']) expect(String(made['id'])).not.toBe(String(told));
    application.prepare('UPDATE people SET login = ? WHERE id = ?').run('renamed-outside', Number(before?.['id']));
    await host.importAll();
    const after = await here.send('GET', `/Users/${String(made['id'])}`);
    expect([after.status, after.body['userName']]).toEqual([200, 'renamed-outside']);
    expect((await patch(`/Users/${String(made['id'])}`, [{ op: 'replace', path: 'userName', value: name() }])).body['id']).toBe(made['id']);
  });

  it('S-059 S-058 what is case-exact is compared so, whatever the application does', async () => {
    const made = await create({ 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { costCenter: 'CC-x' } });
    const only = `id eq "${String(made['id'])}" and `;
    for (const [filter, matches] of [
      ['costCenter eq "CC-x"', 1],
      ['costCenter eq "cc-X"', 0],
      ['costCenter sw "cc"', 0],
      ['userName co "P."', 1],
    ] as const)
      expect(await find(only + filter), filter).toBe(matches);
  });

  it('S-037 an only address without a type is the first that is mapped, and no other', async () => {
    const made = await create({ emails: [{ value: 'only@example.com' }] });
    expect(made['emails']).toEqual([expect.objectContaining({ type: 'work', value: 'only@example.com' })]);
    const path = `/Users/${String(made['id'])}`;
    const replaced = await patch(path, [{ op: 'replace', path: 'emails', value: [{ value: 'next@example.com' }] }]);
    expect(replaced.body['emails']).toEqual([expect.objectContaining({ type: 'work', value: 'next@example.com' })]);
    expect(row(made['userName'])).toMatchObject({ mail: 'next@example.com' });
  });

  it('S-068 SEC-16 an account that is there already is not adopted by a create, and not touched', async () => {
    application.exec("INSERT INTO people(login, mail, title) VALUES ('already.there', 'a@t', 'Old')");
    const answer = await here.send('POST', '/Users', { body: user({ userName: 'already.there', title: 'New', emails: [{ type: 'work', value: 'evil@x' }] }) });
    expect([answer.status, answer.body['scimType']]).toEqual([409, 'uniqueness']);
    expect(row('already.there')).toMatchObject({ mail: 'a@t', title: 'Old' });
    const byMail = await create({ emails: [{ type: 'work', value: 'a@t' }] });
    expect(row('already.there')).toMatchObject({ mail: 'a@t', title: 'Old' });
    expect(row(byMail['userName'])?.['mail']).toBe('a@t');
  });

  it('SEC-15 an externalId is data, whatever it looks like', async () => {
    const victim = await create();
    const id = String(row(victim['userName'])?.['id']);
    for (const externalId of [id, '1', '0', '-1', 'admin', 'null', String(victim['id']), 'x'.repeat(10_000)]) {
      const made = await create({ externalId });
      expect(made['id']).not.toBe(victim['id']);
      expect((await here.send('GET', `/Users/${encodeURIComponent(externalId.slice(0, 500))}`)).status).toBe(externalId === victim['id'] ? 200 : 404);
    }
    expect((await here.send('GET', `/Users/${String(victim['id'])}`)).body).toEqual(victim);
  });

  it('SEC-18 S-067 a name that was deleted begins anew: no groups, no roles of the old account', async () => {
    const first = await create({ userName: 'again', roles: [{ value: 'Boss' }] });
    const group = await here.send('POST', '/Groups', { body: { schemas: [GROUP], displayName: name('g'), members: [{ value: first['id'] }] } });
    expect((await here.send('DELETE', `/Users/${String(first['id'])}`)).status).toBe(204);
    const second = await create({ userName: 'again' });
    expect(second['id']).not.toBe(first['id']);
    expect([second['roles'], (await here.send('GET', `/Users/${String(second['id'])}?attributes=groups`)).body['groups']]).toEqual([undefined, undefined]);
    expect((await here.send('GET', `/Groups/${String(group.body['id'])}`)).body['members']).toBeUndefined();
  });
});

describe('two connectors', () => {
  it('S-055 S-232 the same userName and externalId live in both, and each says what it is', async () => {
    const userName = name();
    const one = await create({ userName, externalId: 'same' });
    const two = await create({ userName, externalId: 'same' }, other);
    expect(one['id']).not.toBe(two['id']);
    const location = (connection: ScimConnection) => connection.send('GET', '/ServiceProviderConfig').then(({ body }) => (body['meta'] as Json)['location']);
    expect(await location(here)).not.toBe(await location(other));
  });

  it('S-230 S-231 SEC-10 SEC-11 ids of another connector are unknown where an id can stand', async () => {
    const mine = await create();
    const foreign = String((await create({}, other))['id']);
    const group = (await here.send('POST', '/Groups', { body: { schemas: [GROUP], displayName: name('g') } })).body;
    const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    const bulk = (id: string) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: [{ method: 'DELETE', path: `/Users/${id}` }] });
    const requests = (id: string): readonly (() => Promise<{ readonly status: number; readonly text: string }>)[] => [
      () => here.send('GET', `/Users/${id}`),
      () => here.send('PUT', `/Users/${id}`, { body: user({ userName: 'fixed' }) }),
      () => patch(`/Users/${id}`, [{ op: 'replace', path: 'title', value: 'x' }]),
      () => here.send('DELETE', `/Users/${id}`),
      () => here.send('GET', `/Users?filter=${encodeURIComponent(`id eq "${id}"`)}`),
      () => here.send('GET', `/Users?filter=${encodeURIComponent(`manager eq "${id}"`)}`),
      () => here.send('GET', `/Groups?filter=${encodeURIComponent(`members eq "${id}"`)}`),
      () => patch(`/Groups/${String(group['id'])}`, [{ op: 'add', path: 'members', value: [{ value: id, $ref: `${other.baseUrl}/Users/${id}` }] }]),
      () => patch(`/Users/${String(mine['id'])}`, [{ op: 'add', path: `${ENTERPRISE}:manager`, value: id }]),
      () => here.send('POST', '/Bulk', { body: bulk(id) }),
    ];
    const unknown = foreign.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    for (const [index, ask] of requests(foreign).entries()) {
      const answer = await ask();
      const same = await requests(unknown)[index]?.();
      expect([answer.status, answer.text.replaceAll(foreign, 'ID')], `request ${index}`).toEqual([same?.status, same?.text.replaceAll(unknown, 'ID')]);
    }
    expect((await other.send('GET', `/Users/${foreign}`)).status).toBe(200);
    const cursor = String((await other.send('GET', '/Users?cursor&count=1&filter=userName%20pr')).body['nextCursor'] ?? 'none');
    expect((await here.send('GET', `/Users?count=1&filter=userName%20pr&cursor=${cursor}`)).body['scimType']).toBe('invalidCursor');
    const token = await host.token({ client: 'cross' });
    const crossed = await here.send('GET', '/../other/Users', { headers: { authorization: `Bearer ${token}` } });
    expect(crossed.status).toBe(404);
  });
});

describe('what an administrator decides', () => {
  it('S-172 SEC-14 SEC-17 protected resources are 403 for every change, in every spelling, and can be read', async () => {
    const [account] = (await here.send('GET', `/Users?filter=${encodeURIComponent('userName eq "Break-Glass"')}`)).body['Resources'] as readonly Json[];
    const [group] = (await here.send('GET', `/Groups?filter=${encodeURIComponent('displayName eq "administrators"')}`)).body['Resources'] as readonly Json[];
    const path = `/Users/${String(account?.['id'])}`;
    const answers = [
      await patch(path, [{ op: 'Replace', path: 'active', value: 'False' }]),
      await patch(path, [{ op: 'replace', value: { ACTIVE: false } }]),
      await patch(path, [{ op: 'add', path: `${USER}:Active`, value: false }]),
      await patch(path, [{ op: 'replace', value: { [`${USER}:active`]: 'false', 'name.givenName': 'x' } }]),
      await here.send('PUT', path, { body: user({ active: false }) }),
      await here.send('DELETE', path),
      await patch(`/Groups/${String(group?.['id'])}`, [{ op: 'add', path: 'members', value: [{ value: account?.['id'] }] }]),
      await here.send('DELETE', `/Groups/${String(group?.['id'])}`),
    ];
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 403));
    const drop = await host.connect('lenient', '/ecma2host_dir/scim');
    expect((await drop.send('DELETE', path)).status).toBe(403);
    const bulk = { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: [{ method: 'DELETE', path }] };
    expect(((await here.send('POST', '/Bulk', { body: bulk })).body['Operations'] as readonly Json[])[0]?.['status']).toBe('403');
    expect(row('break-glass')).toMatchObject({ status: 'A' });
    // The administrator hears of it (SEC-14, SEC-61).
    const audit = (await host.admin('GET', '/audit?limit=100')) as unknown as readonly Json[];
    expect(audit.map((one) => one['action'])).toContain('alert.protected-object');
  });

  it('S-014 S-237 S-240 an object type, an extension and a schema of its own appear while the host runs; names of SCIM are refused', async () => {
    const text = directoryConfiguration(host.file).replace(
      '      device:\n        resourceType: Device\n        mapping:\n          serial: serial\n',
      `      device:
        resourceType: Role
        endpoint: Roles
        schema: urn:okta:scim:schemas:core:1.0:Role
        mapping:
          displayName: serial
          'urn:example:params:scim:schemas:extension:Lab:2.0:Role:owner': owner
`,
    );
    const before = (await here.send('GET', '/ResourceTypes')).body['Resources'] as readonly Json[];
    expect(before.map((type) => type['endpoint'])).toContain('/Devices');
    const device = await here.send('POST', '/Devices', { body: { schemas: ['urn:ietf:params:scim:schemas:landbridge:dir:2.0:Device'], serial: 's-1' } });
    expect(device.status, device.text).toBe(201);
    // The application has an attribute "id" too: it stands beside the resource's own, never in its place (S-018).
    expect(device.body).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), id$2: 1, serial: 's-1' });
    expect((await here.send('GET', `/Devices/${String(device.body['id'])}`)).body).toEqual(device.body);
    await host.apply(directoryConfiguration(host.file).replace('          serial: serial\n', '          serial: serial\n          meta: id\n'));
    expect(JSON.stringify(await host.admin('GET', '/connectors'))).toContain("is SCIM's own; choose another name");
    await host.apply(text);
    const types = (await here.send('GET', '/ResourceTypes')).body['Resources'] as readonly Json[];
    expect(types.find((type) => type['schema'] === 'urn:okta:scim:schemas:core:1.0:Role')).toMatchObject({
      endpoint: '/Roles',
      schemaExtensions: [{ schema: 'urn:example:params:scim:schemas:extension:Lab:2.0:Role', required: false }],
    });
    const roles = (await here.send('GET', '/Roles')).body['Resources'] as readonly Json[];
    expect(roles.map((one) => one['displayName'])).toEqual(['s-1']);
    expect((await here.send('GET', '/Schemas/urn:example:params:scim:schemas:extension:Lab:2.0:Role')).status).toBe(200);
    expect((await here.send('GET', '/Devices')).status).toBe(404);
    await host.apply(text.replace('endpoint: Roles', 'endpoint: Bulk'));
    expect(JSON.stringify(await host.admin('GET', '/connectors'))).toContain("SCIM's own");
    await host.apply(directoryConfiguration(host.file));
    expect((await here.send('GET', '/Users?count=1')).status).toBe(200);
  });

  it('S-238 a configuration that takes away or narrows what resources have says so before and when it is applied; the values stay', async () => {
    const made = await create({ title: 'Kept', locale: 'en', emails: [{ type: 'home', value: 'kept@example.com' }] });
    const text = directoryConfiguration(host.file);
    const warningsOf = async (changed: string): Promise<string> => JSON.stringify((await host.admin('POST', '/configuration/diff', changed))['warnings']);
    expect(await warningsOf(text)).toBe('[]');
    expect(await warningsOf(text.replace('          title: title\n', ''))).toContain('\\"title\\" is not mapped any more, and');
    expect(await warningsOf(text.replace(`          'emails[type eq "home"].value': homeMail\n`, ''))).toContain('is not mapped any more, and');
    expect(
      await warningsOf(text.replace('          title: title\n', '          title: { attribute: title, characteristics: { mutability: readOnly } }\n')),
    ).toContain('has mutability readOnly now');
    expect(await warningsOf(text.replace('          locale: locale\n', '          locale: timezone\n'))).toContain('is \\"timezone\\" of the application now');
    // What nobody has may go, and what only grows is no narrowing.
    expect(await warningsOf(text.replace(`          'addresses[type eq "work"].country': country\n`, ''))).toBe('[]');
    expect(await warningsOf(text.replace('          timezone: timezone\n', '          timezone: timezone\n          nickName: badge\n'))).toBe('[]');
    await host.apply(text.replace('          title: title\n', ''));
    const without = (await here.send('GET', `/Users/${String(made['id'])}`)).body;
    expect([without['userName'], without['locale'], without['title']]).toEqual([made['userName'], 'en', undefined]);
    await host.apply(text);
    expect((await here.send('GET', `/Users/${String(made['id'])}`)).body['title']).toBe('Kept');
  });

  it('S-005 how to authenticate is read without a credential only where an administrator says so, and nothing else is', async () => {
    const anonymous = async (path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetchAnonymous(host, path, method, headers);
      return { status: response.status, body: response.body };
    };
    const text = directoryConfiguration(host.file);
    await host.apply(text);
    expect((await anonymous('/scim/dir/ServiceProviderConfig')).status).toBe(401);
    await host.apply(text.replace('    massChange: off\n', '    massChange: off\n    publicAuthenticationSchemes: true\n'));
    for (const path of ['/scim/dir/ServiceProviderConfig', '/scim/dir/v2/serviceproviderconfig/', '/ecma2host_dir/scim/ServiceProviderConfig']) {
      const { status, body } = await anonymous(path);
      expect(status, path).toBe(200);
      expect(Object.keys(body), path).toEqual(['schemas', 'authenticationSchemes']);
      expect(body['authenticationSchemes'], path).toMatchObject([{ type: 'oauthbearertoken' }]);
    }
    for (const path of [
      '/scim/dir/Schemas',
      '/scim/dir/ResourceTypes',
      '/scim/dir/Users',
      '/scim/other/ServiceProviderConfig',
      '/scim/none/ServiceProviderConfig',
      '/scim/dir/ServiceProviderConfig/x',
    ])
      expect((await anonymous(path)).status, path).toBe(401);
    expect((await anonymous('/scim/dir/ServiceProviderConfig', 'POST')).status).toBe(401);
    expect((await anonymous('/scim/dir/ServiceProviderConfig', 'GET', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await here.send('GET', '/ServiceProviderConfig')).body).toHaveProperty('patch');
    await host.apply(text);
  });

  it('S-003 S-207 S-249 a connector that only observes says so, and refuses what it does not advertise with 501', async () => {
    const made = await create();
    const path = `/Users/${String(made['id'])}`;
    await host.apply(directoryConfiguration(host.file).replace('    massChange: off\n', '    massChange: off\n    mode: observe\n'));
    const {
      patch: patches,
      bulk,
      changePassword,
      filter,
      sort,
      etag,
    } = (await here.send('GET', '/ServiceProviderConfig')).body as Readonly<Record<string, Json>>;
    expect([patches, bulk?.['supported'], changePassword, filter?.['supported'], sort, etag]).toEqual([
      { supported: false },
      false,
      { supported: false },
      true,
      { supported: true },
      { supported: true },
    ]);
    const operations = [{ op: 'replace', path: 'title', value: 'x' }];
    const bulkBody = { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: [{ method: 'DELETE', path }] };
    expect((await patch(path, operations)).status).toBe(501);
    // What needs no feature is not allowed just now.
    expect((await here.send('PUT', path, { body: user() })).status).toBe(403);
    expect((await here.send('POST', '/Users', { body: user() })).status).toBe(403);
    expect((await here.send('DELETE', path)).status).toBe(403);
    const answer = await here.send('POST', '/Bulk', { body: bulkBody });
    expect([answer.status, (answer.body['Operations'] as readonly Json[] | undefined)?.[0]?.['status']]).toEqual([501, undefined]);
    expect((await here.send('GET', path)).status).toBe(200);
    await host.apply(directoryConfiguration(host.file));
    expect((await patch(path, operations)).status).toBe(200);
  });

  it('S-119 SEC-04 a walk by cursor ends when its token is revoked', async () => {
    const made = await host.admin('POST', '/tokens', { connector: 'dir', client: 'walker' });
    const headers = { authorization: `Bearer ${String(made['token'])}` };
    await create();
    await create();
    const first = await here.send('GET', '/Users?cursor&count=1', { headers });
    await host.admin('DELETE', `/tokens/${String(made['id'])}`);
    expect((await here.send('GET', `/Users?count=1&cursor=${String(first.body['nextCursor'])}`, { headers })).status).toBe(401);
  });

  it('SEC-09 SEC-26 bulk and search are held to the scope of the credential, operation by operation', async () => {
    const victim = await create();
    const reader = { authorization: `Bearer ${await host.token({ client: 'reader', operations: ['read'] })}` };
    const writer = { authorization: `Bearer ${await host.token({ client: 'writer', operations: ['create'] })}` };
    const operations = [
      { method: 'POST', path: '/Users', bulkId: 'a', data: user() },
      { method: 'DELETE', path: `/Users/${String(victim['id'])}` },
      { method: 'DELETE', path: '/Users/bulkId:a' },
    ];
    const statuses = async (headers: Readonly<Record<string, string>>): Promise<readonly unknown[]> => {
      const answer = await here.send('POST', '/Bulk', {
        headers,
        body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: operations },
      });
      return (answer.body['Operations'] as readonly Json[]).map((result) => result['status']);
    };
    expect(await statuses(reader)).toEqual(['403', '403', '400']);
    expect(await statuses(writer)).toEqual(['201', '403', '403']);
    const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], count: 1 };
    expect((await here.send('POST', '/Users/.search', { headers: writer, body: search })).status).toBe(403);
    expect((await here.send('POST', '/.search', { headers: writer, body: search })).status).toBe(403);
    expect((await here.send('POST', '/.search', { headers: reader, body: search })).status).toBe(200);
  });

  it('S-173 SEC-19 a credential belongs to a client, never to a person: nothing of the host outlives or follows a user', async () => {
    const made = await create();
    const ids = async (): Promise<readonly unknown[]> => ((await host.admin('GET', '/tokens')) as unknown as readonly Json[]).map((one) => one['id']);
    const tokens = await ids();
    await here.send('DELETE', `/Users/${String(made['id'])}`);
    expect(JSON.stringify(await host.admin('GET', '/tokens'))).not.toContain(String(made['id']));
    expect(await ids()).toEqual(tokens);
    await expect(host.admin('POST', '/tokens', { connector: 'dir', subject: made['id'], client: String(made['id']).repeat(3) })).rejects.toThrow(/400/);
  });
});

describe('the way in', () => {
  it('S-218 SEC-01 every route of the host is closed without a credential, for every method; but the token endpoint, the public keys and the probes', async () => {
    // Probes learn that the host lives and is ready, and nothing of it (SEC-63).
    const OPEN = new Set(['/oauth2/token', '/.well-known/jwks.json', '/health/live', '/health/ready']);
    const routes = host.server.routes.filter((route) => !OPEN.has(route.url));
    expect(routes.length).toBeGreaterThan(40);
    for (const { method, url } of routes) {
      const path = url.replace(/:connector|:type|:id|:run|:\w+/g, 'dir').replace('*', 'Users');
      const answer = await here.send(method as 'GET', path, { base: host.server.url, headers: { authorization: '' } });
      // After a hundred of them the answer is 429: slow down.
      expect([401, 429], `${method} ${path}: ${answer.status}`).toContain(answer.status);
    }
  });

  it('S-227 TLS 1.2 and 1.3 with forward secrecy, nothing older, and no plain HTTP', async () => {
    const { hostname, port } = new URL(host.server.url);
    const handshake = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3', ciphers?: string): Promise<string> => {
      const socket = connect({
        host: hostname,
        port: Number(port),
        ca: host.ca,
        minVersion: version,
        maxVersion: version,
        ...(ciphers === undefined ? {} : { ciphers }),
      });
      try {
        await once(socket, 'secureConnect');
        return `${socket.getProtocol()} ${socket.getCipher().name}`;
      } catch (error) {
        return String((error as { readonly code?: string }).code);
      } finally {
        socket.destroy();
      }
    };
    expect(await handshake('TLSv1.2')).toMatch(/^TLSv1\.2 ECDHE-.*GCM/);
    expect(await handshake('TLSv1.3')).toMatch(/^TLSv1\.3 /);
    expect(await handshake('TLSv1.1', 'ALL:@SECLEVEL=0')).toMatch(/^(ERR_|ECONN)/);
    await expect(fetch(`http://${hostname}:${port}/scim/dir/Users`)).rejects.toThrow();
  });

  it('S-023 SEC-36 a forged Host header shows up nowhere, and control characters reach no header', async () => {
    const { hostname, port } = new URL(host.server.url);
    const made = await create();
    const token = await host.token({ client: 'raw' });
    const socket = connect({ host: hostname, port: Number(port), ca: host.ca });
    await once(socket, 'secureConnect');
    socket.write(`GET /scim/dir/Users/${String(made['id'])} HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += String(chunk);
    expect(text).toContain('200 OK');
    expect(text).not.toContain('evil.example');
    const odd = await here.send('GET', `/Users/${encodeURIComponent('x\r\nSet-Cookie: a=b')}`);
    expect([odd.status, odd.headers['set-cookie']]).toEqual([404, undefined]);
  });

  it('S-192 who reads no answer before the whole body was sent gets the 413 all the same', async () => {
    const { hostname, port } = new URL(host.server.url);
    const token = await host.token({ client: 'sender' });
    const socket = connect({ host: hostname, port: Number(port), ca: host.ca });
    await once(socket, 'secureConnect');
    const length = 4_300_000;
    socket.write(
      `POST /scim/dir/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/scim+json\r\nContent-Length: ${length}\r\n\r\n`,
    );
    for (let sent = 0; sent < length; sent += 43_000)
      await new Promise<void>((resolve, reject) => socket.write(Buffer.alloc(43_000, 0x20), (error) => (error ? reject(error) : resolve())));
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 413/);
  });

  it('SEC-30 S-192 hostile HTTP is answered 4xx or cut off: two lengths, an endless header, a body that is too large in pieces', async () => {
    const { hostname, port } = new URL(host.server.url);
    const token = await host.token({ client: 'hostile' });
    const speak = async (lines: readonly string[], ...body: readonly string[]): Promise<string> => {
      const socket = connect({ host: hostname, port: Number(port), ca: host.ca });
      await once(socket, 'secureConnect');
      socket.on('error', () => {});
      socket.write(
        `${[lines[0], 'Host: localhost', `Authorization: Bearer ${token}`, 'Content-Type: application/scim+json', ...lines.slice(1)].join('\r\n')}\r\n\r\n`,
      );
      for (const piece of body) socket.write(piece);
      let text = '';
      try {
        for await (const chunk of socket) {
          text += String(chunk);
          if (text.includes('\r\n\r\n')) break;
        }
      } catch {
        // The host hung up: that is an answer too.
      }
      socket.destroy();
      return text;
    };
    expect(await speak(['POST /scim/dir/Users HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n')).not.toMatch(/HTTP\/1\.1 2/);
    expect(await speak(['GET /scim/dir/Users HTTP/1.1', `X: ${'x'.repeat(100_000)}`])).not.toMatch(/HTTP\/1\.1 2/);
    expect(await speak([`GET /scim/dir/Users?x=${'y'.repeat(100_000)} HTTP/1.1`])).not.toMatch(/HTTP\/1\.1 2/);
    const piece = `${(1024 * 1024).toString(16)}\r\n${' '.repeat(1024 * 1024)}\r\n`;
    expect(await speak(['POST /scim/dir/Users HTTP/1.1', 'Transfer-Encoding: chunked'], piece, piece, piece, piece, piece)).toMatch(/^(HTTP\/1\.1 413|$)/);
    // A bomb is not unpacked: what is packed at all is refused before a byte of it is read as JSON.
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip'])
      expect((await here.send('POST', '/Users', { raw: bomb, headers: { 'content-encoding': encoding } })).status, encoding).toBe(415);
    // Two headers of one length, a length that is no number, a name with a blank before its colon, a folded line: each is a way to smuggle.
    for (const header of [
      'Content-Length: 5\r\nContent-Length: 6',
      'Content-Length: +5',
      'Transfer-Encoding : chunked',
      'X: a\r\n b',
      'Transfer-Encoding: chunked, identity',
    ])
      expect(await speak(['POST /scim/dir/Users HTTP/1.1', header], '0\r\n\r\n'), header).not.toMatch(/HTTP\/1\.1 2/);
    expect((await here.send('GET', '/Users?count=1')).status).toBe(200);
  });

  it('SEC-30 who sends a request a byte at a time is cut off in bounded time', () => {
    // The times are those of the server itself: waiting for them would take a minute.
    const { server } = createHttpServer({ key: '', cert: '' });
    expect(server).toMatchObject({ requestTimeout: 60_000, keepAliveTimeout: 120_000 });
    expect(server.headersTimeout).toBeGreaterThan(0);
    expect(server.headersTimeout).toBeLessThanOrEqual(60_000);
  });

  it('S-216 bodies in pieces, Expect: 100-continue and a connection that is used again work; a suffix .scim is no spelling of an id', async () => {
    const { hostname, port } = new URL(host.server.url);
    const authorization = `Authorization: Bearer ${await host.token({ client: 'pieces' })}`;
    const socket = connect({ host: hostname, port: Number(port), ca: host.ca });
    await once(socket, 'secureConnect');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    const answered = (pattern: RegExp): Promise<void> => vi.waitFor(() => expect(text).toMatch(pattern), 20_000);
    const body = JSON.stringify(user());
    const head = (...more: readonly string[]): string =>
      `${['POST /scim/dir/Users HTTP/1.1', 'Host: localhost', authorization, 'Content-Type: application/scim+json', ...more].join('\r\n')}\r\n\r\n`;
    socket.write(head(`Content-Length: ${body.length}`, 'Expect: 100-continue'));
    await answered(/^HTTP\/1\.1 100 /);
    socket.write(body);
    await answered(/HTTP\/1\.1 201 .*"userName"/s);
    text = '';
    const second = JSON.stringify(user());
    socket.write(head('Transfer-Encoding: chunked'));
    for (const piece of [second.slice(0, 7), second.slice(7)]) socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    socket.write('0\r\n\r\n');
    await answered(/HTTP\/1\.1 201 .*"userName"/s);
    socket.destroy();
    const made = await create();
    const id = String(made['id']);
    for (const path of [`/Users/${id}.scim`, `/Users/${id}.json`, '/Users.scim']) expect((await here.send('GET', path)).status, path).toBe(404);
    for (const accept of ['text/html', 'application/xml', 'image/*'])
      expect((await here.send('GET', `/Users/${id}`, { headers: { accept } })).status, accept).toBe(406);
    const options = await here.send('OPTIONS' as 'GET', `/Users/${id}`, {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    });
    expect(Object.keys(options.headers).filter((one) => one.startsWith('access-control'))).toEqual([]);
    for (const query of ['', '?attributes=userName']) {
      const [got, head2] = [await here.send('GET', `/Users/${id}${query}`), await here.send('HEAD' as 'GET', `/Users/${id}${query}`)];
      expect([head2.status, head2.text, head2.headers['etag'], head2.headers['content-length'], head2.headers['content-type']]).toEqual([
        got.status,
        '',
        got.headers['etag'],
        got.headers['content-length'],
        got.headers['content-type'],
      ]);
    }
  });

  it('SEC-58 SEC-63 what people are called is in no log of the host, and health tells nothing without a credential', async () => {
    const secret = name('confidential');
    await create({ userName: secret });
    await find(`userName eq "${secret}"`);
    for (const file of readdirSync(join(host.folder, 'data'), { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.log'))) {
      let text = '';
      for await (const chunk of createReadStream(join(host.folder, 'data', file))) text += String(chunk);
      expect(text, file).not.toContain(secret);
    }
    for (const path of ['/health', '/metrics', '/status', '/'])
      expect((await here.send('GET', path, { base: host.server.url, headers: { authorization: '' } })).text).not.toMatch(/"dir"|dir"|0\.1\.0/);
  });

  it('SEC-65 the supply chain is locked: exact versions, integrity for all, and nothing that runs at install', () => {
    const root = join(import.meta.dirname, '../..');
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, Json>> };
    const foreign = Object.entries(lock.packages).filter(([path, one]) => path.includes('node_modules/') && one['link'] !== true);
    expect(foreign.length).toBeGreaterThan(100);
    expect(foreign.filter(([, one]) => typeof one['integrity'] !== 'string').map(([path]) => path)).toEqual([]);
    const manifests = [root, ...['packages', 'apps', 'connectors'].flatMap((folder) => readdirSync(join(root, folder)).map((one) => join(root, folder, one)))];
    for (const manifest of manifests.map((one) => join(one, 'package.json')).filter((one) => existsSync(one))) {
      const {
        dependencies = {},
        devDependencies = {},
        scripts = {},
      } = JSON.parse(readFileSync(manifest, 'utf8')) as Readonly<Record<string, Readonly<Record<string, string>>>>;
      for (const version of Object.values({ ...dependencies, ...devDependencies })) expect(version, manifest).toMatch(/^\d/);
      for (const script of ['preinstall', 'install', 'postinstall']) expect(scripts[script], manifest).toBeUndefined();
    }
  });
});
