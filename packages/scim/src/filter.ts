import { scimErrors } from './errors.ts';
import { type AttributePath, formatPath, parseAttributePath, type ResolvedPath, resolvePath } from './path.ts';
import type { CompiledAttribute, CompiledResourceType } from './schema.ts';

/** The comparison operators (RFC 7644 Table 3), without `pr`. */
export type ScimOperator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** A literal of a filter. */
export type FilterValue = string | number | boolean | null;

/** A filter as parsed (RFC 7644 §3.4.2.2). */
export type ScimFilter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly ScimFilter[] }
  | { readonly kind: 'not'; readonly filter: ScimFilter }
  | { readonly kind: 'compare'; readonly path: AttributePath; readonly operator: ScimOperator; readonly value: FilterValue }
  | { readonly kind: 'present'; readonly path: AttributePath }
  /** One element must match the whole filter (S-079). */
  | { readonly kind: 'element'; readonly path: AttributePath; readonly filter: ScimFilter };

/** Caps of a filter (S-099). */
export const filterLimits = { length: 16_384, depth: 32, clauses: 500, literal: 1024 } as const;

const OPERATORS = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);

interface Parser {
  readonly text: string;
  readonly lenient: boolean;
  at: number;
  clauses: number;
}

/**
 * Parses a filter. Linear in its length; nesting is counted, so no input can exhaust the stack (SEC-28).
 *
 * @throws ScimError 400 `invalidFilter` that says where and what.
 */
export function parseFilter(text: string, options: { readonly lenientLiterals: boolean } = { lenientLiterals: false }): ScimFilter {
  if (text.length > filterLimits.length) throw scimErrors.invalidFilter(`The filter is longer than ${filterLimits.length} characters.`);
  const parser: Parser = { text, lenient: options.lenientLiterals, at: 0, clauses: 0 };
  const filter = parseOr(parser, 0, false);
  skipSpace(parser);
  if (parser.at < text.length) throw fail(parser, 'the filter should end here');
  return filter;
}

function parseOr(parser: Parser, depth: number, inElement: boolean): ScimFilter {
  if (depth > filterLimits.depth) throw scimErrors.invalidFilter(`The filter is nested deeper than ${filterLimits.depth} levels.`);
  const filters = [parseAnd(parser, depth, inElement)];
  while (takeWord(parser, 'or')) filters.push(parseAnd(parser, depth, inElement));
  return filters.length === 1 ? (filters[0] as ScimFilter) : { kind: 'or', filters };
}

function parseAnd(parser: Parser, depth: number, inElement: boolean): ScimFilter {
  const filters = [parseTerm(parser, depth, inElement)];
  while (takeWord(parser, 'and')) filters.push(parseTerm(parser, depth, inElement));
  return filters.length === 1 ? (filters[0] as ScimFilter) : { kind: 'and', filters };
}

function parseTerm(parser: Parser, depth: number, inElement: boolean): ScimFilter {
  skipSpace(parser);
  if (peek(parser) === '(') {
    parser.at += 1;
    return parseGroup(parser, depth, inElement);
  }
  const start = parser.at;
  const word = takeName(parser);
  if (word.toLowerCase() === 'not') {
    skipSpace(parser);
    if (peek(parser) !== '(') throw fail(parser, '"not" is followed by a filter in parentheses');
    parser.at += 1;
    return { kind: 'not', filter: parseGroup(parser, depth, inElement) };
  }
  parser.clauses += 1;
  if (parser.clauses > filterLimits.clauses) throw scimErrors.invalidFilter(`The filter has more than ${filterLimits.clauses} comparisons.`);
  const path = parseAttributePath(word);
  if (path === undefined) {
    parser.at = start;
    throw fail(parser, 'an attribute name is expected');
  }
  if (peek(parser) === '[') return parseElement(parser, path, depth, inElement);
  return parseComparison(parser, path);
}

function parseGroup(parser: Parser, depth: number, inElement: boolean): ScimFilter {
  const filter = parseOr(parser, depth + 1, inElement);
  skipSpace(parser);
  if (peek(parser) !== ')') throw fail(parser, '")" is expected');
  parser.at += 1;
  return filter;
}

