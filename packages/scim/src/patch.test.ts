import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enterpriseUserSchema, groupSchema, userSchema } from './core-schemas.ts';
import { ScimError } from './errors.ts';
import { parseJsonBody } from './json.ts';
import { applyPatch, PATCH_SCHEMA, parsePatch } from './patch.ts';
import { profileOf, profiles } from './profiles.ts';
import { compileResourceType, type ScimAttribute, type ScimResource } from './schema.ts';

const ENTERPRISE = enterpriseUserSchema.id;
const user = compileResourceType({
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  description: '',
  schema: userSchema,
  extensions: [{ schema: enterpriseUserSchema, required: false }],
});
const group = compileResourceType({ id: 'Group', name: 'Group', endpoint: '/Groups', description: '', schema: groupSchema, extensions: [] });
const base: ScimResource = {
  schemas: [userSchema.id],
  id: '1',
  userName: 'ada',
  name: { givenName: 'Ada', familyName: 'L' },
  active: true,
  emails: [
    { type: 'work', value: 'a@w', primary: true },
    { type: 'home', value: 'a@h' },
  ],
};

function patch(operations: readonly unknown[], options: { readonly on?: ScimResource; readonly strict?: boolean } = {}) {
  const profile = options.strict ? profiles['strict'] : profiles['lenient'];
  if (profile === undefined) throw new Error('no profile');
  return applyPatch(options.on ?? base, parsePatch({ schemas: [PATCH_SCHEMA], Operations: operations }), user, { profile, deferred: [] });
}

it('SEC-38 what has no text of its own where text is expected is refused, or is no such thing, and breaks nothing', () => {
  const odd = ['{"toString":5}', '9007199254740993', '[{"toString":1}]', '{"toJSON":5,"valueOf":1}'];
  for (const value of odd) {
    const body = (operation: string) => parseJsonBody(`{"schemas":["${PATCH_SCHEMA}"],"Operations":[${operation}]}`);
    expect(() => parsePatch(body(`{"op":${value},"path":"title","value":"x"}`)), value).toThrow(ScimError);
    expect(() => parsePatch(parseJsonBody(`{"schemas":[${value}],"Operations":[{"op":"remove","path":"title"}]}`)), value).toThrow(ScimError);
    for (const path of ['emails', 'roles', 'emails[primary eq true]'])
      for (const profile of ['strict', 'lenient', 'entra'])
        for (const text of [`{"op":"remove","path":"${path}","value":[{"value":${value}}]}`, `{"op":"remove","path":"${path}","value":${value}}`])
          try {
            applyPatch({ schemas: [userSchema.id], id: '1', userName: 'a', emails: [{ value: 'a@x', primary: true }] }, parsePatch(body(text)), user, {
              profile: profileOf(profile),
              deferred: [],
            });
          } catch (error) {
            expect(error, text).toBeInstanceOf(ScimError);
          }
  }
});

