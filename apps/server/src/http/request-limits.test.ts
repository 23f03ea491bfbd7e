import { ScimError } from '@landbridge/scim';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFailureThrottle, createRequestLimits } from './request-limits.ts';

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

describe('SEC-07 wrong credentials', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are slowed down for a minute, also when the clock of the machine is set back meanwhile', () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const throttle = createFailureThrottle(3);
    for (let count = 0; count < 3; count += 1) throttle.failed('10.0.0.1');
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(throttle.blocked('10.0.0.1')).toBe(60);
    expect(throttle.blocked('10.0.0.2')).toBe(0);
    vi.advanceTimersByTime(60_001);
    expect(throttle.blocked('10.0.0.1')).toBe(0);
  });
});
