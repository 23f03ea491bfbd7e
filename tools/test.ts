import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installBackends, postgresPrograms } from './backends.ts';
import { checkSteps, runSteps, type Step } from './steps.ts';

/** `npm test`: installs what the tests need, checks the sources, runs the tests, and tortures for a short while. */
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const missing = installBackends(say);
for (const backend of missing) say(`${backend.name} is not here and cannot be installed: its tests are skipped`);
const inCi = process.env['CI'] === 'true';
if (missing.length > 0 && inCi) {
  say(`error: with CI=true every backend must be there; missing: ${missing.map((backend) => backend.name).join(', ')}`);
  process.exit(1);
}
const only = process.argv.slice(2);
const report = join(mkdtempSync(join(tmpdir(), 'landbridge-tests-')), 'results.json');
const tests: Step = { name: 'tests', command: 'vitest', values: ['run', ...only, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`] };
const conformance: Step = { name: 'conformance page', command: process.execPath, values: ['tools/conformance/page.ts', '--results', report] };
const torture = 'test/recovery/torture.ts';
const tortures: readonly Step[] = [
  { name: 'torture, short', command: process.execPath, values: [torture, '--short'] },
  // On PostgreSQL the edges of the commits are what differs.
  {
    name: 'torture on PostgreSQL, short',
    command: process.execPath,
    values: [torture, '--store', 'postgres', '--hits', '1', '--point', 'intents-after-commit,results-before-commit,results-after-commit,page-after-commit'],
  },
];
const steps =
  only.length > 0 ? [tests] : [...checkSteps, ...(existsSync(torture) ? tortures.slice(0, postgresPrograms() === undefined ? 1 : 2) : []), tests, conformance];
process.exitCode = runSteps(steps) ? 0 : 1;
rmSync(dirname(report), { recursive: true, force: true });
