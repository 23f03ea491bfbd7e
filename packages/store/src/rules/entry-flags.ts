/** Bits of `entries.flags`. */
export const flag = {
  /** Created by a write whose anchor the application withheld (R9). */
  pending: 1,
  /** Has exported values that an import must confirm (R20). */
  unconfirmed: 2,
  /** Has a link row that says more than can be derived (R6). */
  link: 4,
  /** Not in the application: disabled by deletion (R11). The row keeps the last representation. */
  absent: 8,
  /** Deleted over SCIM, while the application kept it by policy: no SCIM read shows it. */
  hidden: 16,
  /** Created in mode shadow: the application has never shown it (R31). */
  overlay: 32,
} as const;
