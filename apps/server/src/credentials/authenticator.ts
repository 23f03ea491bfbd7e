import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { type Forwarding, isForwarded } from '../cluster/forwarding.ts';
import { type CertificateClient, checkClientCertificate } from './client-certificates.ts';
import { createTokenVerifier, type TokenIssuer } from './json-web-tokens.ts';
import type { Credential, Tokens } from './tokens.ts';

/** Finds out who a request comes from: by bearer token of ours, by JSON Web Token, by client certificate. */
export interface Authenticator {
  /** `undefined` for nobody. An answer that needs no signature to be checked comes at once, without a promise. */
  identify(request: FastifyRequest): Credential | undefined | Promise<Credential | undefined>;
  /** Takes up what a new configuration says. */
  configure(configuration: AuthenticationConfiguration): void;
}

/** The `authentication` part of the configuration. */
export interface AuthenticationConfiguration {
  readonly issuers: readonly TokenIssuer[];
  readonly certificateClients: readonly CertificateClient[];
}

/** Makes the authenticator of a host. */
export function createAuthenticator(
  tokens: Tokens,
  initial: AuthenticationConfiguration,
  reportProblem: (issuer: string, reason: string) => void,
  forwarding: Pick<Forwarding, 'identify'>,
): Authenticator {
  let { certificateClients } = initial;
  let webTokens = createTokenVerifier(initial.issuers, reportProblem);
  return {
    identify(request) {
      if (isForwarded(request)) return forwarding.identify(request);
      const { authorization } = request.headers;
      if (authorization === undefined) return checkClientCertificate(request.raw.socket as TLSSocket, certificateClients);
      const presented = presentedBearer(authorization);
      if (presented === undefined) return undefined;
      // A JSON Web Token begins with an encoded brace (RFC 7519 §7.1); no token of ours does.
      return tokens.check(presented) ?? (presented.startsWith('ey') ? webTokens.check(presented) : undefined);
    },
    configure(configuration) {
      certificateClients = configuration.certificateClients;
      webTokens = createTokenVerifier(configuration.issuers, reportProblem);
    },
  };
}

/** The token of an `Authorization: Bearer` header (RFC 6750 §2.1); `undefined` for anything else. */
export function presentedBearer(header: string): string | undefined {
  return header.length > 16_384 || header.slice(0, 7).toLowerCase() !== 'bearer ' ? undefined : header.slice(7).trim();
}
