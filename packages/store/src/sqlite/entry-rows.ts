import { randomUUID } from 'node:crypto';
import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { ChainPoint } from '../audit-chain.ts';
import type { EntryRow, ImportedReferences, LinkRow } from '../connector-store.ts';
import { PASSWORD_METHOD } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import { deriveScimId } from '../rules/scim-id.ts';
import { type StoredAttribute, type StoredModel, type StoredType, valueKey } from '../rules/stored-model.ts';
import { readAnchors, sealAudit } from './audit.ts';
import type { Database, Tuple } from './database.ts';
import { columnKeys } from './key-columns.ts';

/** What the store thread keeps in memory about its file: small, and rebuilt at open. */
export interface StoreState extends FileState {
  readonly database: Database;
  /** The key of the audit's chain, outside the database. */
  readonly auditKey: Uint8Array;
  model: StoredModel;
  /** How many entries were removed since the file was opened. */
  removed: number;
  /** Indexes wait for the end of a first import (deferred-indexes.ts). */
  deferred: boolean;
  /** Entries added by the transaction under way, by object type: {@link flushGrowth} writes them once. */
  readonly grown: Map<number, number>;
  /** Whether any event stream wants to be told. */
  announces: boolean;
}

/** A journal row without a result, in memory. */
export interface OpenWrite {
  readonly journalId: number;
  readonly kind: string;
  readonly otype: number;
  /** It waits for an administrator, or sets a password only: nothing that an import could show is under way. */
  importsGoOn: boolean;
  inDoubtSince: number | undefined;
}

/** The part of the state that transactions change, and that the file can always tell anew: {@link readFileState}. */
interface FileState {
  /** Open journal rows (held, intended, in doubt) by entry: nothing else may touch these entries (R14). */
  open: Map<number, OpenWrite>;
  nextEntryId: number;
  /** The highest id of an entry that there is or was. */
  highestEntry: number;
  /** Grows with every result and every import step: what an import may know ends at its fence (R22). */
  position: number;
  /** How many references have no target yet: while 0, new entries need no look-up. */
  unresolved: number;
  /** How many entries wait for their anchor (R9). */
  pending: number;
  /** Whether there is any link row: while there is none, new entries need no look-up. */
  links: boolean;
  /** The last row of the audit, and whether it was written by the transaction under way (SEC-60); absent before the first row. */
  auditHead: (ChainPoint & { readonly moved?: boolean }) | undefined;
}

/** Reads what the file says: at open, and after a transaction that failed. */
export function readFileState(database: Database): FileState {
  const position = Number(database.get("SELECT value FROM meta WHERE name = 'position'")?.['value'] ?? 0);
  const open: FileState['open'] = new Map();
  for (const row of database.all("SELECT id, kind, state, method, otype, entry FROM journal WHERE state IN ('held', 'intended', 'in-doubt')")) {
    // Whatever was left open is in doubt from now on (R13).
    open.set(Number(row['entry']), {
      journalId: Number(row['id']),
      kind: String(row['kind']),
      otype: Number(row['otype']),
      importsGoOn: row['state'] === 'held' || row['method'] === PASSWORD_METHOD,
      inDoubtSince: position,
    });
  }
  const sequence = Number(database.get("SELECT seq FROM sqlite_sequence WHERE name = 'entries'")?.['seq'] ?? 0);
  const journalled = Number(database.get('SELECT max(entry) AS entry FROM journal')?.['entry'] ?? 0);
  return {
    position,
    open,
    nextEntryId: Math.max(sequence, journalled) + 1,
    highestEntry: sequence,
    unresolved: Number(database.get('SELECT count(*) AS n FROM unresolved')?.['n'] ?? 0),
    links: database.get('SELECT 1 AS one FROM links LIMIT 1') !== undefined,
    auditHead: readAnchors(database)?.head,
    pending: Number(database.get(`SELECT count(*) AS n FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0`)?.['n'] ?? 0),
  };
}

/** One transaction. What it changed in memory goes with it when it fails: memory never says more than the file. */
export function transact<Result>(state: StoreState, work: () => Result extends Promise<unknown> ? never : Result): Result {
  try {
    return state.database.transaction(() => {
      const result = work();
      sealAudit(state);
      return result;
    });
  } catch (error) {
    const known = state.open;
    Object.assign(state, readFileState(state.database));
    // A write under way is not in doubt because its neighbours' transaction failed.
    for (const [entry, write] of state.open) write.inDoubtSince = known.get(entry)?.inDoubtSince;
    throw error;
  }
}

