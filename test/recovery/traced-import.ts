import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteConnectorStore } from '@landbridge/store';

/** The process that the trace of system calls looks at: the pages of a first import, its end, and a page of the next (R3). */
const [folder = ''] = process.argv.slice(2);
const mark = (event: string): void => void writeSync(2, `MARK ${event}\n`);
const attribute = { name: 'id', type: 'string', multiValued: false, caseExact: true, queryable: true, unique: false, exportOnly: false } as const;
const { store, close } = await openSqliteConnectorStore({ file: join(folder, 'connector.db'), thread: false });
await store.configure({ connector: 'hr', normalizations: [], referenceForm: 'anchor', objectTypes: [{ name: 'person', attributes: [attribute] }] });

async function begin(): Promise<number> {
  const { runId } = await store.beginRun({ profile: 'full', startedBy: 'test', at: 1 });
  const { stepId } = await store.beginStep({ runId, kind: 'full', partition: '', objectTypes: ['person'], at: 1 });
  return stepId;
}

async function show(stepId: number, ids: readonly string[], title: string): Promise<void> {
  const entries = ids.map((id) => ({ op: 'put', objectType: 'person', anchor: id, body: JSON.stringify({ id, title }), hash: title, references: [] }) as const);
  await store.applyPage(stepId, entries);
}

async function end(stepId: number): Promise<void> {
  await store.planRemovals(stepId, { complete: true });
  const counts = { added: 0, updated: 0, unchanged: 0, removed: 0, fenced: 0, confirmed: 0 };
  await store.endStep(stepId, { result: 'success', counts, errors: [], errorCount: 0, watermark: 'w', at: 2 });
}

const first = await begin();
mark('pages');
await show(first, ['1', '2'], 'old');
await show(first, ['3'], 'old');
mark('end');
await end(first);
mark('ended');
const second = await begin();
mark('page');
await show(second, ['1', '2', '3'], 'new');
mark('shown');
await close();
