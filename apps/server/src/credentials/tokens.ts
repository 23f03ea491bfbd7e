import { createHmac, createSecretKey, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type ControlStore, type ScimScope, type StoredToken, StoreUnavailableError } from '@landbridge/store';

/** A credential that a request presented and that is valid now. */
export interface Credential {
  readonly id: string;
  readonly scope: StoredToken['scope'];
}

/**
 * Issues and checks bearer tokens: `lb_<id>_<secret>`, 256 random bits, shown once, kept as a keyed hash (S-220, SEC-03, SEC-04).
 *
 * The secret of a client-credentials grant opens nothing itself: the token endpoint exchanges it for an access token (RFC 6749
 * §4.4), which needs no row of its own: it names its grant, ends by itself, and is worth nothing once the grant is revoked.
 */
export interface Tokens {
  create(scope: StoredToken['scope'], label: string, days: number | undefined): Promise<{ readonly id: string; readonly token: string }>;
  list(): Promise<readonly Omit<StoredToken, 'hash'>[]>;
  revoke(id: string): Promise<boolean>;
  /** The credential of a presented token; `undefined` for anything that is not valid. Never throws. */
  check(presented: string): Credential | undefined;
  /** An access token for the secret of a client-credentials grant; `undefined` for a wrong secret. Never throws. */
  exchange(clientId: string, clientSecret: string): { readonly accessToken: string; readonly expiresInSeconds: number } | undefined;
  /** A fixed token from the configuration, for the drop-in URL. */
  setFixed(connector: string, token: string | undefined): void;
  /** Takes up what other hosts made and revoked. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Live tokens a client of a connector may have at a time (S-221). */
const LIVE = 2;
const ACCESS_SECONDS = 3600;
const ACCESS_FORM = /^lba_([A-Za-z0-9]{12})\.(\d{10,11})\.([A-Za-z0-9_-]{43})$/;
const FORM = /^lb_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/;

/** The client of a scope: whose external ids it sees (S-020). */
export function clientOf(scope: ScimScope): string {
  return scope.client ?? 'default';
}

/** Why a token cannot be issued. */
export class TokenLimitError extends Error {
  override readonly name = 'TokenLimitError';
}

/** Opens the tokens of a host. `pepper` is a key from outside the store. */
export async function openTokens(control: ControlStore, pepper: Uint8Array): Promise<Tokens> {
  const tokens = new Map<string, StoredToken>();
  const fixed = new Map<string, { readonly connector: string; readonly digest: Buffer }>();
  const used = new Map<string, number>();
  const reload = async (): Promise<void> => {
    for (const token of await control.listTokens()) tokens.set(token.id, token);
  };
  await reload();
  // Made a key once: of bytes every request would make one anew, which takes five times as long as the digest.
  const key = createSecretKey(pepper);
  // A keyed digest costs a request five times what a plain one does. A secret that was right once is known by its plain digest from
  // then on, beside the keyed one: of 256 random bits that tells nothing, and it never leaves the memory.
  const verified = new Map<string, Buffer>();
  const digest = (secret: string): Buffer => createHmac('sha256', key).update(secret).digest();
  const flush = async (): Promise<void> => {
    if (used.size === 0) return;
    const touched = [...used].map(([id, at]) => ({ id, at }));
    used.clear();
    try {
      await control.touchTokens(touched);
    } catch (error) {
      // When a token was used last is not worth a failure: what was not stored comes with the next time.
      for (const { id, at } of touched) if (!used.has(id)) used.set(id, at);
      if (!(error instanceof StoreUnavailableError)) throw error;
    }
  };
  const timer = setInterval(() => void flush(), 30_000).unref();
  const isLive = (token: StoredToken): boolean => token.revokedAt === undefined && (token.expiresAt === undefined || token.expiresAt > Date.now());

  return {
    async create(scope, label, days) {
      if (scope.kind === 'scim') refuseThird(scope);
      const id = randomBytes(12).toString('base64url').replace(/[_-]/g, 'x').slice(0, 12);
      const secret = randomBytes(32).toString('base64url');
      const createdAt = Date.now();
      const token: StoredToken = {
        id,
        scope,
        label,
        hash: digest(secret).toString('hex'),
        createdAt,
        expiresAt: days === undefined ? undefined : createdAt + days * 86_400_000,
        revokedAt: undefined,
        lastUsedAt: undefined,
      };
      await control.addToken(token);
      tokens.set(id, token);
      return { id, token: `lb_${id}_${secret}` };
    },
    async list() {
      await flush();
      return (await control.listTokens()).map(({ hash: _hash, ...token }) => token);
    },
    async revoke(id) {
      const at = Date.now();
      const revoked = await control.revokeToken(id, at);
      const token = tokens.get(id);
      if (token !== undefined) tokens.set(id, { ...token, revokedAt: at });
      return revoked;
    },
    check(presented) {
      const match = FORM.exec(presented);
      if (match === null) return checkAccess(presented) ?? checkFixed(presented);
      const token = holderOf(match[1] ?? '', match[2] ?? '');
      return token === undefined || isGrant(token) ? undefined : use(token);
    },
    exchange(clientId, clientSecret) {
      const match = FORM.exec(clientSecret);
      const token = match === null || match[1] !== clientId ? undefined : holderOf(clientId, match[2] ?? '');
      if (token === undefined || !isGrant(token)) return undefined;
      use(token);
      const expires = Math.floor(Date.now() / 1000) + ACCESS_SECONDS;
      return { accessToken: `lba_${token.id}.${expires}.${sign(token.id, expires).toString('base64url')}`, expiresInSeconds: ACCESS_SECONDS };
    },
    setFixed(connector, token) {
      if (token === undefined || token.trim() === '') fixed.delete(connector);
      else fixed.set(connector, { connector, digest: digest(token) });
    },
    reload,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };

  /** The live token of an id and a secret. The comparison happens for an unknown id too, so that time tells nothing. */
  function holderOf(id: string, secret: string): StoredToken | undefined {
    const token = tokens.get(id);
    const kept = token?.hash ?? '0'.repeat(64);
    // By way of its text a digest takes half the time of one that is asked for as bytes.
    const plain = Buffer.from(hash('sha256', secret, 'hex'), 'hex');
    const seen = verified.get(kept);
    const isSeen = seen !== undefined && timingSafeEqual(plain, seen);
    if (!isSeen && !timingSafeEqual(digest(secret), Buffer.from(kept, 'hex'))) return undefined;
    if (token === undefined || !isLive(token)) return undefined;
    if (!isSeen) verified.set(kept, plain);
    return token;
  }

  function use(token: StoredToken): Credential {
    used.set(token.id, Date.now());
    return { id: token.id, scope: token.scope };
  }

  function isGrant(token: StoredToken): boolean {
    return token.scope.kind === 'scim' && token.scope.grant === 'client-credentials';
  }

  function sign(id: string, expires: number): Buffer {
    return createHmac('sha256', key).update(`access token\n${id}\n${expires}`).digest();
  }

  function checkAccess(presented: string): Credential | undefined {
    const match = ACCESS_FORM.exec(presented);
    if (match === null) return undefined;
    const [, id = '', expires = '', signature = ''] = match;
    const token = tokens.get(id);
    const isOurs = timingSafeEqual(Buffer.from(signature, 'base64url'), sign(id, Number(expires)));
    if (!isOurs || Number(expires) * 1000 <= Date.now() || token === undefined || !isLive(token) || !isGrant(token)) return undefined;
    return use(token);
  }

  /** @throws TokenLimitError when a client of a connector has two live tokens already. */
  function refuseThird(scope: ScimScope): void {
    const same = [...tokens.values()].filter(
      (token) => isLive(token) && token.scope.kind === 'scim' && token.scope.connector === scope.connector && clientOf(token.scope) === clientOf(scope),
    );
    if (same.length >= LIVE)
      throw new TokenLimitError(
        `the client "${clientOf(scope)}" of the connector "${scope.connector}" has ${LIVE} live tokens already (${same.map((token) => token.id).join(', ')}); revoke one first`,
      );
  }

  function checkFixed(presented: string): Credential | undefined {
    if (presented.length < 12) return undefined;
    const given = digest(presented);
    let found: Credential | undefined;
    for (const { connector, digest: known } of fixed.values()) {
      if (timingSafeEqual(given, known)) found = { id: `fixed-${connector}`, scope: { kind: 'scim', connector, profile: 'entra' } };
    }
    return found;
  }
}
