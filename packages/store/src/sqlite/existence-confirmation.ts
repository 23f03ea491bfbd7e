import type { AwaitedAttributes } from '../rules/confirmation.ts';
import { flag } from '../rules/entry-flags.ts';
import type { ImportStep } from '../rules/import-step.ts';
import type { StoredType } from '../rules/stored-model.ts';
import { isAtWork, removeEntry, type StoreState, transact } from './entry-rows.ts';

/**
 * What an import says of creates and deletes (R20, ECMA2 `ObjectConfirmation`): a complete full import that does not show a
 * deleted entry confirms the delete; one that shows it, or does not show a created one, reports the write.
 */

/** Ends the wait of deletes that a complete full step, which began after them, did not show. */
export function confirmDeletes(state: StoreState, step: { readonly fence: number; readonly partition: string; readonly types: readonly StoredType[] }): number {
  return state.database.run(
    `UPDATE journal SET state = 'confirmed' WHERE kind = 'delete' AND state = 'applied' AND coalesce(effect ->> 'partition', '') = ?
       AND otype IN (SELECT value FROM json_each(?))
       AND (EXISTS (SELECT 1 FROM links l WHERE l.scim_id = journal.scim_id AND l.state IN ('deleted', 'gone') AND l.deleted_position <= ?)
         OR EXISTS (SELECT 1 FROM entries e WHERE e.id = journal.entry AND e.flags & ${flag.absent} <> 0 AND e.position <= ?))`,
    step.partition,
    JSON.stringify(step.types.map((type) => type.id)),
    step.fence,
    step.fence,
  ).changes;
}

/** A deleted entry is there after all: its delete is reported. Returns its journal row, where it was still awaited. */
export function reportShownAgain(state: StoreState, scimId: string): number | undefined {
  const row = state.database.get("SELECT id FROM journal WHERE kind = 'delete' AND state = 'applied' AND scim_id = ?", scimId);
  if (row === undefined) return undefined;
  state.database.run("UPDATE journal SET state = 'not-reimported' WHERE id = ?", Number(row['id']));
  return Number(row['id']);
}

/** An entry is removed although writes to it were never confirmed: they are reported. */
export function reportMissing(state: StoreState, entryId: number): void {
  const row = state.database.get('SELECT attributes FROM unconfirmed WHERE entry = ?', entryId);
  if (row === undefined) return;
  const awaited = JSON.parse(String(row['attributes'])) as AwaitedAttributes;
  for (const journal of new Set(Object.values(awaited).map((wait) => wait.journal)))
    state.database.run("UPDATE journal SET state = 'not-reimported' WHERE id = ? AND state = 'applied'", journal);
}

const CHUNK = 500;

/** Removes a chunk of what mode shadow created and a complete full step did not show (R31); its writes are reported, whatever of them an import would show. */
export function removeUnshown(state: StoreState, step: ImportStep): { readonly removed: number; readonly done: boolean } {
  const { database } = state;
  if (step.kind !== 'full' || !step.complete) return { removed: 0, done: true };
  const types = new Set(step.types.map((type) => type.id));
  const list = database
    .all(`SELECT id, otype, position FROM entries WHERE flags <> 0 AND flags & ${flag.overlay} <> 0 AND partition = ?`, step.partition)
    .filter((row) => types.has(Number(row['otype'])) && Number(row['position']) <= step.fence)
    .map((row) => Number(row['id']))
    .filter((id) => !step.seen.has(id) && !isAtWork(state, id))
    .slice(0, CHUNK);
  if (list.length > 0)
    transact(state, () => {
      for (const id of list) {
        reportMissing(state, id);
        database.run("UPDATE journal SET state = 'not-reimported' WHERE entry = ? AND kind = 'add' AND state = 'applied'", id);
        removeEntry(state, id, 'gone', Date.now());
      }
    });
  return { removed: list.length, done: list.length < CHUNK };
}
