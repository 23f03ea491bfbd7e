import { flag } from '../rules/entry-flags.ts';
import type { Database } from './database.ts';

/**
 * Where a page of all entries of a type begins: by a position that is known from before, not by passing over every row.
 *
 * 1. Entries stand in the order of their ids. New ones come last, so that what is known of positions stays true.
 * 2. Whatever else moves positions (a removal, a row whose id is not the highest) counts up `types.moved`, and all that is known is forgotten.
 * 3. A hidden entry has no position: while a type has one, pages begin by counting rows.
 */
export interface PageStarts {
  /** The id of the entry at a position, from 0; `undefined` when rows have to be counted; `null` behind the last one. */
  find(otype: number, position: number): number | null | undefined;
}

/** Every so many entries the id is kept: 8 KB for a million entries. */
const STEP = 1000;
const AFTER = 'SELECT id FROM entries INDEXED BY entries_type WHERE otype = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?';
const HIDDEN = `SELECT 1 AS one FROM entries INDEXED BY entries_flags WHERE flags <> 0 AND flags >= ${flag.hidden} AND otype = ? LIMIT 1`;

/** Whether any entry of a type may be hidden. */
export function hasHidden(database: Database, otype: number): boolean {
  return database.get(HIDDEN, otype) !== undefined;
}

/** Keeps page starts of a database that another thread writes. */
export function createPageStarts(database: Database): PageStarts {
  const known = new Map<number, { readonly moved: number; readonly ids: number[] }>();

  function startsOf(otype: number): number[] {
    const moved = Number(database.get('SELECT moved FROM types WHERE id = ?', otype)?.['moved'] ?? 0);
    const starts = known.get(otype);
    if (starts?.moved === moved) return starts.ids;
    const ids: number[] = [];
    known.set(otype, { moved, ids });
    return ids;
  }

  return {
    find(otype, position) {
      if (hasHidden(database, otype)) return undefined;
      const ids = startsOf(otype);
      // `ids[n]` is the entry at position (n + 1) × STEP - 1: the last one of each step.
      const steps = Math.floor(position / STEP);
      while (ids.length < steps) {
        const next = database.get(AFTER, otype, ids.at(-1) ?? 0, STEP - 1);
        if (next === undefined) return null;
        ids.push(Number(next['id']));
      }
      const row = database.get(AFTER, otype, steps === 0 ? 0 : (ids[steps - 1] ?? 0), position % STEP);
      return row === undefined ? null : Number(row['id']);
    },
  };
}
