import type { Capabilities } from './capabilities.ts';
import type { ConnectorErrorData } from './errors.ts';
import type { EntryFilter } from './filter.ts';
import type { ParameterDefinition, ParameterPage, ParameterProblem, Parameters } from './parameters.ts';
import type { Schema } from './schema.ts';
import type { Attributes, Value } from './values.ts';

/** A part of the application that can be in scope or not. Source: ECMA2 `Partition`. */
export interface Partition {
  /** Stable identifier. */
  readonly id: string;
  readonly dn: string;
  readonly name: string;
  readonly hiddenByDefault?: boolean;
}

/** A container inside a partition. Source: ECMA2 `HierarchyNode`. */
export interface HierarchyNode {
  readonly dn: string;
  readonly displayName: string;
}

/** A line for the log of the connector. Values of secret parameters are redacted by the host. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What every call of a connector gets. */
export interface ConnectorContext {
  /** The name of the connector instance. */
  readonly connector: string;
  readonly parameters: Parameters;
  /** The persistent writable folder of this instance (R28). Source: ECMA2 `MAUtils.MAFolder`. */
  readonly folder: string;
  readonly log: Logger;
}

/** What an import reads. Source: ECMA2 `OperationType`. */
export type ImportKind = 'full' | 'delta';

/** What an import step is asked to do. Source: ECMA2 `OpenImportConnectionRunStep`. */
export interface ImportStep {
  readonly kind: ImportKind;
  /** The selected object types and attributes; a connector returns only these. */
  readonly schema: Schema;
  readonly pageSize: number;
  readonly partition?: Partition;
  readonly included?: readonly HierarchyNode[];
  readonly excluded?: readonly HierarchyNode[];
  /** The watermark of the last successful import; absent in a full import (R24). Opaque to the host. */
  readonly watermark?: string;
  readonly signal: AbortSignal;
}

/** How an imported entry differs from what the host may know. Source: ECMA2 `ObjectModificationType`. */
export type ImportModification = 'add' | 'replace' | 'update' | 'delete';

/** One change of one attribute. Source: ECMA2 `AttributeChange`. */
export type AttributeChange =
  /** All values of an attribute that had none (`add`) or whose old values go (`replace`). */
  | {
      readonly name: string;
      readonly modification: 'add' | 'replace';
      readonly values: readonly Value[];
    }
  /** Values added to and removed from a multi-valued attribute. */
  | {
      readonly name: string;
      readonly modification: 'update';
      readonly added: readonly Value[];
      readonly removed: readonly Value[];
    }
  /** The attribute loses all its values. */
  | { readonly name: string; readonly modification: 'delete' };

/** One entry as an import reports it. Source: ECMA2 `CSEntryChange` on import. */
export interface ImportEntry {
  readonly modification: ImportModification;
  readonly objectType: string;
  /** The anchor attributes with their values. For a delete the anchor (or the `dn`) is enough. */
  readonly anchor: Attributes;
  readonly dn?: string;
  /** After a rename: the new distinguished name, `dn` being the old one. */
  readonly newDn?: string;
  /** All attributes, for `add` and `replace`. */
  readonly attributes?: Attributes;
  /** Changed attributes, for `update`. */
  readonly changes?: readonly AttributeChange[];
  /** This entry could not be read; the run goes on and does not advance its watermark (R24). */
  readonly error?: ConnectorErrorData;
}

/** A page of an import. Empty and short pages are normal (R23). Source: ECMA2 `GetImportEntriesResults`. */
export interface ImportPage {
  readonly entries: readonly ImportEntry[];
  /** `false` is the end-of-data mark: without it nothing is ever removed (R23). */
  readonly more: boolean;
  /** Continuation data to keep; replaces the one before. */
  readonly watermark?: string;
  /** How many entries the whole step will bring, if the application knows: for the progress bar. */
  readonly total?: number;
}

/** Why a session ends. Source: ECMA2 `CloseReason`. */
export type CloseReason = 'normal' | 'cancelled' | 'shutting-down' | 'failed';

