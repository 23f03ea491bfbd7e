import type { EntryComparison } from '@landbridge/connector-sdk';
import type { CompiledAttribute, FilterValue, ResolvedFilter, ResolvedPath, ScimOperator } from '@landbridge/scim';
import { comparisonKey, parseInstant } from '@landbridge/scim';
import type { StoreFilter } from '@landbridge/store';
import type { Binding } from './binding.ts';
import { isPrimaryFirst } from './render-resource.ts';
import type { ResourceModel } from './resource-model.ts';

/** The comparison operators of SCIM (RFC 7644 §3.4.2.2) as the store knows them. */
const COMPARISONS: Readonly<Record<ScimOperator, EntryComparison>> = {
  eq: 'equal',
  ne: 'not-equal',
  co: 'contains',
  sw: 'starts',
  ew: 'ends',
  gt: 'greater',
  ge: 'greater-or-equal',
  lt: 'less',
  le: 'less-or-equal',
};

const everything: StoreFilter = { kind: 'and', filters: [] };
const nothing: StoreFilter = { kind: 'or', filters: [] };

/** What mapping a filter needs to know of the world. */
export interface FilterContext {
  readonly client: string;
  /** The entry of a SCIM id, for filters on references; `undefined` when there is none. */
  entryOf(scimId: string): Promise<number | undefined>;
  /** Object types whose members may be of this type: how `groups` is filtered. */
  readonly groupReferences: readonly { readonly objectType: string; readonly attribute: string }[];
  /** Whether resources may be inactive that the application does not say it of: disabling does something else there. */
  readonly keepsActivity: boolean;
  /** The condition that an entry is a member of a group, directly or through another one; `undefined` when that is too much for a condition. */
  membersOf(groupId: string): Promise<StoreFilter | undefined>;
}

/**
 * Maps a filter over resources to one over entries. Everything that clients look up by maps; what has no counterpart gives
 * `undefined`, and the caller evaluates it over rendered resources, or refuses (S-096).
 */
export async function mapFilter(filter: ResolvedFilter, model: ResourceModel, context: FilterContext): Promise<StoreFilter | undefined> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = await Promise.all(filter.filters.map((part) => mapFilter(part, model, context)));
      const mapped = parts.filter((part) => part !== undefined);
      return mapped.length === parts.length ? { kind: filter.kind, filters: mapped } : undefined;
    }
    case 'not': {
      const inner = await mapFilter(filter.filter, model, context);
      return inner === undefined ? undefined : { kind: 'not', filter: inner };
    }
    case 'present':
      return mapPresent(filter.path, model, context);
    case 'compare':
      return mapCompare(filter.path, filter.operator, filter.value, model, context);
    case 'element':
      return mapElement(filter.attribute, filter.filter, model, context);
  }
}

function bindingsOf(model: ResourceModel, attribute: CompiledAttribute, sub: CompiledAttribute | undefined): readonly Binding[] {
  return model.bindings.filter(
    (binding) =>
      binding.extension?.toLowerCase() === attribute.extension?.toLowerCase() &&
      binding.attribute === attribute.definition.name &&
      (binding.source.type === 'reference' ? sub === undefined || sub.definition.name === 'value' : sub === undefined || binding.sub === sub.definition.name),
  );
}

/** A distinguished name is no attribute of an entry: filters on it are evaluated over resources. */
function isHosted(model: ResourceModel, path: ResolvedPath): boolean {
  return model.hosted.some(
    (one) => one.definition.name === path.attribute.definition.name && one.extension?.toLowerCase() === path.attribute.extension?.toLowerCase(),
  );
}

