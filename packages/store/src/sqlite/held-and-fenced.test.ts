import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorStore, StoreModel } from '../connector-store.ts';
import { type OpenStore, openSqliteConnectorStore } from './open-sqlite-store.ts';

const attribute = { type: 'string', multiValued: false, caseExact: true, queryable: true, unique: false, exportOnly: false } as const;
const model: StoreModel = {
  connector: 'hr',
  normalizations: [],
  referenceForm: 'anchor',
  objectTypes: [
    {
      name: 'person',
      attributes: [
        { ...attribute, name: 'id' },
        { ...attribute, name: 'title' },
      ],
    },
  ],
};
const counts = { added: 0, updated: 0, unchanged: 0, removed: 0, fenced: 0, confirmed: 0 };
const request = { credential: 'c', method: 'PATCH', target: '/Users', key: 'k', correlation: 'x' };
const audit = { at: 0, actor: 'c', action: 'update', attributes: [], result: 'applied', correlation: 'x' };
let folder: string;
let opened: OpenStore;
let store: ConnectorStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-held-'));
  opened = await openSqliteConnectorStore({ file: join(folder, 'connector.db'), thread: false });
  store = opened.store;
  await store.configure(model);
});

afterEach(async () => {
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
});

const shown = (...ids: readonly string[]) =>
  ids.map((id) => ({ op: 'put' as const, objectType: 'person', anchor: id, body: JSON.stringify({ id, title: 'old' }), hash: id, references: [] }));

async function beginFull(runId?: number, partition = ''): Promise<{ readonly runId: number; readonly stepId: number }> {
  const run = runId ?? (await store.beginRun({ profile: 'full', startedBy: 'test', at: 1 })).runId;
  return { runId: run, stepId: (await store.beginStep({ runId: run, kind: 'full', partition, objectTypes: ['person'], at: 1 })).stepId };
}

/** A full import that shows these people; its removals happen at once, or wait for approval. */
async function importFull(ids: readonly string[], options: { readonly hold: boolean }): Promise<number> {
  const { runId, stepId } = await beginFull();
  await store.applyPage(stepId, shown(...ids));
  await endStep(stepId, options.hold);
  return runId;
}

async function endStep(stepId: number, hold: boolean): Promise<number> {
  const [plan] = await store.planRemovals(stepId, { complete: true });
  if (!hold) while (!(await store.removeChunk(stepId)).done);
  await store.endStep(stepId, {
    result: hold ? 'held' : 'success',
    counts,
    errors: [],
    errorCount: 0,
    at: 2,
    ...(hold ? { hold: { reason: 'too many' } } : {}),
  });
  return plan?.removals ?? 0;
}

const people = async (): Promise<number> => opened.reader.countEntries('person');

async function approve(runId: number): Promise<number> {
  await store.decideHeld(runId, 'approved', 'admin');
  return (await store.removeHeldChunk(runId)).removed;
}

/** The intent of an update whose values no import has to confirm, and then its result. */
async function intend(id: string): Promise<() => Promise<unknown>> {
  const row = await opened.reader.readByAnchor('person', id);
  const effect = { set: { title: 'new' }, unset: [], references: [], awaiting: [] };
  const [outcome] = await store.commitIntents([
    { kind: 'update', objectType: 'person', ...(row === undefined ? {} : { entryId: row.id }), claims: [], steps: '[]', effect, request, at: 1 },
  ]);
  if (outcome?.status !== 'intended') throw new Error(`the intent was ${outcome?.status ?? 'nothing'}`);
  return () => store.commitResults([{ journalId: outcome.journalId, state: 'applied', effect, audit, at: 2 }]);
}

describe('R22 R23 removals', () => {
  it('R22 an update that awaits no confirmation is fenced like any other', async () => {
    // Many runs, few writes: a number of the journal must not pass for a position.
    for (let round = 0; round < 5; round += 1) await importFull(['1', '2'], { hold: false });
    const { stepId } = await beginFull();
    await (await intend('1'))();
    await store.applyPage(stepId, shown('2'));
    expect(await endStep(stepId, false)).toBe(0);
    expect(await people()).toBe(2);
  });

  it('R23 an approval removes what was held, and nothing that was written since', async () => {
    await importFull(['1', '2', '3'], { hold: false });
    const held = await importFull(['1'], { hold: true });
    await (await intend('2'))();
    expect(await approve(held)).toBe(1);
    expect(await people()).toBe(2);
  });

  it('R23 what a later import saw is no longer held', async () => {
    await importFull(['1', '2', '3'], { hold: false });
    const held = await importFull(['1'], { hold: true });
    await importFull(['1', '2', '3'], { hold: false });
    expect(await approve(held)).toBe(0);
    expect(await people()).toBe(3);
  });

  it('R23 each step of a held run has its own fence', async () => {
    await importFull(['1', '2', '3'], { hold: false });
    const first = await beginFull();
    await store.applyPage(first.stepId, shown('1', '2'));
    await endStep(first.stepId, true);
    await (await intend('2'))();
    const second = await beginFull(first.runId);
    await store.applyPage(second.stepId, shown('1'));
    await endStep(second.stepId, true);
    await (await intend('3'))();
    expect(await approve(first.runId)).toBe(1);
    expect((await opened.reader.readByAnchor('person', '3'))?.anchor).toBe('3');
  });

  it('R23 approved removals that a crash cut off are found again', async () => {
    await importFull(['1', '2', '3'], { hold: false });
    const held = await importFull(['1'], { hold: true });
    await store.decideHeld(held, 'approved', 'admin');
    expect(await opened.reader.readApprovedHolds()).toEqual([held]);
    await store.removeHeldChunk(held);
    expect(await opened.reader.readApprovedHolds()).toEqual([]);
  });
});

describe('R2 a transaction that fails', () => {
  it('R14 leaves an open write open: nothing else touches the entry', async () => {
    await importFull(['1'], { hold: false });
    const finish = await intend('1');
    const other = new DatabaseSync(join(folder, 'connector.db'));
    other.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(finish()).rejects.toThrow('disk full');
    await expect(intend('1')).rejects.toThrow('in-doubt');
    other.exec('DROP TRIGGER full');
    other.close();
    await finish();
    await (await intend('1'))();
    expect(JSON.parse((await opened.reader.readByAnchor('person', '1'))?.body ?? '{}')).toEqual({ id: '1', title: 'new' });
  });
});
