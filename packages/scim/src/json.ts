import { scimErrors } from './errors.ts';

/** Bounds of a request body (SEC-27). */
export interface JsonLimits {
  readonly depth: number;
  readonly keysPerObject: number;
  readonly arrayLength: number;
  /** Bytes of UTF-8. */
  readonly stringBytes: number;
}

export const defaultJsonLimits: JsonLimits = { depth: 32, keysPerObject: 1000, arrayLength: 100_000, stringBytes: 1024 * 1024 };

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses the body of a request: one JSON object in UTF-8.
 *
 * Keys that collide without regard to case, exact duplicates, prototype names, depth and size beyond the limits are refused
 * (S-030, S-204, SEC-27, SEC-37). A byte order mark is tolerated; lone surrogates are not (S-212).
 *
 * @throws ScimError 400 `invalidSyntax`.
 */
export function parseJsonBody(body: Buffer | string, limits: JsonLimits = defaultJsonLimits): Readonly<Record<string, unknown>> {
  const given = typeof body === 'string' ? body : decode(body);
  const text = given.charCodeAt(0) === 0xfeff ? given.slice(1) : given;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw scimErrors.invalidSyntax('The body is not valid JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw scimErrors.invalidSyntax('The body must be a JSON object.');
  const keys = checkValue(value, limits, 1);
  // Only what is that long can be a whole number that JavaScript rounds.
  if (/\d{16}/.test(text)) value = JSON.parse(text, exactInteger);
  // JSON.parse keeps the last of equal keys in silence: then the text has more of them than the value.
  if (countKeys(text) !== keys) throw scimErrors.invalidSyntax('The body has an object with two keys of the same name.');
  return value as Readonly<Record<string, unknown>>;
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw scimErrors.invalidSyntax('The body is not valid UTF-8.');
  }
}

/** Checks a value and all it holds; returns how many keys its objects have. */
function checkValue(value: unknown, limits: JsonLimits, depth: number): number {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw scimErrors.invalidSyntax('The body holds half of a character (a lone surrogate).');
    // A character is at most three bytes for each of its code units.
    if (value.length * 3 > limits.stringBytes && Buffer.byteLength(value) > limits.stringBytes)
      throw scimErrors.invalidSyntax(`The body has a text of more than ${limits.stringBytes} bytes.`);
    return 0;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw scimErrors.invalidSyntax('The body holds a number out of range.');
  if (typeof value !== 'object' || value === null) return 0;
  if (depth > limits.depth) throw scimErrors.invalidSyntax(`The body is nested deeper than ${limits.depth} levels.`);
  if (Array.isArray(value)) {
    if (value.length > limits.arrayLength) throw scimErrors.invalidSyntax(`The body has an array of more than ${limits.arrayLength} elements.`);
    let keys = 0;
    for (const element of value) keys += checkValue(element, limits, depth + 1);
    return keys;
  }
  const names = Object.keys(value);
  if (names.length > limits.keysPerObject) throw scimErrors.invalidSyntax(`The body has an object with more than ${limits.keysPerObject} keys.`);
  if (names.length > 1 && new Set(names.map((name) => name.toLowerCase())).size !== names.length)
    throw scimErrors.invalidSyntax('The body has an object with two keys that differ only in case.');
  let keys = names.length;
  for (const name of names) {
    if (!name.isWellFormed()) throw scimErrors.invalidSyntax('The body holds half of a character (a lone surrogate).');
    if (FORBIDDEN.has(name)) throw scimErrors.invalidSyntax(`The key "${name}" is not allowed.`);
    keys += checkValue((value as Readonly<Record<string, unknown>>)[name], limits, depth + 1);
  }
  return keys;
}

/** Keeps whole numbers beyond 2^53 as the digits that the client sent (R27): what an answer shows may be sent back. */
function exactInteger(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined || !/^-?\d{1,40}$/.test(source)) return value;
  return rawJson(source);
}

/** Counts the keys in valid JSON text: a string followed by a colon is a key. */
function countKeys(text: string): number {
  let keys = 0;
  for (let index = text.indexOf('"'); index !== -1; index = text.indexOf('"', index)) {
    index += 1;
    for (;;) {
      const quote = text.indexOf('"', index);
      const backslash = text.indexOf('\\', index);
      if (backslash === -1 || backslash > quote) {
        index = quote + 1;
        break;
      }
      index = backslash + 2;
    }
    while (text.charCodeAt(index) <= 0x20) index += 1;
    if (text.charCodeAt(index) === 0x3a) keys += 1;
  }
  return keys;
}

/** Digits as they are: Node 24 has it, the type library of the compiler not yet. */
export function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** Whether a value is the digits of a number, as {@link rawJson} makes them. */
export function isRawJson(value: unknown): value is { readonly rawJSON: string } {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);
}

/**
 * The text of whatever a client sent where text is expected. `String()` is not for that: it calls what an object names `toString`, and
 * throws where there is no such thing, as in the digits of {@link rawJson} (SEC-38).
 */
export function asText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return isRawJson(value) ? value.rawJSON : JSON.stringify(value);
}
