import { expect, it } from 'vitest';
import { type Bench, describeStores } from './describe-stores.ts';
import { directoryModel, group, model, person, sets } from './people.ts';

const states = async (bench: Bench): Promise<readonly string[]> => (await bench.reader.readJournal({ limit: 10 })).map((row) => row.state).reverse();
const gone = { state: 'deleted' as const };

async function createAndDelete(bench: Bench): Promise<void> {
  const { drive } = bench;
  await drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
  await drive.write({ kind: 'add' }, { effect: sets({ id: '9', login: 'eve' }, { anchor: '9' }) });
  await drive.write({ kind: 'delete', entryId: (await drive.row('1'))?.id ?? 0, link: gone });
}

describeStores('ObjectConfirmation normal', (bench) => {
  it('R20 creates and deletes wait for a full import that began after them, and are confirmed by it', async () => {
    const { drive } = bench;
    await createAndDelete(bench);
    expect(await states(bench)).toEqual(['applied', 'applied']);
    await drive.import([], { kind: 'delta' });
    const { stepId } = await drive.begin();
    await drive.end(stepId, { complete: false, result: 'failed' });
    expect(await states(bench)).toEqual(['applied', 'applied']);
    const outcome = await drive.import([person('2', { login: 'bob' }), person('9', { login: 'eve' })]);
    expect(outcome.notReimported).toEqual([]);
    expect(await states(bench)).toEqual(['confirmed', 'confirmed']);
  });

  it('R20 what went back is kept with its page until it was settled, for who exports it again, and over a restart', async () => {
    const { drive } = bench;
    await drive.import([person('1', { title: 'old', note: 'a' }), person('2'), group('g', ['2'])]);
    const [one, team] = [(await drive.row('1'))?.id ?? 0, (await drive.row('g', 'group'))?.id ?? 0];
    await drive.write({ kind: 'update', entryId: one, effect: sets({ title: 'new', note: 'b' }) });
    const references = [{ attribute: 'members', replace: false, added: ['1'], removed: ['2'] }];
    await drive.write({ kind: 'update', objectType: 'group', entryId: team, effect: { ...sets({}), references, awaiting: ['members'] } });
    const { runId } = await bench.store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
    const types = { objectTypes: ['person', 'group'], partition: '', kind: 'full', runId, at: 2 } as const;
    const { stepId } = await bench.store.beginStep({ ...types, keepsDrifts: true });
    // Another value than before is somebody's choice.
    await bench.store.applyPage(stepId, [person('1', { title: 'old', note: 'c' }), person('2'), group('g', ['2'])]);
    await bench.reopen();
    const [second, first] = (await bench.reader.readJournal({ limit: 2 })).map((row) => row.id);
    const kept = [
      { journalId: first, entryId: one, drifts: [{ attribute: 'title', drift: { found: 'old', wanted: 'new' } }] },
      { journalId: second, entryId: team, drifts: [{ attribute: 'members', drift: { missing: ['1'], left: ['2'] } }] },
    ];
    expect(await bench.reader.readDrifts({ after: 0, limit: 10 })).toEqual(kept);
    expect(await bench.reader.readDrifts({ after: 0, limit: 1 })).toEqual(kept.slice(0, 1));
    await bench.store.settleDrifts([first ?? 0]);
    expect(await bench.reader.readDrifts({ after: 0, limit: 10 })).toEqual(kept.slice(1));
  });

  it('R20 an import that began before a delete confirms nothing of it', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'ada' })]);
    const { stepId } = await drive.begin();
    await drive.write({ kind: 'delete', entryId: (await drive.row('1'))?.id ?? 0, link: gone });
    await bench.store.applyPage(stepId, [person('1', { login: 'ada' })]);
    await drive.end(stepId);
    expect(await states(bench)).toEqual(['applied']);
  });

  it('R20 a full import of another partition confirms no delete', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'ada' })], { partition: 'a' });
    await drive.write({ kind: 'delete', entryId: (await drive.row('1'))?.id ?? 0, link: gone, effect: sets({}, { partition: 'a' }) });
    await drive.import([], { partition: 'b' });
    expect(await states(bench)).toEqual(['applied']);
    await drive.import([], { partition: 'a' });
    expect(await states(bench)).toEqual(['confirmed']);
  });

  it('R20 a deleted entry that is there after all, and a created one that is not, are reported', async () => {
    await createAndDelete(bench);
    const outcome = await bench.drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
    expect(outcome.notReimported).toMatchObject([{ attribute: '' }]);
    expect(outcome.removed).toBe(1);
    expect(await states(bench)).toEqual(['not-reimported', 'not-reimported']);
  });

  it('R11 R20 an entry disabled by deletion that is there again is reported, and linked again under its id', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'ada' })]);
    const before = await drive.row('1');
    await drive.write({ kind: 'delete', entryId: before?.id ?? 0, link: { state: 'disabled' } });
    await drive.import([]);
    expect(await states(bench)).toEqual(['confirmed']);
    await drive.import([person('1', { login: 'ada' })]);
    expect((await drive.row('1'))?.scimId).toBe(before?.scimId);
  });
});

