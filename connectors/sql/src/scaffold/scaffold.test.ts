import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfiguration } from '../../../../apps/server/src/configuration/parse-configuration.ts';
import { contextOf, createMariadbBench, createPostgresBench, createSqliteBench, schemaOf } from '../testing/applications.ts';
import { singular } from './name-tables.ts';
import { scaffold } from './scaffold.ts';

const bench = createSqliteBench();

/** What is proposed for a database, as the host reads it, checked against the database. */
async function propose(script: string) {
  const application = await bench.create(script);
  const text = await scaffold({ url: String(application.parameters['file']), name: 'app' });
  const { document, problems } = parseConfiguration(text);
  expect(problems).toEqual([]);
  // The document was checked against its schema just now.
  const connector = document?.connectors['app'] as
    | { readonly parameters: Readonly<Record<string, unknown>>; readonly objectTypes: Readonly<Record<string, unknown>> }
    | undefined;
  const objectTypes = connector?.parameters['objectTypes'];
  if (connector === undefined || objectTypes === undefined) throw new Error('nothing was proposed');
  // The proposal is one that the connector takes: every table and column is there.
  const schema = await schemaOf(contextOf(application, objectTypes as never));
  await application.close();
  return { text, schema, types: objectTypes as Readonly<Record<string, Readonly<Record<string, unknown>>>>, mapped: connector.objectTypes };
}

