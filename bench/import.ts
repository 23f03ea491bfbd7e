import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { FETCH_ROWS } from '../connectors/sql/src/import-session.ts';
import { type BenchApplication, personOf, postgresApplication } from './application.ts';
import { type BenchHost, startBenchHost } from './host.ts';
import { logStatements, measureFloor, readImportStatements } from './import-floor.ts';
import { type Aim, aim, format, printAims } from './report.ts';

const { values } = parseArgs({ options: { entries: { type: 'string' }, json: { type: 'boolean', default: false } } });
const sizes = values.entries === undefined ? [10_000, 200_000, 1_000_000] : values.entries.split(',').map(Number);
const MEMBERSHIPS = 5;
const DELTA = 1000;
const DELTA_RUNS = 5;
const LOOK_UPS = 500;

interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Line {
  readonly entries: number;
  readonly floorSeconds: number;
  readonly floorRowsPerSecond: number;
  readonly fullSeconds: number;
  readonly fullCpuSeconds: number;
  readonly unchangedSeconds: number;
  readonly unchangedCpuSeconds: number;
  readonly fullToFloor: number;
  readonly unchangedToFloor: number;
  /** Of a delta with 1,000 changes: the median of several. */
  readonly deltaSeconds: number;
  readonly lookUpMicroseconds: number;
  /** Of the host's process tree, while importing. */
  readonly peakMegabytes: number;
}

const print = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

function median(list: readonly number[]): number {
  return [...list].sort((left, right) => left - right)[Math.floor(list.length / 2)] ?? 0;
}

async function run(host: BenchHost, profile: 'full' | 'delta', expected: Partial<Record<'added' | 'updated' | 'unchanged', number>>): Promise<Measured> {
  const before = host.cpuSeconds();
  const ended = await host.cli<{
    readonly result: string;
    readonly startedAt: number;
    readonly endedAt: number;
    readonly steps: readonly { readonly counts: Readonly<Record<string, number>> }[];
  }>('run', 'hr', profile);
  const counts = ended.steps.at(-1)?.counts ?? {};
  if (ended.result !== 'success') throw new Error(`the run ended with ${ended.result}`);
  for (const [name, count] of Object.entries(expected)) if (counts[name] !== count) throw new Error(`${profile}: ${name} is ${counts[name]}, not ${count}`);
  return { seconds: (ended.endedAt - ended.startedAt) / 1000, cpuSeconds: host.cpuSeconds() - before };
}

/** Reads random people by a filter on userName, one after the other, over TLS, and checks each. */
async function lookUp(host: BenchHost, entries: number): Promise<number> {
  const pool = new Pool(host.url, { connections: 1, connect: { ca: host.ca } });
  const authorization = `Bearer ${await host.createToken()}`;
  const times: number[] = [];
  for (let count = 0; count < LOOK_UPS; count += 1) {
    const index = 1 + Math.floor(Math.random() * entries);
    const started = performance.now();
    const { body } = await pool.request({
      method: 'GET',
      path: `/scim/hr/Users?filter=${encodeURIComponent(`userName eq "${personOf(index).userName}"`)}`,
      headers: { authorization },
    });
    const found = (await body.json()) as { readonly totalResults: number; readonly Resources: readonly { readonly userName: string }[] };
    times.push((performance.now() - started) * 1000);
    if (found.totalResults !== 1 || found.Resources[0]?.userName !== personOf(index).userName) throw new Error(`person ${index} was not found`);
  }
  await pool.close();
  return median(times);
}

function change(application: BenchApplication, entries: number): void {
  // Spread over the whole table, later than every watermark before.
  application.server?.psql(
    `UPDATE employees SET title = 'Changed ' || clock_timestamp()::text, updated_at = clock_timestamp() WHERE id IN (SELECT 1 + i * ${Math.floor(entries / DELTA)} FROM generate_series(0, ${DELTA - 1}) i);`,
  );
}

