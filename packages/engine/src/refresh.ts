import { type Capabilities, type CompiledObjectType, type EntryFilter, toErrorData } from '@landbridge/connector-sdk';
import type { ConnectorReader, ConnectorStore } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorHandle } from './connector-host/connector-handle.ts';
import { prepareEncoded, prepareType } from './connector-host/prepare-entry.ts';
import type { HostLog } from './host.ts';
import type { RunController } from './runs/run-controller.ts';
import type { Scope } from './scope.ts';

/** A unique value that the application says somebody has. */
type Claimed = { readonly attribute: string; readonly key: string };

/**
 * Brings in what the application has and the space lacks (R15): by a live look-up, else by a delta, else by one full import for all who
 * ask. Whoever asks while an import is under way gets another one after it: what that one has read already may be older.
 */
export interface Refresh {
  refresh(objectType: string, claims: readonly Claimed[]): Promise<void>;
  /** Asks for a full import: settling needs one (R14). */
  requestImport(): void;
  close(): void;
}

/** Makes it for a connector. */
export function createRefresh(options: {
  readonly configuration: ConnectorConfiguration;
  readonly capabilities: Capabilities;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly scope: Scope;
  readonly handle: Pick<ConnectorHandle, 'find'>;
  readonly store: ConnectorStore;
  readonly reader: Pick<ConnectorReader, 'readByAnchor' | 'query'>;
  readonly runs: Pick<RunController, 'active' | 'start'>;
  readonly log: HostLog;
  readonly now: () => number;
}): Refresh {
  const { configuration, capabilities, objectTypes, handle, store, reader, runs, log, now } = options;
  let isQueued = false;
  let closed = false;

  const profileOf = (kind: 'full-import' | 'delta-import'): string | undefined =>
    configuration.runProfiles.find((one) => one.steps.some((step) => step.kind === kind))?.name;

  async function startImport(profile: string, startedBy: string): Promise<void> {
    try {
      await (await runs.start(profile, startedBy)).ended;
    } catch (error) {
      log.info({ profile, reason: toErrorData(error).message }, 'an import that was asked for could not start');
    }
  }

  function requestImport(): void {
    const profile = profileOf('full-import');
    if (profile === undefined || isQueued || closed) return;
    const { active } = runs;
    if (active === undefined) return void startImport(profile, 'settling');
    isQueued = true;
    void active.ended.then(() => {
      isQueued = false;
      if (!closed) void startImport(profile, 'settling');
    });
  }

  /** Without a look-up: a delta is cheap and mostly enough. */
  async function importFor(type: CompiledObjectType, claims: readonly Claimed[]): Promise<void> {
    const delta = capabilities.deltaImport ? profileOf('delta-import') : undefined;
    if (delta === undefined || runs.active !== undefined) return requestImport();
    await startImport(delta, 'uniqueness');
    if (closed || (claims.length > 0 && (await isKnown(type, claims)))) return;
    requestImport();
  }

  async function isKnown(type: CompiledObjectType, claims: readonly Claimed[]): Promise<boolean> {
    const { rows } = await reader.query({ objectType: type.name, filter: filterOf(type, claims), limit: 1, total: false, scanLimit: Number.MAX_SAFE_INTEGER });
    return rows.length > 0;
  }

  /** A look-up is not told where its entries lie: what the space knows of them counts, else their name. */
  async function groupByPartition<Entry extends { readonly anchor: string; readonly dn?: string }>(objectType: string, entries: readonly Entry[]) {
    const groups = new Map<string, Entry[]>();
    const configured = configuration.objectTypes.find((one) => one.objectType === objectType)?.partition;
    for (const entry of entries) {
      const known = await reader.readByAnchor(objectType, entry.anchor);
      const partition = known?.partition ?? options.scope.choose(entry.dn, configured)?.id ?? '';
      groups.set(partition, [...(groups.get(partition) ?? []), entry]);
    }
    return groups;
  }

  return {
    async refresh(objectType, claims) {
      const type = objectTypes.get(objectType);
      if (type === undefined) return;
      if (!capabilities.find || claims.length === 0) {
        importFor(type, claims).catch((error: unknown) => log.warn({ reason: toErrorData(error).message }, 'an existing object could not be imported'));
        return;
      }
      try {
        const { entries } = await handle.find({ objectType, limit: 10, filter: filterOf(type, claims) });
        const prepared = prepareType(type);
        const { runId } = await store.beginRun({ profile: 'look-up', startedBy: 'uniqueness', at: now() });
        for (const [partition, found] of await groupByPartition(objectType, entries)) {
          const { stepId } = await store.beginStep({ runId, kind: 'delta', partition, objectTypes: [objectType], at: now() });
          const { counts } = await store.applyPage(
            stepId,
            found.map((entry) => prepareEncoded(prepared, entry.anchor, entry.dn, entry.attributes)),
          );
          await store.endStep(stepId, { result: 'success', counts, errors: [], errorCount: 0, at: now() });
        }
        await store.endRun(runId, 'success');
      } catch (error) {
        log.warn({ reason: toErrorData(error).message }, 'an existing object could not be looked up');
        requestImport();
      }
    },
    requestImport,
    close() {
      closed = true;
    },
  };
}

/** Who has one of the values, in any case of letters. */
function filterOf(type: CompiledObjectType, claims: readonly Claimed[]): Extract<EntryFilter, { readonly filters: readonly EntryFilter[] }> {
  return {
    kind: 'or',
    filters: claims.map((claim) => ({
      kind: 'compare',
      attribute: claim.attribute,
      comparison: 'equal',
      value: claim.key,
      type: type.attributes.get(claim.attribute)?.type ?? 'string',
      caseExact: false,
    })),
  };
}
