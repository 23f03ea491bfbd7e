import type { Command } from 'commander';
import { connectHost } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { showTest, type TestLine } from '../show-test.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';
import { type ContractCommandOptions, testContract } from './connector-contract.ts';
import { printDeltaScript } from './connector-delta-script.ts';
import { scaffoldConnector } from './connector-scaffold.ts';
import { type LoadedConnector, loadConnector, loadFromFile, testOffline } from './connector-test.ts';

/** What the host says of a connector. */
export interface ConnectorLine extends Json {
  readonly name: string;
  readonly state: string;
  readonly problem?: string;
  readonly entries?: Readonly<Record<string, number>>;
  readonly inDoubt?: number;
  readonly lastRun?: { readonly profile: string; readonly result: string; readonly endedAt?: number };
}

/** Connectors as a table. */
export function connectorTable(connectors: readonly ConnectorLine[]): string {
  if (connectors.length === 0) return 'there are no connectors; apply a configuration';
  return table(
    ['connector', 'state', 'entries', 'in doubt', 'last run'],
    connectors.map((one) => [
      one.name,
      one.state === 'ready' ? style.good('ready') : one.state === 'failed' ? style.bad('failed') : style.warn(one.state),
      one.problem ??
        Object.entries(one.entries ?? {})
          .map(([type, count]) => `${count} ${type}`)
          .join(', '),
      one.inDoubt,
      one.lastRun === undefined ? '' : `${one.lastRun.profile}: ${one.lastRun.result} ${when(one.lastRun.endedAt)}`,
    ]),
  );
}

interface ShownSchedule {
  readonly profile: string;
  readonly everySeconds?: number;
  readonly cron?: string;
}

function scheduleText({ schedules }: { readonly schedules: readonly ShownSchedule[] }): string {
  const texts = schedules.map(({ profile, cron, everySeconds }) => `${profile} ${cron ?? `every ${everySeconds ?? 0} s`}`);
  return texts.length === 0 ? 'off' : texts.join(', ');
}

