import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { HostError, type HostLog } from '@landbridge/engine';
import { openPackageStore } from '@landbridge/package-store';
import { ScimError } from '@landbridge/scim';
import { type ControlStore, type DataFolder, type Installation, openDataFolder } from '@landbridge/store';
import { registerAdminRoutes, sendAdminError } from './admin/admin-routes.ts';
import { openInstallation } from './choose-store.ts';
import { createForwarding } from './cluster/forwarding.ts';
import { formatPeer } from './cluster/peer.ts';
import { checkSharedKeys } from './cluster/shared-keys.ts';
import { watchStore } from './cluster/store-watch.ts';
import type { AlertsDocument } from './configuration/alerts-document.ts';
import { clientAuthorityFile, toAuthenticationConfiguration } from './configuration/authentication-configuration.ts';
import {
  type ConfigurationDocument,
  diffConfigurations,
  folderOf,
  formatProblem,
  parseConfiguration,
  readReferencedSecrets,
} from './configuration/parse-configuration.ts';
import { readUtf8 } from './configuration/read-utf8.ts';
import { createAuthenticator } from './credentials/authenticator.ts';
import { generatedCertificate, readCertificate, type ServerCertificate, warnOfCertificate } from './credentials/certificate.ts';
import { revokeTokensOf } from './credentials/personal-tokens.ts';
import { openTokens } from './credentials/tokens.ts';
import { createEventStreams } from './events/event-streams.ts';
import { openSigningKeys } from './events/signing-keys.ts';
import { createHostConnectors, type FailedConnector } from './host-connectors.ts';
import { BODY_LIMIT, createHttpServer, readToTheEnd } from './http/create-http-server.ts';
import { registerEventRoutes } from './http/event-routes.ts';
import { createFailureThrottle, createRequestLimits } from './http/request-limits.ts';
import { registerScimRoutes } from './http/scim-routes.ts';
import { sendScimError } from './http/send.ts';
import { registerTokenEndpoint } from './http/token-endpoint.ts';
import { postAlert } from './operations/alert-webhook.ts';
import { openAlerts } from './operations/alerts.ts';
import { openDenials } from './operations/denials.ts';
import { registerDrain } from './operations/drain.ts';
import { registerHealthRoutes } from './operations/health-routes.ts';
import { openLog, type ServerLog } from './operations/log.ts';
import { registerMetrics } from './operations/metrics.ts';
import { registerAlerts, watchHourly } from './operations/register-alerts.ts';
import { registerRequestLog } from './operations/request-log.ts';
import { linkSdk } from './packages/installed-packages.ts';
import { KeyRingError, openKeyRing } from './secrets/key-ring.ts';
import { secretDestinations } from './secrets/secret-destinations.ts';
import { openSecretStore, SecretKeyError, type SecretStore } from './secrets/secret-store.ts';
import { StartError } from './start-error.ts';

/** What a server is started with. */
export interface StartServerOptions {
  readonly dataFolder: string;
  /** A configuration file: becomes a new revision if it differs from the one in force. Without it the newest revision serves. */
  readonly configFile?: string;
  readonly port?: number;
  /** Where the state is: the URL of a PostgreSQL database, secrets by reference. Default is what the configuration or the data folder say. */
  readonly store?: string;
  /** Where other hosts of the installation reach this one. Default is its name, or `localhost` where it listens on loopback only, and its port. */
  readonly peerUrl?: string;
  readonly log?: HostLog;
  /** How long a stop waits for requests at work. Default is 30 seconds: longer than a client waits for an answer. */
  readonly drainMilliseconds?: number;
}

/** A running server. */
export interface RunningServer {
  readonly url: string;
  readonly caFile: string | undefined;
  readonly adminTokenFile: string;
  /** Every route there is, for tests that try them all. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
  /** Resolves when the server was asked to stop, by a signal of its own or over the admin API. */
  readonly stopped: Promise<void>;
  /** What clients will complain of. */
  warnings(): readonly string[];
  /** Connectors that cannot be opened just now, and why. */
  failedConnectors(): readonly FailedConnector[];
  /** Opens the log file again after it was moved away. */
  reopenLog(): void;
  /** Answers the SCIM requests at work, tells later ones to come back, ends runs and sessions, closes the stores. */
  close(): Promise<void>;
}

const DRAIN_MILLISECONDS = 30_000;
const EMPTY: ConfigurationDocument = { version: 1, connectors: {} };
export const VERSION = '0.1.0';

