/** How entries are named. Source: ECMA2 `MADistinguishedNameStyle`. */
export type DistinguishedNameStyle = 'none' | 'generic' | 'ldap';

/**
 * What an export of a change contains. Source: ECMA2 `MAExportType`.
 *
 * - `object-replace`: the whole object on any change.
 * - `attribute-replace`: changed attributes, each with its complete new values.
 * - `attribute-update`: changed attributes; multi-valued ones as values added and removed.
 * - `multivalued-reference-update`: as `attribute-replace`, but multi-valued references as values added and removed.
 */
export type ExportType = 'object-replace' | 'attribute-replace' | 'attribute-update' | 'multivalued-reference-update';

/** Which exports an import confirms. Source: ECMA2 `MAObjectConfirmation`. */
export type ObjectConfirmation = 'normal' | 'no-delete-confirmation' | 'no-add-and-delete-confirmation';

/** How comparison keys of anchors and distinguished names are formed; values are never altered (R27). */
export type Normalization = 'uppercase' | 'remove-accents';

/** Everything a connector declares about itself. Every flag is honoured by the engine. Source: ECMA2 `MACapabilities`. */
export interface Capabilities {
  readonly import: boolean;
  readonly deltaImport: boolean;
  /** A delta import does not tell of deletes: the host runs full imports beside scheduled deltas. Default is `false`. */
  readonly deltaMissesDeletes?: boolean;
  readonly export: boolean;
  /** An import session brings whole objects that the host asks for (ECMA2 `FullObject`). Default is `false`. */
  readonly fullObjects?: boolean;
  readonly fullExport: boolean;
  readonly password: boolean;
  readonly partitions: boolean;
  readonly hierarchy: boolean;
  readonly distinguishedNameStyle: DistinguishedNameStyle;
  readonly dnAsAnchor: boolean;
  readonly objectRename: boolean;
  readonly exportType: ExportType;
  readonly noReferenceValuesInFirstExport: boolean;
  readonly deleteAddAsReplace: boolean;
  readonly exportPasswordInFirstPass: boolean;
  readonly objectConfirmation: ObjectConfirmation;
  readonly normalizations: readonly Normalization[];
  /** Several connectors of the package may run side by side (R18); it says nothing of parallel calls. */
  readonly concurrentOperation: boolean;
  /** Entries can be looked up live ({@link file://./connector.ts Connector.find}). */
  readonly find: boolean;
  /** A layered connection test exists. */
  readonly test: boolean;
  /** The application can push changes. */
  readonly watch: boolean;
  /** How many export sessions may work at the same time. Default is 1 (R18). */
  readonly parallelWrites: number;
  /** One bad entry of a batch leaves its neighbours alone. `false` makes the engine send batches of one (R18). */
  readonly isolatedEntries: boolean;
  /** When results count (R17). `at-close`: after the session was closed. `at-once`: sessions may stay open over bursts. */
  readonly resultsApply: 'at-close' | 'at-once';
  /**
   * Seconds for which the application may go on with a call whose session or process was lost: its own command time-out.
   * Until then "it is not there" proves nothing (R14). `0`: a call ends with its session. Default is the host's limit of a call.
   */
  readonly lingerSeconds?: number;
  readonly exportMaxBatch: number;
  readonly importMaxPage: number;
  readonly importDefaultPage: number;
}

/** The defaults: the careful choice for every flag. */
export const defaultCapabilities: Capabilities = {
  import: true,
  deltaImport: false,
  export: true,
  fullExport: false,
  password: false,
  partitions: false,
  hierarchy: false,
  distinguishedNameStyle: 'none',
  dnAsAnchor: false,
  objectRename: false,
  exportType: 'attribute-update',
  noReferenceValuesInFirstExport: false,
  deleteAddAsReplace: false,
  exportPasswordInFirstPass: false,
  objectConfirmation: 'normal',
  normalizations: [],
  concurrentOperation: true,
  find: false,
  test: false,
  watch: false,
  parallelWrites: 1,
  isolatedEntries: false,
  resultsApply: 'at-close',
  exportMaxBatch: 100,
  importMaxPage: 1000,
  importDefaultPage: 500,
};