/** Whether a write to the entry is in flight or in doubt, so that an import must leave it alone (R14, R22). */
export function isAtWork(state: StoreState, entryId: number): boolean {
  return state.open.get(entryId)?.importsGoOn === false;
}

/** Starts counting added entries: to be called first in every transaction that may insert any. */
export function startGrowth(state: StoreState): void {
  state.grown.clear();
}

/** Writes the counts of added entries, once for a transaction instead of once for an entry. */
export function flushGrowth(state: StoreState): void {
  for (const [otype, added] of state.grown) state.database.run('UPDATE types SET entries = entries + ? WHERE id = ?', added, otype);
  state.grown.clear();
}

/** Takes the next position, durably with the transaction that it is called in. */
export function advance(state: StoreState): number {
  state.position += 1;
  state.database.run("INSERT INTO meta(name, value) VALUES ('position', ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value", String(state.position));
  return state.position;
}

/** The columns of an entry as reads want them. */
export const ENTRY_COLUMNS = 'id, otype, scim_id, anchor, dn, partition, version, created, modified, flags, body';

/** An entry from the {@link ENTRY_COLUMNS} of its row; `link` is read where the flags say that there is one. */
export function toEntryRow(database: Database, model: StoredModel, columns: Tuple): EntryRow {
  const [id, otype, scimId, anchor, dn, partition, version, created, modified, flags, body] = columns;
  return {
    id: Number(id),
    objectType: model.typesById.get(Number(otype))?.name ?? '',
    scimId: String(scimId),
    anchor: anchor === null ? undefined : String(anchor),
    dn: dn === null ? undefined : String(dn),
    partition: String(partition),
    version: Number(version),
    created: Number(created),
    modified: Number(modified),
    body: String(body),
    link: (Number(flags) & flag.link) === 0 ? undefined : readLink(database, String(scimId)),
  };
}

/** Whether the {@link ENTRY_COLUMNS} are of an entry that no read shows. */
export function isHidden(columns: Tuple): boolean {
  return (Number(columns[9]) & flag.hidden) !== 0;
}

/** The link record of a resource. */
function readLink(database: Database, scimId: string): LinkRow | undefined {
  const row = database.get('SELECT state, shadow, aliases FROM links WHERE scim_id = ?', scimId);
  if (row === undefined) return undefined;
  const external = database.all('SELECT client, external_id FROM link_external WHERE scim_id = ?', scimId);
  return {
    state: String(row['state']) as LinkRow['state'],
    shadow: JSON.parse(String(row['shadow'])) as LinkRow['shadow'],
    aliases: JSON.parse(String(row['aliases'])) as readonly string[],
    externalIds: Object.fromEntries(external.map((one) => [String(one['client']), String(one['external_id'])])),
  };
}

/** Writes the index rows of queryable multi-valued attributes. */
export function writeMultiValues(database: Database, type: StoredType, entry: number, attributes: EncodedAttributes, isNew: boolean): void {
  if (type.multiValued.length === 0) return;
  if (!isNew) database.run('DELETE FROM mv WHERE entry = ?', entry);
  for (const attribute of type.multiValued) {
    const value = attributes[attribute.name];
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly EncodedValue[]) : [value as EncodedValue]) {
      database.run('INSERT INTO mv(attr, key, entry) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', attribute.id, valueKey(attribute, one), entry);
    }
  }
}

/** The entry a raw reference value means, or `undefined` while there is none (R10). */
function resolveReference(state: StoreState, attribute: StoredAttribute, raw: string): number | undefined {
  const { database, model } = state;
  const key = model.referenceKey(raw);
  if (model.referenceForm === 'dn') {
    const row = database.get('SELECT id FROM entries WHERE dn_key = ?', key);
    return row === undefined ? undefined : Number(row['id']);
  }
  for (const name of attribute.referenceTypes ?? model.types.keys()) {
    const type = model.types.get(name);
    const row = type === undefined ? undefined : database.get('SELECT id FROM entries WHERE otype = ? AND anchor_key = ?', type.id, key);
    if (row !== undefined) return Number(row['id']);
  }
  return undefined;
}

/** From so many values on one statement for all of them beats one for each. */
const MANY_VALUES = 16;

