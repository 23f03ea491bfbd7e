import { afterEach, describe, expect, it } from 'vitest';
import { deltaScript } from './delta-script.ts';
import { connector } from './index.ts';
import { scaffold } from './scaffold/scaffold.ts';
import { contextOf, importAll, putOne, schemaOf } from './testing/applications.ts';
import { type MssqlFixture, startMssqlFixture } from './testing/mssql-fixture.ts';

const tables = `CREATE TABLE people (code nvarchar(10) NOT NULL PRIMARY KEY, name nvarchar(40));
  CREATE TABLE mails (code nvarchar(10) NOT NULL, mail nvarchar(40) NOT NULL, PRIMARY KEY (code, mail));
  INSERT INTO people VALUES ('a', 'A'), ('b', 'B'), ('c', 'C'); INSERT INTO mails VALUES ('a', 'a@x');`;

/** What SQL Server would keep by itself. */
const tracking = `CREATE TABLE tracked_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
  INSERT INTO tracked_versions VALUES ('', 0), ('people', 0), ('mails', 0);
  ${['people', 'mails']
    .map(
      (table) => `CREATE TABLE tracked_${table} (version INTEGER, code nvarchar(10), SYS_CHANGE_OPERATION nchar(1));
    ${(['INSERT', 'UPDATE', 'DELETE'] as const)
      .map(
        (
          operation,
        ) => `CREATE TRIGGER track_${table}_${operation} AFTER ${operation} ON ${table} BEGIN UPDATE tracked_versions SET version = version + 1 WHERE name = '';
      INSERT INTO tracked_${table} SELECT version, ${operation === 'DELETE' ? 'OLD' : 'NEW'}.code, '${operation[0] ?? ''}' FROM tracked_versions WHERE name = ''; END;`,
      )
      .join('\n')}`,
    )
    .join('\n')}`;

const person = { table: 'people', anchor: ['code'], multiValued: { mails: { table: 'mails', key: ['code'], value: 'mail' } } };
const tracked = { ...person, delta: { changeTracking: true } };

