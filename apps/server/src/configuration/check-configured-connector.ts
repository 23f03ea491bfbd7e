import type { Connector, ConnectorContext } from '@landbridge/connector-sdk';
import { type ConnectorConfiguration, checkDescription, describeConnector } from '@landbridge/engine';

/**
 * Asks a connector in this process what the application has, and whether its configuration fits that: what keeps a host from opening
 * it is said before there is a host.
 *
 * @throws ConnectorError with the reason for a person.
 */
export async function checkConfiguredConnector(connector: Connector, context: ConnectorContext, configuration: ConnectorConfiguration): Promise<void> {
  checkDescription(configuration, await describeConnector(connector, context, new AbortController().signal));
}
