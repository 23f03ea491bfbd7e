import { type ListQuery, matchesFilter, type Projection, parseProjection, type ResolvedFilter, scimErrors } from '@landbridge/scim';
import type { EntryPage, EntryRow, StoreFilter } from '@landbridge/store';
import type { RequestContext } from './host.ts';
import { qualifiedName } from './resources/binding.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import type { ScimFace } from './scim-face.ts';
import { renderRows } from './scim-reads.ts';
import { orderKeys, resolveSort, sortKey } from './scim-sort.ts';

const PAGE = 500;

/** What a scan looks for. */
export interface Scan {
  readonly model: ResourceModel;
  readonly query: ListQuery;
  readonly filter: ResolvedFilter | undefined;
  readonly mapped: StoreFilter | undefined;
}

/**
 * What the store cannot express is decided on rendered resources, a page at a time and up to the limit (S-096). Of what matches it
 * keeps the window that is asked for, or where there is an order, each one's key and number: never the resources.
 *
 * @throws ScimError 400 `tooMany`.
 */
export async function findByScan(
  face: ScimFace,
  context: RequestContext,
  scan: Scan,
  window: { readonly offset: number; readonly limit: number },
): Promise<EntryPage> {
  const { model, query } = scan;
  const limit = face.configuration.limits.scanEntries;
  if ((await face.reader.countEntries(model.objectType.name)) > limit)
    throw scimErrors.tooMany(`The request would look at more than ${limit} resources; use a filter and sort that the application can answer.`);
  const path = query.sortBy === undefined ? undefined : resolveSort(query.sortBy, model);
  const rows: EntryRow[] = [];
  const keys: { readonly id: number; readonly key: unknown }[] = [];
  let total = 0;
  for await (const [row, resource] of matchesOf(face, context, scan, limit)) {
    if (path !== undefined) keys.push({ id: row.id, key: sortKey(resource, path) });
    else if (total >= window.offset && rows.length < window.limit) rows.push(row);
    total += 1;
  }
  if (path === undefined) return { rows, total };
  const direction = query.sortOrder === 'descending' ? -1 : 1;
  keys.sort((left, right) => orderKeys(path, left.key, right.key) * direction || left.id - right.id);
  for (const { id } of keys.slice(window.offset, window.offset + window.limit)) {
    const row = await face.reader.readEntry(id);
    if (row !== undefined) rows.push(row);
  }
  return { rows, total };
}

async function* matchesOf(face: ScimFace, context: RequestContext, scan: Scan, limit: number) {
  const { model, query, filter, mapped } = scan;
  const needed = projectionOf(model, [...neededBy(filter), ...(query.sortBy === undefined ? [] : [query.sortBy])]);
  for (let after = 0; ; ) {
    const { rows } = await face.reader.query({
      objectType: model.objectType.name,
      after,
      limit: PAGE,
      total: false,
      scanLimit: limit,
      ...(mapped === undefined ? {} : { filter: mapped }),
    });
    const resources = await renderRows(face, model, rows, context, needed);
    for (const [index, resource] of resources.entries()) {
      const row = rows[index];
      if (row !== undefined && (filter === undefined || mapped !== undefined || matchesFilter(filter, resource))) yield [row, resource] as const;
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.id ?? 0;
    // Let other requests have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** These attributes; with `schemas` whatever may add an extension to them. */
function projectionOf(model: ResourceModel, names: readonly string[]): Projection {
  const named = parseProjection(names.join(','), undefined, model.resourceType);
  if (!named.names('schemas')) return named;
  const all = parseProjection(undefined, undefined, model.resourceType);
  return { ...named, wants: (name) => all.wants(name) || named.wants(name), project: (resource) => resource };
}

/** What a filter looks at, by name: what is answered only when it is asked for (`groups`) is looked at as well. */
function neededBy(filter: ResolvedFilter | undefined): readonly string[] {
  if (filter === undefined) return [];
  if ('filters' in filter) return filter.filters.flatMap(neededBy);
  if (filter.kind === 'not') return neededBy(filter.filter);
  const { definition, extension } = filter.kind === 'element' ? filter.attribute : filter.path.attribute;
  return [qualifiedName({ extension, attribute: definition.name })];
}
