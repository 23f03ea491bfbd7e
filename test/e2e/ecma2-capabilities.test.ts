import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BRIDGE, buildConnector } from '../../connectors/ecma2/src/build-worker.ts';
import { monoPrograms } from '../../tools/backends.ts';
import { type Ecma2Host, type Ecma2HostOptions, sampleDirectory, sampleTypes, startEcma2Host } from '../fixtures/ecma2-host.ts';

/**
 * Every capability of ECMA2 through the .NET worker: the compiled sample connector declares it, and its own log and files show
 * what the engine made of it. Each test fails when the engine or the worker ignores the capability.
 */
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const EXTENSION = 'urn:ietf:params:scim:schemas:extension:landbridge:app:2.0:User';
const open: Ecma2Host[] = [];

afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

async function start(options: Ecma2HostOptions = {}): Promise<Ecma2Host> {
  const host = await startEcma2Host(options);
  open.push(host);
  return host;
}

const reference = (resource: Readonly<Record<string, unknown>> | undefined) => ({ value: resource?.['id'] });
const names = async (host: Ecma2Host): Promise<readonly unknown[]> => (await host.list('Users')).map((one) => one['userName']);
const [personType, groupType] = sampleTypes;
if (personType === undefined || groupType === undefined) throw new Error('the sample has two types');
const named = (dnTemplate: string) => ({ objectTypes: [{ ...personType, dnTemplate }] });

