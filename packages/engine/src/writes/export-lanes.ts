import { setTimeout as delay } from 'node:timers/promises';
import { type Capabilities, type CompiledObjectType, type ConnectorErrorData, type Partition, toErrorData } from '@landbridge/connector-sdk';
import { reach } from '@landbridge/store';
import type { ConnectorConfiguration } from '../configuration.ts';
import type { ConnectorHandle, EncodedChange, ExportHandle, PutOutcome } from '../connector-host/connector-handle.ts';
import { elapsed } from '../elapsed.ts';
import { createExportQueue } from './export-queue.ts';

/**
 * The way from a durable intent to the connector: sessions, batches, and when a result counts.
 *
 * 1. A batch holds at most one change per entry; the caller's locks see to it. What is needed comes first, over all sessions (R18, `export-queue.ts`).
 * 2. A connector whose entries are not isolated gets batches of one (R18).
 * 3. At most one call is in flight per session, and at most `parallelWrites` sessions work (R18).
 * 4. A result counts after its session was closed, unless results apply at once (R17).
 * 5. A failing close puts every write of the session in doubt (R17).
 * 6. A session that failed or timed out is never used again (R13).
 * 7. A session serves one partition and one kind of export: a batch never mixes them.
 */
export interface ExportLanes<Item> {
  send(item: Item): void;
  /** Closes idle sessions; waits for those at work, for the time of a call. */
  close(): Promise<void>;
}

export interface ExportLaneOptions<Item> {
  readonly handle: Pick<ConnectorHandle, 'openExport' | 'exportBatch'>;
  readonly capabilities: Capabilities;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly session: ConnectorConfiguration['session'];
  readonly callMilliseconds: number;
  change(item: Item): EncodedChange;
  /** The partition that the item's session is opened for; absent where the connector has none. */
  partition?(item: Item): Partition | undefined;
  /** Whether the item is part of a full export. */
  full?(item: Item): boolean;
  /** An item that must travel alone (R13). */
  alone(item: Item): boolean;
  deliver(item: Item, outcome: PutOutcome): void;
  /** A session closed badly although its results did not depend on it. */
  closeFailed(error: ConnectorErrorData): void;
}

interface Lane {
  session: ExportHandle | undefined;
  openedAt: number;
  /** What the session was opened for. */
  purpose: string;
  busy: boolean;
  idle: NodeJS.Timeout | undefined;
}

