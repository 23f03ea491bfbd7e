import { matchesEntry } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { type EntryQuery, ScanLimitError, type StoreFilter } from '../connector-store.ts';
import { describeStores } from './describe-stores.ts';
import { audit, directoryModel, group, model, person } from './people.ts';

const people = [
  person('1', { login: 'Ada', title: 'Lead', note: 'Straße', mails: ['Ada@x', 'a2@x'], level: '5', remote: true, badges: ['B1'], manager: '3' }),
  person('2', { login: 'bob', title: 'lead', note: 'STRASSE', mails: ['bob@x'], level: '10', remote: false, manager: '1' }),
  person('3', { login: 'Éve', title: '100%_', note: 'E\u0301VE', level: '9007199254740993', badges: ['b1', 'B1'], manager: 'ghost' }),
  person('4', { login: 'zoë', title: 'Leader' }),
];

type Compare = Extract<StoreFilter, { kind: 'compare' }>;
const compare = (attribute: string, comparison: Compare['comparison'], value: string | boolean, more: Partial<Compare> = {}): Compare => ({
  kind: 'compare',
  attribute,
  comparison,
  value,
  type: attribute === 'level' ? 'integer' : attribute === 'remote' ? 'boolean' : 'string',
  caseExact: false,
  ...more,
});

