import { type Attributes, ConnectorError, type EntryChange, type ImportEntry, type Value } from '@landbridge/connector-sdk';
import type { CatalogueColumn } from './database.ts';
import { fetchByKeys, keyText } from './fetch-entries.ts';
import type { ObjectModel } from './object-model.ts';
import { formatValue } from './references.ts';
import { keyOf } from './row-reader.ts';
import type { EntryWriter } from './side-writes.ts';

/** The error of a row that is not there. */
export function notFound({ target, model }: EntryWriter): ConnectorError {
  return new ConnectorError('not-found', `there is no row with this identifier in ${target ?? model.name}`);
}

/** Statements of a transaction end with it. */
const never = new AbortController().signal;

/** The entry as it is inside the transaction. @throws ConnectorError `not-found`. */
export async function readCurrent(writer: EntryWriter, key: readonly Value[], wanted: ReadonlySet<string> = columnNames(writer.model)): Promise<ImportEntry> {
  const inTransaction = { ...writer.database, query: writer.connection.query };
  const found = await fetchByKeys(inTransaction, writer.model, wanted, [key], never);
  const exact = found.find((entry) => entry.error !== undefined || keyText(keyOf(writer.model, entry.anchor)) === keyText(key));
  if (exact === undefined) throw notFound(writer);
  if (exact.error !== undefined) throw new ConnectorError(exact.error.code, exact.error.message, exact.error.detail);
  return exact;
}

/**
 * Where the database decides what equals a key: the row must be there exactly, and alone.
 *
 * @throws ConnectorError `not-found`, `ambiguous-update`.
 */
export async function checkExact(writer: EntryWriter, key: readonly Value[]): Promise<void> {
  if (!writer.database.dialect.loose || key.every((value) => typeof value !== 'string')) return;
  const inTransaction = { ...writer.database, query: writer.connection.query };
  const found = await fetchByKeys(inTransaction, writer.model, new Set(), [key], never);
  if (!found.some((entry) => keyText(keyOf(writer.model, entry.anchor)) === keyText(key))) throw notFound(writer);
  if (found.length > 1)
    throw new ConnectorError('ambiguous-update', `the database takes the keys of ${found.length} rows of "${writer.model.name}" for the same as this one`);
}

/** The attributes of the main table. */
export function columnNames(model: ObjectModel): ReadonlySet<string> {
  return new Set(model.columns.map((one) => one.attribute.name));
}

/** Whether two attributes have the same values. */
export function isSame(left: Attributes[string] | undefined, right: Attributes[string]): boolean {
  const texts = (value: Attributes[string] | undefined): string =>
    JSON.stringify((value === undefined ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value as Value]).map(formatValue));
  return texts(left) === texts(right);
}

/**
 * What the database made of an entry in an update: its version, columns that it computes, and written values that it keeps in
 * another form. An attribute that has no value now is an empty list. `undefined` where there is nothing of the kind.
 */
export async function readMade(writer: EntryWriter, key: readonly Value[], written: ReadonlySet<CatalogueColumn>): Promise<Attributes | undefined> {
  const { columns, version } = writer.model;
  const names = columns.flatMap(({ attribute, columns: [column, ...more] }) => {
    if (column === undefined || more.length > 0 || attribute.anchor || attribute.type === 'reference' || attribute.direction === 'export-only') return [];
    if (!writer.wanted.has(attribute.name)) return [];
    return column.generated || (written.has(column) && isRewritten(column)) ? [attribute.name] : [];
  });
  const wanted = new Set(version === undefined ? names : [...names, version.attribute.name]);
  if (wanted.size === 0) return undefined;
  const { attributes } = await readCurrent(writer, key, wanted);
  return Object.fromEntries([...wanted].map((name) => [name, attributes?.[name] ?? []]));
}

/** Types whose values come back as they were written. */
const KEPT = /^(text|citext|clob|n?text|(tiny|medium|long)text|n?(var)?char2?|(national )?character varying|character large object|varchar|name)\b/i;

/** Whether the database may keep a value in another form than it was given: `12.3` as `12.3000`, a time in its own zone. */
export function isRewritten(column: CatalogueColumn): boolean {
  if (column.codec !== undefined) return true;
  return column.type === 'string' && column.declared !== '' && !KEPT.test(column.declared);
}

/** @throws ConnectorError `version-conflict` when the entry is not as the host last saw it. */
export function checkVersion(model: ObjectModel, change: EntryChange, present: Attributes[string] | undefined): void {
  const seen = model.version === undefined ? undefined : change.seen?.[model.version.attribute.name];
  if (seen !== undefined && !isSame(seen, present ?? [])) throw versionConflict(model);
}

/** The error of an entry that others changed. */
export function versionConflict(model: ObjectModel): ConnectorError {
  return new ConnectorError(
    'version-conflict',
    `the entry has changed in the application since it was read (${model.version?.column.name ?? 'version'}); look at what it has now, and decide again`,
  );
}
