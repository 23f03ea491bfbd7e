import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deltaScript } from './index.ts';
import { contextOf, createMariadbBench, createPostgresBench, createSqliteBench, importAll } from './testing/applications.ts';

describe.each([createSqliteBench(), createPostgresBench(), createMariadbBench('utf8mb4_general_ci')])(
  'the change log that the script makes on $name',
  (bench) => {
    beforeAll(() => (bench.isThere ? bench.start() : undefined));
    afterAll(() => bench.stop());

    it.skipIf(!bench.isThere)(
      'R24: every change of the table and its side tables is in the delta, deletes and changed keys included, and none twice',
      async () => {
        const application =
          await bench.create(`CREATE TABLE people (code VARCHAR(10) NOT NULL, site INTEGER NOT NULL, name VARCHAR(40), PRIMARY KEY (code, site));
      CREATE TABLE mails (code VARCHAR(10) NOT NULL, site INTEGER NOT NULL, mail VARCHAR(40) NOT NULL);
      INSERT INTO people VALUES ('a', 1, 'A'), ('b', 1, 'B'), ('c', 1, 'C'), ('d', 1, 'D'), ('e', 1, 'E'); INSERT INTO mails VALUES ('a', 1, 'a@x')`);
        const person = { table: 'people', anchor: ['code', 'site'], multiValued: { mails: { table: 'mails', key: ['code', 'site'], value: 'mail' } } };
        const script = await deltaScript(contextOf(application, { person }));
        await application.run(bench.dialect === 'mariadb' ? script.replaceAll('`', '"') : script);
        // The lines that the script offers for the configuration.
        expect(script).toContain(
          'changeLog: { table: landbridge_log_person, sequence: seq, key: [code, site], operation: operation, operations: { D: delete } }',
        );
        const changeLog = { table: 'landbridge_log_person', sequence: 'seq', key: ['code', 'site'], operation: 'operation', operations: { D: 'delete' } };
        const context = contextOf(application, { person: { ...person, delta: { changeLog } } });
        let watermark = (await importAll(context)).watermark ?? '';
        const delta = async (): Promise<readonly string[]> => {
          const result = await importAll(context, { kind: 'delta', watermark });
          watermark = result.watermark ?? '';
          return result.entries
            .map((entry) => `${entry.modification} ${String(entry.anchor['code'])} ${JSON.stringify(entry.attributes?.['mails'] ?? [])}`)
            .sort();
        };
        expect(await delta()).toEqual([]);
        await application.run("INSERT INTO people VALUES ('f', 1, 'F'); UPDATE people SET name = 'AA' WHERE code = 'a'; DELETE FROM people WHERE code = 'b'");
        await application.run(
          "INSERT INTO mails VALUES ('c', 1, 'c@x'); UPDATE mails SET code = 'd' WHERE code = 'a'; UPDATE people SET code = 'z' WHERE code = 'e'",
        );
        expect(await delta()).toEqual(['delete b []', 'delete e []', 'replace a []', 'replace c ["c@x"]', 'replace d ["a@x"]', 'replace f []', 'replace z []']);
        expect(await delta()).toEqual([]);
        // A log that was emptied beyond the mark has lost changes, and says so.
        await application.run(
          "UPDATE people SET name = 'x' WHERE code = 'a'; DELETE FROM landbridge_log_person; UPDATE people SET name = 'y' WHERE code = 'c'",
        );
        await expect(delta()).rejects.toMatchObject({ code: 'watermark-lost' });
        await application.close();
      },
    );

    it.skipIf(!bench.isThere)('an object type of a view has no table for triggers, and that is said', async () => {
      const application = await bench.create('CREATE TABLE people (id INTEGER PRIMARY KEY); CREATE VIEW staff AS SELECT id FROM people');
      await expect(deltaScript(contextOf(application, { staff: { view: 'staff', anchor: ['id'] } }))).rejects.toMatchObject({ code: 'not-supported' });
      await application.close();
    });
  },
);
