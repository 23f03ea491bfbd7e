import type { AwaitedAttributes } from '../rules/confirmation.ts';
import { flag } from '../rules/entry-flags.ts';
import type { ImportStep } from '../rules/import-step.ts';
import type { Session } from './connection.ts';

/** What an import says of creates and deletes (R20): the rules of `sqlite/existence-confirmation.ts`. */

/** Ends the wait of deletes that a complete full step, which began after them, did not show. */
export async function confirmDeletes(session: Session, step: Pick<ImportStep, 'fence' | 'partition' | 'types'>): Promise<void> {
  await session.all(
    `UPDATE journal j SET state = 'confirmed' WHERE j.kind = 'delete' AND j.state = 'applied' AND coalesce(as_json(j.effect) ->> 'partition', '') = $1
       AND j.otype = ANY($2::integer[])
       AND (EXISTS (SELECT 1 FROM links l WHERE l.scim_id = j.scim_id AND l.state IN ('deleted', 'gone') AND l.deleted_position <= $3)
         OR EXISTS (SELECT 1 FROM entries e WHERE e.id = j.entry AND e.flags & ${flag.absent} <> 0 AND e.position <= $3))`,
    step.partition,
    step.types.map((type) => type.id),
    step.fence,
  );
}

/** A deleted entry is there after all: its delete is reported. Returns its journal row, where it was still awaited. */
export async function reportShownAgain(session: Session, scimId: string): Promise<number | undefined> {
  const row = await session.get(
    "UPDATE journal SET state = 'not-reimported' WHERE kind = 'delete' AND state = 'applied' AND scim_id = $1 RETURNING id",
    scimId,
  );
  return row === undefined ? undefined : Number(row['id']);
}

/** Creates that mode shadow recorded are not there: they are reported, whatever of them an import would show (R31). */
export async function reportUnshown(session: Session, entryIds: readonly number[]): Promise<void> {
  await session.all("UPDATE journal SET state = 'not-reimported' WHERE entry = ANY($1::bigint[]) AND kind = 'add' AND state = 'applied'", entryIds);
}

/** Entries are removed although writes to them were never confirmed: they are reported. */
export async function reportMissing(session: Session, awaited: readonly AwaitedAttributes[]): Promise<void> {
  const ids = new Set(awaited.flatMap((attributes) => Object.values(attributes).map((wait) => wait.journal)));
  if (ids.size > 0) await session.all("UPDATE journal SET state = 'not-reimported' WHERE id = ANY($1::bigint[]) AND state = 'applied'", [...ids]);
}
