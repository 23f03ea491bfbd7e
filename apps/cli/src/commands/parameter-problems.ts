import type { Connector } from '@landbridge/connector-sdk';
import type { ConfigurationDocument, ConfigurationProblem } from '@landbridge/server';
import { moduleOf } from './connector-test.ts';
import { reference, silentLog } from './without-host.ts';

/** Packages that look at their parameters in this process, and ask nothing of the application for that. */
const OFFLINE: ReadonlySet<string> = new Set(['sql']);

/** What the packages of a document say of their parameters. What stands elsewhere, by reference, is not looked at. */
export async function findParameterProblems(document: ConfigurationDocument, text: string, file: string): Promise<readonly ConfigurationProblem[]> {
  const { folderOf, locate } = await import('@landbridge/server');
  const problems: ConfigurationProblem[] = [];
  for (const [name, { package: packageName, parameters }] of Object.entries(document.connectors)) {
    if (!OFFLINE.has(String(packageName))) continue;
    const { connector } = (await import(moduleOf(String(packageName)))) as { readonly connector: Connector };
    const context = { connector: name, parameters: parameters as never, folder: folderOf(file), log: silentLog };
    const found = ((await connector.validateParameters?.('connectivity', 1, context)) ?? []).map((problem) => ({
      ...problem,
      within: partsOf(problem.parameter),
    }));
    // What is said of a reference, and what may follow from it, is known where its value is.
    if (found.some(({ within }) => reference.test(JSON.stringify(valueAt(parameters, within)) ?? ''))) continue;
    for (const { within, ...problem } of found) {
      const path = ['connectors', name, 'parameters', ...within];
      problems.push({ ...locate(text, path), path: `connectors.${name}.parameters.${problem.parameter}`, message: problem.message });
    }
  }
  return problems;
}

/** `objectTypes.person.write.insert[0].statement` as a path. */
function partsOf(parameter: string): readonly string[] {
  return parameter.split(/\.|(?=\[)/).map((part) => part.replace(/^\[(\d+)\]$/, '$1'));
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, part) => (typeof inner === 'object' && inner !== null ? (inner as Readonly<Record<string, unknown>>)[part] : undefined),
    value,
  );
}
