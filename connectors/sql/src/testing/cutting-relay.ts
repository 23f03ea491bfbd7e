import { connect, createServer, type Server, type Socket } from 'node:net';

/** A relay that cuts the connection when the client sends a word. */
export async function startProxy(target: number): Promise<{ readonly port: number; cutAt: string | undefined; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const proxy = { port: 0, cutAt: undefined as string | undefined, stop: async () => {} };
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', (data) => {
      if (proxy.cutAt !== undefined && data.includes(proxy.cutAt)) {
        client.destroy();
        upstream.destroy();
      } else upstream.write(data);
    });
    upstream.on('data', (data) => client.write(data));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  proxy.port = typeof address === 'object' && address !== null ? address.port : 0;
  proxy.stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}
