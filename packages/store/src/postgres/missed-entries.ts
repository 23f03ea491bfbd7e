import type { ImportStep } from '../rules/import-step.ts';
import { mayGo } from '../rules/missed-entries.ts';
import type { Session } from './connection.ts';
import { isAtWork, type Writer } from './writer.ts';

/** What left one partition and may be in another (R23): the rules of `sqlite/missed-entries.ts`. */
export async function waitForPartitions(writer: Writer, session: Session, step: ImportStep, unread: readonly string[]): Promise<ReadonlyMap<number, number>> {
  const known = new Map<number, number>();
  const listed = new Set(step.removals);
  for (const row of await session.all(
    'SELECT m.entry, m.run, m.position AS missed, e.position FROM missed m JOIN entries e ON e.id = m.entry WHERE e.partition = $1 ORDER BY m.entry',
    step.partition,
  )) {
    const id = Number(row['entry']);
    known.set(id, Number(row['run']));
    // A delta does not tell of it again.
    if (step.kind === 'delta' && !step.seen.has(id) && !listed.has(id) && Number(row['position']) <= Number(row['missed']) && !isAtWork(writer, id))
      step.removals.push(id);
  }
  const waiting = new Map<number, number>();
  if (step.removals.length === 0 || unread.length === 0) return waiting;
  const readIn = new Map<string, number>();
  for (const row of await session.all(
    "SELECT partition, max(run) AS run FROM steps WHERE kind <> 'full-export' AND result IN ('success', 'held') GROUP BY partition",
  ))
    readIn.set(String(row['partition']), Number(row['run']));
  const stays = step.removals.filter((id) => !mayGo(known.get(id) ?? step.runId, unread, readIn));
  const staying = new Set(stays);
  step.removals = step.removals.filter((id) => !staying.has(id));
  await session.all(
    'INSERT INTO missed(entry, run, position) SELECT id, $1, $2 FROM unnest($3::bigint[]) r(id) ON CONFLICT DO NOTHING',
    step.runId,
    step.fence,
    stays,
  );
  for (const row of await session.all('SELECT otype, count(*) AS n FROM entries WHERE id = ANY($1::bigint[]) GROUP BY otype', stays))
    waiting.set(Number(row['otype']), Number(row['n']));
  return waiting;
}

/** What an import saw is there, in whatever partition. */
export async function forgetSeenMissed(session: Session, step: ImportStep): Promise<void> {
  const rows = await session.all('SELECT m.entry, e.id FROM missed m LEFT JOIN entries e ON e.id = m.entry');
  const known = rows.filter((row) => row['id'] === null || step.seen.has(Number(row['entry']))).map((row) => Number(row['entry']));
  if (known.length > 0) await session.all('DELETE FROM missed WHERE entry = ANY($1::bigint[])', known);
}
