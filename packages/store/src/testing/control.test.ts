import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ControlStore, StoredToken } from '../control-store.ts';
import { implementations, type StorePlace } from './stores.ts';

const token: StoredToken = {
  id: 't1',
  scope: { kind: 'scim', connector: 'hr', profile: 'entra', client: 'entra', operations: ['read'] },
  label: 'first',
  hash: 'h',
  createdAt: 1,
  expiresAt: 1_900_000_000_000,
  revokedAt: undefined,
  lastUsedAt: undefined,
};

describe.each(implementations)('$name: control data', (implementation) => {
  let place: StorePlace;
  let control: ControlStore;
  beforeEach(async () => {
    place = await implementation.createPlace();
    control = await place.openControl();
  });
  afterEach(async () => {
    await control.close();
    await place.dispose();
  });

  it('R4 revisions are numbered, never change, and the newest is in force', async () => {
    expect(await control.readRevision()).toBeUndefined();
    const add = (document: string) => control.addRevision({ document, author: 'a', at: 1_764_000_000_000, summary: `made ${document}` });
    const first = await add('{"a": "é\\u0000"}');
    const second = await add('two');
    expect(second).toBe(first + 1);
    expect(await control.readRevision()).toMatchObject({ number: second, document: 'two' });
    expect(await control.readRevision(first)).toEqual({
      number: first,
      document: '{"a": "é\\u0000"}',
      author: 'a',
      at: 1_764_000_000_000,
      summary: 'made {"a": "é\\u0000"}',
    });
    expect((await control.listRevisions(1)).map((one) => one.number)).toEqual([second]);
    await control.close();
    control = await place.openControl();
    expect(await add('three')).toBe(second + 1);
  });

  it('S-220 tokens: kept with their scope, used, revoked once', async () => {
    await control.addToken(token);
    await control.addToken({ ...token, id: 't2', scope: { kind: 'admin' }, createdAt: 2, expiresAt: undefined });
    await expect(control.addToken(token)).rejects.toThrow();
    await control.touchTokens([{ id: 't2', at: 9 }]);
    expect(await control.revokeToken('t1', 5)).toBe(true);
    expect(await control.revokeToken('t1', 6)).toBe(false);
    expect(await control.listTokens()).toEqual([
      { ...token, revokedAt: 5 },
      { ...token, id: 't2', scope: { kind: 'admin' }, createdAt: 2, expiresAt: undefined, lastUsedAt: 9 },
    ]);
  });

  it('S-252 the audit of administration is append-only, newest first; settings are read back', async () => {
    for (const action of ['one', 'two', 'three']) await control.addAudit({ at: 1, actor: 'admin', action, detail: 'd' });
    expect((await control.listAudit(2)).map((record) => record.action)).toEqual(['three', 'two']);
    expect(await control.readSetting('x')).toBeUndefined();
    for (const value of ['1', '2']) await control.writeSetting('x', value);
    expect(await control.readSetting('x')).toBe('2');
  });
});
