import {
  type AttributeChange,
  type Attributes,
  type EncodedAttributes,
  type EntryChange,
  type EntryResult,
  encodeAttributes,
  type ImportEntry,
  type Partition,
  readAnchor,
  type Schema,
  type Value,
} from '@landbridge/connector-sdk';
import type { PreparedHarness } from './run-contract-checks.ts';

/** What an import brought. */
export interface Imported {
  readonly entries: readonly ImportEntry[];
  readonly watermark: string | undefined;
}

/** Ends a check: what the connector did wrong. */
export function fail(message: string): never {
  throw new Error(message);
}

/** Empty pages in a row after which an import is held to be endless. Empty pages as such are normal (R23). */
const EMPTY_PAGES = 1000;

/** What is imported, and how. */
export interface ImportOrder {
  readonly pageSize?: number;
  /** Present: a delta from there. */
  readonly watermark?: string;
  readonly schema?: Schema;
  readonly partition?: Partition;
}

/** Imports everything, or with a watermark what changed since. The session is closed whatever happens, and an import that does not end fails. */
export async function importAll(harness: PreparedHarness, order: ImportOrder = {}): Promise<Imported> {
  const { connector, context, signal } = harness;
  const { pageSize = 100, watermark: since, schema = harness.schema, partition } = order;
  const session =
    (await connector.openImport?.(context, {
      kind: since === undefined ? 'full' : 'delta',
      schema,
      pageSize,
      signal,
      ...(since === undefined ? {} : { watermark: since }),
      ...(partition === undefined ? {} : { partition }),
    })) ?? fail('there is no import');
  const entries: ImportEntry[] = [];
  let watermark: string | undefined;
  let ended = false;
  try {
    for (let empty = 0; !ended; ) {
      const page = await session.readPage({ signal });
      if (page.entries.length > pageSize && since === undefined) fail(`a page of ${page.entries.length} entries came although ${pageSize} were asked for`);
      entries.push(...page.entries);
      watermark = page.watermark ?? watermark;
      ended = !page.more;
      empty = page.entries.length === 0 ? empty + 1 : 0;
      if (empty > EMPTY_PAGES) fail('the import does not end');
      // A connector that answers at once would otherwise keep timers, and so the time limit, from running.
      if (empty % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  } catch (error) {
    await session.close('failed').catch(() => undefined);
    throw error;
  }
  return { entries, watermark: (await session.close('normal'))?.watermark ?? watermark };
}

/** The anchor text of an entry. */
export function keyOf(harness: PreparedHarness, entry: Pick<ImportEntry, 'anchor' | 'objectType'>): string {
  return readAnchor(harness.type, encodeAttributes(harness.type, entry.anchor)) ?? fail(`an entry of "${entry.objectType}" has no anchor`);
}

/** One session with one batch. */
export async function put(harness: PreparedHarness, changes: readonly EntryChange[]): Promise<readonly EntryResult[]> {
  const signal = new AbortController().signal;
  const session =
    (await harness.connector.openExport?.(harness.context, { kind: 'delta', schema: harness.schema, batchSize: changes.length, signal })) ??
    fail('there is no export');
  try {
    return await session.put(changes, { signal });
  } finally {
    await session.close('normal');
  }
}

/** The change that adds an entry. */
export function addOf(harness: PreparedHarness, id: string, attributes: Attributes): EntryChange {
  const anchor = Object.fromEntries(harness.type.anchor.flatMap(({ name }) => (attributes[name] === undefined ? [] : [[name, attributes[name]]])));
  const listed = (value: Value | readonly Value[]): readonly Value[] => (Array.isArray(value) ? (value as readonly Value[]) : [value as Value]);
  return {
    id,
    modification: 'add',
    objectType: harness.objectType,
    ...(Object.keys(anchor).length === 0 ? {} : { anchor }),
    changes: Object.entries(attributes).map(([name, value]): AttributeChange => ({ name, modification: 'add', values: listed(value) })),
  };
}

/** Adds an entry; returns its anchor. */
export async function add(harness: PreparedHarness, attributes: Attributes): Promise<Attributes> {
  const [result] = await put(harness, [addOf(harness, 'a', attributes)]);
  if (result?.error !== undefined) fail(`an add was refused: ${result.error.message}`);
  return result?.anchor ?? addOf(harness, 'a', attributes).anchor ?? fail('an add gave no anchor');
}

/** The change of an entry that exists. */
export function changeOf(harness: PreparedHarness, modification: 'update' | 'delete', anchor: Attributes, changes: readonly AttributeChange[]): EntryChange {
  return { id: 'c', modification, objectType: harness.objectType, anchor, changes };
}

/** The entry as an import shows it, encoded. */
export async function read(harness: PreparedHarness, anchor: Attributes): Promise<EncodedAttributes | undefined> {
  const wanted = keyOf(harness, { anchor, objectType: harness.objectType });
  const entry = (await importAll(harness, { pageSize: 500 })).entries.find((one) => one.objectType === harness.objectType && keyOf(harness, one) === wanted);
  return entry === undefined ? undefined : encodeAttributes(harness.type, { ...entry.attributes, ...entry.anchor });
}

/** Compares attributes, whatever the order of their values. */
export function expectValues(found: EncodedAttributes | undefined, wanted: EncodedAttributes): void {
  const list = (value: EncodedAttributes[string] | undefined): string => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
  for (const [name, value] of Object.entries(wanted))
    if (list(found?.[name]) !== list(value)) fail(`"${name}" should be ${list(value)} and is ${list(found?.[name])}`);
}
