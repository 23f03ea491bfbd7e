import type { Parameters } from '@landbridge/connector-sdk';
import type { ScimAttribute } from '@landbridge/scim';
import type { LeaveOut } from './leave-out.ts';
import type { IdDecoder } from './linked-ids.ts';

/**
 * The configuration of one connector as the engine takes it: parsed, defaults filled in, secrets resolved. The document
 * that people write (`landbridge.yaml`) and its JSON Schema are the server's; they map one to one.
 */
export interface ConnectorConfiguration {
  readonly name: string;
  /** What is loaded: a built-in name such as `sql`, or a module path or URL. */
  readonly package: string;
  /** `observe` refuses writes; `shadow` accepts and records them, and calls nothing; `live` is the default (R31). */
  readonly mode: ConnectorMode;
  /** How ids that clients have from another host may hold anchors, under the drop-in URL (R32). Default: not at all. */
  readonly linkedIds?: readonly IdDecoder[];
  /** Secrets resolved. Never logged, never answered. */
  readonly parameters: Parameters;
  /** Paths of parameters whose values came from a secret reference, such as `password` or `servers.0.password`: they are hidden in messages and logs. */
  readonly secretParameters: readonly string[];
  readonly objectTypes: readonly ObjectTypeConfiguration[];
  /** Identifiers or names of selected partitions; empty: all the connector has. */
  readonly partitions: readonly string[];
  /** DNs of containers in and out of scope, by partition. */
  readonly containers: readonly {
    readonly partition: string;
    readonly included: readonly string[];
    readonly excluded: readonly string[];
  }[];
  readonly runProfiles: readonly RunProfile[];
  readonly autosync: Autosync;
  readonly deletionThreshold: DeletionThreshold;
  /** Holds deletes and disables that come in great number over SCIM (SEC-20); absent: nothing is held. */
  readonly massChange?: MassChangeThreshold;
  /** Networks that SCIM clients come from (S-226). Default is anywhere. */
  readonly allowFrom?: readonly string[];
  /** SCIM filters of resources that no client may change or delete (SEC-14). Default is none. */
  readonly protected?: readonly string[];
  readonly deprovisioning: {
    readonly disable: DeprovisioningFlow;
    readonly delete: DeprovisioningFlow;
  };
  /** Names of the event streams that are told what changes (RFC 9967). */
  readonly eventStreams: readonly string[];
  /** A missing per-entry result is an error instead of success (R19). */
  readonly strictResults: boolean;
  /** What an import shows as it was before a write is exported again, at most three times (R20). Default is `false`: it is reported only. */
  readonly reExport?: boolean;
  /** How an export session lives (R17). Taken only where the connector declares that results apply at once, or the operator does. */
  readonly session: {
    readonly keepOpen: boolean | 'package';
    readonly idleSeconds: number;
    readonly maxSeconds: number;
  };
  /** Passwords go over a connection that the connector calls not secure, too. Default is `false`: they are refused. */
  readonly passwordsNotSecure?: boolean;
  readonly limits: ConnectorLimits;
  /** The face of SCIM 1.1 is served. Default is `false`. */
  readonly scim1?: boolean;
  /** How to authenticate may be read without a credential (S-005). Default is `false`. */
  readonly publicAuthenticationSchemes?: boolean;
  /** How long closed writes, runs and the audit are kept, in days; absent: for ever. */
  readonly retention?: { readonly journalDays: number; readonly runDays: number; readonly auditDays: number };
}

/** What becomes of writes (R31). */
export type ConnectorMode = 'observe' | 'shadow' | 'live';

/** One object type and the SCIM resource it becomes. */
export interface ObjectTypeConfiguration {
  /** The connector's name of the type. */
  readonly objectType: string;
  /** The SCIM resource type: `User`, `Group`, or any other name (then an extension schema of its own). */
  readonly resourceType: string;
  /** Path below the base URL; default is the plural of the resource type (S-014). */
  readonly endpoint: string;
  /**
   * SCIM path → attribute, e.g. `userName: login`, `emails[type eq "work"].value: mail`, `manager: manager_id`,
   * `members: members`. Attributes that are not mapped appear in the connector's extension schema under their own name.
   */
  readonly mapping: readonly AttributeMapping[];
  /** Attributes left out. Default is none. */
  readonly excluded: readonly string[];
  /** Objects that are no entries of the connector; absent: none. What a client creates must not be one of them. */
  readonly leaveOut?: LeaveOut;
  /** Attributes that get an index besides those that are unique, anchors or mapped to what clients look up. */
  readonly queryable: readonly string[];
  /** URN of the core schema of a type that is neither User nor Group, e.g. Okta's for roles (S-240). Default names the connector. */
  readonly schema?: string;
  /** Whether two groups may have the same displayName. Default is `false`: Entra finds groups by it (S-175). */
  readonly sameDisplayNames?: boolean;
  /** How a new entry gets its distinguished name, e.g. `CN={cn},OU=People,DC=x` (braces: escaped attribute values). */
  readonly dnTemplate?: string;
  /** The partition of new entries whose name does not tell it: an identifier, name or distinguished name. */
  readonly partition?: string;
}

