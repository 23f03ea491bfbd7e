import type { Capabilities, SchemaObjectType } from '@landbridge/connector-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { type Json, person, type ScriptedHost, type ScriptedHostOptions, startScriptedHost } from '../fixtures/scripted-host.ts';

/** How an export is formed, by every capability of ECMA2 that decides it, from the SCIM request to what the connector is given. */
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const open: ScriptedHost[] = [];

afterEach(async () => {
  for (const host of open.splice(0)) await host.close();
});

async function start(options: Partial<ScriptedHostOptions>): Promise<ScriptedHost> {
  const host = await startScriptedHost({ schema: [person, group], ...options });
  open.push(host);
  return host;
}

const group: SchemaObjectType = {
  name: 'group',
  attributes: [
    { name: 'id', type: 'string', anchor: true, assigned: true },
    { name: 'name', type: 'string', unique: true },
    { name: 'members', type: 'reference', multiValued: true, referenceTypes: ['person'] },
  ],
};

const changes = (host: ScriptedHost): readonly Json[] => host.calls('put').flatMap((batch) => batch as unknown as readonly Json[]);
const reference = (resource: Json) => ({ value: resource['id'] });

describe('ExportType', () => {
  async function changeEverything(exportType: Capabilities['exportType']): Promise<readonly Json[]> {
    const host = await start({ capabilities: { exportType } });
    const one = await host.create('Users', { userName: 'one', title: 'Dr', emails: [{ value: 'a@x' }, { value: 'b@x' }] });
    const two = await host.create('Users', { userName: 'two' });
    const three = await host.create('Groups', { displayName: 'team', members: [reference(one)] });
    changes(host);
    await host.patch('Users', String(one['id']), { title: 'Prof', emails: [{ value: 'b@x' }, { value: 'c@x' }], [`${ENTERPRISE}:manager`]: reference(two) });
    await host.patch('Groups', String(three['id']), { members: [reference(two)] });
    expect(host.application.objects('person')[0]?.attributes).toMatchObject({ title: 'Prof', mails: ['b@x', 'c@x'], boss: '1001' });
    expect(host.application.objects('group')[0]?.attributes).toMatchObject({ name: 'team', members: ['1001'] });
    return changes(host);
  }
  const boss = (modification: string) => ({ name: 'boss', modification, values: ['1001'] });

  it('AttributeUpdate: what had no value is added, values of many are added and removed', async () => {
    expect(await changeEverything('attribute-update')).toMatchObject([
      {
        modification: 'update',
        changes: [
          { name: 'title', modification: 'replace', values: ['Prof'] },
          { name: 'mails', modification: 'update', added: ['c@x'], removed: ['a@x'] },
          boss('add'),
        ],
      },
      { modification: 'update', changes: [{ name: 'members', modification: 'update', added: ['1001'], removed: ['1000'] }] },
    ]);
  });

  it('AttributeReplace: changed attributes with all their new values', async () => {
    expect(await changeEverything('attribute-replace')).toMatchObject([
      {
        modification: 'update',
        changes: [
          { name: 'title', modification: 'replace', values: ['Prof'] },
          { name: 'mails', modification: 'replace', values: ['b@x', 'c@x'] },
          boss('replace'),
        ],
      },
      { modification: 'update', changes: [{ name: 'members', modification: 'replace', values: ['1001'] }] },
    ]);
  });

  it('ObjectReplace: the whole object', async () => {
    expect(await changeEverything('object-replace')).toMatchObject([
      {
        modification: 'replace',
        changes: [
          { name: 'login', modification: 'add', values: ['one'] },
          { name: 'title', modification: 'add', values: ['Prof'] },
          { name: 'mails', modification: 'add', values: ['b@x', 'c@x'] },
          boss('add'),
        ],
      },
      { modification: 'replace', changes: [{ name: 'name' }, { name: 'members', modification: 'add', values: ['1001'] }] },
    ]);
  });

  it('MultivaluedReferenceAttributeUpdate: all new values, but references added and removed', async () => {
    expect(await changeEverything('multivalued-reference-update')).toMatchObject([
      { modification: 'update', changes: [{ name: 'title' }, { name: 'mails', modification: 'replace', values: ['b@x', 'c@x'] }, boss('replace')] },
      { modification: 'update', changes: [{ name: 'members', modification: 'update', added: ['1001'], removed: ['1000'] }] },
    ]);
  });

  it('R8 ObjectReplace keeps what no import shows, and what somebody else wrote since', async () => {
    const pin = { name: 'pin', type: 'string', direction: 'export-only' } as const;
    const host = await start({ schema: [{ ...person, attributes: [...person.attributes, pin] }], capabilities: { exportType: 'object-replace' } });
    const extension = 'urn:ietf:params:scim:schemas:extension:landbridge:app:2.0:User';
    const created = await host.create('Users', { userName: 'ada', title: 'Dr', [extension]: { pin: '12' } });
    const [object] = host.application.objects();
    if (object === undefined) throw new Error('nothing was created');
    host.application.put({ ...object, attributes: { ...object.attributes, title: 'Countess' } });
    expect(await host.run('full')).toBe('success');
    changes(host);
    await host.patch('Users', String(created['id']), { emails: [{ value: 'a@x' }] });
    expect(changes(host)[0]?.['changes']).toMatchObject([
      { name: 'login' },
      { name: 'title', values: ['Countess'] },
      { name: 'mails' },
      { name: 'pin', values: ['12'] },
    ]);
  });
});

