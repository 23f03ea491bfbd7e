import { type AttributeChange, ConnectorError, type EntryChange, messageOf, type Value } from '@landbridge/connector-sdk';
import { checkBytes } from './column-codec.ts';
import { type CatalogueColumn, quote, type RowSet, type SqlConnection, type SqlDatabase, type SqlValue, type Statement } from './database.ts';
import { type Binder, createBinder, parameterOf, sqlKey } from './fetch-entries.ts';
import { type ObjectModel, type SideAttribute, sideValueNames } from './object-model.ts';
import { formatValue, parseReference } from './references.ts';
import type { Referrer } from './referrers.ts';
import { compileSideValue, sideColumns, sideCondition } from './side-reader.ts';
import { runOperations, type WriteOperation } from './write-operations.ts';

/** What a change is applied with. */
export interface EntryWriter {
  readonly connection: SqlConnection;
  readonly database: SqlDatabase;
  readonly model: ObjectModel;
  /** The table that is written, quoted. */
  readonly target: string | undefined;
  /** The attributes that may be returned. */
  readonly wanted: ReadonlySet<string>;
  /** What refers to entries of this type. */
  readonly referrers: readonly Referrer[];
}

/** The error of a value that is not taken. */
export function refused(attribute: string, message: string): ConnectorError {
  return new ConnectorError('invalid-attribute-value', message, { attribute });
}

/** Adds the rows of side tables of a new entry. */
export async function insertSides(writer: EntryWriter, key: readonly Value[], change: EntryChange): Promise<void> {
  for (const { side, part } of sideParts(writer.model, change))
    if (part.modification !== 'delete') await insertValues(writer, side, key, part.modification === 'update' ? part.added : part.values);
}

/** Lets the rows of side tables follow an anchor that changed. */
export async function moveSides(writer: EntryWriter, from: readonly Value[], to: readonly Value[]): Promise<void> {
  for (const side of writer.model.sides) await moveValues(writer, side, from, to);
}

/** Changes the rows of side tables. */
export async function updateSides(writer: EntryWriter, key: readonly Value[], change: EntryChange): Promise<void> {
  for (const side of writer.model.sides) await updateSide(writer, side, key, change);
}

/** Removes the rows of side tables. */
export async function deleteSides(writer: EntryWriter, key: readonly Value[]): Promise<void> {
  for (const side of writer.model.sides) {
    if (side.operations.remove !== undefined || side.operations.clear !== undefined) {
      await clearByOperations(writer, side, key);
      continue;
    }
    const binder = createBinder(writer.database);
    await writer.connection.query(`DELETE FROM ${side.from} WHERE ${keyCondition(writer.database, side, key, binder)}`, binder.values);
  }
}

function keyCondition(database: SqlDatabase, side: SideAttribute, key: readonly Value[], binder: Binder): string {
  return side.key.map((column, index) => equalsKey(database, column, key[index], binder)).join(' AND ');
}

/** An exact condition on one column of a key. */
export function equalsKey({ dialect }: SqlDatabase, column: CatalogueColumn, value: Value | undefined, binder: Binder): string {
  return dialect.equals(quote(column.name), column, value === undefined ? null : dialect.toSql(value, column), binder.bind);
}

/** Binds a value as the driver takes it for the column. */
export function bindValue(binder: Binder, database: SqlDatabase, column: CatalogueColumn, value: Value | null): string {
  const placeholder = binder.bind(value === null ? null : database.dialect.toSql(value, column));
  return parameterOf(database.dialect, placeholder, column);
}

function sideParts(model: ObjectModel, change: EntryChange): readonly { readonly side: SideAttribute; readonly part: AttributeChange }[] {
  return model.sides.flatMap((side) => {
    const part = change.changes.find((one) => one.name === side.attribute.name);
    return part === undefined ? [] : [{ side, part }];
  });
}

async function updateSide(writer: EntryWriter, side: SideAttribute, key: readonly Value[], change: EntryChange): Promise<void> {
  const part = change.changes.find((one) => one.name === side.attribute.name);
  if (part === undefined && change.modification !== 'replace') return;
  if (part?.modification === 'update') {
    await deleteValues(writer, side, key, part.removed);
    // Adding a value that is there is no error: the wanted state is there, and a repeat must be harmless (R14).
    await insertValues(writer, side, key, part.added);
    return;
  }
  const wanted = part === undefined || part.modification === 'delete' ? [] : part.values;
  const kept = new Set(wanted);
  const present = await readValues(writer, side, key);
  // Rows whose value stays are not touched: their other columns are the application's.
  await deleteValues(
    writer,
    side,
    key,
    present.filter((value) => !kept.has(value)),
  );
  await insertValues(writer, side, key, wanted);
}

