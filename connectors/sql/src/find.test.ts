import { type Attributes, type EncodedAttributes, type EntryFilter, encodeValue, type ImportEntry, matchesEntry, type Value } from '@landbridge/connector-sdk';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  compare,
  contextOf,
  createMariadbBench,
  createPostgresBench,
  createSqliteBench,
  find,
  importAll,
  putOne,
  schemaOf,
  throughOdbc,
  words,
} from './testing/applications.ts';
import { createMssqlBench } from './testing/mssql-fixture.ts';
import { createOracleBench } from './testing/oracle-fixture.ts';

// Oracle's driver is a fixture: no server of it can run here.
vi.mock('oracledb', async () => ({ default: (await import('./testing/oracle-fixture.ts')).fixtureDriver }));

/** Text where case folding, normalisation, wildcards and order by code point go wrong, if they go wrong. */
const LETTERS = [
  'a',
  'A',
  'b',
  'k',
  'K',
  '\u212a',
  'i',
  'I',
  '\u0130',
  '\u0131',
  'é',
  'É',
  'e\u0301',
  'ß',
  'ẞ',
  'Σ',
  'ς',
  'σ',
  '%',
  '_',
  '\\',
  ';',
  '\u037e',
  '`',
  '\u1fef',
  "'",
  '"',
  ' ',
  '\u{1F600}',
  '\uff5e',
  '\u0301',
  '1',
  'Å',
  '\u212b',
  'ǅ',
  'Ω',
  '\u2126',
];
const text = fc.array(fc.constantFrom(...LETTERS), { maxLength: 4 }).map((letters) => letters.join(''));
const integer = fc.constantFrom('0', '1', '-1', '9007199254740993', '9223372036854775807', '10', '9');
const COMPARISONS = ['equal', 'not-equal', 'contains', 'starts', 'ends', 'greater', 'greater-or-equal', 'less', 'less-or-equal'] as const;

const ATTRIBUTES = {
  id: { type: 'integer', value: integer },
  name: { type: 'string', value: text },
  number: { type: 'integer', value: integer },
  flag: { type: 'boolean', value: fc.boolean() },
  blob: { type: 'binary', value: fc.constantFrom('', 'AAE=', '/w==') },
  boss: { type: 'reference', value: fc.constantFrom('0', '1', '007', '7', 'x') },
  tags: { type: 'string', value: text },
  peers: { type: 'reference', value: fc.constantFrom('1', '2', '3', 'zz') },
  missing: { type: 'string', value: text },
  phrases: { type: 'string', value: text },
  at: { type: 'string', value: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', '') },
  dropped: { type: 'string', value: text },
} as const;

const comparison: fc.Arbitrary<EntryFilter> = fc.constantFrom(...(Object.keys(ATTRIBUTES) as (keyof typeof ATTRIBUTES)[])).chain((attribute) => {
  const { type, value } = ATTRIBUTES[attribute];
  return fc.record({
    kind: fc.constant('compare' as const),
    attribute: fc.constant(attribute),
    type: fc.constant(type),
    comparison: fc.constantFrom(...COMPARISONS),
    value: value as fc.Arbitrary<string | boolean>,
    caseExact: fc.boolean(),
  });
});
const present: fc.Arbitrary<EntryFilter> = fc.record({ kind: fc.constant('present' as const), attribute: fc.constantFrom(...Object.keys(ATTRIBUTES)) });
const filter: fc.Arbitrary<EntryFilter> = fc.letrec<{ filter: EntryFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'filter' },
    comparison,
    present,
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), filters: fc.array(tie('filter'), { maxLength: 3 }) }),
  ),
})).filter;

const objectTypesOf = (hasArrays: boolean) => ({
  thing: {
    table: 'things',
    anchor: ['id'],
    anchorAssigned: false,
    attributes: {
      id: {},
      name: {},
      number: {},
      flag: { type: 'boolean' },
      blob: {},
      missing: { column: 'empty' },
      phrases: hasArrays ? {} : { list: 'json' },
      at: { time: { format: 'unix' } },
      dropped: { empty: 'absent' },
    },
    references: { boss: { column: 'boss_id', objectType: 'thing' } },
    multiValued: {
      tags: { table: 'tags', key: ['thing_id'], value: 'tag' },
      peers: { table: 'peers', key: ['thing_id'], reference: { columns: ['peer_id'], objectType: 'thing' } },
    },
  },
});

const TYPES: Readonly<Record<string, 'string' | 'integer' | 'boolean' | 'binary' | 'reference'>> = Object.fromEntries(
  Object.entries(ATTRIBUTES).map(([name, { type }]) => [name, type]),
);

function encode(entry: ImportEntry): EncodedAttributes {
  const all: Attributes = { ...entry.attributes, ...entry.anchor };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      const type = TYPES[name] ?? 'string';
      return [name, Array.isArray(value) ? (value as readonly Value[]).map((one) => encodeValue(type, one)) : encodeValue(type, value as Value)];
    }),
  );
}

