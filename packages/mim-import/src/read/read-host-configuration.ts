import type { DeprovisioningChoice, ImportedAttribute, ImportedConnector, ImportedObjectType, ImportedParameter, ImportedRunProfile } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { joinParameter, readKind, readUse } from './read-parameters.ts';
import { noRules } from './read-rules.ts';
import { parseBoolean, parseCount } from './scalars.ts';

const TYPES: Readonly<Record<string, ImportedAttribute['type']>> = {
  string: 'string',
  integer: 'integer',
  int: 'integer',
  boolean: 'boolean',
  binary: 'binary',
  reference: 'reference',
};

/** Reads the configuration of the Entra ECMA Connector Host (mim-xml §9): all its connectors. */
export function readHostConfiguration(root: TrackedElement, notes: Notes): readonly ImportedConnector[] {
  root.child('Setting')?.setAside('reported', 'port and certificate of the old host; Landbridge has its own (server.port, server.tls)');
  return (root.child('Connectors')?.all('Connector') ?? []).map((element) => readHostConnector(element, notes));
}

function readHostConnector(element: TrackedElement, notes: Notes): ImportedConnector {
  const config = element.child('ConnectorConfig');
  const schema = element.child('Schema');
  const ecma = element.child('ECMAConfig');
  const name = ecma?.textOf('ProfileName').trim() ?? '';
  const library = ecma?.textOf('LibraryName').trim() ?? '';
  const folder = ecma?.textOf('ECMAFolderPath').trim() ?? '';
  if (folder !== '') notes.add('decide', 'folder of the DLL', `the old host loaded it from "${folder}": take the DLL and everything beside it from there`);
  const token = ecma?.textOf('SecretToken') ?? '';
  if (token !== '') notes.add('warning', 'secret token', 'the file holds a protected secret token, which only the old server can read; it was dropped');
  for (const state of ['Validated', 'CreationDateTime']) ecma?.textOf(state);
  const runs = config?.child('RunConfigurations');
  const flags = (field: string): boolean => parseBoolean(config?.textOf(field)) === true;
  if (flags('IsExportOnly'))
    notes.add('decide', 'export only', 'the old host only exported: it never knew what was in the application. Run a full import if the connector can');
  for (const field of ['IsExportSupported', 'IsFullImportSupported', 'IsDeltaImportSupported']) config?.textOf(field);
  const types = (schema?.child('EntriesSchema')?.all('EntrySchema') ?? []).map((entry) => readEntrySchema(entry, notes));
  for (const flag of ['ExportPasswordInFirstPass', 'SupportPassword']) schema?.textOf(flag);
  const [first] = types;
  return {
    name: name === '' ? library : name,
    id: '',
    packageName: library,
    company: '',
    description: '',
    version: '',
    changedAt: ecma?.textOf('ModificationDateTime') ?? '',
    library: {
      file: library === '' || /\.dll$/i.test(library) ? library : `${library}.dll`,
      version: '',
      importPageSize: { standard: 0, max: 0 },
      exportPageSize: { standard: 0, max: 0 },
    },
    objectTypes: types.map((one) => one.objectType),
    capabilities: undefined,
    parameters: (config?.child('Parameters')?.all('Parameter') ?? []).flatMap((parameter) => readHostParameter(parameter, notes)),
    partitions: (schema?.child('Partitions')?.all('Partition') ?? []).map((partition) => ({
      id: partition.textOf('Id').toLowerCase(),
      name: partition.textOf('Name'),
      dn: partition.textOf('DN'),
      selected: true,
      objectTypes: types.map((one) => one.objectType.name),
      included: [],
      excluded: [],
      parameters: [],
    })),
    runProfiles: (runs?.all('RunConfiguration') ?? []).map((run) => readHostRun(run, notes)),
    rules: noRules,
    host: {
      autosyncMinutes: parseCount(ecma?.textOf('AutosyncTimer')),
      disable: first?.disable ?? { action: 'none' },
      delete: first?.delete ?? { action: 'delete' },
    },
  };
}

function readHostParameter(element: TrackedElement, notes: Notes): readonly ImportedParameter[] {
  const name = element.textOf('Name');
  const use = readUse(element.textOf('Use'), name, notes);
  const kind = readKind(element.textOf('Type'), name, notes);
  const page = parseCount(element.textOf('SchemaNumber')) || 1;
  const encrypted = parseBoolean(element.textOf('Encrypted')) === true;
  const text = element.textOf('Value');
  if (kind === 'decoration') return [];
  return [joinParameter({ name, use, page, kind, encrypted, text }, undefined, notes)];
}

