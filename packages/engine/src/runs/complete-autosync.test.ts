import { defaultCapabilities } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { completeAutosync, deletesSeen, missedDeletes } from './complete-autosync.ts';

const runProfiles = [
  { name: 'delta', steps: [{ kind: 'delta-import' }] },
  { name: 'full', steps: [{ kind: 'full-import' }] },
  { name: 'export', steps: [{ kind: 'full-export' }] },
] as const;
const delta = { schedules: [{ profile: 'delta', everySeconds: 300 }] };
const seeing = { ...defaultCapabilities, deltaImport: true };
const missing = { ...seeing, deltaMissesDeletes: true };

describe('full imports beside deltas that do not see deletes', () => {
  it('R24: a full import a day is added where only deltas are scheduled', () => {
    expect(completeAutosync({ autosync: delta, runProfiles }, missing).schedules).toEqual([...delta.schedules, { profile: 'full', everySeconds: 86_400 }]);
    expect(deletesSeen(missing)).toBe('by full imports only');
    expect(missedDeletes({ autosync: delta, runProfiles }, missing)).toContain('the profile "full" is run once a day');
    expect(missedDeletes({ autosync: { schedules: [] }, runProfiles }, missing)).toContain('none is scheduled');
    expect(missedDeletes({ autosync: delta, runProfiles: [runProfiles[0]] }, missing)).toContain('no run profile of a full import');
  });

  it.each([
    ['deltas that see deletes', delta, seeing],
    ['a full import that is scheduled', { schedules: [...delta.schedules, { profile: 'full', cron: '0 3 * * 0' }] }, missing],
    ['nothing that is scheduled', { schedules: [] }, missing],
    ['exports alone', { schedules: [{ profile: 'export', everySeconds: 60 }] }, missing],
    // Each "delta" is a full import then.
    ['no deltas at all', delta, { ...defaultCapabilities, deltaImport: false }],
  ])('nothing is added to %s', (_name, autosync, capabilities) => {
    expect(completeAutosync({ autosync, runProfiles }, capabilities)).toBe(autosync);
  });

  it.each([
    ['deltas that see deletes', delta, seeing],
    ['a full import that is scheduled', { schedules: [...delta.schedules, { profile: 'full', everySeconds: 60 }] }, missing],
    ['no deltas at all', delta, { ...defaultCapabilities, deltaImport: false }],
  ])('nothing is said of %s', (_name, autosync, capabilities) => {
    expect(missedDeletes({ autosync, runProfiles }, capabilities)).toBeUndefined();
  });
});
