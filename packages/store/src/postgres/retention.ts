import { sealAnchor } from '../audit-chain.ts';
import type { Retention } from '../connector-store.ts';
import { writeAnchor } from './audit.ts';
import type { Session } from './connection.ts';
import type { Writer } from './writer.ts';

const CHUNK = 500;
const before = (table: string, column: string): string =>
  `coalesce((SELECT id FROM ${table} WHERE ${column} >= $1 ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM ${table}))`;

/** The rules of `sqlite/retention.ts`. Entry ids are counted apart here: no row of the journal is needed for them. */
const FORGET = {
  journal: `DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id < ${before('journal', 'at')}
    AND state NOT IN ('held', 'intended', 'in-doubt') ORDER BY id LIMIT ${CHUNK}) RETURNING id`,
  audit: `SELECT id, code FROM audit WHERE id < ${before('audit', 'at')} ORDER BY id LIMIT ${CHUNK}`,
  runs: `DELETE FROM runs WHERE id IN (SELECT id FROM runs r WHERE id < ${before('runs', 'started')} AND ended IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM held h WHERE h.run = r.id)
    AND id <> coalesce((SELECT run FROM steps WHERE kind = 'full' AND result IN ('success', 'completed-with-errors') ORDER BY id DESC LIMIT 1), -1)
    ORDER BY id LIMIT ${CHUNK}) RETURNING id`,
} as const;

/** Forgets one chunk of each kind, in the transaction given; `done` when none was full. */
export async function forgetOld(writer: Writer, session: Session, retention: Retention): Promise<{ readonly removed: number; readonly done: boolean }> {
  const journal = (await session.all(FORGET.journal, retention.journalBefore)).length;
  const audit = await forgetAudit(writer, session, retention.auditBefore);
  const runs = (await session.all(FORGET.runs, retention.runsBefore)).length;
  if (runs > 0) await session.all('DELETE FROM steps s WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = s.run)');
  return { removed: journal + audit + runs, done: Math.max(journal, audit, runs) < CHUNK };
}

/** The chain begins behind the last row that is forgotten (SEC-60). */
async function forgetAudit(writer: Writer, session: Session, until: number): Promise<number> {
  const rows = await session.all(FORGET.audit, until);
  const last = rows.at(-1);
  if (last === undefined) return 0;
  if (typeof last['code'] === 'string') await writeAnchor(session, 'base', sealAnchor(writer.auditKey, 'base', { id: Number(last['id']), code: last['code'] }));
  await session.all('DELETE FROM audit WHERE id <= $1', Number(last['id']));
  return rows.length;
}
