import {
  type Attributes,
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
import { completeRows, createBinder, isAfterKey, keyText } from './fetch-entries.ts';
import type { ObjectModel } from './object-model.ts';
import { formatValue } from './references.ts';
import { bytesOf, compileReader, hasBytes, isPageFull, keyOf, nameAttribute, type ReadEntry, type RowReader, rowsAtOnce } from './row-reader.ts';
import { openSideReader, type SideReader } from './side-reader.ts';

/** Rows that are fetched at once, of the main table and of each side table. */
export const FETCH_ROWS = 2000;
/** Rows that are read at once at least, where pages are read by statements of their own. */
const PAGE = 1000;
/** A page ends when its side tables gave so many values: five hundred groups of thousands would be a hundred megabytes. */
const PAGE_VALUES = 5000;

/** An object type with what is selected of it. */
export interface SelectedType {
  readonly model: ObjectModel;
  readonly type: SchemaObjectType;
  /** The names of the selected attributes. */
  readonly wanted: ReadonlySet<string>;
}

/** Opens an import: everything (full), or what changed since the watermark (delta). `release` is called when it ends. */
export async function openImport(
  database: SqlDatabase,
  models: ReadonlyMap<string, ObjectModel>,
  step: ImportStep,
  release: () => Promise<void>,
): Promise<ImportSession> {
  const selected = step.schema.objectTypes.map((type): SelectedType => {
    const model = models.get(type.name);
    if (model === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${type.name}"`);
    const wanted = new Set(type.attributes.map((attribute) => attribute.name));
    requireAttributes(model, wanted);
    return { model, type, wanted };
  });
  if (step.kind === 'delta') {
    // Taken before the state that is read: what is written in between is seen again, never missed (R24).
    const next = await seedWatermark(database, selected);
    const snapshot = await database.snapshot(step.signal);
    return sessionOf(readDelta(database, snapshot, selected, step, next), snapshot, undefined, release);
  }
  // Taken before anything is read: what changes meanwhile is seen by the next delta, never missed (R24).
  const watermark = await seedWatermark(database, selected);
  const total = await countRows(database, selected);
  const snapshot = await database.snapshot(step.signal);
  return sessionOf(readEverything(database, snapshot, selected, step, total), snapshot, watermark, release);
}

/**
 * A column that was dropped or renamed since the connector was opened would read as no value of every entry.
 *
 * @throws ConnectorError `invalid-schema`, which ends the run before anything is read.
 */
function requireAttributes({ definition }: ObjectModel, wanted: ReadonlySet<string>): void {
  const there = new Set(definition.attributes.map((attribute) => attribute.name));
  const missing = [...wanted].filter((name) => !there.has(name));
  if (missing.length === 0) return;
  const names = missing.map((name) => `"${name}"`).join(', ');
  throw new ConnectorError(
    'invalid-schema',
    `the object type "${definition.name}" has no ${names} any more: a column was dropped or renamed in the application. Nothing was imported; correct the configuration and apply it, or restart the host to go on without`,
  );
}

function sessionOf(
  pages: AsyncGenerator<ImportPage>,
  snapshot: SqlSnapshot | undefined,
  watermark: string | undefined,
  release: () => Promise<void>,
): ImportSession {
  return {
    async readPage({ signal }) {
      if (signal.aborted) throw new ConnectorError('cancelled', 'the run was cancelled');
      const next = await pages.next();
      return next.done ? { entries: [], more: false } : next.value;
    },
    async close(reason) {
      try {
        await pages.return(undefined);
      } finally {
        await snapshot?.close();
        await release();
      }
      return reason === 'normal' && watermark !== undefined ? { watermark } : undefined;
    },
  };
}

/** The number of entries, where every object type can tell cheaply. */
async function countRows(database: SqlDatabase, selected: readonly SelectedType[]): Promise<number | undefined> {
  let total = 0;
  for (const { model } of selected) {
    const { table, schema } = model.settings;
    const count = table === undefined ? undefined : await database.countRows(table, schema);
    if (count === undefined) return undefined;
    total += count;
  }
  return total;
}

async function* readEverything(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  selected: readonly SelectedType[],
  step: ImportStep,
  total: number | undefined,
): AsyncGenerator<ImportPage> {
  const known = total === undefined ? {} : { total };
  for (const one of selected) {
    const pages = snapshot.query === undefined ? readType(database, snapshot, one, step.pageSize) : readTypeByPages(database, snapshot.query, one, step);
    for await (const entries of pages) yield { entries, more: true, ...known };
  }
  yield { entries: [], more: false, ...known };
}

/**
 * Every object of a type, page by page in the order of the anchor, each page with the rows of its side tables: for databases
 * whose cursors cannot share a state.
 */
async function* readTypeByPages(
  database: SqlDatabase,
  query: NonNullable<SqlSnapshot['query']>,
  { model, wanted }: SelectedType,
  step: ImportStep,
): AsyncGenerator<readonly ImportEntry[]> {
  const inSnapshot: SqlDatabase = { ...database, query };
  const reader = compileReader(database, model, wanted);
  const order = model.anchor.map((one) => database.dialect.orderBy(`m.${quote(one.column.name)}`, one.column, one.order)).join(', ');
  const size = rowsAtOnce(model, wanted, Math.min(Math.max(step.pageSize, PAGE), FETCH_ROWS));
  let seen: ReadonlySet<string> = new Set();
  for (let after: readonly Value[] | undefined; ; ) {
    const binder = createBinder(database);
    const conditions = [...(model.alive === undefined ? [] : [model.alive]), ...(after === undefined ? [] : [isAfterKey(database, model, after, binder)])];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    const sql = database.dialect.limited(`SELECT ${reader.select} FROM ${model.from}${where} ORDER BY ${order}`, size);
    const found = (await query(sql, binder.values, step.signal)).rows;
    const isLast = found.length < size;
    const rows = database.dialect.loose ? found.filter((row) => !seen.has(rowKey(model, reader, row))) : found;
    const keys = rows.map((row) => reader.entry(row, 'add').anchor);
    if (database.dialect.loose) {
      if (rows.length === 0 && !isLast)
        throw new ConnectorError('invalid-data', `the collation of the database takes too many keys of "${model.name}" for the same`);
      // Those at the end may be read again: what has their key is left out then, unless it was held back here.
      seen = new Set(rows.slice(0, isLast ? rows.length : startOfLastGroup(model, keys)).map((row) => rowKey(model, reader, row)));
    }
    // Rows of one anchor must not be torn apart: those at the end of a full page are read again with the next.
    const count = isLast ? rows.length : startOfLastGroup(model, keys);
    const entries = await completeRows(inSnapshot, model, wanted, reader, rows.slice(0, count), step.signal, { modification: 'add', isRange: true });
    const marked = entries.map((entry, index) => {
      const [before, own] = [keys[index - 1], keys[index]];
      const isRepeated = entry.error === undefined && before !== undefined && own !== undefined && isSameAnchor(model, before, own);
      return isRepeated ? { ...entry, error: duplicate(model) } : entry;
    });
    yield* inPages(marked, step.pageSize);
    if (isLast) return;
    after = keyOf(model, keys[count - 1] ?? {});
  }
}

/** The key of a row as one text; of a row without one, nothing that another row has. */
export function rowKey(model: ObjectModel, reader: RowReader, row: SqlRow): string {
  const { anchor, error } = reader.entry(row, 'add');
  return error === undefined ? keyText(keyOf(model, anchor)) : '';
}

/** Entries in pages: of so many, or fewer where they are large. */
function* inPages(entries: readonly ReadEntry[], pageSize: number): Generator<readonly ImportEntry[]> {
  let page: ReadEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    page.push(entry);
    bytes += bytesOf(entry);
    if (page.length < pageSize && !isPageFull(bytes)) continue;
    yield page;
    [page, bytes] = [[], 0];
  }
  if (page.length > 0) yield page;
}

/** Where the rows with the anchor of the last one begin. @throws ConnectorError when all rows have one anchor. */
function startOfLastGroup(model: ObjectModel, keys: readonly Attributes[]): number {
  const last = keys.at(-1) ?? {};
  let start = keys.length - 1;
  while (start > 0 && isSameAnchor(model, keys[start - 1] ?? {}, last)) start -= 1;
  if (start > 0) return start;
  const { message } = duplicate(model);
  throw new ConnectorError('invalid-data', message);
}

function isSameAnchor(model: ObjectModel, left: Attributes, right: Attributes): boolean {
  return model.anchor.every(({ attribute }) => {
    const value = left[attribute.name];
    return value !== undefined && formatValue(value as Value) === formatValue((right[attribute.name] ?? '') as Value);
  });
}

/** Every object of a type, its side tables merged in the order of the anchor: nothing is held but pages of rows. */
async function* readType(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  { model, wanted }: SelectedType,
  pageSize: number,
): AsyncGenerator<readonly ImportEntry[]> {
  const reader = compileReader(database, model, wanted);
  const order = model.anchor.map((one) => database.dialect.orderBy(`m.${quote(one.column.name)}`, one.column, one.order)).join(', ');
  const where = model.alive === undefined ? '' : ` WHERE ${model.alive}`;
  const main = await snapshot.cursor(`SELECT ${reader.select} FROM ${model.from}${where} ORDER BY ${order}`, [], rowsAtOnce(model, wanted, FETCH_ROWS));
  const bytesIn = hasBytes(model, wanted) ? bytesOf : () => 0;
  const sides: SideReader[] = [];
  for (const side of model.sides)
    if (wanted.has(side.attribute.name)) sides.push(await openSideReader(database, snapshot, model, side, rowsAtOnce(model, wanted, FETCH_ROWS)));
  let buffer: ImportEntry[] = [];
  let bytes = 0;
  let gathered = 0;
  let previous: readonly Value[] | undefined;
  for (let rows = await main.read(); rows.length > 0; rows = await main.read()) {
    for (const row of rows) {
      const entry = reader.entry(row, 'add');
      if (entry.error === undefined) {
        const key = keyOf(model, entry.anchor);
        if (previous !== undefined && isSameKey(previous, key)) buffer.push({ ...entry, error: duplicate(model) });
        else {
          let error: ImportEntry['error'];
          for (const side of sides) {
            try {
              const values = await takeAll(side, key);
              const [first] = values;
              if (first !== undefined) entry.attributes[side.attribute.name] = side.attribute.multiValued ? values : first;
              gathered += values.length;
            } catch (thrown) {
              error ??= nameAttribute(thrown, model.name, side.attribute.name);
            }
          }
          bytes += bytesIn(entry);
          buffer.push(error === undefined ? entry : { ...entry, error });
        }
        previous = key;
      } else buffer.push(entry);
      if (buffer.length < pageSize && gathered < PAGE_VALUES && !isPageFull(bytes)) continue;
      yield buffer;
      [buffer, bytes, gathered] = [[], 0, 0];
    }
  }
  if (buffer.length > 0) yield buffer;
  await closeAll([main, ...sides]);
}

/** The values of a key, with as many pages of the side table as it takes. @throws what is wrong with one of them. */
async function takeAll(side: SideReader, key: readonly Value[]): Promise<readonly Value[]> {
  for (;;) {
    const values = side.take(key);
    if (values !== undefined) return values;
    await side.fill();
  }
}

async function closeAll(cursors: readonly Pick<SqlCursor, 'close'>[]): Promise<void> {
  for (const cursor of cursors) await cursor.close();
}

function isSameKey(left: readonly Value[], right: readonly Value[]): boolean {
  return left.every((value, index) => value === right[index]);
}

function duplicate(model: ObjectModel): NonNullable<ImportEntry['error']> {
  return {
    code: 'ambiguous-update',
    message: `two rows of "${model.name}" have the same anchor (${model.settings.anchor.join(', ')}); choose columns that identify a row`,
  };
}
