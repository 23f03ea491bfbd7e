import type { Capabilities } from '@landbridge/connector-sdk';
import type { ConnectorReader, ConnectorStore } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorWrites } from './connector-writes.ts';
import type { HostLog, OpenConnectorOptions } from './host.ts';
import type { IgnoredAttributes } from './ignored-attributes.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import type { Cursors } from './scim-cursor.ts';
import type { Protection } from './scim-protected.ts';
import type { Scope } from './scope.ts';
import type { CreateTurns } from './writes/create-turns.ts';

/** What reads and writes of one face of a connector work with. */
export interface ScimFace {
  /** By endpoint path segment, lower case. */
  readonly models: ReadonlyMap<string, ResourceModel>;
  /** By object type of the application. */
  readonly byObjectType: ReadonlyMap<string, ResourceModel>;
  readonly configuration: ConnectorConfiguration;
  readonly capabilities: Capabilities;
  readonly scope: Scope;
  readonly reader: ConnectorReader;
  readonly store: ConnectorStore;
  readonly writes: ConnectorWrites;
  /** Shared by both faces: who of several senders of one create has made the resource (S-053). */
  readonly turns: CreateTurns;
  readonly cursors: Cursors;
  readonly ignored: IgnoredAttributes;
  readonly protection: Protection;
  readonly alert: OpenConnectorOptions['alert'];
  readonly deprovisioned: OpenConnectorOptions['deprovisioned'];
  readonly log: HostLog;
  readonly now: () => number;
  /** Why the connector is behind, while it is: writes wait (R5, R31). */
  behind(): string | undefined;
  /** The application says that an object exists which the space does not have: look it up, so that the client finds it (R15). */
  refresh(objectType: string, claims: readonly { readonly attribute: string; readonly key: string }[]): Promise<void>;
}

/** How many resources a list returns when the client does not say; how many at most is the dialect's. */
export const pageLimits = { defaultCount: 100 } as const;

/** A group with more members than this is answered without them, unless they are asked for by name (S-183). */
export const MEMBERS_SHOWN = 10_000;

/** One answer has no more members than this, of all its groups together: twenty megabytes of text. */
export const MEMBERS_IN_ANSWER = 100_000;
