import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ControlStore } from './control-store.ts';
import type { OpenStore } from './open-store.ts';
import type { PostgresOptions } from './postgres/connection.ts';
import { openPostgresControlStore } from './postgres/control-database.ts';
import { dumpSchemas } from './postgres/dump.ts';
import { openPostgresConnectorStore } from './postgres/open-postgres-store.ts';
import { openSharedState, type SharedState } from './postgres/shared-state.ts';
import { openSqliteControlStore } from './sqlite/control-database.ts';
import { openSqliteConnectorStore } from './sqlite/open-sqlite-store.ts';

/** Where an installation keeps what must not be lost: files of its data folder, or a PostgreSQL database. */
export interface Installation {
  openControl(): Promise<ControlStore>;
  /** @throws StoreOwnerError while another host has the connector (R34). */
  openConnector(connector: string): Promise<OpenStore>;
  /** Present where several hosts may share the state. */
  readonly shared?: SharedInstallation;
}

/** An installation of several hosts. */
export interface SharedInstallation extends SharedState {
  /** The name by which this host owns its connectors. */
  readonly host: string;
  /** Says where other hosts reach this one: written with every connector that it takes from now on. */
  announce(address: string): void;
  /** Copies the state of these connectors and the control data into a file, in one snapshot (R5). */
  dump(connectors: readonly string[], file: string): Promise<void>;
}

/** Everything in files of the data folder. `auditKey` is the key of the audits' chains (SEC-60). */
export function sqliteInstallation(dataFolder: string, auditKey?: Uint8Array): Installation {
  return {
    openControl: async () => openSqliteControlStore(join(dataFolder, 'control.db'), auditKey),
    openConnector: (connector) => openSqliteConnectorStore({ file: connectorFile(dataFolder, connector), ...keyed(auditKey) }),
  };
}

/** Everything in a PostgreSQL database. The data folder keeps keys, logs, and the name by which this host owns its connectors (R34). */
export function postgresInstallation(
  dataFolder: string,
  postgres: PostgresOptions,
  more: { readonly auditKey?: Uint8Array | undefined; readonly leaseSeconds?: number } = {},
): Installation {
  const host = hostName(dataFolder);
  let address: string | undefined;
  return {
    openControl: () => openPostgresControlStore(postgres, more.auditKey),
    openConnector: (connector) =>
      openPostgresConnectorStore({
        postgres,
        connector,
        owner: host,
        ...(more.leaseSeconds === undefined ? {} : { leaseSeconds: more.leaseSeconds }),
        ...keyed(more.auditKey),
        ...(address === undefined ? {} : { address }),
      }),
    shared: {
      ...openSharedState(postgres),
      host,
      announce(text) {
        address = text;
      },
      dump: (connectors, file) => dumpSchemas(postgres, connectors, file),
    },
  };
}

const keyed = (auditKey: Uint8Array | undefined): { readonly auditKey?: Uint8Array } => (auditKey === undefined ? {} : { auditKey });

/** The file of a connector in a data folder. */
export function connectorFile(dataFolder: string, connector: string): string {
  return join(dataFolder, 'connectors', connector, 'connector.db');
}

/**
 * The name of the host that owns a data folder, the same after every restart. A copy of the folder on another machine, or beside
 * itself, is another host: two of one name would take each other's connectors away.
 */
function hostName(dataFolder: string): string {
  const file = join(dataFolder, 'host-id');
  const place = `${hostname()} ${realpathSync(dataFolder)}`;
  const [id, known] = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  if (id !== undefined && known === place) return id;
  const made = id !== undefined && known === undefined ? id : randomUUID();
  writeFileSync(file, `${made}\n${place}\n`, { mode: 0o600 });
  return made;
}
