import { type EncodedAttributes, type EncodedValue, foldCase, foldName, type ObjectConfirmation } from '@landbridge/connector-sdk';
import type { StoreAttribute, StoreModel, StoreObjectType } from '../connector-store.ts';

/** An attribute of the model with its number in the file. */
export interface StoredAttribute extends StoreAttribute {
  readonly id: number;
  /** The key column of a queryable single-valued attribute (`key-columns.ts`); `undefined` for the rest. */
  readonly column: string | undefined;
}

/** An object type of the model with its number in the file. */
export interface StoredType {
  readonly id: number;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, StoredAttribute>;
  /** Attributes with a key column, in the order of the schema. */
  readonly columns: readonly StoredAttribute[];
  readonly references: readonly StoredAttribute[];
  /** What no import shows: kept when one replaces the rest (R8). */
  readonly exportOnly: readonly StoredAttribute[];
  /** Queryable multi-valued attributes other than references: rows of `mv`. */
  readonly multiValued: readonly StoredAttribute[];
}

/** The model as statements need it. */
export interface StoredModel {
  readonly connector: string;
  readonly referenceForm: StoreModel['referenceForm'];
  readonly dnAsAnchor: boolean;
  readonly objectConfirmation: ObjectConfirmation;
  readonly types: ReadonlyMap<string, StoredType>;
  readonly typesById: ReadonlyMap<number, StoredType>;
  readonly attributeNames: ReadonlyMap<number, string>;
  /** The number of an attribute by its name; no row has -1, which stands for a name that is not of the model. */
  attributeId(name: string): number;
  /** The comparison key of an anchor: values are never altered, keys are (R27). */
  anchorKey(anchor: string): string;
  dnKey(dn: string): string;
  /** A text as the connector normalises it. */
  normalize(text: string): string;
  referenceKey(raw: string): string;
  /** Raw references are anchor keys as they are: SQL alone can resolve them. */
  readonly plainReferences: boolean;
}

/** The model of a store that was never configured. */
export const EMPTY_MODEL: StoreModel = { connector: '', objectTypes: [], normalizations: [], referenceForm: 'anchor' };

/** The model as statements need it, given the numbers that the store has for names. */
export function compileModel(model: StoreModel, typeIds: ReadonlyMap<string, number>, attributeIds: ReadonlyMap<string, number>): StoredModel {
  const types = new Map<string, StoredType>();
  for (const type of model.objectTypes) {
    const id = typeIds.get(type.name);
    if (id !== undefined) types.set(type.name, compileType(id, type, attributeIds));
  }
  const normalize = (text: string): string => {
    let key = text;
    if (model.normalizations.includes('remove-accents')) key = key.normalize('NFD').replace(/\p{M}/gu, '');
    if (model.normalizations.includes('uppercase')) key = foldCase(key);
    return key;
  };
  const dnKey = (dn: string): string => foldCase(normalize(dn));
  return {
    connector: model.connector,
    referenceForm: model.referenceForm,
    dnAsAnchor: model.dnAsAnchor === true,
    objectConfirmation: model.objectConfirmation ?? 'normal',
    types,
    typesById: new Map([...types.values()].map((type) => [type.id, type])),
    attributeId: (name) => attributeIds.get(name) ?? -1,
    attributeNames: new Map([...attributeIds].map(([name, id]) => [id, name])),
    anchorKey: model.dnAsAnchor === true ? dnKey : normalize,
    dnKey,
    normalize,
    referenceKey: model.referenceForm === 'dn' ? dnKey : normalize,
    plainReferences: model.referenceForm === 'anchor' && model.normalizations.length === 0,
  };
}

function compileType(id: number, type: StoreObjectType, attributeIds: ReadonlyMap<string, number>): StoredType {
  const attributes = new Map<string, StoredAttribute>();
  for (const attribute of type.attributes) {
    const number = attributeIds.get(attribute.name);
    if (number === undefined) continue;
    const indexed = (attribute.queryable || attribute.unique) && !attribute.multiValued && attribute.type !== 'reference';
    // What the key depends on is part of the name: an attribute that changes its type gets another column.
    const form = attribute.type !== 'string' || attribute.caseExact ? attribute.type : attribute.accountName ? 'name' : 'folded';
    attributes.set(attribute.name, { ...attribute, id: number, column: indexed ? `k${number}_${form}` : undefined });
  }
  const all = [...attributes.values()];
  return {
    id,
    name: type.name,
    attributes,
    columns: all.filter((attribute) => attribute.column !== undefined),
    exportOnly: all.filter((attribute) => attribute.exportOnly),
    references: all.filter((attribute) => attribute.type === 'reference'),
    multiValued: all.filter((attribute) => attribute.multiValued && attribute.type !== 'reference' && (attribute.queryable || attribute.unique)),
  };
}

/** The stored form of an object type. @throws Error for one that is not configured. */
export function typeOf({ model }: { readonly model: StoredModel }, name: string): StoredType {
  const type = model.types.get(name);
  if (type === undefined) throw new Error(`object type "${name}" is not configured`);
  return type;
}

/** The stored form of an attribute. @throws Error for one that is not configured. */
export function attributeOf(type: StoredType, name: string): StoredAttribute {
  const attribute = type.attributes.get(name);
  if (attribute === undefined) throw new Error(`attribute "${name}" of "${type.name}" is not configured`);
  return attribute;
}

/** The comparison key of a value: folded where case does not count. */
export function valueKey(attribute: Pick<StoreAttribute, 'type' | 'caseExact' | 'accountName'>, value: string | boolean): string {
  return attribute.type === 'string' && !attribute.caseExact ? foldText(attribute, String(value)) : String(value);
}

/** A text as values of the attribute compare where case does not count. */
export function foldText(attribute: Pick<StoreAttribute, 'accountName'>, text: string): string {
  return attribute.accountName ? foldName(text) : foldCase(text);
}

/** The claims that the values of an entry would need: how an import recognises a create in flight (R22). */
export function claimKeys(type: StoredType, attributes: EncodedAttributes): readonly { readonly attr: number; readonly key: string }[] {
  const keys: { attr: number; key: string }[] = [];
  for (const attribute of type.attributes.values()) {
    if (!attribute.unique) continue;
    const value = attributes[attribute.name];
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly EncodedValue[]) : [value as EncodedValue])
      keys.push({ attr: attribute.id, key: valueKey(attribute, one) });
  }
  return keys;
}

/** Encoded attributes in schema order, so that equal entries have equal text. */
export function orderAttributes(type: StoredType, attributes: EncodedAttributes): EncodedAttributes {
  const ordered: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  for (const name of type.attributes.keys()) {
    const value = attributes[name];
    if (value !== undefined) ordered[name] = value;
  }
  return ordered;
}
