import type { Command } from 'commander';
import { exitCode } from '../admin-client.ts';
import { print, style, table } from '../output.ts';
import { common, example, type Json, onHost } from './command.ts';
import { type ConnectorLine, connectorTable } from './connector-commands.ts';
import { type UpOptions, up } from './up.ts';

/** `up`, `status`, `doctor`. */
export function addHostCommands(program: Command): void {
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
