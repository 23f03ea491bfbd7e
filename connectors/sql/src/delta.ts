import { type Attributes, ConnectorError, type ImportEntry, type ImportPage, type ImportStep, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, quote, type SqlDatabase, type SqlRow, type SqlSnapshot, type SqlValue } from './database.ts';
import { fetchByKeys, keyText, parameterOf } from './fetch-entries.ts';
import type { SelectedType } from './import-session.ts';
import { readTracking, seedTracking } from './mssql-change-tracking.ts';
import type { LogModel, ObjectModel } from './object-model.ts';
import { readReplication, seedReplication } from './postgres-replication.ts';
import { rowsAtOnce } from './row-reader.ts';

/**
 * Where each object type goes on: the highest value of its watermark column, or of the sequence of its change log. The
 * first letter keeps the type of the value (`t` text, `i` integer, `r` real), because SQLite compares by it.
 */
type Marks = Readonly<Record<string, string | null>>;

/** Ends the name under which the newest row of a log is kept, beside the mark, which may be earlier. */
const TOP = ' newest';
/** Keys that are looked up at once. */
const PAGE = 500;
/** Numbers that transactions may have taken and not committed yet, when others are writing while the mark is taken. */
const OVERLAP = 1000n;

/** The watermark of now, for all types that have one. */
export async function seedWatermark(database: SqlDatabase, selected: readonly SelectedType[]): Promise<string | undefined> {
  const types = selected.filter(({ model }) => model.delta !== undefined);
  if (types.length === 0) return undefined;
  const marks: Record<string, string | null> = {};
  for (const { model } of types) marks[model.name] = await readMark(database, model);
  const tops: Record<string, string> = {};
  for (const { model } of types) if (model.delta?.kind === 'log' && marks[model.name] !== null) tops[`${model.name}${TOP}`] = marks[model.name] ?? '';
  // Asked after the marks: whoever took an earlier mark and is not asked about here has committed before the state that is
  // read next, and is seen in it.
  const writers = await database.writersNow();
  if (writers.busy) for (const { model } of types) marks[model.name] = await withOverlap(database, model, marks[model.name] ?? null, writers.oldest);
  return JSON.stringify({ ...marks, ...tops });
}

async function readMark(database: SqlDatabase, model: ObjectModel): Promise<string | null> {
  if (model.delta?.kind === 'replication') return `t${await seedReplication(database, model.delta)}`;
  if (model.delta?.kind === 'tracking') return `t${await seedTracking(database, model)}`;
  const { from, column } = sourceOf(model);
  const highest = `SELECT ${database.dialect.selected(`max(${column.expression})`, column)} FROM ${from}`;
  const { rows } = await database.query(database.dialect.markOf?.(column) ?? highest, []);
  const value = rows[0]?.[0];
  if (value === null || value === undefined) return null;
  return column.type === 'integer' && typeof value === 'number' ? `i${value}` : formatMark(value);
}

/** A mark before those that transactions may have taken and not committed yet. */
async function withOverlap(database: SqlDatabase, model: ObjectModel, mark: string | null, oldest: string | undefined): Promise<string | null> {
  if (mark === null || model.delta?.kind === 'replication' || model.delta?.kind === 'tracking') return mark;
  const { dialect } = database;
  const { column } = sourceOf(model);
  if (column.type === 'integer') return formatMark(BigInt(mark.slice(1)) - OVERLAP);
  // Rows may carry the time at which their transaction began, and become visible when it ends.
  const values = [parseMark(mark), ...(oldest !== undefined && column.declared === 'timestamp with time zone' ? [oldest] : [])];
  const earlier = dialect.earlier(
    values.map((_, index) => dialect.placeholder(index + 1)),
    column,
  );
  return earlier === undefined ? mark : formatMark((await database.query(`SELECT ${earlier}`, values)).rows[0]?.[0]);
}

function formatMark(value: unknown): string {
  if (typeof value === 'bigint') return `i${value}`;
  return typeof value === 'number' ? `r${value}` : `t${String(value)}`;
}

function parseMark(mark: string): SqlValue {
  const text = mark.slice(1);
  if (mark.startsWith('i')) return BigInt(text);
  return mark.startsWith('r') ? Number(text) : text;
}