/** Adds many reference values, those with a target by one statement; returns how many were not there before. */
function addManyReferences(
  state: StoreState,
  entry: number,
  attribute: StoredAttribute,
  { text, size }: { readonly text: string; readonly size: number },
): number {
  const { database } = state;
  const { changes: found } = database.run(
    `INSERT INTO refs(entry, attr, raw, target) SELECT ?, ?, v.value, e.id
     FROM json_each(?) v CROSS JOIN entries e WHERE e.otype IN (${targetTypes(state, attribute)}) AND e.anchor_key = v.value ON CONFLICT DO NOTHING`,
    entry,
    attribute.id,
    text,
  );
  // Mostly that was all of them.
  if (found === size) return found;
  const { changes: waiting } = database.run(
    'INSERT INTO refs(entry, attr, raw, target) SELECT ?, ?, v.value, NULL FROM json_each(?) v WHERE true ON CONFLICT DO NOTHING',
    entry,
    attribute.id,
    text,
  );
  if (waiting === 0) return found;
  state.unresolved += database.run(
    `INSERT INTO unresolved(raw_key, entry, attr, raw) SELECT raw, entry, attr, raw FROM refs WHERE entry = ? AND attr = ? AND target IS NULL ON CONFLICT DO NOTHING`,
    entry,
    attribute.id,
  ).changes;
  return found + waiting;
}

/**
 * Adds the single-valued references of new entries in one statement for each attribute. Entries inserted by the same page
 * are found, whatever their order. Only for models with {@link StoredModel.plainReferences}.
 */
export function addPageReferences(state: StoreState, attribute: StoredAttribute, pairs: readonly (readonly [entry: number, raw: string])[]): void {
  const { database } = state;
  const text = JSON.stringify(pairs);
  const { changes: found } = database.run(
    `INSERT INTO refs(entry, attr, raw, target) SELECT v.value ->> 0, ?, e.anchor_key, e.id
     FROM json_each(?) v CROSS JOIN entries e WHERE e.otype IN (${targetTypes(state, attribute)}) AND e.anchor_key = v.value ->> 1 ON CONFLICT DO NOTHING`,
    attribute.id,
    text,
  );
  // Mostly that was all of them.
  if (found === pairs.length) return;
  database.run(
    'INSERT INTO refs(entry, attr, raw, target) SELECT v.value ->> 0, ?, v.value ->> 1, NULL FROM json_each(?) v WHERE true ON CONFLICT DO NOTHING',
    attribute.id,
    text,
  );
  // Ids are given in ascending order: the new entries are a range.
  state.unresolved += database.run(
    'INSERT INTO unresolved(raw_key, entry, attr, raw) SELECT raw, entry, attr, raw FROM refs WHERE entry BETWEEN ? AND ? AND attr = ? AND target IS NULL ON CONFLICT DO NOTHING',
    pairs[0]?.[0] ?? 0,
    pairs.at(-1)?.[0] ?? 0,
    attribute.id,
  ).changes;
}

/** The numbers of the object types that an attribute may refer to. */
function targetTypes({ model }: StoreState, attribute: StoredAttribute): string {
  return (attribute.referenceTypes ?? [...model.types.keys()]).flatMap((name) => model.types.get(name)?.id ?? []).join(', ');
}

/** How many references have no target (R10). */
export function countUnresolved({ database, unresolved }: StoreState): number {
  return unresolved === 0 ? 0 : Number(database.get('SELECT count(*) AS n FROM unresolved')?.['n'] ?? 0);
}

/** Adds a whole set of a new entry. One that came packed is never read here: values of a million people would stay in the heap for long. */
export function addSet(state: StoreState, entry: number, attribute: StoredAttribute, set: ImportedReferences): void {
  const { packed } = set;
  if (packed !== undefined && packed.size >= MANY_VALUES && state.model.plainReferences) addManyReferences(state, entry, attribute, packed);
  else addReferences(state, entry, attribute, set.values);
}

/** Adds reference values; returns how many were not there before. */
export function addReferences(state: StoreState, entry: number, attribute: StoredAttribute, values: readonly string[]): number {
  const { database, model } = state;
  if (values.length >= MANY_VALUES && model.plainReferences)
    return addManyReferences(state, entry, attribute, { text: JSON.stringify(values), size: values.length });
  let added = 0;
  for (const raw of values) {
    const target = resolveReference(state, attribute, raw);
    const { changes } = database.run(
      'INSERT INTO refs(entry, attr, raw, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      entry,
      attribute.id,
      raw,
      target ?? null,
    );
    added += changes;
    if (changes === 1 && target === undefined) {
      database.run(
        'INSERT INTO unresolved(raw_key, entry, attr, raw) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
        model.referenceKey(raw),
        entry,
        attribute.id,
        raw,
      );
      state.unresolved += 1;
    }
  }
  return added;
}

