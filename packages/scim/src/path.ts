import type { CompiledAttribute, CompiledResourceType } from './schema.ts';

/** An attribute path as text says it: `urn:…:User:name.familyName`. */
export interface AttributePath {
  readonly urn: string | undefined;
  readonly attribute: string;
  readonly sub: string | undefined;
}

/** An attribute path bound to definitions. */
export interface ResolvedPath {
  readonly attribute: CompiledAttribute;
  readonly sub: CompiledAttribute | undefined;
}

const NAME = /^(?:\$ref|[A-Za-z][A-Za-z0-9$_-]*|[-_][A-Za-z0-9$_-]+)$/;
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype', 'tostring', 'valueof', 'hasownproperty']);

/**
 * Parses an attribute path without filters. The URN ends at the last colon before the attribute, so the `2.0` in it is not
 * taken for a sub-attribute (S-082). Returns `undefined` for text that is no path, prototype names included (SEC-37).
 */
export function parseAttributePath(text: string): AttributePath | undefined {
  if (text.length === 0 || text.length > 1024) return undefined;
  const colon = text.lastIndexOf(':');
  const urn = colon === -1 ? undefined : text.slice(0, colon);
  if (urn !== undefined && !/^urn:[^\s"[\]]+$/i.test(urn)) return undefined;
  const rest = text.slice(colon + 1);
  const dot = rest.indexOf('.');
  const attribute = dot === -1 ? rest : rest.slice(0, dot);
  const sub = dot === -1 ? undefined : rest.slice(dot + 1);
  if (!isName(attribute) || (sub !== undefined && !isName(sub))) return undefined;
  return { urn, attribute, sub };
}

function isName(text: string): boolean {
  return NAME.test(text) && !FORBIDDEN.has(text.toLowerCase());
}

/** Binds a path to the definitions of a resource type; `undefined` when it has no such attribute. */
export function resolvePath(type: CompiledResourceType, path: AttributePath): ResolvedPath | undefined {
  const attribute = findAttribute(type, path.urn, path.attribute);
  if (attribute === undefined) return undefined;
  if (path.sub === undefined) return { attribute, sub: undefined };
  const sub = attribute.subAttributes.get(path.sub.toLowerCase());
  return sub === undefined ? undefined : { attribute, sub };
}

/**
 * Finds an attribute by URN and name, without regard to case (S-029). A bare name that the core schema does not have means the
 * attribute of an extension: Entra asks for `manager eq "…"` (S-084).
 */
export function findAttribute(type: CompiledResourceType, urn: string | undefined, name: string): CompiledAttribute | undefined {
  const key = name.toLowerCase();
  if (urn === undefined) return type.attributes.get(key) ?? findInExtensions(type, key);
  if (urn.toLowerCase() === type.definition.schema.id.toLowerCase()) return type.attributes.get(key);
  return type.extensions.get(urn.toLowerCase())?.attributes.get(key);
}

function findInExtensions(type: CompiledResourceType, key: string): CompiledAttribute | undefined {
  for (const extension of type.extensions.values()) {
    const attribute = extension.attributes.get(key);
    if (attribute !== undefined) return attribute;
  }
  return undefined;
}

/** The text of a resolved path, in schema casing, for messages. */
export function formatPath(path: ResolvedPath): string {
  const { attribute, sub } = path;
  return `${attribute.extension === undefined ? '' : `${attribute.extension}:`}${attribute.definition.name}${sub === undefined ? '' : `.${sub.definition.name}`}`;
}
