import {
  ConnectorError,
  type ImportEntry,
  type ImportPage,
  type ImportSession,
  type ImportStep,
  type SchemaObjectType,
  type Value,
} from '@landbridge/connector-sdk';
import { quote, type SqlCursor, type SqlDatabase, type SqlRow, type SqlSnapshot } from './database.ts';
import { readDelta, seedWatermark } from './delta.ts';
import { compileReader, formatReference, type ObjectModel, orderBy, orderKeys, type SideAttribute } from './object-model.ts';

const FETCH = 2000;

/** Opens an import: everything (full), or what changed since the watermark (delta). */
export async function openImport(database: SqlDatabase, models: ReadonlyMap<string, ObjectModel>, step: ImportStep): Promise<ImportSession> {
  const selected = step.schema.objectTypes.map((type) => {
    const model = models.get(type.name);
    if (model === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${type.name}"`);
    return { model, type };
  });
  if (step.kind === 'delta') {
    const pages = readDelta(database, selected, step);
    return sessionOf(database, pages, undefined, undefined);
  }
  // Taken before anything is read: what changes meanwhile is seen by the next delta, never missed (R24).
  const watermark = await seedWatermark(database, selected);
  const snapshot = await database.snapshot(step.signal);
  const total = await countRows(database, selected);
  return sessionOf(database, readEverything(database, snapshot, selected, step, total), snapshot, watermark);
}

/** An object type with what is selected of it. */
export interface SelectedType {
  readonly model: ObjectModel;
  readonly type: SchemaObjectType;
}

function sessionOf(database: SqlDatabase, pages: AsyncIterator<ImportPage>, snapshot: SqlSnapshot | undefined, watermark: string | undefined): ImportSession {
  return {
    async readPage({ signal }) {
      signal.throwIfAborted();
      const next = await pages.next();
      return next.done ? { entries: [], more: false } : next.value;
    },
    async close(reason) {
      await snapshot?.close();
      await database.close();
      return reason === 'normal' && watermark !== undefined ? { watermark } : undefined;
    },
  };
}

async function countRows(database: SqlDatabase, selected: readonly SelectedType[]): Promise<number> {
  let total = 0;
  for (const { model } of selected) total += Number((await database.query(`SELECT count(*) FROM ${model.from}`, [])).rows[0]?.[0] ?? 0);
  return total;
}

/** Every object of every selected type, its side tables merged in the order of the anchor: nothing is held but a page. */
async function* readEverything(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  selected: readonly SelectedType[],
  step: ImportStep,
  total: number,
): AsyncGenerator<ImportPage> {
  for (const [index, { model, type }] of selected.entries()) {
    const wanted = new Set(type.attributes.map((attribute) => attribute.name));
    const reader = compileReader(database, model, wanted);
    const keys = model.anchor.map((column) => column.columns[0]).filter((column) => column !== undefined);
    const main = await snapshot.cursor(`SELECT ${reader.select} FROM ${model.from} ORDER BY ${orderBy(database, keys)}`, [], FETCH);
    const sides = await Promise.all(model.sides.filter((side) => wanted.has(side.attribute.name)).map((side) => openSide(database, snapshot, side)));
    const isLast = index === selected.length - 1;
    let buffer: ImportEntry[] = [];
    for (let rows = await main.read(); rows.length > 0; rows = await main.read()) {
      for (const row of rows) {
        const attributes = reader.attributesOf(row);
        const key = reader.keyOf(row);
        for (const side of sides) {
          const values = await side.take(key);
          if (values.length > 0) attributes[side.name] = values;
        }
        buffer.push({ modification: 'add', objectType: model.name, anchor: reader.anchorOf(row), attributes });
        if (buffer.length < step.pageSize) continue;
        yield { entries: buffer, more: true, total };
        buffer = [];
      }
    }
    yield { entries: buffer, more: !isLast, total };
  }
}

/** A side table read in the order of its key, a step ahead of the main table. */
interface SideReader {
  readonly name: string;
  /** The values of a key. Keys must be asked for in ascending order; rows of smaller keys belong to nobody. */
  take(key: readonly Value[]): Promise<readonly Value[]>;
}

async function openSide(database: SqlDatabase, snapshot: SqlSnapshot, side: SideAttribute): Promise<SideReader> {
  const columns = [...side.key, ...side.value];
  const cursor: SqlCursor = await snapshot.cursor(
    `SELECT ${columns.map((column) => quote(column.name)).join(', ')} FROM ${side.from} ORDER BY ${orderBy(database, side.key)}`,
    [],
    FETCH,
  );
  const readers = columns.map((column) => database.dialect.reader(column.type));
  const keyCount = side.key.length;
  const isReference = side.attribute.type === 'reference';
  let rows: readonly SqlRow[] = await cursor.read();
  let at = 0;
  let key: readonly Value[] | undefined;

  async function peek(): Promise<readonly Value[] | undefined> {
    if (key !== undefined) return key;
    while (at >= rows.length) {
      if (rows.length === 0) return undefined;
      rows = await cursor.read();
      at = 0;
    }
    const row = rows[at];
    if (row === undefined) return undefined;
    const values: Value[] = [];
    for (let index = 0; index < keyCount; index += 1) values.push(readers[index]?.(row[index]) ?? '');
    key = values;
    return key;
  }

  return {
    name: side.attribute.name,
    async take(wanted) {
      const found: Value[] = [];
      for (;;) {
        const next = key ?? (await peek());
        if (next === undefined) return found;
        const order = orderKeys(next, wanted);
        if (order > 0) return found;
        if (order === 0) {
          const row = rows[at] as SqlRow;
          const value = isReference
            ? formatReference(readers.slice(keyCount).map((reader, index) => reader(row[keyCount + index])))
            : readers[keyCount]?.(row[keyCount]);
          if (value !== undefined) found.push(value);
        }
        at += 1;
        key = undefined;
      }
    },
  };
}
