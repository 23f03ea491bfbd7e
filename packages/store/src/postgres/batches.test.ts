import { describe, expect, it } from 'vitest';
import { createBatches } from './batches.ts';

/** Statements that end when the test says so. */
function bench() {
  const asked: (readonly number[])[] = [];
  const open: { readonly keys: readonly number[]; end(error?: Error): void }[] = [];
  const ask = createBatches(
    (keys: readonly number[]) =>
      new Promise<readonly string[]>((resolve, reject) => {
        asked.push(keys);
        open.push({ keys, end: (error) => (error === undefined ? resolve(keys.map((key) => `answer ${key}`)) : reject(error)) });
      }),
  );
  return { ask, asked, open };
}

describe('questions of one kind at once', () => {
  it('are asked alone while few ask, and together while statements are under way; each has its own answer', async () => {
    const { ask, asked, open } = bench();
    const answers = [1, 2, 3, 4, 3].map(ask);
    expect(asked).toEqual([[1], [2]]);
    open[0]?.end();
    await answers[0];
    await Promise.resolve();
    expect(asked).toEqual([[1], [2], [3, 4, 3]]);
    for (const one of open) one.end();
    expect(await Promise.all(answers)).toEqual(['answer 1', 'answer 2', 'answer 3', 'answer 4', 'answer 3']);
  });

  it('fail with their statement alone', async () => {
    const { ask, open } = bench();
    const answers = [1, 2, 3].map(ask);
    const ended = Promise.allSettled(answers);
    open[0]?.end(new Error('gone'));
    await expect(answers[0]).rejects.toThrow('gone');
    await Promise.resolve();
    for (const one of open) one.end();
    expect((await ended).map((one) => one.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    const later = ask(9);
    open.at(-1)?.end();
    expect(await later).toBe('answer 9');
  });
});
