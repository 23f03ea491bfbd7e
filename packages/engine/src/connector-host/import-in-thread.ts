import type { MessagePort } from 'node:worker_threads';
import {
  type Attributes,
  type CompiledObjectType,
  type Connector,
  type ConnectorContext,
  ConnectorError,
  type ConnectorErrorData,
  decodeValue,
  type EntryIdentity,
  type ImportEntry,
  type ImportSession,
  type Schema,
  toErrorData,
} from '@landbridge/connector-sdk';
import { type ImportCounts, type ImportedEntry, noCounts, type PageOutcome, storeOverPort } from '@landbridge/store';
import { elapsed } from '../elapsed.ts';
import type { ImportOutcome, ImportTask } from './connector-handle.ts';
import { type ImportType, isLeftOut, prepareEntry } from './prepare-entry.ts';
import type { ThreadEvent } from './thread-messages.ts';

/**
 * One import step in the connector's thread: pages are read, encoded, hashed and sent to the store thread directly.
 *
 * 1. At most `CREDIT` chunks are on their way to the store: memory is flat (R1).
 * 2. The step is complete only with the end-of-data mark, no entry error, nothing postponed and a clean close (R23).
 * 3. An update of an entry that the space lacks is asked for as a whole object once, where the connector can bring it.
 * 4. A watermark is given only by a complete step (R24).
 */
const CHUNK = 500;
const CREDIT = 4;
/** Values of multi-valued references in one chunk: a group of thousands weighs as much as hundreds of people. */
const CHUNK_REFERENCES = 5000;
/** What the texts of one chunk may take, so that entries with pictures are bounded by their bytes and not by their number. */
const CHUNK_CHARACTERS = 2_000_000;
const POSTPONED_LIMIT_MILLISECONDS = 30_000;
const KEPT_ERRORS = 100;

export interface ImportWork {
  readonly connector: Connector;
  readonly context: ConnectorContext;
  readonly schema: Schema;
  readonly types: ReadonlyMap<string, ImportType>;
  readonly task: Omit<ImportTask, 'storePort'>;
  readonly port: MessagePort;
  readonly signal: AbortSignal;
  emit(event: ThreadEvent): void;
}

/** Runs the step to its end. It does not reject: what went wrong is in the outcome. */
export async function runImportStep(work: ImportWork): Promise<ImportOutcome> {
  const tally = createTally(work);
  const feed = createFeed(work, tally);
  let session: ImportSession | undefined;
  let watermark: string | undefined;
  let ended = false;
  let failure: ConnectorErrorData | undefined;
  try {
    session = await openSession(work);
    while (!ended) {
      const fullObjects = feed.takeMissing();
      const page = await session.readPage({ signal: work.signal, ...(fullObjects.length === 0 ? {} : { fullObjects }) });
      work.signal.throwIfAborted();
      watermark = page.watermark ?? watermark;
      tally.total = page.total ?? tally.total;
      await feed.add(page.entries);
      if (tally.errorCount > work.task.errorLimit) throw new ConnectorError('run-failed', `more than ${work.task.errorLimit} entries failed`);
      ended = !page.more;
      // What an update of the last pages missed is asked for as well, before the end counts.
      if (ended && work.task.fullObjects) await feed.flush();
      if (ended && feed.isMissing()) ended = false;
    }
    await feed.finish();
  } catch (error) {
    failure = work.signal.aborted ? { code: 'cancelled', message: 'the run was cancelled' } : toErrorData(error);
  }
  const closed = await closeSession(session, failure, work.signal.aborted);
  watermark = closed.watermark ?? watermark;
  failure ??= closed.error;
  await feed.drain();
  work.port.close();
  const complete = ended && failure === undefined && tally.errorCount === 0 && tally.postponed === 0;
  tally.report(true);
  return {
    complete,
    cancelled: work.signal.aborted,
    watermark: complete ? watermark : undefined,
    counts: tally.counts,
    entries: tally.entries,
    errors: tally.errors,
    errorCount: tally.errorCount,
    error: failure,
  };
}

