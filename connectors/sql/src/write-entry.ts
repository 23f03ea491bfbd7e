import { randomUUID } from 'node:crypto';
import {
  type AttributeChange,
  type Attributes,
  ConnectorError,
  type EntryChange,
  type EntryResult,
  encodeValue,
  messageOf,
  type SchemaAttribute,
  type Value,
} from '@landbridge/connector-sdk';
import { checkBytes } from './column-codec.ts';
import { addByOperations, deleteByOperations, updateByOperations } from './custom-writes.ts';
import { type CatalogueColumn, type Insert, quote, type SqlRow } from './database.ts';
import { type Binder, createBinder, keyText } from './fetch-entries.ts';
import type { ColumnAttribute, ObjectModel } from './object-model.ts';
import { checkExact, checkVersion, isRewritten, notFound, readCurrent, readMade } from './present-entry.ts';
import { parseReference } from './references.ts';
import { letGo } from './referrers.ts';
import { attributeValues, keyOf } from './row-reader.ts';
import { bindValue, deleteSides, type EntryWriter, equalsKey, insertSides, moveSides, refused, updateSides } from './side-writes.ts';
import { runOperations } from './write-operations.ts';

/** Applies one change inside a transaction. @throws ConnectorError: nothing of the change may stay. */
export async function writeEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  for (const part of change.changes) checkPart(writer.model, part);
  const { insert, update, delete: remove } = writer.model.operations;
  switch (change.modification) {
    case 'add':
      return addWithPassword(writer, change, insert === undefined ? await addEntry(writer, change) : await addByOperations(writer, change, insert));
    case 'update':
    case 'replace':
      return update === undefined
        ? updateEntry(writer, await completeLists(writer, change))
        : updateByOperations(writer, await completeLists(writer, change), update);
    case 'delete':
      return remove === undefined ? deleteEntry(writer, change) : deleteByOperations(writer, change, remove);
  }
}

/** The initial password, in the same transaction: it went with the insert, or is set now. */
async function addWithPassword(writer: EntryWriter, change: EntryChange, result: EntryResult): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const { insert = [], setPassword } = model.operations;
  const { password } = change;
  if (password === undefined || insert.some((step) => step.names.includes('password'))) return result;
  if (setPassword === undefined) throw new ConnectorError('not-supported', `the object type "${model.name}" has no write.setPassword`);
  const { attributes, anchor } = await readCurrent(writer, keyOf(model, result.anchor ?? {}));
  await runOperations(connection, database, model, setPassword, { values: { ...attributes, ...anchor }, renamed: {}, password });
  return result;
}

/** Several values in one column change as a whole: what is added and removed is worked out on what is there. */
async function completeLists(writer: EntryWriter, change: EntryChange): Promise<EntryChange> {
  const lists = new Set(writer.model.columns.filter(({ columns }) => columns[0]?.codec?.multiValued).map(({ attribute }) => attribute.name));
  if (!change.changes.some((part) => part.modification === 'update' && lists.has(part.name))) return change;
  const key = keyOf(writer.model, change.anchor ?? {});
  await lockRow(writer, key);
  const { attributes } = await readCurrent(writer, key, lists);
  const changes = change.changes.map((part): AttributeChange => {
    if (part.modification !== 'update' || !lists.has(part.name)) return part;
    const before = (attributes?.[part.name] ?? []) as readonly Value[];
    const values = [...new Set([...before.filter((value) => !part.removed.includes(value)), ...part.added])];
    return { name: part.name, modification: 'replace', values };
  });
  return { ...change, changes };
}

/** Nobody else changes the row before this transaction ends. */
async function lockRow(writer: EntryWriter, key: readonly Value[]): Promise<void> {
  const { lockHint, lockClause } = writer.database.dialect;
  if (writer.target === undefined || `${lockHint}${lockClause}` === '') return;
  const binder = createBinder(writer.database);
  await writer.connection.query(`SELECT 1 FROM ${writer.target}${lockHint} WHERE ${ownCondition(writer, key, binder)}${lockClause}`, binder.values);
}

