import { ScimError } from '@landbridge/scim';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendScimError } from '../http/send.ts';

/** Knows the SCIM requests that are at work, and ends them in order. */
export interface Drain {
  readonly draining: boolean;
  readonly inFlight: number;
  /** From here on new requests are answered 503; resolves when those at work were answered, or after the time. */
  start(limitMilliseconds: number): Promise<{ readonly left: number }>;
}

/**
 * A host that is told to stop answers what it took: a write whose client is gone before the answer would be repeated, although it
 * was done. What comes later is told to come back, on a connection that ends with the answer.
 */
export function registerDrain(app: FastifyInstance): Drain {
  let draining = false;
  let inFlight = 0;
  const waiting: (() => void)[] = [];
  const counted = new WeakSet<FastifyRequest>();

  // Without promises: every request comes by here.
  app.addHook('onRequest', (request, reply, next) => {
    if (!isScim(request.url)) return next();
    if (!draining) {
      counted.add(request);
      inFlight += 1;
      return next();
    }
    const error = new ScimError(503, 'The host is stopping; ask again in a moment.', { retryAfter: 5 });
    return void sendScimError(reply.headers({ connection: 'close', 'cache-control': 'no-store' }), error);
  });
  const done = (request: FastifyRequest): void => {
    if (!counted.delete(request)) return;
    inFlight -= 1;
    if (inFlight === 0) for (const resolve of waiting.splice(0)) resolve();
  };
  app.addHook('onSend', (request, reply, payload, next) => {
    if (draining && isScim(request.url)) reply.header('connection', 'close');
    next(null, payload);
  });
  app.addHook('onResponse', (request, _reply, next) => {
    done(request);
    next();
  });
  app.addHook('onRequestAbort', (request, next) => {
    done(request);
    next();
  });

  return {
    get draining() {
      return draining;
    },
    get inFlight() {
      return inFlight;
    },
    async start(limitMilliseconds) {
      draining = true;
      if (inFlight > 0) {
        let timer: NodeJS.Timeout | undefined;
        const limit = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, limitMilliseconds);
        });
        await Promise.race([new Promise<void>((resolve) => waiting.push(resolve)), limit]);
        clearTimeout(timer);
      }
      return { left: inFlight };
    },
  };
}

function isScim(url: string): boolean {
  return url.startsWith('/scim/') || url.startsWith('/ecma2host_');
}
