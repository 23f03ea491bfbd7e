import type { Attributes, Value } from '@landbridge/connector-sdk';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArray } from './column-codec.ts';
import {
  type Application,
  addOf,
  compare,
  contextOf,
  createMariadbBench,
  createPostgresBench,
  createSqliteBench,
  find,
  importAll,
  putOne,
  schemaOf,
  type TestedDialect,
  throughOdbc,
  words,
} from './testing/applications.ts';
import { formatTime, parseTime } from './times.ts';

describe('times', () => {
  it.each([
    ['2026-02-03 04:05:06.123456', {}, '2026-02-03T04:05:06.123456Z'],
    ['2026-02-03 04:05:06+00', {}, '2026-02-03T04:05:06Z'],
    ['2026-02-03 04:05:06+05:30', {}, '2026-02-02T22:35:06Z'],
    ['2026-02-03', {}, '2026-02-03'],
    ['2026-07-03 04:05:06', { zone: 'Europe/Vienna' }, '2026-07-03T02:05:06Z'],
    ['2026-01-03 04:05:06', { zone: 'Europe/Vienna' }, '2026-01-03T03:05:06Z'],
    // The hour that comes twice, and the hours beside the one that does not come.
    ['2026-10-25 02:30:00', { zone: 'Europe/Vienna' }, '2026-10-25T00:30:00Z'],
    ['2026-10-25 03:00:00', { zone: 'Europe/Vienna' }, '2026-10-25T02:00:00Z'],
    ['2026-03-29 01:59:59', { zone: 'Europe/Vienna' }, '2026-03-29T00:59:59Z'],
    ['2026-03-29 03:00:00', { zone: 'Europe/Vienna' }, '2026-03-29T01:00:00Z'],
    ['03.02.2026 16:05', { format: 'dd.MM.yyyy HH:mm' }, '2026-02-03T16:05:00Z'],
    ['20260203', { format: 'yyyyMMdd' }, '2026-02-03'],
    ['20260203040506123', { format: 'yyyyMMddHHmmssfff' }, '2026-02-03T04:05:06.123Z'],
    ['1700000000', { format: 'unix' }, '2023-11-14T22:13:20Z'],
    ['1700000000123', { format: 'unixMilliseconds' }, '2023-11-14T22:13:20.123Z'],
  ] as const)('%s with %j is %s', (text, settings, iso) => {
    expect(parseTime(text, settings)).toBe(iso);
  });

  it.each([
    ['2026-02-31 00:00:00', {}],
    ['0000-00-00 00:00:00', {}],
    ['yesterday', {}],
    ['2026-02-03', { format: 'dd.MM.yyyy' }],
    ['many', { format: 'unix' }],
  ])('%s with %j is refused', (text, settings) => {
    expect(() => parseTime(text, settings)).toThrow(/time/);
  });

  it('what is written is read back, in any zone and form that keeps seconds', () => {
    const zones = ['UTC', 'Europe/Vienna', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'];
    const forms = [undefined, 'yyyy-MM-dd HH:mm:ss', 'dd.MM.yyyy HH:mm:ss', 'yyyyMMddHHmmss', 'unix'];
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }), fc.constantFrom(...zones), fc.constantFrom(...forms), (second, zone, format) => {
        const iso = new Date(second * 1000).toISOString().replace('.000Z', 'Z');
        const settings = { zone, ...(format === undefined ? {} : { format }) };
        const again = parseTime(formatTime(iso, settings), settings);
        // A clock that is set back shows an hour twice: then it is the first.
        const away = (Date.parse(iso) - Date.parse(again)) / 60_000;
        expect([0, 30, 60]).toContain(away);
        if (format === 'unix' || zone === 'UTC') expect(away).toBe(0);
      }),
    );
  });

  it('an unknown zone is said', () => {
    expect(() => parseTime('2026-02-03 04:05:06', { zone: 'Europe/Atlantis' })).toThrow(/Europe\/Vienna/);
  });
});

