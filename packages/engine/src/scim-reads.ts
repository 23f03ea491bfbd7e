import { matchesEntry } from '@landbridge/connector-sdk';
import { matchesVersion, type Projection, parseProjection, type ScimError, type ScimResource, scimErrors } from '@landbridge/scim';
import type { EntryRow, ReferenceRow, ResourceRow, StoreFilter } from '@landbridge/store';
import { projectionFor } from './attribute-access.ts';
import type { QueryParameters, RequestContext, ScimAnswer } from './host.ts';
import { linkUnknownId, shownId } from './linked-ids.ts';
import { referencePages } from './reference-pages.ts';
import { type Binding, qualifiedName } from './resources/binding.ts';
import {
  displayOf,
  locationOf,
  type RenderContext,
  type ResolvedGroup,
  type ResolvedReference,
  renderResource,
  versionOf,
} from './resources/render-resource.ts';
import { textRendererOf } from './resources/render-text.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { undecided } from './scim-errors.ts';
import { MEMBERS_IN_ANSWER, MEMBERS_SHOWN, type ScimFace } from './scim-face.ts';
import { groupsOf, type KnownGroups } from './scim-groups.ts';

/** Reads one resource. @throws ScimError 404, 400. */
export async function readResource(face: ScimFace, model: ResourceModel, context: RequestContext, id: string, query: QueryParameters): Promise<ScimAnswer> {
  const projection = projectionFor(context, query['attributes'], query['excludedAttributes'], model);
  const row = await requireRow(face, model, id, singleReferences(model, projection));
  const etag = versionOf(row);
  if (context.ifNoneMatch !== undefined && matchesVersion(context.ifNoneMatch, etag)) return { status: 304, etag };
  const [body] = await renderTexts(face, model, [row], context, projection);
  return {
    status: 200,
    ...(body === undefined ? {} : { body }),
    etag,
    location: locationOf(context.baseUrl, model.configuration.endpoint, shownId(model, row)),
  };
}

/** The row of a resource of this type, with what it refers to by single-valued attributes. @throws ScimError 404. */
export async function requireRow(face: ScimFace, model: ResourceModel, id: string, referring?: readonly string[]): Promise<ResourceRow> {
  const row = (await face.reader.readResource(id, referring)) ?? (await linkUnknownId(face, model, id));
  if (row === undefined || row.objectType !== model.objectType.name) throw scimErrors.notFound();
  return row;
}

/** Renders rows as JSON text. */
export async function renderTexts(
  face: ScimFace,
  model: ResourceModel,
  rows: readonly ResourceRow[],
  context: RequestContext,
  projection: Projection,
): Promise<readonly string[]> {
  const render = projection.isDefault && !wantsGroups(model, projection) ? textRendererOf(model) : undefined;
  if (render === undefined) return (await renderRows(face, model, rows, context, projection)).map((resource) => JSON.stringify(resource));
  const references = await loadReferences(face, model, rows, projection);
  return rows.map((row) => render(row, { baseUrl: context.baseUrl, client: context.client, references: references.get(row.id) ?? none }));
}

function wantsGroups(model: ResourceModel, projection: Projection): boolean {
  return model.configuration.resourceType === 'User' && projection.wants('groups');
}

/**
 * Renders rows, loading just the references that the projection wants: in one statement for all rows of a list.
 */
export async function renderRows(
  face: ScimFace,
  model: ResourceModel,
  rows: readonly ResourceRow[],
  context: RequestContext,
  projection: Projection,
): Promise<readonly ScimResource[]> {
  const references = await loadReferences(face, model, rows, projection);
  const withGroups = wantsGroups(model, projection);
  const known: KnownGroups = new Map();
  // All at once: a store behind a network reads them together.
  const groupsOfRows = withGroups ? await Promise.all(rows.map((row) => loadGroups(face, row, known))) : [];
  const rendered: ScimResource[] = [];
  for (const [index, row] of rows.entries()) {
    const groups = groupsOfRows[index];
    const renderContext: RenderContext = {
      baseUrl: context.baseUrl,
      client: context.client,
      references: references.get(row.id) ?? none,
      ...(groups === undefined ? {} : { groups }),
    };
    const resource = renderResource(model, row, renderContext);
    // Without a wish the rendering is the default set: nothing that is never returned was rendered.
    rendered.push(projection.isDefault && !model.hidesSome ? resource : projection.project(resource));
  }
  return rendered;
}

const shortProjections = new WeakMap<ResourceModel, Projection>();

/** Everything of a resource but its long lists. */
function shortProjection(model: ResourceModel): Projection {
  const known = shortProjections.get(model);
  if (known !== undefined) return known;
  const lists = model.deferred.map(qualifiedName);
  const made = parseProjection(undefined, lists.length === 0 ? undefined : lists.join(','), model.resourceType);
  shortProjections.set(model, made);
  return made;
}

