/** One writer at a time, in turn: SQLite would make the whole process wait. */
export interface Lock {
  readonly held: boolean;
  take(): Promise<() => void>;
}

/** Makes one. */
export function createLock(): Lock {
  let last = Promise.resolve();
  let holders = 0;
  return {
    get held() {
      return holders > 0;
    },
    async take() {
      const before = last;
      let release = (): void => {};
      last = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      holders += 1;
      return () => {
        holders -= 1;
        release();
      };
    },
  };
}
