import { type ChainPoint, NO_AUDIT_KEY } from '../audit-chain.ts';
import { PASSWORD_METHOD } from '../rules/effects.ts';
import { flag } from '../rules/entry-flags.ts';
import type { StoredModel } from '../rules/stored-model.ts';
import { readAnchors } from './audit.ts';
import { openSession, type PostgresOptions, type Session } from './connection.ts';

/** Somebody else owns the connector, or has taken it over: nothing of this host's is written any more (R34). */
class StoreOwnerError extends Error {
  override readonly name = 'StoreOwnerError';
}

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

export interface WriterOptions {
  readonly postgres: PostgresOptions;
  readonly schema: string;
  /** Who this host is: stable over its restarts, so that it has its connectors back at once. */
  readonly owner: string;
  /** How long the lease lasts without renewal. Default is 30 seconds. */
  readonly leaseSeconds?: number;
  /** The key of the audit's chain, outside the database (SEC-60). */
  readonly auditKey?: Uint8Array | undefined;
}

/**
 * The one writer of a connector's schema (R34).
 *
 * 1. The row of `head` names the owner, its epoch and the end of its lease. Taking it over raises the epoch.
 * 2. Every transaction ends with a statement that needs its epoch to be the one in `head`, and raises otherwise: what a host
 *    with an old epoch writes is refused by the database, however late it comes.
 * 3. A transaction whose COMMIT got no answer is looked up by its serial number after reconnecting: its caller gets the truth.
 * 4. After any failure, memory is read anew: it never says more than the database.
 */
export interface Writer extends OwnerState {
  model: StoredModel;
  readonly epoch: number;
  readonly auditKey: Uint8Array;
  /** Whether any event stream wants to be told. */
  announces: boolean;
  /** Entries removed since the store was opened. */
  removed: number;
  readonly session: Session;
  /** One transaction (R2). `beforeCommit` runs when everything was sent and nothing is committed. */
  transact<Result>(work: (session: Session) => Promise<Result>, beforeCommit?: () => void): Promise<Result>;
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** Takes a connector over and reads its state. @throws StoreOwnerError while another host's lease lasts. */
export async function openWriter(options: WriterOptions, readModel: (session: Session) => Promise<StoredModel>): Promise<Writer> {
  const { schema } = options;
  const lease = options.leaseSeconds ?? 30;
  let session = await openSession(options.postgres, schema);
  let epoch: number;
  let serial: number;
  let lost: StoreOwnerError | undefined;
  try {
    const taken = await session.get(
      `UPDATE head SET owner = $1, epoch = epoch + 1, lease_until = now() + make_interval(secs => $2) WHERE owner = $1 OR lease_until < now() RETURNING epoch, serial`,
      options.owner,
      lease,
    );
    if (taken === undefined) throw await heldElsewhere(session);
    epoch = Number(taken['epoch']);
    serial = Number(taken['serial']);
  } catch (error) {
    await session.close();
    throw error;
  }

  async function reconnect(): Promise<void> {
    if (!session.broken) return;
    session = await openSession(options.postgres, schema);
    await reload();
  }

  async function reload(): Promise<void> {
    const known = writer.open;
    Object.assign(writer, await readOwnerState(session));
    // A write under way is not in doubt because its neighbours' transaction failed.
    for (const [entry, write] of writer.open) write.inDoubtSince = known.get(entry)?.inDoubtSince;
  }

  async function sealTransaction(): Promise<void> {
    serial += 1;
    await session.all('SELECT fence($1, $2, $3, $4, $5)', epoch, serial, writer.position, writer.nextEntryId, writer.nextJournalId);
  }

  /** Whether a transaction whose COMMIT was cut off took place. */
  async function tookPlace(): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const probe = await openSession(options.postgres, schema);
        const head = await probe.get('SELECT serial, epoch FROM head');
        await session.close().catch(() => {});
        session = probe;
        return head?.['epoch'] === epoch && head['serial'] === serial;
      } catch (error) {
        if (attempt === 20) throw error;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  /** Undoes what a failed transaction did, here and there; what the caller is told. */
  async function explain(error: unknown): Promise<unknown> {
    if (!session.broken) {
      await session.execute('ROLLBACK');
      await reload();
    }
    if ((error as { readonly code?: string }).code !== 'LB001') return error;
    lost = takenOver(epoch);
    return lost;
  }

  const writer: Writer = {
    ...(await readOwnerState(session)),
    model: await readModel(session),
    removed: 0,
    announces: false,
    epoch,
    auditKey: options.auditKey ?? NO_AUDIT_KEY,
    get session() {
      return session;
    },
    async transact(work, beforeCommit) {
      if (lost !== undefined) throw lost;
      await reconnect();
      const before = serial;
      let result: Awaited<ReturnType<typeof work>>;
      try {
        await session.execute('BEGIN');
        result = await work(session);
        await sealTransaction();
        beforeCommit?.();
      } catch (error) {
        serial = before;
        throw await explain(error);
      }
      try {
        await session.execute('COMMIT');
      } catch (error) {
        if (await tookPlace()) return result;
        serial = before;
        throw await explain(error);
      }
      return result;
    },
    async renew() {
      if (lost !== undefined) return;
      await reconnect();
      const kept = await session.get('UPDATE head SET lease_until = now() + make_interval(secs => $2) WHERE epoch = $1 RETURNING epoch', epoch, lease);
      if (kept === undefined) lost = takenOver(epoch);
    },
    async close() {
      if (!session.broken) await session.all("UPDATE head SET lease_until = '-infinity' WHERE epoch = $1", epoch);
      await session.close();
    },
  };
  return writer;
}

function takenOver(epoch: number): StoreOwnerError {
  return new StoreOwnerError(`another host has taken over this connector (epoch ${epoch} is over); nothing more is written by this one`);
}

async function heldElsewhere(session: Session): Promise<StoreOwnerError> {
  const head = await session.get("SELECT owner, to_char(lease_until AT TIME ZONE 'UTC', 'HH24:MI:SS') AS until FROM head");
  return new StoreOwnerError(
    `the connector belongs to another host (${String(head?.['owner'])}) until ${String(head?.['until'])} UTC unless that host renews its lease; stop it there, or wait`,
  );
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
       (SELECT count(*) FROM entries WHERE flags <> 0 AND flags & ${flag.pending} <> 0) AS pending`,
  );
  return {
    open,
    claims,
    position,
    nextEntryId: Number(head?.['next_entry']),
    nextJournalId: Number(head?.['next_journal']),
    unresolved: facts?.['unresolved'] === true,
    links: facts?.['links'] === true,
    auditHead: (await readAnchors(session))?.head,
    pending: Number(facts?.['pending'] ?? 0),
  };
}
