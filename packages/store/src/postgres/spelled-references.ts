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
  const key = model.referenceForm === 'dn' ? 'dn_key' : 'anchor_key';
  const spelled = await queries.all(
    `WITH x AS (SELECT * FROM unnest($3::text[], $4::text[]) AS u(asked, key))
     SELECT x.asked, r.raw FROM x JOIN entries e ON e.${key} = x.key JOIN refs r ON r.target = e.id AND r.attr = $2 AND r.entry = $1
     UNION ALL SELECT x.asked, r.raw FROM x JOIN refs r ON r.key = x.key AND r.target IS NULL AND r.attr = $2 AND r.entry = $1`,
    entryId,
    attr,
    others,
    others.map(model.referenceKey),
  );
  for (const row of spelled) present.set(String(row['asked']), String(row['raw']));
  return present;
}
