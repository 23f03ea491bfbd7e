import { spawnSync } from 'node:child_process';

/** One program of a run of checks. */
export interface Step {
  readonly name: string;
  readonly command: string;
  readonly values: readonly string[];
}

/** The checks of the sources, cheapest first. */
export const checkSteps: readonly Step[] = [
  { name: 'types', command: 'tsc', values: ['-p', 'tsconfig.json'] },
  { name: 'format and lint', command: 'biome', values: ['check', '--error-on-warnings', '.'] },
  { name: 'promises', command: 'oxlint', values: ['--type-aware', '--deny-warnings'] },
  {
    name: 'unused code and imports',
    command: 'knip',
    values: ['--include', 'files,dependencies,unlisted,unresolved', '--no-progress'],
  },
];

/** Runs steps one after the other and says how each went; all of them, so that one look shows everything. */
export function runSteps(steps: readonly Step[]): boolean {
  let passed = true;
  for (const step of steps) {
    const started = performance.now();
    const { status, error } = spawnSync(step.command, [...step.values], { stdio: 'inherit' });
    const ok = status === 0;
    process.stdout.write(
      `${ok ? '✓' : '✗'} ${step.name} (${((performance.now() - started) / 1000).toFixed(1)} s)${error === undefined ? '' : ` ${error.message}`}\n`,
    );
    passed &&= ok;
  }
  return passed;
}
