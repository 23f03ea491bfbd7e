import { expect, it } from 'vitest';
import { noCounts } from '../connector-store.ts';
import { storeOverPort } from '../thread/thread-client.ts';
import { describeStores } from './describe-stores.ts';
import { directoryModel, group, model, person, sets } from './people.ts';

const ada = { login: 'ada', title: 'old' };

describeStores('imports', (bench) => {
  it('R25 what is unchanged is not written: version and times stay', async () => {
    const { drive } = bench;
    const people = [person('1', { ...ada, mails: ['a@x'], manager: '2' }), person('2'), group('g', ['1', '2'])];
    expect((await drive.import(people)).counts).toEqual({ ...noCounts, added: 3 });
    const before = await drive.row('1');
    expect((await drive.import(people)).counts).toEqual({ ...noCounts, unchanged: 3 });
    expect(await drive.row('1')).toEqual(before);
    const changed = [person('1', { ...ada, title: 'new' }), person('2'), group('g', ['2'])];
    expect((await drive.import(changed)).counts).toEqual({ ...noCounts, updated: 2, unchanged: 1 });
    expect(await drive.row('1')).toMatchObject({ version: 2, id: before?.id, scimId: before?.scimId });
    expect(await drive.members('g')).toEqual(['2']);
  });

  it('R25 a page of hundreds, new and changed, in one transaction', async () => {
    const { drive, reader } = bench;
    const people = (title: string) =>
      Array.from({ length: 500 }, (_, index) =>
        person(`p${index}`, { login: `User${index}`, title: index % 2 === 0 ? title : 'same', manager: `p${index >> 3}` }),
      );
    expect((await drive.import(people('a'))).counts).toEqual({ ...noCounts, added: 500 });
    expect((await drive.import(people('b'))).counts).toEqual({ ...noCounts, updated: 250, unchanged: 250 });
    expect(await reader.countEntries('person')).toBe(500);
    const boss = await drive.row('p3');
    const reports = await reader.readReferrers(boss?.id ?? 0, { objectType: 'person', name: 'manager' }, { limit: 100 });
    expect(reports.map((one) => JSON.parse(one.body ?? '{}').id)).toEqual(Array.from({ length: 8 }, (_, index) => `p${24 + index}`));
  });

  it('R25 the same anchor twice in one full import is an error, and the first stays', async () => {
    const { drive } = bench;
    const { errors, counts } = await drive.import([person('1', { title: 'first' }), person('1', { title: 'second' })]);
    expect(errors).toMatchObject([{ index: 1, error: { code: 'already-exists' } }]);
    expect(counts.added).toBe(1);
    expect(await drive.values('1')).toMatchObject({ title: 'first' });
  });

  it('R27 values pass byte for byte: large integers, quotes, backslashes, tabs, line ends, and what is outside the first plane', async () => {
    const { drive, reader } = bench;
    const values = { login: 'x', title: 'a"b\\c\td\ne\r\u0001 \u{1F600} é \\N \\.', level: '9007199254740993', badges: ['\\', ','], remote: true };
    await drive.import([person('o\'1\t"\\', values)]);
    const row = await drive.row('o\'1\t"\\');
    expect(row?.body).toBe(JSON.stringify({ id: 'o\'1\t"\\', login: 'x', title: values.title, badges: values.badges, level: values.level, remote: true }));
    const compare = (attribute: string, value: string, type: 'string' | 'integer') =>
      reader.query({
        objectType: 'person',
        filter: { kind: 'compare', attribute, comparison: 'equal', value, type, caseExact: true },
        limit: 5,
        total: true,
        scanLimit: 100,
      });
    expect((await compare('title', values.title, 'string')).total).toBe(1);
    expect((await compare('level', '9007199254740993', 'integer')).total).toBe(1);
    expect((await compare('level', '9007199254740992', 'integer')).total).toBe(0);
  });

  it('R10 references resolve when their target appears, across types and runs, and again when it comes back', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', { manager: 'boss' }), group('g', ['boss', '1'])]);
    expect(await drive.members('g')).toEqual(['1', undefined]);
    const before = (await drive.row('1'))?.version ?? 0;
    await drive.import([person('boss')], { kind: 'delta' });
    expect(await drive.members('g')).toEqual(['1', 'boss']);
    expect((await drive.row('1'))?.version).toBeGreaterThan(before);
    await drive.import([person('1', { manager: 'boss' }), group('g', ['boss', '1'])]);
    expect(await drive.members('g')).toEqual(['1', undefined]);
    await drive.import([person('1', { manager: 'boss' }), person('boss'), group('g', ['boss', '1'])]);
    expect(await drive.members('g')).toEqual(['1', 'boss']);
    const boss = (await drive.row('boss'))?.id ?? 0;
    expect((await reader.readReferrers(boss, { objectType: 'group', name: 'members' }, { limit: 5 })).length).toBe(1);
  });

  it('R10 a step counts the references whose target the space does not have', async () => {
    const { drive, reader } = bench;
    const counted = async (): Promise<unknown> => (await reader.readRuns({ limit: 1 }))[0]?.steps[0]?.counts.unresolved;
    await drive.import([person('1', { manager: '3' }), group('g', ['1', '2', '4'])]);
    expect(await counted()).toBe(3);
    await drive.import([person('1', { manager: '3' }), person('2'), group('g', ['1', '2', '4'])]);
    expect(await counted()).toBe(2);
    await drive.import([person('1'), person('2'), group('g', ['1', '2'])]);
    expect(await counted()).toBe(0);
  });

  it('R10 a group of many members changes by the difference', async () => {
    const { drive } = bench;
    const people = Array.from({ length: 60 }, (_, index) => person(`m${String(index).padStart(2, '0')}`));
    const ids = people.map((one) => (one.op === 'put' ? one.anchor : ''));
    await drive.import([group('g', ids), ...people]);
    expect(await drive.members('g')).toEqual(ids);
    await drive.import([...people, group('g', [...ids.slice(30), 'unknown'])]);
    expect(await drive.members('g')).toEqual([...ids.slice(30), undefined]);
  });

  it('R22 what was written after the fence wins, per attribute and for existence', async () => {
    const { drive, store } = bench;
    await drive.import([person('1', ada), person('2', { login: 'bob' }), person('3')]);
    const { stepId } = await drive.begin();
    const id = async (anchor: string): Promise<number> => (await drive.row(anchor))?.id ?? 0;
    await drive.write({ kind: 'update', entryId: await id('1'), effect: sets({ title: 'written' }) });
    await drive.write({ kind: 'delete', entryId: await id('2') });
    await drive.write({ kind: 'add', effect: sets({ login: 'new' }, { anchor: '9' }) });
    const outcome = await store.applyPage(stepId, [person('1', { login: 'ada2', title: 'old' }), person('2', { login: 'bob' })]);
    expect(outcome.counts).toMatchObject({ fenced: 1, updated: 1, added: 0, confirmed: 0 });
    expect(await drive.values('1')).toEqual({ id: '1', login: 'ada2', title: 'written' });
    expect(await drive.end(stepId)).toEqual({ removed: 1, planned: 1 });
    expect([await drive.row('2'), await drive.row('3')]).toEqual([undefined, undefined]);
    expect(await drive.row('9')).toBeDefined();
  });

  it('R22 an entry with an open write is not touched, nor is an object that may be a create in flight', async () => {
    const { drive, store } = bench;
    await drive.import([person('1', ada)]);
    const open = await drive.intend({ kind: 'update', entryId: (await drive.row('1'))?.id ?? 0, effect: sets({ title: 'new' }) });
    const add = await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'eve' }], effect: sets({ login: 'eve' }) });
    const { stepId } = await drive.begin();
    const outcome = await store.applyPage(stepId, [
      person('1', { login: 'ada', title: 'other' }),
      person('5', { login: 'Eve' }),
      person('6', { login: 'else' }),
    ]);
    expect(outcome).toMatchObject({ counts: { fenced: 1, added: 1 }, postponed: [1] });
    await drive.finish(open);
    await drive.finish(add, { effect: sets({ id: '5', login: 'eve' }, { anchor: '5' }) });
    expect((await store.applyPage(stepId, [person('5', { login: 'eve' })])).counts).toMatchObject({ fenced: 1, added: 0 });
  });

  it('R21 the password of a create that an import settles goes on in a row of its own, from the same transaction on', async () => {
    const { drive, reader } = bench;
    const steps = '[{"call":"put"},{"call":"set-password"}]';
    const claims = [{ objectType: 'person', attribute: 'login', key: 'eve' }];
    const add = await drive.intend({ kind: 'add', claims, effect: sets({ login: 'eve' }), sealed: 'sealed', steps });
    await drive.finish(add, { state: 'in-doubt' });
    const { settled, passwords } = await drive.import([person('5', { login: 'eve' })]);
    const [open, ...others] = await reader.readOpenJournal();
    expect(others).toEqual([]);
    expect(passwords).toEqual([open?.id]);
    expect(open).toMatchObject({ kind: 'update', state: 'intended', sealed: 'sealed', steps, claims: [], request: { method: 'PASSWORD' } });
    expect(open?.scimId).toBe((await drive.row('5'))?.scimId);
    expect(await reader.readJournalRow(settled[0] ?? 0)).toMatchObject({ state: 'confirmed', sealed: undefined, steps: '[]' });
    expect(await drive.intend({ kind: 'update', entryId: open?.entryId ?? 0 })).toMatchObject({ status: 'in-doubt', journalId: open?.id });
  });

  it('R14 an import settles a create in doubt that the application shows', async () => {
    const { drive, store, reader } = bench;
    const add = await drive.intend({
      kind: 'add',
      claims: [{ objectType: 'person', attribute: 'login', key: 'eve' }],
      effect: sets({ login: 'eve', title: 't' }),
    });
    await drive.finish(add, { state: 'in-doubt' });
    const { settled } = await drive.import([person('5', { login: 'eve', title: 't' })]);
    expect(settled).toEqual([add.status === 'intended' ? add.journalId : 0]);
    expect(await reader.readOpenJournal()).toEqual([]);
    expect(await reader.countEntries('person')).toBe(1);
    expect(await store.commitIntents([])).toEqual([]);
    expect(await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'eve' }] })).toMatchObject({
      status: 'claimed',
      inDoubt: false,
    });
  });

  it('R20 an import confirms what was exported, per attribute, and reports what the application shows otherwise', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada), group('g', ['1'])]);
    const id = (await drive.row('1'))?.id ?? 0;
    const good = await drive.intend({ kind: 'update', entryId: id, effect: sets({ title: 'new', login: 'ADA' }) });
    await drive.finish(good);
    const first = await drive.import([person('1', { login: 'ada', title: 'new' }), group('g', ['1'])]);
    expect(first.counts.confirmed).toBe(2);
    expect((await reader.readJournal({ limit: 1 }))[0]?.state).toBe('confirmed');
    const bad = await drive.intend({ kind: 'update', entryId: id, effect: sets({ title: 'newer' }) });
    await drive.finish(bad);
    const second = await drive.import([person('1', { login: 'ada', title: 'theirs' }), group('g', ['1'])]);
    expect(second.notReimported).toEqual([{ entryId: id, journalId: bad.status === 'intended' ? bad.journalId : 0, attribute: 'title' }]);
    expect((await reader.readJournal({ limit: 1 }))[0]?.state).toBe('not-reimported');
    expect(await drive.values('1')).toMatchObject({ title: 'theirs' });
    const found = (await drive.row('g', 'group'))?.id ?? 0;
    const references = [{ attribute: 'members', replace: false, added: ['2'], removed: ['1'] }];
    await drive.write({ kind: 'update', objectType: 'group', entryId: found, effect: { ...sets({}), references, awaiting: ['members'] } });
    const third = await drive.import([person('1', { login: 'ada', title: 'theirs' }), group('g', ['2'])]);
    expect(third.counts.confirmed).toBe(1);
    expect((await reader.readJournal({ limit: 1 }))[0]?.state).toBe('confirmed');
  });

  it('R22 a delta updates attributes and sets, and reports an object it does not know', async () => {
    const { drive } = bench;
    await drive.import([person('1', { ...ada, mails: ['a@x', 'b@x'] }), person('2'), group('g', ['1'])]);
    const update = { op: 'update', set: {}, unset: [], deltas: [] } as const;
    const outcome = await drive.import(
      [
        {
          ...update,
          objectType: 'person',
          anchor: '1',
          set: { title: 'new' },
          unset: ['login'],
          deltas: [{ attribute: 'mails', added: ['c@x'], removed: ['a@x'] }],
        },
        { ...update, objectType: 'group', anchor: 'g', deltas: [{ attribute: 'members', added: ['2'], removed: ['1'] }] },
        { ...update, objectType: 'person', anchor: '99', set: { title: 'new' } },
        { ...update, objectType: 'person', anchor: '2' },
      ],
      { kind: 'delta' },
    );
    expect(outcome.counts).toMatchObject({ updated: 2, unchanged: 1 });
    expect(outcome.errors).toMatchObject([{ index: 2, error: { code: 'not-found' } }]);
    expect(await drive.values('1')).toEqual({ id: '1', title: 'new', mails: ['b@x', 'c@x'] });
    expect(await drive.members('g')).toEqual(['2']);
  });

  it('R23 deletes of a delta wait for the end of their step', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1'), person('2')]);
    const { stepId } = await drive.begin({ kind: 'delta' });
    await store.applyPage(stepId, [
      { op: 'delete', objectType: 'person', anchor: '1' },
      { op: 'delete', anchor: 'nobody' },
    ]);
    expect(await reader.countEntries('person')).toBe(2);
    expect(await drive.end(stepId)).toEqual({ removed: 1, planned: 1 });
    expect(await reader.countEntries('person')).toBe(1);
  });

  it('R23 a step that is not complete removes nothing; another partition is not swept', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1')], { partition: 'a' });
    await drive.import([person('2')], { partition: 'b' });
    const { stepId } = await drive.begin({ partition: 'b' });
    expect(await drive.end(stepId, { complete: false })).toEqual({ removed: 0, planned: 0 });
    expect((await drive.import([], { partition: 'b' })).removed).toBe(1);
    expect(await reader.countEntries('person')).toBe(1);
    const again = await drive.begin({ partition: 'a', objectTypes: ['person'] });
    expect(await bench.store.planRemovals(again.stepId, { complete: true })).toMatchObject([{ objectType: 'person', removals: 1, total: 1 }]);
  });

  it.each(['full', 'delta'] as const)(
    'R23 what a %s import of one partition misses goes once the others were read since, and stays where it was seen',
    async (kind) => {
      const { drive, store } = bench;
      await drive.import([person('1'), person('2'), person('3'), person('4')], { partition: 'a' });
      const miss = async (partition: string, unread: string, ...gone: readonly string[]) => {
        const { runId, stepId } = await drive.begin({ kind, partition });
        const rest = ['1', '2', '3', '4'].filter((id) => !gone.includes(id)).map((id) => person(id));
        await store.applyPage(stepId, kind === 'full' ? rest : gone.map((anchor) => ({ op: 'delete', objectType: 'person', anchor })));
        const [plan] = await store.planRemovals(stepId, { complete: true, unread: [unread] });
        const { removed } = await store.removeChunk(stepId);
        await store.endStep(stepId, { result: 'success', counts: noCounts, errors: [], errorCount: 0, at: 3 });
        await store.endRun(runId, 'success');
        return { waiting: plan?.waiting, removed };
      };
      expect(await miss('a', 'b', '1', '2')).toEqual({ waiting: 2, removed: 0 });
      expect(await drive.row('1')).toBeDefined();
      await bench.reopen();
      await bench.drive.import([person('2')], { kind, partition: 'b' });
      const gone = kind === 'full' ? ['1', '2', '3'] : ['3'];
      const { begin, row } = bench.drive;
      const { stepId } = await begin({ kind, partition: 'a' });
      await bench.store.applyPage(stepId, kind === 'full' ? [person('4')] : gone.map((anchor) => ({ op: 'delete', objectType: 'person', anchor })));
      expect(await bench.store.planRemovals(stepId, { complete: true, unread: ['b'] })).toMatchObject([{ removals: 1, waiting: 1 }, { removals: 0 }]);
      expect((await bench.store.removeChunk(stepId)).removed).toBe(1);
      expect([await row('1'), (await row('2'))?.partition, (await row('3'))?.partition]).toEqual([undefined, 'b', 'a']);
    },
  );

  it('R24 a watermark commits with the end of its step, per partition, and only then; a changed model forgets it', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1')], { watermark: 'w1', partition: 'a' });
    expect([await reader.readWatermark('a'), await reader.readWatermark('b')]).toEqual(['w1', undefined]);
    expect((await drive.begin({ kind: 'delta', partition: 'a' })).watermark).toBe('w1');
    expect((await drive.begin({ kind: 'full', partition: 'a' })).watermark).toBeUndefined();
    await drive.import([person('1')], { watermark: 'w2', partition: 'a' });
    expect(await store.configure(model)).toEqual({ changed: false });
    expect(await reader.readWatermark('a')).toBe('w2');
    expect(await store.configure({ ...model, objectTypes: model.objectTypes.slice(0, 1) })).toEqual({ changed: true });
    expect(await reader.readWatermark('a')).toBeUndefined();
    expect(await reader.countEntries('person')).toBe(1);
  });

  it('R23 a run keeps its steps, counts, errors and what it held', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1'), person('2')]);
    const errors = [{ entry: 'x', error: { code: 'run-failed' as const, message: 'bad' } }];
    const { runId } = await drive.import([person('1')], { hold: { reason: 'too many' }, counts: { ...noCounts, unchanged: 1 }, errors, errorCount: 1 });
    await store.endRun(runId, 'held');
    expect(await reader.readRun(runId)).toMatchObject({
      profile: 'full',
      startedBy: 'test',
      result: 'held',
      held: { reason: 'too many', entries: 1, decision: 'waiting' },
      steps: [{ kind: 'full', result: 'held', counts: { unchanged: 1 }, errorCount: 1, errors }],
    });
    expect(await reader.readHeld(runId, { limit: 5 })).toMatchObject([{ objectType: 'person', anchor: '2' }]);
    expect(await store.decideHeld(runId, 'rejected', 'admin')).toEqual({ held: 1 });
    expect(await store.removeHeldChunk(runId)).toEqual({ removed: 0, done: true });
    expect((await reader.readRuns({ limit: 1 }))[0]?.held).toMatchObject({ entries: 0, decision: 'rejected', by: 'admin' });
    expect((await reader.readRuns({ before: runId, limit: 5 })).length).toBe(1);
  });

  it('R25 runs and steps that a crash left open are closed as interrupted', async () => {
    const { drive, reader } = bench;
    const { runId } = await drive.begin();
    await bench.reopen();
    expect(await bench.store.closeInterruptedRuns(77)).toBe(1);
    expect(await bench.reader.readRun(runId)).toMatchObject({ result: 'interrupted', endedAt: 77, steps: [{ result: 'interrupted' }] });
    expect(await bench.store.closeInterruptedRuns(78)).toBe(0);
    await expect(bench.store.applyPage(1, [])).rejects.toThrow('not open');
    expect(reader).toBeDefined();
  });

  it('R1 pages arrive over a port of their own', async () => {
    const { drive, opened } = bench;
    const { stepId } = await drive.begin();
    const port = opened.connectPort();
    const outcome = await storeOverPort(port).applyPage(stepId, [person('1')]);
    await expect(storeOverPort(port).applyPage(99_999, [])).rejects.toThrow('not open');
    port.close();
    expect(outcome.counts.added).toBe(1);
  });

  it('R25 the log of a store begins again at any time, and keeps the room it has', async () => {
    await bench.drive.import([person('1')]);
    const before = await bench.reader.walBytes();
    await bench.store.checkpoint();
    expect(await bench.reader.walBytes()).toBe(before);
    await bench.drive.import([person('1', { note: 'changed' })]);
    // It was overwritten from its beginning.
    expect(await bench.reader.walBytes()).toBe(before);
    expect(await bench.drive.row('1')).toBeDefined();
  });
});

