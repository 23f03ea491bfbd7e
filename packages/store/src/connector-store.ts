import type { ConnectorErrorData, EncodedAttributes } from '@landbridge/connector-sdk';
import type { ConnectorReader } from './connector-reader.ts';
import type { StoreModel } from './store-model.ts';

export * from './connector-reader.ts';
export type { StoreAttribute, StoreModel, StoreObjectType } from './store-model.ts';

/**
 * What one connector's store does, as a short list of set-based commands (R2).
 *
 * Every command is exactly one transaction: it commits, durably (R3), before its promise resolves, or nothing of it
 * happened. There is no transaction callback. On SQLite the commands run in the store thread, the only writer of the
 * file (R1); reads are on {@link ConnectorReader}.
 */
export interface ConnectorStore {
  /**
   * Brings tables and indexes in line with the selected schema. An unchanged model is a no-op. Changing it never removes
   * entries (R23); watermarks are forgotten when object types, attributes or partitions changed (R24).
   */
  configure(model: StoreModel): Promise<{ readonly changed: boolean }>;

  /** Step (a) of R12: makes the intents of a batch durable and takes their claims (R15). One outcome per intent, in order. */
  commitIntents(intents: readonly Intent[]): Promise<readonly IntentOutcome[]>;
  /** Step (c) of R12: results, entry rows, links, audit. Idempotent for a journal row that already has its result. */
  commitResults(results: readonly WriteResult[]): Promise<readonly WrittenEntry[]>;
  /** Writes that never reach the application: shadow attributes, external ids, aliases, notes of refused requests (audit). */
  commitLinkChanges(changes: readonly LinkWrite[]): Promise<readonly WrittenEntry[]>;
  /** Claims an entry for a caller-known settle decision: applied or not applied, by an operator or by looking (R14). */
  recordAttempt(journalId: number, attempt: { readonly at: number; readonly note: string }): Promise<void>;
  /** An administrator's word on held writes. Approved ones become intents like any other, durably, before they are sent. One outcome per id, in order. */
  decideHeldWrites(
    decision: 'approved' | 'rejected',
    journalIds: readonly number[],
    by: { readonly actor: string; readonly reason: string; readonly at: number },
  ): Promise<readonly HeldDecision[]>;

  /** The event streams from now on (RFC 9967): a new one starts with what comes, one that is gone is forgotten. Without any, nothing is announced. */
  openStreams(streams: readonly string[]): Promise<void>;
  /** What a stream's receiver took, or will never take. */
  settleEvents(
    stream: string,
    settled: { readonly acknowledged: readonly number[]; readonly failed: readonly { readonly id: number; readonly error: string }[] },
  ): Promise<void>;

  beginRun(run: NewRun): Promise<{ readonly runId: number }>;
  /** Opens an import step and fixes its fence: the journal position before the connector is opened (R22). */
  beginStep(step: NewStep): Promise<{ readonly stepId: number; readonly fence: number; readonly watermark?: string }>;
  /** Applies at most 500 imported entries (R1), comparing by hash, confirming exports (R20), honouring the fence (R22). */
  applyPage(stepId: number, entries: readonly ImportedEntry[]): Promise<PageOutcome>;
  /**
   * Counts what the step would remove, by object type, without removing (R23). A step that is not `complete` removes nothing. What the
   * step does not show waits until each of the `unread` partitions, those that its run does not read to their end, was read since: it
   * may have moved there.
   */
  planRemovals(stepId: number, options: { readonly complete: boolean; readonly unread?: readonly string[] }): Promise<readonly RemovalPlan[]>;
  /**
   * Removes the next chunk of what mode shadow created and a complete full step did not show (R31): it never was in the application, so
   * no threshold counts it. Its writes are reported.
   */
  removeUnshown(stepId: number): Promise<{ readonly removed: number; readonly done: boolean }>;
  /** Removes the next chunk of the planned removals; `done` when none is left. */
  removeChunk(stepId: number): Promise<{ readonly removed: number; readonly done: boolean }>;
  /** Ends a step: counts, errors, result and, in the same transaction, the watermark if one is given (R24). Optionally holds its removals. */
  endStep(stepId: number, end: StepEnd): Promise<{ readonly heldId?: number }>;
  endRun(runId: number, result: RunResult): Promise<void>;
  /** Approves a held list: its removals can be taken by {@link removeHeldChunk}; rejecting forgets it. */
  decideHeld(runId: number, decision: 'approved' | 'rejected', by: string): Promise<{ readonly held: number }>;
  removeHeldChunk(runId: number): Promise<{ readonly removed: number; readonly done: boolean }>;
  /** Marks runs that a crash left open as interrupted. Called once at start. */
  closeInterruptedRuns(at: number): Promise<number>;

