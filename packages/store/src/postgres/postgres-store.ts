import type { ConnectorStore } from '../connector-store.ts';
import { NO_BACKUP } from './control-database.ts';
import { createImportCommands } from './import-commands.ts';
import { createOutboxCommands } from './outbox.ts';
import { forgetOld } from './retention.ts';
import { applyModel, readModel } from './stored-model.ts';
import { createWriteCommands } from './write-commands.ts';
import { openWriter, type WriterOptions } from './writer.ts';

/** Commands that clients wait for go before the next page of an import (R1). */
const URGENT: ReadonlySet<string> = new Set(['commitIntents', 'commitResults', 'commitLinkChanges', 'recordAttempt', 'decideHeldWrites']);

/** Takes a connector over and makes its commands. They run one after the other, each in one transaction. */
export async function openStoreCommands(options: WriterOptions): Promise<ConnectorStore> {
  const writer = await openWriter(options, async (session) => (await readModel(session)).model);
  const run = createQueue();
  let written = 0;
  const commands: ConnectorStore = {
    ...createWriteCommands(writer),
    ...createImportCommands(writer),
    ...createOutboxCommands(writer),
    async configure(model) {
      const next = await writer.transact((session) => applyModel(session, model));
      if (next !== undefined) writer.model = next;
      return { changed: next !== undefined };
    },
    forgetOld: (retention) => writer.transact((session) => forgetOld(writer, session, retention)),
    async checkpoint() {
      // After a run the planner must know what is there: autovacuum comes a minute later.
      const { nextEntryId } = writer;
      if (nextEntryId - written > Math.max(1000, written / 10)) {
        written = nextEntryId;
        for (const table of ['entries', 'refs', 'mv']) await writer.session.all(`ANALYZE ${table}`);
      }
      return 0;
    },
    backup: () => Promise.reject(new Error(NO_BACKUP)),
    close: () => writer.close(),
  };
  const renewal = setInterval(() => void run(true, () => writer.renew()).catch(() => {}), ((options.leaseSeconds ?? 30) * 1000) / 3).unref();
  const queued = Object.entries(commands).map(([name, command]) => [
    name,
    (...values: readonly unknown[]) => {
      if (name === 'close') clearInterval(renewal);
      return run(URGENT.has(name), () => (command as (...all: readonly unknown[]) => Promise<unknown>)(...values));
    },
  ]);
  return Object.fromEntries(queued) as unknown as ConnectorStore;
}

type Work = () => Promise<unknown>;

/** Runs one piece of work after the other; urgent ones first. */
function createQueue(): (urgent: boolean, work: Work) => Promise<unknown> {
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
      (isUrgent ? urgent : others).push(() => work().then(resolve, reject));
      void drain();
    });
}
