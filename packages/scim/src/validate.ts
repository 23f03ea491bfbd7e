import { scimErrors } from './errors.ts';
import { parseInstant } from './filter.ts';
import { asText, isRawJson } from './json.ts';
import { findAttribute } from './path.ts';
import type { DialectProfile } from './profiles.ts';
import type { CompiledAttribute, CompiledResourceType, ScimResource } from './schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** A resource as a client sent it: known attributes in schema casing, checked, read-only ones left out. */
export interface ParsedResource {
  readonly resource: ScimResource;
  /** Attributes sent as `null` or `[]`: to be cleared. Names as in the resource; extension attributes as `urn:name`. */
  readonly cleared: ReadonlySet<string>;
  /** Attributes and extensions that the resource type does not have, as the client wrote them; a strict profile refuses them (S-032). */
  readonly ignored: readonly string[];
}

/** What is noted of a body beside its values. */
interface Noted {
  readonly cleared: Set<string>;
  readonly ignored: string[];
}

/**
 * Checks the body of a create or replace against a resource type.
 *
 * @throws ScimError 400 `invalidSyntax` or `invalidValue` naming the attribute and the rule.
 */
export function parseResource(body: Json, type: CompiledResourceType, profile: DialectProfile): ParsedResource {
  const core = type.definition.schema.id;
  checkSchemas(body, type, profile);
  const resource: Record<string, unknown> = {};
  const noted: Noted = { cleared: new Set(), ignored: [] };
  for (const [key, value] of Object.entries(body)) {
    const extension = type.extensions.get(key.toLowerCase());
    if (extension !== undefined) {
      parseExtension(resource, noted, extension.schema.id, extension.attributes, value, profile);
      continue;
    }
    if (key.toLowerCase() === core.toLowerCase() && typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) parseMember(resource, noted, type.attributes, '', name, inner, profile);
      continue;
    }
    const stray = profile.strict || type.attributes.has(key.toLowerCase()) ? undefined : findAttribute(type, undefined, key);
    // The manager at the top of a user, as some clients send it (S-161).
    if (stray?.extension !== undefined) {
      const attributes = type.extensions.get(stray.extension.toLowerCase())?.attributes ?? type.attributes;
      parseExtension(resource, noted, stray.extension, attributes, { [key]: value }, profile);
    } else parseMember(resource, noted, type.attributes, '', key, value, profile);
  }
  resource['schemas'] = schemasOf(resource, type);
  return { resource, ...noted };
}

/** Checks that everything required is there (S-063). @throws ScimError 400 `invalidValue`. */
export function checkRequired(resource: ScimResource, type: CompiledResourceType): void {
  for (const attribute of type.attributes.values()) checkOne(resource, attribute);
  for (const extension of type.extensions.values()) {
    const values = resource[extension.schema.id] as Json | undefined;
    if (values === undefined) {
      if (extension.required) throw scimErrors.invalidValue(`The extension "${extension.schema.id}" is required.`);
      continue;
    }
    for (const attribute of extension.attributes.values()) checkOne(values, attribute);
  }
}

function checkOne(container: Json, attribute: CompiledAttribute): void {
  const { definition } = attribute;
  if (!definition.required || definition.mutability === 'readOnly') return;
  const value = container[definition.name];
  if (value === undefined || value === null || (typeof value === 'string' && value.trim() === '') || (Array.isArray(value) && value.length === 0)) {
    throw scimErrors.invalidValue(`"${definition.name}" is required and must not be empty.`);
  }
}

/** The URNs of the schemas that a resource uses (S-024). */
export function schemasOf(resource: ScimResource, type: CompiledResourceType): readonly string[] {
  return [type.definition.schema.id, ...[...type.extensions.values()].map((extension) => extension.schema.id).filter((urn) => resource[urn] !== undefined)];
}

function checkSchemas(body: Json, type: CompiledResourceType, profile: DialectProfile): void {
  const key = Object.keys(body).find((name) => name.toLowerCase() === 'schemas');
  const schemas = key === undefined ? undefined : body[key];
  const core = type.definition.schema.id;
  if (!Array.isArray(schemas) || schemas.length === 0) {
    if (profile.strict) throw scimErrors.invalidSyntax(`"schemas" is missing; it must contain "${core}".`);
    return;
  }
  const urns = schemas.map((urn) => asText(urn).toLowerCase());
  if (!urns.includes(core.toLowerCase())) {
    // Another core schema is a resource of another type, whatever the profile (S-065).
    if (profile.strict || urns.some((urn) => urn.startsWith('urn:ietf:params:scim:schemas:core:2.0:')))
      throw scimErrors.invalidSyntax(`"schemas" must contain "${core}".`);
    return;
  }
  if (profile.lenientSchemas) return;
  const unknown = urns.find((urn) => urn !== core.toLowerCase() && !type.extensions.has(urn));
  if (unknown !== undefined) throw scimErrors.invalidSyntax(`The schema "${unknown.slice(0, 200)}" is not known for ${type.definition.name}.`);
}

