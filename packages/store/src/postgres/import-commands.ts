import { type ConnectorStore, type ImportedEntry, noCounts, type PageOutcome } from '../connector-store.ts';
import { reach } from '../crash-points.ts';
import { flag } from '../rules/entry-flags.ts';
import type { ImportStep } from '../rules/import-step.ts';
import { createSeenEntries } from '../rules/seen-entries.ts';
import { typeOf } from '../rules/stored-model.ts';
import type { Session } from './connection.ts';
import { createEntrySpace } from './entry-space.ts';
import { confirmDeletes, reportMissing, reportUnshown } from './existence-confirmation.ts';
import { flush } from './flush.ts';
import { applyPageEntries, type Heads, readHeads } from './import-page.ts';
import { forgetSeenMissed, waitForPartitions } from './missed-entries.ts';
import { announceImport } from './outbox.ts';
import { toKept } from './records.ts';
import { isAtWork, type Writer } from './writer.ts';

/** Imports: the rules of `sqlite/import-commands.ts`, over sets of rows. */
export type ImportCommands = Pick<
  ConnectorStore,
  | 'beginRun'
  | 'beginStep'
  | 'applyPage'
  | 'planRemovals'
  | 'removeUnshown'
  | 'removeChunk'
  | 'endStep'
  | 'endRun'
  | 'decideHeld'
  | 'removeHeldChunk'
  | 'closeInterruptedRuns'
>;

const CHUNK = 500;
/** How many entries are looked at in one statement when what was not seen is searched for. */
const SWEEP = 20_000;

