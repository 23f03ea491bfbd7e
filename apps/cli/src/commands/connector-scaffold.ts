import { existsSync, writeFileSync } from 'node:fs';
import { CommandError, exitCode } from '../admin-client.ts';
import { loadPackage } from './load-package.ts';

/** Proposes a configuration for an application, on the standard output or into a new file. */
export async function scaffoldConnector(
  packageName: string,
  options: { readonly url: string; readonly name: string; readonly schema?: string; readonly out?: string; readonly json?: boolean },
): Promise<void> {
  const { scaffold } = await loadPackage(packageName);
  if (scaffold === undefined) throw new CommandError(exitCode.usage, `the package "${packageName}" cannot propose a configuration`);
  if (options.out !== undefined && existsSync(options.out))
    throw new CommandError(exitCode.usage, `the file ${options.out} exists already`, 'name another file with --out');
  const password = process.env[`${options.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_PASSWORD`];
  const text = await scaffold({
    url: options.url,
    name: options.name,
    ...(options.schema === undefined ? {} : { schema: options.schema }),
    ...(password === undefined ? {} : { password }),
  });
  if (options.out !== undefined) writeFileSync(options.out, text, { mode: 0o600 });
  if (options.json) process.stdout.write(`${JSON.stringify(options.out === undefined ? { text } : { file: options.out })}\n`);
  else if (options.out === undefined) process.stdout.write(text);
}
