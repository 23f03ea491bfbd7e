import { ConnectorError, type Value } from '@landbridge/connector-sdk';
import type { CatalogueColumn } from './database.ts';
import type { ColumnSettings, ColumnType, MultiValueSettings } from './settings.ts';
import { formatTime, parseTime, type TimeSettings } from './times.ts';

/** How the value of a column becomes the values of an attribute, where that is more than its type says. */
export interface ColumnCodec {
  /** The type of each value. */
  readonly type: ColumnType;
  readonly multiValued: boolean;
  /** @throws ConnectorError `invalid-attribute-value`. */
  read(value: Value): readonly Value[];
  /** The value of the column for these values; `null` for none. @throws ConnectorError `invalid-attribute-value`. */
  write(values: readonly Value[]): Value | null;
}

/** Bytes that a value may have unless the configuration says otherwise. */
const MAXIMUM_BYTES = 1024 * 1024;

/** Chooses the codec of a column; `undefined` where value and attribute are the same. */
export function chooseCodec(settings: ColumnSettings, column: CatalogueColumn): ColumnCodec | undefined {
  const list = settings.list ?? (/\[\]$/.test(column.declared) && settings.type === undefined ? 'array' : undefined);
  if (list === 'array') return arrayCodec(column, settings.type);
  if (list === 'json') return jsonCodec(settings.type ?? 'string');
  if (settings.time !== undefined) return timeCodec(settings.time, column);
  if (settings.empty === 'absent') return emptyCodec(column);
  return undefined;
}

/** How many bytes a value of a side table may have. */
export function maximumSideBytes(settings: MultiValueSettings, column: CatalogueColumn): number | undefined {
  return column.type === 'binary' && settings.reference === undefined ? (settings.maximumBytes ?? MAXIMUM_BYTES) : undefined;
}

/** @throws ConnectorError `invalid-attribute-value` for bytes beyond the limit of their column. */
export function checkBytes(value: Value, { maximumBytes }: CatalogueColumn): void {
  if (maximumBytes !== undefined && value instanceof Uint8Array && value.byteLength > maximumBytes)
    throw refuse(`the value has more than ${maximumBytes} bytes; raise maximumBytes of the attribute, or leave it out`);
}

/** How many bytes a value of a binary column may have; `undefined` for other columns. */
export function maximumBytesOf(settings: ColumnSettings, column: CatalogueColumn): number | undefined {
  return (settings.type ?? column.type) === 'binary' ? (settings.maximumBytes ?? MAXIMUM_BYTES) : undefined;
}

function refuse(message: string): ConnectorError {
  return new ConnectorError('invalid-attribute-value', message);
}

const ELEMENTS: readonly (readonly [pattern: RegExp, type: ColumnType])[] = [
  [/^(smallint|integer|bigint)\[\]$/, 'integer'],
  [/^boolean\[\]$/, 'boolean'],
];

/** An array column of PostgreSQL, in the text that it reads and writes (its manual, 8.15.6). */
function arrayCodec({ declared }: CatalogueColumn, wanted: ColumnType | undefined): ColumnCodec {
  const type = wanted ?? ELEMENTS.find(([pattern]) => pattern.test(declared))?.[1] ?? 'string';
  return {
    type,
    multiValued: true,
    read: (value) => distinct(parseArray(String(value)).map((text) => typed(text, type))),
    write: (values) => (values.length === 0 ? null : `{${values.map((value) => `"${String(value).replace(/["\\]/g, '\\$&')}"`).join(',')}}`),
  };
}

/** The elements of `{a,"b c",NULL}`; NULL says nothing. */
export function parseArray(text: string): readonly string[] {
  if (!text.startsWith('{') || !text.endsWith('}')) throw refuse('a column that should hold an array holds something else');
  const elements: string[] = [];
  for (const [, quoted, plain] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\[\s\S])*)"|([^",{}]+)/g)) {
    if (quoted !== undefined) elements.push(quoted.replace(/\\([\s\S])/g, '$1'));
    else if (plain !== undefined && plain !== 'NULL') elements.push(plain);
  }
  return elements;
}

function typed(text: string, type: ColumnType): Value {
  if (type === 'boolean') return text === 't' || text === 'true';
  if (type !== 'integer') return text;
  if (/^-?\d+$/.test(text)) return BigInt(text);
  throw refuse('a list that should hold whole numbers holds something else');
}

/** A JSON array, or one JSON value, in a column of text or JSON. Objects in it stay JSON. */
function jsonCodec(type: ColumnType): ColumnCodec {
  return {
    type,
    multiValued: true,
    read(value) {
      // Whole numbers beyond 2^53 keep their digits.
      const parsed = parseJson(String(value));
      const list = Array.isArray(parsed) ? (parsed as readonly unknown[]) : [parsed];
      return distinct(list.filter((one) => one !== null).map((one) => typed(typeof one === 'object' ? JSON.stringify(one) : String(one), type)));
    },
    write: (values) =>
      values.length === 0 ? null : `[${values.map((value) => (type === 'string' ? JSON.stringify(String(value)) : String(value))).join(',')}]`,
  };
}

function parseJson(text: string): unknown {
  const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? context.source : value;
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    throw refuse('a column that should hold JSON holds something else');
  }
}

/** An attribute is a set: a repeated value says nothing new. */
function distinct(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}

/** A time in the form that the rest of the world reads: ISO 8601, in UTC. */
function timeCodec(settings: TimeSettings, { maximumLength }: CatalogueColumn): ColumnCodec {
  return {
    type: 'string',
    multiValued: false,
    read: (value) => [parseTime(String(value), settings)],
    write([value]) {
      if (value === undefined) return null;
      const text = formatTime(String(value), settings);
      if (maximumLength !== undefined && text.length > maximumLength) throw refuse(`the time has ${text.length} characters, the column holds ${maximumLength}`);
      return text;
    },
  };
}

/** An empty text that means: nothing. */
function emptyCodec({ nullable, type }: CatalogueColumn): ColumnCodec {
  return {
    type,
    multiValued: false,
    read: (value) => (value === '' ? [] : [value]),
    write: ([value]) => value ?? (nullable ? null : ''),
  };
}
