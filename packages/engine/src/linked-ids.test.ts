import { describe, expect, it } from 'vitest';
import { anchorCandidates, idDecoders } from './linked-ids.ts';

describe('R32 anchors that an id of another host may mean', () => {
  it.each([
    ['raw', 'ada', expect.arrayContaining(['ada'])],
    ['percent-encoded', 'a%2Fb%20c', ['a%2Fb%20c', 'a/b c']],
    ['base64 of UTF-8', Buffer.from('ådä/1').toString('base64'), expect.arrayContaining(['ådä/1'])],
    ['base64 of UTF-16, as .NET makes it', Buffer.from('ada', 'utf16le').toString('base64'), expect.arrayContaining(['ada'])],
    ['base64 for URLs', Buffer.from('??>>').toString('base64url'), expect.arrayContaining(['??>>'])],
    ['the name that the host makes', 'CN=Lovelace\\, Ada,OBJECT=USER', expect.arrayContaining(['Lovelace, Ada'])],
  ])('%s', (_, id, expected) => {
    expect(anchorCandidates(id, idDecoders)).toEqual(expected);
  });

  it('only the ways that the operator allows; nothing that cannot be decoded', () => {
    expect(anchorCandidates('YWRh', ['raw'])).toEqual(['YWRh']);
    expect(anchorCandidates('%zz', ['url', 'base64', 'dn'])).toEqual([]);
  });
});
