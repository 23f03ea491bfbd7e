import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectScim, type ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** What a credential may see and write, and who it is. */
type Json = Readonly<Record<string, unknown>>;
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
let host: DirectoryHost;
let full: ScimConnection;
let limited: ScimConnection;
const connections: ScimConnection[] = [];

async function connect(scope: Json): Promise<ScimConnection> {
  const connection = connectScim({ baseUrl: `${host.server.url}/scim/dir`, token: await host.token({ client: 'default', ...scope }), ca: host.ca });
  connections.push(connection);
  return connection;
}

const person = (userName: string): Json => ({
  schemas: [USER, ENTERPRISE],
  userName,
  title: 'Engineer',
  name: { givenName: 'A', familyName: 'B' },
  emails: [{ type: 'work', value: `${userName}@example.com` }],
  [ENTERPRISE]: { department: 'D', costCenter: 'C' },
});
const patch = (...operations: readonly Json[]): Json => ({ schemas: [PATCH], Operations: operations });

async function create(userName: string): Promise<string> {
  const made = await full.send('POST', '/Users', { body: person(userName) });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return String((made.body as Json)['id']);
}

beforeAll(async () => {
  host = await startDirectoryHost();
  full = await connect({ profile: 'lenient' });
  limited = await connect({ profile: 'lenient', client: 'limited', resourceTypes: ['User'], attributes: ['USERNAME', 'title', `${ENTERPRISE}:department`] });
});

afterAll(async () => {
  for (const connection of connections) await connection.close();
  await host.close();
});

