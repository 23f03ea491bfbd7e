import { sealAnchor } from '../audit-chain.ts';
import type { Retention } from '../connector-store.ts';
import { writeAnchor } from './audit.ts';
import { type StoreState, transact } from './entry-rows.ts';

const CHUNK = 500;
const BEFORE = (table: string, column: string): string =>
  `coalesce((SELECT id FROM ${table} WHERE ${column} >= ? ORDER BY id LIMIT 1), (SELECT max(id) + 1 FROM ${table}))`;

/**
 * The statements that forget what is old, each at most a chunk. Rows are in the order of time, so that the first row which is not
 * old ends the search. What is open, waits for a decision, or says what no other row says is kept, however old: the last
 * successful full import, and the highest entry id that was ever given (R25).
 */
const FORGET = {
  journal: `DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE id < ${BEFORE('journal', 'at')}
    AND state NOT IN ('held', 'intended', 'in-doubt') AND entry < (SELECT max(entry) FROM journal) ORDER BY id LIMIT ${CHUNK})`,
  audit: `SELECT id, code FROM audit WHERE id < ${BEFORE('audit', 'at')} ORDER BY id LIMIT ${CHUNK}`,
  runs: `DELETE FROM runs WHERE id IN (SELECT id FROM runs r WHERE id < ${BEFORE('runs', 'started')} AND ended IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM held h WHERE h.run = r.id)
    AND id <> coalesce((SELECT run FROM steps WHERE kind = 'full' AND result IN ('success', 'completed-with-errors') ORDER BY id DESC LIMIT 1), -1)
    ORDER BY id LIMIT ${CHUNK})`,
} as const;

/** Forgets one chunk of each kind; `done` when none was full. */
export function forgetOld(state: StoreState, retention: Retention): { readonly removed: number; readonly done: boolean } {
  return transact(state, () => {
    const { database } = state;
    const journal = database.run(FORGET.journal, retention.journalBefore).changes;
    const audit = forgetAudit(state, retention.auditBefore);
    const runs = database.run(FORGET.runs, retention.runsBefore).changes;
    if (runs > 0) database.run('DELETE FROM steps WHERE run NOT IN (SELECT id FROM runs)');
    return { removed: journal + audit + runs, done: Math.max(journal, audit, runs) < CHUNK };
  });
}

/** The chain begins behind the last row that is forgotten (SEC-60). */
function forgetAudit({ database, auditKey }: StoreState, before: number): number {
  const rows = database.all(FORGET.audit, before);
  const last = rows.at(-1);
  if (last === undefined) return 0;
  if (typeof last['code'] === 'string') writeAnchor(database, 'base', sealAnchor(auditKey, 'base', { id: Number(last['id']), code: last['code'] }));
  return database.run('DELETE FROM audit WHERE id <= ?', Number(last['id'])).changes;
}
