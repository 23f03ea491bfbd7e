import type { ConnectorErrorData, EncodedAttributes } from '@landbridge/connector-sdk';
import { type ImportedEntry, type NotReimported, noCounts, type PageOutcome } from '../connector-store.ts';
import { changedByImport } from '../rules/announcements.ts';
import { type Confirmation, compareAwaited, withExportOnly } from '../rules/confirmation.ts';
import { afterUpdate } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import type { ImportStep, ImportTally } from '../rules/import-step.ts';
import { attributeOf, orderAttributes, type StoredType, typeOf } from '../rules/stored-model.ts';
import type { Session } from './connection.ts';
import { attributesOf, createEntrySpace, type EntryRecord, type EntrySpace } from './entry-space.ts';
import { reportShownAgain } from './existence-confirmation.ts';
import { flush } from './flush.ts';
import { createImportSettling } from './import-settling.ts';
import { announceImport } from './outbox.ts';
import { isKept, toRecords } from './records.ts';
import { spelledReferences } from './spelled-references.ts';
import { isAtWork, type Writer } from './writer.ts';

type PutEntry = Extract<ImportedEntry, { op: 'put' }>;
type UpdateEntry = Extract<ImportedEntry, { op: 'update' }>;

/** What comparing needs of an entry. */
type Head = Pick<EntryRecord, 'id' | 'hash' | 'sets' | 'flags' | 'partition'>;

/** Heads of entries by type and anchor. */
export type Heads = ReadonlyMap<string, Head>;

const HEADS = 'SELECT id, anchor_key, hash, sets, flags, partition FROM entries WHERE otype = $1 AND anchor_key = ANY($2::text[])';

const nameOf = (otype: number, key: string): string => `${otype}/${key}`;

/** What a page is compared with: one statement for each type. */
export async function readHeads(writer: Writer, session: Session, entries: readonly ImportedEntry[]): Promise<Heads> {
  const { model } = writer;
  const found = new Map<string, Head>();
  const keys = new Map<StoredType, string[]>();
  for (const entry of entries) {
    if (entry.op !== 'put') continue;
    const type = typeOf(writer, entry.objectType);
    const list = keys.get(type) ?? [];
    keys.set(type, list);
    if (isKept(entry.anchor)) list.push(model.anchorKey(entry.anchor));
  }
  const read = async ([type, list]: [StoredType, string[]]): Promise<void> => {
    for (const row of await session.all(HEADS, type.id, list))
      found.set(nameOf(type.id, String(row['anchor_key'])), {
        id: Number(row['id']),
        hash: row['hash'] === null ? null : String(row['hash']),
        sets: row['sets'] === null ? null : String(row['sets']),
        flags: Number(row['flags']),
        partition: String(row['partition']),
      });
  };
  await Promise.all([...keys].map(read));
  return found;
}

/**
 * Applies one page in the transaction given: compares by hash, writes what changed, confirms exports (R20), honours the
 * fence (R22). One statement reads the heads of all entries; only what is not unchanged is loaded whole. `isEmpty`: nothing was
 * written, because all entries are as they were.
 */
