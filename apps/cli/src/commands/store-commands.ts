import type { Command } from 'commander';
import { CommandError, dataFolderOf, exitCode } from '../admin-client.ts';
import { type CommonOptions, style } from '../output.ts';
import { common, example } from './command.ts';

/** `store migrate`: the state of a host that does not run. */
export function addStoreCommands(program: Command): void {
  const store = program.command('store').description("Where the host's own state is");
  example(
    common(store.command('migrate').description('Move the state from SQLite files into a PostgreSQL database; the host must not run'))
      .requiredOption('--to <url>', 'the database, its password by reference: postgres://user:${env:NAME}@host/database')
      .action(async (_options, command: Command) => migrate(command.optsWithGlobals() as CommonOptions & { readonly to: string })),
    "landbridge store migrate --data ./data --to 'postgres://landbridge:${env:STORE_PASSWORD}@db.example.com/landbridge'",
  );
}

async function migrate(options: CommonOptions & { readonly to: string }): Promise<void> {
  const { migrateStore, StartError } = await import('@landbridge/server');
  const say = (line: string): void => void (options.json || process.stdout.write(`${line}\n`));
  try {
    const done = await migrateStore({
      dataFolder: dataFolderOf(options.data),
      to: options.to,
      report({ name, status, rows }) {
        const counted = Object.entries(rows).filter(([, count]) => count > 0);
        say(`${style.good(status === 'moved' ? 'moved' : 'there')}  ${name}: ${counted.map(([table, count]) => `${count} ${table}`).join(', ')}`);
      },
    });
    if (options.json) process.stdout.write(`${JSON.stringify(done)}\n`);
    say(`the state is in ${done.place} now; landbridge up uses it. The former files are in ${done.left}`);
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(exitCode.failed, error.message);
    throw error;
  }
}
