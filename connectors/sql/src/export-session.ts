import {
  type AttributeChange,
  type Attributes,
  ConnectorError,
  type EntryChange,
  type EntryResult,
  type ExportSession,
  type SchemaAttribute,
  toErrorData,
  type Value,
} from '@landbridge/connector-sdk';
import { quote, type SqlConnection, type SqlDatabase, type SqlValue } from './database.ts';
import { type ColumnAttribute, type ObjectModel, parseReference, type SideAttribute } from './object-model.ts';

/** Opens an export. Each entry is one transaction over its main and side tables. */
export function openExport(database: SqlDatabase, models: ReadonlyMap<string, ObjectModel>, parallel: number): ExportSession {
  async function apply(change: EntryChange): Promise<EntryResult> {
    const model = models.get(change.objectType);
    if (model === undefined) return { id: change.id, error: { code: 'unknown-object-type', message: `there is no object type "${change.objectType}"` } };
    try {
      if (!model.writable) throw new ConnectorError('not-supported', `the object type "${model.name}" comes from a view or a query and cannot be written`);
      return await database.transaction((connection) => write(connection, database, model, change));
    } catch (error) {
      return { id: change.id, error: toErrorData(nameAttribute(model, error)) };
    }
  }
  return {
    async put(changes) {
      const results: EntryResult[] = [];
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < changes.length) {
          const index = next;
          next += 1;
          const change = changes[index];
          if (change !== undefined) results[index] = await apply(change);
        }
      };
      await Promise.all(Array.from({ length: Math.min(parallel, changes.length) }, lane));
      return results;
    },
    close: () => database.close(),
  };
}

/** The database names columns, the administrator knows attributes. */
function nameAttribute(model: ObjectModel, error: unknown): unknown {
  if (!(error instanceof ConnectorError) || error.detail.attribute === undefined) return error;
  const column = error.detail.attribute;
  const attribute = model.columns.find((one) => one.columns.some((own) => own.name === column))?.attribute.name;
  return attribute === undefined || attribute === column
    ? error
    : new ConnectorError(error.code, `${error.message} (attribute "${attribute}")`, { ...error.detail, attribute });
}

async function write(connection: SqlConnection, database: SqlDatabase, model: ObjectModel, change: EntryChange): Promise<EntryResult> {
  switch (change.modification) {
    case 'add':
      return add(connection, database, model, change);
    case 'update':
    case 'replace':
      return update(connection, database, model, change);
    case 'delete':
      return remove(connection, database, model, change);
  }
}

/** Collects values with their placeholders. */
function createBinder(database: SqlDatabase): { readonly values: SqlValue[]; bind(value: Value | null): string } {
  const values: SqlValue[] = [];
  return {
    values,
    bind(value) {
      values.push(value === null ? null : database.dialect.toSql(value));
      return database.dialect.placeholder(values.length);
    },
  };
}

async function add(connection: SqlConnection, database: SqlDatabase, model: ObjectModel, change: EntryChange): Promise<EntryResult> {
  const cells = new Map<string, Value>();
  for (const part of change.changes) {
    const column = model.columns.find((one) => one.attribute.name === part.name);
    if (column === undefined) sideOf(model, part.name);
    else for (const [name, value] of cellsOf(column, onlyValue(part, column.attribute))) if (value !== null) cells.set(name, value);
  }
  for (const column of model.anchor) {
    const value = change.anchor?.[column.attribute.name];
    if (value !== undefined && !column.attribute.assigned) cells.set(column.columns[0]?.name ?? '', value as Value);
  }
  const binder = createBinder(database);
  const names = [...cells.keys()];
  const placeholders = names.map((name) => binder.bind(cells.get(name) ?? null));
  const returning = model.anchor.map((column) => quote(column.columns[0]?.name ?? '')).join(', ');
  const sql =
    names.length === 0
      ? `INSERT INTO ${model.from} DEFAULT VALUES RETURNING ${returning}`
      : `INSERT INTO ${model.from} (${names.map(quote).join(', ')}) VALUES (${placeholders.join(', ')}) RETURNING ${returning}`;
  const { rows } = await connection.query(sql, binder.values);
  const [row] = rows;
  if (row === undefined) throw new ConnectorError('invalid-data', `the insert into ${model.from} returned no row (a trigger or rule may have taken it away)`);
  const key = model.anchor.map((column, index) => database.dialect.reader(column.columns[0]?.type ?? 'string')(row[index]) ?? '');
  for (const part of change.changes) {
    const side = model.sides.find((one) => one.attribute.name === part.name);
    if (side !== undefined && (part.modification === 'add' || part.modification === 'replace')) await insertSide(connection, database, side, key, part.values);
  }
  return { id: change.id, anchor: Object.fromEntries(model.anchor.map((column, index) => [column.attribute.name, key[index] ?? ''])) };
}

