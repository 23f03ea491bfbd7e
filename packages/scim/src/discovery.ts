import { LIST_SCHEMA } from './list-query.ts';
import type { CompiledResourceType, ScimAttribute, ScimSchema } from './schema.ts';

/** What a service says it can do (RFC 7643 §5). Every flag equals behaviour (S-003). */
export interface ServiceFeatures {
  readonly patch: boolean;
  readonly bulk: { readonly supported: boolean; readonly maxOperations: number; readonly maxPayloadSize: number };
  readonly filter: { readonly supported: boolean; readonly maxResults: number };
  readonly changePassword: boolean;
  readonly sort: boolean;
  readonly etag: boolean;
  /** Event streams (RFC 9967 §4); absent where there is none. */
  readonly securityEvents?: { readonly asyncRequest: 'none' | 'long' | 'request'; readonly eventUris: readonly string[] };
  /** RFC 9865 §4; absent: by index only. */
  readonly pagination?: {
    readonly cursor: boolean;
    readonly index: boolean;
    readonly defaultPaginationMethod: 'index' | 'cursor';
    readonly defaultPageSize: number;
    readonly maxPageSize: number;
    /** Seconds. */
    readonly cursorTimeout: number;
  };
}

type Json = Readonly<Record<string, unknown>>;

/** How clients authenticate (S-004). */
export const authenticationSchemes = [
  {
    type: 'oauthbearertoken',
    name: 'Bearer token',
    description: 'A token issued by the administrator of the host, in the Authorization header',
    specUri: 'https://datatracker.ietf.org/doc/html/rfc6750',
    primary: true,
  },
] as const;

/** The ServiceProviderConfig document (S-001, S-002, S-004). */
export function renderServiceProviderConfig(features: ServiceFeatures, baseUrl: string): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    documentationUri: 'https://datatracker.ietf.org/doc/html/rfc7644',
    patch: { supported: features.patch },
    bulk: features.bulk,
    filter: features.filter,
    changePassword: { supported: features.changePassword },
    sort: { supported: features.sort },
    etag: { supported: features.etag },
    ...(features.securityEvents === undefined ? {} : { securityEvents: features.securityEvents }),
    ...(features.pagination === undefined ? {} : { pagination: features.pagination }),
    authenticationSchemes,
    meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
  };
}

/** One resource type (S-007). */
export function renderResourceType(type: CompiledResourceType, baseUrl: string): Json {
  const { definition } = type;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    id: definition.id,
    name: definition.name,
    endpoint: definition.endpoint,
    description: definition.description,
    schema: definition.schema.id,
    ...(definition.extensions.length === 0 ? {} : { schemaExtensions: definition.extensions.map(({ schema, required }) => ({ schema: schema.id, required })) }),
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${definition.id}` },
  };
}

/** One schema with every characteristic of its attributes (S-009, S-010). */
export function renderSchema(schema: ScimSchema, baseUrl: string): Json {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    id: schema.id,
    name: schema.name,
    description: schema.description,
    attributes: schema.attributes.map(renderAttribute),
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  };
}

function renderAttribute(attribute: ScimAttribute): Json {
  const textual = ['string', 'reference', 'binary', 'dateTime'].includes(attribute.type);
  return {
    name: attribute.name,
    type: attribute.type,
    multiValued: attribute.multiValued,
    description: attribute.description,
    required: attribute.required,
    ...(textual ? { caseExact: attribute.caseExact } : {}),
    mutability: attribute.mutability,
    returned: attribute.returned,
    ...(textual ? { uniqueness: attribute.uniqueness } : {}),
    ...(attribute.canonicalValues === undefined ? {} : { canonicalValues: attribute.canonicalValues }),
    ...(attribute.referenceTypes === undefined ? {} : { referenceTypes: attribute.referenceTypes }),
    ...(attribute.subAttributes === undefined ? {} : { subAttributes: attribute.subAttributes.map(renderAttribute) }),
  };
}

/** All schemas of some resource types, each once. */
export function listSchemas(types: Iterable<CompiledResourceType>): readonly ScimSchema[] {
  const schemas = new Map<string, ScimSchema>();
  for (const { definition } of types) {
    for (const schema of [definition.schema, ...definition.extensions.map((extension) => extension.schema)]) schemas.set(schema.id, schema);
  }
  return [...schemas.values()];
}

/** A list of discovery documents. */
export function renderList(resources: readonly Json[]): Json {
  return { schemas: [LIST_SCHEMA], totalResults: resources.length, startIndex: 1, itemsPerPage: resources.length, Resources: resources };
}
