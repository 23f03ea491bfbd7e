import { ConnectorError, type Schema, type SchemaAttribute, type SchemaObjectType, toConnectorError } from '@landbridge/connector-sdk';
import { chooseCodec, maximumBytesOf, maximumSideBytes } from './column-codec.ts';
import { type CatalogueColumn, type KeyOrder, qualified, quote, type SqlDatabase } from './database.ts';
import type { ColumnSettings, DeltaSettings, MultiValueSettings, ObjectTypeSettings, SideWriteSettings, SqlSettings } from './settings.ts';
import { compileOperations, type WriteOperation, type WriteOperations } from './write-operations.ts';

/** A column of the main table that becomes an attribute; a reference may take several. */
export interface ColumnAttribute {
  readonly attribute: SchemaAttribute;
  readonly columns: readonly CatalogueColumn[];
}

/** A column of the main table that identifies a row. */
export interface AnchorColumn {
  readonly attribute: SchemaAttribute;
  readonly column: CatalogueColumn;
  /** How the main table and its side tables are ordered and merged. */
  readonly order: KeyOrder;
}

/** A side table that becomes a multi-valued attribute. */
export interface SideAttribute {
  readonly attribute: SchemaAttribute;
  readonly settings: MultiValueSettings;
  /** The table, quoted. */
  readonly from: string;
  readonly key: readonly CatalogueColumn[];
  readonly value: readonly CatalogueColumn[];
  /** Other columns of the rows that are added. */
  readonly fixed: readonly { readonly column: CatalogueColumn; readonly value: string | number | boolean }[];
  /** What is not written by generated statements. */
  readonly operations: Readonly<Partial<Record<keyof SideWriteSettings, readonly WriteOperation[]>>>;
}

/** An object type with its tables. */
export interface ObjectModel {
  readonly name: string;
  readonly settings: ObjectTypeSettings;
  /** What stands after FROM, with the alias `m`. */
  readonly from: string;
  /** The table that changes go to, quoted; `undefined` where the object type is read only. */
  readonly target: string | undefined;
  /** The condition that a row counts at all: not marked as deleted. */
  readonly alive: string | undefined;
  readonly anchor: readonly AnchorColumn[];
  /** Every attribute of the main table, the anchor among them. */
  readonly columns: readonly ColumnAttribute[];
  readonly sides: readonly SideAttribute[];
  readonly definition: SchemaObjectType;
  readonly delta: DeltaModel | undefined;
  /** What is not written by generated statements. */
  readonly operations: WriteOperations;
  readonly version: VersionModel | undefined;
}

/** The column whose value a change must find as the host last saw it. */
export interface VersionModel {
  readonly attribute: SchemaAttribute;
  readonly column: CatalogueColumn;
  readonly increment: boolean;
}

/** Where changes show: in a column of the rows, or in a table of their own. */
export type DeltaModel =
  | { readonly kind: 'column'; readonly column: CatalogueColumn; readonly deleted: CatalogueColumn | undefined }
  | LogModel
  | ReplicationModel
  // The change tracking of SQL Server.
  | { readonly kind: 'tracking' };

/** A slot of the logical replication of PostgreSQL. */
export interface ReplicationModel {
  readonly kind: 'replication';
  readonly slot: string;
}

/** A table with one row for each change. */
export interface LogModel {
  readonly kind: 'log';
  readonly from: string;
  readonly sequence: CatalogueColumn;
  readonly key: readonly CatalogueColumn[];
  readonly operation: CatalogueColumn | undefined;
  /** The words of the operation column that mean a deletion. */
  readonly deletions: ReadonlySet<string>;
}

type Models = ReadonlyMap<string, ObjectModel>;

/** Reads the catalogue and builds the object types. @throws ConnectorError naming the table or column that is not there. */
export async function buildModels(database: SqlDatabase, settings: SqlSettings): Promise<Models> {
  const models = new Map<string, ObjectModel>();
  for (const [name, type] of Object.entries(settings.objectTypes)) models.set(name, await buildModel(database, name, type));
  return models;
}

/** The schema that a host sees. */
export function schemaOf(models: Models): Schema {
  return { objectTypes: [...models.values()].map((model) => model.definition) };
}

