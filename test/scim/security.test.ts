import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAllowedFrom } from '../../apps/server/src/http/allowed-networks.ts';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { directoryConfiguration } from './directory-application.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** Controls of the security list that concern the whole host, and rules that its sources keep. */
type Json = Readonly<Record<string, unknown>>;
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const root = join(import.meta.dirname, '../..');
let host: DirectoryHost;
let scim: ScimConnection;
let other: ScimConnection;
let sink: Server;
let visits = 0;

const sources = execFileSync('git', ['ls-files', 'packages/*.ts', 'apps/*.ts', 'connectors/*.ts'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && !/\.test\.ts$|\/testing\//.test(file));
const naming = (pattern: RegExp): readonly string[] =>
  sources.filter((file) => pattern.test(readFileSync(join(root, file), 'utf8').replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '')));

beforeAll(async () => {
  host = await startDirectoryHost({ second: true });
  await host.importAll();
  scim = await host.connect();
  other = await host.connect('lenient', '/scim/other', 'other');
  sink = createServer((_, response) => {
    visits += 1;
    response.end();
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  sink.close();
  await host.close();
});

describe('the host', () => {
  it('SEC-05 SEC-08 credentials are issued, listed and revoked by the administrator alone', async () => {
    const token = await host.token({ client: 'someone' });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    for (const [method, path] of [
      ['POST', '/admin/v1/tokens'],
      ['GET', '/admin/v1/tokens'],
      ['DELETE', '/admin/v1/tokens/x'],
      ['PUT', '/admin/v1/configuration'],
    ] as const) {
      const answer = await scim.send(method, path, { base: host.server.url, headers, ...(method === 'GET' ? {} : { body: { connector: 'dir' } }) });
      expect([answer.status, answer.text.includes('token": "')], path).toEqual([401, false]);
    }
  });

  it('SEC-60 S-225 what was denied is in the audit: who, from where and what, never the path or the secret', async () => {
    const token = await host.token({ client: 'reader', operations: ['read'] });
    const send = (bearer: string) =>
      scim.send('DELETE', '/Users/secret-id?filter=secret-filter', { headers: { authorization: `Bearer ${bearer}` } }).then((answer) => answer.status);
    expect([await send(token), await send('secret-token'), await send('secret-token')]).toEqual([403, 401, 401]);
    const find = async (): Promise<readonly Json[]> =>
      ((await host.admin('GET', '/audit')) as unknown as readonly Json[]).filter((one) => String(one['action']).startsWith('denied.'));
    await expect
      .poll(async () => (await find()).map((one) => one['action']).sort(), { timeout: 20_000 })
      .toEqual(expect.arrayContaining(['denied.401', 'denied.403']));
    const rows = await find();
    expect(rows.find((one) => one['action'] === 'denied.403')).toMatchObject({
      actor: token.slice('lb_'.length, 'lb_'.length + 12),
      detail: 'DELETE /scim/:connector/* from 127.0.0.1 at dir',
    });
    expect(JSON.stringify(rows)).not.toContain('secret-');
  });

  it('SEC-60 SEC-26 what was denied within a bulk request is in the audit, too', async () => {
    const token = await host.token({ client: 'maker', operations: ['read', 'create'] });
    const Operations = [
      { method: 'DELETE', path: '/Users/secret-id' },
      { method: 'POST', path: '/Users', bulkId: 'a', data: { schemas: [USER], userName: 'made-in-bulk' } },
    ];
    const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations };
    const answer = await scim.send('POST', '/Bulk', { headers: { authorization: `Bearer ${token}` }, body });
    expect((answer.body['Operations'] as readonly Json[]).map((one) => one['status'])).toEqual(['403', '201']);
    const find = async (): Promise<readonly unknown[]> =>
      ((await host.admin('GET', '/audit')) as unknown as readonly Json[])
        .filter((one) => one['actor'] === token.slice('lb_'.length, 'lb_'.length + 12) && String(one['action']).startsWith('denied.'))
        .map((one) => [one['action'], one['detail']]);
    await expect.poll(find, { timeout: 20_000 }).toEqual([['denied.403', 'DELETE in bulk /scim/:connector/* from 127.0.0.1 at dir']]);
  });

  it('SEC-12 what a connector keeps is in a file of its own: no query could reach a neighbour', async () => {
    const secret = 'only-in-the-other-one';
    expect((await other.send('POST', '/Users', { body: { schemas: [USER], userName: secret } })).status).toBe(201);
    const bytes = (name: string): Buffer => {
      const folder = join(host.folder, 'data/connectors', name);
      return Buffer.concat(
        readdirSync(folder)
          .filter((file) => file.startsWith('connector.db'))
          .map((file) => readFileSync(join(folder, file))),
      );
    };
    expect([bytes('other').includes(secret), bytes('dir').includes(secret)]).toEqual([true, false]);
  });

  it('SEC-21 roles, entitlements, groups and attributes of a person give no privilege, not even to a credential that acts as the person', async () => {
    const privileged = ['super_admin', 'admin', 'landbridge-admin'];
    const body = { schemas: [USER], userName: 'mallory', roles: privileged.map((value) => ({ value })), title: 'admin' };
    const made = await scim.send('POST', '/Users', { body });
    expect(made.status, made.text).toBe(201);
    const id = String(made.body['id']);
    for (const displayName of ['admin', 'Administrators', 'landbridge-admin']) {
      const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName, members: [{ value: id }] };
      expect((await scim.send('POST', '/Groups', { body: group })).status, displayName).toBe(201);
    }
    const token = await host.token({ client: 'mallory', me: id, operations: ['read'], resourceTypes: ['User'] });
    const asMallory = { headers: { authorization: `Bearer ${token}` } };
    const change = {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'add', path: 'roles', value: [{ value: 'super_admin' }] }],
    };
    for (let round = 0; round < 2; round += 1) {
      expect((await scim.send('GET', '/Me', asMallory)).status).toBe(200);
      expect((await scim.send('PATCH', '/Me', { ...asMallory, body: change })).status).toBe(403);
      expect((await scim.send('DELETE', `/Users/${id}`, asMallory)).status).toBe(403);
      expect((await scim.send('GET', '/Groups', asMallory)).status).toBe(403);
      for (const path of ['/admin/v1/status', '/admin/v1/tokens', '/admin/v1/audit', '/metrics'])
        expect((await scim.send('GET', path, { ...asMallory, base: host.server.url })).status, path).toBe(401);
      // Once more with whatever a change of roles could have opened.
      expect((await scim.send('PATCH', `/Users/${id}`, { body: change })).status).toBe(200);
    }
    expect((await scim.send('GET', '/Me')).status).toBe(501);
  });

  it('SEC-47 URLs in resources are never fetched', async () => {
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/x`;
    const body = { schemas: [USER], userName: 'visitor', externalId: url, profileUrl: url, photos: [{ value: url }], title: url };
    const made = await scim.send('POST', '/Users', { body });
    expect(made.status, made.text).toBe(201);
    const group = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: url, members: [{ value: made.body['id'], $ref: url }] };
    expect((await scim.send('POST', '/Groups', { body: group })).status).toBe(201);
    // A reference by its URI alone is looked up by the id in it, here and nowhere else.
    expect((await scim.send('POST', '/Users', { body: { ...body, userName: 'other.visitor', manager: { $ref: url } } })).status).toBe(400);
    expect(visits).toBe(0);
  });

  it('SEC-64 SEC-13 there are the documented routes and no others, and no spelling of a path leads out of SCIM', async () => {
    for (const { url } of host.server.routes)
      expect(url).toMatch(/^\/(?:admin\/v1\/|scim\/:connector|ecma2host_:connector\/scim|oauth2\/token$|\.well-known\/|events\/|health|live|ready|metrics)/);
    const headers = { authorization: `Bearer ${await host.token({ client: 'wanderer' })}` };
    for (const path of [
      '/scim/dir/../../admin/v1/status',
      '/scim/dir/%2e%2e/%2e%2e/admin/v1/status',
      '/scim/dir/..;/admin/v1/status',
      '/scim/dir/Users/..%2f..%2f..%2fadmin%2fv1%2fstatus',
      '/scim//dir//..//other/Users',
      '/scim/dir/v1/Users',
      '/debug',
      '/scim/dir;x=1/Users',
    ]) {
      const answer = await scim.send('GET', path, { base: host.server.url, headers });
      expect([400, 401, 404], `${path}: ${answer.status}`).toContain(answer.status);
      expect(answer.text).not.toContain('"connectors"');
    }
  });

  it('S-226 clients come from the networks that the administrator names, and from no others', async () => {
    expect(isAllowedFrom(['10.0.0.0/8', '2001:db8::/32'], '10.9.8.7')).toBe(true);
    expect(isAllowedFrom(['10.0.0.0/8'], '::ffff:10.1.1.1')).toBe(true);
    expect(isAllowedFrom(['10.0.0.0/8', '2001:db8::/32'], '2001:db8::5')).toBe(true);
    for (const address of ['11.0.0.1', '::1', '::ffff:11.0.0.1', '2001:db9::1'])
      expect(isAllowedFrom(['10.0.0.0/8', '2001:db8::/32'], address), address).toBe(false);
    const only = (network: string): Promise<void> => host.apply(directoryConfiguration(host.file, `    allowFrom: ['${network}']\n`));
    await only('10.0.0.0/8');
    const refused = await scim.send('GET', '/Users?count=1');
    expect([refused.status, refused.body['status']]).toEqual([403, '403']);
    await only('127.0.0.0/8');
    const here = (await scim.send('GET', '/Users?count=1')).status;
    await host.apply(directoryConfiguration(host.file, "    allowFrom: ['127.0.0.0/8', '::1/128']\n"));
    expect([200, 403]).toContain(here);
    expect((await scim.send('GET', '/Users?count=1')).status).toBe(200);
  });

  it('SEC-07 SEC-03 wrong tokens are slowed down after a hundred, with answers that tell nothing; the right one still opens', async () => {
    const right = await host.token({ client: 'right' });
    const wrong = (index: number): string =>
      index % 3 === 0 ? `${right.slice(0, -1)}${right.endsWith('A') ? 'B' : 'A'}` : index % 3 === 1 ? 'lb_x_short' : 'x'.repeat(500);
    const answers: { readonly status: number; readonly text: string }[] = [];
    for (let index = 0; index < 130; index += 1) answers.push(await scim.send('GET', '/Users', { headers: { authorization: `Bearer ${wrong(index)}` } }));
    const denied = answers.filter((answer) => answer.status === 401);
    expect(new Set(denied.map((answer) => answer.text)).size).toBe(1);
    expect(answers.at(-1)?.status).toBe(429);
    expect(answers.every((answer) => answer.status === 401 || answer.status === 429)).toBe(true);
    expect((await scim.send('GET', '/Users?count=1', { headers: { authorization: `Bearer ${right}` } })).status).toBe(200);
  });
});

describe('the sources', () => {
  it('SEC-03 secrets are compared by timingSafeEqual over digests', () => {
    const tokens = readFileSync(join(root, 'apps/server/src/credentials/tokens.ts'), 'utf8');
    expect(tokens.match(/timingSafeEqual\(/g)?.length).toBeGreaterThanOrEqual(3);
    expect(tokens).not.toMatch(/(?:hash|secret|digest)\s*(?:===|!==)\s*(?!undefined)/);
  });

  it('SEC-35 nothing evaluates text as code', () => {
    expect(sources.length).toBeGreaterThan(150);
    expect(naming(/\beval\(|new Function\(|\bFunction\(['"`]|vm\.(?:run|compile)|from 'node:vm'/)).toEqual([]);
  });

  it('SEC-34 SEC-32 values that are code elsewhere pass every layer unchanged, find themselves alone, and never become operators', async () => {
    const corpus = [
      "' OR 1=1 --",
      "'; DROP TABLE people; --",
      '" OR ""="',
      '%',
      '_%_',
      '\\',
      '[a-z]',
      '*)(uid=*))(|(uid=*',
      ',+"\\<>;#=',
      '$(touch /tmp/x) `id` | cat ; &&',
      '{"$gt":""}',
      '{{7*7}} ${7*7} <%= 7*7 %>',
      '=1+1|cmd',
      '@SUM(A1)',
      "//user[name/text()='x' or '1'='1']",
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
      '<script>alert(1)</script>',
      '\u2019 OR 1=1',
      'a\tb\nc',
    ];
    const mark = `code-${process.pid}`;
    const ids = new Map<string, unknown>();
    for (const [index, value] of corpus.entries()) {
      const made = await scim.send('POST', '/Users', {
        body: { schemas: [USER], userName: `${mark}.${index}`, title: value, name: { familyName: mark, givenName: value } },
      });
      expect(made.status, `${value}: ${made.text}`).toBe(201);
      expect([made.body['title'], (made.body['name'] as Json)['givenName']], value).toEqual([value, value]);
      ids.set(value, made.body['id']);
    }
    const find = async (filter: string): Promise<readonly unknown[]> => {
      const found = await scim.send('GET', `/Users?filter=${encodeURIComponent(`name.familyName eq "${mark}" and ${filter}`)}`);
      expect(found.status, `${filter}: ${found.text}`).toBe(200);
      return (found.body['Resources'] as readonly Json[]).map((one) => one['id']);
    };
    for (const value of corpus) {
      expect(await find(`title eq ${JSON.stringify(value)}`), value).toEqual([ids.get(value)]);
      for (const operator of ['co', 'sw', 'ew'] as const) {
        const holds = { co: (one: string) => one.includes(value), sw: (one: string) => one.startsWith(value), ew: (one: string) => one.endsWith(value) }[
          operator
        ];
        expect((await find(`title ${operator} ${JSON.stringify(value)}`)).length, `${operator} ${value}`).toBe(corpus.filter(holds).length);
      }
    }
    for (const operator of [{ $gt: '' }, { $ne: null }, ['a', 'b'], { toString: 'x' }])
      for (const body of [
        { schemas: [USER], userName: operator },
        { schemas: [USER], userName: `${mark}.x`, title: operator },
      ])
        expect((await scim.send('POST', '/Users', { body })).status, JSON.stringify(body)).toBe(400);
    expect(await find('userName pr')).toHaveLength(corpus.length);
  });

  it('SEC-34 no program is started by way of a shell', () => {
    expect(naming(/(?<![.\w])exec\(|execSync\(|shell: true/)).toEqual([]);
  });

  it('SEC-45 no source switches off the verification of certificates for everything', async () => {
    const set = naming(/NODE_TLS_REJECT_UNAUTHORIZED/);
    expect(set).toEqual(['apps/server/src/start-server.ts']);
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await expect(startDirectoryHost()).rejects.toThrow(/NODE_TLS_REJECT_UNAUTHORIZED/);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});
