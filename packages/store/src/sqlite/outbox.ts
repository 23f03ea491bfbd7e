import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { ConnectorReader, EntryEffect, EventKind, EventResult, EventRow, IntentEvents } from '../connector-store.ts';
import type { Database, Row } from './database.ts';
import { type StoreState, transact } from './entry-rows.ts';
import type { StoredModel } from './stored-model.ts';

/**
 * The outbox: what event streams still have to tell (RFC 9967).
 *
 * 1. An event is written in the transaction of its change: a crash neither loses nor invents one (S-248).
 * 2. Nothing is written while no stream is configured.
 * 3. A stream has what was written after it was configured; each has its own acknowledgements.
 * 4. An event is removed when every stream has settled it.
 */
export interface OutboxCommands {
  openStreams(streams: readonly string[]): void;
  settleEvents(
    stream: string,
    settled: { readonly acknowledged: readonly number[]; readonly failed: readonly { readonly id: number; readonly error: string }[] },
  ): void;
}

/** An event as its change knows it. */
export interface Announcement {
  readonly at: number;
  readonly kinds: readonly EventKind[];
  readonly otype: number;
  readonly scimId: string | null;
  readonly attributes: readonly string[];
  readonly transaction: string;
  readonly result?: EventResult;
}

/** Makes the commands on an open file. */
export function createOutboxCommands(state: StoreState): OutboxCommands {
  const { database } = state;
  return {
    openStreams(streams) {
      transact(state, () => {
        const newest = Number(database.get("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")?.['seq'] ?? 0);
        for (const stream of streams) database.run('INSERT INTO event_streams(name, position) VALUES (?, ?) ON CONFLICT DO NOTHING', stream, newest);
        const list = JSON.stringify(streams);
        for (const [table, column] of [
          ['event_streams', 'name'],
          ['event_acks', 'stream'],
          ['event_failures', 'stream'],
        ] as const)
          database.run(`DELETE FROM ${table} WHERE ${column} NOT IN (SELECT value FROM json_each(?))`, list);
        prune(database);
      });
      state.announces = streams.length > 0;
    },
    settleEvents(stream, { acknowledged, failed }) {
      transact(state, () => {
        for (const id of acknowledged) database.run('INSERT INTO event_acks(stream, event) VALUES (?, ?) ON CONFLICT DO NOTHING', stream, id);
        for (const { id, error } of failed) {
          database.run('INSERT INTO event_acks(stream, event) VALUES (?, ?) ON CONFLICT DO NOTHING', stream, id);
          database.run('INSERT INTO event_failures(stream, event, error) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', stream, id, error);
        }
        advanceStream(database, stream);
        prune(database);
      });
    },
  };
}

/** Everything up to the oldest event without acknowledgement is behind the stream. */
function advanceStream(database: Database, stream: string): void {
  const position = Number(database.get('SELECT position FROM event_streams WHERE name = ?', stream)?.['position'] ?? 0);
  const oldest = database.get(
    'SELECT id FROM outbox WHERE id > ? AND NOT EXISTS (SELECT 1 FROM event_acks WHERE stream = ? AND event = outbox.id) ORDER BY id LIMIT 1',
    position,
    stream,
  );
  const next = oldest === undefined ? Number(database.get('SELECT max(id) AS id FROM outbox')?.['id'] ?? position) : Number(oldest['id']) - 1;
  database.run('UPDATE event_streams SET position = ? WHERE name = ?', Math.max(position, next), stream);
  database.run('DELETE FROM event_acks WHERE stream = ? AND event <= ?', stream, next);
}

function prune(database: Database): void {
  database.run('DELETE FROM outbox WHERE id <= (SELECT coalesce(min(position), 9223372036854775807) FROM event_streams)');
}

/** Writes an event with the change of the transaction under way. */
export function announce(state: StoreState, event: Announcement): void {
  if (!state.announces || event.kinds.length === 0) return;
  state.database.run(
    'INSERT INTO outbox(at, kinds, otype, scim_id, attributes, txn, result) VALUES (?, ?, ?, ?, ?, ?, ?)',
    event.at,
    JSON.stringify(event.kinds),
    event.otype,
    event.scimId,
    JSON.stringify(event.attributes),
    event.transaction,
    event.result === undefined ? null : JSON.stringify(event.result),
  );
}

/** How a journal row ended. */
export interface WriteEnd {
  readonly applied: boolean;
  readonly error?: string;
  readonly at: number;
}

