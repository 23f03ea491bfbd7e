import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ConnectorStore, EntryPage, EntryQuery } from '../connector-store.ts';
import type { OpenStore } from '../open-store.ts';
import { toFailure } from '../store-errors.ts';
import { endThread } from '../thread/end-thread.ts';
import { unpackRequest } from '../thread/packed-page.ts';
import type { StoreRequest } from '../thread/store-messages.ts';
import { type StoreInThread, startStoreThread } from '../thread/thread-client.ts';
import { openSqliteReader, type RunScan } from './reader.ts';
import { openStoreCommands, type StoreCommands } from './sqlite-store.ts';

/**
 * Opens the SQLite store of a connector.
 *
 * `auditKey` is the key of the audit's chain (SEC-60); `thread: false` runs the commands in the calling thread: for tests, where order must be exact. Default is `true`.
 */
export async function openSqliteConnectorStore(options: {
  readonly file: string;
  readonly thread?: boolean;
  readonly auditKey?: Uint8Array;
}): Promise<OpenStore> {
  const { file, auditKey } = options;
  const opened =
    options.thread === false ? openInThisThread(file, auditKey) : startStoreThread(new URL('./store-thread.ts', import.meta.url), { file, auditKey });
  // The file must exist, with its tables, before a reader opens it.
  await opened.store.checkpoint();
  const scan = createScan(file);
  // While a first import goes without indexes, who reads has them made first. One at a time: what is written meanwhile has its turn (R1).
  let loading = false;
  let begun = 0;
  async function indexed(name?: string): Promise<void> {
    while (loading) {
      const asked = begun;
      const { done } = await opened.store.makeIndex(name);
      if (done && name !== undefined) return;
      // A step that began meanwhile may have dropped them.
      if (done && asked === begun) loading = false;
    }
  }
  const reader = openSqliteReader(file, scan.run, indexed, auditKey);
  const store: ConnectorStore = {
    ...opened.store,
    async beginStep(step) {
      loading ||= step.kind === 'full';
      begun += 1;
      return opened.store.beginStep(step);
    },
    async planRemovals(stepId, options) {
      await indexed();
      return opened.store.planRemovals(stepId, options);
    },
    async configure(model) {
      const result = await opened.store.configure(model);
      reader.refreshModel();
      return result;
    },
  };
  return {
    store,
    reader,
    connectPort: opened.connectPort,
    async close() {
      await scan.close();
      await reader.close();
      await opened.store.close();
    },
  };
}

function openInThisThread(file: string, auditKey: Uint8Array | undefined): { readonly store: StoreInThread; connectPort(): MessagePort } {
  const commands = openStoreCommands(file, auditKey);
  const store = Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      // Synchronous errors become rejections, as they do over a thread.
      async (...values: readonly unknown[]) => (command as (...all: readonly unknown[]) => unknown)(...values),
    ]),
  ) as unknown as StoreInThread;
  return { store, connectPort: () => connectInThisThread(commands) };
}

function connectInThisThread(commands: StoreCommands): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (request: StoreRequest) => {
    const { id, command, values } = unpackRequest(request);
    try {
      port1.postMessage({
        id,
        result: (commands as unknown as Record<string, (...all: readonly unknown[]) => unknown>)[command]?.(...values),
      });
    } catch (error) {
      port1.postMessage({ id, error: toFailure(error) });
    }
  });
  port1.unref();
  return port2;
}

/** A thread for scans, started with the first one. */
function createScan(file: string): { readonly run: RunScan; close(): Promise<void> } {
  const waiting = new Map<number, { readonly resolve: (page: EntryPage) => void; readonly reject: (error: Error) => void }>();
  let worker: Worker | undefined;
  let next = 1;
  function start(): Worker {
    const started = new Worker(new URL('./scan-thread.ts', import.meta.url), { workerData: { file }, name: 'scan' });
    started.unref();
    started.on('message', ({ id, result, error }: { readonly id: number; readonly result?: EntryPage; readonly error?: string }) => {
      const call = waiting.get(id);
      waiting.delete(id);
      if (result === undefined) call?.reject(new Error(error ?? 'the scan failed'));
      else call?.resolve(result);
    });
    started.on('exit', () => {
      worker = undefined;
      for (const call of waiting.values()) call.reject(new Error('the scan thread has ended'));
      waiting.clear();
    });
    return started;
  }
  return {
    run(query: EntryQuery) {
      worker ??= start();
      const target = worker;
      const id = next;
      next += 1;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        target.postMessage({ id, query });
      });
    },
    async close() {
      if (worker !== undefined) await endThread(worker, { close: true });
    },
  };
}
