import { openSession, type PostgresOptions } from './connection.ts';

/**
 * Keeps the planner informed of how much there is. Autovacuum comes a minute later, and until then a plan that was made for empty
 * tables reads all of them, at every page of a first import. New statistics also make plans anew that connections have kept.
 */
export interface Statistics {
  /** Gathers statistics in the background once there is twice as much as when it was done last. */
  keepUp(): void;
  /** Gathers them now, if there is a tenth more. */
  bringUp(): Promise<void>;
  /** Resolves when nothing runs in the background. */
  idle(): Promise<void>;
}

const FEW = 1000;
const TABLES = ['entries', 'refs', 'mv'];

/** Makes the keeper of a schema; `highest` is the number that the next entry gets. */
export function createStatistics(options: { readonly postgres: PostgresOptions; readonly schema: string }, highest: () => number): Statistics {
  let gathered = 0;
  let running: Promise<void> | undefined;

  /** Over a connection of its own: no write waits for it. */
  async function gather(): Promise<void> {
    const upTo = highest();
    const session = await openSession(options.postgres, options.schema);
    try {
      for (const table of TABLES) await session.all(`ANALYZE ${table}`);
      gathered = upTo;
    } finally {
      await session.close();
    }
  }

  const hasGrown = (share: number): boolean => highest() - gathered > Math.max(FEW, gathered * share);

  return {
    keepUp() {
      if (running !== undefined || !hasGrown(1)) return;
      running = gather()
        .catch(() => {
          // Without them imports are slower, not wrong; the next page tries again.
        })
        .finally(() => {
          running = undefined;
        });
    },
    async bringUp() {
      await running;
      if (hasGrown(0.1)) await gather();
    },
    async idle() {
      await running;
    },
  };
}
