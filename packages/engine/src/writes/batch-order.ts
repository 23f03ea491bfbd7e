import { type CompiledObjectType, foldCase, readAnchor } from '@landbridge/connector-sdk';
import type { EncodedAttributeChange, EncodedChange } from '../connector-host/connector-handle.ts';
import { splitName } from './distinguished-names.ts';

/** A change as far as its place in a batch depends on it. */
export type OrderedChange = Pick<EncodedChange, 'modification' | 'objectType' | 'anchor' | 'dn' | 'newDn' | 'changes'>;

/**
 * The order of a batch (R18): a parent before its children, what is referred to before what refers to it; for deletes the other way
 * round, and after what lets go of it. Entries are referred to by name, or by anchor where the application has no names. Where nothing
 * depends on anything, and where entries depend on each other in a ring, they stay in the order in which they came.
 *
 * Changes of one batch come from requests under way at the same time, so any order of them is right for their clients; this one is
 * right for the application.
 */
export function orderBatch<Item>(items: readonly Item[], changeOf: (item: Item) => OrderedChange, types: ReadonlyMap<string, CompiledObjectType>): Item[] {
  if (items.length < 2) return [...items];
  return orderPlaces(items, (item) => placeOf(changeOf(item), types));
}

/** The same, of changes whose places are known. */
export function orderPlaces<Item>(items: readonly Item[], placeOfItem: (item: Item) => Place): Item[] {
  const places = items.map(placeOfItem);
  // Most batches hold nothing that needs anything.
  if (places.every((place) => place.needs.size === 0)) return [...items];
  const before = befores(places);
  const ordered: Item[] = [];
  const placed = new Set<number>();
  const put = (index: number, path: ReadonlySet<number>): void => {
    if (placed.has(index) || path.has(index)) return;
    for (const earlier of before[index] ?? []) put(earlier, new Set([...path, index]));
    placed.add(index);
    ordered.push(items[index] as Item);
  };
  for (const index of items.keys()) put(index, new Set());
  return ordered;
}

/** Whether a change has to wait for the end of another one that is under way (R18). */
export function comesAfter(place: Place, other: Place): boolean {
  return place.goes ? place.names.some((name) => other.needs.has(name)) : !other.goes && other.names.some((name) => place.needs.has(name));
}

/** What decides where a change may stand. */
export interface Place {
  readonly goes: boolean;
  /** How others refer to the entry: its name without case, its anchor with its type. */
  readonly names: readonly string[];
  /** The names of its parent and of what it refers to; of an entry that stays also what it lets go of. */
  readonly needs: ReadonlySet<string>;
}

/** For each place those that come before it: what goes away goes after all that needs it; everything else comes before what needs it. */
function befores(places: readonly Place[]): readonly (readonly number[])[] {
  const named = new Map<string, number[]>();
  places.forEach((place, index) => {
    for (const name of place.names) named.set(name, [...(named.get(name) ?? []), index]);
  });
  const before = places.map((): number[] => []);
  places.forEach((place, index) => {
    for (const name of place.needs) {
      for (const other of named.get(name) ?? []) {
        if (other === index) continue;
        // A delete stands in nobody's way, and waits for everybody who knows the entry.
        if (places[other]?.goes) before[other]?.push(index);
        else if (!place.goes) before[index]?.push(other);
      }
    }
  });
  return before.map((list) => list.sort((left, right) => left - right));
}

/** The place of a change: what it is called by, and what it needs. */
export function placeOf({ modification, objectType, anchor, dn, newDn, changes }: OrderedChange, types: ReadonlyMap<string, CompiledObjectType>): Place {
  const type = types.get(objectType);
  const name = newDn ?? dn;
  const key = type === undefined ? undefined : readAnchor(type, anchor ?? {});
  const parent = name === undefined ? undefined : splitName(name)[1];
  const needs = new Set<string>(parent === undefined ? [] : [byName(parent)]);
  for (const change of changes) {
    const attribute = type?.attributes.get(change.name);
    if (attribute?.type !== 'reference') continue;
    const targets = [...(attribute.referenceTypes ?? types.keys())];
    // What it referred to before is not told: it may be anything that goes.
    if (change.modification === 'replace' || change.modification === 'delete') for (const target of targets) needs.add(anyGoing(target));
    for (const value of valuesOf(change)) {
      needs.add(byName(value));
      for (const target of targets) needs.add(byAnchor(target, value));
    }
  }
  const goes = modification === 'delete';
  return {
    goes,
    names: [...(name === undefined ? [] : [byName(name)]), ...(key === undefined ? [] : [byAnchor(objectType, key)]), ...(goes ? [anyGoing(objectType)] : [])],
    needs,
  };
}

const byName = (name: string): string => `name ${foldCase(name)}`;
const byAnchor = (objectType: string, anchor: string): string => `anchor ${objectType} ${anchor}`;
const anyGoing = (objectType: string): string => `going ${objectType}`;

function valuesOf(change: EncodedAttributeChange): readonly string[] {
  if (change.modification === 'delete') return [];
  const values = change.modification === 'update' ? [...change.added, ...change.removed] : change.values;
  return values.filter((value) => typeof value === 'string');
}
