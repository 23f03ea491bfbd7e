import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { EntryEffect, ImportedEntry } from '../connector-store.ts';
import { noChange, showsEffect } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import { claimKeys, type StoredType } from '../rules/stored-model.ts';
import type { Session } from './connection.ts';
import { attributesOf, type EntryRecord, type EntrySpace } from './entry-space.ts';
import { announceWrite } from './outbox.ts';
import { toIndexKey } from './records.ts';
import { applyWrite, closeWrite, keepPassword, openFollow } from './write-commands.ts';
import type { Writer } from './writer.ts';

type PutEntry = Extract<ImportedEntry, { op: 'put' }>;

/** What a page says of writes whose outcome is unknown (R14): the rules of `sqlite/import-settling.ts`. */
export interface ImportSettling {
  hasOpenAdd(type: StoredType): boolean;
  /** `true` when the object is certainly not of an open create, or has settled it; `false`: look again later. */
  decideOpenAdd(type: StoredType, entry: PutEntry): Promise<boolean>;
  /** Settles the update in doubt of a known entry, if the object shows it; `false` leaves the entry alone. */
  settleUpdate(type: StoredType, entryId: number, entry: PutEntry): Promise<boolean>;
  /** The entry that waits for this object's anchor (R9). */
  findPending(type: StoredType, entry: PutEntry): Promise<EntryRecord | 'several' | undefined>;
}

/** Makes the settling of a page; what it settles is added to `page`, and so are the rows in which passwords go on. */
export function createImportSettling(
  writer: Writer,
  session: Session,
  space: EntrySpace,
  step: { readonly fence: number; readonly at: number },
  page: { readonly settled: number[]; readonly passwords: number[] },
): ImportSettling {
  const { model } = writer;

  async function settle(entryId: number, journalId: number, effect: EntryEffect): Promise<boolean> {
    const journal = await session.get('SELECT * FROM journal WHERE id = $1', journalId);
    if (journal === undefined) return false;
    if ((await applyWrite(writer, space, journal, { journalId, effect, at: step.at })) !== undefined) return false;
    await announceWrite(writer, space, journal, { applied: true, at: step.at });
    const follow = await keepPassword(writer, session, space, journal, step.at);
    space.pendingWork.journal.push({ id: journalId, state: 'applied', error: null, resultAt: step.at, ended: true, recorded: false });
    closeWrite(writer, entryId, journalId);
    openFollow(writer, journal, follow);
    page.settled.push(journalId);
    if (follow !== undefined) page.passwords.push(follow);
    return true;
  }

  async function effectOf(journalId: number): Promise<EntryEffect | undefined> {
    const text = (await session.get('SELECT effect FROM journal WHERE id = $1', journalId))?.['effect'];
    return typeof text === 'string' ? (JSON.parse(text) as EntryEffect) : undefined;
  }

  return {
    hasOpenAdd(type) {
      for (const open of writer.open.values()) if (open.kind === 'add' && open.otype === type.id) return true;
      return false;
    },
    async decideOpenAdd(type, entry) {
      const keys = claimKeys(type, JSON.parse(entry.body) as EncodedAttributes).map((one) => ({ attr: one.attr, key: toIndexKey(one.key) }));
      for (const [entryId, open] of [...writer.open]) {
        if (open.kind !== 'add' || open.otype !== type.id) continue;
        const decidable = open.inDoubtSince !== undefined && open.inDoubtSince <= step.fence;
        // A create that claims nothing is known by all its values, and only once it is in doubt.
        if (open.claims.length === 0 && !decidable) return false;
        const matches =
          open.claims.length === 0
            ? showsEffect(model, type, await effectOf(open.journalId), entry)
            : open.claims.some((claim) => keys.some((one) => one.attr === claim.attr && one.key === claim.key));
        if (!matches) continue;
        if (!decidable) return false;
        const effect = await effectOf(open.journalId);
        // The entry that the create made, with the names that the application gave it.
        const named = { anchor: entry.anchor, ...(entry.dn === undefined ? {} : { dn: entry.dn }) };
        if (effect !== undefined) await settle(entryId, open.journalId, { ...effect, ...named });
        return true;
      }
      return true;
    },
    async settleUpdate(type, entryId, entry) {
      const open = writer.open.get(entryId);
      if (open === undefined || open.kind !== 'update' || open.inDoubtSince === undefined || open.inDoubtSince > step.fence) return false;
      const effect = await effectOf(open.journalId);
      return effect !== undefined && showsEffect(model, type, effect, entry) && (await settle(entryId, open.journalId, effect));
    },
    async findPending(type, entry) {
      const rows = await session.all(`SELECT id FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0 AND otype = $1`, type.id);
      await space.load(rows.map((row) => Number(row['id'])));
      const candidates: EntryRecord[] = [];
      for (const row of rows) {
        const record = await space.entry(Number(row['id']));
        if (record !== undefined && (record.flags & flag.pending) !== 0) candidates.push(record);
      }
      const dnKey = entry.dn === undefined ? undefined : model.dnKey(entry.dn);
      const byDn = dnKey === undefined ? [] : candidates.filter((record) => record.dnKey === dnKey);
      if (byDn.length === 1) return byDn[0];
      const wanted = claimKeys(type, JSON.parse(entry.body) as EncodedAttributes);
      const matching = candidates.filter((record) => {
        const own = claimKeys(type, attributesOf(record));
        if (own.length === 0) return showsEffect(model, type, { set: attributesOf(record), ...noChange }, entry);
        return own.every((key) => wanted.some((one) => one.attr === key.attr && one.key === key.key));
      });
      return matching.length > 1 ? 'several' : matching[0];
    },
  };
}
