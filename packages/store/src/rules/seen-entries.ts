/** The entries that a full import has seen: one bit an entry id, in memory only (R25). */
export interface SeenEntries {
  /** Marks an entry; returns whether it was seen before. */
  mark(id: number): boolean;
  has(id: number): boolean;
  /** How many entries were seen. */
  readonly size: number;
}

/** An empty set, growing with the ids it is given. */
export function createSeenEntries(): SeenEntries {
  let bits = new Uint8Array(1 << 16);
  let size = 0;
  return {
    mark(id) {
      const byte = id >> 3;
      if (byte >= bits.length) {
        const larger = new Uint8Array(Math.max(byte + 1, bits.length * 2));
        larger.set(bits);
        bits = larger;
      }
      const bit = 1 << (id & 7);
      const before = ((bits[byte] ?? 0) & bit) !== 0;
      bits[byte] = (bits[byte] ?? 0) | bit;
      if (!before) size += 1;
      return before;
    },
    has: (id) => ((bits[id >> 3] ?? 0) & (1 << (id & 7))) !== 0,
    get size() {
      return size;
    },
  };
}
