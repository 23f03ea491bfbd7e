import type { HostLog } from '@landbridge/engine';
import type { FastifyInstance } from 'fastify';

/** A line for each request at level debug: never the query, which may hold personal data, nor a body or a header. */
export function registerRequestLog(app: FastifyInstance, log: HostLog): void {
  app.addHook('onResponse', (request, reply, next) => {
    log.debug(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        correlation: reply.getHeader('x-correlation-id'),
      },
      'a request was answered',
    );
    next();
  });
}
