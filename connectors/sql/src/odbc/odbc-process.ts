import { type ChildProcess, fork } from 'node:child_process';
import type { Diagnosis, DriverFacts, FromProgram, OdbcRequest, ToProgram } from './messages.ts';

/** What a call to a driver failed with. */
export class OdbcError extends Error {
  readonly diagnosis: Diagnosis;
  constructor(diagnosis: Diagnosis) {
    super(diagnosis.message);
    this.diagnosis = diagnosis;
  }
}

/** A connection inside the process of the drivers. */
export interface OdbcConnection {
  readonly facts: DriverFacts;
  request<Result>(request: OdbcRequest): Promise<Result>;
  /** Stops what the connection is doing; where the driver does not, the process ends after a while. */
  cancel(): void;
  /** Ends the connection; never waits for a driver that hangs. */
  close(): void;
}

/** The process that the drivers of one database run in; started with the first connection, and again when it has ended. */
export interface OdbcProcess {
  connect(text: string, seconds: number): Promise<OdbcConnection>;
  close(): void;
}

/** How long a driver may take to stop what it was told to stop, or to disconnect. */
const PATIENCE_MILLISECONDS = 10_000;

const REPEAT_MILLISECONDS = 250;

interface Running {
  readonly child: ChildProcess;
  readonly waiting: Map<number, { resolve(result: unknown): void; reject(error: Error): void }>;
}

/** Calls to drivers that may wait at the same time: as many as there are connections, as a rule. */
const THREADS = 32;
/** How long a process without users stays: one that starts costs more than one that waits. */
const IDLE_MILLISECONDS = 10_000;

let shared: { readonly process: OdbcProcess; users: number; idle: NodeJS.Timeout | undefined } | undefined;

/** Lends the process of this thread, which has the drivers of one connector. */
export function borrowOdbcProcess(): { readonly program: OdbcProcess; release(): void } {
  shared ??= { process: createOdbcProcess(), users: 0, idle: undefined };
  const own = shared;
  own.users += 1;
  clearTimeout(own.idle);
  let released = false;
  return {
    program: own.process,
    release() {
      if (released) return;
      released = true;
      own.users -= 1;
      if (own.users > 0) return;
      own.idle = setTimeout(() => {
        if (shared === own) shared = undefined;
        own.process.close();
      }, IDLE_MILLISECONDS).unref();
    },
  };
}

/** Makes a process; nothing is started yet. */
export function createOdbcProcess(): OdbcProcess {
  let running: Running | undefined;
  let nextId = 1;
  let closed = false;

  function start(): Running {
    const child = fork(new URL('./program.ts', import.meta.url), [], {
      serialization: 'advanced',
      // Drivers print what they like; nothing of it belongs into our output.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) },
    });
    const started: Running = { child, waiting: new Map() };
    child.on('message', (message: FromProgram) => {
      const call = started.waiting.get(message.id);
      started.waiting.delete(message.id);
      if (started.waiting.size === 0) child.channel?.unref();
      if ('diagnosis' in message) call?.reject(new OdbcError(message.diagnosis));
      else if ('failure' in message) call?.reject(new Error(message.failure));
      else call?.resolve(message.result);
    });
    const end = (why: string): void => {
      if (running === started) running = undefined;
      for (const call of started.waiting.values())
        call.reject(new OdbcError({ state: '08S01', native: 0, message: `the process of the driver ended (${why})` }));
      started.waiting.clear();
    };
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    // An idle process keeps nobody alive.
    child.unref();
    child.channel?.unref();
    running = started;
    return started;
  }

  function ask<Result>(to: Running, connection: number, request: OdbcRequest): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = nextId;
      nextId += 1;
      to.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      to.child.channel?.ref();
      const message: ToProgram = { id, connection, request };
      to.child.send(message, (error) => {
        if (error === null || !to.waiting.delete(id)) return;
        reject(new OdbcError({ state: '08S01', native: 0, message: `the process of the driver does not listen (${error.message})` }));
      });
    });
  }

  return {
    async connect(text, seconds) {
      if (closed) throw new OdbcError({ state: '08003', native: 0, message: 'the database is closed' });
      const to = running ?? start();
      const number = nextId;
      nextId += 1;
      const facts = await ask<DriverFacts>(to, number, { call: 'connect', text, seconds });
      const pending = new Set<object>();
      /** Only a signal ends a driver that hangs: it goes when these calls are still under way after a while. */
      const killUnlessDone = (calls: readonly object[]): void => {
        setTimeout(() => void (calls.some((call) => pending.has(call)) && to.child.kill('SIGKILL')), PATIENCE_MILLISECONDS).unref();
      };
      const request = async <Result>(what: OdbcRequest): Promise<Result> => {
        pending.add(what);
        try {
          return await ask<Result>(to, number, what);
        } finally {
          pending.delete(what);
        }
      };
      return {
        facts,
        request,
        cancel() {
          const calls = [...pending];
          killUnlessDone(calls);
          // A driver that has not begun yet has nothing to stop: it is told again until it has ended.
          const tell = (): void => {
            if (!calls.some((call) => pending.has(call))) return;
            ask(to, number, { call: 'cancel' }).catch(() => {});
            setTimeout(tell, REPEAT_MILLISECONDS).unref();
          };
          tell();
        },
        close() {
          const ending: OdbcRequest = { call: 'disconnect' };
          request(ending).catch(() => {});
          killUnlessDone([ending]);
        },
      };
    },
    close() {
      closed = true;
      running?.child.kill('SIGTERM');
    },
  };
}
