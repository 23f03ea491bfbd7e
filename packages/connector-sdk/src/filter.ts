import type { EncodedAttributes, EncodedValue } from './values.ts';

/** A comparison of an entry filter. `starts`, `ends` and `contains` apply to strings only. */
export type EntryComparison = 'equal' | 'not-equal' | 'contains' | 'starts' | 'ends' | 'greater' | 'greater-or-equal' | 'less' | 'less-or-equal';

/**
 * A filter over entries, by attribute names of the connector. The engine makes it from a SCIM filter; the store and the
 * connectors translate it; {@link matchesEntry} is the reference they are held equal to.
 *
 * A multi-valued attribute satisfies a comparison when one of its values does. An unassigned attribute satisfies none,
 * `not-equal` included. Strings fold case unless `caseExact`; strings order by code point after folding; integers by number.
 */
export type EntryFilter =
  | { readonly kind: 'and'; readonly filters: readonly EntryFilter[] }
  | { readonly kind: 'or'; readonly filters: readonly EntryFilter[] }
  | { readonly kind: 'not'; readonly filter: EntryFilter }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'compare';
      readonly attribute: string;
      readonly comparison: EntryComparison;
      readonly value: EncodedValue;
      readonly type: 'string' | 'integer' | 'boolean' | 'binary' | 'reference';
      readonly caseExact: boolean;
    };

/** Folds a string for comparison without regard to case: Unicode lower case of its NFC form. */
export function foldCase(text: string): string {
  // Most values are ASCII; normalize() on them is a copy that costs more than the test.
  return ASCII.test(text) ? text.toLowerCase() : text.normalize('NFC').toLowerCase();
}

/** Folds the name of an account as PRECIS does (RFC 8265 §3.3.3): full-width and half-width characters count as their ordinary forms, too. */
export function foldName(text: string): string {
  return foldCase(ASCII.test(text) ? text : text.replace(/[\u3000\uff01-\uffee]/g, toOrdinaryWidth));
}

/** A full-width or half-width character (U+3000, U+FF01 to U+FFEE) in its ordinary form; one that would become several stays. */
export function toOrdinaryWidth(character: string): string {
  const ordinary = character.normalize('NFKC');
  return ordinary.length === 1 ? ordinary : character;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII on purpose
const ASCII = /^[\x00-\x7f]*$/;

/** Whether the attributes of an entry satisfy a filter: the reference evaluator (S-250). */
export function matchesEntry(filter: EntryFilter, attributes: EncodedAttributes): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesEntry(part, attributes));
    case 'or':
      return filter.filters.some((part) => matchesEntry(part, attributes));
    case 'not':
      return !matchesEntry(filter.filter, attributes);
    case 'present':
      return listValues(attributes, filter.attribute).length > 0;
    case 'compare':
      return listValues(attributes, filter.attribute).some((value) => compare(filter, value));
  }
}

function listValues(attributes: EncodedAttributes, name: string): readonly EncodedValue[] {
  if (!Object.hasOwn(attributes, name)) return [];
  const value = attributes[name];
  if (value === undefined) return [];
  return typeof value === 'object' ? value : [value];
}

type Comparison = Extract<EntryFilter, { kind: 'compare' }>;

function compare(filter: Comparison, value: EncodedValue): boolean {
  if (filter.type === 'boolean') return compareOrder(filter.comparison, Number(value === filter.value) - 1);
  if (filter.type === 'integer') return compareOrder(filter.comparison, orderIntegers(String(value), String(filter.value)));
  const fold = filter.type === 'string' && !filter.caseExact;
  const left = fold ? foldCase(String(value)) : String(value);
  const right = fold ? foldCase(String(filter.value)) : String(filter.value);
  switch (filter.comparison) {
    case 'contains':
      return left.includes(right);
    case 'starts':
      return left.startsWith(right);
    case 'ends':
      return left.endsWith(right);
    default:
      return compareOrder(filter.comparison, orderText(left, right));
  }
}

function compareOrder(comparison: EntryComparison, order: number): boolean {
  switch (comparison) {
    case 'equal':
      return order === 0;
    case 'not-equal':
      return order !== 0;
    case 'greater':
      return order > 0;
    case 'greater-or-equal':
      return order >= 0;
    case 'less':
      return order < 0;
    case 'less-or-equal':
      return order <= 0;
    default:
      return false;
  }
}

function orderIntegers(left: string, right: string): number {
  const a = BigInt(left);
  const b = BigInt(right);
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Orders two strings by code point (not by UTF-16 unit), as UTF-8 databases with a binary collation do. */
export function orderText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    // Surrogates sort above the rest of the BMP by code point, but below U+E000..U+FFFF by unit.
    const aSurrogate = a >= 0xd800 && a <= 0xdfff;
    const bSurrogate = b >= 0xd800 && b <= 0xdfff;
    if (aSurrogate !== bSurrogate) return aSurrogate ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}