/** `emails[type eq "work"]`, and the form `emails[type eq "work"].value eq "x"`, which Entra sends (S-080). */
function parseElement(parser: Parser, path: AttributePath, depth: number, inElement: boolean): ScimFilter {
  if (inElement) throw fail(parser, 'brackets cannot be nested');
  parser.at += 1;
  const filter = parseOr(parser, depth + 1, true);
  skipSpace(parser);
  if (peek(parser) !== ']') throw fail(parser, '"]" is expected');
  parser.at += 1;
  if (peek(parser) !== '.') return { kind: 'element', path, filter };
  parser.at += 1;
  const sub = parseAttributePath(takeName(parser));
  if (sub === undefined || sub.urn !== undefined || sub.sub !== undefined) throw fail(parser, 'a sub-attribute is expected');
  return { kind: 'element', path, filter: { kind: 'and', filters: [filter, parseComparison(parser, sub)] } };
}

function parseComparison(parser: Parser, path: AttributePath): ScimFilter {
  skipSpace(parser);
  const operator = takeName(parser).toLowerCase();
  if (operator === 'pr') return { kind: 'present', path };
  if (!OPERATORS.has(operator))
    throw scimErrors.invalidFilter(`"${operator.slice(0, 40)}" is not a filter operator; use eq, ne, co, sw, ew, gt, ge, lt, le or pr.`);
  skipSpace(parser);
  return { kind: 'compare', path, operator: operator as ScimOperator, value: parseValue(parser) };
}

