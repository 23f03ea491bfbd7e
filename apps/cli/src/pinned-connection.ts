import type { TLSSocket } from 'node:tls';
import { buildConnector } from 'undici';

/**
 * Connects to the one server that shows this certificate (SHA-256 of it, as the host wrote into its data folder). An own certificate is
 * for the name that clients use, by an authority of the organisation, and may have ended: none of that says whether this is our host.
 */
export function connectPinned(fingerprint: string): buildConnector.connector {
  const connect = buildConnector({ rejectUnauthorized: false });
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      if ((socket as TLSSocket).getPeerCertificate().fingerprint256 === fingerprint) return callback(null, socket);
      socket.destroy();
      callback(new Error('another program than the host answers there: it shows another certificate'), null);
    });
}
