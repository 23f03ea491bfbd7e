import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScimClient, type ScimClient } from '../../apps/cli/src/tour/tour.ts';
import { postgresPrograms } from '../../tools/backends.ts';
import { type PrivatePostgres, startPostgres } from '../backends/postgres.ts';
import { type Ended, landbridge, runLandbridge } from '../fixtures/run-landbridge.ts';

/**
 * Bad input, as users meet it: the real command line and real HTTP against a real host process and a real PostgreSQL. Each
 * row says what is wrong and holds the message and the exit code, or the SCIM status, that it must give. Nothing that is
 * printed may hold a secret or a stack trace.
 */
const PASSWORD = 'not-the-password-8f2c';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ROWS = 4000;
const folder = mkdtempSync(join(tmpdir(), 'landbridge-bad-input-'));
const data = join(folder, 'data');
const misbehaving = join(import.meta.dirname, '../fixtures/misbehaving-connector.ts');
let postgres: PrivatePostgres;
let cutter: Cutter;
let host: ChildProcess;
let url: string;
let caFile: string;

async function cli(...values: readonly string[]): Promise<Ended> {
  const ended = await runLandbridge(values, { env: environment() });
  expectClean(`${ended.stdout}${ended.stderr}`);
  return ended;
}

const onHost = (...values: readonly string[]): Promise<Ended> => cli(...values, '--data', data);
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, NO_COLOR: '1', DATABASE_PASSWORD: postgres.password, WRONG_PASSWORD: PASSWORD });

