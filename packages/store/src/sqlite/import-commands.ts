import type { EncodedAttributes } from '@landbridge/connector-sdk';
import {
  type ImportedEntry,
  type NewRun,
  type NewStep,
  noCounts,
  type PageOutcome,
  type RemovalPlan,
  type RunResult,
  type StepEnd,
} from '../connector-store.ts';
import { reach } from '../crash-points.ts';
import { changedByImport } from '../rules/announcements.ts';
import { type Confirmation, withExportOnly } from '../rules/confirmation.ts';
import { afterUpdate } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import type { ImportStep } from '../rules/import-step.ts';
import { parseBody } from '../rules/plain-body.ts';
import { createSeenEntries } from '../rules/seen-entries.ts';
import { attributeOf, orderAttributes, type StoredType, typeOf } from '../rules/stored-model.ts';
import { limitLog, type Row } from './database.ts';
import { deferIndexes } from './deferred-indexes.ts';
import {
  addPageReferences,
  addReferences,
  addSet,
  advance,
  countUnresolved,
  flushGrowth,
  insertUnlessThere,
  isAtWork,
  keepLink,
  removeEntry,
  removeReferences,
  replaceReferences,
  resolveWaiting,
  type StoreState,
  startGrowth,
  transact,
  writeMultiValues,
} from './entry-rows.ts';
import { confirmDeletes, removeUnshown, reportMissing, reportShownAgain } from './existence-confirmation.ts';
import { confirmEntry } from './import-confirmation.ts';
import { createPageWork, type PageWork } from './import-page.ts';
import { createImportSettling } from './import-settling.ts';
import { columnChanges } from './key-columns.ts';
import { forgetSeenMissed, listUnseen, waitForPartitions } from './missed-entries.ts';
import { announceImport } from './outbox.ts';
import { asSpelled } from './spelled-references.ts';

/**
 * Imports.
 *
 * 1. Unchanged entries are not written: equal hash, equal sets, nothing awaited (R25: what was seen is a bitmap in memory).
 * 2. For what was written after the fence, the journal wins, per attribute and for existence (R22).
 * 3. An entry with an open journal row is not touched by an import, unless the import is what settles it (R14, R22).
 * 4. Nothing is removed while reading: a full step plans removals at its end, a delta queues its deletes (R23).
 * 5. A step that did not end complete removes nothing (R23).
 * 6. The watermark commits with the end of its step, and only then (R24).
 * 7. Ids of entries are never used again (R25).
 * 8. Within one full step an anchor counts once; the second is an error and the first stays.
 */
export interface ImportCommands {
  beginRun(run: NewRun): { readonly runId: number };
  beginStep(step: NewStep): { readonly stepId: number; readonly fence: number; readonly watermark?: string };
  applyPage(stepId: number, entries: readonly ImportedEntry[]): PageOutcome;
  planRemovals(stepId: number, options: { readonly complete: boolean; readonly unread?: readonly string[] }): readonly RemovalPlan[];
  removeUnshown(stepId: number): { readonly removed: number; readonly done: boolean };
  removeChunk(stepId: number): { readonly removed: number; readonly done: boolean };
  endStep(stepId: number, end: StepEnd): { readonly heldId?: number };
  endRun(runId: number, result: RunResult): void;
  decideHeld(runId: number, decision: 'approved' | 'rejected', by: string): { readonly held: number };
  removeHeldChunk(runId: number): { readonly removed: number; readonly done: boolean };
  closeInterruptedRuns(at: number): number;
}

type PutEntry = Extract<ImportedEntry, { op: 'put' }>;
type UpdateEntry = Extract<ImportedEntry, { op: 'update' }>;

const CHUNK = 500;
const FIND_LINK = 'SELECT scim_id, entry, state, deleted_position FROM links WHERE otype = ? AND anchor_key = ? ORDER BY generation DESC LIMIT 1';
const FIND = 'SELECT id, hash, sets, flags, position, dn, partition FROM entries WHERE otype = ? AND anchor_key = ?';

const FIND_PAGE =
  'SELECT v.key, e.id, e.hash, e.sets, e.flags, e.position, e.dn, e.partition FROM json_each(?) v CROSS JOIN entries e WHERE e.otype = ? AND e.anchor_key = v.value';

/** A row of it; the first is the place of the anchor in the list asked for. */
type Found = readonly [at: number, id: number, hash: string | null, sets: string | null, flags: number, position: number, dn: string | null, partition: string];