async function measure(entries: number): Promise<Line> {
  const application = await postgresApplication(entries, MEMBERSHIPS);
  const host = await startBenchHost(application);
  const { server } = application;
  if (server === undefined) throw new Error('the application has no server');
  try {
    const teams = Math.max(MEMBERSHIPS, Math.ceil(entries / 500));
    logStatements(server);
    const full = await run(host, 'full', { added: entries + teams });
    const statements = readImportStatements(server);
    const floors = [await measureFloor(server, statements, FETCH_ROWS), await measureFloor(server, statements, FETCH_ROWS)];
    const unchanged = await run(host, 'full', { unchanged: entries + teams });
    floors.push(await measureFloor(server, statements, FETCH_ROWS));
    const peak = host.peakMegabytes();
    const deltas: number[] = [];
    for (let count = 0; count < DELTA_RUNS; count += 1) {
      change(application, entries);
      deltas.push((await run(host, 'delta', { updated: DELTA })).seconds);
    }
    const floorSeconds = median(floors.map((one) => one.seconds));
    return {
      entries,
      floorSeconds,
      floorRowsPerSecond: Math.round((floors[0]?.rows ?? 0) / floorSeconds),
      fullSeconds: full.seconds,
      fullCpuSeconds: full.cpuSeconds,
      unchangedSeconds: unchanged.seconds,
      unchangedCpuSeconds: unchanged.cpuSeconds,
      fullToFloor: full.seconds / floorSeconds,
      unchangedToFloor: unchanged.seconds / floorSeconds,
      deltaSeconds: median(deltas),
      lookUpMicroseconds: await lookUp(host, entries),
      peakMegabytes: Math.round(peak),
    };
  } finally {
    await host.stop();
    await application.stop();
  }
}

function aimsOf(lines: readonly Line[]): readonly Aim[] {
  const aims: Aim[] = [];
  for (const line of lines) {
    aims.push(aim(`full import of ${line.entries}, to its floor`, line.fullToFloor, 'most', 3, '×'));
    aims.push(aim(`unchanged full import of ${line.entries}, to its floor`, line.unchangedToFloor, 'most', 2.5, '×'));
    aims.push(aim(`peak memory at ${line.entries}`, line.peakMegabytes, 'most', 700, 'MiB'));
  }
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined || first === last) return aims;
  aims.push(aim(`delta of ${DELTA} at ${last.entries}, to that at ${first.entries}`, last.deltaSeconds / first.deltaSeconds, 'most', 1.3, '×'));
  const before = lines.at(-2) ?? first;
  aims.push(aim(`peak memory at ${last.entries}, to that at ${before.entries}`, last.peakMegabytes / before.peakMegabytes, 'most', 1.1, '×'));
  return aims;
}

const lines: Line[] = [];
for (const entries of sizes) {
  const line = await measure(entries);
  lines.push(line);
  print(
    [
      `${entries} people, ${MEMBERSHIPS} memberships each:`,
      `  floor      ${format(line.floorSeconds)} s, ${line.floorRowsPerSecond} rows a second`,
      `  full       ${format(line.fullSeconds)} s, ${format(line.fullToFloor)} × floor, CPU ${format(line.fullCpuSeconds)} s`,
      `  unchanged  ${format(line.unchangedSeconds)} s, ${format(line.unchangedToFloor)} × floor, CPU ${format(line.unchangedCpuSeconds)} s`,
      `  delta      ${format(line.deltaSeconds * 1000)} ms for ${DELTA} changes`,
      `  look-up    ${format(line.lookUpMicroseconds)} µs by userName, one connection`,
      `  peak       ${line.peakMegabytes} MiB`,
    ].join('\n'),
  );
}
const aims = aimsOf(lines);
if (values.json) process.stdout.write(`${JSON.stringify({ lines, aims })}\n`);
else printAims(aims, print);
