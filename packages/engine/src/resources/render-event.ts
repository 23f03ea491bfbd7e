import type { EventKind, EventRow } from '@landbridge/store';
import type { ResourceEvent } from '../host.ts';
import { qualifiedName } from './binding.ts';
import type { ResourceModel } from './resource-model.ts';

const EVENT = 'urn:ietf:params:scim:event';

/** The URIs of events (RFC 9967 §2.3–2.5). Events name what changed and never carry values: `notice`, not `full`. */
export const eventUris = {
  create: `${EVENT}:prov:create:notice`,
  patch: `${EVENT}:prov:patch:notice`,
  put: `${EVENT}:prov:put:notice`,
  delete: `${EVENT}:prov:delete`,
  activate: `${EVENT}:prov:activate`,
  deactivate: `${EVENT}:prov:deactivate`,
  asyncresp: `${EVENT}:misc:asyncresp`,
} as const satisfies Record<EventKind, string>;

/** An event in SCIM terms. `model` is absent when its object type is not configured any more. */
export function renderEvent(row: EventRow, model: ResourceModel | undefined): ResourceEvent {
  const uri = model === undefined || row.scimId === undefined ? undefined : `/${model.configuration.endpoint}/${row.scimId}`;
  return {
    id: row.id,
    at: row.at,
    transaction: row.transaction,
    subject: uri === undefined || row.scimId === undefined ? undefined : { format: 'scim', uri, id: row.scimId },
    events: Object.fromEntries(row.kinds.map((kind) => [eventUris[kind], payload(kind, row, model, uri)])),
  };
}

function payload(kind: EventKind, row: EventRow, model: ResourceModel | undefined, uri: string | undefined): Readonly<Record<string, unknown>> {
  if (kind === 'asyncresp') return completion(row, uri);
  // Delete, activate and deactivate say all by their name.
  if (kind !== 'create' && kind !== 'patch' && kind !== 'put') return {};
  return { attributes: [...new Set(row.attributes.flatMap((name) => scimPaths(name, model)))] };
}

function completion(row: EventRow, uri: string | undefined): Readonly<Record<string, unknown>> {
  const { result } = row;
  if (result === undefined) return {};
  const status = result.applied ? (result.method === 'POST' ? 201 : result.method === 'DELETE' ? 204 : 200) : 400;
  return {
    method: result.method,
    status: String(status),
    ...(uri === undefined || !result.applied ? {} : { location: uri }),
    ...(result.error === undefined
      ? {}
      : { response: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail: result.error } }),
  };
}

/** What the host remembers beside the application, in the words of the store. */
const BESIDE: Readonly<Record<string, readonly string[]>> = { externalId: ['externalId'], shadow: ['active'], aliases: [], state: [] };

/** The SCIM attributes that show an attribute of the application. */
function scimPaths(name: string, model: ResourceModel | undefined): readonly string[] {
  const shown = (model?.bindings ?? []).filter((binding) => binding.source.name === name);
  if (shown.length === 0) return BESIDE[name] ?? [];
  return shown.map(qualifiedName);
}
