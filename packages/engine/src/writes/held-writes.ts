import type { ConnectorReader, ConnectorStore, JournalRow } from '@landbridge/store';
import type { HeldWritesDecided } from '../host.ts';
import { reviveWrite, type WriteAnswer, type WriteInFlight } from './planned-write.ts';

/**
 * Writes that wait for an administrator (SEC-20).
 *
 * 1. A held write is a row of the journal, and nothing else: it survives restarts, and nothing was sent.
 * 2. A repeat of it is answered as it was; another request to the same entry says that its client changed its mind, and
 *    withdraws it.
 * 3. What is approved is durable as an intent before it is sent, and settled like any other after a crash.
 */
export interface HeldWrites {
  readonly size: number;
  /** The held write of an entry. */
  of(entryId: number): { readonly journalId: number; readonly key: string; readonly transaction: string } | undefined;
  add(entryId: number, held: { readonly journalId: number; readonly key: string; readonly transaction: string }): void;
  /** Another request to the entry has been planned. */
  withdraw(entryId: number, by: string): Promise<void>;
  decide(decision: 'approved' | 'rejected', journalIds: readonly number[] | undefined, by: string): Promise<HeldWritesDecided>;
}

export interface HeldWritesOptions {
  readonly store: Pick<ConnectorStore, 'decideHeldWrites'>;
  readonly reader: Pick<ConnectorReader, 'readJournalRow'>;
  readonly now: () => number;
  openPassword(sealed: string): string;
  send(write: WriteInFlight): void;
}

const GROUP = 500;
/** How long an approval waits for the application before it answers, milliseconds. */
const PATIENCE = 20_000;

/** Makes the register from the journal's held rows. */
export function createHeldWrites(options: HeldWritesOptions, rows: readonly JournalRow[]): HeldWrites {
  const { store, reader, now } = options;
  const byEntry = new Map(rows.map((row) => [row.entryId, { journalId: row.id, key: row.request.key, transaction: row.request.correlation }]));

  function forget(journalIds: readonly number[]): void {
    const decided = new Set(journalIds);
    for (const [entryId, held] of byEntry) if (decided.has(held.journalId)) byEntry.delete(entryId);
  }

  /** Sends an approved write; resolves with its answer. */
  async function send(journalId: number): Promise<WriteAnswer> {
    const row = await reader.readJournalRow(journalId);
    if (row === undefined) throw new Error(`there is no journal row ${journalId}`);
    const password = row.sealed === undefined ? undefined : options.openPassword(row.sealed);
    return new Promise((resolve) => {
      options.send(reviveWrite(row, password, { answer: resolve, doubted: () => {} }));
    });
  }

  return {
    get size() {
      return byEntry.size;
    },
    of: (entryId) => byEntry.get(entryId),
    add(entryId, held) {
      byEntry.set(entryId, held);
    },
    async withdraw(entryId, by) {
      const held = byEntry.get(entryId);
      if (held === undefined) return;
      await store.decideHeldWrites('rejected', [held.journalId], { actor: by, reason: 'a later request took its place', at: now() });
      byEntry.delete(entryId);
    },
    async decide(decision, journalIds, by) {
      const wanted = journalIds ?? [...byEntry.values()].map((held) => held.journalId);
      const decided = { rejected: 0, refused: 0, notHeld: [] as number[] };
      let applied = 0;
      let underWay = 0;
      const answers: Promise<void>[] = [];
      for (let start = 0; start < wanted.length; start += GROUP) {
        const group = wanted.slice(start, start + GROUP);
        const outcomes = await store.decideHeldWrites(decision, group, { actor: by, reason: `rejected by ${by}`, at: now() });
        forget(group);
        group.forEach((journalId, index) => {
          const outcome = outcomes[index];
          if (outcome === 'rejected') decided.rejected += 1;
          else if (outcome === 'changed' || outcome === 'gone') decided.refused += 1;
          else if (outcome !== 'approved') decided.notHeld.push(journalId);
          else {
            underWay += 1;
            answers.push(
              send(journalId).then((answer) => {
                underWay -= 1;
                if (answer.status === 'applied') applied += 1;
                else decided.refused += 1;
              }),
            );
          }
        });
      }
      await Promise.race([Promise.all(answers), new Promise((resolve) => setTimeout(resolve, PATIENCE).unref())]);
      return { applied, underWay, ...decided };
    },
  };
}