async function update(connection: SqlConnection, database: SqlDatabase, model: ObjectModel, change: EntryChange): Promise<EntryResult> {
  const key = keyOf(model, change.anchor);
  const cells = new Map<string, Value | null>();
  if (change.modification === 'replace')
    for (const column of model.columns)
      if (!column.attribute.anchor && !column.attribute.assigned && column.attribute.direction !== 'import-only')
        for (const own of column.columns) cells.set(own.name, null);
  for (const part of change.changes) {
    const column = model.columns.find((one) => one.attribute.name === part.name);
    if (column === undefined) sideOf(model, part.name);
    else for (const [name, value] of cellsOf(column, part.modification === 'delete' ? undefined : onlyValue(part, column.attribute))) cells.set(name, value);
  }
  const binder = createBinder(database);
  const sets = [...cells].map(([name, value]) => `${quote(name)} = ${binder.bind(value)}`);
  const where = model.anchor.map((column, index) => `${quote(column.columns[0]?.name ?? '')} = ${binder.bind(key[index] ?? null)}`).join(' AND ');
  const lock = database.dialect.name === 'postgres' ? ' FOR UPDATE' : '';
  const { changes } = await connection.query(
    sets.length === 0 ? `SELECT 1 FROM ${model.from} WHERE ${where}${lock}` : `UPDATE ${model.from} SET ${sets.join(', ')} WHERE ${where}`,
    binder.values,
  );
  if (changes === 0) throw new ConnectorError('not-found', `there is no row with this identifier in ${model.from}`);
  const newKey = model.anchor.map((column, index) => cells.get(column.columns[0]?.name ?? '') ?? key[index] ?? '');
  for (const side of model.sides) await updateSide(connection, database, side, newKey, change);
  const moved = newKey.some((value, index) => value !== key[index]);
  return { id: change.id, ...(moved ? { anchor: Object.fromEntries(model.anchor.map((column, index) => [column.attribute.name, newKey[index] ?? ''])) } : {}) };
}

async function updateSide(connection: SqlConnection, database: SqlDatabase, side: SideAttribute, key: readonly Value[], change: EntryChange): Promise<void> {
  const part = change.changes.find((one) => one.name === side.attribute.name);
  if (part === undefined && change.modification === 'update') return;
  if (part === undefined || part.modification !== 'update') await deleteSide(connection, database, side, key, undefined);
  if (part === undefined || part.modification === 'delete') return;
  if (part.modification === 'update') {
    if (part.removed.length > 0) await deleteSide(connection, database, side, key, part.removed);
    // Adding a value that is there is no error: the wanted state is there (and a repeat must be harmless, R14).
    await deleteSide(connection, database, side, key, part.added);
    await insertSide(connection, database, side, key, part.added);
  } else await insertSide(connection, database, side, key, part.values);
}

async function remove(connection: SqlConnection, database: SqlDatabase, model: ObjectModel, change: EntryChange): Promise<EntryResult> {
  const key = keyOf(model, change.anchor);
  for (const side of model.sides) await deleteSide(connection, database, side, key, undefined);
  const binder = createBinder(database);
  const where = model.anchor.map((column, index) => `${quote(column.columns[0]?.name ?? '')} = ${binder.bind(key[index] ?? null)}`).join(' AND ');
  const { changes } = await connection.query(`DELETE FROM ${model.from} WHERE ${where}`, binder.values);
  if (changes === 0) throw new ConnectorError('not-found', `there is no row with this identifier in ${model.from}`);
  return { id: change.id };
}

