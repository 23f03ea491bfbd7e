import { findAttribute, type PatchOperation, parseAttributePath } from '@landbridge/scim';
import { qualifiedName } from './binding.ts';
import type { ResourceModel } from './resource-model.ts';

/**
 * Attributes of the application that a request clears without having seen them: values that no answer shows (export-only, `returned:
 * never`) are in no representation, so that no comparison of two tells that one was taken away.
 *
 * @param cleared names of attributes as {@link qualifiedName} has them.
 */
export function clearedUnseen(model: ResourceModel, cleared: ReadonlySet<string>): readonly string[] {
  if (cleared.size === 0) return [];
  return [...model.writers].flatMap(([name, binding]) => {
    const hidden = binding.source.direction === 'export-only' || binding.characteristics?.returned === 'never';
    return hidden && binding.shape === 'single' && binding.sub === undefined && cleared.has(qualifiedName(binding)) ? [name] : [];
  });
}

/** The attributes that a PATCH removes, or replaces by nothing, as a whole. */
export function removedBy(model: ResourceModel, operations: readonly PatchOperation[]): ReadonlySet<string> {
  const names = new Set<string>();
  const note = (text: string): void => {
    const path = parseAttributePath(text);
    const attribute = path === undefined || path.sub !== undefined ? undefined : findAttribute(model.resourceType, path.urn, path.attribute);
    if (attribute !== undefined) names.add(qualifiedName({ extension: attribute.extension, attribute: attribute.definition.name }));
  };
  for (const { op, path, value } of operations) {
    if (path !== undefined) {
      if (op === 'remove' || (op === 'replace' && value === null)) note(path);
    } else if (op === 'replace' && typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) if (inner === null) note(name);
    }
  }
  return names;
}
