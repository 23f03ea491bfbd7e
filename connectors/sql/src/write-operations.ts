import { type Attributes, ConnectorError, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, type ProcedureParameter, qualified, type SqlConnection, type SqlDatabase, type SqlRow, type SqlValue } from './database.ts';
import { createBinder } from './fetch-entries.ts';
import { formatNamedStatement, type NamedStatement, parseNamedStatement } from './named-statement.ts';
import type { ColumnAttribute, ObjectModel } from './object-model.ts';
import { parseReference } from './references.ts';
import { attributeValues } from './row-reader.ts';
import type { OperationSettings, WriteSettings } from './settings.ts';

/** Names that are values of a password call, not attributes. */
const passwordNames: ReadonlySet<string> = new Set(['password', 'oldPassword']);
const NEW = 'new.';

/** A step of a write, ready to run. */
export interface WriteOperation {
  readonly settings: OperationSettings;
  readonly statement: NamedStatement | undefined;
  /** The values that it names. */
  readonly names: readonly string[];
}

/** The steps of each kind of write that is not generated. */
export type WriteOperations = Readonly<Partial<Record<keyof WriteSettings, readonly WriteOperation[]>>>;

/** Prepares the custom writes of an object type. @throws ConnectorError for a value that is no attribute. */
export function compileOperations<Kind extends string>(
  database: SqlDatabase,
  settings: Readonly<Partial<Record<Kind, readonly OperationSettings[]>>> | undefined,
  attributes: readonly string[],
  path: string,
): Readonly<Partial<Record<Kind, readonly WriteOperation[]>>> {
  const compiled: Partial<Record<Kind, readonly WriteOperation[]>> = {};
  for (const [kind, steps] of Object.entries(settings ?? {})) {
    compiled[kind as Kind] = (steps as readonly OperationSettings[]).map((step, index) =>
      compileOperation(database, step, attributes, `${path}.write.${kind}[${index}]`),
    );
  }
  return compiled;
}

function compileOperation(database: SqlDatabase, settings: OperationSettings, attributes: readonly string[], path: string): WriteOperation {
  const statement = settings.statement === undefined ? undefined : parseNamedStatement(settings.statement);
  const names = statement?.names ?? (settings.parameters ?? []).map((parameter) => parameter.value);
  const isCall = settings.procedure !== undefined || settings.function !== undefined;
  if (isCall && database.dialect.call === undefined) throw problem(path, 'this database has no stored procedures; write a statement');
  for (const name of [...names, ...(settings.returns ?? []), ...(settings.when ?? [])]) {
    const plain = name.startsWith(NEW) ? name.slice(NEW.length) : name;
    if (!attributes.includes(plain) && !passwordNames.has(plain)) throw problem(path, `there is no attribute "${plain}"; there are ${attributes.join(', ')}`);
  }
  return { settings, statement, names };
}

function problem(parameter: string, message: string): ConnectorError {
  return new ConnectorError('invalid-configuration', `${parameter}: ${message}`, { parameter });
}

/** What the steps of a write work with. */
export interface OperationValues {
  /** By attribute: what the entry has after the write; anchors as they are before it. */
  readonly values: Attributes;
  /** Anchors that change. */
  readonly renamed: Attributes;
  readonly password?: string;
  readonly oldPassword?: string;
  /** Of a value of a side table, by name. */
  readonly side?: ReadonlyMap<string, SqlValue>;
  /** The attributes that the write changes; absent where all steps run. */
  readonly changed?: ReadonlySet<string>;
}

/** What the steps gave back. */
export interface OperationOutcome {
  readonly returned: Attributes;
  /** The number that an INSERT was assigned. */
  readonly assigned: bigint | undefined;
  /** Rows that statements changed; `undefined` when only procedures ran. */
  readonly changes: number | undefined;
}

