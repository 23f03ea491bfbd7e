import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../packages/scim-testkit/src/connection.ts';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import type { StoreFilter } from '../../packages/store/src/index.ts';
import { type Database, openForReading } from '../../packages/store/src/sqlite/database.ts';
import { FEW, findFew } from '../../packages/store/src/sqlite/few-matches.ts';
import { openSqliteReader } from '../../packages/store/src/sqlite/reader.ts';
import { readModel } from '../../packages/store/src/sqlite/stored-model.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** A group that is too large to show: what works on it anyway, and that nothing reads all of it on the way. */
const PEOPLE = 12_000;
const MEMBERS = 11_000;
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
let host: DirectoryHost;
let scim: ScimConnection;
let application: DatabaseSync;
let group: string;

const get = async (path: string): Promise<Json> => (await scim.send('GET', path)).body;
const find = (endpoint: string, filter: string, more = ''): Promise<Json> => get(`/${endpoint}?filter=${encodeURIComponent(filter)}${more}`);
const resources = (body: Json): readonly Json[] => body['Resources'] as readonly Json[];
const patch = (...Operations: readonly unknown[]) => scim.send('PATCH', `/Groups/${group}`, { body: { schemas: [PATCH], Operations } });
const inApplication = (): number => Number(application.prepare('SELECT count(*) AS n FROM team_members WHERE team_id = 1').get()?.['n']);

beforeAll(async () => {
  host = await startDirectoryHost({ people: PEOPLE, members: MEMBERS });
  application = new DatabaseSync(host.file, { timeout: 10_000 });
  await host.importAll();
  scim = await host.connect();
  group = String(resources(await find('Groups', 'displayName eq "Everybody"'))[0]?.['id']);
});

afterAll(async () => {
  application.close();
  await host.close();
});