/** What a journal row that ended says: the change it made, and the completion of a request nobody waited for. */
export function announceWrite(state: StoreState, journal: Row, outcome: WriteEnd): void {
  if (!state.announces || journal['events'] === null) return;
  const entry = state.database.get('SELECT scim_id FROM entries WHERE id = ?', Number(journal['entry']));
  const scimId = entry === undefined ? (journal['scim_id'] as string | null) : String(entry['scim_id']);
  for (const event of toAnnouncements(journal, scimId, outcome)) announce(state, event);
}

/** The events of a journal row that ended. */
export function toAnnouncements(journal: Readonly<Record<string, unknown>>, scimId: string | null, outcome: WriteEnd): readonly Announcement[] {
  const events = JSON.parse(String(journal['events'])) as IntentEvents;
  const effect = JSON.parse(String(journal['effect'])) as EntryEffect;
  const about = { at: outcome.at, otype: Number(journal['otype']), scimId, transaction: String(journal['correlation']) };
  const attributes = [...Object.keys(effect.set), ...effect.unset, ...effect.references.map((delta) => delta.attribute)];
  const result = { method: String(journal['method']), applied: outcome.applied, ...(outcome.error === undefined ? {} : { error: outcome.error }) };
  return [
    ...(outcome.applied ? [{ ...about, kinds: events.kinds, attributes }] : []),
    ...(events.async ? [{ ...about, kinds: ['asyncresp'] as const, attributes: [], result }] : []),
  ];
}

/** What the application changed by itself, as an import found it. */
export function announceImport(
  state: StoreState,
  run: { readonly runId: number; readonly at: number },
  kind: EventKind,
  entryId: number,
  attributes: readonly string[],
): void {
  if (!state.announces) return;
  const row = state.database.get('SELECT otype, scim_id FROM entries WHERE id = ?', entryId);
  if (row === undefined) return;
  announce(state, {
    at: run.at,
    kinds: [kind],
    otype: Number(row['otype']),
    scimId: String(row['scim_id']),
    attributes,
    transaction: `run-${run.runId}`,
  });
}

/** Names of the attributes that an import changes: from the body as it was and the hashes of its reference sets. */
export function changedByImport(
  before: string,
  after: EncodedAttributes,
  entry: { readonly references: readonly { readonly attribute: string; readonly hash: string }[] },
  knownSets: string | null,
): readonly string[] {
  const old = JSON.parse(before) as EncodedAttributes;
  const sets = knownSets === null ? {} : (JSON.parse(knownSets) as Record<string, string>);
  const names = new Set([...Object.keys(old), ...Object.keys(after)].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(after[name])));
  for (const { attribute, hash } of entry.references) if (sets[attribute] !== hash) names.add(attribute);
  return [...names];
}

/** The reads of event streams. */
export function createOutboxReader(database: Database, model: () => StoredModel): Pick<ConnectorReader, 'readEvents' | 'readEventStreams'> {
  return {
    async readEvents(stream, limit) {
      const rows = database.all(
        `SELECT o.* FROM outbox o, event_streams s WHERE s.name = ? AND o.id > s.position
         AND NOT EXISTS (SELECT 1 FROM event_acks a WHERE a.stream = s.name AND a.event = o.id) ORDER BY o.id LIMIT ?`,
        stream,
        limit,
      );
      return rows.map((row) => toEventRow(model(), row));
    },
    async readEventStreams() {
      return database
        .all(
          `SELECT s.name, (SELECT count(*) FROM outbox o WHERE o.id > s.position) - (SELECT count(*) FROM event_acks a WHERE a.stream = s.name) AS waiting,
           (SELECT min(o.at) FROM outbox o WHERE o.id > s.position) AS oldest,
           (SELECT count(*) FROM event_failures f WHERE f.stream = s.name) AS failed FROM event_streams s ORDER BY s.name`,
        )
        .map((row) => ({
          name: String(row['name']),
          waiting: Number(row['waiting']),
          oldest: row['oldest'] === null ? undefined : Number(row['oldest']),
          failed: Number(row['failed']),
        }));
    },
  };
}

/** An event from a database row, of whichever engine. */
export function toEventRow(model: StoredModel, row: Readonly<Record<string, unknown>>): EventRow {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    kinds: JSON.parse(String(row['kinds'])) as readonly EventKind[],
    objectType: model.typesById.get(Number(row['otype']))?.name ?? '',
    scimId: row['scim_id'] === null ? undefined : String(row['scim_id']),
    attributes: JSON.parse(String(row['attributes'])) as readonly string[],
    transaction: String(row['txn']),
    result: row['result'] === null ? undefined : (JSON.parse(String(row['result'])) as EventResult),
  };
}