export async function applyPageEntries(
  writer: Writer,
  session: Session,
  step: ImportStep,
  entries: readonly ImportedEntry[],
  heads: Heads,
): Promise<{ readonly outcome: PageOutcome; readonly isEmpty: boolean }> {
  const { model } = writer;
  const space = createEntrySpace(writer, session);
  const counts: ImportTally = { ...noCounts };
  const count = (what: keyof ImportTally): void => {
    counts[what] += 1;
  };
  let untouched = 0;
  const postponed: number[] = [];
  const errors: { index: number; error: ConnectorErrorData }[] = [];
  const notReimported: NotReimported[] = [];
  const settled: number[] = [];
  const passwords: number[] = [];
  const settling = createImportSettling(writer, session, space, step, { settled, passwords });
  const journalStates = { confirmed: new Set<number>(), 'not-reimported': new Set<number>() };
  const fail = (index: number, code: ConnectorErrorData['code'], message: string): void => void errors.push({ index, error: { code, message } });
  await preload();

  /** Loads whole what will be compared, and the links of what is unknown. */
  async function preload(): Promise<void> {
    const ids: number[] = [];
    const unknown: { otype: number; key: string }[] = [];
    const named: { otype: number; key: string }[] = [];
    for (const entry of entries) {
      const types = entry.objectType === undefined ? step.types : [typeOf(writer, entry.objectType)];
      if (entry.anchor === undefined || !isKept(entry.anchor)) continue;
      for (const { id: otype } of types) {
        const key = model.anchorKey(entry.anchor);
        const head = heads.get(nameOf(otype, key));
        if (entry.op !== 'put') named.push({ otype, key });
        else if (head === undefined) unknown.push({ otype, key });
        else if (!isUnchanged(head, entry)) ids.push(head.id);
      }
    }
    await Promise.all([space.load(ids), space.loadAnchors(named), space.loadLinksByAnchor(unknown)]);
  }

  function isUnchanged(head: Head, entry: PutEntry): boolean {
    return (head.flags & flag.unconfirmed) === 0 && head.hash === entry.hash && head.sets === setsOf(entry) && head.partition === step.partition;
  }

  async function applyPut(entry: PutEntry, index: number): Promise<void> {
    const type = typeOf(writer, entry.objectType);
    const key = model.anchorKey(entry.anchor);
    const met = space.metAnchor(type.id, key);
    const head: Head | undefined = met === undefined ? heads.get(nameOf(type.id, key)) : (met ?? undefined);
    const isKnown = head !== undefined && isUnchanged(head, entry);
    // What is as it was is kept already.
    if (!isKnown && !isKeptWhole(entry))
      return fail(
        index,
        'invalid-attribute-value',
        'an anchor, a name or a reference has a character that PostgreSQL cannot keep (NUL, or half of a surrogate pair)',
      );
    if (head === undefined) return applyUnknown(type, entry, key, index);
    if (step.seen.mark(head.id) && step.kind === 'full') return fail(index, 'already-exists', 'the application reported the anchor twice in one import');
    const isOpen = isAtWork(writer, head.id);
    if (isOpen && !(await settling.settleUpdate(type, head.id, entry))) return count('fenced');
    if (!isOpen && isKnown) {
      untouched += 1;
      return count('unchanged');
    }
    const record = await space.entry(head.id);
    if (record !== undefined) await compareAndWrite(type, record, entry);
  }

  function confirm(record: EntryRecord, confirmation: Confirmation): void {
    counts.confirmed += confirmation.confirmed.length;
    for (const { journal, ...mismatch } of confirmation.mismatched) {
      notReimported.push({ entryId: record.id, journalId: journal, ...mismatch });
      journalStates['not-reimported'].add(journal);
    }
    for (const journal of confirmation.complete) journalStates.confirmed.add(journal);
  }

  async function confirmation(type: StoredType, record: EntryRecord, entry: PutEntry, update?: UpdateEntry): Promise<Confirmation | undefined> {
    if ((record.flags & flag.unconfirmed) === 0) return undefined;
    const compared = compareAwaited(model, type, await space.awaited(record.id), step.fence, record.body, entry, update);
    space.setAwaited(record, compared.remaining);
    confirm(record, compared.confirmation);
    return compared.confirmation;
  }

  async function compareAndWrite(type: StoredType, record: EntryRecord, entry: PutEntry): Promise<void> {
    record.flags &= ~flag.overlay;
    const confirmed = await confirmation(type, record, entry);
    const shown = confirmed?.body ?? entry.body;
    const attributes = withExportOnly(type, JSON.parse(shown) as EncodedAttributes, record.body);
    const body = type.exportOnly.length === 0 ? shown : JSON.stringify(attributes);
    const dn = entry.dn ?? null;
    const announced = writer.announces ? changedByImport(record.body, attributes, entry, record.sets) : [];
    let changed = body !== record.body || dn !== record.dn;
    changed = (await writeReferences(type, record, attributes, entry, confirmed)) || changed;
    record.hash = shown === entry.body ? entry.hash : null;
    record.sets = confirmed?.keptReferences === true ? null : setsOf(entry);
    record.partition = step.partition;
    space.touch(record, false);
    if (!changed) return count(confirmed?.fenced === true ? 'fenced' : 'unchanged');
    record.modified = step.at;
    if (dn !== record.dn) space.setDn(record, dn);
    if (body === record.body) space.touch(record, true);
    else space.setBody(record, body);
    announceImport(writer, space, step, 'patch', record, announced);
    counts.updated += 1;
  }

  async function writeReferences(
    type: StoredType,
    record: EntryRecord,
    attributes: EncodedAttributes,
    entry: PutEntry,
    confirmed: Confirmation | undefined,
  ): Promise<boolean> {
    let changed = false;
    for (const attribute of type.references) {
      if (attribute.multiValued) continue;
      const value = attributes[attribute.name];
      changed = (await space.replaceReferences(record.id, attribute, typeof value === 'string' ? [value] : [])) || changed;
    }
    const known = record.sets === null ? {} : (JSON.parse(record.sets) as Record<string, string>);
    for (const reference of entry.references) {
      if (attributeOf(type, reference.attribute).exportOnly) continue;
      if (confirmed?.kept.has(reference.attribute) || known[reference.attribute] === reference.hash) continue;
      changed = (await space.replaceReferences(record.id, attributeOf(type, reference.attribute), reference.values)) || changed;
    }
    return changed;
  }

  /** An anchor the space does not have: new, deleted a moment ago, a create of ours in flight, or waited for (R9, R22). */
  async function applyUnknown(type: StoredType, entry: PutEntry, key: string, index: number): Promise<void> {
    const link = writer.links ? await space.linkByAnchor(type.id, key) : undefined;
    const isTaken = link?.state === 'deleted' || link?.state === 'gone';
    if (isTaken && link.deletedPosition > step.fence) return count('fenced');
    if (isTaken) await shownAgain(link.scimId, 0);
    if (link?.state === 'disabled' && link.entry !== null) return reviveAbsent(type, link.entry, entry, key);
    if (settling.hasOpenAdd(type) && !(await settling.decideOpenAdd(type, entry))) return void postponed.push(index);
    // What a create brought that this entry settled is found by now.
    if (space.metAnchor(type.id, key)) return applyPut(entry, index);
    const adopted = writer.pending === 0 ? undefined : await settling.findPending(type, entry);
    if (adopted === 'several') return fail(index, 'ambiguous-update', 'the object matches several entries that wait for their anchor');
    if (adopted !== undefined) return adoptPending(type, adopted, entry, key);
    await insertImported(type, entry);
  }

  /** The application has what was deleted, and what a later run than the delete's reads is no leftover of it (R20). */
  async function shownAgain(scimId: string, entryId: number): Promise<void> {
    const journalId = await reportShownAgain(session, scimId);
    if (journalId !== undefined) notReimported.push({ entryId, journalId, attribute: '' });
  }

  async function insertImported(type: StoredType, entry: PutEntry): Promise<void> {
    const id = writer.nextEntryId;
    writer.nextEntryId += 1;
    const record = await space.insert({
      id,
      type,
      anchor: entry.anchor,
      dn: entry.dn,
      partition: step.partition,
      body: entry.body,
      hash: entry.hash,
      sets: setsOf(entry),
      position: 0,
      at: step.at,
    });
    step.seen.mark(id);
    const single = type.references.filter((attribute) => !attribute.multiValued);
    const attributes = single.length === 0 ? {} : (JSON.parse(entry.body) as EncodedAttributes);
    for (const attribute of single) {
      const value = attributes[attribute.name];
      if (typeof value === 'string') space.addReferences(id, attribute, [value]);
    }
    for (const reference of entry.references) space.addReferences(id, attributeOf(type, reference.attribute), reference.values);
    if (writer.announces)
      announceImport(writer, space, step, 'create', record, changedByImport('{}', JSON.parse(entry.body) as EncodedAttributes, entry, null));
    counts.added += 1;
  }

  async function adoptPending(type: StoredType, record: EntryRecord, entry: PutEntry, key: string): Promise<void> {
    record.flags &= ~flag.pending;
    space.setAnchor(record, entry.anchor, key);
    await space.keepLink(record, 'linked', step.at);
    writer.pending -= 1;
    step.seen.mark(record.id);
    await compareAndWrite(type, record, entry);
  }

  /** Somebody created the object again in the application that was disabled by deletion: the resource has its entry back. */
  async function reviveAbsent(type: StoredType, id: number, entry: PutEntry, key: string): Promise<void> {
    const record = await space.entry(id);
    if (record === undefined || record.position > step.fence || isAtWork(writer, id)) return count('fenced');
    await shownAgain(record.scimId, id);
    record.flags &= ~flag.absent;
    space.setAnchor(record, entry.anchor, key);
    await space.keepLink(record, 'linked', step.at);
    step.seen.mark(id);
    await compareAndWrite(type, record, entry);
  }

  async function findNamed(space_: EntrySpace, type: StoredType, anchor: string | undefined, dn: string | undefined): Promise<EntryRecord | undefined> {
    if (anchor !== undefined) return isKept(anchor) ? space_.byAnchor(type.id, model.anchorKey(anchor)) : undefined;
    return dn === undefined ? undefined : space_.byDn(type.id, model.dnKey(dn));
  }

  async function applyUpdate(entry: UpdateEntry, index: number): Promise<void> {
    const type = typeOf(writer, entry.objectType);
    const record = await findNamed(space, type, entry.anchor, entry.dn);
    if (record === undefined) return fail(index, 'not-found', 'need-full-object: an update of an object that the connector space does not have');
    step.seen.mark(record.id);
    if (isAtWork(writer, record.id)) return count('fenced');
    const { body } = record;
    record.flags &= ~flag.overlay;
    const merged = afterUpdate(type, attributesOf(record), entry);
    const dn = entry.newDn ?? record.dn ?? undefined;
    const put: PutEntry = {
      op: 'put',
      objectType: entry.objectType,
      anchor: String(record.anchor),
      ...(dn === undefined ? {} : { dn }),
      body: JSON.stringify(orderAttributes(type, merged)),
      hash: '',
      references: [],
    };
    const confirmed = await confirmation(type, record, put, entry);
    let referencesChanged = false;
    for (const delta of entry.deltas) {
      const attribute = attributeOf(type, delta.attribute);
      // What was written after the fence is not undone by what was read before (R22).
      if (attribute.type !== 'reference' || confirmed?.kept.has(delta.attribute)) continue;
      const known = model.plainReferences ? undefined : await spelledReferences(session, model, record.id, attribute.id, delta.removed);
      // As they are written here, and as another entry of the page may have written them.
      const removed = known === undefined ? delta.removed : [...new Set([...known.values(), ...delta.removed])];
      referencesChanged = (await space.countReferenceChanges(record.id, attribute, delta.added, removed)) > 0 || referencesChanged;
      space.removeReferences(record.id, attribute, removed);
      space.addReferences(record.id, attribute, delta.added);
    }
    const final = confirmed?.body ?? put.body;
    if (final === body && !referencesChanged && (dn ?? null) === record.dn) return count('unchanged');
    Object.assign(record, { hash: null, sets: null, partition: step.partition, modified: step.at });
    if ((dn ?? null) !== record.dn) space.setDn(record, dn ?? null);
    if (entry.newDn !== undefined && model.dnAsAnchor) {
      // The name is the anchor: the link says from now on whose id it is (R7).
      space.setAnchor(record, entry.newDn, model.anchorKey(entry.newDn));
      await space.keepLink(record, 'linked', step.at);
    }
    const values = JSON.parse(final) as EncodedAttributes;
    space.setBody(record, final);
    for (const attribute of type.references) {
      if (attribute.multiValued) continue;
      const value = values[attribute.name];
      await space.replaceReferences(record.id, attribute, typeof value === 'string' ? [value] : []);
    }
    counts.updated += 1;
  }

  async function applyDelete(entry: Extract<ImportedEntry, { op: 'delete' }>): Promise<void> {
    const types = entry.objectType === undefined ? step.types : [typeOf(writer, entry.objectType)];
    for (const type of types) {
      const record = await findNamed(space, type, entry.anchor, entry.dn);
      if (record === undefined) continue;
      // It left this partition, and another step of the run has shown it in the one it went to.
      if (record.partition !== step.partition) return;
      // Removals wait for the end of the step, where the threshold counts them (R23).
      if (isAtWork(writer, record.id) || record.position > step.fence) counts.fenced += 1;
      else step.removals.push(record.id);
      return;
    }
  }

  for (const [index, entry] of entries.entries()) {
    if (entry.op === 'put') await applyPut(entry, index);
    else if (entry.op === 'update') await applyUpdate(entry, index);
    else await applyDelete(entry);
  }
  await flush(writer, session, space.pendingWork);
  for (const [state, ids] of Object.entries(journalStates))
    if (ids.size > 0) await session.all("UPDATE journal SET state = $1 WHERE id = ANY($2::bigint[]) AND state = 'applied'", state, [...ids]);
  const drifts = notReimported.flatMap(({ journalId: journal, entryId: entry, attribute, drift }) =>
    drift === undefined ? [] : [{ journal, attribute, entry, drift: JSON.stringify(drift) }],
  );
  if (step.keepsDrifts && drifts.length > 0)
    await session.all(
      `INSERT INTO drifts(journal, attribute, entry, drift) SELECT x.journal, x.attribute, x.entry, x.drift
       FROM json_to_recordset($1) AS x(journal bigint, attribute text, entry bigint, drift text)
       ON CONFLICT(journal, attribute) DO UPDATE SET entry = excluded.entry, drift = excluded.drift`,
      toRecords(drifts),
    );
  return { outcome: { counts, postponed, errors, notReimported, settled, passwords }, isEmpty: untouched === entries.length };
}

function isKeptWhole(entry: PutEntry): boolean {
  return isKept(entry.anchor) && (entry.dn === undefined || isKept(entry.dn)) && entry.references.every(({ values }) => values.every(isKept));
}

/** The set hashes of an entry's multi-valued references, as the row keeps them. */
function setsOf(entry: PutEntry): string | null {
  if (entry.references.length === 0) return null;
  return JSON.stringify(Object.fromEntries(entry.references.map((reference) => [reference.attribute, reference.hash])));
}
