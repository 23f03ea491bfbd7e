/**
 * The five value types of the contract and their encoded form.
 *
 * A connector deals in typed values: a 64-bit integer is a `bigint`, binary is a `Uint8Array`. Inside the host, and on
 * every wire, a value is *encoded*: JSON scalars whose type is known from the schema, so that they compare with `===`,
 * survive JSON without loss (R27), and need no conversion between the store and a SCIM response.
 */

/** The data type of an attribute. Source: ECMA2 `AttributeType`; there is no date type below SCIM (R27). */
export type AttributeType = 'string' | 'integer' | 'boolean' | 'binary' | 'reference';

/**
 * One typed value: `string` (also a reference: the target's distinguished name, or its anchor text where the
 * connector's distinguished name style is `none`), `bigint` (64-bit integer), `boolean`, `Uint8Array` (binary).
 */
export type Value = string | bigint | boolean | Uint8Array;

/** Attribute values by attribute name. An absent key is an unassigned attribute; an empty array is the same. */
export type Attributes = Readonly<Record<string, Value | readonly Value[]>>;

/** An encoded value: integers as decimal strings, binary as base64, the rest as they are. */
export type EncodedValue = string | boolean;

/** Encoded attribute values by attribute name; multi-valued attributes are always arrays, never empty. */
export type EncodedAttributes = Readonly<Record<string, EncodedValue | readonly EncodedValue[]>>;

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const INTEGER_TEXT = /^-?(?:0|[1-9]\d{0,18})$/;

/**
 * Encodes one value of a declared type.
 *
 * @throws TypeError when the value is not of the type, or an integer does not fit into 64 bits. The message names the
 * type, never the value.
 */
export function encodeValue(type: AttributeType, value: Value): EncodedValue {
  switch (type) {
    case 'string':
    case 'reference':
      if (typeof value === 'string') return value;
      break;
    case 'boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'integer':
      if (typeof value === 'bigint' && value >= MIN_INT64 && value <= MAX_INT64) return value.toString();
      if (typeof value === 'bigint') throw new TypeError('an integer does not fit into 64 bits; give the attribute the type string');
      break;
    case 'binary':
      if (value instanceof Uint8Array) {
        return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
      }
  }
  throw new TypeError(`expected a value of type ${type}, got ${describe(value)}`);
}

/**
 * Decodes one encoded value of a declared type, the inverse of {@link encodeValue}.
 *
 * @throws TypeError when the encoded value is not of the type.
 */
export function decodeValue(type: AttributeType, encoded: EncodedValue): Value {
  if (type === 'boolean') {
    if (typeof encoded === 'boolean') return encoded;
  } else if (typeof encoded === 'string') {
    if (type === 'string' || type === 'reference') return encoded;
    if (type === 'binary') return Buffer.from(encoded, 'base64');
    if (INTEGER_TEXT.test(encoded)) {
      const integer = BigInt(encoded);
      if (integer >= MIN_INT64 && integer <= MAX_INT64) return integer;
    }
  }
  throw new TypeError(`an encoded value is not of type ${type}`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : typeof value;
}

/**
 * Formats the values of an anchor as its text: the encoded value itself for an anchor of one attribute, a JSON array of
 * the encoded values, in the order of the schema, for a composite one. References of connectors without distinguished
 * names carry this text.
 */
export function formatAnchor(values: readonly EncodedValue[]): string {
  const [first] = values;
  if (values.length === 1 && first !== undefined) return String(first);
  return JSON.stringify(values);
}
