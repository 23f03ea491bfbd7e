import { statfsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { type ForeignId, type HostConnector, HostError, type RunProgress, shadowVerdicts } from '@landbridge/engine';
import type { PackageStore } from '@landbridge/package-store';
import { ScimError } from '@landbridge/scim';
import { type ControlStore, type JournalState, journalStates, StoreUnavailableError } from '@landbridge/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Forwarding, isForwarded } from '../cluster/forwarding.ts';
import type { Peer } from '../cluster/peer.ts';
import { type ConfigurationDocument, diffConfigurations, formatConfiguration, parseConfiguration } from '../configuration/parse-configuration.ts';
import { type Credential, TokenLimitError, type Tokens } from '../credentials/tokens.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { SigningKeys } from '../events/signing-keys.ts';
import type { HostConnectors } from '../host-connectors.ts';
import type { FailureThrottle } from '../http/request-limits.ts';
import { bearerOf } from '../http/scim-routes.ts';
import { sendJson } from '../http/send.ts';
import type { Alerts } from '../operations/alerts.ts';
import { BackupError, backUp } from '../operations/backup.ts';
import { noteCredential } from '../operations/register-alerts.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { AdminError } from './admin-error.ts';
import { verifyAudit } from './audit-handlers.ts';
import { listRevisions, rollBack, showRevision } from './history-handlers.ts';
import { adminOperations, openApiDocument } from './openapi.ts';
import { addPackage, listPackages, removePackage, rollBackPackage, unsignedPackages, updatePackage } from './package-operations.ts';
import { deleteWarnings, schemaWarnings } from './schema-warnings.ts';
import { listSecrets, removeSecret, rotateSecrets, setSecret } from './secret-handlers.ts';
import { tokenScopeOf } from './token-scope.ts';

/** What the admin API works with. */
export interface AdminOptions {
  readonly connectors: HostConnectors;
  readonly packages: PackageStore;
  readonly control: ControlStore;
  readonly tokens: Tokens;
  readonly streams: EventStreams;
  readonly eventKeys: SigningKeys;
  readonly alerts: Alerts;
  readonly throttle: FailureThrottle;
  readonly forwarding: Forwarding;
  /** Where the state is in PostgreSQL: how it is copied into a file (R5). */
  readonly dump: ((connectors: readonly string[], file: string) => Promise<void>) | undefined;
  readonly dataFolder: string;
  readonly startedAt: number;
  readonly version: string;
  /** The document in force, and the folder that its paths are relative to. */
  current(): { readonly document: ConfigurationDocument; readonly revision: number; readonly folder: string };
  apply(
    text: string,
    author: string,
    more?: { readonly summary?: string; readonly folder?: string },
  ): Promise<{ readonly revision: number; readonly unchanged?: boolean }>;
  readonly secrets: SecretStore;
  /** Opens again what refers to a secret that changed. */
  secretChanged(connectors: readonly string[]): Promise<void>;
  /** What a credential is called by people. */
  authorOf(credential: string): Promise<string>;
  certificateExpiry(): number;
  shutdown(): void;
}

type Params = Readonly<Record<string, string>>;
type Handler = (options: AdminOptions, params: Params, request: FastifyRequest, reply: FastifyReply, actor: string) => Promise<unknown>;

/** Registers the admin API: every operation of the document, and nothing else. */
export function registerAdminRoutes(app: FastifyInstance, options: AdminOptions): void {
  for (const operation of adminOperations) {
    const handler = handlers[operation.id];
    app.route({
      method: operation.method,
      url: `/admin/v1${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      handler: async (request, reply) => {
        reply.header('cache-control', 'no-store');
        try {
          const credential = authorize(options, request, reply);
          const peer = peerOf(options, operation.path, request);
          if (peer !== undefined) return await options.forwarding.forward(peer, credential, request, reply);
          const actor = credential.id;
          const intent = INTENDED[operation.id];
          // Without its row in the audit nothing privileged happens (SEC-60).
          if (intent !== undefined) await audit(options, actor, intent, `asked for${targetOf(request.params as Params)}`);
          const result = await handler(options, request.params as Params, request, reply, actor);
          if (!reply.sent && result !== streaming) sendJson(reply, 200, result);
        } catch (error) {
          sendAdminError(reply, error);
        }
        return reply;
      },
    });
  }
}

/** Operations whose row in the audit can only be complete when they are done: another one says before that they were asked for. */
const INTENDED: Readonly<Partial<Record<(typeof adminOperations)[number]['id'], string>>> = {
  createToken: 'token.create',
  revokeToken: 'token.revoke',
  applyConfiguration: 'configuration.apply',
  rollback: 'configuration.rollback',
  setSecret: 'secret.set',
  removeSecret: 'secret.remove',
  rotateSecrets: 'secret.rotate',
  rotateEventKey: 'events.rotate-key',
  backup: 'backup',
  backupAll: 'backup',
  shutdown: 'shutdown',
};

const targetOf = (params: Params): string =>
  Object.values(params)
    .map((value) => ` ${value}`)
    .join('');

const streaming = Symbol('the handler answers by itself');

function authorize(options: AdminOptions, request: FastifyRequest, reply: FastifyReply): Credential {
  const credential = isForwarded(request) ? options.forwarding.identify(request) : bearerOf(options.tokens, request.headers.authorization);
  if (credential?.scope.kind === 'admin') {
    noteCredential(request, credential.id);
    return credential;
  }
  const wait = options.throttle.blocked(request.ip);
  if (wait > 0) throw new AdminError(429, 'throttled', `too many wrong credentials; wait ${wait} seconds`);
  options.throttle.failed(request.ip);
  reply.header('www-authenticate', 'Bearer realm="Landbridge administration"');
  // A SCIM token opens nothing here (SEC-08, SEC-13).
  throw new AdminError(401, 'unauthorized', 'an administrator’s token is needed', 'the host writes one to admin-token in its data folder');
}

const STATUS: Readonly<Record<HostError['code'], number>> = {
  'unknown-connector': 404,
  'unknown-profile': 404,
  'unknown-run': 404,
  'unknown-journal': 404,
  'run-active': 409,
  'not-held': 409,
  'not-in-doubt': 409,
  'invalid-configuration': 400,
  behind: 503,
  'connector-failed': 503,
};

/** SQLite's words, and those of the file system. */
function isDiskFull(error: unknown): boolean {
  return /database or disk is full|ENOSPC/.test(messageOf(error));
}

/** Errors of the admin API: a code, a sentence, a hint; never a stack. */
export function sendAdminError(reply: FastifyReply, error: unknown): void {
  const known =
    error instanceof AdminError
      ? error
      : error instanceof HostError
        ? new AdminError(STATUS[error.code], error.code, error.message)
        : error instanceof ScimError
          ? new AdminError(503, 'owner-unavailable', error.message)
          : error instanceof TokenLimitError
            ? new AdminError(409, 'token-limit', error.message)
            : error instanceof StoreUnavailableError
              ? new AdminError(503, 'store-unavailable', error.message, 'the host goes on by itself when its database answers again')
              : isDiskFull(error)
                ? new AdminError(
                    503,
                    'disk-full',
                    'the disk of the data folder is full: nothing was stored',
                    'make room there and repeat it; landbridge doctor shows how much is free',
                  )
                : undefined;
  const { status, code, message, hint } = known ?? new AdminError(500, 'internal', messageOf(error));
  if (reply.raw.headersSent) {
    reply.raw.end(`${JSON.stringify({ error: { code, message } })}\n`);
    return;
  }
  sendJson(reply, status, { error: { code, message, ...(hint === undefined ? {} : { hint }) } });
}

/** Where a request about one connector goes on to: another host owns it (R34). */
function peerOf(options: AdminOptions, path: string, request: FastifyRequest): Peer | undefined {
  if (!path.startsWith('/connectors/{connector}')) return undefined;
  const connector = options.connectors.get((request.params as Params)['connector'] ?? '');
  return connector !== undefined && 'problem' in connector ? connector.elsewhere?.peer : undefined;
}

function connectorOf(options: AdminOptions, params: Params): HostConnector {
  const name = params['connector'] ?? '';
  const connector = options.connectors.get(name);
  if (connector === undefined) {
    const names = options.connectors.list().map((one) => one.name);
    throw new AdminError(
      404,
      'unknown-connector',
      `there is no connector "${name}"`,
      names.length === 0 ? 'apply a configuration first' : `there are ${names.join(', ')}`,
    );
  }
  if ('problem' in connector)
    throw new AdminError(
      503,
      'connector-failed',
      `the connector "${name}" is not available: ${connector.problem}`,
      `landbridge connector test ${name} --config landbridge.yaml shows which layer fails; the host tries again by itself`,
    );
  return connector;
}

function bodyOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) return {};
  try {
    return JSON.parse(request.body.toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    throw new AdminError(400, 'invalid-json', 'the body is not valid JSON');
  }
}

function textOf(request: FastifyRequest): string {
  return Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
}

function pageOf(request: FastifyRequest): { readonly limit: number; readonly before?: number; readonly after?: number } {
  const query = request.query as Params;
  const number = (name: string): number | undefined => (query[name] === undefined ? undefined : numberOf(query, name));
  const limit = Math.min(1000, Math.max(1, number('limit') ?? 50));
  const before = number('before');
  const after = number('after');
  return { limit, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

/** Which held writes a decision is about; `undefined` is all of them. */
function heldWritesOf(request: FastifyRequest): readonly number[] | undefined {
  const { writes } = bodyOf(request);
  if (writes === 'all') return undefined;
  if (Array.isArray(writes) && writes.length > 0 && writes.every((one) => Number.isSafeInteger(one))) return writes as readonly number[];
  throw new AdminError(400, 'invalid-decision', 'write {"writes": [17, 18]} with ids of held writes, or {"writes": "all"}');
}

function numberOf(params: Params, name: string): number {
  const number = Number(params[name]);
  if (!Number.isSafeInteger(number)) throw new AdminError(400, 'invalid-number', `"${params[name] ?? ''}" is not a number`);
  return number;
}

/** Sends lines of JSON as they come. */
function startLines(reply: FastifyReply): (line: unknown) => void {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' });
  return (line) => reply.raw.write(`${JSON.stringify(line)}\n`);
}

async function audit(options: AdminOptions, actor: string, action: string, detail: string): Promise<void> {
  await options.control.addAudit({ at: Date.now(), actor, action, detail });
}

const handlers: Readonly<Record<(typeof adminOperations)[number]['id'], Handler>> = {
  openapi: async () => openApiDocument,
  status: async (options) => ({
    version: options.version,
    node: process.version,
    startedAt: options.startedAt,
    dataFolder: options.dataFolder,
    revision: options.current().revision,
    connectors: await Promise.all(options.connectors.list().map(statusOf)),
  }),
  connectors: async (options) => Promise.all(options.connectors.list().map(statusOf)),
  connector: async (options, params) => {
    const connector = connectorOf(options, params);
    const { configuration } = connector;
    return {
      ...(await connector.status()),
      objectTypes: configuration.objectTypes,
      runProfiles: configuration.runProfiles,
      autosync: connector.autosync,
      deletesSeen: connector.deletesSeen,
      missedDeletes: connector.missedDeletes,
      deprovisioning: configuration.deprovisioning,
      deletionThreshold: configuration.deletionThreshold,
      partitions: await connector.partitions(),
    };
  },
  test: async (options, params, _request, reply) => {
    const connector = connectorOf(options, params);
    const write = startLines(reply);
    try {
      for await (const result of connector.test()) write(result);
    } catch (error) {
      write({ layer: 'schema', status: 'failed', message: messageOf(error), milliseconds: 0 });
    }
    reply.raw.end();
    return streaming;
  },
  schema: async (options, params) => connectorOf(options, params).schema(),
  space: async (options, params, request) => {
    const page = pageOf(request);
    const { rows, total } = await connectorOf(options, params).space({
      objectType: params['type'] ?? '',
      limit: page.limit,
      ...(page.after === undefined ? {} : { after: page.after }),
    });
    return { total, rows: rows.map((row) => ({ ...row, attributes: JSON.parse(row.body) as unknown, body: undefined })) };
  },
  startRun: async (options, params, request, _reply, actor) => {
    const { profile } = bodyOf(request);
    if (typeof profile !== 'string') throw new AdminError(400, 'missing-profile', 'name the run profile: {"profile": "full"}');
    const run = await connectorOf(options, params).run(profile, actor);
    return { runId: run.runId, profile: run.profile };
  },
  runProgress: async (options, params, _request, reply) => {
    const connector = connectorOf(options, params);
    const runId = numberOf(params, 'run');
    const active = connector.activeRun;
    const write = startLines(reply);
    if (active?.runId === runId) {
      let last = Number.NEGATIVE_INFINITY;
      const stop = active.onProgress((progress: RunProgress) => {
        if (performance.now() - last < 200 && progress.phase === 'reading') return;
        last = performance.now();
        write({ progress });
      });
      await active.ended;
      stop();
    }
    write({ run: await connector.runHistory(runId) });
    reply.raw.end();
    return streaming;
  },
  cancelRun: async (options, params) => {
    const active = connectorOf(options, params).activeRun;
    if (active?.runId !== numberOf(params, 'run')) throw new AdminError(409, 'not-running', `run ${params['run'] ?? ''} is not under way`);
    active.cancel();
    return { cancelled: active.runId };
  },
  runs: async (options, params, request) => connectorOf(options, params).runs(pageOf(request)),
  run: async (options, params) => {
    const row = await connectorOf(options, params).runHistory(numberOf(params, 'run'));
    if (row === undefined) throw new AdminError(404, 'unknown-run', `there is no run ${params['run'] ?? ''}`);
    return row;
  },
  held: async (options, params, request) => connectorOf(options, params).held(numberOf(params, 'run'), pageOf(request)),
  approveRun: async (options, params, _request, _reply, actor) => {
    await audit(options, actor, 'run.approve', `${params['connector'] ?? ''} ${params['run'] ?? ''}`);
    return connectorOf(options, params).decide(numberOf(params, 'run'), 'approved', actor);
  },
  rejectRun: async (options, params, _request, _reply, actor) => {
    await audit(options, actor, 'run.reject', `${params['connector'] ?? ''} ${params['run'] ?? ''}`);
    return connectorOf(options, params).decide(numberOf(params, 'run'), 'rejected', actor);
  },
  journal: async (options, params, request) => {
    const { state } = request.query as Params;
    const rows = await connectorOf(options, params).journal({
      ...pageOf(request),
      ...(state === undefined ? {} : { states: statesOf(state) }),
    });
    // A sealed password leaves the journal with its write only (R21).
    return rows.map((row) => ({
      ...row,
      sealed: undefined,
      steps: undefined,
      effect: undefined,
      attributes: [...Object.keys(row.effect.set), ...row.effect.unset, ...row.effect.references.map((delta) => delta.attribute)],
    }));
  },
  shadow: async (options, params, request) => {
    const asked = (request.query as Params)['verdict'];
    const verdict = shadowVerdicts.find((one) => one === asked);
    if (verdict !== asked) throw new AdminError(400, 'invalid-verdict', `there is no verdict "${asked ?? ''}"`, `write one of ${shadowVerdicts.join(', ')}`);
    return connectorOf(options, params).shadow({ ...pageOf(request), ...(verdict === undefined ? {} : { verdict }) });
  },
  settle: async (options, params, request, _reply, actor) => {
    const { decision } = bodyOf(request);
    if (decision !== 'applied' && decision !== 'not-applied')
      throw new AdminError(400, 'invalid-decision', 'write {"decision": "applied"} or {"decision": "not-applied"}');
    await audit(options, actor, 'journal.settle', `${params['connector'] ?? ''} ${params['id'] ?? ''} ${decision}`);
    const row = await connectorOf(options, params).settle(numberOf(params, 'id'), decision, actor);
    return { id: row.id, state: row.state };
  },
  approveWrites: async (options, params, request, _reply, actor) => {
    const { suspendMinutes } = bodyOf(request);
    if (suspendMinutes !== undefined && !(typeof suspendMinutes === 'number' && suspendMinutes >= 0 && suspendMinutes <= 1440))
      throw new AdminError(400, 'invalid-decision', '"suspendMinutes" is a number of minutes, at most 1440');
    const connector = connectorOf(options, params);
    const writes = heldWritesOf(request);
    await audit(options, actor, 'journal.approve', `${connector.name} ${writes?.join(',') ?? 'all'} suspend=${suspendMinutes ?? 0}`);
    if (suspendMinutes !== undefined) connector.suspendMassChangeGuard(suspendMinutes * 60_000);
    return connector.decideHeldWrites('approved', writes, actor);
  },
  rejectWrites: async (options, params, request, _reply, actor) => {
    const connector = connectorOf(options, params);
    const writes = heldWritesOf(request);
    await audit(options, actor, 'journal.reject', `${connector.name} ${writes?.join(',') ?? 'all'}`);
    return connector.decideHeldWrites('rejected', writes, actor);
  },
  events: async (options, params) => options.streams.status(connectorOf(options, params)),
  rotateEventKey: async (options, _params, _request, _reply, actor) => {
    const rotated = await options.eventKeys.rotate();
    await audit(options, actor, 'events.rotate-key', rotated.kid);
    return rotated;
  },
  connectorAudit: async (options, params, request) => connectorOf(options, params).audit(pageOf(request)),
  verifyConnectorAudit: async (options, params, request) => verifyAudit(connectorOf(options, params).auditChain, request.query as Params),
  createToken: async (options, _params, request, _reply, actor) => {
    const body = bodyOf(request);
    const { connector, label, days, admin, metrics } = body;
    if (admin !== true && metrics !== true && (typeof connector !== 'string' || options.connectors.get(connector) === undefined))
      throw new AdminError(
        404,
        'unknown-connector',
        `there is no connector "${String(connector)}"`,
        `there are ${options.connectors
          .list()
          .map((one) => one.name)
          .join(', ')}`,
      );
    const scope =
      admin === true
        ? ({ kind: 'admin' } as const)
        : metrics === true
          ? ({ kind: 'metrics' } as const)
          : tokenScopeOf(body, String(connector), resourceTypesOf(options, String(connector)));
    const created = await options.tokens.create(
      scope,
      typeof label === 'string' ? label : '',
      days === null ? undefined : typeof days === 'number' ? days : 365,
    );
    options.alerts.raise('new-token', { credential: created.id, ...(scope.kind === 'scim' ? { connector: scope.connector } : { detail: scope.kind }) });
    await audit(options, actor, 'token.create', `${created.id} ${scope.kind === 'scim' ? scope.connector : scope.kind}`);
    return created;
  },
  tokens: async (options) => options.tokens.list(),
  revokeToken: async (options, params, _request, _reply, actor) => {
    const id = params['id'] ?? '';
    if (!(await options.tokens.revoke(id))) throw new AdminError(404, 'unknown-token', `there is no live token "${id}"`);
    await audit(options, actor, 'token.revoke', id);
    return { revoked: id };
  },
  configuration: async (options) => {
    const { revision, document, folder } = options.current();
    return { revision, text: formatConfiguration(document), folder };
  },
  revisions: async (options, _params, request) => listRevisions(options, pageOf(request).limit),
  revision: async (options, params) => showRevision(options, numberOf(params, 'revision')),
  rollback: async (options, params, _request, _reply, actor) => rollBack(options, numberOf(params, 'revision'), actor),
  secrets: async (options) => listSecrets(options),
  setSecret: async (options, params, request, _reply, actor) => setSecret(options, params['name'] ?? '', bodyOf(request)['value'], actor),
  removeSecret: async (options, params, _request, _reply, actor) => removeSecret(options, params['name'] ?? '', actor),
  rotateSecrets: async (options, _params, _request, _reply, actor) => rotateSecrets(options, actor),
  validateConfiguration: async (_options, _params, request) => ({ problems: parseConfiguration(textOf(request)).problems }),
  diffConfiguration: async (options, _params, request) => {
    const parsed = parseConfiguration(textOf(request));
    if (parsed.document === undefined) return { problems: parsed.problems, changes: [] };
    const { document } = options.current();
    return {
      problems: [],
      changes: diffConfigurations(document, parsed.document),
      warnings: await schemaWarnings(options.connectors, document, parsed.document),
    };
  },
  applyConfiguration: async (options, _params, request, _reply, actor) => {
    const parsed = parseConfiguration(textOf(request));
    if (parsed.document === undefined)
      throw new AdminError(
        400,
        'invalid-configuration',
        parsed.problems.map((problem) => `${problem.line}:${problem.column} ${problem.path} ${problem.message}`).join('\n'),
      );
    const warnings = await schemaWarnings(options.connectors, options.current().document, parsed.document);
    const { folder } = request.query as Params;
    if (folder !== undefined && !isAbsolute(folder)) throw new AdminError(400, 'invalid-folder', 'the folder of the document must be a whole path');
    const applied = await options.apply(textOf(request), await options.authorOf(actor), folder === undefined ? {} : { folder });
    await audit(options, actor, 'configuration.apply', `revision ${applied.revision}`);
    return { ...applied, warnings: [...warnings, ...unsignedPackages(options), ...deleteWarnings(options.connectors)] };
  },
  linkIds: async (options, params, request, _reply, actor) => {
    const { ids, verify } = bodyOf(request);
    if (!Array.isArray(ids) || ids.length > 10_000 || !ids.every(isForeignId))
      throw new AdminError(400, 'invalid-ids', 'write {"ids": [{"id": "…", "anchor": "…"}]}, at most 10000 at a time');
    if (verify !== true) await audit(options, actor, 'ids.import', `${params['connector'] ?? ''} ${ids.length}`);
    return { outcomes: await connectorOf(options, params).linkIds(ids, { verify: verify === true, actor }) };
  },
  packages: async (options) => listPackages(options),
  addPackage: async (options, _params, request, _reply, actor) => {
    const body = bodyOf(request);
    await audit(options, actor, 'package.add', String(body['source']));
    return addPackage(options, body);
  },
  updatePackage: async (options, params, request, _reply, actor) => {
    const body = bodyOf(request);
    await audit(options, actor, 'package.update', `${params['package'] ?? ''} ${String(body['source'] ?? body['version'])}`);
    return updatePackage(options, params['package'] ?? '', body);
  },
  rollBackPackage: async (options, params, request, _reply, actor) => {
    await audit(options, actor, 'package.rollback', params['package'] ?? '');
    return rollBackPackage(options, params['package'] ?? '', bodyOf(request));
  },
  removePackage: async (options, params, request, _reply, actor) => {
    const { version } = request.query as Params;
    await audit(options, actor, 'package.remove', `${params['package'] ?? ''} ${version ?? ''}`);
    return removePackage(options, params['package'] ?? '', version);
  },
  audit: async (options, _params, request) => options.control.listAudit(pageOf(request).limit),
  verifyAudit: async (options, _params, request) => verifyAudit(options.control.auditChain, request.query as Params),
  doctor: async (options) => ({ checks: await checkHost(options) }),
  backup: async (options, params, request) => {
    const { target } = bodyOf(request);
    if (typeof target !== 'string') throw new AdminError(400, 'missing-target', 'name the file to write: {"target": "/path/backup.db"}');
    await connectorOf(options, params).backup(target);
    return { target };
  },
  backupAll: async (options, _params, request, _reply, actor) => {
    const { target } = bodyOf(request);
    if (typeof target !== 'string') throw new AdminError(400, 'missing-target', 'name a new folder: {"target": "/path/backup"}');
    try {
      const { dump, ...more } = options;
      const done = await backUp({ ...more, target, ...(dump === undefined ? {} : { dump }) });
      await audit(options, actor, 'backup', done.target);
      return done;
    } catch (error) {
      if (error instanceof BackupError) throw new AdminError(409, 'backup-refused', error.message);
      throw error;
    }
  },
  shutdown: async (options) => {
    setTimeout(options.shutdown, 50);
    return { stopping: true };
  },
};

function isForeignId(value: unknown): value is ForeignId {
  const { id, anchor, objectType } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof id === 'string' && id !== '' && typeof anchor === 'string' && (objectType === undefined || typeof objectType === 'string');
}

/** The status of a connector, whether it could be opened or not. */
async function statusOf(one: ReturnType<HostConnectors['list']>[number]) {
  if (!('problem' in one)) return one.status();
  const { name, problem, elsewhere } = one;
  return elsewhere === undefined ? { name, state: 'failed', problem } : { name, state: 'standby', problem, owner: elsewhere.peer?.url };
}

/** Looks at everything that makes a host fail sooner or later. */
async function checkHost(
  options: AdminOptions,
): Promise<readonly { readonly check: string; readonly status: 'passed' | 'warning' | 'failed'; readonly message: string }[]> {
  const checks: { check: string; status: 'passed' | 'warning' | 'failed'; message: string }[] = [];
  const major = Number(process.versions.node.split('.')[0]);
  checks.push({ check: 'node', status: major >= 24 ? 'passed' : 'failed', message: `Node.js ${process.version}` });
  const { bavail, bsize } = statfsSync(options.dataFolder);
  const free = (bavail * bsize) / 2 ** 30;
  checks.push({
    check: 'disk',
    status: free < 0.5 ? 'failed' : free < 5 ? 'warning' : 'passed',
    message: `${free.toFixed(1)} GiB free in ${options.dataFolder}`,
  });
  const days = (options.certificateExpiry() - Date.now()) / 86_400_000;
  checks.push({
    check: 'certificate',
    status: days < 7 ? 'failed' : days < 30 ? 'warning' : 'passed',
    message:
      days < 0 ? `the certificate ended ${Math.floor(-days)} days ago: clients refuse the connection` : `the certificate ends in ${Math.floor(days)} days`,
  });
  for (const one of options.connectors.list()) {
    if ('problem' in one) {
      checks.push({ check: `connector ${one.name}`, status: 'failed', message: one.problem });
      continue;
    }
    const status = await one.status();
    checks.push({
      check: `connector ${one.name}`,
      status: status.inDoubt > 0 || status.state === 'starting' ? 'warning' : 'passed',
      message: `${Object.entries(status.entries)
        .map(([type, count]) => `${count} ${type}`)
        .join(', ')}; ${status.inDoubt} writes in doubt${status.state === 'starting' ? `; no full import yet: landbridge run ${one.name} full` : ''}`,
    });
    checks.push({
      check: `write-ahead log ${one.name}`,
      status: status.walBytes > 1e9 ? 'warning' : 'passed',
      message: `${Math.round(status.walBytes / 1024)} KiB`,
    });
    for await (const result of one.test())
      if (result.status === 'failed') checks.push({ check: `application ${one.name}`, status: 'failed', message: `${result.layer}: ${result.message}` });
  }
  return checks;
}

/** `in-doubt,held` as states of writes: a word that is none would show an empty list, as if nothing were in doubt. */
function statesOf(text: string): readonly JournalState[] {
  return text.split(',').map((word) => {
    const state = journalStates.find((one) => one === word.trim());
    if (state === undefined) throw new AdminError(400, 'unknown-state', `there is no state "${word}" of a write; there are ${journalStates.join(', ')}`);
    return state;
  });
}

/** What a connector shows, as its configuration says: it need not be open. */
function resourceTypesOf(options: AdminOptions, connector: string): readonly string[] {
  const { objectTypes } = options.current().document.connectors[connector] ?? {};
  return Object.values((objectTypes ?? {}) as Readonly<Record<string, { readonly resourceType: string }>>).map((one) => one.resourceType);
}
