import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type AdminClient, CommandError, connectHost, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table, when } from '../output.ts';
import { showTest, type TestLine } from '../show-test.ts';
import { testOffline } from './connector-test.ts';
import { showRun } from './run-progress.ts';
import { type UpOptions, up } from './up.ts';

type Json = Readonly<Record<string, unknown>>;

/** A command on the running host: connects, works, closes. */
function onHost<Arguments extends readonly unknown[]>(
  work: (host: AdminClient, options: CommonOptions & Json, ...values: Arguments) => Promise<void>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const options = command.optsWithGlobals() as CommonOptions & Json;
    const host = connectHost(options.data);
    try {
      await work(host, options, ...(all.slice(0, -2) as unknown as Arguments));
    } finally {
      await host.close();
    }
  };
}

function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`);
}

function common(command: Command): Command {
  return command.option('--data <folder>', 'data folder of the host (default: LANDBRIDGE_DATA or .landbridge)').option('--json', 'print JSON');
}

function readText(file: string): string {
  if (!existsSync(file)) throw new CommandError(exitCode.usage, `the file ${file} does not exist`);
  return readFileSync(file, 'utf8');
}

/** The whole command tree. */
export function createProgram(): Command {
  const program = new Command('landbridge')
    .description('An open connector host for identity provisioning: SCIM 2.0 in front of your applications.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(add --help for what is allowed)')
    .configureHelp({ sortSubcommands: true });
  addHost(program);
  addConfiguration(program);
  addConnectors(program);
  addRuns(program);
  addJournal(program);
  addTokens(program);
  return program;
}

function addHost(program: Command): void {
  example(
    common(program.command('up').description('Start the host'))
      .option('--config <file>', 'configuration; without it the newest revision in the data folder serves')
      .option('--port <number>', 'port to listen on')
      .action(async (_options, command: Command) => up(command.optsWithGlobals() as UpOptions)),
    'landbridge up --data ./data --config landbridge.yaml --port 8443',
  );
  example(
    common(program.command('status').description('The host and its connectors')).action(
      onHost(async (host, options) => {
        const status = await host.get<{ readonly version: string; readonly connectors: readonly ConnectorLine[] } & Json>('/status');
        print(options, status, () => `Landbridge ${status.version} at ${host.url}\n${connectorTable(status.connectors)}`);
      }),
    ),
    'landbridge status',
  );
  example(
    common(program.command('doctor').description('Check everything that makes a host fail')).action(
      onHost(async (host, options) => {
        const { checks } = await host.get<{
          readonly checks: readonly { readonly check: string; readonly status: string; readonly message: string }[];
        }>('/doctor');
        print(options, checks, () =>
          table(
            ['check', 'result', ''],
            checks.map((one) => [one.check, mark(one.status), one.message]),
          ),
        );
        if (checks.some((one) => one.status === 'failed')) process.exitCode = exitCode.failed;
      }),
    ),
    'landbridge doctor',
  );
}

function mark(status: string): string {
  return status === 'passed' ? style.good('passed') : status === 'failed' ? style.bad('failed') : style.warn(status);
}

function addConfiguration(program: Command): void {
  example(
    common(program.command('validate').description('Check a configuration file; needs no host').argument('<file>')).action(
      async (file: string, _options, command: Command) => {
        const options = command.optsWithGlobals() as CommonOptions;
        const { parseConfiguration, formatProblem } = await import('@landbridge/server');
        const { problems } = parseConfiguration(readText(file));
        print(options, { valid: problems.length === 0, problems }, () =>
          problems.length === 0 ? `${file} is valid` : problems.map((problem) => formatProblem(file, problem)).join('\n'),
        );
        if (problems.length > 0) process.exitCode = exitCode.failed;
      },
    ),
    'landbridge validate landbridge.yaml',
  );
  example(
    common(program.command('apply').description('Apply a configuration file to the running host').argument('<file>')).action(
      onHost<[string]>(async (host, options, file) => {
        const result = await host.send<{ readonly revision: number }>('PUT', '/configuration', readText(file));
        print(options, result, () => `applied as revision ${result.revision}`);
      }),
    ),
    'landbridge apply landbridge.yaml',
  );
  example(
    common(program.command('diff').description('What applying a configuration file would change').argument('<file>')).action(
      onHost<[string]>(async (host, options, file) => {
        const result = await host.send<{
          readonly problems: readonly Json[];
          readonly changes: readonly {
            readonly path: string;
            readonly kind: string;
            readonly before?: unknown;
            readonly after?: unknown;
          }[];
        }>('POST', '/configuration/diff', readText(file));
        if (result.problems.length > 0)
          throw new CommandError(
            exitCode.refused,
            result.problems
              .map((problem) => `${file}:${String(problem['line'])}:${String(problem['column'])} ${String(problem['path'])}: ${String(problem['message'])}`)
              .join('\n'),
          );
        print(options, result.changes, () =>
          result.changes.length === 0
            ? 'no differences'
            : result.changes
                .map(
                  (change) =>
                    `${change.kind === 'added' ? style.good('+') : change.kind === 'removed' ? style.bad('-') : style.warn('~')} ${change.path}${change.kind === 'changed' ? `: ${JSON.stringify(change.before)} → ${JSON.stringify(change.after)}` : ''}`,
                )
                .join('\n'),
        );
      }),
    ),
    'landbridge diff landbridge.yaml',
  );
  example(
    common(program.command('export').description('The configuration in force, as YAML').option('--out <file>', 'write it to a file')).action(
      onHost(async (host, options) => {
        const result = await host.get<{ readonly revision: number; readonly text: string }>('/configuration');
        const out = options['out'];
        if (typeof out === 'string') writeFileSync(out, result.text);
        print(options, result, () => (typeof out === 'string' ? `revision ${result.revision} written to ${out}` : result.text.trimEnd()));
      }),
    ),
    'landbridge export --out landbridge.yaml',
  );
}

interface ConnectorLine extends Json {
  readonly name: string;
  readonly state: string;
  readonly problem?: string;
  readonly entries?: Readonly<Record<string, number>>;
  readonly inDoubt?: number;
  readonly lastRun?: { readonly profile: string; readonly result: string; readonly endedAt?: number };
}

function connectorTable(connectors: readonly ConnectorLine[]): string {
  if (connectors.length === 0) return 'there are no connectors; apply a configuration';
  return table(
    ['connector', 'state', 'entries', 'in doubt', 'last run'],
    connectors.map((one) => [
      one.name,
      one.state === 'ready' ? style.good('ready') : one.state === 'failed' ? style.bad('failed') : style.warn(one.state),
      one.problem ??
        Object.entries(one.entries ?? {})
          .map(([type, count]) => `${count} ${type}`)
          .join(', '),
      one.inDoubt,
      one.lastRun === undefined ? '' : `${one.lastRun.profile}: ${one.lastRun.result} ${when(one.lastRun.endedAt)}`,
    ]),
  );
}

function addConnectors(program: Command): void {
  const connector = program.command('connector').description('Connectors: list, show, test, schema, space');
  example(
    common(connector.command('list').description('All connectors')).action(
      onHost(async (host, options) => {
        const list = await host.get<readonly ConnectorLine[]>('/connectors');
        print(options, list, connectorTable);
      }),
    ),
    'landbridge connector list',
  );
  example(
    common(connector.command('show').description('One connector').argument('<connector>')).action(
      onHost<[string]>(async (host, options, name) => {
        const shown = await host.get<
          ConnectorLine & {
            readonly objectTypes: readonly { readonly objectType: string; readonly resourceType: string; readonly endpoint: string }[];
            readonly runProfiles: readonly { readonly name: string }[];
          }
        >(`/connectors/${encodeURIComponent(name)}`);
        print(
          options,
          shown,
          () =>
            `${connectorTable([shown])}\n${table(
              ['object type', 'resource', 'URL'],
              shown.objectTypes.map((type) => [type.objectType, type.resourceType, `${host.url}/scim/${name}/${type.endpoint}`]),
            )}\nrun profiles: ${shown.runProfiles.map((one) => one.name).join(', ')}`,
        );
      }),
    ),
    'landbridge connector show hr',
  );
  example(
    common(
      connector
        .command('test')
        .description('Test a connection layer by layer; with --config it needs no host')
        .argument('<connector>')
        .option('--config <file>', 'test the connector of this file, without a host'),
    ).action(async (name: string, _options, command: Command) => {
      const options = command.optsWithGlobals() as CommonOptions & { readonly config?: string };
      if (options.config !== undefined) return testOffline(name, { ...options, config: options.config });
      const host = connectHost(options.data);
      try {
        await showTest(options, host.lines<TestLine>('POST', `/connectors/${encodeURIComponent(name)}/test`));
      } finally {
        await host.close();
      }
    }),
    'landbridge connector test hr',
    'landbridge connector test hr --config landbridge.yaml',
  );
  example(
    common(connector.command('schema').description('Object types and attributes').argument('<connector>')).action(
      onHost<[string]>(async (host, options, name) => {
        const schema = await host.get<{ readonly objectTypes: readonly { readonly name: string; readonly attributes: readonly Json[] }[] }>(
          `/connectors/${encodeURIComponent(name)}/schema`,
        );
        print(options, schema, () =>
          schema.objectTypes
            .map(
              (type) =>
                `${style.title(type.name)}\n${table(
                  ['attribute', 'type', ''],
                  type.attributes.map((attribute) => [
                    String(attribute['name']),
                    `${String(attribute['type'])}${attribute['multiValued'] === true ? '[]' : ''}`,
                    ['anchor', 'assigned', 'required', 'unique', 'direction']
                      .filter((flag) => attribute[flag] !== undefined && attribute[flag] !== false)
                      .map((flag) => (attribute[flag] === true ? flag : String(attribute[flag])))
                      .join(', '),
                  ]),
                )}`,
            )
            .join('\n'),
        );
      }),
    ),
    'landbridge connector schema hr',
  );
  example(
    common(
      connector
        .command('space')
        .description('Entries of the connector space')
        .argument('<connector>')
        .argument('<object type>')
        .option('--limit <number>', 'entries to show', '20')
        .option('--after <id>', 'go on after this entry'),
    ).action(
      onHost<[string, string]>(async (host, options, name, type) => {
        const after = options['after'] === undefined ? '' : `&after=${String(options['after'])}`;
        const page = await host.get<{ readonly total: number; readonly rows: readonly (Json & { readonly attributes: Json })[] }>(
          `/connectors/${encodeURIComponent(name)}/space/${encodeURIComponent(type)}?limit=${String(options['limit'])}${after}`,
        );
        print(
          options,
          page,
          () =>
            `${table(
              ['id', 'anchor', 'SCIM id', 'attributes'],
              page.rows.map((row) => [String(row['id']), String(row['anchor'] ?? '(pending)'), String(row['scimId']), JSON.stringify(row.attributes)]),
            )}\n${page.rows.length} of ${page.total}`,
        );
      }),
    ),
    'landbridge connector space hr person --limit 5',
  );
}

function addRuns(program: Command): void {
  const run = program
    .command('run')
    .description('Run a profile of a connector, or decide held removals')
    .argument('[connector]')
    .argument('[profile]')
    .option('--data <folder>', 'data folder of the host')
    .option('--json', 'print JSON')
    .option('--no-wait', 'do not wait for the end');
  example(run, 'landbridge run hr full', 'landbridge run approve hr 12').action(
    async (connector: string | undefined, profile: string | undefined, _options, command: Command) => {
      if (connector === undefined || profile === undefined)
        throw new CommandError(exitCode.usage, 'name the connector and the run profile', 'landbridge run hr full');
      const options = command.optsWithGlobals() as CommonOptions & { readonly wait?: boolean };
      const host = connectHost(options.data);
      try {
        await showRun(host, connector, profile, options);
      } finally {
        await host.close();
      }
    },
  );
  for (const decision of ['approve', 'reject'] as const) {
    example(
      common(
        run
          .command(decision)
          .description(`${decision === 'approve' ? 'Approve' : 'Reject'} the removals that a run holds`)
          .argument('<connector>')
          .argument('<run>'),
      ).action(
        onHost<[string, string]>(async (host, options, connector, runId) => {
          const result = await host.send<{ readonly removed: number }>(
            'POST',
            `/connectors/${encodeURIComponent(connector)}/runs/${encodeURIComponent(runId)}/${decision}`,
          );
          print(options, result, () => (decision === 'approve' ? `${result.removed} entries removed` : 'the removals are forgotten; nothing was removed'));
        }),
      ),
      `landbridge run ${decision} hr 12`,
    );
  }
  example(
    common(
      program.command('runs').description('Run history').argument('<connector>').argument('[run]').option('--limit <number>', 'runs to show', '20'),
    ).action(
      onHost<[string, string | undefined]>(async (host, options, connector, runId) => {
        const base = `/connectors/${encodeURIComponent(connector)}/runs`;
        if (runId !== undefined) {
          const shown = await host.get<RunLine>(`${base}/${encodeURIComponent(runId)}`);
          print(
            options,
            shown,
            () =>
              `${runTable([shown])}\n${shown.steps.flatMap((step) => step.errors.map((error) => `${style.bad('✗')} ${error.entry} ${error.error.code}: ${error.error.message}`)).join('\n')}${shown.held === undefined ? '' : `\nheld: ${shown.held.reason} (${shown.held.decision})\napprove with: landbridge run approve ${connector} ${shown.id}`}`,
          );
          return;
        }
        const list = await host.get<readonly RunLine[]>(`${base}?limit=${String(options['limit'])}`);
        print(options, list, runTable);
      }),
    ),
    'landbridge runs hr',
    'landbridge runs hr 12',
  );
}

interface RunLine extends Json {
  readonly id: number;
  readonly profile: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly result: string;
  readonly steps: readonly {
    readonly kind: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly errorCount: number;
    readonly errors: readonly { readonly entry: string; readonly error: { readonly code: string; readonly message: string } }[];
  }[];
  readonly held?: { readonly reason: string; readonly entries: number; readonly decision: string };
}

function runTable(runs: readonly RunLine[]): string {
  const sum = (run: RunLine, name: string): number => run.steps.reduce((total, step) => total + (step.counts[name] ?? 0), 0);
  return table(
    ['run', 'profile', 'started', 'seconds', 'result', 'added', 'updated', 'unchanged', 'removed', 'errors'],
    runs.map((run) => [
      run.id,
      run.profile,
      when(run.startedAt),
      run.endedAt === undefined ? '' : ((run.endedAt - run.startedAt) / 1000).toFixed(1),
      run.result === 'success' ? style.good(run.result) : style.warn(run.result),
      sum(run, 'added'),
      sum(run, 'updated'),
      sum(run, 'unchanged'),
      sum(run, 'removed'),
      run.steps.reduce((total, step) => total + step.errorCount, 0),
    ]),
  );
}

function addJournal(program: Command): void {
  const journal = program.command('journal').description('Writes: what was asked, and what became of it');
  example(
    common(
      journal
        .command('list')
        .description('Newest writes')
        .argument('<connector>')
        .option('--state <states>', 'only these, such as in-doubt,not-reimported')
        .option('--limit <number>', 'rows to show', '20'),
    ).action(
      onHost<[string]>(async (host, options, connector) => {
        const state = options['state'] === undefined ? '' : `&state=${encodeURIComponent(String(options['state']))}`;
        const rows = await host.get<
          readonly (Json & {
            readonly attributes: readonly string[];
            readonly request: Json;
            readonly error?: { readonly message: string };
          })[]
        >(`/connectors/${encodeURIComponent(connector)}/journal?limit=${String(options['limit'])}${state}`);
        print(options, rows, () =>
          table(
            ['id', 'when', 'kind', 'type', 'state', 'attributes', 'error'],
            rows.map((row) => [
              String(row['id']),
              when(Number(row['at'])),
              String(row['kind']),
              String(row['objectType']),
              String(row['state']),
              row.attributes.join(', '),
              row.error?.message,
            ]),
          ),
        );
      }),
    ),
    'landbridge journal list hr --state in-doubt',
  );
  example(
    common(
      journal
        .command('settle')
        .description('Decide a write in doubt after looking at the application')
        .argument('<connector>')
        .argument('<id>')
        .argument('<decision>', 'applied or not-applied'),
    ).action(
      onHost<[string, string, string]>(async (host, options, connector, id, decision) => {
        if (decision !== 'applied' && decision !== 'not-applied')
          throw new CommandError(exitCode.usage, `"${decision}" is no decision`, 'write applied or not-applied');
        const result = await host.send<{ readonly id: number; readonly state: string }>(
          'POST',
          `/connectors/${encodeURIComponent(connector)}/journal/${encodeURIComponent(id)}/settle`,
          { decision },
        );
        print(options, result, () => `write ${result.id} is ${result.state}`);
      }),
    ),
    'landbridge journal settle hr 17 applied',
  );
}

function addTokens(program: Command): void {
  const token = program.command('token').description('Tokens of SCIM clients and administrators');
  example(
    common(
      token
        .command('create')
        .description('Issue a token; it is shown once')
        .argument('[connector]')
        .option('--admin', 'a token for the admin API')
        .option('--profile <name>', 'dialect: strict, lenient, entra, okta, aws-style, ping', 'lenient')
        .option('--label <text>', 'what it is for', '')
        .option('--days <number>', 'days until it ends', '365'),
    ).action(
      onHost<[string | undefined]>(async (host, options, connector) => {
        if (connector === undefined && options['admin'] !== true)
          throw new CommandError(exitCode.usage, 'name the connector that the token is for', 'landbridge token create hr --profile entra');
        const created = await host.send<{ readonly id: string; readonly token: string }>('POST', '/tokens', {
          connector,
          admin: options['admin'] === true,
          profile: options['profile'],
          label: options['label'],
          days: Number(options['days']),
        });
        print(options, created, () => `${created.token}\n${style.dim(`This is the only time that the token is shown. Its id is ${created.id}.`)}`);
      }),
    ),
    'landbridge token create hr --profile entra --label "Entra ID"',
  );
  example(
    common(token.command('list').description('All tokens, without their secrets')).action(
      onHost(async (host, options) => {
        const list = await host.get<readonly (Json & { readonly scope: Json })[]>('/tokens');
        const time = (value: unknown): string => (typeof value === 'number' ? when(value) : '');
        print(options, list, () =>
          table(
            ['id', 'for', 'profile', 'label', 'created', 'ends', 'last used', 'revoked'],
            list.map((one) => [
              String(one['id']),
              String(one.scope['connector'] ?? one.scope['kind']),
              String(one.scope['profile'] ?? ''),
              String(one['label']),
              time(one['createdAt']),
              time(one['expiresAt']),
              time(one['lastUsedAt']),
              time(one['revokedAt']),
            ]),
          ),
        );
      }),
    ),
    'landbridge token list',
  );
  example(
    common(token.command('revoke').description('Revoke a token at once').argument('<id>')).action(
      onHost<[string]>(async (host, options, id) => {
        const result = await host.send<{ readonly revoked: string }>('DELETE', `/tokens/${encodeURIComponent(id)}`);
        print(options, result, () => `token ${result.revoked} is revoked`);
      }),
    ),
    'landbridge token revoke AbCdEf123456',
  );
}

/** Runs the command line; what goes wrong becomes a sentence and an exit code. */
export async function runProgram(values: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync([...values], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : exitCode.usage;
      return;
    }
    const { message, hint, exit } =
      error instanceof CommandError ? error : { message: error instanceof Error ? error.message : String(error), hint: undefined, exit: exitCode.failed };
    process.stderr.write(`${style.bad('error:')} ${message}\n${hint === undefined ? '' : `${style.dim('try:')}   ${hint}\n`}`);
    process.exitCode = exit;
  }
}
