import type { ConnectorErrorData, EntryFilter } from '@landbridge/connector-sdk';
import type { AuditChain } from './audit-chain.ts';
import type {
  AuditRecord,
  Claim,
  DriftRow,
  EntryEffect,
  EntryRow,
  EventRow,
  EventStreamRow,
  ImportCounts,
  Intent,
  JournalState,
  LinkChange,
  RequestIdentity,
  RunResult,
  StepKind,
} from './connector-store.ts';

/** Reads. On SQLite they are answered from a read-only handle by indexed one-page statements (R1). */
export interface ConnectorReader {
  /**
   * By SCIM id or alias; `undefined` when there is none, it is deleted, or its entry is gone. With `referring`, single-valued
   * references, the row comes with what they resolve to, unless the store says that by {@link readReferencesOf} only.
   */
  readResource(scimId: string, referring?: readonly string[]): Promise<ResourceRow | undefined>;
  readEntry(entryId: number): Promise<EntryRow | undefined>;
  readByAnchor(objectType: string, anchor: string): Promise<EntryRow | undefined>;
  /**
   * The targets of references; unresolved ones have no `scimId`. At most `limit`: in the order of their raw values, after one of them;
   * or, with `after`, the resolved ones in the order of their targets.
   */
  readReferences(
    entryId: number,
    attribute: string,
    page: { readonly after?: number; readonly afterRaw?: string; readonly limit: number },
  ): Promise<readonly ReferenceRow[]>;
  /** The resolved references of many entries by some attributes, in one statement: for lists. */
  readReferencesOf(entryIds: readonly number[], attributes: readonly string[]): Promise<readonly ReferenceFrom[]>;
  /**
   * Which of these raw values the entry refers to by the attribute, each with the value as the entry has it: a directory may write a
   * name in another way than its entry does (R27). How adding a present member changes nothing (S-143), and removing one removes it.
   */
  presentReferences(entryId: number, attribute: string, raw: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** How many there are; with `atMost`, no more are looked at than that. */
  countReferences(entryId: number, attribute: string, atMost?: number): Promise<number>;
  /** Who refers to an entry by an attribute: groups of a person, reports of a manager. */
  readReferrers(
    entryId: number,
    attribute: { readonly objectType: string; readonly name: string },
    page: { readonly after?: number; readonly limit: number },
  ): Promise<readonly ReferenceRow[]>;
  /** The raw reference values for these SCIM ids, in order; `undefined` for an unknown id or a pending anchor (R10). */
  resolveTargets(
    scimIds: readonly string[],
  ): Promise<readonly ({ readonly entryId: number; readonly objectType: string; readonly raw: string | undefined } | undefined)[]>;
  query(query: EntryQuery): Promise<EntryPage>;
  countEntries(objectType: string): Promise<number>;

  /** Journal rows that have no result yet (`held`, `intended`) or are in doubt, oldest first. */
  readOpenJournal(): Promise<readonly JournalRow[]>;
  readJournal(page: { readonly states?: readonly JournalState[]; readonly before?: number; readonly limit: number }): Promise<readonly JournalRow[]>;
  readJournalRow(journalId: number): Promise<JournalRow | undefined>;
  readRuns(page: { readonly before?: number; readonly limit: number }): Promise<readonly RunRow[]>;
  readRun(runId: number): Promise<RunRow | undefined>;
  /** Whether any full import step ever ended with its data applied: from then on the space says something. */
  hasFullImport(): Promise<boolean>;
  /** Whether mode shadow has recorded effects since {@link ConnectorStore.forgetOverlay} (R31). */
  hasOverlay(): Promise<boolean>;
  /** Runs whose removals were approved and did not all happen: a crash came between. They are finished at open (R23). */
  readApprovedHolds(): Promise<readonly number[]>;
  readHeld(runId: number, page: { readonly after?: number; readonly limit: number }): Promise<readonly HeldRow[]>;
  readAudit(page: { readonly before?: number; readonly limit: number }): Promise<readonly (AuditRecord & { readonly id: number })[]>;
  /** The same rows with their codes, for `verifyChain` (SEC-60). */
  readonly auditChain: AuditChain;
  /** The oldest events that the stream has not settled. */
  readEvents(stream: string, limit: number): Promise<readonly EventRow[]>;
  readEventStreams(): Promise<readonly EventStreamRow[]>;
  /** Writes of which values went back, oldest first: see `NewStep.keepsDrifts`. */
  readDrifts(page: { readonly after: number; readonly limit: number }): Promise<readonly DriftRow[]>;
  readWatermark(partition: string): Promise<string | undefined>;
  /** Bytes of the write-ahead log: a metric (R4). */
  walBytes(): Promise<number>;
  close(): Promise<void>;
}

export interface ReferenceRow {
  /** The referring or referred entry's id; `undefined` while unresolved. Also the paging key. */
  readonly entryId: number | undefined;
  readonly scimId: string | undefined;
  readonly objectType: string | undefined;
  readonly raw: string;
  /** Body of that entry as JSON text, for display names. */
  readonly body: string | undefined;
}

/** An entry, and the resolved references that were asked for with it. */
export interface ResourceRow extends EntryRow {
  readonly references?: readonly ReferenceFrom[];
}

/** A resolved reference, and where it is from. */
export interface ReferenceFrom extends ReferenceRow {
  readonly from: number;
  readonly attribute: string;
}

/** A filter of the store: an entry filter, or one on what the host itself keeps. */
export type StoreFilter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly StoreFilter[] }
  | { readonly kind: 'not'; readonly filter: StoreFilter }
  | Extract<EntryFilter, { kind: 'present' | 'compare' }>
  /** `value` is epoch milliseconds for times, a SCIM id, an external id (of `client`), or an entry id referred to. */
  | {
      readonly kind: 'resource';
      readonly field: 'id' | 'created' | 'modified' | 'external-id' | 'inactive';
      readonly comparison: 'equal' | 'not-equal' | 'starts' | 'greater' | 'greater-or-equal' | 'less' | 'less-or-equal' | 'present';
      readonly value: string | number | boolean;
      readonly client?: string;
    }
  /** The entry refers to this entry by the attribute. */
  | { readonly kind: 'refers'; readonly attribute: string; readonly entryId: number }
  /** The entry is referred to by this entry, or (entryId absent) by any, through the attribute of another type. */
  | { readonly kind: 'referred'; readonly objectType: string; readonly attribute: string; readonly entryId?: number };

