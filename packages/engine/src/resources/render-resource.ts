import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { ScimResource } from '@landbridge/scim';
import type { EntryRow } from '@landbridge/store';
import { shownId } from '../linked-ids.ts';
import type { Binding } from './binding.ts';
import { valueIn } from './body-text.ts';
import type { ResourceModel } from './resource-model.ts';

/** A reference of an entry, resolved to a resource. */
export interface ResolvedReference {
  readonly scimId: string;
  readonly endpoint: string;
  readonly resourceType: string;
  readonly display: string | undefined;
}

/** A group of a resource: it is a member itself, or through another group (S-074). */
export interface ResolvedGroup extends ResolvedReference {
  readonly isDirect: boolean;
}

/** What a rendering needs beside the row. */
export interface RenderContext {
  readonly baseUrl: string;
  readonly client: string;
  /** Resolved references by attribute of the application. Absent: the attribute is left out (not loaded). */
  readonly references: ReadonlyMap<string, readonly ResolvedReference[]>;
  /** The groups of a person, when asked for. */
  readonly groups?: readonly ResolvedGroup[];
}

type Json = Record<string, unknown>;

/** Renders an entry as a SCIM resource, complete; projection comes after. */
export function renderResource(model: ResourceModel, row: EntryRow, context: RenderContext): ScimResource {
  const attributes = JSON.parse(row.body) as EncodedAttributes;
  return renderAttributes(model, attributes, row, context);
}

/** The ETag of a row: weak, because projections differ by request (RFC 7644 §3.14). */
export function versionOf(row: Pick<EntryRow, 'version'>): string {
  return `W/"${row.version}"`;
}

/** The absolute URI of a resource. */
export function locationOf(baseUrl: string, endpoint: string, scimId: string): string {
  return `${baseUrl}/${endpoint}/${encodeURIComponent(scimId)}`;
}

function renderAttributes(model: ResourceModel, attributes: EncodedAttributes, row: EntryRow, context: RenderContext): ScimResource {
  const { configuration, resourceType } = model;
  const resource: Json = { schemas: [resourceType.definition.schema.id], id: shownId(model, row) };
  const externalId = row.link?.externalIds[context.client];
  if (externalId !== undefined && model.externalIdBinding === undefined) resource['externalId'] = externalId;
  for (const binding of model.bindings) renderBinding(resource, binding, attributes, context);
  for (const { kind, extension, definition } of model.hosted)
    if (kind === 'distinguished-name' && row.dn !== undefined) containerNamed(resource, extension)[definition.name] = row.dn;
  if (configuration.resourceType === 'User') {
    const inactive = isInactive(row);
    if (inactive || resource['active'] === undefined) resource['active'] = !inactive;
  }
  if (context.groups !== undefined && context.groups.length > 0) {
    resource['groups'] = context.groups.map((group) => ({
      value: group.scimId,
      $ref: locationOf(context.baseUrl, group.endpoint, group.scimId),
      ...(group.display === undefined ? {} : { display: group.display }),
      type: group.isDirect ? 'direct' : 'indirect',
    }));
  }
  resource['meta'] = {
    resourceType: configuration.resourceType,
    created: isoTime(row.created),
    lastModified: isoTime(row.modified),
    location: locationOf(context.baseUrl, configuration.endpoint, shownId(model, row)),
    version: versionOf(row),
  };
  return resource as ScimResource;
}

function renderBinding(resource: Json, binding: Binding, attributes: EncodedAttributes, context: RenderContext): void {
  if (binding.source.type === 'reference') return renderReferences(resource, binding, context);
  const value = attributes[binding.source.name];
  if (value === undefined || binding.source.direction === 'export-only') return;
  const container = containerOf(resource, binding);
  const { convert } = binding;
  switch (binding.shape) {
    case 'single':
      if (binding.sub === undefined) container[binding.attribute] = convert.toScim(value as EncodedValue);
      else child(container, binding.attribute)[binding.sub] = convert.toScim(value as EncodedValue);
      return;
    case 'element':
      elementOf(container, binding)[binding.sub ?? 'value'] = convert.toScim(value as EncodedValue);
      return;
    case 'values': {
      const values = (Array.isArray(value) ? value : [value]) as readonly EncodedValue[];
      container[binding.attribute] = values.map((one) => (binding.sub === undefined ? convert.toScim(one) : { [binding.sub]: convert.toScim(one) }));
      return;
    }
    default:
      return;
  }
}

