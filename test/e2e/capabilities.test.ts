import type { SchemaObjectType } from '@landbridge/connector-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { context, objectTypeOf, person, type ScriptedHost, type ScriptedHostOptions, startScriptedHost } from '../fixtures/scripted-host.ts';

/** Every capability of ECMA2, from the SCIM request to what the connector is asked: each test fails when the engine ignores it. */
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const open: ScriptedHost[] = [];

afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

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
    for (const profile of ['only-b', 'only-a', 'only-b']) expect(await host.run(profile)).toBe('success');
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

  it.each(['full', 'delta'])('R23 what moves to a partition that the same run reads later is not gone: a %s import removes nothing', async (profile) => {
    // Any removal would be held.
    const host = await start({ ...options, configuration: { deletionThreshold: { percent: 0, minimum: 1 } } });
    host.application.put({ type: 'person', key: '1', partition: 'a', attributes: { id: '1', login: 'mover' } });
    host.application.put({ type: 'person', key: '2', partition: 'b', attributes: { id: '2', login: 'report', boss: '1' } });
    expect(await host.run('full')).toBe('success');
    const before = await host.list('Users', 'userName eq "mover"');
    host.application.remove('person', '1');
    host.application.put({ type: 'person', key: '1', partition: 'b', attributes: { id: '1', login: 'mover' } });
    expect(await host.run(profile)).toBe('success');
    const [run] = await host.connector.runs({ limit: 1 });
    expect(run?.steps.map((step) => [step.partition, step.counts.removed, step.counts.added])).toEqual([
      ['a', 0, 0],
      ['b', 0, 0],
    ]);
    expect((await host.list('Users', 'userName eq "mover"')).map((one) => one['id'])).toEqual(before.map((one) => one['id']));
    await host.patch('Users', String(before[0]?.['id']), { title: 'Countess' });
    expect(host.calls('open-export')).toMatchObject([{ partition: 'b' }]);
  });

  describe('R23 what a run of one partition does not find there', () => {
    const profiles = (kind: 'full-import' | 'delta-import') =>
      ['a', 'b']
        .map((id) => ({ name: `${kind} ${id}`, steps: [{ kind, partition: id }] }))
        .concat([{ name: 'full', steps: [{ kind: 'full-import' } as never] }]);
    const runProfiles = [...profiles('full-import'), ...profiles('delta-import').slice(0, 2)];
    const inA = (id: string) => ({ type: 'person', key: id, partition: 'a', attributes: { id, login: `a${id}` } });
    const names = async (host: ScriptedHost) => (await host.list('Users')).map((one) => one['userName']);

    it.each(['full-import', 'delta-import'])('has not gone where another partition holds it: %s', async (kind) => {
      const host = await start({ ...options, configuration: { runProfiles } });
      for (const id of ['1', '2']) host.application.put(inA(id));
      await host.run('full');
      const [before] = await host.list('Users');
      host.application.remove('person', '1');
      expect(await host.run(`${kind} a`)).toBe('success');
      const [run] = await host.connector.runs({ limit: 1 });
      expect(run?.steps[0]?.counts).toMatchObject({ removed: 0, waiting: 1 });
      expect(await host.read('Users', String(before?.['id']))).toMatchObject({ userName: 'a1' });
      host.application.put({ ...inA('1'), partition: 'b' });
      await host.reopen();
      await host.run(`${kind} b`);
      await host.run(`${kind} a`);
      expect(await names(host)).toEqual(['a1', 'a2']);
      // It belongs to the other partition now: it is exported there.
      host.calls('open-export');
      await host.patch('Users', String(before?.['id']), { title: 'Countess' });
      expect(host.calls('open-export')).toMatchObject([{ partition: 'b' }]);
    });

    it.each(['full-import', 'delta-import'])('goes once every other partition was read since, and not before: %s', async (kind) => {
      const host = await start({ ...options, configuration: { runProfiles } });
      for (const id of ['1', '2']) host.application.put(inA(id));
      await host.run('full');
      host.application.remove('person', '1');
      await host.run(`${kind} a`);
      await host.run(`${kind} a`);
      expect(await names(host)).toEqual(['a1', 'a2']);
      await host.reopen();
      await host.run(`${kind} b`);
      expect(await names(host)).toEqual(['a1', 'a2']);
      await host.run(`${kind} a`);
      expect(await names(host)).toEqual(['a2']);
    });

    it('stays where the other partition could not be read', async () => {
      const host = await start({ ...options, configuration: { runProfiles } });
      for (const id of ['1', '2']) host.application.put(inA(id));
      await host.run('full');
      host.application.remove('person', '1');
      // Both pages of the first partition go well.
      host.application.script('import-page', 'delay', { value: '0', times: 2 });
      host.application.script('import-page', 'bad-entry');
      expect(await host.run('full')).toBe('completed-with-errors');
      expect(await names(host)).toEqual(['a1', 'a2']);
    });
  });

  it('R31 a rename stays in its partition', async () => {
    const named = { ...options.capabilities, distinguishedNameStyle: 'ldap' as const, objectRename: true };
    const people = { ...objectTypeOf(person), dnTemplate: 'CN={login},DC={title}' };
    const host = await start({ ...options, capabilities: named, configuration: { objectTypes: [people] } });
    const made = await host.create('Users', { userName: 'ada', title: 'a' });
    await expect(host.patch('Users', String(made['id']), { title: 'b' })).rejects.toThrow('is in another partition');
    expect(await host.patch('Users', String(made['id']), { userName: 'eve' })).toMatchObject({ userName: 'eve' });
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
    await expect(host.run('full')).rejects.toThrow('names the partition "elsewhere", which the connector does not have; it has A, B');
  });
});

