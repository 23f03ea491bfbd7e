import { type Connector, defaultCapabilities } from '@landbridge/connector-sdk';
import type { ConfigurationDocument } from '@landbridge/server';
import { moduleOf } from './connector-test.ts';

const REFERENCE = /\$\{(?:env|file|secret):[^}\r\n]+\}/g;

/** Values that are elsewhere are not needed to know what a connector can do, and need not be there where a configuration is checked. */
function withoutReferences<Part>(part: Part): Part {
  return JSON.parse(JSON.stringify(part).replace(REFERENCE, 'elsewhere')) as Part;
}

/**
 * Connectors of a document whose deltas do not see deletes, where no full import is scheduled. A package that is not on this
 * machine says nothing here: the host that has it does, when the document is applied.
 */
export async function findMissedDeletes(document: ConfigurationDocument, file: string): Promise<readonly string[]> {
  const { folderOf, missedDeletes, toConnectorConfiguration } = await import('@landbridge/server');
  const warnings: string[] = [];
  for (const [name, written] of Object.entries(document.connectors)) {
    const configuration = toConnectorConfiguration(name, withoutReferences(written), folderOf(file));
    const connector = await loadIfThere(configuration.package);
    if (connector === undefined) continue;
    const silent = (): void => {};
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const declared = await connector.capabilities({ connector: name, parameters: configuration.parameters, folder: folderOf(file), log });
    const warning = missedDeletes(configuration, { ...defaultCapabilities, ...declared });
    if (warning !== undefined) warnings.push(`connectors.${name}: ${warning}`);
  }
  return warnings;
}

async function loadIfThere(name: string): Promise<Connector | undefined> {
  try {
    return ((await import(moduleOf(name))) as { readonly connector?: Connector }).connector;
  } catch {
    return undefined;
  }
}
