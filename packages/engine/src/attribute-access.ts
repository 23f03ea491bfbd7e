import { type ListQuery, type Projection, parseProjection, type ResolvedFilter, type ScimResource, scimErrors } from '@landbridge/scim';
import type { RequestContext } from './host.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { resolveSort } from './scim-sort.ts';

/**
 * What a credential may see and change where it is limited to some attributes (S-225, SEC-09).
 *
 * 1. Answers have these alone, and what every answer has (`id`, `schemas`, `meta`); `schemas` names the extensions of which something is seen.
 * 2. A filter or a sort by another one is refused: what cannot be seen cannot be found out by asking.
 * 3. A write that would change another one is refused as a whole. What a PUT leaves out stays: it was not for the client to say.
 */

type Json = Readonly<Record<string, unknown>>;

/** Every resource has these, and nobody writes them. */
const COMMON = new Set(['id', 'schemas', 'meta']);

function isAllowed(context: RequestContext, name: string, extension?: string): boolean {
  const { attributes } = context;
  if (attributes === undefined) return true;
  const plain = name.toLowerCase();
  if (extension === undefined) return COMMON.has(plain) || attributes.includes(plain);
  const urn = extension.toLowerCase();
  return attributes.includes(urn) || attributes.includes(`${urn}:${plain}`);
}

/** The model of a type that the credential may use. @throws ScimError 403. */
export function requireType(model: ResourceModel, context: RequestContext): ResourceModel {
  if (mayUse(model, context)) return model;
  throw scimErrors.forbidden(
    `This credential may not use ${model.configuration.endpoint}; it may use resources of the type ${context.resourceTypes?.join(', ') ?? ''}.`,
  );
}

/** Whether the credential may use a type. */
export function mayUse(model: ResourceModel, { resourceTypes }: RequestContext): boolean {
  return resourceTypes === undefined || resourceTypes.includes(model.configuration.resourceType);
}

/** What an answer to this credential holds. @throws ScimError 400 for a projection that contradicts itself. */
export function projectionFor(context: RequestContext, attributes: string | undefined, excluded: string | undefined, model: ResourceModel): Projection {
  const asked = parseProjection(attributes, excluded, model.resourceType);
  if (context.attributes === undefined) return asked;
  const allowed = (qualified: string): boolean => {
    const colon = qualified.lastIndexOf(':');
    return colon === -1 ? isAllowed(context, qualified) : isAllowed(context, qualified.slice(colon + 1), qualified.slice(0, colon));
  };
  return {
    isDefault: false,
    wants: (name) => asked.wants(name) && allowed(name),
    names: (name) => asked.names(name) && allowed(name),
    project: (resource) => keepAllowed(context, model, asked.project(resource), resource),
  };
}

function keepAllowed(context: RequestContext, model: ResourceModel, resource: ScimResource, whole: ScimResource): ScimResource {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(resource)) {
    const extension = model.resourceType.extensions.get(key.toLowerCase());
    if (key === 'schemas') {
      const isSeen = (urn: string): boolean => Object.keys((whole[urn] ?? {}) as Json).some((name) => isAllowed(context, name, urn));
      result[key] = (value as readonly string[]).filter((urn) => !model.resourceType.extensions.has(urn.toLowerCase()) || isSeen(urn));
    } else if (extension === undefined) {
      if (isAllowed(context, key)) result[key] = value;
      continue;
    }
    const inner = Object.fromEntries(Object.entries(value as Json).filter(([name]) => isAllowed(context, name, key)));
    if (Object.keys(inner).length > 0) result[key] = inner;
  }
  return result;
}

/** @throws ScimError 403 for a list by attributes that the credential may not see. */
export function refuseHiddenQuery(context: RequestContext, model: ResourceModel, query: ListQuery, filter: ResolvedFilter | undefined): void {
  if (context.attributes === undefined) return;
  const look = (part: ResolvedFilter): void => {
    if ('filters' in part) for (const inner of part.filters) look(inner);
    else if (part.kind === 'not') look(part.filter);
    else refuse(part.kind === 'element' ? part.attribute : part.path.attribute);
  };
  const refuse = ({ definition, extension }: { readonly definition: { readonly name: string }; readonly extension?: string | undefined }): void => {
    // Which extensions a resource has says that what cannot be seen has a value.
    if (!isAllowed(context, definition.name, extension) || (extension === undefined && definition.name === 'schemas'))
      throw scimErrors.forbidden(`This credential may not see "${definition.name}".`);
  };
  if (filter !== undefined) look(filter);
  if (query.sortBy !== undefined) refuse(resolveSort(query.sortBy, model).attribute);
}

/** @throws ScimError 403 for a new resource with attributes that the credential may not write. */
export function refuseHiddenCreate(context: RequestContext, model: ResourceModel, resource: ScimResource): void {
  if (context.attributes === undefined) return;
  for (const [name, extension] of namesOf(model, resource)) if (!isAllowed(context, name, extension)) throw forbiddenWrite(name);
}

/**
 * What becomes of a resource that this credential changes: what it may not write stays as it is.
 *
 * @param named what the request itself has of a whole resource (PUT); absent for a PATCH, where every difference was asked for.
 * @throws ScimError 403 for a change of an attribute that it may not write.
 */
export function refuseHiddenChange(
  context: RequestContext,
  model: ResourceModel,
  current: ScimResource,
  next: ScimResource,
  deferred: readonly { readonly attribute: string }[],
  named?: ScimResource,
): ScimResource {
  if (context.attributes === undefined) return next;
  for (const { attribute } of deferred) if (!isAllowed(context, attribute)) throw forbiddenWrite(attribute);
  const result: Record<string, unknown> = { ...next };
  for (const [name, extension] of [...namesOf(model, next), ...namesOf(model, current)]) {
    if (isAllowed(context, name, extension)) continue;
    const [before, after] = [cellOf(current, name, extension), cellOf(next, name, extension)];
    if (JSON.stringify(before) === JSON.stringify(after)) continue;
    if (named === undefined || cellOf(named, name, extension) !== undefined) throw forbiddenWrite(name);
    if (extension === undefined) result[name] = before;
    else result[extension] = { ...((result[extension] ?? {}) as Json), [name]: before };
  }
  return result;
}

const forbiddenWrite = (name: string) => scimErrors.forbidden(`This credential may not write "${name}".`);

function* namesOf(model: ResourceModel, resource: ScimResource): Generator<readonly [name: string, extension: string | undefined]> {
  for (const [key, value] of Object.entries(resource))
    if (model.resourceType.extensions.has(key.toLowerCase())) for (const name of Object.keys((value ?? {}) as Json)) yield [name, key];
    else yield [key, undefined];
}

function cellOf(resource: ScimResource, name: string, extension: string | undefined): unknown {
  return extension === undefined ? resource[name] : (resource[extension] as Json | undefined)?.[name];
}
