import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { StoredType } from './stored-model.ts';

/**
 * Reads the body of an entry as `JSON.parse` does, in a third of its time for the bodies that most entries have: attributes in the order of
 * the schema, one value each, no character that JSON escapes. Then every quotation mark ends a text, and values are cut out between
 * them. Any other body is parsed.
 */
export function parseBody(type: StoredType, body: string): EncodedAttributes {
  return (body.includes('\\') ? undefined : cut(marksOf(type), body)) ?? (JSON.parse(body) as EncodedAttributes);
}

interface Mark {
  readonly name: string;
  /** The name as it stands before a text: `"name":"`. */
  readonly text: string;
}

const marks = new WeakMap<StoredType, readonly Mark[]>();

function marksOf(type: StoredType): readonly Mark[] {
  const known = marks.get(type);
  if (known !== undefined) return known;
  // An attribute may have the name of what an object inherits from: `JSON.parse` alone makes it one of its own.
  const names = type.attributes.has('__proto__') ? [] : [...type.attributes.keys()];
  const made = names.map((name) => ({ name, text: `${JSON.stringify(name)}:"` }));
  marks.set(type, made);
  return made;
}

function cut(list: readonly Mark[], body: string): EncodedAttributes | undefined {
  const attributes: Record<string, EncodedValue> = {};
  let at = 1;
  for (const { name, text } of list) {
    if (!body.startsWith(text, at)) continue;
    const start = at + text.length;
    const end = body.indexOf('"', start);
    attributes[name] = body.slice(start, end);
    // Behind the comma, or the closing brace.
    at = end + 2;
  }
  return at === body.length ? attributes : undefined;
}