describeStores('held removals', (bench) => {
  const people = (...ids: readonly string[]) => ids.map((id) => person(id));
  const hold = { hold: { reason: 'too many' } } as const;
  const retitle = async (id: string) =>
    bench.drive.write({ kind: 'update', entryId: (await bench.drive.row(id))?.id ?? 0, effect: sets({ title: 'new' }, { awaiting: [] }) });
  const approve = async (runId: number): Promise<number> => {
    await bench.store.decideHeld(runId, 'approved', 'admin');
    return (await bench.store.removeHeldChunk(runId)).removed;
  };

  it('R22 an update that awaits no confirmation is fenced like any other', async () => {
    const { drive, store } = bench;
    // Many runs, few writes: a number of the journal must not pass for a position.
    for (let round = 0; round < 5; round += 1) await drive.import(people('1', '2'));
    const { stepId } = await drive.begin();
    await retitle('1');
    await store.applyPage(stepId, people('2'));
    expect(await drive.end(stepId)).toEqual({ removed: 0, planned: 0 });
  });

  it('R23 an approval removes what was held, and nothing that was written since or is being written', async () => {
    const { drive, reader } = bench;
    await drive.import(people('1', '2', '3', '4'));
    const { runId } = await drive.import(people('1'), hold);
    await retitle('2');
    await drive.intend({ kind: 'update', entryId: (await drive.row('3'))?.id ?? 0 });
    expect(await approve(runId)).toBe(1);
    expect(await drive.row('4')).toBeUndefined();
    expect(await reader.countEntries('person')).toBe(3);
  });

  it('R23 what a later import saw is no longer held', async () => {
    const { drive } = bench;
    await drive.import(people('1', '2', '3'));
    const { runId } = await drive.import(people('1'), hold);
    await drive.import(people('1', '2', '3'));
    expect(await approve(runId)).toBe(0);
  });

  it('R23 each step of a held run has its own fence', async () => {
    const { drive, store } = bench;
    await drive.import(people('1', '2', '3'));
    const { runId, stepId } = await drive.begin();
    await store.applyPage(stepId, people('1', '2'));
    await drive.end(stepId, hold);
    await retitle('2');
    await drive.import(people('1'), { ...hold, runId });
    await retitle('3');
    expect(await approve(runId)).toBe(1);
    expect(await drive.row('3')).toMatchObject({ anchor: '3' });
  });

  it('R23 approved removals that a crash cut off are found again', async () => {
    const { drive, store } = bench;
    await drive.import(people('1', '2', '3'));
    const { runId } = await drive.import(people('1'), hold);
    await store.decideHeld(runId, 'approved', 'admin');
    await bench.reopen();
    expect(await bench.reader.readApprovedHolds()).toEqual([runId]);
    expect(await bench.store.removeHeldChunk(runId)).toEqual({ removed: 2, done: true });
    expect(await bench.reader.readApprovedHolds()).toEqual([]);
  });
});