describe('a proposed configuration', () => {
  beforeAll(() => bench.start());
  afterAll(() => bench.stop());

  it('recognises people, groups, links with keys of their own, values, references, deltas and versions', async () => {
    const { types, mapped, text, schema } = await propose(`
      CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, "first name" TEXT, lastName TEXT, is_active BOOLEAN,
        reports_to INTEGER REFERENCES users(id), updated_at TIMESTAMP, deleted_at TIMESTAMP, row_version INTEGER);
      CREATE TABLE roles (id INTEGER PRIMARY KEY, role_name TEXT NOT NULL UNIQUE);
      CREATE TABLE user_roles (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), role_id INTEGER NOT NULL REFERENCES roles(id), granted_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
      CREATE TABLE user_phones (user_id INTEGER REFERENCES users(id), phone TEXT);
      CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES users(id), total TEXT);
      CREATE TABLE settings (key TEXT, value TEXT);
      CREATE VIEW somebody AS SELECT id FROM users`);
    expect(Object.keys(types).sort()).toEqual(['order', 'role', 'user']);
    expect(types['role']).toMatchObject({
      multiValued: { members: { table: 'user_roles', key: ['role_id'], reference: { columns: ['user_id'], objectType: 'user' } } },
    });
    expect(types['user']).toMatchObject({
      anchor: ['id'],
      anchorAssigned: true,
      version: { column: 'row_version' },
      delta: { watermarkColumn: 'updated_at', deletedColumn: 'deleted_at' },
      references: { reports_to: { columns: ['reports_to'], objectType: 'user' } },
      multiValued: { phones: { table: 'user_phones', key: ['user_id'], value: 'phone' } },
    });
    expect(types['order']).toMatchObject({ references: { customer: { columns: ['customer'], objectType: 'user' } } });
    expect(mapped['user']).toMatchObject({
      resourceType: 'User',
      mapping: { userName: 'email', 'name.givenName': 'first name', 'name.familyName': 'lastName', active: 'is_active' },
    });
    expect(mapped['role']).toMatchObject({ resourceType: 'Group', mapping: { displayName: 'role_name', members: 'members' } });
    expect(text).toMatch(/settings: it has no primary key/);
    expect(text).toMatch(/somebody: a view/);
    expect(schema.objectTypes).toHaveLength(3);
  });

  it('phones and addresses with a kind are one value for each kind, and a column that may be a version is proposed as a comment', async () => {
    const { types, mapped, text, schema } = await propose(`
      CREATE TABLE employees (id INTEGER PRIMARY KEY, login TEXT UNIQUE NOT NULL, first_name TEXT, last_name TEXT, email TEXT, version INTEGER NOT NULL DEFAULT 1);
      CREATE TABLE phones (id INTEGER PRIMARY KEY, employee_id INTEGER NOT NULL REFERENCES employees(id), type TEXT NOT NULL, number TEXT NOT NULL);
      CREATE TABLE employee_mails (employee_id INTEGER NOT NULL REFERENCES employees(id), mail_type TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (employee_id, mail_type));
      CREATE TABLE orders (id INTEGER PRIMARY KEY, employee_id INTEGER NOT NULL REFERENCES employees(id), type TEXT NOT NULL, number TEXT NOT NULL)`);
    expect(Object.keys(types).sort()).toEqual(['employee', 'order']);
    const phone = (kind: string) => ({
      table: 'phones',
      key: ['employee_id'],
      value: 'number',
      where: `"type" = '${kind}'`,
      single: true,
      set: { type: kind },
    });
    expect(types['employee']).toMatchObject({
      multiValued: {
        work_number: phone('work'),
        home_number: phone('home'),
        mobile_number: phone('mobile'),
        home_address: { table: 'employee_mails', value: 'address', where: `"mail_type" = 'home'`, set: { mail_type: 'home' }, single: true },
      },
    });
    expect(mapped['employee']).toMatchObject({
      mapping: {
        'emails[type eq "work"].value': 'email',
        'emails[type eq "home"].value': 'home_address',
        'phoneNumbers[type eq "work"].value': 'work_number',
        'phoneNumbers[type eq "mobile"].value': 'mobile_number',
      },
    });
    expect(text).toContain('single: true');
    expect(text).toContain('# check what type holds');
    expect(text).toContain('# version: { column: version }');
    expect(types['employee']?.['version']).toBeUndefined();
    const employee = schema.objectTypes.find((one) => one.name === 'employee');
    expect(employee?.attributes.find(({ name }) => name === 'work_number')?.multiValued).toBeUndefined();
  });

  it('composite keys, names that need quotes, and columns that nobody can fill', async () => {
    const { types } = await propose(`
      CREATE TABLE "Sales Teams" (country TEXT NOT NULL, no INTEGER NOT NULL, "Team: Name" TEXT, PRIMARY KEY (country, no));
      CREATE TABLE agents (id INTEGER PRIMARY KEY, login TEXT, surname TEXT, given_name TEXT, country TEXT, team INTEGER, FOREIGN KEY (country, team) REFERENCES "Sales Teams"(country, no));
      CREATE TABLE badges (agent INTEGER NOT NULL REFERENCES agents(id), badge TEXT NOT NULL, level INTEGER NOT NULL, PRIMARY KEY (agent, badge))`);
    expect(types['Sales_Team']).toMatchObject({ table: 'Sales Teams', anchor: ['country', 'no'] });
    expect(types['agent']).toMatchObject({ references: { 'Sales Team': { columns: ['country', 'team'], objectType: 'Sales_Team' } } });
    expect(types['agent']).toMatchObject({ multiValued: { badges: { table: 'badges', key: ['agent'], value: 'badge', direction: 'import-only' } } });
  });

  it.each([
    ["'A'), ('I'", { true: 'A', false: 'I' }, 'the column holds A, I'],
    [
      "'Active'), ('On leave'), ('Suspended'), ('Terminated'",
      { true: 'Active', false: 'Suspended' },
      'the column holds Active, On leave, Suspended, Terminated',
    ],
    ["'ENABLED'", { true: 'ENABLED', false: 'DISABLED' }, 'check the other value'],
    ["'1'), ('0'", { true: '1', false: '0' }, 'the column holds 0, 1'],
    [undefined, { true: 'A', false: 'D' }, 'check what the column holds'],
    ["'Lower Austria'), ('Vienna'", undefined, undefined],
    ["'active'), ('{''x'': 1}' || char(10)", { true: 'A', false: 'D' }, 'check what the column holds'],
  ])('whether an account is active is told by the values that are there: %s', async (rows, values, comment) => {
    const { mapped, text } = await propose(`
      CREATE TABLE employees (id INTEGER PRIMARY KEY, login TEXT UNIQUE NOT NULL, first_name TEXT, last_name TEXT, status TEXT);
      ${rows === undefined ? '' : `INSERT INTO employees (login, status) SELECT 'u' || row_number() OVER (), column1 FROM (VALUES (${rows}));`}`);
    const { active } = (mapped['employee'] as { readonly mapping: Readonly<Record<string, unknown>> }).mapping;
    expect(active).toEqual(values === undefined ? undefined : { attribute: 'status', values });
    if (comment !== undefined) expect(text).toContain(comment);
  });

  it('the kinds of phones are those that rows have', async () => {
    const { types } = await propose(`
      CREATE TABLE employees (id INTEGER PRIMARY KEY, login TEXT UNIQUE NOT NULL, first_name TEXT, last_name TEXT);
      CREATE TABLE phones (employee_id INTEGER NOT NULL REFERENCES employees(id), type TEXT NOT NULL, number TEXT NOT NULL, PRIMARY KEY (employee_id, type));
      INSERT INTO employees (login) VALUES ('u1'); INSERT INTO phones VALUES (1, 'fax', '1'), (1, 'work', '2')`);
    expect(Object.keys((types['employee'] as { readonly multiValued: object }).multiValued)).toEqual(['fax_number', 'work_number']);
  });

  it('says what is wrong with the address, and that there is nothing', async () => {
    await expect(scaffold({ url: 'http://somewhere/x', name: 'x' })).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('postgres:'),
    });
    const empty = await bench.create('SELECT 1');
    await expect(scaffold({ url: String(empty.parameters['file']), name: 'x' })).rejects.toMatchObject({ code: 'invalid-configuration' });
    await empty.close();
  });

  it.each([
    ['employees', 'employee'],
    ['people', 'person'],
    ['companies', 'company'],
    ['addresses', 'address'],
    ['boxes', 'box'],
    ['status', 'status'],
    ['class', 'class'],
  ])('%s is several of %s', (many, one) => {
    expect(singular(many)).toBe(one);
  });
});

describe.each([
  [createPostgresBench(), "CREATE TYPE state AS ENUM ('retired', 'employed', 'locked'); CREATE DOMAIN state_now AS state", 'state_now'],
  [createMariadbBench(), 'SELECT 1', "enum('retired', 'employed', 'locked')"],
] as const)('enumerations on $name', (server, before, type) => {
  beforeAll(() => (server.isThere ? server.start() : undefined));
  afterAll(() => server.stop());

  it.skipIf(!server.isThere)('say what an active account has, also where there is none yet', async () => {
    const application = await server.create(
      `${before}; CREATE TABLE employees (id integer PRIMARY KEY, login varchar(40) NOT NULL, first_name varchar(40), last_name varchar(40), status ${type})`,
    );
    const { url, host, port, user, password, database } = application.parameters;
    const address = url ?? `mariadb://${String(user)}:${String(password)}@${String(host)}:${String(port)}/${String(database)}`;
    const text = await scaffold({ url: String(address), name: 'app' });
    await application.close();
    expect(text).toContain("active: { attribute: status, values: { 'true': employed, 'false': locked } }   # the column holds retired, employed, locked");
  });
});