describe('deltas of SQL Server, against a fixture of its protocol', () => {
  let fixture: MssqlFixture | undefined;
  afterEach(async () => fixture?.stop());

  async function open(script: string) {
    fixture = await startMssqlFixture();
    fixture.run(script);
    return { ...fixture, application: { parameters: fixture.parameters } as never };
  }

  it('R24: change tracking brings what changed in the table and its side tables since the version of the import, deletes included', async () => {
    const { run, application } = await open(`${tables}${tracking}`);
    const context = contextOf(application, { person: tracked });
    let watermark = (await importAll(context)).watermark ?? '';
    const delta = async (): Promise<readonly string[]> => {
      const result = await importAll(context, { kind: 'delta', watermark });
      watermark = result.watermark ?? '';
      return result.entries.map((entry) => `${entry.modification} ${String(entry.anchor['code'])} ${JSON.stringify(entry.attributes?.['mails'] ?? [])}`).sort();
    };
    expect(await delta()).toEqual([]);
    run(
      "UPDATE people SET name = 'AA' WHERE code = 'a'; DELETE FROM people WHERE code = 'b'; INSERT INTO people VALUES ('d', 'D'); INSERT INTO mails VALUES ('c', 'c@x')",
    );
    expect(await delta()).toEqual(['delete b []', 'replace a ["a@x"]', 'replace c ["c@x"]', 'replace d []']);
    expect(await delta()).toEqual([]);
    // The server has cleaned up beyond the mark: it would say that nothing changed.
    run("UPDATE people SET name = 'x' WHERE code = 'a'; UPDATE tracked_versions SET version = 99 WHERE name = 'mails'");
    await expect(delta()).rejects.toMatchObject({ code: 'watermark-lost', message: expect.stringContaining('mails') });
  });

  it('what is not tracked, or could not tell whose row was deleted, is said before the first import', async () => {
    const { run, application } = await open(tables);
    const failing = async (): Promise<string> =>
      importAll(contextOf(application, { person: tracked })).then(
        () => 'imported',
        (error: Error) => error.message,
      );
    expect(await failing()).toMatch(/delta\.changeTracking: the database does not track changes: ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON/);
    run("CREATE TABLE tracked_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL); INSERT INTO tracked_versions VALUES ('', 0), ('people', 0)");
    expect(await failing()).toMatch(/the table mails does not track changes.*ALTER TABLE \[mails\] ENABLE CHANGE_TRACKING/);
    run(
      "INSERT INTO tracked_versions VALUES ('mails', 0); DROP TABLE mails; CREATE TABLE mails (id INTEGER PRIMARY KEY, code nvarchar(10), mail nvarchar(40))",
    );
    expect(await failing()).toMatch(/the primary key of mails does not hold code: .*use changeLog/);
  });

  it('the script of a change log is of T-SQL: one trigger for a table, names in brackets, batches apart', async () => {
    const { application } = await open(tables);
    const script = await deltaScript(
      contextOf(application, { person: { ...person, schema: 'dbo', multiValued: { mails: { ...person.multiValued.mails, schema: 'dbo' } } } }),
    );
    expect(script.split('\n')).toEqual([
      '-- Object type person. TRUNCATE, and programs that switch triggers off, are not seen.',
      'CREATE TABLE [dbo].[landbridge_log_person] ([seq] bigint IDENTITY(1,1) PRIMARY KEY, [code] nvarchar(10) COLLATE Latin1_General_100_BIN2, [operation] char(1) NOT NULL, [changed] datetime2(3) NOT NULL DEFAULT SYSUTCDATETIME());',
      'GO',
      'CREATE TRIGGER [dbo].[landbridge_log_person] ON [dbo].[people] AFTER INSERT, UPDATE, DELETE AS BEGIN',
      '  SET NOCOUNT ON;',
      "  INSERT INTO [dbo].[landbridge_log_person] ([code], [operation]) SELECT DISTINCT d.[code], 'D' FROM deleted d WHERE NOT EXISTS (SELECT 1 FROM inserted i WHERE CONVERT(varbinary(900), i.[code]) = CONVERT(varbinary(900), d.[code]));",
      "  INSERT INTO [dbo].[landbridge_log_person] ([code], [operation]) SELECT DISTINCT i.[code], CASE WHEN EXISTS (SELECT 1 FROM deleted d WHERE CONVERT(varbinary(900), i.[code]) = CONVERT(varbinary(900), d.[code])) THEN 'U' ELSE 'I' END FROM inserted i;",
      'END;',
      'GO',
      'CREATE TRIGGER [dbo].[landbridge_log_person_1] ON [dbo].[mails] AFTER INSERT, UPDATE, DELETE AS BEGIN',
      '  SET NOCOUNT ON;',
      "  INSERT INTO [dbo].[landbridge_log_person] ([code], [operation]) SELECT DISTINCT d.[code], 'U' FROM deleted d WHERE NOT EXISTS (SELECT 1 FROM inserted i WHERE CONVERT(varbinary(900), i.[code]) = CONVERT(varbinary(900), d.[code]));",
      "  INSERT INTO [dbo].[landbridge_log_person] ([code], [operation]) SELECT DISTINCT i.[code], 'U' FROM inserted i;",
      'END;',
      'GO',
      '-- Now and then, keep the newest row and remove what every delta has read:',
      '-- DELETE FROM [dbo].[landbridge_log_person] WHERE [changed] < DATEADD(day, -30, SYSUTCDATETIME()) AND [seq] < (SELECT MAX([seq]) FROM [dbo].[landbridge_log_person]);',
      '-- In the configuration:',
      '--   delta: { changeLog: { table: landbridge_log_person, schema: dbo, sequence: seq, key: [code], operation: operation, operations: { D: delete } } }',
      '',
      '',
    ]);
  });

  it('a configuration is proposed from the catalogue, TLS as the URL says', async () => {
    const { parameters } = await open(
      `CREATE TABLE users (id INTEGER PRIMARY KEY, email nvarchar(80) NOT NULL UNIQUE, first_name nvarchar(40), last_name nvarchar(40), boss bigint REFERENCES users(id));
      CREATE TABLE roles (id INTEGER PRIMARY KEY, role_name nvarchar(40) NOT NULL UNIQUE);
      CREATE TABLE user_roles (user_id bigint NOT NULL REFERENCES users(id), role_id bigint NOT NULL REFERENCES roles(id), PRIMARY KEY (user_id, role_id))`,
    );
    const text = await scaffold({
      url: `mssql://landbridge@127.0.0.1:${String(parameters['port'])}/fixture?tls=disable`,
      name: 'hr',
      password: String(parameters['password']),
    });
    expect(text).toContain('dialect: mssql');
    expect(text).toContain('tls: {"mode":"disable"}');
    expect(text).toMatch(/members:\s+table: user_roles\s+key: \[role_id\]\s+reference: \{ columns: \[user_id\], objectType: user \}/);
    expect(text).toContain('boss: { columns: [boss], objectType: user }');
  });

  it('keys of many columns are looked up in statements that the server takes', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const { application, server, run } = await open(
      `CREATE TABLE wide (${names.map((name) => `${name} bigint NOT NULL`).join(', ')}, v bigint, PRIMARY KEY (${names.join(', ')}))`,
    );
    run(
      `INSERT INTO wide SELECT value, 1, 2, 3, 4, value FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 900) SELECT value FROM n)`,
    );
    const context = contextOf(application, { wide: { table: 'wide', anchor: names, delta: { watermarkColumn: 'v' } } });
    const { watermark = '' } = await importAll(context);
    run('UPDATE wide SET v = v + 1000');
    expect((await importAll(context, { kind: 'delta', watermark, pageSize: 500 })).entries).toHaveLength(900);
    expect(Math.max(...server.statements.map(({ parameters }) => parameters.length))).toBeLessThanOrEqual(2000);
  });

  it('connector test tells how deltas work, and what it reached', async () => {
    const { application } = await open(`${tables}${tracking}`);
    const results = [];
    for await (const one of connector.test?.(contextOf(application, { person: tracked }), { signal: new AbortController().signal }) ?? []) results.push(one);
    expect(results.map(({ layer, status }) => `${layer} ${status}`)).toEqual([
      ...['name-resolution skipped', 'tcp passed', 'tls skipped', 'authentication passed', 'permissions passed', 'schema passed'],
    ]);
    expect(results.at(-1)?.message).toBe('person: 3 attributes, delta by change tracking, deletes included');
  });

  it('a time is written as the column takes it, and read as the rest of the world does; a padded text loses its padding', async () => {
    const { application, rows, server } = await open(
      'CREATE TABLE kinds (id bigint NOT NULL PRIMARY KEY, at datetime2(7), old datetime, code nchar(6), amount decimal(20, 4))',
    );
    const kind = { table: 'kinds', anchor: ['id'], attributes: { at: { time: { zone: 'Europe/Vienna' } }, old: { time: {} }, code: {}, amount: {} } };
    const context = contextOf(application, { kind });
    const given = { id: 1n, at: '2026-07-03T02:05:06.1234567Z', old: '2026-01-02T03:04:05Z', code: 'ab', amount: '12345678901234567.8912' };
    const changes = Object.entries(given).map(([name, value]) => ({ name, modification: 'add' as const, values: [value] }));
    expect((await putOne(context, { modification: 'add', objectType: 'kind', changes })).error).toBeUndefined();
    expect(rows('SELECT at, old, amount FROM kinds')).toEqual([['2026-07-03 04:05:06.1234567', '2026-01-02 03:04:05', '12345678901234567.8912']]);
    const insert = server.statements.find(({ sql }) => sql.includes('INSERT'))?.sql;
    expect(insert).toContain('CONVERT(datetime2(7), @p2), CONVERT(datetime, CONVERT(datetime2(7), @p3)), @p4, CONVERT(decimal(20,4), @p5)');
    const [entry] = (await importAll(context, { schema: await schemaOf(context) })).entries;
    expect({ ...entry?.anchor, ...entry?.attributes }).toEqual(given);
  });
});
