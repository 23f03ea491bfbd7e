import { type Attributes, ConnectorError, type EntryChange, type ImportEntry, type Value } from '@landbridge/connector-sdk';
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

/** The version of an entry after a write, where its type has one. */
export async function readVersion(writer: EntryWriter, key: readonly Value[]): Promise<Attributes | undefined> {
  const { version } = writer.model;
  if (version === undefined) return undefined;
  const { attributes } = await readCurrent(writer, key, new Set([version.attribute.name]));
  const value = attributes?.[version.attribute.name];
  return value === undefined ? undefined : { [version.attribute.name]: value };
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
    `the entry has changed in the application since it was read (${model.version?.column.name ?? 'version'}); import it, and decide again`,
  );
}
