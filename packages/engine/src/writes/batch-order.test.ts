import { compileSchema } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { type OrderedChange, orderBatch } from './batch-order.ts';

const named = compileSchema(
  { objectTypes: [{ name: 'object', attributes: [{ name: 'member', type: 'reference', multiValued: true }] }] },
  { dnAsAnchor: true },
);
const add = (dn: string, members: readonly string[] = []): OrderedChange => ({
  modification: 'add',
  objectType: 'object',
  dn,
  changes: members.length === 0 ? [] : [{ name: 'member', modification: 'add', values: members }],
});
const remove = (dn: string): OrderedChange => ({ modification: 'delete', objectType: 'object', dn, changes: [] });
const names = (changes: readonly OrderedChange[]): readonly (string | undefined)[] =>
  orderBatch(changes, (change) => change, named).map((change) => change.newDn ?? change.dn);

describe('R18 the order of a batch', () => {
  it('has parents before children, however deep and however written', () => {
    expect(names([add('CN=a,OU=x,DC=d'), add('ou=X,dc=d'), add('DC=d'), add('DC=e')])).toEqual(['DC=d', 'ou=X,dc=d', 'CN=a,OU=x,DC=d', 'DC=e']);
  });

  it('has what is referred to before what refers to it', () => {
    expect(names([add('CN=g,DC=d', ['CN=a,DC=d', 'CN=b,DC=d']), add('CN=b,DC=d'), add('CN=a,DC=d')])).toEqual(['CN=b,DC=d', 'CN=a,DC=d', 'CN=g,DC=d']);
  });

  it('has children deleted before their parents, and what still needs a name before the name goes', () => {
    expect(names([remove('OU=x,DC=d'), remove('CN=a,OU=x,DC=d')])).toEqual(['CN=a,OU=x,DC=d', 'OU=x,DC=d']);
    const moved: OrderedChange = { modification: 'update', objectType: 'object', dn: 'CN=b,OU=x,DC=d', newDn: 'CN=b,OU=y,DC=d', changes: [] };
    expect(names([moved, add('OU=y,DC=d')])).toEqual(['OU=y,DC=d', 'CN=b,OU=y,DC=d']);
  });

  it('leaves rings, and what does not depend on anything, as they came', () => {
    expect(names([add('CN=a,DC=d', ['CN=b,DC=d']), add('CN=b,DC=d', ['CN=a,DC=d']), add('CN=c,DC=d')])).toHaveLength(3);
    expect(names([add('CN=c,DC=d'), add('CN=a,DC=d'), add('CN=b,DC=d')])).toEqual(['CN=c,DC=d', 'CN=a,DC=d', 'CN=b,DC=d']);
    const plain: OrderedChange[] = [1, 2, 3].map(() => ({ modification: 'add', objectType: 'object', changes: [] }));
    expect(orderBatch(plain, (change) => change, named)).toEqual(plain);
  });
});

const keyed = compileSchema(
  {
    objectTypes: [
      {
        name: 'person',
        attributes: [
          { name: 'id', type: 'string', anchor: true },
          { name: 'manager', type: 'reference', referenceTypes: ['person'] },
          { name: 'office', type: 'string' },
        ],
      },
      {
        name: 'group',
        attributes: [
          { name: 'id', type: 'string', anchor: true },
          { name: 'members', type: 'reference', multiValued: true, referenceTypes: ['person'] },
        ],
      },
    ],
  },
  { dnAsAnchor: false },
);

describe('R18 the order of a batch whose references are anchors', () => {
  const change = (modification: 'add' | 'update' | 'delete', objectType: string, id: string, changes: OrderedChange['changes'] = []): OrderedChange => ({
    modification,
    objectType,
    anchor: { id },
    changes,
  });
  const order = (...changes: readonly OrderedChange[]): readonly string[] =>
    orderBatch(changes, (one) => one, keyed).map((one) => `${one.modification} ${one.objectType} ${String(one.anchor?.['id'])}`);

  it('has a person created before the group, and the report, that refers to it', () => {
    const group = change('add', 'group', '1', [{ name: 'members', modification: 'add', values: ['2', '3'] }]);
    const report = change('add', 'person', '3', [{ name: 'manager', modification: 'add', values: ['2'] }]);
    expect(order(group, report, change('add', 'person', '2'))).toEqual(['add person 2', 'add person 3', 'add group 1']);
  });

  it('has who lets go of a person before the person goes, whether the change says of whom or not', () => {
    const gone = change('delete', 'person', '2');
    const left = change('update', 'group', '1', [{ name: 'members', modification: 'update', added: [], removed: ['2'] }]);
    const replaced = change('update', 'group', '1', [{ name: 'members', modification: 'replace', values: ['4'] }]);
    const unmanaged = change('update', 'person', '3', [{ name: 'manager', modification: 'delete' }]);
    expect(order(gone, left)).toEqual(['update group 1', 'delete person 2']);
    expect(order(gone, replaced, unmanaged)).toEqual(['update group 1', 'update person 3', 'delete person 2']);
  });

  it('is not misled by a text that reads like an anchor, nor by the same anchor of another type', () => {
    const office = change('update', 'person', '1', [{ name: 'office', modification: 'replace', values: ['2'] }]);
    const group = change('add', 'group', '1', [{ name: 'members', modification: 'add', values: ['2'] }]);
    expect(order(office, change('add', 'person', '2'))).toEqual(['update person 1', 'add person 2']);
    expect(order(group, change('add', 'group', '2'))).toEqual(['add group 1', 'add group 2']);
  });
});
