import { type CatalogueColumn, qualified, quote, type SqlDatabase } from '../database.ts';
import type { KnownTable } from './classify-tables.ts';
import { activeNames, contactKinds, plainName, stateNames } from './name-tables.ts';

/** So many rows of a table are looked at. */
const LOOKED_AT = 1000;
/** A column with more values than that says no kind and no state. */
const MOST_VALUES = 12;

/** A kind or a state is a word or a few: what else there is does not belong into names of attributes and comments. */
const WORDS = /^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,30}$/u;

/**
 * What columns hold that say a kind or a state, by their names: what an enumeration may hold, or what the first rows of a table do.
 */
export async function readHeldValues(database: SqlDatabase, table: KnownTable, schema: string | undefined): Promise<ReadonlyMap<string, readonly string[]>> {
  const held = new Map<string, readonly string[]>();
  if (table.isView) return held;
  for (const column of table.columns) {
    if (column.type !== 'string' || column.unique || !saysKindOrState(column)) continue;
    const values = column.labels ?? (await sample(database, table.name, schema, column));
    if (values.length > 0 && values.length <= MOST_VALUES && values.every((value) => WORDS.test(value))) held.set(column.name, values);
  }
  return held;
}

function saysKindOrState({ name }: CatalogueColumn): boolean {
  return contactKinds.test(name) || activeNames.includes(plainName(name)) || stateNames.includes(plainName(name));
}

async function sample({ query, dialect }: SqlDatabase, table: string, schema: string | undefined, column: CatalogueColumn): Promise<readonly string[]> {
  const first = dialect.limited(`SELECT ${dialect.text(quote(column.name), column)} AS held FROM ${qualified(table, schema)}`, LOOKED_AT);
  try {
    const { rows } = await query(`SELECT DISTINCT s.held FROM (${first}) s WHERE s.held IS NOT NULL ORDER BY 1`, []);
    return rows.map(([value]) => String(value).trimEnd());
  } catch (error) {
    // The catalogue is read as well where the rows may not be.
    if ((error as { readonly code?: string }).code === 'permission-denied') return [];
    throw error;
  }
}
