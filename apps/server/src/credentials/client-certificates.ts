import type { TLSSocket } from 'node:tls';
import type { ScimScope } from '@landbridge/store';
import type { Credential } from './tokens.ts';

/** A client that shows a certificate of a configured authority (S-224). */
export interface CertificateClient extends Omit<ScimScope, 'kind' | 'grant'> {
  readonly client: string;
  /** The common name of its certificate. */
  readonly commonName?: string;
  /** The SHA-256 fingerprint of its certificate, hexadecimal, with or without colons. */
  readonly fingerprint?: string;
}

/**
 * The credential of a connection whose certificate the TLS layer has verified against the configured authority.
 * `undefined` where there is none, or where it is nobody's.
 */
export function checkClientCertificate(socket: TLSSocket, clients: readonly CertificateClient[]): Credential | undefined {
  if (clients.length === 0 || !socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate();
  const fingerprint = plain(certificate.fingerprint256 ?? '');
  const commonName = certificate.subject?.CN;
  const found = clients.find((client) => (client.fingerprint === undefined ? client.commonName === commonName : plain(client.fingerprint) === fingerprint));
  if (found === undefined || fingerprint === '') return undefined;
  const { commonName: _name, fingerprint: _print, ...scope } = found;
  return { id: `${found.client}@certificate`, scope: { kind: 'scim', ...scope } };
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
