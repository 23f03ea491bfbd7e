import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** What clients send, in their order and spelling, as their documents and captures have it: one group of tests for each client. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
type Json = Readonly<Record<string, unknown>>;

let host: DirectoryHost;
let count = 0;

beforeAll(async () => {
  host = await startDirectoryHost();
  await host.importAll();
});

afterAll(() => host.close());

/** A client of a dialect: sends, and expects a status. */
async function client(profile: string, headers: Readonly<Record<string, string>> = {}) {
  const connection: ScimConnection = await host.connect(profile);
  return async (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, status: number, body?: unknown): Promise<Json> => {
    const answer = await connection.send(method, path, { headers, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(status);
    if (answer.text !== '') expect(answer.headers['content-type']).toMatch(/^application\/scim\+json/);
    return answer.body;
  };
}

const name = (prefix: string): string => {
  count += 1;
  return `${prefix}.${count}@example.com`;
};
const filter = (text: string): string => `filter=${encodeURIComponent(text)}`;
const ops = (...Operations: readonly unknown[]): Json => ({ schemas: [PATCH], Operations });
const resources = (body: Json): readonly Json[] => body['Resources'] as readonly Json[];
const members = (body: Json): readonly unknown[] => ((body['members'] ?? []) as readonly Json[]).map((one) => one['value']).sort();

describe('Entra ID', () => {
  it('S-253 S-098 S-010 tests the connection by a name that nobody has, and reads the schemas', async () => {
    const send = await client('entra');
    const nobody = await send('GET', `/Users?${filter('userName eq "5c4cd1a2-9b21-4a6f-a1d0-3f1f3a9a9d11"')}`, 200);
    expect(nobody).toEqual({ schemas: [LIST], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] });
    expect(resources(await send('GET', '/Schemas', 200)).length).toBeGreaterThan(2);
  });

  it('S-253 S-026 S-035 S-160 S-171 the life of a user by its own PATCH dialect: capitals, strings, one attribute each', async () => {
    const send = await client('entra');
    const userName = name('entra');
    await send('GET', `/Users?${filter(`userName eq "${userName}"`)}`, 200);
    const boss = await send('POST', '/Users', 201, { schemas: [USER], userName: name('boss') });
    const created = await send('POST', '/Users', 201, {
      schemas: [USER, ENTERPRISE],
      externalId: 'jyoung',
      userName,
      active: true,
      addresses: null,
      displayName: 'Joy Young',
      emails: [{ type: 'work', value: userName, primary: true }],
      meta: { resourceType: 'User' },
      name: { familyName: 'Young', givenName: 'Joy' },
      phoneNumbers: null,
      roles: [],
      title: null,
    });
    const path = `/Users/${String(created['id'])}`;
    await send('GET', path, 200);
    const changed = await send(
      'PATCH',
      path,
      200,
      ops(
        { op: 'Replace', path: 'emails[type eq "work"].value', value: 'updated@example.com' },
        { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
        { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Brno' },
        { op: 'Add', path: 'addresses[type eq "work"].country', value: 'CZ' },
        { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Sales' },
        { op: 'Add', path: `${ENTERPRISE}:manager`, value: String(boss['id']) },
        { op: 'Add', path: 'roles', value: [{ value: '{"id":"1","value":"Admin","displayName":"Admin"}' }] },
      ),
    );
    expect(changed).toMatchObject({
      emails: [{ type: 'work', value: 'updated@example.com' }],
      name: { familyName: 'updatedFamilyName', givenName: 'Joy' },
      addresses: [{ type: 'work', locality: 'Brno', country: 'CZ' }],
      roles: [{ value: 'Admin' }],
      [ENTERPRISE]: { department: 'Sales', manager: { value: boss['id'] } },
    });
    const references = `id eq "${String(created['id'])}" and manager eq "${String(boss['id'])}"`;
    expect((await send('GET', `/Users?${filter(references)}&attributes=id`, 200))['totalResults']).toBe(1);
    const manager = [{ $ref: `../Users/${String(boss['id'])}`, value: boss['id'] }];
    await send('PATCH', path, 200, ops({ op: 'Replace', path: 'manager', value: manager }));
    const removed = await send('PATCH', path, 200, ops({ op: 'Remove', path: 'emails[type eq "work"].value', value: 'updated@example.com' }));
    expect(removed['emails']).toBeUndefined();
    expect((await send('PATCH', path, 200, ops({ op: 'Replace', path: 'active', value: 'False' })))['active']).toBe(false);
    expect((await send('GET', path, 200))['active']).toBe(false);
    expect((await send('PATCH', path, 200, ops({ op: 'Replace', path: 'active', value: 'True' })))['active']).toBe(true);
    await send('DELETE', path, 204);
    await send('GET', path, 404);
  });

  it('S-253 S-158 S-017 with its compatibility flag: one replace without a path, dotted and qualified keys, true booleans', async () => {
    const send = await client('entra');
    const created = await send('POST', '/Users?aadOptscim062020', 201, { schemas: [USER], userName: name('flag'), name: { givenName: 'A', familyName: 'B' } });
    const path = `/Users/${String(created['id'])}`;
    const value = {
      displayName: 'Pvlo',
      active: false,
      'name.givenName': 'Neo',
      [`${ENTERPRISE}:employeeNumber`]: '27',
      'emails[type eq "work"].value': 'n@x',
    };
    expect(await send('PATCH', path, 200, ops({ op: 'replace', value }))).toMatchObject({
      displayName: 'Pvlo',
      active: false,
      name: { givenName: 'Neo', familyName: 'B' },
      [ENTERPRISE]: { employeeNumber: '27' },
      emails: [{ type: 'work', value: 'n@x' }],
    });
    expect((await send('PATCH', path, 200, ops({ op: 'remove', path: 'displayName' })))['displayName']).toBeUndefined();
  });

  it('S-253 S-174 S-124 S-149 S-138 the life of a group: found by name without members, members by value lists and by filter', async () => {
    const send = await client('entra');
    const people = [];
    for (let index = 0; index < 3; index += 1) people.push(String((await send('POST', '/Users', 201, { schemas: [USER], userName: name('member') }))['id']));
    people.sort();
    const displayName = name('group');
    expect((await send('GET', `/Groups?excludedAttributes=members&${filter(`displayName eq "${displayName}"`)}`, 200))['totalResults']).toBe(0);
    const schemas = [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'];
    const group = await send('POST', '/Groups', 201, { schemas, externalId: 'g1', displayName, meta: { resourceType: 'Group' } });
    const path = `/Groups/${String(group['id'])}`;
    await send('PATCH', path, 204, ops({ op: 'Add', path: 'members', value: people.map((value) => ({ $ref: null, value })) }));
    expect((await send('GET', `${path}?excludedAttributes=members`, 200))['members']).toBeUndefined();
    expect(members(await send('GET', path, 200))).toEqual(people);
    const check = `id eq "${String(group['id'])}" and members eq "${people[0]}"`;
    expect((await send('GET', `/Groups?${filter(check)}&attributes=id`, 200))['totalResults']).toBe(1);
    await send('PATCH', path, 204, ops({ op: 'Remove', path: 'members', value: [{ $ref: null, value: people[0] }] }));
    expect(members(await send('GET', path, 200))).toEqual(people.slice(1));
    await send('PATCH', path, 204, ops({ op: 'remove', path: `members[value eq "${people[1]}"]` }));
    expect(members(await send('GET', path, 200))).toEqual(people.slice(2));
    await send('PATCH', path, 204, ops({ op: 'Replace', path: 'displayName', value: name('renamed') }));
    expect(members(await send('GET', path, 200))).toEqual(people.slice(2));
    await send('DELETE', path, 204);
    for (const id of people) await send('GET', `/Users/${id}`, 200);
  });

  it('S-253 S-144 S-156 S-166 its validator: add, replace and remove of every attribute that the schema shows', async () => {
    const send = await client('entra');
    const path = `/Users/${String((await send('POST', '/Users', 201, { schemas: [USER], userName: name('validator') }))['id'])}`;
    for (const attribute of [
      'displayName',
      'title',
      'timezone',
      'locale',
      'name.givenName',
      'emails[type eq "home"].value',
      'phoneNumbers[type eq "mobile"].value',
      `${ENTERPRISE}:costCenter`,
    ]) {
      for (const op of ['add', 'replace']) await send('PATCH', path, 200, ops({ op, path: attribute, value: `${op}-value` }));
      await send('PATCH', path, 200, ops({ op: 'remove', path: attribute }));
    }
    expect((await send('PATCH', path, 400, ops({ op: 'remove', path: 'userName' })))['scimType']).toBe('mutability');
  });
});

describe('Entra ID, where applications differ', () => {
  it('S-253 S-094 S-095 S-080 finds by whatever the administrator matches on: externalId, an e-mail address, several in order', async () => {
    const send = await client('entra');
    const userName = name('match');
    const { id } = await send('POST', '/Users', 201, {
      schemas: [USER],
      userName,
      externalId: `${userName}-x`,
      emails: [{ type: 'work', value: `${userName}@x` }],
    });
    for (const text of [`externalId eq "${userName}-x"`, `emails[type eq "work"].value eq "${userName}@x"`, `userName eq "${userName.toUpperCase()}"`]) {
      const found = await send('GET', `/Users?${filter(text)}`, 200);
      expect([found['totalResults'], resources(found)[0]?.['id']], text).toEqual([1, id]);
    }
    await send('GET', `/Users?${filter(`externalId eq "nobody"`)}`, 200);
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: userName, externalId: `${userName}-g` });
    expect(resources(await send('GET', `/Groups?excludedAttributes=members&${filter(`externalId eq "${userName}-g"`)}`, 200))[0]?.['id']).toBe(group['id']);
  });

  it('S-253 S-160 S-163 S-143 its validator sets primary on what it added, and addresses an element by it with a boolean as text', async () => {
    const send = await client('entra');
    const emails = [
      { type: 'work', value: 'w@x' },
      { type: 'home', value: 'h@x' },
    ];
    const created = await send('POST', '/Users', 201, { schemas: [USER], userName: name('primary'), emails });
    const path = `/Users/${String(created['id'])}`;
    expect(await send('PATCH', path, 200, ops({ op: 'replace', path: 'emails[type eq "work"].primary', value: true }))).toEqual(created);
    expect(await send('PATCH', path, 200, ops({ op: 'Replace', path: 'emails[type eq "home"].primary', value: 'False' }))).toEqual(created);
    const changed = await send('PATCH', path, 200, ops({ op: 'Replace', path: 'emails[primary eq "True"].value', value: 'new@x' }));
    expect(changed['emails']).toEqual([
      { type: 'work', value: 'new@x', primary: true },
      { type: 'home', value: 'h@x' },
    ]);
    // Which element is the primary one follows from the mapping: another one is refused, not ignored (S-167).
    expect((await send('PATCH', path, 400, ops({ op: 'replace', path: 'emails[type eq "home"].primary', value: true })))['scimType']).toBe('mutability');
  });

  it('S-253 S-162 S-161 S-171 roles as it creates them, a manager that is cleared, and a user who returns to groups that were kept', async () => {
    const send = await client('entra');
    const boss = await send('POST', '/Users', 201, { schemas: [USER], userName: name('boss') });
    const user = await send('POST', '/Users', 201, {
      schemas: [USER, ENTERPRISE],
      userName: name('roles'),
      roles: [{ primary: 'True', displayName: 'Admin', value: 'Admin' }],
      [ENTERPRISE]: { manager: boss['id'] },
    });
    const path = `/Users/${String(user['id'])}`;
    expect(user).toMatchObject({ roles: [{ value: 'Admin' }], [ENTERPRISE]: { manager: { value: boss['id'] } } });
    expect((await send('PATCH', path, 200, ops({ op: 'Remove', path: `${ENTERPRISE}:manager` })))[ENTERPRISE]).toBeUndefined();
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('kept'), members: [{ value: user['id'] }] });
    await send('PATCH', path, 200, ops({ op: 'Replace', path: 'active', value: 'False' }));
    await send('PATCH', path, 200, ops({ op: 'Replace', path: 'active', value: 'True' }));
    expect(members(await send('GET', `/Groups/${String(group['id'])}`, 200))).toEqual([user['id']]);
  });
});

describe('Okta', () => {
  const headers = { 'user-agent': 'Okta SCIM Client 1.0.0', 'content-type': 'application/scim+json; charset=utf-8', accept: 'application/scim+json' };

  it('S-253 S-112 S-073 S-071 S-093 S-098 its SPEC test: list, read, unknown user, unknown id, create, create again, upper case, groups', async () => {
    const send = await client('okta', headers);
    const userName = name('Runscope');
    const body = {
      schemas: [USER],
      userName,
      name: { givenName: 'Runscope', familyName: 'Test' },
      emails: [{ primary: true, value: userName, type: 'work' }],
      displayName: 'Runscope Test',
      active: true,
      groups: [],
      password: 'ignored-here',
    };
    const created = await send('POST', '/Users', 201, body);
    expect(created).toMatchObject({ active: true, userName, name: { givenName: 'Runscope', familyName: 'Test' } });
    const [first] = resources(await send('GET', '/Users?startIndex=1&count=2', 200));
    for (const value of [first?.['id'], first?.['userName']]) expect(value).toEqual(expect.any(String));
    await send('GET', `/Users/${String(created['id'])}`, 200);
    expect(await send('GET', `/Users?${filter('userName eq "invalid.user@example.com"')}`, 200)).toMatchObject({ totalResults: 0 });
    expect(await send('GET', '/Users/010101001010101011001010101011', 404)).toMatchObject({ status: '404', detail: expect.stringMatching(/.+/) });
    expect(await send('POST', '/Users', 409, body)).toMatchObject({ scimType: 'uniqueness' });
    expect((await send('GET', `/Users?${filter(`userName eq "${userName.toUpperCase()}"`)}`, 200))['totalResults']).toBe(1);
    await send('GET', '/Groups?startIndex=1&count=100', 200);
  });

  it('S-253 S-130 S-129 S-045 an integration of its wizard does everything by GET and PUT: profile, off, on', async () => {
    const send = await client('okta', headers);
    const userName = name('aiw');
    expect((await send('GET', `/Users?${filter(`userName eq "${userName}"`)}&startIndex=1&count=100`, 200))['totalResults']).toBe(0);
    const { id } = await send('POST', '/Users', 201, {
      schemas: [USER],
      userName,
      name: { givenName: 'A', familyName: 'W', middleName: '' },
      emails: [{ primary: true, value: userName, type: 'work' }],
      active: true,
      groups: [],
    });
    const path = `/Users/${String(id)}`;
    const put = async (change: Json): Promise<Json> => send('PUT', path, 200, { ...(await send('GET', path, 200)), ...change });
    expect(await put({ name: { givenName: 'Another', familyName: 'W' } })).toMatchObject({ name: { givenName: 'Another' }, active: true });
    expect((await put({ active: false }))['active']).toBe(false);
    expect((await send('GET', path, 200))['active']).toBe(false);
    expect((await put({ active: true }))['active']).toBe(true);
    const before = await send('GET', path, 200);
    expect(await put({})).toEqual(before);
  });

  it('S-253 S-138 S-157 S-047 S-152 an OIN application: deactivation by PATCH, group push, rename with the id, full list, unlink', async () => {
    const send = await client('okta', headers);
    const people = [];
    for (let index = 0; index < 3; index += 1) people.push(String((await send('POST', '/Users', 201, { schemas: [USER], userName: name('oin') }))['id']));
    people.sort();
    expect((await send('PATCH', `/Users/${people[0]}`, 200, ops({ op: 'replace', value: { active: false } })))['active']).toBe(false);
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('pushed'), members: [] });
    const path = `/Groups/${String(group['id'])}`;
    await send('PATCH', path, 204, ops({ op: 'add', path: 'members', value: people.map((value) => ({ value, display: 'x@example.com' })) }));
    const displayName = name('pushed');
    await send('PATCH', path, 204, ops({ op: 'replace', value: { id: group['id'], displayName } }, { op: 'remove', path: `members[value eq "${people[0]}"]` }));
    expect(await send('GET', path, 200)).toMatchObject({ displayName });
    expect(members(await send('GET', path, 200))).toEqual(people.slice(1));
    await send('PATCH', path, 204, ops({ op: 'replace', path: 'members', value: [{ value: people[0], display: 'x' }] }));
    expect(members(await send('GET', path, 200))).toEqual([people[0]]);
    await send('PATCH', path, 204, ops({ op: 'replace', value: { id: group['id'], displayName, members: [] } }));
    expect(members(await send('GET', path, 200))).toEqual([]);
    await send('DELETE', path, 204);
  });
});

