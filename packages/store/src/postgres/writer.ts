import { messageOf } from '@landbridge/connector-sdk';
import { type ChainPoint, NO_AUDIT_KEY } from '../audit-chain.ts';
import { PASSWORD_METHOD } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import type { StoredModel } from '../rules/stored-model.ts';
import { StoreOwnerError, StoreUnavailableError } from '../store-errors.ts';
import { readAnchors } from './audit.ts';
import { BEGIN_SETS, openSession, type Session } from './connection.ts';
import { type Lease, type LeaseOptions, takeLease } from './lease.ts';

/** A write that has no result yet: nothing else may touch its entry (R14). */
export interface OpenWrite {
  readonly journalId: number;
  readonly kind: string;
  readonly otype: number;
  readonly claims: readonly { readonly attr: number; readonly key: string }[];
  /** It waits for an administrator, or sets a password only: nothing that an import could show is under way. */
  importsGoOn: boolean;
  inDoubtSince: number | undefined;
}

/** What the owner of a connector keeps in memory: small, true as long as its epoch is, read anew after a failure. */
export interface OwnerState {
  /** Open journal rows by entry. */
  open: Map<number, OpenWrite>;
  /** Journal rows by the unique value they claim (R15), see {@link claimName}. */
  claims: Map<string, number>;
  nextEntryId: number;
  /** The highest id of an entry that there is: what gets a lower one moves the positions of others. */
  highestEntry: number;
  nextJournalId: number;
  /** Grows with every result and every import step: what an import may know ends at its fence (R22). */
  position: number;
  /** Whether any reference may be without target: while none is, new entries need no look-up. */
  unresolved: boolean;
  /** How many entries wait for their anchor (R9). */
  pending: number;
  /** Whether there is any link row. */
  links: boolean;
  /** The last row of the audit (SEC-60); absent before the first one. */
  auditHead: ChainPoint | undefined;
}

export const claimName = (otype: number, attr: number, key: string): string => `${otype}/${attr}/${key}`;

/** Whether a write to the entry is in flight or in doubt, so that an import must leave it alone (R14, R22). */
export function isAtWork(state: OwnerState, entryId: number): boolean {
  return state.open.get(entryId)?.importsGoOn === false;
}

export interface WriterOptions extends LeaseOptions {
  /** The key of the audit's chain, outside the database (SEC-60). */
  readonly auditKey?: Uint8Array | undefined;
}

/**
 * The one writer of a connector's schema (R34).
 *
 * 1. It writes in the epoch that its lease gave it (`lease.ts`).
 * 2. Every transaction ends with a statement that needs its epoch to be the one in `head`, and raises otherwise: what a host
 *    with an old epoch writes is refused by the database, however late it comes.
 * 3. A transaction whose COMMIT got no answer is looked up by its serial number after reconnecting, however long that takes: its
 *    caller gets the truth. What comes meanwhile is refused at once.
 * 4. After any failure, memory is read anew: it never says more than the database.
 */
export interface Writer extends OwnerState {
  model: StoredModel;
  readonly auditKey: Uint8Array;
  readonly lease: Lease;
  /** Why nothing can be written just now: the outcome of a transaction is still being looked up. */
  readonly unavailable: StoreUnavailableError | undefined;
  /** Whether any event stream wants to be told. */
  announces: boolean;
  /** Entries removed since the store was opened. */
  removed: number;
  readonly session: Session;
  /** One transaction (R2). */
  transact<Result, First = void>(work: (session: Session, first: First) => Promise<Result>, options?: TransactionOptions<Result, First>): Promise<Result>;
  close(): Promise<void>;
}

export interface TransactionOptions<Result, First = void> {
  /** What the transaction reads first: sent with its begin, and it must not write. */
  readonly first?: (session: Session) => Promise<First>;
  /** Its statements are about sets of any size: each is planned for what is there. Default is `false`: a handful of rows. */
  readonly sets?: boolean;
  /** Runs when everything was sent and nothing is committed. */
  readonly beforeCommit?: () => void;
  /** Tells of a result for which nothing was written: then there is nothing to refuse, and the server need not write that there was a transaction. */
  readonly isEmpty?: (result: Result) => boolean;
}

