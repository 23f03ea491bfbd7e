import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createSampleApplication, sampleDepartments, samplePerson, sampleTables } from '../../apps/cli/src/tour/sample-application.ts';
import type { ApplicationView } from '../../apps/cli/src/tour/tour.ts';
import { odbcDrivers } from '../../tools/backends.ts';
import { startMariadb } from '../backends/mariadb.ts';
import { startPostgres } from '../backends/postgres.ts';

/** A real system to cross to. */
export interface CrossingSystem {
  readonly name: string;
  /** Parameters of the connector, as lines of YAML. */
  readonly parameters: readonly string[];
  /** Secrets, as the configuration refers to them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The name of the run profile that imports everything; default is `full`. */
  readonly fullProfile?: string;
  /** Writes the configuration by the command line itself; default is the sample configuration with the parameters. */
  configure?(landbridge: string, file: string): void;
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

function literal(value: string | number | undefined): string {
  if (value === undefined) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

/** The rows of the sample application, as one script for any server. */
function sampleRows(): string {
  const people = Array.from({ length: PEOPLE }, (_, index) => samplePerson(index + 1));
  return `INSERT INTO departments(id, name) VALUES ${sampleDepartments.map((name, index) => `(${index + 1}, ${literal(name)})`).join(', ')};
INSERT INTO employees(id, user_name, first_name, last_name, mail, title, department, manager_id) VALUES
${people.map((one) => `(${[one.id, one.userName, one.first, one.last, one.mail, one.title, one.department, one.manager].map(literal).join(', ')})`).join(',\n')};
INSERT INTO memberships(department_id, employee_id) VALUES ${people.map((one) => `(${(one.id % sampleDepartments.length) + 1}, ${one.id})`).join(', ')};`;
}

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/** PostgreSQL: a private server and psql. */
export async function postgresSystem(): Promise<CrossingSystem> {
  const server = await startPostgres();
  server.psql(`${sampleTables('postgres')}\n${sampleRows()}\nSELECT setval('employees_id_seq', ${PEOPLE});`);
  return {
    name: 'postgres',
    ...accessOf('postgres', server),
    view: {
      async person(userName) {
        const text = server.psql(`SELECT row_to_json(e) FROM employees e WHERE user_name = ${literal(userName)}`).trim();
        return text === '' ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      },
      departments: async (userName) => lines(server.psql(`${MEMBERSHIP}${literal(userName)}`)),
    },
    stop: () => server.stop(),
  };
}

/** MariaDB: a private server and its command-line client. */
export async function mariadbSystem(): Promise<CrossingSystem> {
  const server = await startMariadb();
  server.client(`${sampleTables('mariadb')}\n${sampleRows()}`);
  const columns = ['id', 'user_name', 'first_name', 'last_name', 'mail', 'title', 'department', 'status', 'manager_id'];
  const object = columns.map((column) => `'${column}', ${column}`).join(', ');
  return {
    name: 'mariadb',
    ...accessOf('mariadb', server),
    view: {
      async person(userName) {
        const text = server.client(`SELECT json_object(${object}) FROM employees WHERE user_name = ${literal(userName)}`).trim();
        return text === '' ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>);
      },
      departments: async (userName) => lines(server.client(`${MEMBERSHIP}${literal(userName)}`)),
    },
    stop: () => server.stop(),
  };
}

/** How the configuration reaches a server. */
function accessOf(
  dialect: string,
  {
    host,
    port,
    database,
    user,
    password,
  }: { readonly host: string; readonly port: number; readonly database: string; readonly user: string; readonly password: string },
): Pick<CrossingSystem, 'parameters' | 'environment'> {
  return {
    parameters: [`dialect: ${dialect}`, `host: ${host}`, `port: ${port}`, `database: ${database}`, `user: ${user}`, 'password: ${env:CROSSING_PASSWORD}'],
    environment: { CROSSING_PASSWORD: password },
  };
}

/** PostgreSQL through its ODBC driver: the same application, the same view of it. */
export async function odbcSystem(): Promise<CrossingSystem> {
  const system = await postgresSystem();
  const driver = odbcDrivers()?.postgres;
  if (driver === undefined) throw new Error('the ODBC drivers are not installed: npm test installs them on Debian as root');
  const parameter = (name: string): string => system.parameters.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
  const attributes = `Driver=${driver};Servername=${parameter('host')};Port=${parameter('port')};Database=${parameter('database')}`;
  const account = system.parameters.filter((line) => /^(user|password):/.test(line));
  return { ...system, name: 'odbc', parameters: ['dialect: odbc', `connectionString: ${attributes}`, ...account] };
}
