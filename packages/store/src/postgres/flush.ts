import type { StoredAttribute } from '../rules/stored-model.ts';
import { addAudit, beginAudit } from './audit.ts';
import type { Session } from './connection.ts';
import { attributesOf, type EntryRecord, type PendingWork } from './entry-space.ts';
import { writeAnnouncements } from './outbox.ts';
import { indexKeys, multiValueKeys, toKept, toRecords } from './records.ts';
import type { Writer } from './writer.ts';

/** From so many rows on COPY beats a set given as one value. */
const COPY_ROWS = 100;

const ENTRY_TYPES: Readonly<Record<string, string>> = {
  id: 'bigint',
  otype: 'integer',
  flags: 'integer',
  position: 'bigint',
  version: 'bigint',
  created: 'bigint',
  modified: 'bigint',
  scim_id: 'text',
  anchor: 'text',
  anchor_key: 'text',
  dn: 'text',
  dn_key: 'text',
  partition: 'text',
  hash: 'text',
  sets: 'text',
  keys: 'text',
  body: 'text',
};
const ENTRY_COLUMNS = Object.keys(ENTRY_TYPES);
const recordset = (types: Readonly<Record<string, string>>): string =>
  `json_to_recordset($1) AS x(${Object.entries(types)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')})`;
const select = (columns: readonly string[]): string => columns.map((name) => (name === 'keys' ? 'x.keys::jsonb' : `x.${name}`)).join(', ');
const INSERT_ENTRIES = `INSERT INTO entries(${ENTRY_COLUMNS.join(', ')}) SELECT ${select(ENTRY_COLUMNS)} FROM ${recordset(ENTRY_TYPES)}`;
const HEAD_COLUMNS = ['flags', 'position', 'modified', 'anchor', 'anchor_key', 'dn', 'dn_key', 'partition', 'hash', 'sets'];
const UPDATE_TYPES = Object.fromEntries(['id', ...HEAD_COLUMNS, 'version'].map((name) => [name, ENTRY_TYPES[name] ?? '']));
const update = (more: string, types: Readonly<Record<string, string>>): string =>
  `UPDATE entries e SET ${HEAD_COLUMNS.map((name) => `${name} = x.${name}`).join(', ')}, version = e.version + x.version${more} FROM ${recordset(types)} WHERE e.id = x.id`;
/** Two forms: a body that stays is not sent, and an index whose expression does not change is not written. */
const UPDATE_HEADS = update('', UPDATE_TYPES);
const UPDATE_ENTRIES = update(', keys = x.keys::jsonb, body = x.body', { ...UPDATE_TYPES, keys: 'text', body: 'text' });

const UPSERT_AWAITED = `INSERT INTO unconfirmed(entry, attributes) SELECT x.entry, x.attributes FROM json_to_recordset($1) AS x(entry bigint, attributes text)
  ON CONFLICT(entry) DO UPDATE SET attributes = excluded.attributes`;

const LINK_TYPES = {
  scim_id: 'text',
  otype: 'integer',
  entry: 'bigint',
  anchor_key: 'text',
  generation: 'integer',
  state: 'text',
  shadow: 'text',
  created: 'bigint',
  modified: 'bigint',
  deleted_position: 'bigint',
};
const UPSERT_LINKS = `INSERT INTO links(${Object.keys(LINK_TYPES).join(', ')}, aliases) SELECT ${select(Object.keys(LINK_TYPES))}, '[]' FROM ${recordset(LINK_TYPES)}
  ON CONFLICT(scim_id) DO UPDATE SET entry = excluded.entry, anchor_key = excluded.anchor_key, state = excluded.state, shadow = excluded.shadow, modified = excluded.modified, deleted_position = excluded.deleted_position`;

/** Statements on their way: asked for in the order in which they need each other, and waited for together. */
interface Sending {
  add(...statements: readonly Promise<unknown>[]): void;
  /** Rejects with the first failure, as the server met it. */
  all(): Promise<void>;
}

