import { DatabaseSync } from 'node:sqlite';
import type { SchemaObjectType } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { person, startScriptedHost } from '../fixtures/scripted-host.ts';
import { type DirectoryHost, startDirectoryHost } from '../scim/directory-host.ts';

/** R20: an application that takes a value back, and an owner who wants it there all the same. */
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
/** A group whose members are people. */
const group: SchemaObjectType = {
  name: 'group',
  attributes: [
    { name: 'id', type: 'string', anchor: true, assigned: true },
    { name: 'name', type: 'string' },
    { name: 'members', type: 'reference', multiValued: true },
  ],
};
type Json = Readonly<Record<string, unknown>>;

let host: DirectoryHost;
let client: ScimConnection;
let application: DatabaseSync;

const titleOf = (id: number): unknown => application.prepare('SELECT title FROM people WHERE id = ?').get(id)?.['title'];
/** Titles that are written from now on go back to what they were, so many times. */
const forget = (times: number): void => void application.prepare('UPDATE stubborn SET times = ?').run(times);
async function setTitle(login: string, title: string): Promise<void> {
  const found = await client.send('GET', `/Users?filter=${encodeURIComponent(`userName eq "${login}"`)}`);
  const id = String((found.body['Resources'] as readonly Json[])[0]?.['id']);
  const answer = await client.send('PATCH', `/Users/${id}`, { body: { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: title }] } });
  expect(answer.status).toBe(200);
}
const again = async (): Promise<readonly Json[]> =>
  ((await host.admin('GET', '/connectors/dir/journal?limit=100')) as unknown as readonly Json[]).filter(
    (row) => (row['request'] as Json)['method'] === 'REEXPORT',
  );
/** The journal has so many attempts, all of them ended. */
const attempts = (count: number): Promise<void> =>
  vi.waitFor(async () => expect((await again()).filter((row) => row['state'] !== 'intended')).toHaveLength(count), { timeout: 20_000 });

beforeAll(async () => {
  host = await startDirectoryHost({ people: 3, more: '    reExport: true\n' });
  application = new DatabaseSync(host.file, { timeout: 10_000 });
  application.exec(`UPDATE people SET title = 'old'; CREATE TABLE stubborn(times INTEGER); INSERT INTO stubborn VALUES (0);
    CREATE TRIGGER takes_back AFTER UPDATE OF title ON people WHEN (SELECT times FROM stubborn) > 0
    BEGIN UPDATE people SET title = old.title WHERE id = old.id; UPDATE stubborn SET times = times - 1; END`);
  await host.importAll();
  client = await host.connect('lenient');
});

afterAll(async () => {
  application.close();
  await host.close();
});

it('R20 what was to be exported again when the host ended is exported again after its restart, and never twice', async () => {
  const scripted = await startScriptedHost({ schema: [person, group], configuration: { reExport: true } });
  try {
    const { application } = scripted;
    application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada', title: 'old' } });
    application.put({ type: 'group', key: 'g', attributes: { id: 'g', name: 'Group', members: [] } });
    await scripted.run('full');
    const [ada] = await scripted.list('Users');
    const [team] = await scripted.list('Groups');
    await scripted.patch('Users', String(ada?.['id']), { title: 'Dr' });
    await scripted.patch('Groups', String(team?.['id']), { members: [{ value: ada?.['id'] }] });
    application.put({ type: 'person', key: '1', attributes: { id: '1', login: 'ada', title: 'old' } });
    application.put({ type: 'group', key: 'g', attributes: { id: 'g', name: 'Group', members: [] } });
    application.script('close-import', 'hang');
    const run = await scripted.connector.run('full', 'test');
    await vi.waitFor(() => expect(run.progress?.entries).toBe(2));
    scripted.calls('open-export');
    await scripted.reopen();
    await vi.waitFor(() => expect(application.get('person', '1')?.attributes['title']).toBe('Dr'));
    await vi.waitFor(() => expect(application.get('group', 'g')?.attributes['members']).toEqual(['1']));
    await vi.waitFor(async () => expect(await scripted.connector.journal({ states: ['intended'], limit: 5 })).toEqual([]));
    const sent = (await scripted.connector.journal({ limit: 9 })).filter((row) => row.request.method === 'REEXPORT');
    expect(sent.map((row) => row.request.correlation).sort()).toEqual(['re-export-1-1', 're-export-2-1']);
    await scripted.reopen();
    await scripted.run('full');
    expect((await scripted.connector.journal({ limit: 9 })).filter((row) => row.request.method === 'REEXPORT')).toHaveLength(2);
  } finally {
    await scripted.close();
  }
});

describe('R20 a value that the application did not keep', () => {
  it('is exported again while the old one is still there, and confirmed by the next import', async () => {
    forget(1);
    await setTitle('person1', 'Dr');
    expect(titleOf(1)).toBe('old');
    await host.importAll();
    await attempts(1);
    expect(titleOf(1)).toBe('Dr');
    await host.importAll();
    expect((await again()).map((row) => row['state'])).toEqual(['confirmed']);
  });

  it('is exported again three times and no more', async () => {
    forget(100);
    await setTitle('person2', 'Dr');
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await host.importAll();
      await attempts(1 + attempt);
    }
    await host.importAll();
    forget(0);
    // A value of somebody else: it follows whatever the import before would have begun.
    await setTitle('person3', 'Prof');
    application.prepare("UPDATE people SET title = 'theirs' WHERE id = 3").run();
    await host.importAll();
    await setTitle('person1', 'Prof');
    expect([titleOf(2), titleOf(3)]).toEqual(['old', 'theirs']);
    expect(await again()).toHaveLength(4);
  });
});
