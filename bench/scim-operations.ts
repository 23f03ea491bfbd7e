import { personOf } from './application.ts';
import type { Json, ScimClient } from './scim-client.ts';

/** The people of the application as the service knows them: a SCIM id for each number. */
export interface People {
  readonly ids: readonly string[];
  /** Numbers whose title is written while others are read: one in a hundred. */
  readonly written: readonly number[];
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const PAGE = 1000;
let unique = 0;

/** Learns the id of every person, a page at a time. */
export async function readPeople(client: ScimClient, entries: number): Promise<People> {
  const ids: string[] = [];
  let found = 0;
  for (let start = 1; found < entries; start += PAGE) {
    const page = JSON.parse(await client.send('GET', `/Users?count=${PAGE}&attributes=userName&startIndex=${start}`)) as ListAnswer;
    if (page.Resources.length === 0) throw new Error(`the service has ${found} of ${entries} people`);
    for (const { id, userName } of page.Resources) ids[numberOf(userName) - 1] = String(id);
    found += page.Resources.length;
  }
  return { ids, written: Array.from({ length: Math.ceil(entries / 100) }, () => 1 + Math.floor(Math.random() * entries)) };
}

interface ListAnswer {
  readonly totalResults: number;
  readonly Resources: readonly Json[];
}

/** One operation on random people: does its request and checks the body. */
export type Operation = (client: ScimClient) => Promise<void>;

/** The operations that are measured. */
export function operationsOn(people: People): Readonly<Record<'get' | 'filter' | 'list' | 'patch' | 'create', Operation>> {
  const entries = people.ids.length;
  const any = (): number => 1 + Math.floor(Math.random() * entries);
  return {
    async get(client) {
      const index = any();
      checkPerson(people, index, JSON.parse(await client.send('GET', `/Users/${people.ids[index - 1]}`)) as Json);
    },
    async filter(client) {
      const index = any();
      const path = `/Users?filter=${encodeURIComponent(`userName eq "${personOf(index).userName}"`)}`;
      const { totalResults, Resources } = JSON.parse(await client.send('GET', path)) as ListAnswer;
      expect(totalResults === 1 && Resources.length === 1, 'one match', totalResults);
      checkPerson(people, index, Resources[0] ?? {});
    },
    async list(client) {
      const start = 1 + Math.floor(Math.random() * (entries - 100));
      const { totalResults, Resources } = JSON.parse(await client.send('GET', `/Users?count=100&startIndex=${start}`)) as ListAnswer;
      expect(totalResults >= entries && Resources.length === 100, 'a page of 100', Resources.length);
      for (const resource of Resources) checkPerson(people, numberOf(resource['userName']), resource);
      expect(new Set(Resources.map((resource) => resource['id'])).size === 100, 'each once', Resources.length);
    },
    patch: (client) => patchTitle(client, people, any()),
    async create(client) {
      unique += 1;
      const userName = `bench.${process.pid}.${unique}`;
      const name = { givenName: 'B', familyName: 'Ench' };
      const emails = [{ type: 'work', value: `${userName}@example.com` }];
      const created = JSON.parse(await client.send('POST', '/Users', { schemas: [USER], userName, name, emails })) as Json;
      expect(created['userName'] === userName && typeof created['id'] === 'string', 'the created person', created);
      expect(
        (created['emails'] as typeof emails)[0]?.value === emails[0]?.value && (created['name'] as typeof name).familyName === 'Ench',
        'its values',
        created,
      );
    },
  };
}

/** Writes the title of one of the people who are written while others are read. */
export function writeBeside(people: People): Operation {
  return (client) => patchTitle(client, people, people.written[Math.floor(Math.random() * people.written.length)] ?? 1);
}

async function patchTitle(client: ScimClient, people: People, index: number): Promise<void> {
  unique += 1;
  const value = `Title ${unique}`;
  const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value }] };
  const patched = JSON.parse(await client.send('PATCH', `/Users/${people.ids[index - 1]}`, body)) as Json;
  checkPerson(people, index, patched);
  // Two clients may write one person at a time; then the answer may show the later title.
  expect(String(patched['title']).startsWith('Title '), 'the new title', patched['title']);
}

/** Checks every value of a person that the application was filled with. */
function checkPerson(people: People, index: number, resource: Json): void {
  const person = personOf(index);
  const name = resource['name'] as Json | undefined;
  const [mail] = (resource['emails'] ?? []) as readonly Json[];
  const enterprise = resource[ENTERPRISE] as Json | undefined;
  const meta = resource['meta'] as Json | undefined;
  const manager = enterprise?.['manager'] as Json | undefined;
  const title = resource['title'];
  expect(resource['id'] === people.ids[index - 1], 'id', resource['id']);
  expect(resource['userName'] === person.userName, 'userName', resource['userName']);
  expect(name?.['givenName'] === person.first && name['familyName'] === person.last, 'name', name);
  expect(mail?.['value'] === person.mail && resource['active'] === true, 'emails and active', mail);
  expect(title === person.title || String(title).startsWith('Title '), 'title', title);
  expect(enterprise?.['department'] === person.department, 'department', enterprise);
  expect(index === 1 || manager?.['value'] === people.ids[Math.floor(index / 10)], 'manager', manager);
  expect(String(meta?.['location']).endsWith(`/Users/${people.ids[index - 1]}`) && typeof meta?.['version'] === 'string', 'meta', meta);
}

function numberOf(userName: unknown): number {
  return Number(String(userName).slice('user'.length));
}

function expect(condition: boolean, what: string, got: unknown): void {
  if (!condition) throw new Error(`a wrong answer: ${what}: ${JSON.stringify(got)?.slice(0, 300)}`);
}