describeStores(
  'directories',
  (bench) => {
    it('R27 anchors and names are compared normalised, and kept as they are', async () => {
      const { drive, reader } = bench;
      await drive.import([person('Ada', {}, 'CN=Ada,O=x'), person('Bob', { manager: 'cn=ADA,o=X' }, 'CN=Bob,O=x')]);
      expect(await drive.row('ADA')).toMatchObject({ anchor: 'Ada', dn: 'CN=Ada,O=x' });
      const boss = (await drive.row('ada'))?.id ?? 0;
      const [report] = await reader.readReferrers(boss, { objectType: 'person', name: 'manager' }, { limit: 5 });
      expect(report).toMatchObject({ raw: 'cn=ADA,o=X' });
      const update = { op: 'update', objectType: 'person', set: {}, unset: [], deltas: [] } as const;
      const { counts } = await drive.import(
        [
          { ...update, dn: 'cn=bob,o=x', newDn: 'CN=Robert,O=x' },
          { op: 'delete', dn: 'CN=ADA,o=x' },
        ],
        { kind: 'delta' },
      );
      expect(counts.updated).toBe(1);
      expect(await drive.row('bob')).toMatchObject({ dn: 'CN=Robert,O=x' });
      expect(await drive.row('ada')).toBeUndefined();
      const [target] = await reader.resolveTargets([(await drive.row('bob'))?.scimId ?? '']);
      expect(target?.raw).toBe('CN=Robert,O=x');
    });

    it('R10 who referred to a renamed entry refers to it by its new name', async () => {
      const { drive, reader } = bench;
      await drive.import([person('Ada', {}, 'CN=Ada'), person('Bob', { manager: 'cn=ada' }, 'CN=Bob'), group('g', ['CN=Ada', 'CN=Bob'])]);
      const ada = await drive.row('ada');
      await drive.write({ kind: 'update', entryId: ada?.id ?? 0, effect: sets({}, { dn: 'CN=Ada Lovelace' }) });
      expect(await drive.members('g')).toEqual(['CN=Ada Lovelace', 'CN=Bob']);
      const [report] = await reader.readReferrers(ada?.id ?? 0, { objectType: 'person', name: 'manager' }, { limit: 5 });
      expect(report).toMatchObject({ raw: 'CN=Ada Lovelace' });
      expect(await drive.values('bob')).toMatchObject({ manager: 'CN=Ada Lovelace' });
    });
  },
  directoryModel,
);

describeStores(
  'names as anchors',
  (bench) => {
    it('R7 an object renamed in the application keeps its id', async () => {
      const { drive } = bench;
      await drive.import([person('CN=Ada', {}, 'CN=Ada')]);
      const before = await drive.row('cn=ada');
      const update = { op: 'update', objectType: 'person', set: {}, unset: [], deltas: [] } as const;
      await drive.import([{ ...update, anchor: 'cn=ADA', dn: 'cn=ADA', newDn: 'CN=Eve' }], { kind: 'delta' });
      expect(await drive.row('CN=EVE')).toMatchObject({ id: before?.id, scimId: before?.scimId, dn: 'CN=Eve' });
      await drive.import([]);
      await drive.import([person('CN=Eve', {}, 'CN=Eve')]);
      expect((await drive.row('cn=eve'))?.scimId).toBe(before?.scimId);
    });
  },
  { ...directoryModel, dnAsAnchor: true },
);
