import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorStore, StoreModel } from '../connector-store.ts';
import type { OpenStore } from '../open-store.ts';
import { openSqliteConnectorStore } from './open-sqlite-store.ts';

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

async function importPeople(...ids: readonly string[]): Promise<void> {
  const { runId } = await store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
  const { stepId } = await store.beginStep({ runId, kind: 'full', partition: '', objectTypes: ['person'], at: 1 });
  await store.applyPage(stepId, shown(...ids));
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

describe('R2 a transaction that fails', () => {
  it('R14 leaves an open write open: nothing else touches the entry', async () => {
    await importPeople('1');
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
