import { expect, it } from 'vitest';
import { createRepeats } from './repeats.ts';

it('R16 a repeat of a write under way joins it and gets its answer; after it ended it is a new request', async () => {
  const repeats = createRepeats<number>();
  let runs = 0;
  let finish = (_: number): void => {};
  const write = (): Promise<number> => {
    runs += 1;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  const first = repeats.join('key', write);
  const repeat = repeats.join('key', write);
  expect(runs).toBe(1);
  finish(7);
  expect(await first).toBe(7);
  expect(await repeat).toBe(7);
  const later = repeats.join('key', write);
  expect(runs).toBe(2);
  finish(8);
  expect(await later).toBe(8);
});

it('R16 a write that failed does not stay under way', async () => {
  const repeats = createRepeats<number>();
  await expect(repeats.join('key', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await repeats.join('key', () => Promise.resolve(1))).toBe(1);
});
