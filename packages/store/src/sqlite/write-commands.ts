import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type {
  Claim,
  EntryEffect,
  EntryRow,
  HeldDecision,
  Intent,
  IntentOutcome,
  LinkChange,
  LinkWrite,
  WriteResult,
  WrittenEntry,
} from '../connector-store.ts';
import { reach } from '../crash-points.ts';
import { type AwaitedAttributes, isConfirmedAtOnce } from '../rules/confirmation.ts';
import { isNothing, judgeHeld, NO_EFFECT, PASSWORD_METHOD, PASSWORD_STEP } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import { attributeOf, orderAttributes, type StoredType, typeOf } from '../rules/stored-model.ts';
import { addAudit } from './audit.ts';
import type { Row } from './database.ts';
import {
  addReferences,
  advance,
  ENTRY_COLUMNS,
  flushGrowth,
  insertEntry,
  keepLink,
  removeEntry,
  removeReferences,
  renameReferences,
  replaceReferences,
  resolveWaiting,
  type StoreState,
  startGrowth,
  toEntryRow,
  transact,
  writeMultiValues,
} from './entry-rows.ts';
import { columnChanges } from './key-columns.ts';
import { announce, announceWrite } from './outbox.ts';

/**
 * Intents and results of writes.
 *
 * 1. A batch of intents is one transaction, and so is a batch of results (R2, R12).
 * 2. A unique value belongs to one entry or to one open journal row, never to two (R15).
 * 3. An entry with an open journal row takes no other intent (R14).
 * 4. A result is recorded once: a journal row that is applied or refused does not change any more.
 * 5. What a write sets is kept beside what an import must confirm, per attribute (R20).
 * 6. A returned anchor that equals another entry's changes nothing and leaves the write in doubt (R9).
 * 7. A deleted resource leaves a tombstone with the position of its deletion (R7, R22).
 * 8. A sealed password is erased with the result (R21).
 * 9. A password that outlives its write is in a row of its own from the same transaction on: no crash loses it (R21).
 * 10. What mode shadow records changes the space as if it were applied, and is always awaited: the next import tells the difference (R31).
 * 11. A held write is sent only after its approval is durable, and only while its entry is what it was planned for.
 */
export interface WriteCommands {
  commitIntents(intents: readonly Intent[]): readonly IntentOutcome[];
  commitResults(results: readonly WriteResult[]): readonly WrittenEntry[];
  commitLinkChanges(changes: readonly LinkWrite[]): readonly WrittenEntry[];
  recordAttempt(journalId: number, attempt: { readonly at: number; readonly note: string }): void;
  decideHeldWrites(
    decision: 'approved' | 'rejected',
    journalIds: readonly number[],
    by: { readonly actor: string; readonly reason: string; readonly at: number },
  ): readonly HeldDecision[];
}

