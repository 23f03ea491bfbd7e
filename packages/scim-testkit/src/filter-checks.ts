import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { ENTERPRISE, type Kit, list, part, pathOf, refused, resourcesOf, status, USER } from './kit.ts';

/** Three users that differ in what filters ask for, and a term that keeps everybody else out. */
async function three(kit: Kit): Promise<{ readonly users: readonly Json[]; find(filter: string): Promise<readonly number[]> }> {
  const mark = kit.name('Mark');
  const users = [
    await kit.newUser({ userName: `${mark}.a`, name: { givenName: 'Anna', familyName: mark } }),
    await kit.newUser({ userName: `${mark}.b`, name: { givenName: 'Bob', familyName: mark }, active: false }),
    await kit.newUser({ userName: `${mark}.c`, name: { givenName: 'Čeněk', familyName: mark } }),
  ];
  return {
    users,
    async find(filter) {
      const answer = await kit.find('/Users', `name.familyName eq "${mark}" and (${filter})`);
      status(answer, 200);
      const ids = resourcesOf(answer.body).map((one) => one['id']);
      assert.equal(answer.body['totalResults'], ids.length);
      return users.flatMap((user, index) => (ids.includes(user['id']) ? [index] : []));
    },
  };
}

/** Filters (RFC 7644 §3.4.2.2). */
export const filterChecks: readonly Check[] = [
  {
    title: 'S-075 S-024 schemas can be filtered: the base schema is on every resource, an extension where it is',
    needs: ['filter', 'write'],
    level: 'recommended',
    async run(kit) {
      const { find } = await three(kit);
      assert.deepEqual(await find(`schemas eq "${USER}"`), [0, 1, 2]);
      assert.deepEqual(await find(`schemas eq "${USER.toUpperCase()}"`), [0, 1, 2]);
      assert.deepEqual(await find(`schemas co "core:2.0:User"`), [0, 1, 2]);
      assert.deepEqual(await find('schemas eq "urn:example:nothing"'), []);
      const user = await kit.newUser({ [ENTERPRISE]: { department: 'D' } });
      const found = await kit.find('/Users', `userName eq "${String(user['userName'])}" and schemas eq "${ENTERPRISE}"`);
      assert.equal(found.body['totalResults'], ENTERPRISE in user ? 1 : 0);
    },
  },
  {
    title: 'S-075 S-076 S-077 operators in any case, precedence, not with and without a space',
    needs: ['filter', 'write'],
    async run(kit) {
      const { find } = await three(kit);
      const cases: readonly (readonly [string, readonly number[]])[] = [
        ['name.givenName eq "Anna"', [0]],
        ['name.givenName EQ "anna"', [0]],
        ['name.givenName ne "Anna"', [1, 2]],
        ['name.givenName co "n"', [0, 2]],
        ['name.givenName sw "b"', [1]],
        ['name.givenName ew "b"', [1]],
        ['name.givenName pr', [0, 1, 2]],
        ['name.givenName gt "Anna"', [1, 2]],
        ['name.givenName ge "Anna"', [0, 1, 2]],
        ['name.givenName lt "Bob"', [0]],
        ['name.givenName le "Bob"', [0, 1]],
        ['name.givenName eq "Anna" or name.givenName eq "Bob" and active eq true', [0]],
        ['(name.givenName eq "Anna" or name.givenName eq "Bob") and active eq true', [0]],
        ['not (name.givenName eq "Anna") and active eq true', [2]],
        ['not(name.givenName eq "Anna")', [1, 2]],
        ['((((name.givenName eq "Bob"))))', [1]],
        ['active eq false', [1]],
        ['name.givenName eq "čeněk"', [2]],
      ];
      for (const [filter, wanted] of cases) assert.deepEqual(await find(filter), wanted, filter);
    },
  },
  {
    title: 'S-078 S-081 S-088 S-089 S-090 malformed and unfitting filters are invalidFilter',
    needs: ['filter'],
    async run(kit) {
      for (const filter of [
        '',
        '(userName eq "a"',
        'userName eq "a")',
        'userName eq',
        'userName xx "a"',
        'not userName eq "a"',
        'userName eq "a" and',
        'emails[emails[type eq "a"]]',
        'emails[type eq "a"',
        'active gt true',
        'active co "a"',
        'meta.created co "2020"',
        'meta.created gt "yesterday"',
        'userName eq "a\u0001b"',
        'userName eq "unterminated',
      ])
        refused(await kit.find('/Users', filter), 400, 'invalidFilter');
    },
  },
  {
    title: 'S-079 S-080 S-083 brackets ask one element; a path behind them works; a complex attribute means its value',
    needs: ['filter', 'write'],
    async run(kit) {
      const { users, find } = await three(kit);
      const email = String(list(users[0] ?? {}, 'emails')[0]?.['value']);
      assert.deepEqual(await find(`emails[type eq "work" and value eq "${email}"]`), [0]);
      assert.deepEqual(await find(`emails[type eq "home" and value eq "${email}"]`), []);
      assert.deepEqual(await find(`emails[type eq "work"].value eq "${email}"`), [0]);
      assert.deepEqual(await find(`emails eq "${email}"`), [0]);
      assert.deepEqual(await find(`emails.value eq "${email}"`), [0]);
    },
  },
  {
    title: 'S-082 S-159 names qualified by a URN resolve',
    needs: ['filter', 'write', 'Enterprise.department'],
    async run(kit) {
      const department = kit.name('Dept');
      const user = await kit.newUser({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department } });
      for (const filter of [`${USER}:userName eq "${String(user['userName'])}"`, `${ENTERPRISE}:department eq "${department}"`])
        assert.deepEqual(
          resourcesOf((await kit.find('/Users', filter)).body).map((one) => one['id']),
          [user['id']],
          filter,
        );
    },
  },
  {
    title: 'S-084 id and manager, id and members, in either order',
    level: 'clients',
    needs: ['filter', 'write', 'groups', 'Enterprise.manager'],
    async run(kit) {
      const boss = await kit.newUser();
      const user = await kit.newUser({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { manager: { value: boss['id'] } } });
      const group = await kit.newGroup({ members: [{ value: user['id'] }] });
      const count = async (endpoint: string, filter: string): Promise<unknown> => (await kit.find(endpoint, filter, '&attributes=id')).body['totalResults'];
      const [b, u, g] = [boss, user, group].map((one) => String(one['id']));
      for (const manager of ['manager', `${ENTERPRISE}:manager`, `${ENTERPRISE}:manager.value`]) {
        assert.equal(await count('/Users', `id eq "${u}" and ${manager} eq "${b}"`), 1, manager);
        assert.equal(await count('/Users', `${manager} eq "${b}" and id eq "${u}"`), 1, manager);
        assert.equal(await count('/Users', `id eq "${b}" and ${manager} eq "${u}"`), 0, manager);
      }
      for (const members of ['members', 'members.value']) {
        assert.equal(await count('/Groups', `id eq "${g}" and ${members} eq "${u}"`), 1, members);
        assert.equal(await count('/Groups', `${members} eq "${u}" and id eq "${g}"`), 1, members);
        assert.equal(await count('/Groups', `id eq "${g}" and ${members} eq "${b}"`), 0, members);
      }
    },
  },
  {
    title: 'S-085 S-086 S-087 one value is enough; pr and null',
    needs: ['filter', 'write', 'User.title'],
    async run(kit) {
      const user = await kit.newUser({ title: 'Dr' });
      const bare = await kit.newUser();
      const both = `(id eq "${String(user['id'])}" or id eq "${String(bare['id'])}")`;
      const ids = async (filter: string): Promise<readonly unknown[]> =>
        resourcesOf((await kit.find('/Users', `${both} and (${filter})`)).body).map((one) => one['id']);
      assert.deepEqual(await ids('title pr'), [user['id']]);
      assert.deepEqual(await ids('not (title pr)'), [bare['id']]);
      assert.deepEqual(await ids('title eq null'), [bare['id']]);
      assert.deepEqual(await ids('title ne null'), [user['id']]);
      refused(await kit.find('/Users', 'title gt null'), 400, 'invalidFilter');
      const email = String(list(user, 'emails')[0]?.['value']);
      assert.deepEqual(await ids(`emails.value eq "${email}"`), [user['id']]);
      assert.deepEqual(await ids(`emails.value ne "${email}"`), [bare['id']]);
      assert.deepEqual(
        await ids('name pr'),
        [user['id'], bare['id']].sort((a, b) => (a === b ? 0 : a === user['id'] ? -1 : 1)),
      );
    },
  },
  {
    title: 'S-089 times compare as instants, whatever their zone',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const created = Date.parse(String(part(user, 'meta')['created']));
      const count = async (filter: string): Promise<unknown> => (await kit.find('/Users', `id eq "${String(user['id'])}" and ${filter}`)).body['totalResults'];
      const zoned = new Date(created + 2 * 3600_000).toISOString().replace('Z', '+02:00');
      assert.equal(await count(`meta.created eq "${zoned}"`), 1);
      assert.equal(await count(`meta.created ge "${new Date(created).toISOString()}"`), 1);
      assert.equal(await count(`meta.created gt "${new Date(created + 1).toISOString()}"`), 0);
      assert.equal(await count(`meta.lastModified lt "${new Date(created + 1).toISOString()}"`), 1);
    },
  },
  {
    title: 'S-091 unquoted and single-quoted literals, and quoted booleans, are understood',
    level: 'clients',
    profile: 'lenient',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const userName = String(user['userName']);
      for (const filter of [`userName eq ${userName}`, `userName eq '${userName}'`, `userName eq "${userName}" and active eq "True"`])
        assert.equal((await kit.find('/Users', filter)).body['totalResults'], 1, filter);
    },
  },
  {
    title: 'S-091 literals without double quotes are invalidFilter',
    profile: 'strict',
    needs: ['filter'],
    async run(kit) {
      for (const filter of ['userName eq jyoung', "userName eq 'jyoung'", 'active eq "True"']) refused(await kit.find('/Users', filter), 400, 'invalidFilter');
    },
  },
  {
    title: 'S-092 the query is percent-decoded once',
    needs: ['filter', 'write'],
    async run(kit) {
      const userName = `a+b%41 &=${kit.name()}@x`;
      await kit.newUser({ userName });
      assert.equal((await kit.find('/Users', `userName eq "${userName}"`)).body['totalResults'], 1);
      status(await kit.send('GET', '/Users?filter=userName%20eq%20%22%zz%22'), 400);
    },
  },
  {
    title: 'S-093 userName is found in any case, externalId exactly',
    needs: ['filter', 'write'],
    async run(kit) {
      const externalId = kit.name('Ext');
      const user = await kit.newUser({ externalId });
      assert.equal((await kit.find('/Users', `userName eq "${String(user['userName']).toUpperCase()}"`)).body['totalResults'], 1);
      assert.equal((await kit.find('/Users', `externalId eq "${externalId}"`)).body['totalResults'], 1);
      assert.equal((await kit.find('/Users', `externalId eq "${externalId.toUpperCase()}"`)).body['totalResults'], 0);
    },
  },
  {
    title: 'S-094 S-095 what clients look up by can be looked up by',
    level: 'clients',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser({ externalId: kit.name('ext') });
      const email = String(list(user, 'emails')[0]?.['value']);
      const filters = [
        `userName eq "${String(user['userName'])}"`,
        `externalId eq "${String(user['externalId'])}"`,
        `id eq "${String(user['id'])}"`,
        `emails eq "${email}"`,
        `emails.value eq "${email}"`,
        `emails[type eq "work"].value eq "${email}"`,
      ];
      for (const filter of filters) assert.equal((await kit.find('/Users', filter)).body['totalResults'], 1, filter);
      if (!kit.has('groups')) return;
      const group = await kit.newGroup({ externalId: kit.name('ext') });
      for (const name of ['displayName', 'externalId', 'id'])
        assert.equal((await kit.find('/Groups', `${name} eq "${String(group[name])}"`)).body['totalResults'], 1, name);
    },
  },
  {
    title: 'S-097 an unknown attribute matches nothing',
    profile: 'lenient',
    needs: ['filter'],
    async run(kit) {
      assert.equal((await kit.find('/Users', 'shoeSize eq "44"')).body['totalResults'], 0);
    },
  },
  {
    title: 'S-097 an unknown attribute is invalidFilter',
    profile: 'strict',
    needs: ['filter'],
    async run(kit) {
      refused(await kit.find('/Users', 'shoeSize eq "44"'), 400, 'invalidFilter');
    },
  },
  {
    title: 'S-098 no match is 200 and an empty list',
    needs: ['filter'],
    async run(kit) {
      const answer = await kit.find('/Users', 'userName eq "8f4b1a2c-0000-4000-8000-000000000000"');
      status(answer, 200);
      assert.equal(answer.body['totalResults'], 0);
      assert.deepEqual(answer.body['Resources'], []);
    },
  },
  {
    title: 'S-099 filters have caps of length, depth, clauses and literals',
    level: 'recommended',
    needs: ['filter'],
    async run(kit) {
      for (const filter of [
        `${'('.repeat(2000)}userName pr${')'.repeat(2000)}`,
        Array.from({ length: 900 }, () => 'id pr').join(' and '),
        `userName eq "${'x'.repeat(3000)}"`,
        `${'not ('.repeat(200)}userName pr${')'.repeat(200)}`,
      ])
        refused(await kit.find('/Users', filter), 400, 'invalidFilter');
    },
  },
  {
    title: 'S-100 a filter of two hundred terms works',
    level: 'clients',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const ids = Array.from({ length: 199 }, (_, index) => `id eq "00000000-0000-4000-8000-${String(index).padStart(12, '0')}"`);
      const answer = await kit.find('/Users', [...ids, `id eq "${String(user['id'])}"`].join(' or '));
      status(answer, 200);
      assert.equal(answer.body['totalResults'], 1);
    },
  },
  {
    title: 'S-101 the password cannot be asked for by a filter',
    needs: ['filter', 'User.password'],
    async run(kit) {
      refused(await kit.find('/Users', 'password sw "a"'), 400, 'invalidFilter');
    },
  },
  {
    title: 'S-031 $ref is a name in filters',
    needs: ['filter', 'groups'],
    async run(kit) {
      status(await kit.find('/Groups', 'members[$ref eq "x"]'), 200);
    },
  },
  {
    title: 'SEC-32 wildcards, quotes and control characters in values are values',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser({ userName: `100%_\\'"${kit.name()}` });
      assert.equal((await kit.find('/Users', `userName eq ${JSON.stringify(user['userName'])}`)).body['totalResults'], 1);
      for (const value of ["' OR 1=1 --", '%', '_', '\\', '*)(uid=*', 'a\u0000b', '{"$gt":""}'])
        assert.equal((await kit.find('/Users', `userName eq ${JSON.stringify(value)}`)).body['totalResults'], 0, value);
      assert.equal(resourcesOf((await kit.find('/Users', 'userName sw "100%_"', '&count=5')).body)[0]?.['id'] !== undefined, true);
      status(await kit.send('GET', pathOf(user)), 200);
    },
  },
];
