import { cpSync, lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Connector, type ConnectorContext, messageOf, type ParameterDefinition, type ParameterPage } from '@landbridge/connector-sdk';
import { moduleOf } from './connector-test.ts';
import { silentLog } from './without-host.ts';

/** How an imported connector fits the package that it is to run with. */
export interface PackageMatch {
  readonly connector: string;
  /** Parameters of the file that the package asks for. */
  readonly matched: number;
  /** What does not fit, a sentence each. */
  readonly differences: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

/** What the host asks for itself, beside the connector's own pages. */
const OWN = new Set(
  'directory dll class lingerSeconds hostConfiguration runtime file culture timeZone isolatedEntries fullObjects singleValued resultsApply environment capabilities connectivity global schema partitions runSteps'.split(
    ' ',
  ),
);
const REFERENCE = /\$\{(env|file|secret):/;

/**
 * Compares an imported configuration with what its package itself says: it is loaded in a worker, and asked for its parameters; and for
 * its schema where no secret is missing for that. What cannot be asked is a difference that says why.
 */
export async function matchPackage(name: string, configured: Json, folder: string): Promise<PackageMatch> {
  const scratch = mkdtempSync(join(tmpdir(), 'landbridge-match-'));
  const differences: string[] = [];
  let matched = 0;
  // Workers do not keep a process alive: this command waits for what they say.
  const alive = setInterval(() => {}, 1000);
  try {
    const { connector } = (await import(moduleOf(String(configured['package'])))) as { readonly connector: Connector };
    const parameters = configured['parameters'] as Json;
    // What it finds in its own folder at the first start; links could lead out of it.
    const { files } = configured;
    if (typeof files === 'string') cpSync(resolve(folder, files), scratch, { recursive: true, filter: (source) => !lstatSync(source).isSymbolicLink() });
    const context = contextOf(name, parameters, folder, scratch);
    for (const [page, number, values] of pagesOf(parameters)) {
      const definitions = (await connector.parameters(page, number, context)).filter(
        (one) => !OWN.has(one.name) && one.kind !== 'label' && one.kind !== 'divider',
      );
      const where = page === 'schema' ? `schema page ${number}` : page;
      const known = new Map(definitions.map((one) => [one.name, one]));
      for (const [parameter, value] of Object.entries(values)) {
        const definition = known.get(parameter);
        if (definition === undefined) differences.push(`the package does not ask for "${parameter}" (${where})`);
        else {
          matched += 1;
          differences.push(...compareValue(definition, value, where));
        }
      }
      for (const one of definitions) if (values[one.name] === undefined) differences.push(missingValue(one, where));
    }
    differences.push(...(await compareSchema(connector, context, configured)));
  } catch (error) {
    differences.push(`the package could not be asked: ${messageOf(error)}`);
  } finally {
    clearInterval(alive);
    rmSync(scratch, { recursive: true, force: true });
  }
  return { connector: name, matched, differences };
}

function contextOf(name: string, parameters: Json, folder: string, scratch: string): ConnectorContext {
  const blank = JSON.parse(JSON.stringify(parameters), (key, value: unknown) =>
    typeof value !== 'string' ? value : REFERENCE.test(value) ? '' : key === 'directory' || key === 'hostConfiguration' ? resolve(folder, value) : value,
  ) as ConnectorContext['parameters'];
  return { connector: name, parameters: blank, folder: scratch, log: silentLog };
}

function pagesOf(parameters: Json): readonly (readonly [ParameterPage, number, Json])[] {
  const page = (name: string): Json => (parameters[name] ?? {}) as Json;
  const schema = (parameters['schema'] ?? []) as readonly Json[];
  return [
    ['capabilities', 1, page('capabilities')],
    ['connectivity', 1, page('connectivity')],
    ['global', 1, page('global')],
    ...schema.map((values, index): readonly [ParameterPage, number, Json] => ['schema', index + 1, values]),
  ];
}

function compareValue(definition: ParameterDefinition, value: unknown, where: string): readonly string[] {
  if (definition.kind === 'secret' && !REFERENCE.test(String(value)))
    return [`the package takes "${definition.name}" (${where}) for a secret, and the file holds it in the clear: make it a reference`];
  if (
    definition.choices !== undefined &&
    definition.choices.length > 0 &&
    definition.extensible !== true &&
    value !== '' &&
    !definition.choices.includes(String(value))
  )
    return [`"${definition.name}" (${where}) is "${String(value)}"; the package offers ${definition.choices.join(', ')}`];
  return [];
}

function missingValue(definition: ParameterDefinition, where: string): string {
  const otherwise =
    definition.kind === 'secret'
      ? 'it is a secret'
      : definition.default === undefined || definition.default === ''
        ? 'it has no default'
        : `its default is ${JSON.stringify(definition.default)}`;
  return `the package asks for "${definition.name}" (${where}), which the file does not have; ${otherwise}`;
}

async function compareSchema(connector: Connector, context: ConnectorContext, configured: Json): Promise<readonly string[]> {
  if (REFERENCE.test(JSON.stringify(configured['parameters'])))
    return ['its schema was not compared: it may need the secrets. With them set, landbridge connector test NAME --config FILE shows it'];
  const schema = await connector.schema(context, { signal: new AbortController().signal });
  const known = new Map(schema.objectTypes.map((type) => [type.name, new Set(type.attributes.map((attribute) => attribute.name))]));
  return Object.entries(
    configured['objectTypes'] as Record<string, { readonly mapping?: Readonly<Record<string, string>>; readonly exclude?: readonly string[] }>,
  ).flatMap(([type, { mapping, exclude }]) => {
    const attributes = known.get(type);
    if (attributes === undefined) return [`the package has no object type "${type}"; it has ${[...known.keys()].join(', ')}`];
    return [...new Set([...Object.values(mapping ?? {}), ...(exclude ?? [])])]
      .filter((attribute) => !attributes.has(attribute))
      .map((attribute) => `the package has no attribute "${attribute}" of "${type}"`);
  });
}
