import {
  type Capabilities,
  type CompiledObjectType,
  type ConnectorErrorData,
  type EncodedAttributes,
  type EntryFilter,
  foldCase,
  toErrorData,
} from '@landbridge/connector-sdk';
import { type ConnectorReader, type ConnectorStore, type EntryEffect, reach } from '@landbridge/store';
import type { ConnectorHandle } from '../connector-host/connector-handle.ts';
import type { HostLog } from '../host.ts';
import { isSameName } from './distinguished-names.ts';
import { mergeEffects, type WriteInFlight, type WriteStep } from './planned-write.ts';

/**
 * What is in doubt is settled by looking at the application, before anything else touches the entry (R14).
 *
 * 1. Nothing is concluded while the call that went wrong may still be at work: in the connector, or, after its session was lost,
 *    in the application, until its command time-out has passed. What shows by then was applied; what does not proves nothing yet.
 * 2. A look-up decides: the state the write wanted is there, or it is not.
 * 3. What is not there, or cannot be looked up, is sent again, alone, where repeating is safe: an update that states the
 *    wanted values, a delete, a create that claims a value or a key of the caller's choosing.
 * 4. What cannot be decided stays in doubt until an import shows it or an operator decides.
 * 5. Of a connector that can neither be searched nor imported nothing is ever seen: every step is repeated, "exists" ends the doubt about
 *    a create, and the journal says that nobody can verify it.
 * 6. Only `journal settle` decides against evidence.
 * 7. A password that cannot be set for a day is given up and erased (R21).
 */
export interface Settlement {
  /** Takes a write whose outcome is unknown. */
  take(write: WriteInFlight, error: ConnectorErrorData): void;
  /** The writes in doubt, by journal id. */
  readonly inDoubt: ReadonlyMap<number, WriteInFlight>;
  /** An import showed that the store's rows of these writes are decided (R14): their requesters are answered. */
  settledByImport(journalIds: readonly number[]): Promise<void>;
  /**
   * A complete full import of a partition ended that had begun at this time of {@link SettlementOptions.elapsed}. A write that waited for one, and that the import
   * did not settle, was not applied.
   */
  importEnded(startedAt: number, partition: string): void;
  /** An operator's word. Returns `false` when the write is not in doubt. */
  decide(journalId: number, decision: 'applied' | 'not-applied', by: string): boolean;
  close(): void;
}

export interface SettlementOptions {
  readonly handle: Pick<ConnectorHandle, 'find' | 'quiesced'>;
  readonly capabilities: Capabilities;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly store: Pick<ConnectorStore, 'recordAttempt'>;
  readonly reader: Pick<ConnectorReader, 'readByAnchor' | 'readEntry' | 'readJournalRow'>;
  readonly log: HostLog;
  readonly now: () => number;
  /** The clock that nobody sets. */
  readonly elapsed: () => number;
  /** How long the application may go on with a call whose session was lost. */
  readonly lingerMilliseconds: number;
  /** Nothing may be sent: the connector is behind (R5), or its mode is not live (R31). */
  paused?(): boolean;
  resend(write: WriteInFlight): void;
  conclude(write: WriteInFlight, outcome: { readonly state: 'applied' } | { readonly state: 'refused'; readonly error: ConnectorErrorData }): void;
  /** Asks for an import, where only an import can decide. */
  requestImport(): void;
}

/** What looking at the application said of the next step of a write. */
export type Verdict = 'applied' | 'not-applied' | 'exists-differently' | 'unknown';

