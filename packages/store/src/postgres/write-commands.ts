import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { ConnectorStore, EntryEffect, EntryRow, HeldDecision, LinkChange, LinkWrite, WriteResult, WrittenEntry } from '../connector-store.ts';
import { reach } from '../crash-points.ts';
import { type AwaitedAttributes, isConfirmedAtOnce } from '../rules/confirmation.ts';
import { isNothing, judgeHeld, NO_EFFECT, PASSWORD_METHOD, PASSWORD_STEP } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import { attributeOf, orderAttributes, type StoredType } from '../rules/stored-model.ts';
import type { Row, Session } from './connection.ts';
import { ENTRY_FROM, ENTRY_SELECT, toEntryRow } from './entry-read.ts';
import { attributesOf, createEntrySpace, type EntryRecord, type EntrySpace } from './entry-space.ts';
import { flush } from './flush.ts';
import { type Known, readKnown, takeIntents } from './intents.ts';
import { announceWrite } from './outbox.ts';
import { claimName, type Writer } from './writer.ts';

/** Intents and results of writes: the rules of `sqlite/write-commands.ts`, over sets of rows. */
export type WriteCommands = Pick<ConnectorStore, 'commitIntents' | 'commitResults' | 'commitLinkChanges' | 'recordAttempt' | 'decideHeldWrites'>;

/** Makes the commands. */
export function createWriteCommands(writer: Writer): WriteCommands {
  return {
    async commitIntents(intents) {
      if (intents.length === 0) return [];
      try {
        return await writer.transact((session, known: Known) => takeIntents(writer, session, intents, known), {
          first: (session) => readKnown(writer, session, intents),
          beforeCommit: () => reach('intents-before-commit'),
        });
      } finally {
        reach('intents-after-commit');
      }
    },
    async commitResults(results) {
      if (results.length === 0) return [];
      const written = await writer.transact((session, journals: Journals) => takeResults(writer, session, results, journals), {
        first: (session) => readJournals(session, results),
        beforeCommit: () => reach('results-before-commit'),
      });
      reach('results-after-commit');
      return written;
    },
    commitLinkChanges: (changes) => writer.transact((session) => takeLinkChanges(writer, session, changes)),
    decideHeldWrites: (decision, journalIds, by) => writer.transact((session) => takeDecisions(writer, session, decision, journalIds, by)),
    async recordAttempt(journalId, attempt) {
      await writer.transact((session) =>
        session.all(
          `UPDATE journal SET attempts = (coalesce(attempts, '[]')::jsonb || jsonb_build_object('at', $2::bigint, 'note', $3::text))::text WHERE id = $1`,
          journalId,
          attempt.at,
          attempt.note,
        ),
      );
    },
  };
}

type Journals = ReadonlyMap<number, Row>;

async function readJournals(session: Session, results: readonly WriteResult[]): Promise<Journals> {
  const ids = results.map((result) => result.journalId);
  return new Map((await session.all('SELECT * FROM journal WHERE id = ANY($1::bigint[])', ids)).map((row) => [Number(row['id']), row]));
}

async function takeResults(writer: Writer, session: Session, results: readonly WriteResult[], journals: Journals): Promise<readonly WrittenEntry[]> {
  writer.position += 1;
  const space = createEntrySpace(writer, session);
  await preload(writer, space, results, journals);
  const outcomes: ({ readonly journalId: number; readonly entryId: number } & ResultOutcome)[] = [];
  for (const result of results) {
    const journal = journals.get(result.journalId);
    if (journal === undefined) throw new Error(`there is no journal row ${result.journalId}`);
    outcomes.push({ journalId: result.journalId, entryId: Number(journal['entry']), ...(await takeResult(writer, session, space, journal, result)) });
  }
  if (results.some((result) => result.recorded)) await session.all("INSERT INTO meta(name, value) VALUES ('overlay', 'yes') ON CONFLICT DO NOTHING");
  const ids = outcomes.map((outcome) => outcome.entryId);
  const rows = await flush(writer, session, space.pendingWork, () => readRows(writer, session, ids));
  return outcomes.map(({ journalId, entryId, conflict, follow }) => {
    if (conflict !== undefined) return { journalId, anchorConflict: { entryId: conflict } };
    const row = rows.get(entryId);
    return { journalId, ...(row === undefined ? {} : { row }), ...(follow === undefined ? {} : { follow }) };
  });
}

