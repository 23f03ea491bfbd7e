import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createPacketReader, packetsOf, packetTypes } from './tds-wire.ts';

/** The key and the certificate of a server, PEM. */
export interface ServerIdentity {
  readonly key: string;
  readonly cert: string;
}

/**
 * The server's side of TLS inside of TDS (MS-TDS 3.2.5.2): the handshake travels in PRELOGIN packets, what follows does not. With
 * TLS 1.2 the server speaks last.
 */
export function startTls(socket: Socket, identity: ServerIdentity, onSecure: (secure: TLSSocket) => void): void {
  let isSecure = false;
  const carrier = new Duplex({
    read() {},
    write(data: Buffer, _encoding, done) {
      socket.write(isSecure ? data : packetsOf(packetTypes.prelogin, data, true), () => done());
    },
  });
  const unpack = createPacketReader((_type, message) => void carrier.push(message));
  socket.removeAllListeners('data');
  socket.on('data', (data: Buffer) => (isSecure ? void carrier.push(data) : unpack(data)));
  socket.on('close', () => carrier.destroy());
  const secure = new TLSSocket(carrier, { isServer: true, ...identity, maxVersion: 'TLSv1.2' });
  // A client that refuses the certificate says so, and goes.
  secure.on('error', () => socket.destroy());
  secure.on('secure', () => {
    // The last of the handshake is on its way: it goes first.
    setImmediate(() => {
      isSecure = true;
    });
    onSecure(secure);
  });
}
