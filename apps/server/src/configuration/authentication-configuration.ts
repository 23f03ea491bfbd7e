import { isAbsolute, resolve } from 'node:path';
import type { ScimScope } from '@landbridge/store';
import type { AuthenticationConfiguration } from '../credentials/authenticator.ts';

/** The `authentication` part of the document, as written. */
export interface AuthenticationDocument {
  readonly egress?: readonly string[];
  readonly issuers?: readonly {
    readonly issuer: string;
    readonly audience: string | readonly string[];
    readonly jwks?: string;
    readonly ca?: string;
    readonly claims?: Readonly<Record<string, string>>;
    readonly clients: readonly (ClientDocument & { readonly claims: Readonly<Record<string, string>>; readonly me?: string })[];
  }[];
  readonly certificates?: {
    readonly ca: string;
    readonly clients: readonly (ClientDocument & { readonly commonName?: string; readonly fingerprint?: string })[];
  };
}

interface ClientDocument {
  readonly client: string;
  readonly connector: string;
  readonly profile?: string;
  readonly operations?: NonNullable<ScimScope['operations']>;
  readonly resourceTypes?: readonly string[];
  readonly attributes?: readonly string[];
}

/** Fills defaults in and makes paths absolute. `folder` is the one that relative paths are relative to. */
export function toAuthenticationConfiguration(document: AuthenticationDocument | undefined, folder: string): AuthenticationConfiguration {
  const client = <Client extends ClientDocument>(written: Client): Client & { readonly profile: string } => ({
    ...written,
    profile: written.profile ?? 'lenient',
  });
  return {
    issuers: (document?.issuers ?? []).map((issuer) => ({
      issuer: issuer.issuer,
      audience: typeof issuer.audience === 'string' ? [issuer.audience] : issuer.audience,
      ...(issuer.jwks === undefined ? {} : { jwks: issuer.jwks }),
      ...(issuer.ca === undefined ? {} : { ca: fileOf(issuer.ca, folder) }),
      ...(document?.egress === undefined ? {} : { egress: document.egress }),
      claims: issuer.claims ?? {},
      clients: issuer.clients.map(client),
    })),
    certificateClients: (document?.certificates?.clients ?? []).map(client),
  };
}

/** The file with the authority of client certificates, if clients may show any. */
export function clientAuthorityFile(document: AuthenticationDocument | undefined, folder: string): string | undefined {
  return document?.certificates === undefined ? undefined : fileOf(document.certificates.ca, folder);
}

function fileOf(file: string, folder: string): string {
  return isAbsolute(file) ? file : resolve(folder, file);
}
