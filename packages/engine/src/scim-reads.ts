import { matchesEntry } from '@landbridge/connector-sdk';
import {
  formatListResponse,
  type ListQuery,
  listValues,
  matchesFilter,
  matchesVersion,
  orderValues,
  type Projection,
  parseAttributePath,
  parseFilter,
  parseProjection,
  profileOf,
  type ResolvedFilter,
  type ResolvedPath,
  resolveFilter,
  resolvePath,
  type ScimResource,
  scimErrors,
} from '@landbridge/scim';
import { type EntryPage, type EntryQuery, type EntryRow, type ReferenceRow, ScanLimitError, type StoreFilter } from '@landbridge/store';
import type { QueryParameters, RequestContext, ScimAnswer } from './host.ts';
import { mapFilter } from './resources/filter-mapping.ts';
import { displayOf, locationOf, type RenderContext, type ResolvedReference, renderResource, versionOf } from './resources/render-resource.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { undecided } from './scim-errors.ts';
import { MEMBERS_SHOWN, type ScimFace } from './scim-face.ts';

const PAGE = 500;

/** Reads one resource. @throws ScimError 404, 400. */
export async function readResource(face: ScimFace, model: ResourceModel, context: RequestContext, id: string, query: QueryParameters): Promise<ScimAnswer> {
  const row = await requireRow(face, model, id);
  const etag = versionOf(row);
  if (context.ifNoneMatch !== undefined && matchesVersion(context.ifNoneMatch, etag)) return { status: 304, etag };
  const projection = parseProjection(query['attributes'], query['excludedAttributes'], model.resourceType);
  const [resource] = await renderRows(face, model, [row], context, projection);
  return {
    status: 200,
    body: JSON.stringify(resource),
    etag,
    location: locationOf(context.baseUrl, model.configuration.endpoint, row.scimId),
  };
}

/** The row of a resource of this type. @throws ScimError 404. */
export async function requireRow(face: ScimFace, model: ResourceModel, id: string): Promise<EntryRow> {
  const row = await face.reader.readResource(id);
  if (row === undefined || row.objectType !== model.objectType.name) throw scimErrors.notFound();
  return row;
}

/**
 * Renders rows, loading just the references that the projection wants: in one statement for all rows of a list.
 */
export async function renderRows(
  face: ScimFace,
  model: ResourceModel,
  rows: readonly EntryRow[],
  context: RequestContext,
  projection: Projection,
): Promise<readonly ScimResource[]> {
  const references = await loadReferences(face, model, rows, projection);
  const wantsGroups = model.configuration.resourceType === 'User' && projection.wants('groups');
  const rendered: ScimResource[] = [];
  for (const row of rows) {
    const groups = wantsGroups ? await loadGroups(face, row) : undefined;
    const renderContext: RenderContext = {
      baseUrl: context.baseUrl,
      client: context.client,
      references: references.get(row.id) ?? none,
      ...(groups === undefined ? {} : { groups }),
    };
    const resource = renderResource(model, row, renderContext);
    // Without a wish the rendering is the default set: nothing that is never returned was rendered.
    rendered.push(projection.isDefault ? resource : projection.project(resource));
  }
  return rendered;
}

const none: ReadonlyMap<string, readonly ResolvedReference[]> = new Map();

async function loadReferences(
  face: ScimFace,
  model: ResourceModel,
  rows: readonly EntryRow[],
  projection: Projection,
): Promise<ReadonlyMap<number, Map<string, ResolvedReference[]>>> {
  const result = new Map<number, Map<string, ResolvedReference[]>>();
  const wanted = model.bindings.filter(
    (binding) =>
      binding.source.type === 'reference' &&
      projection.wants(binding.extension === undefined ? binding.attribute : `${binding.extension}:${binding.attribute}`),
  );
  const single = wanted.filter((binding) => binding.shape === 'reference').map((binding) => binding.source.name);
  const add = (entryId: number, attribute: string, reference: ReferenceRow): void => {
    const resolved = resolveRow(face, reference);
    if (resolved === undefined) return;
    const byAttribute = result.get(entryId) ?? new Map<string, ResolvedReference[]>();
    result.set(entryId, byAttribute);
    const list = byAttribute.get(attribute) ?? [];
    byAttribute.set(attribute, list);
    list.push(resolved);
  };
  if (single.length > 0) {
    const names = new Set(single);
    // A row says itself whether it refers to anything at all: most lists need fewer look-ups than rows.
    const ids = rows.filter((row) => single.some((name) => row.body.includes(JSON.stringify(name)))).map((row) => row.id);
    for (const reference of await face.reader.readReferencesOf(ids, [...names])) add(reference.from, reference.attribute, reference);
  }
  for (const binding of wanted.filter((one) => one.shape === 'references')) {
    const named = !projection.isDefault;
    for (const row of rows) {
      const count = await face.reader.countReferences(row.id, binding.source.name);
      if (count > MEMBERS_SHOWN && !named) continue;
      for (let after = 0; ; ) {
        const page = await face.reader.readReferences(row.id, binding.source.name, { after, limit: 5000 });
        for (const reference of page) add(row.id, binding.source.name, reference);
        const last = page.at(-1)?.entryId;
        if (page.length < 5000 || last === undefined) break;
        after = last;
      }
    }
  }
  return result;
}

