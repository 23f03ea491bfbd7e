import type { CompiledObjectType } from '@landbridge/connector-sdk';
import { comesAfter, type OrderedChange, orderBatch, orderPlaces, type Place, placeOf } from './batch-order.ts';

/**
 * The changes that wait for a session, and which of them travel together (R18).
 *
 * 1. In a batch, what is needed comes before what needs it.
 * 2. With several sessions at work a change also waits for what it needs in another one: a parent, what it refers to, and before a
 *    delete whatever lets go of the entry.
 * 3. What waits is overtaken at most {@link OVERTAKEN} times while it is the oldest: nothing waits for ever behind newcomers.
 */
export interface ExportQueue<Item> {
  readonly length: number;
  push(item: Item): void;
  /** Takes the next batch, of at most `limit`; none while everything waits for what is at work. It is at work until it is done. */
  take(limit: number): Batch<Item> | undefined;
}

export interface Batch<Item> {
  readonly items: readonly Item[];
  done(): void;
}

export interface ExportQueueOptions<Item> {
  /** How many batches can be at work. */
  readonly lanes: number;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  change(item: Item): OrderedChange;
  /** An item that must travel alone (R13). */
  alone(item: Item): boolean;
  /** Only items of the same purpose travel together. */
  purpose(item: Item): string;
}

const OVERTAKEN = 100;
/** How many of those that wait are put in order at a time. */
const WINDOW = 500;

/** Makes the queue of a connector. */
export function createExportQueue<Item>(options: ExportQueueOptions<Item>): ExportQueue<Item> {
  return options.lanes < 2 ? queueOfOne(options) : queueOfSeveral(options);
}

/** With one session at work nothing can meet a change of another one. */
function queueOfOne<Item>({ objectTypes, change, alone, purpose }: ExportQueueOptions<Item>): ExportQueue<Item> {
  const ready: Item[] = [];
  return {
    get length() {
      return ready.length;
    },
    push: (item) => void ready.push(item),
    take(limit) {
      const count = together(ready, limit, alone, purpose);
      return { items: orderBatch(ready.splice(0, count), change, objectTypes), done() {} };
    },
  };
}

interface Queued<Item> {
  readonly item: Item;
  readonly place: Place;
  overtaken: number;
}

function queueOfSeveral<Item>({ objectTypes, change, alone, purpose }: ExportQueueOptions<Item>): ExportQueue<Item> {
  let ready: Queued<Item>[] = [];
  const atWork = new Set<readonly Queued<Item>[]>();
  const needy = ({ place }: Queued<Item>): boolean => place.needs.size > 0;

  function taken(limit: number): Queued<Item>[] {
    const busy = [...atWork].flat();
    // Most changes need nothing, and then nothing waits.
    if (!ready.some(needy) && !busy.some(needy)) {
      const count = together(
        ready,
        limit,
        ({ item }) => alone(item),
        ({ item }) => purpose(item),
      );
      return ready.slice(0, count);
    }
    const [oldest] = ready;
    if (oldest !== undefined && oldest.overtaken >= OVERTAKEN) return [oldest];
    const batch: Queued<Item>[] = [];
    const passed: Queued<Item>[] = [];
    for (const queued of orderPlaces(ready.slice(0, WINDOW), ({ place }) => place)) {
      const [first] = batch;
      if (batch.length === limit || (first !== undefined && alone(first.item))) break;
      const waits = [...busy, ...passed].some(({ place }) => comesAfter(queued.place, place));
      if (!waits && (first === undefined || (!alone(queued.item) && purpose(queued.item) === purpose(first.item)))) batch.push(queued);
      else passed.push(queued);
    }
    if (oldest !== undefined && batch.length > 0 && !batch.includes(oldest)) oldest.overtaken += 1;
    return batch;
  }

  return {
    get length() {
      return ready.length;
    },
    push: (item) => void ready.push({ item, place: placeOf(change(item), objectTypes), overtaken: 0 }),
    take(limit) {
      const batch = taken(limit);
      if (batch.length === 0) return undefined;
      const gone = new Set(batch);
      ready = ready.filter((queued) => !gone.has(queued));
      atWork.add(batch);
      return { items: batch.map(({ item }) => item), done: () => void atWork.delete(batch) };
    },
  };
}

/** How many from the front travel together. */
function together<Item>(ready: readonly Item[], limit: number, alone: (item: Item) => boolean, purpose: (item: Item) => string): number {
  const [first] = ready;
  if (first === undefined) return 0;
  if (alone(first)) return 1;
  const wanted = purpose(first);
  let count = 1;
  while (count < limit && count < ready.length && !alone(ready[count] as Item) && purpose(ready[count] as Item) === wanted) count += 1;
  return count;
}
