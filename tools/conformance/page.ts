import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINDING, findFaults, formatPage, judge, PAGE, readRequirements, readTests } from './conformance.ts';

/** `npm run conformance:page`: writes the conformance page. With `--check`, fails when it is not what would be written. */
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
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    process.stderr.write(`error: ${PAGE} is not up to date; run npm run conformance:page\n`);
    process.exitCode = 1;
  }
} else writeFileSync(file, page);
if (faults.length > 0) process.exitCode = 1;
