import type { MessagePort } from 'node:worker_threads';
import type { ConnectorReader, ConnectorStore } from './connector-store.ts';

/** An open store of a connector. */
export interface OpenStore {
  readonly store: ConnectorStore;
  readonly reader: ConnectorReader;
  /** A port over which the connector's thread sends pages (R1). Transfer it, and use `storeOverPort` there. */
  connectPort(): MessagePort;
  /** Absent where only this process can open the store. */
  readonly ownership?: Ownership;
  close(): Promise<void>;
}

/** Of several hosts one owns a connector, for a time that it extends; another one may take it over after that (R34). */
export interface Ownership {
  /**
   * Resolves when the connector is certainly this host's for so many milliseconds from now: what takes no longer may begin.
   *
   * @throws StoreOwnerError when it was taken over, StoreUnavailableError when the database does not say.
   */
  hold(milliseconds: number): Promise<void>;
  /** Is told once when another host has taken the connector over; at once if it already has. */
  onLost(listener: (error: Error) => void): void;
}

/** A loss that happens at most once, told to whoever listens. */
export function createLoss(): { readonly report: (error: Error) => void; readonly onLost: Ownership['onLost'] } {
  const listeners: ((error: Error) => void)[] = [];
  let lost: Error | undefined;
  return {
    report(error) {
      if (lost !== undefined) return;
      lost = error;
      for (const listener of listeners) listener(error);
    },
    onLost(listener) {
      if (lost === undefined) listeners.push(listener);
      else listener(lost);
    },
  };
}
