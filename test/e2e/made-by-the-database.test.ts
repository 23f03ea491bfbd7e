import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { jsonOf, runLandbridge } from '../fixtures/run-landbridge.ts';

/** A database that computes columns, keeps values in its own form, and numbers rows beyond what a number of JavaScript holds. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-made-'));
const quiet = (): void => {};
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const OWN = 'urn:ietf:params:scim:schemas:extension:landbridge:app:2.0:User';
let server: RunningServer;
let scim: ScimClient;
let token = '';
let database: DatabaseSync;

const cli = (...values: readonly string[]): Promise<Readonly<Record<string, unknown>>> => jsonOf(join(folder, 'data'), ...values);

const CONFIGURATION = `version: 1
connectors:
  app:
    package: sql
    parameters:
      dialect: sqlite
      file: ${join(folder, 'app.sqlite')}
      objectTypes:
        account: { table: accounts, anchor: [site, no] }
    objectTypes:
      account: { resourceType: User, mapping: { userName: login, displayName: shown, title: title } }
`;

beforeAll(async () => {
  database = new DatabaseSync(join(folder, 'app.sqlite'), { timeout: 10_000 });
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE accounts (site TEXT NOT NULL, no INTEGER NOT NULL, login TEXT NOT NULL UNIQUE, title TEXT, pay NUMERIC,
      shown TEXT GENERATED ALWAYS AS (nullif(upper(coalesce(title, '')), '')) STORED, badge INTEGER, PRIMARY KEY (site, no));
    INSERT INTO accounts (site, no, login, title, badge) VALUES ('VIE', 9007199254740993, 'ann', 'Clerk', 9223372036854775807), ('VIE', 9007199254740992, 'bob', 'Smith', 5)`);
  writeFileSync(join(folder, 'landbridge.yaml'), CONFIGURATION);
  server = await startServer({
    dataFolder: join(folder, 'data'),
    configFile: join(folder, 'landbridge.yaml'),
    port: 0,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  await cli('run', 'app', 'full');
  token = String((await cli('token', 'create', 'app'))['token']);
  scim = createScimClient(`${server.url}/scim/app`, token, server.caFile);
});

afterAll(async () => {
  await scim?.close();
  await server?.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const listed = async (filter: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await scim.send('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body['Resources'] as readonly Readonly<Record<string, unknown>>[];
const idOf = async (login: string): Promise<string> => String((await listed(`userName eq "${login}"`))[0]?.['id']);
const patch = async (id: string, ...operations: readonly object[]) =>
  (await scim.send('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: operations })).body;

describe('what the database makes of a change', () => {
  it('R16 the answer to an update shows computed columns and values in the form they are kept in, as an import would', async () => {
    const id = await idOf('bob');
    const changed = await patch(id, { op: 'replace', path: 'title', value: 'Fitter' }, { op: 'add', path: `${OWN}:pay`, value: '12.5000' });
    expect(changed).toMatchObject({ displayName: 'FITTER', [OWN]: { pay: '12.5' } });
    expect((await scim.send('GET', `/Users/${id}`)).body).toMatchObject({ displayName: 'FITTER', [OWN]: { pay: '12.5' } });
    expect(await cli('run', 'app', 'full')).toMatchObject({ steps: [{ counts: { updated: 0 } }] });
  });

  it('R16 a computed column that has no value any more goes', async () => {
    const id = await idOf('bob');
    const changed = await patch(id, { op: 'remove', path: 'title' });
    expect(changed).not.toHaveProperty('displayName');
    expect((await scim.send('GET', `/Users/${id}`)).body).not.toHaveProperty('displayName');
    expect(await listed('displayName pr')).toHaveLength(1);
  });
});

describe('R27 whole numbers beyond 2^53', () => {
  /** The answer and the request as text: a client of another language keeps every digit. */
  async function exchange(method: 'GET' | 'PUT', path: string, body?: string): Promise<{ readonly status: number; readonly text: string }> {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' };
    const answer = await request(`${server.url}/scim/app${path}`, { method, headers, dispatcher, ...(body === undefined ? {} : { body }) });
    const text = await answer.body.text();
    await dispatcher.close();
    return { status: answer.statusCode, text };
  }

  it('what an answer shows can be sent back, to the digit', async () => {
    const id = await idOf('ann');
    const shown = await exchange('GET', `/Users/${id}`);
    expect(shown.text).toContain('"badge":9223372036854775807');
    expect(shown.text).toContain('"no":9007199254740993');
    const same = await exchange('PUT', `/Users/${id}`, shown.text);
    expect(same.status, same.text).toBe(200);
    const other = await exchange('PUT', `/Users/${id}`, shown.text.replace('9223372036854775807', '9223372036854775806'));
    expect(other.status, other.text).toBe(200);
    const row = database.prepare("SELECT badge FROM accounts WHERE login = 'ann'");
    row.setReadBigInts(true);
    expect(row.get()).toEqual({ badge: 9223372036854775806n });
    expect((await exchange('PUT', `/Users/${id}`, shown.text.replace('9223372036854775807', '9223372036854775808'))).status).toBe(400);
  });

  it.each([
    ['eq 9007199254740993', ['ann']],
    ['eq "9007199254740993"', ['ann']],
    ['eq 9007199254740992', ['bob']],
    ['gt 9007199254740992', ['ann']],
    ['lt 9007199254740993', ['bob']],
    ['ne 9007199254740993', ['bob']],
    ['ge 2.5', ['ann', 'bob']],
  ])('filters compare every digit: %s', async (comparison, logins) => {
    expect((await listed(`${OWN}:no ${comparison}`)).map((one) => one['userName']).sort()).toEqual(logins);
  });
});

describe('connector test', () => {
  it('finds on a running host that a column was renamed since it was opened, and passes when it is back', async () => {
    const test = (): ReturnType<typeof runLandbridge> => runLandbridge(['connector', 'test', 'app', '--data', join(folder, 'data')]);
    database.exec('ALTER TABLE accounts RENAME COLUMN title TO function');
    try {
      const { status, stdout } = await test();
      expect(status).toBe(1);
      expect(stdout).toContain('the object type "account" has no "title" any more: it was dropped or renamed in the application; correct the configuration');
    } finally {
      database.exec('ALTER TABLE accounts RENAME COLUMN function TO title');
    }
    expect((await test()).status).toBe(0);
  });

  it('finds before there is a host what would keep it from opening the connector', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, CONFIGURATION.replace('title: title', `'phoneNumbers[type like "work"].value': title`));
    const { status, stdout } = await runLandbridge(['connector', 'test', 'app', '--config', file]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/a mapping chooses an element by terms such as type eq/);
  });
});
