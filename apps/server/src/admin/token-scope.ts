import { operations } from '@landbridge/engine';
import { profiles } from '@landbridge/scim';
import type { ScimScope } from '@landbridge/store';
import { AdminError } from './admin-error.ts';

/** What a new token opens, as the request for it says; `types` are the resource types of the connector. @throws AdminError 400 for words that there are not. */
export function tokenScopeOf(body: Readonly<Record<string, unknown>>, connector: string, types: readonly string[]): ScimScope {
  const { profile = 'lenient', client, operations: allowed, grant, resourceTypes, attributes, me } = body;
  return {
    kind: 'scim',
    connector,
    profile: oneOf('profile', profile, Object.keys(profiles)),
    ...(client === undefined ? {} : { client: nameOf(client) }),
    ...(allowed === undefined ? {} : { operations: listOf(allowed).map((one) => oneOf('operation', one, operations)) }),
    ...(resourceTypes === undefined ? {} : { resourceTypes: namesOf('resourceTypes', resourceTypes).map((one) => oneOf('resource type', one, types)) }),
    ...(attributes === undefined ? {} : { attributes: namesOf('attributes', attributes) }),
    ...(me === undefined ? {} : { me: { id: idOf(me) } }),
    ...(grant === undefined ? {} : { grant: oneOf('grant', grant, ['client-credentials'] as const) }),
  };
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new AdminError(400, 'invalid-token', `operations must be a list of some of ${operations.join(', ')}`);
  return value;
}

function namesOf(what: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && /^[A-Za-z][\w:.$-]{0,199}$/.test(one)))
    return value as readonly string[];
  throw new AdminError(400, 'invalid-token', `${what} must be a list of names`);
}

function idOf(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= 512) return value;
  throw new AdminError(400, 'invalid-token', 'me is the id of a user');
}

function oneOf<Word extends string>(what: string, value: unknown, words: readonly Word[]): Word {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new AdminError(400, 'invalid-token', `there is no ${what} "${String(value).slice(0, 50)}"; there are ${words.join(', ')}`);
  return found;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value))
    throw new AdminError(400, 'invalid-token', 'a client has a name of letters, digits, dots, dashes and underscores');
  return value;
}
