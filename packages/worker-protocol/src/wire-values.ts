import {
  type AttributeChange,
  type Attributes,
  ConnectorError,
  type EntryChange,
  type EntryIdentity,
  encodeValue,
  type ImportEntry,
  messageOf,
  type Schema,
  type SchemaAttribute,
  type Value,
} from '@landbridge/connector-sdk';
import { readWireError, type WireErrorData } from './worker-errors.ts';

/** A value on the wire: integers as decimal text, binary as `{"$b": base64}`, the rest as JSON has it. */
export type WireValue = string | boolean | { readonly $b: string };

/** Values by attribute name; `null` where the worker could not give a value. */
export type WireAttributes = Readonly<Record<string, WireValue | null | readonly WireValue[]>>;

/** An attribute change; which lists are there depends on the modification. */
export interface WireAttributeChange {
  readonly name: string;
  readonly modification: 'add' | 'replace' | 'update' | 'delete';
  readonly values?: readonly WireValue[];
  readonly added?: readonly WireValue[];
  readonly removed?: readonly WireValue[];
}

/** An imported entry. */
export interface WireEntry {
  readonly modification: ImportEntry['modification'];
  readonly objectType: string;
  readonly anchor?: WireAttributes;
  readonly dn?: string;
  readonly newDn?: string;
  readonly attributes?: WireAttributes;
  readonly changes?: readonly WireAttributeChange[];
  readonly error?: WireErrorData;
}

/** Attributes of the object types in use. */
export type AttributesByType = ReadonlyMap<string, ReadonlyMap<string, SchemaAttribute>>;

/** Prepares a schema for reading and writing values. */
export function attributesByType(schema: Schema): AttributesByType {
  return new Map(schema.objectTypes.map((type) => [type.name, new Map(type.attributes.map((attribute) => [attribute.name, attribute]))]));
}

const nothing: ReadonlyMap<string, SchemaAttribute> = new Map();

/** Reads an imported entry. What is wrong with one entry is its error, never the page's. */
export function readWireEntry(types: AttributesByType, entry: WireEntry, redact: (text: string) => string): ImportEntry {
  const attributes = types.get(entry.objectType) ?? nothing;
  try {
    if (entry.error !== undefined) return failed(entry, readWireError(entry.error, redact), readAttributes(attributes, entry.anchor ?? {}));
    return {
      modification: entry.modification,
      objectType: entry.objectType,
      anchor: readAttributes(attributes, entry.anchor ?? {}),
      ...(entry.dn === undefined ? {} : { dn: entry.dn }),
      ...(entry.newDn === undefined ? {} : { newDn: entry.newDn }),
      ...(entry.attributes === undefined ? {} : { attributes: readAttributes(attributes, entry.attributes) }),
      ...(entry.changes === undefined ? {} : { changes: entry.changes.map((change) => readChange(attributes, change)) }),
    };
  } catch (error) {
    const message = messageOf(error);
    return failed(entry, { code: 'invalid-attribute-value', message }, {});
  }
}

function failed(entry: WireEntry, error: NonNullable<ImportEntry['error']>, anchor: Attributes): ImportEntry {
  return { modification: entry.modification, objectType: entry.objectType, anchor, ...(entry.dn === undefined ? {} : { dn: entry.dn }), error };
}

/** Reads values by the types of the schema. Attributes that are not in it pass as they are: the engine names them. */
export function readAttributes(attributes: ReadonlyMap<string, SchemaAttribute>, wire: WireAttributes): Attributes {
  const result: Record<string, Value | readonly Value[]> = {};
  for (const name in wire) {
    const value = wire[name];
    if (value === undefined || value === null) continue;
    const type = attributes.get(name)?.type;
    result[name] = Array.isArray(value) ? (value as readonly WireValue[]).map((one) => readValue(name, type, one)) : readValue(name, type, value as WireValue);
  }
  return result;
}

function readValue(name: string, type: SchemaAttribute['type'] | undefined, value: WireValue): Value {
  if (typeof value === 'object') return Buffer.from(value.$b, 'base64');
  if (type !== 'integer') return value;
  try {
    return BigInt(value);
  } catch {
    throw new ConnectorError('invalid-attribute-value', `the attribute "${name}" is an integer and came as something else`, { attribute: name });
  }
}

function readChange(attributes: ReadonlyMap<string, SchemaAttribute>, change: WireAttributeChange): AttributeChange {
  const { name, modification } = change;
  const type = attributes.get(name)?.type;
  const read = (values: readonly WireValue[] | undefined): readonly Value[] => (values ?? []).map((value) => readValue(name, type, value));
  if (modification === 'delete') return { name, modification };
  if (modification === 'update') return { name, modification, added: read(change.added), removed: read(change.removed) };
  return { name, modification, values: read(change.values) };
}

/** Writes a change for a worker: what says how to read the rest stands first. */
export function writeChange(types: AttributesByType, change: EntryChange): Readonly<Record<string, unknown>> {
  const attributes = types.get(change.objectType) ?? nothing;
  const { id, modification, objectType, anchor, changes, ...rest } = change;
  return {
    id,
    modification,
    objectType,
    ...rest,
    anchor: anchor === undefined ? undefined : writeAttributes(attributes, anchor),
    changes: changes.map((one) => writeAttributeChange(attributes, one)),
  };
}

function writeAttributeChange(attributes: ReadonlyMap<string, SchemaAttribute>, change: AttributeChange): WireAttributeChange {
  const { name, modification } = change;
  const type = attributes.get(name)?.type;
  const write = (values: readonly Value[]): readonly WireValue[] => values.map((value) => writeValue(type, value));
  if (modification === 'delete') return { name, modification };
  if (modification === 'update') return { name, modification, added: write(change.added), removed: write(change.removed) };
  return { name, modification, values: write(change.values) };
}

/** Writes the identity of an entry for a worker. */
export function writeIdentity(types: AttributesByType, identity: EntryIdentity): Readonly<Record<string, unknown>> {
  const attributes = types.get(identity.objectType) ?? nothing;
  return {
    ...identity,
    ...(identity.anchor === undefined ? {} : { anchor: writeAttributes(attributes, identity.anchor) }),
    ...(identity.attributes === undefined ? {} : { attributes: writeAttributes(attributes, identity.attributes) }),
  };
}

function writeAttributes(attributes: ReadonlyMap<string, SchemaAttribute>, values: Attributes): WireAttributes {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const type = attributes.get(name)?.type;
      return [name, Array.isArray(value) ? (value as readonly Value[]).map((one) => writeValue(type, one)) : writeValue(type, value as Value)];
    }),
  );
}

function writeValue(type: SchemaAttribute['type'] | undefined, value: Value): WireValue {
  if (typeof value === 'object') return { $b: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
  // An attribute that the schema does not have goes as it is: refusing it is the connector's part.
  return type === undefined ? (typeof value === 'bigint' ? String(value) : value) : encodeValue(type, value);
}
