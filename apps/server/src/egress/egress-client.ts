import { lookup as resolveName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { isPublicAddress } from './public-address.ts';

/**
 * The one way in which the host itself asks others over HTTP: receivers of events, issuers of tokens (SEC-41).
 *
 * 1. HTTPS only; a redirect is an answer like any other, and is not followed.
 * 2. A name is resolved once for a connection, every address is checked, and the connection goes to a checked one: a name that
 *    means something else a moment later leads nowhere.
 * 3. Addresses of this machine and of private networks are refused unless the operator listed `host:port` (SEC-42).
 * 4. Time and size of an answer are bounded.
 */
export interface EgressClient {
  /** @throws EgressError for a destination that is not allowed; other errors when nobody answers in time. */
  send(url: string, options?: EgressRequest): Promise<EgressAnswer>;
  close(): Promise<void>;
}

export interface EgressRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface EgressAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Where the host must not go; the message says what to configure. */
class EgressError extends Error {
  override readonly name = 'EgressError';
}

export interface EgressOptions {
  /** `host:port` of destinations that may be on this machine or in a private network. */
  readonly allow?: readonly string[];
  /** PEM of the authority of the destination's certificate; default: the public ones. */
  readonly ca?: string | undefined;
  /** For a whole exchange. */
  readonly milliseconds: number;
  readonly maximumBytes: number;
  /** How names are resolved: for tests. */
  readonly resolve?: typeof resolveName;
}

/** Makes a client. */
export function createEgressClient(options: EgressOptions): EgressClient {
  const allowed = new Set(options.allow?.map((one) => one.toLowerCase()));
  const agent = (mayBePrivate: boolean): Agent =>
    new Agent({
      connect: {
        timeout: options.milliseconds,
        ...(mayBePrivate ? {} : { lookup: checkedLookup(options.resolve ?? resolveName) }),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
      headersTimeout: options.milliseconds,
      bodyTimeout: options.milliseconds,
      maxResponseSize: options.maximumBytes,
    });
  // Connections that were made with leave are never used without.
  const agents = { public: agent(false), listed: agent(true) };
  return {
    async send(url, { method = 'GET', headers = {}, body, signal } = {}) {
      const target = new URL(url);
      if (target.protocol !== 'https:') throw new EgressError(`${target.protocol}//… is not asked: only https:`);
      const listed = allowed.has(`${target.hostname}:${target.port === '' ? '443' : target.port}`);
      // The parser has turned every spelling of an address into one (127.1, 0x7f.1, 2130706433).
      const literal = target.hostname.replace(/^\[|\]$/g, '');
      if (!listed && isIP(literal) !== 0 && !isPublicAddress(literal)) throw refused(target.hostname, literal);
      const deadline = AbortSignal.timeout(options.milliseconds);
      const response = await request(target, {
        method,
        dispatcher: listed ? agents.listed : agents.public,
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
        headers,
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.statusCode, contentType: String(response.headers['content-type'] ?? ''), text: await response.body.text() };
    },
    async close() {
      await Promise.all([agents.public.destroy(), agents.listed.destroy()]);
    },
  };
}

function checkedLookup(resolve: typeof resolveName): LookupFunction {
  return (hostname, { family }, callback) => {
    resolve(hostname, { all: true, ...(family === undefined ? {} : { family }) }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const wrong = addresses.find(({ address }) => !isPublicAddress(address));
      if (wrong !== undefined || addresses.length === 0) return callback(refused(hostname, wrong?.address ?? 'nothing'), []);
      callback(null, addresses);
    });
  };
}

function refused(hostname: string, address: string): EgressError {
  return new EgressError(
    `${hostname} is ${address}, which is not an address of the public internet; if it is meant, list host:port under "egress" (docs/guide/operate.md)`,
  );
}
