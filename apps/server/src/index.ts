/** `@landbridge/server`: the host process. */

export { missedDeletes } from '@landbridge/engine';
export { adminOperations, openApiDocument } from './admin/openapi.ts';
export { checkConfiguredConnector } from './configuration/check-configured-connector.ts';
export { documentSchema } from './configuration/document-schema.ts';
export {
  type ConfigurationDocument,
  type ConfigurationProblem,
  folderOf,
  formatConfiguration,
  formatProblem,
  locate,
  parseConfiguration,
  toConnectorConfiguration,
  UnresolvedError,
} from './configuration/parse-configuration.ts';
export { migrateStore } from './migrate-store.ts';
export { BackupError, restoreBackup } from './operations/backup.ts';
export { StartError } from './start-error.ts';
export { type RunningServer, type StartServerOptions, startServer, VERSION } from './start-server.ts';
