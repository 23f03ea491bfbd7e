import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlStore } from './control-store.ts';
import type { OpenStore } from './open-store.ts';
import type { PostgresOptions } from './postgres/connection.ts';
import { openPostgresControlStore } from './postgres/control-database.ts';
import { openPostgresConnectorStore } from './postgres/open-postgres-store.ts';
import { openSqliteControlStore } from './sqlite/control-database.ts';
import { openSqliteConnectorStore } from './sqlite/open-sqlite-store.ts';

/** Where an installation keeps what must not be lost: files of its data folder, or a PostgreSQL database. */
export interface Installation {
  openControl(): Promise<ControlStore>;
  openConnector(connector: string): Promise<OpenStore>;
}

/** Everything in files of the data folder. `auditKey` is the key of the audits' chains (SEC-60). */
export function sqliteInstallation(dataFolder: string, auditKey?: Uint8Array): Installation {
  return {
    openControl: async () => openSqliteControlStore(join(dataFolder, 'control.db'), auditKey),
    openConnector: (connector) => openSqliteConnectorStore({ file: connectorFile(dataFolder, connector), ...keyed(auditKey) }),
  };
}

/** Everything in a PostgreSQL database. The data folder keeps keys, logs, and the name by which this host owns its connectors (R34). */
export function postgresInstallation(dataFolder: string, postgres: PostgresOptions, auditKey?: Uint8Array): Installation {
  return {
    openControl: () => openPostgresControlStore(postgres, auditKey),
    openConnector: (connector) => openPostgresConnectorStore({ postgres, connector, owner: hostName(dataFolder), ...keyed(auditKey) }),
  };
}

const keyed = (auditKey: Uint8Array | undefined): { readonly auditKey?: Uint8Array } => (auditKey === undefined ? {} : { auditKey });

/** The file of a connector in a data folder. */
export function connectorFile(dataFolder: string, connector: string): string {
  return join(dataFolder, 'connectors', connector, 'connector.db');
}

/** The name of the host that owns a data folder, the same after every restart. */
function hostName(dataFolder: string): string {
  const file = join(dataFolder, 'host-id');
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
