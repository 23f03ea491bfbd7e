import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { StoredModel, StoredType } from '../rules/stored-model.ts';
import type { Database } from './database.ts';
import { writeMultiValues } from './entry-rows.ts';
import { columnKeys, keyIndex } from './key-columns.ts';

/** Entries that are filled before the next look at the table. */
const CHUNK = 1000;

/**
 * Writes the keys that the model before did not keep, from the bodies, and makes what of columns and indexes is missing. What is
 * there may be of an earlier model, or of another type: nobody kept it since.
 */
export function fillKeys(database: Database, before: StoredModel, model: StoredModel): void {
  const there = new Set(database.all('PRAGMA table_info(entries)').map((row) => String(row['name'])));
  const needed = new Set<string>();
  const fresh: { readonly type: StoredType; readonly withMultiValues: boolean }[] = [];
  for (const type of model.types.values()) {
    const was = before.types.get(type.name);
    const kept = new Set(was?.columns.map(({ column }) => column));
    const columns = type.columns.filter(({ column }) => !kept.has(column));
    const withMultiValues = multiValueForm(type) !== multiValueForm(was);
    for (const { column = '' } of columns) needed.add(column);
    if (columns.length > 0 || withMultiValues) fresh.push({ type: { ...type, columns }, withMultiValues });
  }
  for (const column of needed) if (!there.has(column)) database.execute(`ALTER TABLE entries ADD COLUMN ${column}`);
  for (const { type, withMultiValues } of fresh) fillType(database, type, withMultiValues);
  for (const column of needed) database.execute(`CREATE INDEX IF NOT EXISTS ${keyIndex(column)} ON entries(${column}, otype) WHERE ${column} IS NOT NULL`);
}

/** What the index of multi-valued attributes depends on. */
function multiValueForm(type: StoredType | undefined): string {
  return JSON.stringify((type?.multiValued ?? []).map((one) => [one.id, one.type, one.caseExact, one.accountName]));
}

/** Writes the columns of a type for all of its entries, each once, and forgets their hashes on the way. */
function fillType(database: Database, type: StoredType, withMultiValues: boolean): void {
  const sets = [...type.columns.map(({ column }) => `${column} = ?`), 'hash = NULL'].join(', ');
  for (let after = 0; ; ) {
    const rows = database.all('SELECT id, body FROM entries WHERE otype = ? AND id > ? ORDER BY id LIMIT ?', type.id, after, CHUNK);
    for (const row of rows) {
      after = Number(row['id']);
      const attributes = JSON.parse(String(row['body'])) as EncodedAttributes;
      database.run(`UPDATE entries SET ${sets} WHERE id = ?`, ...columnKeys(type, attributes), after);
      if (!withMultiValues) continue;
      database.run('DELETE FROM mv WHERE entry = ?', after);
      writeMultiValues(database, type, after, attributes, true);
    }
    if (rows.length < CHUNK) return;
  }
}
