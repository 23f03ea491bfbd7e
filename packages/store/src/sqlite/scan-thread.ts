import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '@landbridge/connector-sdk';
import type { EntryQuery } from '../connector-store.ts';
import { openSqliteReader } from './reader.ts';

/** Filters without an index are answered here, over a handle of its own, so that the main thread never waits for a scan (R1). */
const { file } = workerData as { readonly file: string };
if (parentPort === null) throw new Error('the scan thread was started as a program');
const main = parentPort;
const reader = openSqliteReader(file);

main.on('message', async (message: { readonly id: number; readonly query: EntryQuery } | { readonly close: true }) => {
  if (!('close' in message)) return answer(message);
  await reader.close();
  process.exit(0);
});

async function answer({ id, query }: { readonly id: number; readonly query: EntryQuery }): Promise<void> {
  try {
    reader.refreshModel();
    main.postMessage({ id, result: await reader.query(query) });
  } catch (error) {
    main.postMessage({ id, error: messageOf(error) });
  }
}
