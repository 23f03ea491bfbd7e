import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { ConnectorError, type Logger } from '@landbridge/connector-sdk';
import { toWireError, type WireErrorData } from './worker-errors.ts';

/** How a worker is started. */
export interface WorkerProgram {
  readonly command: string;
  readonly values: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a worker says of itself at the handshake. */
export interface WorkerIntroduction {
  readonly protocol: number;
  readonly worker: {
    readonly name: string;
    readonly version?: string;
    readonly runtime?: string;
    readonly heartbeatSeconds?: number;
    readonly pipelines?: boolean;
  };
  readonly connector: { readonly name: string; readonly version?: string };
}

/** What the host tells a worker, and what it needs to understand its errors. */
export interface WorkerOptions {
  /** The name of the connector instance. */
  readonly connector: string;
  readonly folder: string;
  readonly log: Logger;
  /** Takes secrets out of texts. */
  redact(text: string): string;
}

/** A worker: one process, one connector package. */
export interface WorkerProcess {
  readonly introduction: WorkerIntroduction;
  readonly pid: number;
  readonly alive: boolean;
  /** Calls a method. Rejects with a ConnectorError; with `connection-dropped` when the process ends first. */
  call<Result>(method: string, params: unknown): Promise<Result>;
  /** Sends the requests of all calls that the function makes in one piece. */
  together<Result>(make: () => Result): Result;
  /** Closes the stream to the worker, which ends it; kills it when it stays. */
  end(): Promise<void>;
  /** Ends it at once. Resolves when the process is gone: nothing of it can be at work any more (R14). */
  kill(reason: string): Promise<void>;
}

interface Waiting {
  readonly method: string;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

const PROTOCOL = 1;
/** A worker that says it has a heartbeat and misses this many is dead (R26). */
const MISSED_HEARTBEATS = 12;
const END_MILLISECONDS = 2000;
const LONGEST_LINE = 256 * 1024 * 1024;
const KEPT_ERROR_TEXT = 8 * 1024;
const LOGGED_BYTES_A_SECOND = 64 * 1024;
const NEWLINE = 10;

/** Starts a worker and shakes hands. @throws ConnectorError `invalid-configuration` when it cannot be started, with the reason. */
export async function openWorker(program: WorkerProgram, options: WorkerOptions): Promise<WorkerProcess> {
  const child = spawn(program.command, [...program.values], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...program.environment } });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new ConnectorError('invalid-configuration', `the worker of "${options.connector}" cannot be started: ${program.command}: ${error.message}`)),
    );
  });
  const channel = connect(child, options);
  try {
    const introduction = await channel.call<WorkerIntroduction>('initialize', { protocols: [PROTOCOL], connector: options.connector, folder: options.folder });
    channel.watch(introduction.worker.heartbeatSeconds);
    options.log.debug('a worker is up', { pid: child.pid, worker: introduction.worker.name, runtime: introduction.worker.runtime });
    return {
      introduction,
      pid: child.pid ?? 0,
      call: channel.call,
      together: channel.together,
      end: channel.end,
      kill: channel.kill,
      get alive() {
        return channel.alive;
      },
    };
  } catch (error) {
    await channel.kill('the handshake failed');
    throw error;
  }
}

interface Channel {
  readonly alive: boolean;
  call<Result>(method: string, params: unknown): Promise<Result>;
  together<Result>(make: () => Result): Result;
  watch(heartbeatSeconds: number | undefined): void;
  end(): Promise<void>;
  kill(reason: string): Promise<void>;
}

