/** `@landbridge/store`: what must not be lost. Interfaces first; `sqlite/` is the embedded implementation. */
export * from './connector-store.ts';
export * from './control-store.ts';
export * from './crash-points.ts';
export { openSqliteControlStore } from './sqlite/control-database.ts';
export { type DataFolder, openDataFolder } from './sqlite/data-folder.ts';
export { type OpenStore, openSqliteConnectorStore } from './sqlite/open-sqlite-store.ts';
export { deriveScimId } from './sqlite/scim-id.ts';
export { storeOverPort } from './sqlite/thread-client.ts';
