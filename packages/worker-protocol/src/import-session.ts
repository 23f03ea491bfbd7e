import {
  ConnectorError,
  connectorErrors,
  type EntryIdentity,
  fromErrorData,
  type ImportPage,
  type ImportSession,
  type ImportStep,
  type Parameters,
} from '@landbridge/connector-sdk';
import { attributesByType, readWireEntry, type WireEntry, writeIdentity } from './wire-values.ts';
import type { WorkerProcess } from './worker-process.ts';

interface WirePage {
  readonly entries: readonly WireEntry[];
  readonly more: boolean;
  readonly watermark?: string | null;
  readonly total?: number;
}

/** So many requests for entries are on their way: each is a credit, so what a worker has ready is bounded. */
const CREDIT = 3;
const BATCH_ENTRIES = 500;
/** How long a cancelled import may take to close before its process is ended. Nothing but this import lives in it. */
const CLOSE_MILLISECONDS = 10_000;

/** What an import needs to know of its surroundings. */
export interface ImportSurroundings {
  readonly parameters: Parameters;
  redact(text: string): string;
  /** Takes the worker back; only one whose import closed well is used again. */
  release(worker: WorkerProcess, clean: boolean): Promise<void>;
}

/** Opens an import in a worker of its own. */
export async function openImportSession(worker: WorkerProcess, step: ImportStep, { parameters, redact, release }: ImportSurroundings): Promise<ImportSession> {
  const { signal, ...rest } = step;
  const types = attributesByType(step.schema);
  const limit = Math.min(BATCH_ENTRIES, step.pageSize);
  let session: number;
  try {
    ({ session } = await untilAborted(signal, worker.call<{ readonly session: number }>('import.open', { parameters, step: rest })));
  } catch (error) {
    await worker.kill('its import could not be opened');
    throw error;
  }
  const underWay: { readonly page: Promise<WirePage>; readonly asked: boolean }[] = [];
  let more = true;
  let stopped: ConnectorError | undefined;

  function request(fullObjects: readonly EntryIdentity[] = []): void {
    const wanted = fullObjects.map((identity) => writeIdentity(types, identity));
    const page = worker.call<WirePage>('import.read', { session, limit, ...(wanted.length === 0 ? {} : { fullObjects: wanted }) });
    // Told to whoever reads it; a page that nobody reads any more has nobody to tell.
    page.catch(() => {});
    underWay.push({ page, asked: wanted.length > 0 });
  }

  return {
    async readPage({ signal: reading, fullObjects = [] }): Promise<ImportPage> {
      if (stopped !== undefined) throw stopped;
      if (fullObjects.length > 0) request(fullObjects);
      while (more && underWay.length < CREDIT) request();
      const next = underWay.shift();
      if (next === undefined) return { entries: [], more: false };
      const page = await untilAborted(reading, next.page);
      // Pages on their way when the end came are empty and no more than that; what was asked for is still to come.
      more = page.more;
      if (more) request();
      const entries = page.entries.map((entry) => readWireEntry(types, entry, redact));
      // Codes such as ImportErrorCustomStopRun end the run after their page (contract page 3.3).
      const stop = entries.find((entry) => entry.error !== undefined && connectorErrors[entry.error.code].class === 'stop')?.error;
      if (stop !== undefined) stopped = fromErrorData(stop);
      return {
        entries,
        more: page.more || stopped !== undefined || underWay.some(({ asked }) => asked),
        ...(page.watermark === undefined || page.watermark === null ? {} : { watermark: page.watermark }),
        ...(page.total === undefined ? {} : { total: page.total }),
      };
    },
    async close(reason) {
      let clean = false;
      const timer = reason === 'normal' ? undefined : setTimeout(() => void worker.kill('its import did not close'), CLOSE_MILLISECONDS);
      try {
        if (!worker.alive && reason !== 'normal') return undefined;
        const { watermark } = await worker.call<{ readonly watermark?: string | null }>('import.close', { session, reason });
        clean = reason === 'normal';
        return watermark === undefined || watermark === null ? {} : { watermark };
      } catch (error) {
        if (reason === 'normal') throw error;
        return undefined;
      } finally {
        clearTimeout(timer);
        await release(worker, clean);
      }
    },
  };
}

/** The promise, or a `cancelled` error as soon as the signal says so. */
async function untilAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  const cancelled = (): ConnectorError => new ConnectorError('cancelled', 'the import was cancelled');
  promise.catch(() => {});
  if (signal.aborted) throw cancelled();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
