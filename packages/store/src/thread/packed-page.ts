import type { ImportedEntry, ImportedReferences } from '../connector-store.ts';
import type { StoreRequest } from './store-messages.ts';

/**
 * A page on its way from the connector's thread to the store's. Between threads every object is written property by property and
 * every string of a list by itself: columns of strings, and a set of thousands of references as one text, take a fraction of that.
 * The values of a set are read when somebody asks for them: for a group that did not change, its hash is enough.
 */
interface PackedPage {
  readonly objectTypes: readonly string[];
  /** For each entry the index of its object type. */
  readonly types: Uint16Array;
  readonly anchors: readonly string[];
  readonly dns: readonly (string | undefined)[] | undefined;
  readonly bodies: readonly string[];
  readonly hashes: readonly string[];
  readonly references: {
    /** For each set the index of its entry, ascending. */
    readonly entries: Uint16Array;
    readonly attributes: readonly string[];
    readonly hashes: readonly string[];
    /** The values as JSON text, and their number. */
    readonly values: readonly string[];
    readonly sizes: Uint32Array;
  };
}

type PutEntry = Extract<ImportedEntry, { op: 'put' }>;

/** More entries than an index can name go as they are. */
const MOST = 65_536;

/** Packs a page of whole objects; another page stays as it is. */
export function packPage(entries: readonly ImportedEntry[]): PackedPage | readonly ImportedEntry[] {
  if (entries.length > MOST || !entries.every((entry): entry is PutEntry => entry.op === 'put')) return entries;
  const objectTypes = [...new Set(entries.map((entry) => entry.objectType))];
  const sets = entries.flatMap((entry, index) => entry.references.map((set) => ({ ...set, index })));
  return {
    objectTypes,
    types: Uint16Array.from(entries, (entry) => objectTypes.indexOf(entry.objectType)),
    anchors: entries.map((entry) => entry.anchor),
    dns: entries.every((entry) => entry.dn === undefined) ? undefined : entries.map((entry) => entry.dn),
    bodies: entries.map((entry) => entry.body),
    hashes: entries.map((entry) => entry.hash),
    references: {
      entries: Uint16Array.from(sets, (set) => set.index),
      attributes: sets.map((set) => set.attribute),
      hashes: sets.map((set) => set.hash),
      values: sets.map((set) => JSON.stringify(set.values)),
      sizes: Uint32Array.from(sets, (set) => set.values.length),
    },
  };
}

/** A request as the commands take it: with its page unpacked. */
export function unpackRequest(request: StoreRequest): StoreRequest {
  const [stepId, page] = request.values;
  if (request.command !== 'applyPage' || Array.isArray(page)) return request;
  return { ...request, values: [stepId, unpackPage(page as PackedPage)] };
}

function unpackPage({ objectTypes, types, anchors, dns, bodies, hashes, references }: PackedPage): readonly PutEntry[] {
  const sets = new Map<number, ImportedReferences[]>();
  references.entries.forEach((entry, index) => {
    const ofEntry = sets.get(entry) ?? [];
    sets.set(entry, ofEntry);
    const packed = { text: references.values[index] ?? '[]', size: references.sizes[index] ?? 0 };
    ofEntry.push(unpackSet(references.attributes[index] ?? '', references.hashes[index] ?? '', packed));
  });
  return anchors.map((anchor, index): PutEntry => {
    const dn = dns?.[index];
    return {
      op: 'put',
      objectType: objectTypes[types[index] ?? 0] ?? '',
      anchor,
      ...(dn === undefined ? {} : { dn }),
      body: bodies[index] ?? '',
      hash: hashes[index] ?? '',
      references: sets.get(index) ?? [],
    };
  });
}

function unpackSet(attribute: string, hash: string, packed: NonNullable<ImportedReferences['packed']>): ImportedReferences {
  let values: readonly string[] | undefined;
  return {
    attribute,
    hash,
    get values() {
      values ??= JSON.parse(packed.text) as readonly string[];
      return values;
    },
    packed,
  };
}
