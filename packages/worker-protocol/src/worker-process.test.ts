import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openWorker, type WorkerProcess } from './worker-process.ts';

/** A worker whose `import` never ends; it says a line when asked to, as its heartbeat would. */
const worker = (heartbeatSeconds: number | undefined): string => `
  process.stdin.on('data', (data) => {
    for (const line of String(data).split('\\n').filter(Boolean)) {
      const { id, method } = JSON.parse(line);
      const result = method === 'initialize' ? { protocol: 1, worker: { name: 'w', version: '1', runtime: 'node', heartbeatSeconds: ${heartbeatSeconds} } } : {};
      if (method !== 'import') console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
    }
  });`;

const silent = (): void => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };
const HEARTBEAT_SECONDS = 5;

describe('R26 the liveness of a worker', () => {
  const open: WorkerProcess[] = [];
  async function start(heartbeatSeconds: number | undefined): Promise<WorkerProcess> {
    const values = ['-e', worker(heartbeatSeconds)];
    const opened = await openWorker({ command: process.execPath, values, environment: {} }, { connector: 'c', folder: '/', log, redact: (text) => text });
    open.push(opened);
    return opened;
  }
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    for (const one of open.splice(0)) await one.kill('the test is over');
  });

  it('is its heartbeat and not the length of a call; twelve missed ones end it, with the reason', async () => {
    const process = await start(HEARTBEAT_SECONDS);
    const long = process.call('import', {}).catch((error: Error) => error);
    for (let minutes = 0; minutes < 40; minutes += 1) {
      vi.advanceTimersByTime(60_000);
      await process.call('sign of life', {});
    }
    expect(process.alive).toBe(true);
    vi.advanceTimersByTime(12 * HEARTBEAT_SECONDS * 1000);
    expect(process.alive).toBe(true);
    vi.advanceTimersByTime(HEARTBEAT_SECONDS * 1000);
    expect(process.alive).toBe(false);
    expect(await long).toMatchObject({ code: 'connection-dropped', message: expect.stringContaining('gave no sign of life for 60 seconds') });
  });

  it('is not doubted because the host was paused or its clock was set, nor while no call waits, nor without a heartbeat', async () => {
    const process = await start(HEARTBEAT_SECONDS);
    vi.advanceTimersByTime(3_600_000);
    const other = await start(undefined);
    for (const one of [process, other]) one.call('import', {}).catch(silent);
    vi.setSystemTime(Date.now() + 24 * 3_600_000);
    vi.advanceTimersByTime(HEARTBEAT_SECONDS * 1000);
    expect(process.alive).toBe(true);
    await process.call('sign of life', {});
    vi.advanceTimersByTime(HEARTBEAT_SECONDS * 1000);
    expect(process.alive).toBe(true);
    await process.kill('the rest is about the other one');
    vi.advanceTimersByTime(3_600_000);
    expect(other.alive).toBe(true);
  });
});
