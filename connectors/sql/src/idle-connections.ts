/** Connections that wait for their next use, for drivers without a pool that tells what we need to know. */
export interface IdleConnections<Client> {
  /** One that waits, or a new one. */
  take(): Promise<Client>;
  giveBack(client: Client, broken: boolean): void;
  close(): void;
}

/** How long a connection waits. */
const IDLE_MILLISECONDS = 30_000;

/** Keeps connections open between uses, for a while. How many there are is whoever takes them to decide. */
export function keepConnections<Client>(driver: {
  connect(): Promise<Client>;
  isOpen(client: Client): boolean;
  /** Ends one. It does not throw. */
  end(client: Client): void;
}): IdleConnections<Client> {
  const waiting = new Map<Client, NodeJS.Timeout>();
  let closed = false;

  function forget(client: Client): void {
    clearTimeout(waiting.get(client));
    waiting.delete(client);
  }

  return {
    async take() {
      // The one that was used last: the others may go.
      for (const client of [...waiting.keys()].reverse()) {
        forget(client);
        if (driver.isOpen(client)) return client;
      }
      return driver.connect();
    },
    giveBack(client, broken) {
      if (broken || closed || !driver.isOpen(client)) return driver.end(client);
      const timer = setTimeout(() => {
        forget(client);
        driver.end(client);
      }, IDLE_MILLISECONDS).unref();
      waiting.set(client, timer);
    },
    close() {
      closed = true;
      for (const client of [...waiting.keys()]) {
        forget(client);
        driver.end(client);
      }
    },
  };
}
