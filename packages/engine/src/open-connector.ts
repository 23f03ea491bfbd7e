import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CompiledObjectType,
  ConnectorError,
  compileSchema,
  type EncodedAttributes,
  type Schema,
  type SchemaObjectType,
  toErrorData,
} from '@landbridge/connector-sdk';
import { type ConnectorStore, openSqliteConnectorStore, type StoreModel } from '@landbridge/store';
import { createBehind } from './behind.ts';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorDescription, ConnectorHandle, Selection } from './connector-host/connector-handle.ts';
import { openConnectorHandle } from './connector-host/open-connector-handle.ts';
import { takeTurns } from './connector-host/take-turns.ts';
import { whileOwned } from './connector-host/while-owned.ts';
import { type ConnectorWrites, openConnectorWrites } from './connector-writes.ts';
import { checkFlows } from './deprovisioning-flows.ts';
import { everyProblem } from './every-problem.ts';
import { type ActiveRun, type ConnectorStatus, type HostConnector, HostError, type OpenConnectorOptions } from './host.ts';
import { createIgnoredAttributes } from './ignored-attributes.ts';
import { compileLeaveOut } from './leave-out.ts';
import { linkForeignIds } from './linked-ids.ts';
import { createRefresh } from './refresh.ts';
import { isAccountName } from './resources/account-name.ts';
import { renderEvent } from './resources/render-event.ts';
import { displayOf } from './resources/render-resource.ts';
import { buildResourceModel, type Face, type ResourceModel } from './resources/resource-model.ts';
import { startRetention } from './retention.ts';
import { completeAutosync, deletesSeen, missedDeletes } from './runs/complete-autosync.ts';
import { createFullExport } from './runs/full-export.ts';
import { createReExport } from './runs/re-export.ts';
import { createRunController } from './runs/run-controller.ts';
import { startScheduler } from './runs/scheduler.ts';
import { createCursors } from './scim-cursor.ts';
import type { ScimFace } from './scim-face.ts';
import { createProtection } from './scim-protected.ts';
import { createScimService } from './scim-service.ts';
import { createScope, type Scope } from './scope.ts';
import { readShadow } from './shadow-report.ts';
import { testConnector } from './test-connector.ts';
import { createTurns } from './writes/create-turns.ts';
import { withoutSecrets } from './writes/secret-values.ts';

/** Test seam: the torture suite plants faults in the store it hands over. */
export interface OpenConnectorSeams {
  wrapStore?(store: ConnectorStore): ConnectorStore;
  readonly storeThread?: boolean;
}

/**
 * Opens a connector: its thread, its store, its writes and runs, and the two SCIM faces on them.
 *
 * @throws ConnectorError when the package cannot be loaded or refuses its parameters, with the reason for a person.
 */
export async function openConnector(options: OpenConnectorOptions, seams: OpenConnectorSeams = {}): Promise<HostConnector> {
  const opened: (() => Promise<void>)[] = [];
  try {
    return await openParts(options, seams, (close) => void opened.unshift(close));
  } catch (error) {
    // A thread or a file that stayed open would keep the process from ending, and grow with every attempt.
    for (const close of opened) await close();
    throw error;
  }
}

/** What a connector is. Ending its thread ends a call that never would. */
async function describeUnlessGivenUp(handle: Pick<ConnectorHandle, 'describe' | 'close'>, givenUp: AbortSignal | undefined): Promise<ConnectorDescription> {
  const end = (): void => void handle.close();
  givenUp?.throwIfAborted();
  givenUp?.addEventListener('abort', end);
  try {
    return await handle.describe();
  } finally {
    givenUp?.removeEventListener('abort', end);
  }
}

