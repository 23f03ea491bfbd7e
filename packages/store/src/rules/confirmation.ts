import { type EncodedAttributes, type EncodedValue, foldCase } from '@landbridge/connector-sdk';
import type { Drift, ImportedEntry } from '../connector-store.ts';
import { orderAttributes, type StoredModel, type StoredType } from './stored-model.ts';

/** What comparing needs of the model: the same keys as everywhere (R27). */
export type ComparedModel = Pick<StoredModel, 'referenceKey' | 'normalize'>;

/** What an import must confirm of one attribute. */
export interface Awaited {
  /** The journal row that wrote it. */
  readonly journal: number;
  /** When its result was stored, to be compared with fences (R22). */
  readonly position: number;
  /** The value the last import had shown; `null` for none. */
  readonly was: EncodedValue | readonly EncodedValue[] | null;
  /** For multi-valued references: what was added and removed. For other attributes the row itself has the value. */
  readonly added?: readonly string[];
  readonly removed?: readonly string[];
}

/** Awaited attributes of an entry by name. */
export type AwaitedAttributes = Record<string, Awaited>;

/** The kinds of writes that no import needs to confirm (ECMA2 `ObjectConfirmation`). */
const UNAWAITED = { normal: [], 'no-delete-confirmation': ['delete'], 'no-add-and-delete-confirmation': ['delete', 'add'] } as const satisfies Record<
  string,
  readonly string[]
>;

/** Whether writes of a kind are confirmed with their result. */
export function isConfirmedAtOnce(model: Pick<StoredModel, 'objectConfirmation'>, kind: string): boolean {
  const kinds: readonly string[] = UNAWAITED[model.objectConfirmation];
  return kinds.includes(kind);
}

/** What an import says of the exported values of an entry (R20), and what of it must wait (R22). */
export interface Confirmation {
  /** The body to keep: the application's values, except those written after the fence. */
  readonly body: string;
  readonly confirmed: readonly string[];
  readonly mismatched: readonly { readonly attribute: string; readonly journal: number; readonly drift?: Drift }[];
  /** Journal rows of which nothing is awaited any more, and nothing mismatched. */
  readonly complete: readonly number[];
  /** Attributes written after the fence: the journal wins. */
  readonly kept: ReadonlySet<string>;
  readonly keptReferences: boolean;
  readonly fenced: boolean;
}

/**
 * Compares what an import shows with what is awaited: per attribute, typed, order-free. `update` is the delta that `entry` was made of,
 * where there is one: the comparison is limited to the attributes that it names, and of multi-valued references it has what came and
 * went instead of all their values.
 */
export function compareAwaited(
  model: ComparedModel,
  type: StoredType,
  awaited: AwaitedAttributes,
  fence: number,
  currentBody: string,
  entry: Extract<ImportedEntry, { op: 'put' }>,
  update?: Extract<ImportedEntry, { op: 'update' }>,
): { readonly confirmation: Confirmation; readonly remaining: AwaitedAttributes } {
  const current = JSON.parse(currentBody) as EncodedAttributes;
  const imported = JSON.parse(entry.body) as EncodedAttributes;
  const body: Record<string, EncodedValue | readonly EncodedValue[]> = { ...imported };
  const kept = new Set<string>();
  const confirmed: string[] = [];
  const mismatched: { attribute: string; journal: number; drift?: Drift }[] = [];
  const remaining: AwaitedAttributes = {};
  const covered = update === undefined ? undefined : new Set([...Object.keys(update.set), ...update.unset, ...update.deltas.map((delta) => delta.attribute)]);
  for (const [name, wait] of Object.entries(awaited)) {
    const attribute = type.attributes.get(name);
    if (attribute === undefined) continue;
    const isSet = attribute.type === 'reference' && attribute.multiValued;
    const shown = entry.references.find((reference) => reference.attribute === name);
    if (wait.position > fence) {
      kept.add(name);
      remaining[name] = wait;
      if (!isSet) keepValue(body, name, current[name]);
      continue;
    }
    if (covered?.has(name) === false) {
      remaining[name] = wait;
      continue;
    }
    const delta = isSet ? update?.deltas.find((one) => one.attribute === name) : undefined;
    const verdict = delta === undefined ? undefined : judgeDelta(model, wait, delta);
    if (verdict === 'silent') remaining[name] = wait;
    else if (verdict ?? (isSet ? showsDelta(model, shown?.values ?? [], wait.added, wait.removed) : sameValue(model, attribute, current[name], imported[name])))
      confirmed.push(name);
    else if (delta !== undefined) mismatched.push({ attribute: name, journal: wait.journal });
    else if (isSet) mismatched.push({ attribute: name, journal: wait.journal, drift: setDrift(model, shown?.values ?? [], wait) });
    else {
      const isOld = sameValue(model, attribute, wait.was ?? undefined, imported[name]);
      const drift = isOld ? { drift: { found: imported[name] ?? null, wanted: current[name] ?? null } } : {};
      mismatched.push({ attribute: name, journal: wait.journal, ...drift });
    }
  }
  const open = new Set(Object.values(remaining).map((wait) => wait.journal));
  const wrong = new Set(mismatched.map((one) => one.journal));
  const complete = [...new Set(confirmed.map((name) => awaited[name]?.journal ?? 0))].filter((journal) => !open.has(journal) && !wrong.has(journal));
  const keptReferences = [...kept].some((name) => type.attributes.get(name)?.type === 'reference' && type.attributes.get(name)?.multiValued === true);
  return {
    remaining,
    confirmation: {
      body: kept.size === 0 ? entry.body : JSON.stringify(orderAttributes(type, body)),
      confirmed,
      mismatched,
      complete,
      kept,
      keptReferences,
      fenced: kept.size > 0,
    },
  };
}

