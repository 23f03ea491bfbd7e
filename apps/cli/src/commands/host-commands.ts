import type { Command } from 'commander';
import { exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';
import { type ConnectorLine, connectorTable } from './connector-commands.ts';
import { examine } from './doctor.ts';
import { type UpOptions, up } from './up.ts';

/** `up`, `status`, `doctor`. */
export function addHostCommands(program: Command): void {
  example(
    common(program.command('up').description('Start the host'))
      .option('--config <file>', 'configuration; without it the newest revision in the data folder serves')
      .option('--port <number>', 'port to listen on', wholeNumber(0, 65_535))
      .option('--store <url>', 'PostgreSQL database for the state, password by reference: postgres://user:${env:NAME}@host/database')
      .option('--peer-url <url>', 'where other hosts of the same PostgreSQL store reach this one; default is its name and port')
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
    common(program.command('doctor').description('Check everything that makes a host fail; without a host, what it would need'))
      .option('--config <file>', 'check this configuration file and its secrets too')
      .action(async (_options, command: Command) => {
        const options = command.optsWithGlobals() as CommonOptions & { readonly config?: string };
        const checks = await examine(options);
        print(options, checks, () =>
          table(
            ['check', 'result', ''],
            checks.map((one) => [one.check, mark(one.status), one.message]),
          ),
        );
        if (checks.some((one) => one.status === 'failed')) process.exitCode = exitCode.failed;
      }),
    'landbridge doctor',
    'landbridge doctor --data ./data --config landbridge.yaml',
  );
}

function mark(status: string): string {
  return status === 'passed' ? style.good('passed') : status === 'failed' ? style.bad('failed') : style.warn(status);
}
