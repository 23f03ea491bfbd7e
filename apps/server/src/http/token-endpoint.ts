import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Tokens } from '../credentials/tokens.ts';
import type { FailureThrottle } from './request-limits.ts';
import { sendJson } from './send.ts';

/** What the token endpoint needs. */
export interface TokenEndpointOptions {
  readonly tokens: Tokens;
  readonly throttle: FailureThrottle;
}

/**
 * The token endpoint (RFC 6749 §3.2): client credentials for an access token of an hour. Clients present themselves by HTTP
 * Basic or in the body (§2.3.1); errors are those of §5.2.
 */
export function registerTokenEndpoint(app: FastifyInstance, { tokens, throttle }: TokenEndpointOptions): void {
  app.post('/oauth2/token', (request, reply) => {
    reply.header('cache-control', 'no-store');
    const wait = throttle.blocked(request.ip);
    if (wait > 0) return refuse(reply.header('retry-after', String(wait)), 429, 'temporarily_unavailable', 'too many wrong credentials; wait');
    const form = formOf(request);
    if (form === undefined) return refuse(reply, 400, 'invalid_request', 'send application/x-www-form-urlencoded, each parameter once');
    const grant = form.get('grant_type');
    if (grant === undefined) return refuse(reply, 400, 'invalid_request', 'grant_type is missing');
    if (grant !== 'client_credentials') return refuse(reply, 400, 'unsupported_grant_type', 'this endpoint gives access tokens for client_credentials');
    const [id, secret] = basicOf(request) ?? [form.get('client_id'), form.get('client_secret')];
    const given = id === undefined || secret === undefined ? undefined : tokens.exchange(id, secret);
    if (given === undefined) {
      throttle.failed(request.ip);
      return refuse(reply.header('www-authenticate', 'Basic realm="Landbridge"'), 401, 'invalid_client', 'the client or its secret is wrong');
    }
    return sendJson(reply, 200, { access_token: given.accessToken, token_type: 'Bearer', expires_in: given.expiresInSeconds });
  });
}

function refuse(reply: FastifyReply, status: number, error: string, description: string): FastifyReply {
  return sendJson(reply, status, { error, error_description: description });
}

/** The parameters of the body; `undefined` when it is no form, or names one twice (RFC 6749 §3.2). */
function formOf(request: FastifyRequest): ReadonlyMap<string, string> | undefined {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded' || !Buffer.isBuffer(request.body)) return undefined;
  const pairs = [...new URLSearchParams(request.body.toString('utf8'))];
  const form = new Map(pairs);
  return form.size === pairs.length ? form : undefined;
}

/** Client id and secret of HTTP Basic, each percent-encoded (RFC 6749 §2.3.1). */
function basicOf(request: FastifyRequest): readonly [string, string] | undefined {
  const match = /^basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(request.headers.authorization ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) return undefined;
  try {
    return [decodeURIComponent(text.slice(0, colon)), decodeURIComponent(text.slice(colon + 1))];
  } catch {
    return undefined;
  }
}
