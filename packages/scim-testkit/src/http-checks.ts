import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import { ERROR, list, pathOf, refused, resourcesOf, status } from './kit.ts';

const PRINTABLE = 'Zoë 𝒜𝓁𝒾𝒸𝑒 שָׁלוֹם Ａ é Straße ı İ';

/** HTTP as SCIM uses it: media types, methods, errors, versions (RFC 7644 §3.8, §3.12, §3.14). */
export const httpChecks: readonly Check[] = [
  {
    title: 'S-210 Accept in its usual forms; answers are application/scim+json in UTF-8',
    async run(kit) {
      for (const accept of ['application/scim+json', 'application/json', 'application/scim+json; charset=utf-8', '*/*', 'text/html, application/json;q=0.9']) {
        const answer = await kit.send('GET', '/Users?count=1', undefined, { headers: { accept } });
        status(answer, 200);
        assert.match(answer.headers['content-type'] ?? '', /^application\/scim\+json/i, `Accept: ${accept}`);
      }
      status(await kit.send('GET', '/Users?count=1', undefined, { headers: { accept: '' } }), 200);
    },
  },
  {
    title: 'S-211 bodies are JSON by either media type; another one is 415',
    needs: ['write'],
    async run(kit) {
      for (const type of ['application/scim+json', 'application/json', 'application/json; charset=utf-8']) {
        const answer = await kit.send('POST', '/Users', kit.user(), { headers: { 'content-type': type } });
        status(answer, 201);
        kit.forget(pathOf(answer.body));
      }
      refused(await kit.send('POST', '/Users', kit.user(), { headers: { 'content-type': 'text/plain' } }), 415);
    },
  },
  {
    title: 'S-204 broken JSON, a body that is no object, and broken UTF-8 are invalidSyntax',
    needs: ['write'],
    async run(kit) {
      for (const raw of ['{"schemas":', '[]', '"text"', 'null', '{"a":1,}', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])])
        refused(await kit.send('POST', '/Users', undefined, { raw }), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-030 keys that repeat, or differ in case only, are invalidSyntax',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const text = JSON.stringify(kit.user());
      for (const more of ['"active":true,"Active":false', '"title":"a","title":"b"'])
        refused(await kit.send('POST', '/Users', undefined, { raw: `${text.slice(0, -1)},${more}}` }), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-212 S-037 every character survives as it was sent; a byte order mark does no harm',
    needs: ['write'],
    async run(kit) {
      const user = kit.user({ name: { givenName: PRINTABLE, familyName: 'e\u0301 not \u00e9' } });
      const answer = await kit.send('POST', '/Users', undefined, { raw: `\ufeff${JSON.stringify(user)}` });
      status(answer, 201);
      kit.forget(pathOf(answer.body));
      assert.deepEqual((await kit.send('GET', pathOf(answer.body))).body['name'], answer.body['name']);
      const name = answer.body['name'] as Readonly<Record<string, unknown>>;
      assert.equal(name['givenName'], PRINTABLE);
      assert.equal(name['familyName'], 'e\u0301 not \u00e9');
      refused(await kit.send('POST', '/Users', undefined, { raw: JSON.stringify(kit.user()).replace('Person', '\\ud800') }), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-213 a body with Content-Encoding is 415 or understood, never taken for JSON',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      status(await kit.send('POST', '/Users', kit.user(), { headers: { 'content-encoding': 'gzip' } }), 400, 415);
    },
  },
  {
    title: 'S-214 method override headers are ignored',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser();
      const headers = { 'x-http-method-override': 'DELETE', 'x-http-method': 'DELETE', 'x-method-override': 'DELETE' };
      await kit.send('POST', '/Users/.search', {}, { headers });
      status(await kit.send('GET', pathOf(user), undefined, { headers }), 200);
      status(await kit.send('GET', pathOf(user)), 200);
    },
  },
  {
    title: 'S-215 S-216 User-Agent changes nothing; HEAD is a GET without a body; OPTIONS shows no data; CORS is off',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const plain = await kit.send('GET', path);
      const okta = await kit.send('GET', path, undefined, { headers: { 'user-agent': 'Okta SCIM Client 1.0.0', origin: 'https://evil.example' } });
      assert.deepEqual(okta.body, plain.body);
      assert.equal(okta.headers['access-control-allow-origin'], undefined, 'no CORS');
      const head = await kit.send('HEAD', path);
      assert.deepEqual([head.status, head.text, head.headers['etag']], [200, '', plain.headers['etag']]);
      const options = await kit.send('OPTIONS', path);
      assert.ok(!options.text.includes(String(user['userName'])), 'no data');
      status(await kit.send('GET', path, undefined, { headers: { accept: 'text/html' } }), 406);
    },
  },
  {
    title: 'S-202 S-205 every error is a SCIM error: routes, methods, media types, ids, values',
    needs: ['write'],
    async run(kit) {
      refused(await kit.send('GET', '/Nothing'), 404);
      refused(await kit.send('GET', '/Users/nobody'), 404);
      refused(await kit.send('GET', '/Users/a/b/c'), 404);
      refused(await kit.send('PUT', '/Users', {}), 405);
      refused(await kit.send('POST', '/Users', {}, { headers: { 'content-type': 'image/png' } }), 415);
      refused(await kit.find('/Users', 'userName zz "a"'), 400, 'invalidFilter');
      const wrong = await kit.send('POST', '/Users', kit.user({ active: 'perhaps' }));
      refused(wrong, 400, 'invalidValue');
      assert.match(String(wrong.body['detail']), /active/, 'the detail names the attribute');
      assert.ok(!/\bat .*\.[jt]s\b|SQLITE|SELECT /i.test(wrong.text), 'no internals');
    },
  },
  {
    title: 'S-217 S-202 without a valid credential: 401 with WWW-Authenticate and a SCIM error',
    async run(kit) {
      for (const authorization of ['', 'Bearer', 'Bearer  ', 'Bearer undefined', 'Bearer null', 'Basic Og==']) {
        const answer = await kit.send('GET', '/Users?count=1', undefined, { headers: { authorization } });
        status(answer, 401);
        assert.ok(list(answer.body, 'schemas').includes(ERROR as never), 'a SCIM error');
        assert.ok(answer.headers['www-authenticate'], 'WWW-Authenticate');
      }
    },
  },
  {
    title: 'SEC-59 answers are not cached',
    level: 'recommended',
    async run(kit) {
      assert.match((await kit.send('GET', '/Users?count=1')).headers['cache-control'] ?? '', /no-store/);
    },
  },
  {
    title: 'S-209 answers have a correlation id of their own',
    level: 'recommended',
    async run(kit) {
      const ids = new Set<string>();
      for (let count = 0; count < 2; count += 1) {
        const { headers } = await kit.send('GET', '/Users?count=1');
        const id = headers['x-correlation-id'] ?? headers['x-request-id'] ?? headers['request-id'];
        assert.ok(id, 'a correlation header');
        ids.add(id);
      }
      assert.equal(ids.size, 2);
    },
  },
  {
    title: 'S-197 the ETag equals meta.version and changes with the representation only',
    needs: ['etag', 'patch', 'write'],
    async run(kit) {
      const created = await kit.send('POST', '/Users', kit.user());
      status(created, 201);
      const path = pathOf(created.body);
      kit.forget(path);
      const versionOf = (body: Readonly<Record<string, unknown>>): unknown => (body['meta'] as Readonly<Record<string, unknown>>)['version'];
      assert.equal(created.headers['etag'], versionOf(created.body));
      const read = await kit.send('GET', path);
      assert.equal(read.headers['etag'], versionOf(read.body));
      assert.equal(read.headers['etag'], created.headers['etag']);
      const changed = await kit.patch(path, { op: 'replace', path: 'name.givenName', value: 'Changed' });
      assert.ok(changed.headers['etag'], 'a PATCH answers with the new tag');
      assert.notEqual(changed.headers['etag'], read.headers['etag']);
      assert.equal((await kit.send('GET', path)).headers['etag'], changed.headers['etag']);
    },
  },
  {
    title: 'S-198 If-None-Match with the current tag is 304 without a body',
    needs: ['etag', 'write'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const etag = (await kit.send('GET', path)).headers['etag'] ?? '';
      for (const tag of [etag, etag.replace(/^W\//, ''), `"x", ${etag}`, '*']) {
        const answer = await kit.send('GET', path, undefined, { headers: { 'if-none-match': tag } });
        assert.deepEqual([answer.status, answer.text], [304, ''], `If-None-Match: ${tag}`);
      }
      status(await kit.send('GET', path, undefined, { headers: { 'if-none-match': '"other"' } }), 200);
    },
  },
  {
    title: 'S-199 S-201 If-Match that does not match is 412 and changes nothing; the current tag, a list and * pass; none is needed',
    needs: ['etag', 'patch', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const etag = (await kit.send('GET', path)).headers['etag'] ?? '';
      const change = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'name.givenName', value: 'No' }] };
      const stale = { headers: { 'if-match': 'W/"stale"' } };
      refused(await kit.send('PATCH', path, change, stale), 412);
      refused(await kit.send('PUT', path, kit.user(), stale), 412);
      refused(await kit.send('DELETE', path, undefined, stale), 412);
      assert.equal((await kit.send('GET', path)).headers['etag'], etag, 'nothing changed');
      status(await kit.send('PATCH', path, change, { headers: { 'if-match': `"x", ${etag}` } }), 200, 204);
      status(await kit.send('PATCH', path, change, { headers: { 'if-match': '*' } }), 200, 204);
      status(await kit.send('PATCH', path, change), 200, 204);
    },
  },
  {
    title: 'S-198 a write with the current tag in If-None-Match is 412 and changes nothing; another tag does not matter',
    level: 'recommended',
    needs: ['etag', 'patch', 'write'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const etag = (await kit.send('GET', path)).headers['etag'] ?? '';
      const change = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'name.givenName', value: 'No' }] };
      for (const tag of [etag, '*', `"x", ${etag}`]) {
        refused(await kit.send('PATCH', path, change, { headers: { 'if-none-match': tag } }), 412);
        refused(await kit.send('PUT', path, kit.user(), { headers: { 'if-none-match': tag } }), 412);
        refused(await kit.send('DELETE', path, undefined, { headers: { 'if-none-match': tag } }), 412);
      }
      assert.equal((await kit.send('GET', path)).headers['etag'], etag, 'nothing changed');
      status(await kit.send('PATCH', path, change, { headers: { 'if-none-match': 'W/"other"' } }), 200, 204);
    },
  },
  {
    title: 'S-200 of two writers with the same tag one wins',
    needs: ['etag', 'patch', 'write'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const etag = (await kit.send('GET', path)).headers['etag'] ?? '';
      const write = (value: string) =>
        kit.send(
          'PATCH',
          path,
          { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'name.givenName', value }] },
          { headers: { 'if-match': etag } },
        );
      const answers = await Promise.all(['A', 'B', 'C', 'D'].map(write));
      assert.deepEqual(answers.map((one) => (one.status === 412 ? 412 : 200)).sort(), [200, 412, 412, 412]);
    },
  },
  {
    title: 'S-228 a client may send a burst of requests: mixed, forty at a time, none of them 429 or 5xx',
    level: 'clients',
    needs: ['write', 'filter'],
    async run(kit) {
      const users = await Promise.all(Array.from({ length: 10 }, () => kit.newUser()));
      const requests = users.flatMap((user) => [
        () => kit.send('GET', pathOf(user)),
        () => kit.find('/Users', `userName eq "${String(user['userName'])}"`),
        () => kit.patch(pathOf(user), { op: 'replace', path: 'name.givenName', value: kit.name() }),
        () => kit.send('GET', '/Users?count=1'),
      ]);
      for (const answer of await Promise.all(requests.map((request) => request()))) status(answer, 200, 204);
    },
  },
  {
    title: 'S-112 Okta probes by startIndex=1&count=2, and by 100 groups',
    level: 'clients',
    async run(kit) {
      const answer = await kit.send('GET', '/Users?startIndex=1&count=2');
      status(answer, 200);
      assert.ok(Array.isArray(answer.body['Resources']));
      if (kit.has('groups')) assert.ok(Array.isArray((await kit.send('GET', '/Groups?startIndex=1&count=100')).body['Resources']));
      assert.ok(resourcesOf(answer.body).length <= 2);
    },
  },
];
