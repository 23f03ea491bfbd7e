import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectorMode, configurationDefaults, type HostConnector, openConnector, type RequestContext } from '@landbridge/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { personConfiguration } from '../fixtures/person-configuration.ts';

/** R31: a crash between the intent and the result of a write that mode shadow records. The gate of the connector stays shut: a call would hang. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const context: RequestContext = { credential: 'c', client: 'c', profile: 'lenient', baseUrl: 'https://h/scim/app', correlation: 'x' };
const quiet = (): void => {};
let folder: string;
let connector: HostConnector;

async function open(mode: ConnectorMode, loseResults = false): Promise<HostConnector> {
  const never = (): Promise<never> => new Promise(() => {});
  return openConnector(
    {
      folder,
      sealingKey: new Uint8Array(32),
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      configuration: personConfiguration('slow-connector.ts', {
        limits: { ...configurationDefaults.limits, callSeconds: 1, deadlineSeconds: 1 },
        mode,
        parameters: { gate: join(folder, 'gate') },
      }),
    },
    loseResults ? { wrapStore: (store) => ({ ...store, commitResults: never }) } : {},
  );
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-shadow-'));
  connector = await open('shadow', true);
  await expect(connector.clean.create(context, 'Users', { schemas: [USER], userName: 'ada' }, {})).rejects.toMatchObject({ status: 503 });
  await connector.close();
});

afterEach(async () => {
  await connector.close();
  rmSync(folder, { recursive: true, force: true });
});

const states = async (): Promise<readonly string[]> => (await connector.journal({ limit: 10 })).map((row) => row.state);

describe('R31 after a crash in mode shadow', () => {
  it('the same mode records the write, and its repeat finds it', async () => {
    connector = await open('shadow');
    await vi.waitFor(async () => expect(await states()).toEqual(['applied']));
    expect(await connector.shadow({ limit: 10 })).toMatchObject([{ kind: 'add', verdict: 'waiting' }]);
    await expect(connector.clean.create(context, 'Users', { schemas: [USER], userName: 'ada' }, {})).rejects.toMatchObject({ status: 409 });
  });

  it.each(['observe', 'live'] as const)('mode %s sends nothing of it', async (mode) => {
    connector = await open(mode);
    await vi.waitFor(async () => expect(await states()).toEqual(['refused']));
    expect((await connector.status()).inDoubt).toBe(0);
  });
});
