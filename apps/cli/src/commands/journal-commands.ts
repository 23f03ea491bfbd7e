import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, table, when } from '../output.ts';
import { common, example, type Json, onHost } from './command.ts';

/** `journal list`, `journal settle`. */
export function addJournalCommands(program: Command): void {
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
