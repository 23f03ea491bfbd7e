/** What a number of clients saw, each sending one request after the other. */
export interface Load {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU of the measured process for one request. */
  readonly cpuMicroseconds: number;
}

export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  /** CPU seconds of the measured process so far. */
  cpu(): number;
}

/** A host is at work for days: the first seconds, in which its code is compiled, are not what is measured. */
const WARM_MILLISECONDS = 2000;

/** Lets clients work for some seconds; what one of them throws ends it. */
export async function load(options: LoadOptions, once: () => Promise<void>): Promise<Load> {
  const times: number[] = [];
  const work = async (until: number): Promise<void> => {
    for (let at = performance.now(); at < until; ) {
      await once();
      const now = performance.now();
      times.push(now - at);
      at = now;
    }
  };
  const all = (until: number): Promise<unknown> => Promise.all(Array.from({ length: options.clients }, () => work(until)));
  await all(performance.now() + WARM_MILLISECONDS);
  times.length = 0;
  const before = options.cpu();
  const started = performance.now();
  await all(started + options.seconds * 1000);
  const seconds = (performance.now() - started) / 1000;
  const cpu = options.cpu() - before;
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), cpuMicroseconds: (cpu / times.length) * 1e6 };
}
