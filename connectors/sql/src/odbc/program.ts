import { type DriverManager, loadDriverManager, OdbcFailure } from './driver-manager.ts';
import type { FromProgram, OdbcRequest, ToProgram } from './messages.ts';
import { createConnection, type ProgramConnection } from './program-connection.ts';

/**
 * The program that drivers run in: a process of its own for each open database. A driver that waits holds up nobody, one that
 * crashes takes nobody with it, and one that hangs can be killed.
 */
const connections = new Map<number, ProgramConnection>();
let manager: DriverManager | undefined;

process.on('message', (message: ToProgram) => void answer(message));
// The host is gone: so is the reason to be here.
process.on('disconnect', () => process.exit(0));

async function answer({ id, connection, request }: ToProgram): Promise<void> {
  try {
    send({ id, result: await work(connection, request) });
  } catch (error) {
    if (error instanceof OdbcFailure) send({ id, diagnosis: error.diagnosis });
    else send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
}

function send(message: FromProgram): void {
  // Nobody listens any more: the end of the process follows.
  process.send?.(message, undefined, undefined, () => {});
}

async function work(number: number, request: OdbcRequest): Promise<unknown> {
  if (request.call === 'connect') {
    manager ??= loadDriverManager();
    const made = createConnection(manager);
    const facts = await made.connect(request.text, request.seconds);
    connections.set(number, made);
    return facts;
  }
  const connection = connections.get(number);
  if (connection === undefined) throw new OdbcFailure({ state: '08003', native: 0, message: 'the connection is not open' });
  switch (request.call) {
    case 'run':
      return connection.run(request.sql, request.values, request.seconds, request.rows, request.bytes);
    case 'more':
      return connection.more(request.rows, request.bytes);
    case 'describe':
      return connection.describe(request.sql);
    case 'catalogue':
      return connection.catalogue(request.catalogue);
    case 'begin':
      return connection.begin(request.isolation);
    case 'end':
      return connection.end(request.commit);
    case 'free':
      return connection.free();
    case 'cancel':
      return connection.cancel();
    case 'disconnect':
      connections.delete(number);
      return connection.disconnect();
  }
}
