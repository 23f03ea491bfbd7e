import { messageOf } from '@landbridge/connector-sdk';
import { Cron } from 'croner';
import type { Autosync } from '../configuration.ts';
import type { HostLog } from '../host.ts';

/** Keeps the connector space fresh: run profiles by interval or cron expression. */
export interface Scheduler {
  readonly next: { readonly profile: string; readonly at: number } | undefined;
  close(): void;
}

interface Timer {
  readonly profile: string;
  next(): number | undefined;
  stop(): void;
}

/**
 * Starts the schedules of a connector. `start` is asked to run a profile; a tick that finds a run under way is logged and
 * skipped, never queued: the next tick brings what it would have brought.
 */
export function startScheduler(autosync: Autosync, start: (profile: string) => Promise<unknown>, log: HostLog): Scheduler {
  const timers = autosync.schedules.map((schedule): Timer => {
    const tick = (): void => {
      start(schedule.profile).catch((error: unknown) => log.info({ profile: schedule.profile, reason: messageOf(error) }, 'a scheduled run was skipped'));
    };
    return schedule.cron === undefined
      ? everySeconds(schedule.profile, schedule.everySeconds ?? 3600, tick)
      : byCron(schedule.profile, schedule.cron, schedule.timeZone, tick);
  });
  return {
    get next() {
      const times = timers.flatMap((timer) => {
        const at = timer.next();
        return at === undefined ? [] : [{ profile: timer.profile, at }];
      });
      return times.sort((left, right) => left.at - right.at)[0];
    },
    close() {
      for (const timer of timers) timer.stop();
    },
  };
}

function everySeconds(profile: string, seconds: number, tick: () => void): Timer {
  let at = Date.now() + seconds * 1000;
  const timer = setInterval(() => {
    at = Date.now() + seconds * 1000;
    tick();
  }, seconds * 1000).unref();
  return { profile, next: () => at, stop: () => clearInterval(timer) };
}

function byCron(profile: string, expression: string, timeZone: string | undefined, tick: () => void): Timer {
  const cron = new Cron(expression, { unref: true, ...(timeZone === undefined ? {} : { timezone: timeZone }) }, tick);
  return { profile, next: () => cron.nextRun()?.getTime(), stop: () => cron.stop() };
}
