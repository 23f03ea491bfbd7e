import { describe, expect, it } from 'vitest';
import { composeName, nameAfterChange, splitName } from './distinguished-names.ts';

const template = 'CN={cn},OU={unit},DC=x';
const ada = { dn: 'cn=Ada,ou=Sales,dc=x', attributes: { cn: 'Ada', unit: 'Sales' } };

describe('distinguished names', () => {
  it('SEC-33 are composed from a template; values are escaped in LDAP names and taken as they are in generic ones', () => {
    expect(composeName(template, { cn: ' a,b+c ', unit: '#1' }, 'ldap')).toBe('CN=\\ a\\,b\\+c\\ ,OU=\\#1,DC=x');
    // RFC 4514 §2.4: every special character, blanks and # where they would be lost, and NUL.
    const corpus: Readonly<Record<string, string>> = {
      'a,b': 'a\\,b',
      'a+b': 'a\\+b',
      'a"b': 'a\\"b',
      'a\\b': 'a\\\\b',
      'a<b>c': 'a\\<b\\>c',
      'a;b': 'a\\;b',
      '#a#': '\\#a#',
      ' a ': '\\ a\\ ',
      '  ': '\\ \\ ',
      ',OU=Admins,DC=x': '\\,OU=Admins\\,DC=x',
      '*)(uid=*))(|(uid=*': '*)(uid=*))(|(uid=*',
    };
    for (const [value, escaped] of Object.entries(corpus)) {
      const name = composeName(template, { cn: value, unit: 'U' }, 'ldap');
      expect(name.replaceAll('\\=', '='), value).toBe(`CN=${escaped},OU=U,DC=x`);
      // The value is one component, whatever it holds.
      expect(splitName(name)[1], value).toBe('OU=U,DC=x');
    }
    expect(composeName(template, { cn: 'a\u0000b', unit: 'U' }, 'ldap')).not.toContain('\u0000');
    expect(composeName('{cn}/{unit}', { cn: 'a,b', unit: '#1' }, 'generic')).toBe('a,b/#1');
    expect(() => composeName(template, { cn: 'a' }, 'ldap')).toThrow('"unit" is needed');
  });

  it('change with the values in them, and with nothing else', () => {
    expect(nameAfterChange(template, 'ldap', ada, { cn: 'Ada L', unit: 'Sales' })).toBe('CN=Ada L,OU=Sales,DC=x');
    expect(nameAfterChange(template, 'ldap', ada, { cn: 'Ada', unit: 'Ops' })).toBe('CN=Ada,OU=Ops,DC=x');
    expect(nameAfterChange(template, 'ldap', ada, { cn: 'Ada', unit: 'Sales', title: 'Dr' })).toBeUndefined();
  });

  it('follow in the first component only where the application keeps the entry elsewhere', () => {
    const moved = { ...ada, dn: 'cn=Ada,ou=Elsewhere,dc=y' };
    expect(nameAfterChange(template, 'ldap', moved, { cn: 'Ada L', unit: 'Sales' })).toBe('CN=Ada L,ou=Elsewhere,dc=y');
    expect(nameAfterChange(template, 'ldap', { ...moved, dn: 'CN=Ada,ou=Elsewhere,dc=y' }, { cn: 'Ada', unit: 'Ops' })).toBeUndefined();
  });

  it('are split at the first comma that is not escaped', () => {
    expect(splitName('cn=a\\,b,ou=c')).toEqual(['cn=a\\,b', 'ou=c']);
    expect(splitName('cn=a')).toEqual(['cn=a', undefined]);
  });
});
