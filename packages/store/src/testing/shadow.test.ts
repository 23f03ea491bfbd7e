import { expect, it } from 'vitest';
import { type Bench, describeStores } from './describe-stores.ts';
import { model, person, sets } from './people.ts';

const states = async (bench: Bench): Promise<readonly string[]> => (await bench.reader.readJournal({ limit: 10 })).map((row) => row.state).reverse();
const recorded = { recorded: true } as const;

describeStores(
  'mode shadow',
  (bench) => {
    it('R31 what is recorded shows in the space, keeps its steps, and leaves a mark until it is forgotten', async () => {
      const { drive, store, reader } = bench;
      await drive.import([person('1', { login: 'ada' })]);
      expect(await reader.hasOverlay()).toBe(false);
      await drive.write({ kind: 'update', entryId: (await drive.row('1'))?.id ?? 0, effect: sets({ title: 'Dr' }), steps: '["set title"]' }, recorded);
      expect(await drive.values('1')).toMatchObject({ title: 'Dr' });
      const [row] = await reader.readJournal({ limit: 1 });
      expect([row?.state, row?.steps]).toEqual(['applied', '["set title"]']);
      expect(await reader.hasOverlay()).toBe(true);
      await store.forgetOverlay();
      expect(await reader.hasOverlay()).toBe(false);
    });

    it('R31 the next import tells what the application shows too from what it does not, and its values win', async () => {
      const { drive } = bench;
      await drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
      for (const anchor of ['1', '2'])
        await drive.write({ kind: 'update', entryId: (await drive.row(anchor))?.id ?? 0, effect: sets({ title: 'Dr' }) }, recorded);
      const outcome = await drive.import([person('1', { login: 'ada', title: 'Dr' }), person('2', { login: 'bob', title: 'Prof' })]);
      expect(outcome.notReimported).toMatchObject([{ attribute: 'title' }]);
      expect(await states(bench)).toEqual(['confirmed', 'not-reimported']);
      expect(await drive.values('2')).toMatchObject({ title: 'Prof' });
    });

    it('R31 a create that the application does not show goes with the next complete full import, uncounted by the threshold, and is reported', async () => {
      const { drive, store } = bench;
      await drive.import([person('1', { login: 'ada' })]);
      await drive.write({ kind: 'add' }, { ...recorded, effect: sets({ id: '7', login: 'eve' }, { anchor: '7' }) });
      await drive.write({ kind: 'add' }, { ...recorded, effect: sets({ login: 'max' }), pendingAnchor: true });
      await drive.import([], { kind: 'delta' });
      expect(await drive.row('7')).toBeDefined();
      const { rows, total } = await bench.reader.query({ objectType: 'person', limit: 10, total: true, scanLimit: 100 });
      expect([rows.map((row) => row.anchor), total]).toEqual([['1', '7', undefined], 3]);
      const { stepId } = await drive.begin();
      await store.applyPage(stepId, [person('1', { login: 'ada' })]);
      const { planned, removed } = await drive.end(stepId);
      expect([planned, removed]).toEqual([0, 2]);
      expect(await drive.row('7')).toBeUndefined();
      expect(await states(bench)).toEqual(['not-reimported', 'not-reimported']);
      expect(await bench.reader.countEntries('person')).toBe(1);
    });

    it('R9 R31 a create whose anchor the application chose is found by its values, under the id that it has', async () => {
      const { drive } = bench;
      const claims = [{ objectType: 'person', attribute: 'login', key: 'eve' }];
      const made = await drive.write({ kind: 'add', claims }, { ...recorded, effect: sets({ login: 'eve', title: 'Dr' }), pendingAnchor: true });
      const outcome = await drive.import([person('8', { login: 'eve', title: 'Dr' })]);
      expect([outcome.notReimported, outcome.removed]).toEqual([[], 0]);
      expect((await drive.row('8'))?.scimId).toBe(made?.row?.scimId);
      expect(await states(bench)).toEqual(['confirmed']);
      await drive.import([person('8', { login: 'eve', title: 'Dr' })]);
      expect((await drive.import([])).removed).toBe(1);
    });

    it('R7 R22 R31 a delete is confirmed where the application has the entry no more; where it has, the entry is back under its id', async () => {
      const { drive, store } = bench;
      await drive.import([person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
      const before = await drive.row('2');
      const { stepId } = await drive.begin();
      for (const anchor of ['1', '2']) await drive.write({ kind: 'delete', entryId: (await drive.row(anchor))?.id ?? 0, link: { state: 'deleted' } }, recorded);
      // An import that began before says nothing of it.
      await store.applyPage(stepId, [person('1', { login: 'ada' }), person('2', { login: 'bob' })]);
      await drive.end(stepId);
      expect(await drive.row('2')).toBeUndefined();
      expect(await states(bench)).toEqual(['applied', 'applied']);
      const outcome = await drive.import([person('2', { login: 'bob' })]);
      expect(outcome.notReimported).toHaveLength(1);
      expect(await states(bench)).toEqual(['confirmed', 'not-reimported']);
      expect((await drive.row('2'))?.scimId).toBe(before?.scimId);
    });
  },
  { ...model, objectConfirmation: 'no-add-and-delete-confirmation' },
);
