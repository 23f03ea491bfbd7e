import type { Capabilities, CompiledObjectType } from '@landbridge/connector-sdk';
import type { ConnectorReader, ConnectorStore } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorHandle } from './connector-host/connector-handle.ts';
import type { HostLog } from './host.ts';
import type { Scope } from './scope.ts';
import { createEntryLocks, type EntryLocks } from './writes/entry-locks.ts';
import { createPasswordSeal } from './writes/password-seal.ts';
import { type PlannedWrite, reviveWrite, type WriteAnswer } from './writes/planned-write.ts';
import { createRepeats } from './writes/repeats.ts';
import { createSettlement, type Settlement } from './writes/settlement.ts';
import { createWritePipeline } from './writes/write-pipeline.ts';

/** All writes of one connector: pipeline, settlement, locks and repeats, put together. */
export interface ConnectorWrites {
  readonly locks: EntryLocks;
  readonly settlement: Settlement;
  /**
   * Runs one request's write, joining a repeat of it (R16). `plan` runs under the lock of the entry, if one is given; the
   * lock is given back when the write has its result or is in doubt.
   */
  perform(key: string, entryId: number | undefined, plan: () => Promise<PlannedWrite | WriteAnswer>): Promise<WriteAnswer>;
  close(): Promise<void>;
}

export interface ConnectorWritesOptions {
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
  requestImport(): void;
}

/** Puts the writes of a connector together and takes up what an earlier process left open (R12, R14). */
export async function openConnectorWrites(options: ConnectorWritesOptions): Promise<ConnectorWrites> {
  const { configuration, store, reader, log, now } = options;
  const seal = createPasswordSeal(options.sealingKey, configuration.name);
  const locks = createEntryLocks();
  const repeats = createRepeats<WriteAnswer>();
  const pipeline = createWritePipeline({
    store,
    handle: options.handle,
    capabilities: options.capabilities,
    configuration,
    scope: options.scope,
    objectTypes: options.objectTypes,
    log,
    now,
    seal: seal.seal,
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
    resend: pipeline.resend,
    conclude: pipeline.conclude,
    requestImport: options.requestImport,
  });

  for (const row of await reader.readOpenJournal()) {
    const password = row.sealed === undefined ? undefined : seal.open(row.sealed);
    // A repeat of the request joins the settling of the write it repeats.
    void repeats.join(
      row.request.key,
      () =>
        new Promise<WriteAnswer>((resolve) => {
          const write = reviveWrite(row, password, { answer: resolve, doubted: () => {} });
          settlement.take(write, { code: 'connection-dropped', message: 'the host stopped before the outcome was known' });
        }),
    );
  }

  async function perform(key: string, entryId: number | undefined, plan: () => Promise<PlannedWrite | WriteAnswer>): Promise<WriteAnswer> {
    return repeats.join(key, async () => {
      const release = entryId === undefined ? () => {} : await locks.acquire(entryId);
      try {
        const planned = await plan();
        if ('status' in planned) return planned;
        return await pipeline.submit(planned, release);
      } finally {
        release();
      }
    });
  }

  return {
    locks,
    settlement,
    perform,
    async close() {
      settlement.close();
      await pipeline.close();
    },
  };
}
