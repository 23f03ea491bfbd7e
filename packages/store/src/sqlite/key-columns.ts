import type { SQLInputValue } from 'node:sqlite';
import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import { type StoredAttribute, type StoredType, valueKey } from '../rules/stored-model.ts';

/**
 * The key columns of `entries`: one for each queryable single-valued attribute, with an index. They hold what filters compare:
 * folded where case does not count, numbers as numbers. Real columns, not generated ones: an index is made without parsing a
 * body, and an update touches the indexes of the attributes that it changes and no other.
 */

const INTEGER = /^-?\d{1,19}$/;

/** Whether a column of `entries` is one of them: they are derived from the body. */
export function isKeyColumn(name: string): boolean {
  return /^k\d+_/.test(name);
}

/** The index of a key column. */
export function keyIndex(column: string): string {
  return `entries_${column}`;
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
