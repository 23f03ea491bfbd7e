import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { directoryConfiguration } from '../scim/directory-application.ts';
import { type DirectoryHost, startDirectoryHost } from '../scim/directory-host.ts';

/** R31: a connector in mode shadow beside the system that still writes, over HTTPS, on a real application that chooses its anchors. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
type Json = Readonly<Record<string, unknown>>;

let host: DirectoryHost;
let client: ScimConnection;
let application: DatabaseSync;
let untouched: string;

/** Everything that the application has. */
const everything = (): string =>
  JSON.stringify(['people', 'teams', 'team_members', 'person_roles'].map((table) => application.prepare(`SELECT * FROM ${table}`).all()));
const idOf = async (login: string): Promise<string> => {
  const found = await client.send('GET', `/Users?filter=${encodeURIComponent(`userName eq "${login}"`)}`);
  return String((found.body['Resources'] as readonly Json[])[0]?.['id']);
};
const setTitle = (id: string, title: string) =>
  client.send('PATCH', `/Users/${id}`, { body: { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: title }] } });
const create = async (userName: string): Promise<string> => {
  const answer = await client.send('POST', '/Users', { body: { schemas: [USER], userName, name: { givenName: 'A', familyName: 'B' } } });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.body['id']);
};
const recorded = async (query = ''): Promise<readonly Json[]> =>
  (await host.admin('GET', `/connectors/dir/shadow?limit=100${query}`)) as unknown as readonly Json[];

beforeAll(async () => {
  host = await startDirectoryHost({ people: 6, more: '    mode: shadow\n' });
  application = new DatabaseSync(host.file, { timeout: 10_000 });
  application.exec("INSERT INTO teams(name) VALUES ('Everybody')");
  await host.importAll();
  client = await host.connect('lenient');
  untouched = everything();
});

afterAll(async () => {
  application.close();
  await host.close();
});

describe('R31 mode shadow', () => {
  let same: string;
  let other: string;
  let kept: string;
  let made: string;
  let lost: string;

  it('accepts creates, changes and deletes, answers as if they were done, and calls nothing', async () => {
    expect((await client.send('GET', '/ServiceProviderConfig')).body['patch']).toEqual({ supported: true });
    [same, other, kept] = [await idOf('person1'), await idOf('person2'), await idOf('person4')];
    made = await create('made.by.both');
    lost = await create('made.here.only');
    for (const [id, title] of [
      [same, 'Dr'],
      [other, 'Dr'],
      // The application has told no identifier of it, and needs not.
      [made, 'Ms'],
    ] as const)
      expect((await setTitle(id, title)).body).toMatchObject({ id, title });
    for (const id of [await idOf('person3'), kept]) expect((await client.send('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await client.send('GET', `/Users/${kept}`)).status).toBe(404);
    expect((await client.send('GET', `/Users/${made}`)).body).toMatchObject({ userName: 'made.by.both', title: 'Ms' });
    expect(everything()).toBe(untouched);
    const rows = await recorded();
    expect(rows.map((row) => row['verdict'])).toEqual(Array.from({ length: 7 }, () => 'waiting'));
    expect(rows.find((row) => row['scimId'] === same)?.['calls']).toEqual([
      { call: 'put', modification: 'update', anchor: { id: '1' }, changes: [{ name: 'title', modification: 'add', values: ['Dr'] }] },
    ]);
  });

  it('a member and a manager that were created here are accepted and recorded; the application has told no identifier that an import could show', async () => {
    const groups = (await client.send('GET', '/Groups?count=1')).body['Resources'] as readonly Json[];
    const group = String(groups[0]?.['id']);
    const before = (await client.send('GET', `/Groups/${group}`)).body['members'];
    const add = { schemas: [PATCH], Operations: [{ op: 'add', path: 'members', value: [{ value: made }, { value: lost }] }] };
    expect((await client.send('PATCH', `/Groups/${group}`, { body: add })).status).toBe(204);
    expect((await client.send('GET', `/Groups/${group}`)).body['members']).toEqual(before);
    const [row] = await recorded();
    expect(row).toMatchObject({
      verdict: 'waiting',
      calls: [{ changes: [{ name: expect.any(String), added: [expect.stringMatching(`no identifier.*${made}`), expect.stringContaining(lost)] }] }],
    });
    const boss = { schemas: [PATCH], Operations: [{ op: 'add', value: { title: 'Dr', manager: { value: lost } } }] };
    expect((await client.send('PATCH', `/Users/${same}`, { body: boss })).status).toBe(200);
    expect(everything()).toBe(untouched);
  });

  it('tells after the next import what the other system did otherwise; the application is believed, and ids stay', async () => {
    application.exec(`INSERT INTO people(login, first_name, last_name, title) VALUES ('made.by.both', 'A', 'B', 'Ms'); DELETE FROM people WHERE login = 'person3';
      UPDATE people SET title = 'Dr' WHERE login = 'person1'; UPDATE people SET title = 'Prof' WHERE login = 'person2'`);
    await host.importAll();
    const verdicts = new Map((await recorded()).map((row) => [`${String(row['kind'])} ${String(row['scimId'])}`, row]));
    const verdict = (kind: string, id: string): unknown => verdicts.get(`${kind} ${id}`)?.['verdict'];
    expect([verdict('update', same), verdict('update', other), verdict('update', made), verdict('delete', kept)]).toEqual([
      'same',
      'different',
      'same',
      'different',
    ]);
    const different = await recorded('&verdict=different');
    expect(different.map((row) => [row['kind'], row['differences']])).toEqual([
      ['delete', [{ attribute: '', wanted: 'no entry', found: 'an entry' }]],
      ['update', [{ attribute: 'title', wanted: 'Dr', found: 'Prof' }]],
      ['add', [{ attribute: '', wanted: 'an entry', found: 'no entry' }]],
    ]);
    expect((await client.send('GET', `/Users/${other}`)).body['title']).toBe('Prof');
    expect((await client.send('GET', `/Users/${kept}`)).body).toMatchObject({ id: kept, userName: 'person4' });
    expect(await idOf('made.by.both')).toBe(made);
    expect((await client.send('GET', `/Users/${lost}`)).status).toBe(404);
  });

  it('becomes live after an import only: what was recorded and not compared is written by nobody', async () => {
    const five = await idOf('person5');
    expect((await setTitle(five, 'Recorded')).status).toBe(200);
    await host.apply(directoryConfiguration(host.file));
    await vi.waitFor(async () => expect((await setTitle(same, 'Live')).status).toBe(200), { timeout: 30_000, interval: 100 });
    expect((await client.send('GET', `/Users/${five}`)).body).not.toHaveProperty('title');
    const titles = application.prepare('SELECT login, title FROM people WHERE title IS NOT NULL ORDER BY login').all();
    expect(titles.map((row) => `${String(row['login'])} ${String(row['title'])}`)).toEqual(['made.by.both Ms', 'person1 Live', 'person2 Prof']);
    expect((await host.admin('GET', '/connectors/dir'))['state']).toBe('ready');
  });
});