describe.each([
  createSqliteBench(),
  createPostgresBench(),
  createPostgresBench('C'),
  createMariadbBench('utf8mb4_general_ci'),
  createMariadbBench('utf8mb4_unicode_520_nopad_ci'),
  createMssqlBench({ ignoreCase: true }),
  createOracleBench(),
  throughOdbc(createSqliteBench()),
  throughOdbc(createPostgresBench()),
  throughOdbc(createPostgresBench(), { speaks: 'generic' }),
  throughOdbc(createMariadbBench('utf8mb4_general_ci'), { speaks: 'generic' }),
])('look-ups on $name', (bench) => {
  beforeAll(() => (bench.isThere ? bench.start() : undefined));
  afterAll(() => bench.stop());

  it.skipIf(!bench.isThere)(
    'S-250: find what matchesEntry finds, whatever the filter',
    async () => {
      const binary = words[bench.dialect].bytes;
      const hasArrays = bench.dialect === 'postgres' && !bench.name.includes('generic');
      const application =
        await bench.create(`CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, number BIGINT, flag BOOLEAN, "blob" ${binary}, boss_id BIGINT, empty TEXT, phrases ${hasArrays ? 'text[]' : 'TEXT'}, at BIGINT, dropped TEXT);
      CREATE TABLE tags (thing_id BIGINT, tag TEXT); CREATE TABLE peers (thing_id BIGINT, peer_id BIGINT);`);
      const context = contextOf(application, objectTypesOf(hasArrays));
      const texts = [
        ...LETTERS,
        ...LETTERS.map((letter, index) => `${letter}${LETTERS[(index * 7 + 3) % LETTERS.length] ?? ''}`),
        '',
        'abk',
        'ABK',
        'İs',
        'is',
      ];
      for (const [index, word] of texts.entries()) {
        const other = texts[(index * 5 + 1) % texts.length] ?? '';
        const attributes: Record<string, Value | readonly Value[]> = {
          id: BigInt(index),
          number: BigInt(index % 12),
          tags: index % 3 === 0 ? [word, other] : [],
          peers: index % 4 === 0 ? ['1', '2'] : [],
        };
        if (index % 7 !== 0) attributes['name'] = word;
        if (index % 5 !== 0) attributes['flag'] = index % 2 === 0;
        if (index % 3 !== 0) attributes['boss'] = String(index % 8);
        if (index % 4 === 1) attributes['blob'] = Buffer.from([0, 1]);
        if (index % 3 === 1) attributes['phrases'] = [word, other];
        if (index % 5 === 1) attributes['at'] = `2026-01-0${(index % 2) + 1}T00:00:00Z`;
        if (index % 2 === 1) attributes['dropped'] = word;
        const changes = Object.entries(attributes).map(([name, value]) => ({
          name,
          modification: 'add' as const,
          values: Array.isArray(value) ? (value as readonly Value[]) : [value as Value],
        }));
        expect((await putOne(context, { modification: 'add', objectType: 'thing', changes })).error).toBeUndefined();
      }
      const schema = await schemaOf(context);
      const { entries } = await importAll(context);
      expect(entries).toHaveLength(texts.length);
      await fc.assert(
        fc.asyncProperty(filter, async (one) => {
          const expected = entries.filter((entry) => matchesEntry(one, encode(entry))).map((entry) => entry.anchor['id']);
          const found = await find(context, 'thing', one, 1000, schema);
          expect(found.unevaluated).toBeUndefined();
          expect(found.entries.map((entry) => entry.anchor['id'])).toEqual(expected);
        }),
        // The filters are the same; the way to the database is longer.
        { numRuns: bench.name.startsWith('ODBC') ? 25 : 250 },
      );
      await application.close();
    },
    120_000,
  );

  it.skipIf(!bench.isThere)('a limit is kept, and truncated says whether there is more, also where SQL finds too much', async () => {
    const application = await bench.create('CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT)');
    const values = Array.from({ length: 700 }, (_, index) => `(${index}, '${index % 2 === 0 ? 'é' : 'e'}${index}')`).join(', ');
    await application.run(`INSERT INTO things VALUES ${values}`);
    const context = contextOf(application, { thing: { table: 'things', anchor: ['id'], attributes: { name: { caseExact: false } } } });
    // "É6…": SQL cannot be sure, and looks at every name; those that match come late.
    const late = compare('name', 'equal', 'É698', 'string', false);
    expect(await find(context, 'thing', late, 1)).toMatchObject({ entries: [{ anchor: { id: 698n } }], truncated: false });
    const many = await find(context, 'thing', compare('name', 'starts', 'É', 'string', false), 10);
    expect(many.entries).toHaveLength(10);
    expect(many.truncated).toBe(true);
    const all = await find(context, 'thing', compare('name', 'starts', 'É', 'string', false), 350);
    expect([all.entries.length, all.truncated]).toEqual([350, false]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('attributes that are not selected can be looked for and are not returned; export-only ones cannot', async () => {
    const application = await bench.create("CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, secret TEXT); INSERT INTO things VALUES (1, 'a', 's')");
    const context = contextOf(application, { thing: { table: 'things', anchor: ['id'], attributes: { name: {}, secret: { direction: 'export-only' } } } });
    const schema = await schemaOf(context);
    const only = { objectTypes: schema.objectTypes.map((type) => ({ ...type, attributes: type.attributes.filter((attribute) => attribute.name === 'id') })) };
    const { connector } = await import('./index.ts');
    const found = await connector.find?.(context, {
      schema: only,
      objectType: 'thing',
      filter: compare('name', 'equal', 'a'),
      limit: 5,
      signal: new AbortController().signal,
    });
    expect(found?.entries).toEqual([{ modification: 'replace', objectType: 'thing', anchor: { id: 1n }, attributes: {} }]);
    await expect(find(context, 'thing', compare('secret', 'starts', 's'))).rejects.toMatchObject({ code: 'filter-not-supported' });
    expect((await importAll(context)).entries[0]?.attributes).toEqual({ name: 'a' });
    await application.close();
  });
});
