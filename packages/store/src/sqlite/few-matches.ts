import type { SQLInputValue } from 'node:sqlite';
import type { StoreFilter } from '../connector-store.ts';
import { flag } from '../rules/entry-flags.ts';
import type { StoredModel, StoredType } from '../rules/stored-model.ts';
import type { Database } from './database.ts';
import { translateFilter } from './entry-filter-sql.ts';
import { hasHidden } from './page-starts.ts';

/**
 * The matches of a filter where they are few, in a time that does not grow with the list: SQLite has no statistics to know which part of a
 * filter finds the fewest, and the thread that asks answers requests. So the parts are asked in turn, each for no more than is few; what the
 * smallest one finds is looked at, and nothing else.
 */

/** So many matches are found, sorted and paged while the caller waits on its thread. */
export const FEW = 2000;

/** A part that finds no more than this is good enough. */
const HANDFUL = 10;

/** The type as a condition that no index is chosen for: the filter's finds fewer. */
export const OF_TYPE_BY_FILTER = '+e.otype = ?';

/** What SCIM shows. */
export const VISIBLE = `e.flags & ${flag.hidden} = 0`;

/** The ids of the visible entries that match, in their order; `undefined` for more than `FEW`, or where no part finds fewer. */
export function findFew(database: Database, model: StoredModel, type: StoredType, filter: StoreFilter): readonly number[] | undefined {
  const found = candidatesOf(database, model, type, filter);
  if (found === undefined) return undefined;
  // A filter that is one condition found its own matches; what else found them has to be asked the whole of it.
  if (found.length === 0 || (isOne(filter) && !hasHidden(database, type.id))) return [...found].sort((left, right) => left - right);
  const condition = translateFilter(filter, model, type, { many: true });
  const sql = `SELECT e.id FROM json_each(?) i CROSS JOIN entries e ON e.id = i.value WHERE e.otype = ? AND ${VISIBLE} AND ${condition.sql} ORDER BY e.id`;
  return database.tuples(sql, JSON.stringify(found), type.id, ...condition.values).map(([id]) => Number(id));
}

function isOne(filter: StoreFilter): boolean {
  return filter.kind === 'compare' || filter.kind === 'resource' || (filter.kind === 'or' && filter.filters.every(isOne));
}

/** Entries among which all matches are. */
function candidatesOf(database: Database, model: StoredModel, type: StoredType, filter: StoreFilter): readonly number[] | undefined {
  switch (filter.kind) {
    case 'and': {
      let best: readonly number[] | undefined;
      for (const part of [...filter.filters].sort((left, right) => rank(left) - rank(right))) {
        if (!translateFilter(part, model, type).indexed) continue;
        const found = candidatesOf(database, model, type, part);
        if (found !== undefined && (best === undefined || found.length < best.length)) best = found;
        if (best !== undefined && best.length <= HANDFUL) return best;
      }
      return best;
    }
    case 'or': {
      if (isOne(filter)) break;
      const all = new Set<number>();
      for (const part of filter.filters) {
        const found = candidatesOf(database, model, type, part);
        if (found === undefined) return undefined;
        for (const id of found) all.add(id);
        if (all.size > FEW) return undefined;
      }
      return [...all];
    }
    case 'refers': {
      const attribute = type.attributes.get(filter.attribute)?.id ?? -1;
      return distinct(database, 'SELECT entry AS id FROM refs WHERE target = ? AND attr = ? LIMIT ?', filter.entryId, attribute);
    }
    case 'referred': {
      const attribute = model.types.get(filter.objectType)?.attributes.get(filter.attribute)?.id ?? -1;
      if (filter.entryId === undefined) break;
      return distinct(database, 'SELECT target AS id FROM refs WHERE entry = ? AND attr = ? AND target IS NOT NULL LIMIT ?', filter.entryId, attribute);
    }
    default:
      break;
  }
  const condition = translateFilter(filter, model, type);
  return distinct(database, `SELECT e.id FROM entries e WHERE ${OF_TYPE_BY_FILTER} AND ${condition.sql} LIMIT ?`, type.id, ...condition.values);
}

/** Equality is likely to find the fewest. */
function rank(filter: StoreFilter): number {
  if (filter.kind === 'resource') return filter.field === 'id' && filter.comparison === 'equal' ? 0 : 1;
  return filter.kind === 'compare' && filter.comparison === 'equal' ? 2 : 3;
}

/** The ids that a statement finds. They come as one text: a row of its own for each takes longer to make than to find. */
function distinct(database: Database, sql: string, ...values: readonly SQLInputValue[]): readonly number[] | undefined {
  const [row] = database.tuples(`SELECT json_group_array(id) FROM (${sql})`, ...values, FEW + 1);
  const ids = JSON.parse(String(row?.[0])) as number[];
  return ids.length > FEW ? undefined : [...new Set(ids)];
}
