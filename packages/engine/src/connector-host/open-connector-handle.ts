import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type MessagePort, Worker } from 'node:worker_threads';
import { ConnectorError, type ConnectorErrorData, fromErrorData, type Parameters, type TestResult, toErrorData } from '@landbridge/connector-sdk';
import { endThread, noCounts } from '@landbridge/store';
import { elapsed } from '../elapsed.ts';
import type { HostLog } from '../host.ts';
import { CLOSE_MILLISECONDS, OPEN_MILLISECONDS, PASSWORD_MILLISECONDS } from './batch-in-thread.ts';
import type {
  BatchOutcome,
  ConnectorDescription,
  ConnectorHandle,
  EncodedChange,
  ExportHandle,
  FoundEntries,
  ImportControl,
  ImportEvents,
  ImportOutcome,
  ImportTask,
  PutOutcome,
  Selection,
} from './connector-handle.ts';
import type { FromThread, ThreadCall, ThreadData, ThreadEvent, ToThread } from './thread-messages.ts';

/** What a connector's thread is opened with. */
export interface ConnectorHandleOptions {
  /** A built-in name such as `sql`, a package name, an absolute path or a file URL. */
  readonly package: string;
  readonly connector: string;
  readonly parameters: Parameters;
  readonly folder: string;
  readonly memoryMegabytes: number;
  /** Parameters whose values came from secret references: they are hidden whatever their names are. */
  readonly secretParameters?: readonly string[];
  /** Passwords may go over a connection that is not secure. Default is `false`. */
  readonly passwordsNotSecure?: boolean;
  /** How long a call that timed out may still take before its thread is ended. Default 5 s. */
  readonly graceMilliseconds?: number;
  readonly log: HostLog;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly onEvent: ((event: ThreadEvent) => void) | undefined;
}

/** For what lives as long as a page of an import. V8's own choice for a heap of this size takes over 100 MB. */
const YOUNG_MEGABYTES = 48;
const BACK_OFF_MILLISECONDS = [0, 100, 300, 1000, 3000, 10_000, 30_000] as const;
/** What calls that were given up take to end. */
const SPARE_MILLISECONDS = 15_000;
const ALIVE_MILLISECONDS = 60_000;

/**
 * Opens a connector in a thread of its own. The thread starts with the first call, and again, with back-off, with the first
 * call after it died. Nothing here rejects because a thread died without saying which call it was that suffered.
 */
