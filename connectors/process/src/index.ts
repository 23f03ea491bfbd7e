import { ConnectorError, type ParameterDefinition, type Parameters } from '@landbridge/connector-sdk';
import { defineWorkerConnector } from '@landbridge/worker-protocol';

const ownParameters: readonly ParameterDefinition[] = [
  {
    name: 'command',
    kind: 'string',
    required: true,
    label: 'Program',
    description: 'A program that speaks the wire protocol (docs/reference/wire-protocol.md)',
  },
  { name: 'arguments', kind: 'structure', label: 'Arguments', schema: { type: 'array', items: { type: 'string' } } },
  { name: 'environment', kind: 'structure', label: 'Environment variables', schema: { type: 'object', additionalProperties: { type: 'string' } } },
  { name: 'parameters', kind: 'structure', label: "The program's own parameters", schema: { type: 'object' } },
];

/** A connector in any language: a program that speaks the wire protocol. Its own parameters stand below `parameters`. */
export const connector = defineWorkerConnector({
  name: 'process',
  version: '0.1.0',
  description: 'A connector in any language: a program that speaks the wire protocol.',
  ownParameters,
  connectorParameters: ({ parameters }) =>
    typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters) ? (parameters as Parameters) : {},
  program({ parameters }) {
    const { command, arguments: values, environment } = parameters;
    if (typeof command !== 'string')
      return Promise.reject(
        new ConnectorError('invalid-configuration', 'the parameter command is missing: it names the program to start', { parameter: 'command' }),
      );
    return Promise.resolve({
      command,
      values: Array.isArray(values) ? values.map(String) : [],
      environment: (environment ?? {}) as Readonly<Record<string, string>>,
    });
  },
});
