import { Pool } from 'undici';

export type Json = Readonly<Record<string, unknown>>;

/** A SCIM client with a number of connections, kept open. */
export interface ScimClient {
  /** Sends a request and reads the whole answer. @throws Error for any status but success. */
  send(method: 'GET' | 'POST' | 'PATCH', path: string, body?: Json): Promise<string>;
  close(): Promise<void>;
}

/** Connects to a server; `prefix` precedes every path. */
export function connectClient(server: { readonly url: string; readonly ca: string }, prefix: string, token: string, connections: number): ScimClient {
  const pool = new Pool(server.url, { connections, connect: { ca: server.ca }, pipelining: 1 });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
  return {
    async send(method, path, body) {
      const response = await pool.request({ method, path: prefix + path, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await response.body.text();
      if (response.statusCode >= 300) throw new Error(`${method} ${path} was answered ${response.statusCode}: ${text.slice(0, 200)}`);
      return text;
    },
    close: () => pool.close(),
  };
}
