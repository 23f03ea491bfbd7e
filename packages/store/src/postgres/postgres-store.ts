import type { ConnectorStore } from '../connector-store.ts';
import type { StoreOwnerError } from '../store-errors.ts';
import { NO_BACKUP } from './control-database.ts';
import { createImportCommands } from './import-commands.ts';
import { createOutboxCommands } from './outbox.ts';
import { forgetOld } from './retention.ts';
import { createStatistics } from './statistics.ts';
import { applyModel, readModel } from './stored-model.ts';
import { createWriteCommands } from './write-commands.ts';
import { openWriter, type WriterOptions } from './writer.ts';

/** Commands that clients wait for go before the next page of an import (R1). */
const URGENT: ReadonlySet<string> = new Set(['commitIntents', 'commitResults', 'commitLinkChanges', 'recordAttempt', 'decideHeldWrites']);

/** A store that may be taken over by another host (R34). */
export interface OwnedStore extends ConnectorStore {
  /** See `Lease.hold`. */
  holdOwnership(milliseconds: number): Promise<void>;
}

/** Takes a connector over and makes its commands. They run one after the other, each in one transaction; `lost` is told if another host takes it. */
export async function openStoreCommands(options: WriterOptions, lost: (error: StoreOwnerError) => void): Promise<OwnedStore> {
  const writer = await openWriter(options, async (session) => (await readModel(session)).model, lost);
  const run = createQueue(() => writer.unavailable);
  const statistics = createStatistics(options, () => writer.nextEntryId);
  const imports = createImportCommands(writer);
  const commands: ConnectorStore = {
    ...createWriteCommands(writer),
    ...imports,
    async applyPage(stepId, entries) {
      const outcome = await imports.applyPage(stepId, entries);
      statistics.keepUp();
      return outcome;
    },
    ...createOutboxCommands(writer),
    async configure(model) {
      const next = await writer.transact((session) => applyModel(session, model), { sets: true });
      if (next !== undefined) writer.model = next;
      return { changed: next !== undefined };
    },
    forgetOverlay: () => writer.transact(async (session) => void (await session.all("DELETE FROM meta WHERE name = 'overlay'"))),
    settleDrifts: (journalIds) =>
      writer.transact(async (session) => void (await session.all('DELETE FROM drifts WHERE journal = ANY($1::bigint[])', journalIds)), { sets: true }),
    forgetOld: (retention) => writer.transact((session) => forgetOld(writer, session, retention), { sets: true }),
    async checkpoint() {
      await statistics.bringUp();
      return 0;
    },
    backup: () => Promise.reject(new Error(NO_BACKUP)),
    async close() {
      await statistics.idle();
      await writer.close();
    },
  };
  const queued = Object.entries(commands).map(([name, command]) => [
    name,
    (...values: readonly unknown[]) => {
      if (name === 'close') return commands.close();
      return run(URGENT.has(name), () => (command as (...all: readonly unknown[]) => Promise<unknown>)(...values));
    },
  ]);
  // Not in the queue: what asks for it waits for nothing else.
  return { ...(Object.fromEntries(queued) as unknown as ConnectorStore), holdOwnership: (milliseconds) => writer.lease.hold(milliseconds) };
}

type Work = () => Promise<unknown>;

/** Runs one piece of work after the other; urgent ones first. What comes while nothing can be written is refused: it would wait without end. */
function createQueue(unavailable: () => Error | undefined): (urgent: boolean, work: Work) => Promise<unknown> {
  const urgent: (() => Promise<void>)[] = [];
  const others: (() => Promise<void>)[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    if (busy) return;
    busy = true;
    for (let next = urgent.shift() ?? others.shift(); next !== undefined; next = urgent.shift() ?? others.shift()) await next();
    busy = false;
  }

  return (isUrgent, work) =>
    new Promise((resolve, reject) => {
      const problem = unavailable();
      if (problem !== undefined) return reject(problem);
      (isUrgent ? urgent : others).push(() => work().then(resolve, reject));
      void drain();
    });
}
