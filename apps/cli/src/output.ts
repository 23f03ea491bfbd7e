import Table from 'cli-table3';

/** Options that every command has. */
export interface CommonOptions {
  readonly data?: string;
  readonly json?: boolean;
}

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Colours, on a terminal only. */
export const style = { good: paint(32), bad: paint(31), warn: paint(33), dim: paint(2), bold: paint(1), title: paint(36) } as const;

/** Prints a result: JSON for machines, or what `human` makes of it. */
export function print<Result>(options: CommonOptions, result: Result, human: (result: Result) => string): void {
  process.stdout.write(`${options.json ? JSON.stringify(result, undefined, 2) : human(result)}\n`);
}

/** A table with a heading for each column. */
export function table(head: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string {
  const made = new Table({ head: head.map((one) => style.bold(one)), style: { head: [], border: [], compact: true }, wordWrap: true });
  for (const row of rows) made.push(row.map((cell) => String(cell ?? '')));
  return made.toString();
}

/** A time for people. */
export function when(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : new Date(milliseconds).toISOString().replace('T', ' ').slice(0, 19);
}
