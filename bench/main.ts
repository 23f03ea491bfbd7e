import { readNumber, readOptions, refuse } from '../tools/command-options.ts';
import { compareStores } from './both-stores.ts';

/** `npm run bench -- NAME`: compares with floors in the same run, prints ratios and aims; no gate. */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  scim: () => import('./scim.ts'),
  import: () => import('./import.ts'),
  scale: () => import('./scale.ts'),
  ecma2: () => import('./ecma2.ts'),
  update: () => import('./update.ts'),
};
const text = { type: 'string' } as const;
const given = process.argv.slice(2);
const { values, positionals } = readOptions(
  `
usage: npm run bench -- NAME [OPTIONS]

Measures beside a floor in the same run, prints ratios and aims; it fails only where an answer was wrong.
Example: npm run bench -- scim --entries 10000 --seconds 2

  scim      requests: create, read, filter, patch, list       --entries --seconds --system --operations --connections --json
  import    full, unchanged and delta imports                 --entries N,N,N --json
  scale     what must not grow with a group or a list         --entries --requests --keep FOLDER
  ecma2     imports and exports through the .NET worker       --entries --creates --json
  update    a DLL updated and taken back under requests       --rate --seconds --json

  --store postgres   the host keeps its own state in PostgreSQL (default: sqlite)
  --store both       both, one after the other, side by side with ratios (scim, import)
  --keep FOLDER      scale: the data stay there, and what is there is measured again without an import (the host's own state: SQLite)
  --help             this text
`,
  {
    store: { type: 'string', default: 'sqlite' },
    entries: text,
    seconds: text,
    system: text,
    operations: text,
    connections: text,
    requests: text,
    keep: text,
    creates: text,
    rate: text,
    json: { type: 'boolean' },
  },
  { positionals: true, given },
);
const [name = '', ...unwanted] = positionals;
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) refuse(name === '' ? `name a bench: ${Object.keys(benches).join(', ')}` : `there is no bench "${name}"`);
if (unwanted.length > 0) refuse(`one bench at a time: "${unwanted[0]}" is too much`);
if (!['sqlite', 'postgres', 'both'].includes(values.store)) refuse(`--store is sqlite, postgres or both, not "${values.store}"`);
if (values.store === 'both' && !['scim', 'import'].includes(name)) refuse('--store both is for scim and import');
for (const what of ['entries', 'seconds', 'requests', 'creates', 'connections', 'rate'] as const)
  for (const one of values[what]?.split(',') ?? []) readNumber(what, one, 1);
// Where the host keeps its own state concerns the start of the host alone.
process.env['BENCH_STORE'] = values.store;
const rest = given.filter((one, index) => one !== name && one !== '--store' && given[index - 1] !== '--store' && !one.startsWith('--store='));
process.argv = [...process.argv.slice(0, 2), ...rest];
try {
  if (values.store === 'both') await compareStores(name, rest, values.json === true);
  else await bench();
} catch (error) {
  // What one bench knows, another does not.
  if (!String((error as { readonly code?: unknown }).code).startsWith('ERR_PARSE_ARGS')) throw error;
  refuse((error as Error).message);
}