describeStores('queries', (bench) => {
  const find = async (filter: StoreFilter | undefined, more: Partial<EntryQuery> = {}): Promise<readonly (string | undefined)[]> => {
    const page = await bench.reader.query({
      objectType: 'person',
      limit: 100,
      total: true,
      scanLimit: 1000,
      ...(filter === undefined ? {} : { filter }),
      ...more,
    });
    expect(page.rows.length).toBeLessThanOrEqual(page.total ?? 0);
    return page.rows.map((row) => row.anchor);
  };

  it('S-250 filters find what the reference evaluator finds', async () => {
    await bench.drive.import(people);
    const filters: StoreFilter[] = [];
    for (const attribute of ['login', 'title', 'note', 'mails', 'badges'])
      for (const comparison of ['equal', 'not-equal', 'starts', 'ends', 'contains', 'greater', 'less-or-equal'] as const)
        for (const value of ['ada', 'LEAD', 'b1', 'é', 've', '%', '_', 'stra', 'x'])
          for (const caseExact of [true, false]) filters.push(compare(attribute, comparison, value, { caseExact }));
    for (const comparison of ['equal', 'not-equal', 'greater', 'greater-or-equal', 'less', 'less-or-equal'] as const)
      for (const value of ['5', '9007199254740993', '9007199254740992']) filters.push(compare('level', comparison, value));
    for (const value of [true, false]) filters.push(compare('remote', 'equal', value));
    for (const attribute of ['login', 'note', 'mails', 'level', 'manager', 'nothing']) filters.push({ kind: 'present', attribute });
    const [first, second] = [compare('title', 'starts', 'lead'), compare('remote', 'equal', true)];
    filters.push({ kind: 'and', filters: [first, second] }, { kind: 'or', filters: [first, second] }, { kind: 'not', filter: second });
    filters.push({ kind: 'and', filters: [] }, { kind: 'or', filters: [] }, { kind: 'not', filter: compare('level', 'greater', '7') });
    for (const filter of filters) {
      const expected = people.filter((one) => one.op === 'put' && matchesEntry(filter as Compare, JSON.parse(one.body)));
      expect(await find(filter), JSON.stringify(filter)).toEqual(expected.map((one) => one.anchor));
    }
  });

  it('S-250 parts of values are found wherever they are, in values too long for any index too', async () => {
    const long = (length: number): string => `${'😀'.repeat(length)}Middle${'😀'.repeat(length)}End`;
    const lengths = [1, 120, 124, 130, 250, 300, 600];
    const many = lengths.map((length) => person(String(length), { login: long(length), mails: ['short', long(length)] }));
    await bench.drive.import([...many, person('none', { title: 'x' }), person('end', { login: 'end', mails: ['middle'] })]);
    for (const attribute of ['login', 'mails'])
      for (const [comparison, value] of [
        ['contains', 'MIDDLE'],
        ['contains', '😀end'],
        ['ends', 'END'],
        ['ends', 'middle'],
        ['contains', 'nothing'],
      ] as const)
        for (const caseExact of [true, false]) {
          const filter = compare(attribute, comparison, value, { caseExact });
          const expected = [...many, person('end', { login: 'end', mails: ['middle'] })].filter(
            (one) => one.op === 'put' && matchesEntry(filter, JSON.parse(one.body)),
          );
          expect(await find(filter), JSON.stringify(filter)).toEqual(expected.map((one) => one.anchor));
          const others = await find({ kind: 'not', filter });
          expect(others.length, JSON.stringify(filter)).toBe(lengths.length + 2 - expected.length);
        }
  });

  it('S-250 matches bring along what they refer to, and are otherwise what they are without that', async () => {
    const { drive, reader } = bench;
    await drive.import(people);
    const ask = { objectType: 'person', limit: 100, total: true, scanLimit: 1000 } as const;
    const filters: readonly (StoreFilter | undefined)[] = [
      undefined,
      compare('login', 'equal', 'bob'),
      compare('title', 'starts', 'lead'),
      compare('mails', 'equal', 'a2@x'),
      compare('login', 'equal', 'nobody'),
      { kind: 'resource', field: 'modified', comparison: 'greater', value: 0 },
    ];
    for (const filter of filters)
      for (const more of [{}, { after: 1 }, { limit: 1 }, { sort: { by: { attribute: 'login' }, descending: true } }]) {
        const asked = { ...ask, ...(filter === undefined ? {} : { filter }), ...more };
        const plain = await reader.query(asked);
        const { rows, total } = await reader.query({ ...asked, referring: ['manager', 'members'] });
        expect({ rows: rows.map(({ references: _, ...row }) => row), total }).toEqual(plain);
        for (const { id, references } of rows) {
          // A store that has them only at a further cost leaves them out.
          if (references !== undefined) expect(references).toEqual(await reader.readReferencesOf([id], ['manager', 'members']));
        }
      }
  });

  const withMoreQueryable = {
    ...model,
    objectTypes: model.objectTypes.map((type) => ({
      ...type,
      attributes: type.attributes.map((one) => (one.name === 'note' || one.name === 'badges' ? { ...one, queryable: true } : one)),
    })),
  };

  it('R23 what becomes queryable is found at once, by its index, and what was is found as before', async () => {
    const { store, drive } = bench;
    await drive.import([person('1', { note: 'One', login: 'Ada', badges: ['b1', 'b2'] }), person('2', { note: 'two', login: 'bob' })]);
    expect(await store.configure(withMoreQueryable)).toEqual({ changed: true });
    for (const [attribute, value, anchor] of [
      ['note', 'ONE', '1'],
      ['note', 'Two', '2'],
      ['login', 'ADA', '1'],
      ['badges', 'b2', '1'],
    ] as const)
      expect(await find(compare(attribute, 'equal', value, { caseExact: attribute === 'badges' }), { scanLimit: 0 })).toEqual([anchor]);
  });

  it('R23 what is queryable again is found as it is now, not as it was when it was queryable before', async () => {
    const { store, drive } = bench;
    await store.configure(withMoreQueryable);
    await drive.import([person('1', { note: 'One' }), person('2', { note: 'two' })]);
    await store.configure(model);
    await drive.import([person('1', { note: 'Changed' }), person('2', {}), person('3', { note: 'new' })]);
    await store.configure(withMoreQueryable);
    const found = [];
    for (const value of ['one', 'two', 'changed', 'new']) found.push(await find(compare('note', 'equal', value), { scanLimit: 0 }));
    expect(found).toEqual([[], [], ['1'], ['3']]);
  });

  it('S-096 a filter without an index is refused when it would look at too many entries', async () => {
    await bench.drive.import(people);
    await expect(find(compare('note', 'equal', 'x'), { scanLimit: 3 })).rejects.toThrow(ScanLimitError);
    expect(await find(compare('login', 'equal', 'ADA'), { scanLimit: 0 })).toEqual(['1']);
    expect(await find(compare('login', 'starts', 'É'), { scanLimit: 0 })).toEqual(['3']);
  });

  it('S-103 sorting: values before none when ascending, ties by id; paging by offset and by key', async () => {
    const { drive, reader } = bench;
    await drive.import(people);
    const by = (attribute: string, descending = false) => ({ sort: { by: { attribute }, descending } });
    expect(await find(undefined, by('login'))).toEqual(['1', '2', '4', '3']);
    expect(await find(undefined, by('level'))).toEqual(['1', '2', '3', '4']);
    expect(await find(undefined, by('level', true))).toEqual(['4', '3', '2', '1']);
    // Without an index: "éve" after "strasse" and "straße", whatever their case.
    expect(await find(undefined, by('note'))).toEqual(['2', '1', '3', '4']);
    expect(await find(undefined, { ...by('login'), limit: 2, offset: 1 })).toEqual(['2', '4']);
    const first = await reader.query({ objectType: 'person', limit: 2, total: false, scanLimit: 0 });
    expect(first.total).toBeUndefined();
    expect(await find(undefined, { limit: 2, after: first.rows[1]?.id ?? 0 })).toEqual(['3', '4']);
    expect(await find(undefined, { limit: 0 })).toEqual([]);
    expect(await find(undefined, { objectType: 'robot' })).toEqual([]);
    expect(await find(undefined, { sort: { by: { field: 'created' }, descending: true } })).toEqual(['1', '2', '3', '4']);
  });

  it('S-094 what the host itself keeps can be asked for: ids, aliases, times, external ids, activity, references', async () => {
    const { drive, store } = bench;
    await drive.import([...people, group('g', ['1', '2'])]);
    const ada = await drive.row('1');
    const bob = await drive.row('2');
    const team = await drive.row('g', 'group');
    const change = { shadow: { active: false }, externalId: { client: 'c', value: 'X-1' }, aliases: ['old'] };
    await store.commitLinkChanges([{ scimId: ada?.scimId ?? '', change, audit, at: 50 }]);
    const resource = (
      field: 'id' | 'created' | 'modified' | 'external-id' | 'inactive',
      comparison: 'equal' | 'starts' | 'greater' | 'present' | 'not-equal',
      value: string | number | boolean,
    ) => find({ kind: 'resource', field, comparison, value, client: 'c' });
    expect(await resource('id', 'equal', ada?.scimId ?? '')).toEqual(['1']);
    expect(await resource('id', 'equal', 'old')).toEqual(['1']);
    expect(await resource('id', 'starts', (bob?.scimId ?? '').slice(0, 12))).toEqual(['2']);
    expect(await resource('modified', 'greater', 49)).toEqual(['1']);
    expect(await resource('created', 'present', '')).toEqual(['1', '2', '3', '4']);
    expect(await resource('external-id', 'equal', 'X-1')).toEqual(['1']);
    expect(await resource('external-id', 'starts', 'X')).toEqual(['1']);
    expect(await resource('external-id', 'present', '')).toEqual(['1']);
    expect(await resource('inactive', 'equal', true)).toEqual(['1']);
    expect(await resource('inactive', 'equal', false)).toEqual(['2', '3', '4']);
    expect(await find({ kind: 'refers', attribute: 'manager', entryId: ada?.id ?? 0 })).toEqual(['2']);
    const referred = { kind: 'referred', objectType: 'group', attribute: 'members' } as const;
    expect(await find({ ...referred, entryId: team?.id ?? 0 })).toEqual(['1', '2']);
    expect(await find(referred)).toEqual(['1', '2']);
  });
});

