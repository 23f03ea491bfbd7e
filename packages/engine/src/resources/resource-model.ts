import { type Capabilities, type CompiledObjectType, ConnectorError, type EntryFilter, messageOf, type SchemaAttribute } from '@landbridge/connector-sdk';
import {
  type CompiledResourceType,
  compileResourceType,
  enterpriseUserSchema,
  groupSchema,
  type ResourceType,
  type ScimAttribute,
  type ScimSchema,
  userSchema,
} from '@landbridge/scim';
import type { ObjectTypeConfiguration } from '../configuration.ts';
import { everyProblem } from '../every-problem.ts';
import { compileLeaveOut } from '../leave-out.ts';
import { nameAttributes } from './attribute-names.ts';
import { type Binding, type BindingShape, type Conversion, chooseConversion } from './binding.ts';
import { type HostedAttribute, hostedAttributes } from './hosted-attributes.ts';

/** Attributes that every resource has (RFC 7643 §3.1). `externalId` may be mapped, the others are the host's. */
const RESERVED = ['schemas', 'id', 'externalid', 'meta'];

/** Which face of a connector: clean resources, or the drop-in for the Entra ECMA Connector Host. */
export type Face = 'clean' | 'drop-in';

/** An object type as a SCIM resource: its schemas and how every attribute passes. */
export interface ResourceModel {
  readonly face: Face;
  readonly objectType: CompiledObjectType;
  readonly configuration: ObjectTypeConfiguration;
  readonly resourceType: CompiledResourceType;
  /** In the order of the schema. */
  readonly bindings: readonly Binding[];
  /** Bindings by attribute of the application: several SCIM paths may show one attribute, the first writes it. */
  readonly writers: ReadonlyMap<string, Binding>;
  /** Whether `active` is an attribute of the application, or kept beside it (R6). */
  readonly activeBinding: Binding | undefined;
  readonly externalIdBinding: Binding | undefined;
  /** Multi-valued references, e.g. `members`: never in a working copy, changed by delta (S-181). */
  readonly deferred: readonly Binding[];
  /** Whether some mapped attribute is not returned by default, so that even an answer without a wish is projected (S-050). */
  readonly hidesSome: boolean;
  /** What imports leave out; nothing where it is absent. */
  readonly leaveOut: EntryFilter | undefined;
  /** The attribute of the application by which people know an entry. */
  readonly displayAttribute: string | undefined;
  /** What the Entra host has beside the attributes of the application; on the drop-in face only. */
  readonly hosted: readonly HostedAttribute[];
}

interface Target {
  readonly extension: string | undefined;
  readonly attribute: string;
  readonly sub: string | undefined;
  readonly fixed: Readonly<Record<string, string>> | undefined;
}

/** A connector's own extension schema for a resource type: every attribute that is not mapped elsewhere. */
function extensionUrn(connector: string, resourceType: string): string {
  return `urn:ietf:params:scim:schemas:extension:landbridge:${connector}:2.0:${resourceType}`;
}

/** The schema of the Entra ECMA Connector Host (entra-host.md 3). */
function dropInUrn(resourceType: string): string {
  return `urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:${resourceType}`;
}

/**
 * Builds the SCIM face of an object type.
 *
 * @throws ConnectorError `invalid-configuration` naming the path or attribute of a mapping that cannot be.
 */
export function buildResourceModel(
  face: Face,
  connector: string,
  objectType: CompiledObjectType,
  configuration: ObjectTypeConfiguration,
  capabilities: Pick<Capabilities, 'password' | 'distinguishedNameStyle'>,
  /** All object types of the connector: what references may point to. */
  all: readonly ObjectTypeConfiguration[] = [configuration],
): ResourceModel {
  const base = baseSchema(face, connector, configuration);
  const mapped = face === 'clean' ? everyProblem(configuration.mapping, (mapping) => bindMapped(mapping, base, objectType)) : [];
  const taken = new Set(mapped.map((binding) => binding.source.name));
  const rest = objectType.definition.attributes.filter(
    (attribute) => !taken.has(attribute.name) && !configuration.excluded.includes(attribute.name) && !attribute.secret,
  );
  const restUrn = base.own ? undefined : face === 'drop-in' ? dropInUrn(configuration.resourceType) : extensionUrn(connector, configuration.resourceType);
  const names = nameAttributes(
    rest.map((attribute) => attribute.name),
    // At the top of a resource an `id` of the application must not stand in place of the resource's own.
    { asTheHost: face === 'drop-in', reserved: restUrn === undefined ? RESERVED : [] },
  );
  const bindings = [...mapped, ...rest.map((attribute) => bindOwn(attribute, names.get(attribute.name) ?? attribute.name, restUrn))];
  const shownNames = new Set(bindings.map((binding) => binding.attribute.toLowerCase()));
  const hosted = face === 'drop-in' ? hostedAttributes(capabilities, restUrn, shownNames) : [];
  const resourceType = compileResourceType(buildResourceType(base, bindings, configuration, restUrn, capabilities, hosted, all));
  const writers = new Map<string, Binding>();
  for (const binding of bindings) if (!writers.has(binding.source.name)) writers.set(binding.source.name, binding);
  return {
    face,
    objectType,
    configuration,
    resourceType,
    bindings,
    writers,
    activeBinding: bindings.find((binding) => binding.extension === undefined && binding.attribute === 'active'),
    externalIdBinding: bindings.find((binding) => binding.extension === undefined && binding.attribute === 'externalId'),
    deferred: bindings.filter((binding) => binding.shape === 'references'),
    leaveOut: compileLeaveOut(objectType, configuration.leaveOut),
    displayAttribute: displayBinding(bindings)?.source.name,
    hosted,
    hidesSome: configuration.mapping.some(({ characteristics }) => characteristics?.returned === 'request' || characteristics?.returned === 'never'),
  };
}

