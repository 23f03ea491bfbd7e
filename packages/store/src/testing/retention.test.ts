import { expect, it } from 'vitest';
import { describeStores } from './describe-stores.ts';
import { audit, person, request, sets } from './people.ts';

const everything = { journalBefore: 1000, auditBefore: 1000, runsBefore: 1000 };

describeStores('retention', (bench) => {
  it('forgets what is old and over, and keeps what is open, new, or waits for a decision', async () => {
    const { drive, store, reader } = bench;
    await drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
    const one = (await drive.row('1'))?.id ?? 0;
    const two = (await drive.row('2'))?.id ?? 0;
    await drive.write({ kind: 'update', entryId: one, effect: sets({ title: 'old' }), at: 10 });
    const open = await drive.intend({ kind: 'update', entryId: one, effect: sets({ title: 'open' }), at: 20 });
    await drive.write({ kind: 'update', entryId: two, effect: sets({ title: 'new' }), at: 2000 }, { audit: { ...audit, at: 2000 } });
    const { stepId } = await drive.begin();
    await drive.end(stepId, { hold: { reason: 'too many' } });
    await drive.import([], { kind: 'delta' });
    expect(await store.forgetOld({ journalBefore: 0, auditBefore: 0, runsBefore: 0 })).toEqual({ removed: 0, done: true });
    expect(await store.forgetOld(everything)).toEqual({ removed: 3, done: true });
    expect((await reader.readJournal({ limit: 10 })).map((row) => row.at)).toEqual([2000, 20]);
    expect((await reader.readAudit({ limit: 10 })).map((row) => row.at)).toEqual([2000]);
    // The held run and the last full import stay.
    expect((await reader.readRuns({ limit: 10 })).map((run) => [run.steps[0]?.kind, run.result])).toEqual([
      ['full', 'running'],
      ['full', 'success'],
    ]);
    expect(await reader.hasFullImport()).toBe(true);
    await drive.finish(open);
    expect(await drive.values('1')).toMatchObject({ title: 'open' });
  });

  it('R25 ids of entries are not given again when the writes that had them are forgotten', async () => {
    const { drive, store } = bench;
    const refused = await drive.intend({ kind: 'add', at: 1 });
    await drive.finish(refused, { state: 'refused', error: { code: 'run-failed', message: 'no' } });
    await store.forgetOld(everything);
    await bench.reopen();
    const next = await bench.drive.intend({ kind: 'add' });
    expect(next.status === 'intended' && refused.status === 'intended' && next.entryId > refused.entryId).toBe(true);
  });

  it('forgets in chunks', async () => {
    const { drive, store } = bench;
    const intent = { kind: 'add' as const, objectType: 'person', claims: [], steps: '[]', effect: sets({}), request, at: 1 };
    const outcomes = await store.commitIntents(Array.from({ length: 600 }, () => intent));
    const error = { code: 'run-failed', message: 'no' } as const;
    await store.commitResults(
      outcomes.flatMap((outcome) => (outcome.status === 'intended' ? [{ journalId: outcome.journalId, state: 'refused' as const, error, audit, at: 1 }] : [])),
    );
    await drive.write({ kind: 'add', at: 2000 }, { state: 'refused', error });
    const first = await store.forgetOld({ ...everything, auditBefore: 0, runsBefore: 0 });
    expect(first).toEqual({ removed: 500, done: false });
    expect(await store.forgetOld({ ...everything, auditBefore: 0, runsBefore: 0 })).toEqual({ removed: 100, done: true });
  });
});