describe('distinguished names', () => {
  const people = { ...objectTypeOf(person), dnTemplate: 'CN={login},OU={title},DC=x' };
  const ldap: ScriptedHostOptions = {
    schema: [person],
    capabilities: { distinguishedNameStyle: 'ldap', resultsApply: 'at-once', objectRename: true },
    configuration: { objectTypes: [people] },
  };
  const changes = (host: ScriptedHost) => host.calls('put').flatMap((batch) => batch as unknown as readonly Readonly<Record<string, unknown>>[]);

  it('DN style: a new entry gets a composed name; ObjectRename: a changed part renames it, before the other changes, under the same id', async () => {
    const host = await start(ldap);
    const created = await host.create('Users', { userName: 'a,b', title: 'Ops' });
    const boss = { [ENTERPRISE]: { manager: { value: created['id'] } } };
    const report = await host.create('Users', { userName: 'report', title: 'Ops', ...boss });
    expect(changes(host)).toMatchObject([
      { modification: 'add', dn: 'CN=a\\,b,OU=Ops,DC=x' },
      { modification: 'add', changes: [{}, {}, { name: 'boss', values: ['CN=a\\,b,OU=Ops,DC=x'] }] },
    ]);
    await host.patch('Users', String(created['id']), { userName: 'ada' });
    expect(changes(host)).toMatchObject([
      { modification: 'update', dn: 'CN=a\\,b,OU=Ops,DC=x', newDn: 'CN=ada,OU=Ops,DC=x', changes: [] },
      { modification: 'update', dn: 'CN=ada,OU=Ops,DC=x', changes: [{ name: 'login', modification: 'replace' }] },
    ]);
    expect(host.application.objects().map((one) => one.dn)).toContain('CN=ada,OU=Ops,DC=x');
    // Who refers to it follows the name.
    expect((await host.read('Users', String(report['id'])))[ENTERPRISE]).toMatchObject({ manager: { value: created['id'] } });
    await host.patch('Users', String(report['id']), { [`${ENTERPRISE}:manager`]: { value: created['id'] } });
    expect(changes(host)).toEqual([]);
  });

  it('without ObjectRename a new name is a delete and an add, under the same id', async () => {
    const host = await start({ ...ldap, capabilities: { ...ldap.capabilities, objectRename: false } });
    const created = await host.create('Users', { userName: 'ada', title: 'Ops', emails: [{ value: 'a@x' }] });
    changes(host);
    await host.patch('Users', String(created['id']), { userName: 'eve' });
    expect(changes(host)).toMatchObject([
      { modification: 'delete', anchor: { id: '1000' } },
      { modification: 'add', dn: 'CN=eve,OU=Ops,DC=x', changes: [{ name: 'login', values: ['eve'] }, { name: 'title' }, { name: 'mails', values: ['a@x'] }] },
    ]);
    expect(await host.run('full')).toBe('success');
    expect(await host.read('Users', String(created['id']))).toMatchObject({ userName: 'eve', emails: [{ value: 'a@x' }] });
    expect((await host.list('Users')).length).toBe(1);
  });

  it('DeleteAddAsReplace: the pair is one replacement with the whole object', async () => {
    const host = await start({ ...ldap, capabilities: { ...ldap.capabilities, objectRename: false, deleteAddAsReplace: true } });
    const created = await host.create('Users', { userName: 'ada', title: 'Ops' });
    changes(host);
    await host.patch('Users', String(created['id']), { userName: 'eve' });
    expect(changes(host)).toMatchObject([
      {
        modification: 'replace',
        anchor: { id: '1000' },
        dn: 'CN=ada,OU=Ops,DC=x',
        newDn: 'CN=eve,OU=Ops,DC=x',
        changes: [{ name: 'login' }, { name: 'title' }],
      },
    ]);
    expect(host.application.objects()).toMatchObject([{ dn: 'CN=eve,OU=Ops,DC=x', attributes: { login: 'eve', title: 'Ops' } }]);
  });

  it('IsDNAsAnchor: the name identifies, in any case of letters, and a renamed entry keeps its id through exports and imports', async () => {
    const unnamed = { ...person, attributes: person.attributes.filter((attribute) => !attribute.anchor) };
    const host = await start({ ...ldap, schema: [unnamed], capabilities: { ...ldap.capabilities, dnAsAnchor: true } });
    const created = await host.create('Users', { userName: 'ada', title: 'Ops' });
    const id = String(created['id']);
    expect(await host.run('full')).toBe('success');
    await host.patch('Users', id, { userName: 'eve' });
    await host.patch('Users', id, { title: 'Ops', emails: [{ value: 'e@x' }] });
    expect(changes(host).slice(1)).toMatchObject([
      { dn: 'CN=ada,OU=Ops,DC=x', newDn: 'CN=eve,OU=Ops,DC=x' },
      { dn: 'CN=eve,OU=Ops,DC=x' },
      { dn: 'CN=eve,OU=Ops,DC=x' },
    ]);
    const [object] = host.application.objects();
    if (object === undefined) throw new Error('the application has nothing');
    host.application.remove('person', object.key);
    host.application.put({ ...object, key: 'cn=EVE,ou=ops,dc=x', dn: 'cn=EVE,ou=ops,dc=x' });
    expect(await host.run('full')).toBe('success');
    expect((await host.list('Users')).map((one) => [one['id'], one['userName']])).toEqual([[id, 'eve']]);
    await host.remove('Users', id);
    expect(host.application.objects()).toEqual([]);
  });

  it('R27 S-143 S-148 members that the directory writes in its own way are present to who adds them, and go when they are removed', async () => {
    const group: SchemaObjectType = {
      name: 'group',
      attributes: [
        { name: 'id', type: 'string', anchor: true },
        { name: 'name', type: 'string' },
        { name: 'members', type: 'reference', multiValued: true, referenceTypes: ['person'] },
      ],
    };
    const host = await start({ ...ldap, schema: [person, group], configuration: {} });
    for (const id of ['ada', 'eve', 'max']) host.application.put({ type: 'person', key: id, dn: `CN=${id},DC=x`, attributes: { id, login: id } });
    host.application.put({ type: 'group', key: 'g', dn: 'CN=g,DC=x', attributes: { id: 'g', name: 'G', members: ['cn=ADA,dc=x', 'cn=eve,dc=x'] } });
    await host.run('full');
    const ids = new Map((await host.list('Users')).map((one) => [String(one['userName']), String(one['id'])]));
    const [made] = await host.list('Groups');
    const change = (...operations: readonly Readonly<Record<string, unknown>>[]) => {
      const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
      return host.connector.clean.patch(context, 'Groups', String(made?.['id']), body, {});
    };
    const value = (...names: readonly string[]) => names.map((name) => ({ value: ids.get(name) }));
    const members = (): unknown => host.application.objects().find((one) => one.type === 'group')?.attributes['members'];
    await change({ op: 'add', path: 'members', value: value('ada') });
    expect(changes(host)).toEqual([]);
    await change({ op: 'remove', path: `members[value eq "${ids.get('ada') ?? ''}"]` });
    expect(members()).toEqual(['cn=eve,dc=x']);
    await change({ op: 'replace', path: 'members', value: value('eve', 'max') });
    expect(members()).toEqual(['cn=eve,dc=x', 'CN=max,DC=x']);
    const shown = (await host.read('Groups', String(made?.['id'])))['members'] as readonly Readonly<Record<string, unknown>>[];
    expect(new Set(shown.map((one) => one['value']))).toEqual(new Set([ids.get('eve'), ids.get('max')]));
    expect(shown).toHaveLength(2);
  });

  it('R31 a name outside the selected containers is refused before anything is asked of the application', async () => {
    const host = await start({
      ...ldap,
      configuration: { objectTypes: [people], containers: [{ partition: '', included: ['ou=ops,dc=x'], excluded: [] }] },
    });
    await expect(host.create('Users', { userName: 'ada', title: 'Sales' })).rejects.toMatchObject({ status: 400, scimType: 'invalidValue' });
    const created = await host.create('Users', { userName: 'ada', title: 'Ops' });
    await expect(host.patch('Users', String(created['id']), { title: 'Sales' })).rejects.toMatchObject({ status: 400 });
    expect(changes(host).length).toBe(1);
    host.application.put({ type: 'person', key: '1', dn: 'cn=far,ou=Sales,dc=x', attributes: { id: '1', login: 'far' } });
    await host.run('full');
    expect(host.calls('open-import')).toMatchObject([{ included: [{ dn: 'ou=ops,dc=x' }] }]);
    expect((await host.list('Users')).map((one) => one['userName'])).toEqual(['ada']);
  });
});

