import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EntryQuery, type Intent, noCounts } from '../connector-store.ts';
import type { OpenStore } from '../open-store.ts';
import { audit, group, model, person, request, sets } from '../testing/people.ts';
import { openSqliteConnectorStore } from './open-sqlite-store.ts';

let folder: string;
let file: string;
let opened: OpenStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-deferred-'));
  file = join(folder, 'connector.db');
  opened = await openSqliteConnectorStore({ file, thread: false });
  await opened.store.configure(model);
});

afterEach(async () => {
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
});

async function begin(): Promise<number> {
  const { runId } = await opened.store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
  const { stepId } = await opened.store.beginStep({ runId, kind: 'full', partition: '', objectTypes: ['person', 'group'], at: 1 });
  return stepId;
}

async function end(stepId: number): Promise<void> {
  await opened.store.planRemovals(stepId, { complete: true });
  await opened.store.endStep(stepId, { result: 'success', counts: noCounts, errors: [], errorCount: 0, at: 2 });
}

function indexes(of: string = file): readonly string[] {
  const database = new DatabaseSync(of, { readOnly: true });
  const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_%' ORDER BY name").all();
  database.close();
  return names.map((row) => String(row['name']));
}

const page = [person('1', { login: 'Ada' }), person('2', { login: 'Bo', manager: '1' }), group('g', ['1', '2'])];
const byLogin: EntryQuery = {
  objectType: 'person',
  filter: { kind: 'compare', attribute: 'login', type: 'string', comparison: 'equal', value: 'ADA', caseExact: false },
  limit: 10,
  total: true,
  scanLimit: 100,
};

describe('a first import goes without indexes', () => {
  it('R4 and has every one of them when it has ended', async () => {
    const before = indexes();
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    expect(indexes().length).toBeLessThan(before.length);
    await end(stepId);
    expect(indexes()).toEqual(before);
    const [ada] = (await opened.reader.query(byLogin)).rows;
    expect(ada?.anchor).toBe('1');
    const groups = await opened.reader.readReferrers(ada?.id ?? 0, { objectType: 'group', name: 'members' }, { limit: 10 });
    expect(groups).toHaveLength(1);
  });

  it('R25 and an anchor that comes again, in its page or a later one, is an error, though nothing was looked up', async () => {
    const stepId = await begin();
    const again = person('1', { login: 'Eve' });
    const first = await opened.store.applyPage(stepId, [...page, again]);
    expect(first.errors).toMatchObject([{ index: 3, error: { code: 'already-exists' } }]);
    expect(first.counts.added).toBe(3);
    const later = await opened.store.applyPage(stepId, [again, person('3', { login: 'Cy', manager: '1' })]);
    expect(later.errors).toMatchObject([{ index: 0, error: { code: 'already-exists' } }]);
    expect(later.counts.added).toBe(1);
    await end(stepId);
    expect((await opened.reader.query(byLogin)).rows.map((row) => row.anchor)).toEqual(['1']);
  });

  it('R1 but a filter in the middle of it has them first', async () => {
    const before = indexes();
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    expect((await opened.reader.query(byLogin)).total).toBe(1);
    expect(indexes()).toEqual(before);
    await opened.store.applyPage(stepId, [person('3', { login: 'Cy' })]);
    await end(stepId);
    expect(await opened.reader.countEntries('person')).toBe(3);
  });

  const claims = [{ objectType: 'person', attribute: 'login', key: 'ada' }];
  const create = { kind: 'add', objectType: 'person', claims, steps: '[]', effect: sets({ login: 'ada' }), request, at: 3 } as const;
  const byId = 'entries_scim';
  const byReference = 'refs_target';

  it('R15 and a create in the middle of it has that of its claims first, and waits for no other', async () => {
    const before = indexes();
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    expect((await opened.store.commitIntents([create]))[0]).toMatchObject({ status: 'claimed', inDoubt: false });
    const [eve] = await opened.store.commitIntents([
      { ...create, claims: [{ ...claims[0], key: 'eve' }], effect: sets({ id: '9', login: 'eve' }, { anchor: '9' }) } as Intent,
    ]);
    if (eve?.status !== 'intended') throw new Error('not intended');
    await opened.store.commitResults([{ journalId: eve.journalId, state: 'applied', audit, at: 5 }]);
    expect(indexes().filter((name) => /^entries_k/.test(name))).toHaveLength(1);
    expect(indexes()).not.toContain(byId);
    expect((await opened.store.applyPage(stepId, [person('9', { login: 'eve' }), person('3', { login: 'Cy' })])).counts).toMatchObject({ added: 1, fenced: 1 });
    await end(stepId);
    expect(indexes()).toEqual(before);
    expect((await opened.reader.query({ objectType: 'person', limit: 10, total: true, scanLimit: 100 })).rows.map((row) => row.anchor)).toEqual([
      '1',
      '2',
      '9',
      '3',
    ]);
  });

  it('R14 and a write to what is there has all of them first', async () => {
    const before = indexes();
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    const entryId = (await opened.reader.readByAnchor('person', '1'))?.id ?? 0;
    await opened.store.commitIntents([{ ...create, kind: 'delete', claims: [], entryId, effect: sets({}) }]);
    expect(indexes()).toEqual(before);
    await end(stepId);
  });

  it('R1 and what is read by its id waits for one of them', async () => {
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    const ada = await opened.reader.readByAnchor('person', '1');
    expect((await opened.reader.readResource(ada?.scimId ?? ''))?.anchor).toBe('1');
    expect(indexes()).toContain(byId);
    expect(indexes()).not.toContain(byReference);
    await end(stepId);
  });

  it('R1 and a create that comes while they are made at its end has its turn between two of them', async () => {
    const before = indexes();
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    const ended = end(stepId);
    const [outcome] = await opened.store.commitIntents([create]);
    expect(outcome).toMatchObject({ status: 'claimed' });
    expect(indexes()).not.toContain(byReference);
    await ended;
    expect(indexes()).toEqual(before);
  });

  it('R1 and a step that begins without entries after some were made goes without all of them again', async () => {
    const before = indexes();
    const first = await begin();
    await opened.store.commitIntents([{ ...create, effect: sets({ login: 'ada' }) }]);
    const second = await begin();
    expect(indexes()).toEqual(['entries_anchor', 'entries_dn', 'entries_flags'].concat(before.filter((name) => !/^(entries|refs)_/.test(name))).sort());
    await end(first);
    await end(second);
    expect(indexes()).toEqual(before);
  });

  it('R25 and a crash leaves it without them only until it is opened again', async () => {
    const before = indexes();
    await opened.store.applyPage(await begin(), page);
    const copy = join(folder, 'crashed.db');
    for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    expect(indexes(copy).length).toBeLessThan(before.length);
    const again = await openSqliteConnectorStore({ file: copy, thread: false });
    expect(indexes(copy)).toEqual(before);
    expect((await again.reader.query(byLogin)).total).toBe(1);
    await again.close();
  });

  it('R22 while a later import keeps them all the time', async () => {
    const before = indexes();
    const first = await begin();
    await opened.store.applyPage(first, page);
    await end(first);
    const second = await begin();
    expect(indexes()).toEqual(before);
    await end(second);
  });
});