/** Makes the lanes of a connector. */
export function createExportLanes<Item>(options: ExportLaneOptions<Item>): ExportLanes<Item> {
  const { capabilities, session: policy } = options;
  // A session that stays open would keep the other connectors of the package waiting.
  const mayStay = policy.keepOpen === 'package' ? capabilities.resultsApply === 'at-once' : policy.keepOpen;
  const keepOpen = mayStay && capabilities.concurrentOperation;
  const batchSize = capabilities.isolatedEntries ? Math.max(1, capabilities.exportMaxBatch) : 1;
  const lanes: Lane[] = Array.from({ length: Math.max(1, capabilities.parallelWrites) }, () => ({
    session: undefined,
    openedAt: 0,
    purpose: '',
    busy: false,
    idle: undefined,
  }));
  const ready = createExportQueue<Item>({
    lanes: lanes.length,
    objectTypes: options.objectTypes,
    change: options.change,
    alone: options.alone,
    purpose: purposeOf,
  });
  const atWork = new Set<Promise<void>>();
  let scheduled = false;

  /** Everything that arrives in one turn of the event loop travels together: the group of a group commit. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      dispatch();
    });
  }

  function dispatch(): void {
    for (const lane of lanes) {
      if (ready.length === 0) return;
      if (lane.busy) continue;
      const free = lanes.filter((other) => !other.busy).length;
      const batch = ready.take(Math.min(batchSize, Math.ceil(ready.length / free)));
      // Everything waits for what is at work, which asks again when it is done.
      if (batch === undefined) return;
      lane.busy = true;
      const work = runBatch(lane, batch.items).finally(() => {
        batch.done();
        lane.busy = false;
        atWork.delete(work);
        if (ready.length > 0) schedule();
      });
      atWork.add(work);
    }
  }

  async function runBatch(lane: Lane, batch: readonly Item[]): Promise<void> {
    clearTimeout(lane.idle);
    if (!keepOpen && (await runWhole(batch))) return;
    let session: ExportHandle;
    try {
      session = await openSession(lane, batch[0] as Item);
    } catch (error) {
      // Nothing was sent: whatever the class of the error, the change was not applied.
      deliverAll(batch, { status: 'refused', error: toErrorData(error) });
      return;
    }
    reach('call-before');
    const outcomes = await put(session, batch);
    reach('call-after');
    const usable = outcomes.every((outcome) => outcome.status !== 'in-doubt');
    if (keepOpen && usable && elapsed() - lane.openedAt < policy.maxSeconds * 1000) {
      deliverEach(batch, outcomes);
      lane.idle = setTimeout(() => void closeSession(lane, 'normal'), policy.idleSeconds * 1000).unref();
      return;
    }
    deliverClosed(batch, outcomes, await closeSession(lane, usable ? 'normal' : 'failed'));
  }

  /** A session of its own for the batch, in one call; false, and nothing done, where the connector wants one call after the other. */
  async function runWhole(batch: readonly Item[]): Promise<boolean> {
    const { handle, callMilliseconds } = options;
    if (handle.exportBatch === undefined) return false;
    reach('call-before');
    const limits = { timeoutMilliseconds: callMilliseconds };
    const done = await handle.exportBatch(openingOf(batch[0] as Item), batch.map(options.change), limits);
    if (done === undefined) return false;
    reach('call-after');
    if (done.refused !== undefined) {
      deliverAll(batch, { status: 'refused', error: done.refused });
      return true;
    }
    if (done.closeError !== undefined && capabilities.resultsApply === 'at-once') options.closeFailed(done.closeError);
    deliverClosed(batch, done.outcomes, done.closeError);
    return true;
  }

  /** Delivers what became of a batch whose session was closed, well or with an error (R17). */
  function deliverClosed(batch: readonly Item[], outcomes: readonly PutOutcome[], error: ConnectorErrorData | undefined): void {
    reach('close-after');
    deliverEach(batch, error === undefined || capabilities.resultsApply === 'at-once' ? outcomes : outcomes.map((outcome) => doubt(outcome, error)));
  }

  function purposeOf(item: Item): string {
    return `${options.full?.(item) === true ? 'full' : 'delta'} ${options.partition?.(item)?.id ?? ''}`;
  }

  function openingOf(item: Item): Parameters<ConnectorHandle['openExport']>[0] {
    const partition = options.partition?.(item);
    return { batchSize, kind: options.full?.(item) === true ? 'full' : 'delta', ...(partition === undefined ? {} : { partition }) };
  }

  async function openSession(lane: Lane, item: Item): Promise<ExportHandle> {
    const purpose = purposeOf(item);
    if (lane.session !== undefined && lane.purpose === purpose) return lane.session;
    // Only sessions whose results count already stay open: nothing depends on how this one closes (R17).
    await closeSession(lane, 'normal');
    const session = await options.handle.openExport(openingOf(item));
    lane.session = session;
    lane.purpose = purpose;
    lane.openedAt = elapsed();
    return session;
  }

  async function put(session: ExportHandle, batch: readonly Item[]): Promise<readonly PutOutcome[]> {
    try {
      return await session.put(batch.map(options.change), { timeoutMilliseconds: options.callMilliseconds });
    } catch (error) {
      const data = toErrorData(error);
      return batch.map(() => ({ status: 'in-doubt', error: data }));
    }
  }

  /** Closes the session of a lane, if it has one; returns what went wrong. */
  async function closeSession(lane: Lane, reason: 'normal' | 'failed' | 'shutting-down'): Promise<ConnectorErrorData | undefined> {
    const { session } = lane;
    if (session === undefined) return undefined;
    lane.session = undefined;
    clearTimeout(lane.idle);
    try {
      const { error } = await session.close(reason);
      if (error !== undefined && capabilities.resultsApply === 'at-once') options.closeFailed(error);
      return error;
    } catch (error) {
      return toErrorData(error);
    }
  }

  function deliverAll(batch: readonly Item[], outcome: PutOutcome): void {
    for (const item of batch) options.deliver(item, outcome);
  }

  function deliverEach(batch: readonly Item[], outcomes: readonly PutOutcome[]): void {
    batch.forEach((item, index) => {
      options.deliver(item, outcomes[index] ?? { status: 'in-doubt', error: { code: 'unknown', message: 'the connector gave no outcome' } });
    });
  }

  return {
    send(item) {
      ready.push(item);
      schedule();
    },
    async close() {
      const ended = (async (): Promise<true> => {
        while (atWork.size > 0) await Promise.all(atWork);
        return true;
      })();
      // One that hangs while it opens or closes is ended with its thread: what it was at is in doubt, and settled after the next start (R13).
      if (!(await Promise.race([ended, delay(options.callMilliseconds, false, { ref: false })]))) return;
      await Promise.all(lanes.map((lane) => closeSession(lane, 'shutting-down')));
    },
  };
}

/** A close that failed leaves what was applied, and only that, in doubt; a refusal stays a refusal. */
function doubt(outcome: PutOutcome, error: ConnectorErrorData): PutOutcome {
  return outcome.status === 'applied' ? { status: 'in-doubt', error } : outcome;
}
