import { expect, it } from 'vitest';
import { describeStores } from './describe-stores.ts';
import { group, person, request, sets } from './people.ts';

const created = { kinds: ['create'], async: false } as const;

describeStores('outbox', (bench) => {
  it('S-248 a change and its event are one transaction; without a stream nothing is announced', async () => {
    const { drive, store } = bench;
    await drive.write({ kind: 'add', effect: sets({ id: '1', login: 'ada' }, { anchor: '1' }), events: created });
    await store.openStreams(['siem']);
    expect(await bench.reader.readEvents('siem', 10)).toEqual([]);

    const outcome = await drive.intend({ kind: 'add', effect: sets({ id: '2', login: 'bob' }, { anchor: '2' }), events: created });
    expect(await bench.reader.readEvents('siem', 10)).toEqual([]);
    const written = await drive.finish(outcome);
    const [event, ...more] = await bench.reader.readEvents('siem', 10);
    expect(event).toMatchObject({
      kinds: ['create'],
      objectType: 'person',
      scimId: written?.row?.scimId,
      attributes: ['id', 'login'],
      transaction: request.correlation,
    });
    expect(more).toEqual([]);

    const refused = await drive.intend({ kind: 'update', entryId: written?.row?.id ?? 0, events: { kinds: ['patch'], async: false } });
    await drive.finish(refused, { state: 'refused', error: { code: 'invalid-data', message: 'no' } });
    expect(await bench.reader.readEvents('siem', 10)).toHaveLength(1);
  });

  it('S-247 the end of an asynchronous request is an event, whatever the end', async () => {
    const { drive, store } = bench;
    await drive.import([person('1', { login: 'ada' })]);
    await store.openStreams(['siem']);
    const entryId = (await drive.row('1'))?.id ?? 0;
    const async = { kinds: ['patch'], async: true } as const;
    await drive.write({ kind: 'update', entryId, effect: sets({ title: 'x' }), events: async });
    await drive.finish(await drive.intend({ kind: 'update', entryId, events: async }), {
      state: 'refused',
      error: { code: 'invalid-data', message: 'too long' },
    });
    expect((await bench.reader.readEvents('siem', 10)).map(({ kinds, result }) => ({ kinds, result }))).toEqual([
      { kinds: ['patch'], result: undefined },
      { kinds: ['asyncresp'], result: { method: 'PATCH', applied: true } },
      { kinds: ['asyncresp'], result: { method: 'PATCH', applied: false, error: 'too long' } },
    ]);
  });

  it('S-245 each stream has its own acknowledgements, in any order, over a restart; what all have settled is gone', async () => {
    const { store } = bench;
    await store.openStreams(['a', 'b']);
    await bench.drive.import([person('1'), person('2'), person('3')]);
    const ids = (await bench.reader.readEvents('a', 10)).map((event) => event.id);
    expect(ids).toHaveLength(3);
    await store.settleEvents('a', { acknowledged: [ids[1] ?? 0], failed: [{ id: ids[2] ?? 0, error: 'invalid_key' }] });
    await bench.reopen();
    await bench.store.openStreams(['a', 'b']);
    expect((await bench.reader.readEvents('a', 10)).map((event) => event.id)).toEqual([ids[0]]);
    expect(await bench.reader.readEvents('b', 10)).toHaveLength(3);
    expect(await bench.reader.readEventStreams()).toMatchObject([
      { name: 'a', waiting: 1, failed: 1 },
      { name: 'b', waiting: 3, failed: 0 },
    ]);
    await bench.store.settleEvents('a', { acknowledged: [ids[0] ?? 0, ids[0] ?? 0], failed: [] });
    await bench.store.settleEvents('b', { acknowledged: ids, failed: [] });
    expect(await bench.reader.readEventStreams()).toMatchObject([
      { name: 'a', waiting: 0, oldest: undefined },
      { name: 'b', waiting: 0, oldest: undefined },
    ]);
    await bench.drive.import([person('1'), person('2'), person('3'), person('4')]);
    await bench.store.openStreams(['b', 'late']);
    expect(await bench.reader.readEvents('late', 10)).toEqual([]);
    expect(await bench.reader.readEvents('b', 10)).toHaveLength(1);
    expect(await bench.reader.readEvents('a', 10)).toEqual([]);
  });

  it('an import announces what it adds, changes and removes, and nothing for what it finds unchanged', async () => {
    await bench.drive.import([person('1', { title: 'old' }), person('2'), group('g', ['1'])]);
    await bench.store.openStreams(['siem']);
    const before = await bench.drive.row('2');
    await bench.drive.import([person('1', { title: 'new' }), person('3', { login: 'eve' }), group('g', ['1', '3'])]);
    const events = await bench.reader.readEvents('siem', 10);
    expect(events.map(({ kinds, attributes }) => [kinds[0], attributes])).toEqual([
      ['patch', ['title']],
      ['create', ['id', 'login']],
      ['patch', ['members']],
      ['delete', []],
    ]);
    expect(events[3]?.scimId).toBe(before?.scimId);
    expect(events[0]?.transaction).toMatch(/^run-\d+$/);
  });
});

describeStores('held writes', (bench) => {
  it('SEC-20 wait over a restart, let imports pass, and are sent only once their approval is durable', async () => {
    const { drive } = bench;
    await drive.import([person('1', { title: 'old' }), person('2')]);
    const held = async (anchor: string, kind: 'delete' | 'update') => {
      const outcome = await drive.intend({ kind, entryId: (await drive.row(anchor))?.id ?? 0, held: true, at: 1 });
      return outcome.status === 'intended' ? outcome.journalId : 0;
    };
    const one = await held('1', 'delete');
    const two = await held('2', 'update');
    expect(await drive.import([person('1', { title: 'new' }), person('2', { title: 'changed' })])).toMatchObject({ removed: 0 });
    expect(await drive.values('1')).toMatchObject({ title: 'new' });
    await bench.reopen();
    expect((await bench.reader.readOpenJournal()).map((row) => row.state)).toEqual(['held', 'held']);
    const by = { actor: 'admin', reason: 'rejected by admin', at: 9 };
    expect(await bench.store.decideHeldWrites('approved', [one, two, 999], by)).toEqual(['approved', 'changed', 'not-held']);
    expect((await bench.reader.readJournalRow(one))?.state).toBe('intended');
    expect(await bench.reader.readJournalRow(two)).toMatchObject({ state: 'refused', error: { message: expect.stringContaining('changed') } });
    expect(await bench.store.decideHeldWrites('rejected', [one], by)).toEqual(['not-held']);
  });

  it('SEC-20 a rejected one changes nothing and frees its entry', async () => {
    const { drive, store } = bench;
    await drive.import([person('1')]);
    const entryId = (await drive.row('1'))?.id ?? 0;
    const outcome = await drive.intend({ kind: 'delete', entryId, held: true });
    const journalId = outcome.status === 'intended' ? outcome.journalId : 0;
    expect(await drive.intend({ kind: 'update', entryId })).toEqual({ status: 'in-doubt', journalId });
    expect(await store.decideHeldWrites('rejected', [journalId], { actor: 'admin', reason: 'no', at: 9 })).toEqual(['rejected']);
    expect(await drive.row('1')).toBeDefined();
    expect(await drive.intend({ kind: 'update', entryId })).toMatchObject({ status: 'intended' });
  });
});
