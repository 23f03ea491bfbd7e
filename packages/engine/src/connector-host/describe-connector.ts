import { type Connector, type ConnectorContext, ConnectorError, defaultCapabilities } from '@landbridge/connector-sdk';
import type { ConnectorDescription } from './connector-handle.ts';

/**
 * Asks a connector for all that the host must know of it, after its word on the parameters.
 *
 * @throws ConnectorError `invalid-configuration` with what it says of a parameter; whatever it throws itself.
 */
export async function describeConnector(connector: Connector, context: ConnectorContext, signal: AbortSignal): Promise<ConnectorDescription> {
  const [problem] = (await connector.validateParameters?.('connectivity', 1, context)) ?? [];
  if (problem !== undefined)
    throw new ConnectorError('invalid-configuration', problem.parameter === '' ? problem.message : `parameter ${problem.parameter}: ${problem.message}`, {
      parameter: problem.parameter,
    });
  const capabilities = { ...defaultCapabilities, ...(await connector.capabilities(context)) };
  const schema = await connector.schema(context, { signal });
  const partitions = capabilities.partitions && connector.partitions !== undefined ? await connector.partitions(context, { signal }) : [];
  return { name: connector.name, version: connector.version, capabilities, schema, partitions, batches: connector.exportBatch !== undefined };
}
