import {
  type AttributeChange,
  type Attributes,
  ConnectorError,
  type EntryChange,
  type EntryResult,
  encodeValue,
  type SchemaAttribute,
  type Value,
} from '@landbridge/connector-sdk';
import { type CatalogueColumn, quote, type RowSet, type SqlConnection, type SqlDatabase, type SqlRow, type SqlValue } from './database.ts';
import { type Binder, createBinder, keyText, sqlKey } from './fetch-entries.ts';
import type { ColumnAttribute, ObjectModel, SideAttribute } from './object-model.ts';
import { parseReference } from './references.ts';
import { keyOf } from './row-reader.ts';
import { compileSideValue, sideColumns, sideCondition } from './side-reader.ts';

/** What a change is applied with. */
export interface EntryWriter {
  readonly connection: SqlConnection;
  readonly database: SqlDatabase;
  readonly model: ObjectModel;
  /** The table that is written, quoted. */
  readonly target: string;
  /** The attributes that may be returned. */
  readonly wanted: ReadonlySet<string>;
}

/** Applies one change inside a transaction. @throws ConnectorError: nothing of the change may stay. */
export async function writeEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  for (const part of change.changes) checkPart(writer.model, part);
  switch (change.modification) {
    case 'add':
      return addEntry(writer, change);
    case 'update':
    case 'replace':
      return updateEntry(writer, change);
    case 'delete':
      return deleteEntry(writer, change);
  }
}

