import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { ConnectorStore } from '../connector-store.ts';
import { createLoss, type OpenStore } from '../open-store.ts';
import { fromFailure, toFailure } from '../store-errors.ts';
import { unpackRequest } from '../thread/packed-page.ts';
import type { StoreRequest } from '../thread/store-messages.ts';
import { startStoreThread } from '../thread/thread-client.ts';
import { connectorSchema, openPool, openSession, type PostgresOptions } from './connection.ts';
import { type OwnedStore, openStoreCommands } from './postgres-store.ts';
import { openPostgresReader } from './reader.ts';
import { migrate } from './tables.ts';
import type { WriterOptions } from './writer.ts';

/** What a connector's store on PostgreSQL is opened with. */
export interface PostgresStoreOptions {
  readonly postgres: PostgresOptions;
  readonly connector: string;
  /** Who this host is: stable over its restarts. */
  readonly owner: string;
  /** `false` runs the commands in the calling thread: for tests. Default is `true`. */
  readonly thread?: boolean;
  readonly leaseSeconds?: number;
  /** The key of the audit's chain, outside the database (SEC-60). */
  readonly auditKey?: Uint8Array;
  /** Where other hosts reach this one; see {@link readOwner}. */
  readonly address?: string;
}

/** How many reads of a connector are at the server at once. */
const READERS = 4;

/**
 * Opens the store of a connector on PostgreSQL: takes it over (R34) and reads beside its writer.
 *
 * @throws Error when the server does not answer, or while another host owns the connector.
 */
export async function openPostgresConnectorStore(options: PostgresStoreOptions): Promise<OpenStore> {
  const { postgres, owner, leaseSeconds, address, auditKey } = options;
  const schema = connectorSchema(postgres, options.connector);
  const session = await openSession(postgres, schema);
  try {
    await migrate(session, schema, 'connector');
  } finally {
    await session.close();
  }
  const writerOptions: WriterOptions = {
    postgres,
    schema,
    owner,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    auditKey,
    ...(address === undefined ? {} : { address }),
  };
  const loss = createLoss();
  const opened =
    options.thread === false
      ? await openInThisThread(writerOptions, loss.report)
      : startStoreThread(new URL('./store-thread.ts', import.meta.url), writerOptions, ({ lost }) => loss.report(fromFailure(lost)));
  const pool = openPool(postgres, schema, READERS);
  try {
    // The first command says whether the connector could be taken over.
    await opened.store.checkpoint();
    const reader = await openPostgresReader(pool, auditKey);
    const store: ConnectorStore = {
      ...opened.store,
      async configure(model) {
        const result = await opened.store.configure(model);
        await reader.refreshModel();
        return result;
      },
    };
    return {
      store,
      reader,
      connectPort: opened.connectPort,
      ownership: { hold: (milliseconds) => opened.store.holdOwnership(milliseconds), onLost: loss.onLost },
      async close() {
        await reader.close();
        await opened.store.close();
      },
    };
  } catch (error) {
    await pool.close();
    await opened.store.close().catch(() => {});
    throw error;
  }
}

async function openInThisThread(options: WriterOptions, lost: (error: Error) => void): Promise<{ readonly store: OwnedStore; connectPort(): MessagePort }> {
  const store = await openStoreCommands(options, lost);
  return { store, connectPort: () => connectInThisThread(store) };
}

function connectInThisThread(store: ConnectorStore): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (request: StoreRequest) => {
    const { id, command, values } = unpackRequest(request);
    const work = (store as unknown as Record<string, (...all: readonly unknown[]) => Promise<unknown>>)[command];
    work?.(...values).then(
      (result) => port1.postMessage({ id, result }),
      (error: unknown) => port1.postMessage({ id, error: toFailure(error) }),
    );
  });
  port1.unref();
  return port2;
}
