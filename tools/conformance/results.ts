import type { Requirement } from './conformance.ts';

/** What one run of the tests says of a requirement: how many of the tests that carry its id passed, failed, or were skipped. */
export interface Outcome {
  readonly id: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that is read. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[] }[];
}

const ID = /\b(?:S-\d{3}|SEC-\d{2})\b/g;

/** The outcome of each requirement in a run: by the ids in the names under which the tests ran, those of their groups included. */
export function readOutcomes(requirements: readonly Requirement[], report: string): readonly Outcome[] {
  const counts = new Map(requirements.map((one) => [one.id, { id: one.id, passed: 0, failed: 0, skipped: 0 }]));
  const { testResults } = JSON.parse(report) as Report;
  for (const { fullName, status } of testResults.flatMap((file) => file.assertionResults))
    for (const id of new Set(fullName.match(ID) ?? [])) {
      const count = counts.get(id);
      if (count !== undefined) count[status === 'passed' || status === 'failed' ? status : 'skipped'] += 1;
    }
  return [...counts.values()];
}

/** Requirements that the page calls passed, and of which this run shows no such thing. */
export function unproven(claimed: ReadonlySet<string>, outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.filter((one) => claimed.has(one.id) && (one.passed === 0 || one.failed > 0));
}