/** Makes the commands on an open file. */
export function createWriteCommands(state: StoreState): WriteCommands {
  const { database } = state;

  function commitIntent(intent: Intent): IntentOutcome {
    const type = typeOf(state, intent.objectType);
    if (intent.entryId !== undefined) {
      const open = state.open.get(intent.entryId);
      if (open !== undefined) return { status: 'in-doubt', journalId: open.journalId };
      const row = database.get('SELECT version, scim_id FROM entries WHERE id = ?', intent.entryId);
      if (row === undefined) return { status: 'gone' };
      if (intent.expectedVersion !== undefined && row['version'] !== intent.expectedVersion) return { status: 'conflict', version: Number(row['version']) };
    }
    for (const claim of intent.claims) {
      const taken = findClaimant(claim, type, intent.entryId);
      if (taken !== undefined) return taken;
    }
    const entryId = intent.entryId ?? state.nextEntryId;
    if (intent.entryId === undefined) state.nextEntryId += 1;
    const { lastId: journalId } = database.run(
      `INSERT INTO journal(kind, state, otype, entry, scim_id, credential, method, target, key, correlation, at, link, sealed, claims, effect, steps, events)
       VALUES (?, ?, ?, ?, (SELECT scim_id FROM entries WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      intent.kind,
      intent.held ? 'held' : 'intended',
      type.id,
      entryId,
      entryId,
      intent.request.credential,
      intent.request.method,
      intent.request.target,
      intent.request.key,
      intent.request.correlation,
      intent.at,
      intent.link === undefined ? null : JSON.stringify(intent.link),
      intent.sealed ?? null,
      JSON.stringify(intent.claims),
      JSON.stringify(intent.effect),
      intent.steps,
      intent.events === undefined || !state.announces ? null : JSON.stringify(intent.events),
    );
    for (const claim of intent.claims) {
      database.run('INSERT INTO claims(otype, attr, key, journal) VALUES (?, ?, ?, ?)', type.id, attributeOf(type, claim.attribute).id, claim.key, journalId);
    }
    state.open.set(entryId, { journalId, kind: intent.kind, otype: type.id, importsGoOn: intent.held === true, inDoubtSince: undefined });
    return { status: 'intended', journalId, entryId };
  }

  function findClaimant(claim: Claim, type: StoredType, self: number | undefined): IntentOutcome | undefined {
    const attribute = attributeOf(type, claim.attribute);
    const claimed = database.get(
      'SELECT c.journal, j.state, j.entry FROM claims c JOIN journal j ON j.id = c.journal WHERE c.otype = ? AND c.attr = ? AND c.key = ?',
      type.id,
      attribute.id,
      claim.key,
    );
    if (claimed !== undefined) {
      // What an earlier process left open is in doubt too, whatever its row says (R13).
      const inDoubt = claimed['state'] === 'in-doubt' || state.open.get(Number(claimed['entry']))?.inDoubtSince !== undefined;
      return { status: 'claimed', claim, journalId: Number(claimed['journal']), inDoubt };
    }
    const owner = findOwner(state, type, claim);
    return owner === undefined || owner === self ? undefined : { status: 'claimed', claim, entryId: owner, inDoubt: false };
  }

  function commitResult(result: WriteResult): WrittenEntry {
    const journal = database.get('SELECT * FROM journal WHERE id = ?', result.journalId);
    if (journal === undefined) throw new Error(`there is no journal row ${result.journalId}`);
    const entryId = Number(journal['entry']);
    if (!['held', 'intended', 'in-doubt'].includes(String(journal['state']))) return written(entryId, result.journalId);
    if (result.state === 'applied') {
      const conflict = applyWrite(state, journal, result);
      if (conflict !== undefined) {
        endJournal(journal, result, 'in-doubt');
        return { journalId: result.journalId, anchorConflict: { entryId: conflict } };
      }
    }
    const follow = result.passwordLeft === true ? keepPassword(state, result.journalId, result.at) : undefined;
    endJournal(journal, result, result.state);
    openFollow(state, journal, follow);
    if (result.state !== 'in-doubt')
      announceWrite(state, journal, {
        applied: result.state === 'applied',
        at: result.at,
        ...(result.error === undefined ? {} : { error: result.error.message }),
      });
    addAudit(state, result.audit);
    return { ...written(entryId, result.journalId), ...(follow === undefined ? {} : { follow }) };
  }

  function endJournal(journal: Row, result: Pick<WriteResult, 'journalId' | 'state' | 'error' | 'at' | 'recorded'>, newState: WriteResult['state']): void {
    const entryId = Number(journal['entry']);
    const error = result.error === undefined ? null : JSON.stringify(result.error);
    if (newState === 'in-doubt') {
      database.run("UPDATE journal SET state = 'in-doubt', error = ? WHERE id = ?", error, result.journalId);
      const open = state.open.get(entryId);
      if (open !== undefined) open.inDoubtSince = state.position;
      return;
    }
    database.run(
      "UPDATE journal SET state = ?, error = ?, result_at = ?, sealed = NULL, steps = iif(?, steps, '[]') WHERE id = ?",
      newState === 'applied' && !result.recorded && isConfirmedAtOnce(state.model, String(journal['kind'])) ? 'confirmed' : newState,
      error,
      result.at,
      result.recorded ? 1 : 0,
      result.journalId,
    );
    if (journal['claims'] !== '[]') database.run('DELETE FROM claims WHERE journal = ?', result.journalId);
    if (state.open.get(entryId)?.journalId === result.journalId) state.open.delete(entryId);
  }

  function written(entryId: number, journalId?: number): WrittenEntry {
    const row = readEntry(state, entryId);
    return { ...(journalId === undefined ? {} : { journalId }), ...(row === undefined ? {} : { row }) };
  }

  function commitLinkChange(write: LinkWrite): WrittenEntry {
    const row = database.get('SELECT id, otype, version FROM entries WHERE scim_id = ?', write.scimId);
    if (row === undefined) return {};
    if (write.expectedVersion !== undefined && row['version'] !== write.expectedVersion) return {};
    changeLink(state, Number(row['id']), write.change, write.at);
    database.run('UPDATE entries SET version = version + 1, modified = ? WHERE id = ?', write.at, Number(row['id']));
    addAudit(state, write.audit);
    if (write.events !== undefined)
      announce(state, {
        at: write.at,
        kinds: write.events.kinds,
        otype: Number(row['otype']),
        scimId: write.scimId,
        attributes: write.audit.attributes,
        transaction: write.audit.correlation,
      });
    return written(Number(row['id']));
  }

  function decideHeldWrite(
    decision: 'approved' | 'rejected',
    journalId: number,
    by: { readonly actor: string; readonly reason: string; readonly at: number },
  ): HeldDecision {
    const journal = database.get('SELECT * FROM journal WHERE id = ?', journalId);
    if (journal?.['state'] !== 'held') return 'not-held';
    const entryId = Number(journal['entry']);
    const entry = database.get('SELECT modified FROM entries WHERE id = ?', entryId);
    const outcome = judgeHeld(decision, journal, entry);
    const open = state.open.get(entryId);
    const type = state.model.typesById.get(Number(journal['otype']));
    if (outcome === 'approved') {
      database.run("UPDATE journal SET state = 'intended' WHERE id = ?", journalId);
      if (open !== undefined) Object.assign(open, { importsGoOn: false, inDoubtSince: undefined });
    } else {
      const message = { rejected: by.reason, changed: 'the resource changed after the write was held', gone: 'the resource is gone' }[outcome];
      endJournal(journal, { journalId, state: 'refused', error: { code: 'entry-failed', message }, at: by.at }, 'refused');
      announceWrite(state, journal, { applied: false, error: message, at: by.at });
    }
    addAudit(state, {
      at: by.at,
      actor: by.actor,
      action: `held-${String(journal['kind'])}`,
      ...(type === undefined ? {} : { objectType: type.name }),
      ...(journal['scim_id'] === null ? {} : { resource: String(journal['scim_id']) }),
      attributes: [],
      result: outcome,
      correlation: String(journal['correlation']),
    });
    return outcome;
  }

  return {
    commitIntents(intents) {
      try {
        return transact(state, () => {
          const outcomes = intents.map(commitIntent);
          reach('intents-before-commit');
          return outcomes;
        });
      } finally {
        reach('intents-after-commit');
      }
    },
    commitResults(results) {
      const outcomes = transact(state, () => {
        advance(state);
        startGrowth(state);
        const list = results.map(commitResult);
        if (results.some((result) => result.recorded)) database.run("INSERT INTO meta(name, value) VALUES ('overlay', 'yes') ON CONFLICT DO NOTHING");
        flushGrowth(state);
        reach('results-before-commit');
        return list;
      });
      reach('results-after-commit');
      return outcomes;
    },
    commitLinkChanges: (changes) =>
      transact(state, () => {
        advance(state);
        return changes.map(commitLinkChange);
      }),
    decideHeldWrites: (decision, journalIds, by) => transact(state, () => journalIds.map((journalId) => decideHeldWrite(decision, journalId, by))),
    recordAttempt(journalId, attempt) {
      database.run("UPDATE journal SET attempts = json_insert(coalesce(attempts, '[]'), '$[#]', json(?)) WHERE id = ?", JSON.stringify(attempt), journalId);
    },
  };
}

/** Makes the row in which the password of a write goes on; to be called before the write's own row ends. */
export function keepPassword({ database }: Pick<StoreState, 'database'>, journalId: number, at: number): number | undefined {
  const { changes, lastId } = database.run(
    `INSERT INTO journal(kind, state, otype, entry, scim_id, credential, method, target, key, correlation, at, sealed, claims, effect, steps)
     SELECT 'update', 'intended', otype, entry, coalesce(scim_id, (SELECT scim_id FROM entries WHERE id = journal.entry)), credential, ?, target,
       'password-' || id, correlation, ?, sealed, '[]', ?, steps FROM journal WHERE id = ? AND sealed IS NOT NULL AND instr(steps, ?) > 0`,
    PASSWORD_METHOD,
    at,
    NO_EFFECT,
    journalId,
    PASSWORD_STEP,
  );
  return changes === 0 ? undefined : lastId;
}

/** From here on nothing else touches the entry (R14); to be called after the write's own row has ended. */
export function openFollow(state: Pick<StoreState, 'open'>, journal: Row, follow: number | undefined): void {
  if (follow === undefined) return;
  state.open.set(Number(journal['entry']), {
    journalId: follow,
    kind: 'update',
    otype: Number(journal['otype']),
    importsGoOn: true,
    inDoubtSince: undefined,
  });
}

/** The row of an entry, or `undefined`. */
function readEntry(state: StoreState, entryId: number): EntryRow | undefined {
  const [row] = state.database.tuples(`SELECT ${ENTRY_COLUMNS} FROM entries WHERE id = ?`, entryId);
  return row === undefined ? undefined : toEntryRow(state.database, state.model, row);
}

/** The entry that has a unique value. */
function findOwner(state: StoreState, type: StoredType, claim: Claim): number | undefined {
  const attribute = attributeOf(type, claim.attribute);
  const owner =
    attribute.column === undefined
      ? attribute.multiValued
        ? state.database.get(
            'SELECT mv.entry AS id FROM mv JOIN entries e ON e.id = mv.entry WHERE mv.attr = ? AND mv.key = ? AND e.otype = ?',
            attribute.id,
            claim.key,
            type.id,
          )
        : state.database.get('SELECT id FROM entries WHERE otype = ? AND anchor_key = ?', type.id, state.model.anchorKey(claim.key))
      : state.database.get(
          `SELECT id FROM entries WHERE ${attribute.column} = ? AND otype = ? AND flags & ${flag.absent} = 0`,
          attribute.type === 'integer' ? BigInt(claim.key) : claim.key,
          type.id,
        );
  return owner === undefined ? undefined : Number(owner['id']);
}

/** Applies a write to the rows of its entry; returns the other entry that has its anchor, if there is one. */
export function applyWrite(state: StoreState, journal: Row, result: Pick<WriteResult, 'journalId' | 'effect' | 'at' | 'recorded'>): number | undefined {
  const effect = result.effect ?? (JSON.parse(String(journal['effect'])) as EntryEffect);
  const link = journal['link'] === null ? undefined : (JSON.parse(String(journal['link'])) as LinkChange);
  const entryId = Number(journal['entry']);
  const type = state.model.typesById.get(Number(journal['otype']));
  if (type === undefined) throw new Error(`object type ${String(journal['otype'])} is not configured any more`);
  const conflict = anchorOwner(state, type, effect.anchor, entryId);
  if (conflict !== undefined) return conflict;
  if (journal['kind'] === 'delete') {
    if (link?.state === 'disabled') keepAbsent(state, entryId, result);
    // What was not deleted in the application keeps its id (R31).
    else removeEntry(state, entryId, result.recorded ? 'gone' : 'deleted', result.at);
  } else if (journal['kind'] === 'add') applyAdd(state, type, entryId, effect, result);
  else if (!isNothing(effect)) applyUpdate(state, type, entryId, effect, result);
  if (link !== undefined && !(journal['kind'] === 'delete' && link.state !== 'disabled')) changeLink(state, entryId, link, result.at);
  return undefined;
}

function anchorOwner(state: StoreState, type: StoredType, anchor: string | undefined, self: number): number | undefined {
  if (anchor === undefined) return undefined;
  const row = state.database.get('SELECT id FROM entries WHERE otype = ? AND anchor_key = ?', type.id, state.model.anchorKey(anchor));
  return row === undefined || row['id'] === self ? undefined : Number(row['id']);
}

function applyAdd(state: StoreState, type: StoredType, entryId: number, effect: EntryEffect, result: Pick<WriteResult, 'journalId' | 'at' | 'recorded'>): void {
  const { database } = state;
  if (database.get('SELECT 1 AS yes FROM entries WHERE id = ?', entryId) !== undefined) {
    // Disabled by deletion, and created again under the same id (R11).
    const anchorKey = effect.anchor === undefined ? null : state.model.anchorKey(effect.anchor);
    database.run(`UPDATE entries SET flags = flags & ~${flag.absent}, anchor = ?, anchor_key = ? WHERE id = ?`, effect.anchor ?? null, anchorKey, entryId);
    applyUpdate(state, type, entryId, effect, result);
    return;
  }
  const attributes = orderAttributes(type, effect.set);
  const awaits = (result.recorded || !isConfirmedAtOnce(state.model, 'add')) && awaitConfirmation(state, entryId, effect, {}, result.journalId);
  insertEntry(state, {
    id: entryId,
    type,
    anchor: effect.anchor,
    dn: effect.dn,
    partition: effect.partition ?? '',
    body: JSON.stringify(attributes),
    attributes,
    hash: null,
    sets: null,
    position: state.position,
    at: result.at,
    flags: (result.recorded ? flag.overlay : 0) | (awaits ? flag.unconfirmed : 0),
  });
  writeMultiValues(database, type, entryId, attributes, true);
  writeReferences(state, type, entryId, effect);
  resolveWaiting(state, type, entryId, effect.anchor, effect.dn);
}

function applyUpdate(state: StoreState, type: StoredType, entryId: number, effect: EntryEffect, result: Pick<WriteResult, 'journalId' | 'at'>): void {
  const { database, model } = state;
  const row = database.get('SELECT id, otype, scim_id, anchor, anchor_key, body, created FROM entries WHERE id = ?', entryId);
  if (row === undefined) return;
  const before = JSON.parse(String(row['body'])) as EncodedAttributes;
  const merged: Record<string, EncodedValue | readonly EncodedValue[]> = { ...before, ...effect.set };
  for (const name of effect.unset) delete merged[name];
  const attributes = orderAttributes(type, merged);
  const columns = columnChanges(type, before, attributes);
  database.run(
    `UPDATE entries SET body = ?${columns.sql}, hash = NULL, flags = flags | ?, position = ?, version = version + 1, modified = ? WHERE id = ?`,
    JSON.stringify(attributes),
    ...columns.values,
    effect.awaiting.length === 0 ? 0 : flag.unconfirmed,
    state.position,
    result.at,
    entryId,
  );
  if (effect.anchor !== undefined && effect.anchor !== row['anchor']) {
    // The id was derived from the first anchor: from now on the link says which one it is (R7).
    keepLink(
      state,
      {
        id: entryId,
        otype: type.id,
        scim_id: String(row['scim_id']),
        anchor_key: model.anchorKey(effect.anchor),
        created: Number(row['created']),
      },
      'linked',
      result.at,
    );
    database.run(
      `UPDATE entries SET anchor = ?, anchor_key = ?, flags = flags & ~${flag.pending} WHERE id = ?`,
      effect.anchor,
      model.anchorKey(effect.anchor),
      entryId,
    );
  }
  if (effect.dn !== undefined) {
    database.run('UPDATE entries SET dn = ?, dn_key = ? WHERE id = ?', effect.dn, model.dnKey(effect.dn), entryId);
    if (model.referenceForm === 'dn') renameReferences(state, entryId, effect.dn);
  }
  writeMultiValues(database, type, entryId, attributes, false);
  writeReferences(state, type, entryId, effect);
  awaitConfirmation(state, entryId, effect, before, result.journalId);
  if (effect.anchor !== undefined || effect.dn !== undefined) resolveWaiting(state, type, entryId, effect.anchor, effect.dn);
}

/** Writes references: single ones from the set values, multi-valued ones by their deltas, whose sets lose their hash. */
function writeReferences(state: StoreState, type: StoredType, entryId: number, effect: EntryEffect): void {
  for (const attribute of type.references) {
    if (attribute.multiValued) continue;
    const value = effect.set[attribute.name];
    if (typeof value === 'string') replaceReferences(state, entryId, attribute, [value]);
    else if (effect.unset.includes(attribute.name)) replaceReferences(state, entryId, attribute, []);
  }
  if (effect.references.length === 0) return;
  for (const delta of effect.references) {
    const attribute = attributeOf(type, delta.attribute);
    removeReferences(state, entryId, attribute, delta.removed);
    addReferences(state, entryId, attribute, delta.added);
  }
  state.database.run('UPDATE entries SET sets = NULL WHERE id = ?', entryId);
}

/** Remembers what the next import must show (R20), beside what earlier writes still await; whether that is anything, which the flags of the entry say too. */
function awaitConfirmation(state: StoreState, entryId: number, effect: EntryEffect, before: EncodedAttributes, journal: number): boolean {
  if (effect.awaiting.length === 0) return false;
  const { database } = state;
  const known = database.get('SELECT attributes FROM unconfirmed WHERE entry = ?', entryId);
  const awaited: AwaitedAttributes = known === undefined ? {} : (JSON.parse(String(known['attributes'])) as AwaitedAttributes);
  for (const name of effect.awaiting) {
    const delta = effect.references.find((one) => one.attribute === name);
    const was = awaited[name] === undefined ? (before[name] ?? null) : awaited[name].was;
    awaited[name] =
      delta === undefined
        ? { journal, position: state.position, was }
        : {
            journal,
            position: state.position,
            was: null,
            added: mergeLists(awaited[name]?.added, delta.added, delta.removed),
            removed: mergeLists(awaited[name]?.removed, delta.removed, delta.added),
          };
  }
  database.run(
    'INSERT INTO unconfirmed(entry, attributes) VALUES (?, ?) ON CONFLICT(entry) DO UPDATE SET attributes = excluded.attributes',
    entryId,
    JSON.stringify(awaited),
  );
  return true;
}

function mergeLists(known: readonly string[] | undefined, more: readonly string[], without: readonly string[]): readonly string[] {
  const gone = new Set(without);
  return [...new Set([...(known ?? []), ...more])].filter((one) => !gone.has(one));
}

/** The entry left the application, the resource stays with its last representation (R11). */
function keepAbsent(state: StoreState, entryId: number, result: Pick<WriteResult, 'journalId' | 'at'>): void {
  const row = state.database.get('SELECT id, otype, scim_id, anchor_key, created FROM entries WHERE id = ?', entryId);
  if (row === undefined) return;
  keepLink(
    state,
    {
      id: entryId,
      otype: Number(row['otype']),
      scim_id: String(row['scim_id']),
      anchor_key: row['anchor_key'] === null ? null : String(row['anchor_key']),
      created: Number(row['created']),
    },
    'disabled',
    result.at,
  );
  state.database.run(
    `UPDATE entries SET flags = (flags | ${flag.absent}) & ~${flag.unconfirmed}, anchor_key = NULL, hash = NULL, position = ?, version = version + 1, modified = ? WHERE id = ?`,
    state.position,
    result.at,
    entryId,
  );
  state.database.run('DELETE FROM unconfirmed WHERE entry = ?', entryId);
}

/** Changes what the host remembers beside the application (R6). */
function changeLink(state: StoreState, entryId: number, change: LinkChange, at: number): void {
  const { database } = state;
  const row = database.get('SELECT id, otype, scim_id, anchor_key, flags, created FROM entries WHERE id = ?', entryId);
  if (row === undefined) return;
  const scimId = String(row['scim_id']);
  const current = readLinkState(state, scimId);
  const absent = (Number(row['flags']) & flag.absent) !== 0;
  keepLink(
    state,
    {
      id: entryId,
      otype: Number(row['otype']),
      scim_id: scimId,
      anchor_key: row['anchor_key'] === null ? null : String(row['anchor_key']),
      created: Number(row['created']),
    },
    change.state ?? (absent ? 'disabled' : (current ?? 'linked')),
    at,
  );
  if (change.state === 'deleted') {
    database.run(`UPDATE entries SET flags = flags | ${flag.hidden} WHERE id = ?`, entryId);
    database.run('UPDATE links SET deleted_position = ? WHERE scim_id = ?', state.position, scimId);
  }
  if (change.shadow !== undefined) database.run('UPDATE links SET shadow = json_patch(shadow, ?) WHERE scim_id = ?', JSON.stringify(change.shadow), scimId);
  if (change.externalId !== undefined) {
    database.run('DELETE FROM link_external WHERE scim_id = ? AND client = ?', scimId, change.externalId.client);
    if (change.externalId.value !== null)
      database.run('INSERT INTO link_external(client, external_id, scim_id) VALUES (?, ?, ?)', change.externalId.client, change.externalId.value, scimId);
  }
  for (const alias of change.aliases ?? []) database.run('INSERT INTO link_aliases(alias, scim_id) VALUES (?, ?) ON CONFLICT DO NOTHING', alias, scimId);
  if (change.aliases !== undefined)
    database.run('UPDATE links SET aliases = (SELECT json_group_array(alias) FROM link_aliases WHERE scim_id = ?) WHERE scim_id = ?', scimId, scimId);
}

function readLinkState(state: StoreState, scimId: string): 'pending' | 'linked' | 'disabled' | 'gone' | 'deleted' | undefined {
  const row = state.database.get('SELECT state FROM links WHERE scim_id = ?', scimId);
  return row === undefined ? undefined : (String(row['state']) as 'linked');
}