async function loadGroups(face: ScimFace, row: EntryRow): Promise<readonly ResolvedReference[]> {
  const groups: ResolvedReference[] = [];
  for (const reference of groupReferences(face, row.objectType)) {
    for (const referrer of await face.reader.readReferrers(row.id, { objectType: reference.objectType, name: reference.attribute }, { limit: 1000 })) {
      const resolved = resolveRow(face, referrer);
      if (resolved !== undefined) groups.push(resolved);
    }
  }
  return groups;
}

function resolveRow(face: ScimFace, reference: ReferenceRow): ResolvedReference | undefined {
  const target = reference.objectType === undefined ? undefined : face.byObjectType.get(reference.objectType);
  if (target === undefined || reference.scimId === undefined) return undefined;
  return {
    scimId: reference.scimId,
    endpoint: target.configuration.endpoint,
    resourceType: target.configuration.resourceType,
    display: displayOf(target, reference.body),
  };
}

/** The attributes by which groups hold entries of a type: `members` of whatever is a Group. */
export function groupReferences(face: ScimFace, objectType: string): readonly { readonly objectType: string; readonly attribute: string }[] {
  return [...face.byObjectType.values()]
    .filter((model) => model.configuration.resourceType === 'Group')
    .flatMap((model) =>
      model.deferred
        .filter((binding) => binding.attribute === 'members' && (binding.source.referenceTypes?.includes(objectType) ?? true))
        .map((binding) => ({ objectType: model.objectType.name, attribute: binding.source.name })),
    );
}

/** Lists resources (RFC 7644 §3.4.2). @throws ScimError 400, 503. */
export async function listResources(face: ScimFace, model: ResourceModel, context: RequestContext, query: ListQuery): Promise<ScimAnswer> {
  const profile = profileOf(context.profile);
  const projection = parseProjection(query.attributes, query.excludedAttributes, model.resourceType);
  const filter = query.filter === undefined ? undefined : resolveFilter(parseFilter(query.filter, profile), model.resourceType, { strict: profile.strict });
  const mapped =
    filter === undefined
      ? undefined
      : await mapFilter(filter, model, {
          client: context.client,
          entryOf: (id) => entryOf(face, id),
          groupReferences: groupReferences(face, model.objectType.name),
        });
  const sort = query.sortBy === undefined ? undefined : sortOf(query, model);
  refuseUndecided(face, model, mapped);
  const page =
    (filter === undefined || mapped !== undefined) && sort !== 'unmapped'
      ? await queryStore(face, model, query, mapped, sort)
      : await scanResources(face, model, context, query, filter, mapped);
  const resources = await renderRows(face, model, page.rows, context, projection);
  return {
    status: 200,
    body: formatListResponse(
      resources.map((resource) => JSON.stringify(resource)),
      { totalResults: page.total ?? page.rows.length, startIndex: query.startIndex },
    ),
  };
}

async function entryOf(face: ScimFace, scimId: string): Promise<number | undefined> {
  return (await face.reader.readResource(scimId))?.id;
}

async function queryStore(
  face: ScimFace,
  model: ResourceModel,
  query: ListQuery,
  filter: StoreFilter | undefined,
  sort: EntryQuery['sort'] | undefined,
): Promise<EntryPage> {
  try {
    return await face.reader.query({
      objectType: model.objectType.name,
      ...(filter === undefined ? {} : { filter }),
      ...(sort === undefined ? {} : { sort }),
      offset: query.startIndex - 1,
      limit: query.count,
      total: true,
      scanLimit: face.configuration.limits.scanEntries,
    });
  } catch (error) {
    if (error instanceof ScanLimitError) throw scimErrors.tooMany(`${error.message}; filter by an attribute with an index, or declare one as queryable`);
    throw error;
  }
}