export interface AttributeMapping {
  /** A SCIM attribute path; URN-qualified for extensions. */
  readonly scim: string;
  readonly attribute: string;
  /** Values of a boolean SCIM attribute in the application, e.g. `{true: 'A', false: 'D'}`; default is a boolean attribute. */
  readonly values?: { readonly true: string; readonly false: string };
  /** Characteristics of the SCIM attribute (RFC 7643 §7) that differ from the standard's or the application's (S-237). */
  readonly characteristics?: Partial<
    Pick<ScimAttribute, 'description' | 'required' | 'caseExact' | 'mutability' | 'returned' | 'uniqueness' | 'canonicalValues'>
  >;
}

/** A saved definition of a run. */
export interface RunProfile {
  readonly name: string;
  readonly steps: readonly RunStepDefinition[];
}

export interface RunStepDefinition {
  readonly kind: 'full-import' | 'delta-import' | 'full-export';
  /** Partition identifier or name; absent: one step for each selected partition. */
  readonly partition?: string;
  /** Default is the connector's. */
  readonly pageSize?: number;
}

/** What keeps the connector space fresh: an interval in seconds or a cron expression for each profile. */
export interface Autosync {
  readonly schedules: readonly {
    readonly profile: string;
    readonly everySeconds?: number;
    readonly cron?: string;
    readonly timeZone?: string;
  }[];
}

/** Above `percent` of a type's entries, and at least `minimum` of them, removals are held for approval (R23). */
export interface DeletionThreshold {
  readonly percent: number;
  readonly minimum: number;
}

/** What one hour may change before the rest waits for an administrator (SEC-20). */
export interface MassChangeThreshold {
  /** Deletes and disables of an object type: more than this share of its entries … */
  readonly percent: number;
  /** … and more than this many. */
  readonly minimum: number;
  /** Values taken from one entry's references, such as members of a group: more than this share, and more than `minimum`. */
  readonly memberPercent: number;
}

/** What disable and delete do to the application (R11). */
export type DeprovisioningFlow =
  | { readonly action: 'none' }
  | { readonly action: 'delete' }
  | {
      readonly action: 'set';
      readonly values: Readonly<Record<string, string | number | boolean | null>>;
    }
  /** Disable only: write the attribute mapped to `active` (the default where one is mapped). */
  | { readonly action: 'map' };

export interface ConnectorLimits {
  /** Requests a second that one credential may make; 0 is no limit (S-229). */
  readonly requestsPerSecond: number;
  /** Requests of one credential that may be at work at a time. */
  readonly concurrentRequests: number;
  /** Seconds after which one connector call is given up and its writes are in doubt (R13). */
  readonly callSeconds: number;
  /** Seconds after which a client is answered 503 with Retry-After; the write goes on (R16). */
  readonly deadlineSeconds: number;
  /** Seconds a whole import call may take before the connector thread is ended (R26 `hardLimit`). */
  readonly hardLimitSeconds: number;
  /** Memory of the connector thread, MiB (R1). */
  readonly memoryMegabytes: number;
  /** Entries a filter without an index may look at. */
  readonly scanEntries: number;
  /** Errors after which a run stops. ECMA2's engine stops at 5000. */
  readonly runErrors: number;
}

/** The defaults of everything that can be left out. */
export const configurationDefaults = {
  mode: 'live',
  deletionThreshold: { percent: 10, minimum: 20 },
  massChange: { percent: 10, minimum: 100, memberPercent: 50 },
  eventStreams: [],
  session: { keepOpen: 'package', idleSeconds: 30, maxSeconds: 600 },
  limits: {
    requestsPerSecond: 0,
    concurrentRequests: 500,
    callSeconds: 20,
    deadlineSeconds: 25,
    hardLimitSeconds: 6 * 3600,
    memoryMegabytes: 1024,
    scanEntries: 200_000,
    runErrors: 5000,
  },
} as const satisfies Partial<ConnectorConfiguration>;
