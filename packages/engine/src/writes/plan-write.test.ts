import { compileSchema, defaultCapabilities, type SchemaObjectType } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { claimsOf, planAdd, planDelete, planUpdate } from './plan-write.ts';

const definition: SchemaObjectType = {
  name: 'person',
  attributes: [
    { name: 'id', type: 'integer', anchor: true, assigned: true },
    { name: 'login', type: 'string', unique: true, required: true },
    { name: 'mails', type: 'string', multiValued: true },
    { name: 'manager', type: 'reference' },
    { name: 'teams', type: 'reference', multiValued: true },
    { name: 'pin', type: 'string', direction: 'export-only', secret: true },
    { name: 'changed', type: 'string', direction: 'import-only' },
  ],
};
const person = compileSchema({ objectTypes: [definition] }, { dnAsAnchor: false }).get('person');
if (person === undefined) throw new Error('the schema of the test is wrong');

const current = { attributes: { id: '7', login: 'ada', mails: ['a@x', 'b@x'], manager: '1' }, dn: undefined, anchor: { id: '7' } };

describe('plan of a create', () => {
  it('sends every value once, without those that the application assigns, and claims unique ones folded (R15)', () => {
    const plan = planAdd(
      person,
      defaultCapabilities,
      {
        set: { login: 'Ada', mails: ['a@x'], manager: '1', changed: 'never' },
        unset: [],
        references: [{ attribute: 'teams', replace: false, added: ['3'], removed: [] }],
      },
      { withPassword: false },
    );
    expect(plan.claims).toEqual([{ objectType: 'person', attribute: 'login', key: 'ada' }]);
    expect(plan.steps).toHaveLength(1);
    expect(plan.steps[0]).toMatchObject({
      call: 'put',
      change: {
        modification: 'add',
        changes: [
          { name: 'login', modification: 'add', values: ['Ada'] },
          { name: 'mails', modification: 'add', values: ['a@x'] },
          { name: 'manager', modification: 'add', values: ['1'] },
          { name: 'teams', modification: 'add', values: ['3'] },
        ],
      },
    });
  });

  it('leaves references for a second pass where the connector wants none in the first (ECMA2 NoReferenceValuesInFirstExport)', () => {
    const plan = planAdd(
      person,
      { ...defaultCapabilities, noReferenceValuesInFirstExport: true },
      { set: { login: 'ada', manager: '1' }, unset: [], references: [{ attribute: 'teams', replace: false, added: ['3'], removed: [] }] },
      { withPassword: false },
    );
    expect(plan.steps.map((step) => (step.call === 'put' ? step.change.changes.map((change) => change.name) : step.call))).toEqual([
      ['login'],
      ['manager', 'teams'],
    ]);
    expect(plan.steps[0]).toMatchObject({ effect: { set: { login: 'ada' }, references: [] } });
  });

  it('sends the password in the first pass or after it, as the connector says', () => {
    const wanted = { set: { login: 'ada' }, unset: [], references: [] };
    const first = planAdd(person, { ...defaultCapabilities, password: true, exportPasswordInFirstPass: true }, wanted, {
      withPassword: true,
    });
    expect(first.steps).toMatchObject([{ call: 'put', withPassword: true }]);
    const second = planAdd(person, { ...defaultCapabilities, password: true }, wanted, { withPassword: true });
    expect(second.steps.map((step) => step.call)).toEqual(['put', 'set-password']);
  });

  it('R8 R21 keeps secrets out of every image and never awaits export-only values (R20)', () => {
    const plan = planAdd(person, defaultCapabilities, { set: { login: 'ada', pin: '1234' }, unset: [], references: [] }, { withPassword: false });
    expect(plan.effect.set).toEqual({ login: 'ada' });
    expect(plan.effect.awaiting).toEqual(['login']);
    expect(JSON.stringify(plan.effect)).not.toContain('1234');
  });
});

