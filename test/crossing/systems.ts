import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createSampleApplication, sampleDepartments, samplePerson, sampleTables } from '../../apps/cli/src/tour/sample-application.ts';
import type { ApplicationView } from '../../apps/cli/src/tour/tour.ts';
import { startPostgres } from '../backends/postgres.ts';

/** A real system to cross to. */
export interface CrossingSystem {
  readonly name: string;
  /** Parameters of the connector, as lines of YAML. */
  readonly parameters: readonly string[];
  /** Secrets, as the configuration refers to them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The system's own client. */
  readonly view: ApplicationView;
  stop(): Promise<void>;
}

const PEOPLE = 2000;
const MEMBERSHIP =
  'SELECT d.name FROM memberships m JOIN departments d ON d.id = m.department_id JOIN employees e ON e.id = m.employee_id WHERE e.user_name = ';

/** SQLite: a file and its own library. */
export async function sqliteSystem(): Promise<CrossingSystem> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-hr-'));
  const file = join(folder, 'hr.sqlite');
  createSampleApplication(file, PEOPLE);
  const database = new DatabaseSync(file, { readOnly: true });
  return {
    name: 'sqlite',
    parameters: ['dialect: sqlite', `file: ${file}`],
    environment: {},
    view: {
      async person(userName) {
        const row = database.prepare('SELECT * FROM employees WHERE user_name = ?').get(userName);
        return row === undefined ? undefined : { ...row };
      },
      departments: async (userName) =>
        database
          .prepare(`${MEMBERSHIP}?`)
          .all(userName)
          .map((row) => String(row['name'])),
    },
    async stop() {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL: a private server and psql. */
export async function postgresSystem(): Promise<CrossingSystem> {
  const server = await startPostgres();
  const literal = (value: string | number | undefined): string =>
    value === undefined ? 'NULL' : typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
  const people = Array.from({ length: PEOPLE }, (_, index) => samplePerson(index + 1));
  server.psql(`${sampleTables('postgres')}
INSERT INTO departments(id, name) VALUES ${sampleDepartments.map((name, index) => `(${index + 1}, ${literal(name)})`).join(', ')};
INSERT INTO employees(id, user_name, first_name, last_name, mail, title, department, manager_id) VALUES
${people.map((one) => `(${[one.id, one.userName, one.first, one.last, one.mail, one.title, one.department, one.manager].map(literal).join(', ')})`).join(',\n')};
INSERT INTO memberships(department_id, employee_id) VALUES ${people.map((one) => `(${(one.id % sampleDepartments.length) + 1}, ${one.id})`).join(', ')};
SELECT setval('employees_id_seq', ${PEOPLE});`);
  return {
    name: 'postgres',
    parameters: [
      'dialect: postgres',
      `host: ${server.host}`,
      `port: ${server.port}`,
      `database: ${server.database}`,
      `user: ${server.user}`,
      'password: ${env:CROSSING_PASSWORD}',
    ],
    environment: { CROSSING_PASSWORD: server.password },
    view: {
      async person(userName) {
        const text = server.psql(`SELECT row_to_json(e) FROM employees e WHERE user_name = ${literal(userName)}`).trim();
        return text === '' ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      },
      departments: async (userName) =>
        server
          .psql(`${MEMBERSHIP}${literal(userName)}`)
          .split('\n')
          .filter((line) => line !== ''),
    },
    stop: () => server.stop(),
  };
}