describe('a group of eleven thousand members', () => {
  it('S-183 S-124 S-125 is shown without its members rather than with some, and with all of them to who asks by name', async () => {
    expect((await get(`/Groups/${group}`))['members']).toBeUndefined();
    expect((await get(`/Groups/${group}?excludedAttributes=displayName`))['members']).toBeUndefined();
    for (const one of resources(await get('/Groups'))) expect(one['members']).toBeUndefined();
    const members = (await get(`/Groups/${group}?attributes=members`))['members'] as readonly Json[];
    expect(members).toHaveLength(MEMBERS);
    expect(new Set(members.map((member) => member['value'])).size).toBe(MEMBERS);
  });

  it('S-182 S-181 SEC-25 members come and go by delta: hundreds at a time, from many requests at once, and nobody is lost', async () => {
    const outside = resources(await find('Users', 'not (groups pr)', '&count=200&attributes=id')).map((one) => String(one['id']));
    expect(outside).toHaveLength(200);
    const chunks = Array.from({ length: 20 }, (_, index) => outside.slice(index * 10, index * 10 + 10));
    const added = await Promise.all(chunks.map((ids) => patch({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) })));
    expect(added.map((answer) => [answer.status, answer.text])).toEqual(chunks.map(() => [204, '']));
    expect(inApplication()).toBe(MEMBERS + 200);
    for (const id of [outside[0], outside[199]])
      expect((await find('Groups', `id eq "${group}" and members eq "${id}"`, '&attributes=id'))['totalResults']).toBe(1);
    await Promise.all(chunks.map((ids) => patch({ op: 'Remove', path: 'members', value: ids.map((value) => ({ value })) })));
    expect(inApplication()).toBe(MEMBERS);
    expect((await find('Groups', `members eq "${outside[0]}"`, '&attributes=id'))['totalResults']).toBe(0);
  });

  it('S-113 S-114 its members are paged as users, each once, to the last', async () => {
    const seen = new Set<unknown>();
    let cursor: unknown = '';
    while (typeof cursor === 'string') {
      const page = await find('Users', `groups.value eq "${group}"`, `&attributes=userName&count=1000&cursor=${cursor}`);
      for (const one of resources(page)) seen.add(one['id']);
      cursor = page['nextCursor'];
    }
    expect(seen.size).toBe(MEMBERS);
    const total = await find('Users', `groups.value eq "${group}"`, '&count=0');
    expect(total['totalResults']).toBe(MEMBERS);
  });

  it('S-113 a walk over the whole list reads pages, not the list: every page is found by an index', async () => {
    const walked: unknown[] = [];
    let cursor: unknown = '';
    while (typeof cursor === 'string') {
      const page = await get(`/Users?attributes=id&count=1000&cursor=${cursor}`);
      walked.push(...resources(page).map((one) => one['id']));
      cursor = page['nextCursor'];
    }
    expect([walked.length, new Set(walked).size]).toEqual([PEOPLE, PEOPLE]);
    const deep = await get(`/Users?startIndex=${PEOPLE - 1}&count=10&attributes=id`);
    expect(resources(deep).map((one) => one['id'])).toEqual(walked.slice(-2));
  });

  it('S-099 SEC-29 a filter that no index serves is bounded where the administrator says so', async () => {
    const file = `${host.folder}/data/connectors/dir/connector.db`;
    const reader = openSqliteReader(file);
    const contains = { kind: 'compare', attribute: 'login', comparison: 'contains', value: '77', type: 'string', caseExact: false } as const;
    const query = { objectType: 'person', filter: contains, limit: 10, total: true };
    await expect(reader.query({ ...query, scanLimit: 100 })).rejects.toThrow(/more than 100 entries/);
    expect((await reader.query({ ...query, scanLimit: 100_000 })).total).toBe((await find('Users', 'userName co "77"', '&count=0'))['totalResults']);
    await reader.close();
  });

  it('S-084 S-113 of a filter of several parts the one that finds the fewest is looked at, wherever it stands', async () => {
    const database = openForReading(`${host.folder}/data/connectors/dir/connector.db`);
    let rows = 0;
    const counted: Database = {
      ...database,
      tuples(sql, ...values) {
        const found = database.tuples(sql, ...values);
        rows += found.length;
        return found;
      },
    };
    const { model } = readModel(database);
    const type = model.types.get('person');
    const everybody = database.get("SELECT id FROM entries WHERE body LIKE '%Everybody%'")?.['id'];
    if (type === undefined) throw new Error('the store has no people');
    const compare = (attribute: string, comparison: 'equal' | 'starts', value: string) =>
      ({ kind: 'compare', attribute, comparison, value, type: 'string', caseExact: attribute === 'status' }) as const;
    const member = { kind: 'referred', objectType: 'team', attribute: 'members', entryId: Number(everybody) } as const;
    const login = compare('login', 'equal', 'person77');
    const active = compare('status', 'equal', 'A');
    for (const filters of [
      [member, login],
      [login, member],
      [active, { kind: 'and', filters: [member, login] }],
      [active, login],
      [{ kind: 'not', filter: { kind: 'not', filter: member } }, login],
      [member, { kind: 'or', filters: [login, { kind: 'and', filters: [member, login] }] }],
    ] satisfies StoreFilter[][]) {
      rows = 0;
      expect(findFew(counted, model, type, { kind: 'and', filters }), JSON.stringify(filters)).toHaveLength(1);
      // Two of the parts match nearly everybody, and are asked for no more than is few.
      expect(rows).toBeLessThan(10 + 2 * (FEW + 1));
    }
    expect(findFew(counted, model, type, { kind: 'and', filters: [member, active] })).toBeUndefined();
    database.close();
    const found = await find(
      'Users',
      `active eq true and groups.value eq "${group}" and userName sw "person77"`,
      '&attributes=userName&sortBy=userName&count=3',
    );
    expect([found['totalResults'], resources(found).map((one) => one['userName'])]).toEqual([111, ['person77', 'person770', 'person7700']]);
  });

  it('S-094 S-084 what clients look up by is found by the index of its attribute, not by looking at every entry', () => {
    const database = new DatabaseSync(`${host.folder}/data/connectors/dir/connector.db`, { readOnly: true });
    const columns = database
      .prepare("SELECT name FROM pragma_table_xinfo('entries') WHERE name GLOB 'k[0-9]*_folded'")
      .all()
      .map((row) => String(row['name']));
    expect(columns.length).toBeGreaterThan(4);
    for (const column of columns)
      for (const condition of [`e.${column} = 'x'`, `(e.${column} >= 'x' AND e.${column} < 'y')`]) {
        const plan = database
          .prepare(`EXPLAIN QUERY PLAN SELECT * FROM entries e WHERE +e.otype = 1 AND e.flags & 1 = 0 AND ${condition} ORDER BY +e.id LIMIT 100`)
          .all();
        expect(String(plan[0]?.['detail'])).toContain(`USING INDEX entries_${column}`);
      }
    database.close();
  });

  it('S-168 S-183 S-131 what would read or remove more than a hundred thousand members is refused with the number, and small changes go on', async () => {
    const more = new DatabaseSync(host.file, { timeout: 10_000, enableForeignKeyConstraints: false });
    more.exec(`INSERT INTO teams(id, name) VALUES (2, 'Too many');
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100020) INSERT INTO team_members SELECT 2, i FROM n;`);
    more.close();
    await host.importAll();
    const many = String(resources(await find('Groups', 'displayName eq "Too many"'))[0]?.['id']);
    const one = String(resources(await find('Users', 'userName eq "person1"'))[0]?.['id']);
    const send = async (...Operations: readonly unknown[]) => {
      const { status, body } = await scim.send('PATCH', `/Groups/${many}`, { body: { schemas: [PATCH], Operations } });
      return [status, String(body['detail'] ?? '')];
    };
    const tooMany = [413, expect.stringContaining('at most 100000 values of "members"')];
    expect(await send({ op: 'replace', path: 'members', value: [{ value: one }] })).toEqual(tooMany);
    expect(await send({ op: 'remove', path: 'members' })).toEqual(tooMany);
    const whole = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName: 'Too many', members: [{ value: one }] };
    expect((await scim.send('PUT', `/Groups/${many}`, { body: whole })).status).toBe(413);
    const asked = await scim.send('GET', `/Groups/${many}?attributes=members`);
    expect([asked.status, asked.body['scimType'], asked.body['detail']]).toEqual([400, 'tooMany', expect.stringContaining(`groups.value eq "${many}"`)]);
    expect((await send({ op: 'remove', path: `members[value eq "${one}"]` }))[0]).toBe(204);
    expect((await find('Groups', `id eq "${many}" and members eq "${one}"`, '&attributes=id'))['totalResults']).toBe(0);
    expect((await scim.send('DELETE', `/Groups/${many}`)).status).toBe(204);
  });
});