describe('FullExport', () => {
  const full = {
    runProfiles: [
      { name: 'export', steps: [{ kind: 'full-export' as const }] },
      { name: 'full', steps: [{ kind: 'full-import' as const }] },
    ],
  };

  it('every entry is presented whole, in sessions of that kind, and nothing but what the application lacked changes', async () => {
    for (const exportType of ['object-replace', 'attribute-update'] as const) {
      const host = await start({ capabilities: { fullExport: true, exportType, resultsApply: 'at-once' }, configuration: full });
      const one = await host.create('Users', { userName: 'one', title: 'Dr' });
      const team = await host.create('Groups', { displayName: 'team', members: [reference(one)] });
      changes(host);
      host.calls('open-export');
      const [object] = host.application.objects('person');
      if (object === undefined) throw new Error('nothing was created');
      host.application.put({ ...object, attributes: { id: object.key, login: 'one' } });
      const versions = (await host.list('Users')).map((resource) => resource['meta']);
      expect(await host.run('export')).toBe('success');
      expect((await host.list('Users')).map((resource) => resource['meta'])).toEqual(versions);
      expect(host.calls('open-export').every((call) => call['kind'] === 'full')).toBe(true);
      expect(changes(host)).toMatchObject([
        {
          modification: exportType === 'object-replace' ? 'replace' : 'update',
          anchor: { id: '1000' },
          changes: [{ name: 'login' }, { name: 'title', values: ['Dr'] }],
        },
        { anchor: { id: '1001' }, changes: [{ name: 'name' }, { name: 'members', values: ['1000'] }] },
      ]);
      expect(host.application.objects('person')[0]?.attributes).toMatchObject({ title: 'Dr' });
      await host.patch('Users', String(one['id']), { title: 'Prof' });
      expect(host.calls('open-export')).toMatchObject([{ kind: 'delta' }]);
      expect(await host.run('full')).toBe('success');
      expect((await host.read('Groups', String(team['id'])))['members']).toMatchObject([reference(one)]);
    }
  });

  it('counts entries that the application refuses, goes on with the others, and says so', async () => {
    const host = await start({ capabilities: { fullExport: true }, configuration: full });
    await host.create('Users', { userName: 'one' });
    await host.create('Users', { userName: 'two' });
    host.application.script('during-put', 'fail-entry', { value: 'constraint-violation' });
    const run = await (await host.connector.run('export', 'ops')).ended;
    expect(run).toMatchObject({ result: 'completed-with-errors', steps: [{ kind: 'full-export', counts: { updated: 1 }, errorCount: 1 }] });
  });

  it('is refused where the connector cannot', async () => {
    const host = await start({ configuration: full });
    await expect(host.run('export')).rejects.toThrow('cannot run a full export');
  });
});

describe('the passes of a create', () => {
  it('NoReferenceValuesInFirstExport: references follow in a second pass, by the anchor that the first one brought', async () => {
    const host = await start({ capabilities: { noReferenceValuesInFirstExport: true } });
    const one = await host.create('Users', { userName: 'one' });
    changes(host);
    await host.create('Groups', { displayName: 'team', members: [reference(one)] });
    expect(changes(host)).toMatchObject([
      { modification: 'add', changes: [{ name: 'name' }] },
      { modification: 'update', anchor: { id: '1001' }, changes: [{ name: 'members', values: ['1000'] }] },
    ]);
  });

  it('NoReferenceValuesInFirstExport: a second pass that fails in doubt is settled without a second object', async () => {
    const host = await start({ capabilities: { noReferenceValuesInFirstExport: true, lingerSeconds: 0 } });
    const one = await host.create('Users', { userName: 'one' });
    host.application.script('after-put', 'throw-text', { skip: 1 });
    const team = await host.create('Groups', { displayName: 'team', members: [reference(one)] });
    expect(host.application.objects('group')).toMatchObject([{ attributes: { members: ['1000'] } }]);
    expect((await host.read('Groups', String(team['id'])))['members']).toMatchObject([reference(one)]);
  });

  it('ExportPasswordInFirstPass: the password goes with the add; otherwise it is set after it, by the new anchor', async () => {
    const first = await start({ capabilities: { exportPasswordInFirstPass: true } });
    await first.create('Users', { userName: 'ada', password: 'secret' });
    expect(changes(first)).toMatchObject([{ modification: 'add', password: 'secret' }]);
    expect(first.calls('set-password')).toEqual([]);
    const second = await start({});
    await second.create('Users', { userName: 'ada', password: 'secret' });
    expect(changes(second)[0]).not.toHaveProperty('password');
    expect(second.calls('set-password')).toMatchObject([{ anchor: { id: '1000' } }]);
    for (const host of [first, second]) expect(host.application.objects()[0]?.password).toBe('secret');
  });
});

