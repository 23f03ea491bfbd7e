import { isIPv6 } from 'node:net';
import { messageOf } from '@landbridge/connector-sdk';
import type { HostLog } from '@landbridge/engine';
import type { ControlStore } from '@landbridge/store';

/**
 * What an administrator should hear of without having looked (SEC-61).
 *
 * 1. An alert is a line of the log, a row of the audit of administration, a metric and, where one is configured, a webhook.
 * 2. The same alert about the same credential is raised at most once in ten minutes: who attacks cannot fill disks.
 * 3. Alerts name credentials, connectors and networks, never persons or values.
 */
const alertKinds = {
  'new-token': 'a credential was issued',
  'new-network': 'a credential was used from a network that it had not been used from',
  denials: 'many requests of one source were not authenticated, or not allowed',
  conflicts: 'many requests of one credential met what is there already',
  failures: 'more than 40 % of the requests of one credential fail: an identity provider would stop soon',
  'mass-change': 'more is taken away than usual: writes are held until an administrator decides',
  'protected-object': 'a client tried to change what is protected',
  'token-expires': 'a credential ends within 30 days',
} as const;

/** One of {@link alertKinds}. */
export type AlertKind = keyof typeof alertKinds;

/** What an alert is about. */
export interface AlertSubject {
  readonly connector?: string | undefined;
  readonly credential?: string | undefined;
  readonly network?: string | undefined;
  readonly detail?: string;
}

/** An alert as it leaves: the body of the webhook. */
export interface Alert extends AlertSubject {
  readonly alert: AlertKind;
  readonly message: string;
  readonly at: string;
}

/** One request that was answered. */
export interface AnsweredRequest {
  /** Absent: nobody was authenticated. */
  readonly credential: string | undefined;
  readonly connector: string | undefined;
  readonly address: string;
  readonly status: number;
}

/** Raises alerts: what others report, and what the answers of requests add up to. */
export interface Alerts {
  raise(kind: AlertKind, subject: AlertSubject): void;
  observe(request: AnsweredRequest): void;
  /** How often each was raised since the start, for the metrics. */
  readonly counts: ReadonlyMap<AlertKind, number>;
  /** Resolves when what was raised is written. */
  settled(): Promise<void>;
}

export interface AlertsOptions {
  readonly control: Pick<ControlStore, 'addAudit' | 'readSetting' | 'writeSetting'>;
  readonly log: HostLog;
  readonly now?: () => number;
  /** Hands an alert to the webhook; what goes wrong there is a line of the log. */
  send(alert: Alert): Promise<void>;
}

const REPEAT_MILLISECONDS = 600_000;
const WINDOW_MILLISECONDS = 300_000;
/** Answers of one kind within a window that are many. */
const MANY = 20;
/** A share says nothing of fewer requests. */
const ENOUGH = 50;
const FAILING = 0.4;
/** What is remembered of the past is bounded. */
const REMEMBERED = 5000;
const NETWORKS = 20;
const SETTING = 'credential-networks';

interface Window {
  begun: number;
  requests: number;
  failures: number;
  denials: number;
  conflicts: number;
}

/** Opens the alerts of a host. */
export async function openAlerts(options: AlertsOptions): Promise<Alerts> {
  const { control, log, now = Date.now } = options;
  const raised = new Map<string, number>();
  const counts = new Map<AlertKind, number>();
  const windows = new Map<string, Window>();
  const known = await readNetworks();
  let work: Promise<unknown> = Promise.resolve();
  let last = { address: '', network: '' };
  const later = (task: () => Promise<unknown>): void => {
    work = work.then(task).catch((error: unknown) => log.error({ reason: messageOf(error) }, 'an alert could not be passed on'));
  };

  async function readNetworks(): Promise<Record<string, string[]>> {
    return JSON.parse((await control.readSetting(SETTING)) ?? '{}') as Record<string, string[]>;
  }

  /** Keeps a network beside those that other hosts of the installation learned meanwhile. */
  async function keepNetwork(credential: string, network: string): Promise<void> {
    const kept = await readNetworks();
    const all = new Set([...(kept[credential] ?? []), ...(known[credential] ?? []), network]);
    await control.writeSetting(SETTING, JSON.stringify({ ...kept, [credential]: [...all].slice(-NETWORKS) }));
  }

  function raise(kind: AlertKind, subject: AlertSubject): void {
    const at = now();
    const key = JSON.stringify([
      kind,
      subject.connector,
      subject.credential,
      subject.credential === undefined || kind === 'new-network' ? subject.network : null,
    ]);
    if (at - (raised.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MILLISECONDS) return;
    remember(raised, key, at);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const alert: Alert = { alert: kind, message: alertKinds[kind], at: new Date(at).toISOString(), ...subject };
    log.warn({ ...alert }, 'an alert was raised');
    const { connector, credential, network, detail } = subject;
    later(() =>
      control.addAudit({
        at,
        actor: credential ?? network ?? 'host',
        action: `alert.${kind}`,
        detail: [connector, network, detail].filter((one) => one !== undefined).join(' '),
      }),
    );
    later(() => options.send(alert));
  }

  function windowOf(source: string): Window {
    const at = now();
    const found = windows.get(source);
    if (found !== undefined && at - found.begun < WINDOW_MILLISECONDS) return found;
    const fresh: Window = { begun: at, requests: 0, failures: 0, denials: 0, conflicts: 0 };
    windows.delete(source);
    remember(windows, source, fresh);
    return fresh;
  }

  /** The first network of a credential is learned; each later one is told. */
  function lookAtNetwork(credential: string, connector: string | undefined, network: string): void {
    const networks = known[credential] ?? [];
    if (networks.includes(network)) return;
    known[credential] = [...networks, network].slice(-NETWORKS);
    later(() => keepNetwork(credential, network));
    if (networks.length > 0) raise('new-network', { credential, connector, network });
  }

  return {
    raise,
    observe({ credential, connector, address, status }) {
      // One client sends many requests from one place.
      if (address !== last.address) last = { address, network: networkOf(address) };
      const { network } = last;
      const subject: AlertSubject = credential === undefined ? { network } : { credential, connector, network };
      if (credential !== undefined && status !== 401) lookAtNetwork(credential, connector, network);
      const window = windowOf(credential ?? `network ${network}`);
      window.requests += 1;
      if (status === 401 || status === 403) window.denials += 1;
      if (status === 409) window.conflicts += 1;
      // What is not there, has changed or comes too fast is an answer, and no fault.
      if (status >= 400 && status !== 404 && status !== 412 && status !== 429) window.failures += 1;
      if (window.denials === MANY) raise('denials', subject);
      if (window.conflicts === MANY) raise('conflicts', subject);
      if (credential !== undefined && window.requests >= ENOUGH && window.failures > window.requests * FAILING) raise('failures', subject);
    },
    counts,
    settled: async () => void (await work),
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.size >= REMEMBERED) map.delete(map.keys().next().value ?? '');
  map.set(key, value);
}

/** The network of an address: 24 bits of IPv4, 48 of IPv6. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '');
  if (!isIPv6(plain)) return `${plain.split('.').slice(0, 3).join('.')}.0/24`;
  const [head = '', tail = ''] = plain.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const groups = plain.includes('::') ? [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right] : left;
  return `${groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/48`;
}
