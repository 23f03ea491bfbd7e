import type { Check, CheckLevel } from './check.ts';
import type { Kit } from './kit.ts';

/** What became of a check. */
export interface CheckResult {
  readonly title: string;
  readonly level: CheckLevel;
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly milliseconds: number;
}

/** Runs checks one after the other, and takes away what each of them made. */
export async function* runChecks(kit: Kit, checks: readonly Check[]): AsyncGenerator<CheckResult> {
  for (const check of checks) {
    const { title, level = 'required' } = check;
    const reason = reasonToSkip(kit, check);
    if (reason !== undefined) {
      yield { title, level, result: 'skipped', reason, milliseconds: 0 };
      continue;
    }
    const started = performance.now();
    let failure: string | undefined;
    try {
      await check.run(kit);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    await kit.clean();
    const milliseconds = Math.round(performance.now() - started);
    yield failure === undefined ? { title, level, result: 'passed', milliseconds } : { title, level, result: 'failed', reason: failure, milliseconds };
  }
}

/** Why a check does not fit a service; `undefined` when it does. */
export function reasonToSkip(kit: Pick<Kit, 'has' | 'profile'>, check: Check): string | undefined {
  if (check.profile !== undefined && check.profile !== kit.profile) return `for the ${check.profile} dialect only`;
  const missing = (check.needs ?? []).filter((need) => !kit.has(need));
  return missing.length === 0 ? undefined : `the service has no ${missing.join(', ')}`;
}
