import { createProgram } from '../../apps/cli/src/commands/program.ts';
import { code, page, table } from './markdown.ts';

type Command = ReturnType<typeof createProgram>;

/** The reference of the command line, from the command table. */
export function cliPage(): string {
  const program = createProgram();
  const commands = walk(program).filter((command) => command.parent !== null && (command.commands.length === 0 || command.registeredArguments.length > 0));
  return page(
    'Command line',
    'the command table',
    'Exit codes: 0 done · 1 failed · 2 wrong usage · 3 no host runs · 4 the host refused. With `--json` results are JSON on standard output, and errors JSON on standard error. The data folder is `--data`, else `LANDBRIDGE_DATA`, else `.landbridge`. `NO_COLOR` turns colours off.',
    ...commands.map(describe),
  );
}

function walk(command: Command): readonly Command[] {
  return [command, ...[...command.commands].sort((left, right) => (left.name() < right.name() ? -1 : 1)).flatMap(walk)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function describe(command: Command): string {
  const path = pathOf(command);
  const values = command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`));
  const described = command.registeredArguments.filter((one) => one.description !== '').map((one) => `\`${one.name()}\`: ${one.description}.`);
  const options = command.options.map((option) => [
    code(option.flags),
    `${option.description}${option.mandatory ? ' (must be given)' : ''}${option.defaultValue === undefined || option.defaultValue === '' || typeof option.defaultValue === 'boolean' ? '' : `; default ${String(option.defaultValue)}`}`,
  ]);
  const examples = examplesOf(command);
  return [
    `## ${path}`,
    `${command.description()}.`,
    `\`\`\`\n${[path, ...values].join(' ')}\n\`\`\``,
    ...(described.length === 0 ? [] : [described.join(' ')]),
    ...(options.length === 0 ? [] : [table(['option', ''], options)]),
    ...(examples.length === 0 ? [] : [`\`\`\`\n${examples.join('\n')}\n\`\`\``]),
  ].join('\n\n');
}

/** The examples are in what a command adds to its help. */
function examplesOf(command: Command): readonly string[] {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return [...text.slice(text.indexOf('Examples:')).matchAll(/^ {2}\$ (.+)$/gm)].map((match) => match[1] ?? '');
}
