/**
 * Whether what a run did not find in its partition is gone (R23): every partition that the present run does not read was read to its end
 * since. `missedBy` is the run that missed it first, `readIn` the last run that read a partition to its end.
 */
export function mayGo(missedBy: number, unread: readonly string[], readIn: ReadonlyMap<string, number>): boolean {
  return unread.every((partition) => (readIn.get(partition) ?? -1) >= missedBy);
}
