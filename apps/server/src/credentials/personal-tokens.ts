import { messageOf } from '@landbridge/connector-sdk';
import type { HostConnector, HostLog, RequestContext } from '@landbridge/engine';
import { ScimError } from '@landbridge/scim';
import type { ControlStore, ScimScope } from '@landbridge/store';
import type { Tokens } from './tokens.ts';

/**
 * Credentials that act as a person (`/Me`) end with the person's account (S-173, SEC-19): by the id of the resource, never by a
 * name. A token of ours is revoked for good when its person is disabled or deleted over SCIM, so that an account which is enabled
 * again does not bring it back; whatever else ends an account is seen when the credential is used.
 */

/** Revokes the tokens that act as one of these resources. */
export async function revokeTokensOf(
  { tokens, control, log }: { readonly tokens: Pick<Tokens, 'list' | 'revoke'>; readonly control: Pick<ControlStore, 'addAudit'>; readonly log: HostLog },
  connector: string,
  ids: readonly string[],
): Promise<void> {
  try {
    for (const { id, scope, revokedAt } of await tokens.list()) {
      if (revokedAt !== undefined || scope.kind !== 'scim' || scope.connector !== connector) continue;
      if (scope.me === undefined || !('id' in scope.me) || !ids.includes(scope.me.id)) continue;
      await tokens.revoke(id);
      await control.addAudit({
        at: Date.now(),
        actor: 'host',
        action: 'token.revoke',
        detail: `${id} ${connector}: the account that it acts as was disabled or deleted`,
      });
    }
  } catch (error) {
    log.error({ connector, reason: messageOf(error) }, 'tokens of a deprovisioned account could not be revoked; they open nothing while it is disabled');
  }
}

/** The id of the person that a credential acts as. @throws ScimError 401 for one whose account is disabled or gone. */
export async function requirePerson(connector: HostConnector, context: RequestContext, me: NonNullable<ScimScope['me']>): Promise<string> {
  // Who may see what does not matter for this: it is the host that looks.
  const asHost: RequestContext = {
    credential: context.credential,
    client: context.client,
    profile: 'strict',
    baseUrl: context.baseUrl,
    correlation: context.correlation,
  };
  const filter = 'id' in me ? `id eq ${JSON.stringify(me.id)}` : `userName eq ${JSON.stringify(me.userName)}`;
  const { body = '{}' } = await connector.clean.list(asHost, 'users', { filter, count: '2', attributes: 'active' });
  const { Resources: found = [] } = JSON.parse(body) as { readonly Resources?: readonly { readonly id: string; readonly active?: boolean }[] };
  const [person] = found;
  if (person === undefined || found.length > 1 || person.active === false)
    throw new ScimError(401, 'The account that this credential acts as is disabled, or not there.');
  return person.id;
}