describe('special actions of an export', () => {
  const container: SchemaObjectType = {
    name: 'unit',
    attributes: [
      { name: 'id', type: 'string', anchor: true, assigned: true },
      { name: 'label', type: 'string' },
    ],
  };

  it('ExportActionRetryReferenceAttribute: the write is sent again later, and the client gets one answer', async () => {
    const host = await start({ schema: [person] });
    const boss = await host.create('Users', { userName: 'boss' });
    host.calls('put');
    host.application.script('during-put', 'fail-entry', { value: 'retry-reference', times: 2 });
    await host.create('Users', { userName: 'ada', [ENTERPRISE]: { manager: { value: boss['id'] } } });
    expect(host.calls('put').length).toBe(3);
    expect(host.application.objects()[1]?.attributes).toMatchObject({ login: 'ada', boss: '1000' });
  });

  it('a reference whose target never comes is 503, and nothing is left open', async () => {
    const host = await start({ schema: [person] });
    host.application.script('during-put', 'fail-entry', { value: 'retry-reference', times: 99 });
    await expect(host.create('Users', { userName: 'ada' })).rejects.toMatchObject({ status: 503 });
    host.application.calm();
    expect((await host.create('Users', { userName: 'ada' }))['userName']).toBe('ada');
  });

  it('ExportActionConvertUpdateToAdd: an update of what is missing becomes an add of the whole object, under the same id', async () => {
    const host = await start({ schema: [person] });
    const boss = await host.create('Users', { userName: 'boss' });
    const created = await host.create('Users', { userName: 'ada', title: 'Dr', [ENTERPRISE]: { manager: { value: boss['id'] } } });
    host.application.remove('person', '1001');
    host.calls('put');
    host.application.script('during-put', 'fail-entry', { value: 'convert-to-add' });
    const changed = await host.patch('Users', String(created['id']), { title: 'Prof' });
    expect(changed).toMatchObject({ id: created['id'], title: 'Prof' });
    expect(host.calls('put')).toMatchObject([
      [{ modification: 'update' }],
      [{ modification: 'add', changes: [{ name: 'login' }, { name: 'title', values: ['Prof'] }, { name: 'boss', values: ['1000'] }] }],
    ]);
    expect(await host.run('full')).toBe('success');
    expect((await host.read('Users', String(created['id'])))['userName']).toBe('ada');
  });

  it('ExportActionProvisioningParent: a child waits for its parent while that is being created, and is refused otherwise', async () => {
    const options: ScriptedHostOptions = {
      schema: [person, container],
      capabilities: { distinguishedNameStyle: 'ldap', resultsApply: 'at-once', parallelWrites: 2 },
      configuration: {
        objectTypes: [
          { ...objectTypeOf(person), dnTemplate: 'CN={login},OU={title}' },
          { ...objectTypeOf(container), dnTemplate: 'OU={label}' },
        ],
      },
    };
    const host = await start(options);
    host.application.script('during-put', 'fail-entry', { value: 'missing-parent' });
    await expect(host.create('Users', { userName: 'ada', title: 'Ops' })).rejects.toMatchObject({ status: 400 });
    host.application.script('before-put', 'delay', { value: 300 });
    host.application.script('during-put', 'fail-entry', { value: 'missing-parent' });
    const parent = host.create('units', { label: 'Ops' });
    const child = host.create('Users', { userName: 'ada', title: 'Ops' });
    // One of the two is refused first; the parent for good, so that it is asked again.
    const [first] = await Promise.allSettled([parent]);
    if (first.status === 'rejected') await host.create('units', { label: 'Ops' });
    expect((await child)['userName']).toBe('ada');
  });
});