/** An open import. One per connector at a time. */
export interface ImportSession {
  /**
   * Reads the next page. `fullObjects` are entries that an earlier page updated and the host does not have: where the connector
   * declares that it can (`Capabilities.fullObjects`), it answers with them as `replace` on this page, or leaves out what is gone.
   * Source: ECMA2 `GetImportEntriesRunStep.FullObjectEntries`.
   */
  readPage(options: { readonly signal: AbortSignal; readonly fullObjects?: readonly EntryIdentity[] }): Promise<ImportPage>;
  /** Ends the import; a returned watermark is the final one. Called exactly once, whatever happened. */
  close(reason: CloseReason): Promise<{ readonly watermark?: string } | undefined>;
}

/** What an export session is opened for. Source: ECMA2 `OpenExportConnectionRunStep`. */
export interface ExportStep {
  /** `full`: every entry is presented, not only changed ones. */
  readonly kind: ImportKind;
  readonly schema: Schema;
  readonly batchSize: number;
  readonly partition?: Partition;
  readonly signal: AbortSignal;
}

/** What is to be done to an entry. Source: ECMA2 `ObjectModificationType`. */
export type ExportModification = 'add' | 'replace' | 'update' | 'delete';

/** One change of one entry. Source: ECMA2 `CSEntryChange` on export. */
export interface EntryChange {
  /** Identifies the change within the session; the result carries it. */
  readonly id: string;
  readonly modification: ExportModification;
  readonly objectType: string;
  /** The anchor of the entry; absent in an add whose anchor the application assigns. */
  readonly anchor?: Attributes;
  readonly dn?: string;
  /** A rename: the new distinguished name. */
  readonly newDn?: string;
  /** What changes; an `add` and a `replace` carry every attribute as `add`, a `delete` none. */
  readonly changes: readonly AttributeChange[];
  /**
   * In an update: the values of the attributes that the schema calls `version`, as the host last saw them. A connector that
   * declares such attributes refuses a change of an entry that has others by now (`version-conflict`).
   */
  readonly seen?: Attributes;
  /** The initial password, where the connector takes it in the first pass. */
  readonly password?: string;
}

/** What became of one change. Source: ECMA2 `CSEntryChangeResult`. */
export interface EntryResult {
  readonly id: string;
  /** Absent means success. */
  readonly error?: ConnectorErrorData;
  /** On a successful add: the anchor, where the application assigned it. */
  readonly anchor?: Attributes;
  /** Other values the application assigned or altered; an empty list for an attribute that has no value now. */
  readonly attributes?: Attributes;
  readonly dn?: string;
}

/** An open export. */
export interface ExportSession {
  /**
   * Applies a batch. What is certain about an entry is its result, an error included. A thrown error puts the whole batch in doubt
   * (R13), unless there is one change and the error is the application's answer about that entry (class `skip`).
   */
  put(changes: readonly EntryChange[], options: { readonly signal: AbortSignal }): Promise<readonly EntryResult[]>;
  /** Ends the session. Results count from here where `resultsApply` is `at-close` (R17). Called exactly once. */
  close(reason: CloseReason): Promise<void>;
}

/** A session with one batch, whose three calls are under way at once. Each promise settles by itself, in this order. */
export interface BatchSession {
  /** Rejects where the session did not open: nothing of the batch was applied then, or ever will be. */
  readonly opened: Promise<void>;
  /** As of {@link ExportSession.put}. */
  readonly results: Promise<readonly EntryResult[]>;
  /** Rejects where the session did not close well. */
  readonly closed: Promise<void>;
}

/** Identifies one entry to a password call or a look-up. */
export interface EntryIdentity {
  readonly objectType: string;
  readonly anchor?: Attributes;
  readonly dn?: string;
  readonly attributes?: Attributes;
}

/** What goes with a password. Source: ECMA2 `PasswordOptions`. */
export interface PasswordOptions {
  readonly forceChangeAtLogOn?: boolean;
  readonly unlockAccount?: boolean;
  readonly validatePassword?: boolean;
}

/** An open password connection. Source: ECMA2 `IMAExtensible2Password`. */
export interface PasswordSession {
  /** Whether the channel to the application is protected; the host sends nothing over `not-secure` unless the operator allowed it. */
  readonly security: 'secure' | 'not-secure';
  /** Administrative reset. */
  set(entry: EntryIdentity, password: string, options: PasswordOptions): Promise<void>;
  /** Change with the old password. */
  change(entry: EntryIdentity, oldPassword: string, newPassword: string): Promise<void>;
  close(): Promise<void>;
}

