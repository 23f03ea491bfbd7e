import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectorStore, type OpenStore, openSqliteConnectorStore, type StoreModel } from '@landbridge/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/**
 * R22, deterministically: a create, an update and a delete at each phase of a full import that began before them. What the
 * import shows is what it read: sometimes before the write, sometimes after it. The journal wins in every case.
 */
const model: StoreModel = {
  connector: 'hr',
  normalizations: [],
  referenceForm: 'anchor',
  objectTypes: [
    {
      name: 'person',
      attributes: [
        { name: 'id', type: 'string', multiValued: false, caseExact: true, queryable: true, unique: false, exportOnly: false },
        { name: 'login', type: 'string', multiValued: false, caseExact: false, queryable: true, unique: true, exportOnly: false },
        { name: 'title', type: 'string', multiValued: false, caseExact: false, queryable: false, unique: false, exportOnly: false },
      ],
    },
  ],
};
const counts = { added: 0, updated: 0, unchanged: 0, removed: 0, fenced: 0, confirmed: 0 };
const request = { credential: 'c', method: 'POST', target: '/Users', key: 'k', correlation: 'x' };
const audit = { at: 0, actor: 'c', action: 'write', attributes: [], result: 'applied', correlation: 'x' };
let folder: string;
let opened: OpenStore;
let store: ConnectorStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-interleavings-'));
  opened = await openSqliteConnectorStore({ file: join(folder, 'connector.db'), thread: false });
  store = opened.store;
  await store.configure(model);
});

afterEach(async () => {
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
});

const entry = (id: string, title: string) => ({
  op: 'put' as const,
  objectType: 'person',
  anchor: id,
  body: JSON.stringify({ id, login: `login${id}`, title }),
  hash: `${id}${title}`,
  references: [],
});

async function beginStep(kind: 'full' | 'delta' = 'full'): Promise<number> {
  const { runId } = await store.beginRun({ profile: kind, startedBy: 'test', at: 1 });
  return (await store.beginStep({ runId, kind, partition: '', objectTypes: ['person'], at: 1 })).stepId;
}

async function endStep(stepId: number, complete = true): Promise<number> {
  const plans = await store.planRemovals(stepId, { complete });
  let removed = 0;
  for (let done = false; !done; ) {
    const chunk = await store.removeChunk(stepId);
    removed += chunk.removed;
    done = chunk.done;
  }
  await store.endStep(stepId, { result: 'success', counts, errors: [], errorCount: 0, at: 2 });
  expect(plans[0]?.removals).toBeGreaterThanOrEqual(removed);
  return removed;
}

async function seed(): Promise<void> {
  const stepId = await beginStep();
  await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old')]);
  await endStep(stepId);
}

async function person(id: string) {
  const row = await opened.reader.readByAnchor('person', id);
  return row === undefined ? undefined : { ...row, attributes: JSON.parse(row.body) as Record<string, string> };
}

/** A write in two halves, so that anything can happen between its intent and its result. */
async function intend(kind: 'add' | 'update' | 'delete', id: string, title = 'new'): Promise<() => Promise<void>> {
  const entryId = kind === 'add' ? undefined : (await person(id))?.id;
  const set: Record<string, string> = kind === 'delete' ? {} : kind === 'add' ? { login: `login${id}`, title } : { title };
  const effect = { set, unset: [], references: [], awaiting: Object.keys(set) };
  const claims = kind === 'add' ? [{ objectType: 'person', attribute: 'login', key: `login${id}` }] : [];
  const [outcome] = await store.commitIntents([
    {
      kind,
      objectType: 'person',
      ...(entryId === undefined ? {} : { entryId }),
      claims,
      steps: '[]',
      effect,
      request,
      at: 1,
      ...(kind === 'delete' ? { link: { state: 'deleted' as const } } : {}),
    },
  ]);
  if (outcome?.status !== 'intended') throw new Error(`the intent was ${outcome?.status ?? 'nothing'}`);
  const { journalId } = outcome;
  const result = kind === 'add' ? { ...effect, set: { ...set, id }, anchor: id } : effect;
  return async () => {
    await store.commitResults([{ journalId, state: 'applied', effect: result, audit, at: 2 }]);
  };
}

