import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../apps/server/src/index.ts';
import { buildConnector, sourcesOf } from '../../connectors/ecma2/src/build-worker.ts';
import { monoPrograms } from '../../tools/backends.ts';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';

/** R28 with a compiled connector: installed, updated and taken back while clients create people through it. */
describe.skipIf(monoPrograms() === undefined)('R28 a DLL is updated under load', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-dll-packages-'));
  const data = join(folder, 'data');
  const application = join(folder, 'application');
  const quiet = (): void => {};
  let server: RunningServer;
  let dispatcher: Agent;
  let token: string;

  const landbridge = (...values: readonly string[]): Promise<Ended> => runLandbridge([...values, '--data', data], { cwd: folder, direct: true });

  /** The sample connector, built as another version. */
  async function version(number: string): Promise<string> {
    const sources = sourcesOf('sample').map((file) => {
      if (basename(file) !== 'AssemblyInfo.cs') return file;
      const own = join(folder, `version-${number}.cs`);
      writeFileSync(own, readFileSync(file, 'utf8').replace('AssemblyVersion("1.0.0.0")', `AssemblyVersion("${number}")`));
      return own;
    });
    const dll = await buildConnector('Landbridge.Sample.Directory', sources);
    const path = join(folder, `directory-${number}`);
    mkdirSync(path);
    cpSync(dll, join(path, basename(dll)));
    return path;
  }

  async function create(login: string): Promise<number> {
    const response = await request(`${server.url}/scim/people/Users`, {
      method: 'POST',
      dispatcher,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: login }),
    });
    await response.body.dump();
    return response.statusCode;
  }

  const logins = (): readonly string[] =>
    readdirSync(join(application, 'person')).map((file) => /^login[=:]\s*(.*)$/m.exec(readFileSync(join(application, 'person', file), 'utf8'))?.[1] ?? file);

  beforeAll(async () => {
    mkdirSync(application);
    server = await startServer({ dataFolder: data, port: 0, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
    dispatcher = new Agent({ connect: { ca: readFileSync(server.caFile ?? '', 'utf8') } });
    expect(await landbridge('package', 'add', await version('1.0.0.0'), '--name', 'directory')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('installed directory 1.0.0.0'),
    });
    process.env['DLL_PACKAGE_PASSWORD'] = 'sample-password';
    writeFileSync(
      join(folder, 'landbridge.yaml'),
      `version: 1
connectors:
  people:
    package: directory
    parameters: { connectivity: { Folder: ${JSON.stringify(application)}, Password: '\${env:DLL_PACKAGE_PASSWORD}' } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`,
    );
    expect(await landbridge('apply', 'landbridge.yaml')).toMatchObject({ status: 0 });
    token = String((JSON.parse((await landbridge('token', 'create', 'people', '--json')).stdout) as { readonly token: string }).token);
  }, 180_000);

  afterAll(async () => {
    await dispatcher?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('no request fails, nothing is lost, and a rollback does the same', async () => {
    const created: string[] = [];
    const bad: string[] = [];
    let stopped = false;
    const client = async (number: number): Promise<void> => {
      for (let turn = 0; !stopped; turn += 1) {
        const status = await create(`c${number}-${turn}`);
        if (status === 201) created.push(`c${number}-${turn}`);
        else bad.push(`c${number}-${turn}: ${status}`);
      }
    };
    const clients = Promise.all([0, 1, 2, 3].map(client));
    const next = await version('2.0.0.0');
    const updated = await landbridge('package', 'update', 'directory', next);
    const between = created.length;
    while (created.length < between + 20) await new Promise((resolve) => setTimeout(resolve, 20));
    const back = await landbridge('package', 'rollback', 'directory');
    const after = created.length;
    while (created.length < after + 20) await new Promise((resolve) => setTimeout(resolve, 20));
    stopped = true;
    await clients;
    expect(updated).toMatchObject({ status: 0, stdout: expect.stringContaining('1.0.0.0 → 2.0.0.0; handed over: people') });
    expect(back).toMatchObject({ status: 0, stdout: expect.stringContaining('2.0.0.0 → 1.0.0.0') });
    expect(bad).toEqual([]);
    expect([...logins()].sort()).toEqual([...created].sort());
  });
});
