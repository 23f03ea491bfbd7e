import { scimErrors } from './errors.ts';
import { listElements, matchesElement } from './evaluate.ts';
import { parseFilter, type ResolvedFilter, resolveInElement } from './filter.ts';
import { asText, isRawJson } from './json.ts';
import { type AttributePath, findAttribute, parseAttributePath } from './path.ts';
import type { DialectProfile } from './profiles.ts';
import type { CompiledAttribute, CompiledResourceType, ScimResource } from './schema.ts';
import { checkRequired, parseAttributeValue, schemasOf } from './validate.ts';

/** The URN of a PATCH request (RFC 7644 §3.5.2). */
export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** Caps of a PATCH (S-168). */
export const patchLimits = { operations: 1000 } as const;

const lenientCaps = { valuesPerOperation: 10_000 } as const;

type Json = Readonly<Record<string, unknown>>;
type Mutable = Record<string, unknown>;

/** One operation, its shape checked. */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string | undefined;
  /** `undefined` when the operation has none. */
  readonly value: unknown;
}

/**
 * A change of a multi-valued reference that is not in the working copy: a group's members, of which there may be a million.
 * `values` are ids of resources.
 */
export interface DeferredChange {
  readonly attribute: string;
  readonly kind: 'add' | 'remove' | 'replace' | 'clear';
  readonly values: readonly string[];
}

/** What a PATCH made of a resource. */
export interface PatchResult {
  readonly resource: ScimResource;
  /** Whether the working copy differs from before; deferred changes are not counted. */
  readonly changed: boolean;
  readonly deferred: readonly DeferredChange[];
  /** Attributes in values without a path that the resource type does not have; a strict profile refuses them (S-032). */
  readonly ignored: readonly string[];
}

/** Parses the body of a PATCH. @throws ScimError 400 `invalidSyntax` (S-132, S-133), 413 beyond the caps (S-168). */
export function parsePatch(body: Json, profile: Pick<DialectProfile, 'valuesPerOperation'> = lenientCaps): readonly PatchOperation[] {
  const schemas = readKey(body, 'schemas');
  if (!Array.isArray(schemas) || !schemas.some((urn) => asText(urn).toLowerCase() === PATCH_SCHEMA.toLowerCase()))
    throw scimErrors.invalidSyntax(`"schemas" must contain "${PATCH_SCHEMA}".`);
  const operations = readKey(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) throw scimErrors.invalidSyntax('"Operations" must be a list with at least one operation.');
  if (operations.length > patchLimits.operations) throw scimErrors.tooLarge(`A PATCH has at most ${patchLimits.operations} operations.`);
  return operations.map((operation: unknown) => parseOperation(operation, profile.valuesPerOperation));
}

function readKey(body: Json, name: string): unknown {
  const key = Object.keys(body).find((one) => one.toLowerCase() === name);
  return key === undefined ? undefined : body[key];
}

function parseOperation(operation: unknown, values: number): PatchOperation {
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) throw scimErrors.invalidSyntax('An operation must be an object.');
  const json = operation as Json;
  const op = asText(readKey(json, 'op') ?? '').toLowerCase();
  if (op !== 'add' && op !== 'replace' && op !== 'remove')
    throw scimErrors.invalidSyntax(`"${op.slice(0, 40)}" is not an operation; use add, replace or remove.`);
  const path = readKey(json, 'path');
  if (path !== undefined && path !== null && typeof path !== 'string') throw scimErrors.invalidPath('"path" must be text.');
  const value = readKey(json, 'value');
  if (Array.isArray(value) && value.length > values) throw scimErrors.tooLarge(`An operation has at most ${values} values; this one has ${value.length}.`);
  return { op, path: typeof path === 'string' && path !== '' ? path : undefined, value };
}

/** Options of {@link applyPatch}. */
export interface PatchOptions {
  readonly profile: DialectProfile;
  /** Core or extension attribute names whose values are not in the working copy. */
  readonly deferred: readonly string[];
}

