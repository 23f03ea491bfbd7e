import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Connector, ConnectorContext } from '@landbridge/connector-sdk';
import { CommandError, exitCode } from '../admin-client.ts';
import type { CommonOptions } from '../output.ts';
import { showTest } from '../show-test.ts';

/** Tests a connector of a configuration file in this process, without a host. */
export async function testOffline(name: string, options: CommonOptions & { readonly config: string }): Promise<void> {
  const { folderOf, formatProblem, parseConfiguration, toConnectorConfiguration } = await import('@landbridge/server');
  if (!existsSync(options.config)) throw new CommandError(exitCode.usage, `the file ${options.config} does not exist`);
  const parsed = parseConfiguration(readFileSync(options.config, 'utf8'));
  if (parsed.document === undefined)
    throw new CommandError(exitCode.failed, parsed.problems.map((problem) => formatProblem(options.config, problem)).join('\n'));
  const configured = parsed.document.connectors[name];
  if (configured === undefined)
    throw new CommandError(exitCode.usage, `${options.config} has no connector "${name}"; it has ${Object.keys(parsed.document.connectors).join(', ')}`);
  const configuration = toConnectorConfiguration(name, configured, folderOf(options.config));
  const connector = await load(configuration.package);
  const quiet = (): void => {};
  const context: ConnectorContext = {
    connector: name,
    parameters: configuration.parameters,
    folder: mkdtempSync(join(tmpdir(), 'landbridge-test-')),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  };
  if (connector.test === undefined) throw new CommandError(exitCode.failed, `the package "${configuration.package}" has no connection test`);
  await showTest(options, connector.test(context, { signal: new AbortController().signal }));
}

async function load(name: string): Promise<Connector> {
  const module = isAbsolute(name) ? pathToFileURL(name).href : /^[a-z0-9-]+$/.test(name) ? `@landbridge/connector-${name}` : name;
  const loaded = (await import(module)) as { readonly connector?: Connector };
  if (loaded.connector === undefined) throw new CommandError(exitCode.failed, `the package "${name}" does not export a connector`);
  return loaded.connector;
}
