import { describe, expect, it } from 'vitest';
import { exceedsThreshold } from './deletion-threshold.ts';

const threshold = { percent: 10, minimum: 20 };
const plan = (removals: number, total: number) => [{ objectType: 'person', removals, total }];

describe('R23 deletion threshold', () => {
  it('lets removals below the minimum pass, whatever their share', () => {
    expect(exceedsThreshold(plan(19, 20), 1, 'full', threshold)).toBeUndefined();
  });

  it('lets exactly the share pass, and holds one more', () => {
    expect(exceedsThreshold(plan(100, 1000), 900, 'full', threshold)).toBeUndefined();
    expect(exceedsThreshold(plan(101, 1000), 899, 'full', threshold)).toContain('101 of 1000');
  });

  it('holds a full import of nothing against a space with entries, and not a delta of nothing', () => {
    expect(exceedsThreshold(plan(3, 3), 0, 'full', threshold)).toContain('no entries');
    expect(exceedsThreshold(plan(0, 3), 0, 'delta', threshold)).toBeUndefined();
    expect(exceedsThreshold(plan(0, 0), 0, 'full', threshold)).toBeUndefined();
  });

  it('with zero percent holds every removal from the minimum on', () => {
    expect(exceedsThreshold(plan(1, 1000), 999, 'full', { percent: 0, minimum: 1 })).toContain('1 of 1000');
    expect(exceedsThreshold(plan(0, 1000), 1000, 'full', { percent: 0, minimum: 0 })).toBeUndefined();
  });
});
