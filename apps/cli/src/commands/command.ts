import { existsSync, statSync } from 'node:fs';
import { messageOf } from '@landbridge/connector-sdk';
import { readUtf8 } from '@landbridge/server/read-utf8';
import { type Command, InvalidArgumentError } from 'commander';
import { type AdminClient, CommandError, connectHost, exitCode } from '../admin-client.ts';
import type { CommonOptions } from '../output.ts';

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** A command on the running host: connects, works, closes. */
export function onHost<Arguments extends readonly unknown[]>(
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

/** Adds examples to the help of a command. */
export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`);
}

/** Adds the options that every command has. */
export function common(command: Command): Command {
  return command.option('--data <folder>', 'data folder of the host (default: LANDBRIDGE_DATA or .landbridge)').option('--json', 'print JSON');
}

/** The text of a file that the user named. @throws CommandError when it is not there. */
export function readText(file: string): string {
  if (!existsSync(file)) throw new CommandError(exitCode.usage, `the file ${file} does not exist`);
  if (statSync(file).isDirectory()) throw new CommandError(exitCode.usage, `${file} is a folder; name a file`);
  try {
    return readUtf8(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(exitCode.usage, code === 'EACCES' ? `${file} cannot be read by this account` : messageOf(error));
  }
}

/** Reads a whole number; commander says which option was wrong. @throws InvalidArgumentError */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): (text: string) => string {
  return (text) => {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= minimum && number <= maximum && text.trim() !== '') return text;
    throw new InvalidArgumentError(
      maximum === Number.MAX_SAFE_INTEGER ? `Write a whole number, at least ${minimum}.` : `Write a whole number from ${minimum} to ${maximum}.`,
    );
  };
}
