import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';

/** The history of the configuration, and the secrets it refers to, from the command line on a running host. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-history-'));
const data = join(folder, 'data');
const quiet = (): void => {};
const SECRET = 'app-of-the-secret-path.sqlite';
let server: RunningServer;

type Json = Readonly<Record<string, unknown>>;

const cli = (values: readonly string[], input = ''): Promise<Ended> => runLandbridge([...values, '--data', data], { input });

async function json<Result = Json>(...values: readonly string[]): Promise<Result> {
  const { stdout, stderr } = await cli([...values, '--json']);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Result;
}

function configuration(more: string): string {
  return `version: 1
connectors:
  app:
    package: sql
    parameters: { dialect: sqlite, file: '\${secret:app-file}', objectTypes: { person: { table: people, anchor: [id] } } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login${more} } } }
`;
}

const start = (): Promise<RunningServer> => startServer({ dataFolder: data, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });

beforeAll(async () => {
  const database = new DatabaseSync(join(folder, SECRET));
  database.exec(`CREATE TABLE people(id INTEGER PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, title text); INSERT INTO people(login) VALUES ('ada')`);
  database.close();
  writeFileSync(join(folder, 'one.yaml'), configuration(''));
  writeFileSync(join(folder, 'two.yaml'), configuration(', title: title'));
  server = await start();
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('secrets', () => {
  it('a missing secret is named with what to do, and its value opens the connector', async () => {
    const applied = await cli(['apply', join(folder, 'one.yaml')]);
    expect(applied.stdout).toContain('there is no secret "app-file"; set it with: landbridge secret set app-file');
    expect(await json('secret', 'list')).toMatchObject([{ name: 'app-file', missing: true, usedBy: ['app'] }]);
    const set = await cli(['secret', 'set', 'app-file', '--json'], `${join(folder, SECRET)}\n`);
    expect(JSON.parse(set.stdout)).toEqual({ name: 'app-file', reopened: ['app'] });
    expect((await cli(['run', 'app', 'full'])).stdout).toContain('1 added');
  });

  it('SEC-56 a value is never an argument, never empty, never shown, and in no file', async () => {
    expect((await cli(['secret', 'set', 'x', 'value'])).stderr).toContain('too many arguments');
    expect(await cli(['secret', 'set', 'x'], '')).toMatchObject({ status: 2 });
    expect(await cli(['secret', 'set', 'a/b'], 'v')).toMatchObject({ status: 4, stderr: expect.stringContaining('is no name of a secret') as string });
    const shown = await Promise.all([
      cli(['secret', 'list']),
      cli(['export']),
      cli(['history']),
      cli(['history', 'show', '1', '--json']),
      cli(['connector', 'show', 'app', '--json']),
      cli(['doctor', '--json']),
    ]);
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toContain(SECRET);
    const files = readdirSync(data, { withFileTypes: true }).filter((one) => one.isFile());
    for (const { name } of files) expect(readFileSync(join(data, name)).includes(SECRET), name).toBe(false);
  });

  it('rotate seals everything anew while the host runs, and the next start reads it', async () => {
    expect(await json('secret', 'rotate')).toEqual({ secrets: 1, keyChanged: true });
    await server.close();
    server = await start();
    expect((await json('status'))['connectors']).toMatchObject([{ name: 'app', state: 'ready' }]);
  });

  it('remove refuses what is in use, and what is not there', async () => {
    expect(await cli(['secret', 'remove', 'app-file'])).toMatchObject({ status: 4, stderr: expect.stringContaining('is used by app') as string });
    expect(await cli(['secret', 'remove', 'nothing'])).toMatchObject({ status: 4 });
    await cli(['secret', 'set', 'spare'], 'v');
    expect(await json('secret', 'remove', 'spare')).toEqual({ removed: 'spare' });
  });
});

describe('history', () => {
  it('each apply is a revision with author, time and difference', async () => {
    expect(await json('apply', join(folder, 'two.yaml'))).toMatchObject({ revision: 2 });
    const list = await json<readonly Json[]>('history');
    expect(list).toMatchObject([
      { number: 2, author: 'local command line', inForce: true, summary: 'added connectors.app.objectTypes.person.mapping.title' },
      { number: 1, inForce: false },
    ]);
    expect(Math.abs(Number(list[0]?.['at']) - Date.now())).toBeLessThan(600_000);
    const shown = await json('history', 'show', '2');
    expect(shown['changes']).toEqual([{ path: 'connectors.app.objectTypes.person.mapping.title', kind: 'added', after: 'title' }]);
    expect(shown['text']).toContain('${secret:app-file}');
    expect((await cli(['history', 'show', '2'])).stdout).toContain('+ connectors.app.objectTypes.person.mapping.title');
  });

  it('rollback makes the old one the newest revision, reopens what it concerns, and is in the audit', async () => {
    expect(await json('rollback', '1')).toMatchObject({ revision: 3, changes: [{ kind: 'removed', path: 'connectors.app.objectTypes.person.mapping.title' }] });
    expect(await json<readonly Json[]>('history')).toMatchObject([
      { number: 3, inForce: true, summary: expect.stringContaining('back to revision 1') as string },
      {},
      {},
    ]);
    expect((await json('connector', 'show', 'app'))['objectTypes']).toMatchObject([{ mapping: [{ scim: 'userName' }] }]);
    const database = new DatabaseSync(join(data, 'control.db'), { readOnly: true });
    const audit = database.prepare('SELECT action, detail FROM audit ORDER BY id').all();
    database.close();
    expect(audit.map((row) => row['action'])).toEqual(
      expect.arrayContaining(['configuration.apply', 'configuration.rollback', 'secret.set', 'secret.rotate', 'secret.remove']),
    );
    expect(JSON.stringify(audit)).not.toContain(SECRET);
  });

  it('what cannot be rolled back to is refused: unknown, the same, or not valid any more', async () => {
    expect(await cli(['rollback', '99'])).toMatchObject({ status: 4, stderr: expect.stringContaining('there is no revision 99') as string });
    expect(await cli(['rollback', '3'])).toMatchObject({ status: 4, stderr: expect.stringContaining('is the same as the configuration in force') as string });
    expect(await cli(['rollback', 'x'])).toMatchObject({ status: 2 });
    // A revision of an older format: valid then, not now.
    await server.close();
    const database = new DatabaseSync(join(data, 'control.db'));
    const old = {
      document: { version: 1, connectors: { app: { package: 'sql', gone: true, parameters: {}, objectTypes: { p: { resourceType: 'User' } } } } },
      folder,
    };
    database.prepare('UPDATE revisions SET document = ? WHERE number = 2').run(JSON.stringify(old));
    database.close();
    server = await start();
    const refused = await cli(['rollback', '2']);
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('revision 2 is not valid any more') as string });
    expect((await json('status'))['revision']).toBe(3);
  });
});

describe('SEC-60 the audit', () => {
  type Report = Readonly<{ audit: string; intact: boolean; rows: number; last: { id: number; code: string }; problems: readonly Json[]; noted?: string }>;

  it('is intact over restarts, and shows what somebody changed in the database', async () => {
    const reports = await json<readonly Report[]>('audit', 'verify');
    expect(reports).toMatchObject([
      { audit: 'administration', intact: true, uncovered: 0, problems: [] },
      { audit: 'app', intact: true },
    ]);
    expect(reports[0]?.rows).toBeGreaterThan(8);
    const noted = `${reports[0]?.last.id}:${reports[0]?.last.code}`;
    await cli(['secret', 'set', 'later'], 'v');
    expect(await cli(['audit', 'verify', '--noted', noted])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('the noted place is in the audit') as string,
    });
    expect(await cli(['audit', 'verify', '--noted', `9${noted}`])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('is not in the audit') as string,
    });
    expect(await cli(['audit', 'verify', '--noted', 'x'])).toMatchObject({ status: 4 });
    expect((await cli(['audit', 'list', '--limit', '3'])).stdout).toContain('secret.set');
    const database = new DatabaseSync(join(data, 'control.db'));
    database.exec("UPDATE audit SET actor = 'somebody else' WHERE action = 'configuration.rollback'");
    database.close();
    const changed = await cli(['audit', 'verify', '--json']);
    expect(changed.status).toBe(1);
    expect((JSON.parse(changed.stdout) as readonly Report[])[0]).toMatchObject({
      intact: false,
      problems: expect.arrayContaining([expect.objectContaining({ problem: 'changed' })]) as Json[],
    });
    // The key is in the data folder and not in the database.
    const key = readFileSync(join(data, 'audit.key'), 'utf8').trim();
    for (const name of ['control.db', 'host.log']) if (readdirSync(data).includes(name)) expect(readFileSync(join(data, name)).includes(key), name).toBe(false);
  });

  it('nothing privileged happens without it', async () => {
    const database = new DatabaseSync(join(data, 'control.db'));
    database.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    const tokens = await json<readonly Json[]>('token', 'list');
    for (const refused of [
      ['token', 'create', 'app', '--profile', 'strict'],
      ['token', 'revoke', String(tokens[0]?.['id'])],
      ['secret', 'remove', 'later'],
      ['apply', join(folder, 'two.yaml')],
      ['rollback', '1'],
    ])
      expect(await cli(refused), refused.join(' ')).toMatchObject({ status: 4, stderr: expect.stringContaining('disk full') as string });
    expect((await json<readonly Json[]>('token', 'list')).map((one) => one['id'])).toEqual(tokens.map((one) => one['id']));
    expect((await json('status'))['revision']).toBe(3);
    expect(await json<readonly Json[]>('secret', 'list')).toMatchObject([{ name: 'app-file', updatedBy: 'local command line' }, { name: 'later' }]);
    database.exec('DROP TRIGGER full');
    database.close();
    expect(await json('token', 'create', 'app', '--profile', 'strict')).toMatchObject({ id: expect.any(String) as string });
  });
});