/** A live look-up. */
export interface FindRequest {
  readonly schema: Schema;
  readonly objectType: string;
  readonly filter: EntryFilter;
  /** At most so many entries; a connector that has more says `truncated`. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** What a live look-up found. */
export interface FindResult {
  readonly entries: readonly ImportEntry[];
  readonly truncated: boolean;
  /** The part of the filter that the application could not evaluate: the engine applies it to the entries, or refuses. */
  readonly unevaluated?: EntryFilter;
}

/** The layers of a connection test, from the wire up. */
export type TestLayer = 'name-resolution' | 'tcp' | 'tls' | 'authentication' | 'permissions' | 'schema';

/** The outcome of one layer. */
export interface TestResult {
  readonly layer: TestLayer;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly message: string;
  readonly milliseconds: number;
}

/** A change that the application pushed. A type only so far: no built-in connector watches yet. */
export interface WatchEvent {
  readonly entry: ImportEntry;
  readonly watermark?: string;
}

/**
 * What a package needs to propose a configuration for an application that exists. A package that can do so exports a function
 * `scaffold(request: ScaffoldRequest): Promise<string>` beside its connector; it gives commented YAML without secrets.
 */
export interface ScaffoldRequest {
  /** Where the application is. A password in it is used, and not written. */
  readonly url: string;
  /** The name of the connector in the proposed configuration. */
  readonly name: string;
  /** A part of the application, where it has parts. */
  readonly schema?: string;
  readonly password?: string;
}

/**
 * A connector: what an author writes. State lives in sessions, which are new for each run; a connector object itself
 * keeps none. Every function may be called with any parameters at any time (an administrator may be editing them).
 */
export interface Connector {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Capabilities for these parameters. Source: ECMA2 `GetCapabilitiesEx`. */
  capabilities(context: ConnectorContext): Capabilities | Promise<Capabilities>;
  /** Parameters of a page; `pageNumber` counts from 1 until an empty list (only `schema` has several). */
  parameters(page: ParameterPage, pageNumber: number, context: ConnectorContext): readonly ParameterDefinition[] | Promise<readonly ParameterDefinition[]>;
  /** Checks the values of a page; an empty list is success. */
  validateParameters?(page: ParameterPage, pageNumber: number, context: ConnectorContext): readonly ParameterProblem[] | Promise<readonly ParameterProblem[]>;
  schema(context: ConnectorContext, options: { readonly signal: AbortSignal }): Promise<Schema>;
  partitions?(context: ConnectorContext, options: { readonly signal: AbortSignal }): Promise<readonly Partition[]>;
  /** Direct children only; `undefined` is the root of the partition. */
  hierarchy?(context: ConnectorContext, parent: HierarchyNode | undefined, options: { readonly signal: AbortSignal }): Promise<readonly HierarchyNode[]>;
  openImport?(context: ConnectorContext, step: ImportStep): Promise<ImportSession>;
  openExport?(context: ConnectorContext, step: ExportStep): Promise<ExportSession>;
  /**
   * For connectors in another process: opens a session, puts the batch and closes it, without waiting for an answer in between.
   * Once the signal of the step is aborted, every promise must settle within seconds. `undefined`: by {@link openExport}, as ever.
   */
  exportBatch?(context: ConnectorContext, step: ExportStep, changes: readonly EntryChange[]): Promise<BatchSession | undefined>;
  openPassword?(context: ConnectorContext, options: { readonly partition?: Partition; readonly signal: AbortSignal }): Promise<PasswordSession>;
  find?(context: ConnectorContext, request: FindRequest): Promise<FindResult>;
  /** Tests layer by layer; stops at the first that fails. */
  test?(context: ConnectorContext, options: { readonly signal: AbortSignal }): AsyncIterable<TestResult>;
  watch?(context: ConnectorContext, options: { readonly watermark?: string; readonly signal: AbortSignal }): AsyncIterable<WatchEvent>;
}

/**
 * Declares a connector. The identity function with a type: it gives an author completion and checks, and the loader a
 * single shape to look for (the module's export named `connector`).
 *
 * @example
 * export const connector = defineConnector({ name: 'my-app', version: '1.0.0', … });
 */
export function defineConnector(connector: Connector): Connector {
  return connector;
}
