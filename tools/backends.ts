import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** A program that tests need, how it is found, and the Debian packages that bring it. */
export interface Backend {
  readonly name: string;
  readonly packageNames: readonly string[];
  isThere(): boolean;
}

/** The folder of PostgreSQL's programs: Debian's, the newest first; or whatever the path has. */
export function postgresPrograms(): string | undefined {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((left, right) => Number(right) - Number(left)) : [];
  const found = versions.map((version) => `${base}/${version}/bin`).find((folder) => existsSync(`${folder}/initdb`) && existsSync(`${folder}/postgres`));
  if (found !== undefined) return found;
  return (process.env['PATH'] ?? '').split(':').find((folder) => existsSync(`${folder}/initdb`) && existsSync(`${folder}/postgres`));
}

/** MariaDB's programs: Debian's, or whatever the path has. */
export function mariadbPrograms(): { readonly server: string; readonly install: string; readonly client: string } | undefined {
  const folders = ['/usr/sbin', '/usr/bin', ...(process.env['PATH'] ?? '').split(':')];
  const find = (name: string): string | undefined => folders.map((folder) => `${folder}/${name}`).find((file) => existsSync(file));
  const [server, install, client] = [find('mariadbd'), find('mariadb-install-db'), find('mariadb')];
  return server === undefined || install === undefined || client === undefined ? undefined : { server, install, client };
}

/** Mono's runtime and compiler, where both are on the path and the libraries of the .NET worker are there. */
export function monoPrograms(): { readonly runtime: string; readonly compiler: string } | undefined {
  const find = (name: string): string | undefined =>
    (process.env['PATH'] ?? '')
      .split(':')
      .map((folder) => `${folder}/${name}`)
      .find((file) => existsSync(file));
  const runtime = find('mono');
  const compiler = find('mcs');
  const libraries = existsSync('/usr/lib/mono/4.5/System.Core.dll');
  return runtime === undefined || compiler === undefined || !libraries ? undefined : { runtime, compiler };
}

/** Python 3, for the connector written in it. */
export function pythonProgram(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => `${folder}/python3`)
    .find((file) => existsSync(file));
}

/** The tracer of system calls, which shows what reached the disk and when. */
export function straceProgram(): string | undefined {
  const folders = ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')];
  return folders.map((folder) => `${folder}/strace`).find((file) => existsSync(file));
}

/** The .NET SDK, where there is one: not every system has a package of it, so nothing installs it. */
export function dotnetProgram(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => `${folder}/dotnet`)
    .find((file) => existsSync(file));
}

/** The ODBC drivers that tests use, as files, where the driver manager is there too: Debian's. */
export function odbcDrivers(): { readonly sqlite: string; readonly postgres: string; readonly mariadb: string } | undefined {
  const base = '/usr/lib';
  const folders = existsSync(base) ? readdirSync(base).map((name) => `${base}/${name}`) : [];
  const manager = folders.some((folder) => existsSync(`${folder}/libodbc.so.2`));
  const find = (name: string): string | undefined =>
    folders.flatMap((folder) => [`${folder}/odbc/${name}`, `${folder}/${name}`]).find((file) => existsSync(file));
  const [sqlite, postgres, mariadb] = [find('libsqlite3odbc.so'), find('psqlodbcw.so'), find('libmaodbc.so')];
  return !manager || sqlite === undefined || postgres === undefined || mariadb === undefined ? undefined : { sqlite, postgres, mariadb };
}

/** Everything that tests need beside Node.js. Another backend is another row. */
export const backends: readonly Backend[] = [
  { name: 'PostgreSQL', packageNames: ['postgresql'], isThere: () => postgresPrograms() !== undefined },
  { name: 'MariaDB', packageNames: ['mariadb-server-core', 'mariadb-client-core'], isThere: () => mariadbPrograms() !== undefined },
  { name: 'ODBC', packageNames: ['unixodbc', 'libsqliteodbc', 'odbc-postgresql', 'odbc-mariadb'], isThere: () => odbcDrivers() !== undefined },
  { name: 'Python', packageNames: ['python3-minimal'], isThere: () => pythonProgram() !== undefined },
  { name: 'Mono', packageNames: ['mono-runtime', 'mono-mcs', 'libmono-system-core4.0-cil'], isThere: () => monoPrograms() !== undefined },
  { name: 'strace', packageNames: ['strace'], isThere: () => process.platform !== 'linux' || straceProgram() !== undefined },
];

/**
 * Installs what is missing where that is possible: as root on Debian and its kin, in one call, without starting services.
 *
 * @returns the backends that are still missing.
 */
export function installBackends(log: (line: string) => void): readonly Backend[] {
  const missing = backends.filter((backend) => !backend.isThere());
  if (missing.length === 0) return [];
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync('/usr/bin/apt-get')) return missing;
  log(`installing ${missing.flatMap((backend) => backend.packageNames).join(', ')} …`);
  // RUNLEVEL=1 keeps Debian's scripts from starting servers; tests start their own, privately.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...values: readonly string[]): number => spawnSync('apt-get', [...values], { stdio: ['ignore', 'ignore', 'inherit'], env }).status ?? 1;
  if (apt('update', '-qq') !== 0 || apt('install', '-y', '-qq', '--no-install-recommends', ...missing.flatMap((backend) => backend.packageNames)) !== 0)
    log('apt-get failed; see above');
  return backends.filter((backend) => !backend.isThere());
}
