import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { formatConfiguration, parseConfiguration, type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { scaffold } from '../../connectors/sql/src/scaffold/scaffold.ts';
import { mariadbPrograms, postgresPrograms } from '../../tools/backends.ts';
import { startMariadb } from '../backends/mariadb.ts';
import { startPostgres } from '../backends/postgres.ts';
import { outputOf } from '../fixtures/run-landbridge.ts';
import { keycloakSample, northwindSample, type SampleDialect, sakilaSample, wordpressSample } from '../fixtures/well-known-samples.ts';

/** Databases that nobody prepared: what the scaffold proposes imports, and provisions with at most five edited lines. */
interface Database {
  readonly dialect: SampleDialect;
  readonly password: string;
  /** Makes a sample; returns where it is. */
  make(name: string, sql: string): { readonly url: string; readonly schema?: string };
  /** Rows as lines, columns by `|`. */
  ask(name: string, sql: string): string;
  stop(): Promise<void>;
}

const databases: readonly { readonly name: string; readonly isThere: boolean; start(): Promise<Database> }[] = [
  {
    name: 'PostgreSQL',
    isThere: postgresPrograms() !== undefined,
    async start() {
      const server = await startPostgres();
      return {
        dialect: 'postgres',
        password: server.password,
        make(name, sql) {
          server.psql(`CREATE SCHEMA ${name}; SET search_path = ${name}; ${sql}`);
          return { url: server.url, schema: name };
        },
        ask: (name, sql) => server.psql(`SET search_path = ${name}; ${sql}`).trim(),
        stop: () => server.stop(),
      };
    },
  },
  {
    name: 'MariaDB',
    isThere: mariadbPrograms() !== undefined,
    async start() {
      const server = await startMariadb();
      return {
        dialect: 'mariadb',
        password: server.password,
        make(name, sql) {
          server.client(`CREATE DATABASE ${name}`);
          // The session of these schemas' own programs is not strict: it keeps the zero dates that they write.
          server.client(`SET SESSION sql_mode = ''; ${sql}`, name);
          return { url: server.url.replace(/\/[^/]*$/, `/${name}`) };
        },
        ask: (name, sql) => server.client(sql, name).trim().replaceAll('\t', '|'),
        stop: () => server.stop(),
      };
    },
  },
];

/** What a reader of the comments edits, as lines found and lines put in their place. */
const samples: Readonly<Record<string, { readonly sql: (dialect: SampleDialect) => string; readonly edits: readonly (readonly [RegExp, string])[] }>> = {
  northwind: { sql: northwindSample, edits: [[/userName: employee_id.*/, 'userName: extension']] },
  sakila: { sql: sakilaSample, edits: [] },
  keycloak: { sql: keycloakSample, edits: [] },
  wordpress: { sql: wordpressSample, edits: [] },
};

const quiet = (): void => {};
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
type Json = Readonly<Record<string, unknown>>;

describe.each(databases)('known schemas on $name', ({ isThere, start }) => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-schemas-'));
  const data = join(folder, 'data');
  const file = join(folder, 'landbridge.yaml');
  let database: Database;
  let server: RunningServer;
  const clients = new Map<string, ScimClient>();
  const proposed = new Map<string, string>();

  const cli = (...values: readonly string[]): Promise<string> => outputOf(values, { env: { ...process.env, LANDBRIDGE_DATA: data } });
  const client = (name: string): ScimClient => clients.get(name) ?? expect.fail(`there is no client of ${name}`);
  const extension = (name: string): string => `urn:ietf:params:scim:schemas:extension:landbridge:${name}:2.0:User`;

  beforeAll(async () => {
    if (!isThere) return;
    database = await start();
    const connectors: Record<string, Json> = {};
    for (const [name, { sql, edits }] of Object.entries(samples)) {
      process.env[`${name.toUpperCase()}_PASSWORD`] = database.password;
      proposed.set(name, await scaffold({ ...database.make(name, sql(database.dialect)), name }));
      const edited = edits.reduce((text, [from, to]) => text.replace(from, to), proposed.get(name) ?? '');
      const { document, problems } = parseConfiguration(edited);
      expect(problems).toEqual([]);
      Object.assign(connectors, document?.connectors);
    }
    writeFileSync(file, formatConfiguration({ version: 1, connectors }));
    server = await startServer({ dataFolder: data, configFile: file, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
    for (const name of Object.keys(samples)) {
      const { token } = JSON.parse(await cli('token', 'create', name, '--json')) as { readonly token: string };
      clients.set(name, createScimClient(`${server.url}/scim/${name}`, token, server.caFile));
    }
  }, 120_000);
  afterAll(async () => {
    for (const one of clients.values()) await one.close();
    await server?.close();
    await database?.stop();
    for (const name of Object.keys(samples)) delete process.env[`${name.toUpperCase()}_PASSWORD`];
    rmSync(folder, { recursive: true, force: true });
  });

  const list = async (name: string, path: string): Promise<readonly Json[]> => (await client(name).send('GET', path)).body['Resources'] as readonly Json[];
  const find = async (name: string, filter: string, type = 'Users'): Promise<Json> =>
    (await list(name, `/${type}?filter=${encodeURIComponent(filter)}`))[0] ?? expect.fail(`nothing is found by ${filter}`);
  const create = async (name: string, body: Json, type = 'Users'): Promise<Json> => {
    const answer = await client(name).send('POST', `/${type}`, body);
    expect([answer.status, answer.body['detail']]).toEqual([201, undefined]);
    return answer.body;
  };
  const patch = async (name: string, path: string, ...operations: readonly Json[]): Promise<void> => {
    const answer = await client(name).send('PATCH', path, { schemas: [PATCH], Operations: operations });
    expect([answer.status < 300, answer.body?.['detail']]).toEqual([true, undefined]);
  };

  it.skipIf(!isThere).each(Object.keys(samples))('%s: every object type is imported', async (name) => {
    const run = JSON.parse(await cli('run', name, 'full', '--json')) as Json;
    expect(run).toMatchObject({ result: 'success', steps: [{ errorCount: 0 }] });
  });

  it.skipIf(!isThere)('northwind: an employee with a manager and a territory', async () => {
    const [nancy, andrew] = [await find('northwind', 'userName eq "5467"'), await find('northwind', 'userName eq "3457"')];
    expect(nancy).toMatchObject({ name: { givenName: 'Nancy', familyName: 'Davolio' }, title: 'Sales Representative' });
    expect(nancy).toMatchObject({ 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: { value: andrew['id'] } } });
    const grace = await create('northwind', { schemas: [USER], userName: '1906', name: { givenName: 'Grace', familyName: 'Hopper' }, title: 'Admiral' });
    const row = "SELECT first_name, last_name, title, reports_to FROM employees WHERE extension = '1906'";
    expect(database.ask('northwind', row)).toMatch(/^Grace\|Hopper\|Admiral\|(NULL)?$/);
    const territory = (await list('northwind', '/Territories')).find((one) => JSON.stringify(one).includes('98104'));
    await patch(
      'northwind',
      `/Users/${String(grace['id'])}`,
      { op: 'replace', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', value: { value: andrew['id'] } },
      { op: 'add', path: `${extension('northwind')}:territories`, value: [{ value: territory?.['id'] }] },
    );
    expect(database.ask('northwind', row)).toBe('Grace|Hopper|Admiral|2');
    const territories = "SELECT t.territory_id FROM employee_territories t JOIN employees e ON e.employee_id = t.employee_id WHERE e.extension = '1906'";
    expect(database.ask('northwind', territories)).toBe('98104');
    expect((await client('northwind').send('DELETE', `/Users/${String(grace['id'])}`)).status).toBe(204);
    expect(database.ask('northwind', `${row} UNION ALL SELECT '', '', '', 0 FROM employee_territories WHERE territory_id = 'gone'`)).toBe('');
  });

  it.skipIf(!isThere)('sakila: staff of a store, whose passwords nobody reads', async () => {
    const mike = await find('sakila', 'userName eq "Mike"');
    expect(mike).toMatchObject({ name: { familyName: 'Hillyer' }, emails: [{ value: 'Mike.Hillyer@sakilastaff.com' }], active: true });
    expect(proposed.get('sakila')).toContain('exclude: [password]');
    const [store, address] = [(await list('sakila', '/Stores'))[1], (await list('sakila', '/Addresses'))[1]];
    const own = extension('sakila');
    const made = await create('sakila', {
      schemas: [USER, own],
      userName: 'Grace',
      name: { givenName: 'Grace', familyName: 'Hopper' },
      [own]: { store: { value: store?.['id'] }, address: { value: address?.['id'] } },
    });
    const row = "SELECT first_name, store_id, address_id FROM staff WHERE username = 'Grace'";
    expect(database.ask('sakila', row)).toBe('Grace|2|2');
    await patch('sakila', `/Users/${String(made['id'])}`, { op: 'replace', path: 'active', value: false });
    expect(database.ask('sakila', "SELECT active FROM staff WHERE username = 'Grace'")).toMatch(/^(f|0)$/);
    database.ask('sakila', "UPDATE staff SET password = 'in clear', last_name = 'Murray', last_update = '2038-01-01' WHERE username = 'Grace'");
    expect(JSON.parse(await cli('run', 'sakila', 'delta', '--json'))).toMatchObject({ result: 'success' });
    const seen = await find('sakila', 'userName eq "Grace"');
    expect(seen).toMatchObject({ name: { familyName: 'Murray' } });
    expect(JSON.stringify(seen)).not.toMatch(/in clear|password/);
  });

  it.skipIf(!isThere)('keycloak: a user gets a key of its own, and is a member of a group whose table no foreign key names', async () => {
    expect(await find('keycloak', 'userName eq "alan"')).toMatchObject({ active: false, emails: [{ value: 'alan@example.com' }] });
    expect(proposed.get('keycloak')).toContain('#   credential: its name says that it holds secrets');
    const own = extension('keycloak');
    const made = await create('keycloak', { schemas: [USER, own], userName: 'grace', active: true, name: { givenName: 'Grace' }, [own]: { realm_id: 'r1' } });
    const row = "SELECT id, CASE WHEN enabled THEN 'on' ELSE 'off' END, first_name, realm_id FROM user_entity WHERE username = 'grace'";
    expect(database.ask('keycloak', row)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f-]{17}\|on\|Grace\|r1$/);
    const group = await find('keycloak', 'displayName eq "engineers"', 'Groups');
    await patch('keycloak', `/Groups/${String(group['id'])}`, { op: 'add', path: 'members', value: [{ value: made['id'] }] });
    const members = "SELECT u.username FROM user_group_membership m JOIN user_entity u ON u.id = m.user_id WHERE m.group_id = 'g1' ORDER BY 1";
    expect(database.ask('keycloak', members)).toBe('ada\ngrace');
    await patch('keycloak', `/Groups/${String(group['id'])}`, { op: 'remove', path: `members[value eq "${String(made['id'])}"]` });
    expect(database.ask('keycloak', members)).toBe('ada');
    expect((await client('keycloak').send('DELETE', `/Users/${String(made['id'])}`)).status).toBe(204);
    expect(database.ask('keycloak', row)).toBe('');
  });

  it.skipIf(!isThere)('wordpress: names of columns begin with that of their table, and a time may be no time', async () => {
    const admin = await find('wordpress', 'userName eq "admin"');
    expect(admin).toMatchObject({ displayName: 'The Admin', emails: [{ value: 'admin@example.com' }] });
    expect(JSON.stringify(admin)).not.toContain('user_pass');
    expect(await find('wordpress', 'userName eq "never"')).toMatchObject({ displayName: 'Never Registered' });
    const made = await create('wordpress', {
      schemas: [USER],
      userName: 'grace',
      displayName: 'Grace Hopper',
      emails: [{ type: 'work', value: 'grace@example.com' }],
    });
    const quoted = database.dialect === 'postgres' ? '"ID"' : 'ID';
    expect(database.ask('wordpress', `SELECT user_login, user_email, display_name, ${quoted} > 3 FROM wp_users WHERE user_login = 'grace'`)).toMatch(
      /^grace\|grace@example.com\|Grace Hopper\|(t|1)$/,
    );
    await patch('wordpress', `/Users/${String(made['id'])}`, { op: 'replace', path: 'displayName', value: 'Admiral Hopper' });
    expect(database.ask('wordpress', "SELECT display_name FROM wp_users WHERE user_login = 'grace'")).toBe('Admiral Hopper');
    const never = await find('wordpress', 'userName eq "never"');
    await patch('wordpress', `/Users/${String(never['id'])}`, { op: 'replace', path: 'displayName', value: 'Still Never' });
    expect(database.ask('wordpress', "SELECT display_name FROM wp_users WHERE user_login = 'never'")).toBe('Still Never');
  });
});
