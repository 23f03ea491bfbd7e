import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectorStore } from '../connector-store.ts';
import { openSqliteReader } from '../sqlite/reader.ts';
import { audit, model, person, request, sets } from '../testing/people.ts';
import { startStoreThread, storeOverPort, type ThreadedStore } from './thread-client.ts';

/** A store thread that dies: what it was asked fails, what comes after works, and nothing that it had promised is lost (R1, R12). */
let folder: string;
let file: string;
let threaded: ThreadedStore;
let store: ConnectorStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-thread-'));
  file = join(folder, 'connector.db');
  threaded = startStoreThread(new URL('../testing/dying-store-thread.ts', import.meta.url), { file });
  ({ store } = threaded);
  await store.configure(model);
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const die = (): void => writeFileSync(`${file}.die`, '');
const intent = { kind: 'add' as const, objectType: 'person', claims: [], steps: '[]', effect: sets({ login: 'ada' }), request, at: 1 };

describe('a store thread that dies', () => {
  it('fails the calls it takes with it, and another one goes on with the same file', async () => {
    const [outcome] = await store.commitIntents([intent]);
    if (outcome?.status !== 'intended') throw new Error('the intent was not taken');
    die();
    const lost = store.commitResults([{ journalId: outcome.journalId, state: 'applied', audit, at: 2 }]);
    await expect(lost).rejects.toThrow('the store thread has ended');
    const update = { ...intent, kind: 'update' as const, entryId: outcome.entryId };
    expect(await store.commitIntents([update])).toEqual([{ status: 'in-doubt', journalId: outcome.journalId }]);
    const [written] = await store.commitResults([{ journalId: outcome.journalId, state: 'applied', effect: sets({ id: '1' }, { anchor: '1' }), audit, at: 2 }]);
    expect(written?.row?.anchor).toBe('1');
  });

  it('R25 an import over its port fails instead of waiting for ever, and the next one starts anew', async () => {
    const { runId } = await store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
    const step = { runId, kind: 'full' as const, partition: '', objectTypes: ['person'], at: 1 };
    const { stepId } = await store.beginStep(step);
    const port = storeOverPort(threaded.connectPort());
    await port.applyPage(stepId, [person('1')]);
    die();
    await expect(store.checkpoint()).rejects.toThrow('has ended');
    await expect(port.applyPage(stepId, [person('2')])).rejects.toThrow('has ended');
    await expect(store.planRemovals(stepId, { complete: true })).rejects.toThrow('is not open');
    const next = await store.beginStep(step);
    expect((await storeOverPort(threaded.connectPort()).applyPage(next.stepId, [person('1'), person('2')])).counts).toMatchObject({ added: 1, unchanged: 1 });
  });

  it('is told again which event streams there are', async () => {
    await store.openStreams(['stream']);
    die();
    await expect(store.checkpoint()).rejects.toThrow('has ended');
    const [outcome] = await store.commitIntents([{ ...intent, events: { kinds: ['create'], async: false } }]);
    if (outcome?.status !== 'intended') throw new Error('the intent was not taken');
    await store.commitResults([{ journalId: outcome.journalId, state: 'applied', effect: sets({ id: '1' }, { anchor: '1' }), audit, at: 2 }]);
    const reader = openSqliteReader(file);
    expect(await reader.readEvents('stream', 10)).toMatchObject([{ kinds: ['create'] }]);
    await reader.close();
  });
});
