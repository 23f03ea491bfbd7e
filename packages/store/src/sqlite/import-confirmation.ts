import type { ImportedEntry } from '../connector-store.ts';
import { type AwaitedAttributes, type Confirmation, compareAwaited } from '../rules/confirmation.ts';
import { flag } from '../rules/entry-flags.ts';
import type { StoredType } from '../rules/stored-model.ts';
import type { StoreState } from './entry-rows.ts';

/** Confirms an entry, and keeps what is still awaited. */
export function confirmEntry(
  state: StoreState,
  type: StoredType,
  id: number,
  fence: number,
  currentBody: string,
  entry: Extract<ImportedEntry, { op: 'put' }>,
  update?: Extract<ImportedEntry, { op: 'update' }>,
): Confirmation {
  const row = state.database.get('SELECT attributes FROM unconfirmed WHERE entry = ?', id);
  const awaited = row === undefined ? {} : (JSON.parse(String(row['attributes'])) as AwaitedAttributes);
  const { confirmation, remaining } = compareAwaited(state.model, type, awaited, fence, currentBody, entry, update);
  saveRemaining(state, id, remaining);
  return confirmation;
}

function saveRemaining(state: StoreState, id: number, remaining: AwaitedAttributes): void {
  if (Object.keys(remaining).length > 0) {
    state.database.run('UPDATE unconfirmed SET attributes = ? WHERE entry = ?', JSON.stringify(remaining), id);
    return;
  }
  state.database.run('DELETE FROM unconfirmed WHERE entry = ?', id);
  state.database.run(`UPDATE entries SET flags = flags & ~${flag.unconfirmed} WHERE id = ?`, id);
}
