import { ScimError } from '@landbridge/scim';
import { describe, expect, it } from 'vitest';
import { createRequestLimits } from './request-limits.ts';

describe('S-229 SEC-29 request limits', () => {
  const refusal = (work: () => unknown): ScimError => {
    try {
      work();
    } catch (error) {
      if (error instanceof ScimError) return error;
    }
    throw new Error('it was admitted');
  };

  it('a credential gets its rate, then 429 with Retry-After, then its rate again; its neighbour does not notice', () => {
    let at = 0;
    const limits = createRequestLimits(() => at);
    const rate = { requestsPerSecond: 10, concurrentRequests: 100 };
    for (let count = 0; count < 10; count += 1) limits.admit('a', rate);
    expect(refusal(() => limits.admit('a', rate))).toMatchObject({ status: 429, retryAfter: 1 });
    limits.admit('b', rate);
    at = 500;
    for (let count = 0; count < 5; count += 1) limits.admit('a', rate);
    expect(refusal(() => limits.admit('a', rate)).status).toBe(429);
  });

  it('requests at work are counted until they end', () => {
    const limits = createRequestLimits();
    const two = { requestsPerSecond: 0, concurrentRequests: 2 };
    const end = limits.admit('a', two);
    limits.admit('a', two);
    expect(refusal(() => limits.admit('a', two)).status).toBe(429);
    end();
    limits.admit('a', two);
  });
});
