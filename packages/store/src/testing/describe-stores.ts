import { afterEach, beforeEach, describe } from 'vitest';
import type { ConnectorReader, ConnectorStore, StoreModel } from '../connector-store.ts';
import type { OpenStore } from '../open-store.ts';
import { createDriver, type Driver, model } from './people.ts';
import { implementations, type StorePlace } from './stores.ts';

/** What a test of the suite has at hand; the properties follow a reopening. */
export interface Bench {
  readonly place: StorePlace;
  readonly opened: OpenStore;
  readonly store: ConnectorStore;
  readonly reader: ConnectorReader;
  readonly drive: Driver;
  /** Closes the connector's store and opens it again, as a restart does. */
  reopen(): Promise<void>;
}

/** Runs tests on every implementation of the store, each test on a place of its own. */
export function describeStores(title: string, tests: (bench: Bench) => void, configured: StoreModel = model): void {
  describe.each(implementations)(`$name: ${title}`, (implementation) => {
    let place: StorePlace;
    let opened: OpenStore;
    let drive: Driver;
    const open = async (): Promise<void> => {
      opened = await place.openConnector();
      drive = createDriver(opened.store, opened.reader);
      await opened.store.configure(configured);
    };
    beforeEach(async () => {
      place = await implementation.createPlace();
      await open();
    });
    afterEach(async () => {
      await opened.close();
      await place.dispose();
    });
    tests({
      get place() {
        return place;
      },
      get opened() {
        return opened;
      },
      get store() {
        return opened.store;
      },
      get reader() {
        return opened.reader;
      },
      get drive() {
        return drive;
      },
      async reopen() {
        await opened.close();
        await open();
      },
    });
  });
}
