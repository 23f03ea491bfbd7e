import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileModel } from '../rules/stored-model.ts';
import type { StoreModel } from '../store-model.ts';
import { createDriver, directoryModel, group, model, person } from '../testing/people.ts';
import { WAITING_IN_PARTITION } from './missed-entries.ts';
import { openSqliteConnectorStore } from './open-sqlite-store.ts';
import { referenceByKey } from './spelled-references.ts';

/** SQLite knows little of what is in a table: the order of a join that must not be turned around is written down, and seen here. */
describe('plans of joins', () => {
  const PEOPLE = 2000;
  let folder: string;
  let database: DatabaseSync;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'landbridge-plans-'));
    const file = join(folder, 'connector.db');
    const opened = await openSqliteConnectorStore({ file, thread: false });
    await opened.store.configure(model);
    const people = Array.from({ length: PEOPLE }, (_, index) => String(index));
    await createDriver(opened.store, opened.reader).import([...people.map((id) => person(id, { login: `user${id}` })), group('everybody', people)]);
    await opened.store.checkpoint();
    await opened.close();
    database = new DatabaseSync(file, { readOnly: true });
  });

  it('S-106 a space that was small once has no statistics that say so: a file of before loses them', async () => {
    const statistics = "SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'sqlite_stat%'";
    expect(database.prepare(statistics).get()).toEqual({ n: 0 });
    const file = join(folder, 'older.db');
    const open = () => openSqliteConnectorStore({ file, thread: false });
    const pilot = await open();
    await pilot.store.configure(model);
    await createDriver(pilot.store, pilot.reader).import([person('1', { login: 'ada', mails: ['ada@example.com'] })]);
    await pilot.close();
    const older = new DatabaseSync(file);
    older.exec('DROP INDEX link_aliases_id; ANALYZE; PRAGMA user_version = 7');
    const byMail = 'SELECT e.id FROM entries e WHERE e.id IN (SELECT entry FROM mv WHERE attr = ? AND key = ?)';
    expect(planOf(byMail, older)).toContain('SCAN e USING COVERING INDEX entries_type');
    older.close();
    await (await open()).close();
    const now = new DatabaseSync(file, { readOnly: true });
    expect(now.prepare(statistics).get()).toEqual({ n: 0 });
    expect(planOf(byMail, now)).toContain('SEARCH e USING INTEGER PRIMARY KEY (rowid=?)');
    now.close();
  });

  it('R32 the ids that somebody else gave are found by what they stand for', () => {
    expect(planOf('SELECT json_group_array(alias) FROM link_aliases WHERE scim_id = ?')).toEqual([expect.stringContaining('link_aliases_id (scim_id=?)')]);
  });

  afterAll(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const planOf = (sql: string, of: DatabaseSync = database): readonly string[] =>
    of
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row['detail']));

  it('R23 what waits for other partitions is found without looking at every entry', () => {
    expect(planOf(WAITING_IN_PARTITION)).toEqual(['SCAN m', expect.stringContaining('SEARCH e USING INTEGER PRIMARY KEY')]);
  });

  it.each<StoreModel>([{ ...model, normalizations: ['uppercase'] }, directoryModel])(
    'R27 a reference that is spelled in another way is found without looking at all of its entry, by $referenceForm',
    (spelled) => {
      const numbers = (table: string): ReadonlyMap<string, number> =>
        new Map(
          database
            .prepare(`SELECT name, id FROM ${table}`)
            .all()
            .map((row) => [String(row['name']), Number(row['id'])]),
        );
      const compiled = compileModel(spelled, numbers('types'), numbers('attributes'));
      expect(planOf(referenceByKey(compiled))).toEqual([
        expect.stringMatching(/SEARCH e USING COVERING INDEX entries_(anchor|dn) \((otype=\? AND anchor|dn)_key=\?\)/),
        'SEARCH r USING COVERING INDEX refs_target (target=? AND attr=? AND entry=?)',
      ]);
    },
  );
});
