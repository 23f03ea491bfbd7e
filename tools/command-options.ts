import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * Reads what a program of the project (`npm run torture`, `fuzz`, `bench`, `crossing`) was given. `--help` prints the usage and ends with
 * 0; what it does not know is one sentence and ends with 2: nobody is shown a stack for a typing error.
 */
export function readOptions<const Options extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: Options,
  more: { readonly positionals?: boolean; readonly given?: readonly string[] } = {},
): ReturnType<typeof parseArgs<{ options: Options; allowPositionals: true }>> {
  const given = [...(more.given ?? process.argv.slice(2))];
  if (given.includes('--help') || given.includes('-h')) {
    process.stdout.write(`${usage.trim()}\n`);
    process.exit(0);
  }
  try {
    const read = parseArgs({ args: given, options, allowPositionals: true });
    const [unwanted] = more.positionals ? [] : read.positionals;
    if (unwanted !== undefined) throw new Error(`"${unwanted}" is not expected here`);
    return read;
  } catch (error) {
    refuse((error as Error).message);
  }
}

/** Ends the program with one sentence. */
export function refuse(problem: string): never {
  process.stderr.write(`error: ${problem.split('. ')[0]}; --help shows what there is\n`);
  process.exit(2);
}

/** A number of the command line. @param what the option's name, for the sentence. */
export function readNumber(what: string, text: string, least = 0): number {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) && value >= least ? value : refuse(`--${what} takes a number from ${least} on, not "${text}"`);
}