describeStores(
  'ObjectConfirmation no-delete-confirmation',
  (bench) => {
    it('R20 a delete is confirmed with its result, and its entry may come back unreported; a create is awaited', async () => {
      await createAndDelete(bench);
      expect(await states(bench)).toEqual(['applied', 'confirmed']);
      const outcome = await bench.drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' }), person('9', { login: 'eve' })]);
      expect(outcome.notReimported).toEqual([]);
      expect(await states(bench)).toEqual(['confirmed', 'confirmed']);
    });
  },
  { ...model, objectConfirmation: 'no-delete-confirmation' },
);

describeStores(
  'ObjectConfirmation no-add-and-delete-confirmation',
  (bench) => {
    it('R20 creates and deletes are confirmed with their results, updates are awaited', async () => {
      const { drive } = bench;
      await createAndDelete(bench);
      await drive.write({ kind: 'update', entryId: (await drive.row('2'))?.id ?? 0, effect: sets({ title: 'Dr' }) });
      expect(await states(bench)).toEqual(['confirmed', 'confirmed', 'applied']);
      const outcome = await drive.import([person('2', { login: 'bob' }), person('9', { login: 'other' })]);
      expect(outcome.notReimported).toMatchObject([{ attribute: 'title' }]);
    });
  },
  { ...model, objectConfirmation: 'no-add-and-delete-confirmation' },
);

describeStores('values that no import shows', (bench) => {
  it('R8 an import keeps export-only values, and an unchanged entry stays unchanged', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'ada' })]);
    const entryId = (await drive.row('1'))?.id ?? 0;
    await drive.write({ kind: 'update', entryId, effect: sets({ secret: 's', title: 'Dr' }, { awaiting: ['title'] }) });
    await drive.import([person('1', { login: 'ada', title: 'Dr' })]);
    expect(await drive.values('1')).toEqual({ id: '1', login: 'ada', title: 'Dr', secret: 's' });
    const { version } = (await drive.row('1')) ?? { version: 0 };
    expect((await drive.import([person('1', { login: 'ada', title: 'Dr' }), group('g', [])])).counts).toMatchObject({ unchanged: 1, added: 1 });
    expect((await drive.row('1'))?.version).toBe(version);
    await drive.import([person('1', { login: 'ada', title: 'Prof' })]);
    expect(await drive.values('1')).toEqual({ id: '1', login: 'ada', title: 'Prof', secret: 's' });
  });
});

