import { ConnectorError, messageOf } from './errors.ts';
import { type Attributes, type AttributeType, type EncodedAttributes, type EncodedValue, encodeValue, formatAnchor, type Value } from './values.ts';

/** Which way an attribute may flow. Source: ECMA2 `AttributeOperation`. */
export type AttributeDirection = 'import-export' | 'import-only' | 'export-only';

/** The definition of one attribute. Source: ECMA2 `SchemaAttribute`. */
export interface SchemaAttribute {
  readonly name: string;
  readonly type: AttributeType;
  /** Default is `false`. */
  readonly multiValued?: boolean;
  /** Part of the anchor. Several anchor attributes of a type form a composite anchor, in schema order. */
  readonly anchor?: boolean;
  /** Must have a value when an entry is created. Default is `false`. */
  readonly required?: boolean;
  /** Default is `import-export`. */
  readonly direction?: AttributeDirection;
  /** The application refuses two entries of the type with the same value. Creates claim such values (R15). */
  readonly unique?: boolean;
  /** Values compare exactly. Default is `false`: upper and lower case are equal. Always `true` in effect for anything but strings. */
  readonly caseExact?: boolean;
  /** The application assigns it on create (an identity column, an operational attribute): never in an add. */
  readonly assigned?: boolean;
  /** It changes with every change of the entry: what the host last saw of it goes with an update ({@link file://./connector.ts EntryChange.seen}). */
  readonly version?: boolean;
  /** A secret: export-only, whatever `direction` says; its values appear in no log, error or answer, and are kept sealed. */
  readonly secret?: boolean;
  /** For references: the object types it may point to. Absent means any. */
  readonly referenceTypes?: readonly string[];
  /** For people; shown in the SCIM schema and in forms. */
  readonly description?: string;
  /** Offered but not selected by default. Source: ECMA2 `HiddenByDefault`. */
  readonly hiddenByDefault?: boolean;
}

/** The definition of one object type. Source: ECMA2 `SchemaType`. */
export interface SchemaObjectType {
  readonly name: string;
  readonly attributes: readonly SchemaAttribute[];
  /** Attributes that may form the distinguished name of a new entry. Source: ECMA2 `PossibleDNComponentsForProvisioning`. */
  readonly dnComponents?: readonly string[];
  /** The anchor may not be chosen by the administrator. Source: ECMA2 `Locked`. */
  readonly anchorLocked?: boolean;
}

/** What an application holds: object types and their attributes. Source: ECMA2 `Schema`. */
export interface Schema {
  readonly objectTypes: readonly SchemaObjectType[];
}

/** `constructor`, `toString`, `__proto__`…: values are kept by name, and under these one would be read of entries that have none. */
const INHERITED: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(Object.prototype));

/** An object type prepared for use: look-ups by name, anchor attributes in order. */
export interface CompiledObjectType {
  readonly name: string;
  readonly definition: SchemaObjectType;
  readonly attributes: ReadonlyMap<string, SchemaAttribute>;
  readonly anchor: readonly SchemaAttribute[];
}

/**
 * Checks a schema and prepares its object types.
 *
 * @throws ConnectorError `invalid-schema` naming the object type and attribute: duplicate names, no anchor where the
 * distinguished name is not the anchor, a multi-valued or boolean anchor.
 */
export function compileSchema(schema: Schema, options: { readonly dnAsAnchor: boolean }): ReadonlyMap<string, CompiledObjectType> {
  const compiled = new Map<string, CompiledObjectType>();
  for (const definition of schema.objectTypes) {
    if (compiled.has(definition.name)) throw invalidSchema(`object type "${definition.name}" is defined twice`);
    compiled.set(definition.name, compileObjectType(definition, options.dnAsAnchor));
  }
  return compiled;
}

