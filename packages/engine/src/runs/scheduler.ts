import { messageOf } from '@landbridge/connector-sdk';
import { Cron } from 'croner';
import type { Autosync } from '../configuration.ts';
import { elapsed } from '../elapsed.ts';
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

/** Longer than a day is waited for day by day: a timer of more than some 24 days would go off at once, and again and again. */
const LONGEST_WAIT = 86_400_000;

function everySeconds(profile: string, seconds: number, tick: () => void): Timer {
  const milliseconds = seconds * 1000;
  let due = elapsed() + milliseconds;
  let timer = wait();
  function wait(): NodeJS.Timeout {
    return setTimeout(
      () => {
        if (elapsed() >= due) {
          due = elapsed() + milliseconds;
          tick();
        }
        timer = wait();
      },
      Math.min(LONGEST_WAIT, Math.max(1, due - elapsed())),
    ).unref();
  }
  return { profile, next: () => Date.now() + due - elapsed(), stop: () => clearTimeout(timer) };
}

function byCron(profile: string, expression: string, timeZone: string | undefined, tick: () => void): Timer {
  const cron = new Cron(expression, { unref: true, ...(timeZone === undefined ? {} : { timezone: timeZone }) }, tick);
  return { profile, next: () => cron.nextRun()?.getTime(), stop: () => cron.stop() };
}

/** What is wrong with a cron expression and its time zone; `undefined` when they are right. */
export function explainCron(expression: string, timeZone?: string): string | undefined {
  try {
    if (timeZone !== undefined) new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    return `there is no time zone "${timeZone ?? ''}"; write one such as Europe/Stockholm or UTC`;
  }
  try {
    const next = new Cron(expression, { paused: true, ...(timeZone === undefined ? {} : { timezone: timeZone }) }).nextRun();
    return next === null ? `"${expression}" never comes; write a time that does, such as "0 2 * * *" (every day at two)` : undefined;
  } catch (error) {
    const reason = messageOf(error).replace(/^CronPattern: /, '');
    return `"${expression}" is no cron expression (${reason}); write minute, hour, day, month and weekday, such as "0 2 * * *" (every day at two)`;
  }
}
