import type { ConnectorContext, ScaffoldRequest } from '@landbridge/connector-sdk';
import { CommandError, exitCode } from '../admin-client.ts';
import { moduleOf } from './connector-test.ts';

/** What the module of a connector package exports beside its connector. */
interface PackageModule {
  readonly scaffold?: (request: ScaffoldRequest) => Promise<string>;
  readonly deltaScript?: (context: ConnectorContext) => Promise<string>;
}

/** Loads a package by its short name, its full name, or its path, in this process. */
export async function loadPackage(name: string): Promise<PackageModule> {
  try {
    return (await import(moduleOf(name))) as PackageModule;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') throw new CommandError(exitCode.usage, `there is no connector package "${name}"`);
    throw error;
  }
}
