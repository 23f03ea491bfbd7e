/** A lock for each key: writes to one entry are serial (R15). Waiting is first come, first served. */
export interface EntryLocks {
  /** Resolves with the function that gives the lock back; calling it twice is harmless. */
  acquire(key: number): Promise<() => void>;
  /** Whether nobody holds the lock: then who asks for it has it at once. */
  isFree(key: number): boolean;
}

/** Makes a set of locks. A key costs nothing while nobody holds it. */
export function createEntryLocks(): EntryLocks {
  const tails = new Map<number, Promise<void>>();
  return {
    isFree: (key) => !tails.has(key),
    async acquire(key) {
      const before = tails.get(key);
      let release = (): void => {};
      const mine = new Promise<void>((resolve) => {
        release = resolve;
      });
      tails.set(key, mine);
      if (before !== undefined) await before;
      return () => {
        if (tails.get(key) === mine) tails.delete(key);
        release();
      };
    },
  };
}
