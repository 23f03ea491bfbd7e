import { compileSchema, defaultCapabilities, type EncodedAttributes, type SchemaObjectType } from '@landbridge/connector-sdk';
import type { EntryRow } from '@landbridge/store';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeMapping } from '../configuration.ts';
import { chooseConversion } from './binding.ts';
import { readBody, valueIn } from './body-text.ts';
import { type RenderContext, type ResolvedReference, renderResource } from './render-resource.ts';
import { compileTextRenderer } from './render-text.ts';
import { buildResourceModel, type Face, type ResourceModel } from './resource-model.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const texts = ['login', 'first', 'last', 'mail', 'home', 'department', 'note,"mail":', 'pin'];
const definition: SchemaObjectType = {
  name: 'person',
  attributes: [
    { name: 'id', type: 'integer', anchor: true, assigned: true },
    ...texts.map((name) => ({ name, type: 'string' as const, ...(name === 'pin' ? { direction: 'export-only' as const } : {}) })),
    { name: 'status', type: 'string' },
    { name: 'admin', type: 'boolean' },
    { name: 'phones', type: 'string', multiValued: true },
    { name: 'manager', type: 'reference' },
    { name: 'teams', type: 'reference', multiValued: true },
  ],
};

const mappings: readonly AttributeMapping[] = [
  { scim: 'userName', attribute: 'login' },
  { scim: 'name.givenName', attribute: 'first' },
  { scim: 'emails[type eq "work"].value', attribute: 'mail' },
  { scim: 'emails[type eq "work"].display', attribute: 'note,"mail":' },
  { scim: 'emails[type eq "home"].value', attribute: 'home' },
  { scim: 'name.familyName', attribute: 'last' },
  { scim: 'active', attribute: 'status', values: { true: 'A', false: 'D' } },
  { scim: 'phoneNumbers.value', attribute: 'phones' },
  { scim: 'employeeNumber', attribute: 'id' },
  { scim: `${ENTERPRISE}:department`, attribute: 'department' },
  { scim: `${ENTERPRISE}:manager`, attribute: 'manager' },
].map((one) => (one.scim === 'employeeNumber' ? { ...one, scim: `${ENTERPRISE}:employeeNumber` } : one));

function modelOf(face: Face, mapping: readonly AttributeMapping[], resourceType = 'User'): ResourceModel {
  const type = compileSchema({ objectTypes: [definition] }, { dnAsAnchor: false }).get('person');
  if (type === undefined) throw new Error('the schema of the test is wrong');
  const configuration = { objectType: 'person', resourceType, endpoint: `${resourceType}s`, mapping, excluded: [], queryable: [] };
  return buildResourceModel(face, 'hr', type, configuration, { ...defaultCapabilities, distinguishedNameStyle: 'ldap', password: true });
}

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('"', '\\', ',', ':', '{', '[', 'mail', 'ä') }));
const value = (name: string): fc.Arbitrary<unknown> => {
  if (name === 'id') return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
  if (name === 'admin') return fc.boolean();
  if (name === 'status') return fc.constantFrom('A', 'D');
  if (name === 'phones') return fc.array(text, { minLength: 1, maxLength: 3 });
  return text;
};
const present = definition.attributes.filter((attribute) => attribute.name !== 'teams').map(({ name }) => name);
const arbitraries: Readonly<Record<string, fc.Arbitrary<unknown>>> = Object.fromEntries(present.map((name) => [name, value(name)]));
const attributes = fc.record(arbitraries, { requiredKeys: [] }) as unknown as fc.Arbitrary<EncodedAttributes>;
const references = new Map<string, readonly ResolvedReference[]>([
  ['manager', [{ scimId: 'a b', endpoint: 'Users', resourceType: 'User', display: 'Ada "Countess"' }]],
  ['teams', ['1', '2'].map((scimId) => ({ scimId, endpoint: 'Groups', resourceType: 'Group', display: undefined }))],
]);
const row = fc.record({
  id: fc.nat(),
  version: fc.nat(),
  created: fc.nat(),
  modified: fc.nat(),
  dn: fc.option(text, { nil: undefined }),
  link: fc.constantFrom(
    undefined,
    { state: 'linked', shadow: { active: false }, externalIds: { me: 'x"1' }, aliases: ['alias'] },
    { state: 'disabled', shadow: {}, externalIds: {}, aliases: [] },
  ),
});

