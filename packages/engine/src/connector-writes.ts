import { type Capabilities, type CompiledObjectType, type EncodedAttributes, toErrorData } from '@landbridge/connector-sdk';
import { type ConnectorReader, type ConnectorStore, type EntryRow, type JournalRow, PASSWORD_METHOD } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorHandle, EncodedIdentity } from './connector-host/connector-handle.ts';
import { elapsed } from './elapsed.ts';
import type { HostLog, OpenConnectorOptions } from './host.ts';
import type { Scope } from './scope.ts';
import { createEntryLocks, type EntryLocks } from './writes/entry-locks.ts';
import { createHeldWrites, type HeldWrites } from './writes/held-writes.ts';
import { createMassChangeGuard, MASS_CHANGE_WINDOW, type MassChangeGuard, noGuard } from './writes/mass-change-guard.ts';
import { createPasswordSeal } from './writes/password-seal.ts';
import { pickAnchor } from './writes/plan-write.ts';
import { type PlannedWrite, reviveWrite, type WriteAnswer, type WriteInFlight } from './writes/planned-write.ts';
import { createRepeats } from './writes/repeats.ts';
import { createSecretValues, withoutSecrets } from './writes/secret-values.ts';
import { createSettlement, type Settlement } from './writes/settlement.ts';
import { isShadow, toShadowWrite } from './writes/shadow.ts';
import { createWritePipeline } from './writes/write-pipeline.ts';

/** All writes of one connector: pipeline, settlement, locks and repeats, put together. */
export interface ConnectorWrites {
  readonly locks: EntryLocks;
  readonly settlement: Settlement;
  readonly held: HeldWrites;
  readonly guard: MassChangeGuard;
  /**
   * Runs one request's write, joining a repeat of it (R16). `plan` runs under the lock of the entry, if one is given; the
   * lock is given back when the write has its result or is in doubt.
   */
  perform(key: string, entryId: number | undefined, plan: () => Promise<PlannedWrite | WriteAnswer>, onIntended?: () => void): Promise<WriteAnswer>;
  /** An import settled these writes (R14); the passwords of some go on in rows of their own. */
  settledByImport(journalIds: readonly number[], passwords: readonly number[]): void;
  close(): Promise<void>;
}

export interface ConnectorWritesOptions {
  readonly alert: OpenConnectorOptions['alert'];
  readonly configuration: ConnectorConfiguration;
  readonly handle: ConnectorHandle;
  readonly capabilities: Capabilities;
  readonly scope: Scope;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly store: ConnectorStore;
  readonly reader: ConnectorReader;
  readonly sealingKey: Uint8Array;
  readonly log: HostLog;
  readonly now: () => number;
  /** The connector is behind (R5). */
  paused(): boolean;
  requestImport(): void;
}

