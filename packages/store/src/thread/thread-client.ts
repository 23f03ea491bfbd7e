import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { ConnectorStore, PageOutcome } from '../connector-store.ts';
import { fromFailure } from '../store-errors.ts';
import { packPage } from './packed-page.ts';
import type { StoreNotice, StoreRequest, StoreResponse } from './store-messages.ts';

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
  'removeUnshown',
  'endStep',
  'endRun',
  'decideHeld',
  'removeHeldChunk',
  'closeInterruptedRuns',
  'forgetOverlay',
  'settleDrifts',
  'forgetOld',
  'checkpoint',
  'backup',
  'close',
  'makeIndex',
  'holdOwnership',
] as const satisfies readonly (keyof StoreInThread)[];

/** A store as its thread is asked; each implementation has what the other has no need of. */
export interface StoreInThread extends ConnectorStore {
  /** SQLite: makes one of the indexes that a first import goes without; `done`: none of those asked for waits any more. */
  makeIndex(name?: string): Promise<{ readonly done: boolean }>;
  /** PostgreSQL: see `Ownership` (R34). */
  holdOwnership(milliseconds: number): Promise<void>;
}

/** A store in its thread, and ports to it. */
export interface ThreadedStore {
  readonly store: StoreInThread;
  /** A port over which another thread reaches the store directly; transfer it (R1). */
  connectPort(): MessagePort;
}

/**
 * A store thread holds a page at a time. With a small young generation, and an old one that is not expected to grow to gigabytes, the
 * collector keeps up with an import; otherwise what was parsed of a million entries stays until the end.
 */
const HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 1024 } as const;

/** How long a thread that died waits before it is started again, by how often it died soon after its start. */
const BACK_OFF_MILLISECONDS = [0, 100, 1000, 5000] as const;
const ALIVE_MILLISECONDS = 10_000;

/**
 * Starts a store thread: the program of an implementation, and what it opens. A thread that dies takes what it was asked with it:
 * those calls fail, and their outcome is unknown. The next call starts another one, which reads from the file what it must know.
 */
export function startStoreThread(program: URL, workerData: object, noticed: (notice: StoreNotice) => void = () => {}): ThreadedStore {
  /** What a thread is told once and keeps in memory: a new one is told again. */
  let streams: readonly unknown[] | undefined;
  let failures = 0;
  let closed = false;
  let current = start();
  let starting: Promise<void> | undefined;

  function start(): { readonly worker: Worker; readonly call: Caller; alive: boolean } {
    const startedAt = performance.now();
    const worker = new Worker(program, { workerData, name: 'store', resourceLimits: HEAP });
    const started = { worker, call: createCaller(worker), alive: true };
    const end = (reason: string): void => {
      if (!started.alive) return;
      started.alive = false;
      failures = performance.now() - startedAt > ALIVE_MILLISECONDS ? 0 : failures + 1;
      started.call.fail(reason);
    };
    worker.on('message', (message: StoreResponse | StoreNotice) => {
      if ('lost' in message) noticed(message);
    });
    worker.on('error', (error) => end(`the store thread failed: ${error.message}`));
    worker.on('exit', () => end('the store thread has ended'));
    return started;
  }

  async function restart(): Promise<void> {
    const wait = BACK_OFF_MILLISECONDS[Math.min(failures, BACK_OFF_MILLISECONDS.length) - 1] ?? 0;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    current = start();
    if (streams !== undefined) await current.call.send('openStreams', streams);
  }

  function send(command: string, values: readonly unknown[]): Promise<unknown> {
    if (command === 'openStreams') streams = values;
    if (command === 'close') closed = true;
    if (starting === undefined && (current.alive || closed)) return current.call.send(command, values);
    starting ??= restart().finally(() => {
      starting = undefined;
    });
    return starting.then(() => current.call.send(command, values));
  }

  return {
    store: makeStore(send),
    connectPort() {
      const { port1, port2 } = new MessageChannel();
      if (current.alive) current.worker.postMessage({ port: port1 }, [port1]);
      else port1.close();
      return port2;
    },
  };
}

/** The part of the store that an import uses, over a port from {@link ThreadedStore.connectPort}. */
export function storeOverPort(port: MessagePort): Pick<ConnectorStore, 'applyPage'> {
  const call = createCaller(port);
  // A port closes with the thread at its other end.
  port.on('close', () => call.fail('the store thread has ended'));
  return { ...makeStore(call.send), applyPage: (stepId, entries) => call.send('applyPage', [stepId, packPage(entries)]) as Promise<PageOutcome> };
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
    else call?.reject(fromFailure(error));
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

function makeStore(send: Caller['send']): StoreInThread {
  const commands = COMMANDS.map((command) => [command, (...values: readonly unknown[]) => send(command, values)] as const);
  // The commands and their arguments are those of the interface; only the transport is generic.
  return Object.fromEntries(commands) as unknown as StoreInThread;
}