/** Removes reference values; returns how many were there. */
export function removeReferences(state: StoreState, entry: number, attribute: StoredAttribute, values: readonly string[]): number {
  const { database, model } = state;
  let removed = 0;
  for (const raw of values) {
    removed += database.run('DELETE FROM refs WHERE entry = ? AND attr = ? AND raw = ?', entry, attribute.id, raw).changes;
    if (state.unresolved > 0)
      state.unresolved -= database.run(
        'DELETE FROM unresolved WHERE raw_key = ? AND entry = ? AND attr = ? AND raw = ?',
        model.referenceKey(raw),
        entry,
        attribute.id,
        raw,
      ).changes;
  }
  return removed;
}

/** Makes the values of a reference exactly these, by difference; returns whether anything changed. */
export function replaceReferences(state: StoreState, entry: number, attribute: StoredAttribute, values: readonly string[]): boolean {
  const wanted = new Set(values);
  const known = new Set<string>();
  const gone: string[] = [];
  for (const row of state.database.all('SELECT raw FROM refs WHERE entry = ? AND attr = ?', entry, attribute.id)) {
    const raw = String(row['raw']);
    known.add(raw);
    if (!wanted.has(raw)) gone.push(raw);
  }
  const fresh = values.filter((raw) => !known.has(raw));
  removeReferences(state, entry, attribute, gone);
  addReferences(state, entry, attribute, fresh);
  return gone.length > 0 || fresh.length > 0;
}

/** Points the references that waited for an entry to it (R10): across types, partitions and runs. */
export function resolveWaiting(state: StoreState, type: StoredType, entry: number, anchor: string | undefined, dn: string | undefined): void {
  if (state.unresolved === 0) return;
  const { database, model } = state;
  const key = model.referenceForm === 'dn' ? (dn === undefined ? undefined : model.dnKey(dn)) : anchor === undefined ? undefined : model.anchorKey(anchor);
  if (key === undefined) return;
  for (const row of database.all('SELECT entry, attr, raw FROM unresolved WHERE raw_key = ?', key)) {
    const referrer = Number(row['entry']);
    const attr = Number(row['attr']);
    const attribute = [...model.types.values()].flatMap((one) => one.references).find((one) => one.id === attr);
    if (attribute?.referenceTypes !== undefined && !attribute.referenceTypes.includes(type.name)) continue;
    database.run('UPDATE refs SET target = ? WHERE entry = ? AND attr = ? AND raw = ?', entry, referrer, attr, row['raw'] as string);
    database.run('DELETE FROM unresolved WHERE raw_key = ? AND entry = ? AND attr = ? AND raw = ?', key, referrer, attr, row['raw'] as string);
    database.run('UPDATE entries SET version = version + 1 WHERE id = ?', referrer);
    state.unresolved -= 1;
  }
}

/**
 * An entry got another name by a write: who refers to it by the old one refers to it by the new one. An application that does
 * not keep its references is believed at the next import.
 */
export function renameReferences(state: StoreState, entry: number, raw: string): void {
  const { database, model } = state;
  const names = new Map([...model.types.values()].flatMap((type) => type.references).map((attribute) => [attribute.id, attribute]));
  for (const row of database.all('SELECT entry, attr FROM refs WHERE target = ? AND raw <> ?', entry, raw)) {
    const attribute = names.get(Number(row['attr']));
    const referrer = Number(row['entry']);
    if (attribute === undefined) continue;
    database.run('UPDATE OR REPLACE refs SET raw = ? WHERE entry = ? AND attr = ? AND target = ?', raw, referrer, attribute.id, entry);
    if (attribute.multiValued) database.run('UPDATE entries SET sets = NULL WHERE id = ?', referrer);
    else database.run('UPDATE entries SET body = json_set(body, ?, ?), hash = NULL WHERE id = ?', `$.${JSON.stringify(attribute.name)}`, raw, referrer);
  }
}

