import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BRIDGE, buildConnector } from '../../connectors/ecma2/src/build-worker.ts';
import { monoPrograms } from '../../tools/backends.ts';
import { type Ecma2Host, sampleTypes, startEcma2Host } from '../fixtures/ecma2-host.ts';

/** What real DLLs do to an import, from the worker to what SCIM clients are shown. */
const open: Ecma2Host[] = [];
afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

describe.skipIf(monoPrograms() === undefined)('the engine and a DLL that', { timeout: 120_000 }, () => {
  let directory: string;
  beforeAll(async () => {
    directory = dirname(await buildConnector('Landbridge.Testing.Trouble', [join(BRIDGE, 'testing/TroubleConnector.cs')]));
  }, 120_000);

  async function start(trouble: string, entries = '3'): Promise<Ecma2Host> {
    const people = sampleTypes.slice(0, 1).map((type) => ({ ...type, mapping: [{ scim: 'userName', attribute: 'name' }] }));
    const parameters = { connectivity: { Trouble: trouble, When: '', Entries: entries } };
    const host = await startEcma2Host({ directory, parameters, configuration: { objectTypes: people } });
    open.push(host);
    return host;
  }
  const names = async (host: Ecma2Host): Promise<readonly unknown[]> => (await host.list('Users')).map((one) => one['userName']);
  const lastRun = async (host: Ecma2Host) => (await host.connector.runs({ limit: 1 }))[0];

  it.each([
    ['no-anchor', ['Name 0', 'Name 2'], 'an entry without an anchor'],
    ['wrong-type', ['Name 0', 'Name 2'], 'a value of another type'],
    ['entry-error', ['Name 0', 'Name 2'], 'an entry that it calls bad'],
  ])('brings %s: the others are imported, the run names it, and nothing is removed (R23)', async (trouble, expected) => {
    const host = await start(trouble);
    expect(await host.run('full')).toBe('completed-with-errors');
    expect(await names(host)).toEqual(expected);
    expect((await lastRun(host))?.steps[0]).toMatchObject({ errorCount: 1 });
  });

  it('brings one anchor for several entries: one is kept, and the run does not end in success', async () => {
    const host = await start('same-anchor');
    expect(await host.run('full')).not.toBe('success');
    expect(await names(host)).toHaveLength(1);
  });

  it('keeps megabytes of custom data: they come back in the next run', async () => {
    const host = await start('custom-data');
    expect(await host.run('full')).toBe('success');
    expect(await host.run('delta')).toBe('success');
    expect(await names(host)).toEqual(['Name 0', 'Name 1', 'Name 2']);
  });

  it('brings 200,000 values of one attribute', async () => {
    const host = await start('huge');
    expect(await host.run('full')).toBe('success');
    const [one] = await host.list('Users');
    const extension = one?.['urn:ietf:params:scim:schemas:extension:landbridge:app:2.0:User'] as { readonly many: readonly unknown[] };
    expect(extension.many).toHaveLength(200_000);
  });

  it('does all its work in the first call', async () => {
    const host = await start('', '5000');
    expect(await host.run('full')).toBe('success');
    expect((await lastRun(host))?.steps[0]?.counts.added).toBe(5000);
  });
});
