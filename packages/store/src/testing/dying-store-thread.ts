import { existsSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** The store thread, which dies at the first command after a file beside its own appeared: before it does what it is asked. */
const { file } = workerData as { readonly file: string };
parentPort?.on('message', () => {
  if (!existsSync(`${file}.die`)) return;
  rmSync(`${file}.die`);
  process.exit(7);
});
await import('../sqlite/store-thread.ts');
