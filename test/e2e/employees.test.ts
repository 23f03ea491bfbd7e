import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { mariadbPrograms, postgresPrograms } from '../../tools/backends.ts';
import { startMariadb } from '../backends/mariadb.ts';
import { startPostgres } from '../backends/postgres.ts';
import { employeesSample } from '../fixtures/employees-sample.ts';
import { outputOf } from '../fixtures/run-landbridge.ts';

/** A database that nobody prepared: its catalogue gives the configuration, which imports and provisions as it is. */
interface Sample {
  readonly url: string;
  readonly password: string;
  /** Rows as lines, columns by a separator of the client. */
  ask(sql: string): string;
  stop(): Promise<void>;
}

const samples: readonly { readonly name: string; readonly isThere: boolean; start(): Promise<Sample> }[] = [
  {
    name: 'MariaDB',
    isThere: mariadbPrograms() !== undefined,
    async start() {
      const server = await startMariadb();
      server.client(employeesSample('mariadb'));
      const { url, password } = server;
      return { url, password, ask: (sql) => server.client(sql).trim().replaceAll('\t', '|'), stop: () => server.stop() };
    },
  },
  {
    name: 'PostgreSQL',
    isThere: postgresPrograms() !== undefined,
    async start() {
      const server = await startPostgres();
      server.psql(employeesSample('postgres'));
      const { url, password } = server;
      return { url, password, ask: (sql) => server.psql(sql).trim(), stop: () => server.stop() };
    },
  },
];

const quiet = (): void => {};
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const REST = 'urn:ietf:params:scim:schemas:extension:landbridge:hr:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
type Json = Readonly<Record<string, unknown>>;

describe.each(samples)('the employees sample on $name', (sample) => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-employees-'));
  const file = join(folder, 'landbridge.yaml');
  let database: Sample;
  let server: RunningServer;
  let scim: ScimClient;

  const cli = (...values: readonly string[]): Promise<string> => outputOf(values, { env: { ...process.env, LANDBRIDGE_DATA: join(folder, 'data') } });

  beforeAll(async () => {
    if (!sample.isThere) return;
    database = await sample.start();
    // The password comes from the environment, as a user would keep it out of the history of the shell.
    process.env['HR_PASSWORD'] = database.password;
    await cli('connector', 'scaffold', 'sql', '--url', database.url.replace(`:${database.password}`, ''), '--name', 'hr', '--out', file);
    server = await startServer({ dataFolder: join(folder, 'data'), configFile: file, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  });
  afterAll(async () => {
    await scim?.close();
    await server?.close();
    await database?.stop();
    delete process.env['HR_PASSWORD'];
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(!sample.isThere)('the proposed configuration has no secret, is not overwritten, and passes every layer of the connection test', async () => {
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(database.password);
    expect(text).toContain("password: '${env:HR_PASSWORD}'");
    await expect(cli('connector', 'scaffold', 'sql', '--url', database.url, '--out', file)).rejects.toThrow(/exists already/);
    const layers = JSON.parse(await cli('connector', 'test', 'hr', '--config', file, '--json')) as readonly { readonly status: string }[];
    expect(layers.filter((layer) => layer.status === 'failed')).toEqual([]);
  });

  it.skipIf(!sample.isThere)('imports people, departments, members of today, managers, titles and salaries without an edited line', async () => {
    const run = JSON.parse(await cli('run', 'hr', 'full', '--json')) as Json;
    expect(run).toMatchObject({ result: 'success' });
    const { token } = JSON.parse(await cli('token', 'create', 'hr', '--json')) as { readonly token: string };
    scim = createScimClient(`${server.url}/scim/hr`, token, server.caFile);
    const people = (await scim.send('GET', '/Users?count=0')).body;
    expect(people['totalResults']).toBe(60);
    const [ann] = (await scim.send('GET', `/Users?filter=${encodeURIComponent('userName eq "10002"')}`)).body['Resources'] as readonly Json[];
    expect(ann).toMatchObject({
      userName: '10002',
      name: { givenName: 'First2', familyName: 'Last10002' },
      [REST]: { birth_date: '1953-09-02', gender: 'M', hire_date: '1986-06-26', titles: ['Senior Engineer'], salaries: [88_958] },
    });
    const [group] = (await scim.send('GET', `/Groups?filter=${encodeURIComponent('displayName eq "Marketing"')}`)).body['Resources'] as readonly Json[];
    const current = database.ask("SELECT count(*) FROM dept_emp WHERE dept_no = 'd001' AND to_date > CURRENT_DATE");
    expect(group?.['members']).toHaveLength(Number(current));
  });

  it.skipIf(!sample.isThere)('provisions: a person, a title, a membership with its dates, the end of both', async () => {
    const created = await scim.send('POST', '/Users', {
      schemas: [USER, REST],
      userName: '20001',
      name: { givenName: 'Grace', familyName: 'Hopper' },
      [REST]: { birth_date: '1906-12-09', gender: 'F', hire_date: '1949-01-01', titles: ['Rear Admiral'] },
    });
    expect([created.status, created.body['detail']]).toEqual([201, undefined]);
    expect(database.ask('SELECT first_name, last_name, gender, birth_date FROM employees WHERE emp_no = 20001')).toBe('Grace|Hopper|F|1906-12-09');
    expect(database.ask('SELECT title, from_date = CURRENT_DATE FROM titles WHERE emp_no = 20001')).toMatch(/^Rear Admiral\|(1|t)$/);
    const id = String(created.body['id']);
    const [group] = (await scim.send('GET', `/Groups?filter=${encodeURIComponent('displayName eq "Research"')}`)).body['Resources'] as readonly Json[];
    const add = { schemas: [PATCH], Operations: [{ op: 'add', path: 'members', value: [{ value: id }] }] };
    expect((await scim.send('PATCH', `/Groups/${String(group?.['id'])}`, add)).status).toBeLessThan(300);
    const membership = "SELECT to_date FROM dept_emp WHERE emp_no = 20001 AND dept_no = 'd008'";
    expect(database.ask(membership)).toBe('9999-01-01');
    const history = database.ask('SELECT count(*) FROM dept_emp');
    const remove = { schemas: [PATCH], Operations: [{ op: 'remove', path: `members[value eq "${id}"]` }] };
    expect((await scim.send('PATCH', `/Groups/${String(group?.['id'])}`, remove)).status).toBeLessThan(300);
    expect(database.ask(membership)).toBe('');
    expect(database.ask('SELECT count(*) FROM dept_emp')).toBe(String(Number(history) - 1));
    expect((await scim.send('DELETE', `/Users/${id}`)).status).toBe(204);
    expect(database.ask('SELECT count(*) FROM employees WHERE emp_no = 20001')).toBe('0');
  });
});
