import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleConfiguration } from '../apps/cli/src/tour/sample-application.ts';
import type { BenchApplication } from './application.ts';

/** The host as a process of its own, as a user starts it. */
export interface BenchHost {
  readonly url: string;
  readonly ca: string;
  readonly pid: number;
  readonly token: string;
  cli<Result>(...list: readonly string[]): Result;
  /** CPU seconds of the whole process so far. */
  cpuSeconds(): number;
  /** Highest resident memory of the process so far, MiB. */
  peakMegabytes(): number;
  stop(): Promise<void>;
}

const landbridge = join(import.meta.dirname, '../bin/landbridge');
const TICKS = 100;

/** Starts the host on an application. */
export async function startBenchHost(application: BenchApplication): Promise<BenchHost> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-bench-host-'));
  const configuration = join(folder, 'landbridge.yaml');
  writeFileSync(configuration, sampleConfiguration(application.parameters));
  const env = { ...process.env, ...application.environment, LANDBRIDGE_DATA: join(folder, 'data') };
  const child: ChildProcess = spawn(landbridge, ['up', '--json', '--port', '0', '--config', configuration], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const { url, caFile } = await new Promise<{ readonly url: string; readonly caFile: string }>((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(JSON.parse(String(chunk)) as { url: string; caFile: string }));
    child.once('exit', (code) => reject(new Error(`the host ended with ${code ?? 'a signal'}`)));
  });
  const cli = <Result>(...list: readonly string[]): Result =>
    JSON.parse(execFileSync(landbridge, [...list, '--json'], { env, encoding: 'utf8', maxBuffer: 1 << 28 })) as Result;
  const pid = child.pid ?? 0;
  return {
    url,
    ca: readFileSync(caFile, 'utf8'),
    pid,
    cli,
    get token() {
      return cli<{ readonly token: string }>('token', 'create', 'hr').token;
    },
    cpuSeconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS;
    },
    peakMegabytes: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    async stop() {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
