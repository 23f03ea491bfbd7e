import { beforeEach, expect, it } from 'vitest';
import { noCounts } from '../connector-store.ts';
import { describeStores } from './describe-stores.ts';
import { audit, group, person, request, sets } from './people.ts';

const PEOPLE = 2500;
const numbers = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describeStores('a deep page of a list begins where a counted one does', (opened) => {
  beforeEach(() => importAll(numbers(1, PEOPLE)));

  async function importAll(people: readonly number[]): Promise<void> {
    const { runId } = await opened.store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
    const { stepId } = await opened.store.beginStep({ runId, kind: 'full', partition: '', objectTypes: ['person', 'group'], at: 1 });
    await opened.store.applyPage(stepId, [group('g', [])]);
    for (let index = 0; index < people.length; index += 500)
      await opened.store.applyPage(
        stepId,
        people.slice(index, index + 500).map((one) => person(String(one), { login: `user${one}` })),
      );
    await opened.store.planRemovals(stepId, { complete: true });
    for (let done = false; !done; ) ({ done } = await opened.store.removeChunk(stepId));
    await opened.store.endStep(stepId, { result: 'success', counts: noCounts, errors: [], errorCount: 0, at: 2 });
  }

  async function page(offset: number, limit = 3): Promise<readonly (string | undefined)[]> {
    const { rows, total } = await opened.reader.query({ objectType: 'person', offset, limit, total: true, scanLimit: 10 });
    expect(total).toBe(await opened.reader.countEntries('person'));
    return rows.map((row) => row.anchor);
  }

  it('S-106 at every kind of position, and behind the end', async () => {
    for (const offset of [0, 1, 998, 999, 1000, 1001, 1999, 2000, 2496])
      expect(await page(offset)).toEqual([String(offset + 1), String(offset + 2), String(offset + 3)]);
    expect(await page(2499)).toEqual(['2500']);
    expect(await page(2500)).toEqual([]);
    expect(await page(9999)).toEqual([]);
  });

  it('S-106 after removals and additions', async () => {
    expect(await page(2000)).toEqual(['2001', '2002', '2003']);
    await importAll(numbers(101, PEOPLE + 100));
    expect(await page(2000)).toEqual(['2101', '2102', '2103']);
    expect(await page(2497)).toEqual(['2598', '2599', '2600']);
  });

  it('S-106 when results come in another order than their intents', async () => {
    expect(await page(2499)).toEqual(['2500']);
    const intents = await opened.store.commitIntents(
      ['a', 'b'].map((login) => ({ kind: 'add' as const, objectType: 'person', claims: [], steps: '[]', effect: sets({ login }), request, at: 3 })),
    );
    const [first, second] = intents.map((outcome) => (outcome.status === 'intended' ? outcome.journalId : 0));
    const finish = (journalId: number | undefined, id: string) =>
      opened.store.commitResults([{ journalId: journalId ?? 0, state: 'applied', effect: sets({ id, login: id }, { anchor: id }), audit, at: 4 }]);
    await finish(second, 'b');
    expect(await page(2500)).toEqual(['b']);
    await finish(first, 'a');
    expect(await page(2500)).toEqual(['a', 'b']);
  });

  it('S-106 while an entry is hidden', async () => {
    expect(await page(1500)).toEqual(['1501', '1502', '1503']);
    const row = await opened.reader.readByAnchor('person', '1');
    await opened.store.commitLinkChanges([{ scimId: row?.scimId ?? '', change: { state: 'deleted' }, audit, at: 5 }]);
    const { rows } = await opened.reader.query({ objectType: 'person', offset: 1500, limit: 1, total: false, scanLimit: 10 });
    expect(rows.map((one) => one.anchor)).toEqual(['1502']);
  });
});
