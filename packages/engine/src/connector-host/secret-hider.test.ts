import { describe, expect, it } from 'vitest';
import { createSecretHider } from './secret-hider.ts';

describe('SEC-56 secrets of parameters in what a connector says', () => {
  const { hideSecrets, hideSecretsIn } = createSecretHider(
    {
      host: 'db.example.com',
      password: 'top-level-1',
      servers: [{ name: 'second', credentials: { user: 'svc-nested', password: 'nested-2' } }],
      dsn: 'by-reference-3',
      url: 'postgres://app:p%40ss-4@db/x',
      objectTypes: { person: { attributes: { password: { column: 'pass_hash' } }, mails: { key: ['person'] }, deep: [{ value: 'by-reference-5' }] } },
      pwd: 'abc',
    } as unknown as Parameters<typeof createSecretHider>[0],
    ['dsn', 'objectTypes.person.deep.0.value'],
  );

  it('are hidden at any depth, by name or because they came from a reference', () => {
    expect(hideSecrets('login top-level-1, nested-2, by-reference-3, by-reference-5 failed at db.example.com of person (pass_hash)')).toBe(
      'login [redacted], [redacted], [redacted], [redacted] failed at db.example.com of person (pass_hash)',
    );
  });

  it('are hidden in the forms that a driver makes of an address', () => {
    expect(hideSecrets('p%40ss-4 and p@ss-4 in postgres://app:p%40ss-4@db/x')).toBe('[redacted] and [redacted] in [redacted]');
  });

  it('are hidden in the parts that a driver makes of them, as .NET does with what it takes for a connection string', () => {
    const parts = createSecretHider(
      { password: 'geheim;teil=zwei,x', connectionString: 'Server=db.example.com;Database=hr;User Id=app;Password="pa;ssword";Pwd=zweites' },
      [],
    );
    expect(parts.hideSecrets("Format of the initialization string does not conform: 'geheim', 'teil', 'zwei'")).not.toMatch(/geheim|teil|zwei/);
    expect(parts.hideSecrets('login with ssword, with zweites at db.example.com, database hr, as app failed')).toBe(
      'login with [redacted], with [redacted] at db.example.com, database hr, as app failed',
    );
  });

  it('are hidden in fields of a log line, errors and lists included, and other values stay what they are', () => {
    expect(hideSecretsIn({ one: ['nested-2'], two: new Error('no top-level-1'), three: { four: 5, five: true, six: undefined } })).toEqual({
      one: ['[redacted]'],
      two: { name: 'Error', message: 'no [redacted]' },
      three: { four: 5, five: true, six: undefined },
    });
  });

  it('are at least four characters long: shorter ones are parts of words', () => {
    expect(hideSecrets('abc abcdef')).toBe('abc abcdef');
  });
});
