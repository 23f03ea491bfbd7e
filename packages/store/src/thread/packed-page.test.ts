import { describe, expect, it } from 'vitest';
import type { ImportedEntry } from '../connector-store.ts';
import { group, person } from '../testing/people.ts';
import { packPage, unpackRequest } from './packed-page.ts';

/** What arrives at the other side of a port. */
function sent(entries: readonly ImportedEntry[]): unknown {
  return unpackRequest(structuredClone({ id: 1, command: 'applyPage', values: [7, packPage(entries)] })).values[1];
}

describe('R27 a page between threads', () => {
  it('arrives as it was: object types, names, and sets with every character', () => {
    const odd = ['a\nb', 'c"d\\', '\u{1F600}', '\uD800', ''];
    const page = [person('1', { login: 'Ada' }, 'cn=Ada'), group('g', ['1', '2']), person('2', { login: 'é\u0000' }), group('h', odd), group('i', [])];
    expect(sent(page)).toMatchObject(page);
    expect(packPage(page)).not.toEqual(page);
  });

  it('arrives as it was where it has updates or deletes, or nothing', () => {
    const page: readonly ImportedEntry[] = [person('1'), { op: 'delete', objectType: 'person', anchor: '2' }];
    expect(sent(page)).toEqual(page);
    expect(sent([])).toEqual([]);
  });
});