/** The mapped displayName, a formatted name, or userName. */
function displayBinding(bindings: readonly Binding[]): Binding | undefined {
  const core = bindings.filter((binding) => binding.extension === undefined);
  return (
    core.find(({ shape, attribute, sub }) => shape === 'single' && (attribute === 'displayName' || (attribute === 'name' && sub === 'formatted'))) ??
    core.find(({ attribute }) => attribute === 'userName')
  );
}

interface BaseSchema {
  readonly schema: ScimSchema;
  /** Known extensions that mappings may point into. */
  readonly extensions: readonly ScimSchema[];
  /** The core schema is the connector's own: unmapped attributes go there. */
  readonly own: boolean;
}

function baseSchema(face: Face, connector: string, { resourceType, schema: own, mapping }: ObjectTypeConfiguration): BaseSchema {
  const custom = face === 'clean' ? customExtensions(mapping, [userSchema.id, groupSchema.id, enterpriseUserSchema.id, own ?? ''], resourceType) : [];
  if (resourceType === 'User') return { schema: userSchema, extensions: face === 'clean' ? [enterpriseUserSchema, ...custom] : [], own: false };
  if (resourceType === 'Group') return { schema: groupSchema, extensions: custom, own: false };
  const schema: ScimSchema = {
    id: face === 'clean' ? (own ?? `urn:ietf:params:scim:schemas:landbridge:${connector}:2.0:${resourceType}`) : dropInUrn(resourceType),
    name: resourceType,
    description: `${resourceType} of ${connector}`,
    attributes: [],
  };
  return { schema, extensions: custom, own: true };
}

/** Extension schemas that the mapping makes by naming them, with whatever URN (S-237). Their attributes follow the application. */
function customExtensions(mapping: ObjectTypeConfiguration['mapping'], known: readonly string[], resourceType: string): readonly ScimSchema[] {
  const taken = new Set(known.map((urn) => urn.toLowerCase()));
  const urns = new Map<string, string>();
  for (const { scim } of mapping) {
    const urn = /^(urn:[^[\]]+):[^:]+$/i.exec(scim)?.[1];
    if (urn !== undefined && !taken.has(urn.toLowerCase()) && !urns.has(urn.toLowerCase())) urns.set(urn.toLowerCase(), urn);
  }
  return [...urns.values()].map((id) => ({ id, name: `${resourceType}Extension`, description: `Extension of ${resourceType}`, attributes: [] }));
}

function bindMapped(mapping: ObjectTypeConfiguration['mapping'][number], base: BaseSchema, objectType: CompiledObjectType): Binding {
  const where = `mapping "${mapping.scim}" of object type "${objectType.name}"`;
  const source = objectType.attributes.get(mapping.attribute);
  if (source === undefined) {
    const known = [...objectType.attributes.keys()].join(', ');
    throw invalid(`${where}: the application has no attribute "${mapping.attribute}"; it has ${known}`);
  }
  const target = parseTarget(mapping.scim, base, where);
  if (target.extension === undefined && ['schemas', 'id', 'meta'].includes(target.attribute.toLowerCase()))
    throw invalid(`${where}: "${target.attribute}" is SCIM's own; choose another name`);
  for (const name of [target.attribute, target.sub ?? ''])
    if (name in {}) throw invalid(`${where}: "${name}" is a name that every object has of its own accord; choose another one`);
  const definition = findDefinition(target, base, where);
  const shape = chooseShape(target, definition, source, where);
  const leaf = leafDefinition(definition, target, shape);
  return {
    shape,
    extension: target.extension,
    attribute: definition.name,
    sub: shape === 'reference' || shape === 'references' ? undefined : (leaf?.name ?? (definition.type === 'complex' ? 'value' : undefined)),
    fixed: target.fixed,
    source,
    convert: conversionFor(source, isMade(target, base, definition) ? undefined : (leaf?.type ?? definition.type), mapping.values, where),
    ...(mapping.characteristics === undefined ? {} : { characteristics: mapping.characteristics }),
  };
}

