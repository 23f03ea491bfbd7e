import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Need } from './check.ts';
import type { Answer, Json, Method, Request, ScimConnection } from './connection.ts';

export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
export const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

/** How the suite meets a service. */
export interface KitOptions {
  /** Which dialect the service speaks to this token. */
  readonly profile: 'strict' | 'lenient';
  /** Attributes that every user needs here, beside those of RFC 7643. */
  readonly userTemplate?: Json;
}

/** What checks work with: requests, resources that are taken away at the end, and what the service says of itself. */
export interface Kit {
  readonly connection: ScimConnection;
  readonly profile: 'strict' | 'lenient';
  readonly config: Json;
  /** Whether a service has what a check needs. */
  has(need: Need): boolean;
  send(method: Method, path: string, body?: unknown, more?: Request): Promise<Answer>;
  /** A name that nobody else has. */
  name(prefix?: string): string;
  /** The body of a user with a name of its own. */
  user(more?: Json): Json;
  /** Creates a user; it is deleted at the end. @throws AssertionError when that is not 201. */
  newUser(more?: Json): Promise<Json>;
  newGroup(more?: Json): Promise<Json>;
  /** Remembers a resource that a check made, for deletion. */
  forget(path: string): void;
  patch(path: string, ...operations: readonly unknown[]): Promise<Answer>;
  /** The resource after a PATCH that must succeed. */
  patched(path: string, ...operations: readonly unknown[]): Promise<Json>;
  find(endpoint: string, filter: string, more?: string): Promise<Answer>;
  /** Deletes everything that was made. */
  clean(): Promise<void>;
}

/** Reads what a service says of itself. @throws Error when it does not answer the discovery documents. */
export async function createKit(connection: ScimConnection, options: KitOptions): Promise<Kit> {
  const read = async (path: string): Promise<Json> => {
    const answer = await connection.send('GET', path);
    if (answer.status !== 200) throw new Error(`GET ${path} was answered ${answer.status}; a SCIM service has this document (RFC 7644 §4)`);
    return answer.body;
  };
  const config = await read('/ServiceProviderConfig');
  const types = resourcesOf(await read('/ResourceTypes'));
  const schemas = resourcesOf(await read('/Schemas'));
  const features = featuresOf(config, types, schemas);
  const made: string[] = [];
  const suffix = randomBytes(4).toString('hex');
  let count = 0;
  const name = (prefix = 'check'): string => {
    count += 1;
    return `${prefix}.${suffix}.${count}`;
  };
  const send: Kit['send'] = (method, path, body, more = {}) => connection.send(method, path, body === undefined ? more : { body, ...more });
  const create = async (endpoint: string, body: Json): Promise<Json> => {
    const answer = await send('POST', endpoint, body);
    assert.equal(answer.status, 201, `POST ${endpoint} was answered ${answer.status}: ${answer.text.slice(0, 300)}`);
    made.push(`${endpoint}/${String(answer.body['id'])}`);
    return answer.body;
  };
  const kit: Kit = {
    connection,
    profile: options.profile,
    config,
    has: (need) => features.has(need.toLowerCase()),
    send,
    name,
    user: (more = {}) => {
      const userName = name();
      return {
        schemas: [USER],
        userName,
        name: { givenName: 'Check', familyName: 'Person' },
        emails: [{ type: 'work', value: `${userName}@example.com`, primary: true }],
        ...options.userTemplate,
        ...more,
      };
    },
    newUser: (more) => create('/Users', kit.user(more)),
    newGroup: (more = {}) => create('/Groups', { schemas: [GROUP], displayName: name('group'), ...more }),
    forget: (path) => void made.push(path),
    patch: (path, ...operations) => send('PATCH', path, { schemas: [PATCH_OP], Operations: operations }),
    async patched(path, ...operations) {
      const answer = await kit.patch(path, ...operations);
      assert.ok(answer.status === 200 || answer.status === 204, `PATCH ${path} was answered ${answer.status}: ${answer.text.slice(0, 300)}`);
      return answer.status === 200 ? answer.body : (await send('GET', path)).body;
    },
    find: (endpoint, filter, more = '') => send('GET', `${endpoint}?filter=${encodeURIComponent(filter)}${more}`),
    async clean() {
      for (const path of made.splice(0).reverse()) await connection.send('DELETE', path);
    },
  };
  return kit;
}

function featuresOf(config: Json, types: readonly Json[], schemas: readonly Json[]): ReadonlySet<string> {
  const found = new Set<string>();
  const supported = (name: string): boolean => (config[name] as Json | undefined)?.['supported'] === true;
  for (const name of ['patch', 'bulk', 'filter', 'sort', 'etag']) if (supported(name)) found.add(name);
  if ((config['pagination'] as Json | undefined)?.['cursor'] === true) found.add('cursor');
  if (types.some((type) => type['id'] === 'Group' || type['name'] === 'Group')) found.add('groups');
  // PATCH is the one flag of RFC 7643 that tells of writing.
  if (supported('patch')) found.add('write');
  for (const [prefix, urn] of [
    ['user', USER],
    ['enterprise', ENTERPRISE],
  ] as const) {
    const schema = schemas.find((one) => String(one['id']).toLowerCase() === urn.toLowerCase());
    for (const attribute of (schema?.['attributes'] ?? []) as readonly Json[]) {
      const path = `${prefix}.${String(attribute['name']).toLowerCase()}`;
      found.add(path);
      for (const sub of (attribute['subAttributes'] ?? []) as readonly Json[]) {
        found.add(`${path}.${String(sub['name']).toLowerCase()}`);
        // A service that names no usual types of e-mail addresses takes these (RFC 7643 §4.1.2).
        if (sub['name'] === 'type')
          for (const type of (sub['canonicalValues'] ?? ['work', 'home']) as readonly unknown[]) found.add(`${path}.type.${String(type).toLowerCase()}`);
      }
    }
  }
  return found;
}

/** The resources of a list response. */
export function resourcesOf(body: Json): readonly Json[] {
  return (Array.isArray(body['Resources']) ? body['Resources'] : []) as readonly Json[];
}

/** The path of a resource. */
export function pathOf(resource: Json, endpoint = '/Users'): string {
  return `${endpoint}/${encodeURIComponent(String(resource['id']))}`;
}

/** An attribute that is an object, or an empty one. */
export function part(resource: Json, name: string): Json {
  return (resource[name] ?? {}) as Json;
}

/** An attribute that is a list, or an empty one. */
export function list(resource: Json, name: string): readonly Json[] {
  return (resource[name] ?? []) as readonly Json[];
}

/** Fails unless an answer has a status; says what came instead. */
export function status(answer: Answer, ...wanted: readonly number[]): void {
  assert.ok(wanted.includes(answer.status), `the status is ${answer.status} instead of ${wanted.join(' or ')}: ${answer.text.slice(0, 300)}`);
}

/** Fails unless an answer is a SCIM error with a status and, where one is given, a scimType. */
export function refused(answer: Answer, wanted: number, scimType?: string): void {
  status(answer, wanted);
  assert.ok(list(answer.body, 'schemas').includes(ERROR as unknown as Json), `an error has the schema ${ERROR}: ${answer.text.slice(0, 300)}`);
  assert.equal(answer.body['status'], String(wanted), 'the status in the body is that of the answer, as text');
  if (scimType !== undefined) assert.equal(answer.body['scimType'], scimType, `the scimType: ${answer.text.slice(0, 300)}`);
}