function compileObjectType(given: SchemaObjectType, dnAsAnchor: boolean): CompiledObjectType {
  const definition = given.attributes.some((attribute) => attribute.secret)
    ? { ...given, attributes: given.attributes.map((one): SchemaAttribute => (one.secret ? { ...one, direction: 'export-only' } : one)) }
    : given;
  const attributes = new Map<string, SchemaAttribute>();
  const anchor: SchemaAttribute[] = [];
  for (const attribute of definition.attributes) {
    const where = `attribute "${attribute.name}" of object type "${definition.name}"`;
    if (attributes.has(attribute.name)) throw invalidSchema(`${where} is defined twice`);
    if (INHERITED.has(attribute.name))
      throw invalidSchema(`${where} has a name that every object has of its own accord, so that nobody could tell a value from none; give it another name`);
    if (attribute.anchor && (attribute.multiValued || attribute.type === 'boolean' || attribute.type === 'reference')) {
      throw invalidSchema(`${where} cannot be an anchor: an anchor is single-valued and a string, integer or binary`);
    }
    attributes.set(attribute.name, attribute);
    if (attribute.anchor) anchor.push(attribute);
  }
  if (anchor.length === 0 && !dnAsAnchor) {
    throw invalidSchema(`object type "${definition.name}" has no anchor: mark at least one attribute as its anchor`);
  }
  return { name: definition.name, definition, attributes, anchor };
}

function invalidSchema(message: string): ConnectorError {
  return new ConnectorError('invalid-schema', message);
}

/**
 * Encodes the attributes of an entry by its object type: known attributes only, a scalar of a multi-valued attribute
 * wrapped, a one-element array of a single-valued one unwrapped (R27), empty arrays left out, attributes in schema order
 * so that equal entries have equal JSON. What `anchor` has goes before the same in `attributes`.
 *
 * @throws ConnectorError `invalid-attribute-value` with the attribute for an unknown attribute, a wrong type or several
 * values of a single-valued attribute.
 */
export function encodeAttributes(objectType: CompiledObjectType, attributes: Attributes, anchor: Attributes = {}): EncodedAttributes {
  const encoded: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  let known = 0;
  for (const attribute of objectType.definition.attributes) {
    const { name } = attribute;
    const isThere = Object.hasOwn(attributes, name);
    if (isThere) known += 1;
    let given = isThere ? attributes : undefined;
    if (Object.hasOwn(anchor, name)) {
      known += 1;
      given = anchor;
    }
    if (given === undefined) continue;
    const value = encodeAttribute(objectType, attribute, given[name] as Value | readonly Value[]);
    if (value !== undefined) encoded[name] = value;
  }
  if (known !== Object.keys(attributes).length + Object.keys(anchor).length) throw unknownAttribute(objectType, { ...attributes, ...anchor });
  return encoded;
}

function unknownAttribute(objectType: CompiledObjectType, attributes: Attributes): ConnectorError {
  const name = Object.keys(attributes).find((key) => !objectType.attributes.has(key)) ?? '';
  return new ConnectorError('invalid-attribute-value', `object type "${objectType.name}" has no attribute "${name}"`, { attribute: name });
}

function encodeAttribute(
  objectType: CompiledObjectType,
  attribute: SchemaAttribute,
  value: Value | readonly Value[],
): EncodedValue | readonly EncodedValue[] | undefined {
  if (!Array.isArray(value)) {
    const encoded = encodeOne(objectType, attribute, value as Value);
    return attribute.multiValued ? [encoded] : encoded;
  }
  const values = value as readonly Value[];
  if (values.length === 0) return undefined;
  if (!attribute.multiValued && values.length > 1) {
    throw new ConnectorError(
      'invalid-attribute-value',
      `attribute "${attribute.name}" of "${objectType.name}" is single-valued and got ${values.length} values`,
      { attribute: attribute.name },
    );
  }
  if (!attribute.multiValued) return encodeOne(objectType, attribute, values[0] as Value);
  // Texts are encoded as they are, and of references there are thousands.
  if ((attribute.type === 'reference' || attribute.type === 'string') && values.every((one): one is string => typeof one === 'string')) return values;
  return values.map((one) => encodeOne(objectType, attribute, one));
}

function encodeOne(objectType: CompiledObjectType, attribute: SchemaAttribute, value: Value): EncodedValue {
  try {
    return encodeValue(attribute.type, value);
  } catch (error) {
    const reason = messageOf(error);
    throw new ConnectorError('invalid-attribute-value', `attribute "${attribute.name}" of "${objectType.name}": ${reason}`, {
      attribute: attribute.name,
    });
  }
}

/** Reads the anchor text of encoded attributes, or `undefined` while a part of the anchor is missing. */
export function readAnchor(objectType: CompiledObjectType, attributes: EncodedAttributes): string | undefined {
  const values: EncodedValue[] = [];
  for (const attribute of objectType.anchor) {
    const value = attributes[attribute.name];
    if (value === undefined || typeof value === 'object') return undefined;
    values.push(value);
  }
  return values.length === 0 ? undefined : formatAnchor(values);
}
