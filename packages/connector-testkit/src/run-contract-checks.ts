import {
  type Attributes,
  type Capabilities,
  type CompiledObjectType,
  type Connector,
  type ConnectorContext,
  compileSchema,
  defaultCapabilities,
  messageOf,
  type Schema,
} from '@landbridge/connector-sdk';
import { contractChecks } from './contract-checks.ts';

/** What the kit needs to check a connector: the connector, its parameters, and a seeded application to play with. */
export interface ContractHarness {
  readonly connector: Connector;
  readonly context: ConnectorContext;
  /** The object type that is written to. */
  readonly objectType: string;
  /** Attributes of a new entry of that type, different at each call; without an anchor that the application assigns. */
  sample(): Attributes;
  /** The name of an attribute that may change freely, and two values for it. */
  readonly change: { readonly attribute: string; readonly values: readonly [string, string] };
  /** A unique attribute, where the application has one. */
  readonly unique?: string;
  /** Path or URL of the connector's module: lets the kit load it in a process of its own and kill that (R17). */
  readonly module?: string;
  /** The same connector with parameters that lead nowhere: its errors must say so, and give no secret away. */
  readonly unreachable?: ConnectorContext;
  /** Values of secret parameters of {@link unreachable}. */
  readonly secrets?: readonly string[];
}

/** The harness with everything that checks ask for again and again. */
export interface PreparedHarness extends ContractHarness {
  readonly capabilities: Capabilities;
  readonly schema: Schema;
  readonly type: CompiledObjectType;
  /** Aborted when the time of the check is up. */
  readonly signal: AbortSignal;
}

/** One thing that the contract asks of a connector. */
export interface ContractCheck {
  readonly id: string;
  readonly title: string;
  applies(harness: PreparedHarness): boolean;
  /** Throws when the connector does not do it. */
  run(harness: PreparedHarness): Promise<void>;
}

/** The outcome of one check. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'not-applicable';
  /** Why it failed. */
  readonly message?: string;
  readonly milliseconds: number;
}

/** How the checks are run. */
export interface ContractOptions {
  /** These checks alone, by identifier. Default: all. */
  readonly only?: readonly string[];
  /** How long one check may take. Default is 120 seconds. */
  readonly secondsPerCheck?: number;
  /** Told of each outcome as it comes. */
  onResult?(result: CheckResult): void;
}

/**
 * Runs every check that the capabilities of the connector call for, one after the other. A failed check does not end the rest.
 *
 * @throws Error when the schema lacks the object type of the harness, or `only` names a check that does not exist.
 */
export async function runContractChecks(harness: ContractHarness, options: ContractOptions = {}): Promise<readonly CheckResult[]> {
  const { connector, context } = harness;
  const capabilities = { ...defaultCapabilities, ...(await connector.capabilities(context)) };
  const schema = await connector.schema(context, { signal: new AbortController().signal });
  const type = compileSchema(schema, { dnAsAnchor: capabilities.dnAsAnchor }).get(harness.objectType);
  if (type === undefined)
    throw new Error(`the schema has no object type "${harness.objectType}"; it has ${schema.objectTypes.map((one) => one.name).join(', ')}`);
  const unknown = options.only?.find((id) => !contractChecks.some((check) => check.id === id));
  if (unknown !== undefined) throw new Error(`there is no check "${unknown}"`);
  const results: CheckResult[] = [];
  for (const check of contractChecks) {
    if (options.only !== undefined && !options.only.includes(check.id)) continue;
    const result = await runCheck(check, { ...harness, capabilities, schema, type }, (options.secondsPerCheck ?? 120) * 1000);
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

async function runCheck(check: ContractCheck, harness: Omit<PreparedHarness, 'signal'>, limitMilliseconds: number): Promise<CheckResult> {
  const { id, title } = check;
  const controller = new AbortController();
  const prepared: PreparedHarness = { ...harness, signal: controller.signal };
  if (!check.applies(prepared)) return { id, title, status: 'not-applicable', milliseconds: 0 };
  const started = performance.now();
  const took = (): number => Math.round(performance.now() - started);
  let timer: NodeJS.Timeout | undefined;
  try {
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        controller.abort();
        reject(new Error(`nothing within ${limitMilliseconds / 1000} seconds`));
      }, limitMilliseconds);
    });
    await Promise.race([check.run(prepared), limit]);
    return { id, title, status: 'passed', milliseconds: took() };
  } catch (error) {
    return { id, title, status: 'failed', message: messageOf(error), milliseconds: took() };
  } finally {
    clearTimeout(timer);
  }
}
