import { describe, expect, it } from 'vitest';
import { createEntryLocks } from './entry-locks.ts';

describe('entry locks', () => {
  it('R15 gives the lock of an entry to one writer at a time, first come, first served', async () => {
    const locks = createEntryLocks();
    const order: string[] = [];
    const first = await locks.acquire(1);
    const second = locks.acquire(1).then((release) => {
      order.push('second');
      release();
    });
    const third = locks.acquire(1).then((release) => {
      order.push('third');
      release();
    });
    order.push('first');
    first();
    await Promise.all([second, third]);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  it('lets writers of different entries pass', async () => {
    const locks = createEntryLocks();
    await locks.acquire(1);
    const release = await locks.acquire(2);
    expect(typeof release).toBe('function');
  });

  it('survives a lock that is given back twice', async () => {
    const locks = createEntryLocks();
    const first = await locks.acquire(1);
    const waiting = locks.acquire(1);
    first();
    const second = await waiting;
    first();
    let reached = false;
    const third = locks.acquire(1).then(() => {
      reached = true;
    });
    await Promise.resolve();
    expect(reached).toBe(false);
    second();
    await third;
    expect(reached).toBe(true);
  });
});