export function openConnectorHandle(options: ConnectorHandleOptions): ConnectorHandle {
  const { log } = options;
  const module = resolvePackage(options.package);
  const waiting = new Map<number, Waiting>();
  const exitListeners: ((reason: string) => void)[] = [];
  /** Calls given up by time-out that may still be at work. */
  const late = new Set<number>();
  let lateWaiters: (() => void)[] = [];
  let worker: Worker | undefined;
  let starting: Promise<Worker> | undefined;
  let selection: Selection | undefined;
  let nextCall = 1;
  let failures = 0;
  let startedAt = 0;
  let closed = false;
  let batches = false;

  function ensureThread(): Promise<Worker> {
    if (closed) return Promise.reject(new ConnectorError('terminated', `the connector "${options.connector}" is closed`));
    if (worker !== undefined) return Promise.resolve(worker);
    starting ??= startThread().finally(() => {
      starting = undefined;
    });
    return starting;
  }

  async function startThread(): Promise<Worker> {
    const wait = BACK_OFF_MILLISECONDS[Math.min(failures, BACK_OFF_MILLISECONDS.length - 1)] ?? 0;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (closed) throw new ConnectorError('terminated', `the connector "${options.connector}" is closed`);
    const workerData: ThreadData = {
      module,
      connector: options.connector,
      parameters: options.parameters,
      folder: options.folder,
      selection,
      secretParameters: options.secretParameters ?? [],
      passwordsNotSecure: options.passwordsNotSecure ?? false,
    };
    const started = new Worker(new URL('./connector-thread.ts', import.meta.url), {
      workerData,
      name: `connector ${options.connector}`,
      resourceLimits: { maxOldGenerationSizeMb: options.memoryMegabytes, maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
      stdout: true,
      stderr: true,
    });
    worker = started;
    startedAt = elapsed();
    started.stdout.setEncoding('utf8').on('data', (text: string) => log.info({ connector: options.connector, text: text.trimEnd() }, 'a connector printed'));
    started.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => log.warn({ connector: options.connector, text: text.trimEnd() }, 'a connector printed an error'));
    let reason = 'it ended';
    started.on('message', receive);
    started.on('error', (error) => {
      reason = toErrorData(error).message;
    });
    started.on('exit', (code) => threadEnded(started, code === 0 || code === 1 ? reason : `exit code ${code}`));
    return started;
  }

  function receive(message: FromThread): void {
    if ('log' in message) return log[message.log.level]({ connector: options.connector, ...message.log.fields }, message.log.message);
    // A call that the end cuts off is in doubt, whatever the connector says of having been told to stop (R13).
    if (closed) return;
    if ('event' in message) return waiting.get(message.id)?.onEvent?.(message.event);
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    endLate(message.id);
    if ('error' in message) call?.reject(fromErrorData(message.error));
    else call?.resolve(message.result);
  }

  function endLate(id: number): void {
    if (!late.delete(id) || late.size > 0) return;
    for (const wake of lateWaiters) wake();
    lateWaiters = [];
  }

  function threadEnded(ended: Worker, reason: string): void {
    if (worker !== ended) return;
    worker = undefined;
    failures = elapsed() - startedAt > ALIVE_MILLISECONDS ? 1 : failures + 1;
    const error = new ConnectorError('connection-dropped', `the thread of the connector "${options.connector}" ended: ${reason}`);
    for (const call of waiting.values()) call.reject(error);
    waiting.clear();
    for (const id of [...late]) endLate(id);
    if (closed) return;
    log.error({ connector: options.connector, reason }, 'a connector thread ended');
    for (const listener of exitListeners) listener(reason);
  }

  async function call<Result>(
    request: ThreadCall,
    more: {
      readonly transfer?: readonly MessagePort[];
      readonly onEvent?: (event: ThreadEvent) => void;
      readonly timeoutMilliseconds?: number;
      onStart?(id: number): void;
    } = {},
  ): Promise<Result> {
    const thread = await ensureThread();
    const id = nextCall;
    nextCall += 1;
    more.onStart?.(id);
    return new Promise<Result>((resolve, reject) => {
      const timer =
        more.timeoutMilliseconds === undefined ? undefined : setTimeout(() => giveUp(id, thread, more.timeoutMilliseconds ?? 0), more.timeoutMilliseconds);
      const settle =
        <Argument>(end: (argument: Argument) => void) =>
        (argument: Argument): void => {
          clearTimeout(timer);
          end(argument);
        };
      waiting.set(id, { resolve: settle(resolve as (value: unknown) => void), reject: settle(reject), onEvent: more.onEvent });
      thread.postMessage({ id, request } satisfies ToThread, more.transfer === undefined ? [] : [...more.transfer]);
    });
  }

  /** A call that takes too long is given up: its outcome is unknown, and the connector may still be at it (R13, R14). */
  function giveUp(id: number, thread: Worker, after: number): void {
    const given = waiting.get(id);
    if (given === undefined) return;
    waiting.set(id, { resolve: () => {}, reject: () => {}, onEvent: undefined });
    late.add(id);
    given.reject(new ConnectorError('timeout', `the connector "${options.connector}" did not answer within ${after / 1000} seconds`));
    thread.postMessage({ id, cancel: true } satisfies ToThread);
    setTimeout(() => {
      if (late.has(id) && worker === thread) void thread.terminate();
    }, options.graceMilliseconds ?? 5000).unref();
  }

  function exportHandle(session: number, owner: Worker | undefined): ExportHandle {
    let dead: ConnectorErrorData | undefined;
    return {
      async put(changes, { timeoutMilliseconds }) {
        const failed = (error: ConnectorErrorData): readonly PutOutcome[] => changes.map(() => ({ status: 'in-doubt', error }));
        if (dead !== undefined || worker !== owner)
          return changes.map(() => ({
            status: 'refused',
            error: dead ?? { code: 'server-down', message: 'the export session ended with its thread' },
          }));
        try {
          return await call<readonly PutOutcome[]>({ call: 'put', session, changes: changes as readonly EncodedChange[] }, { timeoutMilliseconds });
        } catch (thrown) {
          const error = toErrorData(thrown);
          dead = error;
          return failed(error);
        }
      },
      async close(reason) {
        if (worker !== owner) return { error: dead ?? { code: 'connection-dropped', message: 'the thread of the session ended' } };
        try {
          await call({ call: 'close-export', session, reason }, { timeoutMilliseconds: CLOSE_MILLISECONDS });
          return {};
        } catch (thrown) {
          return { error: toErrorData(thrown) };
        }
      },
    };
  }

  async function exportBatch(request: Omit<Extract<ThreadCall, { call: 'export-batch' }>, 'call'>): Promise<BatchOutcome> {
    try {
      await ensureThread();
    } catch (thrown) {
      return { refused: toErrorData(thrown) };
    }
    try {
      // The thread keeps the limits of each part itself: this one is for a thread that does nothing any more.
      const longest = OPEN_MILLISECONDS + request.callMilliseconds + CLOSE_MILLISECONDS + SPARE_MILLISECONDS;
      return await call<BatchOutcome>({ call: 'export-batch', ...request }, { timeoutMilliseconds: longest });
    } catch (thrown) {
      const error = toErrorData(thrown);
      return { outcomes: request.changes.map(() => ({ status: 'in-doubt', error })) };
    }
  }

  function runImport(task: ImportTask, events: ImportEvents): ImportControl {
    const { storePort, ...rest } = task;
    let callId: number | undefined;
    let thread: Worker | undefined;
    let cancelled = false;
    const cancel = (): void => {
      cancelled = true;
      const [id, at] = [callId, thread];
      if (id === undefined || at === undefined) return;
      at.postMessage({ id, cancel: true } satisfies ToThread);
      // A connector that does not listen is given the time of a call; then its thread ends, as at a time-out (R13, R26).
      setTimeout(() => giveUp(id, at, task.cancelMilliseconds), task.cancelMilliseconds).unref();
    };
    const done = call<ImportOutcome>(
      { call: 'import', task: rest, port: storePort },
      {
        transfer: [storePort],
        timeoutMilliseconds: task.hardLimitMilliseconds,
        onEvent: (event) => forward(event, events),
        onStart: (id) => {
          callId = id;
          thread = worker;
          if (cancelled) queueMicrotask(cancel);
        },
      },
    ).catch(
      (thrown: unknown): ImportOutcome => ({
        complete: false,
        cancelled,
        watermark: undefined,
        counts: noCounts,
        entries: 0,
        errors: [],
        errorCount: 0,
        error: toErrorData(thrown),
      }),
    );
    return { done, cancel };
  }

  return {
    async describe() {
      const description = await call<ConnectorDescription>({ call: 'describe' }, { timeoutMilliseconds: 120_000 });
      batches = description.batches === true;
      return description;
    },
    async select(next) {
      selection = next;
      await call({ call: 'select', selection: next });
    },
    async openExport(request) {
      const session = await call<number>({ call: 'open-export', ...request }, { timeoutMilliseconds: OPEN_MILLISECONDS });
      return exportHandle(session, worker);
    },
    async exportBatch(request, changes, { timeoutMilliseconds }) {
      return batches ? exportBatch({ ...request, changes, callMilliseconds: timeoutMilliseconds }) : undefined;
    },
    runImport,
    setPassword: (identity, password, passwordOptions, partition) =>
      call(
        { call: 'set-password', identity, password, options: passwordOptions, ...(partition === undefined ? {} : { partition }) },
        { timeoutMilliseconds: PASSWORD_MILLISECONDS },
      ),
    find: (request) => call<FoundEntries>({ call: 'find', ...request }, { timeoutMilliseconds: 30_000 }),
    async *test() {
      const results: TestResult[] = [];
      let wake = (): void => {};
      let failure: unknown;
      let ended = false;
      void call(
        { call: 'test' },
        {
          onEvent: (event) => {
            if (event.kind === 'test') results.push(event.result);
            wake();
          },
          timeoutMilliseconds: 120_000,
        },
      )
        .catch((error: unknown) => {
          failure = error;
        })
        .finally(() => {
          ended = true;
          wake();
        });
      for (let index = 0; ; ) {
        const result = results[index];
        if (result !== undefined) {
          index += 1;
          yield result;
        } else if (ended) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      if (failure !== undefined) throw failure;
    },
    quiesced: () => (late.size === 0 ? Promise.resolve() : new Promise((resolve) => lateWaiters.push(resolve))),
    async close() {
      closed = true;
      if (worker !== undefined) await endThread(worker, { close: true } satisfies ToThread);
    },
    onExit(listener) {
      exitListeners.push(listener);
    },
  };
}

function forward(event: ThreadEvent, events: ImportEvents): void {
  if (event.kind === 'progress') events.progress(event);
  else if (event.kind === 'not-reimported') events.notReimported(event.reports);
  else if (event.kind === 'settled') events.settled(event.journalIds, event.passwords);
}

/** The module of a package: built-in names are short for ours. */
function resolvePackage(name: string): string {
  if (name.startsWith('file:')) return name;
  if (isAbsolute(name)) return pathToFileURL(name).href;
  try {
    return import.meta.resolve(/^[a-z0-9-]+$/.test(name) ? `@landbridge/connector-${name}` : name);
  } catch (error) {
    throw new ConnectorError(
      'invalid-configuration',
      `the connector package "${name}" is not installed; built in is sql, or give the path of a module`,
      {},
      { cause: error },
    );
  }
}
