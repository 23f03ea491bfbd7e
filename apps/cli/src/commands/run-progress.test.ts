import { describe, expect, it } from 'vitest';
import { describeRun } from './run-progress.ts';

const run = { id: 1, profile: 'full', startedAt: 0, endedAt: 1100, result: 'failed' } as const;
const counts = { added: 0, updated: 0, unchanged: 0, removed: 0 };

describe('the end of a run', () => {
  it('says where the reason is when the host could not store it, such as on a full disk', () => {
    const text = describeRun('hr', { ...run, steps: [] });
    expect(text).toContain('the reason is in its log (host.log in the data folder)');
    expect(text).toContain('run it again: landbridge run hr full');
  });

  it('says the reason itself when there is one', () => {
    const text = describeRun('hr', {
      ...run,
      steps: [{ counts, errorCount: 1, errors: [{ entry: '', error: { code: 'unreachable', message: 'no answer' } }] }],
    });
    expect(text).toContain('no answer (unreachable)');
    expect(text).not.toContain('host.log');
  });
});
