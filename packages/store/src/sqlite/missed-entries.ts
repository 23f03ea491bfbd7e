import { flag } from '../rules/entry-flags.ts';
import type { ImportStep } from '../rules/import-step.ts';
import { mayGo } from '../rules/missed-entries.ts';
import type { Database } from './database.ts';
import { isAtWork, type StoreState } from './entry-rows.ts';

/** What waits in a partition. `CROSS JOIN` keeps the order: mostly nothing waits, and SQLite would look at every entry to find that out. */
export const WAITING_IN_PARTITION =
  'SELECT m.entry, m.run, m.position AS missed, e.position FROM missed m CROSS JOIN entries e ON e.id = m.entry WHERE e.partition = ?';

/** What a full step did not show of its partition, and nobody wrote or writes since (R22). */
export function listUnseen(state: StoreState, step: ImportStep): number[] {
  const { database } = state;
  const ids: number[] = [];
  const types = step.types.map((type) => type.id);
  const { n } = database.get('SELECT coalesce(sum(entries), 0) AS n FROM types WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(types)) ?? {};
  // Every entry there is was seen: there is nothing to search for.
  if (step.seen.size === n && step.removedBefore === state.removed) return ids;
  for (const type of types) {
    for (const row of database.iterate('SELECT id, position, flags, partition FROM entries WHERE otype = ?', type)) {
      // An import of one partition says nothing about the entries of another.
      if (row['partition'] !== step.partition) continue;
      const id = Number(row['id']);
      const isLate = Number(row['position']) > step.fence;
      const isApart = (Number(row['flags']) & (flag.pending | flag.absent | flag.overlay)) !== 0;
      if (!step.seen.has(id) && !isLate && !isApart && !isAtWork(state, id)) ids.push(id);
    }
  }
  return ids;
}

/**
 * Takes from the planned removals of a step what may be in a partition that its run did not read (`unread`): what left one partition
 * may be in another, and is gone only when the others were read since and did not show it (R23). It is remembered, because a delta tells
 * of it once. Returns how many wait, by object type.
 */
export function waitForPartitions(state: StoreState, step: ImportStep, unread: readonly string[]): ReadonlyMap<number, number> {
  const { database } = state;
  const known = new Map<number, number>();
  const listed = new Set(step.removals);
  for (const row of database.all(WAITING_IN_PARTITION, step.partition)) {
    const id = Number(row['entry']);
    known.set(id, Number(row['run']));
    // A delta does not tell of it again.
    if (step.kind === 'delta' && !step.seen.has(id) && !listed.has(id) && Number(row['position']) <= Number(row['missed']) && !isAtWork(state, id))
      step.removals.push(id);
  }
  const waiting = new Map<number, number>();
  if (step.removals.length === 0 || unread.length === 0) return waiting;
  const readIn = new Map<string, number>();
  for (const row of database.all(
    "SELECT partition, max(run) AS run FROM steps WHERE kind <> 'full-export' AND result IN ('success', 'held') GROUP BY partition",
  ))
    readIn.set(String(row['partition']), Number(row['run']));
  const stays = step.removals.filter((id) => !mayGo(known.get(id) ?? step.runId, unread, readIn));
  const staying = new Set(stays);
  step.removals = step.removals.filter((id) => !staying.has(id));
  database.transaction(() => {
    for (const id of stays) {
      database.run('INSERT INTO missed(entry, run, position) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', id, step.runId, step.fence);
      const otype = Number(database.get('SELECT otype FROM entries WHERE id = ?', id)?.['otype']);
      waiting.set(otype, (waiting.get(otype) ?? 0) + 1);
    }
  });
  return waiting;
}

/** What an import saw is there, in whatever partition. */
export function forgetSeenMissed(database: Database, step: ImportStep): void {
  const rows = database.all('SELECT m.entry, e.id FROM missed m LEFT JOIN entries e ON e.id = m.entry');
  for (const row of rows)
    if (row['id'] === null || step.seen.has(Number(row['entry']))) database.run('DELETE FROM missed WHERE entry = ?', Number(row['entry']));
}
