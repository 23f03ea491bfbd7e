import type { Command } from 'commander';
import { type AdminClient, exitCode } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';

/** What verifying found, as the host answers. */
interface Report {
  readonly intact: boolean;
  readonly rows: number;
  readonly uncovered: number;
  readonly last?: { readonly id: number; readonly code: string; readonly at?: number };
  readonly problems: readonly { readonly row: number; readonly problem: string; readonly message: string }[];
  readonly noted?: 'found' | 'not-found' | 'forgotten';
}

const pathOf = (connector: string | undefined): string => (connector === undefined ? '/audit' : `/connectors/${encodeURIComponent(connector)}/audit`);

/** `audit list`, `audit verify`. */
export function addAuditCommands(program: Command): void {
  const audit = program.command('audit').description('Who did what: the audit of administration, and of the writes of each connector');
  example(
    common(audit.command('list').description('The newest rows, of administration or of a connector').argument('[connector]'))
      .option('--limit <number>', 'rows to show', wholeNumber(1, 1000), '20')
      .option('--before <row>', 'older rows than this one (of a connector)', wholeNumber(1))
      .action(
        onHost<[string | undefined]>(async (host, options, connector) => {
          const before = options['before'] === undefined || connector === undefined ? '' : `&before=${String(options['before'])}`;
          const rows = await host.get<readonly Json[]>(`${pathOf(connector)}?limit=${String(options['limit'])}${before}`);
          print(options, rows, () => (rows.length === 0 ? 'nothing yet' : connector === undefined ? administration(rows) : writes(rows)));
        }),
      ),
    'landbridge audit list',
    'landbridge audit list hr --limit 100 --json',
  );
  example(
    common(
      audit
        .command('verify')
        .description('Find rows that were changed, removed or inserted: of one connector, or of administration and all connectors')
        .argument('[connector]'),
    )
      .option('--noted <row:code>', 'a place that was noted before: is it still in the audit?')
      .action(
        onHost<[string | undefined]>(async (host, options, connector) => {
          const noted = options['noted'] === undefined ? '' : `?noted=${encodeURIComponent(String(options['noted']))}`;
          const names = connector === undefined && noted === '' ? [undefined, ...(await connectorsOf(host))] : [connector];
          const reports: (Report & { readonly audit: string })[] = [];
          for (const name of names) reports.push({ audit: name ?? 'administration', ...(await host.get<Report>(`${pathOf(name)}/verify${noted}`)) });
          print(options, reports, () => reports.map(describe).join('\n'));
          if (!reports.every((one) => one.intact && one.noted !== 'not-found')) process.exitCode = exitCode.failed;
        }),
      ),
    'landbridge audit verify',
    'landbridge audit verify hr --noted 4711:PVcMI1tL0cyP4u8x4yX3y0kLQ5y6j1Zb3nqT2w9aFhE',
  );
}

async function connectorsOf(host: AdminClient): Promise<readonly string[]> {
  const list = await host.get<readonly { readonly name: string; readonly state?: string }[]>('/connectors');
  return list.filter((one) => one.state !== 'failed').map((one) => one.name);
}

function administration(rows: readonly Json[]): string {
  return table(
    ['row', 'when', 'who', 'what', 'detail'],
    rows.map((row) => [String(row['id']), when(Number(row['at'])), String(row['actor']), String(row['action']), String(row['detail'])]),
  );
}

function writes(rows: readonly Json[]): string {
  return table(
    ['row', 'when', 'who', 'what', 'resource', 'attributes', 'result'],
    rows.map((row) => [
      String(row['id']),
      when(Number(row['at'])),
      String(row['actor']),
      String(row['action']),
      `${String(row['objectType'] ?? '')} ${String(row['resource'] ?? '')}`.trim(),
      (row['attributes'] as readonly string[]).join(', '),
      String(row['result']),
    ]),
  );
}

function describe(report: Report & { readonly audit: string }): string {
  const lines = [
    `${style.bold(report.audit)}: ${report.rows} rows, ${report.intact ? style.good('intact') : style.bad('not intact')}`,
    ...report.problems.map((one) => `  ${style.bad(one.problem)} ${one.message}`),
  ];
  if (report.uncovered > 0) lines.push(`  ${style.warn('note')} ${report.uncovered} older rows are from before the chain, which says nothing of them`);
  if (report.noted !== undefined) lines.push(`  ${NOTED[report.noted]}`);
  if (report.last !== undefined) lines.push(style.dim(`  to note elsewhere: ${report.last.id}:${report.last.code}`));
  return lines.join('\n');
}

const NOTED = {
  found: style.good('the noted place is in the audit'),
  'not-found': style.bad('the noted place is not in the audit: it was put back to an earlier moment, or begun anew'),
  forgotten: style.warn('the noted place is older than what retention keeps'),
} as const;
