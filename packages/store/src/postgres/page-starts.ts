import { flag } from '../rules/entry-flags.ts';
import type { Queries } from './connection.ts';

/**
 * Where a page of all entries of a type begins: by a position that is known from before, not by passing over every row.
 * The rules are those of `sqlite/page-starts.ts`; what moves positions counts up `types.moved`.
 */
export interface PageStarts {
  /** How many entries a type has, and from where a page begins: behind the entry `after`, with so many more passed over. */
  find(otype: number, position: number): Promise<PageStart>;
}

export interface PageStart {
  readonly entries: number;
  readonly after: number;
  readonly offset: number;
}

/** Every so many entries the id is kept: 40 KB for a million entries. */
const STEP = 200;
const STATE = `SELECT t.entries, t.moved, EXISTS (SELECT 1 FROM entries e WHERE e.flags <> 0 AND e.flags >= ${flag.hidden} AND e.otype = t.id) AS hidden FROM types t WHERE t.id = $1`;
const MORE = `SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM
  (SELECT id FROM entries WHERE otype = $1 AND id > $2 ORDER BY id LIMIT $3) few) numbered WHERE n % ${STEP} = 0 ORDER BY id`;

/** Keeps page starts of a connector's schema. */
export function createPageStarts(queries: Queries): PageStarts {
  const known = new Map<number, { readonly moved: number; readonly ids: number[] }>();

  async function lengthen(otype: number, ids: number[], steps: number): Promise<void> {
    const begun = ids.length;
    if (begun >= steps) return;
    const rows = await queries.all(MORE, otype, ids.at(-1) ?? 0, (steps - begun) * STEP);
    // Another page may have been faster.
    if (ids.length === begun) ids.push(...rows.map((row) => Number(row['id'])));
  }

  return {
    async find(otype, position) {
      const state = await queries.get(STATE, otype);
      const entries = Number(state?.['entries'] ?? 0);
      // A hidden entry has no position: while a type has one, pages begin by counting rows.
      if (state === undefined || state['hidden'] === true || position < STEP) return { entries, after: 0, offset: position };
      const moved = Number(state['moved']);
      let starts = known.get(otype);
      if (starts?.moved !== moved) {
        starts = { moved, ids: [] };
        known.set(otype, starts);
      }
      // `ids[n]` is the entry at position (n + 1) × STEP - 1: the last one of each step.
      await lengthen(otype, starts.ids, Math.min(Math.floor(position / STEP), Math.floor(entries / STEP)));
      const steps = Math.min(Math.floor(position / STEP), starts.ids.length);
      return { entries, after: steps === 0 ? 0 : (starts.ids[steps - 1] ?? 0), offset: position - steps * STEP };
    },
  };
}
