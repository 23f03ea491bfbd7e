import type { ConnectorErrorCode } from '@landbridge/connector-sdk';

/** What the operating system says of connections, with advice: the same for every driver. */
export const socketErrors: Readonly<Record<string, readonly [code: ConnectorErrorCode, advice: string]>> = {
  ECONNREFUSED: ['server-down', 'nothing listens there; check "host" and "port", and whether the server runs'],
  ENOTFOUND: ['server-down', 'the name of the host is unknown; check "host"'],
  EAI_AGAIN: ['server-down', 'the name of the host cannot be resolved just now'],
  ETIMEDOUT: ['server-down', 'the host does not answer; check "host", "port" and the firewall'],
  EHOSTUNREACH: ['server-down', 'there is no way to the host'],
  ENETUNREACH: ['server-down', 'there is no way to the network of the host'],
  ENOENT: ['invalid-configuration', 'a file is missing; check "tls.ca"'],
  ECONNRESET: ['connection-dropped', ''],
  EPIPE: ['connection-dropped', ''],
};
