import { afterEach, describe, expect, it } from 'vitest';
import { objectTypeOf, person, type ScriptedHost, type ScriptedHostOptions, startScriptedHost } from '../fixtures/scripted-host.ts';

/** Every capability of ECMA2, from the SCIM request to what the connector is asked: each test fails when the engine ignores it. */
const open: ScriptedHost[] = [];

afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

async function start(options: ScriptedHostOptions): Promise<ScriptedHost> {
  const host = await startScriptedHost(options);
  open.push(host);
  return host;
}

const partition = (id: string) => ({ id, dn: `dc=${id}`, name: id.toUpperCase() });

describe('partitions', () => {
  const options: ScriptedHostOptions = {
    schema: [person],
    capabilities: { partitions: true, resultsApply: 'at-once', password: true },
    partitions: [partition('a'), partition('b')],
  };
  const inB = (id: string) => ({ type: 'person', key: id, partition: 'b', attributes: { id, login: `b${id}` } });

  it('SupportPartitions: an export session is opened for the partition of its entries, and so is a password connection', async () => {
    const host = await start({ ...options, configuration: { objectTypes: [{ ...objectTypeOf(person), partition: 'b' }] } });
    host.application.put({ type: 'person', key: '1', partition: 'a', attributes: { id: '1', login: 'a1' } });
    expect(await host.run('full')).toBe('success');
    expect(host.calls('open-import')).toMatchObject([{ partition: 'a' }, { partition: 'b' }]);
    await host.create('Users', { userName: 'new', password: 'secret' });
    const [inA] = await host.list('Users', 'userName eq "a1"');
    await host.patch('Users', String(inA?.['id']), { title: 'Countess' });
    expect(host.calls('open-export')).toMatchObject([{ partition: 'b' }, { partition: 'a' }]);
    expect(host.calls('set-password')).toMatchObject([{ partition: 'b' }]);
    expect(host.application.objects().map((one) => [one.attributes['login'], one.partition])).toContainEqual(['new', 'b']);
  });

  it('R23 a full import of one partition removes nothing of another, not even what a write has just created there', async () => {
    const onlyA = { name: 'only-a', steps: [{ kind: 'full-import' as const, partition: 'A' }] };
    const onlyB = { name: 'only-b', steps: [{ kind: 'full-import' as const, partition: 'dc=b' }] };
    const host = await start({ ...options, configuration: { objectTypes: [{ ...objectTypeOf(person), partition: 'b' }], runProfiles: [onlyA, onlyB] } });
    host.application.put(inB('1'));
    expect(await host.run('only-b')).toBe('success');
    const created = await host.create('Users', { userName: 'new' });
    expect(await host.run('only-a')).toBe('success');
    expect((await host.list('Users')).map((one) => one['userName'])).toEqual(['b1', 'new']);
    for (const { type, key } of host.application.objects()) host.application.remove(type, key);
    host.application.put(inB('2'));
    expect(await host.run('only-b')).toBe('success');
    expect((await host.list('Users')).map((one) => one['userName'])).toEqual(['b2']);
    await expect(host.read('Users', String(created['id']))).rejects.toMatchObject({ status: 404 });
  });

  it('R24 each partition has its own watermark, and a delta of one does not remove what moved to another', async () => {
    const host = await start(options);
    host.application.put({ type: 'person', key: '1', partition: 'a', attributes: { id: '1', login: 'mover' } });
    await host.run('full');
    const [before] = await host.list('Users');
    host.calls('open-import');
    host.application.remove('person', '1');
    host.application.put(inB('2'));
    expect(await host.run('delta')).toBe('success');
    expect(host.calls('open-import')).toMatchObject([
      { kind: 'delta', partition: 'a', watermark: '1' },
      { kind: 'delta', partition: 'b', watermark: '1' },
    ]);
    expect((await host.list('Users')).map((one) => one['userName'])).toEqual(['b2']);
    await expect(host.read('Users', String(before?.['id']))).rejects.toMatchObject({ status: 404 });
  });

  it('R24 another selection of partitions invalidates the watermarks', async () => {
    const host = await start(options);
    await host.run('full');
    host.calls('open-import');
    await host.reopen({ partitions: ['a'] });
    await host.run('delta');
    expect(host.calls('open-import')).toMatchObject([{ kind: 'full', partition: 'a' }]);
  });

  it('a profile that names a partition which is not there says so', async () => {
    const host = await start({ ...options, configuration: { runProfiles: [{ name: 'full', steps: [{ kind: 'full-import', partition: 'elsewhere' }] }] } });
    const run = await (await host.connector.run('full', 'test')).ended;
    expect(run.result).toBe('failed');
  });
});

describe('runs', () => {
  it('R25 R31 a connector stays ready after any number of deltas', async () => {
    const host = await start({ schema: [person] });
    expect((await host.connector.status()).state).toBe('starting');
    await host.run('full');
    for (let count = 0; count < 51; count += 1) await host.run('delta');
    expect((await host.connector.status()).state).toBe('ready');
  });
});