  /** What was done about values that went back (R20), or will not be: {@link ConnectorReader.readDrifts} no longer has them. */
  settleDrifts(journalIds: readonly number[]): Promise<void>;

  /** A full import has ended since the connector left mode shadow: what was recorded beside the application is gone (R31). */
  forgetOverlay(): Promise<void>;

  /** Forgets a chunk of what is older than the limits and closed; `done` when there is no more. */
  forgetOld(retention: Retention): Promise<{ readonly removed: number; readonly done: boolean }>;

  /** Copies the write-ahead log into the file and lets it begin again; returns its size before, in bytes. */
  checkpoint(): Promise<number>;
  /** Copies the file to `target`, consistent, from the store thread (R5). */
  backup(target: string): Promise<void>;
  close(): Promise<void>;
}

/** How long records are kept: what is older than these times may go, milliseconds since the epoch. */
export interface Retention {
  readonly journalBefore: number;
  readonly auditBefore: number;
  readonly runsBefore: number;
}

/** A unique value taken by a write before the application is asked (R15). */
export interface Claim {
  readonly objectType: string;
  readonly attribute: string;
  /** The value, normalised: folded unless the attribute is case-exact. */
  readonly key: string;
}

/** Values added to and removed from a multi-valued reference; `replace` first removes all resolved values (R10). */
export interface ReferenceDelta {
  readonly attribute: string;
  readonly replace: boolean;
  /** Raw reference values, as the connector writes them. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * The effect of a write on the row of an entry, stated before the call (target) and, corrected by what the application
 * answered, after it.
 */
export interface EntryEffect {
  /** New values of attributes other than multi-valued references. */
  readonly set: EncodedAttributes;
  /** Attributes that lose their values. */
  readonly unset: readonly string[];
  readonly references: readonly ReferenceDelta[];
  readonly anchor?: string;
  readonly dn?: string;
  /** The partition that a new entry belongs to: only imports of it may miss the entry. Absent: the connector has none. */
  readonly partition?: string;
  /** Attributes whose values an import must confirm (R20): not export-only ones. */
  readonly awaiting: readonly string[];
}

/** The durable intent of one write (R12). */
export interface Intent {
  readonly kind: 'add' | 'update' | 'delete';
  readonly objectType: string;
  /** The entry; absent for an add, whose id the store allocates. */
  readonly entryId?: number;
  /** The version the writer read; another one is a conflict. Absent means that every version is right. */
  readonly expectedVersion?: number;
  readonly claims: readonly Claim[];
  /** The ordered connector calls with everything needed to repeat or check them: JSON, opaque to the store. */
  readonly steps: string;
  readonly effect: EntryEffect;
  readonly link?: LinkChange;
  /** Who asked, for joining repeats (R16) and for the audit. */
  readonly request: RequestIdentity;
  /** An encrypted password (R21), erased with the result. */
  readonly sealed?: string;
  readonly at: number;
  /** What event streams are told when it is applied. */
  readonly events?: IntentEvents;
  /** Made durable, and not sent before an administrator approves: the mass-change guard. Default is `false`. */
  readonly held?: boolean;
}

/** What can happen to a resource, as RFC 9967 §2.3–2.5 names it, and the completion of an asynchronous request. */
export type EventKind = 'create' | 'patch' | 'put' | 'delete' | 'activate' | 'deactivate' | 'asyncresp';

/** What a write announces: its kinds, and whether its client waits for the completion elsewhere (`Prefer: respond-async`). */
export interface IntentEvents {
  readonly kinds: readonly EventKind[];
  readonly async: boolean;
}

/** How an asynchronous request ended. */
export interface EventResult {
  readonly method: string;
  readonly applied: boolean;
  readonly error?: string;
}

/** An event that a stream has not settled yet. */
export interface EventRow {
  /** Grows; unique within the connector. */
  readonly id: number;
  readonly at: number;
  readonly kinds: readonly EventKind[];
  readonly objectType: string;
  readonly scimId: string | undefined;
  /** The application's names of what changed. */
  readonly attributes: readonly string[];
  readonly transaction: string;
  readonly result: EventResult | undefined;
}

/** How far a stream is. */
export interface EventStreamRow {
  readonly name: string;
  /** Events it has not settled. */
  readonly waiting: number;
  readonly oldest: number | undefined;
  /** Events that its receiver refused for good. */
  readonly failed: number;
}

/** Who asked for a write, and how to recognise a repeat of it. */
export interface RequestIdentity {
  readonly credential: string;
  readonly method: string;
  readonly target: string;
  /** SHA-256 of credential, method, target and canonical body, hex: equal for a repeat. */
  readonly key: string;
  readonly correlation: string;
}

/** What became of an intent. Only `intended` has a journal row and may be followed by a call. */
export type IntentOutcome =
  | { readonly status: 'intended'; readonly journalId: number; readonly entryId: number }
  /** A unique value belongs to another entry, or is claimed by a write in flight or in doubt. */
  | { readonly status: 'claimed'; readonly claim: Claim; readonly entryId?: number; readonly journalId?: number; readonly inDoubt: boolean }
  | { readonly status: 'conflict'; readonly version: number }
  | { readonly status: 'gone' }
  /** An earlier write to the entry is in doubt: nothing may touch it (R14). */
  | { readonly status: 'in-doubt'; readonly journalId: number };

/**
 * What became of a held write. `changed`: the entry is not what it was when the write was planned, so its steps may not be
 * sent any more; `gone`: there is no entry. Both end the write as refused.
 */
export type HeldDecision = 'approved' | 'rejected' | 'changed' | 'gone' | 'not-held';

/** The state of a journal row (R12). */
export const journalStates = ['held', 'intended', 'applied', 'refused', 'in-doubt', 'confirmed', 'not-reimported'] as const;
/** One of {@link journalStates}. */
export type JournalState = (typeof journalStates)[number];

/** The result of one write, to be made durable. */
export interface WriteResult {
  readonly journalId: number;
  readonly state: 'applied' | 'refused' | 'in-doubt';
  /** For `applied`: the effect as the application answered it. Absent: the effect of the intent. */
  readonly effect?: EntryEffect;
  /** An add whose anchor the application withheld: the link stays pending (R9). */
  readonly pendingAnchor?: boolean;
  readonly error?: ConnectorErrorData;
  /** How many of the steps were applied, where a write of several ended early. */
  readonly stepsApplied?: number;
  /** Nothing was sent: mode shadow. The row keeps the steps as its record, and the entry shows their effect until an import tells better (R31). */
  readonly recorded?: true;
  /** Applied but for its password, which goes on as a write of its own: see {@link WrittenEntry.follow}. */
  readonly passwordLeft?: boolean;
  readonly audit: AuditRecord;
  readonly at: number;
}

/** The row of an entry after a write: everything a SCIM answer needs, without another read. */
export interface WrittenEntry {
  readonly journalId?: number;
  readonly row?: EntryRow;
  /** The returned anchor belongs to another entry: an error, never a merge (R9). The write stays in doubt. */
  readonly anchorConflict?: { readonly entryId: number };
  /**
   * The journal row, made in the same transaction, of the password that is still to be set (R21): an open update with method
   * `PASSWORD_METHOD`, the sealed password, and the steps of the write it follows.
   */
  readonly follow?: number;
}

/** What the host remembers about a resource beside the application (R6). */
export interface LinkChange {
  /** Shadow attributes to set (`null` forgets one): `active` and whatever the application cannot store. */
  readonly shadow?: Readonly<Record<string, unknown>>;
  /** The external id that this client gave; `null` forgets it. */
  readonly externalId?: { readonly client: string; readonly value: string | null };
  readonly aliases?: readonly string[];
  readonly state?: 'linked' | 'disabled' | 'deleted';
}

/** A link change on its own. */
export interface LinkWrite {
  readonly scimId: string;
  readonly expectedVersion?: number;
  readonly change: LinkChange;
  readonly audit: AuditRecord;
  readonly events?: IntentEvents;
  readonly at: number;
}

/** One line of the append-only audit (S-252). Values are never in it, only names. */
export interface AuditRecord {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly objectType?: string;
  readonly resource?: string;
  readonly attributes: readonly string[];
  readonly result: string;
  readonly correlation: string;
  readonly detail?: string;
}

/** The row of an entry as reads return it. */
export interface EntryRow {
  readonly id: number;
  readonly objectType: string;
  readonly scimId: string;
  readonly anchor: string | undefined;
  readonly dn: string | undefined;
  /** Identifier of the partition that it belongs to; empty where the connector has none. */
  readonly partition: string;
  /** Grows with every change of the representation, membership and link included: the ETag. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly modified: number;
  /** Encoded attributes as JSON text: all but multi-valued references. */
  readonly body: string;
  readonly link: LinkRow | undefined;
}

/** The link record of an entry, where it says more than can be derived (R6, R7). */
export interface LinkRow {
  readonly state: 'pending' | 'linked' | 'disabled' | 'gone' | 'deleted';
  readonly shadow: Readonly<Record<string, unknown>>;
  /** External ids by client (S-020). */
  readonly externalIds: Readonly<Record<string, string>>;
  readonly aliases: readonly string[];
}

/** A run: one execution of a run profile. */
export interface NewRun {
  readonly profile: string;
  readonly startedBy: string;
  readonly at: number;
}

export type RunResult = 'success' | 'completed-with-errors' | 'held' | 'cancelled' | 'failed' | 'interrupted';

/** What a run step does: a full or delta import, or a full export. */
export type StepKind = 'full' | 'delta' | 'full-export';

export interface NewStep {
  readonly runId: number;
  readonly kind: StepKind;
  readonly partition: string;
  /** The object types in scope: only their entries can be swept. */
  readonly objectTypes: readonly string[];
  /** Values that went back are kept for {@link ConnectorReader.readDrifts}, in the transaction of their page: they are exported again (R20). */
  readonly keepsDrifts?: boolean;
  readonly at: number;
}

/** One imported entry, prepared in the connector thread (encoded, hashed). */
export type ImportedEntry =
  | {
      readonly op: 'put';
      readonly objectType: string;
      readonly anchor: string;
      readonly dn?: string;
      /** Encoded attributes as JSON text in schema order: all but multi-valued references. */
      readonly body: string;
      /** The first 16 bytes of SHA-256 of `body` and `dn`, base64. */
      readonly hash: string;
      /** Values of multi-valued references. */
      readonly references: readonly ImportedReferences[];
    }
  | {
      readonly op: 'update';
      readonly objectType: string;
      readonly anchor?: string;
      readonly dn?: string;
      readonly newDn?: string;
      readonly set: EncodedAttributes;
      readonly unset: readonly string[];
      /** Values added to and removed from multi-valued attributes, references included. */
      readonly deltas: readonly { readonly attribute: string; readonly added: readonly string[]; readonly removed: readonly string[] }[];
    }
  | { readonly op: 'delete'; readonly objectType?: string; readonly anchor?: string; readonly dn?: string };

export interface ImportedReferences {
  readonly attribute: string;
  /** Of the sorted values joined by newlines: the first 16 bytes of SHA-256, base64. Equal hash, equal set. */
  readonly hash: string;
  readonly values: readonly string[];
  /** The values as JSON text, where the set came as such from another thread: SQL takes it as it is. */
  readonly packed?: { readonly text: string; readonly size: number };
}

/** What a page did. */
export interface PageOutcome {
  readonly counts: ImportCounts;
  /** Entries (by index) that must be applied again later: an unknown anchor while a create of the type is in flight (R22). */
  readonly postponed: readonly number[];
  /** Exports that the application shows otherwise (R20): reported, the application's value won. `attribute` is empty for a delete. */
  readonly notReimported: readonly NotReimported[];
  /** Per-entry problems: a duplicate anchor in one full import, an update of an unknown entry (`need-full-object`). */
  readonly errors: readonly { readonly index: number; readonly error: ConnectorErrorData }[];
  /** In-doubt writes that this page settled: their journal rows now are applied (R14). */
  readonly settled: readonly number[];
  /** Rows made for the passwords of settled writes, which no import can show: see {@link WrittenEntry.follow}. */
  readonly passwords: readonly number[];
}

/** An exported value that an import shows otherwise. */
export interface NotReimported {
  readonly entryId: number;
  readonly journalId: number;
  readonly attribute: string;
  /** The application still has what it had before the write: nobody chose another value, so it may be exported again (R20). */
  readonly drift?: Drift;
}

/** Values of a write that went back, and that nothing was done about yet. */
export interface DriftRow {
  readonly journalId: number;
  readonly entryId: number;
  readonly drifts: readonly { readonly attribute: string; readonly drift: Drift }[];
}

/** A value that went back, or never changed: what is there, and what was wanted; `null` is none. Of multi-valued references, what is missing and what is left over. */
export type Drift =
  | { readonly found: EncodedAttributes[string] | null; readonly wanted: EncodedAttributes[string] | null }
  | { readonly missing: readonly string[]; readonly left: readonly string[] };

export interface ImportCounts {
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly removed: number;
  /** Written or in doubt after the fence: the journal won (R22). */
  readonly fenced: number;
  readonly confirmed: number;
  /** References of the space whose target it does not have, when the step ended (R10). */
  readonly unresolved?: number;
  /** Entries that are no longer in the partition, and stay until the others were read: they may have moved there (R23). */
  readonly waiting?: number;
}

/** The counts of a step that did nothing yet. */
export const noCounts: ImportCounts = { added: 0, updated: 0, unchanged: 0, removed: 0, fenced: 0, confirmed: 0 };

export interface RemovalPlan {
  readonly objectType: string;
  readonly removals: number;
  /** What is no longer in the partition, and stays until the others were read. */
  readonly waiting?: number;
  /** Entries of the type in the partition before the step; counted only where something would be removed, or nothing was read. */
  readonly total: number;
}

export interface StepEnd {
  readonly result: RunResult;
  readonly watermark?: string;
  readonly counts: ImportCounts;
  readonly errors: readonly { readonly entry: string; readonly error: ConnectorErrorData }[];
  readonly errorCount: number;
  readonly hold?: { readonly reason: string };
  readonly at: number;
}
