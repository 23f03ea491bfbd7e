import { type Connector, type ConnectorContext, ConnectorError, defaultCapabilities } from '@landbridge/connector-sdk';
import { type ConnectorConfiguration, checkDescription } from '@landbridge/engine';

/**
 * Asks a connector in this process what the application has, and whether its configuration fits that: what keeps a host from opening
 * it is said before there is a host.
 *
 * @throws ConnectorError with the reason for a person.
 */
export async function checkConfiguredConnector(connector: Connector, context: ConnectorContext, configuration: ConnectorConfiguration): Promise<void> {
  const options = { signal: new AbortController().signal };
  const [problem] = (await connector.validateParameters?.('connectivity', 1, context)) ?? [];
  if (problem !== undefined)
    throw new ConnectorError(
      'invalid-configuration',
      problem.parameter === '' ? problem.message : `parameter ${problem.parameter}: ${problem.message}`,
      problem,
    );
  const capabilities = { ...defaultCapabilities, ...(await connector.capabilities(context)) };
  const schema = await connector.schema(context, options);
  const partitions = capabilities.partitions && connector.partitions !== undefined ? await connector.partitions(context, options) : [];
  checkDescription(configuration, { name: connector.name, version: connector.version, capabilities, schema, partitions });
}