function renderReferences(resource: Json, binding: Binding, context: RenderContext): void {
  const targets = context.references.get(binding.source.name);
  if (targets === undefined || targets.length === 0) return;
  const rendered = targets.map((target) => renderReference(binding, target, context.baseUrl));
  containerOf(resource, binding)[binding.attribute] = binding.shape === 'references' ? rendered : rendered[0];
}

/** A reference as a value of the SCIM attribute that shows it. */
export function renderReference(binding: Binding, target: ResolvedReference, baseUrl: string): Readonly<Record<string, string>> {
  return {
    value: target.scimId,
    $ref: locationOf(baseUrl, target.endpoint, target.scimId),
    ...(binding.shape === 'references' ? { type: target.resourceType, ...(target.display === undefined ? {} : { display: target.display }) } : {}),
    ...(binding.shape === 'reference' && target.display !== undefined && binding.attribute === 'manager' ? { displayName: target.display } : {}),
  };
}

/** The object that holds the attribute: the resource, or its extension, whose URN joins `schemas` (S-024). */
function containerOf(resource: Json, binding: Binding): Json {
  return containerNamed(resource, binding.extension);
}

function containerNamed(resource: Json, extension: string | undefined): Json {
  if (extension === undefined) return resource;
  const known = resource[extension] as Json | undefined;
  if (known !== undefined) return known;
  const created: Json = {};
  resource[extension] = created;
  (resource['schemas'] as string[]).push(extension);
  return created;
}

function child(container: Json, name: string): Json {
  const known = container[name] as Json | undefined;
  if (known !== undefined) return known;
  const created: Json = {};
  container[name] = created;
  return created;
}

/** The element of a multi-valued attribute that has the fixed values; the first element is the primary one. */
function elementOf(container: Json, binding: Binding): Json {
  const elements = (container[binding.attribute] ?? []) as Json[];
  container[binding.attribute] = elements;
  const fixed = binding.fixed ?? {};
  const known = elements.find((element) => Object.entries(fixed).every(([name, value]) => element[name] === value));
  if (known !== undefined) return known;
  const created: Json = { ...fixed };
  if (elements.length === 0 && isPrimaryFirst(binding.attribute)) created['primary'] = true;
  elements.push(created);
  return created;
}

/** Attributes whose elements have `primary` (RFC 7643 §4.1.2). */
const PRIMARY = new Set(['emails', 'phoneNumbers', 'ims', 'photos', 'addresses', 'entitlements', 'roles', 'x509Certificates']);

/** Whether the host knows an entry to be disabled, whatever the application shows (R11). */
export function isInactive(row: EntryRow): boolean {
  return row.link?.state === 'disabled' || row.link?.shadow['active'] === false;
}

/** Whether the first element of an attribute is the primary one. */
export function isPrimaryFirst(attribute: string): boolean {
  return PRIMARY.has(attribute);
}

/** A time of an entry as SCIM writes it. One import gives thousands of entries the same one. */
export function isoTime(at: number): string {
  if (at !== lastTime.at) lastTime = { at, text: new Date(at).toISOString() };
  return lastTime.text;
}

let lastTime = { at: Number.NaN, text: '' };

/** The name by which people know an entry, for `display`: the mapped displayName, userName, or a formatted name. */
export function displayOf(model: ResourceModel, body: string | undefined): string | undefined {
  if (body === undefined || model.displayAttribute === undefined) return undefined;
  const value = valueIn(body, model.displayAttribute);
  return value === undefined ? undefined : String(value);
}
