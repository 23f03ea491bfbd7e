import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../tools/backends.ts';
import { type Ecma2Host, sampleDirectory, sampleTypes, startEcma2Host } from '../fixtures/ecma2-host.ts';
import { context, type Json } from '../fixtures/scripted-host.ts';

/** The .NET worker dies at a point that the sample connector names; the oracle is the application's own files. */
const open: Ecma2Host[] = [];
afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

describe.skipIf(monoPrograms() === undefined)('a .NET worker killed', { timeout: 120_000 }, () => {
  let directory: string;
  beforeAll(async () => {
    directory = await sampleDirectory();
  }, 120_000);

  async function start(parameters: Json = {}): Promise<Ecma2Host> {
    const host = await startEcma2Host({
      directory,
      capabilities: {},
      parameters,
      configuration: { objectTypes: sampleTypes.slice(0, 1), runProfiles: [{ name: 'full', steps: [{ kind: 'full-import', pageSize: 10 }] }] },
    });
    open.push(host);
    for (let index = 1; index <= 30; index += 1) host.put('person', String(index), ['active:true', `login:user${index}`]);
    return host;
  }

  const count = async ({ connector }: Ecma2Host): Promise<number> =>
    (JSON.parse((await connector.clean.list(context, 'Users', {})).body ?? '{}') as { totalResults: number }).totalResults;
  const dieAt = ({ application }: Ecma2Host, point: string): void => writeFileSync(join(application, 'fault.txt'), point);
  const died = ({ application }: Ecma2Host): boolean => !existsSync(join(application, 'fault.txt'));
  const people = ({ application }: Ecma2Host, login: string): number =>
    readdirSync(join(application, 'person')).filter((file) => readFileSync(join(application, 'person', file), 'utf8').includes(`login:${login}\n`)).length;

  it('in the middle of an import: nothing is removed, writes go on, the next import is whole (R22, R23)', async () => {
    const bench = await start();
    expect(await bench.run('full')).toBe('success');
    expect(await count(bench)).toBe(30);
    dieAt(bench, 'import');
    expect(await bench.run('full')).not.toBe('success');
    expect(died(bench)).toBe(true);
    expect(await count(bench)).toBe(30);
    expect((await bench.create('Users', { userName: 'after' }))['userName']).toBe('after');
    expect(await bench.run('full')).toBe('success');
    expect(await count(bench)).toBe(31);
  });

  it.each(['before-put', 'after-put', 'close-export'])('at %s of a create: one object in the end, and the client is told so (R13, R14, R17)', async (point) => {
    const bench = await start();
    await bench.run('full');
    dieAt(bench, point);
    // The write is settled by looking: the host runs an import for it, and answers when it knows.
    const created = await bench.create('Users', { userName: 'eve', title: 'Dr' }).catch((error: unknown) => error as { readonly status: number });
    expect(died(bench)).toBe(true);
    if ('status' in created) {
      expect(created.status).toBe(503);
      await bench.create('Users', { userName: 'eve', title: 'Dr' }).catch(() => {});
    } else expect(created['userName']).toBe('eve');
    expect(await bench.run('full')).toBe('success');
    expect(people(bench, 'eve')).toBe(1);
    expect(await count(bench)).toBe(31);
  });

  it('in the middle of a batch of several: each is there once in the end, whatever was applied before (R13, R18)', async () => {
    const bench = await start({ isolatedEntries: true });
    await bench.run('full');
    dieAt(bench, 'after-put');
    const logins = Array.from({ length: 6 }, (_, index) => `batch${index}`);
    const outcomes = await Promise.allSettled(logins.map((userName) => bench.create('Users', { userName, title: 'Dr' })));
    expect(died(bench)).toBe(true);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ status: 503 });
      await bench.create('Users', { userName: logins[index], title: 'Dr' }).catch((error: unknown) => expect(error).toMatchObject({ status: 409 }));
    }
    expect(await bench.run('full')).toBe('success');
    expect(logins.map((login) => people(bench, login))).toEqual(logins.map(() => 1));
    expect(await count(bench)).toBe(36);
  });

  it('in a password set: the entry is kept, and the password is set again (R21)', async () => {
    const bench = await start();
    await bench.run('full');
    dieAt(bench, 'set-password');
    const created = await bench.create('Users', { userName: 'pat', password: 'correct horse' });
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
