import { style } from '../output.ts';
import type { TourStep } from './tour.ts';

const WIDTH = 86;

/** The heading of a part of the quickstart. */
export function heading(number: number, title: string): string {
  const text = ` ${number}  ${title} `;
  return `\n${style.title(`━━${style.bold(text)}${'━'.repeat(Math.max(3, WIDTH - text.length))}`)}`;
}

/** A number for people: 5,012. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** How long something took, as precise as it is worth. */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** One step: what was asked, how it was answered, and what became of the row. */
export function describeStep(step: TourStep, number: number, of: number): string {
  const mark = step.passed ? style.good('✓') : style.bad('✗');
  const answer = `answered ${step.status} in ${took(step.milliseconds)}`;
  const title = `${number}/${of} ${step.title}`;
  return [
    `\n ${mark} ${style.bold(title)} ${style.dim('·'.repeat(Math.max(2, WIDTH - title.length - answer.length - 4)))} ${style.dim(answer)}`,
    `   ${style.title(step.call)}`,
    ...changeLines(changesOf(step)).map((line) => `   ${line}`),
    ...(step.passed ? [] : [`   ${style.bad('the database does not show what was asked for')}`]),
  ].join('\n');
}

/** One column of a row, before and after. */
export interface ColumnChange {
  readonly column: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What of the row changed, and the departments; all columns where the row came or went. */
export function changesOf({ before, after }: Pick<TourStep, 'before' | 'after'>): readonly ColumnChange[] {
  const [left, right] = [flat(before), flat(after)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((column) => ({ column, before: left.get(column), after: right.get(column) }))
    .filter((change) => change.before !== change.after);
}

function flat(state: unknown): ReadonlyMap<string, string> {
  const { person = {}, departments = [] } = state as {
    readonly person?: Readonly<Record<string, unknown>>;
    readonly departments?: readonly string[];
  };
  const columns = Object.entries(person).filter(([, value]) => value !== null && value !== undefined);
  return new Map([
    ...columns.map(([column, value]): [string, string] => [column, String(value)]),
    ...(departments.length === 0 ? [] : ([['memberships', departments.join(', ')]] as [string, string][])),
  ]);
}

function changeLines(changes: readonly ColumnChange[]): readonly string[] {
  if (changes.length === 0) return [style.warn('nothing changed in the database')];
  const width = (pick: (change: ColumnChange) => string): number => Math.max(...changes.map((change) => pick(change).length), 6);
  const first = width((change) => change.column);
  const second = width((change) => change.before ?? '');
  return [
    style.dim(`${'column'.padEnd(first)}  ${'before'.padEnd(second)}     after`),
    ...changes.map(({ column, before, after }) => {
      const gone = (text: string | undefined, paint: (text: string) => string, pad: number): string =>
        text === undefined ? style.dim('—'.padEnd(pad)) : paint(text.padEnd(pad));
      return `${column.padEnd(first)}  ${gone(before, style.warn, second)}  ${style.dim('→')}  ${gone(after, style.good, 0)}`;
    }),
  ];
}
