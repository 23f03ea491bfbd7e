import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { BULK, ENTERPRISE, list, part, pathOf, refused, resourcesOf, SEARCH, status, USER } from './kit.ts';

const TYPES: ReadonlySet<unknown> = new Set(['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest']);

/** Every attribute definition of a schema, sub-attributes included. */
function definitionsOf(schema: Json): readonly Json[] {
  return list(schema, 'attributes').flatMap((attribute) => [attribute, ...list(attribute, 'subAttributes')]);
}

/** What a service says of itself (RFC 7644 §4, RFC 7643 §5 to §7). */
export const discoveryChecks: readonly Check[] = [
  {
    title: 'S-001 S-002 ServiceProviderConfig is one object with every member, numbers included',
    async run(kit) {
      const { body } = await kit.send('GET', '/ServiceProviderConfig');
      assert.deepEqual(body['schemas'], ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig']);
      assert.equal(body['Resources'], undefined, 'it is no list');
      for (const name of ['patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag']) assert.equal(typeof part(body, name)['supported'], 'boolean', name);
      for (const name of ['maxOperations', 'maxPayloadSize']) assert.equal(typeof part(body, 'bulk')[name], 'number', `bulk.${name}`);
      assert.equal(typeof part(body, 'filter')['maxResults'], 'number', 'filter.maxResults');
    },
  },
  {
    title: 'S-004 authentication schemes have a type of RFC 7643, a name and a description',
    async run(kit) {
      const schemes = list(kit.config, 'authenticationSchemes');
      assert.ok(schemes.length > 0, 'there is at least one');
      for (const scheme of schemes) {
        assert.ok(TYPES.has(scheme['type']), `the type ${String(scheme['type'])}`);
        assert.ok(typeof scheme['name'] === 'string' && typeof scheme['description'] === 'string', 'name and description');
      }
    },
  },
  {
    title: 'S-006 paging by cursor is described by the members of RFC 9865',
    level: 'recommended',
    needs: ['cursor'],
    async run(kit) {
      const pagination = part(kit.config, 'pagination');
      assert.equal(typeof pagination['cursor'], 'boolean');
      assert.equal(typeof pagination['index'], 'boolean');
    },
  },
  {
    title: 'S-007 ResourceTypes is a list; each is found alone and names a schema that is there',
    async run(kit) {
      const types = resourcesOf((await kit.send('GET', '/ResourceTypes')).body);
      const schemas = new Set(resourcesOf((await kit.send('GET', '/Schemas')).body).map((one) => one['id']));
      assert.ok(types.length > 0, 'there is at least one');
      for (const type of types) {
        for (const name of ['name', 'endpoint', 'schema']) assert.equal(typeof type[name], 'string', name);
        assert.ok(schemas.has(type['schema']), `the schema ${String(type['schema'])} is in /Schemas`);
        for (const extension of list(type, 'schemaExtensions')) {
          assert.ok(schemas.has(extension['schema']), `the extension ${String(extension['schema'])} is in /Schemas`);
          assert.equal(typeof extension['required'], 'boolean', 'whether an extension is required');
        }
        const alone = await kit.send('GET', `/ResourceTypes/${String(type['id'] ?? type['name'])}`);
        status(alone, 200);
        assert.equal(alone.body['endpoint'], type['endpoint']);
      }
      refused(await kit.send('GET', '/ResourceTypes/Nothing'), 404);
    },
  },
  {
    title: 'S-008 a schema is found by its URN in any case and percent-encoded; message URNs are not listed',
    async run(kit) {
      const schemas = resourcesOf((await kit.send('GET', '/Schemas')).body);
      assert.ok(schemas.every((schema) => !String(schema['id']).includes(':api:messages:')));
      for (const urn of [USER, USER.toUpperCase(), encodeURIComponent(USER)]) {
        const answer = await kit.send('GET', `/Schemas/${urn}`);
        status(answer, 200);
        assert.equal(answer.body['id'], USER);
      }
      refused(await kit.send('GET', '/Schemas/urn:nothing'), 404);
    },
  },
  {
    title: 'S-009 attribute definitions have every characteristic of RFC 7643 §7',
    async run(kit) {
      for (const schema of resourcesOf((await kit.send('GET', '/Schemas')).body)) {
        for (const one of definitionsOf(schema)) {
          const where = `${String(schema['id'])} ${String(one['name'])}`;
          for (const name of ['name', 'type', 'description', 'mutability', 'returned']) assert.equal(typeof one[name], 'string', `${where}: ${name}`);
          for (const name of ['multiValued', 'required']) assert.equal(typeof one[name], 'boolean', `${where}: ${name}`);
          if (one['type'] === 'string' || one['type'] === 'reference') {
            assert.equal(typeof one['caseExact'], 'boolean', `${where}: caseExact`);
            assert.equal(typeof one['uniqueness'], 'string', `${where}: uniqueness`);
          }
          if (one['type'] === 'complex') assert.ok(Array.isArray(one['subAttributes']), `${where}: subAttributes`);
          if (one['type'] === 'reference') assert.ok(Array.isArray(one['referenceTypes']), `${where}: referenceTypes`);
        }
      }
    },
  },
  {
    title: 'S-010 Schemas is a list without null, and its enumerations are spelt as in the RFC',
    level: 'clients',
    async run(kit) {
      const answer = await kit.send('GET', '/Schemas');
      assert.ok(Array.isArray(answer.body['Resources']), 'a ListResponse');
      assert.ok(!/:\s*null\b/.test(answer.text), 'no null');
      const known = { mutability: ['readOnly', 'readWrite', 'immutable', 'writeOnly'], returned: ['always', 'never', 'default', 'request'] } as const;
      for (const schema of resourcesOf(answer.body))
        for (const one of definitionsOf(schema))
          for (const [name, values] of Object.entries(known)) assert.ok((values as readonly unknown[]).includes(one[name]), `${name} ${String(one[name])}`);
    },
  },
  {
    title: 'S-011 the five discovery documents that SailPoint reads are there',
    level: 'clients',
    async run(kit) {
      for (const path of ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas', '/ResourceTypes/User', `/Schemas/${USER}`])
        status(await kit.send('GET', path), 200);
    },
  },
  {
    title: 'S-012 a filter on discovery is 403; sorting and paging there do nothing',
    level: 'recommended',
    async run(kit) {
      for (const path of ['/Schemas', '/ResourceTypes', '/ServiceProviderConfig']) {
        refused(await kit.send('GET', `${path}?filter=${encodeURIComponent('id pr')}`), 403);
        status(await kit.send('GET', `${path}?sortBy=id&startIndex=1&count=1`), 200);
      }
    },
  },
  {
    title: 'S-013 methods that do not fit are 405 with Allow and a SCIM error',
    async run(kit) {
      const cases = [
        ['POST', '/Schemas'],
        ['PUT', '/ServiceProviderConfig'],
        ['DELETE', '/ResourceTypes'],
        ['POST', '/Users/x'],
        ['PUT', '/Users'],
        ['PATCH', '/Users'],
        ['DELETE', '/Users'],
      ] as const;
      for (const [method, path] of cases) {
        const answer = await kit.send(method, path, method === 'DELETE' ? undefined : {});
        refused(answer, 405);
        assert.ok((answer.headers['allow'] ?? '').length > 0, `${method} ${path} says what is allowed`);
      }
    },
  },
  {
    title: 'S-015 /v2 is served where the version is part of the URL, and another version is never answered as 2.0',
    async run(kit) {
      const answer = await kit.send('GET', '/v1/Users');
      status(answer, 400, 404);
      assert.notEqual(answer.body['Resources'], [], 'no resources');
    },
  },
  {
    title: 'S-016 doubled and trailing slashes lead to the same resource',
    level: 'clients',
    async run(kit) {
      for (const path of ['/Users/?count=1', '//Users?count=1', '/ServiceProviderConfig/']) status(await kit.send('GET', path), 200);
    },
  },
  {
    title: 'S-017 unknown query parameters are ignored',
    level: 'recommended',
    async run(kit) {
      status(await kit.send('GET', '/Users?aadOptscim062020&count=1'), 200);
      status(await kit.send('GET', '/Users?AzureAdScimPatch2017=&nothing=1&count=1'), 200);
    },
  },
  {
    title: 'S-003 S-207 what is advertised works, and what is not advertised is refused',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      status(await kit.patch(path, { op: 'replace', path: 'name.givenName', value: 'Other' }), 200, 204);
      const bulk = await kit.send('POST', '/Bulk', { schemas: [BULK], Operations: [{ method: 'POST', path: '/Users', bulkId: 'a', data: kit.user() }] });
      if (kit.has('bulk')) {
        status(bulk, 200);
        const [made] = list(bulk.body, 'Operations');
        kit.forget(new URL(String(made?.['location'])).pathname.replace(/^.*(?=\/Users\/)/, ''));
      } else refused(bulk, 501);
      const filtered = await kit.find('/Users', `userName eq "${String(user['userName'])}"`);
      if (kit.has('filter')) assert.equal(resourcesOf(filtered.body).length, 1, 'a filter finds it');
      else status(filtered, 400, 403, 501);
      if (kit.has('sort')) status(await kit.send('GET', '/Users?sortBy=userName&count=1'), 200);
      const read = await kit.send('GET', path);
      assert.equal(read.headers['etag'] !== undefined, kit.has('etag'), 'an ETag is there just when it is advertised');
      const walk = await kit.send('GET', '/Users?cursor&count=1');
      if (kit.has('cursor')) assert.ok(walk.status === 200 && typeof walk.body['nextCursor'] === 'string', 'a walk by cursor begins');
      const me = await kit.send('GET', '/Me');
      assert.ok([200, 308, 404, 501].includes(me.status), `/Me is answered ${me.status}`);
    },
  },
  {
    title: 'S-003 the limits and features of ServiceProviderConfig are those that are measured',
    needs: ['write'],
    async run(kit) {
      const configuration = (await kit.send('GET', '/ServiceProviderConfig')).body;
      const of = (name: string): Readonly<Record<string, unknown>> => (configuration[name] ?? {}) as Readonly<Record<string, unknown>>;
      const { maxOperations, maxPayloadSize } = of('bulk');
      if (kit.has('bulk') && Number(maxOperations) <= 5000) {
        const gone = { method: 'DELETE', path: '/Users/nobody' };
        const operations = (count: number) => ({ schemas: [BULK], Operations: Array.from({ length: count }, () => gone) });
        refused(await kit.send('POST', '/Bulk', operations(Number(maxOperations) + 1)), 413);
      }
      if (kit.has('bulk') && Number(maxPayloadSize) <= 16 * 1024 * 1024) {
        const padded = `${JSON.stringify({ schemas: [BULK], Operations: [{ method: 'DELETE', path: '/Users/nobody' }] })}${' '.repeat(Number(maxPayloadSize))}`;
        refused(await kit.send('POST', '/Bulk', undefined, { raw: padded }), 413);
      }
      const { maxResults } = of('filter');
      if (Number(maxResults) > 0) {
        const page = await kit.send('GET', `/Users?attributes=id&count=${Number(maxResults) + 1}`);
        status(page, 200);
        assert.ok(resourcesOf(page.body).length <= Number(maxResults), 'a page has at most filter.maxResults resources');
      }
      const mark = kit.name('Order');
      const made = [await kit.newUser({ userName: `${mark}.b` }), await kit.newUser({ userName: `${mark}.a` }), await kit.newUser({ userName: `${mark}.c` })];
      if (kit.has('sort') && kit.has('filter')) {
        const sorted = await kit.find('/Users', `userName sw "${mark}"`, '&sortBy=userName&sortOrder=descending');
        assert.deepEqual(
          resourcesOf(sorted.body).map((one) => String(one['userName']).slice(-1)),
          ['c', 'b', 'a'],
        );
      }
      const path = pathOf(made[0] ?? {});
      const { etag } = (await kit.send('GET', path)).headers;
      if (kit.has('etag')) {
        status(await kit.send('GET', path, undefined, { headers: { 'if-none-match': etag ?? '' } }), 304);
        refused(await kit.send('DELETE', path, undefined, { headers: { 'if-match': 'W/"stale"' } }), 412);
      }
      const password = await kit.patch(path, { op: 'replace', path: 'password', value: 'C0rrect-horse-battery' });
      if (of('changePassword')['supported'] === true) status(password, 200, 204);
      else assert.ok(password.status >= 400, 'a password that cannot be changed is not taken');
      const { index, cursor, defaultPageSize, maxPageSize } = of('pagination');
      if (index === true) assert.equal((await kit.send('GET', '/Users?startIndex=1&count=1')).body['startIndex'], 1);
      assert.equal(cursor === true, kit.has('cursor'));
      if (Number(maxPageSize) > 0) assert.ok(Number(defaultPageSize ?? 1) <= Number(maxPageSize), 'the default page is a page');
    },
  },
  {
    title: 'S-194 /Me is the subject, or 404 or 501',
    level: 'recommended',
    async run(kit) {
      const answer = await kit.send('GET', '/Me');
      status(answer, 200, 308, 404, 501);
      if (answer.status === 200 || answer.status === 308) assert.ok(answer.headers['location'] ?? answer.headers['content-location'], 'its permanent place');
    },
  },
  {
    title: 'S-195 .search answers as the list does, and needs its URN',
    needs: ['filter', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const filter = `userName eq "${String(user['userName'])}"`;
      const query = { filter, attributes: ['userName'], startIndex: 1, count: 5 };
      const answer = await kit.send('POST', '/Users/.search', { schemas: [SEARCH], ...query });
      const same = await kit.find('/Users', filter, '&attributes=userName&startIndex=1&count=5');
      status(answer, 200);
      assert.deepEqual(answer.body, same.body);
      refused(await kit.send('POST', '/Users/.search', query), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-196 a search over all types is whole, or refused',
    level: 'recommended',
    needs: ['filter', 'write', 'groups'],
    async run(kit) {
      const user = await kit.newUser();
      const group = await kit.newGroup();
      const filter = `id eq "${String(user['id'])}" or id eq "${String(group['id'])}"`;
      const answer = await kit.send('GET', `/?filter=${encodeURIComponent(filter)}`);
      if (answer.status !== 200) return status(answer, 400, 501);
      assert.equal(answer.body['totalResults'], 2);
      assert.deepEqual(new Set(resourcesOf(answer.body).map((one) => one['id'])), new Set([user['id'], group['id']]));
      const posted = await kit.send('POST', '/.search', { schemas: [SEARCH], filter: `meta.resourceType eq "Group" and id eq "${String(group['id'])}"` });
      assert.equal(posted.body['totalResults'], 1);
    },
  },
  {
    title: 'S-040 S-043 the User and Enterprise schemas have the characteristics of RFC 7643',
    async run(kit) {
      const user = (await kit.send('GET', `/Schemas/${USER}`)).body;
      const find = (schema: Json, name: string): Json | undefined => list(schema, 'attributes').find((one) => one['name'] === name);
      const userName = find(user, 'userName');
      assert.deepEqual(
        [userName?.['required'], userName?.['uniqueness'], userName?.['multiValued']],
        [true, 'server', false],
        'userName is required, unique and single',
      );
      const groups = find(user, 'groups');
      if (groups !== undefined) assert.equal(groups['mutability'], 'readOnly', 'groups');
      const password = find(user, 'password');
      if (password !== undefined) assert.deepEqual([password['mutability'], password['returned']], ['writeOnly', 'never'], 'password');
      if (!kit.has('Enterprise.manager')) return;
      const manager = find((await kit.send('GET', `/Schemas/${ENTERPRISE}`)).body, 'manager');
      assert.deepEqual([manager?.['type'], manager?.['multiValued']], ['complex', false], 'manager');
      const displayName = list(manager ?? {}, 'subAttributes').find((one) => one['name'] === 'displayName');
      if (displayName !== undefined) assert.equal(displayName['mutability'], 'readOnly', 'manager.displayName');
    },
  },
  {
    title: 'S-042 the Group schema has displayName and members with immutable values',
    needs: ['groups'],
    async run(kit) {
      const group = (await kit.send('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group')).body;
      const displayName = list(group, 'attributes').find((one) => one['name'] === 'displayName');
      assert.equal(displayName?.['multiValued'], false);
      const members = list(group, 'attributes').find((one) => one['name'] === 'members');
      assert.equal(members?.['multiValued'], true);
      const value = list(members ?? {}, 'subAttributes').find((one) => one['name'] === 'value');
      assert.equal(value?.['mutability'], 'immutable', 'members.value');
    },
  },
];
