import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '@landbridge/connector-sdk';
import type { ScimScope } from '@landbridge/store';
import { createRemoteJWKSet, customFetch, type JWTPayload, jwtVerify } from 'jose';
import { createEgressClient } from '../egress/egress-client.ts';
import type { Credential } from './tokens.ts';

/** An OpenID Connect issuer whose tokens are accepted, and what each of its clients may do (S-223, SEC-06). */
export interface TokenIssuer {
  /** Must equal `iss`. */
  readonly issuer: string;
  /** One of these must be in `aud`. */
  readonly audience: readonly string[];
  /** Where its keys are; default: what its OpenID configuration says. */
  readonly jwks?: string;
  /** A file with the authority that signed the issuer's TLS certificate; default: the public ones. */
  readonly ca?: string;
  /** `host:port` of destinations that may be private (SEC-42). */
  readonly egress?: readonly string[];
  /** Claims that every token must have, such as the tenant: `{ tid: … }`. */
  readonly claims: Readonly<Record<string, string>>;
  readonly clients: readonly TokenClient[];
}

/** A client of an issuer: recognised by its claims, and what it opens. */
export interface TokenClient extends Omit<ScimScope, 'kind' | 'grant' | 'me'> {
  /** The claim whose value is the userName of the person that a token is for (RFC 7644 §3.11). */
  readonly me?: string;
  readonly client: string;
  readonly claims: Readonly<Record<string, string>>;
}

/** Checks JSON Web Tokens of configured issuers. */
export interface TokenVerifier {
  /** The credential of a token; `undefined` for anything that is not valid. Never rejects. */
  check(token: string): Promise<Credential | undefined>;
}

/** Signatures of an issuer's private key only: neither `none` nor a shared secret can pass (RFC 8725 §3.1, §3.2). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const SKEW_SECONDS = 60;
const FETCH_MILLISECONDS = 5000;
const KEYS_BYTES = 256 * 1024;
const REMEMBERED = 1000;

/**
 * Makes the verifier. Keys come from the configured place alone: `jku`, `x5u` and `jwk` of a token are not looked at, and an
 * unknown `kid` makes the keys be fetched again at most every 30 seconds. A verified token is remembered until it ends.
 */
export function createTokenVerifier(issuers: readonly TokenIssuer[], reportProblem: (issuer: string, reason: string) => void): TokenVerifier {
  const verifiers = new Map(issuers.map((issuer) => [issuer.issuer, createIssuerVerifier(issuer)]));
  const verified = new Map<string, { readonly credential: Credential; readonly until: number }>();

  async function verify(token: string): Promise<Credential | undefined> {
    const issuer = claimedIssuer(token);
    const verifier = issuer === undefined ? undefined : verifiers.get(issuer);
    if (issuer === undefined || verifier === undefined) return undefined;
    try {
      const payload = await verifier.verify(token);
      const client = verifier.clientOf(payload);
      if (client === undefined) return undefined;
      const { claims: _claims, me: claim, ...scope } = client;
      const userName = claim !== undefined && Object.hasOwn(payload, claim) ? payload[claim] : undefined;
      const me = typeof userName === 'string' && userName !== '' ? { me: { userName } } : {};
      return { id: `${client.client}@${issuer}`, scope: { kind: 'scim', ...scope, ...me } };
    } catch (error) {
      if (error instanceof IssuerUnreachableError) reportProblem(issuer, error.message);
      return undefined;
    }
  }

  return {
    async check(token) {
      if (token.length > 16_384) return undefined;
      const key = createHash('sha256').update(token).digest('base64');
      const known = verified.get(key);
      if (known !== undefined && known.until > Date.now()) return known.credential;
      verified.delete(key);
      const credential = await verify(token);
      if (credential === undefined) return undefined;
      if (verified.size >= REMEMBERED) verified.delete(verified.keys().next().value ?? '');
      verified.set(key, { credential, until: expiryOf(token) });
      return credential;
    },
  };
}

class IssuerUnreachableError extends Error {}

interface IssuerVerifier {
  verify(token: string): Promise<JWTPayload>;
  clientOf(payload: JWTPayload): TokenClient | undefined;
}

function createIssuerVerifier(issuer: TokenIssuer): IssuerVerifier {
  const get = createKeyFetch(issuer);
  let keys: Promise<ReturnType<typeof createRemoteJWKSet>> | undefined;
  async function findKeys(): Promise<ReturnType<typeof createRemoteJWKSet>> {
    const url = issuer.jwks ?? (await discover(issuer.issuer, get));
    return createRemoteJWKSet(new URL(url), { cooldownDuration: 30_000, timeoutDuration: FETCH_MILLISECONDS, [customFetch]: get });
  }
  return {
    async verify(token) {
      keys ??= findKeys();
      try {
        const { payload } = await jwtVerify(token, await keys, {
          issuer: issuer.issuer,
          audience: [...issuer.audience],
          algorithms: ALGORITHMS,
          clockTolerance: SKEW_SECONDS,
          requiredClaims: ['exp'],
        });
        return payload;
      } catch (error) {
        // What could not be fetched once can be there the next time.
        if (error instanceof IssuerUnreachableError) keys = undefined;
        throw error;
      }
    },
    clientOf: (payload) => (hasClaims(payload, issuer.claims) ? issuer.clients.find((client) => hasClaims(payload, client.claims)) : undefined),
  };
}

/** Reads an issuer's documents by the client for everything that goes out (SEC-41): JSON, in time, of a bounded size. */
function createKeyFetch(issuer: TokenIssuer): (url: string, options?: { readonly signal?: AbortSignal }) => Promise<Response> {
  const client = createEgressClient({
    allow: issuer.egress ?? [],
    ca: issuer.ca !== undefined && existsSync(issuer.ca) ? readFileSync(issuer.ca, 'utf8') : undefined,
    milliseconds: FETCH_MILLISECONDS,
    maximumBytes: KEYS_BYTES,
  });
  return async (url, options = {}) => {
    try {
      const { status, contentType, text } = await client.send(url, { headers: { accept: 'application/json' }, signal: options.signal });
      if (status === 200 && !/^application\/([\w.-]+\+)?json\b/i.test(contentType)) throw new Error(`the answer is "${contentType}", not JSON`);
      return new Response(text, { status });
    } catch (error) {
      throw new IssuerUnreachableError(`its keys could not be read from ${url}: ${messageOf(error)}`);
    }
  };
}

/** Where the issuer says its keys are (OpenID Connect Discovery §4). */
async function discover(issuer: string, get: (url: string) => Promise<Response>): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await get(url);
  if (!response.ok) throw new IssuerUnreachableError(`${url} answered ${response.status}`);
  const document = (await response.json()) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string' || !document.jwks_uri.startsWith('https://'))
    throw new IssuerUnreachableError(`${url} is not the configuration of this issuer`);
  return document.jwks_uri;
}

function hasClaims(payload: JWTPayload, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const claim = Object.hasOwn(payload, name) ? payload[name] : undefined;
    return Array.isArray(claim) ? claim.includes(value) : claim === value;
  });
}

function claimedIssuer(token: string): string | undefined {
  const payload = payloadOf(token);
  return typeof payload?.['iss'] === 'string' ? payload['iss'] : undefined;
}

function expiryOf(token: string): number {
  return Number(payloadOf(token)?.['exp'] ?? 0) * 1000;
}

/** The claims of a token that nobody has verified yet: good for choosing who verifies it, and for nothing else. */
function payloadOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