describe('ConcurrentOperation', () => {
  async function whileOneImports(concurrentOperation: boolean): Promise<{ readonly early: boolean }> {
    const options: ScriptedHostOptions = { schema: [person], capabilities: { concurrentOperation } };
    const [importing, writing] = [await start(options), await start(options)];
    importing.application.script('import-page', 'hang');
    const run = await importing.connector.run('full', 'test');
    await until(() => importing.calls('open-import').length === 1);
    let done = false;
    const created = writing.create('Users', { userName: 'ada' }).then(() => {
      done = true;
    });
    await until(async () => done || (await writing.connector.journal({ limit: 1 }))[0]?.state === 'intended');
    if (concurrentOperation) await created;
    const early = done || writing.calls('open-export').length > 0;
    run.cancel();
    await created;
    return { early };
  }

  it('false: a connector of the package waits while another one works, and then goes on', async () => {
    expect(await whileOneImports(false)).toEqual({ early: false });
  });

  it('true: connectors of a package work side by side', async () => {
    expect(await whileOneImports(true)).toEqual({ early: true });
  });

  it('false: no session stays open over bursts, and a connector writes while it imports', async () => {
    const host = await start({ schema: [person], capabilities: { concurrentOperation: false, resultsApply: 'at-once' } });
    host.application.script('import-page', 'hang');
    const run = await host.connector.run('full', 'test');
    await until(() => host.calls('open-import').length === 1);
    await host.create('Users', { userName: 'ada' });
    run.cancel();
    await run.ended;
    await host.create('Users', { userName: 'eve' });
    expect(host.calls('close-export').length).toBe(2);
  });
});

