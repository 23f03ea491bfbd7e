import { type Attributes, ConnectorError, type ImportEntry, type ImportPage, type ImportStep, type Value } from '@landbridge/connector-sdk';
import { quote, type SqlDatabase, type SqlValue } from './database.ts';
import { fetchEntries, keysCondition } from './fetch-entries.ts';
import type { SelectedType } from './import-session.ts';
import { type ObjectModel, qualified } from './object-model.ts';
import type { DeltaSettings } from './settings.ts';

/** Where each object type goes on: the highest value of its watermark column, or of its change log's sequence, as text. */
type Marks = Record<string, string | null>;

const PAGE = 500;

/** Whether an object type can tell what changed. */
export function hasDelta(model: ObjectModel): boolean {
  return model.settings.delta?.watermarkColumn !== undefined || model.settings.delta?.changeLog !== undefined;
}

/** The watermark of now, for all types that have one. */
export async function seedWatermark(database: SqlDatabase, selected: readonly SelectedType[]): Promise<string | undefined> {
  const marks: Marks = {};
  for (const { model } of selected) {
    const source = sourceOf(model);
    if (source === undefined) continue;
    const { rows } = await database.query(`SELECT CAST(max(${quote(source.column)}) AS TEXT) FROM ${source.from}`, []);
    marks[model.name] = rows[0]?.[0] === null || rows[0]?.[0] === undefined ? null : String(rows[0][0]);
  }
  return Object.keys(marks).length === 0 ? undefined : JSON.stringify(marks);
}

function sourceOf(model: ObjectModel): { readonly from: string; readonly column: string } | undefined {
  const { delta } = model.settings;
  if (delta?.changeLog !== undefined) return { from: qualified(delta.changeLog.table, delta.changeLog.schema), column: delta.changeLog.sequence };
  return delta?.watermarkColumn === undefined ? undefined : { from: model.from, column: delta.watermarkColumn };
}

/** What changed since the watermark, type by type. @throws ConnectorError `watermark-lost` for one that cannot be read. */
export async function* readDelta(database: SqlDatabase, selected: readonly SelectedType[], step: ImportStep): AsyncGenerator<ImportPage> {
  const marks = parseMarks(step.watermark);
  // Taken first: a change during the import is reported again by the next delta.
  const next = await seedWatermark(database, selected);
  for (const { model, type } of selected) {
    const wanted = new Set(type.attributes.map((attribute) => attribute.name));
    const { delta } = model.settings;
    const since = marks[model.name];
    if (since === undefined || delta === undefined)
      throw new ConnectorError('watermark-lost', `the object type "${model.name}" has no watermark; a full import is needed`);
    const pages =
      delta.changeLog === undefined ? readByColumn(database, model, wanted, delta, since) : readByLog(database, model, wanted, delta.changeLog, since);
    for await (const entries of pages) {
      step.signal.throwIfAborted();
      yield { entries, more: true };
    }
  }
  yield { entries: [], more: false, ...(next === undefined ? {} : { watermark: next }) };
}

function parseMarks(watermark: string | undefined): Marks {
  try {
    return JSON.parse(watermark ?? '') as Marks;
  } catch {
    throw new ConnectorError('watermark-lost', 'the watermark cannot be read; a full import is needed');
  }
}

/** Rows whose watermark column is at least the mark: equal ones again, because more of them may have come since. */
async function* readByColumn(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  delta: DeltaSettings,
  since: string | null,
): AsyncGenerator<readonly ImportEntry[]> {
  const column = quote(delta.watermarkColumn ?? '');
  const keys = model.anchor.map((one) => one.columns[0]?.name ?? '');
  const list = keys.map(quote).join(', ');
  const values: SqlValue[] = since === null ? [] : [since];
  const { rows } = await database.query(
    `SELECT ${list}${delta.deletedColumn === undefined ? '' : `, ${quote(delta.deletedColumn)}`} FROM ${model.from} WHERE ${since === null ? `${column} IS NOT NULL` : `${column} >= ${database.dialect.placeholder(1)}`}`,
    values,
  );
  const readers = model.anchor.map((one) => database.dialect.reader(one.columns[0]?.type ?? 'string'));
  const isDeleted = database.dialect.reader('boolean');
  const changed = rows.map((row) => ({
    key: readers.map((read, index) => read(row[index]) ?? ''),
    deleted:
      delta.deletedColumn !== undefined &&
      (isDeleted(row[keys.length]) === true || (typeof row[keys.length] === 'string' && !['f', 'false', '0', ''].includes(String(row[keys.length])))),
  }));
  yield* readChanged(database, model, wanted, changed);
}

/** The last change of each key in the log; what the log calls a delete, or is not there any more, is one. */
async function* readByLog(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  log: NonNullable<DeltaSettings['changeLog']>,
  since: string | null,
): AsyncGenerator<readonly ImportEntry[]> {
  const sequence = quote(log.sequence);
  const readers = model.anchor.map((one) => database.dialect.reader(one.columns[0]?.type ?? 'string'));
  const where = since === null ? '' : `WHERE ${sequence} > ${database.dialect.placeholder(1)}`;
  const { rows } = await database.query(
    `SELECT ${log.key.map(quote).join(', ')} FROM ${qualified(log.table, log.schema)} ${where} GROUP BY ${log.key.map(quote).join(', ')} ORDER BY max(${sequence})`,
    since === null ? [] : [since],
  );
  yield* readChanged(
    database,
    model,
    wanted,
    rows.map((row) => ({ key: readers.map((read, index) => read(row[index]) ?? ''), deleted: false })),
  );
}

async function* readChanged(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  changed: readonly { readonly key: readonly Value[]; readonly deleted: boolean }[],
): AsyncGenerator<readonly ImportEntry[]> {
  const names = model.anchor.map((one) => one.attribute.name);
  const columns = model.anchor.map((one) => one.columns[0]?.name ?? '');
  for (let index = 0; index < changed.length; index += PAGE) {
    const page = changed.slice(index, index + PAGE);
    const keys = page.filter((one) => !one.deleted).map((one) => one.key);
    const entries = keys.length === 0 ? [] : await fetchEntries(database, model, wanted, keysCondition(database, columns, keys), keys.length);
    const there = new Set(entries.map((entry) => JSON.stringify(names.map((name) => String(entry.anchor[name])))));
    const gone = page
      .filter((one) => !there.has(JSON.stringify(one.key.map(String))))
      .map(
        (one): ImportEntry => ({
          modification: 'delete',
          objectType: model.name,
          anchor: Object.fromEntries(names.map((name, at) => [name, one.key[at] ?? ''])) as Attributes,
        }),
      );
    yield [...entries, ...gone];
  }
}
