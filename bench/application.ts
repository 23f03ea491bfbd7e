import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sampleTables } from '../apps/cli/src/tour/sample-application.ts';
import { type PrivatePostgres, startPostgres } from '../test/backends/postgres.ts';

/** An application to measure against, filled with generated people. */
export interface BenchApplication {
  readonly name: 'sqlite' | 'postgres';
  readonly parameters: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly file: string | undefined;
  readonly server: PrivatePostgres | undefined;
  stop(): Promise<void>;
}

const GROUP_SIZE = 500;

/** A SQLite application with people, and departments of some hundred members. */
export async function sqliteApplication(people: number): Promise<BenchApplication> {
  const file = join(mkdtempSync(join(tmpdir(), 'landbridge-bench-')), 'app.sqlite');
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; ${sampleTables('sqlite')}
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people})
    INSERT INTO employees(id, user_name, first_name, last_name, mail, title, department, manager_id)
    SELECT i, 'user' || i, 'First' || i, 'Last' || i, 'user' || i || '@example.com', 'Analyst', 'Department ' || (i % 200), CASE WHEN i > 1 THEN i / 10 + 1 END FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(people / GROUP_SIZE)}) INSERT INTO departments(id, name) SELECT i, 'Team ' || i FROM n;
    INSERT INTO memberships(department_id, employee_id) SELECT 1 + id / ${GROUP_SIZE}, id FROM employees WHERE 1 + id / ${GROUP_SIZE} <= ${Math.ceil(people / GROUP_SIZE)};`);
  database.close();
  return { name: 'sqlite', parameters: ['dialect: sqlite', `file: ${file}`], environment: {}, file, server: undefined, stop: async () => {} };
}

/** A PostgreSQL application with real synchronisation; each person has `memberships` memberships. */
export async function postgresApplication(people: number, memberships = 1): Promise<BenchApplication> {
  const server = await startPostgres({ durable: true, settings: ['max_wal_size=4GB'] });
  const groups = Math.max(memberships, Math.ceil(people / GROUP_SIZE));
  server.psql(`SET synchronous_commit = off; ${sampleTables('postgres')}
    INSERT INTO employees(id, user_name, first_name, last_name, mail, title, department, manager_id)
    SELECT i, 'user' || i, 'First' || i, 'Last' || i, 'user' || i || '@example.com', 'Analyst', 'Department ' || (i % 200), CASE WHEN i > 1 THEN i / 10 + 1 END FROM generate_series(1, ${people}) i;
    INSERT INTO departments(id, name) SELECT i, 'Team ' || i FROM generate_series(1, ${groups}) i;
    INSERT INTO memberships(department_id, employee_id) SELECT 1 + (i + k * ${Math.max(1, Math.floor(groups / memberships))}) % ${groups}, i FROM generate_series(1, ${people}) i, generate_series(0, ${memberships - 1}) k ON CONFLICT DO NOTHING;
    SELECT setval('employees_id_seq', ${people}); ANALYZE;`);
  const parameters = [
    'dialect: postgres',
    `host: ${server.host}`,
    `port: ${server.port}`,
    `database: ${server.database}`,
    `user: ${server.user}`,
    'password: ${env:BENCH_PASSWORD}',
  ];
  return { name: 'postgres', parameters, environment: { BENCH_PASSWORD: server.password }, file: undefined, server, stop: () => server.stop() };
}
