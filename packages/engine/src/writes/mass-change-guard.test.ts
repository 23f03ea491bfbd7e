import { describe, expect, it } from 'vitest';
import { createMassChangeGuard, MASS_CHANGE_WINDOW, type MassChangeGuard } from './mass-change-guard.ts';

function setUp(entries: number, members = 0) {
  const clock = { now: 1_700_000_000_000, elapsed: 1 };
  const there = { entries, members };
  const counts: number[] = [];
  const guard = createMassChangeGuard({
    threshold: { percent: 10, minimum: 5, memberPercent: 50 },
    now: () => clock.now,
    elapsed: () => clock.elapsed,
    countEntries: async () => there.entries,
    countReferences: async (_entry, _attribute, atMost) => {
      counts.push(atMost);
      return Math.min(there.members, atMost);
    },
  });
  return { guard, clock, there, counts };
}

const takeEntry = (guard: MassChangeGuard, kind: 'delete' | 'update', objectType = 'person') =>
  guard.admit({ kind, objectType, entryId: 1, takesAway: { kind: 'entry' } });

async function countAdmitted(guard: MassChangeGuard, kind: 'delete' | 'update', there?: { entries: number }): Promise<number> {
  let admitted = 0;
  while (admitted < 1000 && (await takeEntry(guard, kind)) !== undefined) {
    admitted += 1;
    if (there !== undefined) there.entries -= 1;
  }
  return admitted;
}

describe('SEC-20 the mass-change guard', () => {
  it('lets the share pass of what there was when the hour began', async () => {
    const deletes = setUp(200);
    expect(await countAdmitted(deletes.guard, 'delete', deletes.there)).toBe(20);
    expect(await countAdmitted(setUp(200).guard, 'update')).toBe(20);
    expect(await countAdmitted(setUp(10).guard, 'delete')).toBe(5);
  });

  it('looks back one hour, whether or not the host was restarted in between', async () => {
    const { guard, clock } = setUp(10);
    for (let count = 0; count < 5; count += 1) guard.remember({ objectType: 'person', kind: 'disable', at: clock.now - 10 * 60_000 });
    expect(await takeEntry(guard, 'delete')).toBeUndefined();
    expect(await takeEntry(guard, 'delete', 'machine')).toBeDefined();
    clock.now += MASS_CHANGE_WINDOW - 9 * 60_000;
    expect(await takeEntry(guard, 'delete')).toBeDefined();
  });

  it('does not count what was not applied', async () => {
    const { guard } = setUp(10);
    for (let count = 0; count < 50; count += 1) (await takeEntry(guard, 'delete'))?.takeBack();
    expect(await countAdmitted(guard, 'delete')).toBe(5);
  });

  it('S-181 looks at no more members of a group than it has to: a group has a million', async () => {
    const { guard, there, counts } = setUp(1000, 1_000_000);
    const take = (values: number) =>
      guard.admit({ kind: 'update', objectType: 'group', entryId: 1, takesAway: { kind: 'references', attribute: 'members', values } });
    expect(await take(5)).toBeDefined();
    expect(counts).toEqual([]);
    expect(await take(1)).toBeDefined();
    expect(await take(100)).toBeDefined();
    expect(counts).toEqual([12, 212]);
    // What passes while others are counted counts too: two of them are too many together.
    there.members = 300;
    expect((await Promise.all([take(80), take(80)])).filter((one) => one !== undefined)).toHaveLength(1);
  });

  it('counts the members one group loses, in one request or in many', async () => {
    const { guard, there } = setUp(1000, 40);
    const take = (entryId: number, values: number) =>
      guard.admit({ kind: 'update', objectType: 'group', entryId, takesAway: { kind: 'references', attribute: 'members', values } });
    expect(await take(1, 21)).toBeUndefined();
    expect(await take(1, 20)).toBeDefined();
    there.members -= 20;
    expect(await take(1, 1)).toBeUndefined();
    expect(await take(2, 5)).toBeDefined();
  });

  it('lets everything pass while it is suspended', async () => {
    const { guard, clock } = setUp(10);
    guard.suspend(60_000);
    for (let count = 0; count < 20; count += 1) expect(await takeEntry(guard, 'delete')).toBeDefined();
    clock.now -= 86_400_000;
    clock.elapsed += 60_000;
    expect(await takeEntry(guard, 'delete')).toBeUndefined();
  });
});
