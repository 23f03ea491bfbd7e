import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connectorSchema, openSession, type PostgresOptions, quote } from './connection.ts';

/** Copies the schemas of an installation into a file, in one snapshot, by `pg_dump`. @throws Error with what it said, or that it is not there. */
export async function dumpSchemas(options: PostgresOptions, connectors: readonly string[], file: string): Promise<void> {
  const schemas = [options.schema ?? 'landbridge', ...connectors.map((name) => connectorSchema(options, name))];
  await run('pg_dump', options, ['--format=custom', '--no-owner', '--no-privileges', `--file=${file}`, ...schemas.map((name) => `--schema=${quote(name)}`)]);
}

/**
 * Brings such a file into a database that has none of its schemas: all of it, or nothing. No host owns its connectors any more.
 *
 * @throws Error with what `pg_restore` said.
 */
export async function restoreSchemas(options: PostgresOptions, connectors: readonly string[], file: string): Promise<void> {
  await run('pg_restore', options, ['--no-owner', '--no-privileges', '--exit-on-error', '--single-transaction', file]);
  for (const connector of connectors) {
    const session = await openSession(options, connectorSchema(options, connector));
    try {
      // The lease of the host that was copied was running then.
      if ((await session.get("SELECT to_regclass('head') AS head"))?.['head'] !== null) await session.execute("UPDATE head SET lease_until = '-infinity'");
    } finally {
      await session.close();
    }
  }
}

async function run(program: 'pg_dump' | 'pg_restore', { url }: PostgresOptions, list: readonly string[]): Promise<void> {
  const place = new URL(url);
  // The command line of a process is there for everybody to read.
  const password = decodeURIComponent(place.password);
  place.password = '';
  const env = password === '' ? process.env : { ...process.env, PGPASSWORD: password };
  try {
    await promisify(execFile)(program, [`--dbname=${place.href}`, ...list], { env, maxBuffer: 1 << 24 });
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string | number; readonly stderr?: string };
    if (code === 'ENOENT')
      throw new Error(`${program} is not installed here: install the client programs of PostgreSQL, of the server's version or newer`, { cause: error });
    throw new Error((stderr ?? '').trim().split('\n')[0] || `${program} failed`, { cause: error });
  }
}
