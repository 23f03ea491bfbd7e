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

/**
 * The schedules of a connector: those of the configuration, and a full import a day where only deltas are scheduled that do not see
 * deletes. An import that nobody scheduled is left to whoever starts it.
 */
export function completeAutosync({ autosync, runProfiles }: Pick<ConnectorConfiguration, 'autosync' | 'runProfiles'>, capabilities: Capabilities): Autosync {
  if (deletesSeen(capabilities) === 'by every import' || !capabilities.deltaImport) return autosync;
  const has = (profile: string, kind: RunStepDefinition['kind']): boolean =>
    runProfiles.some((one) => one.name === profile && one.steps.some((step) => step.kind === kind));
  const isScheduled = (kind: RunStepDefinition['kind']): boolean => autosync.schedules.some(({ profile }) => has(profile, kind));
  const full = runProfiles.find((one) => one.steps.length > 0 && one.steps.every((step) => step.kind === 'full-import'));
  if (!isScheduled('delta-import') || isScheduled('full-import') || full === undefined) return autosync;
  return { schedules: [...autosync.schedules, { profile: full.name, everySeconds: DAY }] };
}
