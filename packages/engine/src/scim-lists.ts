import { formatListResponse, type ListQuery, type Projection, parseFilter, profileOf, type ResolvedFilter, resolveFilter, scimErrors } from '@landbridge/scim';
import { type EntryPage, type EntryQuery, ScanLimitError, type StoreFilter } from '@landbridge/store';
import { mayUse, projectionFor, refuseHiddenQuery } from './attribute-access.ts';
import type { RequestContext, ScimAnswer } from './host.ts';
import { mapFilter } from './resources/filter-mapping.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import type { WalkPosition } from './scim-cursor.ts';
import type { ScimFace } from './scim-face.ts';
import { groupReferences, membersOf } from './scim-groups.ts';
import { refuseUndecided, renderTexts, singleReferences } from './scim-reads.ts';
import { findByScan } from './scim-scans.ts';
import { sortOf } from './scim-sort.ts';

/** A list request over one resource type, understood. */
interface Prepared {
  readonly model: ResourceModel;
  readonly query: ListQuery;
  readonly filter: ResolvedFilter | undefined;
  /** The filter in the store's terms; absent: no filter, or one that is decided on rendered resources. */
  readonly mapped: StoreFilter | undefined;
  readonly projection: Projection;
  readonly sort: EntryQuery['sort'] | 'unmapped' | undefined;
}

/** Which part of a list is wanted. */
interface Window {
  readonly after?: number;
  readonly offset: number;
  readonly limit: number;
  readonly total: boolean;
}

/** Lists the resources of one type (RFC 7644 §3.4.2). @throws ScimError 400, 503. */
export function listResources(face: ScimFace, model: ResourceModel, context: RequestContext, query: ListQuery): Promise<ScimAnswer> {
  return query.cursor === undefined ? listByIndex(face, [model], context, query) : walk(face, [model], context, query, model.configuration.endpoint);
}

/**
 * Lists resources of every type (S-196), one type after the other. A name that one of them does not have has no value there
 * (S-097).
 *
 * @throws ScimError 501 for a sort: what types have in common is not what one sorts by.
 */
export async function listEverything(face: ScimFace, context: RequestContext, query: ListQuery): Promise<ScimAnswer> {
  if (query.sortBy !== undefined) throw scimErrors.notImplemented('A search over all resource types cannot be sorted; ask the endpoint of one type.');
  const models = [...face.models.values()].filter((model) => mayUse(model, context));
  return query.cursor === undefined ? listByIndex(face, models, context, query) : walk(face, models, context, query, '/');
}

async function listByIndex(face: ScimFace, models: readonly ResourceModel[], context: RequestContext, query: ListQuery): Promise<ScimAnswer> {
  const texts: string[] = [];
  let total = 0;
  for (const model of models) {
    const prepared = await prepare(face, model, context, query, models.length > 1);
    const limit = query.count - texts.length;
    const page = await readWindow(face, context, prepared, { offset: Math.max(0, query.startIndex - 1 - total), limit, total: true });
    total += page.total ?? page.rows.length;
    if (page.rows.length > 0) texts.push(...(await renderTexts(face, model, page.rows, context, prepared.projection)));
  }
  return { status: 200, body: formatListResponse(texts, { totalResults: total, startIndex: query.startIndex }) };
}

/** A page of a walk by cursor (RFC 9865). Totals are told where they cost nothing: without a filter (S-118). */
async function walk(face: ScimFace, models: readonly ResourceModel[], context: RequestContext, query: ListQuery, endpoint: string): Promise<ScimAnswer> {
  const scope = JSON.stringify([context.baseUrl.replace(/^[a-z]+:\/\/[^/]*/i, ''), context.client, context.profile, endpoint]);
  const begun = query.cursor === '' ? { position: { type: 0 } as WalkPosition, count: query.count } : face.cursors.read(query, scope);
  const { count } = begun;
  let { position } = begun;
  let next: WalkPosition | undefined;
  const texts: string[] = [];
  let total: number | undefined = 0;
  for (const [type, model] of models.entries()) {
    const prepared = await prepare(face, model, context, query, models.length > 1);
    const free = prepared.filter === undefined;
    if (type < position.type || (next !== undefined && free)) {
      total = free && total !== undefined ? total + (await face.reader.countEntries(model.objectType.name)) : undefined;
      continue;
    }
    if (next !== undefined) break;
    const byEntry = prepared.sort === undefined && (free || prepared.mapped !== undefined);
    const offset = position.offset ?? 0;
    const left = count - texts.length;
    // One more than the page holds says whether another page follows.
    const page = await readWindow(face, context, prepared, {
      offset: byEntry ? 0 : offset,
      ...(byEntry ? { after: position.after ?? 0 } : {}),
      limit: left === 0 && count === 0 ? 0 : left + 1,
      total: free || count === 0,
    });
    total = page.total === undefined || total === undefined ? undefined : total + page.total;
    const rows = page.rows.slice(0, left);
    if (rows.length > 0) texts.push(...(await renderTexts(face, model, rows, context, prepared.projection)));
    if (page.rows.length > left) next = { type, ...(byEntry ? { after: rows.at(-1)?.id ?? position.after ?? 0 } : { offset: offset + rows.length }) };
    position = { type: type + 1 };
  }
  const nextCursor = next === undefined ? undefined : face.cursors.make(query, scope, { position: next, count });
  return { status: 200, body: formatListResponse(texts, { totalResults: total, ...(nextCursor === undefined ? {} : { nextCursor }) }) };
}

async function prepare(face: ScimFace, model: ResourceModel, context: RequestContext, query: ListQuery, severalTypes: boolean): Promise<Prepared> {
  const profile = profileOf(context.profile);
  const filter =
    query.filter === undefined
      ? undefined
      : resolveFilter(parseFilter(query.filter, profile), model.resourceType, {
          strict: profile.strict && !severalTypes,
          lenientLiterals: profile.lenientLiterals,
        });
  refuseHiddenQuery(context, model, query, filter);
  const mapped =
    filter === undefined
      ? undefined
      : await mapFilter(filter, model, {
          client: context.client,
          entryOf: async (id) => (await face.reader.readResource(id))?.id,
          groupReferences: groupReferences(face, model.objectType.name),
          keepsActivity: face.configuration.deprovisioning.disable.action !== 'map',
          membersOf: (groupId) => membersOf(face, model.objectType.name, groupId),
        });
  refuseUndecided(face, model, mapped);
  // A projection that contradicts itself is an error on an empty page too (S-122).
  const projection = projectionFor(context, query.attributes, query.excludedAttributes, model);
  return { model, query, filter, mapped, projection, sort: query.sortBy === undefined ? undefined : sortOf(query, model) };
}

async function readWindow(face: ScimFace, context: RequestContext, prepared: Prepared, window: Window): Promise<EntryPage> {
  const { sort } = prepared;
  if (sort === 'unmapped' || (prepared.filter !== undefined && prepared.mapped === undefined)) return findByScan(face, context, prepared, window);
  try {
    return await face.reader.query({
      objectType: prepared.model.objectType.name,
      ...(prepared.mapped === undefined ? {} : { filter: prepared.mapped }),
      ...(sort === undefined ? {} : { sort }),
      ...(window.after === undefined ? {} : { after: window.after }),
      offset: window.offset,
      limit: window.limit,
      total: window.total,
      scanLimit: face.configuration.limits.scanEntries,
      referring: singleReferences(prepared.model, prepared.projection),
    });
  } catch (error) {
    if (error instanceof ScanLimitError) throw scimErrors.tooMany(`${error.message}; filter by an attribute with an index, or declare one as queryable`);
    throw error;
  }
}
