import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mariadbPrograms } from '../../tools/backends.ts';
import { answers, freePort, type PrivateServer } from './loopback.ts';

/** A MariaDB server of our own. */
export interface PrivateMariadb extends PrivateServer {
  /** The command-line client of the same version, for the system's own view; rows as lines, columns by tabs. */
  client(sql: string, database?: string): string;
}

const NOBODY = 65_534;
const PASSWORD = 'landbridge-test';

/** Starts a server. @throws Error when MariaDB is not installed. */
export async function startMariadb(options: { readonly settings?: readonly string[] } = {}): Promise<PrivateMariadb> {
  const programs = mariadbPrograms();
  if (programs === undefined) throw new Error('MariaDB is not installed: npm test installs it on Debian as root; elsewhere install mariadb-server');
  const isRoot = process.getuid?.() === 0;
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-mariadb-'));
  const [data, temporary] = [join(folder, 'data'), join(folder, 'tmp')];
  for (const one of [data, temporary]) mkdirSync(one);
  if (isRoot) for (const one of [folder, data, temporary]) chownSync(one, NOBODY, NOBODY);
  const port = await freePort();
  const socket = join(folder, 'socket');
  const configuration = join(folder, 'my.cnf');
  const settings = [
    `datadir=${data}`,
    `tmpdir=${temporary}`,
    `socket=${socket}`,
    `pid_file=${join(folder, 'pid')}`,
    `port=${port}`,
    'bind_address=127.0.0.1',
    'skip_name_resolve=1',
    'character_set_server=utf8mb4',
    'collation_server=utf8mb4_general_ci',
    'innodb_flush_log_at_trx_commit=0',
    'innodb_buffer_pool_size=128M',
    'max_connections=200',
    ...(options.settings ?? []),
  ];
  writeFileSync(configuration, `[mariadbd]\n${settings.join('\n')}\n`, { mode: 0o644 });
  const first = join(folder, 'first.sql');
  // The installer reads one statement a line, and knows no accounts until it has loaded them.
  const statements = [
    'FLUSH PRIVILEGES;',
    `CREATE USER landbridge@'127.0.0.1' IDENTIFIED BY '${PASSWORD}';`,
    "GRANT ALL ON *.* TO landbridge@'127.0.0.1' WITH GRANT OPTION;",
    'CREATE DATABASE landbridge;',
  ];
  writeFileSync(first, `${statements.join('\n')}\n`, { mode: 0o644 });
  execFileSync(
    programs.install,
    [`--defaults-file=${configuration}`, `--datadir=${data}`, '--skip-test-db', '--auth-root-authentication-method=normal', `--extra-file=${first}`],
    { ...identity, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const child: ChildProcess = spawn(programs.server, [`--defaults-file=${configuration}`], { ...identity, cwd: folder, stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  await answers('MariaDB', port, exited);
  const env = { ...process.env, MYSQL_PWD: PASSWORD };
  return {
    host: '127.0.0.1',
    port,
    user: 'landbridge',
    password: PASSWORD,
    database: 'landbridge',
    url: `mariadb://landbridge:${PASSWORD}@127.0.0.1:${port}/landbridge`,
    pid: child.pid ?? 0,
    client: (sql, database = 'landbridge') =>
      execFileSync(
        programs.client,
        ['--no-defaults', '-h', '127.0.0.1', '-P', String(port), '-u', 'landbridge', '-N', '-B', '--default-character-set=utf8mb4', database],
        { env, input: sql, encoding: 'utf8', cwd: tmpdir(), maxBuffer: 1 << 28 },
      ),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
