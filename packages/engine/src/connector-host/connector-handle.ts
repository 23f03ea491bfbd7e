import type { MessagePort } from 'node:worker_threads';
import type {
  Capabilities,
  ConnectorErrorData,
  EncodedAttributes,
  EntryFilter,
  Partition,
  PasswordOptions,
  Schema,
  TestResult,
} from '@landbridge/connector-sdk';
import type { ImportCounts, NotReimported } from '@landbridge/store';

/**
 * A connector as the engine calls it: in its own thread (R1), with encoded values, one call in flight per session (R18).
 * The thread holds the schema, so that values are typed there and nowhere else.
 */
export interface ConnectorHandle {
  /** Loads the package, reads capabilities and schema with the parameters in force. Rejects with `ConnectorError`. */
  describe(): Promise<ConnectorDescription>;
  /** Selects the object types and attributes of the configuration. Must precede sessions. */
  select(selection: Selection): Promise<void>;
  openExport(options: { readonly batchSize: number; readonly kind?: 'full' | 'delta'; readonly partition?: Partition }): Promise<ExportHandle>;
  /** A session with one batch, in one call. Resolves with `undefined`, and nothing done, where that must go by {@link openExport}. */
  exportBatch?(
    options: { readonly batchSize: number; readonly kind?: 'full' | 'delta'; readonly partition?: Partition },
    changes: readonly EncodedChange[],
    limits: { readonly timeoutMilliseconds: number },
  ): Promise<BatchOutcome | undefined>;
  /** Drives one whole import step inside the connector's thread: pages go straight to the store thread. */
  runImport(step: ImportTask, events: ImportEvents): ImportControl;
  setPassword(identity: EncodedIdentity, password: string, options: PasswordOptions, partition?: Partition): Promise<void>;
  find(request: { readonly objectType: string; readonly filter: EntryFilter; readonly limit: number }): Promise<FoundEntries>;
  test(): AsyncIterable<TestResult>;
  /** Resolves when no call of a session ended by time-out can still be at work: the thread has ended or the call returned (R14). */
  quiesced(): Promise<void>;
  /** Ends the thread. Sessions still open fail with `terminated`. */
  close(): Promise<void>;
  /** Called when the thread died on its own; it is restarted with back-off at the next call. */
  onExit(listener: (reason: string) => void): void;
}

/** What of the application is in use. */
export interface Selection {
  readonly schema: Schema;
  /** Objects that are no entries, by object type. */
  readonly leaveOut?: Readonly<Record<string, EntryFilter>>;
}

export interface ConnectorDescription {
  readonly name: string;
  readonly version: string;
  readonly capabilities: Capabilities;
  readonly schema: Schema;
  readonly partitions: readonly Partition[];
  /** The connector can do a session with one batch in one go. */
  readonly batches?: boolean;
}

/** An export session in the thread. */
export interface ExportHandle {
  /**
   * Sends a batch. Resolves with one outcome per change, in order, however the connector answered: errors thrown by the
   * connector, time-outs and the death of the thread are outcomes too (R13, R19).
   */
  put(changes: readonly EncodedChange[], options: { readonly timeoutMilliseconds: number }): Promise<readonly PutOutcome[]>;
  /** Closes; a failing close puts the session's writes in doubt (R17). */
  close(reason: 'normal' | 'failed' | 'shutting-down'): Promise<{ readonly error?: ConnectorErrorData }>;
}

export interface EncodedIdentity {
  readonly objectType: string;
  readonly anchor?: EncodedAttributes;
  readonly dn?: string;
  readonly attributes?: EncodedAttributes;
}

/** An entry change with encoded values; the twin of the contract's `EntryChange`. */
export interface EncodedChange {
  readonly id: string;
  readonly modification: 'add' | 'replace' | 'update' | 'delete';
  readonly objectType: string;
  readonly anchor?: EncodedAttributes;
  readonly dn?: string;
  readonly newDn?: string;
  readonly changes: readonly EncodedAttributeChange[];
  readonly seen?: EncodedAttributes;
  readonly password?: string;
}

export type EncodedAttributeChange =
  | {
      readonly name: string;
      readonly modification: 'add' | 'replace';
      readonly values: readonly (string | boolean)[];
    }
  | {
      readonly name: string;
      readonly modification: 'update';
      readonly added: readonly (string | boolean)[];
      readonly removed: readonly (string | boolean)[];
    }
  | { readonly name: string; readonly modification: 'delete' };

/** What became of one change of a batch. */
export type PutOutcome =
  | {
      readonly status: 'applied';
      /** Attributes that have no value now, as the application says. */
      readonly cleared?: readonly string[];
      readonly anchor?: EncodedAttributes;
      readonly attributes?: EncodedAttributes;
      readonly dn?: string;
      readonly resultMissing?: boolean;
    }
  | { readonly status: 'refused'; readonly error: ConnectorErrorData }
  | { readonly status: 'in-doubt'; readonly error: ConnectorErrorData };

/** What became of a session with one batch: it did not open, or each change has an outcome, and the session may have closed badly. */
export type BatchOutcome =
  | { readonly refused: ConnectorErrorData }
  | { readonly refused?: never; readonly outcomes: readonly PutOutcome[]; readonly closeError?: ConnectorErrorData };

export interface FoundEntries {
  readonly entries: readonly {
    readonly objectType: string;
    readonly anchor: string;
    readonly dn?: string;
    readonly attributes: EncodedAttributes;
  }[];
  readonly truncated: boolean;
}

/** One import step, run in the connector's thread. */
export interface ImportTask {
  readonly stepId: number;
  readonly kind: 'full' | 'delta';
  readonly partition?: Partition;
  readonly included: readonly string[];
  readonly excluded: readonly string[];
  readonly pageSize: number;
  readonly watermark?: string;
  /** The connector brings whole objects that are asked for. */
  readonly fullObjects: boolean;
  /** A port to the store thread, transferred. */
  readonly storePort: MessagePort;
  /** Errors after which the step stops. */
  readonly errorLimit: number;
  readonly hardLimitMilliseconds: number;
  /** How long a cancelled import may take to end by itself. */
  readonly cancelMilliseconds: number;
}

export interface ImportEvents {
  progress(progress: { readonly entries: number; readonly total: number | undefined; readonly counts: ImportCounts; readonly errorCount: number }): void;
  notReimported(reports: readonly NotReimported[]): void;
  /** Writes that an import settled, and the journal rows in which their passwords go on. */
  settled(journalIds: readonly number[], passwords: readonly number[]): void;
}

export interface ImportControl {
  readonly done: Promise<ImportOutcome>;
  cancel(): void;
}

/** How the reading ended. Only `complete` (end-of-data mark seen, no page error, clean close) may remove anything (R23). */
export interface ImportOutcome {
  readonly complete: boolean;
  readonly cancelled: boolean;
  readonly watermark: string | undefined;
  readonly counts: ImportCounts;
  readonly entries: number;
  readonly errors: readonly {
    readonly entry: string;
    readonly error: ConnectorErrorData;
  }[];
  readonly errorCount: number;
  /** What ended the step early, where something did. */
  readonly error: ConnectorErrorData | undefined;
}
