/** The four spellings of booleans: `0/1`, `true/false`, `-1/0`, and empty for "not set". */
export function parseBoolean(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case '1':
    case '-1':
    case 'true':
      return true;
    case '0':
    case 'false':
      return false;
    default:
      return undefined;
  }
}

/** A count; 0 for anything that is none. */
export function parseCount(text: string | undefined): number {
  const value = Number(text?.trim());
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/** GUIDs are braced in MIM and not elsewhere, in either case. */
export function normalizeGuid(text: string): string {
  return text
    .trim()
    .replace(/^\{|\}$/g, '')
    .toLowerCase();
}

/** Distinct values in their order. */
export function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}
