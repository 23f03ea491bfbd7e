import { randomUUID } from 'node:crypto';
import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { AuditRecord, LinkRow } from '../connector-store.ts';
import type { Announcement } from '../rules/announcements.ts';
import type { AwaitedAttributes } from '../rules/confirmation.ts';
import { flag } from '../rules/entry-flags.ts';
import { deriveScimId } from '../rules/scim-id.ts';
import type { StoredAttribute, StoredType } from '../rules/stored-model.ts';
import type { Row, Session } from './connection.ts';
import { PRESENT_REFERENCES, referencesBy } from './records.ts';
import type { Writer } from './writer.ts';

/** A row of `entries`, as a transaction changes it. */
export interface EntryRecord {
  readonly id: number;
  readonly otype: number;
  readonly scimId: string;
  readonly created: number;
  anchor: string | null;
  anchorKey: string | null;
  dn: string | null;
  dnKey: string | null;
  partition: string;
  hash: string | null;
  sets: string | null;
  flags: number;
  position: number;
  modified: number;
  body: string;
  /** How often the transaction changed the representation: what it adds to the version. */
  changes: number;
  readonly version: number;
  readonly isNew: boolean;
}

/** A row of `links`. */
export interface LinkRecord {
  readonly scimId: string;
  readonly otype: number;
  readonly generation: number;
  readonly created: number;
  entry: number | null;
  anchorKey: string | null;
  state: LinkRow['state'];
  shadow: string;
  modified: number;
  deletedPosition: number;
}

export interface JournalChange {
  readonly id: number;
  readonly state: string;
  readonly error: string | null;
  readonly resultAt: number | null;
  /** The result is final: password and steps are erased (R21). */
  readonly ended: boolean;
  /** Its steps are kept: mode shadow (R31). */
  readonly recorded: boolean;
}

type ReferenceChange = 'added' | 'removed';

/**
 * What one transaction reads and changes of a connector's space: loaded by few statements for many rows, changed in memory
 * by the rules, written by few statements at the end (`flush`). Nothing else writes meanwhile, so what was loaded stays true.
 */
export interface EntrySpace {
  /** Loads entries with what rules need beside them: awaited attributes, single-valued references. */
  load(ids: readonly number[]): Promise<void>;
  loadAnchors(pairs: readonly { readonly otype: number; readonly key: string }[]): Promise<void>;
  loadLinks(scimIds: readonly string[]): Promise<void>;
  loadLinksByAnchor(pairs: readonly { readonly otype: number; readonly key: string }[]): Promise<void>;
  entry(id: number): Promise<EntryRecord | undefined>;
  byAnchor(otype: number, key: string): Promise<EntryRecord | undefined>;
  /** What the transaction itself knows of an anchor; `undefined` when it has not met it, `null` when it is nobody's. */
  metAnchor(otype: number, key: string): EntryRecord | null | undefined;
  byDn(otype: number, dnKey: string): Promise<EntryRecord | undefined>;
  setAnchor(record: EntryRecord, anchor: string | null, key: string | null): void;
  setDn(record: EntryRecord, dn: string | null): void;
  /** Marks a record as changed; `representation` also raises its version. */
  touch(record: EntryRecord, representation: boolean): void;
  /** Gives a record another body, with its index rows. */
  setBody(record: EntryRecord, body: string): void;
  insert(entry: NewRecord): Promise<EntryRecord>;
  /** Removes an entry; its link stays (R6), and who referred to it waits for it to come back (S-170). */
  remove(record: EntryRecord, linkState: 'gone' | 'deleted', at: number): Promise<void>;
  link(scimId: string): Promise<LinkRecord | undefined>;
  linkByAnchor(otype: number, key: string): Promise<LinkRecord | undefined>;
  /** Makes sure that a resource has a link row, with the state given. */
  keepLink(record: EntryRecord, state: LinkRow['state'], at: number): Promise<LinkRecord>;
  touchLink(link: LinkRecord): void;
  awaited(id: number): Promise<AwaitedAttributes>;
  setAwaited(record: EntryRecord, awaited: AwaitedAttributes): void;
  /** All raw values of a reference. */
  references(entry: number, attribute: StoredAttribute): Promise<ReadonlySet<string>>;
  addReferences(entry: number, attribute: StoredAttribute, values: readonly string[]): void;
  removeReferences(entry: number, attribute: StoredAttribute, values: readonly string[]): void;
  /** Makes the values of a reference exactly these; returns whether that changed anything. */
  replaceReferences(entry: number, attribute: StoredAttribute, values: readonly string[]): Promise<boolean>;
  /**
   * An entry got another name by a write: who refers to it by the old one refers to it by the new one. An application that does
   * not keep its references is believed at the next import.
   */
  renameReferences(record: EntryRecord, raw: string): Promise<void>;
  /** How many of these additions and removals change something. */
  countReferenceChanges(entry: number, attribute: StoredAttribute, added: readonly string[], removed: readonly string[]): Promise<number>;
  readonly pendingWork: PendingWork;
}

