import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { type ListQuery, scimErrors } from '@landbridge/scim';

/** How long a cursor is good for, in seconds (RFC 9865 §4 `cursorTimeout`). The host keeps nothing for it. */
export const CURSOR_SECONDS = 3600;

/** Where a walk goes on: after an entry, in the order of entries; or after so many, in any other order. */
export interface WalkPosition {
  /** Which resource type, in a search over all of them. */
  readonly type: number;
  readonly after?: number;
  readonly offset?: number;
}

/** What a cursor holds. */
interface Contents {
  readonly position: WalkPosition;
  readonly count: number;
}

/** Makes and reads cursors (RFC 9865). */
export interface Cursors {
  make(query: ListQuery, scope: string, contents: Contents): string;
  /** @throws ScimError 400 `invalidCursor`, `expiredCursor`, `invalidCount` (S-117). */
  read(query: ListQuery, scope: string): Contents;
}

/**
 * Cursors that carry their own state: the position in clear, and a code over it, over whose it is and over the query (S-116). Who
 * has one can do nothing with it that the credential could not do without. The text has letters, digits, `-`, `_` and `.` only.
 */
export function createCursors(secret: Uint8Array, connector: string, now: () => number): Cursors {
  const key = createSecretKey(createHmac('sha256', secret).update(`landbridge cursor ${connector}`).digest());
  const codeOf = (payload: string, query: ListQuery, scope: string): Buffer => {
    const bound = JSON.stringify([payload, scope, query.filter, query.sortBy, query.sortOrder, query.attributes, query.excludedAttributes]);
    return createHmac('sha256', key).update(bound).digest().subarray(0, 16);
  };
  return {
    make(query, scope, { position, count }) {
      const payload = JSON.stringify([position.type, position.after ?? null, position.offset ?? null, count, Math.floor(now() / 1000)]);
      return `${Buffer.from(payload).toString('base64url')}.${codeOf(payload, query, scope).toString('base64url')}`;
    },
    read(query, scope) {
      const invalid = scimErrors.invalidCursor('The cursor is not one of this service, this client and this query.');
      const [first = '', second = '', ...more] = (query.cursor ?? '').split('.');
      const payload = Buffer.from(first, 'base64url').toString('utf8');
      const code = Buffer.from(second, 'base64url');
      const wanted = codeOf(payload, query, scope);
      if (more.length > 0 || code.length !== wanted.length || !timingSafeEqual(code, wanted)) throw invalid;
      // The code says that this host wrote it.
      const [type, after, offset, count, at] = JSON.parse(payload) as [number, number | null, number | null, number, number];
      if (now() / 1000 - at > CURSOR_SECONDS) throw scimErrors.expiredCursor(`The cursor is older than ${CURSOR_SECONDS} seconds; begin again.`);
      if (query.countGiven && query.count !== count) throw scimErrors.invalidCount(`The walk began with a count of ${count}; keep it, or begin again.`);
      return { position: { type, ...(after === null ? {} : { after }), ...(offset === null ? {} : { offset }) }, count };
    },
  };
}
