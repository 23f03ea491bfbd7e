import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestResult } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connector } from './index.ts';
import { type Application, addOf, compare, contextOf, createSqliteBench, find, importAll, put, putOne, schemaOf } from './testing/applications.ts';

const bench = createSqliteBench();
const signal = new AbortController().signal;
const person = { table: 'people', anchor: ['id'] };

describe('SQLite when things go wrong', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'landbridge-sqlite-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await bench.stop();
  });

  const people = (): Promise<Application> =>
    bench.create(
      "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE UNIQUE, number INTEGER); INSERT INTO people VALUES (1, 'a', 1), (2, 'b', 2)",
    );
  const atFile = (file: string): Application => ({
    dialect: 'sqlite',
    parameters: { dialect: 'sqlite', file },
    run: async () => {},
    rows: async () => [],
    close: async () => {},
  });
  async function testOf(application: Application): Promise<readonly TestResult[]> {
    const results: TestResult[] = [];
    for await (const result of connector.test?.(contextOf(application, { person }), { signal }) ?? []) results.push(result);
    return results;
  }

  it('a file that is not there, or is no database, is said plainly, by layer', async () => {
    const nowhere = atFile(join(folder, 'nowhere.db'));
    await expect(schemaOf(contextOf(nowhere, { person }))).rejects.toMatchObject({ code: 'server-down', message: expect.stringContaining('nowhere.db') });
    expect((await testOf(nowhere)).at(-1)).toMatchObject({ layer: 'tcp', status: 'failed' });
    const file = join(folder, 'text.db');
    writeFileSync(file, 'this is not a database, although it is long enough to be looked at as one '.repeat(20));
    await expect(schemaOf(contextOf(atFile(file), { person }))).rejects.toMatchObject({ code: 'invalid-configuration' });
    expect((await testOf(atFile(file))).at(-1)).toMatchObject({ layer: 'authentication', status: 'failed' });
    expect((await testOf(await people())).map(({ layer, status }) => `${layer} ${status}`)).toEqual([
      'name-resolution skipped',
      'tcp passed',
      'tls skipped',
      'authentication passed',
      'permissions passed',
      'schema passed',
    ]);
  });

  it('a lock of another program is waited for, as long as the command timeout says', async () => {
    const application = await people();
    const context = contextOf(application, { person }, { commandTimeout: 1 });
    await application.run('BEGIN IMMEDIATE');
    const started = performance.now();
    expect((await putOne(context, addOf('person', { name: 'late' }))).error?.code).toBe('throttled');
    expect(performance.now() - started).toBeGreaterThan(900);
    const patient = contextOf(application, { person }, { commandTimeout: 20 });
    setTimeout(() => void application.run('COMMIT'), 700);
    expect((await putOne(patient, addOf('person', { name: 'late' }))).error).toBeUndefined();
  });

  it('an import, too, waits for a program that locks the whole file', async () => {
    const application = await people();
    await application.run('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
    await expect(importAll(contextOf(application, { person }, { commandTimeout: 1 }))).rejects.toMatchObject({ code: 'throttled' });
    setTimeout(() => void application.run('COMMIT'), 700);
    expect((await importAll(contextOf(application, { person }, { commandTimeout: 20 }))).entries).toHaveLength(2);
  });

  it('the journal mode stays as the application has it, and a long import does not stop writers in WAL', async () => {
    const application = await people();
    await application.run("INSERT INTO people (name) WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'p' || i FROM n");
    const context = contextOf(application, { person });
    const session = await connector.openImport?.(context, { kind: 'full', schema: await schemaOf(context), pageSize: 500, signal });
    if (session === undefined) throw new Error('no session');
    const entries = [...(await session.readPage({ signal })).entries];
    expect((await putOne(context, addOf('person', { name: 'meanwhile' }))).error).toBeUndefined();
    await application.run('DELETE FROM people WHERE id > 5000');
    for (let more = true; more; ) {
      const page = await session.readPage({ signal });
      entries.push(...page.entries);
      more = page.more;
    }
    await session.close('normal');
    expect(entries).toHaveLength(19_993);
    expect(await application.rows('PRAGMA journal_mode')).toEqual([['wal']]);
  });

  it('a cell that does not hold what its column declares is an error of its entry; the import goes on', async () => {
    const application = await people();
    await application.run("UPDATE people SET number = 'many' WHERE id = 1");
    const context = contextOf(application, { person });
    const { entries } = await importAll(context);
    expect(entries.map((entry) => [entry.anchor['id'], entry.error?.code, entry.error?.detail?.attribute])).toEqual([
      [1n, 'invalid-attribute-value', 'number'],
      [2n, undefined, undefined],
    ]);
  });

  it('a NOCASE column: look-ups stay exact, unique violations name the attribute', async () => {
    const context = contextOf(await people(), { person });
    expect((await find(context, 'person', compare('name', 'equal', 'A', 'string', true))).entries).toEqual([]);
    expect((await find(context, 'person', compare('name', 'equal', 'A', 'string', false))).entries).toHaveLength(1);
    expect((await putOne(context, addOf('person', { name: 'A' }))).error).toMatchObject({ code: 'already-exists', detail: { attribute: 'name' } });
  });

  it('a unique index over an expression names the attribute too', async () => {
    const application = await bench.create(
      "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT); CREATE UNIQUE INDEX by_name ON people (lower(name)); INSERT INTO people VALUES (1, 'a')",
    );
    expect((await putOne(contextOf(application, { person }), addOf('person', { name: 'A' }))).error).toMatchObject({
      code: 'already-exists',
      detail: { attribute: 'name' },
    });
  });

  it('keys of different types meet: integer anchors and text in the side table', async () => {
    const application = await bench.create(
      "CREATE TABLE people (id INTEGER PRIMARY KEY); CREATE TABLE tags (person TEXT, tag TEXT); INSERT INTO people VALUES (1), (2), (10), (100), (9); INSERT INTO tags SELECT CAST(id AS TEXT), 't' || id FROM people",
    );
    const context = contextOf(application, { person: { ...person, multiValued: { tags: { table: 'tags', key: ['person'], value: 'tag' } } } });
    const { entries } = await importAll(context);
    expect(entries.map((entry) => [entry.anchor['id'], entry.attributes?.['tags']]).sort()).toEqual([1n, 10n, 100n, 2n, 9n].map((id) => [id, [`t${id}`]]));
  });

  it('a database in UTF-16 is merged and looked up like any other', async () => {
    const file = join(folder, 'utf16.db');
    const handle = new DatabaseSync(file);
    handle.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE people (code TEXT PRIMARY KEY); CREATE TABLE tags (code TEXT, tag TEXT)");
    const keys = ['a', 'ä', '\u0100', 'z', '\uff5e', '\u{1F600}', 'b'];
    for (const key of keys) {
      handle.prepare('INSERT INTO people VALUES (?)').run(key);
      handle.prepare('INSERT INTO tags VALUES (?, ?)').run(key, key);
    }
    handle.close();
    const context = contextOf(atFile(file), {
      person: { table: 'people', anchor: ['code'], multiValued: { tags: { table: 'tags', key: ['code'], value: 'tag' } } },
    });
    const { entries } = await importAll(context);
    expect(entries.map((entry) => [entry.anchor['code']])).toEqual(entries.map((entry) => entry.attributes?.['tags']));
    expect(entries).toHaveLength(keys.length);
    const greater = await find(context, 'person', compare('code', 'greater', '\uff5e'));
    expect(greater.entries.map((entry) => entry.anchor['code'])).toEqual(['\u{1F600}']);
  });

  it('a constraint that is checked at COMMIT fails the batch with its reason, and nothing stays', async () => {
    const application = await bench.create('CREATE TABLE people (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES people(id) DEFERRABLE INITIALLY DEFERRED)');
    const context = contextOf(application, { person: { ...person, anchorAssigned: false, references: { boss: { column: 'boss', objectType: 'person' } } } });
    const results = await put(context, [
      { id: 'a', ...addOf('person', { id: 1n }) },
      { id: 'b', ...addOf('person', { id: 2n, boss: '77' }) },
    ]);
    expect(results.map((result) => result.error?.code)).toEqual([undefined, 'constraint-violation']);
    expect(await application.rows('SELECT id FROM people')).toEqual([['1']]);
  });

  it('many single writes a second', async () => {
    const context = contextOf(await people(), { person });
    const session = await connector.openExport?.(context, { kind: 'delta', schema: await schemaOf(context), batchSize: 1, signal });
    const started = performance.now();
    for (let index = 0; index < 300; index += 1) {
      const results = await session?.put([{ id: 'x', ...addOf('person', { name: `n${index}` }) }], { signal });
      expect(results?.[0]?.error).toBeUndefined();
    }
    await session?.close('normal');
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
