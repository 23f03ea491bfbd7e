import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFaults, judge, PAGE, readRequirements, readTests } from './conformance.ts';
import { readOutcomes, unproven } from './results.ts';

describe('the conformance page', () => {
  const requirements = readRequirements();
  const tests = readTests();

  it('has every requirement once, and every id in a title is one', () => {
    expect(new Set(requirements.map((one) => one.id)).size).toBe(requirements.length);
    expect(requirements.filter((one) => one.id.startsWith('S-'))).toHaveLength(253);
    expect(requirements.filter((one) => one.id.startsWith('SEC-'))).toHaveLength(65);
    expect(findFaults(requirements, tests)).toEqual([]);
  });

  it('claims nothing that has no test any more', () => {
    const page = readFileSync(join(import.meta.dirname, '../..', PAGE), 'utf8');
    const claimed = [...page.matchAll(/^\| (S\S+) \| .*? \| .*? \| passed \|/gm)].map((match) => match[1]);
    const tested = new Set(judge(requirements, tests).flatMap((one) => (one.state === 'tested' ? [one.id] : [])));
    expect(claimed.length).toBeGreaterThan(90);
    expect(claimed.filter((id) => !tested.has(id ?? ''))).toEqual([]);
  });

  it('is held to the results of a run: what did not run, was skipped or failed is not passed', () => {
    const assertionResults = [
      { fullName: 'S-001 a group S-002 a test', status: 'passed' },
      { fullName: 'S-002 another', status: 'failed' },
      { fullName: 'S-003 skipped', status: 'skipped' },
      { fullName: 'S-004 passed once', status: 'passed' },
      { fullName: 'S-004 and skipped once', status: 'skipped' },
    ];
    const outcomes = readOutcomes(requirements, JSON.stringify({ testResults: [{ assertionResults }] }));
    expect(unproven(new Set(['S-001', 'S-002', 'S-003', 'S-004', 'S-005']), outcomes)).toEqual([
      { id: 'S-002', passed: 1, failed: 1, skipped: 0 },
      { id: 'S-003', passed: 0, failed: 0, skipped: 1 },
      { id: 'S-005', passed: 0, failed: 0, skipped: 0 },
    ]);
  });
});
