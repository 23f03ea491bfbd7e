/** `@landbridge/store`: what must not be lost. Interfaces first; `sqlite/` is the embedded implementation, `postgres/` the one for a server. */
export * from './connector-store.ts';
export * from './control-store.ts';
export * from './crash-points.ts';
export { type Installation, postgresInstallation, sqliteInstallation } from './installation.ts';
export type { PostgresOptions } from './postgres/connection.ts';
export { openPostgresControlStore } from './postgres/control-database.ts';
export { type MovedPart, migrateFromSqlite } from './postgres/migrate-from-sqlite.ts';
export { openPostgresConnectorStore, type PostgresStoreOptions } from './postgres/open-postgres-store.ts';
export { openSqliteControlStore } from './sqlite/control-database.ts';
export { type DataFolder, openDataFolder } from './sqlite/data-folder.ts';
export { type OpenStore, openSqliteConnectorStore } from './sqlite/open-sqlite-store.ts';
export { deriveScimId } from './sqlite/scim-id.ts';
export { storeOverPort } from './sqlite/thread-client.ts';
