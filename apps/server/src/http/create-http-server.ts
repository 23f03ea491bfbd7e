import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

/** Largest body of a SCIM request (SEC-27). */
export const BODY_LIMIT = 4 * 1024 * 1024;

/** What is not much larger is read to its end, and forgotten as it comes. */
const READ_LIMIT = 16 * BODY_LIMIT;

/**
 * Most clients read no answer before they have sent their whole body, and of a connection that ended meanwhile they get an error of
 * the network instead of the 413. So the connection goes on where the body has an end that is near.
 */
export function readToTheEnd(request: FastifyRequest, reply: FastifyReply): void {
  if (Number(request.headers['content-length']) <= READ_LIMIT) reply.removeHeader('connection');
}

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
