import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { jsonOf } from '../fixtures/run-landbridge.ts';

/** A table with a version column: what the host saw of it goes with a change, through SCIM, engine and connector. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-version-'));
const quiet = (): void => {};
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
let server: RunningServer;
let scim: ScimClient;
let database: DatabaseSync;

const cli = (...values: readonly string[]): Promise<Readonly<Record<string, unknown>>> => jsonOf(join(folder, 'data'), ...values);

beforeAll(async () => {
  database = new DatabaseSync(join(folder, 'app.sqlite'), { timeout: 10_000 });
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE accounts (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE, title TEXT, row_version INTEGER NOT NULL DEFAULT 1);
    INSERT INTO accounts (login, title) VALUES ('ann', 'Clerk')`);
  const config = join(folder, 'landbridge.yaml');
  writeFileSync(
    config,
    `version: 1
connectors:
  app:
    package: sql
    parameters:
      dialect: sqlite
      file: ${join(folder, 'app.sqlite')}
      objectTypes:
        account: { table: accounts, anchor: [id], anchorAssigned: true, version: { column: row_version } }
    objectTypes:
      account: { resourceType: User, mapping: { userName: login, title: title } }
`,
  );
  server = await startServer({ dataFolder: join(folder, 'data'), configFile: config, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  await cli('run', 'app', 'full');
  const { token } = await cli('token', 'create', 'app');
  scim = createScimClient(`${server.url}/scim/app`, String(token), server.caFile);
});

afterAll(async () => {
  await scim?.close();
  await server?.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a version column', () => {
  const title = (value: string) => ({ schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value }] });
  const row = (): unknown => ({ ...database.prepare('SELECT title, row_version FROM accounts').get() });

  it('lets the host change what it has seen, again and again, and refuses what others changed since; then it looks, and the next try counts (R15)', async () => {
    const found = (await scim.send('GET', `/Users?filter=${encodeURIComponent('userName eq "ann"')}`)).body['Resources'] as readonly { readonly id: string }[];
    const path = `/Users/${found[0]?.id ?? ''}`;
    expect((await scim.send('PATCH', path, title('Manager'))).status).toBeLessThan(300);
    expect((await scim.send('PATCH', path, title('Director'))).status).toBeLessThan(300);
    expect(row()).toEqual({ title: 'Director', row_version: 3 });
    // Somebody else, behind the back of the host.
    database.exec("UPDATE accounts SET title = 'Pensioner', row_version = row_version + 1");
    expect((await scim.send('PATCH', path, title('President'))).status).toBe(409);
    expect(row()).toEqual({ title: 'Pensioner', row_version: 4 });
    // No import was needed for it.
    expect((await scim.send('GET', path)).body).toMatchObject({ title: 'Pensioner' });
    expect((await scim.send('PATCH', path, title('President'))).status).toBeLessThan(300);
    expect(row()).toEqual({ title: 'President', row_version: 5 });
  });
});
