import type { EncodedAttributes } from '@landbridge/connector-sdk';

/**
 * The values of an entry, read from its body without making an object of it. A body is one flat JSON object: its values are texts,
 * booleans and lists of them, never objects. So a quoted name that follows `{` or `,` and is followed by a colon is a name: inside a
 * text quotes are escaped, and in a list no colon follows.
 */

const memberStarts = new Map<string, string>();

/** How the member of an attribute begins: made once, there are as many as attributes. */
function memberStart(name: string): string {
  const known = memberStarts.get(name) ?? `${JSON.stringify(name)}:`;
  memberStarts.set(name, known);
  return known;
}

/** A single value of an entry, as it is in the body; `undefined` where there is none or it is a list. */
export function valueIn(body: string, name: string): string | boolean | undefined {
  const quoted = memberStart(name);
  for (let at = body.indexOf(quoted); at > 0; at = body.indexOf(quoted, at + 1)) {
    const before = body.charCodeAt(at - 1);
    if (before !== BRACE && before !== COMMA) continue;
    const start = at + quoted.length;
    if (body.charCodeAt(start) !== QUOTE) break;
    const end = endOfText(body, start);
    if (end === -1) break;
    const text = body.slice(start + 1, end - 1);
    return text.includes('\\') ? (JSON.parse(body.slice(start, end)) as string) : text;
  }
  // Blanks between the parts, a value that is no text, or no such value: the way that is always right.
  const value = (JSON.parse(body) as EncodedAttributes)[name];
  return value === undefined || typeof value === 'object' ? undefined : value;
}

/**
 * All values of an entry as JSON text, by the place that `places` gives to their names. `names` are in the order of the places, which
 * is the order that bodies are written in; another order costs time and nothing else.
 */
export function readBody(body: string, names: readonly string[], places: ReadonlyMap<string, number>): readonly (string | undefined)[] {
  const values: (string | undefined)[] = new Array(names.length).fill(undefined);
  let expected = 0;
  for (let at = 1; body.charCodeAt(at) === QUOTE; ) {
    const end = endOfText(body, at);
    if (end === -1 || body.charCodeAt(end) !== COLON) return parseBody(body, names);
    let place: number | undefined;
    for (let next = expected; place === undefined && next < names.length; next += 1) {
      const name = names[next] as string;
      if (name.length === end - at - 2 && body.startsWith(name, at + 1)) place = next;
    }
    place ??= places.get(JSON.parse(body.slice(at, end)) as string);
    const behind = endOfValue(body, end + 1);
    if (behind === -1) return parseBody(body, names);
    if (place !== undefined) {
      values[place] = body.slice(end + 1, behind);
      expected = place + 1;
    }
    const next = body.charCodeAt(behind);
    if (next === CLOSING && behind === body.length - 1) return values;
    if (next !== COMMA) return parseBody(body, names);
    at = behind + 1;
  }
  return parseBody(body, names);
}

/** The way that is right for any JSON, with blanks between the parts too. */
function parseBody(body: string, names: readonly string[]): readonly (string | undefined)[] {
  const attributes = JSON.parse(body) as EncodedAttributes;
  return names.map((name) => (attributes[name] === undefined ? undefined : JSON.stringify(attributes[name])));
}

/** The position behind a value: a text, a list, or a word; -1 where it does not end. */
function endOfValue(body: string, start: number): number {
  const first = body.charCodeAt(start);
  if (first === QUOTE) return endOfText(body, start);
  if (first === BRACE) return -1;
  if (first !== BRACKET) {
    let at = start;
    while (at < body.length && body.charCodeAt(at) !== COMMA && body.charCodeAt(at) !== CLOSING) at += 1;
    return at;
  }
  for (let at = start + 1; at < body.length; ) {
    const code = body.charCodeAt(at);
    if (code === CLOSING_BRACKET) return at + 1;
    if (code === BRACKET || code === BRACE) return -1;
    at = code === QUOTE ? endOfText(body, at) : at + 1;
    if (at === -1) return -1;
  }
  return -1;
}

const BRACE = 0x7b;
const CLOSING = 0x7d;
const BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const COLON = 0x3a;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The position behind a text that begins with the quote at `start`; -1 where it does not end. */
function endOfText(body: string, start: number): number {
  for (let at = body.indexOf('"', start + 1); at !== -1; at = body.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (body.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return -1;
}
