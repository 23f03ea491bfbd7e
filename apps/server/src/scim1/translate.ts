import { asText, enterpriseUserSchema, groupSchema, type ScimAttribute, type ScimSchema, scimErrors, userSchema } from '@landbridge/scim';

/**
 * SCIM 1.1 in terms of SCIM 2.0, both ways (SCIM Core Schema 1.1, SCIM Protocol 1.1): what Okta's on-premises agent and older
 * servers speak. Pure functions over parsed JSON; nothing here knows a connector.
 */

type Json = Readonly<Record<string, unknown>>;

const CORE = 'urn:scim:schemas:core:1.0';
const ENTERPRISE = 'urn:scim:schemas:extension:enterprise:1.0';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The 2.0 URN of a 1.1 one; others mean themselves. */
function toNewUrn(urn: string, base: string): string {
  const plain = urn.toLowerCase();
  return plain === CORE ? base : plain === ENTERPRISE ? enterpriseUserSchema.id : urn;
}

function toOldUrn(urn: string): string {
  if (urn === enterpriseUserSchema.id) return ENTERPRISE;
  return urn === userSchema.id || urn === groupSchema.id ? CORE : urn;
}

/** Names in filters, `attributes` and `meta.attributes`: `urn:scim:schemas:extension:enterprise:1.0:department`, with a dot there too. */
export function toNewNames(text: string): string {
  return text
    .replaceAll(/urn:scim:schemas:core:1\.0[:.]/gi, '')
    .replaceAll(/urn:scim:schemas:extension:enterprise:1\.0[:.]/gi, `${enterpriseUserSchema.id}:`)
    .replaceAll(/\bmanagerId\b/g, 'value');
}

/** A resource as a 1.1 client sends it, for create and replace. `base` is the core schema of its endpoint. */
export function toNewResource(body: unknown, base: string): Json {
  if (!isObject(body)) throw scimErrors.invalidSyntax('The body must be a JSON object.');
  const { schemas, meta: _meta, ...attributes } = body;
  const given = Array.isArray(schemas) ? schemas.filter((one) => typeof one === 'string').map((one) => toNewUrn(one, base)) : [];
  return {
    schemas: [...new Set([base, ...given])],
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => toNewAttribute(name, value, base))),
  };
}

function toNewAttribute(name: string, value: unknown, base: string): readonly [string, unknown] {
  if (!name.includes(':')) return [name, value];
  const urn = toNewUrn(name, base);
  return [urn, urn === enterpriseUserSchema.id && isObject(value) ? toNewEnterprise(value) : value];
}

function toNewEnterprise(extension: Json): Json {
  const { manager, ...others } = extension;
  if (!isObject(manager)) return extension;
  const { managerId, ...rest } = manager;
  return { ...others, manager: { ...rest, ...(managerId === undefined ? {} : { value: managerId }) } };
}

/**
 * A 1.1 PATCH as the operations of 2.0 (SCIM Protocol 1.1 §3.3.2): `meta.attributes` are removed first, elements with
 * `operation: delete` leave their list, what else is given is merged.
 */
export function toPatch(body: unknown, base: string): Json {
  if (!isObject(body)) throw scimErrors.invalidSyntax('The body must be a JSON object.');
  const { schemas: _schemas, meta, id: _id, ...attributes } = body;
  const removed = isObject(meta) && Array.isArray(meta['attributes']) ? meta['attributes'].filter((one) => typeof one === 'string') : [];
  const operations: Json[] = removed.map((name) => ({ op: 'remove', path: toNewNames(name) }));
  for (const [name, value] of Object.entries(attributes)) {
    const [path, translated] = toNewAttribute(name, value, base);
    if (path.includes(':') && isObject(translated))
      for (const [inner, part] of Object.entries(translated)) operations.push(...changesOf(`${path}:${inner}`, part));
    else operations.push(...changesOf(path, translated));
  }
  if (operations.length === 0) throw scimErrors.invalidSyntax('The request changes nothing: name attributes, or "meta.attributes" to remove.');
  return { schemas: [PATCH_OP], Operations: operations };
}

function changesOf(path: string, value: unknown): readonly Json[] {
  if (!Array.isArray(value)) return [{ op: 'replace', path, value }];
  const isDelete = (element: unknown): boolean => isObject(element) && asText(element['operation']).toLowerCase() === 'delete';
  const gone = value.filter(isDelete) as readonly Json[];
  const kept = value
    .filter((element) => !isDelete(element))
    .map((element) => (isObject(element) ? Object.fromEntries(Object.entries(element).filter(([name]) => name !== 'operation')) : (element as unknown)));
  return [
    ...gone.map((element) => ({ op: 'remove', path: `${path}[${conditionOf(element)}]` })),
    ...(kept.length === 0 ? [] : [{ op: 'add', path, value: kept }]),
  ];
}

