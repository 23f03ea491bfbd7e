import type { RemovalPlan } from '@landbridge/store';
import type { DeletionThreshold } from '../configuration.ts';

/**
 * Whether a complete step would remove too much, and must be held (R23). Counted per object type: more than `percent` of
 * its entries and at least `minimum` of them. A full import of nothing into a space that has something is always held.
 *
 * @returns the reason in a sentence, or `undefined` when the removals may go on.
 */
export function exceedsThreshold(plans: readonly RemovalPlan[], imported: number, kind: 'full' | 'delta', threshold: DeletionThreshold): string | undefined {
  const known = plans.reduce((sum, plan) => sum + plan.total, 0);
  if (kind === 'full' && imported === 0 && known > 0) return `the application returned no entries, and the connector space has ${known}`;
  for (const { objectType, removals, total } of plans) {
    if (removals < threshold.minimum || removals === 0) continue;
    // In hundredths, so that no rounding decides.
    if (removals * 100 > threshold.percent * total)
      return `${removals} of ${total} entries of "${objectType}" would be removed; the threshold is ${threshold.percent} % and at least ${threshold.minimum}`;
  }
  return undefined;
}
