import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ConnectorConfiguration, configurationDefaults, type HostConnector, openConnector } from '@landbridge/engine';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildConnector, sourcesOf } from '../../connectors/ecma2/src/build-worker.ts';
import { monoPrograms } from '../../tools/backends.ts';
import { context, type Json } from '../fixtures/scripted-host.ts';

/** The .NET worker dies at a point that the sample connector names; the oracle is the application's own files. */
const quiet = (): void => {};

interface Bench {
  readonly connector: HostConnector;
  readonly application: string;
  close(): Promise<void>;
}

const open: Bench[] = [];
afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

describe.skipIf(monoPrograms() === undefined)('a .NET worker killed', { timeout: 120_000 }, () => {
  let directory: string;
  beforeAll(async () => {
    directory = dirname(await buildConnector('Landbridge.Sample.Directory', sourcesOf('sample')));
  }, 120_000);

  async function start(capabilities: Readonly<Record<string, boolean>> = {}, own: Readonly<Record<string, boolean>> = {}): Promise<Bench> {
    const base = mkdtempSync(join(tmpdir(), 'landbridge-kill-'));
    const application = join(base, 'application');
    for (const folder of ['person', 'group', 'logins']) mkdirSync(join(application, folder), { recursive: true });
    for (let index = 1; index <= 30; index += 1) {
      writeFileSync(join(application, 'person', `${index}.txt`), `active:true\nlogin:user${index}\n`);
      writeFileSync(join(application, 'logins', `user${index}`), String(index));
    }
    const configuration: ConnectorConfiguration = {
      name: 'app',
      package: 'ecma2',
      ...configurationDefaults,
      limits: { ...configurationDefaults.limits, callSeconds: 60, deadlineSeconds: 60 },
      parameters: { directory, ...own, lingerSeconds: 0, capabilities, connectivity: { Folder: application } },
      secretParameters: [],
      objectTypes: [
        {
          objectType: 'person',
          resourceType: 'User',
          endpoint: 'Users',
          mapping: [
            { scim: 'userName', attribute: 'login' },
            { scim: 'title', attribute: 'title' },
          ],
          excluded: [],
          queryable: [],
        },
      ],
      partitions: [],
      containers: [],
      runProfiles: [
        { name: 'full', steps: [{ kind: 'full-import', pageSize: 10 }] },
        { name: 'delta', steps: [{ kind: 'delta-import' }] },
      ],
      autosync: { schedules: [] },
      deprovisioning: { disable: { action: 'none' }, delete: { action: 'delete' } },
      strictResults: false,
    };
    const connector = await openConnector({
      folder: join(base, 'host'),
      sealingKey: new Uint8Array(32),
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      configuration,
    });
    const bench: Bench = {
      connector,
      application,
      async close() {
        await connector.close();
        rmSync(base, { recursive: true, force: true });
      },
    };
    open.push(bench);
    return bench;
  }

  const run = async ({ connector }: Bench, profile: string): Promise<string> => {
    await connector.activeRun?.ended;
    return (await (await connector.run(profile, 'test')).ended).result;
  };
  const create = async ({ connector }: Bench, attributes: Json): Promise<Json> =>
    JSON.parse(
      (await connector.clean.create(context, 'Users', { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], ...attributes }, {})).body ?? '{}',
    ) as Json;
  const count = async ({ connector }: Bench): Promise<number> =>
    (JSON.parse((await connector.clean.list(context, 'Users', {})).body ?? '{}') as { totalResults: number }).totalResults;
  const dieAt = ({ application }: Bench, point: string): void => writeFileSync(join(application, 'fault.txt'), point);
  const died = ({ application }: Bench): boolean => !existsSync(join(application, 'fault.txt'));
  const people = ({ application }: Bench, login: string): number =>
    readdirSync(join(application, 'person')).filter((file) => readFileSync(join(application, 'person', file), 'utf8').includes(`login:${login}\n`)).length;

  it('in the middle of an import: nothing is removed, writes go on, the next import is whole (R22, R23)', async () => {
    const bench = await start();
    expect(await run(bench, 'full')).toBe('success');
    expect(await count(bench)).toBe(30);
    dieAt(bench, 'import');
    expect(await run(bench, 'full')).not.toBe('success');
    expect(died(bench)).toBe(true);
    expect(await count(bench)).toBe(30);
    expect((await create(bench, { userName: 'after' }))['userName']).toBe('after');
    expect(await run(bench, 'full')).toBe('success');
    expect(await count(bench)).toBe(31);
  });

  it.each(['before-put', 'after-put', 'close-export'])('at %s of a create: one object in the end, and the client is told so (R13, R14, R17)', async (point) => {
    const bench = await start();
    await run(bench, 'full');
    dieAt(bench, point);
    // The write is settled by looking: the host runs an import for it, and answers when it knows.
    const created = await create(bench, { userName: 'eve', title: 'Dr' }).catch((error: unknown) => error as { readonly status: number });
    expect(died(bench)).toBe(true);
    if ('status' in created) {
      expect(created.status).toBe(503);
      await create(bench, { userName: 'eve', title: 'Dr' }).catch(() => {});
    } else expect(created['userName']).toBe('eve');
    expect(await run(bench, 'full')).toBe('success');
    expect(people(bench, 'eve')).toBe(1);
    expect(await count(bench)).toBe(31);
  });

  it('in the middle of a batch of several: each is there once in the end, whatever was applied before (R13, R18)', async () => {
    const bench = await start({}, { isolatedEntries: true });
    await run(bench, 'full');
    dieAt(bench, 'after-put');
    const logins = Array.from({ length: 6 }, (_, index) => `batch${index}`);
    const outcomes = await Promise.allSettled(logins.map((userName) => create(bench, { userName, title: 'Dr' })));
    expect(died(bench)).toBe(true);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ status: 503 });
      await create(bench, { userName: logins[index], title: 'Dr' }).catch((error: unknown) => expect(error).toMatchObject({ status: 409 }));
    }
    expect(await run(bench, 'full')).toBe('success');
    expect(logins.map((login) => people(bench, login))).toEqual(logins.map(() => 1));
    expect(await count(bench)).toBe(36);
  });

  it('in a password set: the entry is kept, and the password is set again (R21)', async () => {
    const bench = await start();
    await run(bench, 'full');
    dieAt(bench, 'set-password');
    const created = await create(bench, { userName: 'pat', password: 'correct horse' });
    expect(created['userName']).toBe('pat');
    const file = (): string => {
      const name = readdirSync(join(bench.application, 'person')).find((one) =>
        readFileSync(join(bench.application, 'person', one), 'utf8').includes('login:pat\n'),
      );
      return readFileSync(join(bench.application, 'person', name ?? ''), 'utf8');
    };
    while (!file().includes('password:13 characters')) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(died(bench)).toBe(true);
    expect(people(bench, 'pat')).toBe(1);
  });
});
