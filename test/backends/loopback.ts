import { connect, createServer } from 'node:net';

/** A database server of our own: on loopback, on a free port, in a temporary folder, stopped by its process id. */
export interface PrivateServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** A port of the loopback interface that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port is free'))));
    });
  });
}

/** Waits until a server takes connections. @throws Error when it has ended, or does not answer within a minute. */
export async function answers(name: string, port: number, exited: Promise<void>): Promise<void> {
  let dead = false;
  void exited.then(() => {
    dead = true;
  });
  for (let attempt = 0; attempt < 1200; attempt += 1) {
    if (dead) throw new Error(`the ${name} server ended at its start`);
    if (await knock(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the ${name} server does not answer within a minute`);
}

function knock(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
