import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import type { Check } from './check.ts';
import type { Json } from './connection.ts';
import { type Kit, list, part, pathOf, resourcesOf, status, USER } from './kit.ts';

/** An attribute as /Schemas describes it, and where it is in a resource. */
interface Described {
  readonly name: string;
  /** The URN of its extension; absent for an attribute of the base schema. */
  readonly extension: string | undefined;
  readonly path: string;
  readonly definition: Json;
}

/** All attributes of users, those of extensions too. */
async function attributesOfUsers(kit: Kit): Promise<readonly Described[]> {
  const type = resourcesOf((await kit.send('GET', '/ResourceTypes')).body).find((one) => one['schema'] === USER) ?? {};
  const schemas = new Map(resourcesOf((await kit.send('GET', '/Schemas')).body).map((one) => [one['id'], one]));
  const of = (urn: unknown, extension: string | undefined): readonly Described[] =>
    list(schemas.get(urn) ?? {}, 'attributes').map((definition) => {
      const name = String(definition['name']);
      return { name, extension, path: extension === undefined ? name : `${extension}:${name}`, definition };
    });
  return [...of(USER, undefined), ...list(type, 'schemaExtensions').flatMap(({ schema }) => of(schema, String(schema)))];
}

const valueAt = (resource: Json, { extension, name }: Described): unknown => (extension === undefined ? resource : part(resource, extension))[name];

/** A value that an attribute takes, as far as its definition tells; `undefined` where that tells too little. */
async function valueFor(kit: Kit, definition: Json): Promise<unknown> {
  const value = await oneValueFor(kit, definition);
  return value === undefined || definition['multiValued'] !== true ? value : [value];
}

async function oneValueFor(kit: Kit, definition: Json): Promise<unknown> {
  const canonical = list(definition, 'canonicalValues') as readonly unknown[];
  if (canonical.length > 0) return canonical[randomInt(canonical.length)];
  switch (definition['type']) {
    case 'string':
      return kit.name('value');
    case 'boolean':
      return true;
    case 'integer':
      return randomInt(2 ** 31 - 1);
    case 'decimal':
      return 1.5;
    case 'dateTime':
      return '2026-01-31T12:00:00Z';
    case 'binary':
      return randomBytes(9).toString('base64');
    case 'reference':
      return list(definition, 'referenceTypes').includes('external' as unknown as Json) ? `https://${kit.name()}.example.com/` : undefined;
    case 'complex':
      return complexValueFor(kit, definition);
    default:
      return undefined;
  }
}