function conversionFor(
  source: SchemaAttribute,
  wanted: string | undefined,
  values: ObjectTypeConfiguration['mapping'][number]['values'],
  where: string,
): Conversion {
  try {
    return chooseConversion(source, wanted, values);
  } catch (error) {
    throw invalid(`${where}: ${messageOf(error)}`);
  }
}

/** Whether the definition is made of the mapping: then its type is that of the application. */
function isMade(target: Target, base: BaseSchema, definition: ScimAttribute): boolean {
  const schema = target.extension === undefined ? base.schema : base.extensions.find((one) => one.id.toLowerCase() === target.extension?.toLowerCase());
  return definition !== externalIdAttribute && schema?.attributes.length === 0;
}

const TARGET = /^(?:(urn:[^[\]]+):)?([A-Za-z$][A-Za-z0-9$_-]*)(?:\[([^\]]+)\])?(?:\.([A-Za-z$][A-Za-z0-9$_-]*))?$/;
const FIXED = /^\s*([A-Za-z]+)\s+eq\s+"([^"]*)"\s*$/;

/** Parses the left side of a mapping: a SCIM path whose filter, if any, is a conjunction of `eq`. */
function parseTarget(path: string, base: BaseSchema, where: string): Target {
  const match = TARGET.exec(path);
  if (match === null) throw invalid(`${where} is not a SCIM path: write userName, name.givenName, emails[type eq "work"].value or urn:…:User:department`);
  const [, urn, attribute, filter, sub] = match;
  let fixed: Record<string, string> | undefined;
  if (filter !== undefined) {
    fixed = {};
    for (const term of filter.split(/\s+and\s+/i)) {
      const parts = FIXED.exec(term);
      if (parts === null) throw invalid(`${where}: a mapping chooses an element by terms such as type eq "work" only`);
      fixed[parts[1] ?? ''] = parts[2] ?? '';
    }
  }
  const extension = urn === undefined || urn.toLowerCase() === base.schema.id.toLowerCase() ? undefined : urn;
  return { extension, attribute: attribute ?? '', sub, fixed };
}

function findDefinition(target: Target, base: BaseSchema, where: string): ScimAttribute {
  const schema = target.extension === undefined ? base.schema : base.extensions.find((one) => one.id.toLowerCase() === target.extension?.toLowerCase());
  if (schema === undefined) throw invalid(`${where}: the schema ${target.extension ?? ''} is not known for ${base.schema.name}`);
  if (target.extension === undefined && target.attribute.toLowerCase() === 'externalid') return externalIdAttribute;
  const definition = schema.attributes.find((one) => one.name.toLowerCase() === target.attribute.toLowerCase());
  if (definition !== undefined) return definition;
  // A schema without attributes is one that the mapping itself makes.
  if (base.own || schema.attributes.length === 0) return ownAttribute(target.attribute);
  throw invalid(`${where}: the schema ${schema.id} has no attribute "${target.attribute}"`);
}

const externalIdAttribute: ScimAttribute = {
  name: 'externalId',
  type: 'string',
  multiValued: false,
  description: 'Identifier issued by the client',
  required: false,
  caseExact: true,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
};

function ownAttribute(name: string): ScimAttribute {
  return {
    name,
    type: 'string',
    multiValued: false,
    description: name,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
  };
}

function chooseShape(target: Target, definition: ScimAttribute, source: SchemaAttribute, where: string): BindingShape {
  if (source.type === 'reference') {
    if (definition.multiValued !== (source.multiValued === true)) throw invalid(`${where}: one side has many values and the other has one`);
    return source.multiValued ? 'references' : 'reference';
  }
  if (target.fixed !== undefined) {
    if (source.multiValued) throw invalid(`${where}: an element holds one value, the attribute has many; map ${definition.name}.value instead`);
    return 'element';
  }
  if (definition.multiValued) return source.multiValued ? 'values' : 'element';
  if (source.multiValued) throw invalid(`${where}: the attribute "${source.name}" has many values, ${definition.name} has one`);
  if (definition.type === 'complex' && target.sub === undefined)
    throw invalid(`${where}: name a part of it, such as ${definition.name}.${definition.subAttributes?.[0]?.name ?? 'value'}`);
  return 'single';
}

