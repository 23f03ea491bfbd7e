/**
 * Lets requests into a connector, and holds them while it is handed over (R28). Requests under way are counted, so that a hand-over
 * closes nothing under them.
 */
export interface Admission {
  /**
   * Enters, at once where nothing is held; returns what says that the request has ended. Waits no longer than a client may have to.
   */
  enter(): (() => void) | Promise<() => void>;
  /** Holds new requests, waits until those under way have ended, and returns what lets the held ones in. */
  hold(): Promise<() => void>;
}

/** A request waits this long at most; then it goes on and is told that the connector is not available, with Retry-After. */
const LONGEST_WAIT = 20_000;
/** Requests under way are waited for this long: they are answered within their deadline of 25 s, whatever becomes of the write. */
const LONGEST_DRAIN = 40_000;

export function createAdmission(limits: { readonly wait?: number; readonly drain?: number } = {}): Admission {
  let underWay = 0;
  let opened: Promise<void> | undefined;
  let emptied = (): void => {};

  function leave(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      underWay -= 1;
      if (underWay === 0) emptied();
    };
  }

  return {
    enter() {
      const enter = (): (() => void) => {
        underWay += 1;
        return leave();
      };
      return opened === undefined ? enter() : within(opened, limits.wait ?? LONGEST_WAIT).then(enter);
    },
    async hold() {
      let open = (): void => {};
      opened = new Promise((resolve) => {
        open = resolve;
      });
      if (underWay > 0)
        await within(
          new Promise<void>((resolve) => {
            emptied = resolve;
          }),
          limits.drain ?? LONGEST_DRAIN,
        );
      return () => {
        opened = undefined;
        open();
      };
    },
  };
}

/** Waits for a promise, and no longer than that. */
async function within(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, end]);
  clearTimeout(timer);
}
