import {
  type Attributes,
  type Capabilities,
  type CompiledObjectType,
  type Connector,
  type ConnectorContext,
  compileSchema,
  defaultCapabilities,
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
}

/** Runs every check that the capabilities of the connector call for. */
export async function runContractChecks(harness: ContractHarness): Promise<readonly CheckResult[]> {
  const { connector, context } = harness;
  const capabilities = { ...defaultCapabilities, ...(await connector.capabilities(context)) };
  const schema = await connector.schema(context, { signal: new AbortController().signal });
  const type = compileSchema(schema, { dnAsAnchor: capabilities.dnAsAnchor }).get(harness.objectType);
  if (type === undefined) throw new Error(`the schema has no object type "${harness.objectType}"`);
  const prepared: PreparedHarness = { ...harness, capabilities, schema, type };
  const results: CheckResult[] = [];
  for (const { id, title, applies, run } of contractChecks) {
    if (!applies(prepared)) {
      results.push({ id, title, status: 'not-applicable' });
      continue;
    }
    try {
      await run(prepared);
      results.push({ id, title, status: 'passed' });
    } catch (error) {
      results.push({ id, title, status: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }
  return results;
}
