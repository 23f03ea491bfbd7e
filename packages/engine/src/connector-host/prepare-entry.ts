import { hash } from 'node:crypto';
import {
  type AttributeChange,
  type CompiledObjectType,
  ConnectorError,
  type EncodedAttributes,
  type EncodedValue,
  type EntryFilter,
  encodeAttributes,
  encodeValue,
  type ImportEntry,
  matchesEntry,
  readAnchor,
  type SchemaAttribute,
} from '@landbridge/connector-sdk';
import type { ImportedEntry, ImportedReferences } from '@landbridge/store';

/** An object type prepared for importing. */
export interface ImportType {
  readonly type: CompiledObjectType;
  /** Multi-valued references: they do not go into the body. */
  readonly sets: readonly SchemaAttribute[];
  /** Attributes that no import shows, whatever the connector brings (R8). */
  readonly exportOnly: ReadonlySet<string>;
  /** What satisfies it is no entry. */
  readonly leaveOut: EntryFilter | undefined;
}

/** Prepares an object type for importing. */
export function prepareType(type: CompiledObjectType, leaveOut?: EntryFilter): ImportType {
  const { attributes } = type.definition;
  return {
    type,
    leaveOut,
    exportOnly: new Set(attributes.flatMap(({ name, direction }) => (direction === 'export-only' ? [name] : []))),
    sets: attributes.filter((attribute) => attribute.type === 'reference' && attribute.multiValued),
  };
}

/** Whether a whole object is none of the connector's entries. */
export function isLeftOut({ type, leaveOut }: ImportType, entry: ImportEntry): boolean {
  if (leaveOut === undefined || (entry.modification !== 'add' && entry.modification !== 'replace')) return false;
  return matchesEntry(leaveOut, encodeAttributes(type, { ...entry.attributes, ...entry.anchor }));
}

/**
 * Turns an entry as the connector reports it into the form the store compares: encoded, in schema order, hashed.
 *
 * @throws ConnectorError for a missing anchor, an unknown attribute or a value of the wrong type.
 */
export function prepareEntry(prepared: ImportType, entry: ImportEntry): ImportedEntry {
  const { type } = prepared;
  if (entry.modification === 'add' || entry.modification === 'replace') return prepareObject(prepared, entry);
  const anchor = readAnchor(type, encodeAttributes(type, entry.anchor)) ?? (type.anchor.length === 0 ? entry.dn : undefined);
  if (entry.modification === 'delete')
    return {
      op: 'delete',
      objectType: type.name,
      ...(anchor === undefined ? {} : { anchor }),
      ...(entry.dn === undefined ? {} : { dn: entry.dn }),
    };
  return prepareUpdate(prepared, entry, anchor);
}

/** A whole object: encoded once, its anchor with the rest. */
function prepareObject(prepared: ImportType, entry: ImportEntry): ImportedEntry {
  const { type } = prepared;
  const attributes = encodeAttributes(type, entry.attributes ?? {}, entry.anchor);
  const isNamed = type.anchor.every(({ name }) => Object.hasOwn(entry.anchor, name));
  const anchor = isNamed ? readAnchor(type, attributes) : undefined;
  const identity = anchor ?? (type.anchor.length === 0 ? entry.dn : undefined);
  if (identity === undefined)
    throw new ConnectorError('missing-attribute', `an object of type "${type.name}" has no anchor (${type.anchor.map((one) => one.name).join(', ')})`);
  return prepareEncoded(prepared, identity, entry.dn, attributes);
}

/** The same for attributes that are encoded already: live look-ups use it. */
export function prepareEncoded(prepared: ImportType, anchor: string, dn: string | undefined, brought: EncodedAttributes): ImportedEntry {
  const { exportOnly } = prepared;
  const attributes = exportOnly.size === 0 ? brought : Object.fromEntries(Object.entries(brought).filter(([name]) => !exportOnly.has(name)));
  const references = prepared.sets.map(({ name }) => prepareSet(name, (attributes[name] ?? []) as readonly string[]));
  const body =
    prepared.sets.length === 0
      ? attributes
      : Object.fromEntries(Object.entries(attributes).filter(([name]) => prepared.sets.every((set) => set.name !== name)));
  const text = JSON.stringify(body);
  return {
    op: 'put',
    objectType: prepared.type.name,
    anchor,
    ...(dn === undefined ? {} : { dn }),
    body: text,
    hash: digest(dn === undefined ? text : `${text}\n${dn}`),
    references,
  };
}

/** SHA-256, its first 16 bytes, base64: the hash is never the cost, and collisions never the explanation. */
function digest(text: string): string {
  return hash('sha256', text, 'base64').slice(0, 22);
}

function prepareSet(attribute: string, values: readonly string[]): ImportedReferences {
  const sorted = [...values].sort();
  const distinct = sorted.filter((value, index) => value !== sorted[index - 1]);
  return { attribute, values: distinct, hash: digest(distinct.join('\n')) };
}

function prepareUpdate(prepared: ImportType, entry: ImportEntry, anchor: string | undefined): ImportedEntry {
  const { type } = prepared;
  const set: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  const unset: string[] = [];
  const deltas: { attribute: string; added: readonly string[]; removed: readonly string[] }[] = [];
  for (const change of entry.changes ?? []) {
    const attribute = type.attributes.get(change.name);
    if (attribute === undefined)
      throw new ConnectorError('invalid-attribute-value', `object type "${type.name}" has no attribute "${change.name}"`, {
        attribute: change.name,
      });
    if (prepared.exportOnly.has(change.name)) continue;
    if (change.modification === 'delete') unset.push(change.name);
    else if (change.modification === 'update')
      deltas.push({ attribute: change.name, added: encodeList(attribute, change.added), removed: encodeList(attribute, change.removed) });
    else Object.assign(set, encodeAttributes(type, { [change.name]: change.values }));
  }
  return {
    op: 'update',
    objectType: type.name,
    ...(anchor === undefined ? {} : { anchor }),
    ...(entry.dn === undefined ? {} : { dn: entry.dn }),
    ...(entry.newDn === undefined ? {} : { newDn: entry.newDn }),
    set,
    unset,
    deltas,
  };
}

function encodeList(attribute: SchemaAttribute, values: Extract<AttributeChange, { modification: 'update' }>['added']): readonly string[] {
  return values.map((value) => String(encodeValue(attribute.type, value)));
}