export interface EntryQuery {
  readonly objectType: string;
  readonly filter?: StoreFilter;
  /** Sort by a queryable attribute or a time; ties by entry id. Default: entry id. */
  readonly sort?: {
    readonly by: { readonly attribute: string } | { readonly field: 'created' | 'modified' | 'id' };
    readonly descending: boolean;
  };
  /** Rows to pass over (index paging), or the keyset position after which to go on (unsorted only). */
  readonly offset?: number;
  readonly after?: number;
  readonly limit: number;
  readonly total: boolean;
  /** How many entries a filter without index may look at before `ScanLimitError` (S-096). */
  readonly scanLimit: number;
  /** The attributes whose resolved references the rows bring along, where a store has them at no further cost. */
  readonly referring?: readonly string[];
}

export interface EntryPage {
  readonly rows: readonly ResourceRow[];
  /** All matches over all pages, where asked for. */
  readonly total: number | undefined;
}

/** A filter that no index serves would look at more entries than allowed: 400 `tooMany` above. */
export class ScanLimitError extends Error {
  override readonly name = 'ScanLimitError';
}

export interface JournalRow {
  readonly id: number;
  readonly kind: Intent['kind'];
  readonly state: JournalState;
  readonly objectType: string;
  readonly entryId: number;
  readonly scimId: string | undefined;
  /** What is still to be sent: `[]` once the write has its result. What mode shadow recorded instead of sending it stays (R31). */
  readonly steps: string;
  readonly effect: EntryEffect;
  readonly link: LinkChange | undefined;
  readonly claims: readonly Claim[];
  readonly request: RequestIdentity;
  readonly sealed: string | undefined;
  readonly error: ConnectorErrorData | undefined;
  readonly at: number;
  readonly resultAt: number | undefined;
  readonly attempts: readonly { readonly at: number; readonly note: string }[];
}

export interface RunRow {
  readonly id: number;
  readonly profile: string;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly result: RunResult | 'running';
  readonly steps: readonly StepRow[];
  readonly held:
    | { readonly reason: string; readonly entries: number; readonly decision: 'waiting' | 'approved' | 'rejected'; readonly by?: string }
    | undefined;
}

export interface StepRow {
  readonly id: number;
  readonly kind: StepKind;
  readonly partition: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly result: RunResult | 'running';
  readonly counts: ImportCounts;
  readonly errorCount: number;
  readonly errors: readonly { readonly entry: string; readonly error: ConnectorErrorData }[];
}

export interface HeldRow {
  readonly entryId: number;
  readonly objectType: string;
  readonly anchor: string;
  readonly dn: string | undefined;
}