/** Refuses what the schema does not allow before anything is sent. */
function checkPart(model: ObjectModel, part: AttributeChange): void {
  const attribute = model.definition.attributes.find((one) => one.name === part.name);
  if (attribute === undefined) throw refused(part.name, `object type "${model.name}" has no attribute "${part.name}"`);
  if (attribute.direction === 'import-only') throw refused(part.name, `attribute "${part.name}" can be read, not written`);
  for (const value of valuesOf(part)) {
    try {
      encodeValue(attribute.type, value);
    } catch (error) {
      throw refused(part.name, `attribute "${part.name}": ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function valuesOf(part: AttributeChange): readonly Value[] {
  if (part.modification === 'delete') return [];
  return part.modification === 'update' ? [...part.added, ...part.removed] : part.values;
}

function refused(attribute: string, message: string): ConnectorError {
  return new ConnectorError('invalid-attribute-value', message, { attribute });
}

/** Values by column; `null` for none. */
type Cells = Map<CatalogueColumn, Value | null>;

async function addEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { database, model } = writer;
  const cells = cellsOf(model, change);
  for (const { attribute, column } of model.anchor) {
    const value = change.anchor?.[attribute.name];
    if (value !== undefined && !attribute.assigned && !Array.isArray(value)) cells.set(column, value as Value);
  }
  const given = [...cells].filter(([, value]) => value !== null);
  const binder = createBinder(database);
  const values = given.map(([column, value]) => bindValue(binder, database, column, value)).join(', ');
  const columns = given.length === 0 ? database.dialect.defaultValues : `(${given.map(([column]) => quote(column.name)).join(', ')}) VALUES (${values})`;
  const returned = returnedColumns(writer, cells);
  const row = await insertRow(writer, `INSERT INTO ${writer.target} ${columns}`, binder, returned, cells);
  const anchor: Record<string, Value> = {};
  const attributes: Record<string, Value> = {};
  for (const [index, { attribute, column }] of returned.entries()) {
    const value = row[index];
    if (value !== null && value !== undefined) (attribute.anchor ? anchor : attributes)[attribute.name] = database.dialect.reader(column)(value);
  }
  const key = keyOf(model, anchor);
  for (const { side, part } of sideParts(model, change))
    if (part.modification !== 'delete') await insertValues(writer, side, key, part.modification === 'update' ? part.added : part.values);
  return { id: change.id, anchor, ...(Object.keys(attributes).length === 0 ? {} : { attributes }) };
}

/** Inserts, and gives the returned columns of the new row. */
async function insertRow(
  { connection, database, model, target }: EntryWriter,
  insert: string,
  binder: Binder,
  returned: readonly ReturnedColumn[],
  cells: Cells,
): Promise<SqlRow> {
  const { dialect } = database;
  const list = returned.map(({ column }) => dialect.selected(quote(column.name), column)).join(', ');
  if (dialect.returning) {
    const [row] = (await connection.query(`${insert} RETURNING ${list}`, binder.values)).rows;
    if (row !== undefined) return row;
    throw new ConnectorError('invalid-data', `the insert into ${target} returned no row; a trigger or a rule may have taken it away`);
  }
  const { assigned } = await connection.query(insert, binder.values);
  const own = createBinder(database);
  const where = model.anchor.map(({ attribute, column }) => {
    const value = cells.get(column) ?? (attribute.assigned ? assigned : undefined);
    if (value === undefined)
      throw new ConnectorError(
        'not-supported',
        `the server does not tell the value of "${attribute.name}" in a new row; give it a value, or let the column be AUTO_INCREMENT`,
      );
    return equalsKey(database, column, value, own);
  });
  const [row] = (await connection.query(`SELECT ${list} FROM ${target} WHERE ${where.join(' AND ')}`, own.values)).rows;
  if (row !== undefined) return row;
  throw new ConnectorError('invalid-data', `the row that was inserted into ${target} is not there; a trigger may have taken it away or changed its key`);
}

interface ReturnedColumn {
  readonly attribute: SchemaAttribute;
  readonly column: CatalogueColumn;
}

/** The anchor, and what the database may have filled in by itself. */
function returnedColumns({ model, wanted }: EntryWriter, cells: Cells): readonly ReturnedColumn[] {
  const rest = model.columns.flatMap(({ attribute, columns }) => {
    const [column] = columns;
    const isFilled = column !== undefined && columns.length === 1 && (column.defaulted || column.generated) && !cells.has(column);
    return isFilled && !attribute.anchor && attribute.type !== 'reference' && attribute.direction !== 'export-only' && wanted.has(attribute.name)
      ? [{ attribute, column }]
      : [];
  });
  return [...model.anchor, ...rest];
}

async function updateEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const { dialect } = database;
  const key = keyOf(model, change.anchor ?? {});
  const cells = cellsOf(model, change);
  if (change.modification === 'replace') clearOthers(model, cells);
  const newKey = model.anchor.map(({ column }, index) => cells.get(column) ?? (key[index] as Value));
  const moves = keyText(newKey) !== keyText(key);
  if (moves) for (const sql of dialect.beforeKeyChange) await connection.query(sql, []);
  const binder = createBinder(database);
  const sets = [...cells].map(([column, value]) => `${quote(column.name)} = ${bindValue(binder, database, column, value)}`).join(', ');
  const where = ownCondition(writer, key, binder);
  const sql = cells.size === 0 ? `SELECT 1 FROM ${writer.target} WHERE ${where}${dialect.lockClause}` : `UPDATE ${writer.target} SET ${sets} WHERE ${where}`;
  const { changes } = await connection.query(sql, binder.values);
  if (changes === 0) throw notFound(writer);
  for (const side of model.sides) if (moves) await moveValues(writer, side, key, newKey);
  for (const side of model.sides) await updateSide(writer, side, newKey, change);
  return { id: change.id, ...(moves ? { anchor: anchorOf(model, newKey) } : {}) };
}

/** A replace carries everything: what it does not carry goes. */
function clearOthers(model: ObjectModel, cells: Cells): void {
  for (const { attribute, columns } of model.columns) {
    // A reference may share a column with another attribute, which then decides.
    if (attribute.anchor || attribute.assigned || attribute.direction !== undefined) continue;
    for (const column of columns) if (![...cells.keys()].some((one) => one.name === column.name)) cells.set(column, null);
  }
}

async function deleteEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const key = keyOf(model, change.anchor ?? {});
  for (const side of model.sides) {
    const sideBinder = createBinder(database);
    await connection.query(`DELETE FROM ${side.from} WHERE ${keyCondition(database, side, key, sideBinder)}`, sideBinder.values);
  }
  const binder = createBinder(database);
  const { changes } = await connection.query(`DELETE FROM ${writer.target} WHERE ${ownCondition(writer, key, binder)}`, binder.values);
  if (changes === 0) throw notFound(writer);
  return { id: change.id };
}

function notFound({ target }: EntryWriter): ConnectorError {
  return new ConnectorError('not-found', `there is no row with this identifier in ${target}`);
}

function anchorOf(model: ObjectModel, key: readonly Value[]): Attributes {
  return Object.fromEntries(model.anchor.map(({ attribute }, index) => [attribute.name, key[index] as Value]));
}

function ownCondition({ database, model }: EntryWriter, key: readonly Value[], binder: Binder): string {
  return model.anchor.map(({ column }, index) => equalsKey(database, column, key[index], binder)).join(' AND ');
}

function keyCondition(database: SqlDatabase, side: SideAttribute, key: readonly Value[], binder: Binder): string {
  return side.key.map((column, index) => equalsKey(database, column, key[index], binder)).join(' AND ');
}

function equalsKey({ dialect }: SqlDatabase, column: CatalogueColumn, value: Value | undefined, binder: Binder): string {
  return dialect.equals(quote(column.name), column, value === undefined ? null : dialect.toSql(value, column), binder.bind);
}

function bindValue(binder: Binder, database: SqlDatabase, column: CatalogueColumn, value: Value | null): string {
  return binder.bind(value === null ? null : database.dialect.toSql(value, column));
}

/** What a change writes into the columns of the main table. */
function cellsOf(model: ObjectModel, change: EntryChange): Cells {
  const cells: Cells = new Map();
  for (const part of change.changes) {
    const column = model.columns.find((one) => one.attribute.name === part.name);
    // An anchor that the database assigns is named by the entry, never written.
    if (column === undefined || (column.attribute.anchor && column.attribute.assigned && change.modification === 'add')) continue;
    const values = columnValues(column, onlyValue(part));
    for (const [index, own] of column.columns.entries()) cells.set(anchorColumn(model, own), values?.[index] ?? null);
  }
  return cells;
}

/** The same column object for the same column: an anchor is known by the model's own. */
function anchorColumn(model: ObjectModel, column: CatalogueColumn): CatalogueColumn {
  return model.anchor.find((one) => one.column.name === column.name)?.column ?? column;
}

function columnValues({ attribute, columns }: ColumnAttribute, value: Value | undefined): readonly Value[] | undefined {
  if (value === undefined) return undefined;
  if (attribute.type !== 'reference') return [value];
  try {
    return parseReference(String(value), columns);
  } catch (error) {
    throw refused(attribute.name, `attribute "${attribute.name}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

function onlyValue(part: AttributeChange): Value | undefined {
  if (part.modification === 'delete') return undefined;
  const values = part.modification === 'update' ? part.added : part.values;
  if (values.length > 1) throw refused(part.name, `attribute "${part.name}" has one value and got ${values.length}`);
  return values[0];
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
  const sql = `SELECT ${sideColumns(database.dialect, side)} FROM ${side.from} AS s WHERE ${keyCondition(database, side, key, binder)} AND ${sideCondition(side)}`;
  const readValue = compileSideValue(database, side);
  return (await connection.query(sql, binder.values)).rows.map(readValue).filter((value) => value !== undefined);
}

async function moveValues({ connection, database }: EntryWriter, side: SideAttribute, from: readonly Value[], to: readonly Value[]): Promise<void> {
  const binder = createBinder(database);
  const sets = side.key.map((column, index) => `${quote(column.name)} = ${bindValue(binder, database, column, to[index] ?? null)}`).join(', ');
  await connection.query(`UPDATE ${side.from} SET ${sets} WHERE ${keyCondition(database, side, from, binder)}`, binder.values);
}

async function insertValues(writer: EntryWriter, side: SideAttribute, key: readonly Value[], values: readonly Value[]): Promise<void> {
  await runAll(writer.connection, writer.database.dialect.insertRows(rowSet(writer.database, side, key, values)));
}

async function deleteValues(writer: EntryWriter, side: SideAttribute, key: readonly Value[], values: readonly Value[]): Promise<void> {
  await runAll(writer.connection, writer.database.dialect.deleteRows(rowSet(writer.database, side, key, values)));
}

async function runAll(connection: SqlConnection, statements: readonly { readonly sql: string; readonly values: readonly SqlValue[] }[]): Promise<void> {
  for (const { sql, values } of statements) await connection.query(sql, values);
}

function rowSet(database: SqlDatabase, side: SideAttribute, key: readonly Value[], values: readonly Value[]): RowSet {
  const { name, type } = side.attribute;
  const rows = [...new Set(values)].map((value) => {
    try {
      return sqlKey(database, side.value, type === 'reference' ? parseReference(String(value), side.value) : [value]);
    } catch (error) {
      throw refused(name, `attribute "${name}": ${error instanceof Error ? error.message : String(error)}`);
    }
  });
  return { from: side.from, keyColumns: side.key, key: sqlKey(database, side.key, key), columns: side.value, rows };
}
