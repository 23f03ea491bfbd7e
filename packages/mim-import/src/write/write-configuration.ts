import { Document, isMap, isScalar, type Node, type Pair } from 'yaml';
import type { DeprovisioningChoice, ImportedConnector, ImportedObjectType } from '../model.ts';
import type { Note } from '../read/notes.ts';
import { DEFAULT_PARTITION } from '../read/read-partitions.ts';
import { environmentName, type SecretToSupply, writeParameters } from './ecma2-parameters.ts';
import { toLeaveOut } from './leave-out.ts';
import { proposeMapping } from './scim-mapping.ts';

/** Where the connector's code is. */
export interface PackageLocation {
  /** The folder with the DLL, as the configuration names it. */
  readonly directory: string;
  /** The DLL, where it is not the one that the file names. */
  readonly library?: string;
  /** The configuration file of the old service, whose settings the DLL reads. */
  readonly hostConfiguration?: string;
  /** The connector's data files of the old server: first content of its own folder. */
  readonly files?: string;
  /** Where secrets will be: environment variables (default), or the secret store of the host. */
  readonly secretsIn?: 'env' | 'secret';
}

/** A connector as configuration, with what a person must know. */
export interface WrittenConnector {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly secrets: readonly SecretToSupply[];
  readonly notes: readonly Note[];
  /** Comments before a key, by path from the connector: keys joined by line feeds. */
  readonly comments: ReadonlyMap<string, string>;
}

/** Converts one connector. */
export function writeConnector(connector: ImportedConnector, location: PackageLocation, taken: ReadonlySet<string>): WrittenConnector {
  const notes: Note[] = [];
  const comments = new Map<string, string>();
  const decide = (subject: string, message: string): void => void notes.push({ kind: 'decide', subject, message });
  const name = connectorName(connector.name, taken);
  if (name !== connector.name)
    decide(
      'name',
      `the connector is called ${name}: "${connector.name}" cannot be part of a URL${connector.host === undefined ? '' : '; the URL of the Entra application changes with it'}`,
    );
  const library = location.library ?? connector.library.file;
  if (library === '')
    decide('DLL', 'the file does not name the DLL of the connector; write it as parameters.dll, or leave it out where the folder has just one');
  const parameters = writeParameters({ ...connector, name }, { ...location, library, secretsIn: location.secretsIn ?? 'env' });
  for (const [path, comment] of parameters.comments) comments.set(`parameters\n${path}`, comment);
  const objectTypes = writeObjectTypes(connector, comments, decide);
  const selected = connector.partitions.filter((partition) => partition.selected);
  const onlyDefault = connector.partitions.length <= 1 && (selected[0]?.name ?? DEFAULT_PARTITION).toLowerCase() === DEFAULT_PARTITION;
  const unselected = connector.partitions.filter((partition) => !partition.selected).map((partition) => partition.name);
  if (unselected.length > 0) decide('partitions', `not selected, and left out with all that the file says of them: ${unselected.join(', ')}`);
  const containers = selected
    .filter((partition) => partition.included.length > 0 || partition.excluded.length > 0)
    .map((partition) => ({
      partition: partition.name,
      ...(partition.included.length === 0 ? {} : { include: partition.included }),
      ...(partition.excluded.length === 0 ? {} : { exclude: partition.excluded }),
    }));
  const runProfiles = writeRunProfiles(connector, onlyDefault, decide, (subject, message) => void notes.push({ kind: 'no-counterpart', subject, message }));
  const secrets = [...parameters.secrets];
  const attributes = connector.objectTypes.filter((type) => type.selected).flatMap((type) => type.attributes);
  const singleValued = [...new Set(attributes.filter((one) => one.selected && one.treatAsSingle && one.multiValued).map((one) => one.name))];
  const value: Record<string, unknown> = {
    package: 'ecma2',
    mode: 'observe',
    parameters: { ...parameters.value, ...(singleValued.length === 0 ? {} : { singleValued }) },
  };
  for (const attribute of singleValued)
    decide(
      `attribute ${attribute}`,
      'the old host treated it as single-valued, and so does this configuration (singleValued): of several values the first is shown, and a write replaces them all',
    );
  comments.set('mode', 'observe: imports and shows, and refuses writes. When the data look right: shadow, which records what it would write; then live.');
  if (parameters.publicParameters.length > 0) {
    value['publicParameters'] = parameters.publicParameters;
    comments.set('publicParameters', 'Their names sound like secrets, and they are none.');
  }
  if (connector.host !== undefined) {
    const token = environmentName(`${name}_SECRET_TOKEN`);
    const reference = `\${${location.secretsIn ?? 'env'}:${token}}`;
    value['secretToken'] = reference;
    comments.set('secretToken', 'The secret token of the Entra application, for the same URL as before: /ecma2host_{connector}/scim.');
    value['linkedIds'] = ['raw', 'url', 'base64', 'dn'];
    comments.set('linkedIds', 'Ids that Entra has from the old host are tried against the anchors. Check a sample first: landbridge ids verify.');
    secrets.push({ reference, name: token, parameter: 'secretToken', where: 'connector', why: 'encrypted' });
  }
  if (location.files !== undefined) {
    value['files'] = location.files;
    comments.set('files', "Copied into the connector's own folder when that is new.");
  }
  value['objectTypes'] = objectTypes;
  if (!onlyDefault && selected.length > 0) {
    value['partitions'] = selected.map((partition) => partition.name);
    comments.set('partitions', 'The partitions that were selected.');
  }
  if (containers.length > 0) {
    value['containers'] = containers;
    comments.set('containers', 'The nearest listed ancestor of an entry decides. What is out of scope is invisible and not writable.');
  }
  if (Object.keys(runProfiles).length > 0) {
    value['runProfiles'] = runProfiles;
    comments.set('runProfiles', 'Import steps of the old profiles. Exports and synchronisations have no step: a write is exported when it is accepted.');
  }
  writeSchedule(connector, value, comments, decide);
  writeDeprovisioning(connector, value, comments, decide);
  if (connector.rules.passwordSync['allow-low-security'] === '1') {
    value['passwords'] = { notSecure: 'allow' };
    comments.set('passwords', 'The old agent sent passwords over connections that are not secure, too. Take this out where yours is.');
  }
  decide('switch-over', 'stop the old run profiles and schedules before this connector goes live: two systems must not write to one application');
  return { name, value, secrets, notes, comments };
}

