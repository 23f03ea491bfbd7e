/** `@landbridge/store`: what must not be lost. Interfaces first; `sqlite/` is the embedded implementation, `postgres/` the one for a server, `rules/` what both decide by. */
export { type AuditChain, type ChainPoint, type ChainReport, verifyChain } from './audit-chain.ts';
export * from './connector-store.ts';
export * from './control-store.ts';
export * from './crash-points.ts';
export { type Installation, postgresInstallation, type SharedInstallation, sqliteInstallation } from './installation.ts';
export { type MovedPart, migrateFromSqlite } from './migrate-sqlite-to-postgres.ts';
export type { OpenStore, Ownership } from './open-store.ts';
export type { PostgresOptions } from './postgres/connection.ts';
export { openPostgresControlStore } from './postgres/control-database.ts';
export { openPostgresConnectorStore, type PostgresStoreOptions } from './postgres/open-postgres-store.ts';
export type { ConnectorOwner } from './postgres/shared-state.ts';
export { PASSWORD_METHOD } from './rules/effects.ts';
export { deriveScimId } from './rules/scim-id.ts';
export { openSqliteControlStore } from './sqlite/control-database.ts';
export { type DataFolder, openDataFolder } from './sqlite/data-folder.ts';
export { openSqliteConnectorStore } from './sqlite/open-sqlite-store.ts';
export { StoreOwnerError, StoreUnavailableError } from './store-errors.ts';
export { storeOverPort } from './thread/thread-client.ts';
