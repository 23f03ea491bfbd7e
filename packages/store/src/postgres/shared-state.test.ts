import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import { observedSettings } from '../control-store.ts';
import { openPostgresControlStore } from './control-database.ts';
import { openSharedState } from './shared-state.ts';

describe.skipIf(postgresPrograms() === undefined)('what hosts of an installation know of each other', () => {
  let postgres: PrivatePostgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it('R34 the version changes with configuration, tokens and secrets, and not with what a host only noticed', async () => {
    const control = await openPostgresControlStore(postgres);
    const shared = openSharedState(postgres);
    const versions = [await shared.readVersion()];
    const changes = [
      () => control.addRevision({ document: '{}', author: 'a', at: 1, summary: 's' }),
      () =>
        control.addToken({ id: 't', scope: { kind: 'admin' }, label: 'l', hash: 'h', createdAt: 1, expiresAt: 2, revokedAt: undefined, lastUsedAt: undefined }),
      () => control.revokeToken('t', 1),
      () => control.writeSetting('secrets', '{"a":1}'),
      () => control.writeSetting('secrets', '{"a":2}'),
    ];
    for (const change of changes) {
      await change();
      versions.push(await shared.readVersion());
    }
    expect(new Set(versions).size).toBe(changes.length + 1);
    for (const name of observedSettings) await control.writeSetting(name, '{"t":["10.0.0.0/24"]}');
    await control.touchTokens([{ id: 't', at: 5 }]);
    expect(await shared.readVersion()).toBe(versions.at(-1));
    await shared.close();
    await control.close();
  });
});