function startSending(): Sending {
  const sent: Promise<unknown>[] = [];
  return {
    add(...statements) {
      // Whoever waits for all of them is told.
      for (const statement of statements) statement.catch(() => {});
      sent.push(...statements);
    },
    async all() {
      await Promise.all(sent);
    },
  };
}

/**
 * Writes what a transaction changed: a few statements, whatever the number of rows, in the order in which they need each other, and
 * in one round trip unless there are so many rows that they are copied. `after` reads what the transaction made of it.
 */
export async function flush<Result = void>(writer: Writer, session: Session, work: PendingWork, after?: () => Promise<Result>): Promise<Result> {
  if (work.audit.length > 0) await beginAudit(writer, session);
  const sending = startSending();
  const compared = await removeEntries(session, sending, work);
  if (work.links.size > 0) sending.add(session.all(UPSERT_LINKS, toRecords([...work.links].map(linkRow))));
  updateEntries(writer, session, sending, work);
  insertEntries(writer, session, sending, work);
  // An application that still refers to what was deleted is believed at the next import.
  if (compared.length > 0)
    sending.add(
      session.all(
        'UPDATE entries SET version = version + 1, modified = greatest(modified, $3), hash = NULL, sets = NULL, position = $2 WHERE id = ANY($1::bigint[])',
        compared,
        writer.position,
        Math.max(...work.removed.values()),
      ),
    );
  writeMultiValues(writer, session, sending, work);
  writeReferences(writer, session, sending, work);
  resolveWaiting(writer, session, sending, work);
  writeAwaited(session, sending, work);
  writeBeside(writer, session, sending, work);
  sending.add(writeAnnouncements(session, work.announcements));
  for (const [otype, { grown, moved }] of countTypes(writer, work))
    sending.add(session.all('UPDATE types SET entries = entries + $1, moved = moved + $2 WHERE id = $3', grown, moved, otype));
  const read = after?.();
  read?.catch(() => {});
  await sending.all();
  return (await read) as Result;
}

/** How many entries of each type there are more, and whether positions of others moved: by a removal, or a row whose id is not the highest. */
function countTypes(writer: Writer, work: PendingWork): ReadonlyMap<number, { grown: number; moved: number }> {
  const counts = new Map<number, { grown: number; moved: number }>();
  const of = (otype: number) => {
    const met = counts.get(otype) ?? { grown: 0, moved: 0 };
    counts.set(otype, met);
    return met;
  };
  for (const record of work.removed.keys()) {
    if (record.isNew) continue;
    of(record.otype).grown -= 1;
    of(record.otype).moved = 1;
  }
  for (const record of work.inserted) {
    of(record.otype).grown += 1;
    if (record.id < writer.highestEntry) of(record.otype).moved = 1;
  }
  for (const record of work.inserted) writer.highestEntry = Math.max(writer.highestEntry, record.id);
  return counts;
}

/** Returns the entries that lost references for good, and whose next import must compare them anew. */
async function removeEntries(session: Session, sending: Sending, work: PendingWork): Promise<readonly number[]> {
  if (work.removed.size === 0) return [];
  const ids = [...work.removed.keys()].map((record) => record.id);
  const at = Math.max(...work.removed.values());
  for (const table of ['refs', 'mv', 'unconfirmed']) sending.add(session.all(`DELETE FROM ${table} WHERE entry = ANY($1::bigint[])`, ids));
  sending.add(session.all('DELETE FROM entries WHERE id = ANY($1::bigint[])', ids));
  const forgotten = work.deleted.size === 0 ? [] : await session.all('DELETE FROM refs WHERE target = ANY($1::bigint[]) RETURNING entry', [...work.deleted]);
  // Who referred to the others refers to nothing for now (S-170).
  sending.add(
    session.all(
      `WITH lost AS (UPDATE refs SET target = NULL WHERE target = ANY($1::bigint[]) RETURNING entry)
       UPDATE entries SET version = version + 1, modified = $2 WHERE id IN (SELECT entry FROM lost)`,
      ids,
      at,
    ),
  );
  return [...new Set(forgotten.map((row) => Number(row['entry'])))];
}