function sourceOf(model: ObjectModel): { readonly from: string; readonly column: CatalogueColumn & { readonly expression: string } } {
  const { delta } = model;
  if (delta === undefined || delta.kind === 'replication' || delta.kind === 'tracking')
    throw new ConnectorError('not-supported', `the object type "${model.name}" has no delta of rows`);
  if (delta.kind === 'log') return { from: delta.from, column: { ...delta.sequence, expression: `l.${quote(delta.sequence.name)}` } };
  return { from: model.from, column: { ...delta.column, expression: `m.${quote(delta.column.name)}` } };
}

/** What changed since the watermark, type by type. @throws ConnectorError `watermark-lost` for one that cannot be read. */
export async function* readDelta(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  selected: readonly SelectedType[],
  step: ImportStep,
  next: string | undefined,
): AsyncGenerator<ImportPage> {
  const marks = parseMarks(step.watermark);
  for (const { model, wanted } of selected) {
    const since = Object.hasOwn(marks, model.name) ? marks[model.name] : undefined;
    if (since === undefined || model.delta === undefined)
      throw new ConnectorError('watermark-lost', `the object type "${model.name}" has no watermark; a full import is needed`);
    if (model.delta.kind === 'log' && since !== null) await checkLog(database, model, model.delta, marks[`${model.name}${TOP}`] ?? since);
    const changes = changesOf(database, snapshot, model, since);
    for await (const repeated of changes) {
      const changed = lastOfEach(repeated);
      const size = rowsAtOnce(model, wanted, PAGE);
      for (let at = 0; at < changed.length; at += size) {
        const entries = await readChanged(database, model, wanted, changed.slice(at, at + size), step.signal);
        for (let index = 0; index < entries.length; index += step.pageSize) yield { entries: entries.slice(index, index + step.pageSize), more: true };
      }
    }
  }
  yield { entries: [], more: false, ...(next === undefined ? {} : { watermark: next }) };
}

/** The changes since a mark, in pages. */
function changesOf(database: SqlDatabase, snapshot: SqlSnapshot, model: ObjectModel, since: string | null): AsyncGenerator<readonly Change[]> {
  const text = (since ?? '').slice(1);
  if (model.delta?.kind === 'replication') return readReplication(database, snapshot, model, model.delta, text);
  if (model.delta?.kind === 'tracking') return readTracking(database, snapshot, model, text);
  return readChanges(database, snapshot, model, since === null ? null : parseMark(since));
}

/** The row of the mark, or an older one, must be there: else rows after it may have been removed as well, unread. */
async function checkLog(database: SqlDatabase, model: ObjectModel, log: LogModel, newest: string): Promise<void> {
  const sequence = `l.${quote(log.sequence.name)}`;
  const { rows } = await database.query(
    database.dialect.limited(
      `SELECT 1 FROM ${log.from} WHERE ${sequence} <= ${parameterOf(database.dialect, database.dialect.placeholder(1), log.sequence)}`,
      1,
    ),
    [parseMark(newest)],
  );
  if (rows.length === 0)
    throw new ConnectorError('watermark-lost', `the change log of "${model.name}" was emptied beyond what the last import has read; a full import is needed`);
}

function parseMarks(watermark: string | undefined): Marks {
  try {
    const marks: unknown = JSON.parse(watermark ?? '');
    // Written by `seedWatermark`: every value is a marked text or null.
    if (typeof marks === 'object' && marks !== null && Object.values(marks).every((mark) => mark === null || /^[tir]/.test(String(mark))))
      return marks as Marks;
  } catch {
    // Not JSON: said below.
  }
  throw new ConnectorError('watermark-lost', 'the watermark cannot be read; a full import is needed');
}

/** A row that changed several times is read once, in the state that it has now. */
function lastOfEach(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [keyText(change.key), change])).values()];
}

/** A row that changed. */
interface Change {
  readonly key: readonly Value[];
  readonly deleted: boolean;
}