function parseValue(parser: Parser): FilterValue {
  const character = peek(parser);
  if (character === '"') return parseString(parser);
  const { text } = parser;
  if (character === "'" && parser.lenient) {
    const end = text.indexOf("'", parser.at + 1);
    if (end === -1) throw fail(parser, 'the text does not end');
    const value = text.slice(parser.at + 1, end);
    parser.at = end + 1;
    return limited(value);
  }
  let end = parser.at;
  while (end < text.length && !' )]\t\r\n'.includes(text[end] ?? '')) end += 1;
  const word = text.slice(parser.at, end);
  if (word === '') throw fail(parser, 'a value is expected');
  const value = parseWord(word);
  // Words without quotes are what clients forget to quote, and no JSON of another kind (S-091).
  if (value === undefined && (!parser.lenient || /["{}[\]]/.test(word)))
    throw fail(parser, 'a value in double quotes, a number, true, false or null is expected');
  parser.at = end;
  return value === undefined ? limited(word) : value;
}

function parseWord(word: string): FilterValue | undefined {
  if (word === 'true') return true;
  if (word === 'false') return false;
  if (word === 'null') return null;
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) return undefined;
  return isLargeInteger(word) ? word : Number(word);
}

/** Digits of a whole number that a number of JavaScript may not hold exactly: they stay text (R27). */
function isLargeInteger(word: string): boolean {
  return /^-?\d+$/.test(word) && !Number.isSafeInteger(Number(word));
}

function parseString(parser: Parser): string {
  const { text } = parser;
  let end = parser.at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  if (end >= text.length) throw fail(parser, 'the text does not end');
  try {
    const value = JSON.parse(text.slice(parser.at, end + 1)) as string;
    parser.at = end + 1;
    return limited(value);
  } catch {
    throw fail(parser, 'the text is not a JSON string');
  }
}

function limited(value: string): string {
  if (value.length > filterLimits.literal) throw scimErrors.invalidFilter(`A value in the filter is longer than ${filterLimits.literal} characters.`);
  return value;
}

function peek(parser: Parser): string | undefined {
  return parser.text[parser.at];
}

function skipSpace(parser: Parser): void {
  while (parser.text.charCodeAt(parser.at) === 0x20) parser.at += 1;
}

/** Takes characters up to the next delimiter. */
function takeName(parser: Parser): string {
  const start = parser.at;
  const { text } = parser;
  while (parser.at < text.length && !' ()[]"\'\t\r\n'.includes(text[parser.at] ?? '')) parser.at += 1;
  return text.slice(start, parser.at);
}

function takeWord(parser: Parser, word: string): boolean {
  skipSpace(parser);
  const { text, at } = parser;
  if (text.slice(at, at + word.length).toLowerCase() !== word) return false;
  const after = text[at + word.length];
  if (after !== ' ' && after !== '(') return false;
  parser.at = at + word.length;
  return true;
}

function fail(parser: Parser, what: string): Error {
  return scimErrors.invalidFilter(`The filter is wrong at position ${parser.at + 1}: ${what}.`);
}

/** Formats a filter as text that parses to the same filter. */
export function formatFilter(filter: ScimFilter): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters
        .map((part) => (part.kind === 'and' || part.kind === 'or' ? `(${formatFilter(part)})` : formatFilter(part)))
        .join(` ${filter.kind} `);
    case 'not':
      return `not (${formatFilter(filter.filter)})`;
    case 'present':
      return `${formatName(filter.path)} pr`;
    case 'compare':
      return `${formatName(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case 'element':
      return `${formatName(filter.path)}[${formatFilter(filter.filter)}]`;
  }
}

function formatName(path: AttributePath): string {
  return `${path.urn === undefined ? '' : `${path.urn}:`}${path.attribute}${path.sub === undefined ? '' : `.${path.sub}`}`;
}

/** A filter bound to the attributes of a resource type. */
export type ResolvedFilter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly ResolvedFilter[] }
  | { readonly kind: 'not'; readonly filter: ResolvedFilter }
  | { readonly kind: 'compare'; readonly path: ResolvedPath; readonly operator: ScimOperator; readonly value: FilterValue }
  | { readonly kind: 'present'; readonly path: ResolvedPath }
  | { readonly kind: 'element'; readonly attribute: CompiledAttribute; readonly filter: ResolvedFilter };

/** A filter that nothing satisfies. */
export const nothingMatches: ResolvedFilter = { kind: 'or', filters: [] };

/** How a filter is bound. */
export interface FilterOptions {
  /** An unknown attribute is an error. */
  readonly strict: boolean;
  /** `"True"` is a boolean and `"1"` a number (S-091, S-160); absent: where unknown attributes are no error. */
  readonly lenientLiterals?: boolean;
}

/**
 * Binds a filter to a resource type and checks operators against types (S-088, S-089, S-101). An unknown attribute is an
 * error in strict profiles and has no value in the others (S-097).
 *
 * @throws ScimError 400 `invalidFilter`.
 */
export function resolveFilter(filter: ScimFilter, type: CompiledResourceType, options: FilterOptions): ResolvedFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((part) => resolveFilter(part, type, options)) };
    case 'not':
      return { kind: 'not', filter: resolveFilter(filter.filter, type, options) };
    case 'element':
      return resolveElement(filter, type, options);
    default: {
      const path = resolvePath(type, filter.path);
      return path === undefined ? unknownAttribute(filter.path, options) : bind(filter, withDefaultSub(path), options);
    }
  }
}

function unknownAttribute(path: AttributePath, options: FilterOptions): ResolvedFilter {
  // Where passwords cannot be set they are no attribute; that they cannot be asked for stays the same (S-101).
  if (path.attribute.toLowerCase() === 'password') throw scimErrors.invalidFilter('"password" cannot be filtered.');
  if (options.strict) throw scimErrors.invalidFilter(`There is no attribute "${formatName(path).slice(0, 200)}".`);
  return nothingMatches;
}

function resolveElement(filter: Extract<ScimFilter, { kind: 'element' }>, type: CompiledResourceType, options: FilterOptions): ResolvedFilter {
  const path = resolvePath(type, filter.path);
  if (path === undefined) return unknownAttribute(filter.path, options);
  return { kind: 'element', attribute: path.attribute, filter: resolveInElement(filter.filter, path.attribute, options) };
}

/** Binds the filter in brackets: its names are sub-attributes, and `value` of a simple attribute is the value itself (S-136). */
export function resolveInElement(filter: ScimFilter, attribute: CompiledAttribute, options: FilterOptions): ResolvedFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((part) => resolveInElement(part, attribute, options)) };
    case 'not':
      return { kind: 'not', filter: resolveInElement(filter.filter, attribute, options) };
    case 'element':
      throw scimErrors.invalidFilter('Brackets cannot be nested.');
    default: {
      const sub = attribute.subAttributes.get(filter.path.attribute.toLowerCase());
      if (sub !== undefined) return bind(filter, { attribute, sub }, options);
      if (attribute.definition.type !== 'complex' && filter.path.attribute.toLowerCase() === 'value')
        return bind(filter, { attribute, sub: undefined }, options);
      return unknownAttribute(filter.path, options);
    }
  }
}

/** A comparison of a complex attribute without a sub-attribute means its `value` (S-083). */
function withDefaultSub(path: ResolvedPath): ResolvedPath {
  if (path.sub !== undefined || path.attribute.definition.type !== 'complex') return path;
  const value = path.attribute.subAttributes.get('value');
  return value === undefined ? path : { attribute: path.attribute, sub: value };
}

function bind(filter: Extract<ScimFilter, { kind: 'compare' | 'present' }>, path: ResolvedPath, options: FilterOptions): ResolvedFilter {
  const { definition } = path.sub ?? path.attribute;
  const where = formatPath(path);
  // Whether there is a value is told by what is never returned as little as the value (S-101).
  if (definition.returned === 'never') throw scimErrors.invalidFilter(`"${where}" cannot be filtered.`);
  if (filter.kind === 'present') return { kind: 'present', path };
  const { operator } = filter;
  if (filter.value === null) {
    if (operator !== 'eq' && operator !== 'ne') throw scimErrors.invalidFilter(`"${where}" can be compared with null by eq and ne only.`);
    return operator === 'ne' ? { kind: 'present', path } : { kind: 'not', filter: { kind: 'present', path } };
  }
  if (definition.type === 'complex') throw scimErrors.invalidFilter(`"${where}" is a complex attribute; name one of its sub-attributes.`);
  const ordering = operator === 'gt' || operator === 'ge' || operator === 'lt' || operator === 'le';
  const substring = operator === 'co' || operator === 'sw' || operator === 'ew';
  if (ordering && (definition.type === 'boolean' || definition.type === 'binary'))
    throw scimErrors.invalidFilter(`"${where}" has no order; ${operator} cannot be used.`);
  if (substring && ['boolean', 'integer', 'decimal', 'dateTime'].includes(definition.type))
    throw scimErrors.invalidFilter(`"${where}" is no text; ${operator} cannot be used.`);
  return { kind: 'compare', path, operator, value: literalOf(definition.type, filter.value, where, options) };
}

function literalOf(
  type: string,
  value: string | number | boolean,
  where: string,
  { strict, lenientLiterals = !strict }: FilterOptions,
): string | number | boolean {
  switch (type) {
    case 'boolean': {
      if (!lenientLiterals && typeof value !== 'boolean') throw scimErrors.invalidFilter(`"${where}" is true or false, without quotes.`);
      const text = String(value).toLowerCase();
      if (text === 'true' || text === 'false') return text === 'true';
      throw scimErrors.invalidFilter(`"${where}" is true or false.`);
    }
    case 'integer':
    case 'decimal': {
      if (!lenientLiterals && typeof value !== 'number' && !(type === 'integer' && isLargeInteger(String(value))))
        throw scimErrors.invalidFilter(`"${where}" is a number, without quotes.`);
      const number = typeof value === 'number' ? value : Number(value);
      if (type === 'integer' && typeof value === 'string' && isLargeInteger(value)) return value;
      if (Number.isNaN(number) || value === '') throw scimErrors.invalidFilter(`"${where}" is a number.`);
      return number;
    }
    case 'dateTime':
      if (typeof value !== 'string' || parseInstant(value) === undefined)
        throw scimErrors.invalidFilter(`"${where}" is a date and time such as 2026-01-31T12:00:00Z.`);
      return value;
    default:
      return String(value);
  }
}

const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})?$/;

/** Milliseconds of an xsd:dateTime, or `undefined` for text that is none (S-044, S-089). Without a zone it is UTC. */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const time = Date.parse(`${match[1] ?? ''}${(match[2] ?? '').slice(0, 4)}${match[3] ?? 'Z'}`);
  return Number.isNaN(time) ? undefined : time;
}
