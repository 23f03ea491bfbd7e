import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { Agent, request } from 'undici';
import { connectPinned } from './pinned-connection.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the host is not running, 4 refused. */
export const exitCode = { failed: 1, usage: 2, notRunning: 3, refused: 4 } as const;

/** What ends a command with a sentence and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: number;
  readonly hint: string | undefined;
  constructor(exit: number, message: string, hint?: string) {
    super(message);
    this.exit = exit;
    this.hint = hint;
  }
}

/** The running host, over its admin API. */
export interface AdminClient {
  readonly url: string;
  readonly caFile: string | undefined;
  get<Result>(path: string): Promise<Result>;
  send<Result>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Result>;
  /** Lines of JSON as they come. */
  lines<Line>(method: 'GET' | 'POST', path: string): AsyncGenerator<Line>;
  close(): Promise<void>;
}

/** What the host cannot do just now is a failure; what it does not accept is refused. */
function exitOf(status: number): number {
  return status === 503 ? exitCode.failed : exitCode.refused;
}

/** The data folder of a command: `--data`, else LANDBRIDGE_DATA, else `.landbridge`. */
export function dataFolderOf(option: string | undefined): string {
  return resolve(option ?? process.env['LANDBRIDGE_DATA'] ?? '.landbridge');
}

/** Where the host listens. A folder that may not be looked into is another matter than one without a host. */
function readHostFile(file: string, folder: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(exitCode.notRunning, `no host runs on ${folder}`, `landbridge up --data ${folder} --config landbridge.yaml`);
  }
}

/** Finds the host that runs on a data folder. @throws CommandError when none does. */
export function connectHost(option: string | undefined): AdminClient {
  const folder = dataFolderOf(option);
  const file = join(folder, 'host.json');
  const { url, caFile, fingerprint } = JSON.parse(readHostFile(file, folder)) as {
    readonly url: string;
    readonly caFile?: string;
    readonly fingerprint?: string;
  };
  const token = readFileSync(join(folder, 'admin-token'), 'utf8').trim();
  const dispatcher = new Agent({
    connect: fingerprint !== undefined ? connectPinned(fingerprint) : caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') },
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const headers = { authorization: `Bearer ${token}` };

  async function call(method: string, path: string, body: unknown) {
    try {
      const content =
        body === undefined
          ? {}
          : {
              body: typeof body === 'string' ? body : JSON.stringify(body),
              headers: { ...headers, 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' },
            };
      return await request(`${url}/admin/v1${path}`, { method: method as 'GET', dispatcher, headers, ...content });
    } catch (error) {
      if ((error as { readonly code?: string }).code === 'ECONNREFUSED')
        throw new CommandError(
          exitCode.notRunning,
          `the host of ${folder} does not answer at ${url}`,
          'it may have been stopped the hard way; start it again: landbridge up',
        );
      throw new CommandError(exitCode.failed, `the host cannot be reached: ${messageOf(error)}`);
    }
  }

  async function json<Result>(method: string, path: string, body?: unknown): Promise<Result> {
    const response = await call(method, path, body);
    const text = await response.body.text();
    const parsed = JSON.parse(text) as Result & { readonly error?: { readonly message: string; readonly hint?: string } };
    if (response.statusCode >= 400)
      throw new CommandError(exitOf(response.statusCode), parsed.error?.message ?? `the host answered ${response.statusCode}`, parsed.error?.hint);
    return parsed;
  }

  return {
    url,
    caFile,
    get: (path) => json('GET', path),
    send: (method, path, body) => json(method, path, body),
    async *lines<Line>(method: 'GET' | 'POST', path: string): AsyncGenerator<Line> {
      const response = await call(method, path, undefined);
      if (response.statusCode >= 400) {
        const { error } = (await response.body.json()) as { readonly error: { readonly message: string; readonly hint?: string } };
        throw new CommandError(exitOf(response.statusCode), error.message, error.hint);
      }
      let rest = '';
      for await (const chunk of response.body) {
        rest += String(chunk);
        const parts = rest.split('\n');
        rest = parts.pop() ?? '';
        for (const line of parts) if (line !== '') yield JSON.parse(line) as Line;
      }
    },
    close: () => dispatcher.close(),
  };
}
