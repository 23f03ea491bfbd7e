import {
  type Attributes,
  ConnectorError,
  formatAnchor,
  orderText,
  type Schema,
  type SchemaAttribute,
  type SchemaObjectType,
  type Value,
} from '@landbridge/connector-sdk';
import { type CatalogueColumn, quote, type SqlDatabase, type SqlRow } from './database.ts';
import type { MultiValueSettings, ObjectTypeSettings, SqlSettings } from './settings.ts';

/** A column of the main table that becomes an attribute. */
export interface ColumnAttribute {
  readonly attribute: SchemaAttribute;
  readonly columns: readonly CatalogueColumn[];
}

/** A side table that becomes a multi-valued attribute. */
export interface SideAttribute {
  readonly attribute: SchemaAttribute;
  readonly settings: MultiValueSettings;
  readonly from: string;
  readonly key: readonly CatalogueColumn[];
  readonly value: readonly CatalogueColumn[];
}

/** An object type with its tables. */
export interface ObjectModel {
  readonly name: string;
  readonly settings: ObjectTypeSettings;
  /** What stands after FROM. */
  readonly from: string;
  /** Whether the main table can be written. */
  readonly writable: boolean;
  readonly anchor: readonly ColumnAttribute[];
  readonly columns: readonly ColumnAttribute[];
  readonly sides: readonly SideAttribute[];
  readonly definition: SchemaObjectType;
}

/** Reads the catalogue and builds the object types. @throws ConnectorError naming the table or column that is not there. */
export async function buildModels(database: SqlDatabase, settings: SqlSettings): Promise<ReadonlyMap<string, ObjectModel>> {
  const models = new Map<string, ObjectModel>();
  for (const [name, type] of Object.entries(settings.objectTypes)) models.set(name, await buildModel(database, name, type));
  return models;
}

async function buildModel(database: SqlDatabase, name: string, settings: ObjectTypeSettings): Promise<ObjectModel> {
  const table = settings.table ?? settings.view;
  const from = table === undefined ? `(${settings.query ?? ''}) landbridge_source` : qualified(table, settings.schema);
  const catalogue = table === undefined ? await database.queryColumns(settings.query ?? '') : await database.columns(table, settings.schema);
  if (catalogue.length === 0)
    throw missing(
      `objectTypes.${name}.${settings.view === undefined ? 'table' : 'view'}`,
      `there is no table "${table ?? ''}"${settings.schema === undefined ? '' : ` in the schema "${settings.schema}"`}`,
    );
  const byName = new Map(catalogue.map((column) => [column.name, column]));
  const find = (column: string, where: string): CatalogueColumn => {
    const found = byName.get(column);
    if (found === undefined)
      throw missing(
        `objectTypes.${name}.${where}`,
        `there is no column "${column}" in ${table === undefined ? 'the query' : `"${table}"`}; there are ${catalogue.map((one) => one.name).join(', ')}`,
      );
    return found;
  };
  const columns = chooseColumns(settings, catalogue, find);
  const sides: SideAttribute[] = [];
  for (const [attribute, side] of Object.entries(settings.multiValued ?? {})) sides.push(await buildSide(database, name, attribute, side));
  const anchor = settings.anchor.map((column) => {
    const found = columns.find((one) => one.columns.length === 1 && one.columns[0]?.name === column && one.attribute.type !== 'reference');
    if (found === undefined) throw missing(`objectTypes.${name}.anchor`, `the anchor column "${column}" is not among the attributes`);
    return found;
  });
  const definition: SchemaObjectType = { name, attributes: [...columns.map((one) => one.attribute), ...sides.map((one) => one.attribute)] };
  return { name, settings, from, writable: settings.table !== undefined, anchor, columns, sides, definition };
}

