import { describe, expect, it } from 'vitest';
import { type OrderedChange, orderBatch } from './batch-order.ts';

const add = (dn: string, members: readonly string[] = []): OrderedChange => ({
  modification: 'add',
  dn,
  changes: members.length === 0 ? [] : [{ name: 'member', modification: 'add', values: members }],
});
const remove = (dn: string): OrderedChange => ({ modification: 'delete', dn, changes: [] });
const names = (changes: readonly OrderedChange[]): readonly (string | undefined)[] =>
  orderBatch(changes, (change) => change).map((change) => change.newDn ?? change.dn);

describe('R18 the order of a batch', () => {
  it('has parents before children, however deep and however written', () => {
    expect(names([add('CN=a,OU=x,DC=d'), add('ou=X,dc=d'), add('DC=d'), add('DC=e')])).toEqual(['DC=d', 'ou=X,dc=d', 'CN=a,OU=x,DC=d', 'DC=e']);
  });

  it('has what is referred to before what refers to it', () => {
    expect(names([add('CN=g,DC=d', ['CN=a,DC=d', 'CN=b,DC=d']), add('CN=b,DC=d'), add('CN=a,DC=d')])).toEqual(['CN=b,DC=d', 'CN=a,DC=d', 'CN=g,DC=d']);
  });

  it('has children deleted before their parents, and what still needs a name before the name goes', () => {
    expect(names([remove('OU=x,DC=d'), remove('CN=a,OU=x,DC=d')])).toEqual(['CN=a,OU=x,DC=d', 'OU=x,DC=d']);
    const moved: OrderedChange = { modification: 'update', dn: 'CN=b,OU=x,DC=d', newDn: 'CN=b,OU=y,DC=d', changes: [] };
    expect(names([moved, add('OU=y,DC=d')])).toEqual(['OU=y,DC=d', 'CN=b,OU=y,DC=d']);
  });

  it('leaves rings, and what does not depend on anything, as they came', () => {
    expect(names([add('CN=a,DC=d', ['CN=b,DC=d']), add('CN=b,DC=d', ['CN=a,DC=d']), add('CN=c,DC=d')])).toHaveLength(3);
    expect(names([add('CN=c,DC=d'), add('CN=a,DC=d'), add('CN=b,DC=d')])).toEqual(['CN=c,DC=d', 'CN=a,DC=d', 'CN=b,DC=d']);
    const plain: OrderedChange[] = [1, 2, 3].map(() => ({ modification: 'add', changes: [] }));
    expect(orderBatch(plain, (change) => change)).toEqual(plain);
  });
});
