import { configurationDefaults } from '@landbridge/engine';
import { afterEach, describe, expect, it } from 'vitest';
import { person, type ScriptedHost, type ScriptedHostOptions, startScriptedHost } from '../fixtures/scripted-host.ts';

/** What clients learn while a write is in doubt, and how long "it is not there" proves nothing (R13, R14). */
const open: ScriptedHost[] = [];

afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

/** Calls are given up after a second: an abandoned host is closed that soon. */
const limits = { ...configurationDefaults.limits, callSeconds: 1 };

async function start(options: Partial<ScriptedHostOptions>): Promise<ScriptedHost> {
  const host = await startScriptedHost({ schema: [person], configuration: { limits }, ...options });
  open.push(host);
  return host;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const inDoubt = async (host: ScriptedHost): Promise<number> => (await host.connector.status()).inDoubt;

describe('R14 a create in doubt', () => {
  it('is in no list that could show it, filtered or not, and the same value is not "taken" but undecided', async () => {
    const host = await start({ capabilities: { find: false, lingerSeconds: 0 } });
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada' } });
    await host.run('full');
    host.application.script('after-put', 'throw-text');
    host.application.script('open-import', 'throw', { value: 'server-down', times: 1000 });
    const created = host.create('Users', { userName: 'eve', title: 'Dr' });
    await until(async () => (await inDoubt(host)) === 1);
    const undecided = { status: 503, retryAfter: 5 };
    await expect(host.list('Users')).rejects.toMatchObject(undecided);
    await expect(host.list('Users', 'userName eq "eve"')).rejects.toMatchObject(undecided);
    await expect(host.list('Users', 'not (userName eq "ada")')).rejects.toMatchObject(undecided);
    await expect(host.list('Users', 'title co "D"')).rejects.toMatchObject(undecided);
    await expect(host.create('Users', { userName: 'eve', title: 'other' })).rejects.toMatchObject(undecided);
    expect((await host.list('Users', 'userName eq "ada"')).length).toBe(1);
    host.application.calm();
    // Settling asks for an import itself, which shows the object.
    expect((await created)['userName']).toBe('eve');
    expect((await host.list('Users')).length).toBe(2);
  });

  it('is not sent again after a restart while the application may still be at the old call', async () => {
    const host = await start({ capabilities: { lingerSeconds: 60 } });
    host.application.script('before-put', 'hang');
    host.create('Users', { userName: 'late' }).catch(() => {});
    await until(() => host.calls('put').length === 1);
    await host.abandon();
    await until(async () => (await inDoubt(host)) === 1);
    await until(() => host.calls('find').length > 0);
    expect(host.calls('put')).toEqual([]);
    // What the dead process had started arrives only after the new one looked for the first time.
    host.application.put({ type: 'person', key: '77', attributes: { id: '77', login: 'late' } });
    await until(async () => (await inDoubt(host)) === 0);
    expect(host.calls('put')).toEqual([]);
    expect((await host.list('Users')).length).toBe(1);
  });

  it('is sent again once that time has passed', async () => {
    const host = await start({ capabilities: { lingerSeconds: 0.3 } });
    host.application.script('before-put', 'hang');
    host.create('Users', { userName: 'late' }).catch(() => {});
    await until(() => host.calls('put').length === 1);
    await host.abandon();
    await until(async () => (await inDoubt(host)) === 0);
    expect(host.calls('put').length).toBe(1);
    expect(host.application.objects().map((one) => one.attributes['login'])).toEqual(['late']);
  });
});

describe('R14 where the application can be looked at', () => {
  it('an update in doubt that shows is what clients read from then on, before any import', async () => {
    const host = await start({ capabilities: { lingerSeconds: 0 } });
    const created = await host.create('Users', { userName: 'ada', title: 'Dr' });
    host.application.script('after-put', 'throw-text');
    expect((await host.patch('Users', String(created['id']), { title: 'Prof' }))['title']).toBe('Prof');
    expect((await host.read('Users', String(created['id'])))['title']).toBe('Prof');
    expect(host.calls('put').length).toBe(2);
  });

  it('a write that an operator settles as applied shows all its steps', async () => {
    const host = await start({ capabilities: { find: false } });
    const created = await host.create('Users', { userName: 'ada', emails: [{ value: 'a@x' }] });
    host.application.script('before-put', 'throw-text', { times: 100 });
    host.application.script('open-import', 'throw', { value: 'server-down', times: 100 });
    const changed = host.patch('Users', String(created['id']), { title: 'Prof', emails: [{ value: 'b@x' }] });
    await until(async () => (await inDoubt(host)) === 1);
    await host.connector.settle(2, 'applied', 'ops');
    expect(await changed).toMatchObject({ title: 'Prof', emails: [{ value: 'b@x' }] });
  });
});

describe('R14 where nothing can be looked up', () => {
  const blind = { find: false, lingerSeconds: 0 };
  const nameless = { ...person, attributes: person.attributes.map((attribute) => ({ ...attribute, unique: false })) };

  it('a create that claims nothing is known by its values, and another object beside it is imported', async () => {
    const host = await start({ schema: [nameless], capabilities: blind });
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'other' } });
    host.application.script('after-put', 'throw-text');
    const created = await host.create('Users', { userName: 'eve', title: 'Dr' });
    expect(await host.run('full')).toBe('success');
    expect((await host.list('Users')).map((one) => one['userName']).sort()).toEqual(['eve', 'other']);
    expect((await host.read('Users', String(created['id'])))['title']).toBe('Dr');
    expect(host.calls('put').length).toBe(1);
  });

  it('a create that a full import does not show was not applied: it is sent again', async () => {
    const host = await start({ capabilities: blind });
    host.application.script('before-put', 'throw-text');
    expect((await host.create('Users', { userName: 'eve' }))['userName']).toBe('eve');
    expect(host.calls('put').length).toBe(2);
    expect(host.application.objects().length).toBe(1);
  });

  it('an update by added and removed values is settled by what a full import shows', async () => {
    for (const point of ['before-put', 'after-put'] as const) {
      const host = await start({ capabilities: { ...blind, isolatedEntries: true } });
      const created = await host.create('Users', { userName: 'ada', emails: [{ value: 'a@x' }, { value: 'b@x' }] });
      host.application.script(point, 'throw-text');
      await host.patch('Users', String(created['id']), { emails: [{ value: 'b@x' }, { value: 'c@x' }] });
      expect(host.calls('put').length).toBe(point === 'before-put' ? 3 : 2);
      expect(host.application.objects()[0]?.attributes['mails']).toEqual(['b@x', 'c@x']);
    }
  });

  it('R21 S-251 a password that was still to be set is set after an import has shown the entry', async () => {
    const host = await start({ capabilities: { ...blind, password: true } });
    host.application.script('after-put', 'throw-text');
    await host.create('Users', { userName: 'eve', password: 'secret' });
    await until(() => host.application.objects()[0]?.password === 'secret');
    expect(host.calls('set-password')).toMatchObject([{ anchor: { id: '1000' } }]);
  });

  it.each(['an import showed the entry', 'its creation was answered'])('R21 a crash after %s does not lose the password', async (when) => {
    const host = await start({ capabilities: { ...blind, password: true } });
    if (when === 'an import showed the entry') host.application.script('after-put', 'throw-text');
    // Often enough that the host is still waiting for its next try when it is killed.
    host.application.script('set-password', 'throw', { value: 'server-down', times: 4 });
    await host.create('Users', { userName: 'eve', title: 'Dr', password: 'secret' });
    await until(async () => (await host.connector.journal({ limit: 5 })).some((row) => row.request.method === 'PASSWORD' && row.state === 'in-doubt'));
    await host.abandon();
    await until(() => host.application.objects()[0]?.password === 'secret');
    await until(async () => (await host.connector.journal({ limit: 5 })).every((row) => row.state !== 'in-doubt'));
    expect(host.calls('set-password').at(-1)).toMatchObject({ anchor: { id: '1000' } });
  });
});
