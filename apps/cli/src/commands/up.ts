import { resolve } from 'node:path';
import { CommandError, dataFolderOf, exitCode } from '../admin-client.ts';
import { type CommonOptions, style } from '../output.ts';

/** Options of `landbridge up`. */
export interface UpOptions extends CommonOptions {
  readonly config?: string;
  readonly port?: string;
  readonly store?: string;
  readonly peerUrl?: string;
}

/** Starts the host and stays until it is told to stop: Ctrl-C, SIGTERM, or the admin API. Writes under way are finished first. */
export async function up(options: UpOptions): Promise<void> {
  const { startServer, StartError } = await import('@landbridge/server');
  const dataFolder = dataFolderOf(options.data);
  const port = options.port === undefined ? undefined : Number(options.port);
  if (port !== undefined && (!Number.isInteger(port) || port < 0 || port > 65_535))
    throw new CommandError(exitCode.usage, `"${options.port ?? ''}" is no port`);
  try {
    const server = await startServer({
      dataFolder,
      ...(options.config === undefined ? {} : { configFile: resolve(options.config) }),
      ...(port === undefined ? {} : { port }),
      ...(options.store === undefined ? {} : { store: options.store }),
      ...(options.peerUrl === undefined ? {} : { peerUrl: options.peerUrl }),
    });
    // Before anything is printed: who reads that the host is up may stop it at once.
    process.on('SIGHUP', () => server.reopenLog());
    const signal = new Promise<void>((done) => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => done());
    });
    if (options.json)
      process.stdout.write(`${JSON.stringify({ url: server.url, caFile: server.caFile, adminTokenFile: server.adminTokenFile, pid: process.pid })}\n`);
    else
      process.stdout.write(
        `${style.good('Landbridge is up')} at ${server.url}\n  data folder   ${dataFolder}\n  log           ${process.env['LANDBRIDGE_LOG'] === 'stdout' ? 'standard output' : `${dataFolder}/host.log`}\n${server.caFile === undefined ? '' : `  CA            ${server.caFile}\n`}  next          landbridge status --data ${dataFolder}\n`,
      );
    for (const warning of server.warnings()) process.stderr.write(`${style.warn('warning:')} ${warning}\n`);
    for (const { name, problem } of server.failedConnectors())
      process.stderr.write(`${style.warn('warning:')} the connector "${name}" cannot be opened; it is tried again: ${problem}\n`);
    await Promise.race([signal, server.stopped]);
    if (!options.json) process.stdout.write('stopping: writes under way are finished first\n');
    await server.close();
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(exitCode.failed, error.message);
    throw error;
  }
}
