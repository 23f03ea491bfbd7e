import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ConnectorError } from '@landbridge/connector-sdk';
import { askMssql } from './mssql-prelogin.ts';
import { tlsOptions } from './postgres-connection.ts';
import { addressOf } from './server-address.ts';
import type { DialectName, SqlSettings } from './settings.ts';

const WAIT_MILLISECONDS = 5_000;

/** Opens a TCP connection. @throws ConnectorError that says what to look at. */
export function openSocket(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolveSocket, reject) => {
    const socket = connect({ host, port, timeout: WAIT_MILLISECONDS, signal }, () => resolveSocket(socket));
    socket.on('timeout', () => {
      socket.destroy();
      reject(new ConnectorError('server-down', `${host}:${port} does not answer within ${WAIT_MILLISECONDS / 1000} seconds; check the firewall`));
    });
    socket.on('error', (error) => {
      const code = (error as NodeJS.ErrnoException).code ?? error.message;
      reject(
        new ConnectorError(
          'server-down',
          `${host}:${port} cannot be reached (${code}); is the database running there, and does it listen on this address?`,
          {},
          { cause: error },
        ),
      );
    });
  });
}

/** Whether the settings ask for TLS. */
export function usesTls({ dialect, tls, url }: SqlSettings): boolean {
  if (dialect === 'mssql') return tls?.mode !== 'disable';
  return tls === undefined ? /[?&](sslmode=(require|verify|prefer)|ssl=true)/.test(url ?? '') : tls.mode !== 'disable';
}

/** PostgreSQL's request for TLS (its protocol, "SSLRequest"): length 8, code 80877103; the answer is one letter. */
const REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Shakes hands over TLS as the driver will. @throws ConnectorError that says which side to look at. */
export async function shakeHands(settings: SqlSettings, signal: AbortSignal): Promise<string> {
  const { host, port } = addressOf(settings);
  const ssl = tlsOptions(settings, host);
  const socket = await openSocket(host, port, signal);
  try {
    const { dialect } = settings;
    if (dialect === 'sqlite' || dialect === 'odbc' || !(await ASKING[dialect](socket)))
      throw new ConnectorError('invalid-configuration', `${host}:${port} does not offer TLS; set tls.mode to disable, or switch TLS on in the server`);
    // Its handshake is inside of its own protocol, and the driver's affair.
    if (dialect === 'mssql') return 'the server offers TLS; its certificate is looked at with the login';
    return await new Promise((resolveMessage, reject) => {
      const options = { rejectUnauthorized: false, ...(typeof ssl === 'object' ? ssl : {}), ...(isIP(host) === 0 ? { servername: host } : { host }) };
      const secure = connectTls({ ...options, socket }, () =>
        resolveMessage(`${secure.getProtocol() ?? 'TLS'}; the certificate is ${secure.authorized ? 'trusted' : 'not checked'}`),
      );
      secure.on('error', (error) => {
        reject(
          new ConnectorError(
            'invalid-configuration',
            `the certificate of ${host}:${port} is refused (${error.message}); check tls.ca, and that "host" is a name in the certificate`,
            {},
            { cause: error },
          ),
        );
      });
    });
  } finally {
    socket.destroy();
  }
}

/** Whether the server offers TLS, asked in its own protocol. */
const ASKING: Readonly<Record<Exclude<DialectName, 'sqlite' | 'odbc'>, (socket: Socket) => Promise<boolean>>> = {
  postgres: askPostgres,
  mariadb: askMysql,
  mysql: askMysql,
  mssql: askMssql,
  // Its TLS begins with the connection.
  oracle: async () => true,
};

async function askPostgres(socket: Socket): Promise<boolean> {
  const answer = nextData(socket, 'PostgreSQL');
  socket.write(REQUEST);
  return (await answer).toString('latin1', 0, 1) === 'S';
}

const CLIENT_PROTOCOL_41 = 0x0200;
const CLIENT_SSL = 0x0800;
const CLIENT_SECURE_CONNECTION = 0x8000;

/**
 * MariaDB and MySQL greet first (client/server protocol, "Initial Handshake Packet"): version 10, the server's version up to a
 * zero byte, thread number, eight bytes of salt, a filler, then the lower half of the capabilities.
 */
async function askMysql(socket: Socket): Promise<boolean> {
  const greeting = await nextData(socket, 'MariaDB or MySQL');
  const end = greeting.indexOf(0, 5);
  if (greeting[4] !== 10 || end < 0 || greeting.length < end + 16) return false;
  if ((greeting.readUInt16LE(end + 14) & CLIENT_SSL) === 0) return false;
  const request = Buffer.alloc(36);
  request.writeUIntLE(32, 0, 3);
  request[3] = 1;
  request.writeUInt32LE(CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, 4);
  request.writeUInt32LE(1 << 24, 8);
  request[12] = 45;
  socket.write(request);
  return true;
}

function nextData(socket: Socket, product: string): Promise<Buffer> {
  return new Promise((resolveData, reject) => {
    socket.once('data', resolveData);
    socket.once('close', () => reject(new ConnectorError('server-down', `the server closed the connection; is it ${product} that listens there?`)));
  });
}
