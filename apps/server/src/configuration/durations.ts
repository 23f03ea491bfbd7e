const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A duration of the configuration as seconds; `undefined` for what is none. */
export function readDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(String(value));
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1);
}

/** What is said of it. */
export function noDuration(value: unknown): string {
  return `"${String(value)}" is not a duration; write 30s, 5m or 24h`;
}