async function* readChanges(database: SqlDatabase, snapshot: SqlSnapshot, model: ObjectModel, since: SqlValue): AsyncGenerator<readonly Change[]> {
  const { sql, keyColumns, isDeleted } = model.delta?.kind === 'log' ? logStatement(database, model.delta, since) : columnStatement(database, model, since);
  const readers = keyColumns.map((column) => database.dialect.reader(column));
  const cursor = await snapshot.cursor(sql, since === null ? [] : [since], PAGE);
  for (let rows = await cursor.read(); rows.length > 0; rows = await cursor.read()) {
    yield rows
      .filter((row) => readers.every((_, index) => row[index] !== null))
      .map((row) => ({ key: readers.map((read, index) => read(row[index])), deleted: isDeleted(row) }));
  }
  await cursor.close();
}

interface ChangeStatement {
  readonly sql: string;
  readonly keyColumns: readonly CatalogueColumn[];
  isDeleted(row: SqlRow): boolean;
}

/** Rows whose watermark column is at least the mark: equal ones again, because more of them may have come since. */
function columnStatement(database: SqlDatabase, model: ObjectModel, since: SqlValue): ChangeStatement {
  const { column } = sourceOf(model);
  const keyColumns = model.anchor.map((one) => one.column);
  const keys = keyColumns.map((one) => database.dialect.selected(`m.${quote(one.name)}`, one)).join(', ');
  const where =
    since === null ? `${column.expression} IS NOT NULL` : `${column.expression} >= ${parameterOf(database.dialect, database.dialect.placeholder(1), column)}`;
  const alive = model.alive === undefined ? '1' : `CASE WHEN ${model.alive} THEN 1 ELSE 0 END`;
  // The driver gives numbers as integers or as text.
  return { sql: `SELECT ${keys}, ${alive} FROM ${model.from} WHERE ${where}`, keyColumns, isDeleted: (row) => String(row[keyColumns.length]) === '0' };
}

/** The keys in the log after the mark, each with the word of its last operation. */
function logStatement(database: SqlDatabase, log: LogModel, since: SqlValue): ChangeStatement {
  const keys = log.key.map((column) => `l.${quote(column.name)}`).join(', ');
  const sequence = `l.${quote(log.sequence.name)}`;
  const where = since === null ? '' : ` WHERE ${sequence} > ${parameterOf(database.dialect, database.dialect.placeholder(1), log.sequence)}`;
  const word = log.operation === undefined ? 'NULL' : database.dialect.text(`l.${quote(log.operation.name)}`, log.operation);
  const ranked = `SELECT ${keys}, ${word} AS landbridge_word, ${sequence} AS landbridge_sequence, row_number() OVER (PARTITION BY ${keys} ORDER BY ${sequence} DESC) AS landbridge_rank FROM ${log.from}${where}`;
  const names = log.key.map((column) => database.dialect.selected(quote(column.name), column)).join(', ');
  return {
    sql: `SELECT ${names}, landbridge_word FROM (${ranked}) ranked WHERE landbridge_rank = 1 ORDER BY landbridge_sequence`,
    keyColumns: log.key,
    isDeleted: (row) => log.deletions.has(String(row[log.key.length] ?? '').trim()),
  };
}

/** The present state of what changed. What is not there (any more) is a delete, whatever was said of it. */
async function readChanged(
  database: SqlDatabase,
  model: ObjectModel,
  wanted: ReadonlySet<string>,
  changed: readonly Change[],
  signal: AbortSignal,
): Promise<readonly ImportEntry[]> {
  const candidates = changed.filter((one) => !one.deleted);
  const entries =
    candidates.length === 0
      ? []
      : await fetchByKeys(
          database,
          model,
          wanted,
          candidates.map((one) => one.key),
          signal,
        );
  const there = new Set(entries.map((entry) => keyText(model.anchor.map(({ attribute }) => (entry.anchor[attribute.name] ?? '') as Value))));
  const gone = changed.filter((one) => !there.has(keyText(one.key))).map((one) => deleteOf(model, one.key));
  return [...entries, ...gone];
}

function deleteOf(model: ObjectModel, key: readonly Value[]): ImportEntry {
  const anchor: Attributes = Object.fromEntries(model.anchor.map(({ attribute }, index) => [attribute.name, key[index] ?? '']));
  return { modification: 'delete', objectType: model.name, anchor };
}
