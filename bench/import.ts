import { parseArgs } from 'node:util';
import pg from 'pg';
import Cursor from 'pg-cursor';
import { postgresApplication } from './application.ts';
import { startBenchHost } from './host.ts';

const { values } = parseArgs({ options: { entries: { type: 'string' }, json: { type: 'boolean', default: false } } });
const sizes = values.entries === undefined ? [10_000, 200_000, 1_000_000] : values.entries.split(',').map(Number);
const MEMBERSHIPS = 5;

/** The floor: the identical statements and fetch size, rows discarded. */
async function floor(url: string): Promise<{ readonly seconds: number; readonly rows: number }> {
  const started = performance.now();
  let rows = 0;
  const read = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const cursor = client.query(new Cursor(sql, [], { rowMode: 'array', types: { getTypeParser: () => (value: unknown) => value } }));
    for (let page = await cursor.read(2000); page.length > 0; page = await cursor.read(2000)) rows += page.length;
    await client.end();
  };
  await read('SELECT "id", "user_name", "first_name", "last_name", "mail", "title", "department", "status", "manager_id" FROM "employees" ORDER BY "id"');
  await Promise.all([
    read('SELECT "id", "name" FROM "departments" ORDER BY "id"'),
    read('SELECT "department_id", "employee_id" FROM "memberships" ORDER BY "department_id"'),
  ]);
  return { seconds: (performance.now() - started) / 1000, rows };
}

interface Line {
  readonly entries: number;
  readonly floorSeconds: number;
  readonly floorRowsPerSecond: number;
  readonly fullSeconds: number;
  readonly unchangedSeconds: number;
  readonly fullToFloor: number;
  readonly unchangedToFloor: number;
  readonly peakMegabytes: number;
}

const lines: Line[] = [];
for (const entries of sizes) {
  const application = await postgresApplication(entries, MEMBERSHIPS);
  const host = await startBenchHost(application);
  try {
    const run = (): number => {
      const ended = host.cli<{ readonly result: string; readonly startedAt: number; readonly endedAt: number }>('run', 'hr', 'full');
      if (ended.result !== 'success') throw new Error(`the run ended with ${ended.result}`);
      return (ended.endedAt - ended.startedAt) / 1000;
    };
    await floor(application.server?.url ?? '');
    const measured = await floor(application.server?.url ?? '');
    const fullSeconds = run();
    const unchangedSeconds = run();
    const line: Line = {
      entries,
      floorSeconds: measured.seconds,
      floorRowsPerSecond: Math.round(measured.rows / measured.seconds),
      fullSeconds,
      unchangedSeconds,
      fullToFloor: fullSeconds / measured.seconds,
      unchangedToFloor: unchangedSeconds / measured.seconds,
      peakMegabytes: Math.round(host.peakMegabytes()),
    };
    lines.push(line);
    if (!values.json) {
      process.stdout.write(
        `${entries} people, ${MEMBERSHIPS} memberships each: floor ${line.floorSeconds.toFixed(1)} s (${line.floorRowsPerSecond} rows/s) · full import ${fullSeconds.toFixed(1)} s (${line.fullToFloor.toFixed(1)} × floor) · unchanged ${unchangedSeconds.toFixed(1)} s (${line.unchangedToFloor.toFixed(1)} × floor) · peak ${line.peakMegabytes} MiB\n`,
      );
    }
  } finally {
    await host.stop();
    await application.stop();
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(lines)}\n`);