function targetOf({ model, target }: EntryWriter): string {
  if (target !== undefined) return target;
  throw new ConnectorError(
    'not-supported',
    `the object type "${model.name}" comes from a view or a query and cannot be written; name a writeTable, or statements in write`,
  );
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
      throw refused(part.name, `attribute "${part.name}": ${messageOf(error)}`);
    }
  }
}

function valuesOf(part: AttributeChange): readonly Value[] {
  if (part.modification === 'delete') return [];
  return part.modification === 'update' ? [...part.added, ...part.removed] : part.values;
}

/** Values by column; `null` for none. */
type Cells = Map<CatalogueColumn, Value | null>;

async function addEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { database, model } = writer;
  const target = targetOf(writer);
  const cells = cellsOf(model, change);
  for (const { attribute, column } of model.anchor) {
    const value = change.anchor?.[attribute.name];
    if (value !== undefined && !attribute.assigned && !Array.isArray(value)) cells.set(column, value as Value);
  }
  if (model.settings.anchorGenerated === 'uuid') for (const { column } of model.anchor) cells.set(column, randomUUID());
  const given = [...cells].filter(([, value]) => value !== null);
  const binder = createBinder(database);
  const values = given.map(([column, value]) => bindValue(binder, database, column, value)).join(', ');
  const isEmpty = given.length === 0;
  const names = isEmpty ? '' : `(${given.map(([column]) => quote(column.name)).join(', ')})`;
  const returned = returnedColumns(writer, cells);
  const insert: Insert = { into: target, names, values: isEmpty ? database.dialect.defaultValues : `VALUES (${values})` };
  const row = await insertRow(writer, insert, binder, returned, cells);
  const anchor: Record<string, Value> = {};
  const attributes: Record<string, Value | readonly Value[]> = {};
  for (const [index, { attribute, column }] of returned.entries()) {
    const value = row[index];
    if (value === null || value === undefined) continue;
    const read = attributeValues(column, database.dialect.reader(column)(value));
    if (read === undefined) continue;
    if (attribute.anchor) anchor[attribute.name] = read as unknown as Value;
    else attributes[attribute.name] = read;
  }
  const key = keyOf(model, anchor);
  await insertSides(writer, key, change);
  return { id: change.id, anchor, ...(Object.keys(attributes).length === 0 ? {} : { attributes }) };
}

/** Inserts, and gives the returned columns of the new row. */
async function insertRow(
  { connection, database, model, target }: EntryWriter,
  insert: Insert,
  binder: Binder,
  returned: readonly ReturnedColumn[],
  cells: Cells,
): Promise<SqlRow> {
  const { dialect } = database;
  const columns = returned.map((one) => one.column);
  if (dialect.insertReturning !== undefined) {
    const [row] = (await connection.query(dialect.insertReturning(insert, columns), binder.values)).rows;
    if (row !== undefined) return row;
    throw new ConnectorError('invalid-data', `the insert into ${target} returned no row; a trigger or a rule may have taken it away`);
  }
  const { assigned } = await connection.query(`INSERT INTO ${insert.into} ${insert.names} ${insert.values}`, binder.values);
  const own = createBinder(database);
  const where = model.anchor.flatMap(({ attribute, column }) => {
    const value = cells.get(column) ?? (attribute.assigned ? assigned : undefined);
    // Whoever does not tell the number of a row finds it by what no other row has.
    const others = value === undefined ? [...cells].filter(([one, cell]) => one.unique && one.codec === undefined && cell !== null) : [];
    if (others.length > 0) return others.map(([one, cell]) => equalsKey(database, one, cell ?? undefined, own));
    if (value === undefined)
      throw new ConnectorError(
        'not-supported',
        `the server does not tell the value of "${attribute.name}" in a new row; give it a value, or let the column be AUTO_INCREMENT`,
      );
    return equalsKey(database, column, value, own);
  });
  const list = columns.map((column) => dialect.selected(quote(column.name), column)).join(', ');
  const [row] = (await connection.query(`SELECT ${list} FROM ${target} WHERE ${where.join(' AND ')}`, own.values)).rows;
  if (row !== undefined) return row;
  throw new ConnectorError('invalid-data', `the row that was inserted into ${target} is not there; a trigger may have taken it away or changed its key`);
}

