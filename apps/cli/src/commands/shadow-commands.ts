import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';

/** A write of mode shadow, as the admin API shows it. */
interface ShadowRow {
  readonly id: number;
  readonly at: number;
  readonly kind: string;
  readonly objectType: string;
  readonly scimId?: string;
  readonly credential: string;
  readonly verdict: string;
  readonly calls: readonly (Json & { readonly call: string; readonly changes?: readonly Json[] })[];
  readonly differences: readonly { readonly attribute: string; readonly wanted: unknown; readonly found: unknown }[];
}

/** `shadow list`, `shadow show`: what a connector in mode shadow would have written. */
export function addShadowCommands(program: Command): void {
  const shadow = program.command('shadow').description('Mode shadow: what would have been written, and whether the application came to the same');
  example(
    common(
      shadow
        .command('list')
        .description('Newest recorded writes, each with what the next import said of it')
        .argument('<connector>')
        .option('--verdict <verdict>', 'only these: waiting, same, different, not-compared')
        .option('--limit <number>', 'rows to show', wholeNumber(1, 1000), '20'),
    ).action(
      onHost<[string]>(async (host, options, connector) => {
        const verdict = options['verdict'] === undefined ? '' : `&verdict=${encodeURIComponent(String(options['verdict']))}`;
        const rows = await host.get<readonly ShadowRow[]>(`${pathOf(connector)}?limit=${String(options['limit'])}${verdict}`);
        print(options, rows, () =>
          rows.length === 0
            ? 'nothing is recorded'
            : table(
                ['id', 'when', 'kind', 'type', 'attributes', 'verdict', 'the application'],
                rows.map((row) => [row.id, when(row.at), row.kind, row.objectType, namesOf(row), row.verdict, row.differences.map(describe).join('\n')]),
              ),
        );
      }),
    ),
    'landbridge shadow list hr --verdict different',
  );
  example(
    common(
      shadow
        .command('show')
        .description('One recorded write with the calls that were not made')
        .argument('<connector>')
        .argument('<id>', 'as shadow list shows it'),
    ).action(
      onHost<[string, string]>(async (host, options, connector, id) => {
        if (!/^\d+$/.test(id)) throw new CommandError(exitCode.usage, `"${id}" is not the id of a write`, `landbridge shadow list ${connector}`);
        const [row] = await host.get<readonly ShadowRow[]>(`${pathOf(connector)}?limit=1&before=${Number(id) + 1}`);
        if (row?.id !== Number(id))
          throw new CommandError(exitCode.refused, `the connector "${connector}" has recorded no write ${id}`, `landbridge shadow list ${connector}`);
        print(options, row, () => showRow(row));
      }),
    ),
    'landbridge shadow show hr 17',
  );
}

const pathOf = (connector: string): string => `/connectors/${encodeURIComponent(connector)}/shadow`;

function namesOf(row: ShadowRow): string {
  const names = row.calls.flatMap((call) => (call.call === 'set-password' ? ['password'] : (call.changes ?? []).map((change) => String(change['name']))));
  return [...new Set(names)].join(', ');
}

function describe({ attribute, wanted, found }: ShadowRow['differences'][number]): string {
  if (attribute === '') return `has ${String(found)}`;
  if (found === null) return `${attribute}: has not ${JSON.stringify(wanted)}`;
  return wanted === null ? `${attribute}: has ${JSON.stringify(found)}` : `${attribute}: has ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
}

function showRow(row: ShadowRow): string {
  const lines = [`${style.bold(`write ${row.id}`)}  ${row.kind} of a ${row.objectType}, ${when(row.at)}, by ${row.credential}: ${row.verdict}`];
  for (const { call, changes, ...rest } of row.calls) {
    lines.push(call === 'set-password' ? 'a password would be set' : `${JSON.stringify(rest)}`);
    for (const change of changes ?? []) lines.push(`  ${JSON.stringify(change)}`);
  }
  return [...lines, ...row.differences.map((one) => `${style.warn('different')}  ${describe(one)}`)].join('\n');
}
