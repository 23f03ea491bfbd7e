import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attributes, Connector, ConnectorContext, SchemaAttribute, SchemaObjectType, Value } from '@landbridge/connector-sdk';
import { type CheckResult, runContractChecks } from '@landbridge/connector-testkit';
import { CommandError, exitCode } from '../admin-client.ts';
import { type CommonOptions, style } from '../output.ts';
import { readText } from './command.ts';
import type { LoadedConnector } from './connector-test.ts';

/** Options of `landbridge connector test --contract`. */
export interface ContractCommandOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly type?: string;
  readonly attribute?: string;
  readonly sample?: string;
  readonly only?: string;
}

/**
 * Runs the contract test kit against a configured connector. The kit adds, changes and deletes entries of its own, and what it
 * leaves is deleted at the end; so a live connector is refused without `--yes`, and one in another mode always.
 */
export async function testContract(name: string, loaded: LoadedConnector, options: ContractCommandOptions): Promise<void> {
  const { connector, configuration } = loaded;
  if (configuration.mode !== 'live')
    throw new CommandError(
      exitCode.refused,
      `the connector "${name}" is in mode ${configuration.mode}: nothing may be written to its application, and the contract kit writes`,
      'check a copy of the application with a configuration of its own',
    );
  if (options.yes !== true)
    throw new CommandError(
      exitCode.refused,
      `the connector "${name}" is live: the contract kit would add, change and delete entries of its own in the application`,
      `use a test system; where that is meant: landbridge connector test ${name} --contract --yes`,
    );
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-contract-'));
  const context = { ...loaded.context, folder };
  try {
    const type = await chooseType(connector, context, options.type ?? configuration.objectTypes[0]?.objectType);
    const samples = makeSamples(type, options.sample === undefined ? {} : await readSample(options.sample));
    const results = await runContractChecks(
      {
        connector,
        context,
        objectType: type.name,
        module: loaded.module,
        sample: samples.next,
        change: { attribute: changeable(type, options.attribute), values: ['first', 'second'] },
        ...(samples.unique === undefined ? {} : { unique: samples.unique }),
      },
      {
        ...(options.only === undefined ? {} : { only: options.only.split(',') }),
        onResult: (result) => {
          if (!options.json) process.stdout.write(`${line(result)}\n`);
        },
      },
    );
    const left = await removeLeftovers(connector, context, type, samples.mark);
    report(options, results, left);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function chooseType(connector: Connector, context: ConnectorContext, wanted: string | undefined): Promise<SchemaObjectType> {
  const { objectTypes } = await connector.schema(context, { signal: new AbortController().signal });
  const type = objectTypes.find((one) => one.name === wanted);
  if (type === undefined)
    throw new CommandError(exitCode.usage, `there is no object type "${wanted ?? ''}"`, `there are ${objectTypes.map((one) => one.name).join(', ')}`);
  return type;
}

const isWritable = (attribute: SchemaAttribute): boolean => attribute.assigned !== true && attribute.direction !== 'import-only';

/** An attribute that may change freely: a single text that nothing depends on. */
function changeable(type: SchemaObjectType, wanted: string | undefined): string {
  const free = type.attributes.filter(
    (one) =>
      isWritable(one) &&
      one.direction !== 'export-only' &&
      one.type === 'string' &&
      one.multiValued !== true &&
      one.anchor !== true &&
      one.unique !== true &&
      one.required !== true,
  );
  const found = wanted === undefined ? free[0] : free.find((one) => one.name === wanted);
  if (found !== undefined) return found.name;
  throw new CommandError(
    exitCode.usage,
    wanted === undefined
      ? `"${type.name}" has no text attribute that the kit may change freely`
      : `"${wanted}" is no text attribute that the kit may change freely`,
    free.length === 0 ? 'choose another object type with --type' : `there are ${free.map((one) => one.name).join(', ')}`,
  );
}

interface Samples {
  next(): Attributes;
  readonly unique: string | undefined;
  /** What every text that the kit invents begins with: how its leftovers are recognised. */
  readonly mark: string;
}

/** Entries that the application should take: what is required, unique or in the anchor gets a value; the file overrides. */
function makeSamples(type: SchemaObjectType, fixed: Readonly<Record<string, unknown>>): Samples {
  const mark = `lb${randomBytes(3).toString('hex')}`;
  const needed = type.attributes.filter((one) => isWritable(one) && (one.required === true || one.unique === true || one.anchor === true));
  const reference = needed.find((one) => one.type === 'reference' && fixed[one.name] === undefined);
  if (reference !== undefined)
    throw new CommandError(
      exitCode.usage,
      `"${reference.name}" of "${type.name}" is a reference that a new entry must have`,
      `name an entry in a file: --sample sample.yaml with ${reference.name}: VALUE`,
    );
  const unique = needed.find((one) => one.unique === true && one.type === 'string')?.name;
  const text = needed.find((one) => one.type === 'string') ?? type.attributes.find((one) => isWritable(one) && one.type === 'string');
  let count = 0;
  const invent = (attribute: SchemaAttribute): Value => {
    if (attribute.type === 'integer') return BigInt(Date.now() % 1_000_000) * 1000n + BigInt(count);
    if (attribute.type === 'boolean') return count % 2 === 0;
    return attribute.type === 'binary' ? new Uint8Array([count % 256, 0, 255]) : `${mark}${count}`;
  };
  return {
    mark,
    unique,
    next() {
      count += 1;
      const invented = [...new Set([...needed, ...(text === undefined ? [] : [text])])].map((one) => [one.name, invent(one)] as const);
      const given = Object.entries(fixed).map(([name, value]) => [name, givenValue(value, `${mark}${count}`)] as const);
      return Object.fromEntries([...invented, ...given]);
    },
  };
}

/** A value of the sample file; `{n}` in a text becomes what is different at each entry. */
function givenValue(value: unknown, different: string): Value | readonly Value[] {
  if (Array.isArray(value)) return value.map((one) => givenValue(one, different) as Value);
  if (typeof value === 'number') return BigInt(Math.trunc(value));
  return typeof value === 'boolean' ? value : String(value).replaceAll('{n}', different);
}

async function readSample(file: string): Promise<Readonly<Record<string, unknown>>> {
  const { parse } = await import('yaml');
  const sample: unknown = parse(readText(file));
  if (typeof sample !== 'object' || sample === null || Array.isArray(sample))
    throw new CommandError(exitCode.usage, `${file} must hold attributes and their values`, 'such as: login: test{n}');
  return sample as Readonly<Record<string, unknown>>;
}

/** Deletes what checks left behind: entries with a text that begins with the mark of this run. */
async function removeLeftovers(connector: Connector, context: ConnectorContext, type: SchemaObjectType, mark: string): Promise<number> {
  if (connector.openImport === undefined || connector.openExport === undefined) return 0;
  const { signal } = new AbortController();
  const schema = { objectTypes: [type] };
  const left: Attributes[] = [];
  const session = await connector.openImport(context, { kind: 'full', schema, pageSize: 100, signal });
  for (let more = true; more; ) {
    const page = await session.readPage({ signal });
    for (const entry of page.entries)
      if (Object.values({ ...entry.anchor, ...entry.attributes }).some((value) => typeof value === 'string' && value.startsWith(mark))) left.push(entry.anchor);
    more = page.more;
  }
  await session.close('normal');
  if (left.length === 0) return 0;
  const out = await connector.openExport(context, { kind: 'delta', schema, batchSize: 1, signal });
  let removed = 0;
  for (const anchor of left) {
    const [result] = await out.put([{ id: 'd', modification: 'delete', objectType: type.name, anchor, changes: [] }], { signal });
    if (result?.error === undefined) removed += 1;
  }
  await out.close('normal');
  return removed;
}

function line({ id, title, status, message, milliseconds }: CheckResult): string {
  const mark = status === 'passed' ? style.good('✓') : status === 'failed' ? style.bad('✗') : style.dim('-');
  const why = message === undefined ? '' : `\n    ${style.bad(message)}`;
  return `${mark} ${id.padEnd(20)} ${title} ${style.dim(status === 'not-applicable' ? 'does not apply' : `${milliseconds} ms`)}${why}`;
}

function report(options: CommonOptions, results: readonly CheckResult[], removed: number): void {
  const count = (status: CheckResult['status']): number => results.filter((one) => one.status === status).length;
  const passed = count('failed') === 0;
  if (options.json) process.stdout.write(`${JSON.stringify({ passed, removed, results }, undefined, 2)}\n`);
  else
    process.stdout.write(
      `\n${passed ? style.good('the contract is kept') : style.bad('the contract is broken')}: ${count('passed')} passed, ${count('failed')} failed, ${count('not-applicable')} do not apply; ${removed} entries of the kit deleted again\n`,
    );
  if (!passed) process.exitCode = exitCode.failed;
}
