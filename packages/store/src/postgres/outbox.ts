import type { ConnectorReader, ConnectorStore } from '../connector-store.ts';
import { type Announcement, toAnnouncements, toEventRow, type WriteEnd } from '../rules/announcements.ts';
import type { StoredModel } from '../rules/stored-model.ts';
import type { Queries, Row, Session } from './connection.ts';
import type { EntryRecord, EntrySpace } from './entry-space.ts';
import { toKept, toRecords } from './records.ts';
import type { Writer } from './writer.ts';

/** The outbox: the rules of `sqlite/outbox.ts`, over sets of rows. */
export type OutboxCommands = Pick<ConnectorStore, 'openStreams' | 'settleEvents'>;

/** Makes the commands. */
export function createOutboxCommands(writer: Writer): OutboxCommands {
  return {
    async openStreams(streams) {
      await writer.transact(async (session) => {
        await session.all(
          'INSERT INTO event_streams(name, position) SELECT s.name, (SELECT coalesce(max(id), 0) FROM outbox) FROM unnest($1::text[]) s(name) ON CONFLICT DO NOTHING',
          streams,
        );
        await session.all('DELETE FROM event_streams WHERE name <> ALL($1::text[])', streams);
        for (const table of ['event_acks', 'event_failures']) await session.all(`DELETE FROM ${table} WHERE stream <> ALL($1::text[])`, streams);
        await prune(session);
      });
      writer.announces = streams.length > 0;
    },
    async settleEvents(stream, { acknowledged, failed }) {
      await writer.transact(async (session) => {
        const ids = [...acknowledged, ...failed.map((one) => one.id)];
        await session.all('INSERT INTO event_acks(stream, event) SELECT $1, e.id FROM unnest($2::bigint[]) e(id) ON CONFLICT DO NOTHING', stream, ids);
        if (failed.length > 0)
          await session.all(
            'INSERT INTO event_failures(stream, event, error) SELECT $2, x.id, x.error FROM json_to_recordset($1) AS x(id bigint, error text) ON CONFLICT DO NOTHING',
            toRecords(failed.map(({ id, error }) => ({ id, error }))),
            stream,
          );
        await advanceStream(session, stream);
        await prune(session);
      });
    },
  };
}

/** Everything up to the oldest event without acknowledgement is behind the stream. */
async function advanceStream(session: Session, stream: string): Promise<void> {
  const moved = await session.get(
    `UPDATE event_streams s SET position = greatest(s.position, coalesce(
       (SELECT min(o.id) - 1 FROM outbox o WHERE o.id > s.position AND NOT EXISTS (SELECT 1 FROM event_acks a WHERE a.stream = s.name AND a.event = o.id)),
       (SELECT max(o.id) FROM outbox o), s.position)) WHERE s.name = $1 RETURNING position`,
    stream,
  );
  if (moved !== undefined) await session.all('DELETE FROM event_acks WHERE stream = $1 AND event <= $2', stream, Number(moved['position']));
}

async function prune(session: Session): Promise<void> {
  await session.all('DELETE FROM outbox WHERE id <= (SELECT coalesce(min(position), 9223372036854775807) FROM event_streams)');
}

/** Says with a journal row that ended what it did. */
export async function announceWrite(writer: Writer, space: EntrySpace, journal: Row, outcome: WriteEnd): Promise<void> {
  if (!writer.announces || journal['events'] === null) return;
  const record = await space.entry(Number(journal['entry']));
  const known = journal['scim_id'] === null ? null : String(journal['scim_id']);
  space.pendingWork.announcements.push(...toAnnouncements(journal, record?.scimId ?? known, outcome));
}

/** Says what the application changed by itself, as an import found it. */
export function announceImport(
  writer: Writer,
  space: EntrySpace,
  run: { readonly runId: number; readonly at: number },
  kind: 'create' | 'patch' | 'delete',
  record: EntryRecord,
  attributes: readonly string[],
): void {
  if (!writer.announces) return;
  const { otype, scimId } = record;
  space.pendingWork.announcements.push({ at: run.at, kinds: [kind], otype, scimId, attributes, transaction: `run-${run.runId}` });
}

/** Writes events in the transaction of their changes. */
export async function writeAnnouncements(session: Session, announcements: readonly Announcement[]): Promise<void> {
  const rows = announcements
    .filter((event) => event.kinds.length > 0)
    .map((event) => ({
      at: event.at,
      kinds: JSON.stringify(event.kinds),
      otype: event.otype,
      scim_id: event.scimId,
      attributes: JSON.stringify(event.attributes),
      txn: event.transaction,
      result: event.result === undefined ? null : JSON.stringify(event.result),
    }));
  if (rows.length > 0)
    await session.all(
      `INSERT INTO outbox(at, kinds, otype, scim_id, attributes, txn, result) SELECT x.at, x.kinds, x.otype, x.scim_id, x.attributes, x.txn, x.result
       FROM json_to_recordset($1) AS x(at bigint, kinds text, otype integer, scim_id text, attributes text, txn text, result text)`,
      toRecords(rows),
    );
}

/** The reads of event streams. */
export function createOutboxReader(queries: Queries, model: () => StoredModel): Pick<ConnectorReader, 'readEvents' | 'readEventStreams'> {
  return {
    async readEvents(stream, limit) {
      const rows = await queries.all(
        `SELECT o.* FROM event_streams s JOIN outbox o ON o.id > s.position WHERE s.name = $1
         AND NOT EXISTS (SELECT 1 FROM event_acks a WHERE a.stream = s.name AND a.event = o.id) ORDER BY o.id LIMIT $2`,
        toKept(stream),
        limit,
      );
      return rows.map((row) => toEventRow(model(), row));
    },
    async readEventStreams() {
      const rows = await queries.all(
        `SELECT s.name, (SELECT count(*) FROM outbox o WHERE o.id > s.position) - (SELECT count(*) FROM event_acks a WHERE a.stream = s.name) AS waiting,
           (SELECT min(o.at) FROM outbox o WHERE o.id > s.position) AS oldest,
           (SELECT count(*) FROM event_failures f WHERE f.stream = s.name) AS failed FROM event_streams s ORDER BY s.name COLLATE "C"`,
      );
      return rows.map((row) => ({
        name: String(row['name']),
        waiting: Number(row['waiting']),
        oldest: row['oldest'] === null ? undefined : Number(row['oldest']),
        failed: Number(row['failed']),
      }));
    },
  };
}
