import { scimErrors } from './errors.ts';
import { findAttribute, parseAttributePath } from './path.ts';
import type { CompiledAttribute, CompiledResourceType, ScimResource } from './schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** Which attributes an answer holds (RFC 7644 §3.9). */
export interface Projection {
  /** Nothing was asked for: the default set, which for most resources is the resource itself. */
  readonly isDefault: boolean;
  /** Whether an attribute is in the answer, so that costly ones need not be loaded (S-124, S-125). */
  wants(attribute: string): boolean;
  /** Whether the client asked for an attribute by its name, however costly it is (S-183). */
  names(attribute: string): boolean;
  project(resource: ScimResource): ScimResource;
}

interface Names {
  /** Whole attributes, by their key. */
  readonly whole: Set<string>;
  /** Sub-attributes, by the key of their attribute. */
  readonly parts: Map<string, Set<string>>;
}

/**
 * Parses `attributes` and `excludedAttributes`. Unknown names are ignored (S-123).
 *
 * @throws ScimError 400 `invalidValue` when both are given (S-122).
 */
export function parseProjection(attributes: string | undefined, excluded: string | undefined, type: CompiledResourceType): Projection {
  if (attributes !== undefined || excluded !== undefined) return makeProjection(attributes, excluded, type);
  const known = defaults.get(type) ?? rememberWants(makeProjection(undefined, undefined, type));
  defaults.set(type, known);
  return known;
}

/** What a request without a wish gets, which most are: made once for a type, and asked for the same few attributes each time. */
const defaults = new WeakMap<CompiledResourceType, Projection>();

function rememberWants(projection: Projection): Projection {
  const wanted = new Map<string, boolean>();
  return {
    ...projection,
    wants(attribute) {
      const known = wanted.get(attribute) ?? projection.wants(attribute);
      wanted.set(attribute, known);
      return known;
    },
  };
}

function makeProjection(attributes: string | undefined, excluded: string | undefined, type: CompiledResourceType): Projection {
  if (attributes !== undefined && excluded !== undefined) throw scimErrors.invalidValue('"attributes" and "excludedAttributes" exclude each other.');
  const included = attributes === undefined ? undefined : parseNames(attributes, type);
  const left = excluded === undefined ? undefined : parseNames(excluded, type);
  const keepWhole = (attribute: CompiledAttribute): boolean => {
    const { returned } = attribute.definition;
    const key = keyOf(attribute);
    if (returned === 'always') return true;
    if (returned === 'never') return false;
    if (included !== undefined) return included.whole.has(key) || included.parts.has(key);
    if (left?.whole.has(key)) return false;
    return returned === 'default';
  };
  return {
    isDefault: included === undefined && left === undefined,
    wants(name) {
      const attribute = findByName(type, name);
      return attribute === undefined ? included === undefined : keepWhole(attribute);
    },
    names(name) {
      const attribute = findByName(type, name);
      return attribute !== undefined && (included?.whole.has(keyOf(attribute)) === true || included?.parts.has(keyOf(attribute)) === true);
    },
    project(resource) {
      const result: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(resource)) {
        const extension = type.extensions.get(key.toLowerCase());
        if (extension === undefined) projectOne(result, key, value, type.attributes.get(key.toLowerCase()), keepWhole, included, left);
        else {
          const container: Record<string, unknown> = {};
          for (const [name, inner] of Object.entries(value as Json))
            projectOne(container, name, inner, extension.attributes.get(name.toLowerCase()), keepWhole, included, left);
          if (Object.keys(container).length > 0) result[key] = container;
        }
      }
      return result;
    },
  };
}

function projectOne(
  result: Record<string, unknown>,
  key: string,
  value: unknown,
  attribute: CompiledAttribute | undefined,
  keepWhole: (attribute: CompiledAttribute) => boolean,
  included: Names | undefined,
  left: Names | undefined,
): void {
  if (attribute === undefined || !keepWhole(attribute)) return;
  const name = keyOf(attribute);
  const only = included?.whole.has(name) ? undefined : included?.parts.get(name);
  const without = left?.parts.get(name);
  if (only === undefined && without === undefined) {
    result[key] = value;
    return;
  }
  const pick = (element: unknown): unknown => {
    if (typeof element !== 'object' || element === null) return element;
    return Object.fromEntries(
      Object.entries(element).filter(([sub]) => (only === undefined || only.has(sub.toLowerCase())) && !without?.has(sub.toLowerCase())),
    );
  };
  const picked = Array.isArray(value) ? value.map(pick) : pick(value);
  if (typeof picked === 'object' && picked !== null && Object.keys(picked).length === 0) return;
  result[key] = picked;
}

function parseNames(text: string, type: CompiledResourceType): Names {
  const names: Names = { whole: new Set(), parts: new Map() };
  for (const part of text.split(',')) {
    const name = part.trim();
    const extension = type.extensions.get(name.toLowerCase());
    if (extension !== undefined) {
      for (const attribute of extension.attributes.values()) names.whole.add(keyOf(attribute));
      continue;
    }
    const path = parseAttributePath(name);
    const attribute = path === undefined ? undefined : findAttribute(type, path.urn, path.attribute);
    if (path === undefined || attribute === undefined) continue;
    const key = keyOf(attribute);
    if (path.sub === undefined) names.whole.add(key);
    else names.parts.set(key, (names.parts.get(key) ?? new Set()).add(path.sub.toLowerCase()));
  }
  return names;
}

function keyOf(attribute: CompiledAttribute): string {
  return `${attribute.extension ?? ''}:${attribute.definition.name}`.toLowerCase();
}

function findByName(type: CompiledResourceType, name: string): CompiledAttribute | undefined {
  const path = parseAttributePath(name);
  return path === undefined ? undefined : findAttribute(type, path.urn, path.attribute);
}
