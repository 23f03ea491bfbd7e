import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { StoreOwnerError, toFailure } from '../store-errors.ts';
import { unpackRequest } from '../thread/packed-page.ts';
import type { StoreNotice, StoreRequest, StoreResponse } from '../thread/store-messages.ts';
import { openStoreCommands } from './postgres-store.ts';
import type { WriterOptions } from './writer.ts';

/** The store thread of a connector on PostgreSQL: parsing and comparing pages is work that the main thread must not wait for (R1). */
if (parentPort === null) throw new Error('the store thread was started as a program');
const main = parentPort;
const opening = openStoreCommands(workerData as WriterOptions, (error) => main.postMessage({ lost: toFailure(error) } satisfies StoreNotice));
// Whoever sends the first command gets the reason; the next one gets another thread, which tries again.
opening.catch((error: unknown) => {
  if (error instanceof StoreOwnerError) main.postMessage({ lost: toFailure(error) } satisfies StoreNotice);
  setTimeout(() => process.exit(1), 50);
});
main.on('message', (message: StoreRequest | { readonly port: MessagePort }) => {
  if ('port' in message) message.port.on('message', (request: StoreRequest) => void answer(message.port, unpackRequest(request)));
  else void answer(main, message);
});

async function answer(port: Pick<MessagePort, 'postMessage'>, request: StoreRequest): Promise<void> {
  port.postMessage(await run(request));
  if (request.command === 'close') process.exit(0);
}

async function run({ id, command, values }: StoreRequest): Promise<StoreResponse> {
  try {
    const commands = (await opening) as unknown as Readonly<Record<string, (...all: readonly unknown[]) => Promise<unknown>>>;
    const work = commands[command];
    if (work === undefined) throw new Error(`the store has no command ${command}`);
    return { id, result: await work(...values) };
  } catch (error) {
    return { id, error: toFailure(error) };
  }
}
