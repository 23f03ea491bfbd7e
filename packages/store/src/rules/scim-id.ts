import { hash } from 'node:crypto';

/**
 * The SCIM id of an object: opaque, derived from connector, object type, first anchor and generation (R7), so that a
 * rebuilt space yields the same ids. A UUID in form (version 8, RFC 9562 §5.8), so it never contains `bulkId` (S-018).
 */
export function deriveScimId(connector: string, objectType: string, anchor: string, generation: number): string {
  const digest = hash('sha256', `${connector}\u0000${objectType}\u0000${generation}\u0000${anchor}`, 'hex');
  const variant = ((Number.parseInt(digest[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
