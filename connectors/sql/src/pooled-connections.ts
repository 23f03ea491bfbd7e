import { ConnectorError } from '@landbridge/connector-sdk';
import type { Outcome, SqlConnection, SqlValue, StatementResult, Unit } from './database.ts';

/** How far a unit of work had come when something failed. */
export type Phase =
  /** Nothing that matters was sent, or the open transaction dies with the connection: nothing was applied. */
  | 'before-commit'
  /** A COMMIT, or a statement that commits by itself, is under way. */
  | 'committing';

/** What a driver must offer so that statements can run on its pool. */
export interface PoolDriver<Client> {
  /** Connections at most. */
  readonly size: number;
  /** Takes a connection from the pool. @throws ConnectorError. */
  take(): Promise<Client>;
  /** Gives it back; a broken one goes. */
  giveBack(client: Client, broken: boolean): void;
  /** Runs a statement; errors are the driver's. */
  run(client: Client, sql: string, values: readonly SqlValue[]): Promise<StatementResult>;
  begin(client: Client): Promise<void>;
  commit(client: Client): Promise<void>;
  rollback(client: Client): Promise<void>;
  /** Stops what a connection is doing. It does not throw. */
  cancel(client: Client): void;
  /** The error of the contract for whatever the driver threw. */
  errorOf(thrown: unknown, phase: Phase): ConnectorError;
  /** Whether the connection itself is gone, and with it any open transaction. */
  isBroken(error: ConnectorError): boolean;
}

/** What runs on the connections of a pool. */
export interface PooledConnections<Client> {
  /** Lends a connection. */
  lend<Result>(signal: AbortSignal | undefined, work: (client: Client) => Promise<Result>): Promise<Result>;
  query(sql: string, values: readonly SqlValue[], signal?: AbortSignal): Promise<StatementResult>;
  runUnits<Result>(units: readonly Unit<Result>[], signal: AbortSignal): Promise<readonly Outcome<Result>[]>;
}

interface Loan<Client> {
  readonly client: Client;
  release(broken: boolean): void;
}

/** Runs statements and transactions on a pool. */
export function createPooledConnections<Client>(driver: PoolDriver<Client>): PooledConnections<Client> {
  const waiting: (() => void)[] = [];
  let free = driver.size;

  /** Waits for its turn without a limit: the limit of the pool is for making connections, not for waiting for one. */
  async function acquire(): Promise<Loan<Client>> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    const next = (): void => {
      const first = waiting.shift();
      if (first === undefined) free += 1;
      else first();
    };
    try {
      const client = await driver.take();
      return {
        client,
        release(broken) {
          driver.giveBack(client, broken);
          next();
        },
      };
    } catch (error) {
      next();
      throw error;
    }
  }

  async function lend<Result>(signal: AbortSignal | undefined, work: (client: Client) => Promise<Result>): Promise<Result> {
    const { client, release } = await acquire();
    let broken = false;
    try {
      return await abortable(
        signal,
        () => driver.cancel(client),
        async () => {
          try {
            return await work(client);
          } catch (error) {
            const ours = driver.errorOf(error, 'before-commit');
            broken = driver.isBroken(ours);
            throw ours;
          }
        },
      );
    } finally {
      // A late cancellation could hit whoever works on the connection next.
      release(broken || signal?.aborted === true);
    }
  }

  /** A pooled connection may have died long ago: that shows at BEGIN, when nothing was sent yet, and a new one is tried. */
  async function runTransaction<Result>(work: (connection: SqlConnection) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const loan = await acquire();
      const { client } = loan;
      const progress: Progress = { began: false, phase: 'before-commit' };
      let failure: ConnectorError | undefined;
      try {
        return await abortable(
          signal,
          () => driver.cancel(client),
          () => attemptTransaction(driver, client, work, progress),
        );
      } catch (error) {
        failure = driver.errorOf(error, progress.phase);
        // Whoever cancels a COMMIT does not learn what became of it.
        if (failure.code === 'cancelled' && progress.phase === 'committing')
          failure = new ConnectorError('timeout', 'the call was cancelled while the change was being committed');
        if (progress.began || attempt > 2 || !driver.isBroken(failure)) throw failure;
      } finally {
        await endLoan(driver, loan, failure);
      }
    }
  }

  return {
    lend,
    query: (sql, values, signal) => lend(signal, (client) => driver.run(client, sql, values)),
    /** Units side by side, as many as the pool has connections; each waits for those that it depends on. */
    async runUnits<Result>(units: readonly Unit<Result>[], signal: AbortSignal): Promise<readonly Outcome<Result>[]> {
      const started: Promise<Outcome<Result>>[] = [];
      for (const unit of units) {
        const before = unit.after.flatMap((index) => started[index] ?? []);
        started.push(
          Promise.all(before)
            .then(() => runTransaction((connection) => unit.work(connection), signal))
            .then(
              (result): Outcome<Result> => ({ result }),
              (error: unknown): Outcome<Result> => ({ error }),
            ),
        );
      }
      return Promise.all(started);
    },
  };
}

interface Progress {
  began: boolean;
  phase: Phase;
}

async function attemptTransaction<Client, Result>(
  driver: PoolDriver<Client>,
  client: Client,
  work: (connection: SqlConnection) => Promise<Result>,
  progress: Progress,
): Promise<Result> {
  await driver.begin(client);
  progress.began = true;
  const query: SqlConnection['query'] = async (sql, values) => {
    try {
      return await driver.run(client, sql, values);
    } catch (error) {
      throw driver.errorOf(error, 'before-commit');
    }
  };
  const result = await work({ query });
  progress.phase = 'committing';
  await driver.commit(client);
  return result;
}

/** Gives a connection back without its transaction; where that fails the connection goes, and the transaction with it. */
async function endLoan<Client>(driver: PoolDriver<Client>, { client, release }: Loan<Client>, failure: ConnectorError | undefined): Promise<void> {
  if (failure === undefined) return release(false);
  if (failure.code === 'cancelled' || driver.isBroken(failure)) return release(true);
  try {
    await driver.rollback(client);
    release(false);
  } catch {
    release(true);
  }
}

/** Runs work; when the signal fires meanwhile, `stop` is called once. */
export async function abortable<Result>(signal: AbortSignal | undefined, stop: () => void, work: () => Promise<Result>): Promise<Result> {
  if (signal?.aborted) throw cancelled();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal?.aborted ? cancelled() : error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** The error of a cancelled call. */
export function cancelled(): ConnectorError {
  return new ConnectorError('cancelled', 'the run was cancelled');
}
