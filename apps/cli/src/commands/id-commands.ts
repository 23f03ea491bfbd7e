import type { Command } from 'commander';
import { type AdminClient, CommandError, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table } from '../output.ts';
import { common, example, type Json, onHost, readText } from './command.ts';
import { readCsv } from './read-csv.ts';

type Outcome = 'linked' | 'already' | 'unknown-anchor' | 'taken' | 'unlinked';

const MEANING: Readonly<Record<Outcome, string>> = {
  linked: 'linked now',
  already: 'answer by that id',
  unlinked: 'known here, and not by that id: import the list, or set linkedIds',
  'unknown-anchor': 'no entry has that anchor: run a full import first',
  taken: 'the id belongs to another entry',
};

/** Lines that go in one request. */
const BATCH = 2000;

/** `ids import`, `ids verify`. */
export function addIdCommands(program: Command): void {
  const ids = program.command('ids').description('Ids that clients have from another host: import, verify');
  const file = 'CSV with the columns id, anchor, and objectType where there are several';
  example(
    common(
      ids.command('import').description('Let resources answer by the ids that clients have from another host').argument('<connector>').argument('<file>', file),
    ).action(
      onHost<[string, string]>(async (host, options, connector, path) => report(options, await send(host, connector, path, false), ['linked', 'already'])),
    ),
    'landbridge ids import HR old-ids.csv',
  );
  example(
    common(
      ids
        .command('verify')
        .description('Check a sample of ids before the switch: does each come to its entry? Changes nothing')
        .argument('<connector>')
        .argument('<file>', file),
    ).action(onHost<[string, string]>(async (host, options, connector, path) => report(options, await send(host, connector, path, true), ['already']))),
    'landbridge ids verify HR sample.csv',
  );
}

interface Line {
  readonly id: string;
  readonly anchor: string;
  readonly objectType?: string;
}

async function send(host: AdminClient, connector: string, path: string, verify: boolean): Promise<readonly (Line & { readonly outcome: Outcome })[]> {
  const lines = readLines(path);
  const result: (Line & { readonly outcome: Outcome })[] = [];
  for (let from = 0; from < lines.length; from += BATCH) {
    const batch = lines.slice(from, from + BATCH);
    const { outcomes } = await host.send<{ readonly outcomes: readonly Outcome[] }>('POST', `/connectors/${encodeURIComponent(connector)}/ids`, {
      ids: batch,
      verify,
    });
    for (const [index, line] of batch.entries()) result.push({ ...line, outcome: outcomes[index] ?? 'unknown-anchor' });
  }
  return result;
}

function readLines(path: string): readonly Line[] {
  const [head = [], ...rows] = readCsv(readText(path));
  const column = (name: string): number => head.findIndex((cell) => cell.trim().toLowerCase() === name);
  const [id, anchor, objectType] = [column('id'), column('anchor'), column('objecttype')];
  if (id === -1 || anchor === -1)
    throw new CommandError(exitCode.usage, `${path} needs the columns id and anchor in its first line; it has ${head.join(', ')}`);
  return rows.map((row, index) => {
    const line = {
      id: row[id] ?? '',
      anchor: row[anchor] ?? '',
      ...(objectType === -1 || row[objectType] === undefined ? {} : { objectType: row[objectType] }),
    };
    if (line.id === '' || line.anchor === '') throw new CommandError(exitCode.usage, `${path}: row ${index + 2} has no ${line.id === '' ? 'id' : 'anchor'}`);
    return line;
  });
}

function report(options: CommonOptions & Json, lines: readonly (Line & { readonly outcome: Outcome })[], good: readonly Outcome[]): void {
  const bad = lines.filter((line) => !good.includes(line.outcome));
  const counts = new Map<Outcome, number>();
  for (const line of lines) counts.set(line.outcome, (counts.get(line.outcome) ?? 0) + 1);
  print(options, { counts: Object.fromEntries(counts), failed: bad }, () =>
    [
      ...[...counts].map(([outcome, count]) => `${good.includes(outcome) ? style.good('✓') : style.bad('✗')} ${count} ${MEANING[outcome]}`),
      ...(bad.length === 0
        ? []
        : [
            table(
              ['id', 'anchor', ''],
              bad.slice(0, 20).map((line) => [line.id, line.anchor, MEANING[line.outcome]]),
            ),
          ]),
    ].join('\n'),
  );
  if (bad.length > 0) process.exitCode = exitCode.failed;
}
