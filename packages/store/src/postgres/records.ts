import { hash } from 'node:crypto';
import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import { type StoredAttribute, type StoredType, valueKey } from '../rules/stored-model.ts';

/** PostgreSQL keeps no NUL and no half of a surrogate pair in a text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is the character that is looked for
const UNKEPT = /\u0000|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Whether PostgreSQL can keep a text as it is. */
export function isKept(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}

/** A text that PostgreSQL can keep: for keys and remarks, never for values. */
export function toKept(text: string): string {
  return isKept(text) ? text : text.replace(UNKEPT, '\uFFFD');
}

/** What JSON writes for a character that PostgreSQL does not keep. */
const ODD = /\\u(0000|d[89a-f])/;

/** Rows as the one JSON parameter of `json_to_recordset`: a set of any size is one value of a statement. */
export function toRecords(rows: readonly Readonly<Record<string, string | number | null>>[]): string {
  const text = JSON.stringify(rows);
  return ODD.test(text) ? JSON.stringify(rows, (_name, value: unknown) => (typeof value === 'string' ? toKept(value) : value)) : text;
}

/** A B-tree keeps keys up to some 2,700 bytes: what is longer is kept by its beginning and its digest. */
const LONGEST_KEY = 500;

/** The form in which a comparison key is kept and asked for: equal keys stay equal, prefixes stay prefixes up to a length. */
export function toIndexKey(key: string): string {
  const kept = toKept(key);
  return kept.length <= LONGEST_KEY ? kept : `${toKept(kept.slice(0, LONGEST_KEY))}\uFFFF${hash('sha256', kept, 'hex')}`;
}

/** A key of fewer characters is the whole text: what was cut is at least half as long in the server's count, which takes two halves of a pair for one. */
export const SURELY_WHOLE = LONGEST_KEY / 2;

/** The longest prefix that an index key can be asked for. */
export function isShortPrefix(prefix: string): boolean {
  return prefix.length <= LONGEST_KEY / 2;
}

/** The comparison keys of the queryable single-valued attributes of an entry, as JSON. */
export function indexKeys(type: StoredType, attributes: EncodedAttributes): string {
  const keys: Record<string, string> = {};
  for (const attribute of type.attributes.values()) {
    if (attribute.column === undefined) continue;
    const value = attributes[attribute.name];
    if (typeof value !== 'string' && typeof value !== 'boolean') continue;
    if (attribute.type === 'integer' && !isInt64(String(value))) continue;
    keys[attribute.name] = toIndexKey(valueKey(attribute, value));
  }
  return JSON.stringify(keys);
}

function isInt64(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** The index rows of the queryable multi-valued attributes of an entry. */
export function multiValueKeys(type: StoredType, attributes: EncodedAttributes): readonly { readonly attr: number; readonly key: string }[] {
  return type.multiValued.flatMap((attribute) => {
    const value = attributes[attribute.name];
    const values = value === undefined ? [] : Array.isArray(value) ? (value as readonly EncodedValue[]) : [value as EncodedValue];
    return [...new Set(values.map((one) => toIndexKey(valueKey(attribute, one))))].map((key) => ({ attr: attribute.id, key }));
  });
}

/** The expression of the comparison key of an attribute on `entries e`: the one that its index has. */
export function keyExpression(attribute: Pick<StoredAttribute, 'name' | 'type'>, table = 'e.'): string {
  const text = `(${table}keys ->> ${literal(attribute.name)})`;
  return attribute.type === 'integer' ? `(${text}::bigint)` : `(${text} COLLATE "C")`;
}

/** A string literal. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/**
 * A FROM item `r`: what an entry refers to by some attributes. Each attribute is looked for by itself, and `OFFSET 0` keeps it so: the planner checks
 * `attr = ANY` row by row, which reads a million members of a group to see that it has no manager.
 */
export const referencesBy = (entry: string, attributes: string): string =>
  `unnest(${attributes}::integer[]) a(attr) CROSS JOIN LATERAL (SELECT * FROM refs WHERE refs.entry = ${entry} AND refs.attr = a.attr OFFSET 0) r`;

/** Which of some raw values, `$3`, an entry `$1` refers to by an attribute `$2`: each looked for by itself too, for the same reason. */
export const PRESENT_REFERENCES = `SELECT r.raw FROM unnest($3::text[]) x(asked)
  CROSS JOIN LATERAL (SELECT raw FROM refs WHERE entry = $1 AND attr = $2 AND raw = x.asked COLLATE "C" OFFSET 0) r`;
