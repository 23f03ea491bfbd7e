import { messageOf } from '@landbridge/connector-sdk';
import type { RunRow } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ActiveRun, HostLog } from './host.ts';

/**
 * A connector whose store came back from a backup is *behind* (R5): the application went on without it. Until a full import has
 * ended:
 *
 * 1. writes wait (503 with Retry-After): what a client wants is compared with a state that may be old;
 * 2. nothing is exported again: writes that the backup shows in flight are not settled, held ones are not sent, no full export runs;
 * 3. absence removes nothing: what the import does not show stays until the next one.
 *
 * So is one that was in mode shadow (R31): its space shows what was recorded, and the application never got.
 */
export interface Behind {
  readonly active: boolean;
  /** Why, as the end of a sentence about the connector. */
  readonly reason: string | undefined;
  /** Looks whether a run made up for it. */
  observe(run: ActiveRun): void;
  /** Imports until one made up for it. */
  catchUp(start: (profile: string, startedBy: string) => Promise<ActiveRun>): void;
  close(): void;
}

const RETRY_MILLISECONDS = 30_000;
const REASONS = { restore: 'was restored from a backup', shadow: 'was in mode shadow' } as const;

/** `ended` is told once, when the connector has caught up; absent: it never was behind. */
export function createBehind(ended: (() => void) | undefined, because: 'restore' | 'shadow', configuration: ConnectorConfiguration, log: HostLog): Behind {
  let active = ended !== undefined;
  let timer: NodeJS.Timeout | undefined;
  const covers = (profile: string): boolean =>
    configuration.runProfiles.some((one) => one.name === profile && one.steps.some((step) => step.kind === 'full-import' && step.partition === undefined));

  /** Read to its end, that is: an entry that cannot be read keeps nobody from the others. */
  function settle(run: RunRow): void {
    if (!active || (run.result !== 'success' && run.result !== 'completed-with-errors') || !covers(run.profile)) return;
    active = false;
    clearTimeout(timer);
    log.info({ run: run.id }, 'the connector has caught up');
    ended?.();
  }

  const observe = (run: ActiveRun): void => {
    if (active) void run.ended.then(settle);
  };

  return {
    get active() {
      return active;
    },
    get reason() {
      return active ? REASONS[because] : undefined;
    },
    observe,
    catchUp(start) {
      const profile = configuration.runProfiles.find((one) => covers(one.name))?.name;
      if (!active || profile === undefined) return;
      const attempt = async (): Promise<void> => {
        if (!active) return;
        try {
          const run = await start(profile, because);
          await run.ended;
        } catch (error) {
          log.warn({ reason: messageOf(error) }, 'the import that makes up for it could not start');
        }
        if (active) timer = setTimeout(() => void attempt(), RETRY_MILLISECONDS).unref();
      };
      void attempt();
    },
    close() {
      active = false;
      clearTimeout(timer);
    },
  };
}