interface ReturnedColumn {
  readonly attribute: SchemaAttribute;
  readonly column: CatalogueColumn;
}

/** The anchor, what the database may have filled in by itself, and what it may write in another way than it was given. */
function returnedColumns({ model, wanted }: EntryWriter, cells: Cells): readonly ReturnedColumn[] {
  const rest = model.columns.flatMap(({ attribute, columns }) => {
    const [column] = columns;
    if (column === undefined || columns.length !== 1) return [];
    const isMade = cells.has(column) ? cells.get(column) !== null && isRewritten(column) : column.defaulted || column.generated;
    return isMade && !attribute.anchor && attribute.type !== 'reference' && attribute.direction !== 'export-only' && wanted.has(attribute.name)
      ? [{ attribute, column }]
      : [];
  });
  return [...model.anchor, ...rest];
}

async function updateEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const { dialect } = database;
  const target = targetOf(writer);
  const key = keyOf(model, change.anchor ?? {});
  const cells = cellsOf(model, change);
  if (change.modification === 'replace') clearOthers(model, cells);
  const newKey = model.anchor.map(({ column }, index) => cells.get(column) ?? (key[index] as Value));
  const moves = keyText(newKey) !== keyText(key);
  if (moves) for (const sql of dialect.beforeKeyChange) await connection.query(sql, []);
  await checkExact(writer, key);
  const binder = createBinder(database);
  const sets = [...cells].map(([column, value]) => `${quote(column.name)} = ${bindValue(binder, database, column, value)}`);
  if (model.version?.increment) sets.push(`${quote(model.version.column.name)} = coalesce(${quote(model.version.column.name)}, 0) + 1`);
  const where = `${ownCondition(writer, key, binder)}${versionCondition(writer, change, binder)}`;
  const sql =
    sets.length === 0
      ? `SELECT 1 FROM ${target}${dialect.lockHint} WHERE ${where}${dialect.lockClause}`
      : `UPDATE ${target} SET ${sets.join(', ')} WHERE ${where}`;
  const { changes } = await connection.query(sql, binder.values);
  if (changes === 0) throw await whyNothing(writer, key, change);
  if (moves) await moveSides(writer, key, newKey);
  await updateSides(writer, newKey, change);
  const attributes = await readMade(writer, newKey, new Set(cells.keys()));
  return { id: change.id, ...(moves ? { anchor: anchorOf(model, newKey) } : {}), ...(attributes === undefined ? {} : { attributes }) };
}

/** The row must be as the host last saw it. */
function versionCondition({ database, model }: EntryWriter, change: EntryChange, binder: Binder): string {
  const seen = model.version === undefined ? undefined : change.seen?.[model.version.attribute.name];
  if (model.version === undefined || seen === undefined || Array.isArray(seen)) return '';
  const { column } = model.version;
  const { dialect } = database;
  const expression = quote(column.name);
  if (typeof seen !== 'string') return ` AND ${expression} = ${binder.bind(dialect.toSql(seen as Value, column))}`;
  return ` AND ${dialect.equalsText(expression, column, seen, binder.bind) ?? '1=0'}`;
}