function chooseColumns(
  settings: ObjectTypeSettings,
  catalogue: readonly CatalogueColumn[],
  find: (column: string, where: string) => CatalogueColumn,
): readonly ColumnAttribute[] {
  const result: ColumnAttribute[] = [];
  const referenced = new Set(Object.values(settings.references ?? {}).flatMap((reference) => reference.columns ?? [reference.column ?? '']));
  const named = settings.attributes === undefined ? undefined : Object.entries(settings.attributes);
  const chosen =
    named ??
    catalogue
      .filter((column) => !referenced.has(column.name) || settings.anchor.includes(column.name))
      .map((column) => [column.name, { column: column.name }] as const);
  for (const [attribute, column] of chosen)
    result.push(
      columnAttribute(
        attribute,
        { ...column, column: column.column ?? attribute },
        settings,
        find(column.column ?? attribute, `attributes.${attribute}.column`),
      ),
    );
  // An anchor must be an attribute, named or not.
  for (const column of settings.anchor) {
    if (!result.some((one) => one.columns[0]?.name === column)) result.unshift(columnAttribute(column, { column }, settings, find(column, 'anchor')));
  }
  for (const [attribute, reference] of Object.entries(settings.references ?? {})) {
    const columns = (reference.columns ?? [reference.column ?? '']).map((column) => find(column, `references.${attribute}.column`));
    result.push({
      columns,
      attribute: {
        name: attribute,
        type: 'reference',
        referenceTypes: [reference.objectType],
        required: columns.some((column) => !column.nullable && !column.defaulted),
      },
    });
  }
  return result;
}

function columnAttribute(
  name: string,
  settings: NonNullable<ObjectTypeSettings['attributes']>[string],
  type: ObjectTypeSettings,
  column: CatalogueColumn,
): ColumnAttribute {
  const anchor = type.anchor.includes(column.name);
  const assigned = anchor && (type.anchorAssigned ?? (column.defaulted && type.anchor.length === 1));
  const dataType = settings.type ?? column.type;
  return {
    columns: [{ ...column, type: dataType }],
    attribute: {
      name,
      type: dataType,
      ...(anchor ? { anchor: true } : {}),
      ...(assigned ? { assigned: true } : {}),
      unique: settings.unique ?? (column.unique && !assigned),
      required: settings.required ?? (!column.nullable && !column.defaulted),
      // Databases compare text exactly; whoever wants otherwise says so.
      ...(dataType === 'string' ? { caseExact: settings.caseExact ?? anchor } : {}),
      ...(settings.direction === undefined ? {} : { direction: settings.direction }),
      ...(settings.secret === undefined ? {} : { secret: settings.secret }),
    },
  };
}

async function buildSide(database: SqlDatabase, type: string, name: string, settings: MultiValueSettings): Promise<SideAttribute> {
  const catalogue = await database.columns(settings.table, settings.schema);
  const at = `objectTypes.${type}.multiValued.${name}`;
  if (catalogue.length === 0) throw missing(`${at}.table`, `there is no table "${settings.table}"`);
  const find = (column: string): CatalogueColumn => {
    const found = catalogue.find((one) => one.name === column);
    if (found === undefined)
      throw missing(at, `there is no column "${column}" in "${settings.table}"; there are ${catalogue.map((one) => one.name).join(', ')}`);
    return found;
  };
  const value = (settings.reference?.columns ?? [settings.value ?? '']).map(find);
  const shared = { name, multiValued: true } as const;
  const attribute: SchemaAttribute =
    settings.reference === undefined
      ? { ...shared, type: value[0]?.type ?? 'string' }
      : { ...shared, type: 'reference', referenceTypes: [settings.reference.objectType] };
  return { attribute, settings, from: qualified(settings.table, settings.schema), key: settings.key.map(find), value };
}

/** A table name, quoted, with its schema. */
export function qualified(table: string, schema: string | undefined): string {
  return schema === undefined ? quote(table) : `${quote(schema)}.${quote(table)}`;
}

function missing(parameter: string, message: string): ConnectorError {
  return new ConnectorError('invalid-configuration', `${parameter}: ${message}`, { parameter });
}

/** The schema of all object types. */
export function schemaOf(models: ReadonlyMap<string, ObjectModel>): Schema {
  return { objectTypes: [...models.values()].map((model) => model.definition) };
}