/** A new entry as the insert takes it. */
export interface NewEntry {
  readonly id: number;
  readonly type: StoredType;
  readonly anchor: string | undefined;
  readonly dn: string | undefined;
  readonly partition: string;
  readonly body: string;
  /** What the body says. */
  readonly attributes: EncodedAttributes;
  readonly hash: string | null;
  readonly sets: string | null;
  readonly position: number;
  readonly at: number;
  /** Beside those that say what its anchor and its link are. */
  readonly flags?: number;
}

const COLUMNS = 'id, otype, anchor, anchor_key, dn, dn_key, partition, scim_id, hash, sets, flags, position, version, created, modified, body';
const VALUES = '?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?';
const inserts = new WeakMap<StoredType, string>();

function insertSql(type: StoredType): string {
  const known = inserts.get(type);
  if (known !== undefined) return known;
  const sql = `INSERT INTO entries(${COLUMNS}${type.columns.map(({ column }) => `, ${column}`).join('')}) VALUES (${VALUES}${', ?'.repeat(type.columns.length)})
    ON CONFLICT(otype, anchor_key) WHERE anchor_key IS NOT NULL DO NOTHING`;
  inserts.set(type, sql);
  return sql;
}

/**
 * Inserts an entry with its SCIM id (R7): the link's where there is one, else the derived one; a random one while the anchor is unknown.
 *
 * @throws Error when its anchor is there.
 */
export function insertEntry(state: StoreState, entry: NewEntry): void {
  if (!insertUnlessThere(state, entry)) throw new Error(`the connector space has an object of type "${entry.type.name}" with this anchor already`);
}

/** The same; returns `false`, and changes nothing, when the anchor is there. Only where no link tells of the anchor may that be. */
export function insertUnlessThere(state: StoreState, entry: NewEntry): boolean {
  const { database, model } = state;
  const anchorKey = entry.anchor === undefined ? null : model.anchorKey(entry.anchor);
  const { scimId, linked } = chooseScimId(state, entry.type, entry.anchor, anchorKey);
  const flags = (entry.flags ?? 0) | (anchorKey === null ? flag.pending : 0) | (linked || anchorKey === null ? flag.link : 0);
  const { changes } = database.run(
    insertSql(entry.type),
    entry.id,
    entry.type.id,
    entry.anchor ?? null,
    anchorKey,
    entry.dn ?? null,
    entry.dn === undefined ? null : model.dnKey(entry.dn),
    entry.partition,
    scimId,
    entry.hash,
    entry.sets,
    flags,
    entry.position,
    entry.at,
    entry.at,
    entry.body,
    ...columnKeys(entry.type, entry.attributes),
  );
  if (changes === 0) return false;
  if (linked) database.run("UPDATE links SET entry = ?, state = 'linked', modified = ? WHERE scim_id = ?", entry.id, entry.at, scimId);
  else if (anchorKey === null) {
    state.links = true;
    database.run(
      "INSERT INTO links(scim_id, otype, entry, state, created, modified) VALUES (?, ?, ?, 'pending', ?, ?)",
      scimId,
      entry.type.id,
      entry.id,
      entry.at,
      entry.at,
    );
    state.pending += 1;
  }
  // Results may come in another order than intents, which were given the ids: then positions move (page-starts.ts).
  if (entry.id < state.highestEntry) database.run('UPDATE types SET moved = moved + 1 WHERE id = ?', entry.type.id);
  state.highestEntry = Math.max(state.highestEntry, entry.id);
  state.grown.set(entry.type.id, (state.grown.get(entry.type.id) ?? 0) + 1);
  return true;
}

function chooseScimId(
  state: StoreState,
  type: StoredType,
  anchor: string | undefined,
  anchorKey: string | null,
): { readonly scimId: string; readonly linked: boolean } {
  if (anchor === undefined || anchorKey === null) return { scimId: randomUUID(), linked: false };
  if (!state.links) return { scimId: deriveScimId(state.model.connector, type.name, anchorKey, 0), linked: false };
  const link = state.database.get(
    'SELECT scim_id, generation, state FROM links WHERE otype = ? AND anchor_key = ? ORDER BY generation DESC LIMIT 1',
    type.id,
    anchorKey,
  );
  if (link === undefined) return { scimId: deriveScimId(state.model.connector, type.name, anchorKey, 0), linked: false };
  if (link['state'] !== 'deleted') return { scimId: String(link['scim_id']), linked: true };
  // After a SCIM DELETE the same anchor gets a new id (R7); the tombstone keeps the old generation.
  const generation = Number(link['generation']) + 1;
  const scimId = deriveScimId(state.model.connector, type.name, anchorKey, generation);
  state.database.run(
    "INSERT INTO links(scim_id, otype, anchor_key, generation, state, created, modified) VALUES (?, ?, ?, ?, 'linked', ?, ?)",
    scimId,
    type.id,
    anchorKey,
    generation,
    Date.now(),
    Date.now(),
  );
  return { scimId, linked: true };
}