/** Runs the steps of a write, in order, in the transaction of the connection. */
export async function runOperations(
  connection: SqlConnection,
  database: SqlDatabase,
  model: ObjectModel,
  steps: readonly WriteOperation[],
  given: OperationValues,
): Promise<OperationOutcome> {
  const returned: Record<string, Value | readonly Value[]> = {};
  let assigned: bigint | undefined;
  let changes: number | undefined;
  for (const step of steps) {
    const { when } = step.settings;
    if (when !== undefined && given.changed !== undefined && !when.some((name) => given.changed?.has(name))) continue;
    const own = { ...given, values: { ...given.values, ...returned } };
    const result =
      step.statement === undefined ? await runCall(connection, database, model, step.settings, own) : await runNamed(connection, database, model, step, own);
    Object.assign(returned, readReturned(database, model, result.names, result.row));
    assigned = result.assigned ?? assigned;
    if (result.changes !== undefined) changes = (changes ?? 0) + result.changes;
  }
  return { returned, assigned, changes };
}

interface StepResult {
  readonly names: readonly string[];
  readonly row: SqlRow | undefined;
  readonly assigned?: bigint;
  readonly changes?: number;
}

async function runNamed(
  connection: SqlConnection,
  database: SqlDatabase,
  model: ObjectModel,
  step: WriteOperation,
  given: OperationValues,
): Promise<StepResult> {
  const binder = createBinder(database);
  const sql = formatNamedStatement(step.statement as NamedStatement, (name) => binder.bind(boundValue(database, model, name, given)));
  const { rows, changes, assigned } = await connection.query(sql, binder.values);
  const names = step.settings.returns ?? (step.settings.statement !== undefined && rows.length > 0 ? model.anchor.map(({ attribute }) => attribute.name) : []);
  return { names, row: rows[0], changes, ...(assigned === undefined ? {} : { assigned }) };
}

async function runCall(
  connection: SqlConnection,
  database: SqlDatabase,
  model: ObjectModel,
  settings: OperationSettings,
  given: OperationValues,
): Promise<StepResult> {
  const list = settings.parameters ?? [];
  const parameters = list.map(
    ({ value, direction = 'in' }): ProcedureParameter => ({ direction, value: direction === 'out' ? null : boundValue(database, model, value, given) }),
  );
  const routine = settings.procedure ?? settings.function ?? '';
  const kind = settings.procedure === undefined ? 'function' : 'procedure';
  const statements = database.dialect.call?.(qualified(routine, settings.schema), parameters, kind) ?? [];
  let row: SqlRow | undefined;
  for (const { sql, values } of statements) row = (await connection.query(sql, values)).rows[0] ?? row;
  const outs = list.filter(({ direction }) => direction === 'out' || direction === 'inout').map(({ value }) => value);
  return { names: settings.returns ?? outs, row };
}

function readReturned(database: SqlDatabase, model: ObjectModel, names: readonly string[], row: SqlRow | undefined): Attributes {
  const result: Record<string, Value | readonly Value[]> = {};
  for (const [index, name] of names.entries()) {
    const value = row?.[index];
    const column = columnOf(model, name)?.columns[0];
    const read = value === null || value === undefined || column === undefined ? undefined : attributeValues(column, database.dialect.reader(column)(value));
    if (read !== undefined) result[name] = read;
  }
  return result;
}

function columnOf(model: ObjectModel, name: string): ColumnAttribute | undefined {
  return model.columns.find((one) => one.attribute.name === name);
}

function boundValue(database: SqlDatabase, model: ObjectModel, name: string, given: OperationValues): SqlValue {
  const own = given.side?.get(name);
  if (own !== undefined) return own;
  if (name === 'password' || name === 'oldPassword') {
    const word = given[name];
    if (columnOf(model, name) === undefined || word !== undefined) return word ?? null;
  }
  const isNew = name.startsWith(NEW);
  const attribute = isNew ? name.slice(NEW.length) : name;
  const value = (isNew ? given.renamed[attribute] : undefined) ?? given.values[attribute];
  const column = columnOf(model, attribute);
  if (value === undefined || column === undefined) return null;
  const values = Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
  const first = column.columns[0] as CatalogueColumn;
  if (first.codec !== undefined) {
    const written = first.codec.write(values);
    return written === null ? null : database.dialect.toSql(written, first);
  }
  const [only] = values;
  if (only === undefined) return null;
  if (column.attribute.type !== 'reference') return database.dialect.toSql(only, first);
  if (column.columns.length > 1) return String(only);
  return database.dialect.toSql(parseReference(String(only), column.columns)[0] ?? '', first);
}
