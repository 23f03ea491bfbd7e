import type { EntryChange } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addOf,
  compare,
  contextOf,
  createMariadbBench,
  createPostgresBench,
  createSqliteBench,
  find,
  importAll,
  putOne,
  schemaOf,
  throughOdbc,
} from './testing/applications.ts';

/** Rows of a side table that are one value each: the phone at work, the one at home, and the superior. */
const TABLES = `CREATE TABLE people (id integer PRIMARY KEY, login varchar(40) NOT NULL UNIQUE);
  CREATE TABLE phones (person integer NOT NULL, kind varchar(10) NOT NULL, phone varchar(40) NOT NULL, PRIMARY KEY (person, kind, phone));
  CREATE TABLE reports (person integer NOT NULL PRIMARY KEY, superior integer NOT NULL);
  INSERT INTO people VALUES (1, 'ann'); INSERT INTO people VALUES (2, 'bob');
  INSERT INTO phones VALUES (1, 'work', '11'); INSERT INTO phones VALUES (1, 'work', '12'); INSERT INTO phones VALUES (1, 'home', '19'); INSERT INTO phones VALUES (1, 'fax', '10');
  INSERT INTO reports VALUES (1, 2);`;

const phone = (kind: string) => ({ table: 'phones', key: ['person'], value: 'phone', where: `kind = '${kind}'`, set: { kind }, single: true });
const person = {
  table: 'people',
  anchor: ['id'],
  multiValued: {
    workPhone: phone('work'),
    homePhone: phone('home'),
    superior: { table: 'reports', key: ['person'], reference: { columns: ['superior'], objectType: 'person' }, single: true },
  },
};

describe.each([createSqliteBench(), createPostgresBench(), createMariadbBench(), throughOdbc(createPostgresBench())])(
  'single values of side tables on $name',
  (bench) => {
    beforeAll(() => (bench.isThere ? bench.start() : undefined));
    afterAll(() => bench.stop());

    it.skipIf(!bench.isThere)('are read, looked for, set and removed like those of a column, and other rows are left alone', async () => {
      const application = await bench.create(TABLES);
      const context = contextOf(application, { person });
      const attributes = (await schemaOf(context)).objectTypes[0]?.attributes.filter(({ name }) => name !== 'id' && name !== 'login');
      expect(attributes?.map(({ name, type, multiValued }) => [name, type, multiValued ?? false])).toEqual([
        ['workPhone', 'string', false],
        ['homePhone', 'string', false],
        ['superior', 'reference', false],
      ]);
      const imported = (await importAll(context)).entries;
      expect(imported.map((entry) => entry.attributes)).toEqual([{ login: 'ann', workPhone: '11', homePhone: '19', superior: '2' }, { login: 'bob' }]);
      const found = await find(context, 'person', compare('homePhone', 'equal', '19'));
      expect(found.entries.map((entry) => entry.attributes)).toEqual([imported[0]?.attributes]);
      const change = (...changes: EntryChange['changes']) => putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 1n }, changes });
      const phones = () => application.rows('SELECT kind, phone FROM phones WHERE person = 1 ORDER BY kind, phone');
      // Of several rows a change leaves one.
      expect((await change({ name: 'workPhone', modification: 'replace', values: ['21'] })).error).toBeUndefined();
      expect(await phones()).toEqual([
        ['fax', '10'],
        ['home', '19'],
        ['work', '21'],
      ]);
      expect((await change({ name: 'homePhone', modification: 'delete' }, { name: 'superior', modification: 'replace', values: ['1'] })).error).toBeUndefined();
      expect(await phones()).toEqual([
        ['fax', '10'],
        ['work', '21'],
      ]);
      expect(await application.rows('SELECT superior FROM reports')).toEqual([['1']]);
      expect((await putOne(context, addOf('person', { id: 3n, login: 'cyd', homePhone: '39', superior: '1' }, { id: 3n }))).error).toBeUndefined();
      expect(await application.rows('SELECT kind, phone FROM phones WHERE person = 3')).toEqual([['home', '39']]);
      await application.close();
    });
  },
);