/** What a delta import says of a multi-valued reference. */
type SetDelta = Extract<ImportedEntry, { op: 'update' }>['deltas'][number];

/** Whether a delta confirms what is awaited of a set, contradicts it, or says nothing of it. */
function judgeDelta(model: ComparedModel, wait: Awaited, delta: SetDelta): boolean | 'silent' {
  const [added, removed] = [wait.added, wait.removed].map((values = []) => values.map(model.referenceKey)) as [string[], string[]];
  const [came, went] = [delta.added, delta.removed].map((values) => new Set(values.map(model.referenceKey))) as [Set<string>, Set<string>];
  if (added.some((key) => went.has(key)) || removed.some((key) => came.has(key))) return false;
  return added.every((key) => came.has(key)) && removed.every((key) => went.has(key)) ? true : 'silent';
}

/** What of an awaited set is as it was before. */
function setDrift(model: ComparedModel, values: readonly string[], { added = [], removed = [] }: Awaited): Drift {
  const present = new Set(values.map(model.referenceKey));
  const unwanted = new Set(removed.map(model.referenceKey));
  // What is left is named as the application names it.
  return { missing: added.filter((value) => !present.has(model.referenceKey(value))), left: values.filter((value) => unwanted.has(model.referenceKey(value))) };
}

function keepValue(body: Record<string, EncodedValue | readonly EncodedValue[]>, name: string, value: EncodedAttributes[string] | undefined): void {
  if (value === undefined) delete body[name];
  else body[name] = value;
}

/** Whether a set of references shows what was added and removed. */
export function showsDelta(model: ComparedModel, values: readonly string[], added: readonly string[] = [], removed: readonly string[] = []): boolean {
  const present = new Set(values.map(model.referenceKey));
  return added.every((value) => present.has(model.referenceKey(value))) && removed.every((value) => !present.has(model.referenceKey(value)));
}

/** Whether two values of an attribute are equal: typed, order-free, by its rule of case, after the connector's normalisation; references as names are. */
export function sameValue(
  model: ComparedModel,
  attribute: { readonly type: string; readonly caseExact: boolean },
  left: EncodedAttributes[string] | undefined,
  right: EncodedAttributes[string] | undefined,
): boolean {
  const fold = attribute.type === 'string' && !attribute.caseExact;
  const keyOf = (value: string): string => {
    if (attribute.type === 'reference') return model.referenceKey(value);
    if (attribute.type !== 'string') return value;
    const normalized = model.normalize(value);
    return fold ? foldCase(normalized) : normalized;
  };
  const list = (value: EncodedAttributes[string] | undefined): readonly string[] => {
    const values = value === undefined ? [] : ((Array.isArray(value) ? value : [value]) as readonly EncodedValue[]);
    return values.map((one) => keyOf(String(one))).sort();
  };
  const a = list(left);
  const b = list(right);
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** What an import shows together with what none ever shows. */
export function withExportOnly(type: StoredType, shown: EncodedAttributes, known: string): EncodedAttributes {
  if (type.exportOnly.length === 0) return shown;
  const before = JSON.parse(known) as EncodedAttributes;
  const kept = type.exportOnly.flatMap(({ name }) => (before[name] === undefined ? [] : [[name, before[name]] as const]));
  return orderAttributes(type, { ...shown, ...Object.fromEntries(kept) });
}