describeStores('references', (bench) => {
  it('S-170 references are read in pages, of one entry or of many, and by who refers', async () => {
    const { drive, reader } = bench;
    await drive.import([...people, group('g', ['1', '2', 'ghost']), group('h', ['3', 'g'])]);
    const id = async (anchor: string, type = 'person'): Promise<number> => (await drive.row(anchor, type))?.id ?? 0;
    const g = await id('g', 'group');
    const first = await reader.readReferences(g, 'members', { after: 0, limit: 1 });
    expect(first).toMatchObject([{ entryId: await id('1'), raw: '1', objectType: 'person' }]);
    expect(JSON.parse(first[0]?.body ?? '{}')).toMatchObject({ login: 'Ada' });
    expect((await reader.readReferences(g, 'members', { after: first[0]?.entryId ?? 0, limit: 5 })).map((one) => one.raw)).toEqual(['2']);
    const all = (await reader.readReferences(g, 'members', { limit: 10 })).map((one) => one.raw);
    const paged: string[] = [];
    for (let more = true; more; ) {
      const page = await reader.readReferences(g, 'members', { limit: 1, ...(paged.length === 0 ? {} : { afterRaw: paged.at(-1) ?? '' }) });
      paged.push(...page.map((one) => one.raw));
      more = page.length > 0;
    }
    expect(paged).toEqual(all);
    expect([await reader.countReferences(g, 'members'), await reader.countReferences(g, 'members', 2)]).toEqual([all.length, 2]);
    expect((await reader.readReferences(g, 'members', { limit: 10 })).find((one) => one.raw === 'ghost')).toMatchObject({
      entryId: undefined,
      scimId: undefined,
    });
    const many = await reader.readReferencesOf([g, await id('h', 'group'), await id('2')], ['members', 'manager']);
    expect(many.map((one) => `${one.from === g ? 'g' : one.attribute}:${one.raw}`).sort()).toEqual(['g:1', 'g:2', 'manager:1', 'members:3', 'members:g']);
    expect(await reader.readReferencesOf([], ['members'])).toEqual([]);
    const scimId = String((await drive.row('2'))?.scimId);
    const { references, ...row } = (await reader.readResource(scimId, ['manager'])) ?? {};
    expect(row).toEqual(await reader.readResource(scimId));
    if (references !== undefined) expect(references).toEqual(await reader.readReferencesOf([await id('2')], ['manager']));
    expect((await reader.readResource(String((await drive.row('3'))?.scimId), ['manager']))?.references ?? []).toEqual([]);
    const ofAda = await reader.readReferrers(await id('1'), { objectType: 'group', name: 'members' }, { limit: 5 });
    expect(ofAda).toMatchObject([{ entryId: g, objectType: 'group' }]);
    expect(await reader.readReferrers(await id('1'), { objectType: 'group', name: 'members' }, { after: g, limit: 5 })).toEqual([]);
  });

  it('R10 targets become raw values in order; what is unknown, or waits for its anchor, has none', async () => {
    const { drive, store, reader } = bench;
    await drive.import(people);
    const pending = await drive.write({ kind: 'add' }, { pendingAnchor: true });
    const ada = await drive.row('1');
    await store.commitLinkChanges([{ scimId: ada?.scimId ?? '', change: { aliases: ['old'] }, audit, at: 50 }]);
    const targets = await reader.resolveTargets(['nobody', 'old', ada?.scimId ?? '', pending?.row?.scimId ?? '']);
    const known = { entryId: ada?.id, objectType: 'person', raw: '1' };
    expect(targets).toEqual([undefined, known, known, { entryId: pending?.row?.id, objectType: 'person', raw: undefined }]);
    expect(await reader.readEntry(ada?.id ?? 0)).toMatchObject({ anchor: '1' });
    expect(await reader.readEntry(999_999)).toBeUndefined();
    expect(await reader.readByAnchor('robot', '1')).toBeUndefined();
  });
});

