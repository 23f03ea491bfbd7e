import { messageOf } from '@landbridge/connector-sdk';
import { Command, CommanderError } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { explainFileError } from '../file-errors.ts';
import { style } from '../output.ts';
import { addAuditCommands } from './audit-commands.ts';
import { addBackupCommands } from './backup-commands.ts';
import { addConfigurationCommands } from './configuration-commands.ts';
import { addConnectorCommands } from './connector-commands.ts';
import { addEventsCommands } from './events-commands.ts';
import { addHistoryCommands } from './history-commands.ts';
import { addHostCommands } from './host-commands.ts';
import { addIdCommands } from './id-commands.ts';
import { addImportCommand } from './import-command.ts';
import { addJournalCommands } from './journal-commands.ts';
import { addPackageCommands } from './package-commands.ts';
import { addRunCommands } from './run-commands.ts';
import { addScimCommands } from './scim-commands.ts';
import { addSecretCommands } from './secret-commands.ts';
import { addShadowCommands } from './shadow-commands.ts';
import { addStoreCommands } from './store-commands.ts';
import { addTokenCommands } from './token-commands.ts';

/** The groups of commands, a file each. */
const groups: readonly ((program: Command) => void)[] = [
  addHostCommands,
  addConfigurationCommands,
  addHistoryCommands,
  addBackupCommands,
  addSecretCommands,
  addImportCommand,
  addConnectorCommands,
  addPackageCommands,
  addRunCommands,
  addJournalCommands,
  addShadowCommands,
  addEventsCommands,
  addAuditCommands,
  addTokenCommands,
  addStoreCommands,
  addIdCommands,
  addScimCommands,
];

/** The whole command tree. */
export function createProgram({ quiet = false }: { readonly quiet?: boolean } = {}): Command {
  const program = new Command('landbridge')
    .description('An open connector host for identity provisioning: SCIM 2.0 in front of your applications.')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(add --help for what is allowed)')
    .configureHelp({ sortSubcommands: true });
  // Commands take this over when they are added.
  if (quiet) program.configureOutput({ writeErr: () => {}, outputError: () => {} });
  for (const add of groups) add(program);
  return program;
}

/** Runs the command line; what goes wrong becomes a sentence and an exit code. */
export async function runProgram(values: readonly string[]): Promise<void> {
  // Workers of connectors do not keep a process alive: a command that waits for one would end in silence.
  const alive = setInterval(() => {}, 1000);
  // Whoever asked for JSON reads errors by program too.
  const json = values.includes('--json');
  const writeJson = (message: string, hint: string | undefined, exit: number): void =>
    void process.stderr.write(`${JSON.stringify({ error: { message, ...(hint === undefined ? {} : { hint }) }, exitCode: exit })}\n`);
  try {
    await createProgram({ quiet: json }).parseAsync([...values], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : exitCode.usage;
      const said = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
      if (json && error.exitCode !== 0) writeJson(said, 'add --help for what is allowed', exitCode.usage);
      return;
    }
    const { message, hint, exit } =
      error instanceof CommandError ? error : { message: explainFileError(error) ?? messageOf(error), hint: undefined, exit: exitCode.failed };
    if (json) writeJson(message, hint, exit);
    else process.stderr.write(`${style.bad('error:')} ${message}\n${hint === undefined ? '' : `${style.dim('try:')}   ${hint}\n`}`);
    process.exitCode = exit;
  } finally {
    clearInterval(alive);
  }
}
