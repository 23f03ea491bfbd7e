import assert from 'node:assert/strict';
import type { Check } from './check.ts';
import { ENTERPRISE, GROUP, list, part, pathOf, refused, resourcesOf, status, USER } from './kit.ts';

/** Resources, their attributes and their life (RFC 7643 §2 to §4, RFC 7644 §3.3 to §3.6). */
export const resourceChecks: readonly Check[] = [
  {
    title: 'S-061 S-018 S-022 a create answers 201, Location, the whole resource, an id of the service, and meta of its own',
    needs: ['write'],
    async run(kit) {
      const body = kit.user({ id: 'mine', meta: { resourceType: 'User', location: 'https://elsewhere.example' } });
      const answer = await kit.send('POST', '/Users', body);
      status(answer, 201);
      kit.forget(pathOf(answer.body));
      const meta = part(answer.body, 'meta');
      assert.notEqual(answer.body['id'], 'mine');
      assert.ok(String(answer.body['id']).length > 0 && !String(answer.body['id']).includes('bulkId'), 'the id');
      assert.equal(answer.headers['location'], meta['location']);
      assert.match(String(meta['location']), /^https?:\/\/.*\/Users\//, 'an absolute location');
      assert.equal(meta['resourceType'], 'User');
      assert.equal(meta['created'], meta['lastModified'], 'nothing changed since');
      assert.ok(!Number.isNaN(Date.parse(String(meta['created']))), 'a time');
      assert.equal(answer.body['userName'], body['userName']);
      assert.equal(part(answer.body, 'name')['familyName'], 'Person');
    },
  },
  {
    title: 'S-062 S-070 a read straight after the create gives the same resource, with its Location',
    needs: ['write'],
    async run(kit) {
      const created = await kit.newUser();
      const read = await kit.send('GET', pathOf(created));
      status(read, 200);
      assert.deepEqual(read.body, created);
      assert.equal(read.headers['location'], part(created, 'meta')['location']);
      assert.match(read.headers['content-type'] ?? '', /scim\+json/);
    },
  },
  {
    title: 'S-023 locations do not follow a forged X-Forwarded-Host header',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      const answer = await kit.send('GET', path, undefined, {
        headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher' },
      });
      assert.ok(!answer.text.includes('evil.example') && !JSON.stringify(answer.headers).includes('evil.example'));
    },
  },
  {
    title: 'S-020 S-021 S-233 externalId is kept exactly, need not be unique, and is no key of the service',
    needs: ['write'],
    async run(kit) {
      const before = await kit.newUser();
      for (const externalId of ['1', '0', '-1', 'admin', 'null', String(before['id']), 'MiXed', 'x'.repeat(500)]) {
        const user = await kit.newUser({ externalId });
        assert.equal(user['externalId'], externalId);
        assert.notEqual(user['id'], before['id']);
      }
      const twin = await kit.newUser({ externalId: 'MiXed' });
      assert.equal(twin['externalId'], 'MiXed');
      assert.deepEqual((await kit.send('GET', pathOf(before))).body, before, 'another resource is untouched');
    },
  },
  {
    title: 'S-024 S-027 schemas names what is there, each once; extensions live under their URN, found in any case',
    needs: ['write', 'Enterprise.department'],
    async run(kit) {
      const plain = await kit.newUser();
      assert.equal(new Set(list(plain, 'schemas')).size, list(plain, 'schemas').length);
      const user = await kit.newUser({ schemas: [USER, ENTERPRISE], [ENTERPRISE.toUpperCase()]: { DEPARTMENT: 'Sales' } });
      assert.equal(part(user, ENTERPRISE)['department'], 'Sales');
      assert.ok((user['schemas'] as readonly unknown[]).includes(ENTERPRISE) && (user['schemas'] as readonly unknown[]).includes(USER));
      assert.equal(user['department'], undefined);
    },
  },
  {
    title: 'S-025 a body without its base schema is invalidSyntax',
    profile: 'strict',
    needs: ['write'],
    async run(kit) {
      const { schemas: _, ...bare } = kit.user();
      refused(await kit.send('POST', '/Users', bare), 400, 'invalidSyntax');
      refused(await kit.send('POST', '/Users', { ...bare, schemas: [ENTERPRISE] }), 400, 'invalidSyntax');
      refused(await kit.send('POST', '/Users', { ...bare, schemas: [] }), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-026 Entra: unknown URNs in schemas, and extensions that are not listed there, are accepted',
    level: 'clients',
    profile: 'lenient',
    needs: ['write', 'groups', 'Enterprise.department'],
    async run(kit) {
      await kit.newGroup({ schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'] });
      const user = await kit.newUser({ [ENTERPRISE]: { department: 'Sales' } });
      assert.equal(part(user, ENTERPRISE)['department'], 'Sales');
    },
  },
  {
    title: 'S-029 names of attributes are compared without regard to case, and answered in the spelling of the schema',
    needs: ['write', 'patch'],
    async run(kit) {
      const user = await kit.newUser({ NAME: { GIVENNAME: 'Upper', familyname: 'Lower' }, name: undefined });
      assert.deepEqual([part(user, 'name')['givenName'], part(user, 'name')['familyName']], ['Upper', 'Lower']);
      const changed = await kit.patched(pathOf(user), { op: 'replace', path: 'NAME.GivenName', value: 'Again' });
      assert.equal(part(changed, 'name')['givenName'], 'Again');
      const found = await kit.send('GET', `${pathOf(user)}?attributes=USERNAME`);
      assert.equal(found.body['userName'], user['userName']);
    },
  },
  {
    title: 'S-032 unknown attributes are ignored and never stored',
    level: 'recommended',
    profile: 'lenient',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser({ favouriteColour: 'blue', name: { givenName: 'A', familyName: 'B', shoeSize: 44 } });
      assert.ok(!JSON.stringify((await kit.send('GET', pathOf(user))).body).match(/favouriteColour|shoeSize/));
    },
  },
  {
    title: 'S-032 unknown attributes are invalidSyntax',
    level: 'recommended',
    profile: 'strict',
    needs: ['write'],
    async run(kit) {
      refused(await kit.send('POST', '/Users', kit.user({ favouriteColour: 'blue' })), 400, 'invalidSyntax');
    },
  },
  {
    title: 'S-034 S-035 null and an empty list are the same as nothing; a later null or [] clears',
    needs: ['write', 'User.title', 'User.roles', 'User.addresses'],
    async run(kit) {
      const user = await kit.newUser({ title: null, roles: [], addresses: null });
      for (const name of ['title', 'roles', 'addresses']) assert.equal(user[name], undefined, `${name} is absent`);
      const titled = await kit.send('PUT', pathOf(user), { ...user, title: 'Dr' });
      assert.equal(titled.body['title'], 'Dr');
      const cleared = await kit.send('PUT', pathOf(user), { ...titled.body, title: null, emails: [] });
      status(cleared, 200);
      assert.equal(cleared.body['title'], undefined);
      assert.equal(cleared.body['emails'], undefined);
    },
  },
  {
    title: 'S-036 an empty text stands where text may be empty and nowhere else',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser({ emails: [{ type: 'work', value: '' }] });
      assert.ok(
        list(user, 'emails').every((email) => email['value'] !== ''),
        'no e-mail address is empty',
      );
    },
  },
  {
    title: 'S-038 canonical values are suggestions',
    level: 'recommended',
    needs: ['write', 'User.timezone', 'User.locale'],
    async run(kit) {
      const user = await kit.newUser({ timezone: 'Mars/Olympus', locale: 'xx_YY' });
      assert.deepEqual([user['timezone'], user['locale']], ['Mars/Olympus', 'xx_YY']);
    },
  },
  {
    title: 'S-039 S-140 a list never has the same element twice',
    level: 'recommended',
    needs: ['write', 'patch'],
    async run(kit) {
      const user = await kit.newUser();
      const [email] = list(user, 'emails');
      const changed = await kit.patched(pathOf(user), { op: 'add', path: 'emails', value: [{ type: email?.['type'], value: email?.['value'] }] });
      assert.equal(list(changed, 'emails').length, 1);
    },
  },
  {
    title: 'S-044 values of a wrong type are invalidValue and name the path',
    needs: ['write'],
    async run(kit) {
      const cases: readonly (readonly [string, unknown])[] = [
        ['active', 1],
        ['active', {}],
        ['userName', ['a']],
        ['userName', {}],
        ['name', [1, 2]],
        ['emails', [[]]],
        ['emails', [{ type: 'work', value: { a: 1 } }]],
      ];
      for (const [name, value] of cases) {
        const answer = await kit.send('POST', '/Users', kit.user({ [name]: value }));
        refused(answer, 400, 'invalidValue');
        assert.ok(String(answer.body['detail']).includes(name), `the detail names ${name}: ${answer.text}`);
      }
    },
  },
  {
    title: 'S-045 S-018 read-only attributes of a body are ignored',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser({ groups: [], id: 'x', meta: { created: '2000-01-01T00:00:00Z' } });
      const answer = await kit.send('PUT', pathOf(user), { ...user, groups: [{ value: 'x' }], meta: { created: '2000-01-01T00:00:00Z' } });
      status(answer, 200);
      assert.equal(answer.body['id'], user['id']);
      assert.equal(part(answer.body, 'meta')['created'], part(user, 'meta')['created']);
    },
  },
  {
    title: 'S-052 S-054 a taken userName is 409 uniqueness by POST, PUT and PATCH, in any case; its own is not',
    needs: ['write', 'patch'],
    async run(kit) {
      const first = await kit.newUser();
      const second = await kit.newUser();
      const taken = String(first['userName']);
      for (const userName of [taken, taken.toUpperCase()]) {
        refused(await kit.send('POST', '/Users', kit.user({ userName })), 409, 'uniqueness');
        refused(await kit.send('PUT', pathOf(second), { ...second, userName }), 409, 'uniqueness');
        refused(await kit.patch(pathOf(second), { op: 'replace', path: 'userName', value: userName }), 409, 'uniqueness');
      }
      status(await kit.send('PUT', pathOf(first), first), 200);
      status(await kit.patch(pathOf(first), { op: 'replace', path: 'userName', value: taken }), 200, 204);
    },
  },
  {
    title: 'S-053 S-069 creates of one name at the same time, and repeats of one, make one resource',
    needs: ['write'],
    async run(kit) {
      const body = kit.user();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => kit.send('POST', '/Users', { ...body, name: { givenName: `N${index}`, familyName: 'X' } })),
      );
      const made = answers.filter((answer) => answer.status === 201);
      for (const answer of made) kit.forget(pathOf(answer.body));
      assert.equal(made.length, 1);
      assert.ok(
        answers.every((answer) => answer.status === 201 || answer.status === 409),
        'the others are 409',
      );
      const again = await kit.send('POST', '/Users', body);
      status(again, 201, 409);
      if (again.status === 201) assert.equal(again.body['id'], made[0]?.body['id']);
    },
  },
  {
    title: 'S-058 the case of a name is kept, and found without regard to it; that of an id matters',
    needs: ['write', 'filter'],
    async run(kit) {
      const userName = kit.name('MiXed.CaSe');
      const user = await kit.newUser({ userName });
      assert.equal(user['userName'], userName);
      const found = await kit.find('/Users', `userName eq "${userName.toUpperCase()}"`);
      assert.deepEqual(
        resourcesOf(found.body).map((one) => one['userName']),
        [userName],
      );
      const id = String(user['id']);
      const other = id === id.toUpperCase() ? id.toLowerCase() : id.toUpperCase();
      assert.equal((await kit.find('/Users', `id eq "${id}"`)).body['totalResults'], 1);
      if (other !== id) {
        assert.equal((await kit.find('/Users', `id eq "${other}"`)).body['totalResults'], 0, 'an id is exact in a filter');
        refused(await kit.send('GET', `/Users/${other}`), 404);
      }
    },
  },
  {
    title: 'S-063 a userName or displayName that is missing or blank is invalidValue',
    needs: ['write'],
    async run(kit) {
      for (const userName of ['', '  ', null]) refused(await kit.send('POST', '/Users', kit.user({ userName })), 400, 'invalidValue');
      refused(await kit.send('POST', '/Users', { ...kit.user(), userName: undefined }), 400, 'invalidValue');
      const user = await kit.newUser();
      refused(await kit.send('PUT', pathOf(user), { ...user, userName: undefined }), 400, 'invalidValue');
      if (kit.has('groups'))
        for (const displayName of ['', ' ', undefined]) refused(await kit.send('POST', '/Groups', { schemas: [GROUP], displayName }), 400, 'invalidValue');
    },
  },
  {
    title: 'S-064 a user without active is created active, and found so',
    level: 'recommended',
    needs: ['write', 'filter'],
    async run(kit) {
      const user = await kit.newUser();
      assert.equal(user['active'], true);
      assert.equal((await kit.find('/Users', `id eq "${String(user['id'])}" and active eq true`)).body['totalResults'], 1);
    },
  },
  {
    title: 'S-065 a group posted to /Users is refused',
    needs: ['write'],
    async run(kit) {
      const answer = await kit.send('POST', '/Users', { schemas: [GROUP], displayName: kit.name() });
      refused(answer, 400);
      assert.ok(['invalidSyntax', 'invalidValue'].includes(String(answer.body['scimType'])));
    },
  },
  {
    title: 'S-169 S-071 S-066 a delete is 204 and empty, then 404 for every method; the name is free again, under another id',
    needs: ['write', 'patch', 'filter'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const answer = await kit.send('DELETE', path);
      assert.deepEqual([answer.status, answer.text], [204, '']);
      const unknown = await kit.send('GET', '/Users/00000000-0000-4000-8000-000000000000');
      for (const gone of [
        await kit.send('GET', path),
        await kit.send('PUT', path, user),
        await kit.patch(path, { op: 'replace', path: 'name.givenName', value: 'x' }),
        await kit.send('DELETE', path),
        unknown,
      ]) {
        refused(gone, 404);
        assert.equal(gone.body['detail'], unknown.body['detail'], 'the detail does not tell deleted from unknown');
      }
      assert.equal((await kit.find('/Users', `userName eq "${String(user['userName'])}"`)).body['totalResults'], 0);
      const again = await kit.newUser({ userName: user['userName'] });
      assert.notEqual(again['id'], user['id']);
    },
  },
  {
    title: 'S-067 S-072 S-171 an inactive user is read, listed and found; its name stays taken; it comes back with its groups',
    needs: ['write', 'patch', 'filter'],
    async run(kit) {
      const user = await kit.newUser();
      const path = pathOf(user);
      const group = kit.has('groups') ? await kit.newGroup({ members: [{ value: user['id'] }] }) : undefined;
      assert.equal((await kit.patched(path, { op: 'replace', path: 'active', value: false }))['active'], false);
      assert.equal((await kit.send('GET', path)).body['active'], false);
      assert.equal((await kit.find('/Users', `userName eq "${String(user['userName'])}"`)).body['totalResults'], 1);
      assert.equal((await kit.find('/Users', `active eq false and id eq "${String(user['id'])}"`)).body['totalResults'], 1);
      refused(await kit.send('POST', '/Users', kit.user({ userName: user['userName'] })), 409, 'uniqueness');
      assert.equal((await kit.send('GET', path)).body['active'], false, 'a create does not enable it');
      assert.equal((await kit.patched(path, { op: 'replace', path: 'active', value: true }))['active'], true);
      if (group !== undefined)
        assert.deepEqual(
          list((await kit.send('GET', pathOf(group, '/Groups'))).body, 'members').map((member) => member['value']),
          [user['id']],
        );
    },
  },
  {
    title: 'S-049 S-234 a password is in no answer, whether or not the schema lists one',
    needs: ['write'],
    async run(kit) {
      const password = `C0rrect-horse-${kit.name()}`;
      const created = await kit.send('POST', '/Users', kit.user({ password }));
      status(created, 201);
      kit.forget(pathOf(created.body));
      const path = pathOf(created.body);
      const answers = [created, await kit.send('GET', path), await kit.send('GET', `${path}?attributes=password`), await kit.send('GET', '/Users?count=50')];
      if (kit.has('filter')) answers.push(await kit.find('/Users', `userName eq ${JSON.stringify(created.body['userName'])}`, '&attributes=userName,password'));
      answers.push(await kit.send('PUT', path, { ...created.body, password }));
      if (kit.has('patch')) answers.push(await kit.patch(path, { op: 'replace', path: 'name.givenName', value: 'Again' }));
      for (const answer of answers) {
        assert.ok(!answer.text.includes(password), 'the password is in an answer');
        for (const user of [answer.body, ...resourcesOf(answer.body)])
          assert.ok(
            !Object.keys(user).some((name) => name.toLowerCase() === 'password'),
            `a user is shown with an attribute "password": ${answer.text.slice(0, 300)}`,
          );
      }
    },
  },
  {
    title: 'S-003 S-049 what a user shows is in its schema, and is not what the schema says is never returned',
    level: 'recommended',
    needs: ['write'],
    async run(kit) {
      const answer = await kit.send('GET', pathOf(await kit.newUser()));
      status(answer, 200);
      const schemas = resourcesOf((await kit.send('GET', '/Schemas')).body);
      const schema = schemas.find((one) => one['id'] === USER) ?? {};
      const found = new Map(list(schema, 'attributes').map((one) => [String(one['name']).toLowerCase(), one]));
      for (const name of Object.keys(answer.body)) {
        if (['schemas', 'id', 'externalid', 'meta'].includes(name.toLowerCase()) || name.includes(':')) continue;
        const definition = found.get(name.toLowerCase());
        assert.ok(definition, `a user shows "${name}", of which /Schemas does not tell`);
        assert.notEqual(definition['returned'], 'never', `a user shows "${name}", which is never returned`);
      }
    },
  },
  {
    title: "S-073 users have the six attributes that Okta's test asserts",
    level: 'clients',
    needs: ['write', 'filter'],
    async run(kit) {
      const made = await kit.newUser();
      const [user] = resourcesOf((await kit.find('/Users', `id eq "${String(made['id'])}"`)).body);
      assert.ok(user, 'it is listed');
      const [email] = list(user, 'emails');
      for (const value of [user['id'], user['userName'], part(user, 'name')['givenName'], part(user, 'name')['familyName'], email?.['value']])
        assert.ok(typeof value === 'string' && value !== '', JSON.stringify(user));
      assert.equal(typeof user['active'], 'boolean');
    },
  },
  {
    title: 'S-126 PUT replaces, answers 200 with the resource, and never creates',
    needs: ['write'],
    async run(kit) {
      refused(await kit.send('PUT', '/Users/nobody', kit.user()), 404);
      const user = await kit.newUser();
      const answer = await kit.send('PUT', pathOf(user), { ...user, name: { givenName: 'New', familyName: 'Name' } });
      status(answer, 200);
      assert.equal(part(answer.body, 'name')['givenName'], 'New');
    },
  },
  {
    title: 'S-127 PUT clears what it leaves out, and keeps active and members',
    level: 'recommended',
    needs: ['write', 'patch', 'User.title'],
    async run(kit) {
      const user = await kit.newUser({ title: 'Dr' });
      await kit.patched(pathOf(user), { op: 'replace', path: 'active', value: false });
      const answer = await kit.send('PUT', pathOf(user), { schemas: [USER], userName: user['userName'] });
      status(answer, 200);
      assert.equal(answer.body['title'], undefined);
      assert.equal(answer.body['active'], false, 'a partial PUT enables nobody');
      if (!kit.has('groups')) return;
      const group = await kit.newGroup({ members: [{ value: user['id'] }] });
      status(await kit.send('PUT', pathOf(group, '/Groups'), { schemas: [GROUP], displayName: kit.name('renamed') }), 200);
      assert.equal(list((await kit.send('GET', pathOf(group, '/Groups'))).body, 'members').length, 1, 'and empties no group');
    },
  },
  {
    title: 'S-128 another id in the body of a PUT is ignored',
    level: 'recommended',
    profile: 'lenient',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser();
      const answer = await kit.send('PUT', pathOf(user), { ...user, id: 'other' });
      status(answer, 200);
      assert.equal(answer.body['id'], user['id']);
    },
  },
  {
    title: 'S-128 another id in the body of a PUT is 400 mutability',
    level: 'recommended',
    profile: 'strict',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser();
      refused(await kit.send('PUT', pathOf(user), { ...user, id: 'other' }), 400, 'mutability');
    },
  },
  {
    title: 'S-129 GET then PUT of the same body changes nothing, for users and groups',
    needs: ['write'],
    async run(kit) {
      const user = await kit.newUser(kit.has('Enterprise.department') ? { schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'Sales' } } : {});
      const path = pathOf(user);
      const before = (await kit.send('GET', path)).body;
      status(await kit.send('PUT', path, before), 200);
      assert.deepEqual((await kit.send('GET', path)).body, before);
      if (!kit.has('groups')) return;
      const group = await kit.newGroup({ members: [{ value: user['id'] }] });
      const read = (await kit.send('GET', pathOf(group, '/Groups'))).body;
      status(await kit.send('PUT', pathOf(group, '/Groups'), read), 200);
      assert.deepEqual((await kit.send('GET', pathOf(group, '/Groups'))).body, read);
    },
  },
  {
    title: 'S-161 manager in all its shapes, and cleared by null and by nothing',
    level: 'clients',
    profile: 'lenient',
    needs: ['write', 'patch', 'Enterprise.manager'],
    async run(kit) {
      const boss = await kit.newUser();
      const id = boss['id'];
      const managerOf = (user: Readonly<Record<string, unknown>>): unknown => part(part(user, ENTERPRISE), 'manager')['value'];
      for (const manager of [id, { value: id }, [{ $ref: '../Users/x', value: id }]]) {
        const user = await kit.newUser({ schemas: [USER, ENTERPRISE], [ENTERPRISE]: { manager } });
        assert.equal(managerOf(user), id, JSON.stringify(manager));
        for (const path of [`${ENTERPRISE}:manager`, 'manager']) {
          for (const nothing of [null, '']) {
            const cleared = await kit.patched(pathOf(user), { op: 'replace', path, value: nothing });
            assert.equal(managerOf(cleared), undefined, `${path} cleared by ${JSON.stringify(nothing)}`);
            assert.equal(managerOf(await kit.patched(pathOf(user), { op: 'Add', path, value: manager })), id, `${path} ${JSON.stringify(manager)}`);
          }
        }
      }
    },
  },
  {
    title: 'S-163 S-164 at most one element is primary: several are refused, or the first stays',
    needs: ['write'],
    async run(kit) {
      const answer = await kit.send(
        'POST',
        '/Users',
        kit.user({
          emails: [
            { type: 'work', value: 'a@example.com', primary: true },
            { type: 'home', value: 'b@example.com', primary: true },
          ],
        }),
      );
      if (kit.profile === 'strict') return refused(answer, 400, 'invalidValue');
      status(answer, 201);
      kit.forget(pathOf(answer.body));
      const primary = list(answer.body, 'emails').filter((email) => email['primary'] === true);
      assert.deepEqual(
        primary.map((email) => email['value']),
        ['a@example.com'],
      );
    },
  },
];
