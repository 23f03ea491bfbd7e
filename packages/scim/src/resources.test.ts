import { describe, expect, it } from 'vitest';
import { enterpriseUserSchema, groupSchema, userSchema } from './core-schemas.ts';
import { ScimError, scimErrors } from './errors.ts';
import { preparePassword } from './opaque.ts';
import { applyPatch, PATCH_SCHEMA, parsePatch } from './patch.ts';
import { profileOf, profiles } from './profiles.ts';
import { parseProjection } from './project.ts';
import { applyReplace } from './replace.ts';
import { compileResourceType, type ScimAttribute, type ScimResource } from './schema.ts';
import { checkRequired, parseResource } from './validate.ts';

const ENTERPRISE = enterpriseUserSchema.id;
const text: ScimAttribute = {
  name: 'badge',
  type: 'string',
  multiValued: false,
  description: '',
  required: false,
  caseExact: true,
  mutability: 'immutable',
  returned: 'default',
  uniqueness: 'none',
};
const own = {
  id: 'urn:example:2.0:User',
  name: 'Own',
  description: '',
  attributes: [
    text,
    { ...text, name: 'hint', mutability: 'readWrite', returned: 'request' },
    { ...text, name: 'pin', mutability: 'writeOnly', returned: 'never' },
    { ...text, name: 'kind', mutability: 'readWrite', returned: 'always' },
  ],
} as const;
const compile = (required = false) =>
  compileResourceType({
    id: 'User',
    name: 'User',
    endpoint: '/Users',
    description: '',
    schema: userSchema,
    extensions: [
      { schema: enterpriseUserSchema, required: false },
      { schema: own, required },
    ],
  });
const user = compile();
const parse = (body: Readonly<Record<string, unknown>>, profile = 'lenient'): ScimResource =>
  parseResource({ schemas: [userSchema.id], userName: 'a', ...body }, user, profileOf(profile)).resource;
const patch = (resource: ScimResource, profile: string, ...operations: readonly unknown[]): ScimResource =>
  applyPatch(resource, parsePatch({ schemas: [PATCH_SCHEMA], Operations: operations }), user, { profile: profileOf(profile), deferred: [] }).resource;
const refusal = (act: () => unknown): ScimError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('it was taken');
};

