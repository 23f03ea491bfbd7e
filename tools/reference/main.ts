import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { referencePages } from './pages.ts';

/** `npm run reference`: writes the pages that are made from the sources; `-- --check` only says which are stale. */
const check = process.argv.includes('--check');
const stale = Object.entries(await referencePages()).filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
for (const [file, text] of stale) {
  if (!check) writeFileSync(file, text);
  process.stdout.write(`${file} ${check ? 'is stale' : 'is written'}\n`);
}
if (stale.length === 0) process.stdout.write('the reference pages are up to date\n');
if (check && stale.length > 0) {
  process.stdout.write('write them with: npm run reference\n');
  process.exitCode = 1;
}
