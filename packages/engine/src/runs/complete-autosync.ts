import type { Capabilities } from '@landbridge/connector-sdk';
import type { Autosync, ConnectorConfiguration, RunStepDefinition } from '../configuration.ts';

/** Seconds between the full imports that find deletes where no delta does, and the configuration asks for none. */
const DAY = 86_400;

/** How deletes in the application come to be known. */
export type DeletesSeen = 'by every import' | 'by full imports only';

/** What deltas tell of deletes. */
export function deletesSeen({ deltaImport, deltaMissesDeletes }: Capabilities): DeletesSeen {
  return deltaImport && !deltaMissesDeletes ? 'by every import' : 'by full imports only';
}

type Schedules = Pick<ConnectorConfiguration, 'autosync' | 'runProfiles'>;

/** Which imports are scheduled, and the profile that is a full import alone. */
function readSchedules({ autosync, runProfiles }: Schedules) {
  const has = (profile: string, kind: RunStepDefinition['kind']): boolean =>
    runProfiles.some((one) => one.name === profile && one.steps.some((step) => step.kind === kind));
  const isScheduled = (kind: RunStepDefinition['kind']): boolean => autosync.schedules.some(({ profile }) => has(profile, kind));
  return {
    delta: isScheduled('delta-import'),
    full: isScheduled('full-import'),
    profile: runProfiles.find((one) => one.steps.length > 0 && one.steps.every((step) => step.kind === 'full-import'))?.name,
  };
}

/**
 * The schedules of a connector: those of the configuration, and a full import a day where only deltas are scheduled that do not see
 * deletes. An import that nobody scheduled is left to whoever starts it.
 */
export function completeAutosync(configuration: Schedules, capabilities: Capabilities): Autosync {
  const { autosync } = configuration;
  if (deletesSeen(capabilities) === 'by every import' || !capabilities.deltaImport) return autosync;
  const { delta, full, profile } = readSchedules(configuration);
  if (!delta || full || profile === undefined) return autosync;
  return { schedules: [...autosync.schedules, { profile, everySeconds: DAY }] };
}

/** What whoever configures deltas that do not see deletes must know; nothing where full imports are scheduled, or there are no deltas. */
export function missedDeletes(configuration: Schedules, capabilities: Capabilities): string | undefined {
  if (deletesSeen(capabilities) === 'by every import' || !capabilities.deltaImport) return undefined;
  const { delta, full, profile } = readSchedules(configuration);
  if (full) return undefined;
  const finds = !delta
    ? 'they are found by full imports alone, and none is scheduled'
    : profile === undefined
      ? 'and there is no run profile of a full import, which would find them'
      : `the profile "${profile}" is run once a day to find them, because autosync names no full import`;
  return `delta imports of this connector do not see what was deleted in the application: ${finds}`;
}