interface Work {
  readonly type: CompiledResourceType;
  readonly profile: DialectProfile;
  readonly deferredNames: ReadonlySet<string>;
  readonly resource: Mutable;
  readonly deferred: DeferredChange[];
  readonly ignored: string[];
}

/**
 * Applies a PATCH to a resource: in order, on one working copy, all or nothing (S-134). The resource given is never altered.
 *
 * @throws ScimError 400 with the `scimType` that RFC 7644 Table 9 names.
 */
export function applyPatch(resource: ScimResource, operations: readonly PatchOperation[], type: CompiledResourceType, options: PatchOptions): PatchResult {
  const work: Work = {
    type,
    profile: options.profile,
    deferredNames: new Set(options.deferred.map((name) => name.toLowerCase())),
    resource: copyOf(resource) as Mutable,
    deferred: [],
    ignored: [],
  };
  for (const operation of operations) applyOperation(work, operation);
  for (const extension of type.extensions.keys()) dropEmptyExtension(work, extension);
  work.resource['schemas'] = schemasOf(work.resource, type);
  const changed = JSON.stringify(sortTop(work.resource)) !== JSON.stringify(sortTop(resource as Mutable));
  if (changed) checkRequired(work.resource, type);
  return { resource: work.resource, changed, deferred: work.deferred, ignored: work.ignored };
}

/** A copy of JSON values. Whole numbers that no number of JavaScript can hold are their digits, and stay what they are (R27). */
function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isRawJson(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copyOf(inner)]));
}

