import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The image without an engine that builds it: a folder with what .dockerignore lets through and with the dependencies that
 * `npm ci --omit=dev` installs, in which the program starts and the image's own health check is run.
 */
const root = join(import.meta.dirname, '../..');
const containerfile = readFileSync(join(root, 'deploy/Containerfile'), 'utf8');
const rules = readFileSync(join(root, '.dockerignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ keeps: line.startsWith('!'), pattern: toPattern(line.replace(/^!/, '')) }));

/** A pattern of an ignore file (Docker, "dockerignore file"): of the whole path or of a folder above, `**` for any folders. */
function toPattern(text: string): RegExp {
  const source = text.replace(/[.+^${}()|[\]]/g, '\\$&').replace(/\*\*\/|\*/g, (found) => (found === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}(?:/.*)?$`);
}

/** The last rule that matches decides. */
const isInImage = (path: string): boolean => rules.reduce((kept, rule) => (rule.pattern.test(path) ? rule.keeps : kept), true);

interface Locked {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Locked;
const isForImage = (path: string): boolean => !path.startsWith('node_modules/node-linux-') && packages[path]?.dev !== true;

describe('the image, without an engine', () => {
  let folder: string;
  let application: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'landbridge-image-'));
    application = join(folder, 'opt');
    const { stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
    for (const path of stdout.split('\0').filter((one) => one !== '' && isInImage(one) && existsSync(join(root, one)))) {
      mkdirSync(dirname(join(application, path)), { recursive: true });
      cpSync(join(root, path), join(application, path));
    }
    const modules = Object.keys(packages).filter((path) => path.startsWith('node_modules/') && existsSync(join(root, path)));
    for (const path of modules.filter((one) => isForImage(one) && !one.includes('/node_modules/')))
      cpSync(join(root, path), join(application, path), { recursive: true, verbatimSymlinks: true });
    for (const path of modules.filter((one) => !isForImage(one))) rmSync(join(application, path), { recursive: true, force: true });
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('lets the program through, and nothing that is not for everybody to see', () => {
    for (const path of ['bin/landbridge', 'package-lock.json', 'apps/cli/src/main.ts', 'packages/store/src/index.ts', 'bridges/dotnet/worker/Program.cs'])
      expect({ path, kept: isInImage(path) }).toEqual({ path, kept: true });
    const kept = [
      '.git/config',
      '.landbridge/secrets.key',
      'data/control.db',
      'landbridge.yaml',
      'secrets.key',
      'apps/cli/.env',
      'connectors/sql/old/secrets.key',
      'packages/store/host.log',
      'apps/data/control.db',
      'node_modules/pg/package.json',
      'apps/cli/node_modules/pg/package.json',
      'test/e2e/host.test.ts',
      'connectors/sql/src/sql.test.ts',
    ].filter(isInImage);
    expect(kept).toEqual([]);
  });

  it('leaves nothing in the layer but what production needs', () => {
    expect(containerfile).toMatch(/npm ci --omit=dev /);
    // ODBC needs its optional driver.
    expect(containerfile).not.toContain('--omit=optional');
    expect(existsSync(join(application, 'node_modules/vitest'))).toBe(false);
    expect(existsSync(join(application, 'node_modules/koffi'))).toBe(existsSync(join(root, 'node_modules/koffi')));
  });

  it('starts there, answers its own health check, and ends with 0 at SIGTERM', async () => {
    const file = join(folder, 'people.sqlite');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE people(id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE)');
    database.close();
    const configuration = join(folder, 'landbridge.yaml');
    writeFileSync(
      configuration,
      `version: 1
connectors:
  hr:
    package: sql
    parameters:
      dialect: sqlite
      file: ${file}
      objectTypes: { person: { table: people, anchor: [id], anchorAssigned: true } }
    objectTypes:
      person: { resourceType: User, mapping: { userName: login } }
`,
    );
    // The Node.js of the path, as in the image; the time-out is the test's own.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, NODE_ENV: 'production', LANDBRIDGE_LOG: 'stdout' };
    const host: ChildProcess = spawn(
      join(application, 'bin/landbridge'),
      ['up', '--json', '--data', join(folder, 'data'), '--config', configuration, '--port', '0'],
      { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const exited = once(host, 'exit');
    try {
      const url = await listening(host);
      const port = new URL(url).port;
      const check = JSON.parse(containerfile.match(/^ {2}CMD (\[.*\])$/m)?.[1] ?? '[]') as string[];
      const run = (at: string) =>
        spawnSync(
          check[0] ?? '',
          check.slice(1).map((one) => one.replace(':8443/', `:${at}/`)),
          { env },
        ).status;
      expect(check.join(' ')).toContain(':8443/health/ready');
      expect(run(port)).toBe(0);
      host.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      expect(run(port)).toBe(1);
    } finally {
      host.kill('SIGKILL');
    }
  }, 120_000);
});

/** The address that the host says it has. */
async function listening(host: ChildProcess): Promise<string> {
  let said = '';
  let errors = '';
  host.stderr?.on('data', (chunk) => {
    errors += String(chunk);
  });
  return new Promise((resolve, reject) => {
    host.once('exit', (code) => reject(new Error(`the host ended with ${code}: ${errors}${said}`)));
    host.stdout?.on('data', (chunk) => {
      said += String(chunk);
      const url = said.match(/^\{"url":"(https:[^"]+)","caFile"/m)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