describe('imports', () => {
  const missing = async (fullObjects: boolean): Promise<ScriptedHost> => {
    const host = await start({ schema: [person], capabilities: { fullObjects } });
    await host.run('full');
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada', title: 'Dr' } });
    host.application.script('import-page', 'as-update');
    return host;
  };

  it('FullObject: what an update missed is asked for as a whole, and the watermark advances', async () => {
    const host = await missing(true);
    expect(await host.run('delta')).toBe('success');
    expect(host.calls('full-objects')).toEqual([[{ objectType: 'person', anchor: { id: '1' } }]]);
    expect(await host.list('Users')).toMatchObject([{ userName: 'ada', title: 'Dr' }]);
    await host.run('delta');
    expect(host.calls('open-import').at(-1)).toMatchObject({ kind: 'delta', watermark: '1' });
  });

  it('R24 without it the update of an unknown object is an error, and the watermark stays', async () => {
    const host = await missing(false);
    expect(await host.run('delta')).toBe('completed-with-errors');
    await host.run('delta');
    expect(host.calls('open-import').map((call) => call['watermark'])).toEqual([undefined, '0', '0']);
    expect((await host.list('Users')).length).toBe(1);
  });

  it('R31 what is left out is no entry: not in a full import, gone with a delta, refused as a new one; another choice invalidates the watermark', async () => {
    const leaveOut = [
      [{ attribute: 'title', is: 'equal' as const, value: 'guest' }],
      [
        { attribute: 'login', is: 'not-equal' as const, value: 'root' },
        { attribute: 'boss', is: 'present' as const },
      ],
    ];
    const host = await start({ schema: [person], configuration: { objectTypes: [{ ...objectTypeOf(person), leaveOut }] } });
    const put = (id: string, login: string, more: Readonly<Record<string, string>> = {}): void =>
      host.application.put({ type: 'person', key: id, attributes: { id, login, ...more } });
    put('1', 'ada', { title: 'Dr' });
    put('2', 'visitor', { title: 'GUEST' });
    put('3', 'root', { boss: '1' });
    put('4', 'report', { boss: '1' });
    expect(await host.run('full')).toBe('success');
    const names = async (): Promise<readonly unknown[]> => (await host.list('Users')).map((one) => one['userName']).sort();
    expect(await names()).toEqual(['ada', 'root']);
    put('1', 'ada', { title: 'guest' });
    put('2', 'visitor', { title: 'Dr' });
    expect(await host.run('delta')).toBe('success');
    expect(await names()).toEqual(['root', 'visitor']);
    await expect(host.create('Users', { userName: 'new', title: 'guest' })).rejects.toMatchObject({ status: 400, scimType: 'invalidValue' });
    host.application.script('import-page', 'as-update');
    put('4', 'report', { boss: '1', title: 'Dr' });
    expect(await host.run('delta')).toBe('success');
    host.calls('open-import');
    await host.reopen({ objectTypes: [objectTypeOf(person)] });
    await host.run('delta');
    expect(host.calls('open-import')).toMatchObject([{ kind: 'full' }]);
    expect(await names()).toEqual(['ada', 'report', 'root', 'visitor']);
  });

  it('a delta may bring whole objects: values that they lack are gone', async () => {
    const host = await start({ schema: [person] });
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada', title: 'Dr' } });
    await host.run('full');
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada' } });
    expect(await host.run('delta')).toBe('success');
    expect((await host.list('Users'))[0]).not.toHaveProperty('title');
  });
});

