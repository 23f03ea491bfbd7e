import type { ImportEntry, Value } from '@landbridge/connector-sdk';
import { quote, type SqlDatabase, type SqlValue } from './database.ts';
import { compileReader, formatReference, type ObjectModel } from './object-model.ts';

/** Rows chosen by a condition, with the values of their side tables: one statement for each table, whatever the number of rows. */
export async function fetchEntries(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  condition: { readonly sql: string; readonly values: readonly SqlValue[] },
  limit: number,
): Promise<readonly ImportEntry[]> {
  const reader = compileReader(database, model, wanted);
  const { rows } = await database.query(`SELECT ${reader.select} FROM ${model.from} WHERE ${condition.sql} LIMIT ${limit}`, condition.values);
  const found = rows.map((row) => ({ key: reader.keyOf(row), anchor: reader.anchorOf(row), attributes: reader.attributesOf(row) }));
  if (found.length > 0) {
    const byKey = new Map(found.map((entry) => [keyText(entry.key), entry.attributes]));
    for (const side of model.sides) {
      if (!wanted.has(side.attribute.name)) continue;
      const columns = [...side.key, ...side.value];
      const inKeys = keysCondition(
        database,
        side.key.map((column) => column.name),
        found.map((entry) => entry.key),
      );
      const result = await database.query(
        `SELECT ${columns.map((column) => quote(column.name)).join(', ')} FROM ${side.from} WHERE ${inKeys.sql}`,
        inKeys.values,
      );
      const readers = columns.map((column) => database.dialect.reader(column.type));
      for (const row of result.rows) {
        const values = readers.map((read, index) => read(row[index]));
        const attributes = byKey.get(keyText(values.slice(0, side.key.length)));
        const own = values.slice(side.key.length);
        const value = side.attribute.type === 'reference' ? formatReference(own) : own[0];
        if (attributes !== undefined && value !== undefined)
          attributes[side.attribute.name] = [...((attributes[side.attribute.name] as readonly Value[] | undefined) ?? []), value];
      }
    }
  }
  return found.map(({ anchor, attributes }) => ({ modification: 'replace', objectType: model.name, anchor, attributes }));
}

function keyText(values: readonly (Value | undefined)[]): string {
  return values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value))).join('\u0000');
}

/** `(a, b) IN ((?, ?), …)`. */
export function keysCondition(
  database: SqlDatabase,
  columns: readonly string[],
  keys: readonly (readonly Value[])[],
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const values: SqlValue[] = [];
  const tuples = keys.map((key) => {
    const placeholders = key.map((value) => {
      values.push(database.dialect.toSql(value));
      return database.dialect.placeholder(values.length);
    });
    return columns.length === 1 ? placeholders.join('') : `(${placeholders.join(', ')})`;
  });
  const left = columns.length === 1 ? quote(columns[0] ?? '') : `(${columns.map(quote).join(', ')})`;
  return { sql: `${left} IN (${columns.length === 1 || database.dialect.name === 'postgres' ? tuples.join(', ') : `VALUES ${tuples.join(', ')}`})`, values };
}
