import { type ScimError, scimErrors, toErrorBody } from './errors.ts';
import { asText } from './json.ts';
import type { DialectProfile } from './profiles.ts';

/** The URNs of bulk messages (RFC 7644 §3.7). */
export const BULK_REQUEST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
export const BULK_RESPONSE_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

type Json = Readonly<Record<string, unknown>>;

/** One operation of a bulk request. What is wrong with it alone is in `fault`: the others are tried all the same (S-191). */
export interface BulkOperation {
  readonly method: string;
  readonly bulkId: string | undefined;
  /** Path segment of the resource type. */
  readonly endpoint: string;
  /** The id in the path, or `bulkId:…`; `undefined` for a POST. */
  readonly id: string | undefined;
  readonly data: Json | undefined;
  /** Acts as If-Match (S-187). */
  readonly version: string | undefined;
  readonly fault: ScimError | undefined;
}

/** A bulk request, its shape checked. */
export interface BulkRequest {
  readonly failOnErrors: number | undefined;
  readonly operations: readonly BulkOperation[];
}

const METHODS: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const PREFIX = 'bulkId:';

/**
 * Parses a bulk request.
 *
 * @throws ScimError 400 `invalidSyntax` for a body that is no bulk request, or has a bulkId twice (S-190); 413 for too many
 * operations (S-192).
 */
export function parseBulk(body: Json, limits: { readonly maxOperations: number }, profile: DialectProfile): BulkRequest {
  const { schemas, failOnErrors } = body;
  if (!Array.isArray(schemas) || !schemas.includes(BULK_REQUEST_SCHEMA)) throw scimErrors.invalidSyntax(`"schemas" must contain "${BULK_REQUEST_SCHEMA}".`);
  const operations = body['Operations'] ?? body['operations'];
  if (!Array.isArray(operations)) throw scimErrors.invalidSyntax('"Operations" must be a list.');
  if (operations.length > limits.maxOperations)
    throw scimErrors.tooLarge(`A bulk request has at most ${limits.maxOperations} operations (maxOperations); this one has ${operations.length}.`);
  if (failOnErrors !== undefined && failOnErrors !== null && !(Number.isSafeInteger(failOnErrors) && Number(failOnErrors) >= 1))
    throw scimErrors.invalidSyntax('"failOnErrors" must be a whole number above 0.');
  const parsed = operations.map((operation: unknown) => parseOperation(operation, profile));
  const seen = new Set<string>();
  for (const { method, bulkId } of parsed) {
    if (method !== 'POST' || bulkId === undefined) continue;
    if (seen.has(bulkId)) throw scimErrors.invalidSyntax(`The bulkId "${bulkId.slice(0, 100)}" is used twice.`);
    seen.add(bulkId);
  }
  return { failOnErrors: typeof failOnErrors === 'number' ? failOnErrors : undefined, operations: parsed };
}

function parseOperation(operation: unknown, profile: DialectProfile): BulkOperation {
  const json = (typeof operation === 'object' && operation !== null && !Array.isArray(operation) ? operation : {}) as Json;
  const text = (name: string): string | undefined => (typeof json[name] === 'string' && json[name] !== '' ? (json[name] as string) : undefined);
  const method = asText(json['method'] ?? '').toUpperCase();
  const bulkId = text('bulkId');
  const path = parsePath(text('path') ?? '');
  const data = dataOf(json['data'], method, profile);
  return {
    method: method.slice(0, 20),
    bulkId,
    endpoint: path?.endpoint ?? '',
    id: path?.id,
    data,
    version: text('version'),
    fault: faultOf(method, bulkId, path, data),
  };
}

function faultOf(method: string, bulkId: string | undefined, path: Path | undefined, data: Json | undefined): ScimError | undefined {
  if (!METHODS.has(method)) return scimErrors.invalidSyntax('"method" is POST, PUT, PATCH or DELETE.');
  if (path === undefined) return scimErrors.invalidValue('"path" must be the path of a resource of this service, such as /Users or /Users/{id}.');
  if (method === 'POST') {
    if (path.id !== undefined) return scimErrors.invalidValue('The path of a POST is that of a resource type, such as /Users.');
    if (bulkId === undefined) return scimErrors.invalidValue('A POST needs a bulkId.');
  } else if (path.id === undefined) return scimErrors.invalidValue(`The path of a ${method} is that of a resource, such as /Users/{id}.`);
  return method !== 'DELETE' && data === undefined ? scimErrors.invalidSyntax('"data" is missing.') : undefined;
}

/** The data of a PATCH is a PatchOp; the bare list of the RFC's example is taken where the profile is lenient (S-193). */
function dataOf(data: unknown, method: string, profile: DialectProfile): Json | undefined {
  if (Array.isArray(data) && method === 'PATCH' && !profile.strict) return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: data };
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? (data as Json) : undefined;
}

interface Path {
  readonly endpoint: string;
  readonly id: string | undefined;
}

