import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contextOf, createMariadbBench, createPostgresBench, createSqliteBench, schemaOf } from './testing/applications.ts';

const TABLE = `CREATE TABLE employees (id integer PRIMARY KEY, user_name varchar(40) NOT NULL, title varchar(40), salary integer, login integer,
  manager_id integer REFERENCES employees(id))`;

describe.each([createSqliteBench(), createPostgresBench(), createMariadbBench()])('the columns that are attributes, on $name', (bench) => {
  beforeAll(() => (bench.isThere ? bench.start() : undefined));
  afterAll(() => bench.stop());

  it.skipIf(!bench.isThere)('are all, those that are named, or those that are named and all others', async () => {
    const application = await bench.create(TABLE);
    const attributesOf = async (more: object): Promise<Readonly<Record<string, string>>> => {
      const person = { table: 'employees', anchor: ['id'], references: { manager: { column: 'manager_id', objectType: 'person' } }, ...more };
      const [type] = (await schemaOf(contextOf(application, { person }))).objectTypes;
      const attributes = type?.attributes ?? [];
      const byName = Object.fromEntries(attributes.map(({ name, type: of }) => [name, of]));
      expect(Object.keys(byName)).toHaveLength(attributes.length);
      return byName;
    };
    const [id, manager] = ['integer', 'reference'];
    const attributes = { login: { column: 'user_name' }, salary: { type: 'string' } };
    expect(await attributesOf({})).toEqual({ id, user_name: 'string', title: 'string', salary: 'integer', login: 'integer', manager });
    expect(await attributesOf({ attributes })).toEqual({ id, login: 'string', salary: 'string', manager });
    // The name of the column `login` is taken.
    expect(await attributesOf({ attributes, otherColumns: true })).toEqual({ id, login: 'string', salary: 'string', title: 'string', manager });
    await application.close();
  });
});