/** Reads rows of a fixed list of columns as entries. */
export interface RowReader {
  readonly columns: readonly ColumnAttribute[];
  /** Expressions to select, in the order the reader expects them. */
  readonly select: string;
  anchorOf(row: SqlRow): Attributes;
  /** The typed values of the anchor, to compare with keys of side tables. */
  keyOf(row: SqlRow): readonly Value[];
  attributesOf(row: SqlRow): Record<string, Value | readonly Value[]>;
}

/** Compiles the reading of an object type's rows: which column gives which value. */
export function compileReader(database: SqlDatabase, model: ObjectModel, wanted: ReadonlySet<string>): RowReader {
  const columns = [
    ...model.anchor,
    ...model.columns.filter((one) => !model.anchor.includes(one) && wanted.has(one.attribute.name) && one.attribute.direction !== 'export-only'),
  ];
  const names: string[] = [];
  const parts = columns.map((column) => {
    const start = names.length;
    names.push(...column.columns.map((one) => one.name));
    return {
      name: column.attribute.name,
      isReference: column.attribute.type === 'reference',
      start,
      readers: column.columns.map((one) => database.dialect.reader(one.type)),
    };
  });
  const anchors = parts.slice(0, model.anchor.length);
  const read = (part: (typeof parts)[number], row: SqlRow): Value | undefined => {
    if (!part.isReference) return part.readers[0]?.(row[part.start]);
    return formatReference(part.readers.map((reader, index) => reader(row[part.start + index])));
  };
  return {
    columns,
    select: names.map(quote).join(', '),
    anchorOf: (row) => Object.fromEntries(anchors.map((part) => [part.name, read(part, row) ?? ''])),
    keyOf: (row) => anchors.map((part) => read(part, row) ?? ''),
    attributesOf(row) {
      const attributes: Record<string, Value> = {};
      for (let index = anchors.length; index < parts.length; index += 1) {
        const part = parts[index];
        const value = part === undefined ? undefined : read(part, row);
        if (part !== undefined && value !== undefined) attributes[part.name] = value;
      }
      return attributes;
    },
  };
}

/** The text of a reference: the target's anchor; `undefined` when a part is missing. */
export function formatReference(values: readonly (Value | undefined)[]): string | undefined {
  const texts: string[] = [];
  for (const value of values) {
    if (value === undefined) return undefined;
    texts.push(value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value));
  }
  return formatAnchor(texts);
}

/** The column values of a reference text: the inverse of {@link formatReference}. */
export function parseReference(text: string, columns: readonly CatalogueColumn[]): readonly Value[] {
  const parts = columns.length === 1 ? [text] : (JSON.parse(text) as readonly string[]);
  return columns.map((column, index) => {
    const part = String(parts[index] ?? '');
    if (column.type === 'integer') {
      if (!/^-?\d+$/.test(part)) throw new ConnectorError('invalid-attribute-value', `a reference is kept as a whole number in the column "${column.name}"`);
      return BigInt(part);
    }
    return column.type === 'binary' ? Buffer.from(part, 'base64') : part;
  });
}

/** The order of two keys, as both tables are read: numbers by size, text by code point. */
export function orderKeys(left: readonly Value[], right: readonly Value[]): number {
  for (let index = 0; index < left.length; index += 1) {
    const a = left[index];
    const b = right[index];
    if (a === b) continue;
    if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : 1;
    if (a instanceof Uint8Array && b instanceof Uint8Array) {
      const order = Buffer.compare(a, b);
      if (order !== 0) return order;
      continue;
    }
    const order = orderText(String(a), String(b));
    if (order !== 0) return order;
  }
  return 0;
}

/** The ORDER BY of a key: text in the order of code points, whatever the collation of the column. */
export function orderBy(database: SqlDatabase, columns: readonly CatalogueColumn[]): string {
  return columns
    .map((column) => (column.type === 'string' ? `CAST(${quote(column.name)} AS TEXT) ${database.dialect.textCollation}` : quote(column.name)))
    .join(', ');
}
