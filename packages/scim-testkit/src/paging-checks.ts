import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { ENTERPRISE, type Kit, list, part, pathOf, refused, resourcesOf, SEARCH, status, USER } from './kit.ts';

/** Some users whom a filter finds and nobody else. */
async function crowd(kit: Kit, size: number): Promise<{ readonly users: readonly Json[]; readonly filter: string }> {
  const mark = kit.name('Crowd');
  const users: Json[] = [];
  for (let index = 0; index < size; index += 1)
    users.push(
      await kit.newUser({
        userName: `${mark}.${(index * 11) % size}`,
        name: { givenName: `G${index % 3}`, familyName: mark },
        ...(index === 2 ? { title: null } : { title: `T${index}` }),
      }),
    );
  return { users, filter: `filter=${encodeURIComponent(`name.familyName eq "${mark}"`)}` };
}

const idsOf = (body: Json): readonly unknown[] => resourcesOf(body).map((one) => one['id']);

/** Lists: paging, sorting and projection (RFC 7644 §3.4.2, §3.9, RFC 9865). */
export const pagingChecks: readonly Check[] = [
  {
    title: 'S-106 S-107 S-108 S-109 S-110 paging by index: bounds, counts, totals',
    needs: ['filter', 'write'],
    async run(kit) {
      const { filter } = await crowd(kit, 5);
      const page = async (more: string): Promise<Json> => {
        const answer = await kit.send('GET', `/Users?${filter}${more}`);
        status(answer, 200);
        return answer.body;
      };
      const cases: readonly (readonly [string, number, number])[] = [
        ['', 5, 1],
        ['&startIndex=0&count=2', 2, 1],
        ['&startIndex=-5&count=2', 2, 1],
        ['&startIndex=4&count=10', 2, 4],
        ['&startIndex=99', 0, 99],
        ['&count=0', 0, 1],
        ['&count=-3', 0, 1],
        ['&count=100000', 5, 1],
      ];
      for (const [more, size, start] of cases) {
        const body = await page(more);
        assert.deepEqual([body['totalResults'], body['itemsPerPage'], body['startIndex'], resourcesOf(body).length], [5, size, start, size], more);
        assert.ok(Array.isArray(body['Resources']), `Resources with ${more}`);
      }
      refused(await kit.send('GET', '/Users?count=many'), 400, 'invalidValue');
      refused(await kit.send('GET', '/Users?startIndex=1.5'), 400, 'invalidValue');
    },
  },
  {
    title: 'S-110 the total counts the matches of all pages: of the whole list, of a search, of groups',
    needs: ['write'],
    async run(kit) {
      for (let made = 0; made < 3; made += 1) await kit.newUser();
      if (kit.has('groups')) for (let made = 0; made < 2; made += 1) await kit.newGroup();
      const isTotal = (body: Json, least: number, where: string): void => {
        assert.equal(typeof body['totalResults'], 'number', `totalResults of ${where}`);
        assert.ok(Number(body['totalResults']) >= least, `totalResults of ${where} is ${String(body['totalResults'])}, and there are ${least} at least`);
      };
      for (const query of ['count=1', 'startIndex=1&count=1', 'startIndex=2&count=1', 'count=0']) {
        const answer = await kit.send('GET', `/Users?${query}`);
        status(answer, 200);
        isTotal(answer.body, 3, `/Users?${query}`);
      }
      if (kit.has('groups')) isTotal((await kit.send('GET', '/Groups?startIndex=1&count=1')).body, 2, '/Groups');
      const searched = await kit.send('POST', '/Users/.search', { schemas: [SEARCH], startIndex: 1, count: 1 });
      if (searched.status === 200) isTotal(searched.body, 3, '/Users/.search');
    },
  },
  {
    title: 'S-111 pages visit everything once, in the same order',
    level: 'clients',
    needs: ['filter', 'write'],
    async run(kit) {
      const { users, filter } = await crowd(kit, 7);
      const whole = idsOf((await kit.send('GET', `/Users?${filter}`)).body);
      const paged: unknown[] = [];
      for (let start = 1; start <= 7; start += 3) paged.push(...idsOf((await kit.send('GET', `/Users?${filter}&startIndex=${start}&count=3`)).body));
      assert.deepEqual(paged, whole);
      assert.equal(new Set(paged).size, users.length);
    },
  },
  {
    title: 'S-102 S-103 S-105 sorting: both orders, resources without the value, and a wrong order',
    needs: ['filter', 'sort', 'write', 'User.title'],
    async run(kit) {
      const { users, filter } = await crowd(kit, 4);
      const sorted = async (more: string): Promise<readonly unknown[]> => {
        const answer = await kit.send('GET', `/Users?${filter}&${more}`);
        status(answer, 200);
        return resourcesOf(answer.body).map((one) => one['userName']);
      };
      const names = users.map((user) => String(user['userName'])).sort();
      assert.deepEqual(await sorted('sortBy=userName'), names);
      assert.deepEqual(await sorted('sortBy=USERNAME&sortOrder=Descending'), [...names].reverse());
      const bare = users[2]?.['userName'];
      assert.equal((await sorted('sortBy=title')).at(-1), bare);
      assert.equal((await sorted('sortBy=title&sortOrder=descending'))[0], bare);
      assert.equal((await sorted('sortBy=meta.created')).length, 4);
      refused(await kit.send('GET', '/Users?sortBy=userName&sortOrder=up'), 400, 'invalidValue');
    },
  },
  {
    title: 'S-104 lists sort by their primary value; a complex attribute needs a part',
    needs: ['filter', 'sort', 'write'],
    async run(kit) {
      const { users, filter } = await crowd(kit, 3);
      const answer = await kit.send('GET', `/Users?${filter}&sortBy=emails`);
      status(answer, 200);
      const emails = resourcesOf(answer.body).map((one) => String(list(one, 'emails')[0]?.['value']));
      assert.deepEqual(emails, [...emails].sort());
      assert.equal(emails.length, users.length);
      refused(await kit.send('GET', '/Users?sortBy=name'), 400, 'invalidValue');
    },
  },
  {
    title: 'S-114 S-115 S-120 a walk by cursor visits everything once, and ends',
    needs: ['cursor', 'filter', 'write'],
    async run(kit) {
      const { users, filter } = await crowd(kit, 7);
      for (const more of ['', '&sortBy=userName', '&sortBy=emails']) {
        const seen: unknown[] = [];
        let cursor: unknown = '';
        let pages = 0;
        while (typeof cursor === 'string') {
          const answer = await kit.send('GET', `/Users?${filter}${more}&count=3&cursor=${cursor}`);
          status(answer, 200);
          seen.push(...idsOf(answer.body));
          cursor = answer.body['nextCursor'];
          pages += 1;
          assert.ok(pages < 5, 'it ends');
        }
        assert.equal(pages, 3, `three pages${more}`);
        assert.equal(new Set(seen).size, users.length);
        assert.equal(seen.length, users.length);
        const whole = idsOf((await kit.send('GET', `/Users?${filter}${more}`)).body);
        assert.deepEqual(seen, whole, 'in the order of the list');
      }
      assert.equal((await kit.send('GET', `/Users?${filter}&cursor&count=7`)).body['nextCursor'], undefined, 'one page has no next one');
      const searched = await kit.send('POST', '/Users/.search', { schemas: [SEARCH], cursor: '', count: 2 });
      assert.equal(typeof searched.body['nextCursor'], 'string');
    },
  },
  {
    title: 'S-116 S-117 SEC-31 cursors are unreserved characters, and forged, cut, foreign and repurposed ones are refused',
    needs: ['cursor', 'filter', 'write'],
    async run(kit) {
      const { filter } = await crowd(kit, 4);
      const cursor = String((await kit.send('GET', `/Users?${filter}&cursor=&count=2`)).body['nextCursor']);
      assert.match(cursor, /^[A-Za-z0-9._~-]+$/);
      const flipped = (cursor.at(-1) === 'A' ? 'B' : 'A') + cursor.slice(1);
      for (const wrong of ['x', flipped, cursor.slice(0, -4), `${cursor}.x`, 'bnVsbA.bnVsbA', '%00'])
        refused(await kit.send('GET', `/Users?${filter}&count=2&cursor=${wrong}`), 400, 'invalidCursor');
      refused(await kit.send('GET', `/Users?count=2&cursor=${cursor}`), 400, 'invalidCursor');
      refused(await kit.send('GET', `/Users?${filter}&attributes=id&count=2&cursor=${cursor}`), 400, 'invalidCursor');
      refused(await kit.send('GET', `/Users?${filter}&count=3&cursor=${cursor}`), 400, 'invalidCount');
      status(await kit.send('GET', `/Users?${filter}&count=2&cursor=${cursor}`), 200);
      status(await kit.send('GET', `/Users?${filter}&cursor=${cursor}`), 200);
    },
  },
  {
    title: 'S-118 without a paging parameter the page is by index; both kinds together are refused',
    level: 'recommended',
    needs: ['cursor'],
    async run(kit) {
      const { body } = await kit.send('GET', '/Users?count=1');
      assert.equal(typeof body['startIndex'], 'number');
      assert.equal(body['nextCursor'], undefined);
      refused(await kit.send('GET', '/Users?startIndex=1&cursor='), 400);
    },
  },
  {
    title: 'S-049 S-121 attributes= leaves the minimum and what is named, by every method',
    needs: ['write', 'patch'],
    async run(kit) {
      const created = await kit.send('POST', '/Users?attributes=userName', kit.user());
      status(created, 201);
      const path = pathOf(created.body);
      kit.forget(path);
      const isMinimal = (body: Json): void => assert.deepEqual(Object.keys(body).sort(), ['id', 'schemas', 'userName'], JSON.stringify(body));
      isMinimal(created.body);
      isMinimal((await kit.send('GET', `${path}?attributes=userName`)).body);
      isMinimal((await kit.send('GET', `${path}?attributes=%20userName%20,%20nothing`)).body);
      const patched = await kit.send('PATCH', `${path}?attributes=userName`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'name.givenName', value: 'N' }],
      });
      status(patched, 200);
      isMinimal(patched.body);
      isMinimal((await kit.send('PUT', `${path}?attributes=userName`, kit.user({ userName: created.body['userName'] }))).body);
    },
  },
  {
    title: 'S-122 S-123 excludedAttributes=, parts, URNs and whole extensions; both together are invalidValue',
    needs: ['write', 'Enterprise.department', 'Enterprise.costCenter'],
    async run(kit) {
      const user = await kit.newUser({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'D', costCenter: 'C' } });
      const path = pathOf(user);
      const read = async (query: string): Promise<Json> => (await kit.send('GET', `${path}?${query}`)).body;
      const without = await read('excludedAttributes=name,id,emails.type');
      assert.equal(without['name'], undefined);
      assert.equal(without['id'], user['id'], 'id is always returned');
      assert.ok(list(without, 'emails').every((email) => email['type'] === undefined && email['value'] !== undefined));
      assert.deepEqual((await read('attributes=name.givenName'))['name'], { givenName: 'Check' });
      assert.equal(part(await read(`attributes=${ENTERPRISE}`), ENTERPRISE)['department'], 'D');
      assert.deepEqual(part(await read(`attributes=${ENTERPRISE}:department`), ENTERPRISE), { department: 'D' });
      assert.equal((await read(`attributes=${USER}:userName`))['userName'], user['userName']);
      assert.equal((await read(`excludedAttributes=${ENTERPRISE}`))[ENTERPRISE], undefined);
      refused(await kit.send('GET', `${path}?attributes=id&excludedAttributes=name`), 400, 'invalidValue');
      refused(await kit.send('GET', '/Users?attributes=id&excludedAttributes=name'), 400, 'invalidValue');
    },
  },
  {
    title: 'S-050 S-051 S-074 default attributes are there unasked; groups of a user when asked for',
    needs: ['write', 'groups', 'User.groups'],
    async run(kit) {
      const user = await kit.newUser();
      const group = await kit.newGroup({ members: [{ value: user['id'] }] });
      const read = (await kit.send('GET', pathOf(user))).body;
      for (const name of ['userName', 'name', 'emails', 'meta']) assert.ok(read[name] !== undefined, name);
      const [mine] = list((await kit.send('GET', `${pathOf(user)}?attributes=groups`)).body, 'groups');
      assert.equal(mine?.['value'], group['id']);
      assert.equal(mine?.['display'], group['displayName']);
      assert.match(String(mine?.['$ref']), /\/Groups\//);
      assert.equal(mine?.['type'], 'direct');
    },
  },
  {
    title: 'SEC-38 a parameter that is given twice is refused',
    level: 'recommended',
    async run(kit) {
      refused(await kit.send('GET', '/Users?count=1&count=2'), 400, 'invalidValue');
    },
  },
];
