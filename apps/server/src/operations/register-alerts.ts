import { messageOf } from '@landbridge/connector-sdk';
import type { HostLog } from '@landbridge/engine';
import type { AuditChain, ControlStore } from '@landbridge/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { clientAddress, isForwarded } from '../cluster/forwarding.ts';
import type { Tokens } from '../credentials/tokens.ts';
import type { HostConnectors } from '../host-connectors.ts';
import type { Alerts } from './alerts.ts';
import type { Denials } from './denials.ts';

const authenticated = new WeakMap<FastifyRequest, string>();

/** Notes whose request it is, for the alerts. */
export function noteCredential(request: FastifyRequest, credential: string): void {
  authenticated.set(request, credential);
}

const refused = new WeakMap<FastifyRequest, string[]>();

/** Notes an operation within a request that was not allowed, whatever the request as a whole is answered. */
export function noteRefused(request: FastifyRequest, method: string): void {
  const known = refused.get(request);
  if (known === undefined) refused.set(request, [method]);
  else known.push(method);
}

/** Shows every answer to a SCIM request or a request of an administrator to the alerts, and what was denied to the audit. */
export function registerAlerts(app: FastifyInstance, alerts: Alerts, denials: Denials): void {
  app.addHook('onResponse', (request, reply, next) => {
    const credential = authenticated.get(request);
    // The host where a request arrived has seen it already.
    if (credential === undefined ? reply.statusCode === 401 : !isForwarded(request)) {
      const { connector } = (request.params ?? {}) as { readonly connector?: string };
      const address = clientAddress(request);
      const { statusCode: status } = reply;
      alerts.observe({ credential, connector: credential === undefined ? undefined : connector, address, status });
      const denial = { credential, connector, address, route: request.routeOptions.url ?? '' };
      if (status === 401 || status === 403) denials.note({ ...denial, method: request.method, status });
      for (const method of refused.get(request) ?? []) denials.note({ ...denial, method: `${method} in bulk`, status: 403 });
    }
    next();
  });
}

const HOUR = 3_600_000;
const SOON = 30 * 24 * HOUR;

/** Looks every hour at what no request shows: credentials that end soon, and where the audits are, as a line of the log that can be compared later. */
export function watchHourly(options: {
  readonly alerts: Alerts;
  readonly tokens: Tokens;
  readonly control: ControlStore;
  readonly connectors: HostConnectors;
  readonly log: HostLog;
}): { look(): Promise<void>; close(): void } {
  async function noteHead(audit: string, chain: AuditChain): Promise<void> {
    const head = (await chain.anchors())?.head;
    if (head !== undefined) options.log.info({ audit, place: `${head.id}:${head.code}` }, 'the end of an audit');
  }
  async function look(): Promise<void> {
    try {
      const now = Date.now();
      for (const token of await options.tokens.list())
        if (token.revokedAt === undefined && token.expiresAt !== undefined && token.expiresAt > now && token.expiresAt - now < SOON)
          options.alerts.raise('token-expires', {
            credential: token.id,
            ...(token.scope.kind === 'scim' ? { connector: token.scope.connector } : {}),
            detail: `ends ${new Date(token.expiresAt).toISOString().slice(0, 10)}`,
          });
      await noteHead('administration', options.control.auditChain);
      for (const connector of options.connectors.list()) if (!('problem' in connector)) await noteHead(connector.name, connector.auditChain);
    } catch (error) {
      options.log.warn({ reason: messageOf(error) }, 'the hourly look failed');
    }
  }
  const timer = setInterval(() => void look(), HOUR).unref();
  return { look, close: () => clearInterval(timer) };
}
