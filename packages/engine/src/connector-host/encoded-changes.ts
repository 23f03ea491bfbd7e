import {
  type AttributeChange,
  type Attributes,
  type CompiledObjectType,
  ConnectorError,
  type ConnectorErrorData,
  connectorErrors,
  decodeValue,
  type EncodedAttributes,
  type EncodedValue,
  type EntryChange,
  type EntryIdentity,
  type EntryResult,
  encodeAttributes,
  type SchemaAttribute,
  speaksOfEntry,
  toErrorData,
  type Value,
} from '@landbridge/connector-sdk';
import type { EncodedAttributeChange, EncodedChange, EncodedIdentity, PutOutcome } from './connector-handle.ts';

/** Typed entries for the connector, encoded ones for the host: the only place where the two meet. */

/** The changes of a batch for the connector, and those that its types have no value for: refused, and never sent. */
export interface DecodedChanges {
  readonly sent: readonly EncodedChange[];
  readonly changes: readonly EntryChange[];
  readonly refused: ReadonlyMap<string, ConnectorErrorData>;
}

/** Decodes the changes of a batch. What is wrong with one of them is its own error, and no other's doubt. */
export function decodeChanges(types: ReadonlyMap<string, CompiledObjectType>, given: readonly EncodedChange[]): DecodedChanges {
  const sent: EncodedChange[] = [];
  const changes: EntryChange[] = [];
  const refused = new Map<string, ConnectorErrorData>();
  for (const change of given) {
    try {
      changes.push(decodeChange(types, change));
      sent.push(change);
    } catch (error) {
      refused.set(change.id, toErrorData(error));
    }
  }
  return { sent, changes, refused };
}

/** Decodes a change for the connector. */
function decodeChange(types: ReadonlyMap<string, CompiledObjectType>, change: EncodedChange): EntryChange {
  const type = typeOf(types, change.objectType);
  return {
    id: change.id,
    modification: change.modification,
    objectType: change.objectType,
    ...(change.anchor === undefined ? {} : { anchor: decodeAttributes(type, change.anchor) }),
    ...(change.dn === undefined ? {} : { dn: change.dn }),
    ...(change.newDn === undefined ? {} : { newDn: change.newDn }),
    changes: change.changes.map((one) => decodeAttributeChange(type, one)),
    ...(change.seen === undefined ? {} : { seen: decodeAttributes(type, change.seen) }),
    ...(change.password === undefined ? {} : { password: change.password }),
  };
}

/** Decodes the identity of an entry for the connector. */
export function decodeIdentity(types: ReadonlyMap<string, CompiledObjectType>, identity: EncodedIdentity): EntryIdentity {
  const type = typeOf(types, identity.objectType);
  return {
    objectType: identity.objectType,
    ...(identity.anchor === undefined ? {} : { anchor: decodeAttributes(type, identity.anchor) }),
    ...(identity.dn === undefined ? {} : { dn: identity.dn }),
    ...(identity.attributes === undefined ? {} : { attributes: decodeAttributes(type, identity.attributes) }),
  };
}

function decodeAttributeChange(type: CompiledObjectType, change: EncodedAttributeChange): AttributeChange {
  if (change.modification === 'delete') return change;
  const attribute = attributeOf(type, change.name);
  const decode = (values: readonly EncodedValue[]): readonly Value[] => values.map((value) => decodeOne(attribute, value));
  if (change.modification === 'update') return { name: change.name, modification: 'update', added: decode(change.added), removed: decode(change.removed) };
  return { name: change.name, modification: change.modification, values: decode(change.values) };
}

function decodeAttributes(type: CompiledObjectType, attributes: EncodedAttributes): Attributes {
  const decoded: Record<string, Value | readonly Value[]> = {};
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = attributeOf(type, name);
    decoded[name] = Array.isArray(value)
      ? (value as readonly EncodedValue[]).map((one) => decodeOne(attribute, one))
      : decodeOne(attribute, value as EncodedValue);
  }
  return decoded;
}

function decodeOne({ name, type }: SchemaAttribute, value: EncodedValue): Value {
  try {
    return decodeValue(type, value);
  } catch (error) {
    throw new ConnectorError('invalid-attribute-value', `attribute "${name}" is of type ${type}, and the value is not`, { attribute: name }, { cause: error });
  }
}

/** The compiled form of a selected object type. @throws ConnectorError `unknown-object-type`. */
export function typeOf(types: ReadonlyMap<string, CompiledObjectType>, name: string): CompiledObjectType {
  const type = types.get(name);
  if (type === undefined)
    throw new ConnectorError('unknown-object-type', `object type "${name}" is not selected; selected are ${[...types.keys()].join(', ')}`);
  return type;
}

