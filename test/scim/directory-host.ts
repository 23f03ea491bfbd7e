import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { connectScim, createKit, type Kit, type ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import type { PrivatePostgres } from '../backends/postgres.ts';
import { createDirectory, directoryConfiguration } from './directory-application.ts';

/** A host with the directory application behind it, in this process, over HTTPS. */
export interface DirectoryHost {
  readonly server: RunningServer;
  readonly folder: string;
  /** The application's own database. */
  readonly file: string;
  readonly ca: string;
  /** Asks the admin API. @throws Error when it is not answered with success. */
  admin(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
  token(scope?: Readonly<Record<string, unknown>>): Promise<string>;
  connect(profile?: string, face?: string, connector?: string): Promise<ScimConnection>;
  /** Applies another configuration. */
  apply(text: string): Promise<void>;
  kit(profile: 'strict' | 'lenient'): Promise<Kit>;
  importAll(): Promise<void>;
  close(): Promise<void>;
}

const quiet = (): void => {};

/** Starts the host. `more` is added to the connector's configuration, indented by four. */
export async function startDirectoryHost(
  options: { readonly people?: number; readonly members?: number; readonly more?: string; readonly second?: boolean; readonly store?: PrivatePostgres } = {},
): Promise<DirectoryHost> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-scim-'));
  const file = join(folder, 'directory.sqlite');
  createDirectory(file, options.people, options.members);
  const configuration = join(folder, 'landbridge.yaml');
  let text = directoryConfiguration(file, options.more);
  if (options.second === true) {
    const second = join(folder, 'other.sqlite');
    createDirectory(second);
    text += directoryConfiguration(second).replace('version: 1\nconnectors:\n  dir:', '  other:');
  }
  const { store } = options;
  if (store !== undefined) {
    process.env['SCIM_STORE_PASSWORD'] = store.password;
    const place = `host: ${store.host}, port: ${store.port}, user: ${store.user}, database: ${store.database}`;
    text += `store:\n  postgres: { ${place}, password: "\${env:SCIM_STORE_PASSWORD}" }\n`;
  }
  writeFileSync(configuration, text);
  const server = await startServer({
    dataFolder: join(folder, 'data'),
    configFile: configuration,
    port: 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const ca = readFileSync(server.caFile ?? '', 'utf8');
  const dispatcher = new Agent({ connect: { ca } });
  const connections: ScimConnection[] = [];
  const adminToken = readFileSync(server.adminTokenFile, 'utf8').trim();
  const host: DirectoryHost = {
    server,
    folder,
    file,
    ca,
    async admin(method, path, body) {
      const response = await request(`${server.url}/admin/v1${path}`, {
        method,
        dispatcher,
        headers: { authorization: `Bearer ${adminToken}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.body.text();
      if (response.statusCode >= 300) throw new Error(`${method} ${path} was answered ${response.statusCode}: ${text}`);
      return text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>);
    },
    token: async (scope = {}) => String((await host.admin('POST', '/tokens', { connector: 'dir', ...scope }))['token']),
    async connect(profile = 'lenient', face = '/scim/dir', connector = 'dir') {
      const connection = connectScim({
        baseUrl: `${server.url}${face}`,
        token: await host.token({ connector, profile, client: `${profile}-${connections.length}` }),
        ca,
      });
      connections.push(connection);
      return connection;
    },
    kit: async (profile) => createKit(await host.connect(profile), { profile }),
    async apply(text) {
      const response = await request(`${server.url}/admin/v1/configuration`, {
        method: 'PUT',
        dispatcher,
        headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/yaml' },
        body: text,
      });
      const answer = await response.body.text();
      if (response.statusCode >= 300) throw new Error(`the configuration was answered ${response.statusCode}: ${answer}`);
    },
    async importAll() {
      await host.admin('POST', '/connectors/dir/runs', { profile: 'full' });
      for (;;) {
        const runs = (await host.admin('GET', '/connectors/dir/runs')) as unknown as readonly { readonly result: string }[];
        if (runs[0] !== undefined && runs[0].result !== 'running') return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async close() {
      for (const connection of connections) await connection.close();
      await dispatcher.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}