describe('arrays of PostgreSQL', () => {
  it.each([
    ['{}', []],
    ['{a,"b c","d\\"e\\\\f",NULL,"NULL"}', ['a', 'b c', 'd"e\\f', 'NULL']],
    ['{1,2}', ['1', '2']],
  ])('%s', (text, elements) => {
    expect(parseArray(text)).toEqual(elements);
  });
});

const TABLE: Readonly<Partial<Record<TestedDialect, string>>> = {
  sqlite: `CREATE TABLE kinds (id INTEGER PRIMARY KEY, flag BOOLEAN, small SMALLINT, big BIGINT, amount TEXT, day DATE, at TIMESTAMP, local TEXT, stamp BIGINT, code TEXT, tags TEXT, numbers TEXT, bytes BLOB, note TEXT NOT NULL DEFAULT '')`,
  postgres: `CREATE TABLE kinds (id bigint PRIMARY KEY, flag boolean, small smallint, big bigint, amount numeric(40, 20), day date, at timestamp(6), local varchar(20), stamp bigint, code uuid, tags text[], numbers jsonb, bytes bytea, note text NOT NULL DEFAULT '')`,
  mariadb: `CREATE TABLE kinds (id bigint PRIMARY KEY, flag boolean, small smallint, big bigint, amount decimal(40, 20), day date, at datetime(6), local varchar(20), stamp bigint, code uuid, tags json, numbers json, bytes blob, note varchar(200) NOT NULL DEFAULT '')`,
};

const objectTypes = (dialect: TestedDialect) => ({
  kind: {
    table: 'kinds',
    anchor: ['id'],
    anchorAssigned: false,
    attributes: {
      flag: {},
      small: {},
      big: {},
      amount: {},
      day: {},
      at: { time: { zone: 'Europe/Vienna' } },
      local: { time: { format: 'dd.MM.yyyy HH:mm:ss', zone: 'America/New_York' } },
      stamp: { time: { format: 'unix' } },
      code: {},
      tags: dialect === 'postgres' ? {} : { list: 'json' },
      numbers: { list: 'json', type: 'integer' },
      bytes: { maximumBytes: 5 },
      note: { empty: 'absent' },
    },
  },
});

const FULL: Attributes = {
  id: 2n ** 63n - 1n,
  flag: false,
  small: -32_768n,
  big: -(2n ** 63n),
  amount: '12345678901234567890.12345678901234567890',
  day: '2024-02-29',
  at: '2026-07-03T02:05:06.123456Z',
  local: '2026-01-03T09:05:06Z',
  stamp: '2023-11-14T22:13:20Z',
  code: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  tags: ['a', 'b c', '{"x"}', "o'hara", 'ä😀', 'NULL', ''],
  numbers: [9007199254740993n, -1n],
  bytes: new Uint8Array([0, 255, 1, 2, 3]),
  note: 'text',
};

/** Bytes of either class, as one. */
function plain(attributes: Attributes | undefined): Attributes {
  const bytes = (value: Value | readonly Value[]): Value | readonly Value[] => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value);
  return Object.fromEntries(Object.entries(attributes ?? {}).map(([name, value]) => [name, bytes(value)]));
}