describe('the suite', () => {
  it('has people of every kind', () => {
    expect(people.every((one) => one.op === 'put')).toBe(true);
  });
});

describeStores(
  'references that a directory writes in its own way',
  (bench) => {
    it('R27 are present under the name of their entry, and said as the directory writes them, resolved or not', async () => {
      const { drive, reader } = bench;
      await drive.import([person('1', { login: 'ada' }, 'CN=Ada,DC=x'), group('g', ['cn=ada,dc=X', 'cn=nobody,dc=x'])]);
      const id = (await drive.row('g', 'group'))?.id ?? 0;
      const asked = ['CN=Ada,DC=x', 'CN=Nobody,DC=x', 'cn=ada,dc=X', 'CN=Eve,DC=x'];
      expect([...(await reader.presentReferences(id, 'members', asked))].sort()).toEqual([
        ['CN=Ada,DC=x', 'cn=ada,dc=X'],
        ['CN=Nobody,DC=x', 'cn=nobody,dc=x'],
        ['cn=ada,dc=X', 'cn=ada,dc=X'],
      ]);
    });

    it('R27 go with a delta that writes them in yet another way, and no other value goes with them', async () => {
      const { drive, reader } = bench;
      await drive.import([person('1', { login: 'ada' }, 'CN=Ada,DC=x'), group('g', ['cn=ada,dc=X', 'cn=nobody,dc=x', 'cn=eve,dc=x'])]);
      const id = (await drive.row('g', 'group'))?.id ?? 0;
      const deltas = [{ attribute: 'members', added: ['CN=Max,DC=x'], removed: ['CN=ADA,DC=x', 'CN=Nobody,DC=x', 'CN=Gone,DC=x'] }];
      await drive.import([{ op: 'update', objectType: 'group', anchor: 'g', set: {}, unset: [], deltas }], { kind: 'delta' });
      expect((await reader.readReferences(id, 'members', { limit: 10 })).map((one) => one.raw)).toEqual(['CN=Max,DC=x', 'cn=eve,dc=x']);
    });
  },
  directoryModel,
);