/** Loads what the results of a batch touch by one statement for each table. */
async function preload(writer: Writer, space: EntrySpace, results: readonly WriteResult[], journals: Journals): Promise<void> {
  const rows = [...journals.values()];
  const existing = rows.filter((row) => row['kind'] !== 'add' || row['scim_id'] !== null).map((row) => Number(row['entry']));
  const anchors = results.flatMap((result) => {
    const otype = Number(journals.get(result.journalId)?.['otype']);
    const anchor = result.effect?.anchor;
    return anchor === undefined ? [] : [{ otype, key: writer.model.anchorKey(anchor) }];
  });
  // The row of a write to an entry that was there says whose id it is.
  const scimIds = rows.flatMap((row) => (row['scim_id'] === null ? [] : [String(row['scim_id'])]));
  await Promise.all([space.load(existing), space.loadAnchors(anchors), space.loadLinksByAnchor(anchors), space.loadLinks(scimIds)]);
}

interface ResultOutcome {
  /** The other entry that has the returned anchor (R9). */
  readonly conflict?: number | undefined;
  /** The row in which the password goes on. */
  readonly follow?: number | undefined;
}

async function takeResult(writer: Writer, session: Session, space: EntrySpace, journal: Row, result: WriteResult): Promise<ResultOutcome> {
  if (!['held', 'intended', 'in-doubt'].includes(String(journal['state']))) return {};
  const entryId = Number(journal['entry']);
  if (result.state === 'applied') {
    const conflict = await applyWrite(writer, space, journal, result);
    if (conflict !== undefined) {
      endJournal(writer, space, result, 'in-doubt', entryId);
      return { conflict };
    }
  }
  const follow = result.passwordLeft === true ? await keepPassword(writer, session, space, journal, result.at) : undefined;
  const atOnce = result.state === 'applied' && !result.recorded && isConfirmedAtOnce(writer.model, String(journal['kind']));
  endJournal(writer, space, result, atOnce ? 'confirmed' : result.state, entryId);
  openFollow(writer, journal, follow);
  if (result.state !== 'in-doubt') {
    const { at, error } = result;
    await announceWrite(writer, space, journal, { applied: result.state === 'applied', at, ...(error === undefined ? {} : { error: error.message }) });
  }
  space.pendingWork.audit.push(result.audit);
  return { follow };
}

/** Makes the row in which the password of a write goes on; to be called before the transaction writes the end of the write's own row. */
export async function keepPassword(writer: Writer, session: Session, space: EntrySpace, journal: Row, at: number): Promise<number | undefined> {
  if (journal['sealed'] === null || !String(journal['steps']).includes(PASSWORD_STEP)) return undefined;
  const id = writer.nextJournalId;
  writer.nextJournalId += 1;
  await session.all(
    `INSERT INTO journal(id, kind, state, otype, entry, scim_id, credential, method, target, key, correlation, at, sealed, claims, effect, steps)
     SELECT $1, 'update', 'intended', otype, entry, $2, credential, $3, target, 'password-' || id, correlation, $4, sealed, '[]', $5, steps
     FROM journal WHERE id = $6`,
    id,
    (await space.entry(Number(journal['entry'])))?.scimId ?? null,
    PASSWORD_METHOD,
    at,
    NO_EFFECT,
    Number(journal['id']),
  );
  return id;
}

/** From here on nothing else touches the entry (R14); to be called after the write's own row was closed. */
export function openFollow(writer: Writer, journal: Row, follow: number | undefined): void {
  if (follow === undefined) return;
  const otype = Number(journal['otype']);
  writer.open.set(Number(journal['entry']), { journalId: follow, kind: 'update', otype, claims: [], importsGoOn: true, inDoubtSince: undefined });
}