interface Case {
  readonly write: WriteInFlight;
  /** Looks since the write became doubtful: each one waits longer. */
  attempts: number;
  /** From when on absence counts, by the clock that nobody sets: the machine's may be set forward while the application is at it. */
  absentFrom: number;
  /** Why the write came back last. */
  code: string;
  /** Since when an import is awaited, where only one can decide. */
  awaitingImport: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Errors after which the application may still be at work although the call has ended here. */
const LOST: ReadonlySet<string> = new Set(['timeout', 'connection-dropped', 'terminated']);

/** What the journal says of a write in doubt that nobody can look for. */
const UNVERIFIABLE = 'unverifiable: the application can be neither imported nor searched; what was sent is sent again';

/** How long the journal keeps a password that cannot be set. */
const PASSWORD_MILLISECONDS = 24 * 3_600_000;

const BACK_OFF_MILLISECONDS = [0, 200, 500, 1000, 2000, 5000, 10_000, 30_000] as const;

/** Makes the settlement of a connector. */
export function createSettlement(options: SettlementOptions): Settlement {
  const cases = new Map<number, Case>();
  const inDoubt = new Map<number, WriteInFlight>();
  const openedAt = options.elapsed();
  const isBlind = !options.capabilities.find && !options.capabilities.import;
  /** Outlives the case: a write whose result cannot be stored comes back, and must wait longer each time. */
  const attempts = new WeakMap<WriteInFlight, number>();
  let closed = false;

  function take(write: WriteInFlight, error: ConnectorErrorData): void {
    const entry = cases.get(write.journalId) ?? open(write);
    inDoubt.set(write.journalId, write);
    entry.code = error.code;
    // Before a restart it was sent at the latest when this process began.
    if (LOST.has(error.code)) entry.absentFrom = (write.sentAt ?? openedAt) + options.lingerMilliseconds;
    options.log.warn({ journal: write.journalId, code: error.code, reason: error.message, attempt: entry.attempts }, 'a write is in doubt');
    schedule(entry, error.message);
  }

  /** A case ends with the answer of its write, whoever gives it. */
  function open(write: WriteInFlight): Case {
    const entry: Case = { write, attempts: attempts.get(write) ?? 0, absentFrom: 0, code: '', awaitingImport: undefined, timer: undefined };
    const { answer } = write;
    write.answer = (given) => {
      forget(entry);
      inDoubt.delete(write.journalId);
      answer(given);
    };
    cases.set(write.journalId, entry);
    return entry;
  }

  function schedule(entry: Case, note: string): void {
    if (closed) return;
    // Looks are cheap, and what shows ends the wait early.
    const wait = BACK_OFF_MILLISECONDS[Math.min(entry.attempts, BACK_OFF_MILLISECONDS.length - 1)] ?? 30_000;
    entry.attempts += 1;
    attempts.set(entry.write, entry.attempts);
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void attempt(entry, note), wait);
    entry.timer.unref();
  }

  async function attempt(entry: Case, note: string): Promise<void> {
    const { write } = entry;
    if (closed || !cases.has(write.journalId)) return;
    if (options.paused?.() === true) return schedule(entry, 'nothing may be sent just now');
    try {
      if (isBlind && entry.attempts === 1) await options.store.recordAttempt(write.journalId, { at: options.now(), note: UNVERIFIABLE });
      if (entry.attempts > 1) await options.store.recordAttempt(write.journalId, { at: options.now(), note });
      if (await outlived(write)) {
        forget(entry);
        return options.conclude(write, {
          state: 'refused',
          error: { code: 'entry-failed', message: 'the password could not be set for a day and was erased; set it again' },
        });
      }
      await options.handle.quiesced();
      reach('settle-before');
      const verdict = await look(write, options);
      reach('settle-after');
      act(entry, verdict);
    } catch (error) {
      schedule(entry, toErrorData(error).message);
    }
  }

  /** A password is kept for a limited time, however long the application is away (R21). */
  async function outlived(write: WriteInFlight): Promise<boolean> {
    if (write.steps[write.nextStep]?.call !== 'set-password') return false;
    const row = await options.reader.readJournalRow(write.journalId);
    return row !== undefined && options.now() - row.at > PASSWORD_MILLISECONDS;
  }

  function act(entry: Case, verdict: Verdict): void {
    const { write } = entry;
    if (!cases.has(write.journalId)) return;
    const step = write.steps[write.nextStep];
    switch (verdict) {
      case 'applied':
        return stepApplied(entry, step);
      case 'exists-differently':
        forget(entry);
        return options.conclude(write, {
          state: 'refused',
          error: { code: 'already-exists', message: 'an entry with the same unique value exists in the application, with other values' },
        });
      case 'not-applied':
        if (options.elapsed() < entry.absentFrom) return schedule(entry, 'the application may still be at it');
        return sendAgain(entry);
      case 'unknown':
        if (isBlind && entry.code === 'already-exists') return stepApplied(entry, step);
        if (isBlind || isRepeatable(step)) {
          if (options.elapsed() < entry.absentFrom) return schedule(entry, 'the application may still be at it');
          return sendAgain(entry);
        }
        entry.awaitingImport ??= options.elapsed();
        options.requestImport();
        return schedule(entry, 'waits for an import or for an operator (landbridge journal settle)');
    }
  }

