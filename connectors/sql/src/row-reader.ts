import { type Attributes, ConnectorError, type ConnectorErrorData, type ImportEntry, toErrorData, type Value } from '@landbridge/connector-sdk';
import { checkBytes } from './column-codec.ts';
import { type CatalogueColumn, type Dialect, quote, type SqlDatabase, type SqlRow } from './database.ts';
import type { ColumnAttribute, ObjectModel } from './object-model.ts';
import { formatReference } from './references.ts';

/** Reads rows of a fixed list of columns as entries. */
export interface RowReader {
  /** Expressions to select, in the order the reader expects them: the anchor first. */
  readonly select: string;
  /** The entry of a row without its side tables. A row that cannot be read becomes an entry with an error, which never throws. */
  entry(row: SqlRow, modification: 'add' | 'replace'): ReadEntry;
}

/** An entry under construction. */
export type ReadEntry = Omit<ImportEntry, 'attributes'> & { readonly attributes: Record<string, Value | readonly Value[]> };

interface Part {
  readonly name: string;
  readonly start: number;
  read(row: SqlRow): Value | readonly Value[] | undefined;
}

/** Compiles the reading of an object type's rows: which column gives which value. */
export function compileReader(database: SqlDatabase, model: ObjectModel, wanted: ReadonlySet<string>): RowReader {
  const expressions: string[] = [];
  const partOf = ({ attribute, columns }: ColumnAttribute): Part => {
    const start = expressions.length;
    expressions.push(...columns.map((column) => selectedOf(database.dialect, `m.${quote(column.name)}`, column)));
    const readers = columns.map((column) => database.dialect.reader(column));
    const readOne = (row: SqlRow, index: number): Value | undefined => {
      const value = row[start + index];
      return value === null || value === undefined ? undefined : readers[index]?.(value);
    };
    const [only] = columns;
    const isText = attribute.type === 'reference' && columns.length === 1 && only !== undefined && database.dialect.givesText?.(only) === true;
    const read = isText
      ? (row: SqlRow) => (row[start] ?? undefined) as string | undefined
      : attribute.type === 'reference'
        ? (row: SqlRow) => formatReference(readers.map((_, index) => readOne(row, index)))
        : (row: SqlRow) => attributeValues(columns[0], readOne(row, 0));
    return { name: attribute.name, start, read };
  };
  const anchors = model.anchor.map(({ attribute, column }) => partOf({ attribute, columns: [column] }));
  const rest = model.columns.filter(({ attribute }) => !attribute.anchor && wanted.has(attribute.name) && attribute.direction !== 'export-only').map(partOf);
  const { name: objectType } = model;

  return {
    select: expressions.join(', '),
    entry(row, modification) {
      const anchor: Record<string, Value> = {};
      const attributes: Record<string, Value | readonly Value[]> = {};
      let reading = '';
      try {
        for (const part of anchors) {
          reading = part.name;
          const value = part.read(row);
          if (value === undefined || Array.isArray(value)) throw new ConnectorError('missing-attribute', 'a row has no value in a column of its anchor');
          anchor[part.name] = value as Value;
        }
        for (const part of rest) {
          reading = part.name;
          const value = part.read(row);
          if (value !== undefined) attributes[part.name] = value;
        }
      } catch (error) {
        return { modification, objectType, anchor, attributes, error: nameAttribute(error, objectType, reading) };
      }
      return { modification, objectType, anchor, attributes };
    },
  };
}

/** How a column is selected: of bytes not more than it takes to see that they are too many. */
export function selectedOf(dialect: Dialect, expression: string, column: CatalogueColumn): string {
  const { maximumBytes } = column;
  return dialect.selected(maximumBytes === undefined ? expression : dialect.firstBytes(expression, maximumBytes + 1), column);
}

/** The values of an attribute by the value of its column. @throws ConnectorError `invalid-attribute-value`. */
export function attributeValues(column: CatalogueColumn | undefined, value: Value | undefined): Value | readonly Value[] | undefined {
  if (value === undefined || column === undefined) return value;
  const { codec } = column;
  checkBytes(value, column);
  if (codec === undefined) return value;
  const values = codec.read(value);
  if (values.length === 0) return undefined;
  return codec.multiValued ? values : values[0];
}

/** An error of a value with the name of its attribute. */
export function nameAttribute(error: unknown, objectType: string, attribute: string): ConnectorErrorData {
  const { code, message, detail } = toErrorData(error);
  return { code, message: `${objectType}.${attribute}: ${message}`, detail: { ...detail, attribute } };
}

/** The anchor of an entry as typed values, in the order of the model. */
export function keyOf(model: ObjectModel, anchor: Attributes): readonly Value[] {
  return model.anchor.map(({ attribute }) => {
    const value = anchor[attribute.name];
    if (value !== undefined && !Array.isArray(value)) return value as Value;
    throw new ConnectorError('missing-attribute', `the anchor attribute "${attribute.name}" is missing`, { attribute: attribute.name });
  });
}

/** Bytes of values that are held at once, at most. */
const HELD_BYTES = 64 * 1024 * 1024;
/** Fewer rows at once are none: pages end between the keys of two rows. */
const FEWEST = 4;

/** Each attribute that is wanted, with its first column. */
function columnsOf(model: ObjectModel, wanted: ReadonlySet<string>) {
  return [
    ...model.columns.map(({ attribute, columns: [column] }) => ({ attribute, column })),
    ...model.sides.map(({ attribute, value: [column] }) => ({ attribute, column })),
  ].filter(({ attribute }) => wanted.has(attribute.name));
}

/** Whether any value that is wanted may be binary. */
export function hasBytes(model: ObjectModel, wanted: ReadonlySet<string>): boolean {
  return columnsOf(model, wanted).some(({ attribute, column }) => attribute.type === 'binary' || column?.maximumBytes !== undefined);
}

/** How many rows are read at once: fewer than usual where each may be large. */
export function rowsAtOnce(model: ObjectModel, wanted: ReadonlySet<string>, usual: number): number {
  const largest = columnsOf(model, wanted).reduce((sum, { column }) => sum + (column?.maximumBytes ?? 0), 0);
  return largest === 0 ? usual : Math.max(FEWEST, Math.min(usual, Math.floor(HELD_BYTES / largest)));
}

/** Bytes of the binary values of an entry. */
export function bytesOf({ attributes }: Pick<ReadEntry, 'attributes'>): number {
  let bytes = 0;
  for (const value of Object.values(attributes)) {
    if (value instanceof Uint8Array) bytes += value.byteLength;
    else if (Array.isArray(value)) for (const one of value as readonly Value[]) if (one instanceof Uint8Array) bytes += one.byteLength;
  }
  return bytes;
}

/** Whether so many bytes are enough for a page. */
export function isPageFull(bytes: number): boolean {
  return bytes >= HELD_BYTES / 4;
}