describe.skipIf(monoPrograms() === undefined)('a compiled connector declares', { timeout: 120_000 }, () => {
  beforeAll(async () => void (await sampleDirectory()), 120_000);

  describe('ExportType', () => {
    const expected: Readonly<Record<string, readonly [string, string]>> = {
      AttributeUpdate: ['put Update person mails=Update+1-1 title=Replace+1-0', 'put Update group members=Update+1-1'],
      AttributeReplace: ['put Update person mails=Replace+2-0 title=Replace+1-0', 'put Update group members=Replace+1-0'],
      ObjectReplace: ['put Replace person login=Add+1-0 mails=Add+2-0 title=Add+1-0', 'put Replace group members=Add+1-0 name=Add+1-0'],
      MultivaluedReferenceAttributeUpdate: ['put Update person mails=Replace+2-0 title=Replace+1-0', 'put Update group members=Update+1-1'],
    };
    /** The attributes in the order of their names: which comes first is not the point. */
    const sorted = (line: string): string => {
      const [put, modification, type, ...attributes] = line.split(' ');
      return [put, modification, type, ...attributes.sort()].join(' ');
    };

    it.each(Object.keys(expected))('%s, several object types, and anchors that the application assigns', async (exportType) => {
      const host = await start({ capabilities: { 'Export type': exportType } });
      const one = await host.create('Users', { userName: 'one', title: 'Dr', emails: [{ value: 'a@x' }, { value: 'b@x' }] });
      const two = await host.create('Users', { userName: 'two' });
      const team = await host.create('Groups', { displayName: 'team', members: [reference(one)] });
      host.calls('put');
      await host.patch('Users', one['id'], { title: 'Prof', emails: [{ value: 'b@x' }, { value: 'c@x' }] });
      await host.patch('Groups', team['id'], { members: [reference(two)] });
      expect(host.calls('put').map(sorted)).toEqual(expected[exportType]);
      expect(host.object('person', '1000')).toEqual(['login:one', 'mails:b@x', 'mails:c@x', 'title:Prof']);
      expect(host.object('group', '1000')).toEqual(['members:1001', 'name:team']);
      expect(await host.run('full')).toBe('success');
      expect((await host.read('Groups', team['id']))['members']).toMatchObject([reference(two)]);
    });
  });

  it('FullExport: every entry is presented in a session of that kind; without it the step is refused', async () => {
    const host = await start({ capabilities: { 'Full export': true } });
    await host.create('Users', { userName: 'one', title: 'Dr' });
    host.put('person', '1000', ['login:one'], 'update');
    host.calls('put');
    expect(await host.run('export')).toBe('success');
    expect(host.calls('open-export').some((line) => line.startsWith('open-export Full'))).toBe(true);
    expect(host.object('person', '1000')).toContain('title:Dr');
    const without = await start();
    await expect(without.run('export')).rejects.toThrow('cannot run a full export');
  });

  it('ExportPasswordInFirstPass: with the add; otherwise a call of its own after it', async () => {
    const first = await start({ capabilities: { 'Password in first pass': true } });
    await first.create('Users', { userName: 'ada', password: 'correct horse' });
    expect(first.calls('put')).toEqual([expect.stringMatching(/^put Add person .*export_password=Add\+1-0/)]);
    expect(first.calls('set-password')).toEqual([]);
    const second = await start();
    await second.create('Users', { userName: 'ada', password: 'correct horse' });
    expect(second.calls('put')[0]).not.toContain('export_password');
    expect(second.calls('set-password')).toHaveLength(1);
    expect(second.object('person', '1000')).toContain('password:13 characters');
  });

  it('NoReferenceValuesInFirstExport: references follow in a second pass; otherwise they go with the add', async () => {
    const team = async (host: Ecma2Host): Promise<readonly string[]> => {
      const one = await host.create('Users', { userName: 'one' });
      host.calls('put');
      await host.create('Groups', { displayName: 'team', members: [reference(one)] });
      expect(host.object('group', '1000')).toContain('members:1000');
      return host.calls('put');
    };
    expect(await team(await start({ capabilities: { 'No references in first export': true } }))).toEqual([
      'put Add group name=Add+1-0',
      expect.stringMatching(/^put Update group members=\w+\+1-0$/),
    ]);
    expect(await team(await start())).toEqual([expect.stringMatching(/^put Add group .*members=Add\+1-0/)]);
  });

  it('Normalizations: anchors that differ in case and accents only are one; otherwise they are two', async () => {
    const ids = async (host: Ecma2Host): Promise<readonly [unknown, unknown]> => {
      host.put('person', 'José', ['login:jose']);
      await host.run('full');
      const [before] = await host.list('Users');
      rmSync(join(host.application, 'person', 'José.txt'));
      host.put('person', 'JOSE', ['login:jose']);
      await host.run('full');
      return [before?.['id'], (await host.list('Users'))[0]?.['id']];
    };
    const [before, after] = await ids(await start({ capabilities: { Normalizations: 'Uppercase, RemoveAccents' } }));
    expect(after).toBe(before);
    const [other, second] = await ids(await start());
    expect(second).not.toBe(other);
  });

  it('ConcurrentOperation: false makes connectors of the package take turns', async () => {
    const early = async (concurrent: boolean): Promise<boolean> => {
      const capabilities = { 'Concurrent operation': concurrent };
      const [importing, writing] = [await start({ capabilities }), await start({ capabilities })];
      writeFileSync(join(importing.application, 'wait.txt'), 'import');
      const run = await importing.connector.run('full', 'test');
      while (importing.calls('open-import').length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      let done = false;
      const created = writing.create('Users', { userName: 'ada' }).then(() => {
        done = true;
      });
      while (!done && (await writing.connector.journal({ limit: 1 }))[0]?.state !== 'intended') await new Promise((resolve) => setTimeout(resolve, 10));
      if (concurrent) await created;
      // The time that a host takes to start and to write: one that is not held back would have written meanwhile.
      else await (await start()).create('Users', { userName: 'eve' });
      const before = done || writing.calls('open-export').length > 0;
      rmSync(join(importing.application, 'wait.txt'));
      await Promise.all([created, run.ended]);
      return before;
    };
    expect(await early(true)).toBe(true);
    expect(await early(false)).toBe(false);
  });

  it('ObjectConfirmation: which exports an import must show again', async () => {
    const states = async (confirmation: string): Promise<readonly unknown[]> => {
      const host = await start({ capabilities: { 'Object confirmation': confirmation } });
      await host.create('Users', { userName: 'one' });
      await host.remove('Users', (await host.create('Users', { userName: 'two' }))['id']);
      return (await host.connector.journal({ limit: 9 })).map(({ kind, state }) => `${kind} ${state}`).sort();
    };
    expect(await states('Normal')).toEqual(['add applied', 'add applied', 'delete applied']);
    expect(await states('NoDeleteConfirmation')).toEqual(['add applied', 'add applied', 'delete confirmed']);
    expect(await states('NoAddAndDeleteConfirmation')).toEqual(['add confirmed', 'add confirmed', 'delete confirmed']);
  });

  describe('names', () => {
    const ldap = { 'DN style': 'Ldap', 'Object rename': true };

    it.each(['Generic', 'Ldap'])('DN style %s: composed names, references by name, a rename under the same id', async (style) => {
      const host = await start({ capabilities: { ...ldap, 'DN style': style }, configuration: named('CN={login},OU=People,DC=sample') });
      const boss = await host.create('Users', { userName: 'a,b' });
      await host.create('Users', { userName: 'eve', [ENTERPRISE]: { manager: reference(boss) } });
      // Only names of LDAP have escapes.
      const name = style === 'Ldap' ? 'CN=a%5C,b,OU=People,DC=sample' : 'CN=a,b,OU=People,DC=sample';
      expect(host.object('person', '1000')).toContain(`dn:${name}`);
      expect(host.object('person', '1001')).toContain(`manager:${name}`);
      host.calls('put');
      await host.patch('Users', boss['id'], { userName: 'ada' });
      expect(host.calls('put')).toEqual(['put Update person DN=Update+1-1', 'put Update person login=Replace+1-0']);
      expect(host.object('person', '1000')).toContain('dn:CN=ada,OU=People,DC=sample');
      expect(await host.run('full')).toBe('success');
      expect((await host.read('Users', boss['id']))['userName']).toBe('ada');
    });

    it('without ObjectRename: a delete and an add; DeleteAddAsReplace makes one replacement of them', async () => {
      const renamed = async (replace: boolean): Promise<readonly string[]> => {
        const host = await start({
          capabilities: { ...ldap, 'Object rename': false, 'Delete-add as replace': replace },
          configuration: named('CN={login},OU=People,DC=sample'),
        });
        const created = await host.create('Users', { userName: 'ada', title: 'Dr' });
        host.calls('put');
        await host.patch('Users', created['id'], { userName: 'eve' });
        expect((await host.read('Users', created['id']))['userName']).toBe('eve');
        return host.calls('put').map((line) => line.split(' ').slice(0, 3).join(' '));
      };
      expect(await renamed(false)).toEqual(['put Delete person', 'put Add person']);
      expect(await renamed(true)).toEqual(['put Replace person']);
    });

    it('IsDNAsAnchor: the name alone identifies, in imports, changes and after a rename', async () => {
      const host = await start({ capabilities: { ...ldap, 'DN is anchor': true }, configuration: named('CN={login},OU=People,DC=sample') });
      const created = await host.create('Users', { userName: 'ada' });
      expect(host.object('person', 'CN=ada,OU=People,DC=sample')).toContain('login:ada');
      await host.patch('Users', created['id'], { title: 'Dr' });
      expect(await host.run('full')).toBe('success');
      expect(await host.read('Users', created['id'])).toMatchObject({ userName: 'ada', title: 'Dr' });
      await host.remove('Users', created['id']);
      expect(host.object('person', 'CN=ada,OU=People,DC=sample')).toBeUndefined();
    });

    it('partitions, and hierarchies with selected containers: what is outside is neither imported nor written', async () => {
      const host = await start({
        capabilities: ldap,
        configuration: {
          ...named('CN={login},OU={department},DC=lab'),
          containers: [{ partition: 'DC=lab', included: ['OU=People,DC=lab'], excluded: [] }],
        },
      });
      host.put('person', '1', ['dn:CN=in,OU=People,DC=lab', 'login:in']);
      host.put('person', '2', ['dn:CN=out,OU=Machines,DC=lab', 'login:out']);
      host.put('person', '3', ['dn:CN=far,OU=People,DC=sample', 'login:far']);
      expect(await host.run('full')).toBe('success');
      expect([...(await names(host))].sort()).toEqual(['far', 'in']);
      expect(host.calls('open-import')).toEqual([
        expect.stringContaining('partition=DC=sample included= '),
        expect.stringContaining('partition=DC=lab included=OU=People,DC=lab '),
      ]);
      await host.create('Users', { userName: 'new', [ENTERPRISE]: { department: 'People' } });
      expect(host.calls('open-export')).toEqual([expect.stringContaining('partition=DC=lab')]);
      await expect(host.create('Users', { userName: 'no', [ENTERPRISE]: { department: 'Machines' } })).rejects.toMatchObject({ status: 400 });
      await host.reopen({ partitions: ['Sample'], containers: [] });
      expect(await host.run('full')).toBe('success');
      expect(host.calls('open-import')).toEqual([expect.stringContaining('partition=DC=sample')]);
    });
  });

  it('composite anchors: all parts identify, in imports, changes and references', async () => {
    const host = await start({ capabilities: { 'Composite anchor': true, 'Anchor by application': false } });
    host.put('person', 'eu|1', ['login:one']);
    host.put('person', 'us|1', ['login:two', 'manager:%5B"eu","1"%5D']);
    expect(await host.run('full')).toBe('success');
    const [one, two] = await host.list('Users');
    expect((await host.read('Users', two?.['id']))[ENTERPRISE]).toMatchObject({ manager: reference(one) });
    const created = await host.create('Users', { schemas: [EXTENSION], userName: 'three', [EXTENSION]: { region: 'eu', id: '2' } });
    await host.patch('Users', created['id'], { title: 'Dr' });
    expect(host.object('person', 'eu|2')).toEqual(['login:three', 'title:Dr']);
    await host.remove('Users', two?.['id']);
    expect([host.object('person', 'us|1'), host.object('person', 'eu|1')]).toEqual([undefined, ['login:one']]);
  });

  it('DeltaImport: the watermark goes around, whole objects and updates come, and what an update missed is asked for (FullObject)', async () => {
    const host = await start({ parameters: { fullObjects: true, global: { 'Deltas of changed attributes': true } } });
    host.put('person', '1', ['login:one', 'title:Dr']);
    expect(await host.run('full')).toBe('success');
    host.put('person', '1', ['login:eins'], 'update');
    host.put('person', '2', ['login:two', 'title:Prof'], 'update');
    host.put('person', '3', ['login:three']);
    expect(await host.run('delta')).toBe('success');
    expect(host.calls('full-object')).toEqual(['full-object person 2']);
    // An update says nothing of what it does not name.
    const people = [...(await host.list('Users'))].sort((left, right) => String(left['userName']).localeCompare(String(right['userName'])));
    expect(people).toMatchObject([{ userName: 'eins', title: 'Dr' }, { userName: 'three' }, { userName: 'two', title: 'Prof' }]);
    expect(await host.run('delta')).toBe('success');
    expect(host.calls('open-import').map((line) => line.replace(/ page.*watermark/, ''))).toEqual([
      'open-import Full=',
      'open-import Delta=1',
      'open-import Delta=4',
    ]);
    const without = await start({ capabilities: { 'Delta import': false } });
    await without.run('full');
    without.calls('open-import');
    await without.run('delta').catch(() => 'refused');
    expect(without.calls('open-import').filter((line) => line.includes('Delta'))).toEqual([]);
  });

  it('R24 without FullObject an update of an unknown object is an error, and the watermark stays', async () => {
    const host = await start({ parameters: { global: { 'Deltas of changed attributes': true } } });
    await host.run('full');
    host.put('person', '2', ['login:two'], 'update');
    expect(await host.run('delta')).toBe('completed-with-errors');
    expect(host.calls('full-object')).toEqual([]);
    await host.run('delta');
    expect(host.calls('open-import').map((line) => line.split('watermark=')[1])).toEqual(['', '0', '0']);
  });

  it('page sizes: what the profile asks for, never more than the connector takes', async () => {
    const profile = (name: string, pageSize?: number) => ({ name, steps: [{ kind: 'full-import' as const, ...(pageSize === undefined ? {} : { pageSize }) }] });
    const host = await start({ configuration: { runProfiles: [profile('full'), profile('small', 3), profile('large', 90_000)] } });
    for (let index = 1; index <= 7; index += 1) host.put('person', String(index), [`login:u${index}`]);
    for (const name of ['full', 'small', 'large']) expect(await host.run(name)).toBe('success');
    expect(host.calls('open-import').map((line) => /page=(\d+)/.exec(line)?.[1])).toEqual(['500', '3', '5000']);
    expect(await names(host)).toHaveLength(7);
  });

  it('special actions: a reference is sent again until its target is there, an update of what is gone becomes an add', async () => {
    const host = await start({ capabilities: { 'Special actions': true } });
    const boss = await host.create('Users', { userName: 'boss' });
    const file = host.object('person', '1000') ?? [];
    rmSync(join(host.application, 'person', '1000.txt'));
    const created = host.create('Users', { userName: 'ada', [ENTERPRISE]: { manager: reference(boss) } });
    const puts: string[] = [];
    while (puts.length < 3) {
      puts.push(...host.calls('put'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    host.put('person', '1000', file);
    const ada = await created;
    expect(host.object('person', '1001')).toContain('manager:1000');
    rmSync(join(host.application, 'person', '1001.txt'));
    rmSync(join(host.application, 'logins', 'ada'));
    host.calls('put');
    await host.patch('Users', ada['id'], { title: 'Prof' });
    expect(host.calls('put').map((line) => line.split(' ')[1])).toEqual(['Update', 'Add']);
    expect((await host.read('Users', ada['id']))['title']).toBe('Prof');
  });

  it('attributes taken for single-valued: the first value is shown, and a write replaces them all', async () => {
    const people = [
      {
        ...personType,
        mapping: [
          { scim: 'userName', attribute: 'login' },
          { scim: 'nickName', attribute: 'mails' },
        ],
      },
    ];
    const host = await start({
      parameters: { singleValued: ['mails'], global: { 'Deltas of changed attributes': true } },
      configuration: { objectTypes: people },
    });
    host.put('person', '1', ['login:ada', 'mails:a@x', 'mails:b@x']);
    expect(await host.run('full')).toBe('success');
    const [ada] = await host.list('Users');
    expect(ada).toMatchObject({ userName: 'ada', nickName: 'a@x' });
    host.put('person', '1', ['login:ada', 'mails:c@x', 'mails:d@x'], 'update');
    expect(await host.run('delta')).toBe('success');
    expect((await host.read('Users', ada?.['id']))['nickName']).toBe('c@x');
    await host.patch('Users', ada?.['id'], { nickName: 'e@x' });
    expect(host.object('person', '1')).toEqual(['login:ada', 'mails:e@x']);
  });

  it('files instead of calls: created, changed, imported and deleted through attribute-value pairs', async () => {
    const people = [{ ...personType, mapping: personType.mapping.filter(({ scim }) => scim === 'userName' || scim === 'emails.value') }];
    const host = await start({
      directory: dirname(await buildConnector('Landbridge.Testing.Files', [join(BRIDGE, 'testing/FileAgent.cs')])),
      parameters: { file: { format: 'avp' } },
      configuration: { objectTypes: people },
    });
    const file = join(host.application, 'people.txt');
    writeFileSync(file, 'kind: person\nid: 1\nlogin: ada\nmails: a@x\n\n');
    expect(await host.run('full')).toBe('success');
    const created = await host.create('Users', {
      schemas: [EXTENSION],
      userName: 'eve',
      emails: [{ value: 'e@x' }, { value: 'f@x' }],
      [EXTENSION]: { id: '2' },
    });
    await host.patch('Users', created['id'], { userName: 'eva', emails: [{ value: 'f@x' }] });
    expect(readFileSync(file, 'utf8')).toBe('kind: person\nid: 1\nlogin: ada\nmails: a@x\n\nkind: person\nid: 2\nlogin: eva\nmails: f@x\n\n');
    expect(await host.run('full')).toBe('success');
    expect(await host.read('Users', created['id'])).toMatchObject({ userName: 'eva', emails: [{ value: 'f@x' }] });
    const [ada] = await host.list('Users');
    await host.remove('Users', ada?.['id']);
    expect(readFileSync(file, 'utf8')).not.toContain('ada');
  });

  it('parameters in pages, with validation: what the DLL refuses is told with its parameter before anything runs', async () => {
    await expect(start({ parameters: { connectivity: { Folder: '/nowhere' } } }).then((host) => host.run('full'))).rejects.toThrow(
      /parameter Folder: the folder '\/nowhere' does not exist/,
    );
    const pages = await start({ parameters: { schema: [{ Region: 'us' }], global: { 'Page size': '7' } }, capabilities: { 'Composite anchor': true } });
    await pages.create('Users', { userName: 'ada' });
    // The value of a page of schema parameters reached the connector's export.
    expect(pages.object('person', 'us|1000')).toEqual(['login:ada']);
  });
});
