import {
  listSchemas,
  type PageLimits,
  parseListQuery,
  parseSearchRequest,
  profileOf,
  renderList,
  renderResourceType,
  renderSchema,
  renderServiceProviderConfig,
  scimErrors,
  serviceSchemas,
} from '@landbridge/scim';
import { requireType } from './attribute-access.ts';
import type { Operation, RequestContext, ScimAnswer, ScimService } from './host.ts';
import { eventUris } from './resources/render-event.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { bulkLimits, performBulk } from './scim-bulk.ts';
import { CURSOR_SECONDS } from './scim-cursor.ts';
import { pageLimits, type ScimFace } from './scim-face.ts';
import { listEverything, listResources } from './scim-lists.ts';
import { readResource } from './scim-reads.ts';
import { createResource, deleteResource, patchResource, replaceResource } from './scim-writes.ts';

/**
 * Makes the SCIM service of one face of a connector. What a credential may do is checked here, by method, so that whatever
 * carries several operations in one request passes for each of them (SEC-09, SEC-26).
 */
export function createScimService(face: ScimFace): ScimService {
  const find = (endpoint: string, context: RequestContext): ResourceModel => {
    const model = face.models.get(endpoint.toLowerCase());
    if (model === undefined) throw scimErrors.notFound(`There is no endpoint "${endpoint.slice(0, 100)}".`);
    return requireType(model, context);
  };
  const types = [...face.models.values()].map((model) => model.resourceType);
  const service: ScimService = {
    resourceTypes: new Map([...face.models].map(([endpoint, model]) => [endpoint, model.resourceType])),
    discovery: (context, document, id) => discover(face, types, context, document, id),
    create: async (context, endpoint, body, query) => createResource(face, find(endpoint, context), allow('create', context), objectOf(body), query),
    // What is asked for most goes without a promise of its own.
    read: (context, endpoint, id, query) => readResource(face, find(endpoint, context), allow('read', context), id, query),
    list: (context, endpoint, query) => listResources(face, find(endpoint, context), allow('read', context), parseListQuery(query, limitsOf(context))),
    search: async (context, endpoint, body) =>
      listResources(face, find(endpoint, context), allow('read', context), parseSearchRequest(body, limitsOf(context))),
    replace: async (context, endpoint, id, body, query) => replaceResource(face, find(endpoint, context), allow('update', context), id, objectOf(body), query),
    patch: async (context, endpoint, id, body, query) => patchResource(face, find(endpoint, context), allow('update', context), id, objectOf(body), query),
    delete: async (context, endpoint, id) => deleteResource(face, find(endpoint, context), allow('delete', context), id),
    listAll: async (context, query) => listEverything(face, allow('read', context), parseListQuery(query, limitsOf(context))),
    searchAll: async (context, body) => listEverything(face, allow('read', context), parseSearchRequest(body, limitsOf(context))),
    bulk: async (context, body) => {
      if (!isWritable(face)) throw scimErrors.notImplemented('Nothing can be written here, and so there is no bulk.');
      return performBulk(service, context, objectOf(body));
    },
  };
  return service;
}

/** Whether PATCH and bulk are there, as ServiceProviderConfig says. */
function isWritable(face: ScimFace): boolean {
  return face.capabilities.export && face.configuration.mode !== 'observe';
}

/** The pages that a credential's dialect has. */
function limitsOf(context: RequestContext): PageLimits & { readonly cursorFirst: boolean } {
  const { maxPage, cursorFirst } = profileOf(context.profile);
  return { maxResults: maxPage, defaultCount: Math.min(maxPage, pageLimits.defaultCount), cursorFirst };
}

/** @throws ScimError 403 for what the credential may not do. */
function allow(operation: Operation, context: RequestContext): RequestContext {
  if (context.operations === undefined || context.operations.includes(operation)) return context;
  throw scimErrors.forbidden(`This credential may not ${operation} resources; it may ${context.operations.join(', ') || 'do nothing'}.`);
}

function objectOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw scimErrors.invalidSyntax('The body must be a JSON object.');
  return body as Readonly<Record<string, unknown>>;
}

function discover(
  face: ScimFace,
  types: readonly ResourceModel['resourceType'][],
  context: RequestContext,
  document: 'ServiceProviderConfig' | 'ResourceTypes' | 'Schemas',
  id: string | undefined,
): ScimAnswer {
  const { baseUrl } = context;
  if (document === 'ServiceProviderConfig') {
    const limits = limitsOf(context);
    const writable = isWritable(face);
    const features = {
      patch: writable,
      bulk: { supported: writable, ...bulkLimits },
      filter: { supported: true, maxResults: limits.maxResults },
      changePassword: face.capabilities.password && writable,
      sort: true,
      etag: true,
      ...(face.configuration.eventStreams.length === 0
        ? {}
        : { securityEvents: { asyncRequest: writable ? ('request' as const) : ('none' as const), eventUris: Object.values(eventUris) } }),
      pagination: {
        cursor: true,
        index: true,
        defaultPaginationMethod: limits.cursorFirst ? 'cursor' : 'index',
        defaultPageSize: limits.defaultCount,
        maxPageSize: limits.maxResults,
        cursorTimeout: CURSOR_SECONDS,
      },
    } as const;
    return answer(renderServiceProviderConfig(features, baseUrl));
  }
  if (document === 'ResourceTypes') {
    if (id === undefined) return answer(renderList(types.map((type) => renderResourceType(type, baseUrl))));
    const type = types.find((one) => one.definition.id.toLowerCase() === id.toLowerCase());
    if (type === undefined) throw scimErrors.notFound();
    return answer(renderResourceType(type, baseUrl));
  }
  const schemas = listSchemas(types);
  // The host that the drop-in face stands in for lists what it provisions, and so does what Entra's page takes attributes from (S-010).
  const isDropIn = [...face.models.values()].some((model) => model.face === 'drop-in');
  const listed = isDropIn || !profileOf(context.profile).listServiceSchemas ? schemas : [...schemas, ...serviceSchemas];
  if (id === undefined) return answer(renderList(listed.map((schema) => renderSchema(schema, baseUrl))));
  const schema = [...schemas, ...serviceSchemas].find((one) => one.id.toLowerCase() === id.toLowerCase());
  if (schema === undefined) throw scimErrors.notFound();
  return answer(renderSchema(schema, baseUrl));
}

function answer(document: Readonly<Record<string, unknown>>): ScimAnswer {
  return { status: 200, body: JSON.stringify(document) };
}
