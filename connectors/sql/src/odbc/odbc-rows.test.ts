import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariadb } from '../../../../test/backends/mariadb.ts';
import { startPostgres } from '../../../../test/backends/postgres.ts';
import { odbcDrivers } from '../../../../tools/backends.ts';
import type { SqlRow, SqlValue } from '../database.ts';
import type { RowsPage } from './messages.ts';
import { createOdbcProcess, type OdbcConnection, OdbcError, type OdbcProcess } from './odbc-process.ts';

interface TestedDriver {
  readonly name: string;
  readonly table: string;
  /** What slows a statement down to some seconds. */
  readonly slow: string;
  /** A text of the product, from what it tells of itself. */
  readonly product: RegExp;
  readonly decimals: readonly string[];
  start(): Promise<{ readonly text: string; stop(): Promise<void> | void }>;
}

const drivers = odbcDrivers();
const DECIMALS = ['12345678901234567890.0123456789', '-0.0000000001'];
const TESTED: readonly TestedDriver[] = [
  {
    name: 'SQLite',
    product: /sqlite/i,
    table: 'CREATE TABLE kinds (id INTEGER PRIMARY KEY, words TEXT, bytes BLOB, big BIGINT, exact TEXT, ratio DOUBLE, moment VARCHAR(40))',
    slow: 'WITH RECURSIVE s(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM s) SELECT count(*) FROM s',
    decimals: DECIMALS,
    async start() {
      const folder = mkdtempSync(join(tmpdir(), 'landbridge-odbc-'));
      return {
        text: `Driver=${drivers?.sqlite ?? ''};Database=${join(folder, 'app.db')};StepAPI=1;`,
        stop: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
  },
  {
    name: 'PostgreSQL',
    product: /postgres/i,
    table:
      'CREATE TABLE kinds (id bigint PRIMARY KEY, words text, bytes bytea, big bigint, exact numeric(40, 10), ratio double precision, moment timestamp(6))',
    slow: 'SELECT pg_sleep(30)',
    decimals: DECIMALS,
    async start() {
      const server = await startPostgres();
      const { host, port, database, user, password } = server;
      return {
        text: `Driver=${drivers?.postgres ?? ''};Servername=${host};Port=${port};Database=${database};Uid=${user};Pwd={${password}};`,
        stop: () => server.stop(),
      };
    },
  },
  {
    name: 'MariaDB',
    product: /maria/i,
    table:
      'CREATE TABLE kinds (id bigint PRIMARY KEY, words longtext, bytes longblob, big bigint, exact decimal(40, 10), ratio double, moment datetime(6)) CHARACTER SET utf8mb4',
    slow: 'SELECT sleep(30)',
    decimals: DECIMALS,
    async start() {
      const server = await startMariadb();
      const { host, port, database, user, password } = server;
      return {
        text: `Driver=${drivers?.mariadb ?? ''};Server=${host};Port=${port};Database=${database};Uid=${user};Pwd={${password}};charset=utf8mb4;`,
        stop: () => server.stop(),
      };
    },
  },
];

/** Texts at which readers of buffers break: empty, with spaces, outside the first plane, and around the size of one read. */
const WORDS: readonly (string | null)[] = [
  null,
  '',
  ' x ',
  'Zoë €',
  '😀\u{1F1E6}',
  "it's; --",
  'a'.repeat(32_766),
  'b'.repeat(32_767),
  'c'.repeat(32_768),
  `${'d'.repeat(32_766)}😀`,
  'ß😀'.repeat(70_000),
];
const BYTES: readonly (Uint8Array | null)[] = [
  null,
  Uint8Array.of(0),
  Uint8Array.of(0, 255, 10, 13, 92, 39),
  new Uint8Array(65_535).fill(7),
  new Uint8Array(65_536).fill(8),
  new Uint8Array(65_537).fill(9),
  new Uint8Array(300_000).map((_, index) => index),
];
const BIG: readonly (bigint | null)[] = [null, 0n, -1n, 9_007_199_254_740_993n, 2n ** 63n - 1n, -(2n ** 63n)];

/** Row number n of the table: every kind of value meets every other somewhere. */
function rowOf(n: number, decimals: readonly string[]): readonly SqlValue[] {
  return [
    BigInt(n),
    // Long values are few: the test is about rows, and their edges.
    n < 40 ? (WORDS[n % WORDS.length] ?? null) : n % 7 === 0 ? null : `word ${n} é`,
    n < 40 ? (BYTES[n % BYTES.length] ?? null) : n % 5 === 0 ? null : Uint8Array.of(n & 255, 0),
    BIG[n % BIG.length] ?? null,
    n % 3 === 0 ? null : (decimals[n % decimals.length] ?? null),
    n % 4 === 0 ? null : 0.5,
    n % 2 === 0 ? null : '2026-07-03 04:05:06.123456',
  ];
}

/** A value as all drivers have it: text, bytes, or nothing. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`;
  return value === null ? null : String(value);
}

describe.each(TESTED)('rows through the ODBC driver of $name', (tested) => {
  let stop: (() => Promise<void> | void) | undefined;
  let text = '';
  let program: OdbcProcess;
  let connection: OdbcConnection;

  beforeAll(async () => {
    if (drivers === undefined) return;
    const started = await tested.start();
    [text, stop] = [started.text, started.stop];
    program = createOdbcProcess();
    connection = await program.connect(text, 10);
  });
  afterAll(async () => {
    program?.close();
    await stop?.();
  });

  const run = (sql: string, values: readonly SqlValue[] = [], rows = 1000, one = connection): Promise<RowsPage> =>
    one.request({ call: 'run', sql, values, seconds: 20, rows, bytes: 1_000_000 });

  it.skipIf(drivers === undefined)('every row and every byte arrives, whatever the size of a page', async () => {
    expect(connection.facts.product).toMatch(tested.product);
    await run(tested.table);
    const wanted = Array.from({ length: 2100 }, (_, n) => rowOf(n, tested.decimals));
    await connection.request({ call: 'begin', isolation: undefined });
    for (const row of wanted) expect((await run('INSERT INTO kinds VALUES (?, ?, ?, ?, ?, ?, ?)', row)).changes).toBe(1);
    await connection.request({ call: 'end', commit: true });
    const expected = wanted.map((row) => row.map(comparable));
    for (const size of [1, 2, 100, 1000, 5000]) {
      const rows: SqlRow[] = [];
      for (let page = await run('SELECT * FROM kinds ORDER BY id', [], size); ; ) {
        expect(page.rows.length).toBeLessThanOrEqual(size);
        rows.push(...page.rows);
        if (page.ended) break;
        page = await connection.request<RowsPage>({ call: 'more', rows: size, bytes: 1_000_000 });
      }
      expect(rows).toHaveLength(wanted.length);
      const different = rows.map((row) => row.map(comparable)).filter((row, n) => JSON.stringify(row) !== JSON.stringify(expected[n]));
      expect(different.map((row) => row[0])).toEqual([]);
    }
  });

  it.skipIf(drivers === undefined)('of a value not more is read than was asked for', async () => {
    const page: RowsPage = await connection.request({
      call: 'run',
      sql: 'SELECT bytes FROM kinds WHERE id = 6',
      values: [],
      seconds: 20,
      rows: 10,
      bytes: 100_000,
    });
    const [value] = page.rows[0] ?? [];
    expect(value instanceof Uint8Array ? value.length : 'no bytes').toBeLessThan(140_000);
    await connection.request({ call: 'free' });
  });

  it.skipIf(drivers === undefined)('a transaction that is rolled back leaves nothing, and connections work side by side', async () => {
    await connection.request({ call: 'begin', isolation: undefined });
    await run('DELETE FROM kinds');
    await connection.request({ call: 'end', commit: false });
    expect((await run('SELECT count(*) FROM kinds')).rows).toEqual([['2100']]);
    const other = await program.connect(text, 10);
    const waiting = run(tested.slow, [], 1, other).catch((error: unknown) => error);
    // The slow statement of one connection holds up neither another nor this process.
    expect((await run('SELECT count(*) FROM kinds WHERE id < ?', [10n])).rows).toEqual([['10']]);
    other.cancel();
    const ended = await waiting;
    // MariaDB's sleep returns 1 when it is cut short.
    expect(ended instanceof OdbcError ? ended.diagnosis.state : (ended as RowsPage).rows).toEqual(
      ended instanceof OdbcError ? expect.stringMatching(/^(HY008|57014|S1000|HY000|HYT00|HY018|70100)$/) : [['1']],
    );
    other.close();
  });

  it.skipIf(drivers === undefined)('errors carry their SQLSTATE, and a process that dies fails its calls and is started again', async () => {
    await expect(run('SELECT * FROM nowhere')).rejects.toMatchObject({ diagnosis: { state: expect.stringMatching(/^(42S02|42P01|HY000)$/) } });
    await expect(run('INSERT INTO kinds (id) VALUES (?)', [1n])).rejects.toMatchObject({
      diagnosis: { state: expect.stringMatching(/^(23505|23000|HY000)$/) },
    });
    const other = createOdbcProcess();
    const own = await other.connect(text, 10);
    const waiting = run(tested.slow, [], 1, own);
    other.close();
    await expect(waiting).rejects.toMatchObject({ diagnosis: { state: '08S01' } });
  });
});
