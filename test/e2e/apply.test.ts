import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { runLandbridge } from '../fixtures/run-landbridge.ts';

/** A configuration that is kept in one folder, and applied from another. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-apply-'));
const quiet = (): void => {};
let server: RunningServer;

const document = `version: 1
connectors:
  app:
    package: sql
    parameters: { dialect: sqlite, file: app.sqlite, objectTypes: { person: { table: people, anchor: [id] } } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;
const onHost = (...values: readonly string[]) => runLandbridge([...values, '--data', join(folder, 'data')], { cwd: folder });

beforeAll(async () => {
  for (const [place, people] of [
    ['first', 1],
    ['second', 2],
  ] as const) {
    mkdirSync(join(folder, place));
    const database = new DatabaseSync(join(folder, place, 'app.sqlite'));
    database.exec('CREATE TABLE people (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE)');
    for (let index = 0; index < people; index += 1) database.prepare('INSERT INTO people(login) VALUES (?)').run(`p${index}`);
    database.close();
    writeFileSync(join(folder, place, 'landbridge.yaml'), document);
  }
  server = await startServer({
    dataFolder: join(folder, 'data'),
    configFile: join(folder, 'first/landbridge.yaml'),
    port: 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
});

afterAll(async () => {
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('apply', () => {
  it('the same document again is no revision', async () => {
    expect((await onHost('apply', 'first/landbridge.yaml')).stdout).toContain('no differences: revision 1 stays in force');
    expect(JSON.parse((await onHost('history', 'list', '--json')).stdout)).toHaveLength(1);
  });

  it('relative paths are relative to the file that is applied, not to the one that the host was started with', async () => {
    expect(JSON.parse((await onHost('run', 'app', 'full', '--json')).stdout)).toMatchObject({ steps: [{ counts: { added: 1 } }] });
    expect((await onHost('apply', 'second/landbridge.yaml')).stdout).toContain('applied as revision 2');
    expect(JSON.parse((await onHost('run', 'app', 'full', '--json')).stdout)).toMatchObject({ steps: [{ counts: { added: 1 } }] });
  });

  it('export overwrites no file unless it is told to', async () => {
    const file = join(folder, 'first/landbridge.yaml');
    const refused = await onHost('export', '--out', file);
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('exists already') });
    expect(readFileSync(file, 'utf8')).toBe(document);
    expect((await onHost('export', '--out', file, '--force')).status).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(document);
  });

  it('a token for a type that is not there is refused: it would open nothing', async () => {
    const refused = await onHost('token', 'create', 'app', '--types', 'Users');
    expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('there is no resource type "Users"; there are User') });
    expect((await onHost('token', 'create', 'app', '--types', 'User')).status).toBe(0);
  });

  it('a write that is named and not held is a refusal', async () => {
    expect(await onHost('journal', 'approve', 'app', '17')).toMatchObject({ status: 4, stdout: expect.stringContaining('1 not held: 17') });
    expect((await onHost('journal', 'approve', 'app', '--all')).status).toBe(0);
    expect(await onHost('journal', 'list', 'app', '--state', 'in-doubt,helt')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('there is no state "helt" of a write; there are held'),
    });
  });
});
