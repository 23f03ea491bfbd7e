import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Capabilities, type Connector, defaultCapabilities } from '@landbridge/connector-sdk';
import type { ConfigurationDocument, toConnectorConfiguration } from '@landbridge/server';
import { moduleOf } from './connector-test.ts';
import { reference, silentLog } from './without-host.ts';

const REFERENCES = new RegExp(reference, 'g');

/** Values that are elsewhere are not needed to know what a connector can do, and need not be there where a configuration is checked. */
function withoutReferences<Part>(part: Part): Part {
  // Text by text: over the whole JSON, a reference that is not closed would reach to the next brace of the document.
  return JSON.parse(JSON.stringify(part), (_name, value: unknown) => (typeof value === 'string' ? value.replace(REFERENCES, 'elsewhere') : value)) as Part;
}

/**
 * Connectors of a document whose deltas do not see deletes, where no full import is scheduled. A package that is not on this
 * machine says nothing here: the host that has it does, when the document is applied.
 */
export async function findMissedDeletes(document: ConfigurationDocument, file: string): Promise<readonly string[]> {
  const { folderOf, missedDeletes, toConnectorConfiguration: configure } = await import('@landbridge/server');
  const warnings: string[] = [];
  for (const [name, written] of Object.entries(document.connectors)) {
    const configuration = configure(name, withoutReferences(written), folderOf(file));
    // A package is asked only where its answer matters: for DLLs that starts a worker.
    if (missedDeletes(configuration, { ...defaultCapabilities, deltaImport: true, deltaMissesDeletes: true }) === undefined) continue;
    const declared = await askCapabilities(name, configuration);
    const warning = declared === undefined ? undefined : missedDeletes(configuration, { ...defaultCapabilities, ...declared });
    if (warning !== undefined) warnings.push(`connectors.${name}: ${warning}`);
  }
  return warnings;
}

/** What the package of a connector can do; `undefined` where it is not on this machine, or cannot be asked without its secrets. */
async function askCapabilities(name: string, configuration: ReturnType<typeof toConnectorConfiguration>): Promise<Partial<Capabilities> | undefined> {
  const connector = await loadIfThere(configuration.package);
  if (connector === undefined) return undefined;
  // Not the folder of the file: connectors write into their own.
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-validate-'));
  try {
    return await connector.capabilities({
      connector: name,
      parameters: configuration.parameters,
      folder,
      log: silentLog,
    });
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function loadIfThere(name: string): Promise<Connector | undefined> {
  try {
    return ((await import(moduleOf(name))) as { readonly connector?: Connector }).connector;
  } catch {
    return undefined;
  }
}