function leafDefinition(definition: ScimAttribute, target: Target, shape: BindingShape): ScimAttribute | undefined {
  if (definition.type !== 'complex' || shape === 'reference' || shape === 'references') return undefined;
  const name = (target.sub ?? 'value').toLowerCase();
  return definition.subAttributes?.find((one) => one.name.toLowerCase() === name);
}

function bindOwn(source: SchemaAttribute, name: string, extension: string | undefined): Binding {
  const shape: BindingShape = source.type === 'reference' ? (source.multiValued ? 'references' : 'reference') : source.multiValued ? 'values' : 'single';
  return {
    shape,
    extension,
    attribute: name,
    sub: undefined,
    fixed: undefined,
    source,
    convert: chooseConversion(source, undefined, undefined),
  };
}

/** The resource type that clients see: of the standard schemas only what is mapped, so that nothing is promised and dropped (S-003). */
function buildResourceType(
  base: BaseSchema,
  bindings: readonly Binding[],
  configuration: ObjectTypeConfiguration,
  restUrn: string | undefined,
  capabilities: Pick<Capabilities, 'password'>,
  hosted: readonly HostedAttribute[],
  all: readonly ObjectTypeConfiguration[],
): ResourceType {
  const inCore = hosted.filter((one) => one.extension === undefined).map((one) => one.definition);
  const core: ScimSchema = { ...base.schema, attributes: [...coreAttributes(base, bindings, configuration, capabilities, all), ...inCore] };
  const extensions = base.extensions
    .map((schema) => ({
      ...schema,
      attributes:
        schema.attributes.length > 0
          ? restrict(schema.attributes, bindings, schema.id, all)
          : bindings.filter((binding) => binding.extension?.toLowerCase() === schema.id.toLowerCase()).map((binding) => describeOwn(binding, all)),
    }))
    .filter((schema) => schema.attributes.length > 0);
  if (restUrn !== undefined) {
    const attributes = [
      ...bindings.filter((binding) => binding.extension === restUrn).map((binding) => describeOwn(binding, all)),
      ...hosted.filter((one) => one.extension === restUrn).map((one) => one.definition),
    ];
    if (attributes.length > 0)
      extensions.push({
        id: restUrn,
        name: configuration.resourceType,
        description: `What ${configuration.objectType} has beyond the standard schemas`,
        attributes,
      });
  }
  return {
    id: configuration.resourceType,
    name: configuration.resourceType,
    endpoint: `/${configuration.endpoint}`,
    description: `${configuration.objectType}`,
    schema: core,
    extensions: extensions.map((schema) => ({ schema, required: false })),
  };
}

function coreAttributes(
  base: BaseSchema,
  bindings: readonly Binding[],
  configuration: ObjectTypeConfiguration,
  capabilities: Pick<Capabilities, 'password'>,
  all: readonly ObjectTypeConfiguration[],
): readonly ScimAttribute[] {
  if (base.own) return bindings.filter((binding) => binding.extension === undefined).map((binding) => describeOwn(binding, all));
  const always = configuration.resourceType === 'User' ? ['active', 'groups', ...(capabilities.password ? ['password'] : [])] : [];
  return restrict(base.schema.attributes, bindings, undefined, all, always);
}

/** The mapped attributes of a standard schema, with the mapped sub-attributes and those the host fills in. */
function restrict(
  attributes: readonly ScimAttribute[],
  bindings: readonly Binding[],
  extension: string | undefined,
  all: readonly ObjectTypeConfiguration[],
  always: readonly string[] = [],
): readonly ScimAttribute[] {
  const result: ScimAttribute[] = [];
  for (const attribute of attributes) {
    const mine = bindings.filter((binding) => binding.extension?.toLowerCase() === extension?.toLowerCase() && binding.attribute === attribute.name);
    if (mine.length > 0) result.push(narrow(attribute, mine, all));
    else if (always.includes(attribute.name)) result.push(attribute.name === 'groups' ? { ...attribute, returned: 'request' } : attribute);
  }
  return result;
}