export interface NewRecord {
  readonly id: number;
  readonly type: StoredType;
  readonly anchor: string | undefined;
  readonly dn: string | undefined;
  readonly partition: string;
  readonly body: string;
  readonly hash: string | null;
  readonly sets: string | null;
  readonly position: number;
  readonly at: number;
}

/** What is to be written at the end of the transaction. */
export interface PendingWork {
  readonly inserted: Set<EntryRecord>;
  readonly changed: Set<EntryRecord>;
  /** Entries whose body is another: their index rows are written anew. */
  readonly bodies: Set<EntryRecord>;
  readonly removed: Map<EntryRecord, number>;
  /** Those of the removed entries that a client deleted: nothing refers to them any more, whoever has their anchor next (SEC-18). */
  readonly deleted: Set<number>;
  /** Entries that references may have waited for: new ones, and those with another anchor or name. */
  readonly appeared: Set<number>;
  readonly links: Set<LinkRecord>;
  readonly awaited: Map<number, AwaitedAttributes>;
  readonly references: Map<string, { readonly entry: number; readonly attribute: StoredAttribute; readonly changes: Map<string, ReferenceChange> }>;
  readonly journal: JournalChange[];
  readonly audit: AuditRecord[];
  readonly announcements: Announcement[];
  readonly externalIds: { readonly scimId: string; readonly client: string; readonly value: string | null }[];
  readonly aliases: { readonly scimId: string; readonly alias: string }[];
}

const COLUMNS = 'id, otype, scim_id, anchor, anchor_key, dn, dn_key, partition, hash, sets, flags, position, version, created, modified, body';
const SINGLE_REFERENCES = `SELECT r.entry, r.attr, r.raw FROM unnest($1::bigint[]) i(entry) CROSS JOIN ${referencesBy('i.entry', '$2')}`;
const LINK_COLUMNS = 'scim_id, otype, entry, anchor_key, generation, state, shadow, created, modified, deleted_position';
const LINK_OF_ANCHOR = `SELECT DISTINCT ON (l.otype, l.anchor_key) ${LINK_COLUMNS.split(', ')
  .map((column) => `l.${column}`)
  .join(', ')} FROM json_to_recordset($1) AS x(otype integer, key text) JOIN links l ON l.otype = x.otype AND l.anchor_key = x.key
  ORDER BY l.otype, l.anchor_key, l.generation DESC`;

