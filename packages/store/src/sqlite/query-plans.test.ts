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

  afterAll(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const planOf = (sql: string): readonly string[] =>
    database
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