describe('key columns', () => {
  it('R27 of an attribute that becomes queryable are filled from what is there', async () => {
    const stepId = await begin();
    await opened.store.applyPage(stepId, [person('1', { note: 'Straße A' }), person('2', { note: 'other' })]);
    await end(stepId);
    const queryable = model.objectTypes.map((type) => ({
      ...type,
      attributes: type.attributes.map((one) => (one.name === 'note' ? { ...one, queryable: true } : one)),
    }));
    expect(await opened.store.configure({ ...model, objectTypes: queryable })).toEqual({ changed: true });
    const found = await opened.reader.query({
      ...byLogin,
      filter: { kind: 'compare', attribute: 'note', type: 'string', comparison: 'equal', value: 'straße a', caseExact: false },
    });
    expect(found.rows.map((row) => row.anchor)).toEqual(['1']);
  });

  it('R4 take the place of the generated columns of a file of version 2', async () => {
    await opened.close();
    const database = new DatabaseSync(file);
    database.exec(`ALTER TABLE types DROP COLUMN moved; ALTER TABLE audit DROP COLUMN code; DROP TABLE audit_chain; DROP TABLE missed; DROP TABLE drifts; DROP INDEX link_aliases_id; ALTER TABLE entries ADD COLUMN keys TEXT; ALTER TABLE entries ADD COLUMN q2_string GENERATED ALWAYS AS (coalesce(keys ->> '$.login', body ->> '$.login')) VIRTUAL;
      CREATE INDEX entries_q2_string ON entries(q2_string, otype) WHERE q2_string IS NOT NULL; PRAGMA user_version = 2;`);
    database.close();
    opened = await openSqliteConnectorStore({ file, thread: false });
    expect(indexes().filter((name) => /^entries_q\d/.test(name))).toEqual([]);
    await opened.store.configure(model);
    const stepId = await begin();
    await opened.store.applyPage(stepId, page);
    await end(stepId);
    expect((await opened.reader.query(byLogin)).total).toBe(1);
  });
});