function parseExtension(
  resource: Record<string, unknown>,
  noted: Noted,
  urn: string,
  attributes: CompiledResourceType['attributes'],
  value: unknown,
  profile: DialectProfile,
): void {
  if (value === null) {
    for (const attribute of attributes.values()) noted.cleared.add(`${urn}:${attribute.definition.name}`);
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value) || isRawJson(value)) throw scimErrors.invalidValue(`The extension "${urn}" must be an object.`);
  const container = (resource[urn] ?? {}) as Record<string, unknown>;
  for (const [name, inner] of Object.entries(value as Json)) parseMember(container, noted, attributes, `${urn}:`, name, inner, profile);
  if (Object.keys(container).length > 0) resource[urn] = container;
}

function parseMember(
  container: Record<string, unknown>,
  noted: Noted,
  attributes: CompiledResourceType['attributes'],
  prefix: string,
  name: string,
  value: unknown,
  profile: DialectProfile,
): void {
  const attribute = attributes.get(name.toLowerCase());
  if (attribute === undefined) {
    // A password where the application takes none is ignored, whatever the dialect (S-235).
    const known = name.toLowerCase() === 'schemas' || (prefix === '' && name.toLowerCase() === 'password');
    if (profile.refuseUnknown && !known) throw scimErrors.invalidSyntax(`There is no attribute "${prefix}${name.slice(0, 200)}".`);
    if (!known) noted.ignored.push(`${prefix}${name}`);
    return;
  }
  const { definition } = attribute;
  // Read-only attributes of a body are ignored (S-045), and so is `schemas`, which is derived.
  if (definition.mutability === 'readOnly' || definition.name === 'schemas') return;
  const parsed = parseAttributeValue(attribute, value, profile, `${prefix}${definition.name}`);
  if (parsed === undefined) noted.cleared.add(`${prefix}${definition.name}`);
  else container[definition.name] = parsed;
}

/**
 * Checks a value of an attribute; `undefined` for one that clears it: `null`, `[]`, and the empty string where it cannot be a
 * value (S-034, S-036).
 *
 * @throws ScimError 400 `invalidValue`.
 */
export function parseAttributeValue(attribute: CompiledAttribute, value: unknown, profile: DialectProfile, where: string): unknown {
  const { definition } = attribute;
  if (value === null || value === undefined) return undefined;
  if (!definition.multiValued) {
    if (Array.isArray(value)) {
      if ((definition.type === 'complex' || isBoxed(value[0])) && value.length === 1 && !profile.strict)
        return parseSingle(attribute, value[0], profile, where);
      throw scimErrors.invalidValue(`"${where}" has one value, not a list.`);
    }
    return parseSingle(attribute, value, profile, where);
  }
  const values = Array.isArray(value) ? value : profile.strict ? undefined : [value];
  if (values === undefined) throw scimErrors.invalidValue(`"${where}" is a list.`);
  checkPrimary(values, profile, where);
  const parsed = distinct(values.map((one) => parseSingle(attribute, one, profile, where)).filter((one) => one !== undefined));
  keepFirstPrimary(parsed);
  return parsed.length === 0 ? undefined : parsed;
}

function parseSingle(attribute: CompiledAttribute, value: unknown, profile: DialectProfile, where: string): unknown {
  const { definition } = attribute;
  if (value === null || value === undefined) return undefined;
  if (definition.type !== 'complex') return parseSimple(definition.type, !profile.strict && isBoxed(value) ? value['value'] : value, profile, where);
  if (typeof value !== 'object' || Array.isArray(value) || isRawJson(value)) {
    // A bare value stands for the element's `value`: `manager: "<id>"`, `members: ["<id>"]` (S-161).
    // It is text with every client that leaves the object out: a number or a boolean is a mistake (S-166).
    if (profile.strict || typeof value !== 'string' || !attribute.subAttributes.has('value')) throw scimErrors.invalidValue(`"${where}" is an object.`);
    return value === '' ? undefined : { value };
  }
  return parseComplex(attribute, unpackRole(definition.name, value as Json, profile), profile, where);
}