  function stepApplied(entry: Case, step: WriteStep | undefined): void {
    const { write } = entry;
    forget(entry);
    if (step === undefined) return options.conclude(write, { state: 'applied' });
    // Looking has told the effect of an add already, with the names that the application gave.
    if (step.call === 'put' && (isBlind || step.change.modification !== 'add')) write.applied = mergeEffects(write.applied, step.effect);
    write.nextStep += 1;
    if (write.nextStep < write.steps.length) options.resend(write);
    else options.conclude(write, { state: 'applied' });
  }

  function sendAgain(entry: Case): void {
    // The case stays known and the write undecided, so that a second doubt about it backs off instead of starting over.
    options.resend(entry.write);
  }

  /** Nothing more is to be done about it here; it stays undecided for readers until its result is durable and answered. */
  function forget(entry: Case): void {
    clearTimeout(entry.timer);
    cases.delete(entry.write.journalId);
  }

  return {
    take,
    inDoubt,
    async settledByImport(journalIds) {
      for (const journalId of journalIds) {
        const entry = cases.get(journalId);
        if (entry === undefined) continue;
        entry.write.answer({ status: 'applied', row: await options.reader.readEntry(entry.write.entryId) });
      }
    },
    importEnded(startedAt, partition) {
      for (const entry of [...cases.values()]) {
        const step = entry.write.steps[entry.write.nextStep];
        if (entry.awaitingImport === undefined || entry.awaitingImport > startedAt || entry.absentFrom > startedAt) continue;
        if ((step?.partition ?? '') !== partition) continue;
        entry.awaitingImport = undefined;
        clearTimeout(entry.timer);
        sendAgain(entry);
      }
    },
    decide(journalId, decision, by) {
      const entry = cases.get(journalId);
      if (entry === undefined) return false;
      forget(entry);
      options.log.warn({ journal: journalId, decision, by }, 'an operator settled a write');
      if (decision === 'applied') {
        const left = entry.write.steps.slice(entry.write.nextStep);
        entry.write.nextStep = entry.write.steps.length;
        entry.write.applied = left.reduce<EntryEffect>(
          (effect, step) => (step.call === 'put' ? mergeEffects(effect, step.effect) : effect),
          entry.write.applied,
        );
        options.conclude(entry.write, { state: 'applied' });
      } else {
        options.conclude(entry.write, { state: 'refused', error: { code: 'entry-failed', message: `settled as not applied by ${by}` } });
      }
      return true;
    },
    close() {
      closed = true;
      for (const entry of cases.values()) clearTimeout(entry.timer);
    },
  };
}

/** Looks at the application for the outcome of the next step. */
async function look(write: WriteInFlight, options: SettlementOptions): Promise<Verdict> {
  const step = write.steps[write.nextStep];
  if (step === undefined) return 'applied';
  // A password cannot be read back; setting it again is harmless.
  if (step.call !== 'put') return 'not-applied';
  const objectType = options.objectTypes.get(write.objectType);
  const filter = objectType === undefined ? undefined : identifyingFilter(step, write, objectType);
  if (!options.capabilities.find || objectType === undefined || filter === undefined) return 'unknown';
  const found = await options.handle.find({ objectType: write.objectType, filter, limit: 2 });
  if (found.truncated || found.entries.length > 1) return 'unknown';
  const [entry] = found.entries;
  if (entry === undefined) return step.change.modification === 'delete' ? 'applied' : 'not-applied';
  if (step.change.modification === 'delete') return 'not-applied';
  const renamed = step.effect.dn !== undefined && entry.dn !== undefined && !isSameName(step.effect.dn, entry.dn);
  const matches = !renamed && showsEffect(step.effect, entry.attributes, objectType);
  if (step.change.modification !== 'add') return matches ? 'applied' : 'not-applied';
  const known = await options.reader.readByAnchor(write.objectType, entry.anchor);
  if (!matches || (known !== undefined && known.id !== write.entryId)) return 'exists-differently';
  adopt(write, step, entry, objectType);
  return 'applied';
}

