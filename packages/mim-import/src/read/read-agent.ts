import { MimImportError } from '../import-error.ts';
import type { ImportedConnector, ImportedLibrary } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { readCapabilities } from './read-capabilities.ts';
import { addUnset, readParameterDefinitions, readParameterValues } from './read-parameters.ts';
import { readPartitions } from './read-partitions.ts';
import { readRules } from './read-rules.ts';
import { readRunProfiles } from './read-run-profiles.ts';
import { readSchema } from './read-schema.ts';
import { normalizeGuid, parseBoolean, parseCount } from './scalars.ts';

/** Other kinds of management agents, by what MIM writes, in words that people know. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  ad: 'Active Directory Domain Services',
  'ad gal': 'Active Directory global address list',
  adam: 'Active Directory Lightweight Directory Services',
  delimited: 'a delimited text file',
  'fixed-width': 'a fixed-width text file',
  avp: 'an attribute-value pair text file',
  ldif: 'LDIF',
  dsml: 'DSML',
  fim: 'the FIM/MIM Service',
  mssql: 'SQL Server',
  oracle: 'Oracle Database',
  db2: 'IBM DB2',
  extensible: 'Extensible Connectivity 1 (ECMA1)',
};

/** Reads one `ma-data`. @throws MimImportError `not-ecma2` for another kind of agent. */
export function readAgent(data: TrackedElement, metaverse: TrackedElement | undefined, notes: Notes): ImportedConnector {
  requireEcma2(data);
  const format = data.textOf('format-version').trim();
  if (format !== '' && format !== '1') notes.add('warning', 'format-version', `the file has format version ${format}; version 1 is known`);
  data.attribute('format');
  const id = normalizeGuid(data.textOf('id'));
  const config = data.child('private-configuration')?.child('MAConfig');
  const extension = config?.child('extension-config');
  const definitions = readParameterDefinitions(config, notes);
  const library = readLibrary(extension);
  const partitions = readPartitions(data, definitions, notes);
  const selected = new Set(partitions.filter((partition) => partition.selected).flatMap((partition) => partition.objectTypes));
  const objectTypes = readSchema(data, config, notes).map((type) => ({ ...type, selected: partitions.length === 0 || selected.has(type.name) }));
  for (const name of selected)
    if (!objectTypes.some((type) => type.name === name)) notes.add('warning', `object type ${name}`, 'it is selected and not in the schema of the file');
  const connector: ImportedConnector = {
    name: data.textOf('name') || data.textOf('ma-listname') || library.file.replace(/\.dll$/i, ''),
    id,
    packageName: data.textOf('subtype') || data.textOf('ma-listname'),
    company: data.textOf('ma-companyname'),
    description: data.textOf('description'),
    version: data.textOf('version'),
    changedAt: data.textOf('last-modification-time') || data.textOf('creation-time'),
    library,
    objectTypes,
    capabilities: readCapabilities(data, extension),
    parameters: addUnset(readParameterValues(config?.child('parameter-values'), definitions, undefined, notes), definitions, [
      'capabilities',
      'connectivity',
      'schema',
      'global',
    ]),
    partitions,
    runProfiles: readRunProfiles(data, partitions, definitions, library.importPageSize.max, notes),
    rules: readRules(data, metaverse, id, notes),
    host: undefined,
  };
  for (const name of ['ma-listname', 'creation-time', 'internal-version', 'password-sync-allowed']) data.textOf(name);
  takePasswordExtension(config, library.file, notes);
  putStateAside(data, config);
  return connector;
}

function requireEcma2(data: TrackedElement): void {
  const category = data.textOf('category').trim();
  if (category.toLowerCase() === 'extensible2') return;
  const name = data.textOf('name').trim();
  const kind = OTHER_KINDS[category.toLowerCase()];
  throw new MimImportError(
    'not-ecma2',
    `${name === '' ? 'the management agent' : `the management agent "${name}"`} is of the kind "${category === '' ? '(none)' : category}"${kind === undefined ? '' : ` (${kind})`}, not Extensible2 (ECMA 2): MIM runs it by code of its own, not by a connector DLL that could be taken over. Use a connector of Landbridge for that application instead.`,
  );
}

function readLibrary(extension: TrackedElement | undefined): ImportedLibrary {
  const file = extension?.child('filename');
  for (const name of ['export-mode', 'export-enabled', 'import-enabled']) extension?.child(name)?.attribute('data-owner');
  file?.attribute('data-owner');
  for (const name of ['import-mode', 'export-mode', 'discovery-schema', 'supports-parameters-ex', 'password-management-enabled']) extension?.textOf(name);
  const size = (name: string): number => parseCount(extension?.textOf(name));
  return {
    file: file?.text().trim() ?? '',
    version: extension?.textOf('assembly-version').trim() ?? '',
    importPageSize: { standard: size('import-default-page-size'), max: size('import-max-page-size') },
    exportPageSize: { standard: size('export-default-page-size'), max: size('export-max-page-size') },
  };
}

/** A separate DLL for passwords is older than ECMA2: ECMA2 connectors set passwords themselves. */
function takePasswordExtension(config: TrackedElement | undefined, library: string, notes: Notes): void {
  const block = config?.child('password-extension-config');
  const dll = block?.child('dll');
  dll?.attribute('data-owner');
  const enabled = parseBoolean(block?.textOf('password-extension-enabled')) === true;
  const file = dll?.text().trim() ?? '';
  if (enabled && file !== '' && file.toLowerCase() !== library.toLowerCase())
    notes.add(
      'no-counterpart',
      'password extension',
      'a separate password extension DLL is configured; Landbridge sets passwords through the connector itself',
    );
  for (const name of ['password-set-enabled', 'password-change-enabled', 'timeout']) block?.textOf(name);
  const info = block?.child('connection-info');
  for (const name of ['connect-to', 'user']) info?.textOf(name);
}

/** What describes dialogues and the state of the old server. */
function putStateAside(data: TrackedElement, config: TrackedElement | undefined): void {
  const ignored: readonly (readonly [TrackedElement | undefined, string])[] = [
    [data.child('controller-configuration'), 'how the old server hosted the DLL'],
    [data.child('ma-ui-settings'), 'state of the dialogue'],
    [data.child('SyncConfig-refresh-schema'), 'a request to the old server'],
    [config?.child('ui-data'), 'state of the dialogue: it repeats schema and selection'],
    [config?.child('exporting'), 'empty for ECMA2'],
    [config?.child('default_visible_attributes'), 'state of the dialogue'],
    [config?.child('possible_component_mappings'), 'choices of the dialogue'],
    [config?.child('primary_class_mappings'), 'names of object types, which are those of the schema'],
    [config?.child('aad-password-reset-config'), 'settings of Entra Connect'],
    [config?.child('file-type'), 'the kind of agent, repeated'],
  ];
  for (const [element, reason] of ignored) element?.setAside('ignored', reason);
  for (const name of [
    'ldap-dn',
    'change_type_attribute',
    'add_change_type_value',
    'modify_change_type_value',
    'delete_change_type_value',
    'enable-unapplied-merge',
    'case_normalize_dn_for_anchor',
  ])
    config?.child(name)?.setAside('ignored', 'left over from file-based agents');
  const encrypted = data.child('encrypted-attributes');
  if (encrypted !== undefined)
    encrypted.setAside(
      encrypted.element.children.length === 0 && encrypted.element.text === '' ? 'ignored' : 'reported',
      'encrypted attributes, whose meaning is not documented',
    );
}
