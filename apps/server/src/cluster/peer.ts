import { X509Certificate } from 'node:crypto';

/** Where other hosts of the installation reach a host, and the certificate that they know it by. It is kept beside the lease (R34). */
export interface Peer {
  readonly url: string;
  /** PEM: nothing else is trusted, whoever signed it. */
  readonly certificate: string;
}

/** The peer as text, with the first certificate of a chain. */
export function formatPeer(url: string, certificates: string): string {
  return JSON.stringify({ url, certificate: new X509Certificate(certificates).toString() } satisfies Peer);
}

/** What another host wrote; `undefined` for what is no peer. */
export function parsePeer(text: string | undefined): Peer | undefined {
  if (text === undefined) return undefined;
  const { url, certificate } = JSON.parse(text) as Partial<Peer>;
  return url === undefined || certificate === undefined ? undefined : { url, certificate };
}
