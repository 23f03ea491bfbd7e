import {
  type Capabilities,
  type CompiledObjectType,
  type ConnectorErrorData,
  connectorErrors,
  type EncodedAttributes,
  type Partition,
  readAnchor,
  toErrorData,
} from '@landbridge/connector-sdk';
import {
  type ConnectorStore,
  type EntryEffect,
  type EntryRow,
  type Intent,
  type IntentOutcome,
  reach,
  StoreUnavailableError,
  type WriteResult,
  type WrittenEntry,
} from '@landbridge/store';
import type { ConnectorConfiguration } from '../configuration.ts';
import type { ConnectorHandle, EncodedChange, EncodedIdentity, PutOutcome } from '../connector-host/connector-handle.ts';
import { elapsed } from '../elapsed.ts';
import type { HostLog } from '../host.ts';
import type { Scope } from '../scope.ts';
import { createExportLanes } from './export-lanes.ts';
import { mergeEffects, noEffect, type PlannedWrite, type WriteAnswer, type WriteInFlight, type WriteStep } from './planned-write.ts';
import { type SecretValues, withoutSecrets } from './secret-values.ts';
import { effectOfSteps, isShadow } from './shadow.ts';
import { createSpecialActions, type SpecialActionOptions } from './special-actions.ts';

/**
 * The life of a write.
 *
 * 1. The intent of a write is durable before the connector is called (R12 a, b).
 * 2. Its result is durable before the client is answered (R12 c, d).
 * 3. What is neither applied nor refused for certain is in doubt, and stays so until it is settled (R13, R14).
 * 4. Nothing touches an entry that is in doubt: the store refuses the intent (R14).
 * 5. A write in doubt is never sent again together with others (R13).
 * 6. Group commit: intents that wait while the store is busy become one transaction, and so do results (R2).
 * 7. In mode shadow nothing is sent: the result follows the intent (R31).
 * 8. A failure of the store never becomes an answer of success: an intent that did not commit is refused, a result that
 *    did not commit is in doubt.
 */
export interface WritePipeline {
  /**
   * Submits a write. @throws StoreUnavailableError when its intent could not be made durable: nothing was sent. `onIntended` is called when it is durable, `onDoubt` if its outcome becomes unknown; the promise then resolves once it is settled.
   */
  submit(write: PlannedWrite, onDoubt: () => void, onIntended?: () => void): Promise<WriteAnswer>;
  /** Sends a settled write again, alone, from its next step (R13, R14). */
  resend(write: WriteInFlight): void;
  /** Records the outcome of a write that settling found. */
  conclude(write: WriteInFlight, outcome: { readonly state: 'applied' } | { readonly state: 'refused'; readonly error: ConnectorErrorData }): void;
  /** How many writes have no durable result yet. */
  readonly inFlight: number;
  /** Waits for writes under way, then closes the sessions. */
  close(): Promise<void>;
}

export interface WritePipelineOptions {
  readonly store: Pick<ConnectorStore, 'commitIntents' | 'commitResults'>;
  readonly reader: SpecialActionOptions['reader'];
  readonly handle: Pick<ConnectorHandle, 'openExport' | 'exportBatch' | 'setPassword'>;
  readonly capabilities: Capabilities;
  readonly configuration: ConnectorConfiguration;
  readonly scope: Pick<Scope, 'partition'>;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly log: HostLog;
  readonly now: () => number;
  seal(password: string): string;
  readonly secrets: Pick<SecretValues, 'open'>;
  /** Goes on with the password of a write, which is in a journal row of its own now. */
  follow(journalId: number): void;
  /** Takes over a write whose outcome is unknown. */
  settle(write: WriteInFlight, error: ConnectorErrorData): void;
}