describe('schemas', () => {
  it('S-033 S-031 a complex attribute in a complex one, and a name outside the grammar, are refused', () => {
    const withAttribute = (attribute: ScimAttribute) => () =>
      compileResourceType({ ...user.definition, extensions: [{ schema: { ...own, attributes: [attribute] }, required: false }] });
    const complex: ScimAttribute = { ...text, type: 'complex', subAttributes: [{ ...text, type: 'complex', subAttributes: [text] }] };
    expect(withAttribute(complex)).toThrow(/complex/);
    for (const name of ['1a', 'a b', 'ä', '', 'a.b']) expect(withAttribute({ ...text, name }), name).toThrow(TypeError);
    for (const name of ['a1', 'a-b', 'a_b', 'a$b', '$ref']) expect(withAttribute({ ...text, name }), name).not.toThrow();
  });

  it('S-040 S-041 S-042 S-043 the standard schemas have the characteristics of RFC 7643 §8.7.1', () => {
    const find = (schema: { readonly attributes: readonly ScimAttribute[] }, name: string) => schema.attributes.find((one) => one.name === name);
    const part = (attribute: ScimAttribute | undefined, name: string) => attribute?.subAttributes?.find((one) => one.name === name);
    expect(find(userSchema, 'userName')).toMatchObject({ required: true, uniqueness: 'server', caseExact: false });
    expect(find(userSchema, 'groups')).toMatchObject({ mutability: 'readOnly', multiValued: true });
    expect(find(userSchema, 'password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
    expect(part(find(userSchema, 'x509Certificates'), 'value')?.type).toBe('binary');
    expect([find(userSchema, 'profileUrl')?.type, part(find(userSchema, 'photos'), 'value')?.type]).toEqual(['reference', 'reference']);
    expect(part(find(userSchema, 'addresses'), 'primary')?.type).toBe('boolean');
    expect(find(groupSchema, 'displayName')?.required).toBe(true);
    for (const name of ['value', '$ref', 'type']) expect(part(find(groupSchema, 'members'), name)?.mutability).toBe('immutable');
    expect(part(find(enterpriseUserSchema, 'manager'), 'displayName')?.mutability).toBe('readOnly');
    expect(find(enterpriseUserSchema, 'manager')?.multiValued).toBe(false);
  });
});

describe('values', () => {
  it('S-166 S-161 a bare value stands for an element where it is text, and no number or boolean does', () => {
    expect(parse({ emails: 'a@x' })['emails']).toEqual([{ value: 'a@x' }]);
    for (const emails of [5, true, [5], ['a@x', false]]) expect(refusal(() => parse({ emails })).scimType, JSON.stringify(emails)).toBe('invalidValue');
    expect(refusal(() => parse({ emails: 'a@x' }, 'strict')).scimType).toBe('invalidValue');
  });

  it('S-028 a required extension that is missing is invalidValue', () => {
    expect(refusal(() => checkRequired(parse({}), compile(true))).scimType).toBe('invalidValue');
    expect(() => checkRequired(parse({ [own.id]: { badge: '1' } }), compile(true))).not.toThrow();
  });

  it('S-048 an immutable attribute is set once, by PUT and PATCH; the same value again is accepted', () => {
    const bare = parse({});
    const set = patch(bare, 'strict', { op: 'add', path: `${own.id}:badge`, value: 'b1' });
    expect(set[own.id]).toEqual({ badge: 'b1' });
    expect(patch(set, 'strict', { op: 'replace', path: `${own.id}:badge`, value: 'b1' })).toEqual(set);
    for (const operation of [
      { op: 'replace', path: `${own.id}:badge`, value: 'b2' },
      { op: 'remove', path: `${own.id}:badge` },
    ])
      expect(refusal(() => patch(set, 'strict', operation)).scimType).toBe('mutability');
    const put = (badge: string) =>
      applyReplace(set, parseResource({ schemas: [userSchema.id], userName: 'a', [own.id]: { badge } }, user, profileOf('strict')), user);
    expect(put('b1')[own.id]).toEqual({ badge: 'b1' });
    expect(refusal(() => put('b2')).scimType).toBe('mutability');
  });

  it('S-049 S-050 S-051 always, default, request and never, by every projection', () => {
    const resource: ScimResource = { schemas: [], id: '1', userName: 'a', title: 't', password: 'p', [own.id]: { badge: 'b', hint: 'h', pin: 'n', kind: 'k' } };
    const shown = (attributes?: string, excluded?: string): unknown => parseProjection(attributes, excluded, user).project(resource);
    expect(shown()).toEqual({ schemas: [], id: '1', userName: 'a', title: 't', [own.id]: { badge: 'b', kind: 'k' } });
    expect(shown('title')).toEqual({ schemas: [], id: '1', title: 't', [own.id]: { kind: 'k' } });
    expect(shown(`password,${own.id}:pin,${own.id}:hint`)).toEqual({ schemas: [], id: '1', [own.id]: { hint: 'h', kind: 'k' } });
    expect(shown(undefined, `id,title,${own.id}`)).toEqual({ schemas: [], id: '1', userName: 'a', [own.id]: { kind: 'k' } });
  });

  it('S-162 S-026 Entra: role assignments as JSON text are unpacked, and by that profile only', () => {
    const value = JSON.stringify({ id: 'x', value: 'Admin', displayName: 'Administrator' });
    expect(parse({ roles: [{ value }] }, 'entra')['roles']).toEqual([{ value: 'Admin', display: 'Administrator' }]);
    expect(parse({ roles: [{ value }] }, 'lenient')['roles']).toEqual([{ value }]);
    expect(parse({ roles: [{ value: '{broken' }] }, 'entra')['roles']).toEqual([{ value: '{broken' }]);
    expect(parse({ roles: [{ value: 'Admin', displayName: 'Administrator' }] }, 'entra')['roles']).toEqual([{ value: 'Admin', display: 'Administrator' }]);
    const patched = patch(parse({}), 'entra', { op: 'Add', path: 'roles', value: [{ value }] });
    expect(patched['roles']).toEqual([{ value: 'Admin', display: 'Administrator' }]);
  });

  it('S-036 a part named value cannot be empty; other text can', () => {
    expect(parse({ emails: [{ type: 'work', value: '' }], title: '' })).toMatchObject({ emails: [{ type: 'work' }], title: '' });
  });

  it('S-044 the types: what is taken and what is not', () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      ['active', 'maybe'],
      ['userName', { a: 1 }],
      ['x509Certificates', [{ value: '***' }]],
      ['profileUrl', 5],
      ['emails', [{ value: ['x'] }]],
      ['name', 'x'],
    ];
    for (const [name, value] of wrong) expect(refusal(() => parse({ [name]: value })).message, name).toContain(name.replace(/s$/, ''));
    expect(parse({ x509Certificates: [{ value: 'YQ==' }, { value: 'YQ' }] })['x509Certificates']).toHaveLength(2);
  });

  it('S-057 a password is prepared by OpaqueString: other spaces, NFC, no controls; its case and its spaces stay', () => {
    expect(preparePassword('e\u0301\u00a0A \u3000ß')).toBe('\u00e9 A  ß');
    for (const bad of ['', 'a\u0000', 'tab\t', '\ue000']) {
      const error = refusal(() => preparePassword(bad));
      expect(error.scimType).toBe('invalidValue');
      if (bad !== '') expect(error.message).not.toContain(bad);
    }
  });

  it('S-165 an operation on schemas takes the extension with it', () => {
    const resource = parse({ [ENTERPRISE]: { department: 'D' } });
    for (const operation of [
      { op: 'remove', path: 'schemas', value: [ENTERPRISE] },
      { op: 'remove', path: `schemas[value eq "${ENTERPRISE}"]` },
    ]) {
      const after = patch(resource, 'lenient', operation);
      expect(after[ENTERPRISE]).toBeUndefined();
      expect(after['schemas']).toEqual([userSchema.id]);
    }
    expect(patch(resource, 'lenient', { op: 'add', path: 'schemas', value: [own.id] })).toEqual(resource);
  });

  it('S-203 scimType is one of the words of RFC 7644 and RFC 9865', () => {
    const words = new Set(
      'invalidFilter tooMany uniqueness mutability invalidSyntax invalidPath noTarget invalidValue invalidVers sensitive invalidCursor expiredCursor invalidCount'.split(
        ' ',
      ),
    );
    for (const make of Object.values(scimErrors)) {
      const { scimType, status } = make('x');
      if (scimType !== undefined) expect(words.has(scimType), scimType).toBe(true);
      expect(status).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('dialect profiles', () => {
  it('S-215 S-232 the profiles are one table; a name that is none is lenient', () => {
    expect(Object.keys(profiles)).toEqual(['strict', 'lenient', 'entra', 'okta', 'aws-style', 'ping']);
    expect(profileOf('constructor')).toBe(profiles['lenient']);
    const names = Object.keys(profiles['strict'] ?? {}).sort();
    for (const profile of Object.values(profiles)) expect(Object.keys(profile).sort()).toEqual(names);
  });
});