async function openSession({ connector, context, schema, task, signal }: ImportWork): Promise<ImportSession> {
  if (connector.openImport === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" cannot import`);
  return connector.openImport(context, {
    kind: task.kind,
    schema,
    pageSize: task.pageSize,
    signal,
    ...(task.partition === undefined ? {} : { partition: task.partition }),
    included: task.included.map((dn) => ({ dn, displayName: dn })),
    excluded: task.excluded.map((dn) => ({ dn, displayName: dn })),
    ...(task.watermark === undefined ? {} : { watermark: task.watermark }),
  });
}

async function closeSession(
  session: ImportSession | undefined,
  failure: ConnectorErrorData | undefined,
  cancelled: boolean,
): Promise<{ readonly watermark?: string; readonly error?: ConnectorErrorData }> {
  if (session === undefined) return {};
  try {
    return (await session.close(cancelled ? 'cancelled' : failure === undefined ? 'normal' : 'failed')) ?? {};
  } catch (error) {
    return { error: toErrorData(error) };
  }
}

interface Tally {
  counts: ImportCounts;
  entries: number;
  total: number | undefined;
  errorCount: number;
  postponed: number;
  readonly errors: { entry: string; error: ConnectorErrorData }[];
  fail(entry: string, error: ConnectorErrorData): void;
  add(outcome: PageOutcome): void;
  report(force: boolean): void;
}

function createTally({ emit }: ImportWork): Tally {
  let reported = Number.NEGATIVE_INFINITY;
  const tally: Tally = {
    counts: noCounts,
    entries: 0,
    total: undefined,
    errorCount: 0,
    postponed: 0,
    errors: [],
    fail(entry, error) {
      tally.errorCount += 1;
      if (tally.errors.length < KEPT_ERRORS) tally.errors.push({ entry, error });
    },
    add(outcome) {
      const { counts } = tally;
      tally.counts = {
        added: counts.added + outcome.counts.added,
        updated: counts.updated + outcome.counts.updated,
        unchanged: counts.unchanged + outcome.counts.unchanged,
        removed: counts.removed + outcome.counts.removed,
        fenced: counts.fenced + outcome.counts.fenced,
        confirmed: counts.confirmed + outcome.counts.confirmed,
      };
      if (outcome.notReimported.length > 0) emit({ kind: 'not-reimported', reports: outcome.notReimported });
      if (outcome.settled.length > 0) emit({ kind: 'settled', journalIds: outcome.settled, passwords: outcome.passwords });
      tally.report(false);
    },
    report(force) {
      const now = elapsed();
      if (!force && now - reported < 250) return;
      reported = now;
      emit({ kind: 'progress', entries: tally.entries, total: tally.total, counts: tally.counts, errorCount: tally.errorCount });
    },
  };
  return tally;
}

interface Feed {
  add(entries: readonly ImportEntry[]): Promise<void>;
  /** Sends what is left and waits until it was applied. */
  flush(): Promise<void>;
  isMissing(): boolean;
  /** Entries that an update missed and that were not asked for yet. */
  takeMissing(): readonly EntryIdentity[];
  /** Sends what is left, and what was postponed, until nothing is or time is up (R22). */
  finish(): Promise<void>;
  /** Waits for what is on its way, whatever becomes of it. */
  drain(): Promise<void>;
}

function createFeed(work: ImportWork, tally: Tally): Feed {
  const store = storeOverPort(work.port);
  const underWay = new Set<Promise<void>>();
  let buffer: ImportedEntry[] = [];
  let references = 0;
  let characters = 0;
  let postponed: ImportedEntry[] = [];
  let broken: unknown;
  const asked = new Set<string>();
  let missing: EntryIdentity[] = [];

  function prepare(entry: ImportEntry): void {
    tally.entries += 1;
    if (entry.error !== undefined) return tally.fail(nameOf(entry), entry.error);
    const type = work.types.get(entry.objectType);
    if (type === undefined) return tally.fail(nameOf(entry), { code: 'unknown-object-type', message: `object type "${entry.objectType}" is not selected` });
    try {
      const leftOut = isLeftOut(type, entry);
      // What a full import does not show is gone; a delta has to say so.
      if (leftOut && work.task.kind === 'full') return;
      const prepared = prepareEntry(type, leftOut ? { ...entry, modification: 'delete' } : entry);
      buffer.push(prepared);
      if (prepared.op !== 'put') return;
      characters += prepared.body.length;
      for (const { values } of prepared.references) references += values.length;
    } catch (error) {
      tally.fail(nameOf(entry), toErrorData(error));
    }
  }

  /** Whether a failed update will be asked for as a whole object. */
  function askFor(entry: ImportedEntry | undefined, error: ConnectorErrorData): boolean {
    if (!work.task.fullObjects || entry?.op !== 'update' || error.code !== 'not-found') return false;
    const type = work.types.get(entry.objectType)?.type;
    const name = nameOfImported(entry);
    if (type === undefined || asked.has(name)) return false;
    asked.add(name);
    const anchor = entry.anchor === undefined ? {} : { anchor: anchorOf(type, entry.anchor) };
    missing.push({ objectType: entry.objectType, ...anchor, ...(entry.dn === undefined ? {} : { dn: entry.dn }) });
    return true;
  }

  /** An update of what was left out. Where it lets the object in, the next full import does. */
  function isOfLeftOut(entry: ImportedEntry | undefined, error: ConnectorErrorData): boolean {
    return entry?.op === 'update' && error.code === 'not-found' && work.types.get(entry.objectType)?.leaveOut !== undefined;
  }

  async function flush(): Promise<void> {
    const chunk = takeBuffer();
    if (chunk.length > 0) await send(chunk);
    await drain();
  }

  function takeBuffer(): readonly ImportedEntry[] {
    const chunk = buffer;
    buffer = [];
    references = 0;
    characters = 0;
    return chunk;
  }

  async function send(entries: readonly ImportedEntry[]): Promise<void> {
    while (underWay.size >= CREDIT) await Promise.race(underWay);
    if (broken !== undefined) throw broken;
    const sending: Promise<void> = store
      .applyPage(work.task.stepId, entries)
      .then((outcome) => {
        tally.add(outcome);
        for (const { index, error } of outcome.errors) {
          const entry = entries[index];
          if (!askFor(entry, error) && !isOfLeftOut(entry, error)) tally.fail(nameOfImported(entry), error);
        }
        for (const index of outcome.postponed) {
          const entry = entries[index];
          if (entry !== undefined) postponed.push(entry);
        }
      })
      .catch((error: unknown) => {
        broken = error;
      })
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
  }

  async function drain(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    async add(entries) {
      for (const entry of entries) {
        prepare(entry);
        if (buffer.length >= CHUNK || references >= CHUNK_REFERENCES || characters >= CHUNK_CHARACTERS) await send(takeBuffer());
      }
    },
    flush,
    isMissing: () => missing.length > 0,
    takeMissing() {
      const taken = missing;
      missing = [];
      return taken;
    },
    async finish() {
      await flush();
      const until = elapsed() + POSTPONED_LIMIT_MILLISECONDS;
      for (let wait = 20; postponed.length > 0 && elapsed() < until && broken === undefined; wait = Math.min(wait * 2, 1000)) {
        await new Promise((resolve) => setTimeout(resolve, wait));
        work.signal.throwIfAborted();
        const again = postponed;
        postponed = [];
        for (let index = 0; index < again.length; index += CHUNK) await send(again.slice(index, index + CHUNK));
        await drain();
      }
      tally.postponed = postponed.length;
      if (broken !== undefined) throw broken;
    },
    drain,
  };
}

/** The anchor attributes of an anchor text. */
function anchorOf(type: CompiledObjectType, anchor: string): Attributes {
  const parts = type.anchor.length <= 1 ? [anchor] : (JSON.parse(anchor) as readonly string[]);
  return Object.fromEntries(type.anchor.map((attribute, index) => [attribute.name, decodeValue(attribute.type, parts[index] ?? '')]));
}

function nameOf(entry: ImportEntry): string {
  return entry.dn ?? `${entry.objectType} ${Object.values(entry.anchor).map(String).join(', ')}`;
}

function nameOfImported(entry: ImportedEntry | undefined): string {
  return entry === undefined ? '' : (entry.dn ?? `${entry.objectType ?? ''} ${entry.anchor ?? ''}`);
}
