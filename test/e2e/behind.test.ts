import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostConnector, openConnector, type RequestContext } from '@landbridge/engine';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { personConfiguration } from '../fixtures/person-configuration.ts';

/** R5: a connector that came back from a backup, and has not caught up yet. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const context: RequestContext = { credential: 'c', client: 'c', profile: 'lenient', baseUrl: 'https://h/scim/app', correlation: 'x' };
const quiet = (): void => {};
let folder: string;
let connector: HostConnector;
let caughtUp = 0;

const countCaughtUp = (): void => {
  caughtUp += 1;
};

async function open(behind: boolean): Promise<HostConnector> {
  return openConnector({
    folder,
    sealingKey: new Uint8Array(32),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    ...(behind ? { caughtUp: countCaughtUp } : {}),
    configuration: personConfiguration('slow-connector.ts', {
      parameters: { gate: join(folder, 'gate'), importGate: join(folder, 'import-gate') },
      runProfiles: [
        { name: 'full', steps: [{ kind: 'full-import' }] },
        { name: 'delta', steps: [{ kind: 'delta-import' }] },
        { name: 'everything', steps: [{ kind: 'full-export' }] },
      ],
    }),
  });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-behind-'));
  writeFileSync(join(folder, 'gate'), '');
  writeFileSync(join(folder, 'import-gate'), '');
  caughtUp = 0;
  // What the backup has: an entry that the application, by its import, does not show.
  connector = await open(false);
  expect((await connector.clean.create(context, 'Users', { schemas: [USER], userName: 'old' }, {})).status).toBe(201);
  await (await connector.run('full', 'test')).ended;
  await connector.close();
  rmSync(join(folder, 'import-gate'));
  connector = await open(true);
});

afterEach(async () => {
  writeFileSync(join(folder, 'import-gate'), '');
  await connector.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('R5 a connector that is behind', () => {
  it('answers reads, lets every write wait, exports nothing and approves nothing', async () => {
    expect((await connector.status()).state).toBe('behind');
    const listed = JSON.parse((await connector.clean.list(context, 'Users', {})).body ?? '') as { readonly Resources: readonly { readonly id: string }[] };
    const id = listed.Resources[0]?.id ?? '';
    const waits = { status: 503, retryAfter: 30 };
    await expect(connector.clean.create(context, 'Users', { schemas: [USER], userName: 'new' }, {})).rejects.toMatchObject(waits);
    await expect(connector.clean.replace(context, 'Users', id, { schemas: [USER], userName: 'x' }, {})).rejects.toMatchObject(waits);
    await expect(connector.clean.delete(context, 'Users', id)).rejects.toMatchObject(waits);
    await expect(connector.run('everything', 'test')).rejects.toMatchObject({ code: 'behind' });
    await expect(connector.decide(1, 'approved', 'test')).rejects.toMatchObject({ code: 'behind' });
    await expect(connector.decideHeldWrites('approved', undefined, 'test')).rejects.toMatchObject({ code: 'behind' });
    expect(caughtUp).toBe(0);
  });

  it('imports by itself, and has caught up once, when a full import has ended', async () => {
    expect(connector.activeRun?.profile).toBe('full');
    writeFileSync(join(folder, 'import-gate'), '');
    const run = await connector.activeRun?.ended;
    expect(run?.result).toBe('success');
    while (caughtUp === 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await connector.status()).state).toBe('ready');
    const logins = async (): Promise<readonly unknown[]> =>
      (await connector.space({ objectType: 'person', limit: 10 })).rows.map((row) => (JSON.parse(row.body) as { readonly login: string }).login).sort();
    const kept = await logins();
    expect((await connector.clean.create(context, 'Users', { schemas: [USER], userName: 'new' }, {})).status).toBe(201);
    await (await connector.run('full', 'test')).ended;
    expect(kept).toContain('ada');
    expect(caughtUp).toBe(1);
  });
});
