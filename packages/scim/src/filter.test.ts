import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { enterpriseUserSchema, userSchema } from './core-schemas.ts';
import { ScimError } from './errors.ts';
import { matchesFilter } from './evaluate.ts';
import { formatFilter, parseFilter, resolveFilter, type ScimFilter } from './filter.ts';
import { compileResourceType } from './schema.ts';

const type = compileResourceType({
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  description: '',
  schema: userSchema,
  extensions: [{ schema: enterpriseUserSchema, required: false }],
});
const ENTERPRISE = enterpriseUserSchema.id;
const person = {
  schemas: [userSchema.id, ENTERPRISE],
  id: '1',
  externalId: 'Ext',
  userName: 'bjensen',
  name: { familyName: 'Jensen' },
  active: true,
  title: 'Straße',
  emails: [
    { type: 'work', value: 'b@home.org' },
    { type: 'home', value: 'b@work.org' },
  ],
  meta: { created: '2011-05-13T04:42:34Z' },
  [ENTERPRISE]: { department: 'Sales', manager: { value: '9' } },
};
const matches = (text: string, strict = false): boolean =>
  matchesFilter(resolveFilter(parseFilter(text, { lenientLiterals: !strict }), type, { strict }), person);

describe('filters', () => {
  it.each([
    ['S-075 operators in any case', 'userName EQ "bjensen"', true],
    ['S-076 and binds closer than or', 'userName eq "x" and title pr or active eq true', true],
    ['S-076 not binds its parentheses only', 'not (userName eq "x") and active eq false', false],
    ['S-077 not without a space', 'not(userName eq "x")', true],
    ['S-078 redundant parentheses', '((userName eq "bjensen"))', true],
    ['S-079 one element must match the brackets', 'emails[type eq "work" and value co "@work"]', false],
    ['S-079 dotted paths match across elements', 'emails.type eq "work" and emails.value co "@work"', true],
    ['S-080 brackets, sub-attribute, operator', 'emails[type eq "work"].value eq "B@HOME.ORG"', true],
    ['S-082 URN before the attribute', `${ENTERPRISE}:department eq "sales"`, true],
    ['S-082 URN and sub-attribute', `${ENTERPRISE}:manager.value eq "9"`, true],
    ['S-083 a complex attribute means its value', 'emails co "@home"', true],
    ['S-086 pr of what is not there', 'nickName pr', false],
    ['S-087 eq null is unassigned', 'nickName eq null', true],
    ['S-089 instants compare, not texts', 'meta.created eq "2011-05-13T06:42:34.000+02:00"', true],
    ['S-090 escapes of JSON', 'userName eq "bj\\u0065nsen"', true],
    ['S-091 unquoted and single-quoted values', "externalId eq Ext and userName sw 'bj'", true],
    ['S-091 quoted booleans', 'active eq "False"', false],
    ['S-093 userName folds, externalId does not', 'userName eq "BJENSEN" and externalId eq "ext"', false],
    ['S-091 S-056 a word without quotes, in full width', 'userName eq ｂｊｅｎｓｅｎ', true],
    ['S-056 full-width letters are their ordinary forms', 'userName eq "ｂｊｅｎｓｅｎ"', true],
    ['S-097 an unknown attribute matches nothing', 'nonsense eq "x"', false],
  ])('%s', (_name, text, expected) => {
    expect(matches(text)).toBe(expected);
  });

  it.each([
    ['S-077', 'not userName eq "x"'],
    ['S-078', '(userName eq "x"'],
    ['S-081', 'emails[value[type eq "x"] eq "y"]'],
    ['S-088', 'active gt true'],
    ['S-088', 'active co "t"'],
    ['S-089', 'meta.created gt "yesterday"'],
    ['S-090', 'userName eq "x'],
    ['S-091 strict', 'userName eq x'],
    ['S-097 strict', 'nonsense eq "x"'],
    ['S-091 strict: a quoted boolean', 'active eq "True"'],
    ['S-101', 'password eq "x"'],
    ['S-101 whether there is one', 'password pr'],
    ['SEC-37', '__proto__.x eq "y"'],
    ['SEC-37', 'constructor.prototype eq "y"'],
  ])('%s refuses %s', (_id, text) => {
    expect(() => matches(text, true)).toThrow(ScimError);
  });

  it('S-091 JSON of another kind is no word without quotes, in any profile', () => {
    for (const text of ['title eq {"a":1}', 'title eq ["a"]', 'title eq {}', 'title eq [a]', 'title eq a"b'])
      expect(() => parseFilter(text, { lenientLiterals: true }), text).toThrow(ScimError);
  });

  it('S-250 a filter that is formatted parses to itself', () => {
    const path = fc.constantFrom('userName', 'title', 'name.familyName', 'emails.value').map((text) => {
      const [attribute = '', sub] = text.split('.');
      return { urn: undefined, attribute, sub };
    });
    const term: fc.Arbitrary<ScimFilter> = fc.oneof(
      fc.record({ kind: fc.constant('present' as const), path }),
      fc.record({
        kind: fc.constant('compare' as const),
        path,
        operator: fc.constantFrom('eq' as const, 'ne' as const, 'co' as const, 'gt' as const),
        value: fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.boolean(), fc.integer()),
      }),
    );
    const { tree } = fc.letrec<{ tree: ScimFilter }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        term,
        fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), filters: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }) }),
        fc.record({ kind: fc.constant('not' as const), filter: tie('tree') }),
      ),
    }));
    const flatten = (filter: ScimFilter): string => JSON.stringify(filter);
    fc.assert(
      fc.property(tree, (filter) => {
        const once = parseFilter(formatFilter(filter));
        expect(flatten(parseFilter(formatFilter(once)))).toBe(flatten(once));
      }),
    );
  });

  it('SEC-28 hostile text is refused in time and without exhausting the stack', () => {
    const hostile = [
      '('.repeat(10_000),
      `${'not('.repeat(4000)}`,
      '.'.repeat(8000),
      Array.from({ length: 1500 }, () => 'a pr').join(' and '),
      `a eq "${'x'.repeat(5000)}"`,
      '"'.repeat(16_000),
      `a${'['.repeat(9000)}`,
    ];
    for (const text of hostile) {
      const started = performance.now();
      expect(() => parseFilter(text), text.slice(0, 20)).toThrow(ScimError);
      expect(performance.now() - started).toBeLessThan(50);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          parseFilter(text, { lenientLiterals: true });
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
