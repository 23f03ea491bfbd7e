import { formatAnchor } from '@landbridge/connector-sdk';
import type { EntryRow } from '@landbridge/store';
import type { ResourceModel } from './resources/resource-model.ts';
import type { ScimFace } from './scim-face.ts';

/**
 * Ids that clients have from another host (R32). The Entra ECMA Connector Host derived them from anchors, in ways that nobody
 * published; under the drop-in URL an id that is not known is therefore tried against the anchors, in the ways that the operator
 * allows. What fits exactly one entry becomes an alias, and the resource answers with that id from then on.
 */

/** How an id may hold an anchor: as it is, percent-encoded, in base64 of UTF-8 or UTF-16, or as `CN=<anchor>,OBJECT=<type>`. */
export const idDecoders = ['raw', 'url', 'base64', 'dn'] as const;
export type IdDecoder = (typeof idDecoders)[number];

/** The anchors that an id may mean, distinct, as the decoders read them. */
export function anchorCandidates(id: string, decoders: readonly IdDecoder[]): readonly string[] {
  const found = new Set<string>();
  for (const decoder of decoders) for (const text of DECODE[decoder](id)) if (text !== '' && !text.includes('\0')) found.add(text);
  return [...found];
}

const DECODE: Readonly<Record<IdDecoder, (id: string) => readonly string[]>> = {
  raw: (id) => [id],
  url(id) {
    try {
      return [decodeURIComponent(id)];
    } catch {
      // Not percent-encoded: there is nothing to decode.
      return [];
    }
  },
  base64(id) {
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(id)) return [];
    const bytes = Buffer.from(id, 'base64url');
    return [utf8(bytes), bytes.length % 2 === 0 ? bytes.toString('utf16le') : undefined].filter((text) => text !== undefined);
  },
  dn(id) {
    const value = /^\s*CN=((?:\\.|[^\\,])*)/i.exec(id)?.[1];
    return value === undefined ? [] : [value.replace(/\\(.)/g, '$1')];
  },
};

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The entry that an unknown id means, now linked to it; `undefined` where none or several fit. */
export async function linkUnknownId(face: ScimFace, model: ResourceModel, id: string): Promise<EntryRow | undefined> {
  const decoders = face.configuration.linkedIds ?? [];
  if (model.face !== 'drop-in' || decoders.length === 0 || id.length > 1000) return undefined;
  const rows = new Map<number, EntryRow>();
  for (const candidate of anchorCandidates(id, decoders)) {
    const row = await face.reader.readByAnchor(model.objectType.name, formatAnchor([candidate]));
    if (row !== undefined) rows.set(row.id, row);
  }
  const [row] = rows.values();
  if (row === undefined) return undefined;
  if (rows.size > 1) {
    face.log.warn({ objectType: model.objectType.name }, 'an id of another host fits several entries and was not linked');
    return undefined;
  }
  return link(face, model, row, id, 'drop-in');
}

async function link(face: ScimFace, model: ResourceModel, row: EntryRow, id: string, actor: string): Promise<EntryRow | undefined> {
  const at = face.now();
  await face.store.commitLinkChanges([
    {
      scimId: row.scimId,
      change: { aliases: [id] },
      audit: { at, actor, action: 'link-id', objectType: model.objectType.name, resource: row.scimId, attributes: ['id'], result: 'applied', correlation: '' },
      at,
    },
  ]);
  const linked = await face.reader.readResource(id);
  return linked?.id === row.id ? linked : undefined;
}

/** A line of a list of ids from another host. */
export interface ForeignId {
  readonly id: string;
  /** The anchor of the entry that it means. */
  readonly anchor: string;
  /** Needed where the connector has several object types. */
  readonly objectType?: string;
}

/** What became of one: `linked` now, known `already`, no such `unknown-anchor`, or `taken` by another entry. */
export type ForeignIdOutcome = 'linked' | 'already' | 'unknown-anchor' | 'taken' | 'unlinked';

/** Links ids of another host to entries, or with `verify` only says what they come to. In order. */
export async function linkForeignIds(
  face: ScimFace,
  ids: readonly ForeignId[],
  options: { readonly verify: boolean; readonly actor: string },
): Promise<readonly ForeignIdOutcome[]> {
  const outcomes: ForeignIdOutcome[] = [];
  for (const one of ids) {
    const models = [...face.byObjectType.values()].filter((model) => one.objectType === undefined || model.objectType.name === one.objectType);
    const known = await face.reader.readResource(one.id);
    let outcome: ForeignIdOutcome = 'unknown-anchor';
    for (const model of models) {
      const row = await face.reader.readByAnchor(model.objectType.name, one.anchor);
      if (row === undefined) continue;
      if (known !== undefined) outcome = known.id === row.id ? 'already' : 'taken';
      else if (options.verify) outcome = (await linksItself(face, model, row, one.id)) ? 'already' : 'unlinked';
      else outcome = (await link(face, model, row, one.id, options.actor)) === undefined ? 'taken' : 'linked';
      break;
    }
    outcomes.push(outcome);
  }
  return outcomes;
}

/** Whether a client that presents the id would be given the entry by the decoders. */
async function linksItself(face: ScimFace, model: ResourceModel, row: EntryRow, id: string): Promise<boolean> {
  const rows = new Set<number>();
  for (const candidate of anchorCandidates(id, face.configuration.linkedIds ?? [])) {
    const found = await face.reader.readByAnchor(model.objectType.name, formatAnchor([candidate]));
    if (found !== undefined) rows.add(found.id);
  }
  return rows.size === 1 && rows.has(row.id);
}

/** The id by which a resource answers: on the drop-in face the one that its client has had from the other host. */
export function shownId(model: Pick<ResourceModel, 'face'>, row: Pick<EntryRow, 'scimId' | 'link'>): string {
  return (model.face === 'drop-in' ? row.link?.aliases[0] : undefined) ?? row.scimId;
}