interface Waiting {
  readonly write: PlannedWrite;
  readonly resolve: (answer: WriteAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly onDoubt: () => void;
  readonly onIntended: () => void;
}

interface Finished {
  readonly write: WriteInFlight;
  readonly state: WriteResult['state'];
  readonly error?: ConnectorErrorData;
  readonly passwordLeft?: true;
}

const GROUP = 500;

/** Makes the pipeline of a connector. */
export function createWritePipeline(options: WritePipelineOptions): WritePipeline {
  const { store, handle, configuration, log, now } = options;
  const callMilliseconds = configuration.limits.callSeconds * 1000;
  const waiting: Waiting[] = [];
  const finished: Finished[] = [];
  let inFlight = 0;
  let idle: (() => void)[] = [];

  const commitIntents = groupCommit(waiting, commitIntentGroup);
  const commitResults = groupCommit(finished, commitResultGroup);
  const lanes = createExportLanes<WriteInFlight>({
    handle,
    capabilities: options.capabilities,
    objectTypes: options.objectTypes,
    session: configuration.session,
    callMilliseconds,
    change: (write) => currentChange(write),
    partition: partitionOf,
    full: isFull,
    alone: (write) => write.alone,
    deliver,
    closeFailed: (error) => log.warn({ code: error.code, reason: error.message }, 'an export session closed badly'),
  });

  const actions = createSpecialActions({
    reader: options.reader,
    objectTypes: options.objectTypes,
    resend: (write) => lanes.send(write),
    refuse: (write, error) => finish(write, 'refused', error),
  });

  async function commitIntentGroup(group: readonly Waiting[]): Promise<void> {
    let outcomes: readonly IntentOutcome[];
    try {
      outcomes = await store.commitIntents(group.map(({ write }) => toIntent(write)));
    } catch (error) {
      log.error({ reason: toErrorData(error).message }, 'the store did not take intents');
      for (const { resolve, reject } of group)
        if (error instanceof StoreUnavailableError) reject(error);
        else resolve({ status: 'refused', error: storeFailure });
      return;
    }
    group.forEach((item, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error('the store answered fewer intents than it was given');
      if (outcome.status === 'intended' && item.write.held)
        item.resolve({ status: 'held', journalId: outcome.journalId, transaction: item.write.request.correlation });
      else if (outcome.status === 'intended') begin(item, outcome);
      else
        item.resolve(
          outcome.status === 'in-doubt' || outcome.status === 'conflict' || outcome.status === 'gone'
            ? outcome
            : { status: 'claimed', claim: outcome.claim, inDoubt: outcome.inDoubt },
        );
    });
  }

  function toIntent(write: PlannedWrite): Intent {
    return {
      kind: write.kind,
      objectType: write.objectType,
      ...(write.entryId === undefined ? {} : { entryId: write.entryId }),
      ...(write.expectedVersion === undefined ? {} : { expectedVersion: write.expectedVersion }),
      claims: write.claims,
      steps: JSON.stringify(write.steps),
      effect: write.effect,
      ...(write.link === undefined ? {} : { link: write.link }),
      request: write.request,
      ...(write.events === undefined ? {} : { events: write.events }),
      ...(write.held ? { held: true } : {}),
      ...(write.password === undefined ? {} : { sealed: options.seal(write.password) }),
      at: now(),
    };
  }

  function begin(item: Waiting, intended: Extract<IntentOutcome, { status: 'intended' }>): void {
    const { write } = item;
    inFlight += 1;
    item.onIntended();
    const started: WriteInFlight = {
      journalId: intended.journalId,
      entryId: intended.entryId,
      kind: write.kind,
      objectType: write.objectType,
      claims: write.claims,
      steps: write.steps,
      audit: write.audit,
      password: write.password,
      nextStep: 0,
      applied: noEffect,
      anchor: undefined,
      sentAt: undefined,
      alone: false,
      answer: (answer) => {
        inFlight -= 1;
        actions.ended(started);
        item.resolve(answer);
        if (inFlight === 0) {
          for (const wake of idle) wake();
          idle = [];
        }
      },
      doubted: item.onDoubt,
    };
    actions.began(started);
    sendNext(started);
  }

  function sendNext(write: WriteInFlight): void {
    const step = write.steps[write.nextStep];
    if (step === undefined) finish(write, 'applied');
    else if (step.shadow) record(write);
    // What was accepted before the mode changed waits until it may be sent again (R31).
    else if (configuration.mode !== 'live') startDoubt(write, { code: 'unknown', message: `nothing is sent in mode ${configuration.mode}` });
    else if (step.call === 'put') lanes.send(write);
    else void setPassword(write);
  }

  /** Mode shadow: it ends as if every step had been applied, with a result that says that none was sent. */
  function record(write: WriteInFlight): void {
    write.applied = effectOfSteps(write.steps);
    write.nextStep = write.steps.length;
    finish(write, 'applied');
  }

  function currentChange(write: WriteInFlight): EncodedChange {
    const step = write.steps[write.nextStep];
    if (step?.call !== 'put') throw new Error('a write without an export step was sent to a session');
    write.sentAt = elapsed();
    return {
      id: String(write.journalId),
      ...options.secrets.open(step.change),
      ...(step.change.anchor === undefined && write.anchor !== undefined ? { anchor: write.anchor } : {}),
      ...(step.withPassword && write.password !== undefined ? { password: write.password } : {}),
    };
  }

  function isFull(write: WriteInFlight): boolean {
    const step = write.steps[write.nextStep];
    return step?.call === 'put' && step.full === true;
  }

  function partitionOf(write: WriteInFlight): Partition | undefined {
    const id = write.steps[write.nextStep]?.partition;
    return id === undefined ? undefined : options.scope.partition(id);
  }

  async function setPassword(write: WriteInFlight): Promise<void> {
    write.sentAt = elapsed();
    try {
      reach('password-before');
      if (write.password !== undefined)
        await handle.setPassword(identityOf(write, options.objectTypes.get(write.objectType)), write.password, {}, partitionOf(write));
      reach('password-after');
      write.nextStep += 1;
      sendNext(write);
    } catch (error) {
      passwordFailed(write, toErrorData(error));
    }
  }

  /** R21: a policy rejection is the client's, a transient failure is ours to repeat, with the entry kept in both cases. */
  function passwordFailed(write: WriteInFlight, error: ConnectorErrorData): void {
    if (connectorErrors[error.code].class === 'skip') return finish(write, 'refused', error);
    const onlyPassword = write.steps.every((step) => step.call === 'set-password');
    if (onlyPassword) return doubted(write, error);
    log.warn({ code: error.code, journal: write.journalId }, 'a password could not be set yet; it is repeated');
    // It becomes a write of its own with the result: visible in the journal, repeated with back-off by settling.
    finished.push({ write, state: 'applied', passwordLeft: true });
    commitResults();
  }

  function deliver(write: WriteInFlight, sent: PutOutcome): void {
    const outcome = interpret(write, sent);
    if (outcome.status === 'refused') {
      if (!actions.take(write, outcome.error)) finish(write, 'refused', outcome.error);
      return;
    }
    if (outcome.status === 'in-doubt') return doubted(write, outcome.error);
    if (outcome.resultMissing && configuration.strictResults) {
      return doubted(write, { code: 'unknown', message: 'the connector gave no result for the entry' });
    }
    const step = write.steps[write.nextStep];
    if (step?.call !== 'put') throw new Error('a session answered a write that has no export step');
    const objectType = options.objectTypes.get(write.objectType);
    if (objectType === undefined) throw new Error(`object type "${write.objectType}" is not selected`);
    write.anchor = outcome.anchor ?? write.anchor;
    write.applied = mergeEffects(write.applied, correctEffect(step.effect, outcome, objectType));
    write.nextStep += 1;
    sendNext(write);
  }

  /** What a refusal means when the write may have been applied before, or when the wanted state is there anyway. */
  function interpret(write: WriteInFlight, outcome: PutOutcome): PutOutcome {
    if (outcome.status !== 'refused') return outcome;
    const step = write.steps[write.nextStep];
    const modification = step?.call === 'put' ? step.change.modification : undefined;
    if (modification === 'delete' && outcome.error.code === 'not-found') return { status: 'applied' };
    // A repeated create that "exists" counts as applied only if the found entry matches: settling looks (R14).
    if (modification === 'add' && write.alone && outcome.error.code === 'already-exists') return { status: 'in-doubt', error: outcome.error };
    return outcome;
  }

  function doubted(write: WriteInFlight, error: ConnectorErrorData): void {
    write.alone = true;
    finish(write, 'in-doubt', error);
  }

  function finish(write: WriteInFlight, state: WriteResult['state'], error?: ConnectorErrorData): void {
    finished.push(error === undefined ? { write, state } : { write, state, error });
    commitResults();
  }

  async function commitResultGroup(group: readonly Finished[]): Promise<void> {
    let written: readonly WrittenEntry[];
    try {
      written = await store.commitResults(group.map(toResult));
    } catch (error) {
      log.error({ reason: toErrorData(error).message }, 'the store did not take results');
      for (const { write } of group) startDoubt(write, storeFailure);
      return;
    }
    reach('answer-before');
    group.forEach((item, index) => {
      conclude(item, written[index] ?? {});
    });
  }

  function toResult({ write, state, error, passwordLeft }: Finished): WriteResult {
    const at = now();
    const partly = state === 'refused' && write.nextStep > 0;
    const recorded = state === 'applied' && isShadow(write.steps);
    return {
      journalId: write.journalId,
      state: partly ? 'applied' : state,
      ...(state === 'applied' || partly ? { effect: write.applied } : {}),
      ...(write.kind === 'add' && state !== 'in-doubt' && write.applied.anchor === undefined ? { pendingAnchor: true } : {}),
      ...(error === undefined ? {} : { error }),
      stepsApplied: write.nextStep,
      ...(passwordLeft ? { passwordLeft } : {}),
      ...(recorded ? { recorded } : {}),
      audit: { ...write.audit, at, result: recorded ? 'recorded' : error === undefined ? state : `${state}: ${error.code}` },
      at,
    };
  }

  function conclude({ write, state, error }: Finished, written: WrittenEntry): void {
    if (written.anchorConflict !== undefined) {
      startDoubt(write, { code: 'invalid-data', message: 'the application returned the anchor of another entry' });
    } else if (state === 'in-doubt') {
      startDoubt(write, error ?? storeFailure);
    } else if (state === 'applied') {
      write.answer({ status: 'applied', row: written.row });
      if (written.follow !== undefined) options.follow(written.follow);
    } else {
      write.answer({ status: 'refused', error: error ?? storeFailure, ...rowOf(written) });
    }
  }

  function startDoubt(write: WriteInFlight, error: ConnectorErrorData): void {
    write.alone = true;
    write.doubted();
    options.settle(write, error);
  }

  return {
    submit(write, onDoubt, onIntended = () => {}) {
      return new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject, onDoubt, onIntended });
        commitIntents();
      });
    },
    resend: sendNext,
    conclude(write, outcome) {
      finish(write, outcome.state, outcome.state === 'refused' ? outcome.error : undefined);
    },
    get inFlight() {
      return inFlight;
    },
    async close() {
      if (inFlight > 0) {
        // A write in doubt may wait for its application for hours; its intent is durable, so a close need not.
        const drained = new Promise<void>((resolve) => idle.push(resolve));
        await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, callMilliseconds).unref())]);
      }
      await lanes.close();
    },
  };
}

