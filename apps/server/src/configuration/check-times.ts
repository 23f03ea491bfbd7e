import { explainCron } from '@landbridge/engine';
import { noDuration, readDuration } from './durations.ts';
import { nearest } from './nearest.ts';

type Json = Readonly<Record<string, unknown>>;
type Add = (path: readonly string[], message: string) => void;

/** The options that are durations, with the shortest one, in seconds. Nothing that is waited for may be longer than a timer can be. */
const WAITS: readonly (readonly [group: string, name: string, shortest: number])[] = [
  ['limits', 'call', 0.001],
  ['limits', 'deadline', 0.001],
  ['limits', 'hardLimit', 0.001],
  ['session', 'idle', 0],
  ['session', 'max', 0],
];
const LONGEST_WAIT = 24 * 86_400;
const KEPT = ['journal', 'runs', 'audit'];
const LONGEST_INTERVAL = 366 * 86_400;

/** Finds durations, schedules and profiles of schedules that cannot be meant: the host would find out when the time has come, or never. */
export function findWrongTimes(connectors: Readonly<Record<string, Json>>, add: Add): void {
  for (const [name, connector] of Object.entries(connectors)) {
    const check = (path: readonly string[], value: unknown, shortest: number, longest: number): void => {
      const problem = value === undefined ? undefined : wrongDuration(value, shortest, longest);
      if (problem !== undefined) add(['connectors', name, ...path], problem);
    };
    const group = (of: string): Json => (connector[of] ?? {}) as Json;
    for (const [of, option, shortest] of WAITS) check([of, option], group(of)[option], shortest, LONGEST_WAIT);
    for (const option of KEPT) check(['retention', option], group('retention')[option], 0, Number.MAX_SAFE_INTEGER);
    const profiles = [...new Set(['full', 'delta', ...Object.keys(group('runProfiles'))])];
    for (const [profile, when] of Object.entries(group('autosync'))) {
      const path = ['autosync', profile];
      if (!profiles.includes(profile)) add(['connectors', name, ...path], unknownProfile(profile, profiles));
      if (typeof when !== 'object' || when === null) check(path, when, 1, LONGEST_INTERVAL);
      else {
        const { cron, timeZone } = when as { readonly cron: string; readonly timeZone?: string };
        const problem = explainCron(cron, timeZone);
        if (problem !== undefined) add(['connectors', name, ...path], problem);
      }
    }
  }
}

function wrongDuration(value: unknown, shortest: number, longest: number): string | undefined {
  const seconds = readDuration(value);
  if (seconds === undefined) return noDuration(value);
  if (seconds < shortest) return `"${String(value)}" is too short; write ${shortest < 1 ? 'a duration longer than nothing' : `at least ${shortest}s`}`;
  return seconds > longest ? `"${String(value)}" is too long; write at most ${longest / 86_400}d` : undefined;
}

function unknownProfile(profile: string, profiles: readonly string[]): string {
  const near = nearest(profile, profiles);
  return `there is no run profile "${profile}"${near === undefined ? '' : `; did you mean "${near}"?`} (profiles: ${profiles.join(', ')})`;
}