describe('anchors', () => {
  it('an anchor that the application assigns is in no add and in every later change', async () => {
    const host = await start({});
    const created = await host.create('Users', { userName: 'ada' });
    await host.patch('Users', String(created['id']), { title: 'Dr' });
    await host.remove('Users', String(created['id']));
    const [add, update, remove] = changes(host);
    expect(add).not.toHaveProperty('anchor');
    expect(update).toMatchObject({ modification: 'update', anchor: { id: '1000' } });
    expect(remove).toMatchObject({ modification: 'delete', anchor: { id: '1000' }, changes: [] });
  });

  it('a composite anchor identifies by all its parts, in imports, changes and references', async () => {
    const account: SchemaObjectType = {
      name: 'person',
      attributes: [
        { name: 'realm', type: 'string', anchor: true, caseExact: true },
        { name: 'number', type: 'integer', anchor: true },
        { name: 'login', type: 'string', unique: true },
        { name: 'boss', type: 'reference' },
      ],
    };
    const host = await start({ schema: [account] });
    const extension = 'urn:ietf:params:scim:schemas:extension:landbridge:app:2.0:User';
    const key = (realm: string, number: number) => JSON.stringify([realm, String(number)]);
    host.application.put({ type: 'person', key: key('a', 1), attributes: { realm: 'a', number: '1', login: 'one' } });
    host.application.put({ type: 'person', key: key('a', 2), attributes: { realm: 'a', number: '2', login: 'two' } });
    expect(await host.run('full')).toBe('success');
    const [one] = await host.list('Users', 'userName eq "one"');
    const created = await host.create('Users', { userName: 'three', [extension]: { realm: 'b', number: 1 }, [ENTERPRISE]: { manager: reference(one ?? {}) } });
    await host.patch('Users', String(created['id']), { userName: 'drei' });
    expect(changes(host)).toMatchObject([
      { modification: 'add', anchor: { realm: 'b', number: '1' } },
      { modification: 'update', anchor: { realm: 'b', number: '1' } },
    ]);
    expect(await host.run('full')).toBe('success');
    expect((await host.list('Users')).length).toBe(3);
    expect((await host.read('Users', String(created['id'])))[ENTERPRISE]).toMatchObject({ manager: { value: one?.['id'] } });
    expect(host.application.get('person', key('b', 1))?.attributes).toMatchObject({ login: 'drei', boss: key('a', 1) });
  });

  it('Normalizations: anchors that differ in case and accents only are one, and keep the form the application gave', async () => {
    const named = { ...person, attributes: person.attributes.map((attribute) => (attribute.anchor ? { ...attribute, assigned: false } : attribute)) };
    const host = await start({ schema: [named], capabilities: { normalizations: ['uppercase', 'remove-accents'] } });
    host.application.put({ type: 'person', key: 'José', attributes: { id: 'José', login: 'jose' } });
    expect(await host.run('full')).toBe('success');
    const [before] = await host.list('Users');
    host.application.remove('person', 'José');
    host.application.put({ type: 'person', key: 'JOSE', attributes: { id: 'JOSE', login: 'jose' } });
    expect(await host.run('full')).toBe('success');
    const after = await host.list('Users');
    expect(after.map((one) => one['id'])).toEqual([before?.['id']]);
    expect(JSON.stringify(after)).toContain('JOSE');
  });
});

describe('sizes', () => {
  it('page sizes: the smaller of what the profile asks for and what the connector takes; batches never exceed theirs', async () => {
    const host = await start({
      capabilities: { importDefaultPage: 7, importMaxPage: 9, exportMaxBatch: 2, parallelWrites: 1 },
      configuration: {
        runProfiles: [
          { name: 'full', steps: [{ kind: 'full-import' }] },
          { name: 'small', steps: [{ kind: 'full-import', pageSize: 3 }] },
          { name: 'large', steps: [{ kind: 'full-import', pageSize: 100 }] },
        ],
      },
    });
    for (const profile of ['full', 'small', 'large']) await host.run(profile);
    expect(host.calls('open-import').map((call) => call['pageSize'])).toEqual([7, 3, 9]);
    await Promise.all(Array.from({ length: 9 }, (_, index) => host.create('Users', { userName: `u${index}` })));
    const sizes = host.calls('put').map((batch) => (batch as unknown as readonly unknown[]).length);
    expect(Math.max(...sizes)).toBe(2);
    expect(host.calls('open-export').every((call) => call['batchSize'] === 2)).toBe(true);
  });
});
