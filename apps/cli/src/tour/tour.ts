import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';

/** The application's own eyes: what its client sees, not what the host says. */
export interface ApplicationView {
  /** The row of a person, by user name; `undefined` when there is none. */
  person(userName: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Names of the departments that a person is a member of. */
  departments(userName: string): Promise<readonly string[]>;
}

/** One step of the tour: a SCIM call, and what it must do to the application. */
export interface TourStep {
  readonly title: string;
  readonly call: string;
  readonly before: unknown;
  readonly after: unknown;
  /** How the call was answered. */
  readonly status: number;
  readonly passed: boolean;
  /** From the request to the answer, over TLS, with every commit and sync on the way. */
  readonly milliseconds: number;
}

/** A SCIM client over TLS, as an identity cloud is one. */
export interface ScimClient {
  send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>;
  close(): Promise<void>;
}

/** Connects to a face of a connector. */
export function createScimClient(baseUrl: string, token: string, caFile: string | undefined): ScimClient {
  const dispatcher = new Agent({ connect: caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') } });
  return {
    async send(method, path, body) {
      const response = await request(`${baseUrl}${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json', accept: 'application/scim+json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      return { status: response.statusCode, body: text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>) };
    },
    close: () => dispatcher.close(),
  };
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/**
 * The main job, step by step: create a person, add to a group, change the manager, rename, disable, delete. Each step is
 * checked in the application by its own client.
 */
export async function runTour(
  scim: ScimClient,
  application: ApplicationView,
  onStep: (step: TourStep) => void | Promise<void>,
  between?: (done: number) => Promise<ScimClient | undefined>,
): Promise<readonly TourStep[]> {
  let client = scim;
  const steps: TourStep[] = [];
  let name = `grace.hopper.${Date.now().toString(36)}`;
  const look = async () => ({ person: await application.person(name), departments: await application.departments(name) });
  const one = async (path: string): Promise<Readonly<Record<string, unknown>>> => {
    const { body } = await client.send('GET', path);
    return ((body['Resources'] as readonly Readonly<Record<string, unknown>>[] | undefined) ?? [])[0] ?? {};
  };
  async function step(title: string, call: string, act: () => Promise<number>, check: (state: Awaited<ReturnType<typeof look>>) => boolean): Promise<void> {
    client = (await between?.(steps.length)) ?? client;
    const before = await look();
    const started = performance.now();
    const status = await act();
    const milliseconds = performance.now() - started;
    const after = await look();
    const done: TourStep = {
      title,
      call,
      before,
      after,
      status,
      passed: status < 300 && check(after),
      milliseconds: Math.round(milliseconds * 10) / 10,
    };
    steps.push(done);
    await onStep(done);
  }

  const manager = await one(`/Users?filter=${encodeURIComponent('title eq "Director"')}&count=1`);
  const other = await one(`/Users?filter=${encodeURIComponent('title eq "Manager"')}&count=1`);
  const group = await one(`/Groups?filter=${encodeURIComponent('displayName eq "Research"')}&excludedAttributes=members`);
  let id = '';
  const patch = (path: string, operations: readonly unknown[]) => client.send('PATCH', path, { schemas: [PATCH], Operations: operations });
  const idOf = (resource: Readonly<Record<string, unknown>>, person: string): string =>
    String((resource['urn:ietf:params:scim:schemas:extension:landbridge:hr:2.0:User'] as Readonly<Record<string, unknown>> | undefined)?.['id'] ?? person);

  await step(
    'create a person',
    `POST /Users {"userName": "${name}", …, "manager": …}`,
    async () => {
      const { status, body } = await client.send('POST', '/Users', {
        schemas: [USER, ENTERPRISE],
        externalId: 'e-1906',
        userName: name,
        name: { givenName: 'Grace', familyName: 'Hopper' },
        title: 'Rear admiral',
        emails: [{ type: 'work', primary: true, value: `${name}@example.com` }],
        active: true,
        [ENTERPRISE]: { department: 'Research', manager: { value: manager['id'] } },
      });
      id = String(body['id']);
      return status;
    },
    (state) => state.person?.['first_name'] === 'Grace' && String(state.person['manager_id']) === idOf(manager, '') && state.person['status'] === 'A',
  );
  await step(
    'add to a group',
    'PATCH /Groups/… {"op": "add", "path": "members", "value": [{"value": id}]}',
    async () => (await patch(`/Groups/${String(group['id'])}`, [{ op: 'add', path: 'members', value: [{ value: id }] }])).status,
    (state) => state.departments.includes('Research'),
  );
  await step(
    'change the manager',
    'PATCH /Users/… {"op": "replace", "path": "…:User:manager", "value": id}',
    async () => (await patch(`/Users/${id}`, [{ op: 'replace', path: `${ENTERPRISE}:manager`, value: { value: other['id'] } }])).status,
    (state) => String(state.person?.['manager_id']) === idOf(other, ''),
  );
  const renamed = name.replace('hopper', 'murray-hopper');
  await step(
    'rename',
    `PATCH /Users/… {"op": "replace", "value": {"userName": "${renamed}", "name.familyName": "Murray Hopper"}}`,
    async () => {
      const { status } = await patch(`/Users/${id}`, [{ op: 'replace', value: { userName: renamed, 'name.familyName': 'Murray Hopper' } }]);
      name = renamed;
      return status;
    },
    (state) => state.person?.['last_name'] === 'Murray Hopper' && state.departments.includes('Research'),
  );
  await step(
    'disable',
    'PATCH /Users/… {"op": "Replace", "path": "active", "value": "False"}',
    async () => (await patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }])).status,
    (state) => state.person?.['status'] === 'D',
  );
  await step(
    'delete',
    'DELETE /Users/…',
    async () => {
      await patch(`/Groups/${String(group['id'])}`, [{ op: 'remove', path: `members[value eq "${id}"]` }]);
      return (await client.send('DELETE', `/Users/${id}`)).status;
    },
    (state) => state.person === undefined && state.departments.length === 0,
  );
  return steps;
}
