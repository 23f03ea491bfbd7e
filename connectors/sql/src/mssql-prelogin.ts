import type { Socket } from 'node:net';
import { ConnectorError } from '@landbridge/connector-sdk';

/** Bytes of the header of a packet (MS-TDS 2.2.3.1). */
const HEADER = 8;
const ENCRYPTION = 1;
const END = 0xff;

/** The first packet of a client (MS-TDS 2.2.6.5): a version of nothing, and the wish for encryption. */
const REQUEST = Buffer.from([...[0x12, 1, 0, 26, 0, 0, 1, 0], ...[0, 0, 11, 0, 6], ...[ENCRYPTION, 0, 17, 0, 1], END, ...[0, 0, 0, 0, 0, 0], 1]);

/** Whether a SQL Server offers TLS: 0 and 2 are its words for no. @throws ConnectorError where something else answers. */
export async function askMssql(socket: Socket): Promise<boolean> {
  socket.write(REQUEST);
  const answer = await nextPacket(socket);
  for (let at = HEADER; at + 5 <= answer.length && answer[at] !== END; at += 5) {
    const value = answer[HEADER + answer.readUInt16BE(at + 1)];
    if (answer[at] === ENCRYPTION) return value === 1 || value === 3;
  }
  return false;
}

function nextPacket(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const refuse = (): void => reject(new ConnectorError('server-down', 'the server closed the connection; is it SQL Server that listens there?'));
    socket.once('close', refuse);
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      if (received[0] !== 4) refuse();
      else if (received.length >= HEADER && received.length >= received.readUInt16BE(2)) resolve(received);
    });
  });
}
