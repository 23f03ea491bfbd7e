import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createPasswordSeal } from './password-seal.ts';

const key = randomBytes(32);

it('R21 a sealed password opens to itself and does not contain it', () => {
  const seal = createPasswordSeal(key, 'hr');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 4 }), (password) => {
      const sealed = seal.seal(password);
      expect(sealed).not.toContain(password);
      expect(seal.open(sealed)).toBe(password.toWellFormed());
    }),
  );
});

it('SEC-55 a sealed password of one connector does not open for another, nor with another key, nor altered', () => {
  const sealed = createPasswordSeal(key, 'hr').seal('correct horse');
  expect(() => createPasswordSeal(key, 'crm').open(sealed)).toThrow();
  expect(() => createPasswordSeal(randomBytes(32), 'hr').open(sealed)).toThrow();
  expect(() => createPasswordSeal(key, 'hr').open(sealed.slice(0, -2))).toThrow();
  expect(() => createPasswordSeal(key, 'hr').open(`2${sealed.slice(1)}`)).toThrow('unknown version');
});
