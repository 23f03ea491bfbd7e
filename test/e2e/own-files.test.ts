import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../fixtures/certificates.ts';
import { type Ended, landbridge, runLandbridge } from '../fixtures/run-landbridge.ts';

/** Files that a host is given or has, and that are not what they should be: each is named, with what to do. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-own-files-'));
const path = (name: string): string => join(folder, name);
const run = (...values: readonly string[]): Promise<Ended> => runLandbridge(values, { direct: true });
const DAY = 86_400_000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function connector(parameters: string): string {
  return `version: 1\nconnectors:\n  hr:\n    package: sql\n    parameters: { dialect: sqlite, ${parameters} }\n    objectTypes: { person: { resourceType: User } }\n`;
}

/** Starts a host, lets work be done while it is up, and stops it; returns what it complained of. */
async function whileUp(name: string, configuration: string, work: (data: string) => Promise<void>): Promise<string> {
  writeFileSync(path(`${name}.yaml`), configuration);
  const host = spawn(landbridge, ['up', '--data', path(name), '--config', path(`${name}.yaml`), '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  host.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => host.once('exit', () => resolve()));
  await Promise.race([new Promise<void>((resolve) => host.stdout.once('data', () => resolve())), ended]);
  try {
    await work(path(name));
  } finally {
    host.kill('SIGTERM');
    await ended;
  }
  return complaint;
}

describe('an own certificate', () => {
  const tls = async (name: string, validity?: { readonly notBefore: Date; readonly notAfter: Date }): Promise<string> => {
    const { certificate, key } = await (await createTestAuthority('Somebody')).issue('scim.example.com', [], validity);
    writeFileSync(path(`${name}.crt`), certificate);
    writeFileSync(path(`${name}.key`), key);
    return `version: 1\nserver: { tls: { certificate: ${path(`${name}.crt`)}, key: ${path(`${name}.key`)} } }\nconnectors: {}\n`;
  };

  it('of another name and authority: the command line of this machine knows its host, and no other program that answers there', async () => {
    const complaint = await whileUp(
      'own',
      await tls('own', { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + 60 * DAY) }),
      async (data) => {
        expect(await run('doctor', '--data', data, '--json')).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('the certificate ends in 59 days') as string,
        });
        const file = join(data, 'host.json');
        const known = readFileSync(file, 'utf8');
        writeFileSync(file, known.replace(/"fingerprint":"../, '"fingerprint":"!!'));
        expect((await run('status', '--data', data)).stderr).toContain('another program than the host answers there');
        writeFileSync(file, known);
      },
    );
    expect(complaint).toBe('');
  });

  it('that has ended: the host warns when it starts, in its log and in the doctor, and can be administered', async () => {
    const ended = { notBefore: new Date(Date.now() - 3 * DAY), notAfter: new Date(Date.now() - 2 * DAY) };
    const complaint = await whileUp('late', await tls('late', ended), async (data) => {
      const { stdout } = await run('doctor', '--data', data, '--json');
      expect(stdout).toContain('the certificate ended 2 days ago: clients refuse the connection');
      expect(readFileSync(join(data, 'host.log'), 'utf8')).toContain('the certificate of server.tls ended on');
    });
    expect(complaint).toMatch(/warning: the certificate of server\.tls ended on \d{4}-\d\d-\d\d: clients refuse the connection; put a new one into the files/);
  });
});

describe('a configuration', () => {
  it.each([
    ['in UTF-16', Buffer.from('\ufeffversion: 1\n', 'utf16le'), /wrong\.yaml is written in UTF-16; save it as UTF-8/],
    ['in Latin-1', Buffer.from('version: 1\n# Gr\u00fc\u00dfe\nconnectors: {}\n', 'latin1'), /wrong\.yaml:2 is not written in UTF-8 \(perhaps in Latin-1/],
    ['that is no text', Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), /wrong\.yaml is no text, or not written in UTF-8; save it/],
  ])('%s is refused with the reason, by every command', async (_what, bytes, message) => {
    writeFileSync(path('wrong.yaml'), bytes);
    for (const command of [['validate'], ['doctor', '--config'], ['connector', 'test', 'hr', '--config'], ['up', '--data', path('never'), '--config']]) {
      const { status, stderr } = await run(...command, path('wrong.yaml'));
      expect(stderr, command.join(' ')).toMatch(message);
      expect(status).toBe(command[0] === 'up' ? 1 : 2);
    }
  });

  it.each([
    ["file: '${foo:x}'", /hr\.parameters\.file: there are no references of the kind "foo"; write \$\{secret:NAME\}/],
    ["password: '${ENV:X}'", /hr\.parameters\.password: there are no references of the kind "ENV"/],
    ["url: 'sqlite://u:${env:}@h'", /hr\.parameters\.url: the reference names nothing; write \$\{env:NAME\}/],
    ["password: '${file: }'", /hr\.parameters\.password: the reference names nothing; write \$\{file:PATH\}/],
  ])('with %s: what looks like a reference and is none is not taken as it stands', async (parameters, message) => {
    writeFileSync(path('reference.yaml'), connector(parameters));
    const { status, stdout } = await run('validate', path('reference.yaml'));
    expect(stdout).toMatch(message);
    expect(status).toBe(1);
  });

  it('takes scripts as they stand', async () => {
    writeFileSync(path('script.yaml'), connector("file: a, script: 'echo ${foo:-bar} $${env:} ${global:x} more'"));
    expect((await run('validate', path('script.yaml'))).stdout).not.toMatch(/reference/);
  });

  it('with a secret in a file that is a folder names it', async () => {
    mkdirSync(path('secrets'), { recursive: true });
    writeFileSync(path('folder.yaml'), connector("file: '${file:secrets}'"));
    const { stderr, status } = await run('connector', 'test', 'hr', '--config', path('folder.yaml'));
    expect(stderr).toContain(`the file ${path('secrets')} cannot be read: it is a folder; name a file`);
    expect(status).toBe(1);
  });

  it('of tens of thousands of connectors is read, and a name that stands twice among them is found', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `  c${index}: { package: sql, parameters: {}, objectTypes: { p: { resourceType: User } } }`);
    writeFileSync(path('many.yaml'), `version: 1\nconnectors:\n${[...names, names[7]].join('\n')}\n`);
    const { stdout, status } = await run('validate', path('many.yaml'));
    expect(stdout).toContain('many.yaml:20003:3 this is not YAML: this name stands twice');
    expect(status).toBe(1);
  });

  it('with an address that this machine does not have says so', async () => {
    writeFileSync(path('address.yaml'), 'version: 1\nserver: { host: 203.0.113.1 }\nconnectors: {}\n');
    const { stderr, status } = await run('up', '--data', path('address'), '--config', path('address.yaml'));
    expect(stderr).toContain('this machine has no address 203.0.113.1; correct server.host');
    expect(status).toBe(1);
  });
});

describe('the store of a host', () => {
  const start = (name: string): Promise<Ended> => run('up', '--data', path(name), '--port', '0');

  it('that a newer version wrote is left alone', async () => {
    mkdirSync(path('newer'));
    const file = join(path('newer'), 'control.db');
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version=99');
    database.close();
    const { stderr, status } = await start('newer');
    expect(stderr).toContain(`the store file ${file} was written by a newer Landbridge (version 99, this one knows 1); start that version instead`);
    expect(status).toBe(1);
  });

  it('that is no database is named', async () => {
    mkdirSync(path('trash'));
    const file = join(path('trash'), 'control.db');
    writeFileSync(file, 'not a database, and long enough to be taken for one'.repeat(30));
    const { stderr, status } = await start('trash');
    expect(stderr).toContain(`the store file ${file}: it is no SQLite database, or damaged; restore it from a backup`);
    expect(status).toBe(1);
  });
});