async function readValues({ connection, database }: EntryWriter, side: SideAttribute, key: readonly Value[]): Promise<readonly Value[]> {
  const binder = createBinder(database);
  const sql = `SELECT ${sideColumns(database.dialect, side)} FROM ${side.from} s WHERE ${keyCondition(database, side, key, binder)} AND ${sideCondition(side)}`;
  const readValue = compileSideValue(database, side);
  return (await connection.query(sql, binder.values)).rows.map(readValue).filter((value) => value !== undefined);
}

/** Runs steps for one value of an owner. */
async function runForValue(
  writer: EntryWriter,
  side: SideAttribute,
  steps: readonly WriteOperation[],
  key: readonly Value[],
  value: readonly SqlValue[],
): Promise<void> {
  const { connection, database, model } = writer;
  const names = sideValueNames(side.value);
  const values = Object.fromEntries(model.anchor.map(({ attribute }, index) => [attribute.name, key[index] ?? '']));
  await runOperations(connection, database, model, steps, { values, renamed: {}, side: new Map(value.map((one, index) => [names[index] ?? '', one])) });
}

async function clearByOperations(writer: EntryWriter, side: SideAttribute, key: readonly Value[]): Promise<void> {
  const { clear } = side.operations;
  const present = await readValues(writer, side, key);
  if (clear === undefined) await deleteValues(writer, side, key, present);
  else if (present.length > 0) await runForValue(writer, side, clear, key, []);
}

async function moveValues(writer: EntryWriter, side: SideAttribute, from: readonly Value[], to: readonly Value[]): Promise<void> {
  const { connection, database } = writer;
  if (side.operations.add !== undefined) {
    const present = await readValues(writer, side, from);
    await clearByOperations(writer, side, from);
    return insertValues(writer, side, to, present);
  }
  const binder = createBinder(database);
  const sets = side.key.map((column, index) => `${quote(column.name)} = ${bindValue(binder, database, column, to[index] ?? null)}`).join(', ');
  await connection.query(`UPDATE ${side.from} SET ${sets} WHERE ${keyCondition(database, side, from, binder)}`, binder.values);
}

async function insertValues(writer: EntryWriter, side: SideAttribute, key: readonly Value[], values: readonly Value[]): Promise<void> {
  const rows = rowSet(writer.database, side, key, values);
  const { add } = side.operations;
  if (add === undefined || rows.rows.length === 0) return runAll(writer.connection, writer.database.dialect.insertRows(rows));
  // What is there already is not added again: a repeat must be harmless (R14).
  const present = new Set((await readValues(writer, side, key)).map(formatValue));
  const distinct = [...new Set(values)];
  for (const [index, row] of rows.rows.entries()) if (!present.has(formatValue(distinct[index] ?? ''))) await runForValue(writer, side, add, key, row);
}

async function deleteValues(writer: EntryWriter, side: SideAttribute, key: readonly Value[], values: readonly Value[]): Promise<void> {
  const rows = rowSet(writer.database, side, key, values);
  const { remove, clear } = side.operations;
  if (remove === undefined || rows.rows.length === 0) return runAll(writer.connection, writer.database.dialect.deleteRows(rows));
  const present = new Set((await readValues(writer, side, key)).map(formatValue));
  const distinct = [...new Set(values)];
  const gone = rows.rows.filter((_, index) => present.has(formatValue(distinct[index] ?? '')));
  // All of them at once, where the application has a way for that.
  if (clear !== undefined && gone.length > 0 && gone.length === present.size) return runForValue(writer, side, clear, key, []);
  for (const row of gone) await runForValue(writer, side, remove, key, row);
}

async function runAll(connection: SqlConnection, statements: readonly Statement[]): Promise<void> {
  for (const { sql, values, unless } of statements)
    if (unless === undefined || (await connection.query(unless.sql, unless.values)).rows.length === 0) await connection.query(sql, values);
}

function rowSet(database: SqlDatabase, side: SideAttribute, key: readonly Value[], values: readonly Value[]): RowSet {
  const { name, type } = side.attribute;
  const rows = [...new Set(values)].map((value) => {
    try {
      if (side.value[0] !== undefined) checkBytes(value, side.value[0]);
      return sqlKey(database, side.value, type === 'reference' ? parseReference(String(value), side.value) : [value]);
    } catch (error) {
      throw refused(name, `attribute "${name}": ${messageOf(error)}`);
    }
  });
  return {
    from: side.from,
    keyColumns: side.key,
    key: sqlKey(database, side.key, key),
    columns: side.value,
    rows,
    fixedColumns: side.fixed.map(({ column }) => column),
    fixed: side.fixed.map(({ value }) => fixedValue(value)),
    where: side.settings.where,
  };
}

/** A value of `set`: the time of the write where it asks for it. */
function fixedValue(value: string | number | boolean): SqlValue {
  if (value === '=today') return new Date().toISOString().slice(0, 10);
  if (value === '=now') return new Date().toISOString().slice(0, 19).replace('T', ' ');
  if (typeof value === 'string') return value.replace(/^==/, '=');
  return typeof value === 'boolean' ? Number(value) : value;
}
