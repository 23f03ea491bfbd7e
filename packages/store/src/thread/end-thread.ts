import type { Worker } from 'node:worker_threads';

/** How long a thread may take to end by itself. */
const GRACE_MILLISECONDS = 2000;

/**
 * Asks a thread to end, and ends it where it does not. Terminating stops it wherever it is, also while a driver calls back from native
 * code: so that is for a thread that does not answer any more.
 */
export async function endThread(worker: Worker, request: object): Promise<void> {
  if (worker.threadId === -1) return;
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, GRACE_MILLISECONDS, 'late');
  });
  worker.postMessage(request);
  // What does not keep the process alive is waited for all the same.
  worker.ref();
  if ((await Promise.race([ended, late])) === 'late') await worker.terminate();
  clearTimeout(timer);
}
