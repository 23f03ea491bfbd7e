import type { Command } from 'commander';
import { CommandError, connectHost, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table, when } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';
import { showRun } from './run-progress.ts';

/** `run`, `run approve`, `run reject`, `run cancel`, `runs`. */
export function addRunCommands(program: Command): void {
  const run = program
    .command('run')
    .description('Run a profile of a connector, cancel a run, or decide held removals')
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
    common(run.command('cancel').description('Cancel a run that is under way').argument('<connector>').argument('<run>')).action(
      onHost<[string, string]>(async (host, options, connector, runId) => {
        const path = `/connectors/${encodeURIComponent(connector)}/runs/${encodeURIComponent(runId)}/cancel`;
        const result = await host.send<{ readonly cancelled: number }>('POST', path);
        print(options, result, () => `run ${result.cancelled} is being cancelled: what it has read is kept, nothing is removed`);
      }),
    ),
    'landbridge run cancel hr 12',
  );
  example(
    common(
      program
        .command('runs')
        .description('Run history')
        .argument('<connector>')
        .argument('[run]')
        .option('--limit <number>', 'runs to show', wholeNumber(1, 1000), '20'),
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
    ['run', 'profile', 'started', 'seconds', 'result', 'added', 'updated', 'unchanged', 'removed', 'unresolved', 'errors'],
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
      run.steps.at(-1)?.counts['unresolved'],
      run.steps.reduce((total, step) => total + step.errorCount, 0),
    ]),
  );
}