/** A path below the base of this service, and nothing else: no URL, no `..`, no hidden slash (S-186). */
function parsePath(text: string): Path | undefined {
  const match = /^\/?(?:v2\/)?([A-Za-z][A-Za-z0-9_-]{0,99})(?:\/([^/\\?#\s]{1,500}))?$/.exec(text);
  if (match === null) return undefined;
  const [, endpoint = '', raw] = match;
  const id = raw === undefined ? undefined : decode(raw);
  if (raw !== undefined && (id === undefined || /[/\\]|^\.{1,2}$|^\.search$/.test(id))) return undefined;
  return { endpoint, id };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** An attribute that is left out of a create because what it refers to cannot be there yet; set afterwards by a PATCH (S-189). */
export interface CutEdge {
  readonly path: string;
  readonly value: unknown;
}

/** One step of a plan: an operation, and whether it waits for others that in turn wait for it. */
export interface BulkStep {
  readonly index: number;
  /** Ids of creates that come later although this operation refers to them: there is a circle. */
  readonly later: ReadonlySet<string>;
}

/**
 * Orders operations so that what is referred to is created first, and otherwise as they came (S-188). In a circle one create goes
 * first, without what refers to the others (S-189). No recursion, and time in proportion to the references: a client chooses the graph.
 */
export function planBulk(operations: readonly BulkOperation[]): readonly BulkStep[] {
  const creates = new Map<string, number>();
  operations.forEach((operation, index) => {
    if (operation.method === 'POST' && operation.bulkId !== undefined) creates.set(operation.bulkId, index);
  });
  const visits = operations.map((operation) => ({
    needs: [...referencesOf(operation)].filter((bulkId) => creates.has(bulkId)),
    next: 0,
    state: 'new' as 'new' | 'begun' | 'done',
    later: new Set<string>(),
  }));
  const steps: BulkStep[] = [];
  for (const first of visits.keys()) {
    const path = visits[first]?.state === 'new' ? [first] : [];
    for (let index = path.at(-1); index !== undefined; index = path.at(-1)) {
      const visit = visits[index];
      if (visit === undefined) break;
      visit.state = 'begun';
      const bulkId = visit.needs[visit.next];
      if (bulkId === undefined) {
        visit.state = 'done';
        steps.push({ index, later: visit.later });
        path.pop();
        continue;
      }
      visit.next += 1;
      const needed = creates.get(bulkId) ?? index;
      const { state } = visits[needed] ?? visit;
      if (state === 'begun') visit.later.add(bulkId);
      else if (state === 'new') path.push(needed);
    }
  }
  return steps;
}

/** The bulkIds that an operation refers to, in its path or its data. */
export function referencesOf(operation: Pick<BulkOperation, 'id' | 'data'>): ReadonlySet<string> {
  const found = new Set<string>();
  if (operation.id?.startsWith(PREFIX)) found.add(operation.id.slice(PREFIX.length));
  collect(operation.data, found);
  return found;
}

/** The depth of a body is bounded where it is parsed (SEC-27). */
function collect(value: unknown, found: Set<string>): void {
  if (typeof value === 'string') for (const bulkId of bulkIdsIn(value)) found.add(bulkId);
  else if (Array.isArray(value)) for (const element of value) collect(element, found);
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) collect(inner, found);
}

/** A whole value `bulkId:x`, or one in the filter of a path: `members[value eq "bulkId:x"]`. */
function bulkIdsIn(text: string): readonly string[] {
  if (text.startsWith(PREFIX)) return [text.slice(PREFIX.length)];
  return text.includes(`"${PREFIX}`) ? [...text.matchAll(/"bulkId:([^"]*)"/g)].map((match) => match[1] ?? '') : [];
}

/** Replaces references by ids. Those that are not known stay as they are: the caller looked before. */
export function resolveBulkIds<Value>(value: Value, ids: ReadonlyMap<string, string>): Value {
  return resolve(value, ids) as Value;
}

function resolve(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') {
    if (value.startsWith(PREFIX)) return ids.get(value.slice(PREFIX.length)) ?? value;
    return value.includes(`"${PREFIX}`) ? value.replace(/"bulkId:([^"]*)"/g, (whole, bulkId: string) => quote(ids.get(bulkId)) ?? whole) : value;
  }
  if (Array.isArray(value)) return value.map((element) => resolve(element, ids));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, ids)]));
}

function quote(id: string | undefined): string | undefined {
  return id === undefined ? undefined : JSON.stringify(id);
}

/** Takes out of a create what refers to resources that are created later, and says how to add it then (S-189). */
export function cutReferences(data: Json, later: ReadonlySet<string>): { readonly data: Json; readonly edges: readonly CutEdge[] } {
  const edges: CutEdge[] = [];
  const refers = (value: unknown): boolean => {
    const found = new Set<string>();
    collect(value, found);
    return [...found].some((bulkId) => later.has(bulkId));
  };
  const cut = (values: Json, prefix: string): Json => {
    const kept: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      if (!refers(value)) kept[name] = value;
      else if (Array.isArray(value)) {
        const staying = value.filter((element) => !refers(element));
        if (staying.length > 0) kept[name] = staying;
        edges.push({ path: `${prefix}${name}`, value: value.filter(refers) });
      } else if (/^urn:/i.test(name) && prefix === '' && typeof value === 'object' && value !== null) kept[name] = cut(value as Json, `${name}:`);
      else edges.push({ path: `${prefix}${name}`, value });
    }
    return kept;
  };
  return { data: cut(data, ''), edges };
}

/** What became of an operation. */
export interface BulkResult {
  readonly method: string;
  readonly bulkId: string | undefined;
  readonly status: number;
  readonly location: string | undefined;
  readonly version: string | undefined;
  readonly error: ScimError | undefined;
}

/** The answer to a bulk request: `status` is text, as the examples of RFC 7644 §3.7.3 and erratum 7916 have it (S-187). */
export function renderBulkResponse(results: readonly BulkResult[]): Json {
  return {
    schemas: [BULK_RESPONSE_SCHEMA],
    Operations: results.map((result) => ({
      ...(result.location === undefined ? {} : { location: result.location }),
      method: result.method,
      ...(result.bulkId === undefined ? {} : { bulkId: result.bulkId }),
      ...(result.version === undefined ? {} : { version: result.version }),
      status: String(result.status),
      ...(result.error === undefined ? {} : { response: toErrorBody(result.error) }),
    })),
  };
}
