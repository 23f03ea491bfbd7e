import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresPrograms } from '../../tools/backends.ts';
import { answers, freePort, type PrivateServer } from './loopback.ts';

/** A PostgreSQL server of our own. */
export interface PrivatePostgres extends PrivateServer {
  /** `psql` of the same version, for the system's own client. */
  psql(sql: string): string;
  /** Ends the server as an operator or a crash does; its data stay. */
  halt(how: 'fast' | 'immediate'): Promise<void>;
  /** Starts it again at the same place. */
  resume(): Promise<void>;
}

const NOBODY = 65_534;
const PASSWORD = 'landbridge-test';

/** Starts a server. `durable` keeps real synchronisation, for benches; tests do without. @throws Error when PostgreSQL is not installed. */
export async function startPostgres(options: { readonly durable?: boolean; readonly settings?: readonly string[] } = {}): Promise<PrivatePostgres> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed: npm test installs it on Debian as root; elsewhere install the package postgresql');
  // PostgreSQL refuses to run as root.
  const isRoot = process.getuid?.() === 0;
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-postgres-'));
  const data = join(folder, 'data');
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o644 });
  execFileSync(
    `${programs}/initdb`,
    ['-D', data, '-U', 'landbridge', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    { ...identity, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const port = await freePort();
  const fast = options.durable === true ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const settings = [
    `listen_addresses=127.0.0.1`,
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    'max_connections=200',
    'shared_buffers=256MB',
    ...fast,
    ...(options.settings ?? []),
  ];
  const env = { ...process.env, PGPASSWORD: PASSWORD };
  const psql = ['-X', '-A', '-t', '-q', '-h', '127.0.0.1', '-p', String(port), '-U', 'landbridge', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1'];

  async function run(): Promise<{ readonly child: ChildProcess; readonly exited: Promise<void> }> {
    const child = spawn(`${programs}/postgres`, ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...identity,
      cwd: folder,
      stdio: 'ignore',
    });
    const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
    await answers('PostgreSQL', port, exited);
    // The server takes connections before it answers them ("the database system is starting up").
    for (let attempt = 0; spawnSync(`${programs}/psql`, [...psql, '-c', 'SELECT 1'], { env, stdio: 'ignore', cwd: tmpdir() }).status !== 0; attempt += 1) {
      if (attempt >= 300 || child.exitCode !== null) throw new Error('the PostgreSQL server answers no statement');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return { child, exited };
  }

  let running = await run();
  return {
    host: '127.0.0.1',
    port,
    user: 'landbridge',
    password: PASSWORD,
    database: 'postgres',
    url: `postgres://landbridge:${PASSWORD}@127.0.0.1:${port}/postgres`,
    get pid() {
      return running.child.pid ?? 0;
    },
    psql: (sql) => execFileSync(`${programs}/psql`, psql, { env, input: sql, encoding: 'utf8', cwd: tmpdir(), maxBuffer: 1 << 28 }),
    async halt(how) {
      running.child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await running.exited;
    },
    async resume() {
      running = await run();
    },
    async stop() {
      running.child.kill('SIGINT');
      await running.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