/** An empty space over a transaction. */
export function createEntrySpace(writer: Writer, session: Session): EntrySpace {
  const entries = new Map<number, EntryRecord | null>();
  const anchors = new Map<string, EntryRecord | null>();
  const links = new Map<string, LinkRecord | null>();
  const linkAnchors = new Map<string, LinkRecord | null>();
  const awaitedOf = new Map<number, AwaitedAttributes>();
  const known = new Map<string, Set<string>>();
  const single = [...writer.model.types.values()].flatMap((type) => type.references.filter((one) => !one.multiValued).map((one) => one.id));
  const work: PendingWork = {
    inserted: new Set(),
    changed: new Set(),
    bodies: new Set(),
    removed: new Map(),
    deleted: new Set(),
    appeared: new Set(),
    links: new Set(),
    awaited: new Map(),
    references: new Map(),
    journal: [],
    audit: [],
    announcements: [],
    externalIds: [],
    aliases: [],
  };
  const nameOf = (otype: number, key: string): string => `${otype}/${key}`;
  const setOf = (entry: number, attribute: number): string => `${entry}/${attribute}`;

  function remember(row: Row): EntryRecord {
    const id = Number(row['id']);
    const met = entries.get(id);
    if (met !== undefined && met !== null) return met;
    const record = toRecord(row);
    entries.set(id, record);
    if (record.anchorKey !== null) {
      const name = nameOf(record.otype, record.anchorKey);
      if (!anchors.has(name)) anchors.set(name, record);
    }
    return record;
  }

  async function load(ids: readonly number[]): Promise<void> {
    const wanted = [...new Set(ids)].filter((id) => !entries.has(id));
    if (wanted.length === 0) return;
    const [rows, beside] = await Promise.all([session.all(`SELECT ${COLUMNS} FROM entries WHERE id = ANY($1::bigint[])`, wanted), readBeside(wanted)]);
    keepBeside(rows.map(remember), beside);
    for (const id of wanted) if (!entries.has(id)) entries.set(id, null);
  }

  /** What rules need beside entries: attributes that imports must show, values of single-valued references. */
  async function readBeside(ids: readonly number[]): Promise<readonly (readonly Row[])[]> {
    return Promise.all([
      session.all('SELECT entry, attributes FROM unconfirmed WHERE entry = ANY($1::bigint[])', ids),
      single.length === 0 ? [] : session.all(SINGLE_REFERENCES, ids, single),
    ]);
  }

  function keepBeside(records: readonly EntryRecord[], [awaited = [], references = []]: readonly (readonly Row[])[]): void {
    for (const { id } of records) {
      awaitedOf.set(id, {});
      for (const attr of single) known.set(setOf(id, attr), new Set());
    }
    for (const row of awaited)
      if (awaitedOf.has(Number(row['entry']))) awaitedOf.set(Number(row['entry']), JSON.parse(String(row['attributes'])) as AwaitedAttributes);
    for (const row of references) known.get(setOf(Number(row['entry']), Number(row['attr'])))?.add(String(row['raw']));
  }

  async function loadAnchors(pairs: readonly { readonly otype: number; readonly key: string }[]): Promise<void> {
    const wanted = pairs.filter(({ otype, key }) => !anchors.has(nameOf(otype, key)));
    if (wanted.length === 0) return;
    const rows = await session.all(
      `SELECT ${COLUMNS.split(', ')
        .map((column) => `e.${column}`)
        .join(', ')} FROM json_to_recordset($1) AS x(otype integer, key text) JOIN entries e ON e.otype = x.otype AND e.anchor_key = x.key`,
      JSON.stringify(wanted),
    );
    const fresh = rows.filter((row) => !entries.has(Number(row['id'])));
    for (const row of rows) remember(row);
    for (const { otype, key } of wanted) if (!anchors.has(nameOf(otype, key))) anchors.set(nameOf(otype, key), null);
    if (fresh.length === 0) return;
    const ids = fresh.map((row) => Number(row['id']));
    keepBeside(
      ids.flatMap((id) => entries.get(id) ?? []),
      await readBeside(ids),
    );
  }

  function rememberLink(row: Row): LinkRecord {
    const link = links.get(String(row['scim_id'])) ?? toLink(row);
    links.set(link.scimId, link);
    return link;
  }

  async function loadLinks(scimIds: readonly string[]): Promise<void> {
    const wanted = writer.links ? [...new Set(scimIds)].filter((id) => !links.has(id)) : [];
    if (wanted.length === 0) return;
    for (const row of await session.all(`SELECT ${LINK_COLUMNS} FROM links WHERE scim_id = ANY($1::text[])`, wanted)) rememberLink(row);
    for (const id of wanted) if (!links.has(id)) links.set(id, null);
  }

  async function loadLinksByAnchor(pairs: readonly { readonly otype: number; readonly key: string }[]): Promise<void> {
    const wanted = writer.links ? pairs.filter(({ otype, key }) => !linkAnchors.has(nameOf(otype, key))) : [];
    if (wanted.length === 0) return;
    for (const row of await session.all(LINK_OF_ANCHOR, JSON.stringify(wanted)))
      linkAnchors.set(nameOf(Number(row['otype']), String(row['anchor_key'])), rememberLink(row));
    for (const { otype, key } of wanted) if (!linkAnchors.has(nameOf(otype, key))) linkAnchors.set(nameOf(otype, key), null);
  }

  async function entry(id: number): Promise<EntryRecord | undefined> {
    if (!entries.has(id)) await load([id]);
    return entries.get(id) ?? undefined;
  }

  async function byAnchor(otype: number, key: string): Promise<EntryRecord | undefined> {
    if (!anchors.has(nameOf(otype, key))) await loadAnchors([{ otype, key }]);
    return anchors.get(nameOf(otype, key)) ?? undefined;
  }

  async function link(scimId: string): Promise<LinkRecord | undefined> {
    if (!links.has(scimId)) await loadLinks([scimId]);
    return links.get(scimId) ?? undefined;
  }

  async function linkByAnchor(otype: number, key: string): Promise<LinkRecord | undefined> {
    if (!linkAnchors.has(nameOf(otype, key))) await loadLinksByAnchor([{ otype, key }]);
    return linkAnchors.get(nameOf(otype, key)) ?? undefined;
  }

  function touch(record: EntryRecord, representation: boolean): void {
    if (representation) record.changes += 1;
    if (!record.isNew) work.changed.add(record);
  }

  function setBody(record: EntryRecord, body: string): void {
    record.body = body;
    work.bodies.add(record);
    touch(record, true);
  }

  function setAnchor(record: EntryRecord, anchor: string | null, key: string | null): void {
    if (record.anchorKey !== null && anchors.get(nameOf(record.otype, record.anchorKey)) === record) anchors.set(nameOf(record.otype, record.anchorKey), null);
    record.anchor = anchor;
    record.anchorKey = key;
    if (key !== null) anchors.set(nameOf(record.otype, key), record);
    work.appeared.add(record.id);
    touch(record, false);
  }

  function setDn(record: EntryRecord, dn: string | null): void {
    record.dn = dn;
    record.dnKey = dn === null ? null : writer.model.dnKey(dn);
    work.appeared.add(record.id);
    touch(record, false);
  }

  function saveLink(one: LinkRecord): void {
    links.set(one.scimId, one);
    if (one.anchorKey !== null) {
      const other = linkAnchors.get(nameOf(one.otype, one.anchorKey));
      if (other === undefined || other === null || other.generation <= one.generation) linkAnchors.set(nameOf(one.otype, one.anchorKey), one);
    }
    work.links.add(one);
    writer.links = true;
  }

  async function keepLink(record: EntryRecord, state: LinkRow['state'], at: number): Promise<LinkRecord> {
    const met = await link(record.scimId);
    const kept: LinkRecord = met ?? {
      scimId: record.scimId,
      otype: record.otype,
      generation: 0,
      created: record.created,
      entry: null,
      anchorKey: null,
      state,
      shadow: '{}',
      modified: at,
      deletedPosition: 0,
    };
    Object.assign(kept, { state, modified: at, entry: record.id, anchorKey: record.anchorKey ?? kept.anchorKey });
    saveLink(kept);
    record.flags |= flag.link;
    touch(record, false);
    return kept;
  }

  async function chooseScimId(type: StoredType, anchorKey: string | null, at: number): Promise<{ readonly scimId: string; readonly link?: LinkRecord }> {
    if (anchorKey === null) return { scimId: randomUUID() };
    const met = writer.links ? await linkByAnchor(type.id, anchorKey) : undefined;
    if (met === undefined) return { scimId: deriveScimId(writer.model.connector, type.name, anchorKey, 0) };
    if (met.state !== 'deleted') return { scimId: met.scimId, link: met };
    // After a SCIM DELETE the same anchor gets a new id (R7); the tombstone keeps the old generation.
    const generation = met.generation + 1;
    const scimId = deriveScimId(writer.model.connector, type.name, anchorKey, generation);
    return {
      scimId,
      link: { scimId, otype: type.id, generation, created: at, entry: null, anchorKey, state: 'linked', shadow: '{}', modified: at, deletedPosition: 0 },
    };
  }

  async function insert(fresh: NewRecord): Promise<EntryRecord> {
    const { model } = writer;
    const anchorKey = fresh.anchor === undefined ? null : model.anchorKey(fresh.anchor);
    const { scimId, link: linked } = await chooseScimId(fresh.type, anchorKey, fresh.at);
    const record: EntryRecord = {
      id: fresh.id,
      otype: fresh.type.id,
      scimId,
      anchor: fresh.anchor ?? null,
      anchorKey,
      dn: fresh.dn ?? null,
      dnKey: fresh.dn === undefined ? null : model.dnKey(fresh.dn),
      partition: fresh.partition,
      hash: fresh.hash,
      sets: fresh.sets,
      flags: (anchorKey === null ? flag.pending : 0) | (linked !== undefined || anchorKey === null ? flag.link : 0),
      position: fresh.position,
      created: fresh.at,
      modified: fresh.at,
      body: fresh.body,
      changes: 0,
      version: 1,
      isNew: true,
    };
    entries.set(record.id, record);
    if (anchorKey !== null) anchors.set(nameOf(record.otype, anchorKey), record);
    awaitedOf.set(record.id, {});
    work.inserted.add(record);
    work.bodies.add(record);
    work.appeared.add(record.id);
    if (linked !== undefined) {
      Object.assign(linked, { entry: record.id, state: 'linked', modified: fresh.at });
      saveLink(linked);
    } else if (anchorKey === null) {
      await keepLink(record, 'pending', fresh.at);
      writer.pending += 1;
    }
    return record;
  }

  async function remove(record: EntryRecord, linkState: 'gone' | 'deleted', at: number): Promise<void> {
    const kept = await keepLink(record, linkState, at);
    kept.entry = null;
    kept.deletedPosition = writer.position;
    if (record.anchorKey !== null) anchors.set(nameOf(record.otype, record.anchorKey), null);
    entries.set(record.id, null);
    work.inserted.delete(record);
    work.changed.delete(record);
    work.bodies.delete(record);
    work.appeared.delete(record.id);
    work.awaited.delete(record.id);
    for (const [name, change] of work.references) if (change.entry === record.id) work.references.delete(name);
    work.removed.set(record, at);
    if (linkState === 'deleted') work.deleted.add(record.id);
    writer.removed += 1;
    if ((record.flags & flag.pending) !== 0) writer.pending -= 1;
  }

  function changesOf(entryId: number, attribute: StoredAttribute): Map<string, ReferenceChange> {
    const name = setOf(entryId, attribute.id);
    const met = work.references.get(name) ?? { entry: entryId, attribute, changes: new Map<string, ReferenceChange>() };
    work.references.set(name, met);
    return met.changes;
  }

  function change(entryId: number, attribute: StoredAttribute, values: readonly string[], what: ReferenceChange): void {
    if (values.length === 0) return;
    const changes = changesOf(entryId, attribute);
    const whole = known.get(setOf(entryId, attribute.id));
    for (const raw of values) {
      changes.set(raw, what);
      if (what === 'added') whole?.add(raw);
      else whole?.delete(raw);
    }
  }

  async function references(entryId: number, attribute: StoredAttribute): Promise<Set<string>> {
    const name = setOf(entryId, attribute.id);
    const met = known.get(name);
    if (met !== undefined) return met;
    const isNew = entries.get(entryId)?.isNew === true;
    const rows = isNew ? [] : await session.all('SELECT raw FROM refs WHERE entry = $1 AND attr = $2', entryId, attribute.id);
    const values = new Set(rows.map((row) => String(row['raw'])));
    for (const [raw, what] of work.references.get(name)?.changes ?? []) {
      if (what === 'added') values.add(raw);
      else values.delete(raw);
    }
    known.set(name, values);
    return values;
  }

  return {
    load,
    loadAnchors,
    loadLinks,
    loadLinksByAnchor,
    entry,
    byAnchor,
    metAnchor: (otype, key) => anchors.get(nameOf(otype, key)),
    async byDn(otype, dnKey) {
      for (const record of work.appeared) {
        const met = entries.get(record);
        if (met?.dnKey === dnKey && met.otype === otype) return met;
      }
      const row = await session.get('SELECT id FROM entries WHERE dn_key = $1 AND otype = $2', dnKey, otype);
      const found = row === undefined ? undefined : await entry(Number(row['id']));
      return found?.dnKey === dnKey ? found : undefined;
    },
    setAnchor,
    setDn,
    touch,
    setBody,
    insert,
    remove,
    link,
    linkByAnchor,
    keepLink,
    touchLink: saveLink,
    async awaited(id) {
      await entry(id);
      return awaitedOf.get(id) ?? {};
    },
    setAwaited(record, awaited) {
      awaitedOf.set(record.id, awaited);
      work.awaited.set(record.id, awaited);
      if (Object.keys(awaited).length > 0) record.flags |= flag.unconfirmed;
      else record.flags &= ~flag.unconfirmed;
      touch(record, false);
    },
    references,
    addReferences: (entryId, attribute, values) => change(entryId, attribute, values, 'added'),
    removeReferences: (entryId, attribute, values) => change(entryId, attribute, values, 'removed'),
    async replaceReferences(entryId, attribute, values) {
      const current = await references(entryId, attribute);
      const wanted = new Set(values);
      const gone = [...current].filter((raw) => !wanted.has(raw));
      const fresh = [...wanted].filter((raw) => !current.has(raw));
      change(entryId, attribute, gone, 'removed');
      change(entryId, attribute, fresh, 'added');
      return gone.length > 0 || fresh.length > 0;
    },
    async renameReferences(record, raw) {
      const attributes = new Map([...writer.model.types.values()].flatMap((type) => type.references).map((attribute) => [attribute.id, attribute]));
      const rows = await session.all('SELECT entry, attr, raw FROM refs WHERE target = $1 AND raw <> $2', record.id, raw);
      await load(rows.map((row) => Number(row['entry'])));
      for (const row of rows) {
        const attribute = attributes.get(Number(row['attr']));
        const referrer = await entry(Number(row['entry']));
        if (attribute === undefined || referrer === undefined) continue;
        change(referrer.id, attribute, [String(row['raw'])], 'removed');
        change(referrer.id, attribute, [raw], 'added');
        if (attribute.multiValued) {
          referrer.sets = null;
          touch(referrer, false);
        } else {
          referrer.hash = null;
          setBody(referrer, JSON.stringify({ ...attributesOf(referrer), [attribute.name]: raw }));
        }
      }
    },
    async countReferenceChanges(entryId, attribute, added, removed) {
      const asked = [...new Set([...added, ...removed])];
      const rows = await session.all(PRESENT_REFERENCES, entryId, attribute.id, asked);
      const present = new Set(rows.map((row) => String(row['raw'])));
      for (const [raw, what] of work.references.get(setOf(entryId, attribute.id))?.changes ?? []) {
        if (what === 'added') present.add(raw);
        else present.delete(raw);
      }
      const lost = removed.filter((raw) => present.delete(raw)).length;
      return lost + [...new Set(added)].filter((raw) => !present.has(raw)).length;
    },
    pendingWork: work,
  };
}