describe.each([
  createSqliteBench(),
  createPostgresBench(),
  createMariadbBench(),
  throughOdbc(createSqliteBench()),
  throughOdbc(createPostgresBench()),
  throughOdbc(createMariadbBench()),
])('types on $name', (bench) => {
  let application: Application;
  beforeAll(() => (bench.isThere ? bench.start() : undefined));
  afterAll(() => bench.stop());

  it.skipIf(!bench.isThere)('R27: what is written is what is read, value for value, and again after a change of each', async () => {
    application = await bench.create(TABLE[bench.dialect] ?? '');
    const context = contextOf(application, objectTypes(bench.dialect));
    const [type] = (await schemaOf(context)).objectTypes;
    const shape = (name: string) => type?.attributes.find((attribute) => attribute.name === name);
    expect(shape('tags')).toMatchObject({ type: 'string', multiValued: true });
    expect(shape('numbers')).toMatchObject({ type: 'integer', multiValued: true });
    expect(shape('at')).toMatchObject({ type: 'string' });
    const result = await putOne(context, addOf('kind', FULL));
    expect(result.error).toBeUndefined();
    const { id, ...rest } = FULL;
    const [entry] = (await importAll(context)).entries;
    expect([entry?.anchor['id'], plain(entry?.attributes)]).toEqual([id, plain(rest)]);
    expect(await application.rows('SELECT local, stamp FROM kinds')).toEqual([['03.01.2026 04:05:06', '1700000000']]);
    const update = await putOne(context, {
      modification: 'update',
      objectType: 'kind',
      anchor: { id: id as bigint },
      changes: [
        { name: 'tags', modification: 'update', added: ['new', 'a'], removed: ['b c', 'not there'] },
        { name: 'numbers', modification: 'delete' },
        { name: 'at', modification: 'replace', values: ['2026-01-01T00:00:00+01:00'] },
        { name: 'note', modification: 'delete' },
      ],
    });
    expect(update.error).toBeUndefined();
    const { entries } = await find(context, 'kind', compare('tags', 'equal', 'new'));
    expect(plain(entries[0]?.attributes)).toMatchObject({ tags: ['a', '{"x"}', "o'hara", 'ä😀', 'NULL', '', 'new'], at: '2025-12-31T23:00:00Z' });
    expect(entries[0]?.attributes).not.toHaveProperty('numbers');
    expect(entries[0]?.attributes).not.toHaveProperty('note');
    await application.close();
  });

  it.skipIf(!bench.isThere)('R27: columns with names that every object inherits are read and written, and are absent where they are', async () => {
    application = await bench.create(
      'CREATE TABLE inherited (id INTEGER PRIMARY KEY, "__proto__" VARCHAR(20), "constructor" VARCHAR(20), "constructor_" VARCHAR(20))',
    );
    const context = contextOf(application, { odd: { table: 'inherited', anchor: ['id'], anchorAssigned: false } });
    const rows: readonly Attributes[] = [{ id: 1n }, { id: 2n, __proto___: 'p', constructor__: 'c' }];
    for (const attributes of rows) {
      expect((await putOne(context, addOf('odd', attributes))).error).toBeUndefined();
    }
    expect((await importAll(context)).entries.map(({ attributes }) => attributes)).toEqual([{}, { __proto___: 'p', constructor__: 'c' }]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('NULL and empty: a text without letters is a value, or none where the configuration says so', async () => {
    application = await bench.create('CREATE TABLE notes (id INTEGER PRIMARY KEY, kept VARCHAR(20), dropped VARCHAR(20))');
    await application.run("INSERT INTO notes VALUES (1, '', ''), (2, NULL, NULL), (3, 'x', 'x')");
    const note = { table: 'notes', anchor: ['id'], anchorAssigned: false, attributes: { kept: {}, dropped: { empty: 'absent' } } };
    const context = contextOf(application, { note });
    expect((await importAll(context)).entries.map((entry) => entry.attributes)).toEqual([{ kept: '' }, {}, { kept: 'x', dropped: 'x' }]);
    const ids = async (attribute: string, negate: boolean): Promise<readonly unknown[]> => {
      const present = { kind: 'present', attribute } as const;
      const { entries } = await find(context, 'note', negate ? { kind: 'not', filter: present } : present);
      return entries.map((entry) => entry.anchor['id']);
    };
    expect([await ids('kept', false), await ids('dropped', false), await ids('kept', true), await ids('dropped', true)]).toEqual([
      [1n, 3n],
      [3n],
      [2n],
      [1n, 2n],
    ]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('bytes beyond the limit are refused on the way in, and an error of their entry on the way out', async () => {
    application = await bench.create(TABLE[bench.dialect] ?? '');
    const context = contextOf(application, objectTypes(bench.dialect));
    const tooMany = await putOne(context, addOf('kind', { id: 1n, bytes: new Uint8Array(6) }));
    expect(tooMany.error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute: 'bytes' } });
    const wide = contextOf(application, { kind: { table: 'kinds', anchor: ['id'], anchorAssigned: false, attributes: { bytes: {} } } });
    expect((await putOne(wide, addOf('kind', { id: 2n, bytes: new Uint8Array(60_000) }))).error).toBeUndefined();
    expect((await putOne(wide, addOf('kind', { id: 3n, bytes: new Uint8Array(5) }))).error).toBeUndefined();
    expect((await importAll(context)).entries.map((entry) => entry.error?.detail?.attribute)).toEqual(['bytes', undefined]);
    await application.close();
  });

  it.skipIf(!bench.isThere)(
    'R19: large binaries make small pages; one of a side table beyond its limit is an error of its entry, and its neighbours are whole',
    async () => {
      const bytes = bench.dialect === 'mariadb' ? 'longblob' : words[bench.dialect].bytes;
      application = await bench.create(
        `CREATE TABLE owners (id INTEGER PRIMARY KEY, photo ${bytes}); CREATE TABLE certificates (owner INTEGER, cert ${bytes})`,
      );
      const ownerOf = (maximumBytes: number) => ({
        table: 'owners',
        anchor: ['id'],
        anchorAssigned: false,
        attributes: { photo: { maximumBytes: 4 * 1024 * 1024 } },
        multiValued: { certs: { table: 'certificates', key: ['owner'], value: 'cert', maximumBytes } },
      });
      const [context, narrow] = [contextOf(application, { owner: ownerOf(64) }), contextOf(application, { owner: ownerOf(16) })];
      for (let id = 1n; id <= 10n; id += 1n) {
        const certs = [new Uint8Array(id === 5n ? 40 : 16).fill(Number(id))];
        expect((await putOne(context, addOf('owner', { id, photo: new Uint8Array(2 * 1024 * 1024).fill(Number(id)), certs }))).error).toBeUndefined();
      }
      expect((await putOne(narrow, addOf('owner', { id: 11n, certs: [new Uint8Array(17)] }))).error).toMatchObject({
        code: 'invalid-attribute-value',
        message: expect.stringContaining('maximumBytes'),
        detail: { attribute: 'certs' },
      });
      const { entries, pages } = await importAll(narrow);
      expect(pages).toBeGreaterThan(2);
      expect(entries.map(({ anchor, error }) => [anchor['id'], error?.detail?.attribute])).toEqual(
        Array.from({ length: 10 }, (_, index) => [BigInt(index + 1), index === 4 ? 'certs' : undefined]),
      );
      expect(
        entries.every(
          ({ attributes, anchor }) => Buffer.compare(attributes?.['photo'] as Uint8Array, Buffer.alloc(2 * 1024 * 1024, Number(anchor['id']))) === 0,
        ),
      ).toBe(true);
      const found = await find(context, 'owner', compare('id', 'equal', '5', 'integer'));
      expect(((found.entries[0]?.attributes?.['certs'] ?? []) as readonly Uint8Array[]).map((one) => one.byteLength)).toEqual([40]);
      await application.close();
    },
  );

  it.skipIf(!bench.isThere)('a time that is none is an error of its entry, and refused in a change', async () => {
    application = await bench.create(TABLE[bench.dialect] ?? '');
    await application.run("INSERT INTO kinds (id, local) VALUES (1, '31.02.2026 00:00:00'), (2, '01.02.2026 00:00:00')");
    const context = contextOf(application, objectTypes(bench.dialect));
    expect((await importAll(context)).entries.map((entry) => entry.error?.detail?.attribute)).toEqual(['local', undefined]);
    expect((await putOne(context, addOf('kind', { id: 3n, local: 'tomorrow' }))).error).toMatchObject({
      code: 'invalid-attribute-value',
      detail: { attribute: 'local' },
    });
    await application.close();
  });
});
