import type { Partition, Schema, TestResult } from '@landbridge/connector-sdk';
import type { CompiledResourceType } from '@landbridge/scim';
import type {
  AuditChain,
  AuditRecord,
  ConnectorStore,
  EntryRow,
  EventStreamRow,
  HeldRow,
  JournalRow,
  JournalState,
  OpenStore,
  RunRow,
} from '@landbridge/store';
import type { Autosync, ConnectorConfiguration } from './configuration.ts';
import type { ForeignId, ForeignIdOutcome } from './linked-ids.ts';
import type { DeletesSeen } from './runs/complete-autosync.ts';
import type { ShadowPage, ShadowRow } from './shadow-report.ts';

/** What a credential can be allowed to do (SEC-09). */
export const operations = ['read', 'create', 'update', 'delete'] as const;

/** One of {@link operations}. */
export type Operation = (typeof operations)[number];

/** Who asks, for one SCIM request. */
export interface RequestContext {
  /** The credential's identifier: who the audit names, and the scope of repeats (R16). */
  readonly credential: string;
  /**
   * The client that the credential belongs to: the scope of external ids (S-020, RFC 7643 §3.1). It outlives a credential, so
   * that a token can be exchanged without a client losing what it called its resources.
   */
  readonly client: string;
  /** What the credential may do; absent: everything (SEC-09). */
  readonly operations?: readonly Operation[];
  /** The types of resources that it may use; absent: all (S-225). */
  readonly resourceTypes?: readonly string[];
  /** The attributes that it may see and write, lower case, those of extensions behind their URN and a colon; absent: all (S-225). */
  readonly attributes?: readonly string[];
  /** The dialect profile of the credential (`strict`, `lenient`, `entra`, …). */
  readonly profile: string;
  /** Absolute base URL of the face, without a slash at the end: for `meta.location` and `$ref`. */
  readonly baseUrl: string;
  readonly correlation: string;
  readonly signal?: AbortSignal;
  /** The client sent `Prefer: respond-async` (RFC 9967 §2.5.1), and how long it waits nevertheless. */
  readonly respondAsync?: { readonly waitSeconds: number };
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  /** Counts an operation of a bulk request against the rate of the credential (S-186). Throws `ScimError` 429. */
  readonly admit?: () => void;
  /** Notes an operation of a bulk request that was not allowed, for the audit (SEC-60); the request as a whole is answered 200. */
  readonly denied?: (method: string) => void;
  /** Whether the client still waits for its answer; absent: it does (R16, S-053). */
  readonly waits?: () => boolean;
}

/** The answer to a SCIM request: everything but the HTTP framing. Errors are thrown as `ScimError`. */
export interface ScimAnswer {
  readonly status: 200 | 201 | 202 | 204 | 304;
  /** JSON text, ready to send. */
  readonly body?: string;
  readonly etag?: string;
  readonly location?: string;
  /** The transaction a later event will name (RFC 9967 §2.5.1). */
  readonly transaction?: string;
}

/** Query parameters as the client sent them, percent-decoded once, each at most once (S-092, SEC-38). */
export type QueryParameters = Readonly<Record<string, string>>;

/** One face of a connector: the clean one (`/scim/{connector}`) or the drop-in (`/ecma2host_{connector}/scim`). */
export interface ScimService {
  /** By endpoint path segment, lower case (`users`). */
  readonly resourceTypes: ReadonlyMap<string, CompiledResourceType>;
  discovery(context: RequestContext, document: 'ServiceProviderConfig' | 'ResourceTypes' | 'Schemas', id?: string): ScimAnswer;
  create(context: RequestContext, endpoint: string, body: unknown, query: QueryParameters): Promise<ScimAnswer>;
  read(context: RequestContext, endpoint: string, id: string, query: QueryParameters): Promise<ScimAnswer>;
  list(context: RequestContext, endpoint: string, query: QueryParameters): Promise<ScimAnswer>;
  /** `POST …/.search` (S-195). */
  search(context: RequestContext, endpoint: string, body: unknown): Promise<ScimAnswer>;
  /** Over all resource types: `GET /` with parameters, and `POST /.search` (S-196). */
  listAll(context: RequestContext, query: QueryParameters): Promise<ScimAnswer>;
  searchAll(context: RequestContext, body: unknown): Promise<ScimAnswer>;
  /** `POST /Bulk` (S-184). */
  bulk(context: RequestContext, body: unknown): Promise<ScimAnswer>;
  replace(context: RequestContext, endpoint: string, id: string, body: unknown, query: QueryParameters): Promise<ScimAnswer>;
  patch(context: RequestContext, endpoint: string, id: string, body: unknown, query: QueryParameters): Promise<ScimAnswer>;
  delete(context: RequestContext, endpoint: string, id: string): Promise<ScimAnswer>;
}