/** The found entry is the one the write created: its anchor and assigned values become part of the effect. */
function adopt(
  write: WriteInFlight,
  step: Extract<WriteStep, { call: 'put' }>,
  entry: { readonly anchor: string; readonly dn?: string; readonly attributes: EncodedAttributes },
  objectType: CompiledObjectType,
): void {
  const anchor: Record<string, string | boolean> = {};
  for (const { name } of objectType.anchor) {
    const value = entry.attributes[name];
    if (value !== undefined && typeof value !== 'object') anchor[name] = value;
  }
  write.anchor = anchor;
  write.applied = {
    ...step.effect,
    set: { ...step.effect.set, ...anchor },
    anchor: entry.anchor,
    ...(entry.dn === undefined ? {} : { dn: entry.dn }),
  };
}

/**
 * The filter that finds the entry of a step: by its anchor, else by the unique values it claimed, else by every single
 * value it sets. `undefined` when nothing identifies it.
 */
export function identifyingFilter(
  step: Extract<WriteStep, { call: 'put' }>,
  write: Pick<WriteInFlight, 'claims' | 'anchor'>,
  objectType: CompiledObjectType,
): EntryFilter | undefined {
  const { change, effect } = step;
  const anchor = step.change.modification === 'add' ? change.anchor : (change.anchor ?? write.anchor);
  const byAnchor = anchor === undefined ? [] : Object.entries(anchor).map(([name, value]) => equal(objectType, name, value, true));
  if (byAnchor.length > 0 && byAnchor.length === objectType.anchor.length) return all(byAnchor);
  // Only a create may be known by its values: those of a change may be anybody's.
  if (change.modification !== 'add') return undefined;
  const claimed = write.claims.map((claim) => {
    const value = effect.set[claim.attribute];
    return value === undefined || typeof value === 'object' ? undefined : equal(objectType, claim.attribute, value, false);
  });
  const claims = claimed.filter((filter) => filter !== undefined);
  if (claims.length > 0) return all(claims);
  const values = Object.entries(effect.set).filter(([name, value]) => typeof value !== 'object' && isReadable(objectType, name));
  return values.length === 0 ? undefined : all(values.map(([name, value]) => equal(objectType, name, value as string | boolean, true)));
}

function all(filters: readonly (EntryFilter | undefined)[]): EntryFilter {
  return { kind: 'and', filters: filters.filter((filter) => filter !== undefined) };
}

function equal(objectType: CompiledObjectType, name: string, value: unknown, exact: boolean): EntryFilter | undefined {
  const attribute = objectType.attributes.get(name);
  if (attribute === undefined || typeof value === 'object') return undefined;
  return {
    kind: 'compare',
    attribute: name,
    comparison: 'equal',
    value: value as string | boolean,
    type: attribute.type,
    caseExact: exact || attribute.caseExact === true,
  };
}

function isReadable(objectType: CompiledObjectType, name: string): boolean {
  const attribute = objectType.attributes.get(name);
  return attribute !== undefined && attribute.direction !== 'export-only' && !attribute.secret;
}

/** Whether an entry of the application shows what a step wanted: typed, order-free, by the case rule of each attribute (R20). */
function showsEffect(effect: EntryEffect, attributes: EncodedAttributes, objectType: CompiledObjectType): boolean {
  for (const [name, wanted] of Object.entries(effect.set)) {
    if (isReadable(objectType, name) && !sameValues(objectType, name, wanted, attributes[name])) return false;
  }
  for (const name of effect.unset) {
    if (isReadable(objectType, name) && attributes[name] !== undefined) return false;
  }
  return effect.references.every((delta) => {
    const present = new Set(valuesOf(attributes[delta.attribute]));
    return delta.added.every((value) => present.has(value)) && delta.removed.every((value) => !present.has(value));
  });
}

function sameValues(objectType: CompiledObjectType, name: string, wanted: unknown, found: unknown): boolean {
  const fold = objectType.attributes.get(name)?.type === 'string' && objectType.attributes.get(name)?.caseExact !== true;
  const normalize = (values: readonly (string | boolean)[]): string[] => values.map((value) => (fold ? foldCase(String(value)) : String(value))).sort();
  const left = normalize(valuesOf(wanted));
  const right = normalize(valuesOf(found));
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

function valuesOf(value: unknown): readonly (string | boolean)[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]) as readonly (string | boolean)[];
}

/** Whether sending a step again does no harm when it was applied after all (R14). */
function isRepeatable(step: WriteStep | undefined): boolean {
  if (step === undefined || step.call !== 'put') return true;
  if (step.change.modification === 'delete') return true;
  if (step.change.modification === 'replace') return true;
  if (step.change.modification === 'update') return step.change.changes.every((change) => change.modification !== 'update');
  return false;
}
