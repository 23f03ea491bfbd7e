import { randomUUID } from 'node:crypto';
import { type HostConnector, HostError, type QueryParameters, type RequestContext, type ScimAnswer, type ScimService } from '@landbridge/engine';
import { authenticationSchemes, parseJsonBody, ScimError, scimErrors } from '@landbridge/scim';
import { type ScimScope, StoreUnavailableError } from '@landbridge/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientAddress, type Forwarding } from '../cluster/forwarding.ts';
import { type Authenticator, presentedBearer } from '../credentials/authenticator.ts';
import { requirePerson } from '../credentials/personal-tokens.ts';
import { type Credential, clientOf, type Tokens } from '../credentials/tokens.ts';
import { type FailedConnector, type HostConnectors, standsBy } from '../host-connectors.ts';
import { noteCredential, noteRefused } from '../operations/register-alerts.ts';
import { acceptBasic, isVersion1, sendVersion1Error, serveVersion1 } from '../scim1/scim1-routes.ts';
import { isAllowedFrom } from './allowed-networks.ts';
import type { FailureThrottle, RequestLimits } from './request-limits.ts';
import { SCIM_JSON, sendRaw, sendScimError } from './send.ts';

const DISCOVERY = new Set(['serviceproviderconfig', 'resourcetypes', 'schemas']);

