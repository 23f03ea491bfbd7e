import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';

/** The life of a package on a running host (R28): a connector that its author wrote in TypeScript, installed, updated and taken back under load. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-packages-'));
const data = join(folder, 'data');
const application = join(folder, 'people.sqlite');
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const quiet = (): void => {};
let server: RunningServer;
let token: string;
let dispatcher: Agent;

const landbridge = (...values: readonly string[]): Promise<Ended> => runLandbridge([...values, '--data', data], { cwd: folder, direct: true });

/** A folder with a version of the package. */
function version(name: string, fails: '' | 'schema' | 'live' = ''): string {
  const path = join(folder, `people-${name}`);
  cpSync(join(import.meta.dirname, '../fixtures/versioned-connector'), path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: 'people', version: name, type: 'module', exports: './index.ts' }));
  writeFileSync(join(path, 'version.ts'), `export const version: string = '${name}';\nexport const fails: string = '${fails}';\n`);
  return path;
}

async function scim(
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await request(`${server.url}/scim/people${path}`, {
    method,
    dispatcher,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.body.text();
  return { status: response.statusCode, body: text === '' ? {} : (JSON.parse(text) as Readonly<Record<string, unknown>>) };
}

function rows(): readonly { readonly login: string; readonly title: string | null; readonly written_by: string }[] {
  const database = new DatabaseSync(application, { readOnly: true, timeout: 10_000 });
  const all = database.prepare('SELECT login, title, written_by FROM people').all() as unknown as ReturnType<typeof rows>;
  database.close();
  return all;
}

const sessions = (): readonly string[] => {
  const file = join(data, 'connectors/people/files/sessions.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
};

/** Clients that create, read and change people until told to stop; every answer is noted. */
let groups = 0;

function startClients(count: number): {
  stop(): Promise<{ readonly created: readonly string[]; readonly changed: readonly string[]; readonly bad: readonly string[] }>;
} {
  groups += 1;
  const group = groups;
  const created: string[] = [];
  const changed: string[] = [];
  const bad: string[] = [];
  let stopped = false;
  const client = async (number: number): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      const login = `g${group}-c${number}-${turn}`;
      const made = await scim('POST', '/Users', { schemas: [USER], userName: login });
      if (made.status !== 201) bad.push(`POST ${made.status} ${JSON.stringify(made.body)}`);
      else created.push(login);
      const id = String(made.body['id']);
      const read = await scim('GET', `/Users/${id}`);
      if (read.status !== 200) bad.push(`GET ${read.status} ${JSON.stringify(read.body)}`);
      const patched = await scim('PATCH', `/Users/${id}`, {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
        Operations: [{ op: 'replace', path: 'title', value: `title of ${login}` }],
      });
      if (patched.status !== 200) bad.push(`PATCH ${patched.status} ${JSON.stringify(patched.body)}`);
      else changed.push(login);
    }
  };
  const all = Promise.all(Array.from({ length: count }, (_, number) => client(number)));
  return {
    async stop() {
      stopped = true;
      await all;
      return { created, changed, bad };
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

beforeAll(async () => {
  const database = new DatabaseSync(application);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE people (id INTEGER PRIMARY KEY, login TEXT UNIQUE, title TEXT, written_by TEXT)');
  database.close();
  server = await startServer({ dataFolder: data, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile ?? '', 'utf8') }, connections: 20 });
  expect((await landbridge('package', 'add', version('1.0.0'))).stdout).toContain('installed people 1.0.0');
  writeFileSync(
    join(folder, 'landbridge.yaml'),
    `version: 1
connectors:
  people:
    package: people
    parameters: { database: ${JSON.stringify(application)} }
    objectTypes:
      person: { resourceType: User, mapping: { userName: login, title: title } }
`,
  );
  expect(await landbridge('apply', 'landbridge.yaml')).toMatchObject({ status: 0 });
  await landbridge('run', 'people', 'full');
  token = String((JSON.parse((await landbridge('token', 'create', 'people', '--json')).stdout) as { readonly token: string }).token);
});

afterAll(async () => {
  await dispatcher?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('R28 the life of a package on a running host', () => {
  it('an update and a rollback under load: no request fails, nothing is lost or doubled, and each version serves its time', async () => {
    const clients = startClients(8);
    await until(() => rows().length > 100);
    const updated = await landbridge('package', 'update', 'people', version('2.0.0'));
    expect(updated).toMatchObject({ status: 0, stdout: expect.stringContaining('1.0.0 → 2.0.0; handed over: people') });
    await until(() => rows().filter((row) => row.written_by === '2.0.0').length > 100);
    const back = await landbridge('package', 'rollback', 'people');
    expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining('2.0.0 → 1.0.0') });
    const before = rows().filter((row) => row.written_by === '1.0.0').length;
    await until(() => rows().filter((row) => row.written_by === '1.0.0').length > before + 50);
    const { created, changed, bad } = await clients.stop();
    expect(bad).toEqual([]);
    const there = rows();
    expect(there.map((row) => row.login).sort()).toEqual([...created].sort());
    const titles = new Map(there.map((row) => [row.login, row.title]));
    expect(changed.filter((login) => titles.get(login) !== `title of ${login}`)).toEqual([]);
    // The own files are those that version 1 left, and what it wrote since: what version 2 noted is in its snapshot.
    expect(new Set(sessions())).toEqual(new Set(['1.0.0']));
  });

  it('a version that cannot serve the live configuration is refused before anything is touched', async () => {
    const clients = startClients(2);
    const refused = await landbridge('package', 'update', 'people', version('3.0.0', 'schema'));
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(
      'the connector "people" cannot run this version and stays with the old one: this version wants a parameter that nobody set',
    );
    expect((await clients.stop()).bad).toEqual([]);
    const list = JSON.parse((await landbridge('package', 'list', '--json')).stdout) as readonly {
      readonly current: string;
      readonly versions: readonly { readonly digest: string; readonly version: string }[];
    }[];
    expect(list[0]?.versions.find((one) => one.digest === list[0]?.current)?.version).toBe('1.0.0');
  });

  it('a version that fails only when it is opened is taken back, and no request fails for it', async () => {
    const clients = startClients(2);
    const failed = await landbridge('package', 'update', 'people', version('4.0.0', 'live'));
    expect(failed.stderr).toContain('is back on the old one: this version fails in the real folder');
    expect((await clients.stop()).bad).toEqual([]);
    expect((await scim('POST', '/Users', { schemas: [USER], userName: 'after-failure' })).status).toBe(201);
    expect(rows().find((row) => row.login === 'after-failure')?.written_by).toBe('1.0.0');
  });

  it('another configuration is handed over the same way', async () => {
    const clients = startClients(2);
    const file = join(folder, 'landbridge.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('    objectTypes:', '    limits: { scanEntries: 1000 }\n    objectTypes:'));
    expect(await landbridge('apply', 'landbridge.yaml')).toMatchObject({ status: 0 });
    expect((await clients.stop()).bad).toEqual([]);
  });

  it('what is in use is not removed; what is not, is', async () => {
    expect((await landbridge('package', 'remove', 'people')).stderr).toContain('is used by people');
    expect((await landbridge('package', 'remove', 'people', '--release', '1.0.0')).stderr).toContain('is in use');
    expect(await landbridge('package', 'remove', 'people', '--release', '4.0.0')).toMatchObject({ status: 0 });
    expect((await landbridge('package', 'list')).stdout).not.toContain('4.0.0');
    expect((await landbridge('package', 'rollback', 'nothing')).stderr).toContain('there is no package "nothing"');
  });

  it('a restart opens the version in use', async () => {
    await server.close();
    server = await startServer({ dataFolder: data, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
    await dispatcher.close();
    dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile ?? '', 'utf8') } });
    expect((await scim('POST', '/Users', { schemas: [USER], userName: 'after-restart' })).status).toBe(201);
    expect(rows().find((row) => row.login === 'after-restart')?.written_by).toBe('1.0.0');
  });

  it('SEC-53 where packages must be signed, what is installed unsigned is not opened, and what is in use is warned of', async () => {
    writeFileSync(
      join(folder, 'signed.yaml'),
      `packages: { requireSignature: true, keys: {} }\n${readFileSync(join(folder, 'landbridge.yaml'), 'utf8').replace('scanEntries: 1000', 'scanEntries: 2000')}`,
    );
    // The connector itself is the same: it stays open, and would not be after a restart.
    const policyAlone = join(folder, 'policy.yaml');
    writeFileSync(policyAlone, `packages: { requireSignature: true, keys: {} }\n${readFileSync(join(folder, 'landbridge.yaml'), 'utf8')}`);
    const applied = await landbridge('apply', 'policy.yaml');
    expect(applied.stdout).toMatch(/warning: connectors\.people: .* is not signed by a key that is trusted now.*cannot be opened again/);
    expect((await scim('POST', '/Users', { schemas: [USER], userName: 'still-open' })).status).toBe(201);
    expect(await landbridge('apply', 'signed.yaml')).toMatchObject({ status: 0 });
    expect((await landbridge('status')).stdout).toContain('is not signed by a key');
    expect((await landbridge('package', 'add', version('5.0.0'))).stderr).toContain('must be signed here');
  });
});
