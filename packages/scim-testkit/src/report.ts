import type { CheckResult } from './run-checks.ts';

/** All results, and what they come to. */
export interface Report {
  readonly baseUrl: string;
  readonly profile: string;
  readonly at: string;
  readonly passed: number;
  readonly failed: number;
  /** Of the failed ones, those that the RFCs demand. */
  readonly failedRequired: number;
  readonly skipped: number;
  readonly results: readonly CheckResult[];
}

/** Counts results. */
export function summarize(baseUrl: string, profile: string, at: Date, results: readonly CheckResult[]): Report {
  const count = (result: CheckResult['result']): number => results.filter((one) => one.result === result).length;
  return {
    baseUrl,
    profile,
    at: at.toISOString(),
    passed: count('passed'),
    failed: count('failed'),
    failedRequired: results.filter((one) => one.result === 'failed' && one.level === 'required').length,
    skipped: count('skipped'),
    results,
  };
}

const LEVELS = { required: 'demanded by the RFCs', clients: 'needed by clients', recommended: 'recommended' } as const;

/** The report for people: what failed and why, what was skipped, and the counts. */
export function formatReport(report: Report): string {
  const lines: string[] = [];
  for (const one of report.results) {
    if (one.result === 'failed') lines.push(`✗ ${one.title} (${LEVELS[one.level]})`, ...(one.reason ?? '').split('\n').map((line) => `    ${line}`));
  }
  const skipped = new Map<string, number>();
  for (const one of report.results) if (one.result === 'skipped') skipped.set(one.reason ?? '', (skipped.get(one.reason ?? '') ?? 0) + 1);
  for (const [reason, count] of skipped) lines.push(`- ${count} skipped: ${reason}`);
  lines.push(`${report.passed} passed, ${report.failed} failed (${report.failedRequired} of them demanded by the RFCs), ${report.skipped} skipped`);
  return `${lines.join('\n')}\n`;
}