/** A resource without its long lists. */
export async function renderAlone(face: ScimFace, model: ResourceModel, row: ResourceRow, context: RequestContext): Promise<ScimResource> {
  const [resource] = await renderRows(face, model, [row], context, shortProjection(model));
  if (resource === undefined) throw scimErrors.notFound();
  return resource;
}

/** The row of what {@link renderAlone} renders. @throws ScimError 404. */
export function requireAlone(face: ScimFace, model: ResourceModel, id: string): Promise<ResourceRow> {
  return requireRow(face, model, id, singleReferences(model, shortProjection(model)));
}

const none: ReadonlyMap<string, readonly ResolvedReference[]> = new Map();

/** The references that a projection wants. */
interface WantedReferences {
  /** The attributes of the application that refer to one other entry, and how the body of an entry names them. */
  readonly single: readonly string[];
  readonly quoted: readonly string[];
  readonly many: readonly Binding[];
}

const wantedByDefault = new WeakMap<ResourceModel, WantedReferences>();

/** Most requests have no wish, and what they get is the same for a model. */
function wantedReferences(model: ResourceModel, projection: Projection): WantedReferences {
  const known = projection.isDefault ? wantedByDefault.get(model) : undefined;
  if (known !== undefined) return known;
  const wanted = (shape: 'reference' | 'references'): readonly Binding[] =>
    model.bindings.filter((binding) => binding.source.type === 'reference' && binding.shape === shape && projection.wants(qualifiedName(binding)));
  const single = [...new Set(wanted('reference').map((binding) => binding.source.name))];
  const made = { single, quoted: single.map((name) => JSON.stringify(name)), many: wanted('references') };
  if (projection.isDefault) wantedByDefault.set(model, made);
  return made;
}

/** The attributes of the application that refer to one other entry, of those that a projection wants. */
export function singleReferences(model: ResourceModel, projection: Projection): readonly string[] {
  return wantedReferences(model, projection).single;
}

async function loadReferences(
  face: ScimFace,
  model: ResourceModel,
  rows: readonly ResourceRow[],
  projection: Projection,
): Promise<ReadonlyMap<number, Map<string, ResolvedReference[]>>> {
  const result = new Map<number, Map<string, ResolvedReference[]>>();
  const { single, quoted, many } = wantedReferences(model, projection);
  const targets = new Map<number, ResolvedReference | undefined>();
  const add = (entryId: number, attribute: string, reference: ReferenceRow): void => {
    const target = reference.entryId;
    const resolved = target !== undefined && targets.has(target) ? targets.get(target) : resolveRow(face, reference);
    if (target !== undefined) targets.set(target, resolved);
    if (resolved === undefined) return;
    const byAttribute = result.get(entryId) ?? new Map<string, ResolvedReference[]>();
    result.set(entryId, byAttribute);
    const list = byAttribute.get(attribute) ?? [];
    byAttribute.set(attribute, list);
    list.push(resolved);
  };
  if (single.length > 0) {
    // A row says itself whether it refers to anything at all: most lists need fewer look-ups than rows.
    const ids = rows.filter((row) => row.references === undefined && quoted.some((name) => row.body.includes(name))).map((row) => row.id);
    const known = rows.flatMap((row) => row.references ?? []);
    for (const reference of ids.length === 0 ? known : [...known, ...(await face.reader.readReferencesOf(ids, single))])
      add(reference.from, reference.attribute, reference);
  }
  let left: number = MEMBERS_IN_ANSWER;
  for (const binding of many) {
    const named = projection.names(qualifiedName(binding));
    for (const row of rows) {
      const most = named ? left : Math.min(left, MEMBERS_SHOWN);
      const members = await face.reader.countReferences(row.id, binding.source.name, most + 1);
      if (members > most) {
        if (named) throw tooManyMembers(model, row, binding.attribute);
        continue;
      }
      left -= members;
      for await (const page of referencePages(face.reader, row.id, binding.source.name))
        for (const reference of page) add(row.id, binding.source.name, reference);
    }
  }
  return result;
}

function tooManyMembers(model: ResourceModel, row: EntryRow, attribute: string): ScimError {
  const pages = attribute === 'members' ? `; read them in pages: /Users?filter=groups.value eq "${shownId(model, row)}"&cursor=` : '';
  return scimErrors.tooMany(`An answer has at most ${MEMBERS_IN_ANSWER} values of "${attribute}", and there are more${pages}.`);
}

/** The groups of an entry; none where there are more than can be shown (S-074). */
async function loadGroups(face: ScimFace, row: EntryRow, known: KnownGroups): Promise<readonly ResolvedGroup[]> {
  return ((await groupsOf(face, row, known)) ?? []).flatMap(({ group, isDirect }) => {
    const resolved = resolveRow(face, group);
    return resolved === undefined ? [] : [{ ...resolved, isDirect }];
  });
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

/** A list that a create in doubt could be part of is not answered without it (R14). @throws ScimError 503. */
export function refuseUndecided(face: ScimFace, model: ResourceModel, filter: StoreFilter | undefined): void {
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