async function openParts(options: OpenConnectorOptions, seams: OpenConnectorSeams, toClose: (close: () => Promise<void>) => void): Promise<HostConnector> {
  const { configuration, log } = options;
  const now = options.now ?? Date.now;
  const ownFolder = join(options.folder, 'files');
  mkdirSync(ownFolder, { recursive: true, mode: 0o700 });
  const direct = openConnectorHandle({
    package: configuration.package,
    connector: configuration.name,
    parameters: configuration.parameters,
    folder: ownFolder,
    memoryMegabytes: configuration.limits.memoryMegabytes,
    secretParameters: configuration.secretParameters,
    passwordsNotSecure: configuration.passwordsNotSecure ?? false,
    log,
  });
  toClose(() => direct.close());
  const description = await describeUnlessGivenUp(direct, options.givenUp);
  const schema = selectSchema(description.schema, configuration);
  const { capabilities } = description;
  const handle = capabilities.concurrentOperation ? direct : takeTurns(configuration.package, direct);
  const objectTypes = compileSchema(schema, { dnAsAnchor: capabilities.dnAsAnchor });
  const scope = createScope(description.partitions, capabilities, configuration);
  checkFlows(configuration, objectTypes);
  const cleanModels = buildModels('clean', configuration, objectTypes, description);
  const queryable = chooseQueryable(configuration, objectTypes, cleanModels);
  await handle.select({ schema, leaveOut: leaveOutFilters(configuration, objectTypes) });

  const opened = await (options.openStore?.() ??
    openSqliteConnectorStore({
      file: join(options.folder, 'connector.db'),
      ...(seams.storeThread === undefined ? {} : { thread: seams.storeThread }),
    }));
  toClose(() => opened.close());
  const store = seams.wrapStore?.(opened.store) ?? opened.store;
  const { reader } = opened;
  // With another schema every entry gets its keys anew: of a million that takes minutes on some stores.
  const waiting = setInterval(() => log.info({}, 'the store is brought in line with a changed schema; the connector opens when that is done'), 10_000);
  try {
    await store.configure(storeModel(configuration, objectTypes, description, queryable, scope));
  } finally {
    clearInterval(waiting);
  }
  await store.openStreams(configuration.eventStreams);
  await store.closeInterruptedRuns(now());

  if (!capabilities.import) {
    if (configuration.mode === 'shadow')
      throw new ConnectorError(
        'invalid-configuration',
        'mode shadow compares with the next import, and this connector cannot import; set its mode to observe or live',
      );
    // The host's record is the directory (R33).
    log.warn({}, 'this connector cannot import: what the application has beside the host is not known, and a create may make a duplicate of it');
  }
  // What mode shadow recorded is not in the application: before anything is sent again, an import says what is (R31).
  const hasOverlay = configuration.mode !== 'shadow' && (await reader.hasOverlay());
  const caughtUp = hasOverlay ? forgetOverlay : options.caughtUp;
  // Without imports there is nothing to wait for.
  if (!capabilities.import) caughtUp?.();
  const ended = (): void => {
    caughtUp?.();
    void reExport?.();
  };
  const behind = createBehind(
    capabilities.import && caughtUp !== undefined ? ended : undefined,
    options.caughtUp === undefined ? 'shadow' : 'restore',
    configuration,
    log,
  );
  // Nothing is exported again before the connector has caught up (R5).
  const exportAgain =
    configuration.reExport === true && configuration.mode === 'live'
      ? createReExport({ store, reader, capabilities, objectTypes, log, perform: (...values) => writes.perform(...values) })
      : undefined;
  const reExport = exportAgain && ((): Promise<void> => (behind.active ? Promise.resolve() : exportAgain()));
  const runs = createRunController({
    configuration,
    description,
    scope,
    objectTypes,
    handle,
    store,
    reader,
    log,
    now,
    connectPort: opened.connectPort,
    keepsAbsent: () => options.caughtUp !== undefined && behind.active,
    ...(reExport === undefined ? {} : { reExport }),
    fullExport: createFullExport({ reader, capabilities, objectTypes, perform: (...values) => writes.perform(...values) }),
    onSettled: (journalIds, passwords) => writes.settledByImport(journalIds, passwords),
    onImported: (startedAt, partition) => writes.settlement.importEnded(startedAt, partition),
  });
  const refreshing = createRefresh({ configuration, capabilities, objectTypes, scope, handle, store, reader, runs, log, now });
  // Removals approved before the backup are made once the connector has caught up, at the next open.
  if (!behind.active) await runs.finishApproved();
  const writes: ConnectorWrites = await openConnectorWrites({
    alert: options.alert,
    configuration,
    handle: opened.ownership === undefined ? handle : whileOwned(handle, opened.ownership, configuration.limits.callSeconds * 1000),
    capabilities,
    scope,
    objectTypes,
    store,
    reader,
    sealingKey: options.sealingKey,
    log,
    now,
    paused: () => behind.active || configuration.mode !== 'live',
    requestImport: () => refreshing.requestImport(),
  });

  function forgetOverlay(): void {
    store.forgetOverlay().catch((error: unknown) => log.warn({ reason: toErrorData(error).message }, 'the end of mode shadow could not be stored'));
    options.caughtUp?.();
  }

  const protection = createProtection(configuration.protected ?? [], cleanModels);
  const cursors = createCursors(options.sealingKey, configuration.name, now);
  const ignored = createIgnoredAttributes(log);
  const turns = createTurns();
  const face = (models: readonly ResourceModel[]): ScimFace => ({
    models: new Map(models.map((model) => [model.configuration.endpoint.toLowerCase(), model])),
    byObjectType: new Map(models.map((model) => [model.objectType.name, model])),
    configuration,
    capabilities,
    scope,
    reader,
    store,
    writes,
    turns,
    cursors,
    ignored,
    protection,
    alert: options.alert,
    deprovisioned: configuration.mode === 'shadow' ? undefined : options.deprovisioned,
    log,
    now,
    behind: () => behind.reason,
    refresh: refreshing.refresh,
  });
  const retention = configuration.retention === undefined ? undefined : startRetention(store, configuration.retention, { log, now });
  const waitUntilCaughtUp = (what: string): void => {
    if (behind.active) throw new HostError('behind', `the connector "${configuration.name}" ${behind.reason ?? ''}; ${what} until a full import has ended`);
  };
  const start = async (profile: string, startedBy: string): Promise<ActiveRun> => {
    if (configuration.runProfiles.some((one) => one.name === profile && one.steps.some((step) => step.kind === 'full-export')))
      waitUntilCaughtUp('nothing is exported');
    const run = await runs.start(profile, startedBy);
    behind.observe(run);
    return run;
  };
  behind.catchUp(start);
  // What a run found and a crash kept from being exported again.
  void reExport?.();
  const autosync = completeAutosync(configuration, capabilities);
  if (autosync !== configuration.autosync)
    log.warn(
      { profile: autosync.schedules.at(-1)?.profile },
      'delta imports of this connector do not see deletes: a full import a day is scheduled, because the configuration has none',
    );
  const scheduler = startScheduler(autosync, (profile) => start(profile, 'autosync'), log);
  const counts = async (): Promise<Record<string, number>> => {
    const result: Record<string, number> = {};
    for (const name of objectTypes.keys()) result[name] = await reader.countEntries(name);
    return result;
  };

  const dropIn = face(buildModels('drop-in', configuration, objectTypes, description));

  return {
    name: configuration.name,
    configuration,
    autosync,
    deletesSeen: deletesSeen(capabilities),
    missedDeletes: missedDeletes(configuration, capabilities),
    clean: createScimService(face(cleanModels)),
    dropIn: createScimService(dropIn),
    async status(): Promise<ConnectorStatus> {
      const [lastRun] = await reader.readRuns({ limit: 1 });
      return {
        name: configuration.name,
        package: configuration.package,
        mode: configuration.mode,
        state: behind.active ? 'behind' : !capabilities.import || (await reader.hasFullImport()) ? 'ready' : 'starting',
        problem: undefined,
        entries: await counts(),
        inDoubt: writes.settlement.inDoubt.size,
        heldWrites: writes.held.size,
        lastRun,
        nextRun: scheduler.next,
        walBytes: await reader.walBytes(),
      };
    },
    test: () => testConnector(handle, schema, (now) => selectSchema(now, configuration)),
    schema: async () => schema,
    partitions: async () => description.partitions,
    async space(page) {
      if (!objectTypes.has(page.objectType))
        throw new HostError('invalid-configuration', `there is no object type "${page.objectType}"; there are ${[...objectTypes.keys()].join(', ')}`);
      const { rows, total } = await reader.query({
        objectType: page.objectType,
        limit: page.limit,
        total: true,
        scanLimit: Number.MAX_SAFE_INTEGER,
        ...(page.after === undefined ? {} : { after: page.after }),
      });
      const shown = rows.map((row) => ({
        ...row,
        body: JSON.stringify(withoutSecrets(objectTypes.get(row.objectType), JSON.parse(row.body) as EncodedAttributes)),
      }));
      return { rows: shown, total: total ?? rows.length };
    },
    run: start,
    get activeRun() {
      return runs.active;
    },
    runs: (page) => reader.readRuns(page),
    runHistory: (runId) => reader.readRun(runId),
    held: (runId, page) => reader.readHeld(runId, page),
    async decide(runId, decision, by) {
      if (decision === 'approved') waitUntilCaughtUp('nothing is removed');
      return runs.decide(runId, decision, by);
    },
    async journal(page) {
      const rows = await reader.readJournal(page);
      return Promise.all(
        rows.map(async (row) => {
          const entry = await reader.readEntry(row.entryId);
          const model = cleanModels.find((one) => one.objectType.name === row.objectType);
          return { ...row, display: entry === undefined || model === undefined ? undefined : displayOf(model, entry.body) };
        }),
      );
    },
    shadow: (page) => readShadow(reader, objectTypes, page),
    async settle(journalId, decision, by) {
      const row = await reader.readJournalRow(journalId);
      if (row === undefined) throw new HostError('unknown-journal', `there is no journal row ${journalId}`);
      if (!writes.settlement.decide(journalId, decision, by))
        throw new HostError('not-in-doubt', `the write ${journalId} is not in doubt (it is ${row.state})`);
      for (let wait = 0; wait < 100; wait += 1) {
        const after = await reader.readJournalRow(journalId);
        if (after !== undefined && after.state !== 'in-doubt' && after.state !== 'intended') return after;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return row;
    },
    async decideHeldWrites(decision, journalIds, by) {
      if (decision === 'approved') waitUntilCaughtUp('nothing is sent');
      if (decision === 'approved' && configuration.mode !== 'live')
        throw new HostError('invalid-configuration', `nothing is sent in mode ${configuration.mode}; set the mode of "${configuration.name}" to live first`);
      return writes.held.decide(decision, journalIds, by);
    },
    suspendMassChangeGuard: (milliseconds) => writes.guard.suspend(milliseconds),
    linkIds: (ids, more) => linkForeignIds(dropIn, ids, more),
    async events(stream, limit) {
      const rows = await reader.readEvents(stream, limit);
      return rows.map((row) =>
        renderEvent(
          row,
          cleanModels.find((model) => model.objectType.name === row.objectType),
        ),
      );
    },
    eventStreams: () => reader.readEventStreams(),
    settleEvents: (stream, settled) => store.settleEvents(stream, settled),
    auditChain: reader.auditChain,
    audit: (page) => reader.readAudit(page),
    backup: (target) => store.backup(target),
    onLost: (listener) => opened.ownership?.onLost(listener),
    async close() {
      scheduler.close();
      await retention?.close();
      behind.close();
      refreshing.close();
      await runs.close();
      await writes.close();
      await handle.close();
      await opened.close();
    },
  };
}

/** The configured object types of the application's schema. @throws ConnectorError naming what is not there. */
export function selectSchema(schema: Schema, configuration: ConnectorConfiguration): Schema {
  const known = new Map(schema.objectTypes.map((type) => [type.name, type]));
  const selected = everyProblem(configuration.objectTypes, (wanted): SchemaObjectType => {
    const type = known.get(wanted.objectType);
    if (type === undefined)
      throw new ConnectorError('invalid-configuration', `the application has no object type "${wanted.objectType}"; it has ${[...known.keys()].join(', ')}`);
    const excluded = new Set(wanted.excluded);
    const name = uniqueNameOf(wanted);
    const attributes = type.attributes.filter((attribute) => attribute.anchor || !excluded.has(attribute.name));
    return { ...type, attributes: attributes.map((one) => (one.name === name && one.type === 'string' && !one.multiValued ? { ...one, unique: true } : one)) };
  });
  return { objectTypes: selected };
}

/** The attribute that names groups: clients find a group by its name, so there is one of each, whatever the application allows (S-175). */
function uniqueNameOf(wanted: ConnectorConfiguration['objectTypes'][number]): string | undefined {
  if (wanted.resourceType !== 'Group' || wanted.sameDisplayNames === true) return undefined;
  return wanted.mapping.find((one) => one.scim.toLowerCase() === 'displayname')?.attribute;
}

/** Paths that SCIM has a meaning for (S-014). */
const RESERVED = ['bulk', 'me', 'schemas', 'resourcetypes', 'serviceproviderconfig', 'v1', 'v2'];

export function buildModels(
  face: Face,
  configuration: ConnectorConfiguration,
  objectTypes: ReadonlyMap<string, CompiledObjectType>,
  description: ConnectorDescription,
): readonly ResourceModel[] {
  const taken = new Set(RESERVED);
  return everyProblem(configuration.objectTypes, (wanted) => {
    const type = objectTypes.get(wanted.objectType);
    const endpoint = wanted.endpoint.toLowerCase();
    if (taken.has(endpoint))
      throw new ConnectorError('invalid-configuration', `the endpoint "${wanted.endpoint}" is SCIM's own or that of another type; choose another one`);
    taken.add(endpoint);
    if (type === undefined) throw new ConnectorError('invalid-configuration', `the object type "${wanted.objectType}" is not selected`);
    return buildResourceModel(face, configuration.name, type, wanted, description.capabilities, configuration.objectTypes);
  });
}

/** What clients look up by is indexed without being asked (S-094). */
const LOOKED_UP = new Set(['username', 'externalid', 'displayname', 'emails', 'employeenumber']);

function chooseQueryable(
  configuration: ConnectorConfiguration,
  objectTypes: ReadonlyMap<string, CompiledObjectType>,
  models: readonly ResourceModel[],
): Readonly<Record<string, readonly string[]>> {
  const result: Record<string, readonly string[]> = {};
  for (const wanted of configuration.objectTypes) {
    const type = objectTypes.get(wanted.objectType);
    const model = models.find((one) => one.objectType.name === wanted.objectType);
    if (type === undefined || model === undefined) continue;
    const names = new Set(wanted.queryable);
    for (const attribute of type.definition.attributes) if (attribute.unique || attribute.anchor) names.add(attribute.name);
    for (const binding of model.bindings)
      if (LOOKED_UP.has(binding.attribute.toLowerCase()) && binding.extension?.includes(':landbridge:') !== true && binding.source.type !== 'reference')
        names.add(binding.source.name);
    result[wanted.objectType] = [...names];
  }
  return result;
}

/** What imports leave out, by object type. @throws ConnectorError for an attribute that is not there. */
function leaveOutFilters(configuration: ConnectorConfiguration, objectTypes: ReadonlyMap<string, CompiledObjectType>): NonNullable<Selection['leaveOut']> {
  return Object.fromEntries(
    configuration.objectTypes.flatMap(({ objectType, leaveOut }) => {
      const type = objectTypes.get(objectType);
      const filter = type === undefined ? undefined : compileLeaveOut(type, leaveOut);
      return filter === undefined ? [] : [[objectType, filter]];
    }),
  );
}

function storeModel(
  configuration: ConnectorConfiguration,
  objectTypes: ReadonlyMap<string, CompiledObjectType>,
  description: ConnectorDescription,
  queryable: Readonly<Record<string, readonly string[]>>,
  scope: Scope,
): StoreModel {
  const { capabilities } = description;
  return {
    connector: configuration.name,
    normalizations: capabilities.normalizations,
    ...(capabilities.objectConfirmation === 'normal' ? {} : { objectConfirmation: capabilities.objectConfirmation }),
    referenceForm: capabilities.distinguishedNameStyle === 'none' ? 'anchor' : 'dn',
    ...(capabilities.dnAsAnchor && [...objectTypes.values()].every((type) => type.anchor.length === 0) ? { dnAsAnchor: true } : {}),
    ...(scope.isWhole ? {} : { scope: scope.text }),
    objectTypes: [...objectTypes.values()].map((type) => ({
      name: type.name,
      attributes: type.definition.attributes.map((attribute) => ({
        ...(isAccountName(configuration.objectTypes, type.name, attribute.name) ? { accountName: true as const } : {}),
        name: attribute.name,
        type: attribute.type,
        multiValued: attribute.multiValued === true,
        caseExact: attribute.caseExact === true || attribute.type !== 'string',
        queryable: queryable[type.name]?.includes(attribute.name) === true,
        unique: attribute.unique === true,
        exportOnly: attribute.direction === 'export-only',
        ...(attribute.referenceTypes === undefined ? {} : { referenceTypes: attribute.referenceTypes }),
      })),
    })),
  };
}