async function complexValueFor(kit: Kit, definition: Json): Promise<unknown> {
  const parts = list(definition, 'subAttributes').filter((sub) => sub['mutability'] !== 'readOnly');
  // What refers to another resource needs one.
  if (list(definition, 'subAttributes').some((sub) => sub['name'] === '$ref')) return { value: (await kit.newUser())['id'] };
  const result: Record<string, unknown> = {};
  for (const sub of parts) {
    if (sub['name'] === 'primary') continue;
    const value = definition['name'] === 'emails' && sub['name'] === 'value' ? `${kit.name()}@example.com` : await valueFor(kit, sub);
    if (value !== undefined) result[String(sub['name'])] = value;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

/** Whether a resource holds all that was sent; what a service adds to it is its own. */
function holds(sent: unknown, found: unknown): boolean {
  if (Array.isArray(sent)) return Array.isArray(found) && sent.every((one) => found.some((other) => holds(one, other)));
  if (typeof sent !== 'object' || sent === null) return sent === found;
  return typeof found === 'object' && found !== null && Object.entries(sent).every(([name, value]) => holds(value, (found as Json)[name]));
}

/** What a service says of its attributes, tried out on each of them. */
export const schemaChecks: readonly Check[] = [
  {
    title: 'S-008 S-007 the schemas of the discovery documents can be read, and are listed',
    level: 'recommended',
    async run(kit) {
      const listed = new Set(resourcesOf((await kit.send('GET', '/Schemas')).body).map((one) => one['id']));
      for (const name of ['ServiceProviderConfig', 'ResourceType', 'Schema']) {
        const urn = `urn:ietf:params:scim:schemas:core:2.0:${name}`;
        status(await kit.send('GET', `/Schemas/${urn}`), 200);
        assert.ok(listed.has(urn), `${urn} is listed`);
      }
    },
  },
  {
    title: 'S-139 S-140 S-151 S-152 S-146 S-046 S-060 every attribute of a user can be what its schema says: added, replaced, removed, or refused',
    needs: ['write', 'patch'],
    async run(kit) {
      const path = pathOf(await kit.newUser());
      for (const one of await attributesOfUsers(kit)) {
        const { mutability, required, returned } = one.definition;
        if (mutability === 'readOnly') {
          const answer = await kit.patch(path, { op: 'replace', path: one.path, value: await valueFor(kit, one.definition) });
          assert.deepEqual(
            [answer.status, answer.body['scimType']],
            [400, 'mutability'],
            `replace of ${one.path}, which is read-only: ${answer.text.slice(0, 300)}`,
          );
          continue;
        }
        if (mutability === 'immutable' || one.path === 'active') continue;
        // An element of a list that may be there once makes place for another one.
        if (required !== true) status(await kit.patch(path, { op: 'remove', path: one.path }), 200, 204);
        const sent: unknown[] = [];
        for (const op of ['add', 'replace']) {
          const value = await valueFor(kit, one.definition);
          if (value === undefined) continue;
          sent.push(value);
          const changed = await kit.patched(path, { op, path: one.path, value });
          if (returned !== 'never')
            assert.ok(
              holds(value, valueAt(changed, one)),
              `${op} of ${one.path}: ${JSON.stringify(valueAt(changed, one))} instead of ${JSON.stringify(value)}`,
            );
        }
        if (sent.length === 0) continue;
        const answer = await kit.patch(path, { op: 'remove', path: one.path });
        if (required === true) assert.deepEqual([answer.status, answer.body['scimType']], [400, 'mutability'], `remove of ${one.path}, which is required`);
        else {
          status(answer, 200, 204);
          const left = valueAt((await kit.send('GET', path)).body, one);
          assert.ok(left === undefined || (Array.isArray(left) && left.length === 0), `${one.path} is removed: ${JSON.stringify(left)}`);
        }
      }
    },
  },
  {
    title: 'S-146 S-165 a whole extension is removed by its URN; what is read-only in it stays',
    needs: ['write', 'patch'],
    async run(kit) {
      const attributes = await attributesOfUsers(kit);
      const path = pathOf(await kit.newUser());
      for (const urn of new Set(attributes.flatMap(({ extension }) => extension ?? []))) {
        const inside = attributes.filter(({ extension }) => extension === urn);
        if (inside.some(({ definition }) => definition['required'] === true || definition['mutability'] === 'immutable')) continue;
        const filled = inside.find(
          ({ definition }) => definition['mutability'] === 'readWrite' && definition['type'] === 'string' && definition['multiValued'] !== true,
        );
        if (filled !== undefined) await kit.patched(path, { op: 'add', path: filled.path, value: 'here' });
        status(await kit.patch(path, { op: 'remove', path: urn }), 200, 204);
        const { body } = await kit.send('GET', path);
        const left = inside.filter((one) => valueAt(body, one) !== undefined);
        assert.ok(
          left.every(({ definition }) => definition['mutability'] === 'readOnly'),
          `left of ${urn}: ${left.map(({ name }) => name).join(', ')}`,
        );
        if (left.length === 0) assert.ok(!list(body, 'schemas').includes(urn as unknown as Json), `schemas has ${urn} no more`);
      }
    },
  },
  {
    title: 'S-176 a member may be named by its URI alone',
    level: 'recommended',
    needs: ['write', 'patch', 'groups'],
    async run(kit) {
      const user = await kit.newUser();
      const group = await kit.newGroup({ members: [{ $ref: part(user, 'meta')['location'] }] });
      const path = pathOf(group, '/Groups');
      const members = async (): Promise<readonly unknown[]> => list((await kit.send('GET', path)).body, 'members').map((member) => member['value']);
      assert.deepEqual(await members(), [user['id']]);
      const other = await kit.newUser();
      status(await kit.patch(path, { op: 'add', path: 'members', value: [{ $ref: `../Users/${String(other['id'])}` }] }), 200, 204);
      assert.equal((await members()).length, 2);
    },
  },
];
