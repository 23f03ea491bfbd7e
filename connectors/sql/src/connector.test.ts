import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connector } from './index.ts';
import {
  type Application,
  addOf,
  compare,
  contextOf,
  createMariadbBench,
  createPostgresBench,
  createSqliteBench,
  find,
  importAll,
  put,
  putOne,
  schemaOf,
  type TestedDialect,
  throughOdbc,
  words,
} from './testing/applications.ts';
import { createMssqlBench } from './testing/mssql-fixture.ts';
import { createOracleBench } from './testing/oracle-fixture.ts';

// Oracle's driver is a fixture: no server of it can run here.
vi.mock('oracledb', async () => ({ default: (await import('./testing/oracle-fixture.ts')).fixtureDriver }));

/** The same application in the words of each dialect. */
function seed(dialect: TestedDialect): string {
  const { identity, bytes: binary } = words[dialect];
  return `
    CREATE TABLE departments (id ${identity}, name VARCHAR(40) NOT NULL UNIQUE);
    CREATE TABLE employees (
      id ${identity},
      user_name VARCHAR(20) NOT NULL UNIQUE,
      full_name TEXT,
      salary BIGINT CHECK (salary >= 0),
      active BOOLEAN NOT NULL DEFAULT true,
      photo ${binary},
      rate DECIMAL(30, 10),
      hired DATE,
      manager_id BIGINT REFERENCES employees(id),
      updated_at TIMESTAMP
    );
    CREATE TABLE employee_mails (employee_id BIGINT NOT NULL REFERENCES employees(id), mail VARCHAR(60) NOT NULL, since TEXT, PRIMARY KEY (employee_id, mail));
    CREATE TABLE memberships (department_id BIGINT NOT NULL REFERENCES departments(id), employee_id BIGINT NOT NULL REFERENCES employees(id), PRIMARY KEY (department_id, employee_id));
    INSERT INTO departments (id, name) VALUES (1, 'Sales'), (2, 'Empty');
    INSERT INTO employees (id, user_name, full_name, salary, active, manager_id, updated_at) VALUES
      (2, 'bob', 'Bob', 9007199254740993, false, NULL, '2026-01-01 00:00:00'),
      (10, 'ann', NULL, NULL, true, 2, '2026-01-02 00:00:00'),
      (9, 'zoe', 'Zoë', 1, true, 2, '2026-01-03 00:00:00');
    INSERT INTO employee_mails (employee_id, mail, since) VALUES (10, 'b@x', 'old'), (10, 'a@x', 'old'), (2, 'c@x', 'old');
    INSERT INTO memberships VALUES (1, 10), (1, 9);
  `;
}

const objectTypes = {
  person: {
    table: 'employees',
    anchor: ['id'],
    anchorAssigned: true,
    attributes: {
      login: { column: 'user_name', unique: true, required: true, caseExact: false },
      name: { column: 'full_name' },
      salary: { column: 'salary' },
      active: { column: 'active' },
      photo: { column: 'photo' },
      rate: { column: 'rate' },
      hired: { column: 'hired' },
    },
    references: { manager: { column: 'manager_id', objectType: 'person' } },
    multiValued: { mails: { table: 'employee_mails', key: ['employee_id'], value: 'mail' } },
    delta: { watermarkColumn: 'updated_at' },
  },
  team: {
    table: 'departments',
    anchor: ['id'],
    multiValued: { members: { table: 'memberships', key: ['department_id'], reference: { columns: ['employee_id'], objectType: 'person' } } },
    delta: { watermarkColumn: 'id' },
  },
};

