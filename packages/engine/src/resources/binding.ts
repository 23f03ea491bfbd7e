import { decodeValue, type EncodedValue, type SchemaAttribute } from '@landbridge/connector-sdk';
import { isRawJson, rawJson } from '@landbridge/scim';
import type { AttributeMapping } from '../configuration.ts';

/**
 * How one attribute of an entry appears in a SCIM resource.
 *
 * - `single`: `userName`, or a sub-attribute such as `name.givenName`.
 * - `element`: one element of a multi-valued complex attribute, chosen by fixed values: `emails[type eq "work"].value`.
 * - `values`: every value of a multi-valued attribute: `emails.value`, or a simple multi-valued attribute.
 * - `reference`: a single reference to another resource: `manager`.
 * - `references`: many of them: `members`.
 */
export type BindingShape = 'single' | 'element' | 'values' | 'reference' | 'references';

/** A mapping with both its ends resolved. */
export interface Binding {
  readonly shape: BindingShape;
  /** URN of the extension that holds the SCIM attribute; `undefined` for the core schema. */
  readonly extension: string | undefined;
  /** SCIM attribute, in schema casing. */
  readonly attribute: string;
  readonly sub: string | undefined;
  /** For an `element`: the fixed sub-attributes, e.g. `{type: 'work'}`. */
  readonly fixed: Readonly<Record<string, string>> | undefined;
  /** The attribute of the application. */
  readonly source: SchemaAttribute;
  readonly convert: Conversion;
  /** What the administrator says of the attribute beyond what the application does (S-237). */
  readonly characteristics?: AttributeMapping['characteristics'];
}

/** The SCIM attribute of a binding as requests name it: behind its URN and a colon where it is one of an extension. */
export function qualifiedName({ extension, attribute }: Pick<Binding, 'extension' | 'attribute'>): string {
  return extension === undefined ? attribute : `${extension}:${attribute}`;
}

/** How a value passes from the application (encoded) to SCIM (JSON) and back. */
export interface Conversion {
  /** The SCIM type of the value. */
  readonly type: 'string' | 'boolean' | 'integer' | 'binary' | 'reference';
  /** The value is the same in SCIM: its JSON text can be passed on. */
  readonly asItIs?: true;
  /** The JSON text of the value in SCIM, where that of the application tells it; the rest goes through `toScim`. */
  textToScim?(text: string): string | undefined;
  toScim(value: EncodedValue): unknown;
  /** Throws `RangeError` with a sentence when the value has no counterpart. */
  fromScim(value: unknown): EncodedValue;
}

const identity = { asItIs: true, toScim: (value: EncodedValue) => value } as const;

const texts: Conversion = { type: 'string', ...identity, fromScim: (value) => String(value) };
const booleans: Conversion = { type: 'boolean', ...identity, fromScim: (value) => value === true };
const binaries: Conversion = { type: 'binary', ...identity, fromScim: (value) => String(value) };
const integers: Conversion = {
  type: 'integer',
  // Entries hold digits as text; every list shows many of them.
  textToScim: (text) => (/^"(?:0|-?[1-9]\d*)"$/.test(text) ? text.slice(1, -1) : undefined),
  // Integers beyond 2^53 survive as raw JSON digits (R27).
  toScim: (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : rawJson(String(value))),
  fromScim: parseInteger,
};
const booleanAsText: Conversion = {
  type: 'string',
  toScim: (value) => String(value),
  fromScim: (value) => String(value).toLowerCase() === 'true',
};
const integerAsText: Conversion = { type: 'string', toScim: (value) => String(value), fromScim: parseInteger };

function parseInteger(value: unknown): EncodedValue {
  const text = isRawJson(value) ? value.rawJSON : String(value).trim();
  if (!/^-?\d{1,19}$/.test(text)) throw new RangeError('the application stores a whole number here');
  const integer = BigInt(text);
  if (BigInt.asIntN(64, integer) !== integer) throw new RangeError('the number does not fit into 64 bits');
  return integer.toString();
}

/**
 * A boolean of SCIM kept as two other values in the application: `{true: 'A', false: 'D'}`.
 *
 * @throws RangeError where the attribute cannot hold them.
 */
function mappedBoolean(values: NonNullable<AttributeMapping['values']>, { name, type }: SchemaAttribute): Conversion {
  const [yes, no] = [values.true, values.false].map((text): EncodedValue => {
    const value = type === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text;
    try {
      decodeValue(type, value);
    } catch {
      throw new RangeError(`the attribute "${name}" is of type ${type} and cannot hold "${text}"`);
    }
    return value;
  }) as [EncodedValue, EncodedValue];
  return {
    type: 'boolean',
    toScim: (value) => value === yes,
    fromScim: (value) => (value === true ? yes : no),
  };
}

/**
 * Chooses the conversion between an attribute of the application and a SCIM type. `wanted` is the type that the SCIM
 * schema asks for; for the connector's own extension it follows the application.
 *
 * @throws RangeError where the attribute cannot hold the values of the mapping.
 */
export function chooseConversion(source: SchemaAttribute, wanted: string | undefined, values: AttributeMapping['values']): Conversion {
  if (values !== undefined) return mappedBoolean(values, source);
  switch (source.type) {
    case 'boolean':
      return wanted === undefined || wanted === 'boolean' ? booleans : booleanAsText;
    case 'integer':
      if (wanted === 'boolean') return mappedBoolean({ true: '1', false: '0' }, source);
      return wanted === undefined || wanted === 'integer' || wanted === 'decimal' ? integers : integerAsText;
    case 'binary':
      return wanted === undefined || wanted === 'binary' ? binaries : texts;
    case 'reference':
      return { type: 'reference', ...identity, fromScim: (value) => String(value) };
    case 'string':
      return wanted === 'boolean' ? mappedBoolean({ true: 'true', false: 'false' }, source) : texts;
  }
}
