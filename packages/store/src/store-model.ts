import type { AttributeType, Normalization, ObjectConfirmation } from '@landbridge/connector-sdk';
import type { Claim } from './connector-store.ts';

/** The selected schema as the store needs it. */
export interface StoreModel {
  /** Part of every derived SCIM id: the name of the connector. */
  readonly connector: string;
  readonly objectTypes: readonly StoreObjectType[];
  readonly normalizations: readonly Normalization[];
  /** Reference values are distinguished names (`dn`) or anchor texts of the target (`anchor`). */
  readonly referenceForm: 'dn' | 'anchor';
  /** Which creates and deletes an import must confirm; default is `normal`: all of them (R20). */
  readonly objectConfirmation?: ObjectConfirmation;
  /** Entries of types without anchor attributes are known by their distinguished name, which compares without regard to case. */
  readonly dnAsAnchor?: boolean;
  /** What of the application is in scope, as text: partitions and containers. Another text invalidates watermarks (R24). */
  readonly scope?: string;
}

export interface StoreObjectType {
  readonly name: string;
  readonly attributes: readonly StoreAttribute[];
}

export interface StoreAttribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly caseExact: boolean;
  /** Its values are names of accounts: where case does not count, neither does the width of characters (S-056). */
  readonly accountName?: true;
  /** Gets an index: a key column when single-valued, rows of the index table when multi-valued. References always have one. */
  readonly queryable: boolean;
  /** Checked by {@link Claim}s. Implies queryable. */
  readonly unique: boolean;
  /** Never awaited by confirmation (R20). */
  readonly exportOnly: boolean;
  readonly referenceTypes?: readonly string[];
}
