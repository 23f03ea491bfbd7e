import { setTimeout as delay } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { type CompiledObjectType, messageOf, type Partition } from '@landbridge/connector-sdk';
import {
  type ConnectorReader,
  type ConnectorStore,
  type ImportCounts,
  noCounts,
  type RemovalPlan,
  type RunResult,
  type RunRow,
  type StepKind,
  StoreOwnerError,
  StoreUnavailableError,
} from '@landbridge/store';
import type { ConnectorConfiguration, RunProfile, RunStepDefinition } from '../configuration.ts';
import type { ConnectorDescription, ConnectorHandle, ImportOutcome } from '../connector-host/connector-handle.ts';
import { elapsed } from '../elapsed.ts';
import { type ActiveRun, HostError, type HostLog, type RunProgress } from '../host.ts';
import { isNamed, type Scope } from '../scope.ts';
import { exceedsThreshold } from './deletion-threshold.ts';
import type { FullExport } from './full-export.ts';
import type { ReExport } from './re-export.ts';

/**
 * Runs: one at a time for each connector (R18).
 *
 * 1. Only a complete step removes, and only below the threshold; above it the step is held (R23).
 * 2. A watermark is kept only from a complete step that was not held (R24).
 * 3. A delta without a watermark, or whose watermark is lost, becomes a full import.
 * 4. A run always ends with a result, whatever happened to it.
 * 5. Nothing is removed before every partition of the run was read, and what a run did not find in its own not before the others were
 *    read since: what has moved from one to another is not gone (R23).
 */
export interface RunController {
  start(profile: string, startedBy: string): Promise<ActiveRun>;
  readonly active: ActiveRun | undefined;
  decide(runId: number, decision: 'approved' | 'rejected', by: string): Promise<{ readonly removed: number }>;
  /** Finishes approved removals that a crash cut off: to be called once, at open. */
  finishApproved(): Promise<void>;
  close(): Promise<void>;
}

export interface RunControllerOptions {
  readonly configuration: ConnectorConfiguration;
  readonly description: ConnectorDescription;
  readonly scope: Scope;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly handle: Pick<ConnectorHandle, 'runImport'>;
  readonly store: ConnectorStore;
  readonly reader: Pick<ConnectorReader, 'readRun' | 'readApprovedHolds' | 'readWatermark'>;
  readonly log: HostLog;
  readonly now: () => number;
  connectPort(): MessagePort;
  /** What a full import does not show stays: the connector is behind (R5). */
  keepsAbsent(): boolean;
  /** Writes in doubt that an import settled (R14). */
  readonly fullExport: FullExport;
  /** Exports again what an application did not keep (R20); absent: the owner did not opt in. */
  readonly reExport?: ReExport;
  onSettled(journalIds: readonly number[], passwords: readonly number[]): void;
  /** A complete full import of a partition, begun at this time, has ended: what it did not show was not there (R14). */
  onImported(startedAt: number, partition: string): void;
}

interface StepPlan {
  readonly kind: StepKind;
  readonly partition: Partition | undefined;
  readonly pageSize: number;
}

interface StepResult {
  readonly result: RunResult;
  readonly counts: ImportCounts;
}

/** An import step that was read, and has not ended. */
interface ReadStep {
  readonly stepId: number;
  readonly kind: 'full' | 'delta';
  readonly partition: string;
  readonly startedAt: number;
  readonly outcome: ImportOutcome;
  readonly lost: boolean;
  readonly meter: Meter;
}