describe.each([createSqliteBench(), createPostgresBench(), createMariadbBench(), createMssqlBench(), createOracleBench(), throughOdbc(createPostgresBench())])(
  'the SQL connector on $name',
  (bench) => {
    let application: Application;
    beforeAll(() => (bench.isThere ? bench.start() : undefined));
    afterAll(() => bench.stop());

    const open = async (script = seed(bench.dialect)): Promise<Application> => {
      application = await bench.create(script);
      return application;
    };

    describe.skipIf(!bench.isThere)('with a seeded application', () => {
      it('reads types, required, unique and assigned columns from the catalogue', async () => {
        const context = contextOf(await open(), { person: { table: 'employees', anchor: ['id'] } });
        const [person] = (await schemaOf(context)).objectTypes;
        const byName = Object.fromEntries((person?.attributes ?? []).map((attribute) => [attribute.name, attribute]));
        expect(byName['id']).toMatchObject({ type: 'integer', anchor: true, assigned: true });
        expect(byName['user_name']).toMatchObject({ type: 'string', required: true, unique: true });
        expect(byName['active']).toMatchObject({ type: 'boolean', required: false });
        expect(byName['salary']).toMatchObject({ type: 'integer', required: false, unique: false });
        expect(byName['photo']).toMatchObject({ type: 'binary' });
        expect(byName['rate']).toMatchObject({ type: 'string' });
      });

      it('merges side tables in the order of the anchor, keeps 64-bit integers, and leaves NULL out', async () => {
        const context = contextOf(await open(), objectTypes);
        const { entries, total } = await importAll(context);
        expect(total).toBe(5);
        expect(entries.map((entry) => [entry.objectType, entry.anchor['id']])).toEqual([
          ['person', 2n],
          ['person', 9n],
          ['person', 10n],
          ['team', 1n],
          ['team', 2n],
        ]);
        expect(entries[0]?.attributes).toEqual({ login: 'bob', name: 'Bob', salary: 9007199254740993n, active: false, mails: ['c@x'] });
        expect(entries[2]?.attributes).toEqual({ login: 'ann', active: true, manager: '2', mails: ['a@x', 'b@x'] });
        expect([...((entries[3]?.attributes?.['members'] ?? []) as string[])].sort()).toEqual(['10', '9']);
        expect(entries[4]?.attributes?.['members']).toBeUndefined();
      });

      it('brings only what is selected, in pages of the size that was asked for', async () => {
        const context = contextOf(await open(), objectTypes);
        const schema = await schemaOf(context);
        const person = schema.objectTypes
          .filter((type) => type.name === 'person')
          .map((type) => ({ ...type, attributes: type.attributes.filter((one) => ['id', 'login'].includes(one.name)) }));
        const { entries, pages } = await importAll(context, { pageSize: 2, schema: { objectTypes: person } });
        expect(entries.map((entry) => entry.attributes)).toEqual([{ login: 'bob' }, { login: 'zoe' }, { login: 'ann' }]);
        expect(pages).toBeGreaterThanOrEqual(2);
      });

      it('adds with an assigned anchor, side rows and references, and returns the anchor', async () => {
        const context = contextOf(await open(), objectTypes);
        const photo = new Uint8Array([0, 1, 255]);
        const result = await putOne(
          context,
          addOf('person', {
            login: 'new',
            salary: -(2n ** 63n) + 2n ** 63n + 7n,
            active: false,
            photo,
            rate: '12345678901234567890.1234567891',
            hired: '2026-02-03',
            manager: '10',
            mails: ['n@x', 'm@x'],
          }),
        );
        expect(result.error).toBeUndefined();
        const id = result.anchor?.['id'];
        expect(typeof id).toBe('bigint');
        const [entry] = (await find(context, 'person', compare('id', 'equal', String(id), 'integer'))).entries;
        expect(entry?.attributes).toMatchObject({ login: 'new', salary: 7n, active: false, hired: '2026-02-03', manager: '10', mails: ['m@x', 'n@x'] });
        expect(Buffer.from(entry?.attributes?.['photo'] as Uint8Array)).toEqual(Buffer.from(photo));
        // SQLite has no decimals: the column declares them, and keeps the nearest number.
        if (bench.dialect !== 'sqlite') expect(entry?.attributes?.['rate']).toBe('12345678901234567890.1234567891');
      });

      it('updates single values, clears them, and changes values of side tables without touching the others', async () => {
        const context = contextOf(await open(), objectTypes);
        const result = await putOne(context, {
          modification: 'update',
          objectType: 'person',
          anchor: { id: 10n },
          changes: [
            { name: 'name', modification: 'replace', values: ['Ann'] },
            { name: 'manager', modification: 'delete' },
            { name: 'mails', modification: 'update', added: ['b@x', 'z@x'], removed: ['a@x', 'not-there@x'] },
          ],
        });
        expect(result.error).toBeUndefined();
        expect(await application.rows('SELECT full_name, manager_id FROM employees WHERE id = 10')).toEqual([['Ann', null]]);
        // A value that is there already stays as it is: its other columns are the application's.
        expect(await application.rows('SELECT mail, since FROM employee_mails WHERE employee_id = 10 ORDER BY mail')).toEqual([
          ['b@x', 'old'],
          ['z@x', null],
        ]);
      });

      it('replaces all values of a side table, keeping rows whose value stays', async () => {
        const context = contextOf(await open(), objectTypes);
        const changes = [{ name: 'mails', modification: 'replace', values: ['b@x', 'q@x'] }] as const;
        expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 10n }, changes })).error).toBeUndefined();
        expect(await application.rows('SELECT mail, since FROM employee_mails WHERE employee_id = 10 ORDER BY mail')).toEqual([
          ['b@x', 'old'],
          ['q@x', null],
        ]);
      });

      it('a change of side tables alone works, and of a row that is not there is not-found', async () => {
        const context = contextOf(await open(), objectTypes);
        const changes = [{ name: 'mails', modification: 'update', added: ['k@x'], removed: [] }] as const;
        expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 2n }, changes })).error).toBeUndefined();
        expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 77n }, changes })).error?.code).toBe('not-found');
        expect((await putOne(context, { modification: 'delete', objectType: 'person', anchor: { id: 77n }, changes: [] })).error?.code).toBe('not-found');
        expect(await application.rows("SELECT employee_id FROM employee_mails WHERE mail = 'k@x'")).toEqual([['2']]);
      });

      it('S-170 a deleted entry is in no group any more and nobody is managed by it', async () => {
        const context = contextOf(await open(), objectTypes);
        for (const id of [10n, 2n])
          expect((await putOne(context, { modification: 'delete', objectType: 'person', anchor: { id }, changes: [] })).error).toBeUndefined();
        expect(await application.rows('SELECT employee_id FROM memberships')).toEqual([['9']]);
        expect(await application.rows('SELECT id, manager_id FROM employees')).toEqual([['9', null]]);
        // What refers to an entry that is not there stays as it is.
        expect((await putOne(context, { modification: 'delete', objectType: 'team', anchor: { id: 1n }, changes: [] })).error).toBeUndefined();
        expect(await application.rows('SELECT count(*) FROM employees')).toEqual([['1']]);
      });

      it('deletes the rows of its own side tables first; rows that nothing of the configuration speaks of and that refer to it are an error', async () => {
        const context = contextOf(await open(), { person: objectTypes.person });
        const refused = await putOne(context, { modification: 'delete', objectType: 'person', anchor: { id: 10n }, changes: [] });
        expect(refused.error).toMatchObject({ code: 'constraint-violation' });
        expect(refused.error?.message).toMatch(/refer/i);
        expect(await application.rows('SELECT count(*) FROM employee_mails WHERE employee_id = 10')).toEqual([['2']]);
        await application.run('DELETE FROM memberships WHERE employee_id = 10');
        expect((await putOne(context, { modification: 'delete', objectType: 'person', anchor: { id: 10n }, changes: [] })).error).toBeUndefined();
        expect(await application.rows('SELECT count(*) FROM employees WHERE id = 10')).toEqual([['0']]);
      });

      it('names the attribute of a duplicate, of a missing and of a wrong value (R19)', async () => {
        const context = contextOf(await open(), objectTypes);
        const duplicate = await putOne(context, addOf('person', { login: 'bob' }));
        expect(duplicate.error).toMatchObject({ code: 'already-exists', detail: { attribute: 'login' } });
        const missing = await putOne(context, addOf('person', { name: 'Nobody' }));
        expect(missing.error).toMatchObject({ code: 'missing-attribute', detail: { attribute: 'login' } });
        const negative = await putOne(context, addOf('person', { login: 'neg', salary: -1n }));
        expect(negative.error?.code).toBe('invalid-attribute-value');
        const several = await putOne(context, addOf('person', { login: ['a', 'b'] }));
        expect(several.error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute: 'login' } });
        const mistyped = await putOne(context, addOf('person', { login: 'x', salary: 'much' }));
        expect(mistyped.error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute: 'salary' } });
        const unknown = await putOne(context, addOf('person', { login: 'x', nothing: 'much' }));
        expect(unknown.error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute: 'nothing' } });
        const huge = await putOne(context, addOf('person', { login: 'x', salary: 2n ** 70n }));
        expect(huge.error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute: 'salary' } });
        const nowhere = await putOne(context, addOf('person', { login: 'x', manager: '4711' }));
        expect(nowhere.error?.code).toBe('constraint-violation');
        expect(await application.rows('SELECT count(*) FROM employees')).toEqual([['3']]);
      });

      it('one bad entry of a batch leaves its neighbours alone, and each is atomic (R18)', async () => {
        const context = contextOf(await open(), objectTypes);
        const results = await put(context, [
          { id: 'a', ...addOf('person', { login: 'first', mails: ['1@x'] }) },
          { id: 'b', ...addOf('person', { login: 'bob', mails: ['2@x'] }) },
          { id: 'c', ...addOf('person', { login: 'third', mails: ['3@x', '3@x'] }) },
          {
            id: 'd',
            modification: 'update',
            objectType: 'team',
            anchor: { id: 2n },
            changes: [{ name: 'members', modification: 'update', added: ['2', '4711'], removed: [] }],
          },
          {
            id: 'e',
            modification: 'update',
            objectType: 'team',
            anchor: { id: 2n },
            changes: [{ name: 'name', modification: 'replace', values: ['Renamed'] }],
          },
        ]);
        expect(results.map((result) => [result.id, result.error?.code])).toEqual([
          ['a', undefined],
          ['b', 'already-exists'],
          ['c', undefined],
          ['d', 'constraint-violation'],
          ['e', undefined],
        ]);
        expect(await application.rows("SELECT mail FROM employee_mails WHERE mail LIKE '%@x' AND mail < '4' ORDER BY mail")).toEqual([['1@x'], ['3@x']]);
        expect(await application.rows('SELECT count(*) FROM memberships WHERE department_id = 2')).toEqual([['0']]);
        expect(await application.rows('SELECT name FROM departments WHERE id = 2')).toEqual([['Renamed']]);
      });

      it('many side values at once are no problem', async () => {
        const context = contextOf(await open(), objectTypes);
        const mails = Array.from({ length: 3000 }, (_, index) => `m${String(index).padStart(5, '0')}@x`);
        const result = await putOne(context, addOf('person', { login: 'many', mails }));
        expect(result.error).toBeUndefined();
        const [entry] = (await find(context, 'person', compare('login', 'equal', 'many'))).entries;
        expect(entry?.attributes?.['mails']).toEqual(mails);
        const removed = await putOne(context, {
          modification: 'update',
          objectType: 'person',
          anchor: result.anchor ?? {},
          changes: [{ name: 'mails', modification: 'update', added: [], removed: mails.slice(1) }],
        });
        expect(removed.error).toBeUndefined();
        expect(await application.rows("SELECT count(*) FROM employee_mails WHERE mail LIKE 'm0%'")).toEqual([['1']]);
      });

      it('R7: an anchor changed by an update is returned, and side rows move with it', async () => {
        const context = contextOf(
          await open(`CREATE TABLE people (code VARCHAR(10) PRIMARY KEY, name TEXT);
          CREATE TABLE phones (code VARCHAR(10) NOT NULL, phone VARCHAR(20) NOT NULL);
          INSERT INTO people VALUES ('a', 'A'); INSERT INTO phones VALUES ('a', '1'), ('a', '2');`),
          { person: { table: 'people', anchor: ['code'], multiValued: { phones: { table: 'phones', key: ['code'], value: 'phone' } } } },
        );
        const changes = [
          { name: 'code', modification: 'replace', values: ['b'] },
          { name: 'phones', modification: 'update', added: ['3'], removed: ['1'] },
        ] as const;
        const result = await putOne(context, { modification: 'update', objectType: 'person', anchor: { code: 'a' }, changes });
        expect(result).toMatchObject({ anchor: { code: 'b' } });
        expect(await application.rows('SELECT code, phone FROM phones ORDER BY phone')).toEqual([
          ['b', '2'],
          ['b', '3'],
        ]);
      });

      it('text anchors of every kind meet their side rows: order by code point on both sides', async () => {
        const keys = ['a', 'A', 'b', 'ä', 'Z', 'z', '10', '9', '-1', ' x', '\u{1F600}', '\u{FF5E}', 'a b', 'ab', 'é', 'e\u0301', "o'hara", '"q"', '%'];
        const list = keys.map((key) => `('${key.replaceAll("'", "''")}')`).join(', ');
        const context = contextOf(
          await open(`CREATE TABLE people (code VARCHAR(10) PRIMARY KEY); CREATE TABLE phones (code TEXT, phone TEXT);
          INSERT INTO people VALUES ${list}; INSERT INTO phones SELECT code, code FROM people;`),
          { person: { table: 'people', anchor: ['code'], multiValued: { phones: { table: 'phones', key: ['code'], value: 'phone' } } } },
        );
        const { entries } = await importAll(context, { pageSize: 3 });
        expect(entries.length).toBe(keys.length);
        for (const entry of entries) expect(entry.attributes?.['phones']).toEqual([entry.anchor['code']]);
      });

      it('composite anchors: import, references by JSON text, look-up, update and delete', async () => {
        const context = contextOf(
          await open(`CREATE TABLE sites (country VARCHAR(4) NOT NULL, number INTEGER NOT NULL, name TEXT, PRIMARY KEY (country, number));
          CREATE TABLE staff (id INTEGER PRIMARY KEY, country VARCHAR(4), site INTEGER);
          CREATE TABLE tags (country VARCHAR(4), number INTEGER, tag TEXT);
          INSERT INTO sites VALUES ('DE', 10, 'x'), ('DE', 9, 'y'), ('AT', 1, 'z'); INSERT INTO staff VALUES (1, 'DE', 9), (2, NULL, 4);
          INSERT INTO tags VALUES ('DE', 9, 't1'), ('DE', 10, 't2'), ('AT', 1, 't3'), ('XX', 1, 'nobody');`),
          {
            site: { table: 'sites', anchor: ['country', 'number'], multiValued: { tags: { table: 'tags', key: ['country', 'number'], value: 'tag' } } },
            staff: { table: 'staff', anchor: ['id'], anchorAssigned: false, references: { site: { columns: ['country', 'site'], objectType: 'site' } } },
          },
        );
        const { entries } = await importAll(context);
        expect(entries.map((entry) => [Object.values(entry.anchor).map(String), entry.attributes?.['tags'] ?? entry.attributes?.['site']])).toEqual([
          [['AT', '1'], ['t3']],
          [['DE', '9'], ['t1']],
          [['DE', '10'], ['t2']],
          [['1'], '["DE","9"]'],
          [['2'], undefined],
        ]);
        expect((await putOne(context, addOf('staff', { id: 5n, site: '["AT","1"]' }))).error).toBeUndefined();
        expect(await application.rows('SELECT country, site FROM staff WHERE id = 5')).toEqual([['AT', '1']]);
        expect((await putOne(context, addOf('staff', { id: 6n, site: 'nonsense' }))).error?.code).toBe('invalid-attribute-value');
        expect((await find(context, 'staff', compare('site', 'equal', '["DE","9"]', 'reference'))).entries.map((entry) => entry.anchor)).toEqual([{ id: 1n }]);
        const both = { kind: 'and', filters: [compare('country', 'equal', 'DE'), compare('number', 'equal', '10', 'integer')] } as const;
        expect((await find(context, 'site', both)).entries.map((entry) => entry.attributes)).toEqual([{ name: 'x', tags: ['t2'] }]);
        expect(
          (await putOne(context, { modification: 'delete', objectType: 'site', anchor: { country: 'DE', number: 9n }, changes: [] })).error,
        ).toBeUndefined();
        expect(await application.rows('SELECT count(*) FROM tags WHERE number = 9')).toEqual([['0']]);
      });

      it('R24: a delta by watermark column brings what changed since the full import, and nothing is missed on ties', async () => {
        const context = contextOf(await open(), { person: objectTypes.person });
        const { watermark } = await importAll(context);
        expect(watermark).toBeTypeOf('string');
        await application.run(
          `UPDATE employees SET full_name = 'Tied', updated_at = '2026-01-03 00:00:00' WHERE id = 2; UPDATE employees SET updated_at = '2026-05-05 00:00:00' WHERE id = 10`,
        );
        const delta = await importAll(context, { kind: 'delta', ...(watermark === undefined ? {} : { watermark }) });
        const ids = delta.entries.map((entry) => entry.anchor['id']);
        expect(ids).toEqual(expect.arrayContaining([2n, 10n]));
        expect(delta.entries.find((entry) => entry.anchor['id'] === 10n)?.attributes?.['mails']).toEqual(['a@x', 'b@x']);
        const next = await importAll(context, { kind: 'delta', ...(delta.watermark === undefined ? {} : { watermark: delta.watermark }) });
        expect(next.entries.map((entry) => entry.anchor['id'])).toEqual([10n]);
        await expect(importAll(context, { kind: 'delta', watermark: 'garbage' })).rejects.toMatchObject({ code: 'watermark-lost' });
      });

      it('a deleted column hides rows from full imports and look-ups, and is a delete in a delta', async () => {
        const context = contextOf(
          await open(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, version BIGINT, deleted_at TIMESTAMP);
          INSERT INTO people VALUES (1, 'a', 1, NULL), (2, 'b', 2, NULL), (3, 'gone', 3, '2026-01-01 00:00:00');`),
          { person: { table: 'people', anchor: ['id'], delta: { watermarkColumn: 'version', deletedColumn: 'deleted_at' } } },
        );
        const { entries, watermark } = await importAll(context);
        expect(entries.map((entry) => entry.anchor['id'])).toEqual([1n, 2n]);
        expect((await find(context, 'person', compare('id', 'equal', '3', 'integer'))).entries).toEqual([]);
        await application.run(
          `UPDATE people SET version = 10, deleted_at = '2026-02-02 00:00:00' WHERE id = 1; UPDATE people SET version = 11, name = 'B' WHERE id = 2`,
        );
        const delta = await importAll(context, { kind: 'delta', ...(watermark === undefined ? {} : { watermark }) });
        expect(
          delta.entries
            .filter((entry) => entry.anchor['id'] !== 3n)
            .map((entry) => [entry.modification, entry.anchor['id']])
            .sort(),
        ).toEqual([
          ['delete', 1n],
          ['replace', 2n],
        ]);
      });

      it('R24: a delta by change log brings updates and deletes, the last state of each', async () => {
        const serial = words[bench.dialect].identity;
        const context = contextOf(
          await open(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE people_log (seq ${serial}, person_id INTEGER, op CHAR(1));
          INSERT INTO people VALUES (1, 'a'), (2, 'b'); INSERT INTO people_log (person_id, op) VALUES (1, 'I'), (2, 'I');`),
          {
            person: {
              table: 'people',
              anchor: ['id'],
              delta: {
                changeLog: { table: 'people_log', sequence: 'seq', key: ['person_id'], operation: 'op', operations: { I: 'add', U: 'update', D: 'delete' } },
              },
            },
          },
        );
        const { watermark } = await importAll(context);
        await application.run(`UPDATE people SET name = 'A' WHERE id = 1; INSERT INTO people_log (person_id, op) VALUES (1, 'U');
        DELETE FROM people WHERE id = 2; INSERT INTO people_log (person_id, op) VALUES (2, 'D');
        INSERT INTO people VALUES (3, 'c'); INSERT INTO people_log (person_id, op) VALUES (3, 'I'), (3, 'U')`);
        const delta = await importAll(context, { kind: 'delta', ...(watermark === undefined ? {} : { watermark }) });
        expect(delta.entries.map((entry) => [entry.modification, entry.anchor['id'], entry.attributes?.['name']]).sort()).toEqual([
          ['delete', 2n, undefined],
          ['replace', 1n, 'A'],
          ['replace', 3n, 'c'],
        ]);
        const next = await importAll(context, { kind: 'delta', ...(delta.watermark === undefined ? {} : { watermark: delta.watermark }) });
        expect(next.entries).toEqual([]);
      });

      it('what a trigger refuses is refused with its own words, and is no doubt', async () => {
        const onSqlite = "CREATE TRIGGER guard BEFORE INSERT ON people WHEN NEW.name = 'evil' BEGIN SELECT RAISE(ABORT, 'no evil people'); END";
        const triggers: Readonly<Record<TestedDialect, string>> = {
          sqlite: onSqlite,
          mssql: onSqlite,
          oracle: onSqlite,
          postgres:
            "CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.name = 'evil' THEN RAISE EXCEPTION 'no evil people'; END IF; RETURN NEW; END $$; CREATE TRIGGER guard BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION guard()",
          mariadb:
            "CREATE TRIGGER guard BEFORE INSERT ON people FOR EACH ROW IF NEW.name = 'evil' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no evil people'; END IF",
        };
        const context = contextOf(await open(`CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); ${triggers[bench.dialect]}`), {
          person: { table: 'people', anchor: ['id'], anchorAssigned: false },
        });
        expect((await putOne(context, addOf('person', { id: 1n, name: 'evil' }))).error).toMatchObject({
          code: 'entry-failed',
          message: expect.stringContaining('no evil people'),
        });
      });

      it('a table that is altered while sessions are open goes on working', async () => {
        const context = contextOf(await open('CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20))'), {
          person: { table: 'people', anchor: ['id'], anchorAssigned: false, attributes: { name: {} } },
        });
        expect((await putOne(context, addOf('person', { id: 1n, name: 'a' }))).error).toBeUndefined();
        expect((await find(context, 'person', compare('name', 'equal', 'a'))).entries).toHaveLength(1);
        await application.run(
          bench.dialect !== 'postgres'
            ? 'ALTER TABLE people ADD COLUMN more TEXT'
            : 'ALTER TABLE people ALTER COLUMN name TYPE text; ALTER TABLE people ADD COLUMN more text',
        );
        expect((await putOne(context, addOf('person', { id: 2n, name: 'b' }))).error).toBeUndefined();
        // The first look-up may meet a connection that knows the old table; it is replaced.
        await find(context, 'person', compare('name', 'equal', 'b')).catch(() => undefined);
        expect((await find(context, 'person', compare('name', 'equal', 'b'))).entries).toHaveLength(1);
      });

      it('an import ends before it reads where a column is gone that was there: its values are not taken for removed', async () => {
        const context = contextOf(await open("CREATE TABLE people (id INTEGER PRIMARY KEY, title VARCHAR(20)); INSERT INTO people VALUES (1, 'a')"), {
          person: { table: 'people', anchor: ['id'] },
        });
        const schema = await schemaOf(context);
        expect((await importAll(context, { schema })).entries).toHaveLength(1);
        await application.run('ALTER TABLE people RENAME COLUMN title TO job');
        await expect(importAll(context, { schema })).rejects.toMatchObject({
          code: 'invalid-schema',
          message: expect.stringContaining('"person" has no "title" any more: a column was dropped or renamed'),
        });
      });

      it('views and queries are read, and writing them is refused with a sentence', async () => {
        const context = contextOf(await open(`${seed(bench.dialect)} CREATE VIEW staff AS SELECT id, user_name FROM employees WHERE active;`), {
          staff: { view: 'staff', anchor: ['id'] },
          rich: { query: 'SELECT id, salary * 2 AS twice FROM employees WHERE salary > 0', anchor: ['id'] },
        });
        const { entries } = await importAll(context);
        expect(entries.map((entry) => [entry.objectType, String(entry.anchor['id'])])).toEqual([
          ['staff', '9'],
          ['staff', '10'],
          ['rich', '2'],
          ['rich', '9'],
        ]);
        expect((await find(context, 'rich', compare('id', 'equal', '9', 'integer'))).entries).toHaveLength(1);
        expect((await putOne(context, addOf('staff', { user_name: 'x' }))).error).toMatchObject({ code: 'not-supported' });
      });

      it('a row without an anchor is an entry error, and the others are imported (R24)', async () => {
        const context = contextOf(
          await open(`CREATE TABLE people (code VARCHAR(10), name TEXT); INSERT INTO people VALUES ('a', 'A'), (NULL, 'nobody'), ('c', 'C');`),
          {
            person: { table: 'people', anchor: ['code'] },
          },
        );
        const { entries } = await importAll(context);
        expect(entries.filter((entry) => entry.error === undefined).map((entry) => entry.anchor)).toEqual([{ code: 'a' }, { code: 'c' }]);
        expect(entries.filter((entry) => entry.error !== undefined)).toHaveLength(1);
      });

      it('a missing table, column or anchor is named by its path', async () => {
        const there = await open();
        const failing = async (types: object): Promise<unknown> =>
          schemaOf(contextOf(there, types as typeof objectTypes)).then(
            () => 'no error',
            (error: { readonly code: string; readonly message: string }) => `${error.code} ${error.message}`,
          );
        expect(await failing({ person: { table: 'nowhere', anchor: ['id'] } })).toMatch(/^invalid-configuration objectTypes\.person\.table.*nowhere/);
        expect(await failing({ person: { table: 'employees', anchor: ['nix'] } })).toMatch(/^invalid-configuration objectTypes\.person\.anchor.*nix/);
        expect(await failing({ person: { table: 'employees', anchor: ['id'], attributes: { a: { column: 'nix' } } } })).toMatch(
          /objectTypes\.person\.attributes\.a\.column.*nix.*user_name/,
        );
        expect(await failing({ person: { query: 'SELECT nonsense FROM nowhere', anchor: ['id'] } })).toMatch(
          /^invalid-configuration objectTypes\.person\.query/,
        );
      });

      it('SEC-32: values and names from outside are never SQL', async () => {
        const corpus = [
          "'; DROP TABLE people; --",
          '" OR 1=1 --',
          "' OR '1'='1",
          '\\',
          '%',
          '_',
          '100%',
          'a\'b"c\\d',
          '$1',
          '?',
          ':x',
          '/* */',
          "Robert'); DELETE FROM people;--",
          '\u2028',
          'é\u0301',
          '{}',
          '{a,b}',
          '"{1}"',
          'NULL',
          '\t\n',
        ];
        const odd = 'we"ird; --';
        const context = contextOf(
          await open(
            `CREATE TABLE people (id INTEGER PRIMARY KEY, "we""ird; --" TEXT, name TEXT); CREATE TABLE side (id INTEGER, value TEXT); INSERT INTO people VALUES (0, 'sentinel', 'sentinel')`,
          ),
          {
            person: {
              table: 'people',
              anchor: ['id'],
              anchorAssigned: false,
              attributes: { [odd]: { column: odd }, name: {} },
              multiValued: { values: { table: 'side', key: ['id'], value: 'value' } },
            },
          },
        );
        for (const [index, text] of corpus.entries()) {
          const id = BigInt(index + 1);
          expect((await putOne(context, addOf('person', { id, name: text, [odd]: text, values: [text, `${text}2`] }))).error).toBeUndefined();
          for (const attribute of ['name', odd, 'values']) {
            for (const caseExact of [true, false]) {
              const found = await find(context, 'person', compare(attribute, 'equal', text, 'string', caseExact));
              expect(found.entries.map((entry) => entry.anchor['id'])).toContain(id);
            }
            const containing = await find(context, 'person', compare(attribute, 'contains', text));
            expect(containing.entries.map((entry) => entry.anchor['id'])).toContain(id);
            for (const entry of containing.entries) expect(JSON.stringify([entry.attributes?.[attribute]].flat())).toContain(JSON.stringify(text).slice(1, -1));
          }
        }
        expect(await application.rows('SELECT count(*) FROM people')).toEqual([[String(corpus.length + 1)]]);
        const imported = await importAll(context);
        expect(imported.entries.slice(1).map((entry) => entry.attributes?.['name'])).toEqual(corpus);
      });

      it('capabilities say what the dialect can do', async () => {
        const context = contextOf(await open(), objectTypes);
        expect(await connector.capabilities(context)).toMatchObject({
          deltaImport: true,
          find: true,
          test: true,
          isolatedEntries: true,
          resultsApply: 'at-once',
          exportType: 'attribute-update',
          exportMaxBatch: 100,
          distinguishedNameStyle: 'none',
          parallelWrites: application.parameters['dialect'] === 'sqlite' ? 1 : 8,
        });
        const without = contextOf(application, { team: { table: 'departments', anchor: ['id'] } });
        expect((await connector.capabilities(without)).deltaImport).toBe(false);
      });
    });
  },
);
