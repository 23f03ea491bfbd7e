import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { GROUP, type Kit, list, PATCH_OP, pathOf, refused, resourcesOf, status } from './kit.ts';

async function members(kit: Kit, group: Json): Promise<readonly unknown[]> {
  return list((await kit.send('GET', pathOf(group, '/Groups'))).body, 'members')
    .map((member) => member['value'])
    .sort();
}

async function people(kit: Kit, size: number): Promise<readonly string[]> {
  const users: Json[] = [];
  for (let count = 0; count < size; count += 1) users.push(await kit.newUser());
  return users.map((user) => String(user['id']));
}

const values = (ids: readonly string[]): readonly Json[] => ids.map((value) => ({ value }));

/** Groups and their members (RFC 7643 §4.2). */
export const groupChecks: readonly Check[] = [
  {
    title: 'S-174 S-177 a group begins without members or with some; members need a value only',
    needs: ['write', 'groups'],
    async run(kit) {
      const [id = ''] = await people(kit, 1);
      assert.deepEqual(await members(kit, await kit.newGroup()), []);
      assert.deepEqual(await members(kit, await kit.newGroup({ members: [] })), []);
      const group = await kit.newGroup({ members: [{ $ref: null, value: id }] });
      const [member] = list((await kit.send('GET', pathOf(group, '/Groups'))).body, 'members');
      assert.equal(member?.['value'], id);
      assert.match(String(member?.['$ref']), new RegExp(`/Users/${id}$`));
      const other = await kit.newGroup({ members: [{ value: id, $ref: 'https://nowhere.example/x', type: 'User', display: 'X' }] });
      assert.deepEqual(await members(kit, other), [id]);
    },
  },
  {
    title: 'S-176 S-140 S-147 S-148 S-149 members come and go by one operation or by many, listed or filtered',
    needs: ['write', 'patch', 'groups'],
    async run(kit) {
      const ids = [...(await people(kit, 3))].sort();
      const [a = '', b = '', c = ''] = ids;
      const group = await kit.newGroup();
      const path = pathOf(group, '/Groups');
      const after = async (...operations: readonly unknown[]): Promise<readonly unknown[]> => {
        status(await kit.patch(path, ...operations), 200, 204);
        return members(kit, group);
      };
      assert.deepEqual(await after({ op: 'Add', path: 'members', value: values([a, b, c, a]) }), ids);
      assert.deepEqual(await after({ op: 'remove', path: `members[value eq "${a}"]` }), [b, c]);
      assert.deepEqual(await after({ op: 'remove', path: `members[value eq"${a}"]` }), [b, c]);
      assert.deepEqual(await after({ op: 'Add', path: 'members', value: { value: a } }, { op: 'Remove', path: 'members', value: values([b]) }), [a, c]);
      assert.deepEqual(await after({ op: 'Remove', path: 'members', value: [] }), [a, c]);
      assert.deepEqual(await after({ op: 'add', value: { members: values([b]) } }), ids);
      assert.deepEqual(await after(...ids.map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` }))), []);
      assert.deepEqual(await after(...ids.map((id) => ({ op: 'add', path: 'members', value: values([id]) }))), ids);
      assert.deepEqual(await after({ op: 'replace', path: 'members', value: values([b]) }), [b]);
      assert.deepEqual(await after({ op: 'replace', value: { members: values([a, c]) } }), [a, c]);
      assert.deepEqual(await after({ op: 'replace', path: 'members', value: [] }), []);
      await after({ op: 'add', path: 'members', value: values(ids) });
      assert.deepEqual(await after({ op: 'remove', path: 'members' }), []);
    },
  },
  {
    title: 'S-131 PUT of members makes just that set',
    needs: ['write', 'groups'],
    async run(kit) {
      const [a = '', b = '', c = ''] = [...(await people(kit, 3))].sort();
      const group = await kit.newGroup({ members: values([a, b]) });
      status(await kit.send('PUT', pathOf(group, '/Groups'), { ...group, members: values([b, c]) }), 200);
      assert.deepEqual(await members(kit, group), [b, c]);
      status(await kit.send('PUT', pathOf(group, '/Groups'), { ...group, members: [] }), 200);
      assert.deepEqual(await members(kit, group), []);
    },
  },
  {
    title: 'S-124 S-138 a group is changed with 204 and read without its members where they are excluded',
    level: 'clients',
    needs: ['write', 'patch', 'groups', 'filter'],
    async run(kit) {
      const ids = await people(kit, 2);
      const group = await kit.newGroup({ members: values(ids) });
      const path = pathOf(group, '/Groups');
      const read = await kit.send('GET', `${path}?excludedAttributes=members`);
      assert.equal(read.body['members'], undefined);
      assert.equal(read.body['displayName'], group['displayName']);
      const found = await kit.find('/Groups', `displayName eq "${String(group['displayName'])}"`, '&excludedAttributes=members');
      assert.equal(resourcesOf(found.body)[0]?.['members'], undefined);
      const changed = await kit.patch(path, { op: 'add', path: 'members', value: values(ids) });
      status(changed, 200, 204);
      assert.ok(!changed.text.includes(String(ids[0])), 'no member list comes back');
    },
  },
  {
    title: 'S-175 displayName of a group is unique, in any case',
    level: 'clients',
    needs: ['write', 'groups'],
    async run(kit) {
      const group = await kit.newGroup();
      refused(await kit.send('POST', '/Groups', { schemas: [GROUP], displayName: String(group['displayName']).toUpperCase() }), 409, 'uniqueness');
    },
  },
  {
    title: 'S-178 S-179 SEC-22 an unknown member is refused by name, nothing is applied, and nobody is created',
    needs: ['write', 'patch', 'groups', 'filter'],
    async run(kit) {
      const [id = ''] = await people(kit, 1);
      const group = await kit.newGroup();
      const unknown = kit.name('nobody');
      const answer = await kit.patch(pathOf(group, '/Groups'), { op: 'add', path: 'members', value: values([id, unknown]) });
      refused(answer, 400, 'invalidValue');
      assert.ok(answer.text.includes(unknown) && !answer.text.includes(id), 'the detail names the unknown one only');
      assert.deepEqual(await members(kit, group), []);
      assert.equal((await kit.find('/Users', `userName eq "${unknown}"`)).body['totalResults'], 0);
      status(await kit.send('GET', `/Users/${unknown}`), 404);
    },
  },
  {
    title: 'S-181 SEC-25 members added at the same time are all there',
    needs: ['write', 'patch', 'groups'],
    async run(kit) {
      const ids = [...(await people(kit, 12))].sort();
      const group = await kit.newGroup();
      const add = { schemas: [PATCH_OP] };
      const answers = await Promise.all(
        ids.map((id) => kit.send('PATCH', pathOf(group, '/Groups'), { ...add, Operations: [{ op: 'add', path: 'members', value: values([id]) }] })),
      );
      for (const answer of answers) status(answer, 200, 204);
      assert.deepEqual(await members(kit, group), ids);
    },
  },
  {
    title: 'S-170 a deleted user is in no group any more; a deleted group deletes nobody',
    level: 'recommended',
    needs: ['write', 'groups'],
    async run(kit) {
      const [a = '', b = ''] = await people(kit, 2);
      const group = await kit.newGroup({ members: values([a, b]) });
      status(await kit.send('DELETE', `/Users/${a}`), 204);
      assert.deepEqual(await members(kit, group), [b]);
      status(await kit.send('DELETE', pathOf(group, '/Groups')), 204);
      status(await kit.send('GET', `/Users/${b}`), 200);
    },
  },
  {
    title: 'S-130 the life of a group by PUT alone: rename, members, none',
    level: 'clients',
    needs: ['write', 'groups'],
    async run(kit) {
      const ids = [...(await people(kit, 2))].sort();
      const group = await kit.newGroup();
      const path = pathOf(group, '/Groups');
      const put = async (more: Json): Promise<Json> => {
        const current = (await kit.send('GET', path)).body;
        const answer = await kit.send('PUT', path, { ...current, ...more });
        status(answer, 200);
        return answer.body;
      };
      const displayName = kit.name('put');
      assert.equal((await put({ displayName }))['displayName'], displayName);
      await put({ members: values(ids) });
      assert.deepEqual(await members(kit, group), ids);
      assert.equal((await put({ displayName: kit.name('put') }))['id'], group['id']);
      assert.deepEqual(await members(kit, group), ids);
      await put({ members: [] });
      assert.deepEqual(await members(kit, group), []);
    },
  },
];
