import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sampleConfiguration, sampleTables } from '../apps/cli/src/tour/sample-application.ts';
import { type PrivatePostgres, startPostgres } from '../test/backends/postgres.ts';

/** An application to measure against, filled with generated people. */
export interface BenchApplication {
  readonly name: 'sqlite' | 'postgres';
  /** The configuration of the host for it. */
  readonly configuration: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly file: string | undefined;
  readonly server: PrivatePostgres | undefined;
  stop(): Promise<void>;
}

const GROUP_SIZE = 500;
const DEPARTMENTS = 200;

/** What the application holds of person number `index`, from 1. */
export const personOf = (index: number) => ({
  userName: `user${index}`,
  first: `First${index}`,
  last: `Last${index}`,
  mail: `user${index}@example.com`,
  title: 'Analyst',
  department: `Department ${index % DEPARTMENTS}`,
});

/** The same in SQL: both dialects know `||` and integer arithmetic. */
const personIn = (departments: number): string =>
  `'user' || i, 'First' || i, 'Last' || i, 'user' || i || '@example.com', 'Analyst', 'Department ' || (i % ${departments}), CASE WHEN i > 1 THEN i / 10 + 1 END`;
const COLUMNS = 'id, user_name, first_name, last_name, mail, title, department, manager_id';

/**
 * A SQLite application with people, and departments of some hundred members. In a folder that is kept it stays, and one that is there
 * is taken as it is.
 */
export async function sqliteApplication(
  people: number,
  {
    everybody = false,
    departments = DEPARTMENTS,
    keep,
  }: { readonly everybody?: boolean; readonly departments?: number; readonly keep?: string | undefined } = {},
): Promise<BenchApplication> {
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'landbridge-bench-'));
  const file = join(folder, 'app.sqlite');
  const stop = async (): Promise<void> => (keep === undefined ? rmSync(folder, { recursive: true, force: true }) : undefined);
  const application = {
    name: 'sqlite',
    configuration: sampleConfiguration(['dialect: sqlite', `file: ${file}`]),
    environment: {},
    file,
    server: undefined,
    stop,
  } as const;
  if (existsSync(file)) return application;
  const database = new DatabaseSync(file);
  const groups = Math.ceil(people / GROUP_SIZE);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; ${sampleTables('sqlite')}
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${people}) INSERT INTO employees(${COLUMNS}) SELECT i, ${personIn(departments)} FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${groups}) INSERT INTO departments(id, name) SELECT i, 'Team ' || i FROM n;
    INSERT INTO memberships(department_id, employee_id) SELECT 1 + id % ${groups}, id FROM employees;`);
  if (everybody)
    database.exec(`INSERT INTO departments(id, name) VALUES (${groups + 1}, 'Everybody'); INSERT INTO memberships SELECT ${groups + 1}, id FROM employees;`);
  database.close();
  return application;
}

/** A PostgreSQL application with real synchronisation; each person has `memberships` memberships. Rows know when they changed. */
export async function postgresApplication(people: number, memberships = 1): Promise<BenchApplication> {
  const server = await startPostgres({ durable: true, settings: ['max_wal_size=4GB', 'logging_collector=on'] });
  const groups = Math.max(memberships, Math.ceil(people / GROUP_SIZE));
  const apart = Math.max(1, Math.floor(groups / memberships));
  server.psql(`SET synchronous_commit = off; ${sampleTables('postgres')}
    ALTER TABLE employees ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
    ALTER TABLE departments ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
    INSERT INTO employees(${COLUMNS}, updated_at) SELECT i, ${personIn(DEPARTMENTS)}, timestamptz '2020-01-01' + i * interval '1 second' FROM generate_series(1, ${people}) i;
    INSERT INTO departments(id, name, updated_at) SELECT i, 'Team ' || i, timestamptz '2020-01-01' + i * interval '1 second' FROM generate_series(1, ${groups}) i;
    INSERT INTO memberships(department_id, employee_id)
      SELECT 1 + (i + k * ${apart}) % ${groups}, i FROM generate_series(1, ${people}) i, generate_series(0, ${memberships - 1}) k ON CONFLICT DO NOTHING;
    CREATE INDEX employees_updated ON employees(updated_at); CREATE INDEX departments_updated ON departments(updated_at);
    SELECT setval('employees_id_seq', ${people});`);
  server.psql('VACUUM ANALYZE;');
  const parameters = ['dialect: postgres', `host: ${server.host}`, `port: ${server.port}`, `database: ${server.database}`, `user: ${server.user}`];
  const delta = (table: string, text: string): string =>
    text.replace(`table: ${table}\n`, `table: ${table}\n          delta: { watermarkColumn: updated_at }\n`);
  return {
    name: 'postgres',
    configuration: delta('departments', delta('employees', sampleConfiguration([...parameters, 'password: ${env:BENCH_PASSWORD}']))),
    environment: { BENCH_PASSWORD: server.password },
    file: undefined,
    server,
    stop: () => server.stop(),
  };
}
