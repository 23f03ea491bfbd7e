import {
  type BulkOperation,
  type BulkResult,
  cutReferences,
  PATCH_SCHEMA,
  parseBulk,
  planBulk,
  profileOf,
  referencesOf,
  renderBulkResponse,
  resolveBulkIds,
  ScimError,
  scimErrors,
} from '@landbridge/scim';
import type { RequestContext, ScimAnswer, ScimService } from './host.ts';

/** Caps of a bulk request (S-192); the server ends a larger body while it comes. */
export const bulkLimits = { maxOperations: 1000, maxPayloadSize: 4 * 1024 * 1024 } as const;

type Json = Readonly<Record<string, unknown>>;

/** A create of which a part is set once what it refers to is there. */
interface Unfinished {
  readonly index: number;
  readonly endpoint: string;
  readonly id: string;
  readonly edges: readonly { readonly path: string; readonly value: unknown }[];
}

/**
 * Performs a bulk request (RFC 7644 §3.7). Every operation goes the way of a single request: scope, rate, validation and audit
 * are those of the operation as it is executed, after references are resolved (SEC-26).
 */
export async function performBulk(
  service: Pick<ScimService, 'resourceTypes' | 'create' | 'replace' | 'patch' | 'delete'>,
  context: RequestContext,
  body: Json,
): Promise<ScimAnswer> {
  const request = parseBulk(body, bulkLimits, profileOf(context.profile));
  const { operations } = request;
  const ids = new Map<string, string>();
  const results = new Map<number, BulkResult>();
  const unfinished: Unfinished[] = [];
  let errors = 0;
  const stopped = (): boolean => request.failOnErrors !== undefined && errors >= request.failOnErrors;
  for (const { index, later } of planBulk(operations)) {
    const operation = operations[index];
    if (operation === undefined || stopped()) break;
    const result = await attempt(context, operation, () =>
      performOne(service, context, operation, ids, later, (edges, id) => unfinished.push({ ...edges, index, id })),
    );
    if (result.error !== undefined) errors += 1;
    results.set(index, result);
  }
  for (const one of unfinished) {
    const known = results.get(one.index);
    const operation = operations[one.index];
    if (known === undefined || operation === undefined) continue;
    const result = await attempt(context, operation, () => closeCircle(service, context, one, ids, known));
    results.set(one.index, result);
  }
  const inOrder = [...results].sort(([left], [right]) => left - right).map(([, result]) => result);
  return { status: 200, body: JSON.stringify(renderBulkResponse(inOrder)) };
}

/** An operation that fails is a result, not the end of the request. A fault that is not ours is one too, without its reasons (S-205). */
async function attempt(
  context: RequestContext,
  operation: BulkOperation,
  act: () => Promise<Omit<BulkResult, 'method' | 'bulkId' | 'error'>>,
): Promise<BulkResult> {
  const { method, bulkId } = operation;
  try {
    return { method, bulkId, error: undefined, ...(await act()) };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    if (error.status === 403) context.denied?.(method);
    return { method, bulkId, status: error.status, location: undefined, version: undefined, error };
  }
}

async function performOne(
  service: Pick<ScimService, 'resourceTypes' | 'create' | 'replace' | 'patch' | 'delete'>,
  context: RequestContext,
  operation: BulkOperation,
  ids: Map<string, string>,
  later: ReadonlySet<string>,
  cut: (edges: Pick<Unfinished, 'endpoint' | 'edges'>, id: string) => void,
): Promise<Omit<BulkResult, 'method' | 'bulkId' | 'error'>> {
  if (operation.fault !== undefined) throw operation.fault;
  context.admit?.();
  const { endpoint } = operation;
  if (!service.resourceTypes.has(endpoint.toLowerCase()))
    throw scimErrors.invalidValue(`"path" names "${endpoint}", which is no resource type of this service.`);
  const missing = [...referencesOf(operation)].find((bulkId) => !ids.has(bulkId) && !later.has(bulkId));
  if (missing !== undefined) throw scimErrors.invalidValue(`The bulkId "${missing.slice(0, 100)}" is of no operation that succeeded.`);
  const whole = operation.data ?? {};
  const { data, edges } = later.size === 0 ? { data: whole, edges: [] } : cutReferences(whole, later);
  const resolved = resolveBulkIds(data, ids);
  const id = operation.id === undefined ? undefined : resolveBulkIds(operation.id, ids);
  const own: RequestContext = withVersion(context, operation.version);
  const answer = await call(service, own, operation.method, endpoint, id, resolved);
  if (operation.method === 'POST') {
    const created = String((JSON.parse(answer.body ?? '{}') as Json)['id'] ?? '');
    if (operation.bulkId !== undefined) ids.set(operation.bulkId, created);
    if (edges.length > 0) cut({ endpoint, edges }, created);
  }
  return { status: answer.status, location: answer.location ?? locationOf(context, endpoint, id), version: answer.etag };
}

/** A precondition is that of one operation; the request's own headers do not count for all of them. */
function withVersion(context: RequestContext, version: string | undefined): RequestContext {
  // Nor does a wish not to wait: every operation is done when the answer comes.
  const { ifMatch: _, ifNoneMatch: __, respondAsync: ___, ...rest } = context;
  return version === undefined ? rest : { ...rest, ifMatch: version };
}

function locationOf(context: RequestContext, endpoint: string, id: string | undefined): string | undefined {
  return id === undefined ? undefined : `${context.baseUrl}/${endpoint}/${encodeURIComponent(id)}`;
}

function call(
  service: Pick<ScimService, 'create' | 'replace' | 'patch' | 'delete'>,
  context: RequestContext,
  method: string,
  endpoint: string,
  id: string | undefined,
  data: Json,
): Promise<ScimAnswer> {
  switch (method) {
    case 'POST':
      return service.create(context, endpoint, data, {});
    case 'PUT':
      return service.replace(context, endpoint, id ?? '', data, {});
    case 'PATCH':
      return service.patch(context, endpoint, id ?? '', data, {});
    default:
      return service.delete(context, endpoint, id ?? '');
  }
}

/** The part of a circle that was left out. Where it cannot be set the operation is a conflict (S-189). */
async function closeCircle(
  service: Pick<ScimService, 'patch'>,
  context: RequestContext,
  one: Unfinished,
  ids: ReadonlyMap<string, string>,
  known: BulkResult,
): Promise<Omit<BulkResult, 'method' | 'bulkId' | 'error'>> {
  const Operations = one.edges.map((edge) => ({ op: 'add', path: edge.path, value: resolveBulkIds(edge.value, ids) }));
  try {
    const answer = await service.patch(withVersion(context, undefined), one.endpoint, one.id, { schemas: [PATCH_SCHEMA], Operations }, {});
    return { status: known.status, location: known.location, version: answer.etag ?? known.version };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    throw new ScimError(409, `The resource was created as ${one.id}, but what it refers to in a circle could not be set: ${error.message}`);
  }
}
