import { compileSchema } from '@landbridge/connector-sdk';
import type { ConnectorConfiguration } from './configuration.ts';
import type { ConnectorDescription } from './connector-host/connector-handle.ts';
import { openConnectorHandle } from './connector-host/open-connector-handle.ts';
import { checkFlows } from './deprovisioning-flows.ts';
import { everyProblem } from './every-problem.ts';
import type { OpenConnectorOptions } from './host.ts';
import { buildModels, selectSchema } from './open-connector.ts';
import { createScope } from './scope.ts';

/**
 * Whether a configuration fits what the application has: object types, attributes, mappings, partitions.
 *
 * @throws ConnectorError with the reason for a person.
 */
export function checkDescription(configuration: ConnectorConfiguration, description: ConnectorDescription): void {
  const objectTypes = compileSchema(selectSchema(description.schema, configuration), { dnAsAnchor: description.capabilities.dnAsAnchor });
  everyProblem(
    [
      () => createScope(description.partitions, description.capabilities, configuration),
      () => checkFlows(configuration, objectTypes),
      () => buildModels('clean', configuration, objectTypes, description),
      () => buildModels('drop-in', configuration, objectTypes, description),
    ],
    (check) => check(),
  );
}

/**
 * Asks a package whether it can serve a connector as that is configured: its code loads, it takes the parameters, it has the object
 * types, attributes, mappings and partitions in use. The worker of a new version only validates: it opens no session, and `folder` is
 * a scratch folder, not the connector's own (R28).
 *
 * @throws ConnectorError with the reason for a person.
 */
export async function checkPackage({ configuration, folder, log }: Pick<OpenConnectorOptions, 'configuration' | 'folder' | 'log'>): Promise<void> {
  const handle = openConnectorHandle({
    package: configuration.package,
    connector: configuration.name,
    parameters: configuration.parameters,
    folder,
    memoryMegabytes: configuration.limits.memoryMegabytes,
    log,
  });
  try {
    checkDescription(configuration, await handle.describe());
  } finally {
    await handle.close();
  }
}
