import { type FilterValue, parseInstant, type ResolvedFilter, type ScimOperator } from './filter.ts';
import { asText, isRawJson } from './json.ts';
import type { ResolvedPath } from './path.ts';
import type { CompiledAttribute, ScimAttribute, ScimResource } from './schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** Whether a resource satisfies a filter: the reference evaluator (S-250). */
export function matchesFilter(filter: ResolvedFilter, resource: ScimResource): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesFilter(part, resource));
    case 'or':
      return filter.filters.some((part) => matchesFilter(part, resource));
    case 'not':
      return !matchesFilter(filter.filter, resource);
    case 'present':
      return listValues(resource, filter.path).some(isPresent);
    case 'compare':
      return listValues(resource, filter.path).some((value) => compareValue(filter.path, filter.operator, filter.value, value));
    case 'element':
      return listElements(resource, filter.attribute).some((element) => matchesElement(filter.filter, element));
  }
}

/** Whether one element of a multi-valued attribute satisfies the filter in brackets. */
export function matchesElement(filter: ResolvedFilter, element: unknown): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => matchesElement(part, element));
    case 'or':
      return filter.filters.some((part) => matchesElement(part, element));
    case 'not':
      return !matchesElement(filter.filter, element);
    case 'present':
      return isPresent(elementValue(element, filter.path));
    case 'compare':
      return compareValue(filter.path, filter.operator, filter.value, elementValue(element, filter.path));
    case 'element':
      return false;
  }
}

function elementValue(element: unknown, path: ResolvedPath): unknown {
  if (path.sub === undefined) return element;
  return typeof element === 'object' && element !== null ? (element as Json)[path.sub.definition.name] : undefined;
}

/** The elements of an attribute: its values, or its one value. */
export function listElements(resource: ScimResource, attribute: CompiledAttribute): readonly unknown[] {
  const container = attribute.extension === undefined ? resource : (resource[attribute.extension] as Json | undefined);
  const value = container?.[attribute.definition.name];
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** All values that a path has in a resource. */
export function listValues(resource: ScimResource, path: ResolvedPath): readonly unknown[] {
  const elements = listElements(resource, path.attribute);
  if (path.sub === undefined) return elements;
  const { name } = path.sub.definition;
  return elements
    .map((element) => (typeof element === 'object' && element !== null ? (element as Json)[name] : undefined))
    .filter((value) => value !== undefined && value !== null);
}

function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.some(isPresent);
  return typeof value === 'object' ? Object.values(value).some(isPresent) : true;
}

function compareValue(path: ResolvedPath, operator: ScimOperator, wanted: FilterValue, shown: unknown): boolean {
  const value = isRawJson(shown) ? shown.rawJSON : shown;
  if (value === undefined || value === null || typeof value === 'object') return false;
  const { definition } = path.sub ?? path.attribute;
  const order = orderValues(definition, value, wanted);
  switch (operator) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
    case 'co':
      return comparisonKey(definition, value).includes(comparisonKey(definition, wanted));
    case 'sw':
      return comparisonKey(definition, value).startsWith(comparisonKey(definition, wanted));
    case 'ew':
      return comparisonKey(definition, value).endsWith(comparisonKey(definition, wanted));
  }
}

/** The order of two values of an attribute: numbers by size, times by instant, text by code point after folding. */
export function orderValues(definition: Pick<ScimAttribute, 'type' | 'caseExact' | 'name'>, left: unknown, right: unknown): number {
  switch (definition.type) {
    case 'boolean':
      return Number(left === true) - Number(right === true);
    case 'integer':
    case 'decimal':
      return orderNumbers(left, right);
    case 'dateTime':
      return Math.sign((parseInstant(String(left)) ?? 0) - (parseInstant(String(right)) ?? 0));
    default:
      return orderCodePoints(comparisonKey(definition, left), comparisonKey(definition, right));
  }
}

/** Whole numbers beyond 2^53 are digits, and compare digit by digit. */
function orderNumbers(one: unknown, another: unknown): number {
  const [left, right] = [asText(one), asText(another)];
  const [first, second] = [Number(left), Number(right)];
  if (first !== second || Number.isSafeInteger(first) || !isWhole(left) || !isWhole(right)) return Math.sign(first - second) || 0;
  const [exact, other] = [BigInt(left), BigInt(right)];
  return exact < other ? -1 : exact > other ? 1 : 0;
}

function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text);
}

/**
 * The text by which values of an attribute compare: exact, or folded; `userName` after PRECIS preparation (width mapping,
 * lower case, NFC; RFC 8265 §3.3, S-056).
 */
export function comparisonKey(definition: Pick<ScimAttribute, 'caseExact' | 'name'>, value: unknown): string {
  const text = asText(value);
  if (definition.caseExact) return text;
  // Nearly all values are ASCII, where width and normalisation do nothing.
  if (isAscii(text)) return text.toLowerCase();
  return (definition.name === 'userName' ? mapWidth(text) : text).normalize('NFC').toLowerCase();
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** Full-width and half-width characters as their ordinary forms (U+FF01 to U+FFEE, and U+3000). */
function mapWidth(text: string): string {
  return text.replace(/[\u3000\uff01-\uffee]/g, (character) => {
    const ordinary = character.normalize('NFKC');
    return ordinary.length === 1 ? ordinary : character;
  });
}

function orderCodePoints(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const aSurrogate = (a & 0xf800) === 0xd800;
    const bSurrogate = (b & 0xf800) === 0xd800;
    return aSurrogate === bSurrogate ? a - b : aSurrogate ? 1 : -1;
  }
  return left.length - right.length;
}