describe('S-225 SEC-09 a credential that is limited to some attributes', () => {
  it('sees these alone, by every way of reading', async () => {
    const id = await create('seen');
    const shown = { id, userName: 'seen', title: 'Engineer', [ENTERPRISE]: { department: 'D' } };
    const keys = ['schemas', 'id', 'userName', 'title', ENTERPRISE, 'meta'].sort();
    const SEARCH = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: 'userName eq "seen"' };
    const first = (body: unknown): Json => ((body as Json)['Resources'] as readonly Json[])[0] ?? {};
    const ways: Readonly<Record<string, () => Promise<Json>>> = {
      read: async () => (await limited.send('GET', `/Users/${id}`)).body as Json,
      list: async () => first((await limited.send('GET', '/Users?filter=userName%20eq%20%22seen%22')).body),
      search: async () => first((await limited.send('POST', '/Users/.search', { body: SEARCH })).body),
      everywhere: async () => first((await limited.send('POST', '/.search', { body: SEARCH })).body),
      patch: async () => (await limited.send('PATCH', `/Users/${id}`, { body: patch({ op: 'replace', path: 'title', value: 'Engineer' }) })).body as Json,
    };
    for (const [way, read] of Object.entries(ways)) {
      const resource = await read();
      expect(resource, way).toMatchObject(shown);
      expect(Object.keys(resource).sort(), way).toEqual(keys);
      expect(resource[ENTERPRISE], way).toEqual({ department: 'D' });
    }
    const named = (await limited.send('GET', `/Users/${id}?attributes=emails,name,title`)).body as Json;
    expect(Object.keys(named).sort()).toEqual(['id', 'schemas', 'title']);
  });

  it('S-024 is told of no extension of which it sees nothing, and of one whose part it sees', async () => {
    const id = await create('extended');
    const names = await connect({ profile: 'lenient', client: 'names', attributes: ['userName', 'title'] });
    for (const path of [`/Users/${id}`, `/Users/${id}?attributes=title`, `/Users/${id}?excludedAttributes=title`])
      expect(((await names.send('GET', path)).body as Json)['schemas'], path).toEqual([USER]);
    expect(((await limited.send('GET', `/Users/${id}?attributes=title`)).body as Json)['schemas']).toEqual([USER, ENTERPRISE]);
    expect((await full.send('PATCH', `/Users/${id}`, { body: patch({ op: 'remove', path: `${ENTERPRISE}:department` }) })).status).toBe(200);
    expect(((await limited.send('GET', `/Users/${id}`)).body as Json)['schemas']).toEqual([USER]);
    expect(((await full.send('GET', `/Users/${id}`)).body as Json)['schemas']).toContain(ENTERPRISE);
  });

  it('finds out nothing about others by filters and sorts', async () => {
    for (const query of [
      `filter=schemas%20eq%20%22${ENTERPRISE}%22`,
      'filter=emails%20co%20%22x%22',
      'filter=not%20(name.givenName%20pr)',
      'filter=userName%20pr%20and%20emails[type%20eq%20%22work%22]',
      'sortBy=name.familyName',
      `filter=${ENTERPRISE}:costCenter%20eq%20%22C%22`,
    ])
      expect((await limited.send('GET', `/Users?${query}`)).status, query).toBe(403);
    for (const query of ['filter=title%20pr', 'sortBy=userName', `filter=${ENTERPRISE}:department%20eq%20%22D%22`, 'filter=id%20pr'])
      expect((await limited.send('GET', `/Users?${query}`)).status, query).toBe(200);
  });

  it('changes these alone, in every spelling; a PUT leaves the others as they are', async () => {
    const id = await create('changed');
    const before = (await full.send('GET', `/Users/${id}`)).body as Json;
    for (const operation of [
      { op: 'replace', path: 'name.givenName', value: 'X' },
      { op: 'add', path: 'EMAILS[type eq "work"].value', value: 'x@example.com' },
      { op: 'replace', value: { 'name.givenName': 'X' } },
      { op: 'replace', value: { [ENTERPRISE]: { costCenter: 'X' } } },
      { op: 'remove', path: `${ENTERPRISE}:costCenter` },
      { op: 'replace', path: 'active', value: false },
      { op: 'remove', path: 'emails' },
    ])
      expect(
        (await limited.send('PATCH', `/Users/${id}`, { body: patch({ op: 'replace', path: 'title', value: 'T' }, operation) })).status,
        JSON.stringify(operation),
      ).toBe(403);
    expect((await limited.send('PUT', `/Users/${id}`, { body: { ...person('changed'), title: 'T', name: { givenName: 'X' } } })).status).toBe(403);
    expect((await full.send('GET', `/Users/${id}`)).body).toEqual(before);
    const put = await limited.send('PUT', `/Users/${id}`, {
      body: { schemas: [USER], userName: 'changed', title: 'Manager', [ENTERPRISE]: { department: 'E' } },
    });
    expect(put.status, JSON.stringify(put.body)).toBe(200);
    expect((await full.send('GET', `/Users/${id}`)).body).toMatchObject({
      title: 'Manager',
      name: before['name'],
      emails: before['emails'],
      [ENTERPRISE]: { department: 'E', costCenter: 'C' },
    });
    expect((await limited.send('POST', '/Users', { body: person('not-made') })).status).toBe(403);
    const BULK = { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'] };
    const bulk = await limited.send('POST', '/Bulk', {
      body: { ...BULK, Operations: [{ method: 'PATCH', path: `/Users/${id}`, data: patch({ op: 'replace', path: 'name.givenName', value: 'X' }) }] },
    });
    expect(bulk.body).toMatchObject({ Operations: [{ status: '403' }] });
  });

  it('and to some types: the others cannot be used, nor seen by a search over all', async () => {
    await full.send('POST', '/Groups', { body: { schemas: [GROUP], displayName: 'a group' } });
    for (const [method, path] of [
      ['GET', '/Groups'],
      ['GET', '/Groups/x'],
      ['DELETE', '/Groups/x'],
    ] as const)
      expect((await limited.send(method, path)).status, path).toBe(403);
    const everything = (await limited.send('GET', '/?filter=id%20pr')).body as Json;
    expect((everything['Resources'] as readonly Json[]).map((one) => (one['meta'] as Json)['resourceType'])).not.toContain('Group');
  });

  it('words that are no names are refused when the token is made', async () => {
    for (const scope of [{ attributes: [] }, { attributes: ['a b'] }, { resourceTypes: 'User' }, { me: '' }])
      await expect(host.token(scope)).rejects.toThrow('400');
  });
});