/** The store's form of a sort; `unmapped` when only rendered resources can be compared. */
function sortOf(query: ListQuery, model: ResourceModel): EntryQuery['sort'] | 'unmapped' {
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
  return { by: { attribute: binding.source.name }, descending };
}

function resolveSort(text: string, model: ResourceModel): ResolvedPath {
  const path = parseAttributePath(text);
  const resolved = path === undefined ? undefined : resolvePath(model.resourceType, path);
  if (resolved === undefined) throw scimErrors.invalidValue(`"sortBy" names no attribute: "${text.slice(0, 100)}".`);
  if (resolved.attribute.definition.type !== 'complex' || resolved.sub !== undefined) return resolved;
  const value = resolved.attribute.subAttributes.get('value');
  if (value === undefined)
    throw scimErrors.invalidValue(
      `"sortBy" needs a part of "${text.slice(0, 100)}", such as ${text.slice(0, 100)}.${resolved.attribute.definition.subAttributes?.[0]?.name ?? 'value'}.`,
    );
  return { attribute: resolved.attribute, sub: value };
}

/** What the store cannot express is decided on rendered resources, a page at a time and up to the limit (S-096). */
async function scanResources(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  query: ListQuery,
  filter: ResolvedFilter | undefined,
  mapped: StoreFilter | undefined,
): Promise<EntryPage> {
  const objectType = model.objectType.name;
  const limit = face.configuration.limits.scanEntries;
  if ((await face.reader.countEntries(objectType)) > limit)
    throw scimErrors.tooMany(`The request would look at more than ${limit} resources; use a filter and sort that the application can answer.`);
  const everything = parseProjection(undefined, undefined, model.resourceType);
  const path = query.sortBy === undefined ? undefined : resolveSort(query.sortBy, model);
  const found: { row: EntryRow; key: unknown }[] = [];
  for (let after = 0; ; ) {
    const { rows } = await face.reader.query({
      objectType,
      after,
      limit: PAGE,
      total: false,
      scanLimit: limit,
      ...(mapped === undefined ? {} : { filter: mapped }),
    });
    const resources = await renderRows(face, model, rows, context, everything);
    resources.forEach((resource, index) => {
      const row = rows[index];
      if (row !== undefined && (filter === undefined || mapped !== undefined || matchesFilter(filter, resource)))
        found.push({ row, key: path === undefined ? undefined : sortKey(resource, path) });
    });
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.id ?? 0;
    // Let other requests have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (path !== undefined)
    found.sort((left, right) => orderKeys(path, left.key, right.key) * (query.sortOrder === 'descending' ? -1 : 1) || left.row.id - right.row.id);
  return { rows: found.slice(query.startIndex - 1, query.startIndex - 1 + query.count).map((one) => one.row), total: found.length };
}

/** The primary value of a multi-valued attribute, else its first (S-104). */
function sortKey(resource: ScimResource, path: ResolvedPath): unknown {
  const values = listValues(resource, path);
  if (path.sub === undefined || !path.attribute.definition.multiValued) return values[0];
  const elements = listValues(resource, { attribute: path.attribute, sub: undefined }) as readonly Readonly<Record<string, unknown>>[];
  const preferred = elements.find((element) => element['primary'] === true) ?? elements[0];
  return preferred?.[path.sub.definition.name];
}

/** Values before none (S-103). */
function orderKeys(path: ResolvedPath, left: unknown, right: unknown): number {
  if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? 1 : -1;
  return orderValues((path.sub ?? path.attribute).definition, left, right);
}

/** A list that a create in doubt could be part of is not answered without it (R14). @throws ScimError 503. */
function refuseUndecided(face: ScimFace, model: ResourceModel, filter: StoreFilter | undefined): void {
  for (const write of face.writes.settlement.inDoubt.values()) {
    if (write.kind !== 'add' || write.objectType !== model.objectType.name) continue;
    const attributes: Record<string, unknown> = {};
    for (const step of write.steps) if (step.call === 'put') Object.assign(attributes, step.effect.set);
    if (filter === undefined || couldMatch(filter, attributes as Parameters<typeof matchesEntry>[1]))
      throw undecided('a create that this list may have to show is not decided yet');
  }
}

function couldMatch(filter: StoreFilter, attributes: Parameters<typeof matchesEntry>[1]): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.filters.every((part) => couldMatch(part, attributes));
    case 'or':
      return filter.filters.some((part) => couldMatch(part, attributes));
    case 'present':
    case 'compare':
      return matchesEntry(filter, attributes);
    // What the host keeps of the resource, and negations of unknown things, may go either way; an id it has not yet.
    case 'resource':
      return filter.field !== 'id';
    default:
      return filter.kind === 'not';
  }
}
