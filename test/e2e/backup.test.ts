import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';

/** R5: a backup from a running host, an application that goes on without it, and a restore that does no harm. */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const folder = mkdtempSync(join(tmpdir(), 'landbridge-backup-'));
const data = join(folder, 'data');
const restored = join(folder, 'restored');
const copy = join(folder, 'copy');
const file = join(folder, 'app.sqlite');
const quiet = (): void => {};
let server: RunningServer;
let scim: ScimClient;
let token = '';

type Json = Readonly<Record<string, unknown>>;

const cli = (...values: readonly string[]): Promise<Ended> => runLandbridge(values);

const start = (dataFolder: string, configFile?: string): Promise<RunningServer> =>
  startServer({
    dataFolder,
    port: 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    ...(configFile === undefined ? {} : { configFile }),
  });
const sql = (statement: string): void => {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec(statement);
  database.close();
};
const rows = (statement: string): readonly Json[] => {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 10_000 });
  const all = database.prepare(statement).all();
  database.close();
  return all;
};
const connect = (): ScimClient => createScimClient(`${server.url}/scim/app`, token, server.caFile);
const idOf = async (userName: string): Promise<unknown> => {
  const { body } = await scim.send('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`);
  return (body['Resources'] as readonly Json[])[0]?.['id'];
};
const stateOf = async (): Promise<unknown> => {
  const { stdout } = await cli('connector', 'list', '--data', restored, '--json');
  return (JSON.parse(stdout) as readonly Json[])[0]?.['state'];
};

beforeAll(async () => {
  sql(`CREATE TABLE people(id INTEGER PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, title text);
    INSERT INTO people(login, title) VALUES ('ada', 'one'), ('alan', 'two'), ('grace', 'three')`);
  writeFileSync(
    join(folder, 'landbridge.yaml'),
    `version: 1
connectors:
  app:
    package: sql
    parameters: { dialect: sqlite, file: ${file}, objectTypes: { person: { table: people, anchor: [id] } } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login, title: title } } }
`,
  );
  server = await start(data, join(folder, 'landbridge.yaml'));
  await cli('run', 'app', 'full', '--data', data);
  token = (JSON.parse((await cli('token', 'create', 'app', '--data', data, '--json')).stdout) as { readonly token: string }).token;
  scim = connect();
});

afterAll(async () => {
  await scim.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('backup and restore', () => {
  let ada: unknown;

  it('R5 a running host is copied while it works, without the key that opens its secrets', async () => {
    ada = await idOf('ada');
    // A folder that others may read: nothing but certificates is theirs to read.
    mkdirSync(copy, { mode: 0o755 });
    const { status, stdout } = await cli('backup', copy, '--data', data);
    expect(status).toBe(0);
    expect(stdout).toContain('not in it: the key that the secrets are encrypted with');
    for (const name of ['backup.json', 'control.db', 'sealing.key', 'token-pepper.key', 'connectors/app/connector.db'])
      expect(existsSync(join(copy, name)), name).toBe(true);
    for (const name of ['secrets.key', 'lock', 'host.json', 'host.log']) expect(existsSync(join(copy, name)), name).toBe(false);
    const readable = readdirSync(copy, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && (statSync(join(entry.parentPath, entry.name)).mode & 0o077) !== 0,
    );
    expect(readable.map(({ name }) => name).filter((name) => !name.endsWith('.crt'))).toEqual([]);
    expect(await cli('backup', copy, '--data', data)).toMatchObject({ status: 4, stderr: expect.stringContaining('is not empty') as string });
  });

  it('R5 a restore goes into an empty folder only, and a copy without its last file is none', async () => {
    expect(await cli('restore', copy, '--data', data)).toMatchObject({ status: 1, stderr: expect.stringContaining('in use by another process') as string });
    expect(await cli('restore', join(folder, 'nowhere'), '--data', restored)).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('is no whole backup') as string,
    });
  });

  it('R5 the application goes on, and the host is restored beside its old folder', async () => {
    // After the backup: one person is created by SCIM, one changes and one goes away in the application.
    expect((await scim.send('POST', '/Users', { schemas: [USER], userName: 'late' })).status).toBe(201);
    sql("UPDATE people SET title = 'newer' WHERE login = 'ada'; DELETE FROM people WHERE login = 'grace'");
    await scim.close();
    await server.close();
    const done = await cli('restore', copy, '--data', restored, '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ connectors: ['app'], data: restored });
    expect(await cli('restore', copy, '--data', restored)).toMatchObject({ status: 4, stderr: expect.stringContaining('is not empty') as string });
    // The key of the secrets comes from where it is kept.
    writeFileSync(join(restored, 'secrets.key'), readFileSync(join(data, 'secrets.key')), { mode: 0o600 });
    server = await start(restored);
    scim = connect();
  });

  it('R5 R23 the first full import brings what is there and removes nothing; then writes go on, and ids are the old ones', async () => {
    while ((await stateOf()) !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(existsSync(join(restored, 'connectors/app/behind'))).toBe(false);
    expect(await idOf('ada')).toBe(ada);
    expect((await scim.send('GET', `/Users/${String(ada)}`)).body).toMatchObject({ title: 'newer' });
    // Created after the backup: the application has it, so it is found again.
    expect(await idOf('late')).toBeDefined();
    // Gone since: still there until an import that is not the first one.
    expect(await idOf('grace')).toBeDefined();
    expect((await scim.send('POST', '/Users', { schemas: [USER], userName: 'late' })).status).toBe(409);
    expect((await scim.send('POST', '/Users', { schemas: [USER], userName: 'after' })).status).toBe(201);
    expect(rows('SELECT login FROM people ORDER BY id').map((row) => row['login'])).toEqual(['ada', 'alan', 'late', 'after']);
    await cli('run', 'app', 'full', '--data', restored);
    expect(await idOf('grace')).toBeUndefined();
  });
});