describe('plan of a change', () => {
  const delta = {
    set: { mails: ['b@x', 'c@x'], login: 'lovelace' },
    unset: ['manager'],
    references: [{ attribute: 'teams', replace: false, added: ['4'], removed: ['3'] }],
  };

  it('what the host last saw of a version goes with the change', () => {
    const compiled = compileSchema(
      { objectTypes: [{ ...definition, attributes: [...definition.attributes, { name: 'etag', type: 'string', version: true, direction: 'import-only' }] }] },
      { dnAsAnchor: false },
    ).get('person');
    if (compiled === undefined) throw new Error('the schema of the test is wrong');
    const seen = { ...current, attributes: { ...current.attributes, etag: 'v7' } };
    const plan = planUpdate(compiled, defaultCapabilities, seen, delta, { withPassword: false });
    expect(plan.steps).toMatchObject([{ change: { seen: { etag: 'v7' } } }]);
    const [step] = planUpdate(compiled, defaultCapabilities, current, delta, { withPassword: false }).steps;
    expect(step).not.toHaveProperty('change.seen');
  });

  it('attribute-update sends values added and removed', () => {
    const plan = planUpdate(person, { ...defaultCapabilities, exportType: 'attribute-update' }, current, delta, { withPassword: false });
    expect(plan.steps).toMatchObject([
      {
        change: {
          modification: 'update',
          anchor: { id: '7' },
          changes: [
            { name: 'mails', modification: 'update', added: ['c@x'], removed: ['a@x'] },
            { name: 'login', modification: 'replace', values: ['lovelace'] },
            { name: 'manager', modification: 'delete' },
            { name: 'teams', modification: 'update', added: ['4'], removed: ['3'] },
          ],
        },
      },
    ]);
  });

  it('attribute-replace sends complete new values, references included', () => {
    const plan = planUpdate(
      person,
      { ...defaultCapabilities, exportType: 'attribute-replace' },
      { ...current, allReferences: new Map([['teams', ['3', '9']]]) },
      delta,
      { withPassword: false },
    );
    expect(plan.steps).toMatchObject([
      {
        change: {
          changes: [{ name: 'mails', modification: 'replace', values: ['b@x', 'c@x'] }, {}, {}, { name: 'teams', modification: 'replace', values: ['9', '4'] }],
        },
      },
    ]);
  });

  it('multivalued-reference-update sends deltas for references only', () => {
    const plan = planUpdate(person, { ...defaultCapabilities, exportType: 'multivalued-reference-update' }, current, delta, {
      withPassword: false,
    });
    expect(plan.steps).toMatchObject([
      { change: { changes: [{ name: 'mails', modification: 'replace' }, {}, {}, { name: 'teams', modification: 'update' }] } },
    ]);
  });

  it('R8 object-replace sends the whole object with the newest values', () => {
    const plan = planUpdate(
      person,
      { ...defaultCapabilities, exportType: 'object-replace' },
      { ...current, allReferences: new Map([['teams', ['3', '9']]]) },
      delta,
      { withPassword: false },
    );
    expect(plan.steps).toMatchObject([
      {
        change: {
          modification: 'replace',
          changes: [
            { name: 'login', modification: 'add', values: ['lovelace'] },
            { name: 'mails', modification: 'add', values: ['b@x', 'c@x'] },
            { name: 'teams', modification: 'add', values: ['9', '4'] },
          ],
        },
      },
    ]);
  });

  it('R12 renames first, then changes under the new name, then sets the password', () => {
    const plan = planUpdate(
      person,
      { ...defaultCapabilities, distinguishedNameStyle: 'ldap', objectRename: true },
      { ...current, dn: 'cn=ada' },
      { set: { login: 'l' }, unset: [], references: [], newDn: 'cn=lovelace' },
      { withPassword: true },
    );
    expect(plan.steps).toMatchObject([
      { change: { dn: 'cn=ada', newDn: 'cn=lovelace', changes: [] } },
      { change: { dn: 'cn=lovelace' } },
      { call: 'set-password' },
    ]);
    expect(plan.effect.dn).toBe('cn=lovelace');
  });
});

it('a delete carries the anchor and no attributes (ECMA2)', () => {
  expect(planDelete(person, { anchor: { id: '7' }, dn: undefined }).steps).toMatchObject([
    { change: { modification: 'delete', anchor: { id: '7' }, changes: [] } },
  ]);
});

it('R15 claims anchors of the caller’s choosing, and none that the application assigns', () => {
  expect(claimsOf(person, { id: '7', login: 'ÄDA' })).toEqual([{ objectType: 'person', attribute: 'login', key: 'äda' }]);
});
