import { expect, it } from 'vitest';
import { describeStores } from './describe-stores.ts';
import { audit, group, person, request, sets } from './people.ts';

const ada = { login: 'ada', title: 'old' };
const claim = (key: string) => ({ objectType: 'person', attribute: 'login', key });

describeStores('intents', (bench) => {
  it('R12 an intent is durable before anything else: a restart finds it open, and in doubt', async () => {
    const { drive } = bench;
    await drive.import([person('1', ada)]);
    const row = await drive.row('1');
    const outcome = await drive.intend({ kind: 'update', entryId: row?.id ?? 0, effect: sets({ title: 'new' }), sealed: 'sealed' });
    await bench.reopen();
    const [open] = await bench.reader.readOpenJournal();
    expect(open).toMatchObject({
      state: 'intended',
      kind: 'update',
      objectType: 'person',
      entryId: row?.id,
      scimId: row?.scimId,
      steps: '["call"]',
      sealed: 'sealed',
    });
    expect(open?.effect).toEqual(sets({ title: 'new' }));
    expect(open?.request).toEqual(request);
    expect(await bench.drive.intend({ kind: 'update', entryId: row?.id ?? 0 })).toEqual({ status: 'in-doubt', journalId: open?.id });
    await bench.drive.finish(outcome);
    expect(await bench.drive.values('1')).toMatchObject({ title: 'new' });
  });

  it('R14 an entry with an open write takes no other; R2 a batch has one outcome for each intent, in order', async () => {
    const { drive, store } = bench;
    await drive.import([person('1', ada), person('2', { login: 'bob' })]);
    const one = (await drive.row('1'))?.id ?? 0;
    const two = (await drive.row('2'))?.id ?? 0;
    const intent = { objectType: 'person', claims: [], steps: '[]', effect: sets({}), request, at: 1 };
    const outcomes = await store.commitIntents([
      { ...intent, kind: 'update', entryId: one },
      { ...intent, kind: 'delete', entryId: one },
      { ...intent, kind: 'update', entryId: two, expectedVersion: 7 },
      { ...intent, kind: 'update', entryId: 999_999 },
      { ...intent, kind: 'add', claims: [claim('new')] },
      { ...intent, kind: 'add', claims: [claim('new')] },
      { ...intent, kind: 'add', claims: [claim('bob')] },
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['intended', 'in-doubt', 'conflict', 'gone', 'intended', 'claimed', 'claimed']);
    expect(outcomes[2]).toEqual({ status: 'conflict', version: 1 });
    expect(outcomes[5]).toMatchObject({ inDoubt: false, claim: claim('new'), journalId: outcomes[4]?.status === 'intended' ? outcomes[4].journalId : 0 });
    expect(outcomes[6]).toEqual({ status: 'claimed', claim: claim('bob'), entryId: two, inDoubt: false });
  });

  it('R15 a claim is held while its write is open or in doubt, and free when it was refused', async () => {
    const { drive } = bench;
    const first = await drive.intend({ kind: 'add', claims: [claim('eve')] });
    await drive.finish(first, { state: 'in-doubt' });
    expect(await drive.intend({ kind: 'add', claims: [claim('eve')] })).toMatchObject({ status: 'claimed', inDoubt: true });
    await bench.reopen();
    expect(await bench.drive.intend({ kind: 'add', claims: [claim('eve')] })).toMatchObject({ status: 'claimed', inDoubt: true });
    await bench.drive.finish(first, { state: 'refused', error: { code: 'run-failed', message: 'no' } });
    expect(await bench.drive.intend({ kind: 'add', claims: [claim('eve')] })).toMatchObject({ status: 'intended' });
  });

  it('R13 R15 a claim of a write that was open when the process ended is in doubt, not taken', async () => {
    await bench.drive.intend({ kind: 'add', claims: [claim('eve')] });
    await bench.reopen();
    expect(await bench.drive.intend({ kind: 'add', claims: [claim('eve')] })).toMatchObject({ status: 'claimed', inDoubt: true });
  });

  it('R15 a value that another entry has is taken, folded, single or multi-valued; its owner may keep it', async () => {
    const { drive } = bench;
    await drive.import([person('1', { login: 'Ada' })]);
    const id = (await drive.row('1'))?.id ?? 0;
    expect(await drive.intend({ kind: 'add', claims: [claim('ada')] })).toMatchObject({ status: 'claimed', entryId: id });
    expect(await drive.intend({ kind: 'update', entryId: id, claims: [claim('ada')] })).toMatchObject({ status: 'intended' });
  });

  it('R25 ids of entries and journal rows are never used again, not even after a restart', async () => {
    const { drive } = bench;
    const first = await drive.intend({ kind: 'add' });
    await drive.finish(first, { state: 'refused', error: { code: 'run-failed', message: 'no' } });
    await drive.import([person('1')]);
    const taken = (await drive.row('1'))?.id ?? 0;
    await drive.import([]);
    await bench.reopen();
    const second = await bench.drive.intend({ kind: 'add' });
    if (first.status !== 'intended' || second.status !== 'intended') throw new Error('not intended');
    expect(second.entryId).toBeGreaterThan(Math.max(taken, first.entryId));
    expect(second.journalId).toBeGreaterThan(first.journalId);
  });
});

describeStores('results', (bench) => {
  it('R12 an applied add is a resource at once, with its link only where there is something to say', async () => {
    const { drive, reader } = bench;
    const written = await drive.write({
      kind: 'add',
      claims: [claim('ada')],
      effect: sets({ login: 'Ada', title: 'x', mails: ['A@x', 'b@x'] }, { anchor: '7' }),
    });
    expect(written?.row).toMatchObject({ objectType: 'person', anchor: '7', version: 1, link: undefined, created: 5, modified: 5 });
    expect(await reader.readResource(written?.row?.scimId ?? '')).toEqual(written?.row);
    const found = await reader.query({
      objectType: 'person',
      filter: { kind: 'compare', attribute: 'mails', comparison: 'equal', value: 'a@X', type: 'string', caseExact: false },
      limit: 10,
      total: true,
      scanLimit: 0,
    });
    expect(found).toMatchObject({ total: 1, rows: [{ anchor: '7' }] });
    expect(await reader.countEntries('person')).toBe(1);
  });

  it('R12 a result is recorded once, its password erased (R21), its audit kept', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada)]);
    const id = (await drive.row('1'))?.id ?? 0;
    const outcome = await drive.intend({ kind: 'update', entryId: id, effect: sets({ title: 'new' }), sealed: 'sealed' });
    await drive.finish(outcome, { audit: { ...audit, objectType: 'person', resource: 'r', detail: 'd' } });
    const again = await drive.finish(outcome, { effect: sets({ title: 'other' }) });
    expect(again?.row?.version).toBe(2);
    expect(await drive.values('1')).toEqual({ id: '1', login: 'ada', title: 'new' });
    const journalId = outcome.status === 'intended' ? outcome.journalId : 0;
    expect(await reader.readJournalRow(journalId)).toMatchObject({ state: 'applied', sealed: undefined, steps: '[]', resultAt: 5 });
    expect(await reader.readAudit({ limit: 10 })).toEqual([{ ...audit, id: expect.any(Number), objectType: 'person', resource: 'r', detail: 'd' }]);
    await expect(store.commitResults([{ journalId: 999, state: 'applied', audit, at: 5 }])).rejects.toThrow('no journal row 999');
  });

  it('R2 a command that fails leaves nothing behind', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada)]);
    const id = (await drive.row('1'))?.id ?? 0;
    const outcome = await drive.intend({ kind: 'update', entryId: id, effect: sets({ title: 'new' }) });
    const journalId = outcome.status === 'intended' ? outcome.journalId : 0;
    const result = { state: 'applied' as const, audit, at: 5 };
    await expect(
      store.commitResults([
        { journalId, ...result },
        { journalId: 999, ...result },
      ]),
    ).rejects.toThrow('999');
    expect(await drive.values('1')).toEqual({ id: '1', ...ada });
    expect(await drive.intend({ kind: 'update', entryId: id })).toEqual({ status: 'in-doubt', journalId });
    const { stepId } = await drive.begin();
    await expect(store.applyPage(stepId, [person('2'), { ...person('3'), objectType: 'robot' }])).rejects.toThrow('robot');
    expect(await reader.countEntries('person')).toBe(1);
    await store.applyPage(stepId, [person('2')]);
    expect(await reader.countEntries('person')).toBe(2);
  });

  it('R9 a withheld anchor leaves the link pending until one import observation adopts it', async () => {
    const { drive, reader } = bench;
    const written = await drive.write({ kind: 'add', effect: sets({ login: 'ada', title: 'x' }) }, { pendingAnchor: true });
    expect(written?.row).toMatchObject({ anchor: undefined, link: { state: 'pending' } });
    const { counts } = await drive.import([person('7', { login: 'ADA', title: 'x' })]);
    expect(counts.added).toBe(0);
    expect(await reader.readResource(written?.row?.scimId ?? '')).toMatchObject({ anchor: '7', link: { state: 'linked' } });
    expect(await reader.countEntries('person')).toBe(1);
  });

  it('R9 two entries that match are reported, and neither is adopted', async () => {
    const { drive } = bench;
    for (const title of ['x', 'y']) await drive.write({ kind: 'add', effect: sets({ login: 'ada', title }) }, { pendingAnchor: true });
    const { errors } = await drive.import([person('7', { login: 'ada' })]);
    expect(errors).toMatchObject([{ index: 0, error: { code: 'ambiguous-update' } }]);
  });

  it("R9 a returned anchor that is another entry's changes nothing and leaves the write in doubt", async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada)]);
    const outcome = await drive.intend({ kind: 'add', effect: sets({ login: 'eve' }) });
    const written = await drive.finish(outcome, { effect: sets({ login: 'eve' }, { anchor: '1' }) });
    expect(written?.anchorConflict).toEqual({ entryId: (await drive.row('1'))?.id });
    expect((await reader.readOpenJournal()).map((one) => one.state)).toEqual(['in-doubt']);
    expect(await reader.countEntries('person')).toBe(1);
  });

  it('R7 the id survives a changed anchor, a vanished and reappeared object; a delete over SCIM ends it', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada), person('2')]);
    const first = await drive.row('1');
    await drive.write({ kind: 'update', entryId: first?.id ?? 0, effect: sets({ title: 'new' }, { anchor: '100' }) });
    expect((await drive.row('100'))?.scimId).toBe(first?.scimId);
    expect(await drive.row('1')).toBeUndefined();
    await drive.import([person('2')]);
    expect(await reader.readResource(first?.scimId ?? '')).toBeUndefined();
    await drive.import([person('2'), person('100')]);
    const back = await drive.row('100');
    expect(back?.scimId).toBe(first?.scimId);
    await drive.write({ kind: 'delete', entryId: back?.id ?? 0 });
    expect(await reader.readResource(first?.scimId ?? '')).toBeUndefined();
    await drive.import([person('2'), person('100')]);
    expect((await drive.row('100'))?.scimId).not.toBe(first?.scimId);
    await bench.reopen();
    expect((await bench.drive.row('100'))?.scimId).not.toBe(first?.scimId);
  });

  it('R7 the id is derived: a rebuilt space has the same', async () => {
    await bench.drive.import([person('1')]);
    const scimId = (await bench.drive.row('1'))?.scimId;
    const again = await bench.drive.write({ kind: 'update', entryId: (await bench.drive.row('1'))?.id ?? 0 });
    expect(again?.row?.scimId).toBe(scimId);
    expect(scimId).toBe('bd10c647-7f11-8c44-b751-e29fad726c76');
  });

  it('R11 a disabled object stays with its last representation and comes back under its id', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada), group('g', ['1'])]);
    const before = await drive.row('1');
    const gone = await drive.write({ kind: 'delete', entryId: before?.id ?? 0, link: { state: 'disabled', shadow: { active: false } } });
    expect(gone?.row).toMatchObject({ scimId: before?.scimId, body: before?.body, link: { state: 'disabled', shadow: { active: false } } });
    await drive.import([group('g', ['1'])]);
    expect(await reader.readResource(before?.scimId ?? '')).toMatchObject({ link: { state: 'disabled' } });
    const back = await drive.write({
      kind: 'add',
      entryId: before?.id ?? 0,
      effect: sets({ login: 'ada' }, { anchor: '5' }),
      link: { state: 'linked', shadow: { active: null } },
    });
    expect(back?.row).toMatchObject({ id: before?.id, scimId: before?.scimId, anchor: '5', link: { state: 'linked', shadow: {} } });
  });

  it('R11 an object disabled by deletion that the application shows again has its entry back', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada)]);
    const before = await drive.row('1');
    await drive.write({ kind: 'delete', entryId: before?.id ?? 0, link: { state: 'disabled' } });
    await drive.import([]);
    await drive.import([person('1', { login: 'ada', title: 'again' })]);
    expect(await reader.readResource(before?.scimId ?? '')).toMatchObject({ id: before?.id });
    expect(await drive.row('1')).toMatchObject({ id: before?.id, link: { state: 'linked' } });
  });

  it('R10 a write adds and removes references, keeps the unresolved, and is what its answer shows', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1'), person('2'), group('g', ['1', 'ghost'])]);
    const found = await drive.row('g', 'group');
    const references = [{ attribute: 'members', replace: false, added: ['2', '2', 'later'], removed: ['1'] }];
    await drive.write({ kind: 'update', objectType: 'group', entryId: found?.id ?? 0, effect: { ...sets({}), references } });
    expect(await drive.members('g')).toEqual(['2', undefined, undefined]);
    expect(await reader.countReferences(found?.id ?? 0, 'members')).toBe(3);
    expect([...(await reader.presentReferences(found?.id ?? 0, 'members', ['1', '2', 'ghost', 'x'])).keys()].sort()).toEqual(['2', 'ghost']);
    await drive.import([person('1'), person('2'), person('later'), group('g', ['2', 'later'])]);
    expect(await drive.members('g')).toEqual(['2', 'later']);
  });

  it('R21 a password that is left goes on in a row of its own, from the transaction of the result on; one without a step of its own does not', async () => {
    const { drive, reader } = bench;
    const steps = '[{"call":"put"},{"call":"set-password"}]';
    const written = await drive.write({ kind: 'add', effect: sets({ id: '1' }, { anchor: '1' }), sealed: 'sealed', steps }, { passwordLeft: true });
    const open = await reader.readOpenJournal();
    expect(open).toMatchObject([{ id: written?.follow, entryId: written?.row?.id, kind: 'update', state: 'intended', sealed: 'sealed', steps }]);
    expect(await reader.readJournalRow(written?.journalId ?? 0)).toMatchObject({ state: 'applied', sealed: undefined });
    await drive.finish({ status: 'intended', journalId: open[0]?.id ?? 0, entryId: open[0]?.entryId ?? 0 }, { effect: sets({}) });
    expect(await reader.readOpenJournal()).toEqual([]);
    const put = await drive.write(
      { kind: 'add', effect: sets({ id: '2' }, { anchor: '2' }), sealed: 'sealed', steps: '[{"call":"put"}]' },
      { passwordLeft: true },
    );
    expect(put?.follow).toBeUndefined();
    expect(await reader.readOpenJournal()).toEqual([]);
  });

  it('SEC-18 what gets the anchor of a deleted entry is in no group of it, until an import shows that it is', async () => {
    const { drive } = bench;
    const people = [person('1'), person('2', { manager: '1' }), group('g', ['1', '2'])];
    await drive.import(people);
    const before = await drive.row('g', 'group');
    const old = await drive.row('1');
    await drive.write({ kind: 'delete', entryId: old?.id ?? 0 });
    expect(await drive.members('g')).toEqual(['2']);
    expect((await drive.row('g', 'group'))?.version).toBeGreaterThan(before?.version ?? 0);
    await drive.write({ kind: 'add', effect: sets({ id: '1' }, { anchor: '1' }) });
    const fresh = await drive.row('1');
    expect(fresh?.scimId).not.toBe(old?.scimId);
    expect(await drive.members('g')).toEqual(['2']);
    for (const attribute of [
      { objectType: 'group', name: 'members' },
      { objectType: 'person', name: 'manager' },
    ])
      expect(await bench.reader.readReferrers(fresh?.id ?? 0, attribute, { limit: 5 })).toEqual([]);
    await drive.import(people);
    expect(await drive.members('g')).toEqual(['1', '2']);
    expect(await bench.reader.readReferrers(fresh?.id ?? 0, { objectType: 'person', name: 'manager' }, { limit: 5 })).toHaveLength(1);
  });

  it('R14 attempts are remembered with their journal row', async () => {
    const { drive, store, reader } = bench;
    const outcome = await drive.intend({ kind: 'add' });
    const journalId = outcome.status === 'intended' ? outcome.journalId : 0;
    await store.recordAttempt(journalId, { at: 1, note: 'looked' });
    await store.recordAttempt(journalId, { at: 2, note: 'looked again' });
    expect((await reader.readJournalRow(journalId))?.attempts).toEqual([
      { at: 1, note: 'looked' },
      { at: 2, note: 'looked again' },
    ]);
  });

  it('R12 a held write is sent only after its approval, and only while its entry is what it was planned for', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada), person('2', ada), person('3', ada)]);
    const held: number[] = [];
    for (const anchor of ['1', '2', '3']) {
      const outcome = await drive.intend({ kind: 'update', entryId: (await drive.row(anchor))?.id ?? 0, effect: sets({ title: 'new' }), held: true });
      held.push(outcome.status === 'intended' ? outcome.journalId : 0);
    }
    const { counts } = await drive.import([person('1', ada), person('2', { ...ada, title: 'theirs' }), person('3', ada)]);
    expect(counts).toMatchObject({ fenced: 0, unchanged: 2, updated: 1 });
    await store.commitLinkChanges([{ scimId: (await drive.row('2'))?.scimId ?? '', change: { shadow: { x: 1 } }, audit, at: 90 }]);
    const by = { actor: 'admin', reason: 'no', at: 99 };
    expect(await store.decideHeldWrites('approved', [held[0] ?? 0, held[1] ?? 0, 12345], by)).toEqual(['approved', 'changed', 'not-held']);
    expect(await store.decideHeldWrites('rejected', [held[2] ?? 0, held[0] ?? 0], by)).toEqual(['rejected', 'not-held']);
    expect((await reader.readJournal({ limit: 3 })).map((row) => row.state)).toEqual(['refused', 'refused', 'intended']);
    expect((await reader.readAudit({ limit: 3 })).map((record) => [record.action, record.result])).toEqual([
      ['held-update', 'rejected'],
      ['held-update', 'changed'],
      ['held-update', 'approved'],
    ]);
    await store.commitResults([{ journalId: held[0] ?? 0, state: 'applied', audit, at: 100 }]);
    expect(await drive.values('1')).toMatchObject({ title: 'new' });
  });

  it('R31 a held intent has a journal row and keeps its entry', async () => {
    const { drive, reader } = bench;
    await drive.intend({ kind: 'add', held: true });
    expect((await reader.readJournal({ states: ['held'], limit: 5 })).map((one) => one.state)).toEqual(['held']);
    expect(await reader.readJournal({ states: ['applied', 'refused'], limit: 5 })).toEqual([]);
  });
});