/** Makes the run controller of a connector. */
export function createRunController(options: RunControllerOptions): RunController {
  const { configuration, store, reader, log, now } = options;
  let active: ActiveRun | undefined;
  let cancelActive = (): void => {};
  const closing = new AbortController();

  async function start(profileName: string, startedBy: string): Promise<ActiveRun> {
    if (active !== undefined)
      throw new HostError(
        'run-active',
        `the connector "${configuration.name}" already runs "${active.profile}" (run ${active.runId}); wait for it, or cancel it`,
      );
    const profile = configuration.runProfiles.find((one) => one.name === profileName);
    if (profile === undefined)
      throw new HostError(
        'unknown-profile',
        `the connector "${configuration.name}" has no run profile "${profileName}"; it has ${configuration.runProfiles.map((one) => one.name).join(', ')}`,
      );
    // Says what the profile asks for and cannot have, before there is a run.
    const plans = profile.steps.flatMap((step) => planSteps(step, options));
    if (plans.some((plan) => plan.kind !== 'full-export') && !options.description.capabilities.import)
      throw new HostError('unknown-profile', `the connector "${configuration.name}" cannot import`);
    const reserved = reserve(profile.name);
    try {
      const { runId } = await store.beginRun({ profile: profile.name, startedBy, at: now() });
      return begin(runId, profile, plans, startedBy, reserved);
    } catch (error) {
      active = undefined;
      throw error;
    }
  }

  /** Takes the one place for a run before the first await, so that two starts cannot both get it. */
  function reserve(profile: string): { resolve(row: RunRow): void; readonly ended: Promise<RunRow> } {
    let resolve = (_: RunRow): void => {};
    const ended = new Promise<RunRow>((done) => {
      resolve = done;
    });
    active = { runId: 0, profile, progress: undefined, ended, onProgress: () => () => {}, cancel: () => {} };
    return { resolve: (row) => resolve(row), ended };
  }

  function begin(
    runId: number,
    profile: RunProfile,
    plans: readonly StepPlan[],
    startedBy: string,
    reserved: { resolve(row: RunRow): void; readonly ended: Promise<RunRow> },
  ): ActiveRun {
    const listeners = new Set<(progress: RunProgress) => void>();
    let progress: RunProgress | undefined;
    let cancelled = false;
    let cancelStep = (): void => {};
    const run: ActiveRun = {
      runId,
      profile: profile.name,
      get progress() {
        return progress;
      },
      ended: reserved.ended,
      onProgress(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      cancel() {
        cancelled = true;
        cancelStep();
      },
    };
    active = run;
    cancelActive = run.cancel;
    const report = (next: RunProgress): void => {
      progress = next;
      for (const listener of listeners) listener(next);
    };
    void execute();
    return run;

    async function execute(): Promise<void> {
      let result: RunResult = 'failed';
      try {
        result = await runSteps();
      } catch (error) {
        log.error({ run: runId, reason: messageOf(error) }, 'a run failed');
      }
      await storeEnd(runId, result);
      active = undefined;
      if (!closing.signal.aborted) void options.reExport?.();
      const row = await reader.readRun(runId).catch(() => undefined);
      log.info({ run: runId, profile: profile.name, result }, 'a run ended');
      reserved.resolve(row ?? { id: runId, profile: profile.name, startedBy: '', startedAt: 0, endedAt: now(), result, steps: [], held: undefined });
    }

    async function runSteps(): Promise<RunResult> {
      const results: RunResult[] = [];
      const read: ReadStep[] = [];
      const endRead = async (): Promise<void> => {
        const whole = read.filter((step) => step.outcome.complete).map((step) => step.partition);
        const unread = options.scope.partitions.map((partition) => partition.id).filter((id) => !whole.includes(id));
        for (const step of read.splice(0)) results.push((await endImport(runId, step, unread)).result);
      };
      for (const [index, plan] of plans.entries()) {
        if (cancelled) {
          results.push('cancelled');
          break;
        }
        const context: StepContext = {
          index,
          startedBy,
          count: plans.length,
          report,
          onCancel: (cancel) => (cancelStep = cancel),
          isCancelled: () => cancelled,
        };
        if (plan.kind === 'full-export') {
          await endRead();
          if (results.some(isEnd)) break;
          results.push((await exportStep(runId, plan, context)).result);
          if (results.some(isEnd)) break;
        } else {
          const step = await readStep(runId, { ...plan, kind: plan.kind }, context);
          read.push(step);
          if (isEnd(resultOf(step))) break;
        }
      }
      await endRead();
      return worst(results);
    }
  }

  /** A run whose end is not stored would look as if it went on: while the store is not available, it is tried again. */
  async function storeEnd(runId: number, result: RunResult): Promise<void> {
    for (let wait = 500; ; wait = Math.min(2 * wait, 10_000)) {
      try {
        await store.endRun(runId, result);
        await store.checkpoint();
        return;
      } catch (error) {
        log.error({ run: runId, reason: messageOf(error) }, 'the end of a run could not be stored');
        // Whoever opens the connector next ends it.
        if (closing.signal.aborted || !(error instanceof StoreUnavailableError) || error instanceof StoreOwnerError) return;
        await delay(wait, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      }
    }
  }

  interface StepContext {
    readonly index: number;
    readonly count: number;
    readonly startedBy: string;
    report(progress: RunProgress): void;
    onCancel(cancel: () => void): void;
    isCancelled(): boolean;
  }

  async function readStep(runId: number, plan: StepPlan & { readonly kind: 'full' | 'delta' }, context: StepContext): Promise<ReadStep> {
    const first = await readImport(runId, plan, context);
    if (!first.lost) return first;
    await endImport(runId, first, []);
    log.warn({ run: runId }, 'the watermark is lost; a full import follows');
    return readImport(runId, { ...plan, kind: 'full' }, context);
  }

  async function exportStep(runId: number, plan: StepPlan, context: StepContext): Promise<StepResult> {
    const partition = plan.partition?.id ?? '';
    const { stepId } = await store.beginStep({ runId, kind: plan.kind, partition, objectTypes: [...options.objectTypes.keys()], at: now() });
    const meter = createMeter(runId, plan.kind, partition, context);
    const outcome = await options.fullExport.run({
      runId,
      partition,
      startedBy: context.startedBy,
      progress: (entries, errors) => meter.show('exporting', entries, undefined, { ...noCounts, updated: entries }, errors),
      isCancelled: context.isCancelled,
    });
    const counts = { ...noCounts, updated: outcome.entries };
    const result: RunResult = context.isCancelled() ? 'cancelled' : outcome.errorCount > 0 ? 'completed-with-errors' : 'success';
    await store.endStep(stepId, { result, counts, errors: outcome.errors, errorCount: outcome.errorCount, at: now() });
    meter.show('ended', outcome.entries, undefined, counts, outcome.errorCount);
    return { result, counts };
  }

  async function readImport(runId: number, wanted: StepPlan & { readonly kind: 'full' | 'delta' }, context: StepContext): Promise<ReadStep> {
    const partition = wanted.partition?.id ?? '';
    const types = [...options.objectTypes.keys()];
    const startedAt = elapsed();
    const kind = wanted.kind === 'delta' && (await reader.readWatermark(partition)) === undefined ? 'full' : wanted.kind;
    const keepsDrifts = options.reExport !== undefined;
    const step = await store.beginStep({ runId, kind, partition, objectTypes: types, keepsDrifts, at: now() });
    const meter = createMeter(runId, kind, partition, context);
    const outcome = await drive(step, { ...wanted, kind }, context, meter);
    return { stepId: step.stepId, kind, partition, startedAt, outcome, lost: kind === 'delta' && outcome.error?.code === 'watermark-lost', meter };
  }

  /** Removes what a step of the run did not show, or holds that, and ends the step with its watermark. */
  async function endImport(runId: number, step: ReadStep, unread: readonly string[]): Promise<StepResult> {
    const { kind, partition, startedAt, outcome, meter } = step;
    const keepsAbsent = kind === 'full' && options.keepsAbsent();
    const planned = await store.planRemovals(step.stepId, { complete: outcome.complete, unread });
    const waiting = planned.reduce((sum, plan) => sum + (plan.waiting ?? 0), 0);
    const plans = keepsAbsent ? planned.map((plan) => ({ ...plan, removals: 0 })) : planned;
    const reason = outcome.complete ? exceedsThreshold(plans, outcome.entries, kind, configuration.deletionThreshold) : undefined;
    if (reason !== undefined) {
      await removeUnshown(step.stepId);
      await store.endStep(step.stepId, { ...endOf(outcome, 'held'), at: now(), hold: { reason } });
      log.warn({ run: runId, reason }, 'a run is held');
      return { result: 'held', counts: outcome.counts };
    }
    await removeUnshown(step.stepId);
    const removed = await remove(step.stepId, plans, meter);
    const counts = { ...outcome.counts, removed, ...(waiting === 0 ? {} : { waiting }) };
    const result = resultOf(step);
    await store.endStep(step.stepId, {
      ...endOf({ ...outcome, counts }, result),
      at: now(),
      ...(outcome.complete && outcome.watermark !== undefined ? { watermark: outcome.watermark } : {}),
    });
    if (kind === 'full' && result === 'success') options.onImported(startedAt, partition);
    meter.show('ended', outcome.entries, undefined, counts, outcome.errorCount);
    return { result, counts };
  }

  async function drive(
    step: { readonly stepId: number; readonly watermark?: string },
    plan: StepPlan & { readonly kind: 'full' | 'delta' },
    context: StepContext,
    meter: Meter,
  ): Promise<ImportOutcome> {
    meter.show('opening', 0, undefined, noCounts, 0);
    const { included, excluded } = options.scope.containersOf(plan.partition);
    const control = options.handle.runImport(
      {
        stepId: step.stepId,
        kind: plan.kind,
        ...(plan.partition === undefined ? {} : { partition: plan.partition }),
        included,
        excluded,
        pageSize: plan.pageSize,
        fullObjects: options.description.capabilities.fullObjects === true,
        ...(plan.kind === 'delta' && step.watermark !== undefined ? { watermark: step.watermark } : {}),
        storePort: options.connectPort(),
        errorLimit: configuration.limits.runErrors,
        hardLimitMilliseconds: configuration.limits.hardLimitSeconds * 1000,
        cancelMilliseconds: configuration.limits.callSeconds * 1000,
      },
      {
        progress: (progress) => meter.show('reading', progress.entries, progress.total, progress.counts, progress.errorCount),
        notReimported(reports) {
          log.warn({ reports: reports.slice(0, 20).map(({ drift: _, ...report }) => report), count: reports.length }, 'exported values were not reimported');
        },
        settled: options.onSettled,
      },
    );
    context.onCancel(control.cancel);
    if (context.isCancelled()) control.cancel();
    return control.done;
  }

  /** What mode shadow created and nobody else did (R31): no removal, for it never was there. */
  async function removeUnshown(stepId: number): Promise<void> {
    for (let done = false; !done; ) ({ done } = await store.removeUnshown(stepId));
  }

  async function remove(stepId: number, plans: readonly RemovalPlan[], meter: Meter): Promise<number> {
    if (plans.every((plan) => plan.removals === 0)) return 0;
    let removed = 0;
    for (let done = false; !done; ) {
      const chunk = await store.removeChunk(stepId);
      removed += chunk.removed;
      done = chunk.done;
      meter.show('removing', removed, undefined, noCounts, 0);
    }
    return removed;
  }

  async function decide(runId: number, decision: 'approved' | 'rejected', by: string): Promise<{ readonly removed: number }> {
    const row = await reader.readRun(runId);
    if (row === undefined) throw new HostError('unknown-run', `there is no run ${runId}`);
    if (row.held?.decision !== 'waiting') throw new HostError('not-held', `run ${runId} has no removals that wait for approval`);
    await store.decideHeld(runId, decision, by);
    const removed = decision === 'rejected' ? 0 : await removeHeld(runId);
    log.warn({ run: runId, decision, by, removed }, 'held removals were decided');
    return { removed };
  }

  async function removeHeld(runId: number): Promise<number> {
    let removed = 0;
    for (let done = false; !done; ) {
      const chunk = await store.removeHeldChunk(runId);
      removed += chunk.removed;
      done = chunk.done;
    }
    return removed;
  }

  async function finishApproved(): Promise<void> {
    for (const runId of await reader.readApprovedHolds()) log.warn({ run: runId, removed: await removeHeld(runId) }, 'approved removals were finished');
  }

  return {
    start,
    decide,
    finishApproved,
    get active() {
      return active;
    },
    async close() {
      closing.abort();
      cancelActive();
      await active?.ended;
    },
  };
}

function planSteps(step: RunStepDefinition, options: RunControllerOptions): readonly StepPlan[] {
  const { capabilities } = options.description;
  if (step.kind === 'full-export' && !(capabilities.fullExport && capabilities.export && options.configuration.mode === 'live'))
    throw new HostError('invalid-configuration', `the connector "${options.configuration.name}" cannot run a full export`);
  const imported = step.kind === 'delta-import' && capabilities.deltaImport ? 'delta' : 'full';
  const kind = step.kind === 'full-export' ? step.kind : imported;
  const pageSize = Math.min(step.pageSize ?? capabilities.importDefaultPage, capabilities.importMaxPage);
  const { partitions } = options.scope;
  if (partitions.length === 0) return [{ kind, partition: undefined, pageSize }];
  const wanted = step.partition;
  const selected = wanted === undefined ? partitions : options.description.partitions.filter((partition) => isNamed(partition, wanted));
  if (selected.length === 0) {
    const known = partitions.map((partition) => partition.name).join(', ');
    throw new HostError('invalid-configuration', `the run profile names the partition "${wanted ?? ''}", which the connector does not have; it has ${known}`);
  }
  return selected.map((partition) => ({ kind, partition, pageSize }));
}

/** How a step ends whose removals are not held. */
function resultOf({ lost, outcome }: ReadStep): RunResult {
  if (lost) return 'interrupted';
  if (outcome.cancelled) return 'cancelled';
  if (outcome.error !== undefined) return 'failed';
  return outcome.errorCount > 0 || !outcome.complete ? 'completed-with-errors' : 'success';
}

/** Whether the run goes no further after a step with this result. */
function isEnd(result: RunResult): boolean {
  return result === 'failed' || result === 'cancelled';
}

function endOf(
  outcome: ImportOutcome,
  result: RunResult,
): { readonly result: RunResult; readonly counts: ImportCounts; readonly errors: ImportOutcome['errors']; readonly errorCount: number } {
  const failure = outcome.error === undefined ? [] : [{ entry: '', error: outcome.error }];
  return { result, counts: outcome.counts, errors: [...failure, ...outcome.errors], errorCount: outcome.errorCount + failure.length };
}

const SEVERITY: Readonly<Record<RunResult, number>> = {
  success: 0,
  'completed-with-errors': 1,
  held: 2,
  interrupted: 3,
  cancelled: 4,
  failed: 5,
};

function worst(results: readonly RunResult[]): RunResult {
  return results.reduce<RunResult>((worstResult, result) => (SEVERITY[result] > SEVERITY[worstResult] ? result : worstResult), 'success');
}

interface Meter {
  show(phase: RunProgress['phase'], entries: number, total: number | undefined, counts: ImportCounts, errors: number): void;
}

function createMeter(runId: number, kind: StepKind, partition: string, context: StepContextLike): Meter {
  const startedAt = elapsed();
  return {
    show(phase, entries, total, counts, errors) {
      const seconds = Math.max(0.001, (elapsed() - startedAt) / 1000);
      context.report({
        runId,
        step: context.index + 1,
        steps: context.count,
        kind: kind === 'full-export' ? kind : kind === 'full' ? 'full-import' : 'delta-import',
        partition,
        phase,
        entries,
        total,
        added: counts.added,
        updated: counts.updated,
        unchanged: counts.unchanged,
        removed: counts.removed,
        errors,
        entriesPerSecond: Math.round(entries / seconds),
      });
    },
  };
}

interface StepContextLike {
  readonly index: number;
  readonly count: number;
  report(progress: RunProgress): void;
}