describe('runs', () => {
  it('what is over is forgotten after the time that the configuration gives, and nothing before it', async () => {
    const host = await start({ schema: [person], configuration: { retention: { journalDays: 1, runDays: 1, auditDays: 1 } } });
    await host.run('full');
    await host.create('Users', { userName: 'ada' });
    await host.create('Users', { userName: 'eve' });
    await host.run('delta');
    await host.reopen();
    expect((await host.connector.journal({ limit: 9 })).length).toBe(2);
    await host.reopen({ retention: { journalDays: 0, runDays: 0, auditDays: 0 } });
    // The last full import stays, and the row with the highest entry id.
    await until(async () => (await host.connector.runs({ limit: 9 })).length === 1);
    expect((await host.connector.journal({ limit: 9 })).length).toBe(1);
    expect((await host.connector.status()).state).toBe('ready');
    expect((await host.list('Users')).length).toBe(2);
  });

  it('R25 R31 a connector stays ready after any number of deltas', async () => {
    const host = await start({ schema: [person] });
    expect((await host.connector.status()).state).toBe('starting');
    await host.run('full');
    for (let count = 0; count < 51; count += 1) await host.run('delta');
    expect((await host.connector.status()).state).toBe('ready');
  });
});

describe('an object that the application has and the space lacks', () => {
  const ada = { type: 'person', key: '7', attributes: { id: '7', login: 'ada' } };
  const found = async (host: ScriptedHost): Promise<boolean> => (await host.list('Users', 'userName eq "ada"')).length === 1;

  it('R15 without a look-up "exists" asks for a delta, and for a full import only where that does not bring it', async () => {
    const host = await start({ schema: [person], capabilities: { find: false, resultsApply: 'at-once' } });
    expect(await host.run('full')).toBe('success');
    host.calls('open-import');
    host.application.put(ada);
    await expect(host.create('Users', { userName: 'ada' })).rejects.toMatchObject({ status: 409 });
    await until(() => found(host));
    await host.connector.activeRun?.ended;
    expect(host.calls('open-import')).toMatchObject([{ kind: 'delta' }]);
  });

  it('R15 those who ask while an import is under way get one more after it, and no more', async () => {
    const host = await start({ schema: [person], capabilities: { find: false, deltaImport: false, resultsApply: 'at-once' } });
    expect(await host.run('full')).toBe('success');
    host.application.put(ada);
    host.calls('open-import');
    await Promise.all([1, 2, 3].map((title) => expect(host.create('Users', { userName: 'ada', title: String(title) })).rejects.toMatchObject({ status: 409 })));
    await until(() => found(host));
    await until(() => host.connector.activeRun === undefined);
    expect(host.calls('open-import').length).toBeLessThanOrEqual(2);
  });
});

