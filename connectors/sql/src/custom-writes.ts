import { type Attributes, ConnectorError, type EntryChange, type EntryResult, type Value } from '@landbridge/connector-sdk';
import { keyText } from './fetch-entries.ts';
import type { ObjectModel } from './object-model.ts';
import { checkVersion, columnNames, isSame, readCurrent, versionConflict } from './present-entry.ts';
import { keyOf } from './row-reader.ts';
import { deleteSides, type EntryWriter, insertSides, moveSides, updateSides } from './side-writes.ts';
import { type OperationValues, runOperations, type WriteOperation } from './write-operations.ts';

/** What a change gives to the attributes of the main table. */
function givenValues(model: ObjectModel, change: EntryChange): Attributes {
  const names = columnNames(model);
  const given: Record<string, Value | readonly Value[]> = {};
  for (const part of change.changes) {
    if (!names.has(part.name)) continue;
    given[part.name] = part.modification === 'delete' ? [] : part.modification === 'update' ? part.added : part.values;
  }
  return given;
}

/** Adds an entry by the steps of `write.insert`. */
export async function addByOperations(writer: EntryWriter, change: EntryChange, steps: readonly WriteOperation[]): Promise<EntryResult> {
  const { connection, database, model, wanted } = writer;
  const given: Attributes = { ...change.anchor, ...givenValues(model, change) };
  const values: OperationValues = { values: given, renamed: {}, ...(change.password === undefined ? {} : { password: change.password }) };
  const { returned, assigned } = await runOperations(connection, database, model, steps, values);
  const key = model.anchor.map(({ attribute }): Value => {
    const value = returned[attribute.name] ?? given[attribute.name] ?? (attribute.type === 'integer' ? assigned : undefined);
    if (value !== undefined && !Array.isArray(value)) return value as Value;
    if (Array.isArray(value) && value.length === 1) return value[0] as Value;
    throw new ConnectorError(
      'invalid-data',
      `write.insert of "${model.name}" did not tell the "${attribute.name}" of the new entry; let it return it (RETURNING, an out parameter) and name it in returns`,
    );
  });
  await insertSides(writer, key, change);
  // What the application made of it: defaults, triggers, what the procedure computed.
  const entry = await readCurrent(writer, key, new Set([...wanted].filter((name) => columnNames(model).has(name))));
  const attributes = Object.entries(entry.attributes ?? {}).filter(([name, value]) => !isSame(given[name], value));
  return { id: change.id, anchor: entry.anchor, ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }) };
}

/** Changes an entry by the steps of `write.update`: they get the whole entry as it will be. */
export async function updateByOperations(writer: EntryWriter, change: EntryChange, steps: readonly WriteOperation[]): Promise<EntryResult> {
  const { connection, database, model, wanted } = writer;
  const key = keyOf(model, change.anchor ?? {});
  const current = await readCurrent(writer, key);
  checkVersion(model, change, current.attributes?.[model.version?.attribute.name ?? '']);
  const given = givenValues(model, change);
  const anchors = new Set(model.anchor.map(({ attribute }) => attribute.name));
  const renamed = Object.fromEntries(Object.entries(given).filter(([name]) => anchors.has(name)));
  const kept = Object.fromEntries(Object.entries(given).filter(([name]) => !anchors.has(name)));
  const before = change.modification === 'replace' ? {} : current.attributes;
  const changed = new Set([...change.changes.map((part) => part.name)]);
  const concerns = change.modification === 'replace' || Object.keys(given).length > 0;
  const due = steps.filter((step) => step.settings.when !== undefined || concerns);
  const values: OperationValues = { values: { ...before, ...kept, ...current.anchor }, renamed, ...(change.modification === 'replace' ? {} : { changed }) };
  const { returned, changes } = await runOperations(connection, database, model, due, values);
  if (changes === 0)
    throw model.version === undefined
      ? new ConnectorError('entry-failed', `write.update of "${model.name}" changed no row, though the entry is there; look at its condition`)
      : versionConflict(model);
  const newKey = model.anchor.map(({ attribute }, index): Value => {
    const value = returned[attribute.name] ?? renamed[attribute.name];
    return (Array.isArray(value) ? value[0] : value) ?? (key[index] as Value);
  });
  const moves = keyText(newKey) !== keyText(key);
  if (moves) await moveSides(writer, key, newKey);
  await updateSides(writer, newKey, change);
  // What the application made of it, as far as it is not what was sent.
  const own = model.columns.filter(({ attribute }) => !attribute.anchor && attribute.type !== 'reference' && wanted.has(attribute.name));
  const after = await readCurrent(writer, newKey, new Set(own.map(({ attribute }) => attribute.name)));
  const expected: Attributes = { ...before, ...kept };
  const made = own.flatMap(({ attribute: { name } }) => {
    const value = after.attributes?.[name] ?? [];
    return isSame(expected[name], value) ? [] : [[name, value] as const];
  });
  return {
    id: change.id,
    ...(moves ? { anchor: Object.fromEntries(model.anchor.map(({ attribute }, index) => [attribute.name, newKey[index] as Value])) } : {}),
    ...(made.length === 0 ? {} : { attributes: Object.fromEntries(made) }),
  };
}

/** Removes an entry by the steps of `write.delete`. */
export async function deleteByOperations(writer: EntryWriter, change: EntryChange, steps: readonly WriteOperation[]): Promise<EntryResult> {
  const { connection, database, model } = writer;
  const key = keyOf(model, change.anchor ?? {});
  const current = await readCurrent(writer, key);
  await deleteSides(writer, key);
  const { changes } = await runOperations(connection, database, model, steps, { values: { ...current.attributes, ...current.anchor }, renamed: {} });
  if (changes === 0)
    throw new ConnectorError('entry-failed', `write.delete of "${model.name}" changed no row, though the entry is there; look at its condition`);
  return { id: change.id };
}
