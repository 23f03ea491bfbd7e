/** `npm run bench -- scim|import|scale|ecma2 [--entries N] [--json]`: compares with floors in the same run, prints ratios and aims; no gate. */
const [name, ...rest] = process.argv.slice(2);
process.argv = [...process.argv.slice(0, 2), ...rest];
if (name === 'scim') await import('./scim.ts');
else if (name === 'scale') await import('./scale.ts');
else if (name === 'ecma2') await import('./ecma2.ts');
else if (name === 'import') await import('./import.ts');
else {
  process.stderr.write('error: name a bench: npm run bench -- scim | import | scale | ecma2 [--entries N] [--json]\n');
  process.exitCode = 2;
}

export {};
