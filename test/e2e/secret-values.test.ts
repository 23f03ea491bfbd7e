import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Capabilities, SchemaObjectType } from '@landbridge/connector-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { context, objectTypeOf, person, type ScriptedHost, startScriptedHost } from '../fixtures/scripted-host.ts';

/** R8: a secret value that only exports know, where exports hold the whole object. */
const badge: SchemaObjectType = {
  ...person,
  attributes: [
    ...person.attributes,
    { name: 'pin', type: 'integer', direction: 'export-only', secret: true },
    // Imports of the scripted application show it: the schema says that nobody is to see it.
    { name: 'code', type: 'string', secret: true },
  ],
};
const PIN = '47114711';
let host: ScriptedHost;

async function start(capabilities: Partial<Capabilities>): Promise<void> {
  const usual = objectTypeOf(badge);
  const mapping = [...usual.mapping, { scim: 'nickName', attribute: 'pin' }, { scim: 'locale', attribute: 'code' }];
  host = await startScriptedHost({
    schema: [badge],
    capabilities: { resultsApply: 'at-once', ...capabilities },
    configuration: {
      objectTypes: [{ ...usual, mapping }],
      deprovisioning: { disable: { action: 'delete' }, delete: { action: 'delete' } },
      runProfiles: [
        { name: 'full', steps: [{ kind: 'full-import' }] },
        { name: 'everything', steps: [{ kind: 'full-export' }] },
      ],
    },
  });
}

afterEach(() => host.close());

/** Whether any file of the host has the text in clear. */
function isInFiles(text: string, folder = host.folder): boolean {
  return readdirSync(folder).some((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? isInFiles(text, path) : readFileSync(path).includes(text);
  });
}

/** The values that the last exported object had, by attribute. */
function exported(): Readonly<Record<string, unknown>> {
  const changes = host.calls('put').flat().at(-1)?.['changes'] as readonly Readonly<Record<string, unknown>>[];
  return Object.fromEntries(changes.map((change) => [String(change['name']), change['values'] ?? change['modification']]));
}

describe('R8 a secret value that no import shows', () => {
  it('is in every export of the whole object, across imports and restarts, newest value first', async () => {
    await start({ exportType: 'object-replace', fullExport: true });
    const { id } = await host.create('Users', { userName: 'ada', nickName: PIN, locale: 'the-code' });
    const path = String(id);
    host.calls('put');
    await host.patch('Users', path, { title: 'Dr' });
    expect(exported()).toEqual({ login: ['ada'], title: ['Dr'], pin: [PIN], code: ['the-code'] });
    expect(await host.run('full')).toBe('success');
    expect(await host.read('Users', path)).toEqual(expect.not.objectContaining({ nickName: expect.anything(), locale: expect.anything() }));
    await host.reopen();
    await host.patch('Users', path, { title: 'Prof' });
    expect(exported()).toEqual({ login: ['ada'], title: ['Prof'], pin: [PIN], code: ['the-code'] });
    expect(await host.run('everything')).toBe('success');
    expect(exported()).toMatchObject({ pin: [PIN], code: ['the-code'] });
    await host.patch('Users', path, { nickName: '5' });
    expect(exported()).toMatchObject({ pin: ['5'], code: ['the-code'] });
    for (const text of [PIN, 'the-code']) expect(isInFiles(text), text).toBe(false);
    expect(JSON.stringify((await host.connector.space({ objectType: 'person', limit: 10 })).rows)).not.toMatch(/"pin|\bcode|1\./);
  });

  it('is taken away by a client that has never seen it: PATCH remove, replace by null, PUT with null', async () => {
    await start({});
    const { id } = await host.create('Users', { userName: 'ada', nickName: PIN, locale: 'the-code', title: 'Dr' });
    const path = String(id);
    const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
    const body = (operation: unknown) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });
    host.calls('put');
    const pin = () => host.application.objects('person')[0]?.attributes['pin'];
    await host.connector.clean.patch(context, 'Users', path, body({ op: 'remove', path: `${USER}:nickname` }), {});
    expect(pin()).toBeUndefined();
    await host.patch('Users', path, { nickName: '5' });
    expect(pin()).toBe('5');
    await host.patch('Users', path, { nickName: null });
    expect(pin()).toBeUndefined();
    await host.patch('Users', path, { nickName: '6' });
    await host.connector.clean.replace(context, 'Users', path, { schemas: [USER], userName: 'ada', title: 'Dr' }, {});
    expect(pin()).toBe('6');
    await host.connector.clean.replace(context, 'Users', path, { schemas: [USER], userName: 'ada', title: 'Dr', nickName: null }, {});
    expect(pin()).toBeUndefined();
    expect(host.application.objects('person')[0]?.attributes).toMatchObject({ title: 'Dr', code: 'the-code' });
  });

  it('R11 an object disabled by deletion that the application has again stays inactive, and can be disabled again or enabled', async () => {
    await start({});
    const { id } = await host.create('Users', { userName: 'ada', title: 'Dr' });
    const path = String(id);
    const [before] = host.application.objects('person');
    if (before === undefined) throw new Error('nothing was created');
    const comeBack = async (): Promise<void> => {
      host.application.put(before);
      expect(await host.run('full')).toBe('success');
      expect(await host.read('Users', path)).toMatchObject({ id, active: false });
    };
    expect(await host.patch('Users', path, { active: false })).toMatchObject({ active: false });
    expect(host.application.objects('person')).toEqual([]);
    await comeBack();
    expect(await host.patch('Users', path, { active: false })).toMatchObject({ id, active: false });
    expect(host.application.objects('person')).toEqual([]);
    await comeBack();
    expect(await host.patch('Users', path, { active: true, title: 'Prof' })).toMatchObject({ id, active: true, title: 'Prof' });
    expect(host.application.objects('person')).toMatchObject([{ attributes: { login: 'ada', title: 'Prof' } }]);
    expect(await host.run('full')).toBe('success');
    expect(await host.read('Users', path)).toMatchObject({ id, active: true });
  });

  it('is sent alone where an export names what changed, and comes back with an object that is created again', async () => {
    await start({});
    const { id } = await host.create('Users', { userName: 'ada', nickName: PIN, locale: 'the-code' });
    const path = String(id);
    expect(exported()).toMatchObject({ pin: [PIN], code: ['the-code'] });
    await host.patch('Users', path, { title: 'Dr' });
    expect(exported()).toEqual({ title: ['Dr'] });
    await host.patch('Users', path, { nickName: '5' });
    expect(exported()).toEqual({ pin: ['5'] });
    await host.patch('Users', path, { active: false });
    host.calls('put');
    await host.patch('Users', path, { active: true });
    expect(exported()).toMatchObject({ login: ['ada'], title: ['Dr'], pin: ['5'], code: ['the-code'] });
  });
});
