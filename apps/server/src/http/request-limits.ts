import type { ConnectorConfiguration } from '@landbridge/engine';
import { ScimError } from '@landbridge/scim';

/** How much a credential may ask for: one client cannot starve another (S-229, SEC-29). */
export interface RequestLimits {
  /**
   * Admits a request or refuses it; the function that it returns ends it.
   *
   * @throws ScimError 429 with Retry-After.
   */
  admit(credential: string, limits: Pick<ConnectorConfiguration['limits'], 'requestsPerSecond' | 'concurrentRequests'>): () => void;
}

interface Use {
  /** Requests that may begin at once; refilled by `requestsPerSecond`, up to one second's worth. */
  tokens: number;
  filledAt: number;
  atWork: number;
}

/** Makes the limits of a host: a token bucket and a count for each credential that there is. */
export function createRequestLimits(now: () => number = () => performance.now()): RequestLimits {
  const uses = new Map<string, Use>();
  return {
    admit(credential, { requestsPerSecond, concurrentRequests }) {
      const use = uses.get(credential) ?? { tokens: requestsPerSecond, filledAt: now(), atWork: 0 };
      uses.set(credential, use);
      if (use.atWork >= concurrentRequests)
        throw new ScimError(429, `More than ${concurrentRequests} requests of this credential are at work; wait for their answers.`, { retryAfter: 1 });
      if (requestsPerSecond > 0) {
        const at = now();
        use.tokens = Math.min(requestsPerSecond, use.tokens + ((at - use.filledAt) / 1000) * requestsPerSecond);
        use.filledAt = at;
        if (use.tokens < 1)
          throw new ScimError(429, `More than ${requestsPerSecond} requests a second of this credential; slow down.`, {
            retryAfter: Math.max(1, Math.ceil((1 - use.tokens) / requestsPerSecond)),
          });
        use.tokens -= 1;
      }
      use.atWork += 1;
      return () => {
        use.atWork -= 1;
      };
    },
  };
}

/** Slows down whoever presents wrong credentials (SEC-07). */
export interface FailureThrottle {
  /** Seconds to wait, or 0. */
  blocked(source: string): number;
  failed(source: string): void;
}

/** More than `limit` failures of a source within a minute are answered 429 until the minute is over. */
export function createFailureThrottle(limit = 100, now: () => number = () => performance.now()): FailureThrottle {
  const sources = new Map<string, { count: number; until: number }>();
  return {
    blocked(source) {
      const entry = sources.get(source);
      if (entry === undefined || entry.until < now() || entry.count < limit) return 0;
      return Math.ceil((entry.until - now()) / 1000);
    },
    failed(source) {
      const at = now();
      const entry = sources.get(source);
      if (sources.size > 10_000) sources.clear();
      if (entry === undefined || entry.until < at) sources.set(source, { count: 1, until: at + 60_000 });
      else entry.count += 1;
    },
  };
}