/** Makes the commands on an open file. */
export function createImportCommands(state: StoreState): ImportCommands {
  const { database } = state;
  const settling = createImportSettling(state);
  const steps = new Map<number, ImportStep>();

  function applyPut(step: ImportStep, entry: PutEntry, index: number, page: PageWork, known?: Row | null): void {
    const type = typeOf(state, entry.objectType);
    if (isBlind() && insertImported(step, type, entry, page)) return;
    const anchorKey = state.model.anchorKey(entry.anchor);
    const row = known === undefined ? database.get(FIND, type.id, anchorKey) : (known ?? undefined);
    if (row === undefined) return applyUnknown(step, type, entry, anchorKey, index, page, known === null);
    const id = Number(row['id']);
    if (step.seen.mark(id) && step.kind === 'full') return page.fail(index, 'already-exists', `the application reported the anchor twice in one import`);
    if (isAtWork(state, id) && !settling.settleUpdate(step, type, id, entry, page)) return page.count('fenced');
    if ((Number(row['flags']) & flag.unconfirmed) === 0 && row['hash'] === entry.hash && row['sets'] === setsOf(entry) && row['partition'] === step.partition)
      return page.count('unchanged');
    compareAndWrite(step, type, id, row, entry, page);
  }

  /**
   * Whether nothing but an entry of the same anchor, which the unique index tells, can meet what is imported: a first import
   * that no write came into, of a space without a past. What it reads is inserted without being looked up.
   */
  function isBlind(): boolean {
    return state.deferred && !state.links && state.pending === 0 && state.open.size === 0;
  }

  /**
   * One transaction. A page of a first import that no write came into settles and confirms nothing, and tells nobody: until the step
   * ends no more than its repetition depends on it (R25), so its commit need not wait for the disk. The step's end does, for all (R3).
   */
  function commitPage(step: ImportStep, work: () => PageOutcome): PageOutcome {
    return isBlind() && state.position === step.fence && !state.announces ? database.withoutWaiting(() => transact(state, work)) : transact(state, work);
  }

  /**
   * The rows of a page's entries by one statement for each object type: `null` for an anchor that the space does not have,
   * `undefined` where the page itself may have changed the answer by then, so that each entry is looked up on its own.
   */
  function findKnown(entries: readonly ImportedEntry[]): readonly (Row | null | undefined)[] {
    const known: (Row | null | undefined)[] = entries.map(() => undefined);
    const keys = new Map<StoredType, Map<string, number>>();
    entries.forEach((entry, index) => {
      if (entry.op !== 'put') return;
      const type = typeOf(state, entry.objectType);
      const ofType = keys.get(type) ?? new Map<string, number>();
      keys.set(type, ofType);
      const key = state.model.anchorKey(entry.anchor);
      if (ofType.has(key)) return;
      ofType.set(key, index);
      known[index] = null;
    });
    for (const [type, ofType] of keys) {
      const indexes = [...ofType.values()];
      const rows = database.tuples(FIND_PAGE, JSON.stringify([...ofType.keys()]), type.id) as readonly Found[];
      for (const [at, id, hash, sets, flags, position, dn, partition] of rows) {
        const index = indexes[at];
        if (index !== undefined) known[index] = { id, hash, sets, flags, position, dn, partition };
      }
    }
    return known;
  }

  function compareAndWrite(step: ImportStep, type: StoredType, id: number, known: Row, entry: PutEntry, page: PageWork): void {
    const row = database.get('SELECT body, scim_id FROM entries WHERE id = ?', id);
    if (row === undefined) return;
    if ((Number(known['flags']) & flag.overlay) !== 0) database.run(`UPDATE entries SET flags = flags & ~${flag.overlay} WHERE id = ?`, id);
    const confirmation = (Number(known['flags']) & flag.unconfirmed) === 0 ? undefined : confirmEntry(state, type, id, step.fence, String(row['body']), entry);
    if (confirmation !== undefined) page.confirm(id, confirmation);
    const shown = confirmation?.body ?? entry.body;
    const attributes = withExportOnly(type, JSON.parse(shown) as EncodedAttributes, String(row['body']));
    const body = type.exportOnly.length === 0 ? shown : JSON.stringify(attributes);
    let changed = body !== row['body'] || (entry.dn ?? null) !== known['dn'];
    changed = writeImportedReferences(type, id, attributes, entry, known['sets'] as string | null, confirmation) || changed;
    const hash = shown === entry.body ? entry.hash : null;
    const sets = confirmation?.keptReferences === true ? null : setsOf(entry);
    if (!changed) {
      database.run('UPDATE entries SET hash = ?, sets = ?, partition = ? WHERE id = ?', hash, sets, step.partition, id);
      return page.count(confirmation?.fenced === true ? 'fenced' : 'unchanged');
    }
    const columns = columnChanges(type, JSON.parse(String(row['body'])) as EncodedAttributes, attributes);
    database.run(
      `UPDATE entries SET body = ?${columns.sql}, hash = ?, sets = ?, dn = ?, dn_key = ?, partition = ?, version = version + 1, modified = ? WHERE id = ?`,
      body,
      ...columns.values,
      hash,
      sets,
      entry.dn ?? null,
      entry.dn === undefined ? null : state.model.dnKey(entry.dn),
      step.partition,
      step.at,
      id,
    );
    writeMultiValues(database, type, id, attributes, false);
    if (entry.dn !== known['dn']) resolveWaiting(state, type, id, entry.anchor, entry.dn);
    if (state.announces) announceImport(state, step, 'patch', id, changedByImport(String(row['body']), attributes, entry, known['sets'] as string | null));
    page.count('updated');
  }

  function writeImportedReferences(
    type: StoredType,
    id: number,
    attributes: EncodedAttributes,
    entry: PutEntry,
    sets: string | null,
    confirmation: Confirmation | undefined,
  ): boolean {
    let changed = false;
    for (const attribute of type.references) {
      if (attribute.multiValued) continue;
      const value = attributes[attribute.name];
      changed = replaceReferences(state, id, attribute, typeof value === 'string' ? [value] : []) || changed;
    }
    const known = sets === null ? {} : (JSON.parse(sets) as Record<string, string>);
    for (const reference of entry.references) {
      if (attributeOf(type, reference.attribute).exportOnly) continue;
      if (confirmation?.kept.has(reference.attribute) || known[reference.attribute] === reference.hash) continue;
      changed = replaceReferences(state, id, attributeOf(type, reference.attribute), reference.values) || changed;
    }
    return changed;
  }

  /**
   * An anchor the space does not have: new, deleted a moment ago, a create of ours in flight, or waited for (R9, R22). `isSure`: it
   * was looked up at the start of the page, and no other entry of the page brings the same.
   */
  function applyUnknown(step: ImportStep, type: StoredType, entry: PutEntry, anchorKey: string, index: number, page: PageWork, isSure: boolean): void {
    const link = state.links ? database.get(FIND_LINK, type.id, anchorKey) : undefined;
    const isTaken = link !== undefined && (link['state'] === 'deleted' || link['state'] === 'gone');
    if (isTaken && Number(link['deleted_position']) > step.fence) return page.count('fenced');
    if (isTaken) shownAgain(String(link['scim_id']), 0, page);
    if (link !== undefined && link['state'] === 'disabled' && link['entry'] !== null)
      return reviveAbsent(step, type, Number(link['entry']), entry, anchorKey, page);
    const mayBeOurs = settling.hasOpenAdd(type);
    if (mayBeOurs && !settling.decideOpenAdd(step, type, entry, page)) return page.postpone(index);
    const adopted = state.pending === 0 ? undefined : settling.findPending(type, entry);
    if (adopted === 'several') return page.fail(index, 'ambiguous-update', 'the object matches several entries that wait for their anchor');
    const known = adopted ?? undefined;
    if (known !== undefined) return adoptPending(step, type, known, entry, anchorKey, page);
    // What this page did before this entry may have brought the anchor: the same one, a new name, a create that was settled.
    const mayHaveCome = !isSure || mayBeOurs || page.renamed || state.links;
    if (mayHaveCome && database.get(FIND, type.id, anchorKey) !== undefined) return applyPut(step, entry, index, page);
    if (!insertImported(step, type, entry, page)) applyPut(step, entry, index, page);
  }

  /** The application has what was deleted, and what a later run than the delete's reads is no leftover of it (R20). */
  function shownAgain(scimId: string, entryId: number, page: PageWork): void {
    const journalId = reportShownAgain(state, scimId);
    if (journalId !== undefined) page.report({ entryId, journalId, attribute: '' });
  }

  /** Inserts an entry with its references; returns `false`, and does nothing, when its anchor is there. */
  function insertImported(step: ImportStep, type: StoredType, entry: PutEntry, page: PageWork): boolean {
    const id = state.nextEntryId;
    const attributes = parseBody(type, entry.body);
    const isNew = insertUnlessThere(state, {
      id,
      type,
      anchor: entry.anchor,
      dn: entry.dn,
      partition: step.partition,
      body: entry.body,
      attributes,
      hash: entry.hash,
      sets: setsOf(entry),
      position: 0,
      at: step.at,
    });
    if (!isNew) return false;
    state.nextEntryId += 1;
    step.seen.mark(id);
    writeMultiValues(database, type, id, attributes, true);
    for (const attribute of type.references) {
      const value = attribute.multiValued ? undefined : attributes[attribute.name];
      if (typeof value !== 'string') continue;
      if (state.model.plainReferences) page.refer(attribute, id, value);
      else addReferences(state, id, attribute, [value]);
    }
    for (const reference of entry.references) addSet(state, id, attributeOf(type, reference.attribute), reference);
    resolveWaiting(state, type, id, entry.anchor, entry.dn);
    if (state.announces) announceImport(state, step, 'create', id, changedByImport('{}', attributes, entry, null));
    page.count('added');
    return true;
  }

  function adoptPending(step: ImportStep, type: StoredType, id: number, entry: PutEntry, anchorKey: string, page: PageWork): void {
    database.run(`UPDATE entries SET anchor = ?, anchor_key = ?, flags = flags & ~${flag.pending} WHERE id = ?`, entry.anchor, anchorKey, id);
    database.run("UPDATE links SET anchor_key = ?, state = 'linked', modified = ? WHERE entry = ?", anchorKey, step.at, id);
    state.pending -= 1;
    step.seen.mark(id);
    resolveWaiting(state, type, id, entry.anchor, entry.dn);
    const row = database.get('SELECT id, hash, sets, flags, position, dn, partition FROM entries WHERE id = ?', id);
    if (row !== undefined) compareAndWrite(step, type, id, row, entry, page);
  }

  /** Somebody created the object again in the application that was disabled by deletion: the resource has its entry back. */
  function reviveAbsent(step: ImportStep, type: StoredType, id: number, entry: PutEntry, anchorKey: string, page: PageWork): void {
    const row = database.get('SELECT id, scim_id, hash, sets, flags, position, dn, partition FROM entries WHERE id = ?', id);
    if (row === undefined || Number(row['position']) > step.fence || isAtWork(state, id)) return page.count('fenced');
    shownAgain(String(row['scim_id']), id, page);
    database.run(`UPDATE entries SET flags = flags & ~${flag.absent}, anchor = ?, anchor_key = ? WHERE id = ?`, entry.anchor, anchorKey, id);
    database.run("UPDATE links SET state = 'linked', modified = ? WHERE entry = ?", step.at, id);
    step.seen.mark(id);
    compareAndWrite(step, type, id, row, entry, page);
  }

  function applyUpdate(step: ImportStep, entry: UpdateEntry, index: number, page: PageWork): void {
    const type = typeOf(state, entry.objectType);
    const row = findRow(type.id, entry.anchor, entry.dn);
    if (row === undefined) return page.fail(index, 'not-found', 'need-full-object: an update of an object that the connector space does not have');
    const id = Number(row['id']);
    step.seen.mark(id);
    if (isAtWork(state, id)) return page.count('fenced');
    if ((Number(row['flags']) & flag.overlay) !== 0) database.run(`UPDATE entries SET flags = flags & ~${flag.overlay} WHERE id = ?`, id);
    const body = String(row['body']);
    const merged = afterUpdate(type, JSON.parse(body) as EncodedAttributes, entry);
    const attributes = orderAttributes(type, merged);
    const put: PutEntry = {
      op: 'put',
      objectType: entry.objectType,
      anchor: String(row['anchor']),
      ...dnOf(entry, row),
      body: JSON.stringify(attributes),
      hash: '',
      references: [],
    };
    const confirmation = (Number(row['flags']) & flag.unconfirmed) === 0 ? undefined : confirmEntry(state, type, id, step.fence, body, put, entry);
    if (confirmation !== undefined) page.confirm(id, confirmation);
    let referencesChanged = false;
    for (const delta of entry.deltas) {
      const attribute = attributeOf(type, delta.attribute);
      // What was written after the fence is not undone by what was read before (R22).
      if (attribute.type !== 'reference' || confirmation?.kept.has(delta.attribute)) continue;
      const removed = removeReferences(state, id, attribute, asSpelled(state, id, attribute, delta.removed));
      referencesChanged = removed + addReferences(state, id, attribute, delta.added) > 0 || referencesChanged;
    }
    const final = confirmation?.body ?? put.body;
    if (final === body && !referencesChanged && (put.dn ?? null) === row['dn']) return page.count('unchanged');
    const values = JSON.parse(final) as EncodedAttributes;
    const columns = columnChanges(type, JSON.parse(body) as EncodedAttributes, values);
    database.run(
      `UPDATE entries SET body = ?${columns.sql}, hash = NULL, sets = NULL, dn = ?, dn_key = ?, partition = ?, version = version + 1, modified = ? WHERE id = ?`,
      final,
      ...columns.values,
      put.dn ?? null,
      put.dn === undefined ? null : state.model.dnKey(put.dn),
      step.partition,
      step.at,
      id,
    );
    writeMultiValues(database, type, id, values, false);
    for (const attribute of type.references) {
      if (!attribute.multiValued) replaceReferences(state, id, attribute, typeof values[attribute.name] === 'string' ? [values[attribute.name] as string] : []);
    }
    if (entry.newDn !== undefined) {
      page.renamed = true;
      if (state.model.dnAsAnchor) followName(type, id, entry.newDn, step.at);
      resolveWaiting(state, type, id, put.anchor, put.dn);
    }
    page.count('updated');
  }

  /** The name is the anchor: the link says from now on whose id it is (R7). */
  function followName(type: StoredType, id: number, dn: string, at: number): void {
    const row = database.get('SELECT scim_id, created FROM entries WHERE id = ?', id);
    if (row === undefined) return;
    const anchorKey = state.model.anchorKey(dn);
    keepLink(state, { id, otype: type.id, scim_id: String(row['scim_id']), anchor_key: anchorKey, created: Number(row['created']) }, 'linked', at);
    database.run('UPDATE entries SET anchor = ?, anchor_key = ? WHERE id = ?', dn, anchorKey, id);
  }

  function applyDelete(step: ImportStep, entry: Extract<ImportedEntry, { op: 'delete' }>, page: PageWork): void {
    const types = entry.objectType === undefined ? step.types : [typeOf(state, entry.objectType)];
    for (const type of types) {
      const row = findRow(type.id, entry.anchor, entry.dn);
      if (row === undefined) continue;
      const id = Number(row['id']);
      // It left this partition, and another step of the run has shown it in the one it went to.
      if (row['partition'] !== step.partition) return;
      if (isAtWork(state, id) || Number(row['position']) > step.fence) return page.count('fenced');
      // Removals wait for the end of the step, where the threshold counts them (R23).
      step.removals.push(id);
      return;
    }
  }

  function findRow(otype: number, anchor: string | undefined, dn: string | undefined): Row | undefined {
    const columns = 'id, anchor, dn, flags, position, body, partition';
    if (anchor !== undefined) return database.get(`SELECT ${columns} FROM entries WHERE otype = ? AND anchor_key = ?`, otype, state.model.anchorKey(anchor));
    return dn === undefined ? undefined : database.get(`SELECT ${columns} FROM entries WHERE dn_key = ? AND otype = ?`, state.model.dnKey(dn), otype);
  }

  function stepOf(stepId: number): ImportStep {
    const step = steps.get(stepId);
    if (step === undefined) throw new Error(`import step ${stepId} is not open`);
    return step;
  }

  /** Removes entries, each unless it was written since the list that names it was made: the journal wins (R22). */
  function removeListed(list: readonly { readonly id: number; readonly fence: number }[], runId: number, at: number): number {
    let removed = 0;
    for (const { id, fence } of list) {
      const row = database.get('SELECT position FROM entries WHERE id = ?', id);
      if (row === undefined || Number(row['position']) > fence || isAtWork(state, id)) continue;
      reportMissing(state, id);
      announceImport(state, { runId, at }, 'delete', id, []);
      removeEntry(state, id, 'gone', at);
      removed += 1;
    }
    reach('removals-before-commit');
    return removed;
  }

  /** What an import saw is there, whatever an earlier one, whose removals wait for approval, believed (R23). */
  function forgetSeenHeld(step: ImportStep): void {
    for (const row of database.all("SELECT h.run, h.entry FROM held h JOIN runs r ON r.id = h.run WHERE r.held_decision = 'waiting'"))
      if (step.seen.has(Number(row['entry']))) database.run('DELETE FROM held WHERE run = ? AND entry = ?', Number(row['run']), Number(row['entry']));
  }

  return {
    beginRun(run) {
      const { lastId } = database.run("INSERT INTO runs(profile, started_by, started, result) VALUES (?, ?, ?, 'running')", run.profile, run.startedBy, run.at);
      return { runId: lastId };
    },
    beginStep(step) {
      limitLog(database, 'import');
      if (step.kind === 'full') state.deferred = deferIndexes(database) || state.deferred;
      // A write whose result comes after this counts as written after the fence, whenever its intent was made.
      const { fence, lastId } = transact(state, () => ({
        fence: advance(state),
        ...database.run(
          "INSERT INTO steps(run, kind, partition, started, result, counts) VALUES (?, ?, ?, ?, 'running', ?)",
          step.runId,
          step.kind,
          step.partition,
          step.at,
          JSON.stringify(noCounts),
        ),
      }));
      const types = step.objectTypes.map((name) => typeOf(state, name));
      steps.set(lastId, {
        id: lastId,
        runId: step.runId,
        kind: step.kind,
        partition: step.partition,
        types,
        fence,
        at: step.at,
        seen: createSeenEntries(),
        keepsDrifts: step.keepsDrifts === true,
        removedBefore: state.removed,
        removals: [],
        complete: false,
      });
      const watermark = step.kind === 'full' ? undefined : database.get('SELECT value FROM watermarks WHERE partition = ?', step.partition)?.['value'];
      return { stepId: lastId, fence, ...(typeof watermark === 'string' ? { watermark } : {}) };
    },
    applyPage(stepId, entries) {
      const step = stepOf(stepId);
      const page = createPageWork(state, step.keepsDrifts);
      const outcome = commitPage(step, () => {
        startGrowth(state);
        const known = isBlind() ? [] : findKnown(entries);
        entries.forEach((entry, index) => {
          if (entry.op === 'put') applyPut(step, entry, index, page, known[index]);
          else if (entry.op === 'update') applyUpdate(step, entry, index, page);
          else applyDelete(step, entry, page);
        });
        for (const [attribute, pairs] of page.referred) addPageReferences(state, attribute, pairs);
        flushGrowth(state);
        reach('page-before-commit');
        return page.outcome();
      });
      reach('page-after-commit');
      return outcome;
    },
    planRemovals(stepId, { complete, unread = [] }) {
      const step = stepOf(stepId);
      step.complete = complete;
      if (!complete) step.removals = [];
      else if (step.kind === 'full') step.removals = listUnseen(state, step);
      // What came to another partition since, by a step of the same run, is not gone (R23).
      else step.removals = step.removals.filter((id) => database.get('SELECT partition FROM entries WHERE id = ?', id)?.['partition'] === step.partition);
      // Whether nothing was read at all is for a person to judge, who sees it whole.
      const waiting = complete && !isEmptyFull(step) ? waitForPartitions(state, step, unread) : undefined;
      const counts = new Map<number, number>();
      for (const id of step.removals) {
        const otype = Number(database.get('SELECT otype FROM entries WHERE id = ?', id)?.['otype'] ?? -1);
        counts.set(otype, (counts.get(otype) ?? 0) + 1);
      }
      const isDecided = isCounted(step);
      return step.types.map((type) => ({
        objectType: type.name,
        removals: counts.get(type.id) ?? 0,
        waiting: waiting?.get(type.id) ?? 0,
        total: isDecided ? countInPartition(type, step) : 0,
      }));
    },
    removeUnshown: (stepId) => removeUnshown(state, stepOf(stepId)),
    removeChunk(stepId) {
      const step = stepOf(stepId);
      const list = step.removals.splice(0, CHUNK).map((id) => ({ id, fence: step.fence }));
      const removed = list.length === 0 ? 0 : transact(state, () => removeListed(list, step.runId, Date.now()));
      reach('removals-after-commit');
      return { removed, done: step.removals.length === 0 };
    },
    endStep(stepId, end) {
      const step = stepOf(stepId);
      const held = end.hold === undefined ? undefined : step.removals;
      database.transaction(() => {
        database.run(
          'UPDATE steps SET ended = ?, result = ?, counts = ?, error_count = ?, errors = ? WHERE id = ?',
          end.at,
          end.result,
          JSON.stringify({ ...end.counts, unresolved: countUnresolved(state) }),
          end.errorCount,
          JSON.stringify(end.errors),
          stepId,
        );
        if (step.kind === 'full' && step.complete) confirmDeletes(state, step);
        forgetSeenHeld(step);
        forgetSeenMissed(database, step);
        if (end.watermark !== undefined)
          database.run(
            'INSERT INTO watermarks(partition, value) VALUES (?, ?) ON CONFLICT(partition) DO UPDATE SET value = excluded.value',
            step.partition,
            end.watermark,
          );
        if (end.hold !== undefined) {
          for (const id of held ?? [])
            database.run('INSERT INTO held(run, entry, position) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', step.runId, id, step.fence);
          database.run("UPDATE runs SET held_reason = ?, held_decision = 'waiting' WHERE id = ?", end.hold.reason, step.runId);
        }
        reach('step-end-before-commit');
      });
      steps.delete(stepId);
      reach('step-end-after-commit');
      return held === undefined ? {} : { heldId: step.runId };
    },
    endRun(runId, result) {
      transact(state, () => {
        const at = Date.now();
        // A step whose end could not be stored ended with its run.
        database.run("UPDATE steps SET ended = ?, result = 'interrupted' WHERE run = ? AND result = 'running'", at, runId);
        database.run('UPDATE runs SET ended = ?, result = ? WHERE id = ?', at, result, runId);
      });
    },
    decideHeld(runId, decision, by) {
      return database.transaction(() => {
        database.run("UPDATE runs SET held_decision = ?, held_by = ? WHERE id = ? AND held_decision = 'waiting'", decision, by, runId);
        const held = Number(database.get('SELECT count(*) AS n FROM held WHERE run = ?', runId)?.['n'] ?? 0);
        if (decision === 'rejected') database.run('DELETE FROM held WHERE run = ?', runId);
        return { held };
      });
    },
    removeHeldChunk(runId) {
      const decision = database.get('SELECT held_decision FROM runs WHERE id = ?', runId)?.['held_decision'];
      if (decision !== 'approved') return { removed: 0, done: true };
      return transact(state, () => {
        const list = database
          .all('SELECT entry, position FROM held WHERE run = ? LIMIT ?', runId, CHUNK)
          .map((row) => ({ id: Number(row['entry']), fence: Number(row['position']) }));
        const removed = removeListed(list, runId, Date.now());
        for (const { id } of list) database.run('DELETE FROM held WHERE run = ? AND entry = ?', runId, id);
        return { removed, done: list.length < CHUNK };
      });
    },
    closeInterruptedRuns(at) {
      return database.transaction(() => {
        database.run("UPDATE steps SET result = 'interrupted', ended = ? WHERE result = 'running'", at);
        return database.run("UPDATE runs SET result = 'interrupted', ended = ? WHERE result = 'running'", at).changes;
      });
    },
  };

  /** Whether anybody decides by how many entries there are (R23): not where nothing goes and something was read. Counting reads them all. */
  function isCounted(step: ImportStep): boolean {
    return step.removals.length > 0 || isEmptyFull(step);
  }

  function isEmptyFull(step: ImportStep): boolean {
    return step.kind === 'full' && step.seen.size === 0;
  }

  function countInPartition(type: StoredType, step: ImportStep): number {
    return Number(
      database.get(`SELECT count(*) AS n FROM entries WHERE otype = ? AND partition = ? AND flags & ${flag.absent} = 0`, type.id, step.partition)?.['n'] ?? 0,
    );
  }
}

function dnOf(entry: UpdateEntry, row: Row): { readonly dn?: string } {
  const dn = entry.newDn ?? (row['dn'] === null ? undefined : String(row['dn']));
  return dn === undefined ? {} : { dn };
}

/** The set hashes of an entry's multi-valued references, as the row keeps them. */
function setsOf(entry: PutEntry): string | null {
  if (entry.references.length === 0) return null;
  return JSON.stringify(Object.fromEntries(entry.references.map((reference) => [reference.attribute, reference.hash])));
}
