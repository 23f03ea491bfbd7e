import { setTimeout as wait } from 'node:timers/promises';
import type { TestResult } from '@landbridge/connector-sdk';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysqlDialect } from './dialect-mysql.ts';
import { openExport } from './export-session.ts';
import { connector } from './index.ts';
import { openMysql } from './mysql-database.ts';
import { buildModels } from './object-model.ts';
import { readSettings } from './settings.ts';
import {
  type Application,
  addOf,
  compare,
  contextOf,
  createMariadbBench,
  find,
  importAll,
  importWhileWritten,
  put,
  putOne,
  schemaOf,
} from './testing/applications.ts';
import { startProxy } from './testing/cutting-relay.ts';

const bench = createMariadbBench('utf8mb4_general_ci');
const person = { table: 'people', anchor: ['id'] };
const signal = new AbortController().signal;

describe.skipIf(!bench.isThere)('MariaDB when things go wrong', () => {
  let application: Application;
  beforeAll(async () => {
    await bench.start();
    application =
      await bench.create(`CREATE TABLE people (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(8) UNIQUE, born date, state smallint, flag boolean);
      CREATE TABLE tags (person_id bigint, tag varchar(700), KEY (person_id));
      INSERT INTO people (name) SELECT concat('p', seq) FROM seq_1_to_20000; INSERT INTO tags SELECT seq, repeat('x', 500) FROM seq_1_to_20000;`);
  });
  afterAll(async () => {
    await application.close();
    await bench.stop();
  });

  const withParameters = (more: Record<string, string | number | object>): Application => ({
    ...application,
    parameters: { ...application.parameters, ...more } as Application['parameters'],
  });

  async function testOf(one: Application, objectTypes: object = { person }): Promise<readonly TestResult[]> {
    const results: TestResult[] = [];
    for await (const result of connector.test?.(contextOf(one, objectTypes as never), { signal }) ?? []) results.push(result);
    return results;
  }

  /** Ends every connection of the connector: all but the one that asks. */
  async function killOthers(): Promise<void> {
    const rows = await application.rows(
      "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND user = 'landbridge' AND db = database()",
    );
    for (const [id] of rows) await application.run(`KILL ${id ?? ''}`).catch(() => {});
  }

  it('a server that is down, a name that is unknown, a wrong password and a wrong database are told apart', async () => {
    await expect(schemaOf(contextOf(withParameters({ port: 1 }), { person }))).rejects.toMatchObject({
      code: 'server-down',
      message: expect.stringMatching(/127\.0\.0\.1:1: .*host/),
    });
    expect((await testOf(withParameters({ port: 1 }))).at(-1)).toMatchObject({ layer: 'tcp', status: 'failed' });
    await expect(schemaOf(contextOf(withParameters({ host: 'no-such-host.invalid' }), { person }))).rejects.toMatchObject({ code: 'server-down' });
    const wrong = withParameters({ password: 'hunter2-hunter2' });
    const error: unknown = await schemaOf(contextOf(wrong, { person })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'bad-credentials' });
    expect(JSON.stringify([error, String(error)])).not.toContain('hunter2');
    expect((await testOf(wrong)).at(-1)).toMatchObject({ layer: 'authentication', status: 'failed' });
    await expect(schemaOf(contextOf(withParameters({ database: 'nope' }), { person }))).rejects.toMatchObject({ code: 'invalid-configuration' });
  });

  it('a server without TLS is refused where TLS is required, at the layer of TLS', async () => {
    const secure = withParameters({ tls: { mode: 'require' } });
    await expect(schemaOf(contextOf(secure, { person }))).rejects.toMatchObject({ code: 'invalid-configuration' });
    expect((await testOf(secure)).at(-1)).toMatchObject({ layer: 'tls', status: 'failed', message: expect.stringContaining('tls.mode') });
  });

  it('the layers of a good connection pass, by a URL too, and missing rights are found before the first write', async () => {
    expect((await testOf(application)).map(({ layer, status }) => `${layer} ${status}`)).toEqual([
      'name-resolution skipped',
      'tcp passed',
      'tls skipped',
      'authentication passed',
      'permissions passed',
      'schema passed',
    ]);
    await application.run("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'reader'; GRANT SELECT ON people TO reader@'127.0.0.1'");
    const { port, database } = application.parameters as { readonly port: number; readonly database: string };
    const limited = { ...application, parameters: { dialect: 'mariadb', url: `mariadb://reader:reader@127.0.0.1:${port}/${database}` } };
    expect((await testOf(limited)).find((one) => one.layer === 'permissions')).toMatchObject({
      status: 'passed',
      message: expect.stringContaining('people: INSERT, UPDATE, DELETE'),
    });
    expect((await putOne(contextOf(limited, { person }), addOf('person', { name: 'x' }))).error?.code).toBe('permission-denied');
  });

  it('a connection that dies in the middle of an import ends the run without end-of-data mark or watermark', async () => {
    const context = contextOf(application, {
      person: { ...person, multiValued: { tags: { table: 'tags', key: ['person_id'], value: 'tag' } }, delta: { watermarkColumn: 'id' } },
    });
    const session = await connector.openImport?.(context, { kind: 'full', schema: await schemaOf(context), pageSize: 100, signal });
    if (session === undefined) throw new Error('no session');
    let entries = (await session.readPage({ signal })).entries.length;
    await killOthers();
    const reading = (async () => {
      for (;;) {
        const page = await session.readPage({ signal });
        entries += page.entries.length;
        if (!page.more) return 'ended';
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'server-down' });
    expect(entries).toBeLessThan(20_000);
    expect(await session.close('failed')).toBeUndefined();
  });

  it('an import can be cancelled while the server works, and the server stops', async () => {
    await application.run('CREATE VIEW slow AS SELECT id, sleep(0.01) AS nap FROM people');
    const context = contextOf(application, { slow: { view: 'slow', anchor: ['id'] } });
    const controller = new AbortController();
    const schema = await schemaOf(context);
    setTimeout(() => controller.abort(), 300);
    await expect(importAll(context, { signal: controller.signal, schema })).rejects.toMatchObject({ code: 'cancelled' });
    const running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%nap%' AND id <> connection_id()";
    for (let attempt = 0; attempt < 200 && (await application.rows(running))[0]?.[0] !== '0'; attempt += 1) await wait(50);
    expect(await application.rows(running)).toEqual([['0']]);
  });

  it('dead connections of the pool are replaced: the next change succeeds', async () => {
    const context = contextOf(application, { person });
    const session = await connector.openExport?.(context, { kind: 'delta', schema: await schemaOf(context), batchSize: 1, signal });
    expect((await session?.put([{ id: '1', ...addOf('person', { name: 'first' }) }], { signal }))?.[0]?.error).toBeUndefined();
    await killOthers();
    expect((await session?.put([{ id: '2', ...addOf('person', { name: 'second' }) }], { signal }))?.[0]?.error).toBeUndefined();
    await session?.close('normal');
  });

  it('R13: a connection that breaks before COMMIT left nothing behind: server-down; during COMMIT it is in doubt', async () => {
    const proxy = await startProxy(Number(application.parameters['port']));
    const context = contextOf(withParameters({ port: proxy.port }), { person });
    proxy.cutAt = 'INSERT INTO';
    expect((await putOne(context, addOf('person', { name: 'cut-1' }))).error).toMatchObject({ code: 'server-down' });
    // The letter before it says that this is a statement: READ COMMITTED is none.
    proxy.cutAt = '\u0003COMMIT';
    expect((await putOne(context, addOf('person', { name: 'cut-2' }))).error).toMatchObject({ code: 'connection-dropped' });
    proxy.cutAt = undefined;
    expect((await putOne(context, addOf('person', { name: 'cut-3' }))).error).toBeUndefined();
    expect(await application.rows("SELECT name FROM people WHERE name LIKE 'cut-%' ORDER BY name")).toEqual([['cut-3']]);
    await proxy.stop();
  });

  it('a statement that takes too long is a timeout, and its neighbours go on', async () => {
    await application.run(
      "CREATE TABLE naps (id int PRIMARY KEY, name varchar(20)); CREATE TRIGGER naps BEFORE INSERT ON naps FOR EACH ROW IF NEW.name = 'slow' THEN DO sleep(20); END IF",
    );
    const context = contextOf(withParameters({ commandTimeout: 1 }), { nap: { table: 'naps', anchor: ['id'] } });
    const results = await put(context, [
      { id: 'a', ...addOf('nap', { id: 1n, name: 'slow' }) },
      { id: 'b', ...addOf('nap', { id: 2n, name: 'quick' }) },
    ]);
    expect(results.map((result) => result.error?.code)).toEqual(['timeout', undefined]);
  });

  it('values that do not fit name their attribute, and nothing is cut to fit', async () => {
    const context = contextOf(application, { person });
    for (const [attribute, value] of [
      ['name', 'far too long'],
      ['born', '2026-13-45'],
      ['state', 70_000n],
    ] as const) {
      expect((await putOne(context, addOf('person', { [attribute]: value }))).error).toMatchObject({ code: 'invalid-attribute-value', detail: { attribute } });
    }
  });

  it('a collation that ignores case and spaces touches no other entry', async () => {
    await application.run(`CREATE TABLE codes (code varchar(20), name varchar(20), KEY (code)); CREATE TABLE code_tags (code varchar(20), tag varchar(20));
      INSERT INTO codes VALUES ('a', 'small'), ('A', 'large'), ('a ', 'spaced'), ('\u00e4', 'umlaut'); INSERT INTO code_tags SELECT code, name FROM codes`);
    const code = { table: 'codes', anchor: ['code'], multiValued: { tags: { table: 'code_tags', key: ['code'], value: 'tag' } } };
    const context = contextOf(application, { code });
    const { entries } = await importAll(context);
    expect(entries.map((entry) => [entry.anchor['code'], entry.attributes?.['name'], entry.attributes?.['tags']])).toEqual([
      ['A', 'large', ['large']],
      ['a', 'small', ['small']],
      ['a ', 'spaced', ['spaced']],
      ['\u00e4', 'umlaut', ['umlaut']],
    ]);
    const update = { modification: 'update', objectType: 'code', anchor: { code: 'a' } } as const;
    expect((await putOne(context, { ...update, changes: [{ name: 'name', modification: 'replace', values: ['changed'] }] })).error).toBeUndefined();
    expect((await putOne(context, { ...update, changes: [{ name: 'tags', modification: 'update', added: ['SMALL'], removed: [] }] })).error).toBeUndefined();
    expect((await putOne(context, { modification: 'delete', objectType: 'code', anchor: { code: 'A' }, changes: [] })).error).toBeUndefined();
    expect(await application.rows('SELECT code, name FROM codes ORDER BY name')).toEqual([
      ['a', 'changed'],
      ['a ', 'spaced'],
      ['\u00e4', 'umlaut'],
    ]);
    const tags = (await find(context, 'code', compare('code', 'equal', 'a'))).entries.map((entry) => entry.attributes?.['tags']);
    expect(tags).toEqual([['SMALL', 'small']]);
  });

  it('columns of an old character set are looked up and written like any other', async () => {
    await application.run(
      `CREATE TABLE olds (id int PRIMARY KEY, name varchar(20)) CHARACTER SET latin1 COLLATE latin1_german1_ci; INSERT INTO olds VALUES (1, 'Zo\u00eb')`,
    );
    const context = contextOf(application, { old: { table: 'olds', anchor: ['id'], attributes: { name: { caseExact: true } } } });
    expect((await find(context, 'old', compare('name', 'equal', 'Zo\u00eb'))).entries).toHaveLength(1);
    expect((await find(context, 'old', compare('name', 'equal', 'zo\u00eb'))).entries).toHaveLength(0);
    expect((await find(context, 'old', compare('name', 'equal', '\u{1F600}'))).entries).toHaveLength(0);
    expect((await find(context, 'old', compare('name', 'ends', '\u00cb', 'string', false))).entries).toHaveLength(1);
    expect((await putOne(context, addOf('old', { id: 2n, name: '\u{1F600}' }))).error).toMatchObject({ code: 'invalid-attribute-value' });
  });

  it('an import sees one state, whatever is written meanwhile, and leaves no connection behind', async () => {
    await application.run(
      'CREATE TABLE owners (id int PRIMARY KEY); CREATE TABLE things (owner int, thing int, KEY (owner)); INSERT INTO owners SELECT seq FROM seq_1_to_9000; INSERT INTO things SELECT seq, 1 FROM seq_1_to_9000',
    );
    const entries = await importWhileWritten(application);
    expect(entries).toHaveLength(9000);
    expect(entries.every((entry) => (entry.attributes?.['things'] as bigint[] | undefined)?.length === 1)).toBe(true);
  });

  it('rows of one anchor are all named, also where pages end between them', async () => {
    await application.run('CREATE TABLE twice (id int, n int); INSERT INTO twice SELECT floor(seq / 2), seq FROM seq_1_to_2500');
    const { entries } = await importAll(contextOf(application, { twice: { table: 'twice', anchor: ['id'] } }), { pageSize: 700 });
    expect(entries).toHaveLength(2500);
    expect(entries.filter((entry) => entry.error !== undefined)).toHaveLength(1249);
    await application.run('UPDATE twice SET id = 1');
    await expect(importAll(contextOf(application, { twice: { table: 'twice', anchor: ['id'] } }))).rejects.toMatchObject({ code: 'invalid-data' });
  });

  it('R24: what a transaction writes while the full import takes its mark is found by the delta', async () => {
    await application.run(`CREATE TABLE notes (id int PRIMARY KEY, changed datetime(6) DEFAULT now(6)); CREATE TABLE note_log (seq bigint AUTO_INCREMENT PRIMARY KEY, id int);
      INSERT INTO notes VALUES (1, now(6) - INTERVAL 1 DAY); INSERT INTO note_log (id) VALUES (1)`);
    const byLog = contextOf(application, {
      note: { table: 'notes', anchor: ['id'], delta: { changeLog: { table: 'note_log', sequence: 'seq', key: ['id'] } } },
    });
    const byTime = contextOf(application, { note: { table: 'notes', anchor: ['id'], delta: { watermarkColumn: 'changed' } } });
    const { host, port, user, password, database } = application.parameters as Readonly<Record<'host' | 'user' | 'password' | 'database', string>> & {
      port: number;
    };
    const late = await createConnection({ host, port, user, password, database });
    await late.query('START TRANSACTION');
    await late.query('INSERT INTO notes (id) VALUES (2)');
    await late.query('INSERT INTO note_log (id) VALUES (2)');
    await application.run('INSERT INTO notes VALUES (3, now(6) + INTERVAL 1 SECOND); INSERT INTO note_log (id) VALUES (3)');
    const marks = [(await importAll(byLog)).watermark, (await importAll(byTime)).watermark];
    await late.query('COMMIT');
    await late.end();
    for (const [index, context] of [byLog, byTime].entries()) {
      const { entries } = await importAll(context, { kind: 'delta', watermark: marks[index] ?? '' });
      expect(entries.map((entry) => entry.anchor['id'])).toContain(2n);
    }
  });

  it('a server without INSERT … RETURNING, as MySQL is, gives assigned anchors all the same', async () => {
    const { settings } = readSettings({ ...application.parameters, objectTypes: { person } });
    const database = { ...(await openMysql(settings)), dialect: mysqlDialect({ returning: false }) };
    const models = await buildModels(database, settings);
    const schema = { objectTypes: [...models.values()].map((model) => model.definition) };
    const session = openExport(database, models, schema, () => database.close());
    const [result] = await session.put([{ id: 'a', ...addOf('person', { name: 'mysql', flag: true }) }], { signal });
    const [refused] = await session.put([{ id: 'b', ...addOf('person', { name: 'mysql' }) }], { signal });
    await session.close('normal');
    expect(refused?.error).toMatchObject({ code: 'already-exists', detail: { attribute: 'name' } });
    expect(await application.rows("SELECT id, flag FROM people WHERE name = 'mysql'")).toEqual([[String(result?.anchor?.['id']), '1']]);
  });
});
