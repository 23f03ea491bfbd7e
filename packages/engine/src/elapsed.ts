/**
 * Milliseconds of a clock that nobody sets: for how long something may take, and for what came first. The clock of the machine may be set
 * back or forward at any time. Its zero means nothing to another process, so that nothing durable holds it.
 */
export function elapsed(): number {
  return performance.now();
}
