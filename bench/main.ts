import { parseArgs } from 'node:util';

/** `npm run bench -- scim|import|scale|ecma2 [--store postgres] [--entries N] [--json]`: compares with floors in the same run, prints ratios and aims; no gate. */
const [name, ...given] = process.argv.slice(2);
const { values } = parseArgs({ args: given, options: { store: { type: 'string', default: 'sqlite' } }, strict: false, allowPositionals: true });
// Where the host keeps its own state concerns the start of the host alone.
process.env['BENCH_STORE'] = String(values['store']);
const rest = given.filter((one, index) => one !== '--store' && given[index - 1] !== '--store' && !one.startsWith('--store='));
process.argv = [...process.argv.slice(0, 2), ...rest];
if (name === 'scim') await import('./scim.ts');
else if (name === 'scale') await import('./scale.ts');
else if (name === 'ecma2') await import('./ecma2.ts');
else if (name === 'import') await import('./import.ts');
else {
  process.stderr.write('error: name a bench: npm run bench -- scim | import | scale | ecma2 [--store postgres] [--entries N] [--json]\n');
  process.exitCode = 2;
}