const ROWS_PER_STATEMENT = 500;

async function insertSide(
  connection: SqlConnection,
  database: SqlDatabase,
  side: SideAttribute,
  key: readonly Value[],
  values: readonly Value[],
): Promise<void> {
  const columns = [...side.key, ...side.value].map((column) => quote(column.name)).join(', ');
  for (let index = 0; index < values.length; index += ROWS_PER_STATEMENT) {
    const binder = createBinder(database);
    const rows = values
      .slice(index, index + ROWS_PER_STATEMENT)
      .map((value) => `(${[...key, ...sideValues(side, value)].map((one) => binder.bind(one)).join(', ')})`);
    await connection.query(`INSERT INTO ${side.from} (${columns}) VALUES ${rows.join(', ')}`, binder.values);
  }
}

async function deleteSide(
  connection: SqlConnection,
  database: SqlDatabase,
  side: SideAttribute,
  key: readonly Value[],
  values: readonly Value[] | undefined,
): Promise<void> {
  if (values?.length === 0) return;
  const chunks =
    values === undefined
      ? [undefined]
      : Array.from({ length: Math.ceil(values.length / ROWS_PER_STATEMENT) }, (_, index) =>
          values.slice(index * ROWS_PER_STATEMENT, (index + 1) * ROWS_PER_STATEMENT),
        );
  for (const chunk of chunks) {
    const binder = createBinder(database);
    const owner = side.key.map((column, index) => `${quote(column.name)} = ${binder.bind(key[index] ?? null)}`).join(' AND ');
    const which = chunk?.map(
      (value) =>
        `(${sideValues(side, value)
          .map((one, index) => `${quote(side.value[index]?.name ?? '')} = ${binder.bind(one)}`)
          .join(' AND ')})`,
    );
    await connection.query(`DELETE FROM ${side.from} WHERE ${owner}${which === undefined ? '' : ` AND (${which.join(' OR ')})`}`, binder.values);
  }
}

function sideValues(side: SideAttribute, value: Value): readonly Value[] {
  return side.attribute.type === 'reference' ? parseReference(String(value), side.value) : [value];
}

/** The column values of an attribute; `null` for none. */
function cellsOf(column: ColumnAttribute, value: Value | undefined): readonly (readonly [string, Value | null])[] {
  if (value === undefined) return column.columns.map((one) => [one.name, null] as const);
  if (column.attribute.type !== 'reference') return [[column.columns[0]?.name ?? '', value]];
  const parts = parseReference(String(value), column.columns);
  return column.columns.map((one, index) => [one.name, parts[index] ?? null] as const);
}

function onlyValue(change: AttributeChange, attribute: SchemaAttribute): Value | undefined {
  if (change.modification === 'delete') return undefined;
  const values = change.modification === 'update' ? change.added : change.values;
  if (values.length > 1)
    throw new ConnectorError('invalid-attribute-value', `attribute "${attribute.name}" has one value and got ${values.length}`, { attribute: attribute.name });
  return values[0];
}

function sideOf(model: ObjectModel, name: string): SideAttribute {
  const side = model.sides.find((one) => one.attribute.name === name);
  if (side === undefined) throw new ConnectorError('invalid-attribute-value', `object type "${model.name}" has no attribute "${name}"`, { attribute: name });
  return side;
}

function keyOf(model: ObjectModel, anchor: Attributes | undefined): readonly Value[] {
  return model.anchor.map((column) => {
    const value = anchor?.[column.attribute.name];
    if (value === undefined || Array.isArray(value))
      throw new ConnectorError('missing-attribute', `the anchor attribute "${column.attribute.name}" is missing`, { attribute: column.attribute.name });
    return value as Value;
  });
}
