import type { AuditChain } from './audit-chain.ts';

/**
 * What the host as a whole keeps: configuration with revisions, credentials, schedules' last runs, audit of administration.
 * No promise spans this file and a connector's (R4).
 */
export interface ControlStore {
  /** Adds a revision; the newest is in force. */
  addRevision(revision: { readonly document: string; readonly author: string; readonly at: number; readonly summary: string }): Promise<number>;
  readRevision(number?: number): Promise<ConfigurationRevision | undefined>;
  listRevisions(limit: number): Promise<readonly ConfigurationRevision[]>;

  /** Stores a token's keyed hash, never the token (S-220). At most two live tokens per connector (S-221). */
  addToken(token: StoredToken): Promise<void>;
  listTokens(): Promise<readonly StoredToken[]>;
  revokeToken(id: string, at: number): Promise<boolean>;
  touchTokens(used: readonly { readonly id: string; readonly at: number }[]): Promise<void>;

  addAudit(record: { readonly at: number; readonly actor: string; readonly action: string; readonly detail: string }): Promise<void>;
  listAudit(
    limit: number,
  ): Promise<readonly { readonly id: number; readonly at: number; readonly actor: string; readonly action: string; readonly detail: string }[]>;

  /** The audit with its codes, for `verifyChain` (SEC-60). */
  readonly auditChain: AuditChain;

  readSetting(name: string): Promise<string | undefined>;
  writeSetting(name: string, value: string): Promise<void>;

  backup(target: string): Promise<void>;
  close(): Promise<void>;
}

export interface ConfigurationRevision {
  readonly number: number;
  readonly document: string;
  readonly author: string;
  readonly at: number;
  readonly summary: string;
}

/**
 * Settings in which a host keeps what it saw while it served: nothing that another host must act upon, so that
 * `SharedState.readVersion` does not change with them.
 */
export const observedSettings: readonly string[] = ['credential-networks'];

/** What a credential of a SCIM client opens. */
export interface ScimScope {
  readonly kind: 'scim';
  readonly connector: string;
  readonly profile: string;
  /** The client it belongs to, whatever credential it presents: the scope of its external ids (S-020). Absent: `default`. */
  readonly client?: string;
  /** What it may do; absent: everything (SEC-09). */
  readonly operations?: readonly ('read' | 'create' | 'update' | 'delete')[];
  /** The types of resources that it may use; absent: all (S-225). */
  readonly resourceTypes?: readonly string[];
  /** The attributes that it may see and write; those of extensions by their URN, alone or with a name behind it. Absent: all (S-225). */
  readonly attributes?: readonly string[];
  /** The person that it acts as: who `/Me` is (RFC 7644 §3.11). Absent: it is nobody. */
  readonly me?: { readonly id: string } | { readonly userName: string };
  /** The secret is for the token endpoint and opens nothing itself (RFC 6749 §4.4). */
  readonly grant?: 'client-credentials';
}

export interface StoredToken {
  /** The non-secret part by which a presented token is found. */
  readonly id: string;
  /** What it opens: a connector, the admin API, or the metrics alone. */
  readonly scope: ScimScope | { readonly kind: 'admin' } | { readonly kind: 'metrics' };
  readonly label: string;
  /** HMAC-SHA-256 of the secret part, hex. */
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}
