import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ConnectorStore } from '../connector-store.ts';
import type { StoreRequest, StoreResponse } from './store-thread.ts';

const COMMANDS = [
  'configure',
  'commitIntents',
  'commitResults',
  'commitLinkChanges',
  'recordAttempt',
  'decideHeldWrites',
  'openStreams',
  'settleEvents',
  'beginRun',
  'beginStep',
  'applyPage',
  'planRemovals',
  'removeChunk',
  'endStep',
  'endRun',
  'decideHeld',
  'removeHeldChunk',
  'closeInterruptedRuns',
  'checkpoint',
  'backup',
  'close',
] as const satisfies readonly (keyof ConnectorStore)[];

/** A store in its thread, and ports to it. */
export interface ThreadedStore {
  readonly store: ConnectorStore;
  /** A port over which another thread reaches the store directly; transfer it (R1). */
  connectPort(): MessagePort;
}

/** Starts a store thread: the program of an implementation, and what it opens. */
export function startStoreThread(program: URL, workerData: object): ThreadedStore {
  const worker = new Worker(program, { workerData, name: 'store' });
  const call = createCaller(worker);
  worker.on('error', (error) => call.fail(`the store thread failed: ${error.message}`));
  worker.on('exit', () => call.fail('the store thread has ended'));
  return {
    store: makeStore(call.send),
    connectPort() {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ port: port1 }, [port1]);
      return port2;
    },
  };
}

/** The part of the store that an import uses, over a port from {@link ThreadedStore.connectPort}. */
export function storeOverPort(port: MessagePort): Pick<ConnectorStore, 'applyPage'> {
  const call = createCaller(port);
  return makeStore(call.send);
}

interface Caller {
  send(command: string, values: readonly unknown[]): Promise<unknown>;
  fail(reason: string): void;
}

interface Channel {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: StoreResponse) => void): unknown;
}

function createCaller(channel: Channel): Caller {
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  let next = 1;
  let failed: string | undefined;
  channel.on('message', ({ id, result, error }) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  return {
    send(command, values) {
      if (failed !== undefined) return Promise.reject(new Error(failed));
      const id = next;
      next += 1;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        channel.postMessage({ id, command, values } satisfies StoreRequest);
      });
    },
    fail(reason) {
      failed = reason;
      for (const call of waiting.values()) call.reject(new Error(reason));
      waiting.clear();
    },
  };
}

function makeStore(send: Caller['send']): ConnectorStore {
  const commands = COMMANDS.map((command) => [command, (...values: readonly unknown[]) => send(command, values)] as const);
  // The commands and their arguments are those of the interface; only the transport is generic.
  return Object.fromEntries(commands) as unknown as ConnectorStore;
}
