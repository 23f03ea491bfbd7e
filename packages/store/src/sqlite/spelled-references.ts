import type { StoredAttribute, StoredModel } from '../rules/stored-model.ts';
import type { Database } from './database.ts';
import type { StoreState } from './entry-rows.ts';

/**
 * The value of a reference by the key of what it refers to: `attr`, `entry`, the key. The target is found first, by its index, and the one
 * reference to it next: an entry may have a million.
 */
export function referenceByKey(model: StoredModel): string {
  const isTarget = model.referenceForm === 'dn' ? 'e.dn_key = ?' : `e.otype IN (${[...model.typesById.keys()].join(', ')}) AND e.anchor_key = ?`;
  return `SELECT r.raw FROM entries e CROSS JOIN refs r ON r.target = e.id AND r.attr = ? AND r.entry = ? WHERE ${isTarget}`;
}

/**
 * Which of these values an entry refers to, each with the value as the entry has it: a directory may write a name in another way than
 * its entry does (R27). What is there to the letter comes first; `indexed` is waited for before anything is looked for by its key.
 */
export function spelledReferences(
  database: Database,
  model: StoredModel,
  entryId: number,
  attr: number,
  raw: readonly string[],
  known: ReadonlyMap<string, string> = exactReferences(database, entryId, attr, raw),
): ReadonlyMap<string, string> {
  if (model.plainReferences || known.size === raw.length) return known;
  const found = new Map(known);
  const byKey = referenceByKey(model);
  for (const value of raw) {
    if (known.has(value)) continue;
    const asked = model.referenceKey(value);
    const row =
      database.get(byKey, attr, entryId, asked) ??
      database.get('SELECT raw FROM unresolved WHERE raw_key = ? AND entry = ? AND attr = ?', asked, entryId, attr);
    if (row !== undefined) found.set(value, String(row['raw']));
  }
  return found;
}

/** The values that are there to the letter. */
export function exactReferences(database: Database, entryId: number, attr: number, raw: readonly string[]): ReadonlyMap<string, string> {
  const isThere = (value: string): boolean =>
    database.get('SELECT 1 AS yes FROM refs WHERE entry = ? AND attr = ? AND raw = ?', entryId, attr, value) !== undefined;
  return new Map(raw.filter(isThere).map((value) => [value, value]));
}

/** Values to be removed, as the entry has them. */
export function asSpelled({ database, model }: StoreState, entryId: number, attribute: StoredAttribute, raw: readonly string[]): readonly string[] {
  return model.plainReferences ? raw : [...spelledReferences(database, model, entryId, attribute.id, raw).values()];
}
