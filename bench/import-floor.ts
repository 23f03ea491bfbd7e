import pg from 'pg';
import Cursor from 'pg-cursor';
import type { PrivatePostgres } from '../test/backends/postgres.ts';

/**
 * The floor of an import: the statements that the host sends, taken from the server's own log, with the same fetch size and the
 * same session, rows thrown away. Statements that the host has open at once run at once.
 */
export interface ImportFloor {
  readonly seconds: number;
  readonly rows: number;
  /** CPU seconds of this process: of the driver. */
  readonly cpuSeconds: number;
}

const AS_TEXT = { getTypeParser: () => (value: unknown) => value };

/** Makes the server log statements: before the import whose statements are wanted. */
export function logStatements(server: PrivatePostgres): void {
  server.psql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf();");
}

/** The statements of the full import in the log, in order, and no logging any more. @throws Error when there are none. */
export function readImportStatements(server: PrivatePostgres): readonly string[] {
  server.psql('ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf();');
  const log = server.psql('SELECT pg_read_file(pg_current_logfile());');
  const statements = new Set<string>();
  for (const [, sql] of log.matchAll(/execute <unnamed>(?:\/\S+)?: (SELECT (?:m|s)\..* ORDER BY .*)/g)) if (sql !== undefined) statements.add(sql);
  if (statements.size === 0) throw new Error('the log of the server shows no statement of the import');
  return [...statements];
}

/** Measures the floor once. A side table (`s`) is read beside the main table (`m`) that precedes it. */
export async function measureFloor(server: PrivatePostgres, statements: readonly string[], fetchSize: number): Promise<ImportFloor> {
  const before = process.cpuUsage();
  const started = performance.now();
  let rows = 0;
  const read = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const cursor = client.query(new Cursor(sql, [], { rowMode: 'array', types: AS_TEXT }));
    for (let page = await cursor.read(fetchSize); page.length > 0; page = await cursor.read(fetchSize)) rows += page.length;
    await client.end();
  };
  const groups: string[][] = [];
  for (const sql of statements) {
    if (sql.startsWith('SELECT m.')) groups.push([sql]);
    else groups.at(-1)?.push(sql);
  }
  for (const group of groups) await Promise.all(group.map(read));
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - started) / 1000, rows, cpuSeconds: (user + system) / 1e6 };
}
