import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** The face of SCIM 1.1, in the order in which an on-premises agent asks: test, look up, create, update, push a group. */
type Json = Readonly<Record<string, unknown>>;
const CORE = 'urn:scim:schemas:core:1.0';
const ENTERPRISE = 'urn:scim:schemas:extension:enterprise:1.0';
let host: DirectoryHost;
let token: string;
let agent: Agent;

interface Answer {
  readonly status: number;
  readonly headers: Json;
  readonly body: Json;
}

async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await request(`${host.server.url}/scim/dir/v1${path}`, {
    method,
    dispatcher: agent,
    headers: {
      authorization: `Basic ${Buffer.from(`agent:${token}`).toString('base64')}`,
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers as Json, body: text === '' ? {} : (JSON.parse(text) as Json) };
}

const resources = (answer: Answer): readonly Json[] => answer.body['Resources'] as readonly Json[];

beforeAll(async () => {
  host = await startDirectoryHost({ more: '    scim1: true\n' });
  token = await host.token({ client: 'agent' });
  agent = new Agent({ connect: { ca: host.ca } });
});

afterAll(async () => {
  await agent.close();
  await host.close();
});

describe('S-253 SCIM 1.1, as the agent on premises asks', () => {
  it('tests the connection: configuration, schemas, an empty page', async () => {
    const configuration = await ask('GET', '/ServiceProviderConfigs');
    expect(configuration).toMatchObject({
      status: 200,
      body: { schemas: [CORE], patch: { supported: true }, bulk: { supported: false }, xmlDataFormat: { supported: false }, etag: { supported: true } },
    });
    expect(String(configuration.headers['content-type'])).toMatch(/^application\/json/);
    expect((configuration.body['authenticationSchemes'] as readonly Json[]).map((one) => one['type'])).toEqual(['oauthbearertoken', 'httpbasic']);
    const users = await ask('GET', '/Schemas/Users');
    expect(users.body).toMatchObject({ id: `${CORE}:User`, schema: CORE, endpoint: '/Users' });
    const attributes = users.body['attributes'] as readonly Json[];
    expect(attributes.find((one) => one['name'] === 'userName')).toMatchObject({ schema: CORE, readOnly: false, required: true, multiValued: false });
    expect(attributes.find((one) => one['name'] === 'department')).toMatchObject({ schema: ENTERPRISE });
    expect((await ask('GET', '/Schemas')).body).toMatchObject({ schemas: [CORE], totalResults: 3 });
    expect(await ask('GET', '/Users?startIndex=1&count=2')).toMatchObject({
      status: 200,
      body: { schemas: [CORE], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] },
    });
    expect((await ask('GET', `/Users?filter=${encodeURIComponent('userName eq "nobody"')}`)).body['totalResults']).toBe(0);
  });

  it('creates, reads, replaces and disables a user, with the enterprise extension of 1.1', async () => {
    const manager = await ask('POST', '/Users', { schemas: [CORE], userName: 'boss', name: { givenName: 'Bo', familyName: 'Ss' } });
    expect(manager.status, JSON.stringify(manager.body)).toBe(201);
    const made = await ask('POST', '/Users', {
      schemas: [CORE, ENTERPRISE],
      userName: 'ada.agent',
      externalId: 'okta-1',
      name: { givenName: 'Ada', familyName: 'Agent' },
      emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
      active: true,
      [ENTERPRISE]: { department: 'Research', manager: { managerId: manager.body['id'] } },
      meta: { attributes: [] },
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const id = String(made.body['id']);
    const location = `${host.server.url}/scim/dir/v1/Users/${id}`;
    expect(made.headers['location']).toBe(location);
    expect(made.body).toMatchObject({
      userName: 'ada.agent',
      externalId: 'okta-1',
      active: true,
      [ENTERPRISE]: { department: 'Research', manager: { managerId: manager.body['id'] } },
      meta: { location },
    });
    expect((made.body['schemas'] as readonly string[]).slice(0, 2).sort()).toEqual([CORE, ENTERPRISE].sort());
    expect(JSON.stringify(made.body)).not.toMatch(/resourceType|\$ref|core:2\.0:User"|enterprise:2\.0/);
    const found = await ask('GET', `/Users?filter=${encodeURIComponent(`${ENTERPRISE}:department eq "Research"`)}&attributes=userName`);
    expect(resources(found)).toMatchObject([{ id, userName: 'ada.agent' }]);
    expect(resources(found)[0]).not.toHaveProperty('name');
    const replaced = await ask('PUT', `/Users/${id}`, { ...made.body, name: { givenName: 'Ada', familyName: 'Changed' }, [ENTERPRISE]: { department: 'Lab' } });
    expect(replaced).toMatchObject({ status: 200, body: { id, name: { familyName: 'Changed' }, [ENTERPRISE]: { department: 'Lab' } } });
    const off = await ask('PATCH', `/Users/${id}`, { schemas: [CORE], active: false });
    expect(off).toMatchObject({ status: 200, body: { active: false } });
    const removed = await ask('PATCH', `/Users/${id}`, {
      schemas: [CORE],
      meta: { attributes: [`${ENTERPRISE}:department`] },
      title: 'Emerita',
      emails: [{ value: 'ada@example.com', operation: 'delete' }],
    });
    expect(removed.status, JSON.stringify(removed.body)).toBe(200);
    expect(removed.body).toMatchObject({ title: 'Emerita', active: false });
    expect(removed.body).not.toHaveProperty('emails');
    expect(JSON.stringify(removed.body)).not.toContain('Lab');
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(200);
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
  });

  it('pushes a group: members are added, taken out one by one, and replaced', async () => {
    const ids = await Promise.all(['g1', 'g2', 'g3'].map(async (userName) => String((await ask('POST', '/Users', { schemas: [CORE], userName })).body['id'])));
    const member = (index: number): Json => ({ value: ids[index], display: `g${index + 1}` });
    const group = await ask('POST', '/Groups', { schemas: [CORE], displayName: 'Pushed', members: [member(0)] });
    expect(group.status, JSON.stringify(group.body)).toBe(201);
    const path = `/Groups/${String(group.body['id'])}`;
    const members = async (): Promise<readonly unknown[]> =>
      (((await ask('GET', path)).body['members'] ?? []) as readonly Json[]).map((one) => ids.indexOf(String(one['value']))).sort();
    const patch = async (body: Json): Promise<void> => {
      const answer = await ask('PATCH', path, { schemas: [CORE], ...body });
      expect([200, 204], JSON.stringify(answer.body)).toContain(answer.status);
    };
    await patch({ members: [member(1), member(2)] });
    expect(await members()).toEqual([0, 1, 2]);
    await patch({
      members: [
        { ...member(0), operation: 'delete' },
        { ...member(1), operation: 'delete' },
      ],
    });
    expect(await members()).toEqual([2]);
    await patch({ displayName: 'Renamed', meta: { attributes: ['members'] }, members: [member(0)] });
    expect(await members()).toEqual([0]);
    expect((await ask('GET', path)).body['displayName']).toBe('Renamed');
    await patch({ meta: { attributes: ['members'] } });
    expect(await members()).toEqual([]);
  });

  it('errors have the form of 1.1, and nothing of 2.0 answers there', async () => {
    for (const [answer, status] of [
      [await ask('GET', '/Users/nobody'), 404],
      [await ask('GET', '/Devils'), 404],
      [await ask('POST', '/Users', '{'), 400],
      [await ask('POST', '/Users', { schemas: [CORE] }), 400],
      [await ask('POST', '/Users', { schemas: [CORE], userName: 'boss' }), 409],
      [await ask('PATCH', '/Users/nobody', { schemas: [CORE] }), 400],
      [await ask('DELETE', '/Users'), 405],
      [await ask('GET', '/Me'), 404],
      [await ask('POST', '/Bulk', { Operations: [] }), 404],
      [await ask('POST', '/Users/.search', {}), 405],
      [await ask('POST', '/Users', '<User/>', { 'content-type': 'application/xml' }), 415],
      [await ask('GET', '/Users', undefined, { accept: 'application/xml' }), 406],
      [await ask('GET', '/Users', undefined, { authorization: 'Basic YWdlbnQ6d3Jvbmc=' }), 401],
      [await ask('GET', '/Users', undefined, { authorization: 'Basic !!!' }), 401],
    ] as const) {
      expect(answer.status, JSON.stringify(answer.body)).toBe(status);
      expect(Object.keys(answer.body)).toEqual(['Errors']);
      expect(answer.body['Errors']).toMatchObject([{ code: String(status), description: expect.stringMatching(/./) as string }]);
    }
    expect((await ask('GET', '/Users', undefined, { authorization: 'Basic YWdlbnQ6d3Jvbmc=' })).headers['www-authenticate']).toContain('Basic');
  });

  it('S-224 a bearer token works too; Basic opens nothing but this face, which is off unless it is switched on (SEC-64, S-015)', async () => {
    expect((await ask('GET', '/Users?count=1', undefined, { authorization: `Bearer ${token}` })).status).toBe(200);
    const basic = { authorization: `Basic ${Buffer.from(`agent:${token}`).toString('base64')}` };
    const status = async (path: string): Promise<number> => {
      const response = await request(`${host.server.url}${path}`, { dispatcher: agent, headers: basic });
      await response.body.dump();
      return response.statusCode;
    };
    expect(await status('/scim/dir/Users')).toBe(401);
    expect(await status('/admin/v1/status')).toBe(401);
    await host.apply(
      (await host.admin('GET', '/configuration'))['text'] === undefined
        ? ''
        : String((await host.admin('GET', '/configuration'))['text']).replace('    scim1: true\n', ''),
    );
    expect((await ask('GET', '/Users', undefined, { authorization: `Bearer ${token}` })).body).toMatchObject({ status: '400', scimType: 'invalidVers' });
    expect((await ask('GET', '/Users')).status).toBe(401);
  });
});
