import {
  type Attributes,
  ConnectorError,
  type EntryChange,
  type EntryResult,
  type ExportSession,
  type Schema,
  toConnectorError,
  toErrorData,
  type Value,
} from '@landbridge/connector-sdk';
import type { Outcome, SqlDatabase, Unit } from './database.ts';
import type { ObjectModel } from './object-model.ts';
import { formatReference } from './references.ts';
import { findReferrers } from './referrers.ts';
import { writeEntry } from './write-entry.ts';

type Models = ReadonlyMap<string, ObjectModel>;

/** Opens an export. Each entry is atomic over its main and side tables. `release` is called when the session ends. */
export function openExport(database: SqlDatabase, models: Models, schema: Schema, release: () => Promise<void>): ExportSession {
  const wanted = new Map(schema.objectTypes.map((type) => [type.name, new Set(type.attributes.map((attribute) => attribute.name))]));
  const referrers = new Map([...models.keys()].map((name) => [name, findReferrers(models.values(), name)]));
  return {
    async put(changes, { signal }) {
      const after = orderChanges(models, changes);
      const units = changes.map((change, index): Unit<EntryResult> => ({ after: after[index] ?? [], work: (connection) => apply(change, connection) }));
      const outcomes = await database.runUnits(units, signal);
      return Promise.all(changes.map((change, index) => resultOf(change, outcomes[index])));
    },
    close: release,
  };

  async function apply(change: EntryChange, connection: Parameters<Unit<EntryResult>['work']>[0]): Promise<EntryResult> {
    const model = models.get(change.objectType);
    if (model === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${change.objectType}"`);
    return writeEntry(
      { connection, database, model, target: model.target, wanted: wanted.get(model.name) ?? new Set(), referrers: referrers.get(model.name) ?? [] },
      change,
    );
  }

  async function resultOf(change: EntryChange, outcome: Outcome<EntryResult> | undefined): Promise<EntryResult> {
    if (outcome !== undefined && 'result' in outcome) return outcome.result;
    const error = toConnectorError(outcome?.error ?? new Error('the change was not applied'));
    return { id: change.id, error: toErrorData(await explain(database, models.get(change.objectType), change, error)) };
  }
}

/** Which earlier changes each change waits for: those that write what it refers to, and those that refer to what it writes. */
function orderChanges(models: Models, changes: readonly EntryChange[]): readonly (readonly number[])[] {
  const writers = new Map<string, number[]>();
  const referrers = new Map<string, number[]>();
  return changes.map((change, index) => {
    const own = identityOf(models.get(change.objectType), change);
    const targets = targetsOf(models.get(change.objectType), change);
    const after = new Set([
      ...targets.flatMap((target) => writers.get(target) ?? []),
      ...(own === undefined ? [] : [...(referrers.get(own) ?? []), ...(writers.get(own) ?? [])]),
    ]);
    if (own !== undefined) writers.set(own, [...(writers.get(own) ?? []), index]);
    for (const target of targets) referrers.set(target, [...(referrers.get(target) ?? []), index]);
    return [...after];
  });
}

function identityOf(model: ObjectModel | undefined, change: EntryChange): string | undefined {
  const values = model?.anchor.map(({ attribute }) => {
    const written = change.changes.find((part) => part.name === attribute.name && 'values' in part);
    const value = change.anchor?.[attribute.name] ?? (written !== undefined && 'values' in written ? written.values[0] : undefined);
    return Array.isArray(value) ? undefined : (value as Value | undefined);
  });
  const text = values === undefined ? undefined : formatReference(values);
  return text === undefined ? undefined : `${change.objectType}\0${text}`;
}

function targetsOf(model: ObjectModel | undefined, change: EntryChange): readonly string[] {
  return change.changes.flatMap((part) => {
    const attribute = model?.definition.attributes.find((one) => one.name === part.name);
    if (attribute?.type !== 'reference' || part.modification === 'delete') return [];
    const values = part.modification === 'update' ? [...part.added, ...part.removed] : part.values;
    return values.flatMap((value) => (attribute.referenceTypes ?? []).map((type) => `${type}\0${String(value)}`));
  });
}

/** The database names columns and constraints, the administrator knows attributes. */
async function explain(database: SqlDatabase, model: ObjectModel | undefined, change: EntryChange, error: ConnectorError): Promise<ConnectorError> {
  if (model === undefined || error.cause === undefined) return error;
  const place = await database.locate(error);
  const attribute = attributeAt(model, place.table, place.columns) ?? tooLong(model, change, error);
  const sentence = SENTENCES[error.code]?.(attribute === undefined ? 'a value' : `the value of "${attribute}"`, change);
  const { attribute: _, ...detail } = error.detail;
  const internal = [error.detail.internal, error.message].filter((one) => one !== undefined).join(': ');
  // What the database says may repeat values: it is for the log, where a sentence of ours says the same.
  const message = sentence ?? error.message;
  return new ConnectorError(
    error.code,
    message,
    { ...detail, internal: sentence === undefined ? (error.detail.internal ?? '') : internal, ...(attribute === undefined ? {} : { attribute }) },
    { cause: error.cause },
  );
}

const SENTENCES: Partial<Record<ConnectorError['code'], (what: string, change: EntryChange) => string>> = {
  'already-exists': (what) => `${what} is in use already`,
  'missing-attribute': (what) => `${what} is missing, and the database demands it`,
  'constraint-violation': (what, change) =>
    change.modification === 'delete'
      ? 'the row cannot be deleted, because rows of another table refer to it; remove these first (memberships, subordinates)'
      : `${what} breaks a rule of the database: probably it refers to a row that does not exist, or others refer to a value that changes`,
};

/** The attribute of a constraint: of the columns it names, preferably not the anchor. */
function attributeAt(model: ObjectModel, table: string | undefined, columns: readonly string[]): string | undefined {
  const text = columns.join(' ');
  if (text === '') return undefined;
  const side = model.sides.find((one) => one.settings.table === table && one.settings.table !== (model.settings.table ?? model.settings.writeTable));
  if (side !== undefined) return side.attribute.name;
  const named = model.columns.filter(({ columns: own }) => own.some((column) => namesColumn(text, column.name)));
  return (named.find((one) => !one.attribute.anchor) ?? named[0])?.attribute.name;
}

/** Whether a list of columns, or an expression, contains a name as a word. */
function namesColumn(text: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, 'u').test(text);
}