/** What the SCIM routes need. */
export interface ScimRoutesOptions {
  readonly connectors: HostConnectors;
  readonly authenticator: Authenticator;
  readonly limits: RequestLimits;
  readonly forwarding: Pick<Forwarding, 'forward'>;
  publicUrl(): string;
  throttle: FailureThrottle;
  /** The host is stopping: a connection ends with its answer. */
  draining(): boolean;
  logError(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Registers both faces of every connector. Which connectors there are is asked at each request, so they come and go while the host runs. */
export function registerScimRoutes(app: FastifyInstance, options: ScimRoutesOptions): void {
  const handler = (face: 'clean' | 'drop-in') => (request: FastifyRequest, reply: FastifyReply) => {
    const correlation = randomUUID();
    reply.header('x-correlation-id', correlation).header('cache-control', 'no-store');
    const asked = face === 'clean' && isVersion1(request) ? options.connectors.get((request.params as { readonly connector: string }).connector) : undefined;
    const old = hasVersion1(asked);
    // Whether a connector of another host has this face is known there.
    if (old || standsBy(asked)) acceptBasic(request);
    serve(options, face, request, reply, correlation).catch((error: unknown) =>
      sendError(options, reply, error, correlation, old ? sendVersion1Error : sendScimError),
    );
  };
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
  for (const path of ['/scim/:connector', '/scim/:connector/*']) app.route({ method: [...methods], url: path, handler: handler('clean') });
  for (const path of ['/ecma2host_:connector/scim', '/ecma2host_:connector/scim/*'])
    app.route({ method: [...methods], url: path, handler: handler('drop-in') });
}

/** Whether a connector has the 1.1 face: without it `v1` is refused like any other version (S-015). */
function hasVersion1(connector: HostConnector | FailedConnector | undefined): boolean {
  return connector !== undefined && !('problem' in connector) && connector.configuration.scim1 === true;
}

async function serve(options: ScimRoutesOptions, face: 'clean' | 'drop-in', request: FastifyRequest, reply: FastifyReply, correlation: string): Promise<void> {
  const { connector: name } = request.params as { readonly connector: string };
  if (showSchemes(options, name, request, reply)) return;
  const found = authenticate(options, request, reply);
  const credential = found instanceof Promise ? await found : found;
  // Another connector's credential learns nothing: not even whether the name exists (SEC-10).
  if (credential.scope.kind !== 'scim' || credential.scope.connector !== name) throw scimErrors.notFound('There is no such service.');
  const admission = options.connectors.admit(name);
  const admitted = admission instanceof Promise ? await admission : admission;
  if (admitted === undefined) throw scimErrors.notFound('There is no such service.');
  try {
    if (await sendOn(options, admitted.connector, credential, request, reply)) return;
    await serveConnector(options, { face, connector: admitted.connector, id: credential.id, scope: credential.scope, correlation }, request, reply);
  } finally {
    admitted.release();
  }
}

/**
 * How to authenticate may be read without a credential (RFC 7643 §5) where an administrator says so, and nothing else: limits,
 * schemas and whatever else a connector has need one (S-005). @returns whether that was the request.
 */
function showSchemes({ connectors, authenticator }: ScimRoutesOptions, name: string, request: FastifyRequest, reply: FastifyReply): boolean {
  if (request.headers.authorization !== undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
  const segments = ((request.params as { readonly '*'?: string })['*'] ?? '')
    .toLowerCase()
    .split('/')
    .filter((one) => one !== '' && one !== 'v2');
  if (segments.length !== 1 || segments[0] !== 'serviceproviderconfig') return false;
  const connector = connectors.get(name);
  if (connector === undefined || 'problem' in connector || connector.configuration.publicAuthenticationSchemes !== true) return false;
  // Who shows a certificate is somebody, and sees everything.
  if (authenticator.identify(request) !== undefined) return false;
  const body = JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'], authenticationSchemes });
  reply.code(200).header('content-type', SCIM_JSON).send(body);
  return true;
}

/** A request to a connector that was let in. */
interface Admitted {
  readonly face: 'clean' | 'drop-in';
  readonly connector: HostConnector | FailedConnector;
  readonly id: string;
  readonly scope: ScimScope;
  readonly correlation: string;
}

/** Sends a request on to the host that owns the connector (R34). @returns whether that was to be done. */
export async function sendOn(
  { forwarding }: Pick<ScimRoutesOptions, 'forwarding'>,
  connector: HostConnector | FailedConnector,
  credential: Credential,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<boolean> {
  const peer = 'problem' in connector ? connector.elsewhere?.peer : undefined;
  if (peer === undefined) return false;
  await forwarding.forward(peer, credential, request, reply);
  return true;
}

/** The connector, if it is open and takes requests from where this one comes (S-226). @throws ScimError 503, 403. */
export function requireReachable(connector: HostConnector | FailedConnector, request: FastifyRequest): HostConnector {
  // The reason names addresses and accounts of the application: administrators see it, clients do not.
  if ('problem' in connector)
    throw new ScimError(503, `The connector "${connector.name}" is not available just now; its administrator sees why with: landbridge status`, {
      retryAfter: connector.elsewhere === undefined ? 30 : 2,
    });
  if (!isAllowedFrom(connector.configuration.allowFrom, clientAddress(request)))
    throw scimErrors.forbidden('This service does not take requests from your network.');
  return connector;
}

async function serveConnector(
  options: ScimRoutesOptions,
  { face, connector: admitted, id, scope, correlation }: Admitted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const connector = requireReachable(admitted, request);
  const service = face === 'clean' ? connector.clean : connector.dropIn;
  const prefix = face === 'clean' ? `/scim/${connector.name}` : `/ecma2host_${connector.name}/scim`;
  const path = (request.params as { readonly '*'?: string })['*'] ?? '';
  const old = face === 'clean' && hasVersion1(connector) && isVersion1(request);
  const segments = face === 'drop-in' ? splitRawPath(request, prefix, path) : splitPath(old ? path.replace(/^\/*v1/i, '') : path);
  if (!accepts(request.headers.accept)) throw new ScimError(406, 'The answers of this service are application/scim+json.');
  const { limits } = connector.configuration;
  const release = options.limits.admit(id, limits);
  const context: RequestContext = {
    credential: id,
    ...rightsOf(scope),
    baseUrl: `${options.publicUrl()}${prefix}${old ? '/v1' : ''}`,
    correlation,
    ...preferenceOf(request.headers['prefer']),
    admit: () => options.limits.admit(id, limits)(),
    denied: (method) => noteRefused(request, method),
    // A client that hung up has sent the end of its side, or nothing more goes to it at all.
    waits: () => request.raw.socket.writable && !request.raw.socket.destroyed,
    ...(request.headers['if-match'] === undefined ? {} : { ifMatch: request.headers['if-match'] }),
    ...(request.headers['if-none-match'] === undefined ? {} : { ifNoneMatch: request.headers['if-none-match'] }),
  };
  let answer: ScimAnswer | undefined;
  try {
    const me = scope.me === undefined ? undefined : await personOf(connector, context, scope.me, reply);
    if (old) return await serveVersion1(service, context, request, reply, { segments, query: queryOf(request), body: () => bodyOf(request) });
    const isCache = face === 'drop-in' && segments.length === 1 && segments[0]?.toLowerCase() === 'cache';
    answer = await (isCache ? showCache(service, context, request, reply) : serveSegments(service, context, request, reply, segments, me));
  } finally {
    release();
  }
  if (answer !== undefined) send(options, reply, answer, correlation, request.method === 'POST' && answer.status === 201);
}

/** The person that a credential acts as: without an account that is active it opens nothing, `/Me` or not (S-173). */
async function personOf(connector: HostConnector, context: RequestContext, me: NonNullable<ScimScope['me']>, reply: FastifyReply): Promise<string> {
  try {
    return await requirePerson(connector, context, me);
  } catch (error) {
    reply.header('www-authenticate', 'Bearer realm="Landbridge"');
    throw error;
  }
}

/** Ids of the Entra host may be base64, with slashes: under its URL the path is split before it is decoded (R32). */
function splitRawPath(request: FastifyRequest, prefix: string, decoded: string): readonly string[] {
  const raw = (request.raw.url ?? '').split('?')[0] ?? '';
  if (!raw.startsWith(`${prefix}/`)) return splitPath(decoded);
  try {
    return splitPath(raw.slice(prefix.length)).map((segment) => decodeURIComponent(segment));
  } catch {
    throw scimErrors.invalidValue('The path has an invalid percent escape.');
  }
}

/** The path below the base: doubled and trailing slashes do not count (S-016), `v2` is the version (S-015). */
function splitPath(path: string): readonly string[] {
  let segments = path.split('/');
  // Nearly every path is plain.
  if (segments.includes('')) segments = segments.filter((segment) => segment !== '');
  const [first = ''] = segments;
  if (/^v\d/i.test(first)) {
    if (first.toLowerCase() !== 'v2') throw scimErrors.invalidVersion(`This service speaks SCIM 2.0, not "${first.slice(0, 20)}".`);
    return segments.slice(1);
  }
  return segments;
}

/**
 * What the Entra host calls its cache: all that is known of the application, page by page. There it needs a debug switch that turns
 * authentication off; here it needs the token, and the right to read.
 */
async function showCache(service: ScimService, context: RequestContext, request: FastifyRequest, reply: FastifyReply): Promise<ScimAnswer | undefined> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed(reply, 'GET');
  const query = queryOf(request);
  const pages: { readonly totalResults: number; readonly Resources?: readonly unknown[] }[] = [];
  for (const endpoint of service.resourceTypes.keys()) {
    const { body } = await service.list(context, endpoint, query);
    if (body !== undefined) pages.push(JSON.parse(body) as (typeof pages)[number]);
  }
  const resources = pages.flatMap((page) => page.Resources ?? []);
  const totalResults = pages.reduce((sum, page) => sum + page.totalResults, 0);
  return {
    status: 200,
    body: JSON.stringify({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults,
      itemsPerPage: resources.length,
      startIndex: 1,
      Resources: resources,
    }),
  };
}

type Rights = Pick<RequestContext, 'client' | 'profile' | 'operations' | 'resourceTypes' | 'attributes'>;

const rights = new WeakMap<ScimScope, Rights>();

/** What a credential is and may do: worked out once, nearly every request of a client has the same. */
function rightsOf(scope: ScimScope): Rights {
  const known = rights.get(scope);
  if (known !== undefined) return known;
  const made: Rights = {
    client: clientOf(scope),
    profile: scope.profile,
    ...(scope.operations === undefined ? {} : { operations: scope.operations }),
    ...(scope.resourceTypes === undefined ? {} : { resourceTypes: scope.resourceTypes }),
    ...(scope.attributes === undefined ? {} : { attributes: scope.attributes.map((name) => name.toLowerCase()) }),
  };
  rights.set(scope, made);
  return made;
}

/** `/Me` is the resource of the person that a credential acts as, under its own URL (RFC 7644 §3.11, S-194). */
function serveSegments(
  service: ScimService,
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  segments: readonly string[],
  me: string | undefined,
): Promise<ScimAnswer> | ScimAnswer | undefined {
  if (segments.length !== 1 || segments[0]?.toLowerCase() !== 'me' || request.method === 'OPTIONS') return dispatch(service, context, request, reply, segments);
  if (me === undefined) throw scimErrors.notImplemented('This credential belongs to a service and not to a person: there is no "/Me" for it.');
  if (request.method === 'POST') return notAllowed(reply, 'GET, PUT, PATCH, DELETE');
  return dispatch(service, context, request, reply, ['Users', me]);
}

function dispatch(
  service: ScimService,
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  segments: readonly string[],
): Promise<ScimAnswer> | ScimAnswer | undefined {
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const [first = '', second, ...more] = segments;
  if (method === 'OPTIONS') return noContent(reply);
  if (first === '' || (first === '.search' && second === undefined)) return searchAll(service, context, request, reply, first, method);
  if (more.length > 0) throw scimErrors.notFound(`There is no "${segments.join('/').slice(0, 200)}" in this service.`);
  const key = first.toLowerCase();
  if (DISCOVERY.has(key)) return discover(service, context, request, reply, key, second, method);
  if (key === 'bulk' && second === undefined) {
    if (method !== 'POST') return notAllowed(reply, 'POST');
    return service.bulk(context, bodyOf(request));
  }
  const query = queryOf(request);
  if (second === '.search') {
    if (method !== 'POST') return notAllowed(reply, 'POST');
    return service.search(context, first, bodyOf(request));
  }
  if (!service.resourceTypes.has(key))
    throw scimErrors.notFound(
      `There is no endpoint "${first.slice(0, 100)}"; there are ${[...service.resourceTypes.values()].map(({ definition }) => definition.endpoint).join(', ')}.`,
    );
  if (second === undefined) {
    if (method === 'GET') return service.list(context, first, query);
    if (method === 'POST') return service.create(context, first, bodyOf(request), query);
    return notAllowed(reply, 'GET, POST');
  }
  switch (method) {
    case 'GET':
      return service.read(context, first, second, query);
    case 'PUT':
      return service.replace(context, first, second, bodyOf(request), query);
    case 'PATCH':
      return service.patch(context, first, second, bodyOf(request), query);
    case 'DELETE':
      return service.delete(context, first, second);
    default:
      return notAllowed(reply, 'GET, PUT, PATCH, DELETE');
  }
}

function discover(
  service: ScimService,
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  key: string,
  id: string | undefined,
  method: string,
): ScimAnswer | undefined {
  if (method !== 'GET') return notAllowed(reply, 'GET');
  if (queryOf(request)['filter'] !== undefined) throw scimErrors.forbidden('Discovery documents cannot be filtered.');
  return service.discovery(context, key === 'schemas' ? 'Schemas' : key === 'resourcetypes' ? 'ResourceTypes' : 'ServiceProviderConfig', id);
}

/** `GET /` with parameters and `POST /.search` look at every type (RFC 7644 §3.4.2.1, §3.4.3). */
function searchAll(
  service: ScimService,
  context: RequestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  first: string,
  method: string,
): Promise<ScimAnswer> | undefined {
  if (first === '.search') return method === 'POST' ? service.searchAll(context, bodyOf(request)) : notAllowed(reply, 'POST');
  return method === 'GET' ? service.listAll(context, queryOf(request)) : notAllowed(reply, 'GET');
}

function noContent(reply: FastifyReply): undefined {
  reply.code(204).header('allow', 'GET, POST, PUT, PATCH, DELETE').send();
  return undefined;
}

function notAllowed(reply: FastifyReply, allow: string): undefined {
  sendScimError(reply.header('allow', allow), new ScimError(405, `This method is not allowed here; allowed are ${allow}.`));
  return undefined;
}

/** Writes an answer past the framework's own way, whose parts this service has no use for; half of the answers of a busy host are reads. */
function send(options: ScimRoutesOptions, reply: FastifyReply, answer: ScimAnswer, correlation: string, created: boolean): void {
  const { status, body, etag, location, transaction } = answer;
  const headers = ['x-correlation-id', correlation, 'cache-control', 'no-store'];
  if (etag !== undefined) headers.push('etag', etag);
  if (transaction !== undefined) headers.push('set-txn', transaction, 'preference-applied', 'respond-async');
  if (location !== undefined && (created || status === 200)) headers.push('location', location);
  if (body !== undefined) headers.push('content-type', SCIM_JSON);
  else if (status !== 204 && status !== 304) headers.push('content-length', '0');
  if (options.draining()) headers.push('connection', 'close');
  sendRaw(reply, status, headers, body);
}

/** @throws ScimError 401 with `WWW-Authenticate`, or 429. */
export function authenticate(
  options: Pick<ScimRoutesOptions, 'authenticator' | 'throttle'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Credential | Promise<Credential> {
  const found = options.authenticator.identify(request);
  if (found instanceof Promise) return found.then((credential) => accept(options, request, reply, credential));
  return accept(options, request, reply, found);
}

function accept(options: Pick<ScimRoutesOptions, 'throttle'>, request: FastifyRequest, reply: FastifyReply, credential: Credential | undefined): Credential {
  if (credential !== undefined) {
    noteCredential(request, credential.id);
    return credential;
  }
  const wait = options.throttle.blocked(request.ip);
  if (wait > 0) throw new ScimError(429, 'Too many wrong credentials; wait.', { retryAfter: wait });
  options.throttle.failed(request.ip);
  reply.header('www-authenticate', 'Bearer realm="Landbridge"');
  throw new ScimError(401, 'A valid bearer token is needed.');
}

/** The credential of a token of ours in an Authorization header: all that the admin API takes. */
export function bearerOf(tokens: Tokens, header: string | undefined): Credential | undefined {
  const presented = header === undefined ? undefined : presentedBearer(header);
  return presented === undefined ? undefined : tokens.check(presented);
}

/** Query parameters, decoded once, each once (S-092, SEC-38). */
function queryOf(request: FastifyRequest): QueryParameters {
  const { url } = request.raw;
  const mark = url?.indexOf('?') ?? -1;
  if (url === undefined || mark === -1) return {};
  const query: Record<string, string> = {};
  for (const part of url.slice(mark + 1).split('&')) {
    if (part === '') continue;
    const equal = part.indexOf('=');
    const name = decode(equal === -1 ? part : part.slice(0, equal));
    if (Object.hasOwn(query, name)) throw scimErrors.invalidValue(`The parameter "${name.slice(0, 50)}" is given twice.`);
    query[name] = decode(equal === -1 ? '' : part.slice(equal + 1));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw scimErrors.invalidValue('The query has an invalid percent escape.');
  }
}

function bodyOf(request: FastifyRequest): unknown {
  const { body } = request;
  if (request.headers['content-encoding'] !== undefined && request.headers['content-encoding'].toLowerCase() !== 'identity')
    throw new ScimError(415, 'Send the body without Content-Encoding.');
  if (!Buffer.isBuffer(body) || body.length === 0) throw scimErrors.invalidSyntax('The request has no body.');
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/scim+json' && type.trim() !== 'application/json') throw new ScimError(415, 'Send application/scim+json.');
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(one)?.[1]).find((one) => one !== undefined);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')
    throw new ScimError(415, 'Send the body in UTF-8 (RFC 7644 §3.8).');
  return parseJsonBody(body);
}

/** `Prefer: respond-async, wait=10` (RFC 7240 §4.1, §4.3). */
function preferenceOf(header: string | readonly string[] | undefined): Pick<RequestContext, 'respondAsync'> {
  // Hardly any request has it, and every request comes by here.
  if (header === undefined) return {};
  const preferences = String(header)
    .toLowerCase()
    .split(/[,;]/)
    .map((one) => one.trim());
  if (!preferences.includes('respond-async')) return {};
  const wait = preferences.map((one) => /^wait\s*=\s*"?(\d{1,4})"?$/.exec(one)?.[1]).find((seconds) => seconds !== undefined);
  return { respondAsync: { waitSeconds: Number(wait ?? 0) } };
}

const ACCEPTED = /^\s*(?:\*\/\*|application\/\*|application\/(?:scim\+)?json)\s*(?:;|$)/i;
const NOT_WANTED = /;\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/i;

function accepts(header: string | undefined): boolean {
  if (header === undefined || header.trim() === '') return true;
  // A range with the weight 0 says what is not acceptable (RFC 9110 §12.4.2).
  return header.split(',').some((range) => ACCEPTED.test(range) && !NOT_WANTED.test(range));
}

/** Every failure is a SCIM error body (S-202); what is not ours is a 500 with the correlation id and nothing else (S-205). */
export function sendError(
  options: Pick<ScimRoutesOptions, 'logError'>,
  reply: FastifyReply,
  error: unknown,
  correlation: string,
  write: (reply: FastifyReply, error: ScimError) => void = sendScimError,
): void {
  const ours = toScimError(error);
  if (ours === undefined) options.logError({ correlation, error }, 'a request failed');
  write(reply, ours ?? new ScimError(500, `The host failed; its log has the reason under ${correlation}.`));
}

function toScimError(error: unknown): ScimError | undefined {
  if (error instanceof ScimError) return error;
  if (error instanceof HostError) return new ScimError(503, error.message, { retryAfter: 10 });
  if (error instanceof StoreUnavailableError) return new ScimError(503, 'The host cannot reach its own store just now; ask again.', { retryAfter: 5 });
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  return statusCode !== undefined && statusCode < 500 ? new ScimError(statusCode, message ?? 'The request is wrong.') : undefined;
}
