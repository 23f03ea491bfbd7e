import { ScimError, scimErrors } from './errors.ts';

/** Whether `If-None-Match` names the version: then the answer is 304 (S-198). Weak comparison (RFC 9110 §8.8.3.2). */
export function matchesVersion(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((tag) => opaque(tag) === opaque(etag));
}

/** Checks `If-Match` (S-199). @throws ScimError 412. */
function checkIfMatch(header: string | undefined, etag: string): void {
  if (header !== undefined && !matchesVersion(header, etag)) throw scimErrors.preconditionFailed();
}

/** Checks the preconditions of a write: `If-Match`, and `If-None-Match`, which a write that finds its version fails (RFC 9110 §13.1.2). @throws ScimError 412. */
export function checkPreconditions({ ifMatch, ifNoneMatch }: { readonly ifMatch?: string; readonly ifNoneMatch?: string }, etag: string): void {
  checkIfMatch(ifMatch, etag);
  if (ifNoneMatch !== undefined && matchesVersion(ifNoneMatch, etag)) throw new ScimError(412, 'The resource has the version in If-None-Match.');
}

function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '');
}
