import type { Database } from './database.ts';

/** Serves reads that come close together in one go. */
export interface ReadTurns {
  /** The result of a read, made now or with the others of this turn. Rejects with what it throws. */
  read<Result>(work: () => Result): Promise<Result>;
  /** Makes what waits now: before the database is closed. */
  serve(): void;
}

/** A read this soon after another one, in milliseconds, is one of many at the same time. */
const CLOSE_MILLISECONDS = 0.2;

/**
 * Takes reads in turns: where many come at the same time, those of one turn of the event loop wait for its end and are made together,
 * in one transaction, by code and pages that the processor still has at hand. A read on its own does not wait.
 */
export function createReadTurns(database: Database, now: () => number = () => performance.now()): ReadTurns {
  let waiting: { make(): void; fail(error: unknown): void }[] = [];
  let last = Number.NEGATIVE_INFINITY;

  function serve(): void {
    if (waiting.length === 0) return;
    const turn = waiting;
    waiting = [];
    try {
      database.reading(() => {
        for (const one of turn) one.make();
      });
    } catch (error) {
      // Of a transaction that did not begin. What was made already is answered, and stays so.
      for (const one of turn) one.fail(error);
    }
    last = now();
  }

  return {
    async read(work) {
      if (waiting.length === 0) {
        const at = now();
        const alone = at - last > CLOSE_MILLISECONDS;
        last = at;
        if (alone) return work();
        setImmediate(serve);
      }
      return new Promise((resolve, reject) => {
        const make = (): void => {
          try {
            resolve(work());
          } catch (error) {
            reject(error);
          }
        };
        waiting.push({ make, fail: reject });
      });
    },
    serve,
  };
}
