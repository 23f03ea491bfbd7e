import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext, TestResult } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../../test/backends/loopback.ts';
import { startMariadb } from '../../../test/backends/mariadb.ts';
import { startPostgres } from '../../../test/backends/postgres.ts';
import { createTestAuthority } from '../../../test/fixtures/certificates.ts';
import { mariadbPrograms, postgresPrograms } from '../../../tools/backends.ts';
import { connector } from './index.ts';

const signal = new AbortController().signal;
const NOBODY = 65_534;

/** Files that the account of a server can read. */
function writeForServer(folder: string, name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(file, NOBODY, NOBODY);
  return file;
}

/** A server that has this certificate, and a table "people". */
type TlsServer = Omit<PrivateServer, 'pid'>;

const servers: readonly {
  readonly name: string;
  readonly dialect: string;
  readonly isThere: boolean;
  start(certificate: string, key: string): Promise<TlsServer>;
}[] = [
  {
    name: 'PostgreSQL',
    dialect: 'postgres',
    isThere: postgresPrograms() !== undefined,
    async start(certificate, key) {
      const server = await startPostgres({ settings: ['ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`] });
      server.psql('CREATE TABLE people (id int PRIMARY KEY)');
      return server;
    },
  },
  {
    name: 'MariaDB',
    dialect: 'mariadb',
    isThere: mariadbPrograms() !== undefined,
    async start(certificate, key) {
      const server = await startMariadb({ settings: [`ssl_cert=${certificate}`, `ssl_key=${key}`] });
      server.client('CREATE TABLE people (id int PRIMARY KEY)');
      return server;
    },
  },
];

describe.each(servers.filter(({ isThere }) => isThere))('$name over TLS', ({ dialect, start }) => {
  let server: TlsServer;
  let folder = '';
  let trusted = '';
  let other = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'landbridge-tls-'));
    chmodSync(folder, 0o755);
    const authority = await createTestAuthority('the authority of the server');
    const { certificate, key } = await authority.issue('server', ['127.0.0.1']);
    trusted = writeForServer(folder, 'trusted.pem', authority.certificate);
    other = writeForServer(folder, 'other.pem', (await createTestAuthority('another authority')).certificate);
    server = await start(writeForServer(folder, 'server.pem', certificate), writeForServer(folder, 'server.key', key));
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const contextOf = (parameters: Readonly<Record<string, string | number | object>>): ConnectorContext => {
    const silent = (): void => {};
    // The structures below are plain JSON.
    const all = { dialect, ...parameters, objectTypes: { person: { table: 'people', anchor: ['id'] } } } as ConnectorContext['parameters'];
    return { connector: 'tls', folder: '', parameters: all, log: { debug: silent, info: silent, warn: silent, error: silent } };
  };
  const parts = (tls: object): ConnectorContext => {
    const { host, port, user, password, database } = server;
    return contextOf({ host, port, user, password, database, tls });
  };
  async function tlsLayer(context: ConnectorContext): Promise<TestResult | undefined> {
    for await (const result of connector.test?.(context, { signal }) ?? []) if (result.layer === 'tls') return result;
    return undefined;
  }

  it('verify-full takes a certificate of the given authority, also for an address', async () => {
    const context = parts({ mode: 'verify-full', ca: trusted });
    expect((await connector.schema(context, { signal })).objectTypes).toHaveLength(1);
    expect(await tlsLayer(context)).toMatchObject({ status: 'passed', message: expect.stringContaining('trusted') });
  });

  it('verify-full refuses a certificate of another authority, in the layer of TLS', async () => {
    const context = parts({ mode: 'verify-full', ca: other });
    await expect(connector.schema(context, { signal })).rejects.toMatchObject({ code: 'invalid-configuration', message: expect.stringContaining('tls') });
    expect(await tlsLayer(context)).toMatchObject({ status: 'failed', message: expect.stringContaining('tls.ca') });
  });

  it('require encrypts without asking who answers; a missing file of authorities is said', async () => {
    expect((await connector.schema(parts({ mode: 'require' }), { signal })).objectTypes).toHaveLength(1);
    const missing = parts({ mode: 'verify-full', ca: join(folder, 'none.pem') });
    await expect(connector.schema(missing, { signal })).rejects.toMatchObject({ code: 'invalid-configuration', message: expect.stringContaining('tls.ca') });
  });

  it('the parameter tls wins over what the URL says', async () => {
    const url = `${server.url}?sslmode=disable`;
    const refused = contextOf({ url, tls: { mode: 'verify-full', ca: other } });
    await expect(connector.schema(refused, { signal })).rejects.toMatchObject({ code: 'invalid-configuration' });
    expect((await connector.schema(contextOf({ url, tls: { mode: 'verify-full', ca: trusted } }), { signal })).objectTypes).toHaveLength(1);
  });
});
