import Fastify from 'fastify';

/** Largest body of a SCIM request (SEC-27). */
export const BODY_LIMIT = 4 * 1024 * 1024;

/** Key, certificate, and what is asked of clients, as the server is given them. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
  readonly ca?: string;
}

/** Makes the HTTP server of the host: TLS, limits, bodies as bytes. Routes come after; the bench measures it without any of ours. */
export function createHttpServer(tls: ServerTls) {
  const app = Fastify({
    https: { ...tls, minVersion: 'TLSv1.2', maxHeaderSize: 65_536 },
    bodyLimit: BODY_LIMIT,
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 2000 },
    logger: false,
    keepAliveTimeout: 120_000,
    requestTimeout: 60_000,
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  return app;
}