/** Makes the commands. */
export function createImportCommands(writer: Writer): ImportCommands {
  const steps = new Map<number, ImportStep>();

  function stepOf(stepId: number): ImportStep {
    const step = steps.get(stepId);
    if (step === undefined) throw new Error(`import step ${stepId} is not open`);
    return step;
  }

  /** Removes entries, each unless it was written since the list that names it was made: the journal wins (R22). */
  async function removeListed(session: Session, list: readonly { readonly id: number; readonly fence: number }[], runId: number): Promise<number> {
    const space = createEntrySpace(writer, session);
    await space.load(list.map((one) => one.id));
    const doomed: NonNullable<Awaited<ReturnType<typeof space.entry>>>[] = [];
    for (const { id, fence } of list) {
      const record = await space.entry(id);
      if (record !== undefined && record.position <= fence && !isAtWork(writer, id)) doomed.push(record);
    }
    await space.loadLinks(doomed.map((record) => record.scimId));
    const at = Date.now();
    await reportMissing(session, await Promise.all(doomed.map((record) => space.awaited(record.id))));
    for (const record of doomed) {
      announceImport(writer, space, { runId, at }, 'delete', record, []);
      await space.remove(record, 'gone', at);
    }
    await flush(writer, session, space.pendingWork);
    return doomed.length;
  }

  async function listUnseen(session: Session, step: ImportStep): Promise<number[]> {
    const ids: number[] = [];
    const types = step.types.map((type) => type.id);
    const count = await session.get('SELECT coalesce(sum(entries), 0)::bigint AS n FROM types WHERE id = ANY($1::integer[])', types);
    // Every entry there is was seen: there is nothing to search for.
    if (step.seen.size === Number(count?.['n']) && step.removedBefore === writer.removed) return ids;
    for (let after = 0; ; ) {
      // An import of one partition says nothing about the entries of another.
      const rows = await session.all(`SELECT id, otype, position, flags, partition FROM entries WHERE id > $1 ORDER BY id LIMIT ${SWEEP}`, after);
      if (rows.length === 0) return ids;
      for (const row of rows) {
        const id = Number(row['id']);
        after = id;
        if (!types.includes(Number(row['otype'])) || row['partition'] !== step.partition) continue;
        const isLate = Number(row['position']) > step.fence;
        const isApart = (Number(row['flags']) & (flag.pending | flag.absent | flag.overlay)) !== 0;
        if (!step.seen.has(id) && !isLate && !isApart && !isAtWork(writer, id)) ids.push(id);
      }
    }
  }

  /** What an import saw is there, whatever an earlier one, whose removals wait for approval, believed (R23). */
  async function forgetSeenHeld(session: Session, step: ImportStep): Promise<void> {
    const rows = await session.all("SELECT h.run, h.entry FROM held h JOIN runs r ON r.id = h.run WHERE r.held_decision = 'waiting'");
    const seen = rows.filter((row) => step.seen.has(Number(row['entry'])));
    if (seen.length === 0) return;
    await session.all(
      'DELETE FROM held h USING json_to_recordset($1) AS x(run bigint, entry bigint) WHERE h.run = x.run AND h.entry = x.entry',
      JSON.stringify(seen),
    );
  }

  return {
    async beginRun(run) {
      const row = await writer.transact((session) =>
        session.get(
          "INSERT INTO runs(profile, started_by, started, result) VALUES ($1, $2, $3, 'running') RETURNING id",
          run.profile,
          toKept(run.startedBy),
          run.at,
        ),
      );
      return { runId: Number(row?.['id']) };
    },
    beginStep: (step) =>
      writer.transact(async (session) => {
        const types = step.objectTypes.map((name) => typeOf(writer, name));
        // A write whose result comes after this counts as written after the fence, whenever its intent was made.
        writer.position += 1;
        const fence = writer.position;
        const row = await session.get(
          "INSERT INTO steps(run, kind, partition, started, result, counts) VALUES ($1, $2, $3, $4, 'running', $5) RETURNING id",
          step.runId,
          step.kind,
          step.partition,
          step.at,
          JSON.stringify(noCounts),
        );
        const id = Number(row?.['id']);
        const { runId, kind, partition, at } = step;
        steps.set(id, {
          id,
          runId,
          kind,
          partition,
          types,
          fence,
          at,
          seen: createSeenEntries(),
          keepsDrifts: step.keepsDrifts === true,
          removedBefore: writer.removed,
          removals: [],
          complete: false,
        });
        const watermark = kind === 'full' ? undefined : (await session.get('SELECT value FROM watermarks WHERE partition = $1', partition))?.['value'];
        return { stepId: id, fence, ...(typeof watermark === 'string' ? { watermark } : {}) };
      }),
    async applyPage(stepId: number, entries: readonly ImportedEntry[]): Promise<PageOutcome> {
      const step = stepOf(stepId);
      const { outcome } = await writer.transact((session, heads: Heads) => applyPageEntries(writer, session, step, entries, heads), {
        first: (session) => readHeads(writer, session, entries),
        beforeCommit: () => reach('page-before-commit'),
        isEmpty: ({ isEmpty }) => isEmpty,
      });
      reach('page-after-commit');
      return outcome;
    },
    planRemovals: (stepId, { complete, unread = [] }) =>
      writer.transact(
        async (session) => {
          const step = stepOf(stepId);
          step.complete = complete;
          if (!complete) step.removals = [];
          else if (step.kind === 'full') step.removals = await listUnseen(session, step);
          else if (step.removals.length > 0) {
            // What came to another partition since, by a step of the same run, is not gone (R23).
            const rows = await session.all('SELECT id FROM entries WHERE id = ANY($1::bigint[]) AND partition = $2 ORDER BY id', step.removals, step.partition);
            step.removals = rows.map((row) => Number(row['id']));
          }
          const isEmptyFull = step.kind === 'full' && step.seen.size === 0;
          // Whether nothing was read at all is for a person to judge, who sees it whole.
          const waiting = complete && !isEmptyFull ? await waitForPartitions(writer, session, step, unread) : undefined;
          const counts = new Map<number, number>();
          if (step.removals.length > 0)
            for (const row of await session.all(
              'SELECT otype, count(*) AS n FROM unnest($1::bigint[]) r(id) JOIN entries e ON e.id = r.id GROUP BY otype',
              step.removals,
            ))
              counts.set(Number(row['otype']), Number(row['n']));
          // Counting reads every entry: only where somebody decides by it (R23).
          const isDecided = step.removals.length > 0 || isEmptyFull;
          const totals = !isDecided
            ? []
            : await session.all(
                `SELECT otype, count(*) AS n FROM entries WHERE otype = ANY($1::integer[]) AND partition = $2 AND flags & ${flag.absent} = 0 GROUP BY otype`,
                step.types.map((type) => type.id),
                step.partition,
              );
          const total = new Map(totals.map((row) => [Number(row['otype']), Number(row['n'])]));
          return step.types.map((type) => ({
            objectType: type.name,
            removals: counts.get(type.id) ?? 0,
            waiting: waiting?.get(type.id) ?? 0,
            total: total.get(type.id) ?? 0,
          }));
        },
        { sets: true },
      ),
    async removeUnshown(stepId) {
      const step = stepOf(stepId);
      if (step.kind !== 'full' || !step.complete) return { removed: 0, done: true };
      return writer.transact(
        async (session) => {
          const rows = await session.all(
            `SELECT id FROM entries WHERE flags <> 0 AND flags & ${flag.overlay} <> 0 AND partition = $1 AND otype = ANY($2::integer[]) AND position <= $3 ORDER BY id`,
            step.partition,
            step.types.map((type) => type.id),
            step.fence,
          );
          const ids = rows.map((row) => Number(row['id'])).filter((id) => !step.seen.has(id) && !isAtWork(writer, id));
          const list = ids.slice(0, CHUNK);
          if (list.length === 0) return { removed: 0, done: true };
          const removed = await removeListed(
            session,
            list.map((id) => ({ id, fence: step.fence })),
            step.runId,
          );
          await reportUnshown(session, list);
          return { removed, done: ids.length <= CHUNK };
        },
        { sets: true },
      );
    },
    async removeChunk(stepId) {
      const step = stepOf(stepId);
      const list = step.removals.slice(0, CHUNK).map((id) => ({ id, fence: step.fence }));
      const removed =
        list.length === 0
          ? 0
          : await writer.transact((session) => removeListed(session, list, step.runId), { beforeCommit: () => reach('removals-before-commit') });
      step.removals.splice(0, CHUNK);
      reach('removals-after-commit');
      return { removed, done: step.removals.length === 0 };
    },
    async endStep(stepId, end) {
      const step = stepOf(stepId);
      await writer.transact(
        async (session) => {
          const waiting = await session.get('SELECT count(*) AS n FROM refs WHERE target IS NULL');
          const unresolved = Number(waiting?.['n'] ?? 0);
          writer.unresolved = unresolved > 0;
          await session.all(
            'UPDATE steps SET ended = $1, result = $2, counts = $3, error_count = $4, errors = $5 WHERE id = $6',
            end.at,
            end.result,
            JSON.stringify({ ...end.counts, unresolved }),
            end.errorCount,
            toKept(JSON.stringify(end.errors)),
            stepId,
          );
          if (step.kind === 'full' && step.complete) await confirmDeletes(session, step);
          await forgetSeenHeld(session, step);
          await forgetSeenMissed(session, step);
          if (end.watermark !== undefined)
            await session.all(
              'INSERT INTO watermarks(partition, value) VALUES ($1, $2) ON CONFLICT(partition) DO UPDATE SET value = excluded.value',
              step.partition,
              end.watermark,
            );
          if (end.hold === undefined) return;
          await session.all(
            'INSERT INTO held(run, entry, position) SELECT $1, id, $2 FROM unnest($3::bigint[]) r(id) ON CONFLICT DO NOTHING',
            step.runId,
            step.fence,
            step.removals,
          );
          await session.all("UPDATE runs SET held_reason = $1, held_decision = 'waiting' WHERE id = $2", end.hold.reason, step.runId);
        },
        { sets: true, beforeCommit: () => reach('step-end-before-commit') },
      );
      steps.delete(stepId);
      reach('step-end-after-commit');
      return end.hold === undefined ? {} : { heldId: step.runId };
    },
    async endRun(runId, result) {
      await writer.transact(async (session) => {
        const at = Date.now();
        // A step whose end could not be stored ended with its run.
        await session.all("UPDATE steps SET ended = $1, result = 'interrupted' WHERE run = $2 AND result = 'running'", at, runId);
        await session.all('UPDATE runs SET ended = $1, result = $2 WHERE id = $3', at, result, runId);
      });
    },
    decideHeld: (runId, decision, by) =>
      writer.transact(async (session) => {
        await session.all("UPDATE runs SET held_decision = $1, held_by = $2 WHERE id = $3 AND held_decision = 'waiting'", decision, toKept(by), runId);
        const held = await session.get('SELECT count(*) AS n FROM held WHERE run = $1', runId);
        if (decision === 'rejected') await session.all('DELETE FROM held WHERE run = $1', runId);
        return { held: Number(held?.['n'] ?? 0) };
      }),
    removeHeldChunk: (runId) =>
      writer.transact(
        async (session) => {
          const run = await session.get('SELECT held_decision FROM runs WHERE id = $1', runId);
          if (run?.['held_decision'] !== 'approved') return { removed: 0, done: true };
          const rows = await session.all(`SELECT entry, position FROM held WHERE run = $1 ORDER BY entry LIMIT ${CHUNK}`, runId);
          const list = rows.map((row) => ({ id: Number(row['entry']), fence: Number(row['position']) }));
          const removed = await removeListed(session, list, runId);
          await session.all(
            'DELETE FROM held WHERE run = $1 AND entry = ANY($2::bigint[])',
            runId,
            list.map((one) => one.id),
          );
          return { removed, done: list.length < CHUNK };
        },
        { sets: true },
      ),
    closeInterruptedRuns: (at) =>
      writer.transact(async (session) => {
        await session.all("UPDATE steps SET result = 'interrupted', ended = $1 WHERE result = 'running'", at);
        return (await session.all("UPDATE runs SET result = 'interrupted', ended = $1 WHERE result = 'running' RETURNING id", at)).length;
      }),
  };
}
