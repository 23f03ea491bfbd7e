import type { Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, quote } from './database.ts';
import { createBinder } from './fetch-entries.ts';
import type { ObjectModel } from './object-model.ts';
import { type EntryWriter, equalsKey } from './side-writes.ts';

/** Where rows of other tables refer to the rows of an object type. */
export interface Referrer {
  /** The table, quoted. */
  readonly from: string;
  /** In the order of the anchor that they refer to. */
  readonly columns: readonly CatalogueColumn[];
  /** Rows that are nothing but the reference, such as memberships, go; elsewhere the reference is taken out of its row. */
  readonly whole: boolean;
}

/**
 * The references to an object type that are the host's to change: attributes of the configuration that are written by generated
 * statements. What other tables refer to is the database's own affair.
 */
export function findReferrers(models: Iterable<ObjectModel>, objectType: string): readonly Referrer[] {
  const found: Referrer[] = [];
  for (const model of models) {
    for (const side of model.sides) {
      const isGenerated = Object.keys(side.operations).length === 0 && side.attribute.direction === undefined;
      if (side.settings.reference?.objectType === objectType && isGenerated) found.push({ from: side.from, columns: side.value, whole: true });
    }
    if (model.target === undefined || model.operations.update !== undefined) continue;
    for (const { attribute, columns } of model.columns) {
      const isFree = columns.every((column) => column.nullable && !model.anchor.some((one) => one.column.name === column.name));
      if (attribute.type !== 'reference' || attribute.direction !== undefined || !isFree || attribute.referenceTypes?.includes(objectType) !== true) continue;
      found.push({ from: model.target, columns, whole: false });
    }
  }
  return found;
}

/** Lets go of an entry before it is deleted: it is in no group any more, and nobody's manager (S-170). */
export async function letGo({ connection, database }: EntryWriter, referrers: readonly Referrer[], key: readonly Value[]): Promise<void> {
  for (const { from, columns, whole } of referrers) {
    const binder = createBinder(database);
    const where = columns.map((column, index) => equalsKey(database, column, key[index], binder)).join(' AND ');
    const sql = whole ? `DELETE FROM ${from}` : `UPDATE ${from} SET ${columns.map((column) => `${quote(column.name)} = NULL`).join(', ')}`;
    await connection.query(`${sql} WHERE ${where}`, binder.values);
  }
}
