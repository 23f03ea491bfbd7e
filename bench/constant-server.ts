import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuSecondsOf } from './process-usage.ts';

/** The server of `floor-server.ts` in a process of its own. */
export interface ConstantServer {
  readonly url: string;
  readonly ca: string;
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startConstantServer(): Promise<ConstantServer> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-bench-constant-'));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'floor-server.ts'), folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { url, ca } = await new Promise<{ readonly url: string; readonly ca: string }>((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(JSON.parse(String(chunk)) as { url: string; ca: string }));
    child.once('exit', (code) => reject(new Error(`the floor's server ended with ${code ?? 'a signal'}`)));
  });
  return {
    url,
    ca,
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    async stop() {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.stdin.end();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