describe('a resource as text', () => {
  const models = [
    modelOf('clean', mappings),
    modelOf('clean', mappings.slice(0, 3)),
    modelOf('clean', []),
    modelOf('clean', [], 'Robot'),
    modelOf('drop-in', []),
  ];

  it('says what the resource says, for every model and entry', () => {
    fc.assert(
      fc.property(fc.constantFrom(...models), attributes, row, fc.boolean(), fc.boolean(), (model, values, rest, loaded, spaced) => {
        const body = JSON.stringify(values, undefined, spaced ? 1 : undefined);
        const entry: EntryRow = { objectType: 'person', scimId: '7e0c', anchor: '1', partition: '', ...(rest as Partial<EntryRow>), body } as EntryRow;
        const context: RenderContext = { baseUrl: 'https://x/scim/hr', client: 'me', references: loaded ? references : new Map() };
        const render = compileTextRenderer(model);
        if (render === undefined) throw new Error('the model has no renderer');
        const said = JSON.parse(render(entry, context)) as { readonly schemas: readonly string[] };
        const wanted = JSON.parse(JSON.stringify(renderResource(model, entry, context))) as typeof said;
        expect({ ...said, schemas: [...said.schemas].sort() }).toEqual({ ...wanted, schemas: [...wanted.schemas].sort() });
      }),
      { numRuns: 2000 },
    );
  });

  it('is left to the object where something is hidden, or where an element is known by its values alone', () => {
    const hidden = mappings.map((one) =>
      one.attribute === 'first' ? { scim: 'title', attribute: 'first', characteristics: { returned: 'request' as const } } : one,
    );
    expect(compileTextRenderer(modelOf('clean', hidden))).toBeUndefined();
    const alike = [
      { scim: 'emails.value', attribute: 'mail' },
      { scim: 'emails[type eq "home"].value', attribute: 'home' },
    ];
    expect(compileTextRenderer(modelOf('clean', alike))).toBeUndefined();
    const [work, home, display] = ['[type eq "work"].value', '[type eq "home"].value', '[type eq "work"].display'].map((path) => `emails${path}`);
    const mixed = [work, home, display].map((scim, index) => ({ scim: scim ?? '', attribute: ['mail', 'home', 'first'][index] ?? '' }));
    expect(compileTextRenderer(modelOf('clean', mixed))).toBeUndefined();
  });
});

describe('the values of a body', () => {
  const names = present;
  const places = new Map(names.map((name, place) => [name, place]));

  it('are those of its JSON, in whatever order and with whatever in them', () => {
    fc.assert(
      fc.property(attributes, fc.boolean(), fc.boolean(), (values, backwards, spaced) => {
        const ordered = Object.fromEntries(backwards ? Object.entries(values).reverse() : Object.entries(values));
        const body = JSON.stringify(ordered, undefined, spaced ? 1 : undefined);
        expect(readBody(body, names, places).map((one) => (one === undefined ? undefined : (JSON.parse(one) as unknown)))).toEqual(
          names.map((name) => ordered[name]),
        );
        for (const name of names) expect(valueIn(body, name)).toEqual(Array.isArray(ordered[name]) ? undefined : ordered[name]);
      }),
      { numRuns: 2000 },
    );
  });

  it('of an entry without any are none', () => {
    expect(readBody('{}', ['a'], new Map([['a', 0]]))).toEqual([undefined]);
    expect(valueIn('{}', 'a')).toBeUndefined();
  });
});

describe('R27 a whole number beyond those of JavaScript', () => {
  it('comes back as it went, to the last digit', () => {
    const convert = chooseConversion({ name: 'level', type: 'integer' }, undefined, undefined);
    for (const digits of ['9223372036854775807', '-9223372036854775808', '9007199254740993', '7']) {
      expect(JSON.stringify(convert.toScim(digits))).toBe(digits);
      expect(convert.fromScim(convert.toScim(digits))).toBe(digits);
    }
  });
});
