import type { MessagePort } from 'node:worker_threads';
import type { ConnectorReader, ConnectorStore } from './connector-store.ts';

/** An open store of a connector. */
export interface OpenStore {
  readonly store: ConnectorStore;
  readonly reader: ConnectorReader;
  /** A port over which the connector's thread sends pages (R1). Transfer it, and use `storeOverPort` there. */
  connectPort(): MessagePort;
  close(): Promise<void>;
}