/** Progress of a run, for a bar. Sent a few times a second. */
export interface RunProgress {
  readonly runId: number;
  readonly step: number;
  readonly steps: number;
  readonly kind: 'full-import' | 'delta-import' | 'full-export';
  readonly partition: string;
  readonly phase: 'opening' | 'reading' | 'exporting' | 'removing' | 'closing' | 'ended';
  readonly entries: number;
  /** Where the application knows it. */
  readonly total: number | undefined;
  readonly added: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly removed: number;
  readonly errors: number;
  readonly entriesPerSecond: number;
}

/** A run under way. */
export interface ActiveRun {
  readonly runId: number;
  readonly profile: string;
  readonly progress: RunProgress | undefined;
  /** Resolves with the row when it ended, whatever the result; does not reject for a failed run. */
  readonly ended: Promise<RunRow>;
  onProgress(listener: (progress: RunProgress) => void): () => void;
  cancel(): void;
}

/** One connector at work. */
export interface HostConnector {
  readonly name: string;
  readonly configuration: ConnectorConfiguration;
  /** The schedules in force: those of the configuration, and what deltas that do not see deletes need beside them. */
  readonly autosync: Autosync;
  readonly deletesSeen: DeletesSeen;
  /** What an administrator must know of deltas that do not see deletes; see `runs/complete-autosync.ts`. */
  readonly missedDeletes: string | undefined;
  readonly clean: ScimService;
  readonly dropIn: ScimService;
  status(): Promise<ConnectorStatus>;
  /** The layered test of the connector, with parameters in force. */
  test(): AsyncIterable<TestResult>;
  schema(): Promise<Schema>;
  partitions(): Promise<readonly Partition[]>;
  /** Entries of the connector space, a page at a time. */
  space(page: {
    readonly objectType: string;
    readonly after?: number;
    readonly limit: number;
  }): Promise<{ readonly rows: readonly EntryRow[]; readonly total: number }>;

  /** Starts a run. Throws `HostError` `run-active`, `unknown-profile`. */
  run(profile: string, startedBy: string): Promise<ActiveRun>;
  readonly activeRun: ActiveRun | undefined;
  /** Links ids that clients have from another host, or with `verify` says what they come to (R32). One outcome each, in order. */
  linkIds(ids: readonly ForeignId[], options: { readonly verify: boolean; readonly actor: string }): Promise<readonly ForeignIdOutcome[]>;
  runs(page: { readonly before?: number; readonly limit: number }): Promise<readonly RunRow[]>;
  runHistory(runId: number): Promise<RunRow | undefined>;
  held(runId: number, page: { readonly after?: number; readonly limit: number }): Promise<readonly HeldRow[]>;
  /** Approves or rejects held removals (R23); approving removes them. */
  decide(runId: number, decision: 'approved' | 'rejected', by: string): Promise<{ readonly removed: number }>;

