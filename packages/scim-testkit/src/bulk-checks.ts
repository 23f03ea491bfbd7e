import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Answer, Json } from './connection.ts';
import { BULK, ENTERPRISE, GROUP, type Kit, list, PATCH_OP, part, pathOf, refused, status, USER } from './kit.ts';

const RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

async function bulk(kit: Kit, operations: readonly Json[], more: Json = {}): Promise<Answer> {
  const answer = await kit.send('POST', '/Bulk', { schemas: [BULK], Operations: operations, ...more });
  for (const result of list(answer.body, 'Operations')) {
    const location = String(result['location'] ?? '');
    if (result['method'] === 'POST' && result['status'] === '201') kit.forget(location.replace(/^.*(?=\/(?:Users|Groups)\/)/, ''));
  }
  return answer;
}

const statuses = (answer: Answer): readonly unknown[] => list(answer.body, 'Operations').map((result) => result['status']);
const idOf = (result: Json | undefined): string => decodeURIComponent(String(result?.['location'] ?? '').replace(/^.*\//, ''));
const create = (bulkId: string, data: Json, path = '/Users'): Json => ({ method: 'POST', path, bulkId, data });

/** Bulk requests (RFC 7644 §3.7). */
export const bulkChecks: readonly Check[] = [
  {
    title: 'S-184 S-187 a result for each operation: method, bulkId, location, version, status as text',
    needs: ['bulk'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const answer = await bulk(kit, [
        create('a', kit.user()),
        { method: 'PUT', path, data: { ...user, name: { givenName: 'P', familyName: 'Q' } } },
        { method: 'PATCH', path, data: { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'name.givenName', value: 'R' }] } },
        { method: 'DELETE', path },
      ]);
      status(answer, 200);
      assert.deepEqual(answer.body['schemas'], [RESPONSE]);
      assert.deepEqual(statuses(answer), ['201', '200', '200', '204']);
      const [first, second] = list(answer.body, 'Operations');
      assert.deepEqual([first?.['method'], first?.['bulkId']], ['POST', 'a']);
      assert.match(String(first?.['location']), /\/Users\/[^/]+$/);
      assert.equal(second?.['location'], part(user, 'meta')['location']);
      if (kit.has('etag')) assert.ok(first?.['version'] && second?.['version'], 'versions');
      status(await kit.send('GET', path), 404);
    },
  },
  {
    title: 'S-184 S-185 S-190 a body that is no bulk request, and a bulkId that is used twice, are 400 as a whole',
    needs: ['bulk'],
    async run(kit) {
      refused(await kit.send('POST', '/Bulk', { Operations: [] }), 400, 'invalidSyntax');
      refused(await kit.send('POST', '/Bulk', { schemas: [BULK] }), 400, 'invalidSyntax');
      refused(await bulk(kit, [create('a', kit.user()), create('a', kit.user())]), 400);
      refused(await bulk(kit, [], { failOnErrors: -1 }), 400);
    },
  },
  {
    title: 'S-185 S-186 SEC-13 operations that are wrong are 400 alone: methods, paths that lead elsewhere, missing data',
    needs: ['bulk'],
    async run(kit) {
      const data = kit.user();
      const patch = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'title', value: 'x' }] };
      const wrong: readonly Json[] = [
        { method: 'GET', path: '/Users/x' },
        { method: 'POST', path: '/Users', data },
        { method: 'POST', path: '/Users/x', bulkId: 'a', data },
        { method: 'PATCH', path: '/Users', data: patch },
        { method: 'PATCH', path: '/Users/x' },
        { method: 'DELETE', path: '/Bulk/x' },
        { method: 'DELETE', path: '/Me/x' },
        { method: 'DELETE', path: '/Schemas/x' },
        { method: 'DELETE', path: 'https://elsewhere.example/Users/x' },
        { method: 'DELETE', path: '/Users/../Groups/x' },
        { method: 'DELETE', path: '/Users/..%2fx' },
        { method: 'DELETE', path: '/Users/%2e%2e' },
        { method: 'DELETE', path: '/../admin/x' },
        { method: 'POST', path: '/Bulk', bulkId: 'b', data: {} },
      ];
      const answer = await bulk(kit, [...wrong, create('good', kit.user())]);
      status(answer, 200);
      assert.deepEqual(statuses(answer), [...wrong.map(() => '400'), '201']);
      for (const result of list(answer.body, 'Operations').slice(0, -1)) assert.equal(part(result, 'response')['status'], '400');
    },
  },
  {
    title: 'S-188 bulkIds are resolved in members, manager and paths, forward references too',
    needs: ['bulk', 'groups'],
    async run(kit) {
      const boss = kit.has('Enterprise.manager') ? { schemas: [USER, ENTERPRISE], [ENTERPRISE]: { manager: { value: 'bulkId:boss' } } } : {};
      const answer = await bulk(kit, [
        create('team', { schemas: [GROUP], displayName: kit.name('bulk'), members: [{ value: 'bulkId:user' }] }, '/Groups'),
        create('user', kit.user(boss)),
        create('boss', kit.user()),
        {
          method: 'PATCH',
          path: '/Users/bulkId:boss',
          data: { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'name.givenName', value: 'Patched' }] },
        },
        {
          method: 'PATCH',
          path: '/Groups/bulkId:team',
          data: { schemas: [PATCH_OP], Operations: [{ op: 'add', path: 'members', value: [{ value: 'bulkId:boss' }] }] },
        },
      ]);
      assert.deepEqual(statuses(answer).slice(0, 4), ['201', '201', '201', '200'], answer.text);
      const [team, user, chief] = list(answer.body, 'Operations');
      const members = list((await kit.send('GET', `/Groups/${idOf(team)}`)).body, 'members').map((one) => one['value']);
      assert.deepEqual(members.sort(), [idOf(user), idOf(chief)].sort());
      assert.equal(part((await kit.send('GET', `/Users/${idOf(chief)}`)).body, 'name')['givenName'], 'Patched');
      if (kit.has('Enterprise.manager'))
        assert.equal(part(part((await kit.send('GET', `/Users/${idOf(user)}`)).body, ENTERPRISE), 'manager')['value'], idOf(chief));
    },
  },
  {
    title: 'S-189 references in a circle are set',
    needs: ['bulk', 'Enterprise.manager'],
    async run(kit) {
      const managed = (bulkId: string): Json =>
        kit.user({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'D', manager: { value: `bulkId:${bulkId}` } } });
      const answer = await bulk(kit, [create('a', managed('b')), create('b', managed('c')), create('c', managed('a'))]);
      assert.deepEqual(statuses(answer), ['201', '201', '201'], answer.text);
      const ids = list(answer.body, 'Operations').map(idOf);
      for (const [index, id] of ids.entries()) {
        const extension = part((await kit.send('GET', `/Users/${id}`)).body, ENTERPRISE);
        assert.equal(part(extension, 'manager')['value'], ids[(index + 1) % 3]);
        assert.equal(extension['department'], 'D');
      }
    },
  },
  {
    title: 'S-190 a reference to what failed, or to nothing, fails that operation alone',
    needs: ['bulk', 'groups'],
    async run(kit) {
      const group = (bulkId: string, member: string): Json =>
        create(bulkId, { schemas: [GROUP], displayName: kit.name('bulk'), members: [{ value: `bulkId:${member}` }] }, '/Groups');
      const answer = await bulk(kit, [
        create('bad', { schemas: [USER] }),
        group('g1', 'bad'),
        group('g2', 'nothing'),
        create('good', kit.user()),
        group('g3', 'good'),
      ]);
      assert.deepEqual(statuses(answer), ['400', '400', '400', '201', '201'], answer.text);
    },
  },
  {
    title: 'S-191 failOnErrors stops; without it all are tried',
    needs: ['bulk'],
    async run(kit) {
      const operations = [create('a', { schemas: [USER] }), create('b', kit.user()), create('c', { schemas: [USER] }), create('d', kit.user())];
      assert.deepEqual(statuses(await bulk(kit, operations)), ['400', '201', '400', '201']);
      const again = [create('a', { schemas: [USER] }), create('b', kit.user()), create('c', { schemas: [USER] }), create('d', kit.user())];
      assert.deepEqual(statuses(await bulk(kit, again, { failOnErrors: 2 })), ['400', '201', '400']);
      assert.deepEqual(statuses(await bulk(kit, [create('a', { schemas: [USER] }), create('b', kit.user())], { failOnErrors: 1 })), ['400']);
    },
  },
  {
    title: 'S-192 too many operations, or a body that is too large, are 413 and name the limit',
    needs: ['bulk'],
    async run(kit) {
      const { maxOperations, maxPayloadSize } = part(kit.config, 'bulk');
      const many = await bulk(
        kit,
        Array.from({ length: Number(maxOperations) + 1 }, () => ({ method: 'DELETE', path: '/Users/nobody' })),
      );
      refused(many, 413);
      assert.ok(many.text.includes(String(maxOperations)), 'the limit is named');
      const large = await kit.send('POST', '/Bulk', undefined, { raw: `{"schemas":["${BULK}"],"Operations":[],"x":"${'x'.repeat(Number(maxPayloadSize))}"}` });
      refused(large, 413);
      assert.ok(large.text.includes(String(maxPayloadSize)), 'the limit is named');
    },
  },
  {
    title: 'S-193 a bare list as the data of a PATCH is taken',
    level: 'clients',
    profile: 'lenient',
    needs: ['bulk'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const answer = await bulk(kit, [{ method: 'PATCH', path, data: [{ op: 'replace', path: 'name.givenName', value: 'Bare' }] }]);
      assert.deepEqual(statuses(answer), ['200'], answer.text);
    },
  },
  {
    title: 'S-193 the data of a PATCH is a PatchOp',
    profile: 'strict',
    needs: ['bulk'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      assert.deepEqual(statuses(await bulk(kit, [{ method: 'PATCH', path, data: [{ op: 'replace', path: 'name.givenName', value: 'Bare' }] }])), ['400']);
    },
  },
  {
    title: 'S-187 S-199 the version of an operation is its If-Match',
    needs: ['bulk', 'etag'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const change = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'name.givenName', value: 'V' }] };
      const answer = await bulk(kit, [
        { method: 'PATCH', path, version: 'W/"stale"', data: change },
        { method: 'PATCH', path, version: part(user, 'meta')['version'], data: change },
        { method: 'DELETE', path, version: part(user, 'meta')['version'] },
      ]);
      assert.deepEqual(statuses(answer), ['412', '200', '412'], answer.text);
    },
  },
];
