import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Command, CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, runLandbridge } from '../../../../test/fixtures/run-landbridge.ts';
import { createProgram } from './program.ts';

/** Every command of the table: its help has an example that is a command, its mistakes end with a sentence. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-cli-'));
const main = join(import.meta.dirname, '../main.ts');

const landbridge = (...values: readonly string[]): Promise<Ended> => runLandbridge(values, { cwd: folder, direct: true });

/** Runs the command table in this process, up to the point where a command would begin to work. */
async function parse(values: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const program = createProgram();
  const take = (part: string): void => {
    text += part;
  };
  for (const command of walk(program)) command.configureOutput({ writeOut: take, writeErr: take });
  try {
    await program.parseAsync([...values], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { code: error.exitCode, text };
  }
  return { code: 0, text };
}

function walk(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(walk)];
}

function pathOf(command: Command): readonly string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

/** Commands that do something: leaves, and `run`, which does something itself. */
const working = walk(createProgram()).filter((command) => command.parent !== null && (command.commands.length === 0 || command.registeredArguments.length > 0));
const paths = working.map((command) => pathOf(command).join(' '));

describe('the command table', () => {
  it('has the commands of the operator', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        ...['up', 'status', 'doctor', 'validate', 'apply', 'diff', 'export', 'run', 'run approve', 'run reject', 'run cancel', 'runs'],
        ...['connector list', 'connector show', 'connector test', 'connector schema', 'connector space', 'journal list', 'journal settle'],
        ...['token create', 'token list', 'token revoke'],
      ]),
    );
  });

  it.each(paths)('%s: --help says what it does, has --json, and an example that the table accepts', async (path) => {
    const { code, text } = await parse([...path.split(' '), '--help']);
    expect(code).toBe(0);
    expect(text).toContain('--json');
    const examples = [...text.matchAll(/^ {2}\$ landbridge (.+)$/gm)].map((match) => match[1] ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const words = example.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
      expect(words.slice(0, path.split(' ').length).join(' '), example).toBe(path === 'run' && words[1] === 'approve' ? 'run' : path);
      // An example with a flag that does not exist would end with an error instead of the help.
      expect(await parse([...words, '--help']), example).toMatchObject({ code: 0 });
      const unknown = words.filter((word) => word.startsWith('--')).find((word) => !text.includes(word) && word !== '--');
      expect(unknown, example).toBeUndefined();
    }
  });

  it.each(paths)('%s: a flag that does not exist ends with a sentence and what was meant', async (path) => {
    // Commander asks for options that must be there before it looks at those that must not.
    const mandatory = working[paths.indexOf(path)]?.options.filter((option) => option.mandatory).flatMap((option) => [option.long ?? '', 'x']) ?? [];
    const { code, text } = await parse([...path.split(' '), ...mandatory, '--jsno']);
    expect(code).not.toBe(0);
    expect(text).toMatch(/error: unknown option '--jsno'/);
    expect(text).toContain('(Did you mean --json?)');
    expect(text).toContain('--help');
  });

  it('options have descriptions', () => {
    const bare = working.flatMap((command) =>
      command.options.filter((option) => option.description === '').map((option) => `${command.name()} ${option.flags}`),
    );
    expect(bare).toEqual([]);
  });
});