describe('other clients', () => {
  it('S-253 S-164 S-016 Ping: full PUT of users, two e-mails both primary, a slash at the end, groups found by reading every page', async () => {
    const send = await client('ping');
    const userName = name('ping');
    const emails = [
      { type: 'work', value: userName, primary: true },
      { type: 'home', value: 'h@example.com', primary: true },
    ];
    await send('GET', `/Users/?${filter(`userName eq "${userName}"`)}`, 200);
    const created = await send('POST', '/Users/', 201, { schemas: [USER], userName, emails, active: false });
    expect(created['active']).toBe(false);
    const updated = await send('PUT', `/Users/${String(created['id'])}`, 200, { schemas: [USER], userName, emails, active: true, name: { givenName: 'P' } });
    expect((updated['emails'] as readonly Json[]).filter((email) => email['primary'] === true)).toHaveLength(1);
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('ping') });
    const found: unknown[] = [];
    for (let start = 1; ; start += 2) {
      const page = await send('GET', `/Groups?startIndex=${start}&count=2`, 200);
      found.push(...resources(page).map((one) => one['id']));
      if (start + 2 > Number(page['totalResults'])) break;
    }
    expect(found).toContain(group['id']);
    await send('PUT', `/Groups/${String(group['id'])}`, 200, { schemas: [GROUP], displayName: group['displayName'], members: [{ value: created['id'] }] });
    expect(members(await send('GET', `/Groups/${String(group['id'])}`, 200))).toEqual([created['id']]);
  });

  it('S-253 S-011 S-179 SailPoint: five documents, pages of users, pages of groups, and a membership of nobody creates nobody', async () => {
    const send = await client('lenient');
    for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas', '/ResourceTypes/User', `/Schemas/${USER}`]) await send('GET', path, 200);
    const users = await send('GET', '/Users?startIndex=1&count=50', 200);
    await send('GET', '/Groups?startIndex=1&count=50', 200);
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('sailpoint') });
    await send('PATCH', `/Groups/${String(group['id'])}`, 400, ops({ op: 'add', path: 'members', value: [{ value: 'not-provisioned-yet' }] }));
    expect((await send('GET', '/Users?startIndex=1&count=50', 200))['totalResults']).toBe(users['totalResults']);
  });

  it('S-253 S-120 S-168 S-108 AWS-style: cursor without discovery, pages of a hundred, a hundred members a request', async () => {
    const send = await client('aws-style');
    const page = await send('GET', '/Users?cursor', 200);
    expect(page['startIndex']).toBeUndefined();
    const first = await send('GET', '/Users?count=2', 200);
    expect(first).toMatchObject({ itemsPerPage: 2, nextCursor: expect.any(String) });
    const second = await send('GET', `/Users?count=2&cursor=${String(first['nextCursor'])}`, 200);
    expect(resources(second)[0]?.['id']).not.toBe(resources(first)[0]?.['id']);
    expect((await send('GET', '/ServiceProviderConfig', 200))['pagination']).toMatchObject({ defaultPaginationMethod: 'cursor', maxPageSize: 100 });
    const user = await send('POST', '/Users', 201, {
      schemas: [USER],
      userName: name('aws'),
      displayName: 'A W',
      name: { givenName: 'A', familyName: 'W' },
      emails: [{ value: 'aws@example.com', type: 'work', primary: true }],
    });
    await send('PATCH', `/Users/${String(user['id'])}`, 200, ops({ op: 'replace', path: 'active', value: 'false' }));
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('aws'), members: [] });
    const path = `/Groups/${String(group['id'])}`;
    const many = Array.from({ length: 101 }, () => ({ value: user['id'] }));
    expect(String((await send('PATCH', path, 413, ops({ op: 'add', path: 'members', value: many })))['detail'])).toContain('100');
    await send('PATCH', path, 204, ops({ op: 'add', path: 'members', value: many.slice(1) }));
    expect((await send('GET', `/Groups?${filter(`id eq "${String(group['id'])}" and members eq "${String(user['id'])}"`)}`, 200))['Resources']).toHaveLength(1);
  });

  it('S-253 S-066 JumpCloud: a test user and a test group come and go', async () => {
    const send = await client('lenient');
    const user = await send('POST', '/Users', 201, {
      schemas: [USER],
      userName: name('jumpcloud test'),
      active: true,
      emails: [{ value: 'j@example.com', type: 'work' }],
    });
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('jumpcloud test') });
    const path = `/Groups/${String(group['id'])}`;
    await send('PATCH', path, 204, ops({ op: 'add', path: 'members', value: [{ value: user['id'] }] }));
    await send('PATCH', path, 204, ops({ op: 'remove', path: 'members', value: [{ value: user['id'] }] }));
    expect(members(await send('GET', path, 200))).toEqual([]);
    await send('DELETE', `/Users/${String(user['id'])}`, 204);
    await send('DELETE', path, 204);
  });

  it('S-253 S-131 S-142 authentik: believes ServiceProviderConfig, patches without a path, puts an explicit empty list', async () => {
    const send = await client('lenient');
    expect((await send('GET', '/ServiceProviderConfig', 200))['patch']).toEqual({ supported: true });
    const user = await send('POST', '/Users', 201, { schemas: [USER], userName: name('authentik'), externalId: 'abc' });
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('authentik'), externalId: 'def' });
    const path = `/Groups/${String(group['id'])}`;
    await send('PATCH', path, 204, ops({ op: 'add', value: { displayName: name('authentik'), members: [{ value: user['id'] }] } }));
    const read = await send('GET', path, 200);
    expect(members(read)).toEqual([user['id']]);
    await send('PUT', path, 200, { ...read, members: [] });
    expect(members(await send('GET', path, 200))).toEqual([]);
  });

  it('S-253 S-018 S-020 Keycloak: its own id in a create, no externalId, a doubled slash, the id of the service as externalId', async () => {
    const send = await client('lenient');
    const created = await send('POST', '//Users', 201, { id: 'f:1:2', schemas: [USER], userName: name('keycloak') });
    expect(created['id']).not.toBe('f:1:2');
    expect(created['externalId']).toBeUndefined();
    const again = await send('PUT', `/Users/${String(created['id'])}`, 200, { ...created, externalId: created['id'] });
    expect(again['externalId']).toBe(created['id']);
  });

  it('S-253 S-100 One Identity: two hundred ids in one filter; Google: a probe of one; Cloudflare and IBM: suspend, then delete', async () => {
    const send = await client('lenient');
    const user = await send('POST', '/Users', 201, { schemas: [USER], userName: name('oneidentity') });
    const terms = [...Array.from({ length: 199 }, (_, index) => `id eq "x${index}"`), `id eq "${String(user['id'])}"`];
    expect((await send('GET', `/Users?${filter(terms.join(' or '))}`, 200))['totalResults']).toBe(1);
    expect(resources(await send('GET', '/Users?count=1', 200))).toHaveLength(1);
    await send('PUT', `/Users/${String(user['id'])}`, 200, { ...user, active: false });
    await send('DELETE', `/Users/${String(user['id'])}`, 204);
  });

  it('S-253 S-127 S-149 OneLogin: look-up, create, PUT or PATCH by its version, groups listed and patched, suspension, then delete', async () => {
    const send = await client('lenient', { 'content-type': 'application/json', accept: 'application/json' });
    const userName = name('onelogin');
    expect((await send('GET', `/Users?${filter(`userName eq "${userName}"`)}`, 200))['totalResults']).toBe(0);
    const body = {
      schemas: [USER, ENTERPRISE],
      userName,
      name: { givenName: 'One', familyName: 'Login' },
      emails: [{ value: userName, type: 'work', primary: true }],
      active: true,
    };
    const user = await send('POST', '/Users', 201, body);
    const path = `/Users/${String(user['id'])}`;
    expect(await send('PUT', path, 200, { ...body, title: 'T' })).toMatchObject({ title: 'T', active: true });
    expect(await send('PATCH', path, 200, ops({ op: 'replace', value: { title: 'U', name: { givenName: 'Two' } } }))).toMatchObject({
      title: 'U',
      name: { givenName: 'Two', familyName: 'Login' },
    });
    const { id } = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: userName });
    expect(resources(await send('GET', '/Groups', 200)).map((one) => one['id'])).toContain(id);
    const group = `/Groups/${String(id)}`;
    await send('PATCH', group, 204, ops({ op: 'add', path: 'members', value: [{ value: user['id'] }] }));
    await send('PATCH', group, 204, ops({ op: 'remove', path: `members[value eq "${String(user['id'])}"]` }));
    expect((await send('PATCH', path, 200, ops({ op: 'replace', path: 'active', value: false })))['active']).toBe(false);
    expect((await send('GET', `/Users?${filter(`userName eq "${userName}"`)}`, 200))['totalResults']).toBe(1);
    await send('DELETE', path, 204);
  });

  it('S-253 S-126 S-171 PingOne, Rippling, Google and IBM: probes, create, update, suspend by PUT and by PATCH, back again, and away', async () => {
    const send = await client('ping');
    for (const probe of ['/Users?count=1', '/Users', '/Groups?count=1', '/ServiceProviderConfig']) await send('GET', probe, 200);
    const userName = name('pingone');
    const body = { schemas: [USER], userName, name: { givenName: 'P', familyName: 'One' }, emails: [{ value: userName, type: 'work' }] };
    const user = await send('POST', '/Users', 201, { ...body, active: false });
    expect(user['active']).toBe(false);
    const path = `/Users/${String(user['id'])}`;
    expect((await send('PUT', path, 200, { ...body, active: true }))['active']).toBe(true);
    // It cannot clear what it set once: what it leaves out is gone, and comes again with the next.
    expect((await send('PUT', path, 200, { schemas: [USER], userName, active: true }))['emails']).toBeUndefined();
    expect((await send('PUT', path, 200, body))['emails']).toEqual([{ value: userName, type: 'work', primary: true }]);
    expect((await send('PATCH', path, 200, ops({ op: 'replace', value: { active: false } })))['active']).toBe(false);
    expect((await send('PATCH', path, 200, ops({ op: 'replace', path: 'active', value: true })))['active']).toBe(true);
    await send('DELETE', path, 204);
    expect((await send('GET', `/Users?${filter(`userName eq "${userName}"`)}`, 200))['totalResults']).toBe(0);
    expect((await send('POST', '/Users', 201, body))['id']).not.toBe(user['id']);
  });

  it('S-253 S-171 JumpCloud where nothing may be deleted: the test user is changed and deactivated, its group renamed', async () => {
    const send = await client('lenient');
    const user = await send('POST', '/Users', 201, { schemas: [USER], userName: name('jumpcloud keep'), active: true });
    const path = `/Users/${String(user['id'])}`;
    expect(await send('PUT', path, 200, { ...user, name: { givenName: 'Changed' }, active: false })).toMatchObject({
      name: { givenName: 'Changed' },
      active: false,
    });
    const group = await send('POST', '/Groups', 201, { schemas: [GROUP], displayName: name('jumpcloud keep'), members: [{ value: user['id'] }] });
    const displayName = name('jumpcloud renamed');
    const renamed = await send('PUT', `/Groups/${String(group['id'])}`, 200, { schemas: [GROUP], displayName, members: [{ value: user['id'] }] });
    expect([renamed['displayName'], members(renamed)]).toEqual([displayName, [user['id']]]);
  });
});