/** Starts the host. @throws StartError with what is wrong and what to do. */
export async function startServer(options: StartServerOptions): Promise<RunningServer> {
  // One variable of Node.js would take the verification of every certificate away, in silence (SEC-45).
  if (process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw new StartError(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 switches off the verification of every certificate; unset it, and name the authority of an application in its connector',
    );
  const startedAt = Date.now();
  const folder = openFolder(options.dataFolder);
  const log: HostLog & Partial<Pick<ServerLog, 'reopen' | 'logsRequests'>> = options.log ?? openLog(join(folder.path, 'host.log'));
  const installation = chooseInstallation(folder, options);
  const control = await openControl(installation, folder);
  const pepper = keyFile(folder.path, 'token-pepper.key');
  const sealingKey = keyFile(folder.path, 'sealing.key');
  const tokens = await openTokens(control, pepper);
  const secrets = await openShared().catch(async (error: unknown) => {
    await tokens.close();
    await control.close();
    await installation.shared?.close();
    folder.release();
    throw error;
  });
  async function openShared(): Promise<SecretStore> {
    if (installation.shared !== undefined) await checkSharedKeys(control, folder.path, [pepper, sealingKey, keyFile(folder.path, 'audit.key')]);
    return openSecrets(control, folder.path, installation.shared !== undefined);
  }
  const forwarding = createForwarding(pepper, log);
  /** Where alerts go, as the configuration in force says. */
  let inForce = (): { readonly alerts?: AlertsDocument; readonly folder: string } => ({ folder: folder.path });
  const alerts = await openAlerts({
    control,
    log,
    send: (alert) => postAlert(inForce().alerts ?? {}, inForce().folder, secrets.readFor, alert),
  });
  const denials = openDenials(control, log);
  const packages = openPackageStore(folder.path);
  linkSdk(folder.path);
  const connectors = createHostConnectors({
    packages,
    dataFolder: folder.path,
    sealingKey,
    log,
    tokens,
    secrets: secrets.readFor,
    installation,
    deprovisioned: (connector, ids) => void revokeTokensOf({ tokens, control, log }, connector, ids),
    alert: (kind, connector, credential) => alerts.raise(kind, { connector, credential }),
  });
  const release = async (): Promise<void> => {
    await denials.close();
    await connectors.close();
    await tokens.close();
    await control.close();
    await installation.shared?.close();
    folder.release();
  };
  try {
    let { document, revision, configurationFolder } = await loadConfiguration(control, options, installation.shared !== undefined);
    inForce = () => ({ ...(document.alerts === undefined ? {} : { alerts: document.alerts }), folder: configurationFolder });
    let certificate = await chooseCertificate(document, folder.path);
    const routes: { readonly method: string; readonly url: string }[] = [];
    const app = createHttpServer({
      key: certificate.key,
      cert: certificate.certificate,
      ...askForCertificates(clientAuthorityFile(document.authentication, configurationFolder)),
    });
    app.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push({ method: one, url });
    });
    let publicUrl = '';
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const throttle = createFailureThrottle();
    const authenticator = createAuthenticator(
      tokens,
      toAuthenticationConfiguration(document.authentication, configurationFolder),
      (issuer, reason) => log.error({ issuer, reason }, 'tokens of an issuer cannot be checked'),
      forwarding,
    );
    const drain = registerDrain(app);
    const scimRoutes = {
      connectors,
      authenticator,
      forwarding,
      limits: createRequestLimits(),
      publicUrl: () => publicUrl,
      throttle,
      logError: log.error,
      draining: () => drain.draining,
    };
    const store = watchStore({ shared: installation.shared, log, changed: adopt });
    const metrics = registerMetrics(app, { connectors, drain, store, alerts: alerts.counts, version: VERSION, certificateExpiry: () => certificate.expiresAt });
    if (log.logsRequests !== false) registerRequestLog(app, log);
    registerAlerts(app, alerts, denials);
    registerHealthRoutes(app, { connectors, drain, store, metrics, tokens, throttle });
    registerScimRoutes(app, scimRoutes);
    const eventKeys = await openSigningKeys(folder.path);
    const streams = createEventStreams({ connectors, keys: eventKeys, log, secrets: secrets.readFor, issuer: () => publicUrl });
    registerEventRoutes(app, { ...scimRoutes, streams, keys: eventKeys });
    registerTokenEndpoint(app, { tokens, throttle });
    registerAdminRoutes(app, {
      connectors,
      packages,
      control,
      tokens,
      streams,
      eventKeys,
      alerts,
      throttle,
      forwarding,
      dump: installation.shared?.dump,
      dataFolder: folder.path,
      startedAt,
      version: VERSION,
      current: () => ({ document, revision, folder: configurationFolder }),
      secrets,
      async secretChanged(names) {
        await secrets.bind(secretDestinations(document.connectors, document.alerts));
        await connectors.reopen(names);
        await streams.apply(document, configurationFolder);
      },
      authorOf: async (credential) => (await tokens.list()).find((one) => one.id === credential)?.label || credential,
      async apply(text, author, more = {}) {
        const parsed = parseConfiguration(text);
        if (parsed.document === undefined) throw new StartError('the configuration has problems');
        const nextFolder = more.folder ?? configurationFolder;
        const changes = summarize(document, parsed.document);
        if (JSON.stringify(parsed.document.store) !== JSON.stringify(document.store))
          throw new HostError(
            'invalid-configuration',
            'where the state is (store) cannot be changed while the host runs; stop it and use landbridge store migrate',
          );
        // The same again is no revision: whoever applies every few minutes would bury the history. What could not be opened is tried anew.
        const isSame = JSON.stringify([parsed.document, nextFolder]) === JSON.stringify([document, configurationFolder]);
        if (isSame && more.summary === undefined) {
          await putInForce(parsed.document, nextFolder);
          return { revision, unchanged: true };
        }
        revision = await control.addRevision({
          document: JSON.stringify({ document: parsed.document, folder: nextFolder }),
          author,
          at: Date.now(),
          summary: more.summary === undefined ? changes : `${more.summary}: ${changes}`,
        });
        await putInForce(parsed.document, nextFolder);
        return { revision };
      },
      certificateExpiry: () => certificate.expiresAt,
      shutdown: () => stop(),
    });
    async function putInForce(next: ConfigurationDocument, nextFolder: string): Promise<void> {
      configurationFolder = nextFolder;
      document = next;
      authenticator.configure(toAuthenticationConfiguration(document.authentication, configurationFolder));
      await secrets.bind(secretDestinations(document.connectors, document.alerts));
      await connectors.apply(document, configurationFolder);
      await streams.apply(document, configurationFolder);
    }

    /** Takes up what another host of the installation changed (R34). */
    async function adopt(): Promise<void> {
      try {
        await tokens.reload();
        const changed = await secrets.reload();
        const newest = await control.readRevision();
        if (newest !== undefined && newest.number > revision) {
          revision = newest.number;
          const stored = JSON.parse(newest.document) as { readonly document: ConfigurationDocument; readonly folder: string };
          await putInForce(stored.document, stored.folder);
          log.info({ revision }, 'the configuration that another host was given is in force');
        }
        if (changed) await connectors.reopen(connectorsWithSecrets(document));
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'what another host changed could not be taken up');
      }
    }

    app.setNotFoundHandler((request, reply) => {
      sendScimError(reply.header('cache-control', 'no-store'), new ScimError(404, `There is nothing at ${request.url.slice(0, 200)}.`));
    });
    app.setErrorHandler((error: { readonly statusCode?: number; readonly message: string }, request, reply) => {
      if (request.url.startsWith('/admin/')) return sendAdminError(reply, error);
      const status = error.statusCode ?? 500;
      const detail = status === 413 ? `The body is larger than ${BODY_LIMIT} bytes (maxPayloadSize).` : status === 500 ? 'The host failed.' : error.message;
      if (status === 413) readToTheEnd(request, reply);
      sendScimError(reply.header('cache-control', 'no-store'), new ScimError(status, detail));
    });
    await secrets.bind(secretDestinations(document.connectors, document.alerts));
    const host = document.server?.host ?? '127.0.0.1';
    installation.shared?.announce(formatPeer(options.peerUrl ?? peerUrlOf(host, options.port ?? document.server?.port ?? 8443), certificate.certificate));
    await connectors.apply(document, configurationFolder);
    await listen(app, host, options.port ?? document.server?.port ?? 8443);
    const { port } = app.server.address() as AddressInfo;
    const url = `https://${host === '127.0.0.1' || host === '::1' || host === '0.0.0.0' ? 'localhost' : host}:${port}`;
    publicUrl = document.server?.publicUrl?.replace(/\/+$/, '') ?? url;
    const adminTokenFile = await writeAdminToken(folder.path, tokens);
    // Tokens name the issuer by its URL, which is known from here on.
    await streams.apply(document, configurationFolder);
    const tellWhere = (): void => {
      const { caFile, fingerprint } = certificate;
      writeFileSync(join(folder.path, 'host.json'), JSON.stringify({ url, pid: process.pid, caFile, fingerprint }), { mode: 0o600 });
    };
    tellWhere();
    const warning = warnOfCertificate(certificate);
    if (warning !== undefined) log.warn({}, warning);
    const hourly = watchHourly({ alerts, tokens, control, connectors, log });
    void hourly.look();
    const renewal = setInterval(() => void renew(), 6 * 3600_000).unref();
    const renew = async (): Promise<void> => {
      try {
        const next = await chooseCertificate(document, folder.path);
        const problem = warnOfCertificate(next);
        if (problem !== undefined) log.warn({}, problem);
        if (next.certificate === certificate.certificate) return;
        certificate = next;
        app.server.setSecureContext({ key: next.key, cert: next.certificate });
        tellWhere();
        log.info({ expiresAt: next.expiresAt }, 'the certificate was renewed');
      } catch (error) {
        log.error({ reason: String(error) }, 'the certificate could not be renewed');
      }
    };
    log.info({ url }, 'the host is up');
    return {
      url,
      caFile: certificate.caFile,
      adminTokenFile,
      routes,
      stopped,
      warnings: () => [warnOfCertificate(certificate)].filter((one) => one !== undefined),
      failedConnectors: () => connectors.list().filter((one) => 'problem' in one),
      reopenLog: () => log.reopen?.(),
      async close() {
        clearInterval(renewal);
        store.close();
        hourly.close();
        rmSync(join(folder.path, 'host.json'), { force: true });
        log.info({ inFlight: drain.inFlight }, 'the host is stopping');
        const { left } = await drain.start(options.drainMilliseconds ?? DRAIN_MILLISECONDS);
        if (left > 0) log.warn({ left }, 'requests were not answered in time; their writes are in the journal');
        await streams.close();
        await app.close();
        await forwarding.close();
        metrics.close();
        await alerts.settled();
        await release();
        log.info({}, 'the host has stopped');
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Where other hosts reach this one, as far as it knows. */
function peerUrlOf(host: string, port: number): string {
  const name = ['127.0.0.1', '::1', 'localhost'].includes(host) ? 'localhost' : host === '0.0.0.0' || host === '::' ? hostname() : host;
  return `https://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Connectors whose configuration refers to a secret of the secret store. */
function connectorsWithSecrets(document: ConfigurationDocument): readonly string[] {
  return Object.entries(document.connectors)
    .filter(([, connector]) => readReferencedSecrets(connector).size > 0)
    .map(([name]) => name);
}

/** @throws StartError when the key-encryption key is not there, or another one. */
async function openSecrets(control: ControlStore, folder: string, shared: boolean): Promise<SecretStore> {
  try {
    return await openSecretStore(control, openKeyRing(folder), { shared });
  } catch (error) {
    if (error instanceof KeyRingError || error instanceof SecretKeyError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

function openFolder(path: string): ReturnType<typeof openDataFolder> {
  try {
    return openDataFolder(path);
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error });
  }
}

/** Clients may show a certificate, and need not: who shows none presents a token. */
function askForCertificates(authority: string | undefined): { readonly requestCert?: boolean; readonly rejectUnauthorized?: boolean; readonly ca?: string } {
  if (authority === undefined) return {};
  if (!existsSync(authority)) throw new StartError(`authentication.certificates.ca: the file ${authority} does not exist`);
  return { requestCert: true, rejectUnauthorized: false, ca: readFileSync(authority, 'utf8') };
}

/** Why a port cannot be listened on, and what to do. */
const LISTEN: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (_, port) => `port ${port} is in use by another program; choose another one with --port`,
  EACCES: (_, port) => `this account may not listen on port ${port}; choose one above 1023 with --port`,
  EADDRNOTAVAIL: (host) => `this machine has no address ${host}; correct server.host`,
  ENOTFOUND: (host) => `the name ${host} of server.host cannot be resolved; correct it`,
};

async function listen(app: { listen(options: { readonly host: string; readonly port: number }): Promise<string> }, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const reason = LISTEN[(error as { readonly code?: string }).code ?? ''];
    if (reason === undefined) throw error;
    throw new StartError(reason(host, port), { cause: error });
  }
}

async function loadConfiguration(
  control: ControlStore,
  options: StartServerOptions,
  isShared: boolean,
): Promise<{ document: ConfigurationDocument; revision: number; configurationFolder: string }> {
  const newest = await control.readRevision();
  const stored = newest === undefined ? undefined : (JSON.parse(newest.document) as { readonly document: ConfigurationDocument; readonly folder: string });
  if (options.configFile === undefined)
    return { document: stored?.document ?? EMPTY, revision: newest?.number ?? 0, configurationFolder: stored?.folder ?? process.cwd() };
  const { configFile } = options;
  const document = readConfigurationFile(configFile);
  const folder = folderOf(configFile);
  const isSame = JSON.stringify(stored?.document) === JSON.stringify(document);
  // Another host has the same document in a folder of its own: a revision would have that host open its connectors anew, with the paths of this one.
  if (isSame && (isShared || stored?.folder === folder)) return { document, revision: newest?.number ?? 0, configurationFolder: folder };
  const revision = await control.addRevision({
    document: JSON.stringify({ document, folder }),
    author: `file ${configFile}`,
    at: Date.now(),
    summary: summarize(stored?.document, document),
  });
  return { document, revision, configurationFolder: folder };
}

function readText(file: string): string {
  try {
    return readUtf8(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EISDIR' ? `${file} is a folder; name a file` : code === 'EACCES' ? `${file} cannot be read by this account` : messageOf(error);
    throw new StartError(why, { cause: error });
  }
}

function readConfigurationFile(configFile: string): ConfigurationDocument {
  if (!existsSync(configFile)) throw new StartError(`the configuration file ${configFile} does not exist`);
  const parsed = parseConfiguration(readText(configFile));
  if (parsed.document === undefined) throw new StartError(parsed.problems.map((problem) => formatProblem(configFile, problem)).join('\n'));
  return parsed.document;
}

/** Where the state is stands in the configuration, and the configuration is part of the state: the file is read before it is opened. */
function chooseInstallation(folder: DataFolder, options: StartServerOptions): Installation {
  try {
    const auditKey = keyFile(folder.path, 'audit.key');
    if (options.store !== undefined) return openInstallation(folder.path, { store: { postgres: options.store }, folder: process.cwd() }, auditKey);
    const store = options.configFile === undefined ? undefined : readConfigurationFile(options.configFile).store;
    const choice = store === undefined || options.configFile === undefined ? undefined : { store, folder: folderOf(options.configFile) };
    return openInstallation(folder.path, choice, auditKey);
  } catch (error) {
    folder.release();
    throw error;
  }
}

async function openControl(installation: Installation, folder: DataFolder): Promise<ControlStore> {
  try {
    return await installation.openControl();
  } catch (error) {
    folder.release();
    throw new StartError(`the store of the host cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

function summarize(before: ConfigurationDocument | undefined, after: ConfigurationDocument): string {
  const changes = diffConfigurations(before, after);
  return changes.length > 5 ? `${changes.length} changes` : changes.map((change) => `${change.kind} ${change.path}`).join(', ');
}

async function chooseCertificate(document: ConfigurationDocument, folder: string): Promise<ServerCertificate> {
  const own = document.server?.tls;
  try {
    return own === undefined ? await generatedCertificate(folder) : readCertificate(own);
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error });
  }
}

/** A 32-byte key in a file of its own, for the owner only. */
function keyFile(folder: string, name: string): Uint8Array {
  const file = join(folder, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex');
  if (key.length !== 32) throw new StartError(`the key file ${file} is damaged: it must hold 64 hexadecimal digits; restore it from a backup`);
  return key;
}

/** The local command line's token: made once, kept in a file for the owner only. */
async function writeAdminToken(folder: string, tokens: Awaited<ReturnType<typeof openTokens>>): Promise<string> {
  const file = join(folder, 'admin-token');
  if (existsSync(file) && tokens.check(readFileSync(file, 'utf8').trim()) !== undefined) return file;
  const { token } = await tokens.create({ kind: 'admin' }, 'local command line', undefined);
  writeFileSync(file, token, { mode: 0o600 });
  chmodSync(file, 0o600);
  return file;
}
