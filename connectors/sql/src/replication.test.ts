import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTuples } from './postgres-replication.ts';
import { type Application, contextOf, createPostgresBench, importAll } from './testing/applications.ts';

describe('what the decoder of PostgreSQL writes', () => {
  it.each([
    ["id[bigint]:1 name[character varying]:'it''s [a]: b' gone[text]:null", [{ id: '1', name: "it's [a]: b", gone: null }]],
    [
      `old-key: id[integer]:1 new-tuple: id[integer]:2 "odd ""name"""[text[]]:'{a,"b c"}' flag[boolean]:true`,
      [{ id: '1' }, { id: '2', 'odd "name"': '{a,"b c"}', flag: 'true' }],
    ],
    [
      "id[uuid]:'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' big[text]:unchanged-toast-datum n[numeric]:1.50",
      [{ id: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', n: '1.50' }],
    ],
    ['(no-tuple-data)', []],
  ])('%s', (text, tuples) => {
    expect(parseTuples(text).map((tuple) => Object.fromEntries(tuple))).toEqual(tuples);
  });
});

const bench = createPostgresBench('C.UTF-8', ['wal_level=logical', 'synchronous_commit=on']);

describe.skipIf(!bench.isThere)('deltas by logical replication', () => {
  let application: Application;
  beforeAll(async () => {
    await bench.start();
    application =
      await bench.create(`CREATE TABLE "My People" (code varchar(10) PRIMARY KEY, name text, big text); CREATE TABLE mails (code varchar(10), mail text, PRIMARY KEY (code, mail)); CREATE TABLE noise (id serial);
      INSERT INTO "My People" SELECT 'p' || n, 'it''s ' || n FROM generate_series(1, 5) n; INSERT INTO mails VALUES ('p1', 'a@x')`);
  });
  afterAll(async () => {
    await application.close();
    await bench.stop();
  });
  const person = (more: object = {}) => ({
    table: 'My People',
    anchor: ['code'],
    multiValued: { mails: { table: 'mails', key: ['code'], value: 'mail' } },
    delta: { replication: 'landbridge_test' },
    ...more,
  });

  it('R24: changes, deletes, changed keys and side rows are in the delta once, also those of transactions that were open at the mark', async () => {
    const context = contextOf(application, { person: person() });
    await application.run("BEGIN; INSERT INTO \"My People\" VALUES ('open', 'open', NULL)");
    // The slot is made in a database where others write: it waits for them.
    const first = importAll(context);
    await application.run('COMMIT');
    let watermark = (await first).watermark ?? '';
    const delta = async (): Promise<readonly string[]> => {
      const result = await importAll(context, { kind: 'delta', watermark });
      watermark = result.watermark ?? '';
      return result.entries.map((entry) => `${entry.modification} ${String(entry.anchor['code'])} ${JSON.stringify(entry.attributes?.['mails'] ?? [])}`).sort();
    };
    await delta();
    expect(await delta()).toEqual([]);
    await application.run(`INSERT INTO noise SELECT generate_series(1, 1000); UPDATE "My People" SET name = 'x''y' WHERE code = 'p1'; UPDATE "My People" SET name = 'z' WHERE code = 'p1';
      DELETE FROM "My People" WHERE code = 'p2'; UPDATE "My People" SET code = 'q3' WHERE code = 'p3'; INSERT INTO mails VALUES ('p4', 'new@x'); DELETE FROM mails WHERE code = 'p1'; INSERT INTO "My People" VALUES ('p6', '6', repeat('x', 100000))`);
    expect(await delta()).toEqual(['delete p2 []', 'delete p3 []', 'replace p1 []', 'replace p4 ["new@x"]', 'replace p6 []', 'replace q3 []']);
    expect(await delta()).toEqual([]);
    // A delta that fails later is repeated from the same mark.
    const before = watermark;
    await application.run("UPDATE \"My People\" SET name = 'again' WHERE code = 'p5'");
    expect(await delta()).toEqual(['replace p5 []']);
    watermark = before;
    expect(await delta()).toEqual(['replace p5 []']);
    await application.run('TRUNCATE mails');
    await expect(delta()).rejects.toMatchObject({ code: 'watermark-lost' });
  });

  it('a slot that is gone is a lost watermark; one of somebody else, and an account without the right, are said', async () => {
    const context = contextOf(application, { person: person({ delta: { replication: 'landbridge_gone' } }) });
    const { watermark } = await importAll(context);
    await application.run("SELECT pg_drop_replication_slot('landbridge_gone')");
    await expect(importAll(context, { kind: 'delta', watermark: watermark ?? '' })).rejects.toMatchObject({ code: 'watermark-lost' });
    await application.run("SELECT pg_create_logical_replication_slot('others', 'pgoutput')");
    await expect(importAll(contextOf(application, { person: person({ delta: { replication: 'others' } }) }))).rejects.toMatchObject({
      code: 'invalid-configuration',
    });
    await application.run("CREATE ROLE plain LOGIN PASSWORD 'plain'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain");
    const url = new URL(String(application.parameters['url']));
    url.username = 'plain';
    url.password = 'plain';
    const limited = { ...application, parameters: { dialect: 'postgres', url: url.href } };
    await expect(importAll(contextOf(limited, { person: person({ delta: { replication: 'landbridge_plain' } }) }))).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('REPLICATION'),
    });
    await application.run("SELECT pg_drop_replication_slot('others')");
  });
});