type Decide = (subject: string, message: string) => void;

function writeObjectTypes(connector: ImportedConnector, comments: Map<string, string>, decide: Decide): Readonly<Record<string, unknown>> {
  const chosen = connector.objectTypes.filter((type) => type.selected && type.name !== '');
  const types = chosen.length > 0 ? chosen : connector.objectTypes.filter((type) => type.name !== '');
  const left = connector.objectTypes.filter((type) => !types.includes(type));
  if (left.length > 0) decide('object types', `not selected, and left out: ${left.map((type) => type.name).join(', ')}`);
  if (types.length === 0)
    decide(
      'object types',
      'the file has no schema, so it names none: write objectTypes: { NAME: { resourceType: User, mapping: { userName: ATTRIBUTE } } } with the names of the package; landbridge connector test then lists what the package really has',
    );
  const taken = new Set<string>();
  const result: Record<string, unknown> = {};
  for (const type of types) {
    const proposal = proposeMapping(type, taken);
    taken.add(proposal.resourceType);
    if (proposal.guessed !== undefined)
      decide(`object type ${type.name}`, `no attribute looks like a name to log on with; "${proposal.guessed}" was taken, check it`);
    if (type.anchor.length === 0 && connector.capabilities?.dnAsAnchor !== true)
      decide(`object type ${type.name}`, 'the file names no anchor; the package must');
    const excluded = type.attributes.filter((attribute) => !attribute.selected && !attribute.secret && !type.anchor.includes(attribute.name));
    const dn = dnTemplate(type, connector, decide);
    const queryable = type.queryable.filter((name) => !type.anchor.includes(name));
    const used = new Set(type.attributes.filter((attribute) => attribute.selected).map((attribute) => attribute.name));
    const alternatives = connector.rules.filters.filter((filter) => filter.objectType === type.name).flatMap((filter) => toLeaveOut(filter) ?? []);
    const leaveOut = alternatives.filter((alternative) => Object.keys(alternative).every((name) => used.has(name)));
    if (leaveOut.length < alternatives.length)
      decide(`object type ${type.name}`, 'a connector filter names attributes that are not selected: it is not applied; select them and add it to leaveOut');
    if (leaveOut.length > 0) comments.set(`objectTypes\n${type.name}\nleaveOut`, 'The connector filters of the old agent.');
    result[type.name] = {
      resourceType: proposal.resourceType,
      ...(leaveOut.length === 0 ? {} : { leaveOut }),
      ...(Object.keys(proposal.mapping).length === 0 ? {} : { mapping: proposal.mapping }),
      ...(excluded.length === 0 ? {} : { exclude: excluded.map((attribute) => attribute.name) }),
      ...(queryable.length === 0 ? {} : { queryable }),
      ...(dn === undefined ? {} : { dn }),
    };
    const anchor = type.anchor.length === 0 ? '' : `Anchor: ${type.anchor.join(' + ')}. `;
    comments.set(`objectTypes\n${type.name}`, `${anchor}${type.attributes.filter((attribute) => attribute.selected).length} attributes in use.`);
    comments.set(
      `objectTypes\n${type.name}\nmapping`,
      'Proposed by name. All other attributes are in the extension schema, and all of them in the schema of the Entra host.',
    );
    if (excluded.length > 0) comments.set(`objectTypes\n${type.name}\nexclude`, 'Known to the connector and not selected.');
  }
  return result;
}

