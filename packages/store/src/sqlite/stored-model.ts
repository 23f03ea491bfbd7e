import type { StoreModel } from '../connector-store.ts';
import { compileModel, EMPTY_MODEL, type StoredModel } from '../rules/stored-model.ts';
import type { Database } from './database.ts';
import { fillKeys } from './fill-keys.ts';

/** Reads the model that the file was last configured with. */
export function readModel(database: Database): { readonly model: StoredModel; readonly text: string } {
  const text = String(database.get("SELECT value FROM meta WHERE name = 'model'")?.['value'] ?? JSON.stringify(EMPTY_MODEL));
  return { model: compileStored(database, JSON.parse(text) as StoreModel), text };
}

/**
 * Brings columns and indexes in line with a model. Entries stay (R23); the hash of every entry is forgotten where the model
 * changed, so that the next import compares bodies; watermarks are forgotten (R24).
 */
export function applyModel(database: Database, next: StoreModel): boolean {
  const text = JSON.stringify(next);
  const before = readModel(database);
  if (before.text === text) return false;
  database.transaction(() => {
    for (const type of next.objectTypes) {
      database.run('INSERT INTO types(name) VALUES (?) ON CONFLICT DO NOTHING', type.name);
      for (const attribute of type.attributes) database.run('INSERT INTO attributes(name) VALUES (?) ON CONFLICT DO NOTHING', attribute.name);
    }
    const model = compileStored(database, next);
    fillKeys(database, before.model, model);
    // Those whose keys were written have none any more: each entry is written once.
    database.run('UPDATE entries SET hash = NULL WHERE hash IS NOT NULL');
    database.run('DELETE FROM watermarks');
    database.run("INSERT INTO meta(name, value) VALUES ('model', ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", text);
  });
  return true;
}

function compileStored(database: Database, model: StoreModel): StoredModel {
  const numbers = (table: 'types' | 'attributes'): ReadonlyMap<string, number> =>
    new Map(database.all(`SELECT id, name FROM ${table}`).map((row) => [String(row['name']), Number(row['id'])]));
  return compileModel(model, numbers('types'), numbers('attributes'));
}