/** No secret, no stack trace. */
function expectClean(text: string): void {
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toContain(postgres.password);
  expect(text).not.toMatch(/\n\s+at .*[:(]\d+|node:internal|\[object Object\]/);
}

function configure(connectors: Readonly<Record<string, string>>): string {
  return `version: 1\nconnectors:\n${Object.entries(connectors)
    .map(([name, text]) => `  ${name}:\n${text.trimEnd().replace(/^/gm, '    ')}\n`)
    .join('')}`;
}

function sql(
  options: { readonly port?: number; readonly password?: string; readonly table?: string; readonly parameters?: string; readonly mapping?: string } = {},
): string {
  return `package: sql
parameters:
  dialect: postgres
  host: 127.0.0.1
  port: ${options.port ?? postgres.port}
  database: ${postgres.database}
  user: ${postgres.user}
  password: \${env:${options.password ?? 'DATABASE_PASSWORD'}}
  objectTypes: { person: { table: ${options.table ?? 'people'}, anchor: [id]${options.parameters ?? ''} } }
objectTypes:
  person: { resourceType: User, mapping: { userName: login, title: ${options.mapping ?? 'title'} } }`;
}

function scripted(behaviour: string): string {
  return `package: ${misbehaving}
parameters: { behaviour: ${behaviour} }
limits: { call: 400ms, deadline: 20s }
objectTypes:
  person: { resourceType: User, mapping: { userName: login } }`;
}

/** A wire to PostgreSQL that can be cut in the middle: after so many bytes from the server. */
interface Cutter {
  readonly port: number;
  cutAfter(bytes: number): void;
  close(): Promise<void>;
}

async function startCutter(target: number): Promise<Cutter> {
  let left = Number.POSITIVE_INFINITY;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      left -= chunk.length;
      if (left > 0) return void client.write(chunk);
      left = Number.POSITIVE_INFINITY;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutAfter(bytes) {
      left = bytes;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port that nobody listens on: one that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function scimOf(connector: string, profile = 'lenient'): Promise<ScimClient> {
  const { stdout } = await onHost('token', 'create', connector, '--profile', profile, '--json');
  return createScimClient(`${url}/scim/${connector}`, (JSON.parse(stdout) as { readonly token: string }).token, caFile);
}

describe.skipIf(postgresPrograms() === undefined)('bad input and its message', () => {
  beforeAll(async () => {
    postgres = await startPostgres();
    postgres.psql(`CREATE TABLE people(id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, title text, age integer);
      CREATE TABLE letters(id uuid PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, title text);
      INSERT INTO people(login, title, age) SELECT 'login' || n, repeat('x', 200), n FROM generate_series(1, ${ROWS}) n;`);
    cutter = await startCutter(postgres.port);
    const port = await closedPort();
    writeFileSync(
      join(folder, 'landbridge.yaml'),
      configure({
        good: sql(),
        cut: sql({ port: cutter.port }),
        down: sql({ port }),
        wrong: sql({ password: 'WRONG_PASSWORD' }),
        missing: sql({ table: 'peple' }),
        column: sql({ mapping: 'tittle' }),
        columns: sql({ mapping: 'tittle, displayName: naem, nickName: login, hobbies: age' }),
        hangs: scripted('hangs'),
        throws: scripted('throws-a-string'),
        exits: scripted('exits'),
      }),
    );
    host = spawn(landbridge, ['up', '--data', data, '--config', join(folder, 'landbridge.yaml'), '--port', '0', '--json'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const first = await new Promise<string>((resolve) => host.stdout?.once('data', (chunk) => resolve(String(chunk))));
    ({ url, caFile } = JSON.parse(first) as { readonly url: string; readonly caFile: string });
  });

  afterAll(async () => {
    const ended = new Promise<void>((resolve) => host.once('exit', () => resolve()));
    host.kill('SIGTERM');
    await ended;
    await cutter.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A command, its exit code, and what it must say. */
  interface Row {
    readonly wrong: string;
    readonly command: readonly string[];
    readonly exit: number;
    readonly says: readonly (string | RegExp)[];
  }

  const configuration = join(folder, 'landbridge.yaml');
  const rows: readonly Row[] = [
    {
      wrong: 'unreachable database',
      command: ['run', 'down', 'full'],
      exit: 1,
      says: [/"down" is not available: 127\.0\.0\.1:\d+: ECONNREFUSED: nothing listens there; check "host" and "port"/, 'connector test down --config'],
    },
    {
      wrong: 'unreachable database, layer by layer',
      command: ['connector', 'test', 'down', '--config', configuration],
      exit: 1,
      says: [/✗ tcp +127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); is the database running there/],
    },
    {
      wrong: 'wrong password',
      command: ['run', 'wrong', 'full'],
      exit: 1,
      says: ['password authentication failed for user "landbridge": check the parameters "user" and "password"'],
    },
    {
      wrong: 'wrong password, layer by layer',
      command: ['connector', 'test', 'wrong', '--config', configuration],
      exit: 1,
      says: [/✓ tcp/, /✗ authentication +127\.0\.0\.1:\d+: password authentication failed/],
    },
    {
      wrong: 'missing table',
      command: ['connector', 'test', 'missing'],
      exit: 1,
      says: ['objectTypes.person.table: there is no table or view "peple" that this account may see'],
    },
    {
      wrong: 'missing table, layer by layer',
      command: ['connector', 'test', 'missing', '--config', configuration],
      exit: 1,
      says: [/✓ authentication/, /✗ permissions +objectTypes\.person\.table: there is no table or view "peple"/],
    },
    {
      wrong: 'unknown attribute in the mapping, layer by layer',
      command: ['connector', 'test', 'column', '--config', configuration],
      exit: 1,
      says: [/✓ schema/, /✗ mapping +mapping "title" of object type "person": the application has no attribute "tittle"; it has id, login, title, age/],
    },
    {
      wrong: 'several wrong mappings, all named at once',
      command: ['connector', 'test', 'columns', '--config', configuration],
      exit: 1,
      says: ['the application has no attribute "tittle"', 'the application has no attribute "naem"', 'mapping "hobbies" of object type "person"'],
    },
    {
      wrong: 'several wrong mappings, all named at once, on the host',
      command: ['connector', 'test', 'columns'],
      exit: 1,
      says: ['the application has no attribute "tittle"', 'the application has no attribute "naem"', 'mapping "hobbies" of object type "person"'],
    },
    {
      wrong: 'unknown attribute in the mapping',
      command: ['run', 'column', 'full'],
      exit: 1,
      says: ['mapping "title" of object type "person": the application has no attribute "tittle"; it has id, login, title, age'],
    },
    { wrong: 'unknown connector', command: ['run', 'nope', 'full'], exit: 4, says: ['there is no connector "nope"', 'there are good, cut, down'] },
    {
      wrong: 'unknown run profile',
      command: ['run', 'good', 'fuller'],
      exit: 4,
      says: ['the connector "good" has no run profile "fuller"; it has full, delta'],
    },
  ];

  it.each(rows)('$wrong: $command.0 $command.1 ends with $exit and says what and where', async ({ command, exit, says }) => {
    const { status, stdout, stderr } = await onHost(...command);
    for (const expected of says) expect(stdout + stderr).toMatch(expected);
    expect(status).toBe(exit);
  });

  it('every connector that cannot be opened is listed with its reason, and the host is up for the others', async () => {
    const { status, stdout } = await onHost('connector', 'list', '--json');
    const states = (JSON.parse(stdout) as readonly { readonly name: string; readonly state: string }[]).map((one) => `${one.name}: ${one.state}`);
    expect(status).toBe(0);
    expect(states.filter((one) => one.endsWith('failed'))).toEqual(['down: failed', 'wrong: failed', 'missing: failed', 'column: failed', 'columns: failed']);
  });

  it.each([
    ['malformed YAML', 'version: 1\nconnectors:\n  hr: [\n', /bad\.yaml:4:1 this is not YAML: /],
    ['a name twice', 'version: 1\nversion: 1\n', /bad\.yaml:2:1 this is not YAML: this name stands twice in the same place .*; remove one/],
    ['two documents', 'version: 1\n---\nversion: 1\n', /bad\.yaml:2:1 this is not YAML: there is more than one document; keep one/],
    [
      'an unknown option',
      'version: 1\nconnectors: {}\nserver:\n  prot: 8443\n',
      /bad\.yaml:4:9 server\.prot: there is no option "prot"; did you mean "port"\?/,
    ],
    [
      'a connector without object types',
      'version: 1\nconnectors:\n  hr:\n    package: ecma2\n    parameters: {}\n    objectTypes: {}\n',
      /bad\.yaml:6:18 connectors\.hr\.objectTypes: name at least one object type and the resource it becomes, such as person: /,
    ],
    ['a value of the wrong type', 'version: 1\nconnectors: {}\nserver: { port: many }\n', /bad\.yaml:3:17 server\.port: write a whole number/],
    [
      'a password in the file',
      `version: 1\nconnectors:\n  a:\n    package: sql\n    parameters: { password: ${PASSWORD} }\n    objectTypes: { p: { resourceType: User } }\n`,
      /bad\.yaml:5:29 connectors\.a\.parameters\.password: a secret must not stand in the configuration/,
    ],
  ])('%s: validate, diff, apply and up name file, line and column', async (_name, text, message) => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, text);
    const offline = await cli('validate', file);
    expect(offline.stdout).toMatch(message);
    expect(offline.status).toBe(1);
    for (const command of ['diff', 'apply']) {
      const { status, stderr } = await onHost(command, file);
      expect(stderr, command).toMatch(message);
      expect(status).toBe(4);
    }
    const up = await cli('up', '--data', join(folder, 'other'), '--config', file);
    expect(up.stderr).toMatch(message);
    expect(up.status).toBe(1);
  });

  it('a secret that is not set, and files that are not there, are named', async () => {
    const file = join(folder, 'unset.yaml');
    writeFileSync(file, configure({ unset: sql({ password: 'NOT_SET_ANYWHERE' }) }));
    const unset = await cli('connector', 'test', 'unset', '--config', file);
    expect(unset).toMatchObject({ status: 1, stdout: '' });
    expect(unset.stderr).toContain('the environment variable NOT_SET_ANYWHERE is not set');
    for (const command of [['validate'], ['connector', 'test', 'x', '--config']])
      expect(await cli(...command, join(folder, 'nowhere.yaml'))).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('nowhere.yaml does not exist') as string,
      });
  });

  it('apply goes through with a connector that cannot be opened, and warns', async () => {
    const file = join(folder, 'more.yaml');
    writeFileSync(file, readFileSync(configuration, 'utf8') + configure({ late: sql({ table: 'nothing_yet' }) }).replace(/^version.*\n.*\n/, ''));
    const { status, stdout } = await onHost('apply', file);
    expect(status).toBe(0);
    expect(stdout).toContain('warning: the connector "late" cannot be opened: objectTypes.person.table: there is no table or view "nothing_yet"');
    await onHost('apply', configuration);
  });

  it('R23 a connection dropped in the middle of an import: the run fails with what to do, the next one works', async () => {
    cutter.cutAfter(300_000);
    const broken = await onHost('run', 'cut', 'full');
    expect(broken.status).toBe(1);
    expect(broken.stdout).toMatch(/run \d+: failed/);
    expect(broken.stdout).toContain('the connection to the server broke');
    expect(broken.stdout).toContain('nothing was removed; run it again: landbridge run cut full');
    const next = await onHost('run', 'cut', 'full');
    expect(next.stdout).toMatch(new RegExp(`success .*: ${ROWS} added|success .* unchanged`));
    expect(next.status).toBe(0);
    expect((JSON.parse((await onHost('connector', 'space', 'cut', 'person', '--limit', '1', '--json')).stdout) as { readonly total: number }).total).toBe(ROWS);
  });

  it('wrong token: 401, a SCIM error, and WWW-Authenticate', async () => {
    const scim = createScimClient(`${url}/scim/good`, 'lb_nobody_nothing', caFile);
    expect(await scim.send('GET', '/Users')).toMatchObject({ status: 401, body: { status: '401', detail: 'A valid bearer token is needed.' } });
    await scim.close();
  });

  it('S-032 R15 R19 values that the database refuses: 409 for a duplicate key, 400 for the wrong type, with a reason', async () => {
    const scim = await scimOf('good', 'strict');
    expect((await onHost('run', 'good', 'full')).status).toBe(0);
    postgres.psql("INSERT INTO people(login) VALUES ('sneaky')");
    const extension = 'urn:ietf:params:scim:schemas:extension:landbridge:good:2.0:User';
    const person = (userName: string, more: object = {}) => ({ schemas: [USER, extension], userName, ...more });
    const answers: readonly (readonly [body: object, status: number, scimType: string, detail: string | RegExp])[] = [
      [person('login7'), 409, 'uniqueness', '"userName" is taken by another resource'],
      [person('sneaky'), 409, 'uniqueness', 'the value of "login" is in use already'],
      [person('x'.repeat(50)), 400, 'invalidValue', 'value too long for type character varying(40)'],
      [person('a', { [extension]: { age: 'old' } }), 400, 'invalidValue', /User:age" is a whole number/],
      [person('b', { [extension]: { age: 99_999_999_999 } }), 400, 'invalidValue', 'out of range for type integer'],
      [person('c', { shoeSize: 43 }), 400, 'invalidSyntax', /"shoeSize"/],
      [person('d', { [extension]: { shoeSize: 43 } }), 400, 'invalidSyntax', /shoeSize"/],
    ];
    for (const [body, status, scimType, detail] of answers) {
      const answer = await scim.send('POST', '/Users', body);
      expectClean(JSON.stringify(answer.body));
      expect(answer, JSON.stringify(body)).toMatchObject({
        status,
        body: { scimType, detail: (typeof detail === 'string' ? expect.stringContaining(detail) : expect.stringMatching(detail)) as string },
      });
    }
    expect(await scim.send('GET', `/Users?filter=${encodeURIComponent('shoeSize eq 43')}`)).toMatchObject({ status: 400, body: { scimType: 'invalidFilter' } });
    expect(postgres.psql("SELECT count(*) FROM people WHERE login IN ('a', 'b', 'c', 'd')").trim()).toBe('0');
    await scim.close();
  });

  it.each(['hangs', 'throws', 'exits'])('R13 R14 a connector that %s: the client is answered, nothing stays in doubt', async (name) => {
    const scim = await scimOf(name);
    expect((await scim.send('POST', '/Users', { schemas: [USER], userName: 'u1' })).status).toBe(201);
    expect((await scim.send('POST', '/Users', { schemas: [USER], userName: 'u1' })).status).toBe(409);
    expect((await onHost('journal', 'list', name, '--state', 'in-doubt', '--json')).stdout.trim()).toBe('[]');
    await scim.close();
  });

  it('a connector that is not available: 503 and Retry-After for clients, with no detail of the network', async () => {
    const scim = await scimOf('down');
    const { status, body } = await scim.send('GET', '/Users');
    expect(status).toBe(503);
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);
    await scim.close();
  });

  it('a host whose connectors cannot be opened still ends when it is told to', async () => {
    writeFileSync(join(folder, 'column.yaml'), configure({ column: sql({ mapping: 'tittle' }) }));
    const other = spawn(landbridge, ['up', '--data', join(folder, 'column'), '--config', join(folder, 'column.yaml'), '--port', '0', '--json'], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => other.once('exit', (code) => resolve(code)));
    await new Promise<void>((resolve) => other.stdout.once('data', () => resolve()));
    other.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('the log of the host holds no secret', () => {
    const log = readFileSync(join(data, 'host.log'), 'utf8');
    expect(log).toContain('a connector cannot be opened');
    expect(log).not.toContain(PASSWORD);
    expect(log).not.toContain(postgres.password);
  });
});