describe('S-194 /Me', () => {
  it('is the resource of the person that the credential acts as, under its own URL', async () => {
    const id = await create('myself');
    const me = await connect({ me: id });
    const read = await me.send('GET', '/Me');
    expect(read).toMatchObject({ status: 200, body: { id, userName: 'myself' } });
    expect(read.headers['location']).toBe(`${host.server.url}/scim/dir/Users/${id}`);
    expect((read.body as Json)['meta']).toMatchObject({ location: read.headers['location'] });
    expect((await me.send('PATCH', '/Me', { body: patch({ op: 'replace', path: 'title', value: 'I' }) })).body).toMatchObject({ id, title: 'I' });
    expect((await me.send('GET', '/me?attributes=title')).body).toMatchObject({ title: 'I' });
    expect((await me.send('POST', '/Me', { body: person('x') })).status).toBe(405);
    expect((await me.send('DELETE', '/Me')).status).toBe(204);
    expect((await me.send('GET', '/Me')).status).toBe(401);
  });

  it('S-173 SEC-19 a credential of a person ends with the account, by its id, and does not come back with it', async () => {
    const OPERATIONS: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
      patch: (id) => full.send('PATCH', `/Users/${id}`, { body: patch({ op: 'replace', path: 'active', value: false }) }),
      put: async (id) => full.send('PUT', `/Users/${id}`, { body: { ...((await full.send('GET', `/Users/${id}`)).body as Json), active: false } }),
      bulk: (id) =>
        full.send('POST', '/Bulk', {
          body: {
            schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
            Operations: [{ method: 'PATCH', path: `/Users/${id}`, data: patch({ op: 'replace', path: 'active', value: false }) }],
          },
        }),
      delete: (id) => full.send('DELETE', `/Users/${id}`),
    };
    for (const [way, end] of Object.entries(OPERATIONS)) {
      const id = await create(`leaver-${way}`);
      const other = await connect({ me: await create(`stays-${way}`), client: `stays-${way}` });
      const me = await connect({ me: id, client: `leaver-${way}` });
      expect((await me.send('GET', '/Me')).status, way).toBe(200);
      expect((await me.send('GET', '/Users?count=1')).status, way).toBe(200);
      await end(id);
      for (const path of ['/Me', '/Users?count=1', '/ServiceProviderConfig']) expect((await me.send('GET', path)).status, `${way} ${path}`).toBe(401);
      // The token is revoked in the store, not only refused: enabling the account does not bring it back.
      await vi.waitFor(async () => {
        const tokens = (await host.admin('GET', '/tokens')) as unknown as readonly { readonly scope: Json; readonly revokedAt?: number }[];
        expect(tokens.filter((one) => JSON.stringify(one.scope['me']) === JSON.stringify({ id })).map((one) => one.revokedAt !== undefined)).toEqual([true]);
      }, 20_000);
      if (way !== 'delete')
        expect((await full.send('PATCH', `/Users/${id}`, { body: patch({ op: 'replace', path: 'active', value: true }) })).status).toBe(200);
      expect((await me.send('GET', '/Me')).status, way).toBe(401);
      expect((await other.send('GET', '/Me')).status, way).toBe(200);
    }
    const audit = (await host.admin('GET', '/audit?limit=50')) as unknown as readonly Json[];
    expect(audit.filter((row) => row['action'] === 'token.revoke' && row['actor'] === 'host')).toHaveLength(5);
  });

  it('is 501 for a credential of a service, whatever the method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const)
      expect((await full.send(method, '/Me', method === 'GET' || method === 'DELETE' ? {} : { body: person('x') })).status, method).toBe(501);
  });
});