function linkRow(link: PendingWork['links'] extends Set<infer Link> ? Link : never): Readonly<Record<string, string | number | null>> {
  return {
    scim_id: link.scimId,
    otype: link.otype,
    entry: link.entry,
    anchor_key: link.anchorKey,
    generation: link.generation,
    state: link.state,
    shadow: link.shadow,
    created: link.created,
    modified: link.modified,
    deleted_position: link.deletedPosition,
  };
}

function headRow(record: EntryRecord): Readonly<Record<string, string | number | null>> {
  return {
    id: record.id,
    flags: record.flags,
    position: record.position,
    modified: record.modified,
    anchor: record.anchor,
    anchor_key: record.anchorKey,
    dn: record.dn,
    dn_key: record.dnKey,
    partition: record.partition,
    hash: record.hash,
    sets: record.sets,
    version: record.changes,
  };
}

function keysOf(writer: Writer, record: EntryRecord): string {
  const type = writer.model.typesById.get(record.otype);
  return type === undefined ? '{}' : indexKeys(type, attributesOf(record));
}

function updateEntries(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  const heads = [...work.changed].filter((record) => !work.bodies.has(record));
  const whole = [...work.changed].filter((record) => work.bodies.has(record));
  if (heads.length > 0) sending.add(session.all(UPDATE_HEADS, toRecords(heads.map(headRow))));
  if (whole.length > 0)
    sending.add(session.all(UPDATE_ENTRIES, toRecords(whole.map((record) => ({ ...headRow(record), keys: keysOf(writer, record), body: record.body })))));
}

function insertEntries(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  if (work.inserted.size === 0) return;
  const rows = [...work.inserted].map((record) => ({
    ...headRow(record),
    otype: record.otype,
    version: record.version + record.changes,
    created: record.created,
    scim_id: record.scimId,
    keys: keysOf(writer, record),
    body: record.body,
  })) as readonly Readonly<Record<string, string | number | null>>[];
  if (rows.length < COPY_ROWS) sending.add(session.all(INSERT_ENTRIES, toRecords(rows)));
  else
    sending.add(
      session.copy(
        `entries(${ENTRY_COLUMNS.join(', ')})`,
        rows.map((row) => ENTRY_COLUMNS.map((name) => row[name] ?? null)),
      ),
    );
}

function writeMultiValues(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  const records = [...work.bodies].filter((record) => (writer.model.typesById.get(record.otype)?.multiValued.length ?? 0) > 0);
  if (records.length === 0) return;
  const before = records.filter((record) => !record.isNew).map((record) => record.id);
  if (before.length > 0) sending.add(session.all('DELETE FROM mv WHERE entry = ANY($1::bigint[])', before));
  const rows = records.flatMap((record) => {
    const type = writer.model.typesById.get(record.otype);
    return type === undefined ? [] : multiValueKeys(type, attributesOf(record)).map((one) => ({ ...one, entry: record.id }));
  });
  if (rows.length >= COPY_ROWS)
    sending.add(
      session.copy(
        'mv(attr, key, entry)',
        rows.map((row) => [row.attr, row.key, row.entry]),
      ),
    );
  else if (rows.length > 0)
    sending.add(
      session.all(
        'INSERT INTO mv(attr, key, entry) SELECT x.attr, x.key, x.entry FROM json_to_recordset($1) AS x(attr integer, key text, entry bigint)',
        toRecords(rows),
      ),
    );
}

