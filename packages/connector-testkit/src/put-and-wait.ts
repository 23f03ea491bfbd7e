import type { Connector, ConnectorContext, EntryChange, Schema } from '@landbridge/connector-sdk';

/**
 * A process that puts one change and then waits to be killed: what it put must be there, or not, as the connector's
 * `resultsApply` says (R17). Talks over IPC: takes {@link PutOrder}, answers `put` once the connector gave its results.
 */
export interface PutOrder {
  readonly module: string;
  readonly parameters: ConnectorContext['parameters'];
  readonly connector: string;
  readonly folder: string;
  readonly schema: Schema;
  readonly change: EntryChange;
}

process.once('message', (order: PutOrder) => {
  void work(order);
});

async function work(order: PutOrder): Promise<void> {
  const loaded = (await import(order.module)) as { readonly connector: Connector };
  const quiet = (): void => {};
  const context: ConnectorContext = {
    connector: order.connector,
    parameters: order.parameters,
    folder: order.folder,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  };
  const { signal } = new AbortController();
  const session = await loaded.connector.openExport?.(context, { kind: 'delta', schema: order.schema, batchSize: 1, signal });
  const results = await session?.put([order.change], { signal });
  process.send?.({ put: results?.[0]?.error?.message ?? 'done' });
  setInterval(() => {}, 1000);
}