function sortTop(value: Mutable): Mutable {
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function dropEmptyExtension(work: Work, key: string): void {
  const urn = work.type.extensions.get(key)?.schema.id ?? '';
  const container = work.resource[urn];
  if (typeof container === 'object' && container !== null && Object.keys(container).length === 0) delete work.resource[urn];
}

function applyOperation(work: Work, operation: PatchOperation): void {
  if (operation.path === undefined) return applyWithoutPath(work, operation);
  const extension = work.type.extensions.get(operation.path.toLowerCase());
  if (extension !== undefined) return applyToExtension(work, operation, extension.schema.id);
  applyToTarget(work, operation, parseTarget(work, operation.path));
}

/** Each key of the value is an attribute, or a path (S-142, S-157, S-158). */
function applyWithoutPath(work: Work, operation: PatchOperation): void {
  if (operation.op === 'remove') throw scimErrors.noTarget('A remove needs a path.');
  const { value } = operation;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw scimErrors.invalidValue('An operation without a path has an object as its value.');
  for (const [key, inner] of Object.entries(value)) {
    if (isEcho(work, key, inner)) continue;
    const extension = work.type.extensions.get(key.toLowerCase());
    if (extension !== undefined) applyToExtension(work, { ...operation, path: key, value: inner }, extension.schema.id);
    else if (knowsAttribute(work, key)) applyToTarget(work, { ...operation, path: key, value: inner }, parseTarget(work, key));
    else ignore(work, key);
  }
}

/** What the resource type does not have (S-032). @throws ScimError 400 `invalidPath` in a strict profile. */
function ignore(work: Work, key: string): void {
  if (work.profile.refuseUnknown) throw scimErrors.invalidPath(`There is no attribute "${key.slice(0, 200)}".`);
  work.ignored.push(key);
}

/**
 * `id`, `meta`, `schemas` and `groups` that repeat what is there: Okta's rename sends the id (S-047). Of `meta` only a strict profile wants
 * to know whether it is what is there now; groups are changed through groups alone, in whatever spelling (SEC-24).
 */
function isEcho(work: Work, key: string, value: unknown): boolean {
  const name = key.toLowerCase();
  const isSame = sameJson(value, work.resource[name]);
  if (name === 'schemas') return true;
  if (name === 'meta') return !work.profile.strict || isSame;
  if (name === 'groups') return isSame || value === null || (Array.isArray(value) && value.length === 0);
  if (name !== 'id') return false;
  if (isSame) return true;
  throw scimErrors.mutability('"id" cannot be changed.');
}

function knowsAttribute(work: Work, key: string): boolean {
  const bracket = key.indexOf('[');
  const path = parseAttributePath(bracket === -1 ? normalizeUrn(work, key) : key.slice(0, bracket));
  if (path === undefined) throw scimErrors.invalidPath(`"${key.slice(0, 200)}" is not a path.`);
  return findAttribute(work.type, path.urn, path.attribute) !== undefined;
}

function applyToExtension(work: Work, operation: PatchOperation, urn: string): void {
  const { value } = operation;
  if (operation.op === 'remove' || value === null) return removeExtension(work, urn);
  if (typeof value !== 'object' || value === undefined || Array.isArray(value)) throw scimErrors.invalidValue(`The value of "${urn}" must be an object.`);
  for (const [key, inner] of Object.entries(value)) {
    const path = `${urn}:${key}`;
    if (knowsAttribute(work, path)) applyToTarget(work, { ...operation, path, value: inner }, parseTarget(work, path));
    else ignore(work, path);
  }
}

/** Takes everything out of an extension that a client may take; what is read-only stays (S-146, S-046). */
function removeExtension(work: Work, urn: string): void {
  const container = (work.resource[urn] ?? {}) as Json;
  for (const attribute of work.type.extensions.get(urn.toLowerCase())?.attributes.values() ?? []) {
    const { name, mutability } = attribute.definition;
    if (mutability === 'readOnly') continue;
    if (work.deferredNames.has(name.toLowerCase())) work.deferred.push({ attribute: name, kind: 'clear', values: [] });
    else if (container[name] !== undefined) clearValue(work, attribute);
  }
}

/** What a path names: an attribute, perhaps some of its elements, perhaps a sub-attribute. */
interface Target {
  readonly attribute: CompiledAttribute;
  readonly filter: ResolvedFilter | undefined;
  readonly sub: CompiledAttribute | undefined;
  readonly text: string;
}

function parseTarget(work: Work, text: string): Target {
  const bracket = text.indexOf('[');
  if (bracket === -1) return plainTarget(work, text);
  const close = text.lastIndexOf(']');
  if (close < bracket) throw scimErrors.invalidPath(`The path "${text.slice(0, 200)}" has no closing bracket.`);
  const path = parseAttributePath(text.slice(0, bracket));
  const inner = text.slice(bracket + 1, close);
  if (path === undefined || path.sub !== undefined || /^\s*\d+\s*$/.test(inner)) throw scimErrors.invalidPath(`"${text.slice(0, 200)}" is not a path.`);
  const attribute = requireAttribute(work, path, text);
  const { lenientLiterals } = work.profile;
  const filter = resolveInElement(parseFilter(inner, { lenientLiterals }), attribute, { strict: true, lenientLiterals });
  const rest = text.slice(close + 1);
  if (rest === '') return { attribute, filter, sub: undefined, text };
  const sub = rest.startsWith('.') ? attribute.subAttributes.get(rest.slice(1).toLowerCase()) : undefined;
  if (sub === undefined) throw scimErrors.invalidPath(`"${text.slice(0, 200)}" is not a path.`);
  return { attribute, filter, sub, text };
}

function plainTarget(work: Work, text: string): Target {
  const path = parseAttributePath(normalizeUrn(work, text));
  if (path === undefined) throw scimErrors.invalidPath(`"${text.slice(0, 200)}" is not a path.`);
  const attribute = requireAttribute(work, path, text);
  if (path.sub === undefined) return { attribute, filter: undefined, sub: undefined, text };
  const sub = attribute.subAttributes.get(path.sub.toLowerCase());
  if (sub === undefined) throw scimErrors.invalidPath(`"${attribute.definition.name}" has no "${path.sub.slice(0, 100)}".`);
  return { attribute, filter: undefined, sub, text };
}

/** The old form `urn:…:User.department`, with a dot after the URN (S-159). */
function normalizeUrn(work: Work, text: string): string {
  if (!/^urn:/i.test(text)) return text;
  const lower = text.toLowerCase();
  for (const urn of [...work.type.extensions.keys(), work.type.definition.schema.id.toLowerCase()]) {
    if (lower.startsWith(`${urn}.`)) return `${text.slice(0, urn.length)}:${text.slice(urn.length + 1)}`;
  }
  return text;
}

function requireAttribute(work: Work, path: AttributePath, text: string): CompiledAttribute {
  const attribute = findAttribute(work.type, path.urn, path.attribute);
  if (attribute === undefined) throw scimErrors.invalidPath(`There is no attribute "${text.slice(0, 200)}".`);
  return attribute;
}

/** `schemas` follows the extensions that are there; taking a URN out of it takes the extension (S-165). */
function applyToSchemas(work: Work, operation: PatchOperation, target: Target): void {
  if (operation.op === 'add') return;
  const given = new Set(
    [operation.value ?? []]
      .flat()
      .map((one) => asText(typeof one === 'object' && one !== null && !isRawJson(one) ? (one as Json)['value'] : one).toLowerCase()),
  );
  for (const [key, { schema }] of work.type.extensions) {
    const listed = target.filter === undefined ? given.has(key) : matchesElement(target.filter, schema.id);
    if (listed === (operation.op === 'remove')) removeExtension(work, schema.id);
  }
}

/**
 * Whether an operation says of elements whose `primary` follows from their place what is so already: the validator of Entra sets it on
 * every element that it adds, and changes nothing by it (S-143, S-163).
 */
function echoesPrimary(work: Work, operation: PatchOperation, { attribute, sub, filter }: Target): boolean {
  if (work.profile.strict || operation.op === 'remove' || sub?.definition.name !== 'primary' || filter === undefined) return false;
  const wanted = asText(operation.value).toLowerCase();
  const elements = listElements(work.resource, attribute).filter((element) => matchesElement(filter, element));
  return elements.length > 0 && elements.every((element) => String((element as Json)['primary'] === true) === wanted);
}

function applyToTarget(work: Work, operation: PatchOperation, target: Target): void {
  const { definition } = target.attribute;
  if (target.attribute.extension === undefined && definition.name === 'schemas') return applyToSchemas(work, operation, target);
  if (definition.mutability === 'readOnly' || target.sub?.definition.mutability === 'readOnly') {
    if (echoesPrimary(work, operation, target)) return;
    throw scimErrors.mutability(`"${target.text.slice(0, 200)}" is read-only.`);
  }
  if (work.deferredNames.has(definition.name.toLowerCase())) return applyDeferred(work, operation, target);
  if (operation.op === 'remove') return removeTarget(work, operation, target);
  if (operation.value === undefined) throw scimErrors.invalidValue(`"${operation.op}" of "${target.text.slice(0, 200)}" has no value.`);
  if (target.filter !== undefined) return writeElements(work, operation, target, target.filter);
  if (target.sub !== undefined) return writeSub(work, operation, target, target.sub);
  writeAttribute(work, operation, target);
}

function containerOf(work: Work, attribute: CompiledAttribute): Mutable {
  if (attribute.extension === undefined) return work.resource;
  const known = work.resource[attribute.extension] as Mutable | undefined;
  if (known !== undefined) return known;
  const created: Mutable = {};
  work.resource[attribute.extension] = created;
  return created;
}

function setValue(work: Work, attribute: CompiledAttribute, value: unknown): void {
  const container = containerOf(work, attribute);
  const { name, mutability } = attribute.definition;
  if (mutability === 'immutable' && container[name] !== undefined && !sameJson(container[name], value))
    throw scimErrors.mutability(`"${name}" cannot be changed.`);
  if (value === undefined) clearValue(work, attribute);
  else container[name] = value;
}

function clearValue(work: Work, attribute: CompiledAttribute): void {
  const { name, required } = attribute.definition;
  if (required) throw scimErrors.mutability(`"${name}" is required and cannot be removed.`);
  const container = containerOf(work, attribute);
  if (attribute.definition.mutability === 'immutable' && container[name] !== undefined) throw scimErrors.mutability(`"${name}" cannot be changed.`);
  delete container[name];
}

function writeAttribute(work: Work, operation: PatchOperation, target: Target): void {
  const { attribute } = target;
  const { definition } = attribute;
  const value = parseAttributeValue(attribute, operation.value, work.profile, definition.name);
  // A required text that becomes blank is taken away (S-060).
  if (definition.required && typeof value === 'string' && value.trim() === '') return clearValue(work, attribute);
  const container = containerOf(work, attribute);
  const before = container[definition.name];
  if (definition.multiValued) {
    if (operation.op === 'replace') return setValue(work, attribute, value);
    if (value === undefined) return;
    const added = value as readonly unknown[];
    return setValue(work, attribute, mergeElements(before === undefined ? [] : (before as readonly unknown[]), added));
  }
  if (definition.type === 'complex' && typeof before === 'object' && before !== null && typeof value === 'object' && value !== null) {
    // A reference is one value: its old URI and name go with it.
    const merged = attribute.subAttributes.has('$ref') ? value : mergeComplex(before as Json, operation.value as Json, value as Json);
    return setValue(work, attribute, merged);
  }
  setValue(work, attribute, value);
}

/** Sub-attributes that are given replace, those given as `null` go, the rest stays (S-141, S-153). */
function mergeComplex(before: Json, given: Json, parsed: Json): Json {
  const merged: Mutable = { ...before, ...parsed };
  for (const [name, value] of Object.entries(given)) {
    const key = Object.keys(merged).find((one) => one.toLowerCase() === name.toLowerCase());
    if (value === null && key !== undefined) delete merged[key];
  }
  return merged;
}

/** Appends what is not there yet (S-140); a new primary element takes the place of the old one (S-163). */
function mergeElements(before: readonly unknown[], added: readonly unknown[]): readonly unknown[] {
  const result = [...before];
  for (const element of added) {
    if (result.some((known) => sameElement(known, element))) continue;
    if (isPrimary(element)) demote(result);
    result.push(element);
  }
  return result;
}

function sameElement(known: unknown, element: unknown): boolean {
  if (typeof known !== 'object' || known === null || typeof element !== 'object' || element === null) return known === element;
  const names = Object.keys(element).filter((name) => name !== '$ref' && name !== 'display');
  return names.length > 0 && names.every((name) => sameJson((known as Json)[name], (element as Json)[name]));
}

function isPrimary(element: unknown): boolean {
  return typeof element === 'object' && element !== null && (element as Json)['primary'] === true;
}

function demote(elements: readonly unknown[]): void {
  for (const element of elements) if (isPrimary(element)) (element as Mutable)['primary'] = false;
}

/** The id and the URI of a reference say the same: what is written last stands for both, and they go together. */
function twinOf(attribute: CompiledAttribute, { definition: { name } }: CompiledAttribute): string | undefined {
  if (!attribute.subAttributes.has('$ref')) return undefined;
  return name === 'value' ? '$ref' : name === '$ref' ? 'value' : undefined;
}

function writeSub(work: Work, operation: PatchOperation, target: Target, sub: CompiledAttribute): void {
  const { attribute } = target;
  const { definition } = attribute;
  const value = parseAttributeValue(sub, operation.value, work.profile, `${definition.name}.${sub.definition.name}`);
  const container = containerOf(work, attribute);
  if (!definition.multiValued) {
    const before = (container[definition.name] ?? {}) as Json;
    const next: Mutable = { ...before };
    const twin = twinOf(attribute, sub);
    if (twin !== undefined) delete next[twin];
    if (value === undefined) delete next[sub.definition.name];
    else next[sub.definition.name] = value;
    return setValue(work, attribute, Object.keys(next).length === 0 ? undefined : next);
  }
  const elements = (container[definition.name] ?? []) as readonly unknown[];
  if (elements.length === 0) return setValue(work, attribute, value === undefined ? undefined : [{ [sub.definition.name]: value }]);
  writeSubOf(elements, sub, value);
}

function writeSubOf(elements: readonly unknown[], sub: CompiledAttribute, value: unknown, all: readonly unknown[] = elements): void {
  for (const element of elements) {
    if (sub.definition.name === 'primary' && value === true) demote(all);
    if (value === undefined) delete (element as Mutable)[sub.definition.name];
    else (element as Mutable)[sub.definition.name] = value;
  }
}

function writeElements(work: Work, operation: PatchOperation, target: Target, filter: ResolvedFilter): void {
  const { attribute, sub } = target;
  const { definition } = attribute;
  const container = containerOf(work, attribute);
  const elements = [...((container[definition.name] ?? []) as readonly unknown[])];
  const matching = elements.filter((element) => matchesElement(filter, element));
  if (matching.length === 0) return createElement(work, operation, target, filter, elements);
  if (sub !== undefined) {
    writeSubOf(matching, sub, parseAttributeValue(sub, operation.value, work.profile, `${definition.name}.${sub.definition.name}`), elements);
    return setValue(work, attribute, elements);
  }
  const [value] = (parseAttributeValue(attribute, [operation.value].flat(), work.profile, definition.name) ?? []) as readonly unknown[];
  if (value === undefined) throw scimErrors.invalidValue(`The value of "${target.text.slice(0, 200)}" is empty.`);
  if (isPrimary(value)) demote(elements);
  // The element that a client means by its type stays of that type, where it does not say otherwise (S-154); RFC wording takes it away.
  const terms = work.profile.createMissingElements ? equalTerms(filter) : undefined;
  const replaced = elements.map((element) => {
    if (!matching.includes(element) || typeof value !== 'object') return matching.includes(element) ? value : element;
    return { ...(operation.op === 'add' && typeof element === 'object' ? (element as Json) : terms), ...(value as Json) };
  });
  setValue(work, attribute, replaced);
}

/** An element with the filter's terms as its values (S-144, S-156); strict profiles say that there is no target (S-155). */
function createElement(work: Work, operation: PatchOperation, target: Target, filter: ResolvedFilter, elements: readonly unknown[]): void {
  const { attribute, sub } = target;
  const terms = operation.op === 'add' || work.profile.createMissingElements ? equalTerms(filter) : undefined;
  if (terms === undefined) throw scimErrors.noTarget(`No value of "${attribute.definition.name}" matches the filter in the path.`);
  const created: Mutable = { ...terms };
  if (sub === undefined)
    Object.assign(created, ((parseAttributeValue(attribute, [operation.value].flat(), work.profile, attribute.definition.name) ?? []) as readonly Json[])[0]);
  else {
    const value = parseAttributeValue(sub, operation.value, work.profile, `${attribute.definition.name}.${sub.definition.name}`);
    if (value === undefined) return;
    created[sub.definition.name] = value;
  }
  if (isPrimary(created)) demote(elements);
  setValue(work, attribute, [...elements, created]);
}

/** The values that a conjunction of `eq` terms asks for; `undefined` for any other filter. */
function equalTerms(filter: ResolvedFilter): Mutable | undefined {
  if (filter.kind === 'compare')
    return filter.operator === 'eq' && filter.path.sub !== undefined ? { [filter.path.sub.definition.name]: filter.value } : undefined;
  if (filter.kind !== 'and') return undefined;
  const terms: Mutable = {};
  for (const part of filter.filters) {
    const inner = equalTerms(part);
    if (inner === undefined) return undefined;
    Object.assign(terms, inner);
  }
  return terms;
}

function removeTarget(work: Work, operation: PatchOperation, target: Target): void {
  const { attribute, filter, sub } = target;
  const { definition } = attribute;
  const container = containerOf(work, attribute);
  const before = container[definition.name];
  if (before === undefined) return;
  if (!definition.multiValued) {
    if (sub === undefined) return clearValue(work, attribute);
    const next: Mutable = { ...(before as Json) };
    for (const name of [sub.definition.name, twinOf(attribute, sub)]) if (name !== undefined) delete next[name];
    return Object.keys(next).length === 0 ? clearValue(work, attribute) : setValue(work, attribute, next);
  }
  const elements = before as readonly unknown[];
  if (filter === undefined && sub === undefined) return removeValues(work, operation, attribute, elements);
  const matches = (element: unknown): boolean => filter === undefined || matchesElement(filter, element);
  const kept =
    sub === undefined
      ? elements.filter((element) => !matches(element))
      : elements.map((element) => (matches(element) ? without(element, sub.definition.name) : element)).filter(holdsData);
  if (kept.length === 0) clearValue(work, attribute);
  else setValue(work, attribute, kept);
}

/** All values, or those listed in `value`; an empty list removes nothing (S-149). */
function removeValues(work: Work, operation: PatchOperation, attribute: CompiledAttribute, elements: readonly unknown[]): void {
  if (operation.value === undefined || operation.value === null || !work.profile.removeByValue) return clearValue(work, attribute);
  const listed = (Array.isArray(operation.value) ? operation.value : [operation.value]) as readonly unknown[];
  const isListed = (element: unknown): boolean =>
    listed.some((one) =>
      typeof element === 'object' && element !== null
        ? (element as Json)['value'] === (typeof one === 'object' && one !== null ? (one as Json)['value'] : one)
        : element === one,
    );
  const kept = elements.filter((element) => !isListed(element));
  if (kept.length === elements.length) return;
  if (kept.length === 0) clearValue(work, attribute);
  else setValue(work, attribute, kept);
}

function without(element: unknown, name: string): unknown {
  const copy: Mutable = { ...(element as Json) };
  delete copy[name];
  return copy;
}

/** Whether an element says more than what kind it is (S-150). */
function holdsData(element: unknown): boolean {
  return typeof element !== 'object' || element === null || Object.keys(element).some((name) => name !== 'type' && name !== 'primary');
}

function applyDeferred(work: Work, operation: PatchOperation, target: Target): void {
  const attribute = target.attribute.definition.name;
  if (target.sub !== undefined) throw scimErrors.mutability(`"${target.text.slice(0, 200)}" cannot be changed; add and remove members instead.`);
  if (operation.op === 'remove') {
    if (target.filter !== undefined) work.deferred.push({ attribute, kind: 'remove', values: filteredValues(target.filter, attribute) });
    else if (operation.value === undefined || operation.value === null) work.deferred.push({ attribute, kind: 'clear', values: [] });
    else work.deferred.push({ attribute, kind: 'remove', values: idsOf(operation.value, attribute) });
    return;
  }
  if (operation.value === undefined) throw scimErrors.invalidValue(`"${operation.op}" of "${attribute}" has no value.`);
  const values = operation.value === null ? [] : idsOf(operation.value, attribute);
  if (target.filter !== undefined) {
    // Replacing chosen members: they go, the new ones come.
    if (operation.op === 'replace') work.deferred.push({ attribute, kind: 'remove', values: filteredValues(target.filter, attribute) });
    work.deferred.push({ attribute, kind: 'add', values });
  } else work.deferred.push({ attribute, kind: operation.op, values });
}

/** The ids that a filter of the form `value eq "a" or value eq "b"` names. */
function filteredValues(filter: ResolvedFilter, attribute: string): readonly string[] {
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.path.sub?.definition.name === 'value') return [String(filter.value)];
  if (filter.kind === 'or') return filter.filters.flatMap((part) => filteredValues(part, attribute));
  throw scimErrors.invalidFilter(`"${attribute}" can be chosen by value eq "…" only.`);
}

function idsOf(value: unknown, attribute: string): readonly string[] {
  const elements = Array.isArray(value) ? value : [value];
  const ids = elements.map((element) => {
    const id = typeof element === 'object' && element !== null ? (readKey(element as Json, 'value') ?? idOfUri(readKey(element as Json, '$ref'))) : element;
    if (typeof id !== 'string' || id === '') throw scimErrors.invalidValue(`A value of "${attribute}" has no "value".`);
    return id;
  });
  return [...new Set(ids)];
}

/** The id of the resource that a URI is of: some clients name a member by `$ref` alone (RFC 7643 §4.2). */
export function idOfUri(uri: unknown): string | undefined {
  const [, last] = typeof uri === 'string' ? (/\/([^/?#]+)\/?$/.exec(uri) ?? []) : [];
  try {
    return last === undefined ? undefined : decodeURIComponent(last);
  } catch {
    // A percent sign that is none of an escape: no id that was ever given.
    return undefined;
  }
}

function sameJson(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
