import type { ParameterDefinition, Parameters, ParameterValue } from '@landbridge/connector-sdk';
import type { ParameterUse } from '@landbridge/worker-protocol';

const page = (name: string, description: string): ParameterDefinition => ({
  name,
  kind: 'structure',
  description,
  schema: { type: 'object', additionalProperties: { type: ['string', 'boolean', 'number'] } },
});

const text = { type: 'string' };

/** What the designer of the old engine asked for files; each member but `format` has a default. */
const fileFormat = {
  type: 'object',
  additionalProperties: false,
  properties: {
    format: { type: 'string', enum: ['avp', 'delimited', 'fixed-width', 'ldif'] },
    encoding: text,
    delimiter: text,
    qualifier: text,
    valueSeparator: text,
    header: { type: 'boolean' },
    columns: {
      type: 'array',
      items: { type: ['string', 'object'], properties: { name: text, width: { type: 'integer', minimum: 1 } }, additionalProperties: false },
    },
    dn: text,
    objectType: text,
    changeType: { type: 'object', additionalProperties: false, properties: { attribute: text, add: text, modify: text, delete: text } },
    objectTypes: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: { anchor: { type: 'array', items: text }, attributes: { type: 'object', additionalProperties: text } },
      },
    },
  },
} as const;

/** What the host itself asks for; the DLL's own parameters stand below the page on which it asks for them. */
export const ownParameters: readonly ParameterDefinition[] = [
  { name: 'directory', kind: 'string', required: true, label: 'Folder of the package', description: "The connector's DLL and everything beside it" },
  { name: 'dll', kind: 'string', label: 'DLL', description: 'Needed where several of the folder are connectors' },
  { name: 'class', kind: 'string', label: 'Class', description: 'Needed where several implement the same interface' },
  {
    name: 'hostConfiguration',
    kind: 'file',
    label: 'Configuration file of the old service',
    description: 'Settings, connection strings and endpoints that the DLL reads',
  },
  {
    name: 'runtime',
    kind: 'drop-down',
    choices: ['mono', 'dotnet', 'net48'],
    label: 'Runtime',
    description: 'Default: net48 on Windows; dotnet for connectors that run PowerShell; else mono, else dotnet',
  },
  {
    name: 'file',
    kind: 'structure',
    label: 'File format',
    description: 'How a file-based connector writes and reads its files (IMAExtensible2FileImport, IMAExtensible2FileExport)',
    schema: fileFormat,
  },
  { name: 'culture', kind: 'string', label: 'Culture', description: 'Such as de-DE; default: that of the service' },
  { name: 'timeZone', kind: 'string', label: 'Time zone', description: 'Such as Europe/Berlin; default: that of the service' },
  {
    name: 'isolatedEntries',
    kind: 'checkbox',
    label: 'Bad entries leave their neighbours alone',
    description: 'Batches may then have more than one entry (R18)',
  },
  {
    name: 'fullObjects',
    kind: 'checkbox',
    label: 'Brings whole objects that it is asked for',
    description: 'FullObjectEntries of GetImportEntries: what a delta updated and the host does not have',
  },
  {
    name: 'singleValued',
    kind: 'structure',
    label: 'Attributes taken for single-valued',
    description: 'Names; of several values the first is taken, and a write replaces them all',
    schema: { type: 'array', items: text },
  },
  { name: 'resultsApply', kind: 'drop-down', choices: ['at-close', 'at-once'], label: 'When results count', description: 'Default: at-close (R17)' },
  {
    name: 'lingerSeconds',
    kind: 'string',
    label: 'Seconds the application may go on with a lost call',
    description: 'Until then its absence proves nothing (R14)',
  },
  { name: 'environment', kind: 'structure', label: 'Environment variables', schema: { type: 'object', additionalProperties: { type: 'string' } } },
  page('capabilities', 'Parameters of the page Capabilities'),
  page('connectivity', 'Parameters of the page Connectivity'),
  page('global', 'Parameters of the page Global'),
  { name: 'schema', kind: 'structure', description: 'Parameters of the pages Schema: one, or a list', schema: { type: ['object', 'array'] } },
  { name: 'partitions', kind: 'structure', description: 'Parameters of partitions, by name', schema: { type: 'object' } },
  { name: 'runSteps', kind: 'structure', description: 'Parameters of run steps: full-import, delta-import, export', schema: { type: 'object' } },
];

/** All pages in one collection, as ECMA2 has it: a name that comes twice keeps the more particular value. */
export function connectorParameters(parameters: Parameters, { partition, step }: ParameterUse): Parameters {
  const { capabilities, connectivity, schema, global, partitions, runSteps } = parameters;
  const pages: (ParameterValue | undefined)[] = [
    capabilities,
    connectivity,
    ...(Array.isArray(schema) ? (schema as readonly ParameterValue[]) : [schema as ParameterValue]),
    global,
  ];
  if (partition !== undefined) pages.push(asPage(partitions)[partition.name] ?? asPage(partitions)[partition.dn]);
  if (step !== undefined) pages.push(asPage(runSteps)[step]);
  return Object.assign({}, ...pages.map(asPage)) as Parameters;
}

function asPage(value: ParameterValue | undefined): Readonly<Record<string, ParameterValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, ParameterValue>>) : {};
}