function writeReferences(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  const gone: { entry: number; attr: number; raw: string }[] = [];
  const isNew = new Set([...work.inserted].map((record) => record.id));
  const fresh = new Map<StoredAttribute, { readonly ofNew: AddedReferences; readonly ofKnown: AddedReferences }>();
  for (const { entry, attribute, changes } of work.references.values()) {
    const lists = fresh.get(attribute) ?? { ofNew: { entries: [], values: [] }, ofKnown: { entries: [], values: [] } };
    fresh.set(attribute, lists);
    const { entries, values } = isNew.has(entry) ? lists.ofNew : lists.ofKnown;
    for (const [raw, what] of changes) {
      if (what === 'removed') gone.push({ entry, attr: attribute.id, raw });
      else {
        entries.push(entry);
        values.push(raw);
      }
    }
  }
  if (gone.length > 0)
    sending.add(
      session.all(
        'DELETE FROM refs r USING json_to_recordset($1) AS x(entry bigint, attr integer, raw text) WHERE r.entry = x.entry AND r.attr = x.attr AND r.raw = x.raw',
        toRecords(gone),
      ),
    );
  for (const [attribute, { ofNew, ofKnown }] of fresh) {
    // Only an entry that was there may have the reference already.
    sending.add(addReferences(writer, session, attribute, ofNew, ''), addReferences(writer, session, attribute, ofKnown, 'ON CONFLICT DO NOTHING'));
  }
  if (work.removed.size > 0) writer.unresolved = true;
}

/** Two columns: the entry that refers, and what it says. */
interface AddedReferences {
  readonly entries: number[];
  readonly values: string[];
}

async function addReferences(writer: Writer, session: Session, attribute: StoredAttribute, added: AddedReferences, onConflict: string): Promise<void> {
  const { entries, values } = added;
  if (entries.length === 0) return;
  const { model } = writer;
  const kept = values.map(toKept);
  const { target, join } = targetOf(writer, attribute);
  const [from, keys] = model.plainReferences
    ? ['(SELECT u.entry, u.raw, u.raw AS key FROM unnest($2::bigint[], $3::text[]) AS u(entry, raw))', []]
    : ['unnest($2::bigint[], $3::text[], $4::text[])', [kept.map(model.referenceKey)]];
  const row = await session.get(
    `WITH fresh AS (INSERT INTO refs(entry, attr, raw, key, target) SELECT x.entry, $1::integer, x.raw, x.key, ${target}
       FROM ${from} AS x(entry, raw, key) ${join} ${onConflict} RETURNING target)
     SELECT count(*) FILTER (WHERE target IS NULL) AS waiting FROM fresh`,
    attribute.id,
    entries,
    kept,
    ...keys,
  );
  if (Number(row?.['waiting']) > 0) writer.unresolved = true;
}

/** What finds the entry that a reference means (R10): an expression, and the join that it needs. */
function targetOf({ model }: Writer, attribute: StoredAttribute): { readonly target: string; readonly join: string } {
  if (model.referenceForm === 'dn') return { target: '(SELECT e.id FROM entries e WHERE e.dn_key = x.key LIMIT 1)', join: '' };
  const types = (attribute.referenceTypes ?? [...model.types.keys()]).flatMap((name) => model.types.get(name)?.id ?? []);
  if (types.length === 0) return { target: 'NULL::bigint', join: '' };
  // Of one type a join, which the planner makes by the index or by a hash; of several one look-up for each, in their order.
  if (types.length === 1) return { target: 'e.id', join: `LEFT JOIN entries e ON e.otype = ${types[0]} AND e.anchor_key = x.key` };
  return { target: `coalesce(${types.map((id) => `(SELECT e.id FROM entries e WHERE e.otype = ${id} AND e.anchor_key = x.key)`).join(', ')})`, join: '' };
}

/** Points the references that waited for entries to them: across types, partitions and runs (R10). */
function resolveWaiting(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  // What this transaction added met every entry that is there: only what waited before may wait for these.
  if (!writer.unresolved || work.appeared.size === 0) return;
  const { model } = writer;
  const pairs = [...model.types.values()].flatMap((type) =>
    type.references.flatMap((attribute) =>
      (attribute.referenceTypes ?? [...model.types.keys()]).flatMap((name) => {
        const target = model.types.get(name);
        return target === undefined ? [] : [{ attr: attribute.id, otype: target.id }];
      }),
    ),
  );
  const key = model.referenceForm === 'dn' ? 'dn_key' : 'anchor_key';
  const resolving = session.all(
    `WITH found AS (
       UPDATE refs r SET target = e.id FROM entries e, json_to_recordset($2) AS p(attr integer, otype integer)
       WHERE e.id = ANY($1::bigint[]) AND r.target IS NULL AND r.key = e.${key} AND p.attr = r.attr AND p.otype = e.otype RETURNING r.entry)
     UPDATE entries SET version = version + 1 WHERE id IN (SELECT entry FROM found)`,
    [...work.appeared],
    JSON.stringify(pairs),
  );
  sending.add(resolving);
}