function readEntrySchema(
  element: TrackedElement,
  notes: Notes,
): { readonly objectType: ImportedObjectType; readonly disable: DeprovisioningChoice; readonly delete: DeprovisioningChoice } {
  const name = element.textOf('ObjectType');
  const anchor: string[] = [];
  const dn: string[] = [];
  const queryable: string[] = [];
  const attributes = (element.child('SchemaAttributes')?.all('AttributeSchema') ?? []).map((one): ImportedAttribute => {
    const attribute = one.textOf('Name');
    const isAnchor = parseBoolean(one.textOf('IsAnchor')) === true;
    if (isAnchor) anchor.push(attribute);
    if (parseBoolean(one.textOf('IsDN')) === true) dn.push(attribute);
    if (parseBoolean(one.textOf('IsQueryAttribute')) === true) queryable.push(attribute);
    one.textOf('IsDeprovisioningAttribute');
    const word = one.textOf('DataType').trim();
    const type = TYPES[word.toLowerCase()];
    if (type === undefined) notes.add('warning', `attribute ${attribute}`, `its data type "${word}" is not known; it is taken as a string`);
    const multiValued = parseBoolean(one.textOf('Multivalued')) === true;
    const treatAsSingle = parseBoolean(one.textOf('TreatAsSingleValue')) === true;
    return {
      name: attribute,
      type: type ?? 'string',
      multiValued,
      required: isAnchor,
      direction: 'import-export',
      secret: false,
      selected: true,
      treatAsSingle,
    };
  });
  const model = element.child('DeprovisioningModel');
  return {
    objectType: {
      name,
      attributes,
      anchor,
      dnAttributes: dn,
      selected: true,
      resourceType: element.textOf('ExternalName').trim() || undefined,
      dnAutogenerated: parseBoolean(element.textOf('IsDNAutogenerated')) === true,
      queryable,
    },
    disable: readChoice(model?.textOf('SoftDelete') ?? '', model?.textOf('SoftDeleteStatusAttribute') ?? '', 'none'),
    delete: readChoice(model?.textOf('HardDelete') ?? '', model?.textOf('HardDeleteStatusAttribute') ?? '', 'delete'),
  };
}

/** Only `TreatAsHard` and `None` have been seen; a status attribute says that it is set (mim-xml §9, entra-host 2.8). */
function readChoice(word: string, attribute: string, standard: 'none' | 'delete'): DeprovisioningChoice {
  if (attribute !== '') return { action: 'set', attribute };
  switch (word.trim().toLowerCase()) {
    case '':
      return { action: standard };
    case 'none':
      return { action: 'none' };
    case 'treatashard':
    case 'delete':
      return { action: 'delete' };
    default:
      return { action: 'unknown', word };
  }
}

function readHostRun(element: TrackedElement, notes: Notes): ImportedRunProfile {
  const name = element.textOf('Name');
  for (const stamp of ['Id', 'VersionNumber', 'CreationTime', 'LastModificationTime']) element.textOf(stamp);
  return {
    name,
    steps: (element.child('RunSteps')?.all('RunStep') ?? []).map((step) => {
      const stepName = step.textOf('Name');
      const parameters = (step.child('Parameters')?.all('Parameter') ?? []).flatMap((parameter) => readHostParameter(parameter, notes));
      const pageSize = parseCount(parameters.find((parameter) => /^PageSize(Export|FullImport|DeltaImport)$/.test(parameter.name))?.value);
      const type = step.textOf('Type').trim();
      if (type !== '' && type !== 'None') notes.add('warning', `run profile ${name}`, `a step has the type "${type}", which is not known`);
      const batchSize = parseCount(step.textOf('BatchSize'));
      return {
        kind: /^export$/i.test(stepName) ? ('export' as const) : /delta/i.test(name) ? ('delta-import' as const) : ('full-import' as const),
        label: `${name}: ${stepName}`,
        partition: step.textOf('Partition'),
        pageSize: pageSize || batchSize,
        timeoutSeconds: parseCount(step.textOf('Timeout')),
        objectThreshold: 0,
        deleteThreshold: 0,
        file: undefined,
        parameters: parameters.filter((parameter) => !/^PageSize(Export|FullImport|DeltaImport)$/.test(parameter.name)),
      };
    }),
  };
}
