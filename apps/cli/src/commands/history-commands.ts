import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { common, example, onHost, wholeNumber } from './command.ts';
import { type ConfigurationChange, describeChanges } from './describe-changes.ts';

interface RevisionLine {
  readonly number: number;
  readonly author: string;
  readonly at: number;
  readonly summary: string;
  readonly inForce: boolean;
}

/** `history`, `history show`, `rollback`. */
export function addHistoryCommands(program: Command): void {
  const history = program.command('history').description('Revisions of the configuration: who changed what, and when');
  example(
    common(history.command('list', { isDefault: true }).description('The newest revisions'))
      .option('--limit <number>', 'rows to show', wholeNumber(1, 1000), '20')
      .action(
        onHost(async (host, options) => {
          const list = await host.get<readonly RevisionLine[]>(`/configuration/revisions?limit=${String(options['limit'])}`);
          print(options, list, () =>
            list.length === 0
              ? 'nothing was applied yet'
              : table(
                  ['revision', 'when', 'author', 'what'],
                  list.map((one) => [`${one.number}${one.inForce ? style.good(' in force') : ''}`, when(one.at), one.author, one.summary]),
                ),
          );
        }),
      ),
    'landbridge history list --limit 5',
  );
  example(
    common(history.command('show').description('One revision: its difference to the one before, and its text').argument('<revision>')).action(
      onHost<[string]>(async (host, options, revision) => {
        const shown = await host.get<RevisionLine & { readonly text: string; readonly changes: readonly ConfigurationChange[] }>(
          `/configuration/revisions/${numberOf(revision)}`,
        );
        print(
          options,
          shown,
          () =>
            `${style.bold(`revision ${shown.number}`)} ${when(shown.at)} by ${shown.author}${shown.inForce ? style.good(' in force') : ''}\n\n${describeChanges(shown.changes)}\n\n${style.dim(shown.text.trimEnd())}`,
        );
      }),
    ),
    'landbridge history show 3',
  );
  example(
    common(program.command('rollback').description('Make an earlier revision the one in force again, as a new revision').argument('<revision>')).action(
      onHost<[string]>(async (host, options, revision) => {
        const number = numberOf(revision);
        const result = await host.send<{ readonly revision: number; readonly changes: readonly ConfigurationChange[] }>(
          'POST',
          `/configuration/revisions/${number}/rollback`,
        );
        print(options, result, () => `${describeChanges(result.changes)}\nback to revision ${number}, as revision ${result.revision}`);
      }),
    ),
    'landbridge rollback 3',
  );
}

function numberOf(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new CommandError(exitCode.usage, `"${text}" is no revision`, 'landbridge history');
}
