import type { SQLInputValue } from 'node:sqlite';
import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import { type StoredAttribute, type StoredType, valueKey } from '../rules/stored-model.ts';
import type { Database } from './database.ts';

/**
 * The key columns of `entries`: one for each queryable single-valued attribute, with an index. They hold what filters compare:
 * folded where case does not count, numbers as numbers. Real columns, not generated ones: an index is made without parsing a
 * body, and an update touches the indexes of the attributes that it changes and no other.
 */

/** Entries whose key columns are filled by one statement after the other before the next look at the table. */
const CHUNK = 1000;
const INTEGER = /^-?\d{1,19}$/;

/** Whether a column of `entries` is one of them: they are derived from the body. */
export function isKeyColumn(name: string): boolean {
  return /^k\d+_/.test(name);
}

/** The key of a value; `null` where there is none to compare. */
function columnKey(attribute: StoredAttribute, value: EncodedValue | readonly EncodedValue[] | undefined): SQLInputValue {
  if (value === undefined || typeof value === 'object') return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (attribute.type !== 'integer') return valueKey(attribute, value);
  if (!INTEGER.test(value)) return null;
  return value.length < 16 ? Number(value) : BigInt(value);
}

/** The keys of all columns of a type, in its order. */
export function columnKeys(type: StoredType, attributes: EncodedAttributes): readonly SQLInputValue[] {
  return type.columns.map((attribute) => columnKey(attribute, attributes[attribute.name]));
}

/** The part of an UPDATE that brings the key columns from one state of the attributes to another. */
export interface ColumnChanges {
  /** `, column = ?` for each: to be appended to a SET list. */
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** What changes in the key columns. */
export function columnChanges(type: StoredType, before: EncodedAttributes, after: EncodedAttributes): ColumnChanges {
  let sql = '';
  const values: SQLInputValue[] = [];
  for (const attribute of type.columns) {
    const value = after[attribute.name];
    if (value === before[attribute.name]) continue;
    sql += `, ${attribute.column} = ?`;
    values.push(columnKey(attribute, value));
  }
  return { sql, values };
}

/** Adds the columns that a model needs and the table has not, fills them from the bodies, and makes their indexes. */
export function addColumns(database: Database, types: Iterable<StoredType>): void {
  const known = new Set(database.all('PRAGMA table_info(entries)').map((row) => String(row['name'])));
  const added = new Set<string>();
  const fresh: StoredType[] = [];
  for (const type of types) {
    const columns = type.columns.filter(({ column = '' }) => !known.has(column));
    for (const { column = '' } of columns) {
      if (added.has(column)) continue;
      added.add(column);
      database.execute(`ALTER TABLE entries ADD COLUMN ${column}`);
    }
    if (columns.length > 0) fresh.push({ ...type, columns });
  }
  for (const type of fresh) fillColumns(database, type);
  for (const column of added) database.execute(`CREATE INDEX entries_${column} ON entries(${column}, otype) WHERE ${column} IS NOT NULL`);
}

function fillColumns(database: Database, type: StoredType): void {
  const sets = type.columns.map(({ column }) => `${column} = ?`).join(', ');
  for (let after = 0; ; ) {
    const rows = database.all('SELECT id, body FROM entries WHERE otype = ? AND id > ? ORDER BY id LIMIT ?', type.id, after, CHUNK);
    for (const row of rows) {
      after = Number(row['id']);
      database.run(`UPDATE entries SET ${sets} WHERE id = ?`, ...columnKeys(type, JSON.parse(String(row['body'])) as EncodedAttributes), after);
    }
    if (rows.length < CHUNK) return;
  }
}