function connect(child: ChildProcess, options: WorkerOptions): Channel {
  const { log, redact } = options;
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new ConnectorError('invalid-configuration', 'the worker has no standard streams');
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  // Counted in beats of our own timer, not by the clock: a host that was paused, or whose clock was set, must not take that for silence.
  let silentBeats = 0;
  let killedFor: string | undefined;
  let ended: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const errorText = createErrorText(log, redact);

  const gone = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      clearInterval(timer);
      ended = killedFor ?? errorText.explain(code, signal);
      for (const call of waiting.values())
        call.reject(new ConnectorError('connection-dropped', `the worker of "${options.connector}" ended while "${call.method}" was under way: ${ended}`));
      waiting.clear();
      if (killedFor === undefined && stdin.writable) log.error('a worker ended on its own', { pid: child.pid, reason: ended });
      resolve();
    });
  });
  // A pipe that breaks is told by 'close'.
  stdin.on('error', () => {});
  stderr.setEncoding('utf8').on('data', (text: string) => errorText.add(text));
  readLines(stdout, receive, () => void kill('it sent a line that does not end'));
  hold(false);

  /** The event loop stays alive for a worker only while a call waits for it. */
  function hold(on: boolean): void {
    for (const stream of [stdin, stdout, stderr] as unknown as Socket[])
      if (on) stream.ref?.();
      else stream.unref?.();
    if (on) child.ref();
    else child.unref();
  }

  function receive(line: string): void {
    silentBeats = 0;
    let message: {
      readonly id?: number;
      readonly result?: unknown;
      readonly error?: { readonly message?: string; readonly data?: WireErrorData };
      readonly method?: string;
      readonly params?: unknown;
    };
    try {
      message = JSON.parse(line) as typeof message;
    } catch {
      log.error('the worker sent a line that is not JSON', { text: line.slice(0, 200) });
      return void kill('it sent a line that is not JSON: standard output is for the protocol alone');
    }
    if (message.method !== undefined) return notice(message.method, message.params);
    const call = message.id === undefined ? undefined : waiting.get(message.id);
    if (call === undefined || message.id === undefined) return;
    waiting.delete(message.id);
    if (waiting.size === 0) hold(false);
    if (message.error === undefined) call.resolve(message.result ?? {});
    else call.reject(toWireError({ ...message.error.data, ...(message.error.message === undefined ? {} : { message: message.error.message }) }, redact));
  }

  function notice(method: string, params: unknown): void {
    if (method !== 'log') return;
    const { level, message } = params as { readonly level?: string; readonly message?: string };
    const at = level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
    log[at](redact(String(message ?? '')));
  }

  function call<Result>(method: string, params: unknown): Promise<Result> {
    if (ended !== undefined || killedFor !== undefined)
      return Promise.reject(new ConnectorError('connection-dropped', `the worker of "${options.connector}" has ended: ${ended ?? killedFor}`));
    const id = nextId;
    nextId += 1;
    return new Promise<Result>((resolve, reject) => {
      if (waiting.size === 0) {
        silentBeats = 0;
        hold(true);
      }
      waiting.set(id, { method, resolve: resolve as (result: unknown) => void, reject });
      stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  }

  async function kill(reason: string): Promise<void> {
    if (ended === undefined) {
      killedFor ??= reason;
      child.kill('SIGKILL');
    }
    await gone;
  }

  return {
    get alive() {
      return ended === undefined && killedFor === undefined;
    },
    call,
    together(make) {
      stdin.cork();
      try {
        return make();
      } finally {
        stdin.uncork();
      }
    },
    watch(heartbeatSeconds) {
      if (heartbeatSeconds === undefined || heartbeatSeconds <= 0) return;
      timer = setInterval(() => {
        silentBeats = waiting.size === 0 ? 0 : silentBeats + 1;
        if (silentBeats > MISSED_HEARTBEATS) void kill(`it gave no sign of life for ${heartbeatSeconds * MISSED_HEARTBEATS} seconds`);
      }, heartbeatSeconds * 1000).unref();
    },
    async end() {
      if (ended === undefined) {
        killedFor ??= 'it was told to end';
        stdin.end();
        const force = setTimeout(() => child.kill('SIGKILL'), END_MILLISECONDS).unref();
        hold(true);
        await gone;
        clearTimeout(force);
      }
    },
    kill,
  };
}

/** Splits a stream into lines without copying more than once; the rest of a chunk waits for its end. */
function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void, onTooLong: () => void): void {
  let parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE, start); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end);
      const line = parts.length === 0 ? last.toString('utf8') : Buffer.concat([...parts, last]).toString('utf8');
      parts = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') onLine(line);
    }
    if (start === chunk.length) return;
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > LONGEST_LINE) onTooLong();
  });
}

/** Standard error of a worker: logged within bounds, its end kept to explain a death. */
function createErrorText(
  log: Logger,
  redact: (text: string) => string,
): { add(text: string): void; explain(code: number | null, signal: string | null): string } {
  let tail = '';
  let second = 0;
  let logged = 0;
  let dropped = 0;
  return {
    add(text) {
      tail = (tail + text).slice(-KEPT_ERROR_TEXT);
      const now = Math.floor(Date.now() / 1000);
      if (now !== second) {
        if (dropped > 0) log.warn('output of the connector was dropped: it prints too much', { characters: dropped });
        second = now;
        logged = 0;
        dropped = 0;
      }
      const room = Math.max(0, LOGGED_BYTES_A_SECOND - logged);
      if (room > 0) log.warn(redact(text.slice(0, room).trimEnd()));
      dropped += Math.max(0, text.length - room);
      logged += text.length;
    },
    explain(code, signal) {
      const how = signal === null ? `exit code ${code ?? 0}` : `signal ${signal}`;
      if (/stack ?overflow/i.test(tail)) return `${how}: a stack overflow in the connector (it recursed without end)`;
      if (/out of memory|OutOfMemoryException/i.test(tail)) return `${how}: the connector used up its memory`;
      const cause = /(?:Unhandled Exception:\s*|FATAL UNHANDLED EXCEPTION: )([^\n]+)/i.exec(tail)?.[1];
      if (cause !== undefined) return `${how}: ${redact(cause.trim())}`;
      return signal === null ? `${how}: the connector ended its process` : how;
    },
  };
}