async function mapPresent(path: ResolvedPath, model: ResourceModel, context: FilterContext): Promise<StoreFilter | undefined> {
  const { name } = path.attribute.definition;
  const common = path.attribute.extension === undefined;
  if (common && (name === 'id' || name === 'meta' || name === 'schemas')) return everything;
  if (common && name === 'active' && model.activeBinding === undefined) return everything;
  if (common && name === 'externalId' && model.externalIdBinding === undefined)
    return { kind: 'resource', field: 'external-id', comparison: 'present', value: '', client: context.client };
  if (common && name === 'groups')
    return anyOf(context.groupReferences.map((reference) => ({ kind: 'referred', objectType: reference.objectType, attribute: reference.attribute })));
  if (isHosted(model, path)) return undefined;
  const bindings = bindingsOf(model, path.attribute, path.sub);
  if (bindings.length === 0 && path.sub !== undefined) return mapElement(path.attribute, { kind: 'present', path }, model, context);
  return presentAny(bindings);
}

/** Whether any of the attributes of some bindings has a value. */
function presentAny(bindings: readonly Binding[]): StoreFilter {
  return anyOf(bindings.map((binding) => ({ kind: 'present', attribute: binding.source.name })));
}

async function mapCompare(
  path: ResolvedPath,
  operator: ScimOperator,
  value: FilterValue,
  model: ResourceModel,
  context: FilterContext,
): Promise<StoreFilter | undefined> {
  if (value === null) return undefined;
  const common = path.attribute.extension === undefined ? await mapCommon(path, operator, value, model, context) : 'other';
  if (common !== 'other') return common;
  if (isHosted(model, path)) return undefined;
  const bindings = bindingsOf(model, path.attribute, path.sub);
  // No attribute of the application is that part: it is one of an element's fixed ones, or what the host shows of a reference.
  if (bindings.length === 0 && path.sub !== undefined) return mapElement(path.attribute, { kind: 'compare', path, operator, value }, model, context);
  const parts: StoreFilter[] = [];
  for (const binding of bindings) {
    const part = await compareBinding(binding, path, operator, value, context);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return anyOf(parts);
}

/** The base schema is on every resource, an extension where it has a value. */
function mapSchema(urn: string, model: ResourceModel): StoreFilter {
  if (urn === model.resourceType.definition.schema.id.toLowerCase()) return everything;
  const of = model.bindings.filter((binding) => binding.extension?.toLowerCase() === urn);
  return anyOf(of.map((binding) => ({ kind: 'present', attribute: binding.source.name })));
}

/** Attributes that the host itself keeps. */
async function mapCommon(
  path: ResolvedPath,
  operator: ScimOperator,
  value: string | number | boolean,
  model: ResourceModel,
  context: FilterContext,
): Promise<StoreFilter | undefined | 'other'> {
  const comparison = COMPARISONS[operator];
  switch (path.attribute.definition.name) {
    case 'id':
      return isResourceComparison(comparison) ? { kind: 'resource', field: 'id', comparison, value } : undefined;
    case 'externalId':
      if (model.externalIdBinding !== undefined) return 'other';
      return isResourceComparison(comparison) ? { kind: 'resource', field: 'external-id', comparison, value, client: context.client } : undefined;
    case 'schemas':
      return operator === 'eq' ? mapSchema(String(value).toLowerCase(), model) : undefined;
    case 'meta':
      return mapMeta(path.sub?.definition.name, comparison, value, model);
    case 'active': {
      if (comparison !== 'equal' && comparison !== 'not-equal') return undefined;
      return mapActive((value === true) === (comparison === 'equal'), model, context);
    }
    case 'groups': {
      if (operator !== 'eq' || !isValue(path)) return undefined;
      return context.membersOf(String(value));
    }
    default:
      return 'other';
  }
}

/** Whether a resource is shown as active: unless the host knows better, as the application says, which is active where it says nothing. */
function mapActive(wanted: boolean, model: ResourceModel, context: FilterContext): StoreFilter {
  const inactive: StoreFilter = { kind: 'resource', field: 'inactive', comparison: 'equal', value: true };
  if (model.activeBinding === undefined) return wanted ? { kind: 'not', filter: inactive } : inactive;
  const { source, convert } = model.activeBinding;
  const { name: attribute } = source;
  const compare = (comparison: EntryComparison, value: string | boolean): StoreFilter => ({
    kind: 'compare',
    attribute,
    comparison,
    value,
    type: source.type,
    caseExact: true,
  });
  const encoded = convert.fromScim(true);
  if (wanted) {
    const said = anyOf([compare('equal', encoded), ...(source.required === true ? [] : [{ kind: 'not', filter: { kind: 'present', attribute } } as const])]);
    return context.keepsActivity ? { kind: 'and', filters: [said, { kind: 'not', filter: inactive }] } : said;
  }
  // Whatever value does not mean active; in two ranges, which an index serves.
  const said = source.type === 'boolean' ? [compare('equal', convert.fromScim(false))] : [compare('less', encoded), compare('greater', encoded)];
  return anyOf(context.keepsActivity ? [...said, inactive] : said);
}

function mapMeta(sub: string | undefined, comparison: EntryComparison, value: string | number | boolean, model: ResourceModel): StoreFilter | undefined {
  if (sub === 'resourceType') {
    if (comparison !== 'equal' && comparison !== 'not-equal') return undefined;
    return (String(value) === model.configuration.resourceType) === (comparison === 'equal') ? everything : nothing;
  }
  const field = sub === 'created' ? 'created' : sub === 'lastModified' ? 'modified' : undefined;
  const instant = parseInstant(String(value));
  if (field === undefined || instant === undefined || !isResourceComparison(comparison)) return undefined;
  return { kind: 'resource', field, comparison, value: instant };
}

function isResourceComparison(comparison: EntryComparison): comparison is Exclude<EntryComparison, 'contains' | 'ends'> {
  return comparison !== 'contains' && comparison !== 'ends';
}

async function compareBinding(
  binding: Binding,
  path: ResolvedPath,
  operator: ScimOperator,
  value: string | number | boolean,
  context: FilterContext,
): Promise<StoreFilter | undefined> {
  const { source, convert } = binding;
  if (source.type === 'reference') {
    if (operator !== 'eq') return undefined;
    const entryId = await context.entryOf(String(value));
    return entryId === undefined ? nothing : { kind: 'refers', attribute: source.name, entryId };
  }
  const comparison = COMPARISONS[operator];
  const { definition } = path.sub ?? path.attribute;
  let encoded: string | boolean;
  try {
    encoded = convert.fromScim(value);
  } catch {
    // A value that the application cannot hold equals nothing, and differs from everything.
    return comparison === 'equal' ? nothing : undefined;
  }
  // Values shown in another form than they are kept in compare for equality only.
  const sameForm = convert.type === 'string' ? source.type === 'string' : source.type === convert.type;
  if (!sameForm && comparison !== 'equal' && comparison !== 'not-equal') return undefined;
  const caseExact = source.type !== 'string' || definition.caseExact || !sameForm;
  // PRECIS maps the width of characters too: the store folds case only (S-056).
  const prepared = typeof encoded === 'string' && !caseExact && definition.name === 'userName' ? comparisonKey(definition, encoded) : encoded;
  return { kind: 'compare', attribute: source.name, comparison, value: prepared, type: source.type, caseExact };
}

/** What the host itself has several of: no attribute of an entry says anything of them. */
const HOST_LISTS = new Set(['groups', 'meta', 'schemas']);

function isValue(path: ResolvedPath): boolean {
  return path.sub === undefined || path.sub.definition.name === 'value';
}

/**
 * A filter in brackets. Elements that come from attributes of their own (`emails[type eq "work"].value` mapped to a
 * column) are decided one by one: terms on fixed values are known, terms on values become comparisons.
 */
async function mapElement(
  attribute: CompiledAttribute,
  filter: ResolvedFilter,
  model: ResourceModel,
  context: FilterContext,
): Promise<StoreFilter | undefined> {
  if (attribute.extension === undefined && HOST_LISTS.has(attribute.definition.name)) {
    const isMembership = attribute.definition.name === 'groups' && filter.kind === 'compare' && filter.operator === 'eq' && isValue(filter.path);
    return isMembership && filter.value !== null ? context.membersOf(String(filter.value)) : undefined;
  }
  const bindings = bindingsOf(model, attribute, undefined);
  const elements = new Map<string, Binding[]>();
  for (const binding of bindings) {
    const key = binding.shape === 'element' ? JSON.stringify(binding.fixed ?? {}) : binding.source.name;
    elements.set(key, [...(elements.get(key) ?? []), binding]);
  }
  const parts: StoreFilter[] = [];
  const before: Binding[] = [];
  for (const bindings of elements.values()) {
    const part = await mapInElement(filter, { bindings, before: [...before] }, context);
    if (part === undefined) return undefined;
    parts.push(part);
    before.push(...bindings);
  }
  return anyOf(parts);
}

/** One element that is made of attributes of the application; the first element that is there is the primary one. */
interface Element {
  readonly bindings: readonly Binding[];
  /** The attributes of the elements that come before it. */
  readonly before: readonly Binding[];
}

async function mapInElement(filter: ResolvedFilter, element: Element, context: FilterContext): Promise<StoreFilter | undefined> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const parts = await Promise.all(filter.filters.map((part) => mapInElement(part, element, context)));
      const mapped = parts.filter((part) => part !== undefined);
      return mapped.length === parts.length ? { kind: filter.kind, filters: mapped } : undefined;
    }
    case 'not': {
      const inner = await mapInElement(filter.filter, element, context);
      // The element must be there for "not" to say anything of it.
      return inner === undefined ? undefined : { kind: 'and', filters: [presentAny(element.bindings), { kind: 'not', filter: inner }] };
    }
    case 'present':
    case 'compare':
      return mapElementTerm(filter, element, context);
    case 'element':
      return undefined;
  }
}