/** Puts the writes of a connector together and takes up what an earlier process left open (R12, R14). */
export async function openConnectorWrites(options: ConnectorWritesOptions): Promise<ConnectorWrites> {
  const { configuration, store, reader, log, now } = options;
  const seal = createPasswordSeal(options.sealingKey, configuration.name);
  const secrets = createSecretValues(createPasswordSeal(options.sealingKey, `${configuration.name} values`), options.objectTypes);
  const locks = createEntryLocks();
  const repeats = createRepeats<WriteAnswer>();
  const pipeline = createWritePipeline({
    store,
    reader,
    handle: options.handle,
    capabilities: options.capabilities,
    configuration,
    scope: options.scope,
    objectTypes: options.objectTypes,
    log,
    now,
    seal: seal.seal,
    secrets,
    follow: (journalId) => void goOn(journalId),
    settle: (write, error) => settlement.take(write, error),
  });
  const settlement = createSettlement({
    handle: options.handle,
    capabilities: options.capabilities,
    objectTypes: options.objectTypes,
    store,
    reader,
    log,
    now,
    elapsed,
    lingerMilliseconds: (options.capabilities.lingerSeconds ?? configuration.limits.callSeconds) * 1000,
    paused: options.paused,
    resend: pipeline.resend,
    conclude: pipeline.conclude,
    requestImport: options.requestImport,
  });

  const open = await reader.readOpenJournal();
  const held = createHeldWrites(
    { store, reader, now, openPassword: seal.open, send: pipeline.resend },
    open.filter((row) => row.state === 'held'),
  );
  // In mode shadow nothing is taken away from anybody.
  const guard = configuration.mode === 'shadow' ? noGuard : await openGuard(options);

  for (const row of open) {
    // Nothing was sent of a held write: there is nothing to look for.
    if (row.state === 'held') continue;
    const revive = await prepareRevival(row);
    if (isShadow(JSON.parse(row.steps) as PlannedWrite['steps'])) {
      recordLate(revive(() => {}));
      continue;
    }
    // A repeat of the request joins the settling of the write it repeats.
    void repeats.join(
      row.request.key,
      () =>
        new Promise<WriteAnswer>((resolve) =>
          settlement.take(revive(resolve), { code: 'connection-dropped', message: 'the host stopped before the outcome was known' }),
        ),
    );
  }

  /** A crash came between the intent and the result of a write that is not to be sent (R31). */
  function recordLate(write: WriteInFlight): void {
    if (configuration.mode === 'shadow') pipeline.resend(write);
    else pipeline.conclude(write, { state: 'refused', error: { code: 'entry-failed', message: 'the connector was in mode shadow: nothing was sent' } });
  }

  async function prepareRevival(row: JournalRow): Promise<(answer: (answer: WriteAnswer) => void) => WriteInFlight> {
    const password = row.sealed === undefined ? undefined : seal.open(row.sealed);
    const entry = row.request.method === PASSWORD_METHOD ? identityOf(await reader.readEntry(row.entryId), options.objectTypes) : undefined;
    return (answer) => reviveWrite(row, password, { answer, doubted: () => {} }, entry);
  }

  /** Sends the password of a write that is applied otherwise. */
  async function goOn(journalId: number): Promise<void> {
    try {
      const row = await reader.readJournalRow(journalId);
      if (row === undefined) throw new Error(`there is no journal row ${journalId}`);
      const revive = await prepareRevival(row);
      pipeline.resend(revive(() => {}));
    } catch (error) {
      // The row is open: the next start takes it up.
      log.error({ journal: journalId, reason: toErrorData(error).message }, 'a password waits for a restart of the connector');
    }
  }

  async function perform(
    key: string,
    entryId: number | undefined,
    plan: () => Promise<PlannedWrite | WriteAnswer>,
    onIntended?: () => void,
  ): Promise<WriteAnswer> {
    return repeats.join(key, async () => {
      const release = entryId === undefined ? () => {} : await locks.acquire(entryId);
      try {
        const waiting = entryId === undefined ? undefined : held.of(entryId);
        if (waiting?.key === key) return { status: 'held', journalId: waiting.journalId, transaction: waiting.transaction };
        const wanted = await plan();
        if (entryId !== undefined && waiting !== undefined) await held.withdraw(entryId, 'status' in wanted ? 'client' : wanted.request.credential);
        if ('status' in wanted) return wanted;
        if (configuration.mode === 'shadow') return await pipeline.submit(toShadowWrite(wanted, options.objectTypes), release, onIntended);
        const planned = secrets.seal(wanted);
        const admitted = await guard.admit(planned);
        if (admitted !== undefined) {
          const answer = await pipeline.submit(planned, release, onIntended).catch((error: unknown) => {
            admitted.takeBack();
            throw error;
          });
          if (answer.status !== 'applied') admitted.takeBack();
          return answer;
        }
        const answer = await pipeline.submit({ ...planned, held: true }, release);
        if (answer.status === 'held' && entryId !== undefined) held.add(entryId, { journalId: answer.journalId, key, transaction: answer.transaction });
        options.alert?.('mass-change', planned.request.credential);
        log.warn({ objectType: planned.objectType, kind: planned.audit.action, held: held.size }, 'a write is held: more is taken away than usual');
        return answer;
      } finally {
        release();
      }
    });
  }

  return {
    locks,
    settlement,
    held,
    guard,
    perform,
    settledByImport(journalIds, passwords) {
      const later = (error: unknown): void => log.warn({ reason: toErrorData(error).message }, 'writes that an import settled are taken up later');
      void settlement.settledByImport(journalIds).catch(later);
      for (const journalId of passwords) void goOn(journalId);
    },
    async close() {
      settlement.close();
      await pipeline.close();
    },
  };
}

/** Whose password it is: what the space knows of the entry. */
function identityOf(row: EntryRow | undefined, objectTypes: ReadonlyMap<string, CompiledObjectType>): EncodedIdentity | undefined {
  const type = row === undefined ? undefined : objectTypes.get(row.objectType);
  if (row === undefined || type === undefined) return undefined;
  const known = Object.fromEntries(Object.entries(JSON.parse(row.body) as EncodedAttributes).filter(([name]) => type.attributes.has(name)));
  const attributes = withoutSecrets(type, known);
  const anchor = pickAnchor(type, attributes);
  return { objectType: row.objectType, ...(Object.keys(anchor).length === 0 ? {} : { anchor }), ...(row.dn === undefined ? {} : { dn: row.dn }), attributes };
}

/** The guard, with what passed within its window before the host was restarted. */
async function openGuard({ configuration, reader, now }: ConnectorWritesOptions): Promise<MassChangeGuard> {
  if (configuration.massChange === undefined) return noGuard;
  const guard = createMassChangeGuard({
    threshold: configuration.massChange,
    now,
    elapsed,
    countEntries: (objectType) => reader.countEntries(objectType),
    countReferences: (entryId, attribute, atMost) => reader.countReferences(entryId, attribute, atMost),
  });
  const since = now() - MASS_CHANGE_WINDOW;
  for (let before: number | undefined, more = true; more; ) {
    const page = await reader.readAudit({ limit: 1000, ...(before === undefined ? {} : { before }) });
    for (const { action, objectType, result, at } of page)
      if ((action === 'delete' || action === 'disable') && result === 'applied' && objectType !== undefined && at > since)
        guard.remember({ objectType, kind: action, at });
    const last = page.at(-1);
    before = last?.id;
    more = last !== undefined && last.at > since;
  }
  return guard;
}