const storeFailure: ConnectorErrorData = { code: 'unknown', message: 'the host could not store the change; see its log' };

/** Turns a list that grows into calls with all that waits, one call at a time. */
function groupCommit<Item>(list: Item[], commit: (group: readonly Item[]) => Promise<void>): () => void {
  let running = false;
  async function run(): Promise<void> {
    running = true;
    try {
      // Let everything that arrives in this turn of the event loop join the group.
      await Promise.resolve();
      while (list.length > 0) await commit(list.splice(0, GROUP));
    } finally {
      running = false;
    }
  }
  return () => {
    if (!running) void run();
  };
}

/** The effect of a step as the application answered it: anchors and values it assigned. */
function correctEffect(effect: EntryEffect, outcome: Extract<PutOutcome, { status: 'applied' }>, objectType: CompiledObjectType): EntryEffect {
  if (outcome.anchor === undefined && outcome.attributes === undefined && outcome.cleared === undefined && outcome.dn === undefined) return effect;
  const assigned: EncodedAttributes = { ...outcome.attributes, ...outcome.anchor };
  const cleared = new Set(outcome.cleared);
  const set = Object.fromEntries(Object.entries({ ...effect.set, ...assigned }).filter(([name]) => !cleared.has(name)));
  const unset = [...effect.unset.filter((name) => set[name] === undefined && !cleared.has(name)), ...cleared];
  const anchor = outcome.anchor === undefined ? effect.anchor : (readAnchor(objectType, set) ?? effect.anchor);
  return {
    ...effect,
    set,
    unset,
    ...(anchor === undefined ? {} : { anchor }),
    ...(outcome.dn === undefined ? {} : { dn: outcome.dn }),
  };
}

function identityOf(write: WriteInFlight, type: CompiledObjectType | undefined): EncodedIdentity {
  const current = write.steps[write.nextStep];
  if (current?.call === 'set-password' && current.identity !== undefined) return current.identity;
  const step = write.steps.find((one): one is Extract<WriteStep, { call: 'put' }> => one.call === 'put');
  const anchor = write.anchor ?? step?.change.anchor;
  const dn = write.applied.dn ?? step?.change.newDn ?? step?.change.dn;
  return {
    objectType: write.objectType,
    ...(anchor === undefined ? {} : { anchor }),
    ...(dn === undefined ? {} : { dn }),
    attributes: withoutSecrets(type, write.applied.set),
  };
}

function rowOf(written: WrittenEntry): { readonly row?: EntryRow } {
  return written.row === undefined ? {} : { row: written.row };
}