describeStores('links', (bench) => {
  it('R6 shadow attributes, external ids by client and aliases live beside the entry and outlive it', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada)]);
    const row = await drive.row('1');
    expect(row?.link).toBeUndefined();
    const scimId = row?.scimId ?? '';
    const change = { shadow: { active: false, nick: 'a' }, externalId: { client: 'entra', value: 'E1' }, aliases: ['alias-2', 'alias-1'] };
    const [written] = await store.commitLinkChanges([{ scimId, expectedVersion: 1, change, audit, at: 9 }]);
    expect(written?.row).toMatchObject({
      version: 2,
      modified: 9,
      link: { state: 'linked', shadow: { active: false, nick: 'a' }, externalIds: { entra: 'E1' } },
    });
    expect([...(written?.row?.link?.aliases ?? [])].sort()).toEqual(['alias-1', 'alias-2']);
    expect((await reader.readResource('alias-1'))?.scimId).toBe(scimId);
    await store.commitLinkChanges([{ scimId, change: { shadow: { active: null }, externalId: { client: 'okta', value: 'O1' } }, audit, at: 10 }]);
    await drive.import([]);
    expect(await reader.readResource('alias-1')).toBeUndefined();
    await drive.import([person('1', ada)]);
    expect((await reader.readResource('alias-1'))?.link).toMatchObject({ state: 'linked', shadow: { nick: 'a' }, externalIds: { entra: 'E1', okta: 'O1' } });
  });

  it('R6 a link change against another version, or of nothing, changes nothing', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada)]);
    const scimId = (await drive.row('1'))?.scimId ?? '';
    const change = { shadow: { active: false } };
    expect(
      await store.commitLinkChanges([
        { scimId, expectedVersion: 5, change, audit, at: 9 },
        { scimId: 'nobody', change, audit, at: 9 },
      ]),
    ).toEqual([{}, {}]);
    expect(await reader.readAudit({ limit: 5 })).toEqual([]);
    expect((await drive.row('1'))?.link).toBeUndefined();
  });

  it('S-020 an external id is given, replaced and forgotten by its client alone', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', ada)]);
    const scimId = (await drive.row('1'))?.scimId ?? '';
    for (const value of ['E1', 'E2']) await store.commitLinkChanges([{ scimId, change: { externalId: { client: 'entra', value } }, audit, at: 9 }]);
    const find = async (client: string, value: string): Promise<number | undefined> =>
      (
        await reader.query({
          objectType: 'person',
          filter: { kind: 'resource', field: 'external-id', comparison: 'equal', value, client },
          limit: 5,
          total: true,
          scanLimit: 0,
        })
      ).total;
    expect([await find('entra', 'E1'), await find('entra', 'E2'), await find('okta', 'E2')]).toEqual([0, 1, 0]);
    await store.commitLinkChanges([{ scimId, change: { externalId: { client: 'entra', value: null } }, audit, at: 9 }]);
    expect(await find('entra', 'E2')).toBe(0);
  });

  it('S-020 a deleted resource that the application keeps by policy is no longer readable', async () => {
    const { drive, reader } = bench;
    await drive.import([person('1', ada)]);
    const row = await drive.row('1');
    await drive.write({ kind: 'update', entryId: row?.id ?? 0, effect: sets({ title: 'left' }), link: { state: 'deleted' } });
    expect(await reader.readResource(row?.scimId ?? '')).toBeUndefined();
    const list = await reader.query({ objectType: 'person', limit: 5, total: false, scanLimit: 0 });
    expect(list.rows).toEqual([]);
  });
});