/** Entra's older dialect puts any value into a box: `[{"$ref": null, "value": "x"}]` (S-035). */
function isBoxed(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && 'value' in value && Object.keys(value).every((name) => name === 'value' || name === '$ref');
}

function parseComplex(attribute: CompiledAttribute, value: Json, profile: DialectProfile, where: string): unknown {
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const sub = attribute.subAttributes.get(name.toLowerCase());
    if (sub === undefined) {
      if (profile.refuseUnknown) throw scimErrors.invalidSyntax(`There is no attribute "${where}.${name.slice(0, 200)}".`);
      continue;
    }
    if (sub.definition.mutability === 'readOnly') continue;
    const parsed = parseAttributeValue(sub, inner, profile, `${where}.${sub.definition.name}`);
    // An element without a value is none (S-036).
    if (parsed !== undefined && !(parsed === '' && sub.definition.name === 'value')) result[sub.definition.name] = parsed;
  }
  return Object.keys(result).length === 0 ? undefined : result;
}

/** Entra's role assignments carry JSON in the value (S-162). */
function unpackRole(name: string, value: Json, profile: DialectProfile): Json {
  const text = value['value'];
  if (!profile.unpackJsonRoles || name !== 'roles') return value;
  if (value['display'] === undefined && typeof value['displayName'] === 'string') return unpackRole(name, { ...value, display: value['displayName'] }, profile);
  if (typeof text !== 'string' || !text.startsWith('{')) return value;
  try {
    const role = JSON.parse(text) as Json;
    return { ...value, value: role['value'] ?? text, display: role['displayName'] ?? value['display'] ?? null };
  } catch {
    // Not JSON after all: the value is the text itself.
    return value;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?$/;

function parseSimple(type: string, given: unknown, profile: DialectProfile, where: string): unknown {
  // Digits that no number of JavaScript holds: an integer keeps them, anything else takes them as the number or text they are.
  if (type === 'integer' && isRawJson(given)) return given;
  const value = isRawJson(given) ? (type === 'string' && !profile.strict ? given.rawJSON : Number(given.rawJSON)) : given;
  switch (type) {
    case 'boolean': {
      if (typeof value === 'boolean') return value;
      const text = typeof value === 'string' ? value.toLowerCase() : '';
      if (profile.coerceBooleans && (text === 'true' || text === 'false')) return text === 'true';
      throw scimErrors.invalidValue(`"${where}" is true or false.`);
    }
    case 'integer':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      if (typeof value === 'number' && Number.isInteger(value)) throw scimErrors.invalidValue(`"${where}" is a whole number, written without an exponent.`);
      if (typeof value === 'string' && /^-?\d{1,19}$/.test(value) && !profile.strict) return value;
      throw scimErrors.invalidValue(`"${where}" is a whole number.`);
    case 'decimal':
      if (typeof value === 'number') return value;
      throw scimErrors.invalidValue(`"${where}" is a number.`);
    default:
      if (typeof value !== 'string') {
        if (!profile.strict && type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return String(value);
        throw scimErrors.invalidValue(`"${where}" is text.`);
      }
      if (type === 'dateTime' && parseInstant(value) === undefined)
        throw scimErrors.invalidValue(`"${where}" is a date and time such as 2026-01-31T12:00:00Z.`);
      if (type === 'binary' && !BASE64.test(value)) throw scimErrors.invalidValue(`"${where}" is base64.`);
      return value === '' && type !== 'string' ? undefined : value;
  }
}

/** Without exact repetitions of elements (S-039). */
function distinct(values: readonly unknown[]): readonly unknown[] {
  if (values.length < 2) return values;
  const seen = new Set<string>();
  return values.filter((value) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Several primary elements are an error, unless the profile bears them (S-164). @throws ScimError 400 `invalidValue`. */
function checkPrimary(values: readonly unknown[], profile: DialectProfile, where: string): void {
  if (!profile.tolerateSeveralPrimary && values.filter(isPrimary).length > 1) throw scimErrors.invalidValue(`"${where}" has several primary values.`);
}

/** At most one element is primary: the first (S-163). */
function keepFirstPrimary(values: readonly unknown[]): void {
  for (const value of values.filter(isPrimary).slice(1)) (value as Record<string, unknown>)['primary'] = false;
}

function isPrimary(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as Json)['primary'] === true;
}
