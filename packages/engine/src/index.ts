/** `@landbridge/engine`: the life of a write, imports and runs, and the SCIM faces on them. */
export { checkDescription, checkPackage } from './check-package.ts';
export * from './configuration.ts';
export { describeConnector } from './connector-host/describe-connector.ts';
export * from './host.ts';
export { type ForeignId, type ForeignIdOutcome, type IdDecoder, idDecoders } from './linked-ids.ts';
export { type OpenConnectorSeams, openConnector } from './open-connector.ts';
export { missedDeletes } from './runs/complete-autosync.ts';
export { explainCron } from './runs/scheduler.ts';
export { type ShadowCall, type ShadowDifference, type ShadowPage, type ShadowRow, type ShadowVerdict, shadowVerdicts } from './shadow-report.ts';