function narrow(attribute: ScimAttribute, bindings: readonly Binding[], all: readonly ObjectTypeConfiguration[]): ScimAttribute {
  const [first] = bindings;
  if (first === undefined) return attribute;
  const wished = first.shape === 'single' && attribute.type !== 'complex' ? first.characteristics : undefined;
  const shared = {
    mutability: mutabilityOf(attribute.mutability, first.source),
    required: attribute.required && first.shape === 'single',
  } as const;
  if (attribute.type !== 'complex')
    return {
      ...attribute,
      ...shared,
      ...(first.source.type === 'string' ? { caseExact: attribute.caseExact || first.source.caseExact === true } : {}),
      ...(first.source.unique ? { uniqueness: 'server' as const } : {}),
      ...wished,
    };
  const named = new Set([...bindings.map((binding) => binding.sub), ...(STRUCTURAL[first.shape] ?? [])]);
  const subAttributes = (attribute.subAttributes ?? []).filter((sub) => named.has(sub.name)).flatMap((sub) => narrowSub(sub, first, bindings, all));
  return { ...attribute, ...shared, subAttributes };
}

/** A part of a complex attribute, as the mapping leaves it. */
function narrowSub(sub: ScimAttribute, first: Binding, bindings: readonly Binding[], all: readonly ObjectTypeConfiguration[]): readonly ScimAttribute[] {
  if (first.shape === 'references') {
    const types = resourceTypesOf(first.source, all);
    if (sub.name === '$ref') return [{ ...sub, referenceTypes: types }];
    if (sub.name === 'type') return [{ ...sub, canonicalValues: types }];
    // What the host fills in is nobody's to write.
    return [sub.name === 'display' ? { ...sub, mutability: 'readOnly' } : sub];
  }
  if (first.shape !== 'element') return [sub];
  // Which element is the primary one follows from the mapping: the first that has a value.
  if (sub.name === 'primary') return [{ ...sub, mutability: 'readOnly' }];
  if (sub.name !== 'type' || bindings.some((binding) => binding.sub === 'type')) return [sub];
  // There is a place for elements of the types that are mapped, and for no others.
  const types = [...new Set(bindings.flatMap((binding) => binding.fixed?.['type'] ?? []))];
  return types.length === 0 ? [] : [{ ...sub, canonicalValues: types }];
}

/** The types of the resources that a reference may point to. */
function resourceTypesOf({ referenceTypes }: SchemaAttribute, all: readonly ObjectTypeConfiguration[]): readonly string[] {
  return all.filter(({ objectType }) => referenceTypes?.includes(objectType) ?? true).map(({ resourceType }) => resourceType);
}

/** Sub-attributes that are there unmapped, by the shape of the binding: what the host fills in itself, and no others (S-003, S-167). */
const STRUCTURAL: Readonly<Partial<Record<BindingShape, readonly string[]>>> = {
  element: ['value', 'type', 'primary'],
  values: ['value'],
  reference: ['value', '$ref', 'displayName'],
  references: ['value', '$ref', 'type', 'display'],
};

function mutabilityOf(standard: ScimAttribute['mutability'], source: SchemaAttribute): ScimAttribute['mutability'] {
  if (source.direction === 'import-only' || source.assigned) return 'readOnly';
  if (source.direction === 'export-only') return 'writeOnly';
  return source.anchor ? 'immutable' : standard;
}

/** An attribute of the application in the connector's own schema. */
function describeOwn(binding: Binding, all: readonly ObjectTypeConfiguration[]): ScimAttribute {
  const { source } = binding;
  const isReference = source.type === 'reference';
  const mutability = mutabilityOf('readWrite', source);
  const shared = {
    name: binding.attribute,
    multiValued: source.multiValued === true,
    description: source.description ?? source.name,
    required: source.required === true && mutability !== 'readOnly',
    mutability,
    returned: source.direction === 'export-only' ? ('never' as const) : ('default' as const),
  };
  if (!isReference)
    return {
      ...shared,
      type: binding.convert.type === 'reference' ? 'string' : binding.convert.type,
      caseExact: source.caseExact === true || source.type !== 'string',
      uniqueness: source.unique ? 'server' : 'none',
      ...binding.characteristics,
    };
  const sub = (name: string, description: string, subMutability: ScimAttribute['mutability']): ScimAttribute => ({
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: true,
    mutability: subMutability,
    returned: 'default',
    uniqueness: 'none',
  });
  return {
    ...shared,
    type: 'complex',
    caseExact: false,
    uniqueness: 'none',
    subAttributes: [
      sub('value', 'Identifier of the resource referred to', 'readWrite'),
      { ...sub('$ref', 'Its URI', 'readWrite'), type: 'reference', referenceTypes: resourceTypesOf(source, all) },
      sub('type', 'Its resource type', 'readOnly'),
      sub('display', 'Its name', 'readOnly'),
    ],
  };
}

function invalid(message: string): ConnectorError {
  return new ConnectorError('invalid-configuration', message);
}
