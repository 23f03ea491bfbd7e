import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** A program that tests need, how it is found, and the Debian package that brings it. */
export interface Backend {
  readonly name: string;
  readonly packageName: string;
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

/** Everything that tests need beside Node.js. Another backend is another row. */
export const backends: readonly Backend[] = [{ name: 'PostgreSQL', packageName: 'postgresql', isThere: () => postgresPrograms() !== undefined }];

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
  log(`installing ${missing.map((backend) => backend.packageName).join(', ')} …`);
  // RUNLEVEL=1 keeps Debian's scripts from starting servers; tests start their own, privately.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...values: readonly string[]): number => spawnSync('apt-get', [...values], { stdio: ['ignore', 'ignore', 'inherit'], env }).status ?? 1;
  if (apt('update', '-qq') !== 0 || apt('install', '-y', '-qq', '--no-install-recommends', ...missing.map((backend) => backend.packageName)) !== 0)
    log('apt-get failed; see above');
  return backends.filter((backend) => !backend.isThere());
}