describeStores('what an import shows otherwise', (bench) => {
  const members = (added: readonly string[], removed: readonly string[] = []) => ({
    kind: 'update' as const,
    objectType: 'group',
    effect: { ...sets({}), references: [{ attribute: 'members', replace: false, added, removed }], awaiting: ['members'] },
  });
  const update = { op: 'update', set: {}, unset: [], deltas: [] } as const;

  it('R20 says whether the value of before is still there, and none where somebody chose another one', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'ada', title: 'old' }), group('g', ['1'])]);
    const entryId = (await drive.row('1'))?.id ?? 0;
    for (const title of ['new', 'newer']) await drive.write({ kind: 'update', entryId, effect: sets({ title, note: 'hello' }) });
    const groupId = (await drive.row('g', 'group'))?.id ?? 0;
    await drive.write({ ...members(['2', '3'], ['1']), entryId: groupId });
    const outcome = await drive.import([person('1', { login: 'ada', title: 'old' }), group('g', ['1', '3'])]);
    expect(outcome.notReimported.map(({ attribute, drift }) => [attribute, drift])).toEqual([
      ['title', { found: 'old', wanted: 'newer' }],
      ['note', { found: null, wanted: 'hello' }],
      ['members', { missing: ['2'], left: ['1'] }],
    ]);
    await drive.write({ kind: 'update', entryId, effect: sets({ title: 'new' }) });
    const other = await drive.import([person('1', { login: 'ada', title: 'theirs' }), group('g', ['1', '3'])]);
    expect(other.notReimported.map(({ attribute, drift }) => [attribute, drift])).toEqual([['title', undefined]]);
  });

  it('R20 a delta confirms what it says of a set, contradicts it, or says nothing of it', async () => {
    const { drive } = bench;
    await drive.import([group('g', ['1'])]);
    const entryId = (await drive.row('g', 'group'))?.id ?? 0;
    await drive.write({ ...members(['2']), entryId });
    const silent = await drive.import([{ ...update, objectType: 'group', anchor: 'g', deltas: [{ attribute: 'members', added: ['5'], removed: [] }] }], {
      kind: 'delta',
    });
    expect(silent.notReimported).toEqual([]);
    expect(await states(bench)).toEqual(['applied']);
    await drive.import([{ ...update, objectType: 'group', anchor: 'g', deltas: [{ attribute: 'members', added: ['2'], removed: [] }] }], { kind: 'delta' });
    expect(await states(bench)).toEqual(['confirmed']);
    await drive.write({ ...members(['3']), entryId });
    const undone = await drive.import([{ ...update, objectType: 'group', anchor: 'g', deltas: [{ attribute: 'members', added: [], removed: ['3'] }] }], {
      kind: 'delta',
    });
    expect(undone.notReimported).toMatchObject([{ attribute: 'members' }]);
  });

  it('R22 what a delta read before a write says of a set does not undo the write', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1'), person('2'), group('g', ['1'])]);
    const entryId = (await drive.row('g', 'group'))?.id ?? 0;
    const { stepId } = await drive.begin({ kind: 'delta' });
    await drive.write({ ...members(['2'], ['1']), entryId });
    await store.applyPage(stepId, [{ ...update, objectType: 'group', anchor: 'g', deltas: [{ attribute: 'members', added: ['1'], removed: ['2'] }] }]);
    await drive.end(stepId);
    expect((await reader.readReferences(entryId, 'members', { limit: 10 })).map((one) => one.raw)).toEqual(['2']);
    expect(await states(bench)).toEqual(['applied']);
  });
});

describeStores(
  'a directory that writes names in its own way',
  (bench) => {
    it('R20 references are compared as names are, and texts after the normalisation of the connector', async () => {
      const { drive } = bench;
      await drive.import([person('1', { login: 'ada' }, 'CN=Ada,DC=x'), group('g', [])]);
      const entryId = (await drive.row('1'))?.id ?? 0;
      await drive.write({ kind: 'update', entryId, effect: sets({ manager: 'CN=Zoë,DC=x', title: 'Président' }) });
      const references = [{ attribute: 'members', replace: false, added: ['CN=Ada,DC=x'], removed: ['CN=Eve,DC=x'] }];
      const groupId = (await drive.row('g', 'group'))?.id ?? 0;
      await drive.write({ kind: 'update', objectType: 'group', entryId: groupId, effect: { ...sets({}), references, awaiting: ['members'] } });
      const shown = person('1', { login: 'ada', manager: 'cn=zoe,dc=x', title: 'PRESIDENT' }, 'CN=Ada,DC=x');
      const outcome = await drive.import([shown, group('g', ['cn=ada,dc=X'])]);
      expect(outcome.notReimported).toEqual([]);
      expect(await states(bench)).toEqual(['confirmed', 'confirmed']);
      expect(await drive.values('1')).toMatchObject({ title: 'PRESIDENT' });
      await drive.write({ kind: 'update', objectType: 'group', entryId: groupId, effect: { ...sets({}), references, awaiting: ['members'] } });
      const left = await drive.import([shown, group('g', ['cn=ada,dc=x', 'cn=EVE,dc=x'])]);
      expect(left.notReimported).toMatchObject([{ attribute: 'members', drift: { missing: [], left: ['cn=EVE,dc=x'] } }]);
    });
  },
  { ...directoryModel, normalizations: ['uppercase', 'remove-accents'] },
);
