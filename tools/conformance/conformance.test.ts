import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findFaults, judge, PAGE, readRequirements, readTests } from './conformance.ts';

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
    const claimed = [...page.matchAll(/^\| (S\S+) \| .*? \| .*? \| tested \|/gm)].map((match) => match[1]);
    const tested = new Set(judge(requirements, tests).flatMap((one) => (one.state === 'tested' ? [one.id] : [])));
    expect(claimed.length).toBeGreaterThan(90);
    expect(claimed.filter((id) => !tested.has(id ?? ''))).toEqual([]);
  });
});