/** `connector list`, `show`, `test`, `scaffold`, `schema`, `space`. */
export function addConnectorCommands(program: Command): void {
  const connector = program.command('connector').description('Connectors: list, show, test, scaffold, schema, space');
  example(
    common(connector.command('list').description('All connectors')).action(
      onHost(async (host, options) => {
        const list = await host.get<readonly ConnectorLine[]>('/connectors');
        print(options, list, connectorTable);
      }),
    ),
    'landbridge connector list',
  );
  example(
    common(connector.command('show').description('One connector').argument('<connector>')).action(
      onHost<[string]>(async (host, options, name) => {
        const shown = await host.get<
          ConnectorLine & {
            readonly objectTypes: readonly { readonly objectType: string; readonly resourceType: string; readonly endpoint: string }[];
            readonly runProfiles: readonly { readonly name: string }[];
            readonly autosync: { readonly schedules: readonly ShownSchedule[] };
            readonly deletesSeen: string;
            readonly missedDeletes?: string;
          }
        >(`/connectors/${encodeURIComponent(name)}`);
        print(
          options,
          shown,
          () =>
            `${connectorTable([shown])}\n${table(
              ['object type', 'resource', 'URL'],
              shown.objectTypes.map((type) => [type.objectType, type.resourceType, `${host.url}/scim/${name}/${type.endpoint}`]),
            )}\nrun profiles: ${shown.runProfiles.map((one) => one.name).join(', ')}\nautosync: ${scheduleText(shown.autosync)}\ndeletes in the application are seen ${shown.deletesSeen}${shown.missedDeletes === undefined ? '' : `\n${style.warn('warning:')} ${shown.missedDeletes}`}`,
        );
      }),
    ),
    'landbridge connector show hr',
  );
  example(
    common(
      connector
        .command('test')
        .description('Test a connection layer by layer; with --config it needs no host')
        .argument('<connector>')
        .option('--config <file>', 'test the connector of this file, without a host')
        .option('--contract', 'run the contract test kit: it adds, changes and deletes entries of its own')
        .option('--yes', 'with --contract: the application may be written to')
        .option('--type <object type>', 'with --contract: the type to try (default: the first)')
        .option('--attribute <name>', 'with --contract: a text attribute that may change freely')
        .option('--sample <file>', 'with --contract: attributes of a new entry as YAML; {n} in a text differs at each entry')
        .option('--only <checks>', 'with --contract: these checks alone, by name'),
    ).action(async (name: string, _options, command: Command) => {
      const options = command.optsWithGlobals() as ContractCommandOptions & { readonly config?: string; readonly contract?: boolean };
      if (options.contract === true) return testContract(name, await loadConfigured(name, options), options);
      if (options.config !== undefined) return testOffline(name, { ...options, config: options.config });
      const host = connectHost(options.data);
      try {
        await showTest(options, host.lines<TestLine>('POST', `/connectors/${encodeURIComponent(name)}/test`));
      } finally {
        await host.close();
      }
    }),
    'landbridge connector test hr',
    'landbridge connector test hr --config landbridge.yaml',
    'landbridge connector test hr --config test.yaml --contract --yes --attribute title',
  );
  example(
    connector
      .command('scaffold')
      .description('Propose a complete, commented configuration from what an application holds; needs no host')
      .argument('<package>', 'the connector package: sql')
      .requiredOption('--url <url>', 'postgres://, mariadb://, mysql://, mssql://, oracle://, or the path of a SQLite file')
      .option('--name <connector>', 'the name of the connector', 'hr')
      .option('--schema <name>', 'the schema of the database')
      .option('--out <file>', 'write to this file instead of printing')
      .option('--json', 'print JSON')
      .action(scaffoldConnector),
    'landbridge connector scaffold sql --url mariadb://landbridge@db/employees --name hr --out landbridge.yaml',
    'HR_PASSWORD=… landbridge connector scaffold sql --url postgres://landbridge@db/hr --schema public',
  );
  example(
    connector
      .command('delta-script')
      .description('Print the script that makes a change log for deltas which see deletes; needs no host')
      .argument('<connector>')
      .requiredOption('--config <file>', 'the configuration with the connector')
      .option('--json', 'print JSON')
      .action(printDeltaScript),
    'landbridge connector delta-script hr --config landbridge.yaml > change-log.sql',
  );
  example(
    common(connector.command('schema').description('Object types and attributes').argument('<connector>')).action(
      onHost<[string]>(async (host, options, name) => {
        const schema = await host.get<{ readonly objectTypes: readonly { readonly name: string; readonly attributes: readonly Json[] }[] }>(
          `/connectors/${encodeURIComponent(name)}/schema`,
        );
        print(options, schema, () =>
          schema.objectTypes
            .map(
              (type) =>
                `${style.title(type.name)}\n${table(
                  ['attribute', 'type', ''],
                  type.attributes.map((attribute) => [
                    String(attribute['name']),
                    `${String(attribute['type'])}${attribute['multiValued'] === true ? '[]' : ''}`,
                    ['anchor', 'assigned', 'required', 'unique', 'direction']
                      .filter((flag) => attribute[flag] !== undefined && attribute[flag] !== false)
                      .map((flag) => (attribute[flag] === true ? flag : String(attribute[flag])))
                      .join(', '),
                  ]),
                )}`,
            )
            .join('\n'),
        );
      }),
    ),
    'landbridge connector schema hr',
  );
  example(
    common(
      connector
        .command('space')
        .description('Entries of the connector space')
        .argument('<connector>')
        .argument('<object type>')
        .option('--limit <number>', 'entries to show', wholeNumber(1, 1000), '20')
        .option('--after <id>', 'go on after this entry', wholeNumber(0)),
    ).action(
      onHost<[string, string]>(async (host, options, name, type) => {
        const after = options['after'] === undefined ? '' : `&after=${String(options['after'])}`;
        const page = await host.get<{ readonly total: number; readonly rows: readonly (Json & { readonly attributes: Json })[] }>(
          `/connectors/${encodeURIComponent(name)}/space/${encodeURIComponent(type)}?limit=${String(options['limit'])}${after}`,
        );
        print(
          options,
          page,
          () =>
            `${table(
              ['id', 'anchor', 'SCIM id', 'attributes'],
              page.rows.map((row) => [String(row['id']), String(row['anchor'] ?? '(pending)'), String(row['scimId']), JSON.stringify(row.attributes)]),
            )}\n${page.rows.length} of ${page.total}`,
        );
      }),
    ),
    'landbridge connector space hr person --limit 5',
  );
}

/** A connector of a file, or of the configuration that the host has in force. */
async function loadConfigured(name: string, options: { readonly config?: string; readonly data?: string }): Promise<LoadedConnector> {
  if (options.config !== undefined) return loadFromFile(name, options.config);
  const host = connectHost(options.data);
  try {
    const { text, folder } = await host.get<{ readonly text: string; readonly folder: string }>('/configuration');
    return await loadConnector(name, { text, file: 'the configuration in force', folder });
  } finally {
    await host.close();
  }
}
