/** What a dialect profile changes (reference: RFC 7644 and the clients' own documents). One code path, switched per credential. */
export interface DialectProfile {
  /** RFC wording only. */
  readonly strict: boolean;
  /** Unknown attributes are an error instead of ignored (S-032). */
  readonly refuseUnknown: boolean;
  /** `"True"` and `"False"` on boolean attributes are booleans (S-160). */
  readonly coerceBooleans: boolean;
  /** A PATCH path with a filter of `eq` terms that matches nothing creates the element (S-144, S-156). */
  readonly createMissingElements: boolean;
  /** `remove` with a value list removes just those values (S-149). */
  readonly removeByValue: boolean;
  /** Unquoted and single-quoted filter literals (S-091). */
  readonly lenientLiterals: boolean;
  /** Several `primary: true`: the first stays (S-164). */
  readonly tolerateSeveralPrimary: boolean;
  /** Unknown URNs in `schemas`, and extensions that are not listed there (S-026). */
  readonly lenientSchemas: boolean;
  /** Role values that are JSON strings are unpacked (S-162). */
  readonly unpackJsonRoles: boolean;
  /** `/Schemas` lists the schemas of the discovery documents, too (RFC 7643 §8.7.2). */
  readonly listServiceSchemas: boolean;
  /** Resources on a page at most, whatever the client asks for (S-108). */
  readonly maxPage: number;
  /** A list without a paging parameter begins a walk by cursor instead of a page by index (S-118, S-120). */
  readonly cursorFirst: boolean;
  /** Values that one PATCH operation may carry (S-168). */
  readonly valuesPerOperation: number;
}

const usual = { listServiceSchemas: true, maxPage: 1000, cursorFirst: false, valuesPerOperation: 10_000 } as const;

const strict: DialectProfile = {
  strict: true,
  refuseUnknown: true,
  coerceBooleans: false,
  createMissingElements: false,
  removeByValue: true,
  lenientLiterals: false,
  tolerateSeveralPrimary: false,
  lenientSchemas: false,
  unpackJsonRoles: false,
  ...usual,
};

const lenient: DialectProfile = {
  strict: false,
  refuseUnknown: false,
  coerceBooleans: true,
  createMissingElements: true,
  removeByValue: true,
  lenientLiterals: true,
  tolerateSeveralPrimary: true,
  lenientSchemas: true,
  unpackJsonRoles: false,
  ...usual,
};

/** The profiles, as data. */
export const profiles: Readonly<Record<string, DialectProfile>> = {
  strict,
  lenient,
  entra: { ...lenient, unpackJsonRoles: true, listServiceSchemas: false },
  okta: lenient,
  // What clients of AWS IAM Identity Center are written for: a hundred members at a time, small pages, cursors.
  'aws-style': { ...lenient, maxPage: 100, cursorFirst: true, valuesPerOperation: 100 },
  ping: lenient,
};

/** A profile by name; `lenient` for one that is not known. */
export function profileOf(name: string): DialectProfile {
  return (Object.hasOwn(profiles, name) ? profiles[name] : undefined) ?? lenient;
}