function endJournal(
  writer: Writer,
  space: EntrySpace,
  result: Pick<WriteResult, 'journalId' | 'error' | 'at' | 'recorded'>,
  state: WriteResult['state'] | 'confirmed',
  entryId: number,
): void {
  const ended = state !== 'in-doubt';
  const error = result.error === undefined ? null : JSON.stringify(result.error);
  space.pendingWork.journal.push({ id: result.journalId, state, error, resultAt: ended ? result.at : null, ended, recorded: result.recorded === true });
  const open = writer.open.get(entryId);
  if (ended) closeWrite(writer, entryId, result.journalId);
  else if (open !== undefined) open.inDoubtSince = writer.position;
}

async function takeDecisions(
  writer: Writer,
  session: Session,
  decision: 'approved' | 'rejected',
  journalIds: readonly number[],
  by: Parameters<ConnectorStore['decideHeldWrites']>[2],
): Promise<readonly HeldDecision[]> {
  const space = createEntrySpace(writer, session);
  const rows = await session.all('SELECT * FROM journal WHERE id = ANY($1::bigint[])', journalIds);
  const journals = new Map(rows.map((row) => [Number(row['id']), row]));
  await space.load(rows.map((row) => Number(row['entry'])));
  const decided = new Set<number>();
  const decide = async (journalId: number): Promise<HeldDecision> => {
    const journal = journals.get(journalId);
    if (journal?.['state'] !== 'held' || decided.has(journalId)) return 'not-held';
    decided.add(journalId);
    const entryId = Number(journal['entry']);
    const record = await space.entry(entryId);
    const outcome = judgeHeld(decision, journal, record === undefined ? undefined : { modified: record.modified });
    if (outcome === 'approved') {
      space.pendingWork.journal.push({ id: journalId, state: 'intended', error: null, resultAt: null, ended: false, recorded: false });
      const open = writer.open.get(entryId);
      if (open !== undefined) Object.assign(open, { importsGoOn: false, inDoubtSince: undefined });
    } else {
      const message = { rejected: by.reason, changed: 'the resource changed after the write was held', gone: 'the resource is gone' }[outcome];
      endJournal(writer, space, { journalId, error: { code: 'entry-failed', message }, at: by.at }, 'refused', entryId);
      await announceWrite(writer, space, journal, { applied: false, error: message, at: by.at });
    }
    const type = writer.model.typesById.get(Number(journal['otype']));
    space.pendingWork.audit.push({
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
  };
  const outcomes: HeldDecision[] = [];
  for (const journalId of journalIds) outcomes.push(await decide(journalId));
  await flush(writer, session, space.pendingWork);
  return outcomes;
}

/** Forgets an open write and what it claimed. */
export function closeWrite(writer: Writer, entryId: number, journalId: number): void {
  const open = writer.open.get(entryId);
  if (open?.journalId !== journalId) return;
  for (const { attr, key } of open.claims) writer.claims.delete(claimName(open.otype, attr, key));
  writer.open.delete(entryId);
}

async function readRows(writer: Writer, session: Session, ids: readonly number[]): Promise<ReadonlyMap<number, EntryRow>> {
  const rows = await session.all(`SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.id = ANY($1::bigint[])`, ids);
  return new Map(rows.map((row) => [Number(row['id']), toEntryRow(writer.model, row)]));
}

async function takeLinkChanges(writer: Writer, session: Session, changes: readonly LinkWrite[]): Promise<readonly WrittenEntry[]> {
  writer.position += 1;
  const space = createEntrySpace(writer, session);
  const scimIds = changes.map((change) => change.scimId);
  const found = await session.all('SELECT id, scim_id FROM entries WHERE scim_id = ANY($1::text[])', scimIds);
  const ids = new Map(found.map((row) => [String(row['scim_id']), Number(row['id'])]));
  await Promise.all([space.load([...ids.values()]), space.loadLinks(scimIds)]);
  const done: (number | undefined)[] = [];
  for (const write of changes) {
    const record = await space.entry(ids.get(write.scimId) ?? 0);
    const refused = record === undefined || (write.expectedVersion !== undefined && record.version + record.changes !== write.expectedVersion);
    done.push(refused ? undefined : record.id);
    if (refused) continue;
    await changeLink(writer, space, record, write.change, write.at);
    record.modified = write.at;
    space.touch(record, true);
    space.pendingWork.audit.push(write.audit);
    if (write.events === undefined || !writer.announces) continue;
    const { attributes, correlation } = write.audit;
    const { kinds } = write.events;
    space.pendingWork.announcements.push({ at: write.at, kinds, otype: record.otype, scimId: write.scimId, attributes, transaction: correlation });
  }
  const rows = await flush(writer, session, space.pendingWork, () =>
    readRows(
      writer,
      session,
      done.flatMap((id) => id ?? []),
    ),
  );
  return done.map((id) => {
    const row = id === undefined ? undefined : rows.get(id);
    return row === undefined ? {} : { row };
  });
}

/** Applies a write to the rows of its entry; returns the other entry that has its anchor, if there is one. */
export async function applyWrite(
  writer: Writer,
  space: EntrySpace,
  journal: Row,
  result: Pick<WriteResult, 'journalId' | 'effect' | 'at' | 'recorded'>,
): Promise<number | undefined> {
  const effect = result.effect ?? (JSON.parse(String(journal['effect'])) as EntryEffect);
  const link = journal['link'] === null ? undefined : (JSON.parse(String(journal['link'])) as LinkChange);
  const entryId = Number(journal['entry']);
  const type = writer.model.typesById.get(Number(journal['otype']));
  if (type === undefined) throw new Error(`object type ${String(journal['otype'])} is not configured any more`);
  if (effect.anchor !== undefined) {
    const owner = await space.byAnchor(type.id, writer.model.anchorKey(effect.anchor));
    if (owner !== undefined && owner.id !== entryId) return owner.id;
  }
  const record = await space.entry(entryId);
  if (journal['kind'] === 'delete') {
    if (record === undefined) return undefined;
    // What was not deleted in the application keeps its id (R31).
    if (link?.state !== 'disabled') await space.remove(record, result.recorded ? 'gone' : 'deleted', result.at);
    else await keepAbsent(writer, space, record, result.at);
  } else if (journal['kind'] === 'add') await applyAdd(writer, space, type, entryId, record, effect, result);
  else if (record !== undefined && !isNothing(effect)) await applyUpdate(writer, space, type, record, effect, result);
  if (link !== undefined && !(journal['kind'] === 'delete' && link.state !== 'disabled')) {
    const after = await space.entry(entryId);
    if (after !== undefined) await changeLink(writer, space, after, link, result.at);
  }
  return undefined;
}

type Finished = Pick<WriteResult, 'journalId' | 'at' | 'recorded'>;

async function applyAdd(
  writer: Writer,
  space: EntrySpace,
  type: StoredType,
  entryId: number,
  absent: EntryRecord | undefined,
  effect: EntryEffect,
  result: Finished,
): Promise<void> {
  if (absent !== undefined) {
    // Disabled by deletion, and created again under the same id (R11).
    absent.flags &= ~flag.absent;
    space.setAnchor(absent, effect.anchor ?? null, effect.anchor === undefined ? null : writer.model.anchorKey(effect.anchor));
    return applyUpdate(writer, space, type, absent, effect, result);
  }
  const record = await space.insert({
    id: entryId,
    type,
    anchor: effect.anchor,
    dn: effect.dn,
    partition: effect.partition ?? '',
    body: JSON.stringify(orderAttributes(type, effect.set)),
    hash: null,
    sets: null,
    position: writer.position,
    at: result.at,
  });
  await writeEffectReferences(space, type, record, effect);
  if (result.recorded) record.flags |= flag.overlay;
  if (result.recorded || !isConfirmedAtOnce(writer.model, 'add')) await awaitConfirmation(writer, space, record, effect, {}, result.journalId);
}

async function applyUpdate(writer: Writer, space: EntrySpace, type: StoredType, record: EntryRecord, effect: EntryEffect, result: Finished): Promise<void> {
  const before = attributesOf(record);
  const merged: Record<string, EncodedValue | readonly EncodedValue[]> = { ...before, ...effect.set };
  for (const name of effect.unset) delete merged[name];
  space.setBody(record, JSON.stringify(orderAttributes(type, merged)));
  Object.assign(record, { hash: null, position: writer.position, modified: result.at });
  if (effect.anchor !== undefined && effect.anchor !== record.anchor) {
    // The id was derived from the first anchor: from now on the link says which one it is (R7).
    if ((record.flags & flag.pending) !== 0) writer.pending -= 1;
    record.flags &= ~flag.pending;
    space.setAnchor(record, effect.anchor, writer.model.anchorKey(effect.anchor));
    await space.keepLink(record, 'linked', result.at);
  }
  if (effect.dn !== undefined) {
    space.setDn(record, effect.dn);
    if (writer.model.referenceForm === 'dn') await space.renameReferences(record, effect.dn);
  }
  await writeEffectReferences(space, type, record, effect);
  await awaitConfirmation(writer, space, record, effect, before, result.journalId);
}

/** Writes references: single ones from the set values, multi-valued ones by their deltas, whose sets lose their hash. */
async function writeEffectReferences(space: EntrySpace, type: StoredType, record: EntryRecord, effect: EntryEffect): Promise<void> {
  for (const attribute of type.references) {
    if (attribute.multiValued) continue;
    const value = effect.set[attribute.name];
    if (typeof value === 'string') await space.replaceReferences(record.id, attribute, [value]);
    else if (effect.unset.includes(attribute.name)) await space.replaceReferences(record.id, attribute, []);
  }
  if (effect.references.length === 0) return;
  for (const delta of effect.references) {
    const attribute = attributeOf(type, delta.attribute);
    space.removeReferences(record.id, attribute, delta.removed);
    space.addReferences(record.id, attribute, delta.added);
  }
  record.sets = null;
  space.touch(record, false);
}

/** Remembers what the next import must show (R20), beside what earlier writes still await. */
async function awaitConfirmation(
  writer: Writer,
  space: EntrySpace,
  record: EntryRecord,
  effect: EntryEffect,
  before: EncodedAttributes,
  journal: number,
): Promise<void> {
  if (effect.awaiting.length === 0) return;
  const awaited: AwaitedAttributes = { ...(await space.awaited(record.id)) };
  const { position } = writer;
  for (const name of effect.awaiting) {
    const delta = effect.references.find((one) => one.attribute === name);
    const met = awaited[name];
    awaited[name] =
      delta === undefined
        ? { journal, position, was: met === undefined ? (before[name] ?? null) : met.was }
        : { journal, position, was: null, added: merge(met?.added, delta.added, delta.removed), removed: merge(met?.removed, delta.removed, delta.added) };
  }
  space.setAwaited(record, awaited);
  record.position = position;
}

function merge(known: readonly string[] | undefined, more: readonly string[], without: readonly string[]): readonly string[] {
  const gone = new Set(without);
  return [...new Set([...(known ?? []), ...more])].filter((one) => !gone.has(one));
}

/** The entry left the application, the resource stays with its last representation (R11). */
async function keepAbsent(writer: Writer, space: EntrySpace, record: EntryRecord, at: number): Promise<void> {
  await space.keepLink(record, 'disabled', at);
  const { anchor } = record;
  space.setAwaited(record, {});
  space.setAnchor(record, anchor, null);
  record.flags |= flag.absent;
  Object.assign(record, { hash: null, position: writer.position, modified: at });
  space.touch(record, true);
}

/** Changes what the host remembers beside the application (R6). */
async function changeLink(writer: Writer, space: EntrySpace, record: EntryRecord, change: LinkChange, at: number): Promise<void> {
  const current = (await space.link(record.scimId))?.state;
  const absent = (record.flags & flag.absent) !== 0;
  const link = await space.keepLink(record, change.state ?? (absent ? 'disabled' : (current ?? 'linked')), at);
  if (change.state === 'deleted') {
    record.flags |= flag.hidden;
    link.deletedPosition = writer.position;
  }
  if (change.shadow !== undefined) link.shadow = JSON.stringify(mergePatch(JSON.parse(link.shadow), change.shadow));
  space.touchLink(link);
  const { externalIds, aliases } = space.pendingWork;
  if (change.externalId !== undefined) externalIds.push({ scimId: record.scimId, ...change.externalId });
  for (const alias of change.aliases ?? []) aliases.push({ scimId: record.scimId, alias });
}

/** RFC 7396: `null` forgets a member, an object is merged, anything else replaces. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}
