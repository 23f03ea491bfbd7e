import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

/** A private PostgreSQL server for tests. */
export interface PostgresServer {
  readonly port: number;
  readonly password: string;
  /** Makes an empty database, of this locale if one is given, and gives its URL. */
  createDatabase(name: string, locale?: string): Promise<string>;
  stop(): Promise<void>;
}

const PASSWORD = 'only-for-tests';
const BASE = '/usr/lib/postgresql';

function findPrograms(): string | undefined {
  const versions = existsSync(BASE) ? readdirSync(BASE).sort((left, right) => Number(right) - Number(left)) : [];
  const folders = [...versions.map((version) => join(BASE, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** Whether the programs of PostgreSQL are on this machine. */
export const hasPostgres = findPrograms() !== undefined;

/** PostgreSQL refuses to run as root: then it runs as nobody. */
function unprivileged(command: string, values: readonly string[]): readonly [string, readonly string[]] {
  if (process.getuid?.() !== 0) return [command, values];
  return ['setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--', command, ...values]];
}

/** Starts a server in a new folder, on a free port, without durability (it dies with the test). */
export async function startPostgres(): Promise<PostgresServer> {
  const programs = findPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-postgres-'));
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  mkdirSync(join(folder, 'socket'), { mode: 0o777 });
  chmodSync(join(folder, 'socket'), 0o777);
  const [initdb, initdbValues] = unprivileged(join(programs, 'initdb'), [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-N',
  ]);
  const made = spawnSync(initdb, [...initdbValues], { encoding: 'utf8', cwd: '/' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: join(folder, 'socket'),
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '150',
    shared_buffers: '64MB',
  };
  const [server, serverValues] = unprivileged(join(programs, 'postgres'), [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const child = spawn(server, [...serverValues], { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  const urlOf = (database: string): string => `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`;
  await waitUntilReady(urlOf('postgres'), child);
  return {
    port,
    password: PASSWORD,
    async createDatabase(name, locale) {
      const client = new pg.Client({ connectionString: urlOf('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE "${name}" TEMPLATE template0 ENCODING 'UTF8' LOCALE '${locale ?? 'C.UTF-8'}'`);
      await client.end();
      return urlOf(name);
    },
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGQUIT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4000);
  });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended: ${log}`);
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`PostgreSQL does not start: ${log}`);
}

/** A port that nobody listens on, just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