function toRecord(row: Row): EntryRecord {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  return {
    id: Number(row['id']),
    otype: Number(row['otype']),
    scimId: String(row['scim_id']),
    anchor: text('anchor'),
    anchorKey: text('anchor_key'),
    dn: text('dn'),
    dnKey: text('dn_key'),
    partition: String(row['partition']),
    hash: text('hash'),
    sets: text('sets'),
    flags: Number(row['flags']),
    position: Number(row['position']),
    version: Number(row['version']),
    created: Number(row['created']),
    modified: Number(row['modified']),
    body: String(row['body']),
    changes: 0,
    isNew: false,
  };
}

function toLink(row: Row): LinkRecord {
  return {
    scimId: String(row['scim_id']),
    otype: Number(row['otype']),
    generation: Number(row['generation']),
    created: Number(row['created']),
    entry: row['entry'] === null ? null : Number(row['entry']),
    anchorKey: row['anchor_key'] === null ? null : String(row['anchor_key']),
    state: String(row['state']) as LinkRow['state'],
    shadow: String(row['shadow']),
    modified: Number(row['modified']),
    deletedPosition: Number(row['deleted_position']),
  };
}

/** The attributes of a record. */
export function attributesOf(record: Pick<EntryRecord, 'body'>): EncodedAttributes {
  return JSON.parse(record.body) as EncodedAttributes;
}
