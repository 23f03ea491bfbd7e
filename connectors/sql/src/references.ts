import { ConnectorError, formatAnchor, type Value } from '@landbridge/connector-sdk';
import type { CatalogueColumn } from './database.ts';

/** The text of a typed value, as anchors and references carry it. */
export function formatValue(value: Value): string {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') : String(value);
}

/** The text of a reference: the anchor of its target; `undefined` when a part is missing. */
export function formatReference(values: readonly (Value | undefined)[]): string | undefined {
  const texts: string[] = [];
  for (const value of values) {
    if (value === undefined) return undefined;
    texts.push(formatValue(value));
  }
  return formatAnchor(texts);
}

/** The column values of a reference: the inverse of {@link formatReference}. @throws ConnectorError `invalid-attribute-value`. */
export function parseReference(text: string, columns: readonly CatalogueColumn[]): readonly Value[] {
  const parts = columns.length === 1 ? [text] : parseParts(text, columns.length);
  return columns.map((column, index) => parsePart(parts[index] ?? '', column));
}

function parseParts(text: string, count: number): readonly string[] {
  try {
    const parts: unknown = JSON.parse(text);
    if (Array.isArray(parts) && parts.length === count && parts.every((part) => typeof part === 'string')) return parts;
  } catch {
    // Not JSON: the error below says what is wanted.
  }
  throw new ConnectorError('invalid-attribute-value', `a reference to an object with ${count} anchor attributes is a JSON array of ${count} texts`);
}

function parsePart(part: string, column: CatalogueColumn): Value {
  if (column.type === 'binary') return Buffer.from(part, 'base64');
  if (column.type !== 'integer') return part;
  if (/^-?\d{1,19}$/.test(part)) return BigInt(part);
  throw new ConnectorError('invalid-attribute-value', `the column "${column.name}" refers by a whole number`);
}
