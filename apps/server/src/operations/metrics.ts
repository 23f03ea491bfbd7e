import type { ConnectorStatus, HostConnector } from '@landbridge/engine';
import { StoreUnavailableError } from '@landbridge/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { StoreWatch } from '../cluster/store-watch.ts';
import { type HostConnectors, standsBy } from '../host-connectors.ts';
import type { Drain } from './drain.ts';

/** What is measured, and whence. */
export interface MetricsOptions {
  readonly connectors: HostConnectors;
  readonly drain: Drain;
  readonly store: Pick<StoreWatch, 'available'>;
  readonly version: string;
  /** How often each alert was raised. */
  readonly alerts: ReadonlyMap<string, number>;
  certificateExpiry(): number;
}

/** The metrics of a host, in the text format of Prometheus. Names begin with `landbridge_`; times are in seconds. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Stops what was registered with the runtime. */
  close(): void;
}

const CONNECTOR = ['connector'] as const;

/** Measures every SCIM request, and looks at the connectors when it is asked. */
export function registerMetrics(app: FastifyInstance, options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'landbridge_scim_requests_total',
    help: 'SCIM requests answered, by connector, method and status',
    labelNames: ['connector', 'method', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'landbridge_scim_request_seconds',
    help: 'Time from the request to its answer',
    labelNames: ['connector', 'method'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const gauge = (name: string, help: string, labelNames: readonly string[] = CONNECTOR): Gauge =>
    new Gauge({ name: `landbridge_${name}`, help, labelNames: [...labelNames], registers });
  new Gauge({
    name: 'landbridge_build_info',
    help: 'Always 1; the version is a label',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version: options.version, node: process.version }, 1);
  const inFlight = gauge('scim_requests_in_flight', 'SCIM requests at work', []);
  const certificate = gauge('certificate_expiry_timestamp_seconds', 'When the TLS certificate ends', []);
  const storeUp = gauge('store_up', '1: the database of the store answers; 0: it does not', []);
  const alerts = gauge('alerts_total', 'Alerts raised since the start', ['alert']);
  const up = gauge('connector_up', '1: the connector is open; 0: it cannot be opened');
  const standby = gauge('connector_standby', '1: another host owns the connector, this one stands by; 0: it is served here');
  const entries = gauge('entries', 'Entries of the connector space', ['connector', 'type']);
  const inDoubt = gauge('writes_in_doubt', 'Writes whose outcome is not known yet');
  const held = gauge('writes_held', 'Writes that wait for an administrator');
  const wal = gauge('wal_bytes', 'Size of the write-ahead log of the store');
  const lastRun = gauge('last_run_timestamp_seconds', 'When the last run ended', ['connector', 'profile', 'result']);
  const lastSeconds = gauge('last_run_seconds', 'How long the last run took');
  const lastErrors = gauge('last_run_errors', 'Errors of entries in the last run');
  const perConnector = [up, standby, entries, inDoubt, held, wal, lastRun, lastSeconds, lastErrors];

  app.addHook('onResponse', (request, reply, next) => {
    // Only what was authenticated counts by connector: names that somebody tries must not become labels.
    const connector = reply.statusCode === 401 || reply.statusCode === 404 ? '' : connectorOf(request);
    if (connector !== undefined) {
      requests.inc({ connector, method: request.method, status: reply.statusCode });
      duration.observe({ connector, method: request.method }, reply.elapsedTime / 1000);
    }
    next();
  });

  async function look(): Promise<void> {
    for (const one of perConnector) one.reset();
    for (const [alert, count] of options.alerts) alerts.set({ alert }, count);
    inFlight.set(options.drain.inFlight);
    certificate.set(options.certificateExpiry() / 1000);
    storeUp.set(options.store.available ? 1 : 0);
    for (const connector of options.connectors.list()) {
      const { name } = connector;
      const waits = standsBy(connector);
      standby.set({ connector: name }, waits ? 1 : 0);
      // Where it is up is said by the host that owns it.
      if (!waits) up.set({ connector: name }, 'problem' in connector ? 0 : 1);
      if ('problem' in connector) continue;
      const status = await statusOf(connector);
      if (status === undefined) {
        storeUp.set(0);
        continue;
      }
      for (const [type, count] of Object.entries(status.entries)) entries.set({ connector: name, type }, count);
      inDoubt.set({ connector: name }, status.inDoubt);
      held.set({ connector: name }, status.heldWrites);
      wal.set({ connector: name }, status.walBytes);
      const run = status.lastRun;
      if (run?.endedAt === undefined) continue;
      lastRun.set({ connector: name, profile: run.profile, result: run.result ?? 'unknown' }, run.endedAt / 1000);
      lastSeconds.set({ connector: name }, (run.endedAt - run.startedAt) / 1000);
      lastErrors.set(
        { connector: name },
        run.steps.reduce((sum, step) => sum + step.errorCount, 0),
      );
    }
  }

  return {
    contentType: registry.contentType,
    async text() {
      await look();
      return registry.metrics();
    },
    close: () => registry.clear(),
  };
}

/** `undefined` while the store cannot be asked: the rest is measured all the same. */
async function statusOf(connector: HostConnector): Promise<ConnectorStatus | undefined> {
  try {
    return await connector.status();
  } catch (error) {
    if (error instanceof StoreUnavailableError) return undefined;
    throw error;
  }
}

function connectorOf(request: FastifyRequest): string | undefined {
  if (!request.url.startsWith('/scim/') && !request.url.startsWith('/ecma2host_')) return undefined;
  return (request.params as { readonly connector?: string } | undefined)?.connector;
}
