import {
  type BatchSession,
  type CompiledObjectType,
  type Connector,
  type ConnectorContext,
  ConnectorError,
  type ConnectorErrorData,
  type EntryChange,
  type EntryResult,
  type ExportStep,
  toErrorData,
} from '@landbridge/connector-sdk';
import type { BatchOutcome, EncodedChange } from './connector-handle.ts';
import { decodeChanges, outcomesOf } from './encoded-changes.ts';

/** How long opening and closing a session may take; the batch between them has the limit of the configuration. */
export const OPEN_MILLISECONDS = 60_000;
export const CLOSE_MILLISECONDS = 30_000;
/** How long setting a password may take. */
export const PASSWORD_MILLISECONDS = 60_000;

/**
 * A session with one batch, inside the connector's thread: one message from the engine instead of three.
 *
 * 1. Where it did not open, nothing was applied: refused (R12). Everything that happens later may be in doubt (R13).
 * 2. A limit that has passed ends the calls, and is waited for: what comes out is what really became of the batch (R14).
 */
export async function runBatch(options: {
  readonly connector: Connector;
  readonly context: ConnectorContext;
  readonly step: ExportStep;
  readonly types: ReadonlyMap<string, CompiledObjectType>;
  readonly changes: readonly EncodedChange[];
  readonly callMilliseconds: number;
  redact(error: ConnectorErrorData): ConnectorErrorData;
}): Promise<BatchOutcome> {
  const { connector, context, types, redact } = options;
  const over = new AbortController();
  const step = { ...options.step, signal: AbortSignal.any([options.step.signal, over.signal]) };

  /** Gives up what takes too long. Its promise settles then, because the signal has told it to. */
  async function within<Result>(milliseconds: number, work: Promise<Result>): Promise<Result> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      over.abort();
    }, milliseconds);
    try {
      return await work;
    } catch (error) {
      throw late ? new ConnectorError('timeout', `the connector "${context.connector}" did not answer within ${milliseconds / 1000} seconds`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  const decoded = decodeChanges(types, options.changes);
  const nothing = Promise.resolve<readonly EntryResult[]>([]);
  if (decoded.sent.length === 0) return { outcomes: await outcomesOf(types, options.changes, decoded, nothing, redact) };
  let batch: BatchSession;
  try {
    batch = await within(OPEN_MILLISECONDS, unlessAborted(step.signal, startBatch(connector, context, step, decoded.changes)));
    // Each is waited for in its turn; one that nobody comes to any more has nobody to tell.
    for (const part of [batch.results, batch.closed]) part.catch(() => {});
    await within(OPEN_MILLISECONDS, batch.opened);
  } catch (error) {
    return { refused: redact(toErrorData(error)) };
  }
  const outcomes = await outcomesOf(types, options.changes, decoded, within(options.callMilliseconds, batch.results), redact);
  try {
    await within(CLOSE_MILLISECONDS, batch.closed);
    return { outcomes };
  } catch (error) {
    return { outcomes, closeError: redact(toErrorData(error)) };
  }
}

/** Nothing was sent before `work` resolves, and nothing is once the signal is aborted. */
function unlessAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    const abandon = (): void => reject(new ConnectorError('cancelled', 'the session was given up before it was opened'));
    if (signal.aborted) return abandon();
    signal.addEventListener('abort', abandon, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abandon));
  });
}

/** By the connector's own way where it has one for this session, else one call after the other. */
async function startBatch(connector: Connector, context: ConnectorContext, step: ExportStep, changes: readonly EntryChange[]): Promise<BatchSession> {
  const batch = await connector.exportBatch?.(context, step, changes);
  if (batch !== undefined) return batch;
  if (connector.openExport === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" cannot export`);
  const session = await connector.openExport(context, step);
  step.signal.throwIfAborted();
  const results = session.put(changes, { signal: step.signal });
  return {
    opened: Promise.resolve(),
    results,
    closed: results.then(
      () => session.close('normal'),
      () => session.close('failed'),
    ),
  };
}
