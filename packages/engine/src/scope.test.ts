import type { Partition } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { createScope, isBelow } from './scope.ts';

const partition = (id: string, dn: string, hiddenByDefault = false): Partition => ({ id, dn, name: id, hiddenByDefault });
const ldap = { distinguishedNameStyle: 'ldap' } as const;
const none = { partitions: [], containers: [] };

describe('the scope of a connector', () => {
  it('compares distinguished names by component, without regard to case and blanks, and minds escaped commas', () => {
    expect(isBelow('cn=Ada , OU=people,dc=X', 'ou=People, DC=x')).toBe(true);
    expect(isBelow('cn=a\\,ou=people,dc=x', 'ou=people,dc=x')).toBe(false);
    expect(isBelow('ou=people,dc=x', 'cn=ada,ou=people,dc=x')).toBe(false);
    expect(isBelow('cn=ada,ou=notpeople,dc=x', 'ou=people,dc=x')).toBe(false);
    expect(isBelow('cn=ada', '')).toBe(true);
  });

  it('R23 chooses the partition of a new entry by its name: the nearest one above it', () => {
    const scope = createScope([partition('root', 'dc=x'), partition('sub', 'dc=sub,dc=x')], ldap, none);
    expect(scope.choose('cn=ada,dc=sub,dc=x', undefined)?.id).toBe('sub');
    expect(scope.choose('cn=ada,ou=a,dc=x', undefined)?.id).toBe('root');
    expect(() => scope.choose('cn=ada,dc=y', undefined)).toThrow('lies in none of the selected partitions');
  });

  it('without a name takes the configured partition, else the only one, else says what to set', () => {
    const flat = { distinguishedNameStyle: 'none' } as const;
    const both = createScope([partition('a', 'a'), partition('b', 'b')], flat, none);
    expect(both.choose(undefined, 'b')?.id).toBe('b');
    expect(() => both.choose(undefined, undefined)).toThrow('set "partition" of the object type to one of a, b');
    expect(createScope([partition('a', 'a'), partition('b', 'b', true)], flat, none).choose(undefined, undefined)?.id).toBe('a');
    expect(createScope([], flat, none).choose('cn=x', undefined)).toBeUndefined();
  });

  it('R31 refuses names outside the selected containers', () => {
    const scope = createScope([partition('root', 'dc=x')], ldap, {
      partitions: [],
      containers: [{ partition: 'root', included: ['ou=people,dc=x'], excluded: ['ou=old,ou=people,dc=x'] }],
    });
    const [root] = scope.partitions;
    expect(() => scope.requireInside('cn=ada,ou=people,dc=x', root)).not.toThrow();
    expect(() => scope.requireInside('cn=ada,ou=old,ou=people,dc=x', root)).toThrow('outside the containers');
    expect(() => scope.requireInside('cn=ada,dc=x', root)).toThrow('outside the containers');
  });
});
