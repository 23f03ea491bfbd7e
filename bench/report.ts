/** One aim of the project, and what was measured: the ratio of measure to limit decides. */
export interface Aim {
  readonly what: string;
  readonly measured: number;
  readonly limit: number;
  /** `most`: the measured value may not be above the limit; `least`: not below. */
  readonly bound: 'most' | 'least';
  readonly unit: string;
  readonly met: boolean;
}

/** States an aim. */
export function aim(what: string, measured: number, bound: Aim['bound'], limit: number, unit: string): Aim {
  return { what, measured, limit, bound, unit, met: bound === 'most' ? measured <= limit : measured >= limit };
}

/** Prints aims, each with `met` or `NOT MET`. */
export function printAims(aims: readonly Aim[], print: (line: string) => void): void {
  const width = Math.max(...aims.map((one) => one.what.length));
  print('');
  for (const { what, measured, bound, limit, unit, met } of aims)
    print(`${met ? 'met    ' : 'NOT MET'} ${what.padEnd(width)} ${format(measured).padStart(9)} ${unit}  (at ${bound} ${limit} ${unit})`);
  print(`${aims.filter((one) => one.met).length} of ${aims.length} aims met`);
}

/** A number as people read it: three figures. */
export function format(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}