/** Takes a connector over and reads its state; `lost` is told once if another host takes it. @throws StoreOwnerError while another host's lease lasts. */
export async function openWriter(
  options: WriterOptions,
  readModel: (session: Session) => Promise<StoredModel>,
  lost: (error: StoreOwnerError) => void = () => {},
): Promise<Writer> {
  const { schema } = options;
  const lease = await takeLease(options, lost);
  const { epoch } = lease;
  let { serial } = lease;
  let closed = false;
  /** Memory may say more than the database does. */
  let stale = false;
  let unavailable: StoreUnavailableError | undefined;
  let session = await openSession(options.postgres, schema, { plans: 'rows' }).catch(async (error: unknown) => {
    await lease.close();
    throw error;
  });

  async function closeAll(): Promise<void> {
    closed = true;
    await lease.close();
    await session.close().catch(() => {});
  }

  async function reconnect(): Promise<void> {
    if (!session.broken && !stale) return;
    stale = true;
    await session.close().catch(() => {});
    session = await openSession(options.postgres, schema, { plans: 'rows' });
    await reload();
    stale = false;
  }

  async function reload(): Promise<void> {
    const known = writer.open;
    Object.assign(writer, await readOwnerState(session));
    // A write under way is not in doubt because its neighbours' transaction failed.
    for (const [entry, write] of writer.open) write.inDoubtSince = known.get(entry)?.inDoubtSince;
  }

  /** The end of a transaction in one round trip: the COMMIT is not reached where the fence raises. */
  function sealAndCommit(): Promise<void> {
    serial += 1;
    const values = [epoch, serial, writer.position, writer.nextEntryId, writer.nextJournalId];
    if (!values.every(Number.isSafeInteger)) throw new Error('the head of the store is no whole number');
    return session.execute(`SELECT fence(${values.join(', ')}); COMMIT`);
  }

  /** Whether a transaction whose COMMIT was cut off took place. Nobody may be told anything before that is known. */
  async function tookPlace(error: unknown): Promise<boolean> {
    unavailable = new StoreUnavailableError(`the outcome of a transaction is being looked up: ${messageOf(error)}`);
    try {
      for (;;) {
        try {
          await session.close().catch(() => {});
          session = await openSession(options.postgres, schema, { plans: 'rows' });
          const head = await session.get('SELECT serial, epoch FROM head');
          // The epoch of somebody else says nothing of what was before it, but that this host's is over.
          if (head?.['epoch'] !== epoch) throw lease.end();
          return head['serial'] === serial;
        } catch (failure) {
          if (failure instanceof StoreOwnerError || closed) throw failure;
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      }
    } finally {
      unavailable = undefined;
    }
  }

  /** Undoes what a failed transaction did, here and there; what the caller is told. */
  async function explain(error: unknown): Promise<unknown> {
    stale = true;
    if (!session.broken) {
      try {
        await session.execute('ROLLBACK');
        await reload();
        stale = false;
      } catch {
        // The connection went with it: the next transaction makes another one and reads memory anew.
      }
    }
    return isRefused(error) ? lease.end() : error;
  }

  const read = await Promise.all([readOwnerState(session), readModel(session)]).catch(async (error: unknown) => {
    await closeAll();
    throw error;
  });

  const writer: Writer = {
    ...read[0],
    model: read[1],
    removed: 0,
    announces: false,
    auditKey: options.auditKey ?? NO_AUDIT_KEY,
    lease,
    get unavailable() {
      return unavailable;
    },
    get session() {
      return session;
    },
    async transact<Result, First>(
      work: (session: Session, first: First) => Promise<Result>,
      { first, sets = false, beforeCommit, isEmpty }: TransactionOptions<Result, First> = {},
    ) {
      await reconnect();
      const before = serial;
      let result: Result;
      try {
        const [, read] = await Promise.all([session.execute(sets ? BEGIN_SETS : 'BEGIN'), first?.(session)]);
        result = await work(session, read as First);
        beforeCommit?.();
      } catch (error) {
        serial = before;
        throw await explain(error);
      }
      try {
        // What changed nothing needs no fence.
        await (isEmpty?.(result) === true ? session.execute('COMMIT') : sealAndCommit());
      } catch (error) {
        if (!isRefused(error) && (await tookPlace(error))) return result;
        serial = before;
        throw await explain(error);
      }
      return result;
    },
    close: closeAll,
  };
  return writer;
}

/** Whether the fence refused a transaction: the epoch is over. */
function isRefused(error: unknown): boolean {
  return (error as { readonly code?: string }).code === 'LB001';
}

async function readOwnerState(session: Session): Promise<OwnerState> {
  const head = await session.get('SELECT position, next_entry, next_journal FROM head');
  const position = Number(head?.['position']);
  const claimed = await session.all('SELECT otype, attr, key, journal FROM claims');
  const claims = new Map(claimed.map((row) => [claimName(Number(row['otype']), Number(row['attr']), String(row['key'])), Number(row['journal'])]));
  const open = new Map<number, OpenWrite>();
  for (const row of await session.all("SELECT id, kind, state, method, otype, entry FROM journal WHERE state IN ('held', 'intended', 'in-doubt')")) {
    const journalId = Number(row['id']);
    open.set(Number(row['entry']), {
      journalId,
      kind: String(row['kind']),
      otype: Number(row['otype']),
      claims: claimed.filter((claim) => claim['journal'] === journalId).map((claim) => ({ attr: Number(claim['attr']), key: String(claim['key']) })),
      importsGoOn: row['state'] === 'held' || row['method'] === PASSWORD_METHOD,
      // Whatever was left open is in doubt from now on (R13).
      inDoubtSince: position,
    });
  }
  const facts = await session.get(
    `SELECT EXISTS (SELECT 1 FROM refs WHERE target IS NULL) AS unresolved, EXISTS (SELECT 1 FROM links) AS links,
       (SELECT coalesce(max(id), 0) FROM entries) AS highest,
       (SELECT count(*) FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0) AS pending`,
  );
  return {
    open,
    claims,
    position,
    nextEntryId: Number(head?.['next_entry']),
    highestEntry: Number(facts?.['highest'] ?? 0),
    nextJournalId: Number(head?.['next_journal']),
    unresolved: facts?.['unresolved'] === true,
    links: facts?.['links'] === true,
    auditHead: (await readAnchors(session))?.head,
    pending: Number(facts?.['pending'] ?? 0),
  };
}