/** Nothing was changed: the row is not there, or not as it was. */
async function whyNothing(writer: EntryWriter, key: readonly Value[], change: EntryChange): Promise<ConnectorError> {
  const { version } = writer.model;
  if (version === undefined) return notFound(writer);
  const { attributes } = await readCurrent(writer, key, new Set([version.attribute.name]));
  checkVersion(writer.model, change, attributes?.[version.attribute.name]);
  return notFound(writer);
}

/** A replace carries everything: what it does not carry goes. */
function clearOthers(model: ObjectModel, cells: Cells): void {
  for (const { attribute, columns } of model.columns) {
    // A reference may share a column with another attribute, which then decides.
    if (attribute.anchor || attribute.assigned || attribute.direction !== undefined) continue;
    for (const column of columns) if (![...cells.keys()].some((one) => one.name === column.name)) cells.set(column, column.codec?.write([]) ?? null);
  }
}

async function deleteEntry(writer: EntryWriter, change: EntryChange): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const key = keyOf(model, change.anchor ?? {});
  const target = targetOf(writer);
  await checkExact(writer, key);
  await deleteSides(writer, key);
  await letGo(writer, writer.referrers, key);
  const binder = createBinder(database);
  const { changes } = await connection.query(`DELETE FROM ${target} WHERE ${ownCondition(writer, key, binder)}`, binder.values);
  if (changes === 0) throw notFound(writer);
  return { id: change.id };
}

function anchorOf(model: ObjectModel, key: readonly Value[]): Attributes {
  return Object.fromEntries(model.anchor.map(({ attribute }, index) => [attribute.name, key[index] as Value]));
}

function ownCondition({ database, model }: EntryWriter, key: readonly Value[], binder: Binder): string {
  return model.anchor.map(({ column }, index) => equalsKey(database, column, key[index], binder)).join(' AND ');
}

/** What a change writes into the columns of the main table. */
function cellsOf(model: ObjectModel, change: EntryChange): Cells {
  const cells: Cells = new Map();
  for (const part of change.changes) {
    const column = model.columns.find((one) => one.attribute.name === part.name);
    // An anchor that the database assigns is named by the entry, never written.
    if (column === undefined || (column.attribute.anchor && column.attribute.assigned && change.modification === 'add')) continue;
    const values = columnValues(column, part);
    for (const [index, own] of column.columns.entries()) cells.set(anchorColumn(model, own), values?.[index] ?? null);
  }
  return cells;
}

/** The same column object for the same column: an anchor is known by the model's own. */
function anchorColumn(model: ObjectModel, column: CatalogueColumn): CatalogueColumn {
  return model.anchor.find((one) => one.column.name === column.name)?.column ?? column;
}

function columnValues({ attribute, columns }: ColumnAttribute, part: AttributeChange): readonly (Value | null)[] | undefined {
  const { codec } = columns[0] ?? {};
  try {
    if (codec !== undefined) return [codec.write(codec.multiValued ? allValues(part) : valueList(onlyValue(part)))];
    const value = onlyValue(part);
    if (value === undefined) return undefined;
    if (columns[0] !== undefined) checkBytes(value, columns[0]);
    return attribute.type === 'reference' ? parseReference(String(value), columns) : [value];
  } catch (error) {
    if (error instanceof ConnectorError && error.detail.attribute !== undefined) throw error;
    throw refused(attribute.name, `attribute "${attribute.name}": ${messageOf(error)}`);
  }
}

function valueList(value: Value | undefined): readonly Value[] {
  return value === undefined ? [] : [value];
}

function allValues(part: AttributeChange): readonly Value[] {
  if (part.modification === 'delete') return [];
  // Values added and removed were made whole before (completeLists).
  return part.modification === 'update' ? part.added : part.values;
}

function onlyValue(part: AttributeChange): Value | undefined {
  if (part.modification === 'delete') return undefined;
  const values = part.modification === 'update' ? part.added : part.values;
  if (values.length > 1) throw refused(part.name, `attribute "${part.name}" has one value and got ${values.length}`);
  return values[0];
}
