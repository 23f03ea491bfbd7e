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

/**
 * A host is at work for days: the first thousands of requests, in which its code is compiled, are not what is measured. What compiles it
 * counts how often it ran, not for how long.
 */
const WARM = { milliseconds: 2000, requests: 10_000, atMostMilliseconds: 20_000 } as const;

/** Lets clients work for some seconds; what one of them throws ends it. */
export async function load(options: LoadOptions, once: () => Promise<void>): Promise<Load> {
  const times: number[] = [];
  const work = async (isOver: (now: number) => boolean): Promise<void> => {
    for (let at = performance.now(); !isOver(at); ) {
      await once();
      const now = performance.now();
      times.push(now - at);
      at = now;
    }
  };
  const all = (isOver: (now: number) => boolean): Promise<unknown> => Promise.all(Array.from({ length: options.clients }, () => work(isOver)));
  const cold = performance.now();
  await all((now) => now - cold > (times.length < WARM.requests ? WARM.atMostMilliseconds : WARM.milliseconds));
  times.length = 0;
  const before = options.cpu();
  const started = performance.now();
  await all((now) => now - started > options.seconds * 1000);
  const seconds = (performance.now() - started) / 1000;
  const cpu = options.cpu() - before;
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99), cpuMicroseconds: (cpu / times.length) * 1e6 };
}
