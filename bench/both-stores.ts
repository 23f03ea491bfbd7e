import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { format } from './report.ts';

/** A line of a bench: what was measured, by name, and what the line is of. */
type Line = Readonly<Record<string, string | number>>;

/** What is compared: `more` is better, or `less`. */
const MEASURES: Readonly<Record<string, 'more' | 'less'>> = {
  perSecond: 'more',
  p50: 'less',
  p99: 'less',
  cpuMicroseconds: 'less',
  fullSeconds: 'less',
  unchangedSeconds: 'less',
  deltaSeconds: 'less',
  lookUpMicroseconds: 'less',
  peakMegabytes: 'less',
};
const main = join(import.meta.dirname, 'main.ts');

/** Runs a bench on both stores, one after the other on the same machine, and puts what they measured side by side. */
export async function compareStores(bench: string, options: readonly string[], json: boolean): Promise<void> {
  const run = async (store: string): Promise<readonly Line[]> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...process.execArgv, main, bench, ...options.filter((one) => one !== '--json'), '--json', '--store', store],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      },
    );
    return (JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { readonly lines: readonly Line[] }).lines;
  };
  const [sqlite, postgres] = [await run('sqlite'), await run('postgres')];
  const rows = sqlite.flatMap((line, index) => {
    const other = postgres[index];
    if (other === undefined) return [];
    const what = ['system', 'operation', 'connections', 'entries'].flatMap((name) => (line[name] === undefined ? [] : [String(line[name])])).join(' ');
    return Object.entries(MEASURES).flatMap(([name, better]) => {
      const [before, after] = [Number(line[name]), Number(other[name])];
      return line[name] === undefined || other[name] === undefined
        ? []
        : [{ what, measure: name, better, sqlite: before, postgres: after, ratio: after / before }];
    });
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return;
  }
  process.stdout.write(`${'what'.padEnd(36)} ${'measure'.padEnd(19)} ${'SQLite'.padStart(9)} ${'PostgreSQL'.padStart(11)}  PostgreSQL : SQLite\n`);
  // Floors are the machine's, and in the JSON: how far they are apart says how quiet it was.
  for (const row of rows.filter((one) => !one.what.includes('floor of')))
    process.stdout.write(
      `${row.what.padEnd(36)} ${row.measure.padEnd(19)} ${format(row.sqlite).padStart(9)} ${format(row.postgres).padStart(11)}  ${format(row.ratio)} (${row.better} is better)\n`,
    );
}
