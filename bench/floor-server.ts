import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { generatedCertificate } from '../apps/server/src/credentials/certificate.ts';
import { createHttpServer } from '../apps/server/src/http/create-http-server.ts';

/**
 * The floor of a read: the server of the host, over TLS, answering a constant. A program of its own; `/N` answers N bytes.
 * Makes its certificate in the folder given, says where it listens, and ends with its standard input.
 */
const { key, certificate, caFile } = await generatedCertificate(process.argv[2] ?? '');
const app = createHttpServer({ key, cert: certificate });
const constants = new Map<string, string>();
app.get('/:length', async (request, reply) => {
  const { length } = request.params as { readonly length: string };
  const known = constants.get(length) ?? 'x'.repeat(Number(length));
  constants.set(length, known);
  return reply.header('content-type', 'application/scim+json; charset=utf-8').send(known);
});
await app.listen({ host: '127.0.0.1', port: 0 });
const { port } = app.server.address() as AddressInfo;
process.stdout.write(JSON.stringify({ url: `https://localhost:${port}`, ca: readFileSync(caFile ?? '', 'utf8') }));
process.stdin.resume();
process.stdin.on('end', () => void app.close());
