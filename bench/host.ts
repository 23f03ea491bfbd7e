import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startPostgres } from '../test/backends/postgres.ts';
import type { BenchApplication } from './application.ts';
import { cpuSecondsOf, peakMegabytes, treeMegabytes, waitedMilliseconds } from './process-usage.ts';

/** The host as a process of its own, as a user starts it. */
export interface BenchHost {
  readonly url: string;
  readonly ca: string;
  cli<Result>(...list: readonly string[]): Promise<Result>;
  /** A new token of the connector. */
  createToken(): Promise<string>;
  /** CPU seconds of the host's process so far: of nothing else. */
  cpuSeconds(): number;
  /** Milliseconds that the host's main thread waited for a processor so far. */
  waitedMilliseconds(): number;
  /** The highest memory of the host's process and everything that it started, so far, MiB. */
  peakMegabytes(): number;
  stop(): Promise<void>;
}

const landbridge = join(import.meta.dirname, '../bin/landbridge');
const SAMPLE_MILLISECONDS = 50;

/** Starts the host on an application. Its data folder stays in `keep`, and one that is there is used again; absent, it goes with the host. */
export async function startBenchHost(application: BenchApplication, keep?: string): Promise<BenchHost> {
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'landbridge-bench-host-'));
  const configuration = join(folder, 'landbridge.yaml');
  writeFileSync(configuration, application.configuration);
  const state = process.env['BENCH_STORE'] === 'postgres' ? await startPostgres({ durable: true, settings: ['max_wal_size=4GB'] }) : undefined;
  const env = { ...process.env, ...application.environment, LANDBRIDGE_DATA: join(folder, 'data'), BENCH_STORE_URL: state?.url ?? '' };
  const store = state === undefined ? [] : ['--store', '${env:BENCH_STORE_URL}'];
  // `BENCH_NODE_OPTIONS=--cpu-prof` and its like are for the host alone.
  const options = process.env['BENCH_NODE_OPTIONS'] === undefined ? {} : { NODE_OPTIONS: process.env['BENCH_NODE_OPTIONS'] };
  const child: ChildProcess = spawn(landbridge, ['up', '--json', '--port', '0', '--config', configuration, ...store], {
    env: { ...env, ...options },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { url, caFile } = await new Promise<{ readonly url: string; readonly caFile: string }>((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(JSON.parse(String(chunk)) as { url: string; caFile: string }));
    child.once('exit', (code) => reject(new Error(`the host ended with ${code ?? 'a signal'}`)));
  });
  const cli = async <Result>(...list: readonly string[]): Promise<Result> => {
    const { stdout } = await promisify(execFile)(landbridge, [...list, '--json'], { env, encoding: 'utf8', maxBuffer: 1 << 28 });
    return JSON.parse(stdout) as Result;
  };
  const pid = child.pid ?? 0;
  let tree = 0;
  const sampling = setInterval(() => {
    if (child.exitCode === null) tree = Math.max(tree, treeMegabytes(pid));
  }, SAMPLE_MILLISECONDS);
  return {
    url,
    ca: readFileSync(caFile, 'utf8'),
    cli,
    createToken: async () => (await cli<{ readonly token: string }>('token', 'create', 'hr', '--client', `bench-${Date.now()}`)).token,
    cpuSeconds: () => cpuSecondsOf(pid),
    waitedMilliseconds: () => waitedMilliseconds(pid),
    peakMegabytes: () => Math.max(tree, peakMegabytes(pid)),
    async stop() {
      clearInterval(sampling);
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      await ended;
      await state?.stop();
      if (keep === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
