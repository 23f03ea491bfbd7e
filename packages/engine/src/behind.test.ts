import type { RunResult, RunRow } from '@landbridge/store';
import { describe, expect, it } from 'vitest';
import { createBehind } from './behind.ts';
import { type ConnectorConfiguration, configurationDefaults } from './configuration.ts';

const quiet = (): void => {};
const configuration: ConnectorConfiguration = {
  name: 'app',
  package: '',
  ...configurationDefaults,
  parameters: {},
  secretParameters: [],
  objectTypes: [],
  partitions: [],
  containers: [],
  runProfiles: [
    { name: 'full', steps: [{ kind: 'full-import' }] },
    { name: 'part', steps: [{ kind: 'full-import', partition: 'a' }] },
  ],
  autosync: { schedules: [] },
  deprovisioning: { disable: { action: 'none' }, delete: { action: 'delete' } },
  strictResults: false,
};

/** Whether a run with this result makes up for it. */
async function catchesUp(profile: string, result: RunResult): Promise<boolean> {
  let ended = 0;
  const count = (): void => {
    ended += 1;
  };
  const behind = createBehind(count, 'restore', configuration, { debug: quiet, info: quiet, warn: quiet, error: quiet });
  const row: RunRow = { id: 1, profile, startedBy: '', startedAt: 0, endedAt: 1, result, steps: [], held: undefined };
  const run = Promise.resolve(row);
  behind.observe({ runId: 1, profile, progress: undefined, ended: run, onProgress: () => quiet, cancel: quiet });
  await run;
  await Promise.resolve();
  expect(behind.active).toBe(ended === 0);
  behind.close();
  return ended === 1;
}

describe('R5 a connector that is behind has caught up', () => {
  it('after a full import of everything that was read to its end, whatever single entries could not be read', async () => {
    expect(await catchesUp('full', 'success')).toBe(true);
    expect(await catchesUp('full', 'completed-with-errors')).toBe(true);
  });

  it.each([
    ['full', 'failed'],
    ['full', 'cancelled'],
    ['full', 'interrupted'],
    ['full', 'held'],
    ['part', 'success'],
  ] as const)('not after a run of %s that ended %s', async (profile, result) => {
    expect(await catchesUp(profile, result)).toBe(false);
  });
});
