import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { EntryEffect, EventKind, EventResult, EventRow, IntentEvents } from '../connector-store.ts';
import type { StoredModel } from './stored-model.ts';

/** An event as its change knows it. */
export interface Announcement {
  readonly at: number;
  readonly kinds: readonly EventKind[];
  readonly otype: number;
  readonly scimId: string | null;
  readonly attributes: readonly string[];
  readonly transaction: string;
  readonly result?: EventResult;
}

/** How a journal row ended. */
export interface WriteEnd {
  readonly applied: boolean;
  readonly error?: string;
  readonly at: number;
}

/** The events of a journal row that ended. */
export function toAnnouncements(journal: Readonly<Record<string, unknown>>, scimId: string | null, outcome: WriteEnd): readonly Announcement[] {
  const events = JSON.parse(String(journal['events'])) as IntentEvents;
  const effect = JSON.parse(String(journal['effect'])) as EntryEffect;
  const about = { at: outcome.at, otype: Number(journal['otype']), scimId, transaction: String(journal['correlation']) };
  const attributes = [...Object.keys(effect.set), ...effect.unset, ...effect.references.map((delta) => delta.attribute)];
  const result = { method: String(journal['method']), applied: outcome.applied, ...(outcome.error === undefined ? {} : { error: outcome.error }) };
  return [
    ...(outcome.applied ? [{ ...about, kinds: events.kinds, attributes }] : []),
    ...(events.async ? [{ ...about, kinds: ['asyncresp'] as const, attributes: [], result }] : []),
  ];
}

/** Names of the attributes that an import changes: from the body as it was and the hashes of its reference sets. */
export function changedByImport(
  before: string,
  after: EncodedAttributes,
  entry: { readonly references: readonly { readonly attribute: string; readonly hash: string }[] },
  knownSets: string | null,
): readonly string[] {
  const old = JSON.parse(before) as EncodedAttributes;
  const sets = knownSets === null ? {} : (JSON.parse(knownSets) as Record<string, string>);
  const names = new Set([...Object.keys(old), ...Object.keys(after)].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(after[name])));
  for (const { attribute, hash } of entry.references) if (sets[attribute] !== hash) names.add(attribute);
  return [...names];
}

/** An event from a database row, of whichever engine. */
export function toEventRow(model: StoredModel, row: Readonly<Record<string, unknown>>): EventRow {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    kinds: JSON.parse(String(row['kinds'])) as readonly EventKind[],
    objectType: model.typesById.get(Number(row['otype']))?.name ?? '',
    scimId: row['scim_id'] === null ? undefined : String(row['scim_id']),
    attributes: JSON.parse(String(row['attributes'])) as readonly string[],
    transaction: String(row['txn']),
    result: row['result'] === null ? undefined : (JSON.parse(String(row['result'])) as EventResult),
  };
}