async function buildModel(database: SqlDatabase, name: string, settings: ObjectTypeSettings): Promise<ObjectModel> {
  const path = `objectTypes.${name}`;
  const { catalogue, from } = await readSource(database, settings, path);
  const find = finder(catalogue, settings.table ?? settings.view ?? 'the query', path);
  const columns = chooseColumns(settings, catalogue, find);
  const sides: SideAttribute[] = [];
  for (const [attribute, side] of Object.entries(settings.multiValued ?? {}))
    sides.push(
      await buildSide(
        database,
        attribute,
        side,
        columns.filter((one) => one.attribute.anchor).map((one) => one.attribute.name),
        `${path}.multiValued.${attribute}`,
      ),
    );
  const anchor = settings.anchor.map((column, index) => {
    const found = columns.find((one) => one.attribute.anchor && one.columns[0]?.name === column);
    const own = found?.columns[0];
    if (found === undefined || own === undefined) throw problem(`${path}.anchor`, `the column "${column}" is not among the attributes`);
    if (own.type === 'boolean') throw problem(`${path}.anchor`, `the column "${column}" is a boolean and cannot identify a row`);
    return { attribute: found.attribute, column: own, order: orderOf([own, ...sides.flatMap((side) => side.key[index] ?? [])]) };
  });
  const deleted = settings.delta?.deletedColumn === undefined ? undefined : find(settings.delta.deletedColumn, 'delta.deletedColumn');
  const attributes = [...columns.map((one) => one.attribute), ...sides.map((one) => one.attribute)];
  return {
    name,
    settings,
    operations: compileOperations(
      database,
      settings.write,
      attributes.map((one) => one.name),
      path,
    ),
    version: findVersion(settings, columns, path),
    from: `${from} m`,
    target: targetOf(settings),
    alive: deleted === undefined ? undefined : `NOT ${database.dialect.isSet(`m.${quote(deleted.name)}`)}`,
    anchor,
    columns,
    sides,
    definition: { name, attributes },
    delta: await buildDelta(database, settings.delta, deleted, find, path),
  };
}

function findVersion({ version }: ObjectTypeSettings, columns: readonly ColumnAttribute[], path: string): VersionModel | undefined {
  if (version === undefined) return undefined;
  const found = columns.find((one) => one.columns.length === 1 && one.columns[0]?.name === version.column);
  const column = found?.columns[0];
  if (found === undefined || column === undefined) throw problem(`${path}.version.column`, `the column "${version.column}" is not among the attributes`);
  return { attribute: found.attribute, column, increment: version.increment ?? (column.type === 'integer' && !column.generated) };
}

async function buildDelta(
  database: SqlDatabase,
  delta: DeltaSettings | undefined,
  deleted: CatalogueColumn | undefined,
  find: Find,
  path: string,
): Promise<DeltaModel | undefined> {
  if (delta?.watermarkColumn !== undefined) return { kind: 'column', column: find(delta.watermarkColumn, 'delta.watermarkColumn'), deleted };
  if (delta?.changeTracking) return { kind: 'tracking' };
  if (delta?.replication !== undefined) return { kind: 'replication', slot: delta.replication };
  const log = delta?.changeLog;
  if (log === undefined) return undefined;
  const catalogue = await database.columns(log.table, log.schema);
  if (catalogue.length === 0) throw problem(`${path}.delta.changeLog.table`, `there is no table or view "${log.table}" that this account may see`);
  const inLog = finder(catalogue, log.table, `${path}.delta.changeLog`);
  return {
    kind: 'log',
    from: `${qualified(log.table, log.schema)} l`,
    sequence: inLog(log.sequence, 'sequence'),
    key: log.key.map((column) => inLog(column, 'key')),
    operation: log.operation === undefined ? undefined : inLog(log.operation, 'operation'),
    deletions: new Set(Object.entries(log.operations ?? {}).flatMap(([word, meaning]) => (meaning === 'delete' ? [word] : []))),
  };
}

function targetOf(settings: ObjectTypeSettings): string | undefined {
  const table = settings.table ?? settings.writeTable;
  return table === undefined ? undefined : qualified(table, settings.schema);
}

