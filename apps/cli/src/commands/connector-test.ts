import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Connector, type ConnectorContext, ConnectorError } from '@landbridge/connector-sdk';
import type { toConnectorConfiguration } from '@landbridge/server';
import { provideSdk } from '@landbridge/server/provide-sdk';
import { CommandError, exitCode } from '../admin-client.ts';
import type { CommonOptions } from '../output.ts';
import { showTest, type TestLine } from '../show-test.ts';
import { readText } from './command.ts';
import { silentLog } from './without-host.ts';

/** A connector of a configuration, loaded into this process. */
export interface LoadedConnector {
  readonly connector: Connector;
  readonly context: ConnectorContext;
  /** URL of its module. */
  readonly module: string;
  readonly configuration: ReturnType<typeof toConnectorConfiguration>;
}

/** Loads a connector of a configuration text. @throws CommandError naming what is wrong and where. */
export async function loadConnector(name: string, source: { readonly text: string; readonly file: string; readonly folder: string }): Promise<LoadedConnector> {
  const { formatProblem, parseConfiguration, toConnectorConfiguration } = await import('@landbridge/server');
  const parsed = parseConfiguration(source.text);
  if (parsed.document === undefined) throw new CommandError(exitCode.failed, parsed.problems.map((problem) => formatProblem(source.file, problem)).join('\n'));
  const configured = parsed.document.connectors[name];
  if (configured === undefined)
    throw new CommandError(exitCode.usage, `${source.file} has no connector "${name}"; it has ${Object.keys(parsed.document.connectors).join(', ')}`);
  const configuration = toConnectorConfiguration(name, configured, source.folder);
  const module = moduleOf(configuration.package);
  const loaded = (await import(module)) as { readonly connector?: Connector };
  if (loaded.connector === undefined) throw new CommandError(exitCode.failed, `the package "${configuration.package}" does not export a connector`);
  return {
    connector: loaded.connector,
    configuration,
    module,
    context: { connector: name, parameters: configuration.parameters, folder: tmpdir(), log: silentLog },
  };
}

/** A connector of a configuration file. */
export async function loadFromFile(name: string, file: string): Promise<LoadedConnector> {
  const { folderOf } = await import('@landbridge/server');
  return loadConnector(name, { text: readText(file), file, folder: folderOf(file) });
}

/** The layers of the connection, and then whether the mapping fits what the application has: a host would not open it otherwise. */
async function* testLayers(connector: Connector, context: ConnectorContext, configuration: LoadedConnector['configuration']): AsyncGenerator<TestLine> {
  const { signal } = new AbortController();
  if (connector.test === undefined) yield { layer: 'schema', status: 'skipped', message: 'the connector has no test of its connection', milliseconds: 0 };
  for await (const line of connector.test?.(context, { signal }) ?? []) {
    yield line;
    if (line.status === 'failed') return;
  }
  const started = performance.now();
  const problem = await problemOf(connector, context, configuration);
  const milliseconds = Math.round(performance.now() - started);
  if (problem !== undefined) yield { layer: 'mapping', status: 'failed', message: problem, milliseconds };
  else yield { layer: 'mapping', status: 'passed', message: 'the mapping fits what the application has', milliseconds };
}

/** What would keep a host from opening the connector. */
async function problemOf(connector: Connector, context: ConnectorContext, configuration: LoadedConnector['configuration']): Promise<string | undefined> {
  const { checkConfiguredConnector } = await import('@landbridge/server');
  try {
    await checkConfiguredConnector(connector, context, configuration);
    return undefined;
  } catch (error) {
    if (error instanceof ConnectorError) return error.message;
    throw error;
  }
}

/** Tests a connector of a configuration file in this process, without a host. */
export async function testOffline(name: string, options: CommonOptions & { readonly config: string }): Promise<void> {
  const { connector, context, configuration } = await loadFromFile(name, options.config);
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-test-'));
  try {
    await showTest(options, testLayers(connector, { ...context, folder }, configuration));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The URL of the module of a package; what it imports of the SDK is found from there on. */
export function moduleOf(name: string): string {
  provideSdk();
  if (isAbsolute(name)) return pathToFileURL(name).href;
  if (!/^[a-z0-9-]+$/.test(name)) return name;
  try {
    return import.meta.resolve(`@landbridge/connector-${name}`);
  } catch {
    throw new CommandError(exitCode.failed, `the connector package "${name}" is not installed; built in is sql, or give the path of a module`);
  }
}
