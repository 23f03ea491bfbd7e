import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { toFailure } from '../store-errors.ts';
import { unpackRequest } from '../thread/packed-page.ts';
import type { StoreRequest, StoreResponse } from '../thread/store-messages.ts';
import { openStoreCommands } from './sqlite-store.ts';

/**
 * The store thread: the only writer of a connector's file (R1). It answers commands from the main thread and, over ports
 * handed to it, pages from the connector's thread. Each command is one transaction; between two of them the other side's
 * messages have their turn, so intents and results never wait for more than one chunk of an import.
 */
const { file, auditKey } = workerData as { readonly file: string; readonly auditKey?: Uint8Array };
const commands = openStoreCommands(file, auditKey) as unknown as Readonly<Record<string, (...values: readonly unknown[]) => unknown>>;
if (parentPort === null) throw new Error('the store thread was started as a program');
const main = parentPort;
main.on('message', (message: StoreRequest | { readonly port: MessagePort }) => {
  if ('port' in message) message.port.on('message', (request: StoreRequest) => answer(message.port, unpackRequest(request)));
  else answer(main, message);
});

function answer(port: Pick<MessagePort, 'postMessage'>, request: StoreRequest): void {
  port.postMessage(run(request));
  if (request.command === 'close') process.exit(0);
}

function run({ id, command, values }: StoreRequest): StoreResponse {
  try {
    const work = commands[command];
    if (work === undefined) throw new Error(`the store has no command ${command}`);
    return { id, result: work(...values) };
  } catch (error) {
    return { id, error: toFailure(error) };
  }
}
