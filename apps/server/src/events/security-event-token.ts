import type { ResourceEvent } from '@landbridge/engine';
import { SignJWT } from 'jose';
import type { EventStream } from './event-configuration.ts';
import type { SigningKeys } from './signing-keys.ts';

/** A signed security event token (RFC 8417 §2) with its identifier. */
export interface SecurityEventToken {
  readonly jti: string;
  readonly token: string;
}

/** Makes the token of an event: the same event has the same identifier each time it is sent, so that receivers know repeats. */
export async function signEvent(event: ResourceEvent, stream: EventStream, issuer: string, keys: SigningKeys): Promise<SecurityEventToken> {
  const { kid, key } = keys.current();
  const jti = identifierOf(event, stream);
  // `sub` and `exp` do not belong here (RFC 8417 §2.2, RFC 9967 §2.1).
  const claims = { events: event.events, txn: event.transaction, ...(event.subject === undefined ? {} : { sub_id: event.subject }) };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'secevent+jwt' })
    .setIssuer(issuer)
    .setAudience(stream.audience)
    .setIssuedAt(Math.floor(event.at / 1000))
    .setJti(jti)
    .sign(key);
  return { jti, token };
}

/** The time is part of it because numbers come again when a store is restored from a backup. */
function identifierOf(event: Pick<ResourceEvent, 'id' | 'at'>, stream: EventStream): string {
  return `${stream.connector}.${stream.name}.${event.id}.${event.at}`;
}

/** The event that an identifier of this stream names; `undefined` for any other text. */
export function eventOfIdentifier(jti: string, stream: EventStream): number | undefined {
  const prefix = `${stream.connector}.${stream.name}.`;
  const match = jti.startsWith(prefix) ? /^(\d{1,15})\.\d{1,15}$/.exec(jti.slice(prefix.length)) : null;
  return match === null ? undefined : Number(match[1]);
}