describe('R22 a create and a full import', () => {
  it('created before the page, which was read before it: neither removed nor doubled', async () => {
    await seed();
    const stepId = await beginStep();
    await (await intend('add', '3'))();
    await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old')]);
    expect(await endStep(stepId)).toBe(0);
    expect((await person('3'))?.attributes['title']).toBe('new');
  });

  it('intended before the import began, answered while it read: not removed', async () => {
    await seed();
    const answer = await intend('add', '3');
    const stepId = await beginStep();
    await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old')]);
    await answer();
    expect(await endStep(stepId)).toBe(0);
    expect(await person('3')).toBeDefined();
  });

  it('read by the import before its result is stored: postponed, then one entry', async () => {
    await seed();
    const stepId = await beginStep();
    const answer = await intend('add', '3');
    const page = [entry('1', 'old'), entry('2', 'old'), entry('3', 'new')];
    expect((await store.applyPage(stepId, page)).postponed).toEqual([2]);
    expect(await person('3')).toBeUndefined();
    await answer();
    expect((await store.applyPage(stepId, [entry('3', 'new')])).postponed).toEqual([]);
    expect(await endStep(stepId)).toBe(0);
    expect(await opened.reader.countEntries('person')).toBe(3);
  });

  it('R14 in doubt before the import began: the import settles it', async () => {
    await seed();
    await intend('add', '3');
    const [row] = await opened.reader.readOpenJournal();
    await store.commitResults([{ journalId: row?.id ?? 0, state: 'in-doubt', audit, at: 2 }]);
    const stepId = await beginStep();
    expect((await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old'), entry('3', 'new')])).settled).toEqual([row?.id]);
    expect(await endStep(stepId)).toBe(0);
    expect((await person('3'))?.anchor).toBe('3');
    expect(await opened.reader.readOpenJournal()).toEqual([]);
  });
});

describe('R22 an update and a full import', () => {
  it('the page was read before the write: the written value stays, the rest is imported, and nothing is reported', async () => {
    await seed();
    const stepId = await beginStep();
    await (await intend('update', '1'))();
    const stale = { ...entry('1', 'old'), body: JSON.stringify({ id: '1', login: 'renamed', title: 'old' }), hash: 'x' };
    const outcome = await store.applyPage(stepId, [stale, entry('2', 'old')]);
    expect(outcome.notReimported).toEqual([]);
    expect((await person('1'))?.attributes).toEqual({ id: '1', login: 'renamed', title: 'new' });
    await endStep(stepId);
  });

  it('an intent without a result: the entry is not touched', async () => {
    await seed();
    const stepId = await beginStep();
    const answer = await intend('update', '1');
    expect((await store.applyPage(stepId, [entry('1', 'other')])).counts.fenced).toBe(1);
    await answer();
    expect((await person('1'))?.attributes['title']).toBe('new');
    await store.applyPage(stepId, [entry('2', 'old')]);
    expect(await endStep(stepId)).toBe(0);
  });

  it('R20 the next import confirms it, or reports that the application shows otherwise and takes its value', async () => {
    await seed();
    await (await intend('update', '1'))();
    await (await intend('update', '2'))();
    const stepId = await beginStep();
    const outcome = await store.applyPage(stepId, [entry('1', 'new'), entry('2', 'reverted')]);
    expect(outcome.counts.confirmed).toBe(1);
    expect(outcome.notReimported).toMatchObject([{ attribute: 'title' }]);
    expect((await person('2'))?.attributes['title']).toBe('reverted');
    await endStep(stepId);
    const states = (await opened.reader.readJournal({ limit: 10 })).map((row) => row.state);
    expect(states).toEqual(['not-reimported', 'confirmed']);
  });
});

describe('R22 a delete and a full import', () => {
  it('the page still shows it: not revived by this run; by the next one it comes back under a new id (R7)', async () => {
    await seed();
    const before = (await person('1'))?.scimId;
    const stepId = await beginStep();
    await (await intend('delete', '1'))();
    expect((await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old')])).counts.fenced).toBe(1);
    expect(await endStep(stepId)).toBe(0);
    expect(await person('1')).toBeUndefined();
    const next = await beginStep();
    await store.applyPage(next, [entry('1', 'old'), entry('2', 'old')]);
    await endStep(next);
    expect((await person('1'))?.scimId).not.toBe(before);
  });
});

describe('R23 R25 absence', () => {
  it('removes only at the end of a complete step, and R7 gives a returning object its old id', async () => {
    await seed();
    const id = (await person('2'))?.scimId;
    const broken = await beginStep();
    await store.applyPage(broken, [entry('1', 'old')]);
    expect(await endStep(broken, false)).toBe(0);
    expect(await person('2')).toBeDefined();
    const complete = await beginStep();
    await store.applyPage(complete, [entry('1', 'old')]);
    expect(await endStep(complete)).toBe(1);
    expect(await opened.reader.readResource(id ?? '')).toBeUndefined();
    const again = await beginStep();
    await store.applyPage(again, [entry('1', 'old'), entry('2', 'old')]);
    await endStep(again);
    expect((await person('2'))?.scimId).toBe(id);
  });

  it('an anchor that comes twice in one full import is an error, and the first stays', async () => {
    const stepId = await beginStep();
    const outcome = await store.applyPage(stepId, [entry('1', 'first'), entry('1', 'second')]);
    expect(outcome.errors).toMatchObject([{ index: 1, error: { code: 'already-exists' } }]);
    expect((await person('1'))?.attributes['title']).toBe('first');
  });

  it('deletes of a delta wait for the end of the step', async () => {
    await seed();
    const stepId = await beginStep('delta');
    await store.applyPage(stepId, [{ op: 'delete', objectType: 'person', anchor: '1' }]);
    expect(await person('1')).toBeDefined();
    expect(await endStep(stepId)).toBe(1);
    expect(await person('1')).toBeUndefined();
  });
});

describe('R9 R14 R15 claims, doubt and pending anchors', () => {
  it('a value belongs to one entry or one open write', async () => {
    await seed();
    const claims = [{ objectType: 'person', attribute: 'login', key: 'login1' }];
    const add = {
      kind: 'add' as const,
      objectType: 'person',
      claims,
      steps: '[]',
      effect: { set: { login: 'login1' }, unset: [], references: [], awaiting: [] },
      request,
      at: 1,
    };
    expect(await store.commitIntents([add])).toMatchObject([{ status: 'claimed', inDoubt: false }]);
    const fresh = { ...add, claims: [{ objectType: 'person', attribute: 'login', key: 'fresh' }] };
    expect((await store.commitIntents([fresh, fresh])).map((outcome) => outcome.status)).toEqual(['intended', 'claimed']);
  });

  it('nothing touches an entry in doubt', async () => {
    await seed();
    await intend('update', '1');
    await expect(intend('update', '1')).rejects.toThrow('in-doubt');
  });

  it('R9 an add without an anchor is adopted by the import that shows it; two candidates stop', async () => {
    await seed();
    const effect = { set: { login: 'login9', title: 't' }, unset: [], references: [], awaiting: [] };
    const [outcome] = await store.commitIntents([{ kind: 'add', objectType: 'person', claims: [], steps: '[]', effect, request, at: 1 }]);
    if (outcome?.status !== 'intended') throw new Error('not intended');
    const [written] = await store.commitResults([{ journalId: outcome.journalId, state: 'applied', pendingAnchor: true, audit, at: 2 }]);
    expect(written?.row?.anchor).toBeUndefined();
    const stepId = await beginStep();
    await store.applyPage(stepId, [entry('1', 'old'), entry('2', 'old'), entry('9', 't')]);
    await endStep(stepId);
    expect((await person('9'))?.scimId).toBe(written?.row?.scimId);
  });

  it('R9 a returned anchor of another entry changes nothing and stays in doubt', async () => {
    await seed();
    const effect = { set: { login: 'x' }, unset: [], references: [], awaiting: [], anchor: '1' };
    const [outcome] = await store.commitIntents([{ kind: 'add', objectType: 'person', claims: [], steps: '[]', effect, request, at: 1 }]);
    if (outcome?.status !== 'intended') throw new Error('not intended');
    const [written] = await store.commitResults([{ journalId: outcome.journalId, state: 'applied', effect, audit, at: 2 }]);
    expect(written?.anchorConflict).toEqual({ entryId: (await person('1'))?.id });
    expect((await opened.reader.readOpenJournal())[0]?.state).toBe('in-doubt');
  });

  it('R24 the watermark comes with the end of the step, and a changed model forgets it', async () => {
    const stepId = await beginStep();
    await store.endStep(stepId, { result: 'success', counts, errors: [], errorCount: 0, at: 2, watermark: 'w1' });
    expect(await opened.reader.readWatermark('')).toBe('w1');
    await store.configure({
      ...model,
      objectTypes: [{ ...(model.objectTypes[0] as (typeof model.objectTypes)[number]), attributes: model.objectTypes[0]?.attributes.slice(0, 2) ?? [] }],
    });
    expect(await opened.reader.readWatermark('')).toBeUndefined();
  });

  it('R3 the file of a connector is written through a write-ahead log', async () => {
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(folder, 'connector.db'), { readOnly: true });
    expect(database.prepare('PRAGMA journal_mode').get()?.['journal_mode']).toBe('wal');
    database.close();
  });
});