/**
 * Makes sure that a resource has a link row, with the state given. The row is what outlives the entry (R6).
 * `generation` and anchor are those of the entry, so that a derived id stays derivable.
 */
export function keepLink(
  state: StoreState,
  row: {
    readonly id: number;
    readonly otype: number;
    readonly scim_id: string;
    readonly anchor_key: string | null;
    readonly created: number;
  },
  linkState: LinkRow['state'],
  at: number,
): void {
  const { database } = state;
  state.links = true;
  database.run(
    `INSERT INTO links(scim_id, otype, entry, anchor_key, state, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT(scim_id) DO UPDATE SET state = excluded.state, modified = excluded.modified, anchor_key = coalesce(excluded.anchor_key, links.anchor_key), entry = excluded.entry`,
    row.scim_id,
    row.otype,
    row.id,
    row.anchor_key,
    linkState,
    row.created,
    at,
  );
  database.run('UPDATE entries SET flags = flags | ? WHERE id = ?', flag.link, row.id);
}

/**
 * Who referred to an entry that a client deleted refers to nothing any more: what gets its anchor next is somebody else (SEC-18). An
 * application that still has the reference is believed at the next import, which compares these entries anew.
 */
function forgetReferrers({ database, position }: StoreState, id: number, at: number): void {
  database.run(
    'UPDATE entries SET version = version + 1, modified = ?, hash = NULL, sets = NULL, position = ? WHERE id IN (SELECT entry FROM refs WHERE target = ?)',
    at,
    position,
    id,
  );
  database.run('DELETE FROM refs WHERE target = ?', id);
}

/**
 * Removes an entry with everything that belongs to it. Its link stays, as `gone` or `deleted` (R6); who referred to it
 * refers to nothing for now (S-170), and finds it again should it come back.
 */
export function removeEntry(state: StoreState, id: number, linkState: 'gone' | 'deleted', at: number): void {
  const { database, model } = state;
  const row = database.get('SELECT id, otype, scim_id, anchor_key, dn_key, flags, created FROM entries WHERE id = ?', id);
  if (row === undefined) return;
  const otype = Number(row['otype']);
  keepLink(
    state,
    {
      id,
      otype,
      scim_id: String(row['scim_id']),
      anchor_key: row['anchor_key'] === null ? null : String(row['anchor_key']),
      created: Number(row['created']),
    },
    linkState,
    at,
  );
  database.run('UPDATE links SET entry = NULL, deleted_position = ? WHERE scim_id = ?', state.position, row['scim_id'] as string);
  if (linkState === 'deleted') forgetReferrers(state, id, at);
  for (const reference of database.all('SELECT entry, attr, raw FROM refs WHERE target = ?', id)) {
    database.run(
      'UPDATE refs SET target = NULL WHERE entry = ? AND attr = ? AND raw = ?',
      Number(reference['entry']),
      Number(reference['attr']),
      reference['raw'] as string,
    );
    database.run(
      'INSERT INTO unresolved(raw_key, entry, attr, raw) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      model.referenceKey(String(reference['raw'])),
      Number(reference['entry']),
      Number(reference['attr']),
      reference['raw'] as string,
    );
    database.run('UPDATE entries SET version = version + 1, modified = ? WHERE id = ?', at, Number(reference['entry']));
    state.unresolved += 1;
  }
  if (state.unresolved > 0) state.unresolved -= database.run('DELETE FROM unresolved WHERE entry = ?', id).changes;
  database.run('DELETE FROM refs WHERE entry = ?', id);
  database.run('DELETE FROM mv WHERE entry = ?', id);
  database.run('DELETE FROM unconfirmed WHERE entry = ?', id);
  database.run('DELETE FROM entries WHERE id = ?', id);
  database.run('UPDATE types SET entries = entries - 1, moved = moved + 1 WHERE id = ?', otype);
  state.removed += 1;
  if ((Number(row['flags']) & flag.pending) !== 0) state.pending -= 1;
}
