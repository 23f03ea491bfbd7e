import { type Document, isScalar, type Node, visit } from 'yaml';

/**
 * Names that stand twice in one map, where the second one stands. The parser looks for them by comparing each name with all before it,
 * which takes the better part of a minute for some ten thousand connectors.
 */
export function findDuplicateKeys(yaml: Document): readonly number[] {
  const places: number[] = [];
  visit(yaml, {
    Map(_at, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? `${typeof key.value} ${String(key.value)}` : undefined;
        if (name !== undefined && seen.has(name)) places.push((key as Node).range?.[0] ?? 0);
        else if (name !== undefined) seen.add(name);
      }
    },
  });
  return places;
}
