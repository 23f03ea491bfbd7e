import { type ListQuery, listValues, orderValues, parseAttributePath, type ResolvedPath, resolvePath, type ScimResource, scimErrors } from '@landbridge/scim';
import type { EntryQuery } from '@landbridge/store';
import type { ResourceModel } from './resources/resource-model.ts';

/** The store's form of a sort; `unmapped` when only rendered resources can be compared. @throws ScimError 400 `invalidValue`. */
export function sortOf(query: ListQuery, model: ResourceModel): EntryQuery['sort'] | 'unmapped' {
  const path = resolveSort(query.sortBy ?? '', model);
  const descending = query.sortOrder === 'descending';
  const { name } = path.attribute.definition;
  if (path.attribute.extension === undefined && name === 'id') return { by: { field: 'id' }, descending };
  if (path.attribute.extension === undefined && name === 'meta') {
    const field = path.sub?.definition.name === 'created' ? 'created' : path.sub?.definition.name === 'lastModified' ? 'modified' : undefined;
    return field === undefined ? 'unmapped' : { by: { field }, descending };
  }
  const binding = model.bindings.find(
    (one) => one.extension === path.attribute.extension && one.attribute === name && one.sub === path.sub?.definition.name && one.shape === 'single',
  );
  if (binding === undefined || binding.convert.type !== binding.source.type) return 'unmapped';
  // The store folds the case of what the application folds (S-105).
  if (binding.source.type === 'string' && (path.sub ?? path.attribute).definition.caseExact !== (binding.source.caseExact === true)) return 'unmapped';
  return { by: { attribute: binding.source.name }, descending };
}

/** Binds `sortBy`; a complex attribute means its `value` (S-104). @throws ScimError 400 `invalidValue`. */
export function resolveSort(text: string, model: ResourceModel): ResolvedPath {
  const path = parseAttributePath(text);
  const resolved = path === undefined ? undefined : resolvePath(model.resourceType, path);
  if (resolved === undefined) throw scimErrors.invalidValue(`"sortBy" names no attribute: "${text.slice(0, 100)}".`);
  if ((resolved.sub ?? resolved.attribute).definition.returned === 'never') throw scimErrors.invalidValue(`"${text.slice(0, 100)}" cannot be sorted by.`);
  if (resolved.attribute.definition.type !== 'complex' || resolved.sub !== undefined) return resolved;
  const value = resolved.attribute.subAttributes.get('value');
  if (value === undefined)
    throw scimErrors.invalidValue(
      `"sortBy" needs a part of "${text.slice(0, 100)}", such as ${text.slice(0, 100)}.${resolved.attribute.definition.subAttributes?.[0]?.name ?? 'value'}.`,
    );
  return { attribute: resolved.attribute, sub: value };
}

/** What a resource sorts by: the primary value of a multi-valued attribute, else its first (S-104). */
export function sortKey(resource: ScimResource, path: ResolvedPath): unknown {
  const values = listValues(resource, path);
  if (path.sub === undefined || !path.attribute.definition.multiValued) return values[0];
  const elements = listValues(resource, { attribute: path.attribute, sub: undefined }) as readonly Readonly<Record<string, unknown>>[];
  const preferred = elements.find((element) => element['primary'] === true) ?? elements[0];
  return preferred?.[path.sub.definition.name];
}

/** Values before none (S-103). */
export function orderKeys(path: ResolvedPath, left: unknown, right: unknown): number {
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
  return orderValues((path.sub ?? path.attribute).definition, left, right);
}
