/**
 * Repeats of a write in flight or in doubt join it and get its answer (R16). A repeat is recognised by a hash of
 * credential, method, target and canonical body. After the write ended a repeat is a request like any other.
 */
export interface Repeats<Answer> {
  /** Runs `write`, unless a write with the same key is under way: then its answer is awaited. */
  join(key: string, write: () => Promise<Answer>): Promise<Answer>;
}

/** Makes the register of writes under way. */
export function createRepeats<Answer>(): Repeats<Answer> {
  const underWay = new Map<string, Promise<Answer>>();
  return {
    join(key, write) {
      const known = underWay.get(key);
      if (known !== undefined) return known;
      const answer = write().finally(() => underWay.delete(key));
      underWay.set(key, answer);
      return answer;
    },
  };
}
