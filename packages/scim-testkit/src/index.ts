/** `@landbridge/scim-testkit`: checks any SCIM 2.0 service from outside, by requirement. */
export { allChecks } from './all-checks.ts';
export type { Check, CheckLevel } from './check.ts';
export { connectScim, type ScimConnection } from './connection.ts';
export { createKit, type Kit, type KitOptions } from './kit.ts';
export { formatReport, type Report, summarize } from './report.ts';
export { type CheckResult, runChecks } from './run-checks.ts';
