import { CommandError, exitCode } from '../admin-client.ts';
import { loadFromFile } from './connector-test.ts';
import { loadPackage } from './load-package.ts';

/** Prints the script that lets an application log its changes. */
export async function printDeltaScript(name: string, options: { readonly config: string; readonly json?: boolean }): Promise<void> {
  const { context, configuration } = await loadFromFile(name, options.config);
  const { deltaScript } = await loadPackage(configuration.package);
  if (deltaScript === undefined) throw new CommandError(exitCode.usage, `the package "${configuration.package}" has no script for deltas`);
  const script = await deltaScript(context);
  process.stdout.write(options.json ? `${JSON.stringify({ script })}\n` : script);
}