/** PostgreSQL does not say which value does not fit: the one that is longer than its column. */
function tooLong(model: ObjectModel, change: EntryChange, error: ConnectorError): string | undefined {
  if (error.code !== 'invalid-attribute-value') return error.detail.attribute;
  const values = new Map(change.changes.map((part) => [part.name, 'values' in part ? part.values : 'added' in part ? part.added : []]));
  const fits = (value: Value, maximum: number | undefined): boolean => typeof value !== 'string' || maximum === undefined || [...value].length <= maximum;
  const columns = [
    ...model.columns.map((one) => ({ name: one.attribute.name, column: one.columns[0] })),
    ...model.sides.map((one) => ({ name: one.attribute.name, column: one.value[0] })),
  ];
  return columns.find(({ name, column }) => values.get(name)?.some((value) => !fits(value, column?.maximumLength)))?.name ?? onlyOfType(model, values, error);
}

/** `invalid input syntax for type uuid`: the one value that goes into a column of the type that the message names. */
function onlyOfType(model: ObjectModel, values: ReadonlyMap<string, Attributes[string]>, { message }: ConnectorError): string | undefined {
  const candidates = model.columns.filter(
    ({ attribute, columns }) => values.has(attribute.name) && columns.some((column) => column.declared !== 'text' && namesColumn(message, column.declared)),
  );
  return candidates.length === 1 ? candidates[0]?.attribute.name : undefined;
}
