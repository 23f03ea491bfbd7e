import { scimErrors } from './errors.ts';
import { asText } from './json.ts';

/** The parameters of a list (RFC 7644 §3.4.2), read from a query string or a search request. */
export interface ListQuery {
  readonly filter: string | undefined;
  readonly sortBy: string | undefined;
  readonly sortOrder: 'ascending' | 'descending';
  /** 1-based. */
  readonly startIndex: number;
  readonly count: number;
  /** Whether the client named a count: a cursor keeps the one it began with (RFC 9865 §2.1). */
  readonly countGiven: boolean;
  /** The cursor to go on from; empty begins a walk; absent is paging by index (RFC 9865 §2). */
  readonly cursor: string | undefined;
  readonly attributes: string | undefined;
  readonly excludedAttributes: string | undefined;
}

/** The URN of a search request (RFC 7644 §3.4.3). */
export const SEARCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** The URN of a list response (RFC 7644 §3.4.2). */
export const LIST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** How many resources a page has at most, and when the client does not say. */
export interface PageLimits {
  readonly maxResults: number;
  readonly defaultCount: number;
  /** Whether a list without a paging parameter begins a walk by cursor. Default is `false`. */
  readonly cursorFirst?: boolean;
}

/**
 * Reads the parameters of a list. Below 1 a start index is 1 (S-106), a negative count is 0 (S-107), a large one is capped
 * (S-108), an empty filter is an error (S-078), and a page is by index or by cursor (S-114, S-118).
 *
 * @throws ScimError 400 `invalidValue` or `invalidFilter`.
 */
export function parseListQuery(query: Readonly<Record<string, unknown>>, limits: PageLimits): ListQuery {
  const filter = textOf(query, 'filter');
  if (filter !== undefined && filter.trim() === '') throw scimErrors.invalidFilter('The filter is empty.');
  const order = (textOf(query, 'sortOrder') ?? 'ascending').toLowerCase();
  if (order !== 'ascending' && order !== 'descending') throw scimErrors.invalidValue('"sortOrder" is ascending or descending.');
  const cursor = textOf(query, 'cursor') ?? (limits.cursorFirst === true && query['startIndex'] === undefined ? '' : undefined);
  if (cursor !== undefined && query['startIndex'] !== undefined) throw scimErrors.invalidValue('"startIndex" and "cursor" exclude each other.');
  const count = integerOf(query, 'count');
  return {
    filter,
    sortBy: textOf(query, 'sortBy'),
    sortOrder: order,
    startIndex: Math.max(1, integerOf(query, 'startIndex') ?? 1),
    count: Math.min(limits.maxResults, Math.max(0, count ?? limits.defaultCount)),
    countGiven: count !== undefined,
    cursor,
    attributes: namesOf(query, 'attributes'),
    excludedAttributes: namesOf(query, 'excludedAttributes'),
  };
}

/** Reads a search request (S-195). @throws ScimError 400 `invalidSyntax` without its URN. */
export function parseSearchRequest(body: unknown, limits: PageLimits): ListQuery {
  const json = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const schemas = json['schemas'];
  if (!Array.isArray(schemas) || !schemas.includes(SEARCH_SCHEMA)) throw scimErrors.invalidSyntax(`"schemas" must contain "${SEARCH_SCHEMA}".`);
  return parseListQuery(json, limits);
}

function textOf(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw scimErrors.invalidValue(`"${name}" must be text, given once.`);
  return value;
}

function namesOf(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) return value.map(asText).join(',');
  const text = textOf(query, name);
  return text === undefined || text.trim() === '' ? undefined : text;
}

function integerOf(query: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = query[name];
  if (value === undefined || value === null || value === '') return undefined;
  const text = asText(value);
  if (!/^[+-]?\d{1,15}$/.test(text)) throw scimErrors.invalidValue(`"${name}" is a whole number.`);
  return Number(text);
}

/** What a list response says beside its resources. */
export interface ListPage {
  /** All matches over all pages; may be absent in a walk by cursor, where it costs more than the page (S-118). */
  readonly totalResults: number | undefined;
  /** Absent in a walk by cursor. */
  readonly startIndex?: number;
  /** Absent on the last page (S-115). */
  readonly nextCursor?: string;
}

/** Assembles a list response from resources that are JSON text already (S-109, S-110). */
export function formatListResponse(resources: readonly string[], page: ListPage): string {
  const total = page.totalResults === undefined ? '' : `"totalResults":${page.totalResults},`;
  const start = page.startIndex === undefined ? '' : `"startIndex":${page.startIndex},`;
  const next = page.nextCursor === undefined ? '' : `"nextCursor":${JSON.stringify(page.nextCursor)},`;
  return `{"schemas":["${LIST_SCHEMA}"],${total}${start}"itemsPerPage":${resources.length},${next}"Resources":[${resources.join(',')}]}`;
}
