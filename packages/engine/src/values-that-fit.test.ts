import { type CompiledObjectType, compileSchema, defaultCapabilities, type SchemaAttribute } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import type { ObjectTypeConfiguration } from './configuration.ts';
import { checkFlows } from './deprovisioning-flows.ts';
import { buildResourceModel } from './resources/resource-model.ts';

/** What no application could ever be sent is found in the configuration, not by the first client whose write fails. */
const attributes: readonly SchemaAttribute[] = [
  { name: 'id', type: 'string', anchor: true },
  { name: 'level', type: 'integer' },
  { name: 'locked', type: 'boolean' },
];
const compile = (more: readonly SchemaAttribute[] = []): ReadonlyMap<string, CompiledObjectType> =>
  compileSchema({ objectTypes: [{ name: 'person', attributes: [...attributes, ...more] }] }, { dnAsAnchor: false });

function build(mapping: ObjectTypeConfiguration['mapping']) {
  const configuration: ObjectTypeConfiguration = { objectType: 'person', resourceType: 'User', endpoint: 'Users', mapping, excluded: [], queryable: [] };
  return buildResourceModel('clean', 'app', compile().get('person') as CompiledObjectType, configuration, defaultCapabilities);
}

describe('a configuration whose values do not fit', () => {
  it.each(['constructor', 'toString', '__proto__'])('R27 an attribute named %s is refused with its name: it would be read of entries without it', (name) => {
    expect(() => compile([{ name, type: 'string' }])).toThrow(`attribute "${name}" of object type "person"`);
    expect(() => build([{ scim: `urn:example:more:${name === '__proto__' ? 'valueOf' : name}`, attribute: 'id' }])).toThrow('choose another one');
  });

  it('R27 two values of a mapping that its attribute cannot hold are refused; a boolean may be turned round', () => {
    expect(() => build([{ scim: 'active', attribute: 'level', values: { true: 'A', false: 'D' } }])).toThrow('"level" is of type integer and cannot hold "A"');
    expect(() => build([{ scim: 'active', attribute: 'locked', values: { true: 'no', false: 'yes' } }])).toThrow('cannot hold "no"');
    const { activeBinding } = build([{ scim: 'active', attribute: 'locked', values: { true: 'false', false: 'true' } }]);
    expect([activeBinding?.convert.fromScim(true), activeBinding?.convert.toScim(false), activeBinding?.convert.toScim(true)]).toEqual([false, true, false]);
  });

  it('R11 what disable and delete write must be values of attributes that are there', () => {
    const check = (values: Readonly<Record<string, string | number | boolean | null>>): void =>
      checkFlows({ deprovisioning: { disable: { action: 'set', values }, delete: { action: 'delete' } } }, compile());
    expect(() => check({ level: 7, locked: true, id: null })).not.toThrow();
    expect(() => check({ level: 'gone', locked: 'yes', nothing: 1 })).toThrow(
      /disable\.set\.level: .* integer.*\n.*locked: .* boolean.*\n.*no object type has the attribute "nothing"/s,
    );
  });
});
