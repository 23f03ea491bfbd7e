import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startScheduler } from './scheduler.ts';

const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const MINUTE = 60_000;
const NOON = Date.parse('2026-11-25T12:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Ticks of a schedule, each with the time that the machine's clock shows. */
function schedule(one: { readonly cron: string } | { readonly everySeconds: number }) {
  const ticks: string[] = [];
  const scheduler = startScheduler({ schedules: [{ profile: 'delta', ...one }] }, async () => void ticks.push(new Date().toISOString().slice(0, 16)), log);
  return { ticks, scheduler };
}

describe('schedules while the clock of the machine is set', () => {
  it('cron goes on by the new time when it is set back, also by years', async () => {
    const { ticks, scheduler } = schedule({ cron: '*/10 * * * *' });
    await vi.advanceTimersByTimeAsync(21 * MINUTE);
    expect(ticks).toEqual(['2026-11-25T12:10', '2026-11-25T12:20']);
    vi.setSystemTime(Date.parse('2020-01-01T05:01:00Z'));
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(ticks.slice(2)).toEqual(['2020-01-01T05:10', '2020-01-01T05:20']);
    expect(scheduler.next?.at).toBe(Date.parse('2020-01-01T05:30:00Z'));
    scheduler.close();
  });

  it('cron runs once for what it missed when it is set forward', async () => {
    const { ticks, scheduler } = schedule({ cron: '*/10 * * * *' });
    await vi.advanceTimersByTimeAsync(MINUTE);
    vi.setSystemTime(NOON + 24 * 60 * MINUTE + 5 * MINUTE);
    await vi.advanceTimersByTimeAsync(16 * MINUTE);
    expect(ticks).toEqual(['2026-11-26T12:05', '2026-11-26T12:10', '2026-11-26T12:20']);
    scheduler.close();
  });

  it('an interval is a time that passes, whatever the clock shows', async () => {
    const { ticks, scheduler } = schedule({ everySeconds: 600 });
    await vi.advanceTimersByTimeAsync(11 * MINUTE);
    vi.setSystemTime(NOON - 24 * 60 * MINUTE);
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(ticks).toHaveLength(2);
    scheduler.close();
  });

  it('an interval of more days than a timer can hold comes when it is due, not at once', async () => {
    const { ticks, scheduler } = schedule({ everySeconds: 30 * 86_400 });
    const day = 24 * 60 * MINUTE;
    expect(scheduler.next?.at).toBe(NOON + 30 * day);
    expect(vi.getTimerCount()).toBe(1);
    // What is waited for never exceeds what a timer takes: Node would let it go off after a millisecond.
    const waits = vi.spyOn(globalThis, 'setTimeout');
    await vi.advanceTimersByTimeAsync(29 * day);
    expect(ticks).toEqual([]);
    await vi.advanceTimersByTimeAsync(day);
    expect(ticks).toEqual(['2026-12-25T12:00']);
    await vi.advanceTimersByTimeAsync(30 * day);
    expect(ticks).toHaveLength(2);
    expect(Math.max(...waits.mock.calls.map(([, wait]) => wait ?? 0))).toBeLessThan(2 ** 31);
    scheduler.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