function dnTemplate(type: ImportedObjectType, connector: ImportedConnector, decide: Decide): string | undefined {
  const [anchor] = type.anchor;
  if (type.dnAutogenerated && anchor !== undefined) return `CN={${anchor}},OBJECT=${(type.resourceType ?? type.name).toUpperCase()}`;
  const [naming] = type.dnAttributes;
  if (connector.capabilities?.distinguishedNameStyle === 'ldap') {
    decide(
      `object type ${type.name}`,
      `the connector names entries by distinguished names: say how a new one is named, such as dn: 'CN={cn},OU=People,DC=example'`,
    );
    return undefined;
  }
  if (connector.capabilities?.distinguishedNameStyle !== 'generic') return undefined;
  if (naming !== undefined && type.dnAttributes.length === 1) return `{${naming}}`;
  decide(
    `object type ${type.name}`,
    `the connector has names for its entries, and provisioning code gave new ones theirs: where it needs one, say how it is made, such as dn: '${anchor === undefined ? 'CN={cn}' : `{${anchor}}`}'`,
  );
  return undefined;
}

function writeRunProfiles(connector: ImportedConnector, onlyDefault: boolean, decide: Decide, unneeded: Decide): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const profile of connector.runProfiles) {
    const imports = profile.steps.filter((step) => step.kind === 'full-import' || step.kind === 'delta-import');
    const others = profile.steps.filter((step) => !imports.includes(step));
    if (others.length > 0)
      unneeded(
        `run profile ${profile.name}`,
        `${others.map((step) => step.label).join(', ')}: not needed. Accepted writes are exported at once, and there is no synchronisation in a connector host`,
      );
    for (const step of profile.steps) {
      if (step.objectThreshold > 0)
        decide(`run profile ${profile.name}`, `it stopped after ${step.objectThreshold} objects; limits.runErrors and deletionThreshold are the brakes here`);
      if (step.deleteThreshold > 0)
        decide(
          `run profile ${profile.name}`,
          `it stopped after ${step.deleteThreshold} deletions; write deletionThreshold: { minimum: ${step.deleteThreshold} }`,
        );
      if (step.file !== undefined) decide(`run profile ${profile.name}`, 'a step dropped or took an audit file; Landbridge keeps runs in its history instead');
      if (step.timeoutSeconds > 0)
        decide(`run profile ${profile.name}`, `a step had a time-out of ${step.timeoutSeconds} s; limits.call and limits.hardLimit say it here`);
    }
    if (imports.length === 0) continue;
    result[profile.name === '' ? 'import' : profile.name] = imports.map((step) => ({
      step: step.kind,
      ...(step.partition === '' || onlyDefault ? {} : { partition: step.partition }),
      ...(step.pageSize > 1 ? { pageSize: step.pageSize } : {}),
    }));
  }
  return result;
}

