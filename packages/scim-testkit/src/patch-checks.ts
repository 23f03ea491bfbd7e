import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { ENTERPRISE, list, PATCH_OP, part, pathOf, refused, status } from './kit.ts';

const PATCHING = ['write', 'patch'] as const;
const emails = (resource: Json): Readonly<Record<string, unknown>> =>
  Object.fromEntries(list(resource, 'emails').map((one) => [String(one['type']), one['value']]));

/** PATCH of users (RFC 7644 §3.5.2). */
export const patchChecks: readonly Check[] = [
  {
    title: 'S-132 S-133 a PATCH needs its URN and operations that are known; op is taken in any case',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const operation = { op: 'replace', path: 'name.givenName', value: 'X' };
      refused(await kit.send('PATCH', path, { Operations: [operation] }), 400, 'invalidSyntax');
      refused(await kit.send('PATCH', path, { schemas: [PATCH_OP] }), 400, 'invalidSyntax');
      refused(await kit.send('PATCH', path, { schemas: [PATCH_OP], Operations: [] }), 400, 'invalidSyntax');
      for (const op of ['move', 'test', '']) refused(await kit.patch(path, { ...operation, op }), 400, 'invalidSyntax');
      for (const op of ['Replace', 'REPLACE', 'Add']) status(await kit.patch(path, { ...operation, op }), 200, 204);
    },
  },
  {
    title: 'S-134 all operations apply, or none',
    needs: [...PATCHING],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const answer = await kit.patch(path, { op: 'replace', path: 'name.givenName', value: 'Half' }, { op: 'replace', path: 'id', value: 'x' });
      refused(answer, 400, 'mutability');
      assert.deepEqual((await kit.send('GET', path)).body, user);
    },
  },
  {
    title: 'S-135 S-136 malformed paths are invalidPath, malformed filters in them invalidFilter',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      for (const wrong of ['emails[0].value', 'na me', 'name..givenName', 'emails[type eq "work"', 'name.givenName.x', 'noSuchAttribute'])
        refused(await kit.patch(path, { op: 'replace', path: wrong, value: 'x' }), 400, 'invalidPath');
      refused(await kit.patch(path, { op: 'replace', path: 'emails[type xx "work"].value', value: 'x' }), 400, 'invalidFilter');
      status(await kit.patch(path, { op: 'replace', path: 'emails[type eq"work"].value', value: 'new@example.com' }), 200, 204);
    },
  },
  {
    title: 'S-137 S-138 a user is answered 200 with the resource, or 204 with its tag; 200 where attributes are named',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const answer = await kit.patch(path, { op: 'replace', path: 'active', value: false });
      status(answer, 200, 204);
      if (answer.status === 200) assert.equal(answer.body['active'], false);
      const named = await kit.send('PATCH', `${path}?attributes=active`, { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'active', value: true }] });
      status(named, 200);
      assert.equal(named.body['active'], true);
    },
  },
  {
    title: 'S-139 S-141 S-142 S-151 S-153 add and replace of single and complex attributes, with and without a path',
    needs: [...PATCHING, 'User.title'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const cases: readonly (readonly [unknown, (resource: Json) => unknown, unknown])[] = [
        [{ op: 'add', path: 'title', value: 'A' }, (one) => one['title'], 'A'],
        [{ op: 'add', path: 'title', value: 'B' }, (one) => one['title'], 'B'],
        [{ op: 'add', path: 'name', value: { givenName: 'G' } }, (one) => [part(one, 'name')['givenName'], part(one, 'name')['familyName']], ['G', 'Person']],
        [{ op: 'replace', path: 'name', value: { familyName: 'F' } }, (one) => [part(one, 'name')['givenName'], part(one, 'name')['familyName']], ['G', 'F']],
        [{ op: 'remove', path: 'title' }, (one) => one['title'], undefined],
        [{ op: 'replace', path: 'title', value: 'C' }, (one) => one['title'], 'C'],
        [
          { op: 'add', value: { title: 'D', name: { givenName: 'H' } } },
          (one) => [one['title'], part(one, 'name')['givenName'], part(one, 'name')['familyName']],
          ['D', 'H', 'F'],
        ],
        [{ op: 'replace', value: { title: 'E' } }, (one) => [one['title'], part(one, 'name')['givenName']], ['E', 'H']],
        [{ op: 'replace', path: 'title', value: null }, (one) => one['title'], undefined],
      ];
      for (const [operation, read, wanted] of cases) assert.deepEqual(read(await kit.patched(path, operation)), wanted, JSON.stringify(operation));
    },
  },
  {
    title: 'S-143 an operation that changes nothing succeeds and leaves version and time',
    needs: [...PATCHING, 'User.title'],
    async run(kit) {
      const user = await kit.newUser();
      const same = await kit.patched(pathOf(user), { op: 'replace', path: 'name.givenName', value: 'Check' }, { op: 'remove', path: 'title' });
      assert.deepEqual(same, user);
    },
  },
  {
    title: 'S-144 S-156 a filter of eq terms that matches nothing creates the element, and a second operation finds it',
    level: 'clients',
    profile: 'lenient',
    needs: [...PATCHING, 'User.emails.type.home'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const added = await kit.patched(path, { op: 'Add', path: 'emails[type eq "home"].value', value: 'h@example.com' });
      assert.equal(emails(added)['home'], 'h@example.com');
      await kit.patched(path, { op: 'remove', path: 'emails[type eq "home"]' });
      const replaced = await kit.patched(path, { op: 'replace', path: 'emails[type eq "home"].value', value: 'i@example.com' });
      assert.equal(emails(replaced)['home'], 'i@example.com');
      if (!kit.has('User.addresses')) return;
      const address = await kit.patched(
        path,
        { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Brno' },
        { op: 'Add', path: 'addresses[type eq "work"].country', value: 'CZ' },
      );
      assert.deepEqual(
        list(address, 'addresses').map((one) => [one['type'], one['locality'], one['country']]),
        [['work', 'Brno', 'CZ']],
      );
    },
  },
  {
    title: 'S-155 replace with a filter that matches nothing is noTarget',
    profile: 'strict',
    needs: [...PATCHING],
    async run(kit) {
      refused(await kit.patch(pathOf(await kit.newUser()), { op: 'replace', path: 'emails[type eq "home"].value', value: 'x@example.com' }), 400, 'noTarget');
    },
  },
  {
    title: 'S-145 S-146 S-148 remove needs a path; of what is absent, and of what does not match, it succeeds',
    needs: [...PATCHING, 'User.title'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      refused(await kit.patch(path, { op: 'remove' }), 400, 'noTarget');
      refused(await kit.patch(path, { op: 'remove', value: { name: 'x' } }), 400, 'noTarget');
      const same = await kit.patched(path, { op: 'remove', path: 'title' }, { op: 'remove', path: 'emails[type eq "other"]' });
      assert.deepEqual(same['emails'], user['emails']);
      assert.equal((await kit.patched(path, { op: 'remove', path: 'emails' }))['emails'], undefined);
    },
  },
  {
    title: 'S-147 S-149 S-150 remove takes what it names and nothing else',
    needs: [...PATCHING, 'User.emails.type.home'],
    async run(kit) {
      const both = [
        { type: 'work', value: 'w@example.com' },
        { type: 'home', value: 'h@example.com' },
      ];
      const path = pathOf(await kit.newUser({ emails: both }));
      const restore = (): Promise<Json> => kit.patched(path, { op: 'replace', path: 'emails', value: both });
      assert.deepEqual(emails(await kit.patched(path, { op: 'remove', path: 'emails[type eq "home"]' })), { work: 'w@example.com' });
      await restore();
      assert.deepEqual(emails(await kit.patched(path, { op: 'Remove', path: 'emails', value: [{ value: 'h@example.com' }] })), { work: 'w@example.com' });
      await restore();
      assert.deepEqual(emails(await kit.patched(path, { op: 'Remove', path: 'emails', value: [] })), { work: 'w@example.com', home: 'h@example.com' });
      const beside = await kit.patched(path, { op: 'Remove', path: 'emails[type eq "home"].value', value: 'other@example.com' });
      assert.deepEqual(emails(beside), { work: 'w@example.com' });
      assert.equal(list(beside, 'emails').length, 1, 'an element with a type alone is gone');
    },
  },
  {
    title: 'S-152 S-154 replace of a list replaces it whole; with a filter it changes every match and nothing else',
    needs: [...PATCHING, 'User.emails.type.home'],
    async run(kit) {
      const path = pathOf(
        await kit.newUser({
          emails: [
            { type: 'work', value: 'w@example.com' },
            { type: 'home', value: 'h@example.com' },
          ],
        }),
      );
      assert.deepEqual(emails(await kit.patched(path, { op: 'replace', path: 'emails[type eq "work"].value', value: 'n@example.com' })), {
        work: 'n@example.com',
        home: 'h@example.com',
      });
      assert.deepEqual(emails(await kit.patched(path, { op: 'replace', path: 'emails', value: [{ type: 'work', value: 'only@example.com' }] })), {
        work: 'only@example.com',
      });
    },
  },
  {
    title: 'S-157 S-047 replace without a path touches what it names, and may repeat the id; another id is mutability',
    needs: [...PATCHING, 'groups'],
    async run(kit) {
      const user = await kit.newUser();
      const group = await kit.newGroup({ members: [{ value: user['id'] }] });
      const path = pathOf(group, '/Groups');
      const displayName = kit.name('renamed');
      status(await kit.patch(path, { op: 'replace', value: { id: group['id'], displayName } }), 200, 204);
      const read = (await kit.send('GET', path)).body;
      assert.equal(read['displayName'], displayName);
      assert.equal(list(read, 'members').length, 1);
      refused(await kit.patch(path, { op: 'replace', value: { id: 'other', displayName: 'x' } }), 400, 'mutability');
    },
  },
  {
    title: 'S-158 keys of a value may be paths',
    level: 'clients',
    profile: 'lenient',
    needs: [...PATCHING, 'Enterprise.department'],
    async run(kit) {
      const changed = await kit.patched(pathOf(await kit.newUser()), {
        op: 'replace',
        value: { 'name.givenName': 'Dotted', [`${ENTERPRISE}:department`]: 'Qualified', 'emails[type eq "work"].value': 'k@example.com' },
      });
      assert.equal(part(changed, 'name')['givenName'], 'Dotted');
      assert.equal(part(changed, ENTERPRISE)['department'], 'Qualified');
      assert.equal(emails(changed)['work'], 'k@example.com');
    },
  },
  {
    title: 'S-159 S-165 enterprise attributes by every spelling of their path; schemas follows',
    level: 'clients',
    profile: 'lenient',
    needs: [...PATCHING, 'Enterprise.department'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      for (const [index, operation] of [
        { op: 'add', path: `${ENTERPRISE}:department`, value: 'D0' },
        { op: 'replace', path: ENTERPRISE, value: { department: 'D1' } },
        { op: 'replace', path: `${ENTERPRISE}.department`, value: 'D2' },
        { op: 'replace', value: { [ENTERPRISE]: { department: 'D3' } } },
      ].entries()) {
        const changed = await kit.patched(path, operation);
        assert.equal(part(changed, ENTERPRISE)['department'], `D${index}`, JSON.stringify(operation));
        assert.ok((changed['schemas'] as readonly unknown[]).includes(ENTERPRISE));
      }
      const removed = await kit.patched(path, { op: 'remove', path: ENTERPRISE });
      assert.equal(part(removed, ENTERPRISE)['department'], undefined);
      assert.ok(!(removed['schemas'] as readonly unknown[]).includes(ENTERPRISE), 'its URN is gone from schemas');
    },
  },
  {
    title: 'S-160 SEC-39 the texts True and False are booleans: False disables, other texts are invalidValue',
    level: 'clients',
    profile: 'lenient',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      assert.equal((await kit.patched(path, { op: 'Replace', path: 'active', value: 'False' }))['active'], false);
      assert.equal((await kit.patched(path, { op: 'Replace', path: 'active', value: 'tRUE' }))['active'], true);
      for (const value of ['yes', '', '0', 'falsee']) refused(await kit.patch(path, { op: 'Replace', path: 'active', value }), 400, 'invalidValue');
    },
  },
  {
    title: 'S-166 S-046 S-060 SEC-24 a missing value, a wrong shape, read-only and required attributes are refused by their scimType',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      refused(await kit.patch(path, { op: 'add', path: 'name' }), 400, 'invalidValue');
      refused(await kit.patch(path, { op: 'replace', path: 'name', value: 'text' }), 400, 'invalidValue');
      refused(await kit.patch(path, { op: 'replace', path: 'userName', value: { a: 1 } }), 400, 'invalidValue');
      refused(await kit.patch(path, { op: 'replace', value: 'text' }), 400, 'invalidValue');
      for (const readOnly of ['id', 'ID', 'meta.created', 'groups', 'GROUPS', 'urn:ietf:params:scim:schemas:core:2.0:User:groups', 'groups[value eq "x"]'])
        if (!/group/i.test(readOnly) || kit.has('User.groups')) refused(await kit.patch(path, { op: 'add', path: readOnly, value: 'x' }), 400, 'mutability');
      if (kit.has('User.groups'))
        for (const key of ['groups', 'GROUPS']) refused(await kit.patch(path, { op: 'replace', value: { [key]: [{ value: 'x' }] } }), 400, 'mutability');
      for (const operation of [
        { op: 'remove', path: 'userName' },
        { op: 'replace', path: 'userName', value: null },
      ])
        refused(await kit.patch(path, operation), 400, 'mutability');
    },
  },
  {
    title: 'S-167 what the service cannot keep is refused, not answered with success',
    needs: [...PATCHING],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const operations = [
        { op: 'add', path: 'emails[type eq "no-such-type"].value', value: 'lost@example.com' },
        { op: 'add', path: 'emails', value: [{ type: 'no-such-type', value: 'lost@example.com' }] },
        { op: 'replace', path: 'nickName', value: 'Lost' },
        { op: 'replace', path: 'emails[type eq "work"].display', value: 'Lost' },
      ];
      for (const operation of operations) {
        const answer = await kit.patch(path, operation);
        if (answer.status >= 400) continue;
        const text = (await kit.send('GET', path)).text;
        assert.match(text, /lost/i, `${JSON.stringify(operation)} was answered ${answer.status} and had no effect`);
      }
    },
  },
  {
    title: 'S-168 more operations, or more values, than the service takes are 413, with the limit',
    level: 'recommended',
    needs: [...PATCHING],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const operations = Array.from({ length: 5000 }, () => ({ op: 'replace', path: 'name.givenName', value: 'x' }));
      const many = await kit.patch(path, ...operations);
      refused(many, 413);
      assert.match(String(many.body['detail']), /\d/, 'the detail names the limit');
    },
  },
  {
    title: 'SEC-37 SEC-23 prototype names and attributes of no schema are refused in every spelling, and change nothing',
    level: 'recommended',
    needs: [...PATCHING],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      for (const name of [
        '__proto__',
        '__proto__.polluted',
        'constructor.prototype',
        'toString.x',
        'emails[type eq "work"].__proto__',
        'isAdmin',
        'tenantId',
        'passwordHash',
        '_id',
      ])
        refused(await kit.patch(path, { op: 'add', path: name, value: 'x' }), 400);
      status(await kit.send('PATCH', path, undefined, { raw: `{"schemas":["${PATCH_OP}"],"Operations":[{"op":"add","value":{"__proto__":{"x":1}}}]}` }), 400);
      assert.deepEqual((await kit.send('GET', path)).body, user);
    },
  },
];