function writeAwaited(session: Session, sending: Sending, work: PendingWork): void {
  const kept = [...work.awaited].filter(([, awaited]) => Object.keys(awaited).length > 0);
  const done = [...work.awaited].filter(([, awaited]) => Object.keys(awaited).length === 0).map(([id]) => id);
  if (done.length > 0) sending.add(session.all('DELETE FROM unconfirmed WHERE entry = ANY($1::bigint[])', done));
  if (kept.length > 0) sending.add(session.all(UPSERT_AWAITED, toRecords(kept.map(([entry, awaited]) => ({ entry, attributes: JSON.stringify(awaited) })))));
}

const END_JOURNAL = `UPDATE journal j SET state = x.state, error = x.error, result_at = coalesce(x.result_at, j.result_at),
  sealed = CASE WHEN x.ended THEN NULL ELSE j.sealed END, steps = CASE WHEN x.ended AND NOT x.recorded THEN '[]' ELSE j.steps END
  FROM json_to_recordset($1) AS x(id bigint, state text, error text, result_at bigint, ended boolean, recorded boolean) WHERE j.id = x.id`;

/** Journal, audit, external ids, aliases. */
function writeBeside(writer: Writer, session: Session, sending: Sending, work: PendingWork): void {
  if (work.journal.length > 0) {
    const rows = work.journal.map(({ id, state, error, resultAt, ended, recorded }) => ({
      id,
      state,
      error: error === null ? null : toKept(error),
      result_at: resultAt,
      ended,
      recorded,
    }));
    sending.add(session.all(END_JOURNAL, JSON.stringify(rows)));
  }
  const ended = work.journal.filter((one) => one.ended).map((one) => one.id);
  if (ended.length > 0) sending.add(session.all('DELETE FROM claims WHERE journal = ANY($1::bigint[])', ended));
  if (work.externalIds.length > 0) {
    // What a client gave last counts.
    const last = new Map(work.externalIds.map((one) => [`${one.scimId}/${one.client}`, one]));
    const rows = toRecords([...last.values()].map(({ scimId, client, value }) => ({ scim_id: scimId, client, value })));
    sending.add(
      session.all(
        'DELETE FROM link_external l USING json_to_recordset($1) AS x(scim_id text, client text) WHERE l.scim_id = x.scim_id AND l.client = x.client',
        rows,
      ),
      session.all(
        `INSERT INTO link_external(client, external_id, scim_id) SELECT x.client, x.value, x.scim_id
         FROM json_to_recordset($1) AS x(scim_id text, client text, value text) WHERE x.value IS NOT NULL ON CONFLICT DO NOTHING`,
        rows,
      ),
    );
  }
  if (work.aliases.length > 0)
    sending.add(
      session.all(
        'INSERT INTO link_aliases(alias, scim_id) SELECT x.alias, x.scim_id FROM json_to_recordset($1) AS x(alias text, scim_id text) ON CONFLICT DO NOTHING',
        toRecords(work.aliases.map(({ alias, scimId }) => ({ alias, scim_id: scimId }))),
      ),
      session.all(
        'UPDATE links l SET aliases = (SELECT json_agg(a.alias)::text FROM link_aliases a WHERE a.scim_id = l.scim_id) WHERE l.scim_id = ANY($1::text[])',
        work.aliases.map((one) => one.scimId),
      ),
    );
  if (work.audit.length > 0) sending.add(addAudit(writer, session, work.audit));
}
