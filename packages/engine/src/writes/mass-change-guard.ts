import type { MassChangeThreshold } from '../configuration.ts';
import type { PlannedWrite } from './planned-write.ts';

/**
 * The brake on what a client takes away (SEC-20): a directory whose scope was cleared by mistake deletes or disables
 * everybody within minutes, and each request by itself looks right.
 *
 * Per hour and object type, deletes and disables pass up to the threshold, and so do values taken from the references of
 * one entry (the members of a group). What is above it is not refused but held, by the caller.
 */
export interface MassChangeGuard {
  /** `undefined`: the write must be held. Otherwise it counts, unless it is taken back because nothing was applied. */
  admit(write: Pick<PlannedWrite, 'kind' | 'objectType' | 'entryId' | 'takesAway'>): Promise<{ takeBack(): void } | undefined>;
  /** Counts what passed before the host was restarted. */
  remember(write: { readonly objectType: string; readonly kind: 'delete' | 'disable'; readonly at: number }): void;
  /** Lets everything pass for so long. */
  suspend(milliseconds: number): void;
}

export interface MassChangeGuardOptions {
  readonly threshold: MassChangeThreshold;
  readonly now: () => number;
  /** The clock that nobody sets: a suspension ends although the machine's is set back. */
  readonly elapsed: () => number;
  countEntries(objectType: string): Promise<number>;
  /** No more are looked at than `atMost`. */
  countReferences(entryId: number, attribute: string, atMost: number): Promise<number>;
}

/** How far back the guard looks, milliseconds. */
export const MASS_CHANGE_WINDOW = 3_600_000;

const MINUTE = 60_000;

const harmless = { takeBack(): void {} };

/** Holds nothing: for a connector whose configuration says so. */
export const noGuard: MassChangeGuard = { admit: async () => harmless, remember() {}, suspend() {} };

/** Makes the guard of a connector. */
export function createMassChangeGuard(options: MassChangeGuardOptions): MassChangeGuard {
  const { threshold, now, elapsed } = options;
  const windows = new Map<string, Minute[]>();
  let suspendedUntil = 0;
  let sweptAt = now();

  /** What passed lately; windows of others are looked at once a minute, so that a request costs the same however many groups change. */
  function windowOf(key: string): Minute[] {
    const since = now() - MASS_CHANGE_WINDOW;
    if (now() - sweptAt >= MINUTE) {
      sweptAt = now();
      for (const [other, minutes] of windows) if (minutes.every((minute) => minute.at <= since)) windows.delete(other);
    }
    const kept = (windows.get(key) ?? []).filter((minute) => minute.at > since);
    windows.set(key, kept);
    return kept;
  }

  function count(key: string, at: number, weight: number, gone: boolean): void {
    const minutes = windowOf(key);
    const start = at - (at % MINUTE);
    let minute = minutes.find((one) => one.at === start);
    if (minute === undefined) {
      minute = { at: start, weight: 0, gone: 0 };
      minutes.push(minute);
    }
    minute.weight += weight;
    if (gone) minute.gone += weight;
  }

  return {
    async admit({ kind, objectType, entryId, takesAway }) {
      if (takesAway === undefined) return harmless;
      const { key, weight, percent, population } = measure(objectType, entryId, takesAway, options);
      const enoughFor = (takes: number): number => (takes > threshold.minimum && percent > 0 ? Math.ceil((takes * 100) / percent) : 0);
      const passed = (): number => sum(windowOf(key), 'weight') + weight;
      // Most requests are far below the minimum, and need no count of what there is; others need no higher one than they pass by: a group has a
      // million members. While it is counted more may pass, which then need a higher one.
      let [counted, left] = [0, 0];
      for (let enough = enoughFor(passed()); enough > counted; enough = enoughFor(passed())) [counted, left] = [enough, await population(enough)];
      const before = windowOf(key);
      // The share is of what there was when the hour began.
      const allowed = Math.max(threshold.minimum, ((left + sum(before, 'gone')) * percent) / 100);
      if (sum(before, 'weight') + weight > allowed && elapsed() >= suspendedUntil) return undefined;
      const at = now();
      const gone = kind === 'delete' || takesAway.kind === 'references';
      count(key, at, weight, gone);
      return { takeBack: () => count(key, at, -weight, gone) };
    },
    remember({ objectType, kind, at }) {
      count(objectType, at, 1, kind === 'delete');
    },
    suspend(milliseconds) {
      suspendedUntil = elapsed() + milliseconds;
    },
  };
}

/** What passed within one minute. */
interface Minute {
  /** Its start, epoch milliseconds. */
  readonly at: number;
  weight: number;
  /** The part of the weight that the population lost: a disabled entry is still there. */
  gone: number;
}

function sum(minutes: readonly Minute[], what: 'weight' | 'gone'): number {
  return minutes.reduce((total, minute) => total + minute[what], 0);
}

interface Measure {
  readonly key: string;
  readonly weight: number;
  readonly percent: number;
  /** How many there are, or at least so many. */
  population(enough: number): Promise<number>;
}

function measure(
  objectType: string,
  entryId: number | undefined,
  takesAway: NonNullable<PlannedWrite['takesAway']>,
  { threshold, countEntries, countReferences }: MassChangeGuardOptions,
): Measure {
  if (takesAway.kind === 'entry' || entryId === undefined)
    return { key: objectType, weight: 1, percent: threshold.percent, population: () => countEntries(objectType) };
  const { attribute, values } = takesAway;
  return {
    key: `${entryId} ${attribute}`,
    weight: values,
    percent: threshold.memberPercent,
    population: (enough) => countReferences(entryId, attribute, enough),
  };
}
