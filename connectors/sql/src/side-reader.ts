import { orderText, type SchemaAttribute, type Value } from '@landbridge/connector-sdk';
import { checkBytes } from './column-codec.ts';
import { type Dialect, quote, type SqlCursor, type SqlDatabase, type SqlRow, type SqlSnapshot } from './database.ts';
import { type ObjectModel, orderOf, type SideAttribute } from './object-model.ts';
import { formatReference, formatValue } from './references.ts';
import { selectedOf } from './row-reader.ts';

/** A side table read in the order of its key, beside the main table. */
export interface SideReader {
  readonly attribute: SchemaAttribute;
  /**
   * The values of the row of the main table with this key; keys must be asked for in ascending order. Rows of smaller keys
   * belong to nobody. `undefined` means that more rows are needed first: {@link fill}, then ask again. Throws when all rows of the key
   * were read and one of them has a value that cannot be.
   */
  take(key: readonly Value[]): readonly Value[] | undefined;
  fill(): Promise<void>;
  close(): Promise<void>;
}

/** The ORDER BY of side rows: by owner, and by value, so that equal sets are equal lists. */
export function sideOrder(database: SqlDatabase, model: ObjectModel, side: SideAttribute): string {
  const { dialect } = database;
  const keys = side.key.map((column, index) => dialect.orderBy(`s.${quote(column.name)}`, column, model.anchor[index]?.order ?? 'text'));
  const values = side.value.map((column) => dialect.orderBy(`s.${quote(column.name)}`, column, orderOf([column])));
  return [...keys, ...values].join(', ');
}

/** What side rows are selected: the key, then the value. */
export function sideColumns(dialect: Dialect, side: SideAttribute): string {
  return [...side.key, ...side.value].map((column) => selectedOf(dialect, `s.${quote(column.name)}`, column)).join(', ');
}

/** Rows that have a key and a value; others say nothing. */
export function sideCondition(side: SideAttribute): string {
  const parts = [...side.key, ...side.value].map((column) => `s.${quote(column.name)} IS NOT NULL`);
  return [...parts, ...(side.settings.where === undefined ? [] : [`(${side.settings.where})`])].join(' AND ');
}

/** Compiles the reading of a value from a row of {@link sideColumns}. */
export function compileSideValue(database: SqlDatabase, side: SideAttribute): (row: SqlRow) => Value | undefined {
  const start = side.key.length;
  const readers = side.value.map((column) => database.dialect.reader(column));
  const [first] = readers;
  const [column] = side.value;
  if (side.attribute.type !== 'reference')
    return (row) => {
      const value = first?.(row[start]);
      if (value !== undefined && column !== undefined) checkBytes(value, column);
      return value;
    };
  // Of millions of rows no text is made a number to become the same text again.
  if (readers.length === 1 && column !== undefined && database.dialect.givesText?.(column) === true) return (row) => row[start] as string;
  if (readers.length === 1) return (row) => (first === undefined ? undefined : formatValue(first(row[start])));
  return (row) => formatReference(readers.map((read, index) => read(row[start + index])));
}

/** Opens the cursor of a side table. */
export async function openSideReader(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  model: ObjectModel,
  side: SideAttribute,
  fetchSize: number,
): Promise<SideReader> {
  const sql = `SELECT ${sideColumns(database.dialect, side)} FROM ${side.from} s WHERE ${sideCondition(side)} ORDER BY ${sideOrder(database, model, side)}`;
  const cursor: SqlCursor = await snapshot.cursor(sql, [], fetchSize);
  const readValue = compileSideValue(database, side);
  const compare = compileComparison(database, model, side);
  let rows: readonly SqlRow[] = [];
  let at = 0;
  let ended = false;
  // A group may span pages: what was found of it waits here.
  let found: Value[] = [];
  let last: Value | undefined;
  let failure: unknown;

  function finish(): readonly Value[] {
    const [values, thrown] = [found, failure];
    found = [];
    last = undefined;
    failure = undefined;
    if (thrown !== undefined) throw thrown;
    return values;
  }

  function readQuietly(row: SqlRow): Value | undefined {
    try {
      return readValue(row);
    } catch (error) {
      // The rows after it are read all the same: others own them.
      failure ??= error;
      return undefined;
    }
  }

  return {
    attribute: side.attribute,
    take(key) {
      for (; at < rows.length; at += 1) {
        const row = rows[at] as SqlRow;
        const order = compare(row, key);
        if (order > 0) return finish();
        if (order < 0) continue;
        const value = readQuietly(row);
        // Values arrive in order: a repeated one stands beside its like.
        if (value === undefined || (last !== undefined && isSame(value, last))) continue;
        found.push(value);
        last = value;
      }
      return ended ? finish() : undefined;
    },
    async fill() {
      rows = await cursor.read();
      at = 0;
      ended = rows.length === 0;
    },
    close: () => cursor.close(),
  };
}

function isSame(left: Value, right: Value): boolean {
  if (left === right) return true;
  return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
}

/** Compares the key of a side row with the key of a main row, part by part, in the order both tables are read in. */
function compileComparison(database: SqlDatabase, model: ObjectModel, side: SideAttribute): (row: SqlRow, key: readonly Value[]) => number {
  const parts = side.key.map((column, index) => {
    const read = database.dialect.reader(column);
    const order = model.anchor[index]?.order ?? 'text';
    let last: unknown;
    let value: Value | undefined;
    return (raw: unknown, key: Value): number => {
      // The rows of one key stand together.
      if (value === undefined || raw !== last) {
        value = read(raw);
        last = raw;
      }
      if (value === key) return 0;
      if (order === 'integer') return value < key ? -1 : value > key ? 1 : 0;
      if (order === 'binary') return Buffer.compare(value as Uint8Array, key as Uint8Array);
      return orderText(formatValue(value), formatValue(key));
    };
  });
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return (row, key) => only(row[0], key[0] as Value);
  return (row, key) => {
    for (let index = 0; index < parts.length; index += 1) {
      const order = parts[index]?.(row[index], key[index] as Value) ?? 0;
      if (order !== 0) return order;
    }
    return 0;
  };
}