describe('a connector that only imports', () => {
  it('R33 S-003 S-207 is read, says that nothing can be written, and refuses every write with 501 before anything is journalled', async () => {
    const host = await start({ schema: [person], capabilities: { export: false } });
    host.application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada' } });
    expect(await host.run('full')).toBe('success');
    const [ada] = await host.list('Users', 'userName eq "ada"');
    const { clean } = host.connector;
    expect(JSON.parse(clean.discovery(context, 'ServiceProviderConfig').body ?? '')).toMatchObject({
      patch: { supported: false },
      bulk: { supported: false },
      changePassword: { supported: false },
      filter: { supported: true },
    });
    const id = String(ada?.['id']);
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'eve' };
    const operations = { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'title', value: 'Dr' }] };
    for (const write of [
      clean.create(context, 'Users', user, {}),
      clean.replace(context, 'Users', id, user, {}),
      clean.patch(context, 'Users', id, operations, {}),
      clean.delete(context, 'Users', id),
      clean.bulk(context, { schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'], Operations: [] }),
    ])
      await expect(write).rejects.toMatchObject({ status: 501 });
    expect(await host.connector.journal({ limit: 10 })).toEqual([]);
    expect(host.application.objects()).toMatchObject([{ attributes: { login: 'ada' } }]);
  });
});

describe('a connector that only exports', () => {
  const options: ScriptedHostOptions = { schema: [person], capabilities: { import: false, find: false, resultsApply: 'at-once' } };

  it('R33 the host is the directory: it is ready at once, and what it wrote can be read, found, changed and deleted', async () => {
    const host = await start(options);
    expect((await host.connector.status()).state).toBe('ready');
    const { id } = await host.create('Users', { userName: 'ada' });
    expect(await host.patch('Users', String(id), { title: 'Dr' })).toMatchObject({ userName: 'ada', title: 'Dr' });
    expect((await host.list('Users', 'userName eq "ada"')).length).toBe(1);
    expect(host.application.objects()).toMatchObject([{ attributes: { login: 'ada', title: 'Dr' } }]);
    await expect(host.run('full')).rejects.toThrow('cannot import');
    await host.remove('Users', String(id));
    expect(host.application.objects()).toEqual([]);
  });

  it('R31 mode shadow needs imports, and says so', async () => {
    await expect(start({ ...options, configuration: { mode: 'shadow' } })).rejects.toThrow('this connector cannot import');
  });
});