describe('PATCH', () => {
  it.each<[string, unknown, Record<string, unknown>]>([
    ['S-139 add to a single value sets it', { op: 'add', path: 'title', value: 'Dr' }, { title: 'Dr' }],
    [
      'S-140 add to a list appends',
      { op: 'add', path: 'emails', value: { type: 'other', value: 'a@o' } },
      { emails: [...(base['emails'] as object[]), { type: 'other', value: 'a@o' }] },
    ],
    [
      'S-141 add to a complex value merges',
      { op: 'add', path: 'name', value: { familyName: 'Lovelace' } },
      { name: { givenName: 'Ada', familyName: 'Lovelace' } },
    ],
    [
      'S-142 add without a path appends to lists',
      { op: 'add', value: { emails: [{ value: 'x@y' }], title: 'T' } },
      { title: 'T', emails: [...(base['emails'] as object[]), { value: 'x@y' }] },
    ],
    [
      'S-144 add with a filter creates the element',
      { op: 'Add', path: 'phoneNumbers[type eq "work"].value', value: '1' },
      { phoneNumbers: [{ type: 'work', value: '1' }] },
    ],
    [
      'S-147 remove with a filter takes the matching element',
      { op: 'remove', path: 'emails[type eq "home"]' },
      { emails: [{ type: 'work', value: 'a@w', primary: true }] },
    ],
    [
      'S-149 remove with a value list takes those',
      { op: 'Remove', path: 'emails', value: [{ value: 'a@h' }] },
      { emails: [{ type: 'work', value: 'a@w', primary: true }] },
    ],
    ['S-149 remove with an empty list takes nothing', { op: 'Remove', path: 'emails', value: [] }, {}],
    ['S-152 replace of a list replaces all', { op: 'replace', path: 'emails', value: [{ value: 'n@n' }] }, { emails: [{ value: 'n@n' }] }],
    [
      'S-153 replace of a complex value keeps the rest',
      { op: 'replace', path: 'name', value: { givenName: 'A' } },
      { name: { givenName: 'A', familyName: 'L' } },
    ],
    [
      'S-154 an element that is replaced by its type keeps it, where the value does not say another',
      { op: 'replace', path: 'emails[type eq "home"]', value: { value: 'n@h' } },
      { emails: [(base['emails'] as object[])[0], { type: 'home', value: 'n@h' }] },
    ],
    [
      'S-154 replace with a filter touches matching elements only',
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'n@w' },
      {
        emails: [
          { type: 'work', value: 'n@w', primary: true },
          { type: 'home', value: 'a@h' },
        ],
      },
    ],
    [
      'S-158 dotted and URN keys without a path',
      { op: 'replace', value: { 'name.familyName': 'King', [`${ENTERPRISE}:department`]: 'R' } },
      { name: { givenName: 'Ada', familyName: 'King' }, [ENTERPRISE]: { department: 'R' }, schemas: [userSchema.id, ENTERPRISE] },
    ],
    [
      'S-159 the old dot after the URN',
      { op: 'add', path: `${ENTERPRISE}.department`, value: 'R' },
      { [ENTERPRISE]: { department: 'R' }, schemas: [userSchema.id, ENTERPRISE] },
    ],
    ['S-160 "False" is false', { op: 'Replace', path: 'active', value: 'False' }, { active: false }],
    [
      'S-161 a manager by its bare id',
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: '9' },
      { [ENTERPRISE]: { manager: { value: '9' } }, schemas: [userSchema.id, ENTERPRISE] },
    ],
    [
      'S-161 a manager in a list',
      { op: 'Add', path: `${ENTERPRISE}:manager`, value: [{ $ref: 'u', value: '9' }] },
      { [ENTERPRISE]: { manager: { $ref: 'u', value: '9' } }, schemas: [userSchema.id, ENTERPRISE] },
    ],
    [
      'S-163 one primary at a time',
      { op: 'replace', path: 'emails[type eq "home"].primary', value: true },
      {
        emails: [
          { type: 'work', value: 'a@w', primary: false },
          { type: 'home', value: 'a@h', primary: true },
        ],
      },
    ],
    ['S-047 an id that repeats itself is nothing', { op: 'replace', value: { id: '1', displayName: 'A' } }, { displayName: 'A' }],
  ])('%s', (_name, operation, expected) => {
    expect(patch([operation]).resource).toEqual({ ...base, ...expected });
  });

  it.each<[string, unknown, string, boolean?]>([
    ['S-046 read-only', { op: 'replace', path: 'meta.created', value: 'x' }, 'mutability'],
    ['S-060 required', { op: 'remove', path: 'userName' }, 'mutability'],
    ['S-133 unknown operation', { op: 'move', path: 'title' }, 'invalidSyntax'],
    ['S-135 index', { op: 'remove', path: 'emails[0]' }, 'invalidPath'],
    ['S-145 remove without a path', { op: 'remove' }, 'noTarget'],
    ['S-155 no match, strict', { op: 'replace', path: 'phoneNumbers[type eq "work"].value', value: '1' }, 'noTarget', true],
    ['S-160 other words are no booleans', { op: 'replace', path: 'active', value: 'yes' }, 'invalidValue'],
    ['S-166 no value', { op: 'add', path: 'title' }, 'invalidValue'],
    ['S-166 wrong shape', { op: 'replace', path: 'name', value: 'Ada' }, 'invalidValue'],
    ['SEC-37 prototype in a path', { op: 'add', path: '__proto__.x', value: '1' }, 'invalidPath'],
    ['SEC-37 constructor in a path', { op: 'add', path: 'constructor.prototype', value: '1' }, 'invalidPath'],
    ['SEC-37 prototype after brackets', { op: 'add', path: 'emails[type eq "work"].__proto__', value: '1' }, 'invalidPath'],
  ])('%s is refused', (_name, operation, scimType, strict) => {
    expect(() => patch([operation], { strict: strict === true })).toThrowError(expect.objectContaining({ scimType }));
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('S-134 a failing operation leaves the resource as it was', () => {
    const before = JSON.stringify(base);
    expect(() =>
      patch([
        { op: 'add', path: 'title', value: 'x' },
        { op: 'remove', path: 'userName' },
      ]),
    ).toThrow(ScimError);
    expect(JSON.stringify(base)).toBe(before);
  });

  it('R27 whole numbers that no number can hold pass through, to the last digit', () => {
    const digits = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('9223372036854775807');
    const on = { ...base, [ENTERPRISE]: { employeeNumber: digits } };
    const { resource: patched, changed } = patch([{ op: 'replace', path: 'title', value: 'x' }], { on });
    expect(changed).toBe(true);
    expect(JSON.stringify(patched)).toContain('"employeeNumber":9223372036854775807');
  });

  it('S-146 S-165 an extension goes as a whole, but for what is read-only, required or immutable in it', () => {
    const own = 'urn:example:own';
    const make = (more: Partial<ScimAttribute>) =>
      compileResourceType({
        id: 'User',
        name: 'User',
        endpoint: '/Users',
        description: '',
        schema: userSchema,
        extensions: [
          {
            required: false,
            schema: {
              id: own,
              name: 'Own',
              description: '',
              attributes: [
                { ...(enterpriseUserSchema.attributes[0] as ScimAttribute), name: 'number', mutability: 'readOnly' },
                { ...(enterpriseUserSchema.attributes[0] as ScimAttribute), name: 'badge', ...more },
              ],
            },
          },
        ],
      });
    const profile = profileOf('lenient');
    const resource = { ...base, schemas: [userSchema.id, own], [own]: { number: '7', badge: 'b' } };
    const operations = [
      { op: 'remove', path: own },
      { op: 'replace', value: { [own]: null } },
      { op: 'remove', path: 'schemas', value: [own] },
    ];
    for (const operation of operations) {
      const change = (more: Partial<ScimAttribute>) =>
        applyPatch(resource, parsePatch({ schemas: [PATCH_SCHEMA], Operations: [operation] }), make(more), { profile, deferred: [] }).resource;
      expect(change({}), JSON.stringify(operation)).toMatchObject({ schemas: [userSchema.id, own], [own]: { number: '7' } });
      expect((change({})[own] as Record<string, unknown>)['badge']).toBeUndefined();
      expect(() => change({ required: true })).toThrow('is required');
      expect(() => change({ mutability: 'immutable' })).toThrow('cannot be changed');
    }
  });

  it('S-161 S-167 the id and the URI of a reference are written for each other: none stays from before', () => {
    const on = { ...base, schemas: [userSchema.id, ENTERPRISE], [ENTERPRISE]: { manager: { value: '1', $ref: 'https://h/Users/1', displayName: 'One' } } };
    const managerAfter = (sub: string, value?: unknown) =>
      (
        patch([{ op: value === undefined ? 'remove' : 'replace', path: `${ENTERPRISE}:manager.${sub}`, value }], { on }).resource[ENTERPRISE] as
          | { manager?: unknown }
          | undefined
      )?.manager;
    expect(managerAfter('value', '2')).toEqual({ value: '2', displayName: 'One' });
    expect(managerAfter('$ref', 'https://h/Users/2')).toEqual({ $ref: 'https://h/Users/2', displayName: 'One' });
    for (const sub of ['value', '$ref']) expect(managerAfter(sub)).toEqual({ displayName: 'One' });
  });

  it('S-047 SEC-24 groups and meta in a value without a path are an echo, or refused', () => {
    const on = { ...base, groups: [{ value: 'g' }], meta: { version: 'W/"1"' } };
    const change = (value: unknown, strict = false) => patch([{ op: 'replace', value }], { on, strict }).changed;
    for (const value of [{ groups: [] }, { groups: null }, { GROUPS: [{ value: 'g' }] }, { meta: { version: 'W/"1"' } }, { meta: { version: 'W/"0"' } }])
      expect(change(value)).toBe(false);
    expect(change({ meta: { version: 'W/"1"' } }, true)).toBe(false);
    expect(() => change({ meta: { version: 'W/"0"' } }, true)).toThrow('"meta" is read-only');
    for (const key of ['groups', 'GROUPS', `${userSchema.id}:groups`]) expect(() => change({ [key]: [{ value: 'other' }] }), key).toThrow('is read-only');
  });

  it('S-143 what changes nothing says so', () => {
    expect(patch([{ op: 'add', path: 'emails', value: [{ type: 'home', value: 'a@h' }] }]).changed).toBe(false);
    expect(patch([{ op: 'replace', path: 'title', value: 'x' }]).changed).toBe(true);
  });

  it('S-176 S-181 members are deltas, in order, without being there', () => {
    const profile = profiles['entra'];
    if (profile === undefined) throw new Error('no profile');
    const operations = parsePatch({
      schemas: [PATCH_SCHEMA],
      Operations: [
        { op: 'Add', path: 'members', value: [{ $ref: null, value: 'a' }, { value: 'a' }, { value: 'b' }] },
        { op: 'Remove', path: 'members', value: [{ value: 'c' }, { $ref: 'https://h/scim/app/Groups/c%20d' }] },
        { op: 'remove', path: 'members[value eq"d"]' },
        { op: 'replace', path: 'members', value: [] },
        { op: 'remove', path: 'members' },
      ],
    });
    const { deferred } = applyPatch({ schemas: [groupSchema.id], id: 'g', displayName: 'G' }, operations, group, { profile, deferred: ['members'] });
    expect(deferred.map(({ kind, values }) => [kind, ...values])).toEqual([['add', 'a', 'b'], ['remove', 'c', 'c d'], ['remove', 'd'], ['replace'], ['clear']]);
  });

  it('SEC-37 whatever is sent, the resource given stays the same and only SCIM errors come out', () => {
    const operation = fc.record(
      {
        op: fc.constantFrom('add', 'Replace', 'remove', 'x'),
        path: fc.oneof(fc.constantFrom('emails', 'name', 'emails[type eq "work"]', 'emails[type eq "x"].value', 'active', '__proto__'), fc.string()),
        value: fc.jsonValue(),
      },
      { requiredKeys: ['op'] },
    );
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        const before = JSON.stringify(base);
        try {
          patch(operations);
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
        expect(JSON.stringify(base)).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});
