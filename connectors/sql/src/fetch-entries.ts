import type { ImportEntry, SchemaAttribute, Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, type Dialect, quote, type SqlDatabase, type SqlRow, type SqlValue } from './database.ts';
import type { ObjectModel, SideAttribute } from './object-model.ts';
import { formatValue } from './references.ts';
import { compileReader, keyOf, nameAttribute, type ReadEntry, type RowReader } from './row-reader.ts';
import { compileSideValue, sideColumns, sideCondition, sideOrder } from './side-reader.ts';

/** Keys in one statement, and their values: SQL Server takes 2100 parameters, others many more. */
const KEYS = 500;
const KEY_VALUES = 2000;

/** How many keys of so many columns go in one statement. */
function keysAtOnce(columns: number): number {
  return Math.max(1, Math.min(KEYS, Math.floor(KEY_VALUES / columns)));
}

/** Collects values and gives their placeholders. */
export interface Binder {
  readonly values: SqlValue[];
  bind(value: SqlValue): string;
}

/** Makes a binder. */
export function createBinder(database: SqlDatabase): Binder {
  const values: SqlValue[] = [];
  return {
    values,
    bind(value) {
      values.push(value);
      return database.dialect.placeholder(values.length);
    },
  };
}

/** Entries by their anchors, with their side tables: one statement for each table and some hundred keys. */
export async function fetchByKeys(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  keys: readonly (readonly Value[])[],
  signal: AbortSignal,
): Promise<readonly ImportEntry[]> {
  const reader = compileReader(database, model, wanted);
  const columns = model.anchor.map((one) => one.column);
  const entries: ReadEntry[] = [];
  const size = keysAtOnce(columns.length);
  for (let index = 0; index < keys.length; index += size) {
    const binder = createBinder(database);
    const chunk = keys.slice(index, index + size).map((key) => sqlKey(database, columns, key));
    const condition = database.dialect.isOneOf(
      model.anchor.map((one) => `m.${quote(one.column.name)}`),
      columns,
      chunk,
      binder.bind,
    );
    const alive = model.alive === undefined ? '' : ` AND ${model.alive}`;
    const { rows } = await database.query(`SELECT ${reader.select} FROM ${model.from} WHERE ${condition}${alive}`, binder.values, signal);
    entries.push(...(await completeRows(database, model, wanted, reader, rows, signal)));
  }
  return entries;
}

/** Rows as entries, with the values of their side tables. */
export async function completeRows(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  reader: RowReader,
  rows: readonly SqlRow[],
  signal: AbortSignal,
  options: { readonly modification: 'add' | 'replace'; readonly isRange?: boolean } = { modification: 'replace' },
): Promise<readonly ReadEntry[]> {
  const entries = rows.map((row) => reader.entry(row, options.modification));
  const byKey = new Map<string, ReadEntry>();
  for (const entry of entries) if (entry.error === undefined) byKey.set(keyText(keyOf(model, entry.anchor)), entry);
  for (const side of model.sides) if (wanted.has(side.attribute.name)) await addSide(database, model, side, byKey, signal, options.isRange ?? false);
  return entries;
}

async function addSide(
  database: SqlDatabase,
  model: ObjectModel,
  side: SideAttribute,
  byKey: ReadonlyMap<string, ReadEntry>,
  signal: AbortSignal,
  isRange: boolean,
): Promise<void> {
  const readers = side.key.map((column) => database.dialect.reader(column));
  const readValue = compileSideValue(database, side);
  const keys = [...byKey.values()].map((entry) => keyOf(model, entry.anchor));
  // Whole numbers in a row: their side rows stand in a row too, and what is between them belongs to nobody.
  const inRow = isRange && side.key.length === 1 && model.anchor[0]?.order === 'integer';
  const size = inRow ? keys.length : keysAtOnce(side.key.length);
  for (let index = 0; index < keys.length; index += size) {
    const binder = createBinder(database);
    const chunk = keys.slice(index, index + size).map((key) => sqlKey(database, side.key, key));
    const bound = `s.${quote(side.key[0]?.name ?? '')}`;
    const between = (): string => `${bound} >= ${binder.bind(chunk[0]?.[0] ?? null)} AND ${bound} <= ${binder.bind(chunk.at(-1)?.[0] ?? null)}`;
    const isOneOf = (): string =>
      database.dialect.isOneOf(
        side.key.map((column) => `s.${quote(column.name)}`),
        side.key,
        chunk,
        binder.bind,
      );
    const condition = inRow ? between() : isOneOf();
    const sql = `SELECT ${sideColumns(database.dialect, side)} FROM ${side.from} s WHERE ${condition} AND ${sideCondition(side)} ORDER BY ${sideOrder(database, model, side)}`;
    const { rows } = await database.query(sql, binder.values, signal);
    collect(side.attribute, rows, (row) => byKey.get(keyText(readers.map((read, at) => read(row[at])))), readValue);
  }
}

/** Rows come in the order of owner and value: equal values stand side by side. */
function collect(
  { name, multiValued }: SchemaAttribute,
  rows: readonly SqlRow[],
  ownerOf: (row: SqlRow) => ReadEntry | undefined,
  readValue: (row: SqlRow) => Value | undefined,
): void {
  for (const row of rows) {
    const owner = ownerOf(row);
    if (owner === undefined) continue;
    const value = readQuietly(owner, name, row, readValue);
    if (value === undefined) continue;
    if (!multiValued) {
      owner.attributes[name] ??= value;
      continue;
    }
    const values = (owner.attributes[name] ?? []) as Value[];
    const last = values.at(-1);
    if (last === undefined || formatValue(last) !== formatValue(value)) values.push(value);
    owner.attributes[name] = values;
  }
}

function readQuietly(owner: ReadEntry, name: string, row: SqlRow, readValue: (row: SqlRow) => Value | undefined): Value | undefined {
  try {
    return readValue(row);
  } catch (error) {
    Object.assign(owner, { error: nameAttribute(error, owner.objectType, name) });
    return undefined;
  }
}

/** Whether a row of the main table comes after a key, in the order of the anchor. */
export function isAfterKey({ dialect }: SqlDatabase, model: ObjectModel, key: readonly Value[], binder: Binder): string {
  const pairs = model.anchor.map(({ column, order }, index) => {
    const bare = `m.${quote(column.name)}`;
    const left = dialect.orderBy(bare, column, order);
    const value = key[index] as Value;
    // What is ordered as text is compared with text, whatever the column holds.
    const native = (): string => parameterOf(dialect, binder.bind(dialect.toSql(value, column)), column);
    const right = (): string => (left === bare ? native() : dialect.codePoints(binder.bind(formatValue(value))));
    return { left, right };
  });
  return dialect.isAfter(pairs);
}

/** A placeholder as a value of a column. */
export function parameterOf({ parameter }: Dialect, placeholder: string, column: CatalogueColumn): string {
  return parameter?.(placeholder, column) ?? placeholder;
}

/** A key as the driver takes it for these columns. */
export function sqlKey(database: SqlDatabase, columns: readonly CatalogueColumn[], key: readonly Value[]): readonly SqlValue[] {
  return columns.map((column, index) => {
    const value = key[index];
    return value === undefined ? null : database.dialect.toSql(value, column);
  });
}

/** A key as one text that no other key has. */
export function keyText(key: readonly Value[]): string {
  return key.length === 1 ? formatValue(key[0] as Value) : JSON.stringify(key.map(formatValue));
}