describe('the command line', () => {
  beforeAll(() => {
    const database = new DatabaseSync(join(folder, 'app.sqlite'));
    database.exec(
      `CREATE TABLE people(id INTEGER PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, title text); INSERT INTO people(login) VALUES ('ada'), ('alan')`,
    );
    database.close();
    const configuration = (mode: string): string => `version: 1
connectors:
  app:
    package: sql
    mode: ${mode}
    parameters: { dialect: sqlite, file: ./app.sqlite, objectTypes: { person: { table: people, anchor: [id] } } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;
    writeFileSync(join(folder, 'live.yaml'), configuration('live'));
    writeFileSync(join(folder, 'observe.yaml'), configuration('observe'));
    writeFileSync(join(folder, 'secret.yaml'), configuration('live').replace('dialect: sqlite,', "dialect: sqlite, user: '${env:NOT_THERE}',"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    [['conector', 'list'], 2, /unknown command 'conector'\n\(Did you mean connector\?\)/],
    [['connector', 'lst'], 2, /unknown command 'lst'\n\(Did you mean list\?\)/],
    [['apply'], 2, /missing required argument 'file'/],
    [['runs', 'hr', '--limit', 'many'], 2, /argument 'many' is invalid\. Write a whole number from 1 to 1000\./],
    [['token', 'create', 'hr', '--days', 'x'], 2, /argument 'x' is invalid\. Write a whole number from 1 to 3650\./],
    [['up', '--port', '99999'], 2, /Write a whole number from 0 to 65535\./],
    [['status', '--data', 'nowhere'], 3, /error: no host runs on .*nowhere\ntry: {3}landbridge up/],
    [['validate', tmpdir()], 2, /is a folder; name a file/],
    [['status', '--data', '/dev/null'], 1, /a part of \/dev\/null\/host\.json is a file, not a folder/],
    [['connector', 'test', 'app', '--config', 'nowhere.yaml'], 2, /the file nowhere\.yaml does not exist/],
  ])('%j ends with %i and says why', async (values, code, message) => {
    const ran = await landbridge(...values);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toMatch(/\n\s+at /);
    expect(ran.status).toBe(code);
  });

  it('who stops reading what a command writes does not end it: landbridge … | head', async () => {
    const child = spawn(process.execPath, [main, 'validate', join(folder, 'live.yaml')], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
  });

  it('validate looks at the parameters of a database, and leaves alone what stands elsewhere', async () => {
    const file = join(folder, 'parameters.yaml');
    const document = (parameters: string): string => `version: 1
connectors:
  app:
    package: sql
    parameters:
      ${parameters}
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;
    writeFileSync(file, document('{ dialect: sqlte, file: ./app.sqlite, objectTypes: { person: { table: people, anchor: [id], multivalued: {} } } }'));
    const wrong = await landbridge('validate', file);
    expect(wrong.status).toBe(1);
    expect(wrong.stdout).toMatch(/parameters\.yaml:6:18 connectors\.app\.parameters\.dialect: write one of sqlite, postgres/);
    writeFileSync(file, document(`{ dialect: postgres, host: db, port: '\${env:NOT_THERE}', objectTypes: { person: { table: people, anchor: [id] } } }`));
    expect(await landbridge('validate', file)).toMatchObject({ status: 0, stdout: expect.stringContaining('is valid') as string });
  });

  it('with --json an error is JSON too', async () => {
    const ran = await landbridge('status', '--data', 'nowhere', '--json');
    expect(JSON.parse(ran.stderr)).toMatchObject({ error: { message: expect.stringContaining('no host runs on') as string }, exitCode: 3 });
    expect(ran).toMatchObject({ status: 3, stdout: '' });
    for (const [values, said] of [
      [['backup'], "missing required argument 'folder'"],
      [['frobnicate'], "unknown command 'frobnicate'"],
      [['token', 'create', 'hr', '--days', '0'], 'Write a whole number from 1 to 3650.'],
    ] as const) {
      const wrong = await landbridge(...values, '--json');
      expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { message: expect.stringContaining(said) as string }, exitCode: 2 });
      expect(wrong).toMatchObject({ status: 2, stdout: '' });
    }
  });

  it('doctor without a host says what one would need, and which secret is missing', async () => {
    const { status: code, stdout: out } = await landbridge('doctor', '--data', 'nowhere', '--config', 'secret.yaml', '--json');
    const checks = JSON.parse(out) as readonly { readonly check: string; readonly status: string; readonly message: string }[];
    expect(checks.map((one) => `${one.check}: ${one.status}`)).toEqual([
      'host: failed',
      'node: passed',
      expect.stringMatching(/^data folder: (passed|warning)$/),
      'configuration: passed',
      'secrets of app: failed',
    ]);
    expect(checks.at(-1)?.message).toBe('the environment variable NOT_THERE is not set');
    expect(code).toBe(1);
  });

  it('connector test --contract: refused on a live connector without --yes, and always where only observing is allowed', async () => {
    const live = await landbridge('connector', 'test', 'app', '--config', 'live.yaml', '--contract');
    expect(live).toMatchObject({ status: 4, stderr: expect.stringContaining('is live: the contract kit would add, change and delete entries') as string });
    const observe = await landbridge('connector', 'test', 'app', '--config', 'observe.yaml', '--contract', '--yes');
    expect(observe).toMatchObject({ status: 4, stderr: expect.stringContaining('is in mode observe') as string });
  });

  it('connector test --contract --yes runs the whole kit, and leaves nothing of its own behind', async () => {
    const ran = await landbridge('connector', 'test', 'app', '--config', 'live.yaml', '--contract', '--yes', '--json');
    expect(ran.stderr).toBe('');
    const { passed, removed, results } = JSON.parse(ran.stdout) as {
      readonly passed: boolean;
      readonly removed: number;
      readonly results: readonly { readonly id: string; readonly status: string; readonly message?: string }[];
    };
    expect(results.filter((one) => one.status === 'failed')).toEqual([]);
    expect(passed).toBe(true);
    expect(results.filter((one) => one.status === 'passed').length).toBeGreaterThan(20);
    expect(removed).toBeGreaterThan(5);
    const database = new DatabaseSync(join(folder, 'app.sqlite'), { readOnly: true });
    expect(database.prepare('SELECT login FROM people ORDER BY id').all()).toEqual([{ login: 'ada' }, { login: 'alan' }]);
    database.close();
    expect(ran.status).toBe(0);
  });

  it('connector test --contract: wrong choices are named', async () => {
    const run = (...values: readonly string[]): Promise<Ended> =>
      landbridge('connector', 'test', 'app', '--config', 'live.yaml', '--contract', '--yes', ...values);
    expect(await run('--type', 'robot')).toMatchObject({ status: 2, stderr: expect.stringContaining('there are person') as string });
    expect(await run('--attribute', 'login')).toMatchObject({ status: 2, stderr: expect.stringContaining('there are title') as string });
    expect(await run('--only', 'nonsense')).toMatchObject({ status: 1, stderr: expect.stringContaining('there is no check "nonsense"') as string });
  });
});
