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
}

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
};

/** The profiles, as data. */
export const profiles: Readonly<Record<string, DialectProfile>> = {
  strict,
  lenient,
  entra: { ...lenient, unpackJsonRoles: true },
  okta: lenient,
  'aws-style': lenient,
  ping: lenient,
};

/** A profile by name; `lenient` for one that is not known. */
export function profileOf(name: string): DialectProfile {
  return (Object.hasOwn(profiles, name) ? profiles[name] : undefined) ?? lenient;
}
