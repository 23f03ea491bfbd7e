import type { ConnectorReader, EventKind } from '../connector-store.ts';
import { type Announcement, toAnnouncements, toEventRow, type WriteEnd } from '../rules/announcements.ts';
import type { StoredModel } from '../rules/stored-model.ts';
import type { Database, Row } from './database.ts';
import { type StoreState, transact } from './entry-rows.ts';

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

/** What a journal row that ended says: the change it made, and the completion of a request nobody waited for. */
export function announceWrite(state: StoreState, journal: Row, outcome: WriteEnd): void {
  if (!state.announces || journal['events'] === null) return;
  const entry = state.database.get('SELECT scim_id FROM entries WHERE id = ?', Number(journal['entry']));
  const scimId = entry === undefined ? (journal['scim_id'] as string | null) : String(entry['scim_id']);
  for (const event of toAnnouncements(journal, scimId, outcome)) announce(state, event);
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
