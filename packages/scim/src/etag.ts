import { scimErrors } from './errors.ts';

/** Whether `If-None-Match` names the version: then the answer is 304 (S-198). Weak comparison (RFC 9110 §8.8.3.2). */
export function matchesVersion(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(etag));
}

/** Checks `If-Match` (S-199). @throws ScimError 412. */
export function checkIfMatch(header: string | undefined, etag: string): void {
  if (header !== undefined && !matchesVersion(header, etag)) throw scimErrors.preconditionFailed();
}

function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
