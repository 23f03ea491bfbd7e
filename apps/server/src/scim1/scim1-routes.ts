import type { QueryParameters, RequestContext, ScimAnswer, ScimService } from '@landbridge/engine';
import { type ScimError, scimErrors } from '@landbridge/scim';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toNewNames, toNewResource, toOldConfiguration, toOldError, toOldList, toOldResource, toOldSchema, toPatch } from './translate.ts';

/** The face of SCIM 1.1 over the services of 2.0: `/scim/{connector}/v1`, where a connector has it switched on (SEC-64). JSON only. */

const JSON_TYPE = 'application/json; charset=utf-8';
type Json = Readonly<Record<string, unknown>>;

/** Whether a request is for the 1.1 face, by its path. */
export function isVersion1(request: FastifyRequest): boolean {
  return /^v1(\/|$)/i.test(((request.params as { readonly '*'?: string })['*'] ?? '').replace(/^\/+/, ''));
}

/** Basic authentication, as agents of 1.1 have it: the password is the token, whatever the name. Bearer stays what it is. */
export function acceptBasic(request: FastifyRequest): void {
  const { authorization } = request.headers;
  if (authorization === undefined || authorization.length > 20_000 || !/^basic /i.test(authorization)) return;
  const text = Buffer.from(authorization.slice(6).trim(), 'base64').toString('utf8');
  request.headers.authorization = `Bearer ${text.slice(text.indexOf(':') + 1)}`;
}

/** Answers a request of a 1.1 client. @throws ScimError, which {@link sendVersion1Error} writes. */
export async function serveVersion1(
  service: ScimService,
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  parts: { readonly segments: readonly string[]; readonly query: QueryParameters; body(): unknown },
): Promise<void> {
  const [first = '', id, ...more] = parts.segments;
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const key = first.toLowerCase();
  if (method === 'OPTIONS') return void reply.code(204).header('allow', 'GET, POST, PUT, PATCH, DELETE').send();
  if (more.length > 0) throw scimErrors.notFound();
  if (key === 'serviceproviderconfigs' || key === 'serviceproviderconfig' || key === 'schemas') {
    if (method !== 'GET') return notAllowed(reply, 'GET');
    return send(reply, { status: 200 }, key === 'schemas' ? schemas(service, id) : configuration(service, context), (body) => body);
  }
  const type = service.resourceTypes.get(key);
  if (type === undefined) throw scimErrors.notFound(`There is no endpoint "${first.slice(0, 100)}".`);
  const base = type.definition.schema.id;
  const query = toNewQuery(parts.query);
  if (id === undefined) {
    if (method === 'GET') return send(reply, ...read(await service.list(context, key, query)), toOldList);
    if (method !== 'POST') return notAllowed(reply, 'GET, POST');
    return send(reply, ...read(await service.create(context, key, toNewResource(parts.body(), base), query)), toOldResource);
  }
  if (method === 'GET') return send(reply, ...read(await service.read(context, key, id, query)), toOldResource);
  if (method === 'PUT') return send(reply, ...read(await service.replace(context, key, id, toNewResource(parts.body(), base), query)), toOldResource);
  if (method === 'PATCH') return send(reply, ...read(await service.patch(context, key, id, toPatch(parts.body(), base), query)), toOldResource);
  if (method !== 'DELETE') return notAllowed(reply, 'GET, PUT, PATCH, DELETE');
  // A deletion answers 200 in 1.1 (SCIM Protocol 1.1 §3.6).
  await service.delete(context, key, id);
  reply.code(200).header('content-type', JSON_TYPE).send('{}');
}

/** Parameters by their names; those whose values name attributes are translated. */
function toNewQuery(query: QueryParameters): QueryParameters {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, ['filter', 'attributes', 'sortBy'].includes(name) ? toNewNames(value) : value]),
  );
}

function read(answer: ScimAnswer): readonly [ScimAnswer, Json | undefined] {
  return [answer, answer.body === undefined ? undefined : (JSON.parse(answer.body) as Json)];
}

function send(reply: FastifyReply, answer: Pick<ScimAnswer, 'status' | 'etag' | 'location'>, body: Json | undefined, convert: (body: Json) => Json): void {
  if (answer.etag !== undefined) reply.header('etag', answer.etag);
  if (answer.location !== undefined) reply.header('location', answer.location);
  if (body === undefined) return void reply.code(answer.status).send();
  reply
    .code(answer.status)
    .header('content-type', JSON_TYPE)
    .send(JSON.stringify(convert(body)));
}

function configuration(service: ScimService, context: RequestContext): Json {
  return toOldConfiguration(JSON.parse(service.discovery(context, 'ServiceProviderConfig').body ?? '{}') as Json);
}

/** All schemas as a list, or one by the name of its type or endpoint, as clients of 1.1 ask for it. */
function schemas(service: ScimService, id: string | undefined): Json {
  const all = [...service.resourceTypes.values()].map(({ definition }) =>
    toOldSchema({
      name: definition.name,
      endpoint: definition.endpoint,
      schema: definition.schema,
      extensions: definition.extensions.map((one) => one.schema),
    }),
  );
  if (id === undefined) return toOldList({ totalResults: all.length, itemsPerPage: all.length, startIndex: 1, Resources: all }, (one) => one);
  const wanted = id.toLowerCase();
  const found = all.find((one) => [one['name'], one['id'], String(one['endpoint']).slice(1)].some((name) => String(name).toLowerCase() === wanted));
  if (found === undefined) throw scimErrors.notFound();
  return found;
}

function notAllowed(reply: FastifyReply, allow: string): void {
  const detail = `This method is not allowed here; allowed are ${allow}.`;
  reply
    .code(405)
    .header('allow', allow)
    .header('content-type', JSON_TYPE)
    .send(JSON.stringify(toOldError(405, detail)));
}

/** Writes an error in the form of 1.1. */
export function sendVersion1Error(reply: FastifyReply, error: ScimError): void {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  if (error.status === 401) reply.header('www-authenticate', 'Basic realm="Landbridge", Bearer realm="Landbridge"');
  reply
    .code(error.status)
    .header('content-type', JSON_TYPE)
    .send(JSON.stringify(toOldError(error.status, error.message)));
}