async function readSource(
  database: SqlDatabase,
  settings: ObjectTypeSettings,
  path: string,
): Promise<{ readonly catalogue: readonly CatalogueColumn[]; readonly from: string }> {
  const table = settings.table ?? settings.view;
  if (table !== undefined) {
    const catalogue = await database.columns(table, settings.schema);
    if (catalogue.length > 0) return { catalogue, from: qualified(table, settings.schema) };
    const where = settings.schema === undefined ? '' : ` in the schema "${settings.schema}"`;
    throw problem(`${path}.${settings.table === undefined ? 'view' : 'table'}`, `there is no table or view "${table}"${where} that this account may see`);
  }
  try {
    return { catalogue: await database.queryColumns(settings.query ?? ''), from: `(${settings.query ?? ''})` };
  } catch (error) {
    const { code, message, detail } = toConnectorError(error);
    if (code !== 'invalid-configuration') throw error;
    throw new ConnectorError(code, `${path}.query: ${message}`, { ...detail, parameter: `${path}.query` }, { cause: error });
  }
}

type Find = (column: string, where: string) => CatalogueColumn;

function finder(catalogue: readonly CatalogueColumn[], source: string, path: string): Find {
  const byName = new Map(catalogue.map((column) => [column.name, column]));
  return (name, where) => {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw problem(`${path}.${where}`, `there is no column "${name}" in ${source}; there are ${catalogue.map((one) => one.name).join(', ')}`);
  };
}

function chooseColumns(settings: ObjectTypeSettings, catalogue: readonly CatalogueColumn[], find: Find): readonly ColumnAttribute[] {
  const result: ColumnAttribute[] = [];
  const references = Object.entries(settings.references ?? {}).map(([name, reference]) => ({
    name,
    objectType: reference.objectType,
    columns: reference.columns ?? [reference.column ?? ''],
  }));
  const referenced = new Set(references.flatMap((reference) => reference.columns));
  const hidden = new Set([settings.delta?.deletedColumn]);
  const named = Object.entries(settings.attributes ?? {});
  const taken = new Set(named.map(([name, column]) => column.column ?? name));
  const others =
    settings.attributes !== undefined && settings.otherColumns !== true
      ? []
      : catalogue
          .filter(({ name }) => !taken.has(name) && !hidden.has(name) && (!referenced.has(name) || settings.anchor.includes(name)))
          .map(({ name }) => [attributeNameOf(name, catalogue), { column: name }] as const)
          .filter(([name]) => settings.attributes?.[name] === undefined);
  const chosen: readonly (readonly [string, ColumnSettings])[] = [...named, ...others];
  for (const [name, column] of chosen) result.push(columnAttribute(name, column, settings, find(column.column ?? name, `attributes.${name}.column`)));
  // An anchor must be an attribute, named or not.
  for (const column of [...settings.anchor].reverse()) {
    if (!result.some((one) => one.columns[0]?.name === column))
      result.unshift(columnAttribute(attributeNameOf(column, catalogue), {}, settings, find(column, 'anchor')));
  }
  for (const reference of references) {
    const columns = reference.columns.map((column) => find(column, `references.${reference.name}.column`));
    const required = columns.some((column) => !column.nullable && !column.defaulted);
    result.push({ columns, attribute: { name: reference.name, type: 'reference', referenceTypes: [reference.objectType], required } });
  }
  return result;
}

/** Names that every object inherits (`constructor`, `__proto__`): a value under them would be read of objects that have none. SCIM refuses them in any case. */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype).map((name) => name.toLowerCase()));

/** The name of the attribute of a column that nobody named: the name of the column, and underscores where objects inherit that name. */
function attributeNameOf(column: string, catalogue: readonly CatalogueColumn[]): string {
  if (!INHERITED.has(column.toLowerCase())) return column;
  let name = `${column}_`;
  while (catalogue.some((one) => one.name === name)) name = `${name}_`;
  return name;
}

function isAnchorAssigned({ anchorAssigned, anchorGenerated, anchor }: ObjectTypeSettings, column: CatalogueColumn): boolean {
  if (anchorGenerated !== undefined) return true;
  return anchorAssigned ?? (column.assigned || (column.defaulted && anchor.length === 1));
}

