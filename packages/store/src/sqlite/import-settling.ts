import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { EntryEffect, ImportedEntry } from '../connector-store.ts';
import { noChange, showsEffect } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import { claimKeys, type StoredType } from '../rules/stored-model.ts';
import type { StoreState } from './entry-rows.ts';
import type { PageWork } from './import-page.ts';
import { announceWrite } from './outbox.ts';
import { applyWrite, keepPassword, openFollow } from './write-commands.ts';

type PutEntry = Extract<ImportedEntry, { op: 'put' }>;

/** The part of an import step that settling needs. */
interface SettlingStep {
  readonly fence: number;
  readonly at: number;
}

/**
 * What an import says of writes whose outcome is unknown (R14).
 *
 * 1. Only writes in doubt since before the fence are settled: an import that began earlier proves nothing.
 * 2. What shows a write's values was made by it; what does not is left to whoever waits for the end of the import.
 * 3. A password shows nowhere: it goes on in a row of its own (R21).
 */
export interface ImportSettling {
  hasOpenAdd(type: StoredType): boolean;
  /**
   * A create of the type is in flight or in doubt. `true` when the object is certainly another one, or the create was settled by
   * it; `false`: look again later.
   */
  decideOpenAdd(step: SettlingStep, type: StoredType, entry: PutEntry, page: PageWork): boolean;
  /** Settles the update in doubt of a known entry, if the object shows it; `false` leaves the entry alone. */
  settleUpdate(step: SettlingStep, type: StoredType, entryId: number, entry: PutEntry, page: PageWork): boolean;
  /** The entry that waits for this object's anchor (R9). */
  findPending(type: StoredType, entry: PutEntry): number | 'several' | undefined;
}

/** Makes the settling of an open file. */
export function createImportSettling(state: StoreState): ImportSettling {
  const { database } = state;

  function settle(journalId: number, effect: EntryEffect, entryId: number, step: SettlingStep, page: PageWork): boolean {
    const journal = database.get('SELECT * FROM journal WHERE id = ?', journalId);
    if (journal === undefined) return false;
    if (applyWrite(state, journal, { journalId, effect, at: step.at }) !== undefined) return false;
    announceWrite(state, journal, { applied: true, at: step.at });
    const follow = keepPassword(state, journalId, step.at);
    database.run("UPDATE journal SET state = 'applied', result_at = ?, sealed = NULL, steps = '[]' WHERE id = ?", step.at, journalId);
    database.run('DELETE FROM claims WHERE journal = ?', journalId);
    state.open.delete(entryId);
    openFollow(state, journal, follow);
    page.settled.push(journalId);
    if (follow !== undefined) page.passwords.push(follow);
    return true;
  }

  function effectOf(journalId: number): EntryEffect | undefined {
    const text = database.get('SELECT effect FROM journal WHERE id = ?', journalId)?.['effect'];
    return typeof text === 'string' ? (JSON.parse(text) as EntryEffect) : undefined;
  }

  /** The entry that a create made, with the names that the application gave it. */
  function settleAdd(entryId: number, journalId: number, entry: PutEntry, step: SettlingStep, page: PageWork): void {
    const effect = effectOf(journalId);
    if (effect !== undefined) settle(journalId, { ...effect, anchor: entry.anchor, ...(entry.dn === undefined ? {} : { dn: entry.dn }) }, entryId, step, page);
  }

  return {
    hasOpenAdd(type) {
      for (const open of state.open.values()) if (open.kind === 'add' && open.otype === type.id) return true;
      return false;
    },
    decideOpenAdd(step, type, entry, page) {
      const keys = claimKeys(type, JSON.parse(entry.body) as EncodedAttributes);
      for (const [entryId, { kind, otype, journalId, inDoubtSince }] of [...state.open]) {
        if (kind !== 'add' || otype !== type.id) continue;
        const decidable = inDoubtSince !== undefined && inDoubtSince <= step.fence;
        const claims = database.all('SELECT attr, key FROM claims WHERE journal = ?', journalId);
        // A create that claims nothing is known by all its values, and only once it is in doubt.
        if (claims.length === 0 && !decidable) return false;
        const matches =
          claims.length === 0
            ? showsEffect(state.model, type, effectOf(journalId), entry)
            : claims.some((claim) => keys.some((key) => key.attr === claim['attr'] && key.key === claim['key']));
        if (!matches) continue;
        if (!decidable) return false;
        settleAdd(entryId, journalId, entry, step, page);
        return true;
      }
      return true;
    },
    settleUpdate(step, type, entryId, entry, page) {
      const open = state.open.get(entryId);
      if (open === undefined || open.kind !== 'update' || open.inDoubtSince === undefined || open.inDoubtSince > step.fence) return false;
      const effect = effectOf(open.journalId);
      return effect !== undefined && showsEffect(state.model, type, effect, entry) && settle(open.journalId, effect, entryId, step, page);
    },
    findPending(type, entry) {
      const candidates = database.all(`SELECT id, dn_key, body FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0 AND otype = ?`, type.id);
      const dnKey = entry.dn === undefined ? undefined : state.model.dnKey(entry.dn);
      const byDn = dnKey === undefined ? [] : candidates.filter((row) => row['dn_key'] === dnKey);
      if (byDn.length === 1) return Number(byDn[0]?.['id']);
      const wanted = claimKeys(type, JSON.parse(entry.body) as EncodedAttributes);
      const matching = candidates.filter((row) => {
        const own = claimKeys(type, JSON.parse(String(row['body'])) as EncodedAttributes);
        if (own.length === 0) return showsEffect(state.model, type, { set: JSON.parse(String(row['body'])) as EncodedAttributes, ...noChange }, entry);
        return own.every((key) => wanted.some((one) => one.attr === key.attr && one.key === key.key));
      });
      if (matching.length > 1) return 'several';
      return matching.length === 0 ? undefined : Number(matching[0]?.['id']);
    },
  };
}