  journal(page: { readonly states?: readonly JournalState[]; readonly before?: number; readonly limit: number }): Promise<readonly NamedJournalRow[]>;
  /** What mode shadow recorded, and how the application differs (R31). */
  shadow(page: ShadowPage): Promise<readonly ShadowRow[]>;
  /** An operator's word on a write in doubt (R14). Throws `HostError` `not-in-doubt`. */
  settle(journalId: number, decision: 'applied' | 'not-applied', by: string): Promise<JournalRow>;
  /** An administrator's word on writes that the mass-change guard holds: `undefined` is all of them. Approved ones are sent. */
  decideHeldWrites(decision: 'approved' | 'rejected', journalIds: readonly number[] | undefined, by: string): Promise<HeldWritesDecided>;
  /** Lets deletes and disables pass unheld for so long: an administrator expects them. */
  suspendMassChangeGuard(milliseconds: number): void;
  /** The oldest events that a stream has not settled, as its receiver reads them (RFC 9967 §2). */
  events(stream: string, limit: number): Promise<readonly ResourceEvent[]>;
  eventStreams(): Promise<readonly EventStreamRow[]>;
  settleEvents: ConnectorStore['settleEvents'];
  /** The audit with its codes, for `verifyChain` of the store (SEC-60). */
  readonly auditChain: AuditChain;
  audit(page: { readonly before?: number; readonly limit: number }): Promise<readonly (AuditRecord & { readonly id: number })[]>;
  backup(target: string): Promise<void>;
  /** Is told when another host has taken the connector over (R34): nothing is written by this one any more, and it is to be closed. */
  onLost(listener: (reason: Error) => void): void;
  /** Drains writes, ends runs, closes sessions, the thread and the store. */
  close(): Promise<void>;
}

/** An event about a resource: the claims of a security event token that do not depend on its receiver. */
export interface ResourceEvent {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly transaction: string;
  /** `sub_id` (RFC 9967 §2.1); absent for a request that never made a resource. */
  readonly subject: { readonly format: 'scim'; readonly uri: string; readonly id: string } | undefined;
  /** By URI of the event (RFC 9967 §2.3). */
  readonly events: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A journal row with the name by which people know its entry, while there is one. */
export type NamedJournalRow = JournalRow & { readonly display: string | undefined };

/** What became of held writes that were decided. */
export interface HeldWritesDecided {
  /** Approved, sent, and applied by now. */
  readonly applied: number;
  readonly rejected: number;
  /** Approved, and refused by the application, or not sent because the resource changed or went since. */
  readonly refused: number;
  /** Approved and not answered yet. */
  readonly underWay: number;
  /** Not held (any more). */
  readonly notHeld: readonly number[];
}

export interface ConnectorStatus {
  readonly name: string;
  readonly package: string;
  readonly mode: ConnectorConfiguration['mode'];
  /**
   * `starting`: no full import has ended yet; `behind`: restored from a backup, and no full import has ended since (R5);
   * `failed`: the connector cannot be used, see `problem`.
   */
  readonly state: 'starting' | 'behind' | 'ready' | 'failed';
  readonly problem: string | undefined;
  readonly entries: Readonly<Record<string, number>>;
  readonly inDoubt: number;
  /** Writes that wait for an administrator (mass-change guard). */
  readonly heldWrites: number;
  readonly lastRun: RunRow | undefined;
  readonly nextRun: { readonly profile: string; readonly at: number } | undefined;
  readonly walBytes: number;
}

/** Why the host refuses an administrative request. The message is a sentence for a person. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code:
    | 'unknown-connector'
    | 'unknown-profile'
    | 'unknown-run'
    | 'run-active'
    | 'not-held'
    | 'not-in-doubt'
    | 'unknown-journal'
    | 'invalid-configuration'
    | 'behind'
    | 'connector-failed';
  constructor(code: HostError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a connector is opened with. */
export interface OpenConnectorOptions {
  readonly configuration: ConnectorConfiguration;
  /** Folder of the connector's store file and of its own persistent files (R28). */
  readonly folder: string;
  /** Opens the connector's store. Default is a SQLite file in the folder. */
  readonly openStore?: () => Promise<OpenStore>;
  /** 32 bytes: seals passwords in the journal (R21). */
  readonly sealingKey: Uint8Array;
  readonly log: HostLog;
  /** The store came back from a backup (R5): told when the connector has caught up. */
  readonly caughtUp?: () => void;
  /** Told of what an administrator should hear of: a client was kept from a protected resource, or takes more away than usual (SEC-61). */
  readonly alert?: (kind: 'protected-object' | 'mass-change', credential: string) => void;
  /** Told when a client has disabled or deleted a resource, with the ids that it is known by: what the host issued for it ends (S-173). */
  readonly deprovisioned?: (ids: readonly string[]) => void;
  /** Ends the opening while the connector still says what it is: one that hangs would keep a host from ending. */
  readonly givenUp?: AbortSignal;
  readonly now?: () => number;
}

/** A structured log; the server's is pino. Messages are static, data goes into fields. */
export interface HostLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
