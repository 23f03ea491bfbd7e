/** `@landbridge/server`: the host process. */
export { documentSchema } from './configuration/document-schema.ts';
export { formatConfiguration, formatProblem, parseConfiguration, ReferenceError, toConnectorConfiguration, folderOf } from './configuration/parse-configuration.ts';
export { adminOperations, openApiDocument } from './admin/openapi.ts';
export { type RunningServer, StartError, startServer, type StartServerOptions, VERSION } from './start-server.ts';