function writeSchedule(connector: ImportedConnector, value: Record<string, unknown>, comments: Map<string, string>, decide: Decide): void {
  const minutes = connector.host?.autosyncMinutes ?? 0;
  if (minutes > 0) {
    value['autosync'] = { full: `${minutes}m` };
    comments.set('autosync', 'As the old host had it.');
  } else decide('schedule', 'the file has no schedule: write autosync: { full: 24h, delta: 5m } or another one when imports should run on their own');
}

function writeDeprovisioning(connector: ImportedConnector, value: Record<string, unknown>, comments: Map<string, string>, decide: Decide): void {
  const { host, rules } = connector;
  if (host !== undefined) {
    const written = { disable: flow(host.disable, false, 'Disable flow', decide), delete: flow(host.delete, true, 'Delete flow', decide) };
    value['deprovisioning'] = written;
    comments.set('deprovisioning', 'The Disable and Delete flows of the old host.');
    return;
  }
  if (rules.deprovisioning === undefined) return;
  const { kind, action } = rules.deprovisioning;
  if (kind === 'scripted') {
    decide(
      'deprovisioning',
      'the rules extension decided what happens to an object that is deprovisioned; here a SCIM DELETE does nothing until you say what: deprovisioning.delete',
    );
    value['deprovisioning'] = { delete: 'none' };
  } else value['deprovisioning'] = { delete: action === 'delete-object' ? 'delete' : 'none' };
  comments.set(
    'deprovisioning',
    action === 'delete-object' && kind !== 'scripted'
      ? 'MIM deleted objects that were deprovisioned.'
      : `MIM left objects where they were (${action === '' ? 'scripted' : action}).`,
  );
}

function flow(choice: DeprovisioningChoice, isDelete: boolean, what: string, decide: Decide): unknown {
  if (choice.action === 'set') {
    decide(what, `it set the attribute "${choice.attribute}"; the file does not say to which value: it is written as ${isDelete ? 'true' : 'false'}, check it`);
    return { set: { [choice.attribute]: isDelete } };
  }
  if (choice.action === 'unknown') {
    decide(what, `"${choice.word}" is not known; it does nothing until you say what`);
    return 'none';
  }
  return choice.action;
}

function connectorName(name: string, taken: ReadonlySet<string>): string {
  const cleaned =
    name
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[^A-Za-z]+|-+$/g, '') || 'connector';
  let candidate = cleaned.slice(0, 80);
  for (let suffix = 2; taken.has(candidate); suffix += 1) candidate = `${cleaned.slice(0, 76)}-${suffix}`;
  return candidate;
}

/** The document as commented YAML. */
export function formatYaml(connectors: readonly WrittenConnector[], header: string): string {
  const document = new Document({ version: 1, connectors: Object.fromEntries(connectors.map((one) => [one.name, one.value])) });
  document.commentBefore = commentText(header);
  for (const connector of connectors)
    for (const [path, comment] of connector.comments) {
      const key = keyAt(document.contents, ['connectors', connector.name, ...path.split('\n')]);
      if (key !== undefined) key.commentBefore = commentText(comment);
    }
  return document.toString({ lineWidth: 0 });
}

/** A comment of YAML must not leave its line. */
function commentText(text: string): string {
  return text
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => ` ${[...line].filter((character) => character >= ' ' && character !== '\u007f').join('')}`)
    .join('\n');
}

function keyAt(root: unknown, path: readonly string[]): Node | undefined {
  let node: unknown = root;
  let key: Node | undefined;
  for (const part of path) {
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find((item) => isScalar(item.key) && String(item.key.value) === part);
      if (pair === undefined) return undefined;
      key = pair.key as Node;
      node = pair.value;
    } else {
      node = (node as { readonly items?: readonly unknown[] } | undefined)?.items?.[Number(part)];
      key = undefined;
      if (node === undefined) return undefined;
    }
  }
  return key;
}
