import { scimErrors } from './errors.ts';
import type { CompiledAttribute, CompiledResourceType, ScimResource } from './schema.ts';
import { checkRequired, type ParsedResource, schemasOf } from './validate.ts';

type Json = Readonly<Record<string, unknown>>;

/** Core attributes that a PUT without them keeps, so that a partial body neither enables an account nor empties a group (S-127). */
const RETAINED = new Set(['active', 'password', 'members']);

/**
 * The resource after a PUT (RFC 7644 §3.5.1): given attributes replace, omitted ones are cleared, read-only ones stay.
 *
 * @throws ScimError 400 `mutability` for a changed immutable attribute, `invalidValue` for a missing required one.
 */
export function applyReplace(current: ScimResource, parsed: ParsedResource, type: CompiledResourceType): ScimResource {
  const next: Record<string, unknown> = {};
  for (const attribute of type.attributes.values()) replaceOne(next, current, parsed.resource, attribute, parsed.cleared, '');
  for (const extension of type.extensions.values()) {
    const { id } = extension.schema;
    const before = (current[id] ?? {}) as Json;
    const given = (parsed.resource[id] ?? {}) as Json;
    const container: Record<string, unknown> = {};
    for (const attribute of extension.attributes.values()) replaceOne(container, before, given, attribute, parsed.cleared, `${id}:`);
    if (Object.keys(container).length > 0) next[id] = container;
  }
  next['schemas'] = schemasOf(next, type);
  checkRequired(next, type);
  return next;
}

function replaceOne(
  next: Record<string, unknown>,
  current: Json,
  given: Json,
  attribute: CompiledAttribute,
  cleared: ReadonlySet<string>,
  prefix: string,
): void {
  const { definition } = attribute;
  const { name } = definition;
  const before = current[name];
  const value = given[name];
  if (definition.mutability === 'readOnly') {
    if (before !== undefined) next[name] = before;
    return;
  }
  if (definition.mutability === 'immutable' && before !== undefined) {
    if (value !== undefined && JSON.stringify(value) !== JSON.stringify(before)) throw scimErrors.mutability(`"${prefix}${name}" cannot be changed.`);
    next[name] = before;
    return;
  }
  if (value !== undefined) next[name] = value;
  else if (before !== undefined && prefix === '' && RETAINED.has(name) && !cleared.has(name)) next[name] = before;
}
