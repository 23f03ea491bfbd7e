import type { FastifyInstance } from 'fastify';
import type { StoreWatch } from '../cluster/store-watch.ts';
import type { Tokens } from '../credentials/tokens.ts';
import { type HostConnectors, standsBy } from '../host-connectors.ts';
import type { FailureThrottle } from '../http/request-limits.ts';
import { bearerOf } from '../http/scim-routes.ts';
import { sendJson } from '../http/send.ts';
import type { Drain } from './drain.ts';
import type { Metrics } from './metrics.ts';

/** What the routes of an operator's tools need. */
export interface HealthRoutesOptions {
  readonly connectors: HostConnectors;
  readonly drain: Drain;
  readonly store: Pick<StoreWatch, 'available'>;
  readonly metrics: Metrics;
  readonly tokens: Tokens;
  readonly throttle: FailureThrottle;
}

/**
 * `/health/live`: the process answers. `/health/ready`: it takes SCIM requests; 503 while it stops, and while the
 * database of its store does not answer. Both are open, and name nothing.
 * A connector that cannot be opened does not make the host unready: the others are served, and its own clients are told 503.
 * `/metrics` names connectors and counts, so it needs a token (`landbridge token create --metrics`).
 */
export function registerHealthRoutes(app: FastifyInstance, options: HealthRoutesOptions): void {
  app.get('/health/live', (_request, reply) => sendJson(reply.header('cache-control', 'no-store'), 200, { status: 'live' }));
  app.get('/health/ready', (_request, reply) => {
    const all = options.connectors.list();
    const standby = all.filter(standsBy).length;
    const failed = all.filter((one) => 'problem' in one).length - standby;
    const status = options.drain.draining ? 'stopping' : options.store.available ? 'ready' : 'store-unavailable';
    return sendJson(reply.header('cache-control', 'no-store'), status === 'ready' ? 200 : 503, {
      status,
      connectors: { open: all.length - failed - standby, failed, ...(standby === 0 ? {} : { standby }) },
    });
  });
  app.get('/metrics', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const kind = bearerOf(options.tokens, request.headers.authorization)?.scope.kind;
    if (kind === 'metrics' || kind === 'admin') return reply.header('content-type', options.metrics.contentType).send(await options.metrics.text());
    const wait = options.throttle.blocked(request.ip);
    if (wait > 0) return reply.code(429).header('retry-after', String(wait)).send();
    options.throttle.failed(request.ip);
    return reply.code(401).header('www-authenticate', 'Bearer realm="Landbridge metrics"').send('a token is needed: landbridge token create --metrics\n');
  });
}