function conditionOf({ value, type }: Json): string {
  if (typeof value !== 'string') throw scimErrors.invalidValue('An element to delete is named by its "value".');
  return `value eq ${JSON.stringify(value)}${typeof type === 'string' ? ` and type eq ${JSON.stringify(type)}` : ''}`;
}

/** A resource as a 1.1 client reads it. */
export function toOldResource(resource: Json): Json {
  const { schemas, meta, ...attributes } = resource;
  const { resourceType: _type, ...oldMeta } = isObject(meta) ? meta : {};
  return {
    schemas: [...new Set(((schemas ?? []) as readonly string[]).map(toOldUrn))],
    ...Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => (name.includes(':') ? [toOldUrn(name), toOldEnterprise(value)] : [name, withoutReferences(value)])),
    ),
    ...(meta === undefined ? {} : { meta: oldMeta }),
  };
}

function toOldEnterprise(value: unknown): unknown {
  if (!isObject(value) || !isObject(value['manager'])) return value;
  const { value: managerId, $ref: _ref, ...rest } = value['manager'];
  return { ...value, manager: { ...(managerId === undefined ? {} : { managerId }), ...rest } };
}

/** `$ref` came with 2.0. */
function withoutReferences(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((element: unknown) => (isObject(element) ? Object.fromEntries(Object.entries(element).filter(([name]) => name !== '$ref')) : element));
}

/** A list as a 1.1 client reads it. */
export function toOldList({ totalResults, itemsPerPage, startIndex, Resources }: Json, make: (resource: Json) => Json = toOldResource): Json {
  return {
    schemas: [CORE],
    totalResults,
    itemsPerPage,
    ...(startIndex === undefined ? {} : { startIndex }),
    Resources: ((Resources ?? []) as readonly Json[]).map(make),
  };
}

/** An error as a 1.1 client reads it (SCIM Protocol 1.1 §3.9). */
export function toOldError(status: number, detail: string): Json {
  return { Errors: [{ description: detail, code: String(status) }] };
}

/** `/ServiceProviderConfigs` (SCIM Core Schema 1.1 §9): bulk has no 1.1 form here, and there is no XML. */
export function toOldConfiguration(configuration: Json): Json {
  const { filter, changePassword, sort, etag, patch, authenticationSchemes } = configuration;
  return {
    schemas: [CORE],
    patch,
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter,
    changePassword,
    sort,
    etag,
    xmlDataFormat: { supported: false },
    authenticationSchemes: [
      ...((authenticationSchemes ?? []) as readonly Json[]),
      { type: 'httpbasic', name: 'HTTP Basic', description: 'Any user name, and a token as the password', specUrl: 'http://www.ietf.org/rfc/rfc2617.txt' },
    ],
  };
}

/** A schema as a 1.1 client reads it (SCIM Core Schema 1.1 §10); extensions belong to the schema of their resource there. */
export function toOldSchema(type: {
  readonly name: string;
  readonly endpoint: string;
  readonly schema: ScimSchema;
  readonly extensions: readonly ScimSchema[];
}): Json {
  return {
    schemas: [CORE],
    id: `${CORE}:${type.name}`,
    name: type.name,
    description: type.schema.description,
    schema: CORE,
    endpoint: type.endpoint,
    attributes: [type.schema, ...type.extensions].flatMap((schema) => schema.attributes.map((attribute) => toOldAttribute(attribute, toOldUrn(schema.id)))),
  };
}

function toOldAttribute(attribute: ScimAttribute, schema: string): Json {
  const { name, multiValued, description, mutability, required, caseExact, canonicalValues, subAttributes } = attribute;
  return {
    name,
    type: attribute.type === 'reference' ? 'string' : attribute.type,
    multiValued,
    ...(multiValued ? { multiValuedAttributeChildName: name.replace(/s$/, '') } : {}),
    description,
    schema,
    readOnly: mutability === 'readOnly',
    required,
    caseExact,
    ...(subAttributes === undefined
      ? {}
      : {
          subAttributes: subAttributes
            .filter((sub) => sub.name !== '$ref')
            .map((sub) => ({
              name: sub.name,
              type: sub.type === 'reference' ? 'string' : sub.type,
              multiValued: false,
              description: sub.description,
              readOnly: sub.mutability === 'readOnly',
              required: sub.required,
              caseExact: sub.caseExact,
              ...(sub.canonicalValues === undefined ? {} : { canonicalValues: sub.canonicalValues }),
            })),
        }),
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
  };
}
