/** A source of chance that a seed repeats: xorshift, good enough to wander and quick enough for millions of inputs. */
export interface Chance {
  below(limit: number): number;
  pick<Value>(values: readonly Value[]): Value;
}

export function createChance(seed: number): Chance {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return {
    below: (limit) => next() % Math.max(1, limit),
    pick: (values) => values[next() % values.length] as (typeof values)[number],
  };
}

/** Pieces that parsers of SCIM treat in a way of their own. */
export const DICTIONARY = [
  '"',
  '\\',
  '\\"',
  '\\u0000',
  '\\ud800',
  "'",
  '[',
  ']',
  '(',
  ')',
  '{',
  '}',
  ',',
  ':',
  '.',
  ' ',
  '\t',
  '\n',
  '\u0000',
  '%',
  '+',
  'and ',
  ' or ',
  'not (',
  ' eq ',
  ' pr',
  ' sw ',
  ' gt ',
  'true',
  'false',
  'null',
  '""',
  '-0',
  '1e999',
  '9007199254740993',
  '0x1',
  'emails',
  'emails[type eq "work"]',
  '.value',
  '.primary',
  'members[value eq "1"]',
  'name.givenName',
  'active',
  'userName',
  'meta.created',
  '$ref',
  'schemas',
  'id',
  'urn:ietf:params:scim:schemas:core:2.0:User:',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  'urn:',
  '2.0',
  'bulkId:a',
  '/Users/',
  '..',
  '%2e%2e',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '2026-01-31T12:00:00Z',
  'W/"1"',
  '*',
  '\ufeff',
  '\u0301',
  'ſ',
  'İ',
  '😀',
  '\ud800',
  '"op":"add"',
  '"path":',
  '"value":',
  '[]',
  '{}',
] as const;

/** Changes a valid input in one to four places. */
export function mutate(text: string, other: string, chance: Chance): string {
  let result = text;
  for (let times = 1 + chance.below(4); times > 0; times -= 1) result = mutateOnce(result, other, chance);
  return result.length > 20_000 ? result.slice(0, 20_000) : result;
}

function mutateOnce(text: string, other: string, chance: Chance): string {
  const at = chance.below(text.length + 1);
  const length = 1 + chance.below(8);
  const cut = (insert: string, skip = 0): string => text.slice(0, at) + insert + text.slice(at + skip);
  switch (chance.below(9)) {
    case 0:
      return cut('', length);
    case 1:
      return cut(chance.pick(DICTIONARY));
    case 2:
      return cut(chance.pick(DICTIONARY), length);
    case 3:
      return cut(String.fromCharCode(chance.below(chance.below(4) === 0 ? 65_536 : 128)), 1);
    case 4: {
      const from = chance.below(other.length);
      return cut(other.slice(from, from + chance.below(60)));
    }
    case 5:
      return cut(text.slice(at, at + length).repeat(1 + chance.below(40)));
    case 6:
      return text.slice(0, at) + other.slice(chance.below(other.length));
    case 7: {
      const piece = text.slice(at, at + length * 4);
      return cut(chance.below(2) === 0 ? piece.toUpperCase() : [...piece].reverse().join(''), piece.length);
    }
    default:
      return `${'(['.charAt(chance.below(2)).repeat(chance.below(60))}${text}`;
  }
}

/** Text out of nothing: pieces and characters. */
export function invent(chance: Chance): string {
  let text = '';
  for (let pieces = chance.below(30); pieces > 0; pieces -= 1) text += chance.below(3) === 0 ? String.fromCharCode(chance.below(256)) : chance.pick(DICTIONARY);
  return text;
}