function columnAttribute(name: string, settings: ColumnSettings, type: ObjectTypeSettings, column: CatalogueColumn): ColumnAttribute {
  const anchor = type.anchor.includes(column.name);
  const assigned = anchor ? isAnchorAssigned(type, column) : column.assigned;
  const codec = anchor ? undefined : chooseCodec(settings, column);
  const maximumBytes = anchor ? undefined : maximumBytesOf(settings, column);
  const dataType = codec?.type ?? settings.type ?? column.type;
  // Through a codec the driver gives and takes text, whatever the values are.
  const columnType = codec === undefined ? dataType : codec.multiValued || settings.time !== undefined ? 'string' : dataType;
  const isVersion = type.version?.column === column.name;
  const direction = settings.direction ?? ((column.generated && !anchor) || isVersion ? 'import-only' : undefined);
  return {
    columns: [{ ...column, type: columnType, ...(codec === undefined ? {} : { codec }), ...(maximumBytes === undefined ? {} : { maximumBytes }) }],
    attribute: {
      name,
      type: dataType,
      ...(codec?.multiValued ? { multiValued: true } : {}),
      ...(anchor ? { anchor: true } : {}),
      ...(assigned ? { assigned: true } : {}),
      // A number that the database gives needs no claim.
      unique: settings.unique ?? (column.unique && !assigned),
      ...(isVersion ? { version: true } : {}),
      required: settings.required ?? (!isVersion && !assigned && (anchor || (!column.nullable && !column.defaulted))),
      ...(dataType === 'string' ? { caseExact: settings.caseExact ?? anchor } : {}),
      ...(direction === undefined ? {} : { direction }),
      ...(settings.secret === undefined ? {} : { secret: settings.secret }),
      ...(column.pointsTo === undefined ? {} : { description: `Refers to ${column.pointsTo}` }),
    },
  };
}

async function buildSide(database: SqlDatabase, name: string, settings: MultiValueSettings, anchor: readonly string[], path: string): Promise<SideAttribute> {
  const catalogue = await database.columns(settings.table, settings.schema);
  if (catalogue.length === 0) throw problem(`${path}.table`, `there is no table or view "${settings.table}" that this account may see`);
  const find = finder(catalogue, settings.table, path);
  const key = settings.key.map((column) => find(column, 'key'));
  const limited = (column: CatalogueColumn): CatalogueColumn => {
    const maximumBytes = maximumSideBytes(settings, column);
    return maximumBytes === undefined ? column : { ...column, maximumBytes };
  };
  const value =
    settings.reference === undefined
      ? [limited(find(settings.value ?? '', 'value'))]
      : settings.reference.columns.map((column) => find(column, 'reference.columns'));
  const direction = settings.direction === undefined ? {} : { direction: settings.direction };
  const many = settings.single === true ? {} : { multiValued: true };
  const attribute: SchemaAttribute =
    settings.reference === undefined
      ? { name, ...many, type: value[0]?.type ?? 'string', ...direction }
      : { name, ...many, type: 'reference', referenceTypes: [settings.reference.objectType], ...direction };
  const fixed = Object.entries(settings.set ?? {}).map(([column, one]) => ({ column: find(column, `set.${column}`), value: one }));
  const operations = compileOperations(database, settings.write, [...anchor, ...sideValueNames(value)], path);
  return { attribute, settings, from: qualified(settings.table, settings.schema), key, value, fixed, operations };
}

/** What steps of a side table call its value: `value`, or `value.COLUMN` where it has several columns. */
export function sideValueNames(value: readonly CatalogueColumn[]): readonly string[] {
  return value.length === 1 ? ['value'] : value.map((column) => `value.${column.name}`);
}

/** How a column is ordered together with others: natively only where all are of one kind. */
export function orderOf(columns: readonly CatalogueColumn[]): KeyOrder {
  const [first] = columns;
  if (first === undefined || !columns.every((column) => column.type === first.type)) return 'text';
  return first.type === 'integer' || first.type === 'binary' ? first.type : 'text';
}

function problem(parameter: string, message: string): ConnectorError {
  return new ConnectorError('invalid-configuration', `${parameter}: ${message}`, { parameter });
}
