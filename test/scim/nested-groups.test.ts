import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, type Json, person, type ScriptedHost, startScriptedHost } from '../fixtures/scripted-host.ts';

/** An application whose groups hold people and groups, as directories do. */
let host: ScriptedHost;
const ids = new Map<string, string>();
const id = (name: string): string => ids.get(name) ?? '';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const parse = (answer: { readonly body?: string }): Json => JSON.parse(answer.body ?? '{}') as Json;

const groupsOf = async (name: string): Promise<readonly (readonly unknown[])[] | undefined> => {
  const read = parse(await host.connector.clean.read(context, 'Users', id(name), { attributes: 'groups' }));
  return (read['groups'] as readonly Json[] | undefined)?.map((group) => [group['display'], group['type']]);
};
const found = async (endpoint: string, filter: string): Promise<readonly unknown[]> => {
  const answer = parse(await host.connector.clean.list(context, endpoint, { filter, attributes: 'userName,displayName' }));
  return (answer['Resources'] as readonly Json[]).map((one) => one['userName'] ?? one['displayName']).sort();
};
const change = (group: string, op: 'add' | 'remove', ...members: readonly string[]) =>
  host.connector.clean.patch(
    context,
    'Groups',
    id(group),
    { schemas: [PATCH], Operations: [{ op, path: 'members', value: members.map((name) => ({ value: id(name) })) }] },
    {},
  );

beforeAll(async () => {
  const group = {
    name: 'group',
    attributes: [
      { name: 'id', type: 'string', anchor: true, assigned: true },
      { name: 'name', type: 'string', unique: true, required: true },
      { name: 'members', type: 'reference', multiValued: true },
    ],
  } as const;
  host = await startScriptedHost({ schema: [person, group] });
  await host.run('full');
  const made = async (endpoint: string, name: string, body: Json): Promise<void> => {
    ids.set(name, String((await host.create(endpoint, body))['id']));
  };
  const CORE = 'urn:ietf:params:scim:schemas:core:2.0';
  for (const name of ['ann', 'ben', 'cem']) await made('Users', name, { schemas: [`${CORE}:User`], userName: name });
  // company holds unit and cem, unit holds team and ben, team holds ann; club holds ann.
  for (const [name, members] of [
    ['team', ['ann']],
    ['unit', ['team', 'ben']],
    ['company', ['unit', 'cem']],
    ['club', ['ann']],
  ] as const)
    await made('Groups', name, { schemas: [`${CORE}:Group`], displayName: name, members: members.map((member) => ({ value: id(member) })) });
});

afterAll(async () => host.close());

describe('groups in groups', () => {
  it('S-074 S-180 a user is in the groups that hold it, and indirectly in the groups that hold those', async () => {
    expect(await groupsOf('ann')).toEqual([
      ['team', 'direct'],
      ['club', 'direct'],
      ['unit', 'indirect'],
      ['company', 'indirect'],
    ]);
    expect(await groupsOf('ben')).toEqual([
      ['unit', 'direct'],
      ['company', 'indirect'],
    ]);
    expect(await groupsOf('cem')).toEqual([['company', 'direct']]);
    const list = parse(await host.connector.clean.list(context, 'Users', { attributes: 'groups' }));
    expect((list['Resources'] as readonly Json[]).map((one) => (one['groups'] as readonly Json[]).length)).toEqual([4, 2, 1]);
  });

  it('S-074 S-080 S-250 a filter on groups finds what is shown, whether the store decides it or the rendered resource', async () => {
    expect(await found('Users', `groups.value eq "${id('company')}"`)).toEqual(['ann', 'ben', 'cem']);
    expect(await found('Users', `groups.value eq "${id('unit')}"`)).toEqual(['ann', 'ben']);
    expect(await found('Users', `groups eq "${id('team')}"`)).toEqual(['ann']);
    expect(await found('Users', `groups.value eq "${id('ann')}"`)).toEqual([]);
    expect(await found('Users', `groups[value eq "${id('unit')}" and type eq "indirect"]`)).toEqual(['ann']);
    expect(await found('Users', 'groups.display eq "club"')).toEqual(['ann']);
    expect(await found('Users', 'groups.type eq "indirect"')).toEqual(['ann', 'ben']);
    // Members are what a group holds itself.
    expect(await found('Groups', `members eq "${id('ann')}"`)).toEqual(['club', 'team']);
    expect(await found('Groups', 'members.display eq "unit"')).toEqual(['company']);
  });

  it('S-180 a group that would be within itself is refused, and nothing of the request happens', async () => {
    for (const member of ['company', 'unit', 'team'])
      await expect(change('team', 'add', 'cem', member)).rejects.toMatchObject({
        status: 400,
        scimType: 'invalidValue',
        message: expect.stringContaining(id(member)),
      });
    expect(await groupsOf('cem')).toEqual([['company', 'direct']]);
    // What is no circle is a group like any other.
    await change('team', 'add', 'club');
    expect(await groupsOf('ann')).toContainEqual(['club', 'direct']);
    await change('team', 'remove', 'club');
  });

  it('S-180 a circle that the application made is walked once, and does not stand in the way of other changes', async () => {
    const objectOf = (name: string) => host.application.objects('group').find((one) => one.attributes['name'] === name);
    const team = objectOf('team');
    const company = objectOf('company');
    if (team === undefined || company === undefined) throw new Error('the groups are not in the application');
    const { members } = team.attributes;
    host.application.put({ ...team, attributes: { ...team.attributes, members: [...(Array.isArray(members) ? members : []), company.key] } });
    await host.run('full');
    expect((await groupsOf('ann'))?.map(([name]) => name).sort()).toEqual(['club', 'company', 'team', 'unit']);
    expect(await found('Users', `groups.value eq "${id('team')}"`)).toEqual(['ann', 'ben', 'cem']);
    await change('team', 'add', 'company', 'cem');
    expect(await groupsOf('cem')).toContainEqual(['team', 'direct']);
  });
});
