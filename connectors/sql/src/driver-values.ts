import { ConnectorError } from '@landbridge/connector-sdk';

/** What drivers give, as typed values: the same for every dialect that says nothing else. */

const WHOLE = /^-?\d+(?:\.0+)?$/;
const TRUE_TEXTS: ReadonlySet<string> = new Set(['1', 'true', 't', 'yes', 'y', 'on']);

/** Text of whatever a driver gives: bytes are UTF-8. */
export function textOfDriver(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8') : String(value);
}

/** A whole number of its text, with nothing but zeros behind the point. @throws ConnectorError `invalid-attribute-value`. */
export function readWhole(text: string): bigint {
  if (WHOLE.test(text)) return BigInt(text.replace(/\..*/, ''));
  throw notWhole();
}

export function notWhole(): ConnectorError {
  return new ConnectorError('invalid-attribute-value', 'a column that should hold whole numbers holds something else; declare its type as string');
}

/** Whether a text says yes. */
export function saysYes(text: string): boolean {
  return TRUE_TEXTS.has(text.toLowerCase());
}

/** Whether a flag is set that may be a number, too. */
export function isFlagSet(text: string): boolean {
  return WHOLE.test(text) ? Number(text) !== 0 : saysYes(text);
}

/** Bytes of whatever a driver gives: text is UTF-8. */
export function bytesOfDriver(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value), 'utf8');
}
