import { StoreOwnerError } from '../store-errors.ts';
import { openSession, type PostgresOptions, type Session } from './connection.ts';

/** What a connector is taken over with. */
export interface LeaseOptions {
  readonly postgres: PostgresOptions;
  readonly schema: string;
  /** Who this host is: stable over its restarts, so that it has its connectors back at once. */
  readonly owner: string;
  /** Where other hosts reach this one, as text that only hosts read. */
  readonly address?: string;
  /** How long the lease lasts without renewal. Default is 30 seconds. */
  readonly leaseSeconds?: number;
}

/**
 * The right to write to a connector's schema, for a time (R34).
 *
 * 1. The row of `head` names the owner, its epoch and the end of its lease. Taking it over raises the epoch.
 * 2. The lease is renewed over a connection of its own: a long transaction of the writer does not keep it from that.
 * 3. What this host knows of the end is never later than what the database knows: it is counted from before the question, by a
 *    clock that goes on while the process is paused.
 */
export interface Lease {
  readonly epoch: number;
  /** Serial number of the last transaction before this epoch. */
  readonly serial: number;
  /**
   * Resolves when the connector is certainly this host's for so many milliseconds from now.
   *
   * @throws StoreOwnerError when it was taken over, StoreUnavailableError when the database does not say.
   */
  hold(milliseconds: number): Promise<void>;
  /** Somebody found out that the epoch is over. */
  end(): StoreOwnerError;
  /** Gives the connector back, if it still is this host's. */
  close(): Promise<void>;
}

const RETRY_MILLISECONDS = 1000;

/** Takes a connector over. @throws StoreOwnerError while another host's lease lasts. */
export async function takeLease(options: LeaseOptions, lost: (error: StoreOwnerError) => void): Promise<Lease> {
  const leaseMilliseconds = (options.leaseSeconds ?? 30) * 1000;
  let session = await open();
  let until = 0;
  /** The last statement had no answer: its connection is not used again. */
  let stale = false;
  let over: StoreOwnerError | undefined;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  /** Renewals go one after another: there is one connection. */
  let turn: Promise<void> = Promise.resolve();

  function open(): Promise<Session> {
    // A server that does not answer must not be waited for longer than the lease lasts.
    return openSession(options.postgres, options.schema, { name: 'landbridge lease', timeoutMilliseconds: leaseMilliseconds / 3 });
  }

  async function take(): Promise<{ readonly epoch: number; readonly serial: number }> {
    const asked = clock();
    const row = await session.get(
      `UPDATE head SET owner = $1, address = $3, epoch = epoch + 1, lease_until = now() + make_interval(secs => $2)
       WHERE owner = $1 OR lease_until < now() RETURNING epoch, serial`,
      options.owner,
      leaseMilliseconds / 1000,
      options.address ?? null,
    );
    if (row === undefined) throw await heldElsewhere(session);
    until = asked + leaseMilliseconds;
    return { epoch: Number(row['epoch']), serial: Number(row['serial']) };
  }

  const taken = await take().catch(async (error: unknown) => {
    await session.close();
    throw error;
  });

  function end(): StoreOwnerError {
    if (over === undefined) {
      over = new StoreOwnerError(`another host has taken over this connector (epoch ${taken.epoch} is over); nothing more is written by this one`);
      clearTimeout(timer);
      lost(over);
    }
    return over;
  }

  async function renew(milliseconds: number): Promise<void> {
    if (over !== undefined) throw over;
    if (session.broken || stale) session = await open();
    stale = true;
    const asked = clock();
    const kept = await session.get(
      'UPDATE head SET lease_until = now() + make_interval(secs => $2) WHERE epoch = $1 RETURNING epoch',
      taken.epoch,
      milliseconds / 1000,
    );
    stale = false;
    if (kept === undefined) throw end();
    until = asked + milliseconds;
  }

  function inTurn(milliseconds: number): Promise<void> {
    // Whoever waited finds that a renewal before it was long enough.
    const work = turn.then(() => (until - clock() >= milliseconds && over === undefined ? undefined : renew(Math.max(milliseconds, leaseMilliseconds))));
    turn = work.catch(() => {});
    return work;
  }

  function schedule(wait: number): void {
    timer = setTimeout(() => {
      // A longer lease that a call asked for is not shortened.
      void inTurn(Math.max(leaseMilliseconds, until - clock()) + 1).then(
        () => schedule(leaseMilliseconds / 3),
        () => {
          if (over === undefined && !closed) schedule(RETRY_MILLISECONDS);
        },
      );
    }, wait).unref();
  }
  schedule(leaseMilliseconds / 3);

  return {
    ...taken,
    end,
    async hold(milliseconds) {
      if (over !== undefined) throw over;
      if (until - clock() < milliseconds) await inTurn(milliseconds);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await turn;
      if (over === undefined && !session.broken)
        await session.all("UPDATE head SET lease_until = '-infinity' WHERE epoch = $1", taken.epoch).catch(() => {
          // The lease ends by itself.
        });
      await session.close().catch(() => {});
    },
  };
}

/** Milliseconds of a clock that nobody sets, the same in all threads, and that goes on while the process is paused. */
function clock(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

async function heldElsewhere(session: Session): Promise<StoreOwnerError> {
  const head = await session.get("SELECT owner, to_char(lease_until AT TIME ZONE 'UTC', 'HH24:MI:SS') AS until FROM head");
  return new StoreOwnerError(
    `the connector belongs to another host (${String(head?.['owner'])}) until ${String(head?.['until'])} UTC unless that host renews its lease; stop it there, or wait`,
  );
}
