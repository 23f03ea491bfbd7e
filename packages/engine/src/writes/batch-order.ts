import { foldCase } from '@landbridge/connector-sdk';
import type { EncodedAttributeChange, EncodedChange } from '../connector-host/connector-handle.ts';
import { splitName } from './distinguished-names.ts';

/** A change as far as its place in a batch depends on it. */
export type OrderedChange = Pick<EncodedChange, 'modification' | 'dn' | 'newDn' | 'changes'>;

/**
 * The order of a batch (R18): a parent before its children, what is referred to before what refers to it; for deletes the other way
 * round. Where nothing depends on anything, and where entries depend on each other in a ring, they stay in the order in which they came.
 *
 * Changes of one batch come from requests under way at the same time, so any order of them is right for their clients; this one is
 * right for the application.
 */
export function orderBatch<Item>(items: readonly Item[], changeOf: (item: Item) => OrderedChange): Item[] {
  const places = items.map((item) => placeOf(changeOf(item)));
  // Most applications have neither names nor, within one batch, anything that refers to another.
  if (items.length < 2 || places.every((place) => place.name === undefined)) return [...items];
  const before = places.map((place) => places.flatMap((other, index) => (other !== place && comesBefore(other, place) ? [index] : [])));
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

/** What decides where a change may stand: names without their case. */
interface Place {
  readonly goes: boolean;
  readonly name: string | undefined;
  /** The names of its parent and of what it refers to. */
  readonly needs: ReadonlySet<string>;
}

function placeOf({ modification, dn, newDn, changes }: OrderedChange): Place {
  const name = newDn ?? dn;
  if (name === undefined) return { goes: modification === 'delete', name, needs: new Set() };
  const parent = splitName(name)[1];
  const needed = [...(parent === undefined ? [] : [parent]), ...changes.flatMap(addedTexts)].map(foldCase);
  return { goes: modification === 'delete', name: foldCase(name), needs: new Set(needed) };
}

/** What goes away goes after all that needs it; everything else comes before what needs it. */
function comesBefore(one: Place, other: Place): boolean {
  const [needing, needed] = other.goes ? [one, other] : [other, one];
  if (one.goes && !other.goes) return false;
  return needed.name !== undefined && needed.name !== needing.name && needing.needs.has(needed.name);
}

function addedTexts(change: EncodedAttributeChange): readonly string[] {
  const values = change.modification === 'delete' ? [] : change.modification === 'update' ? change.added : change.values;
  return values.filter((value) => typeof value === 'string');
}
