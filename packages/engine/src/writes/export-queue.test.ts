import { compileSchema } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { createExportQueue } from './export-queue.ts';

const objectTypes = compileSchema(
  { objectTypes: [{ name: 'object', attributes: [{ name: 'member', type: 'reference', multiValued: true }] }] },
  { dnAsAnchor: true },
);
const queueOf = (lanes: number) =>
  createExportQueue<string>({
    lanes,
    objectTypes,
    // "-a" deletes a, "g>a" is a group that gets a, anything else is created.
    change: (text) =>
      text.startsWith('-')
        ? { modification: 'delete', objectType: 'object', dn: `CN=${text.slice(1)}`, changes: [] }
        : {
            modification: 'update',
            objectType: 'object',
            dn: `CN=${text.split('>')[0]}`,
            changes: text.includes('>') ? [{ name: 'member', modification: 'replace', values: [`CN=${text.split('>')[1]}`] }] : [],
          },
    alone: (text) => text.endsWith('!'),
    purpose: (text) => (text.startsWith('full') ? 'full' : 'delta'),
  });

describe('R18 the queue of changes', () => {
  it('holds back what needs a change that is at work in another session, and lets the others go', () => {
    const queue = queueOf(2);
    for (const text of ['g>a', 'a', 'b']) queue.push(text);
    const first = queue.take(1);
    expect(first?.items).toEqual(['a']);
    expect(queue.take(1)?.items).toEqual(['b']);
    expect(queue.take(1)).toBeUndefined();
    first?.done();
    expect(queue.take(1)?.items).toEqual(['g>a']);
  });

  it('never mixes purposes, and sends alone what must be', () => {
    for (const lanes of [1, 2]) {
      const queue = queueOf(lanes);
      for (const text of ['g>a', 'full', 'b', 'c!']) queue.push(text);
      const batches: (readonly string[])[] = [];
      while (queue.length > 0) {
        const batch = queue.take(10);
        batches.push(batch?.items ?? []);
        batch?.done();
      }
      expect(batches.filter((batch) => batch.includes('full') || batch.includes('c!')).every((batch) => batch.length === 1)).toBe(true);
      expect(batches.flat().sort()).toEqual(['b', 'c!', 'full', 'g>a']);
    }
  });

  it('nothing waits for ever: a delete that newcomers overtook a hundred times goes', () => {
    const queue = queueOf(2);
    queue.push('-b');
    let atWork: ReturnType<typeof queue.take>;
    for (let turn = 0; turn <= 100; turn += 1) {
      queue.push(`g${turn}>c`);
      const next = queue.take(1);
      atWork?.done();
      atWork = next;
      expect(next?.items).toEqual(turn < 100 ? [`g${turn}>c`] : ['-b']);
    }
  });
});
