import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINDING, findFaults, formatPage, judge, PAGE, readRequirements, readTests } from './conformance.ts';
import { readOutcomes, unproven } from './results.ts';

/**
 * `npm run conformance:page`: writes the conformance page. With `--check`, fails when it is not what would be written. With
 * `--results FILE`, the JSON report of a run of the tests, fails when that run does not show what the page says.
 */
const file = join(import.meta.dirname, '../..', PAGE);
const requirements = readRequirements();
const tests = readTests();
const judged = judge(requirements, tests);
const page = formatPage(judged);
const faults = findFaults(requirements, tests);
for (const fault of faults) process.stderr.write(`error: ${fault}\n`);
const open = judged.filter((one) => one.state === 'open');
const binding = open.filter((one) => BINDING.has(one.level));
const ids = (some: readonly { readonly id: string }[]): string => some.map((one) => one.id).join(' ');
process.stdout.write(`${binding.length} binding requirements are open: ${ids(binding)}\n`);
process.stdout.write(`${open.length - binding.length} others are open: ${ids(open.filter((one) => !BINDING.has(one.level)))}\n`);
const results = process.argv.indexOf('--results');
if (results !== -1) {
  const outcomes = readOutcomes(requirements, readFileSync(process.argv[results + 1] ?? '', 'utf8'));
  const claimed = new Set(judged.filter((one) => one.state === 'tested').map((one) => one.id));
  const missing = unproven(claimed, outcomes);
  process.stdout.write(`${claimed.size - missing.length} of ${claimed.size} requirements have tests that passed in this run\n`);
  for (const { id, passed, failed, skipped } of missing)
    process.stdout.write(`${id}: ${passed} of its tests passed, ${failed} failed, ${skipped} were skipped\n`);
  // On a laptop a backend may be missing, and its tests are skipped by name.
  if (missing.some((one) => one.failed > 0 || one.skipped === 0) || (missing.length > 0 && process.env['CI'] === 'true')) process.exitCode = 1;
} else if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write(`error: ${PAGE} is not up to date; run npm run conformance:page\n`);
    process.exitCode = 1;
  }
} else writeFileSync(file, page);
if (faults.length > 0) process.exitCode = 1;
