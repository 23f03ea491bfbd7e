import { Agent, request } from 'undici';

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** What a service answered. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; of repeated ones the first. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body, or an empty object where it is none. */
  readonly body: Json;
  readonly milliseconds: number;
}

/** One request, said as precisely as a check needs it. */
export interface Request {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  /** Sent there instead of below the base URL. */
  readonly base?: string;
}

/** A connection to a SCIM service. */
export interface ScimConnection {
  readonly baseUrl: string;
  /** Sends a request; `path` begins with a slash and is below the base URL. */
  send(method: Method, path: string, request?: Request): Promise<Answer>;
  close(): Promise<void>;
}

/** How to reach a service. */
export interface ConnectionOptions {
  readonly baseUrl: string;
  readonly token: string;
  /** Certificates, PEM, of an authority that the system does not know. */
  readonly ca?: string;
}

/** Connects to a service. Nothing is sent yet. */
export function connectScim({ baseUrl, token, ca }: ConnectionOptions): ScimConnection {
  const base = baseUrl.replace(/\/+$/, '');
  const dispatcher = new Agent({ connect: ca === undefined ? {} : { ca }, headersTimeout: 60_000, bodyTimeout: 60_000 });
  return {
    baseUrl: base,
    async send(method, path, more = {}) {
      const body = more.raw ?? (more.body === undefined ? undefined : JSON.stringify(more.body));
      const headers: Record<string, string> = {
        authorization: `Bearer ${token}`,
        accept: 'application/scim+json',
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
        ...more.headers,
      };
      for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name];
      const started = performance.now();
      const response = await request(`${more.base ?? base}${path}`, { method, dispatcher, headers, ...(body === undefined ? {} : { body }) });
      const text = await response.body.text();
      return {
        status: response.statusCode,
        headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)])),
        text,
        body: parse(text),
        milliseconds: performance.now() - started,
      };
    },
    close: () => dispatcher.close(),
  };
}

function parse(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    // Not JSON: the checks look at the text and the content type themselves.
    return {};
  }
}