async function mapElementTerm(
  filter: Extract<ResolvedFilter, { kind: 'present' | 'compare' }>,
  element: Element,
  context: FilterContext,
): Promise<StoreFilter | undefined> {
  const sub = filter.path.sub?.definition;
  const [first] = element.bindings;
  if (first === undefined) return nothing;
  const binding = element.bindings.find((one) => one.source.type === 'reference' || one.sub === sub?.name || (sub === undefined && one.sub === undefined));
  if (binding !== undefined && (sub === undefined || binding.source.type !== 'reference' || sub.name === 'value')) {
    if (filter.kind === 'present') return { kind: 'present', attribute: binding.source.name };
    return filter.value === null ? undefined : compareBinding(binding, filter.path, filter.operator, filter.value, context);
  }
  if (first.shape !== 'element' || sub === undefined) return undefined;
  const there = presentAny(element.bindings);
  if (sub.name === 'primary' && isPrimaryFirst(first.attribute)) {
    const means = filter.kind === 'present' || (filter.operator === 'eq' && filter.value === true) || (filter.operator === 'ne' && filter.value === false);
    // Of the others nothing says whether they are primary.
    if (!means) return nothing;
    return element.before.length === 0 ? there : { kind: 'and', filters: [there, { kind: 'not', filter: presentAny(element.before) }] };
  }
  const known = first.fixed?.[sub.name];
  if (known === undefined) return nothing;
  if (filter.kind === 'present') return there;
  if (filter.operator !== 'eq' && filter.operator !== 'ne') return undefined;
  const equal = comparisonKey(sub, known) === comparisonKey(sub, filter.value);
  return equal === (filter.operator === 'eq') ? there : nothing;
}

/** The disjunction of filters, without ceremony for one. */
function anyOf(filters: readonly StoreFilter[]): StoreFilter {
  const [only] = filters;
  return filters.length === 1 && only !== undefined ? only : { kind: 'or', filters };
}
