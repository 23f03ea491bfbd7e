import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, table, when } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';

/** `journal list`, `journal settle`, `journal approve`, `journal reject`. */
export function addJournalCommands(program: Command): void {
  const journal = program.command('journal').description('Writes: what was asked, and what became of it');
  example(
    common(
      journal
        .command('list')
        .description('Newest writes')
        .argument('<connector>')
        .option('--state <states>', 'only these, such as in-doubt,not-reimported')
        .option('--limit <number>', 'rows to show', wholeNumber(1, 1000), '20'),
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
            ['id', 'when', 'kind', 'type', 'name', 'state', 'attributes', 'error'],
            rows.map((row) => [
              String(row['id']),
              when(Number(row['at'])),
              String(row['kind']),
              String(row['objectType']),
              row['display'] === undefined ? undefined : String(row['display']),
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
  addHeldDecision(journal, 'approve');
  addHeldDecision(journal, 'reject');
}

interface Decided {
  readonly applied: number;
  readonly rejected: number;
  readonly refused: number;
  readonly underWay: number;
  readonly notHeld: readonly number[];
}

/** Held writes: more deletes or disables than usual came within an hour, and each waits for a word (`massChange`). */
function addHeldDecision(journal: Command, decision: 'approve' | 'reject'): void {
  const command = journal
    .command(decision)
    .description(decision === 'approve' ? 'Send deletes and disables that were held' : 'Drop deletes and disables that were held: nothing changes')
    .argument('<connector>')
    .argument('[ids...]', 'writes, as journal list --state held shows them')
    .option('--all', 'every held write of the connector');
  if (decision === 'approve') command.option('--suspend <minutes>', 'and hold none for so long, because more are expected');
  example(
    common(command).action(
      onHost<[string, readonly string[]]>(async (host, options, connector, ids) => {
        const all = options['all'] === true;
        const wrong = ids.find((id) => !/^\d+$/.test(id));
        if (wrong !== undefined)
          throw new CommandError(exitCode.usage, `"${wrong}" is not the id of a write`, `landbridge journal list ${connector} --state held`);
        if (all === ids.length > 0)
          throw new CommandError(exitCode.usage, 'say which writes', `give ids (landbridge journal list ${connector} --state held) or --all`);
        const suspend = options['suspend'] === undefined ? undefined : Number(options['suspend']);
        if (Number.isNaN(suspend)) throw new CommandError(exitCode.usage, `"${String(options['suspend'])}" is not a number of minutes`);
        const decided = await host.send<Decided>('POST', `/connectors/${encodeURIComponent(connector)}/journal/${decision}`, {
          writes: all ? 'all' : ids.map(Number),
          ...(suspend === undefined ? {} : { suspendMinutes: suspend }),
        });
        print(options, decided, () => describe(decided));
        // Whoever names a write means it.
        if (!all && decided.notHeld.length > 0) process.exitCode = exitCode.refused;
      }),
    ),
    ...(decision === 'approve'
      ? ['landbridge journal approve hr 17 18', 'landbridge journal approve hr --all --suspend 60']
      : ['landbridge journal reject hr --all']),
  );
}

function describe(decided: Decided): string {
  const parts = [
    [decided.applied, 'applied'],
    [decided.rejected, 'dropped'],
    [decided.refused, 'refused: see landbridge journal list'],
    [decided.underWay, 'sent and not answered yet'],
    [decided.notHeld.length, `not held: ${decided.notHeld.join(', ')}`],
  ] as const;
  return parts.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`])).join('\n') || 'nothing is held';
}
