import { style } from '../output.ts';

/** One difference between two configurations. */
export interface ConfigurationChange {
  readonly path: string;
  readonly kind: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Differences, a line each. */
export function describeChanges(changes: readonly ConfigurationChange[]): string {
  if (changes.length === 0) return 'no differences';
  return changes
    .map((change) => {
      const mark = change.kind === 'added' ? style.good('+') : change.kind === 'removed' ? style.bad('-') : style.warn('~');
      const values = change.kind === 'changed' ? `: ${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}` : '';
      return `${mark} ${change.path === '' ? 'everything' : change.path}${values}`;
    })
    .join('\n');
}
