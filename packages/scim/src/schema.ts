/** The data types of SCIM attributes (RFC 7643 §2.3). */
export type ScimAttributeType = 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'binary' | 'reference' | 'complex';

/** An attribute definition (RFC 7643 §7). */
export interface ScimAttribute {
  readonly name: string;
  readonly type: ScimAttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly ScimAttribute[];
}

/** A schema (RFC 7643 §7). */
export interface ScimSchema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly ScimAttribute[];
}

/** A resource type (RFC 7643 §6). `endpoint` starts with a slash. */
export interface ResourceType {
  readonly id: string;
  readonly name: string;
  readonly endpoint: string;
  readonly description: string;
  readonly schema: ScimSchema;
  readonly extensions: readonly { readonly schema: ScimSchema; readonly required: boolean }[];
}

/** A resource: plain JSON. */
export type ScimResource = Readonly<Record<string, unknown>>;

/** An attribute with its place: which schema it belongs to, and its sub-attributes by lower-case name. */
export interface CompiledAttribute {
  readonly definition: ScimAttribute;
  /** URN of the extension that holds it; `undefined` for the core schema and the common attributes. */
  readonly extension: string | undefined;
  readonly subAttributes: ReadonlyMap<string, CompiledAttribute>;
}

/** A resource type prepared for look-ups without regard to case (S-029). */
export interface CompiledResourceType {
  readonly definition: ResourceType;
  /** Core and common attributes by lower-case name. */
  readonly attributes: ReadonlyMap<string, CompiledAttribute>;
  /** Extensions by lower-case URN. */
  readonly extensions: ReadonlyMap<string, CompiledExtension>;
}

/** An extension schema prepared for look-ups. */
export interface CompiledExtension {
  readonly schema: ScimSchema;
  readonly required: boolean;
  readonly attributes: ReadonlyMap<string, CompiledAttribute>;
}

const base = {
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readOnly',
  returned: 'default',
  uniqueness: 'none',
} as const;

/** The attributes every resource has (RFC 7643 §3.1). */
export const commonAttributes: readonly ScimAttribute[] = [
  {
    ...base,
    name: 'schemas',
    type: 'reference',
    multiValued: true,
    caseExact: true,
    returned: 'always',
    mutability: 'readWrite',
    referenceTypes: ['uri'],
    description: 'URNs of the schemas of the resource',
  },
  {
    ...base,
    name: 'id',
    type: 'string',
    caseExact: true,
    returned: 'always',
    uniqueness: 'server',
    description: 'Identifier assigned by the service',
  },
  { ...base, name: 'externalId', type: 'string', caseExact: true, mutability: 'readWrite', description: 'Identifier issued by the client' },
  {
    ...base,
    name: 'meta',
    type: 'complex',
    description: 'Metadata of the resource',
    subAttributes: [
      { ...base, name: 'resourceType', type: 'string', caseExact: true, description: 'Resource type' },
      { ...base, name: 'created', type: 'dateTime', caseExact: true, description: 'When it was added' },
      { ...base, name: 'lastModified', type: 'dateTime', caseExact: true, description: 'When it last changed' },
      { ...base, name: 'location', type: 'reference', caseExact: true, referenceTypes: ['uri'], description: 'Its URI' },
      { ...base, name: 'version', type: 'string', caseExact: true, description: 'Its version, as in the ETag' },
    ],
  },
];

const NAME = /^(?:\$ref|[A-Za-z][A-Za-z0-9$_-]*|[-_][A-Za-z0-9$_-]+)$/;

/**
 * Prepares a resource type for use.
 *
 * @throws TypeError for a name that SCIM does not allow (S-031), a complex attribute in a complex one (S-033), or two
 * attributes that differ by case only.
 */
export function compileResourceType(definition: ResourceType): CompiledResourceType {
  const extensions = new Map<string, CompiledExtension>();
  for (const { schema, required } of definition.extensions) {
    extensions.set(schema.id.toLowerCase(), { schema, required, attributes: compileAttributes(schema.attributes, schema.id, false) });
  }
  return {
    definition,
    attributes: compileAttributes([...commonAttributes, ...definition.schema.attributes.filter((one) => !isCommon(one.name))], undefined, false),
    extensions,
  };
}

function isCommon(name: string): boolean {
  return commonAttributes.some((one) => one.name.toLowerCase() === name.toLowerCase());
}

function compileAttributes(definitions: readonly ScimAttribute[], extension: string | undefined, inComplex: boolean): ReadonlyMap<string, CompiledAttribute> {
  const compiled = new Map<string, CompiledAttribute>();
  for (const definition of definitions) {
    if (!NAME.test(definition.name)) throw new TypeError(`"${definition.name}" is not a SCIM attribute name`);
    if (inComplex && definition.type === 'complex') throw new TypeError(`"${definition.name}" is a complex attribute in a complex attribute`);
    const key = definition.name.toLowerCase();
    if (compiled.has(key)) throw new TypeError(`two attributes are named "${definition.name}"`);
    compiled.set(key, { definition, extension, subAttributes: compileAttributes(definition.subAttributes ?? [], extension, true) });
  }
  return compiled;
}
