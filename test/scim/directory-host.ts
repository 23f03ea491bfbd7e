import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '../../apps/server/src/index.ts';
import { connectScim, createKit, type Kit, type ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import type { PrivatePostgres } from '../backends/postgres.ts';
import { startHttpsHost } from '../fixtures/https-host.ts';
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
  const running = await startHttpsHost({ dataFolder: join(folder, 'data'), configFile: configuration });
  const { server, ca } = running;
  const connections: ScimConnection[] = [];
  const host: DirectoryHost = {
    server,
    folder,
    file,
    ca,
    async admin(method, path, body) {
      const answer = await running.admin(method, path, body);
      if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body;
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
    apply: running.apply,
    importAll: async () => void (await running.importAll('dir')),
    async close() {
      for (const connection of connections) await connection.close();
      await running.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return host;
}
