import { type Capabilities, type Connector, type ConnectorContext, ConnectorError, type ParameterValue, type SchemaAttribute } from '@landbridge/connector-sdk';
import { defineWorkerConnector, type WorkerProgram } from '@landbridge/worker-protocol';
import { buildWorker } from './build-worker.ts';
import { type DotnetRuntime, defaultRuntime, findProgram } from './dotnet-programs.ts';
import { ownWorker, unreadSettings } from './host-configuration.ts';
import { connectorParameters, ownParameters } from './own-parameters.ts';
import { findPowerShell, needsPowerShell } from './powershell.ts';
import { privateCopy } from './private-copy.ts';

interface Ecma2Settings {
  readonly directory: string;
  readonly dll?: string;
  readonly class?: string;
  readonly hostConfiguration?: string;
  readonly runtime?: DotnetRuntime;
  readonly file?: ParameterValue;
  readonly culture?: string;
  readonly timeZone?: string;
  readonly isolatedEntries?: boolean;
  readonly fullObjects?: boolean;
  readonly singleValued?: readonly string[];
  readonly resultsApply?: 'at-close' | 'at-once';
  readonly lingerSeconds?: number | string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Compiled ECMA2 connectors: DLLs of MIM and the Entra ECMA Connector Host. The DLL's own parameters are below the page that asks for them. */
const worker = defineWorkerConnector({
  name: 'ecma2',
  version: '0.1.0',
  description: 'Compiled ECMA 2 connectors (.NET DLLs), unchanged, on Mono, .NET or .NET Framework.',
  ownParameters,
  connectorParameters,
  program,
  declared(context): Partial<Capabilities> {
    const { isolatedEntries, fullObjects, resultsApply, lingerSeconds } = readSettings(context);
    return {
      find: false,
      isolatedEntries: isolatedEntries === true,
      fullObjects: fullObjects === true,
      ...(resultsApply === undefined ? {} : { resultsApply }),
      ...(lingerSeconds === undefined ? {} : { lingerSeconds: Number(lingerSeconds) }),
    };
  },
});

/** The same, with attributes that the operator takes for single-valued, as the Entra host did: the worker brings their first value. */
export const connector: Connector = {
  ...worker,
  async schema(context, options) {
    const { singleValued = [] } = readSettings(context);
    const schema = await worker.schema(context, options);
    if (singleValued.length === 0) return schema;
    const unknown = singleValued.find((name) => !schema.objectTypes.some((type) => type.attributes.some((attribute) => attribute.name === name)));
    if (unknown !== undefined)
      throw new ConnectorError('invalid-configuration', `singleValued names the attribute "${unknown}", which no object type has`, {
        parameter: 'singleValued',
      });
    return {
      objectTypes: schema.objectTypes.map((type) => ({
        ...type,
        attributes: type.attributes.map((one) => (singleValued.includes(one.name) ? asSingle(one) : one)),
      })),
    };
  },
};

function asSingle(attribute: SchemaAttribute): SchemaAttribute {
  const single = { ...attribute, multiValued: false, firstValue: true };
  return single;
}

async function program(context: ConnectorContext): Promise<WorkerProgram> {
  const settings = readSettings(context);
  const directory = privateCopy(settings.directory, context.folder);
  const scripts = needsPowerShell(directory);
  const runtime = settings.runtime ?? (scripts && findProgram('dotnet') !== undefined && process.platform !== 'win32' ? 'dotnet' : defaultRuntime());
  const built = await buildWorker(runtime);
  const executable = settings.hostConfiguration === undefined ? built.executable : ownWorker(built.executable, settings.hostConfiguration, context.folder);
  if (settings.hostConfiguration === undefined)
    for (const name of unreadSettings(directory))
      context.log.info(
        `${name} beside the DLL is not read, as the old service did not: where the connector misses a setting, name the file with hostConfiguration`,
      );
  const values = ['--directory', directory, '--called', settings.directory];
  for (const name of ['dll', 'class', 'culture'] as const) {
    const value = settings[name];
    if (value !== undefined) values.push(`--${name}`, value);
  }
  if (settings.file !== undefined) values.push('--file', JSON.stringify(settings.file));
  const powerShell = scripts && runtime === 'dotnet' ? await findPowerShell() : undefined;
  if (powerShell !== undefined) values.push('--powershell', powerShell);
  const environment = {
    ...(settings.timeZone === undefined ? {} : { TZ: settings.timeZone }),
    // Event logs of Mono go to a folder that nobody made: away with them.
    MONO_EVENTLOG_TYPE: 'null',
    // Entries are short-lived: a nursery of this size lets most of them die young.
    MONO_GC_PARAMS: 'nursery-size=32m',
    ...settings.environment,
  };
  if (runtime === 'net48') return { command: executable, values, environment };
  const host = findProgram(runtime);
  if (host === undefined)
    throw new ConnectorError(
      'invalid-configuration',
      runtime === 'mono'
        ? 'there is no Mono to run the connector: install the Debian packages mono-runtime and libmono-system-core4.0-cil, or set runtime to dotnet'
        : 'there is no .NET runtime to run the connector: install it, or set runtime to mono',
      { parameter: 'runtime' },
    );
  // Stack traces with lines where symbols are there; generational GC as it comes.
  return { command: host, values: runtime === 'mono' ? ['--debug', executable, ...values] : [executable, ...values], environment };
}

function readSettings({ parameters }: ConnectorContext): Ecma2Settings {
  const { directory } = parameters;
  if (typeof directory !== 'string')
    throw new ConnectorError('invalid-configuration', "the parameter directory is missing: it names the folder with the connector's DLL", {
      parameter: 'directory',
    });
  const known = new Set(ownParameters.map((one) => one.name));
  const unknown = Object.keys(parameters).find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ConnectorError(
      'invalid-configuration',
      `there is no parameter "${unknown}"; the connector's own stand below their page, such as connectivity: { "${unknown}": … }`,
      {
        parameter: unknown,
      },
    );
  return { ...(parameters as unknown as Ecma2Settings), directory };
}