function attributeOf(type: CompiledObjectType, name: string): SchemaAttribute {
  const attribute = type.attributes.get(name);
  if (attribute === undefined)
    throw new ConnectorError('invalid-attribute-value', `object type "${type.name}" has no attribute "${name}"`, { attribute: name });
  return attribute;
}

/**
 * One outcome per change from whatever results the connector returned (R19): matched by identifier, in any order; a missing
 * one is success in ECMA2 practice; an unknown or repeated identifier makes all of them doubtful.
 */
export function matchResults(
  types: ReadonlyMap<string, CompiledObjectType>,
  changes: readonly EncodedChange[],
  results: readonly EntryResult[],
): readonly PutOutcome[] {
  const byId = new Map<string, EntryResult>();
  for (const result of results) {
    if (byId.has(result.id)) return doubtAll(changes, `the connector returned two results for one entry`);
    byId.set(result.id, result);
  }
  const known = new Set(changes.map((change) => change.id));
  if (results.some((result) => !known.has(result.id))) return doubtAll(changes, 'the connector returned a result for an entry it was not given');
  return changes.map((change) => outcomeOrDoubt(types, change, byId.get(change.id)));
}

/** A result that cannot be read proves nothing about its entry: it was applied, most likely, and no other is touched by that. */
function outcomeOrDoubt(types: ReadonlyMap<string, CompiledObjectType>, change: EncodedChange, result: EntryResult | undefined): PutOutcome {
  try {
    return outcomeOf(types, change, result);
  } catch (error) {
    return { status: 'in-doubt', error: { code: 'invalid-data', message: `the connector returned what cannot be read: ${toErrorData(error).message}` } };
  }
}

function doubtAll(changes: readonly EncodedChange[], message: string): readonly PutOutcome[] {
  return changes.map(() => ({ status: 'in-doubt', error: { code: 'invalid-data', message } }));
}

function outcomeOf(types: ReadonlyMap<string, CompiledObjectType>, change: EncodedChange, result: EntryResult | undefined): PutOutcome {
  if (result === undefined) return { status: 'applied', resultMissing: true };
  if (result.error !== undefined) {
    const row = connectorErrors[result.error.code];
    return { status: row.class === 'doubt' ? 'in-doubt' : 'refused', error: result.error };
  }
  const type = typeOf(types, change.objectType);
  const cleared = Object.entries(result.attributes ?? {}).flatMap(([name, value]) => (Array.isArray(value) && value.length === 0 ? [name] : []));
  return {
    status: 'applied',
    ...(result.anchor === undefined ? {} : { anchor: encodeAttributes(type, result.anchor) }),
    ...(result.attributes === undefined ? {} : { attributes: encodeAttributes(type, result.attributes) }),
    ...(cleared.length === 0 ? {} : { cleared }),
    ...(result.dn === undefined ? {} : { dn: result.dn }),
  };
}

/**
 * What became of the changes of a batch, from what the connector answered or threw. Nothing that it throws proves anything about a batch
 * of several (R13); of a batch of one it may be the answer about the entry.
 */
export async function outcomesOf(
  types: ReadonlyMap<string, CompiledObjectType>,
  given: readonly EncodedChange[],
  { sent, refused }: DecodedChanges,
  answer: Promise<readonly EntryResult[]>,
  redact: (error: ConnectorErrorData) => ConnectorErrorData,
): Promise<readonly PutOutcome[]> {
  const answered = (await outcomesOfSent(types, sent, answer)).values();
  const outcomes = given.map((change): PutOutcome => {
    const error = refused.get(change.id);
    if (error !== undefined) return { status: 'refused', error };
    return answered.next().value ?? { status: 'in-doubt', error: { code: 'unknown', message: 'the connector gave no outcome' } };
  });
  return outcomes.map((outcome) => ('error' in outcome ? { ...outcome, error: redact(outcome.error) } : outcome));
}

async function outcomesOfSent(
  types: ReadonlyMap<string, CompiledObjectType>,
  sent: readonly EncodedChange[],
  answer: Promise<readonly EntryResult[]>,
): Promise<readonly PutOutcome[]> {
  try {
    return matchResults(types, sent, await answer);
  } catch (thrown) {
    const error = toErrorData(thrown);
    const status = sent.length === 1 && speaksOfEntry(error.code) ? 'refused' : 'in-doubt';
    return sent.map(() => ({ status, error }));
  }
}
