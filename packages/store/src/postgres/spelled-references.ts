import type { StoredModel } from '../rules/stored-model.ts';
import type { Session } from './connection.ts';
import { PRESENT_REFERENCES, toKept } from './records.ts';

/** Which of these values an entry refers to, each with the value as the entry has it: the rules of `sqlite/spelled-references.ts`. */
export async function spelledReferences(
  queries: Pick<Session, 'all'>,
  model: StoredModel,
  entryId: number,
  attr: number,
  raw: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await queries.all(PRESENT_REFERENCES, entryId, attr, raw.map(toKept));
  const present = new Map(rows.map((row) => [String(row['raw']), String(row['raw'])]));
  if (model.plainReferences || present.size === raw.length) return present;
  const others = raw.map(toKept).filter((value) => !present.has(value));
  const spelled = await queries.all(referencesByKey(model), entryId, attr, others, others.map(model.referenceKey));
  for (const row of spelled) present.set(String(row['asked']), String(row['raw']));
  return present;
}

/**
 * The values of references by the keys of what they refer to: `entry`, `attr`, what is asked, its keys. A look-up for each of them, by its
 * indexes and nothing else (`OFFSET 0`): joined, the planner might read a million references of the entry to find one.
 */
export function referencesByKey(model: StoredModel): string {
  const targets =
    model.referenceForm === 'dn'
      ? 'CROSS JOIN LATERAL (SELECT id FROM entries WHERE dn_key = x.key OFFSET 0) e'
      : `CROSS JOIN unnest(ARRAY[${[...model.typesById.keys()].join(', ')}]::integer[]) AS t(otype)
         CROSS JOIN LATERAL (SELECT id FROM entries WHERE otype = t.otype AND anchor_key = x.key OFFSET 0) e`;
  return `WITH x AS (SELECT * FROM unnest($3::text[], $4::text[]) AS u(asked, key))
    SELECT x.asked, r.raw FROM x ${targets}
      CROSS JOIN LATERAL (SELECT raw FROM refs WHERE target = e.id AND attr = $2 AND entry = $1 OFFSET 0) r
    UNION ALL SELECT x.asked, r.raw FROM x
      CROSS JOIN LATERAL (SELECT raw FROM refs WHERE key = x.key AND target IS NULL AND attr = $2 AND entry = $1 OFFSET 0) r`;
}