const accounts = {
  ...model,
  objectTypes: model.objectTypes.map((type) => ({
    ...type,
    attributes: type.attributes.map((one) => (one.name === 'login' || one.name === 'note' ? { ...one, accountName: true as const } : one)),
  })),
};

describeStores(
  'names of accounts',
  (bench) => {
    it('S-056 compare without regard to width, indexed and not, and sort so', async () => {
      const { drive, reader } = bench;
      await drive.import([
        person('1', { login: 'Ｚｏｅ', note: 'Ｚｏｅ' }),
        person('2', { login: 'adａ', note: 'adａ' }),
        person('3', { login: 'ﾃﾞｰﾀ', note: 'ﾃﾞｰﾀ' }),
        person('4', { login: 'bob' }),
      ]);
      const find = async (filter: StoreFilter): Promise<readonly (string | undefined)[]> =>
        (await reader.query({ objectType: 'person', limit: 9, total: true, scanLimit: 1000, filter })).rows.map((row) => row.anchor);
      for (const attribute of ['login', 'note']) {
        expect(await find(compare(attribute, 'equal', 'ZOE')), attribute).toEqual(['1']);
        expect(await find(compare(attribute, 'equal', 'ＡDA')), attribute).toEqual(['2']);
        expect(await find(compare(attribute, 'equal', 'データ')), attribute).toEqual(['3']);
        for (const [comparison, value] of [
          ['starts', 'Ｚo'],
          ['ends', 'OＥ'],
          ['contains', 'o'],
        ] as const)
          expect((await find(compare(attribute, comparison, value)))[0], `${attribute} ${comparison}`).toBe('1');
        expect(await find(compare(attribute, 'equal', 'Ｚｏｅ', { caseExact: true })), attribute).toEqual(['1']);
        expect(await find(compare(attribute, 'equal', 'zoe', { caseExact: true })), attribute).toEqual([]);
      }
      const sorted = await reader.query({
        objectType: 'person',
        limit: 9,
        total: true,
        scanLimit: 1000,
        sort: { by: { attribute: 'login' }, descending: false },
      });
      expect(sorted.rows.map((row) => row.anchor)).toEqual(['2', '4', '1', '3']);
    });
  },
  accounts,
);
