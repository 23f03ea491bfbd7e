import type { SynchronizationRules } from './model.ts';
import type { Note } from './read/notes.ts';
import type { MimReading } from './read-mim.ts';
import type { SecretToSupply } from './write/ecma2-parameters.ts';
import { toLeaveOut } from './write/leave-out.ts';
import { formatYaml, type PackageLocation, writeConnector } from './write/write-configuration.ts';
import type { XmlJson } from './xml/tracked-element.ts';

/** The result of an import: configuration, what to supply, and what has no counterpart. */
export interface MimConversion {
  /** A complete `landbridge.yaml`; `undefined` where the file holds no connector. */
  readonly yaml: string | undefined;
  readonly report: MimReport;
  /** Everything of synchronisation, for a later provisioning service. */
  readonly rules: MimRules;
}

/** What a person reads after an import. */
export interface MimReport {
  readonly shape: MimReading['shape'];
  readonly server: string;
  readonly exportedAt: string;
  readonly connectors: readonly {
    readonly name: string;
    readonly oldName: string;
    readonly package: string;
    readonly library: string;
    readonly converted: Readonly<Record<string, number>>;
  }[];
  readonly secrets: readonly (SecretToSupply & { readonly connector: string })[];
  /** What the conversion chose, what a host does not do, what is odd. */
  readonly notes: readonly (Note & { readonly connector?: string })[];
  /** State of the old system, put aside: reason and how many elements. */
  readonly ignored: readonly { readonly reason: string; readonly count: number }[];
  /** Parts without counterpart that were put aside, by reason. */
  readonly reported: readonly { readonly reason: string; readonly count: number; readonly line: number }[];
  /** What was not understood, by path. */
  readonly notUnderstood: MimReading['leftOver'];
}

/** The rules file: versioned, since another program will read it. */
export interface MimRules {
  readonly version: 1;
  readonly connectors: readonly { readonly name: string; readonly id: string; readonly rules: SynchronizationRules }[];
  readonly metaverse?: XmlJson;
}

/** Converts what was read into configuration and report. Pure: the caller reads and writes files. */
export function convertMim(reading: MimReading, location: PackageLocation): MimConversion {
  const taken = new Set<string>();
  const written = reading.connectors.map((connector) => {
    const one = writeConnector(connector, location, taken);
    taken.add(one.name);
    return { connector, written: one };
  });
  const header = [
    `Imported from ${SHAPES[reading.shape]}${reading.server === '' ? '' : ` of ${reading.server}`}${reading.exportedAt === '' ? '' : `, exported ${reading.exportedAt}`}.`,
    'Check it with: landbridge validate FILE. Start it with: landbridge up --config FILE.',
    ...written.map(({ connector }) => describeOrigin(connector)),
  ].join('\n');
  return {
    yaml:
      written.length === 0
        ? undefined
        : formatYaml(
            written.map((one) => one.written),
            header,
          ),
    report: {
      shape: reading.shape,
      server: reading.server,
      exportedAt: reading.exportedAt,
      connectors: written.map(({ connector, written: one }) => ({
        name: one.name,
        oldName: connector.name,
        package: connector.packageName,
        library: location.library ?? connector.library.file,
        converted: {
          'object types': Object.keys(one.value['objectTypes'] as object).length,
          attributes: connector.objectTypes.filter((type) => type.selected).flatMap((type) => type.attributes.filter((attribute) => attribute.selected)).length,
          parameters: connector.parameters.length,
          partitions: connector.partitions.length,
          'run profiles': Object.keys((one.value['runProfiles'] ?? {}) as object).length,
        },
      })),
      secrets: written.flatMap(({ written: one }) => one.secrets.map((secret) => ({ ...secret, connector: one.name }))),
      notes: [
        ...reading.notes,
        ...written.flatMap(({ connector, written: one }) => [...one.notes, ...ruleNotes(connector.rules)].map((note) => ({ ...note, connector: one.name }))),
      ],
      ignored: countBy(reading.asides.filter((aside) => aside.kind === 'ignored')).map(({ reason, count }) => ({ reason, count })),
      reported: countBy(reading.asides.filter((aside) => aside.kind === 'reported')),
      notUnderstood: reading.leftOver,
    },
    rules: {
      version: 1,
      connectors: written.map(({ connector, written: one }) => ({ name: one.name, id: connector.id, rules: connector.rules })),
      ...(reading.metaverse === undefined ? {} : { metaverse: reading.metaverse }),
    },
  };
}

/** What each shape is called in MIM. */
const SHAPES: Readonly<Record<MimReading['shape'], string>> = {
  'exported-agent': 'an exported management agent',
  'server-export-agent': 'a management agent of a server export',
  'packaged-agent': 'the template of a package',
  'bare-agent': 'a connector of Entra Connect',
  metaverse: 'the metaverse of a server export',
  'host-configuration': 'the configuration of an Entra ECMA Connector Host',
};

function describeOrigin(connector: MimReading['connectors'][number]): string {
  const parts = [
    `${connector.name}:`,
    connector.packageName === '' ? '' : `package ${connector.packageName}${connector.company === '' ? '' : ` of ${connector.company}`},`,
    `DLL ${connector.library.file === '' ? '(not named)' : connector.library.file}${connector.library.version === '' ? '' : ` ${connector.library.version}`}`,
    connector.id === '' ? '' : `, id ${connector.id}`,
    connector.changedAt === '' ? '' : `, changed ${connector.changedAt}`,
  ];
  return parts
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll(' ,', ',');
}

function countBy(asides: MimReading['asides']): readonly { readonly reason: string; readonly count: number; readonly line: number }[] {
  const counts = new Map<string, { reason: string; count: number; line: number }>();
  for (const aside of asides) {
    const known = counts.get(aside.reason);
    if (known === undefined) counts.set(aside.reason, { reason: aside.reason, count: 1, line: aside.line });
    else known.count += 1;
  }
  return [...counts.values()];
}

/** One note for each kind of rule that there is: how many, and what becomes of them. */
function ruleNotes(rules: SynchronizationRules): readonly Note[] {
  const notes: Note[] = [];
  const add = (subject: string, count: number, message: string): void => {
    if (count > 0) notes.push({ kind: 'no-counterpart', subject, message: `${count} ${message}` });
  };
  const kinds = (flows: readonly { readonly mapping: { readonly kind: string } }[]): string => {
    const counts = new Map<string, number>();
    for (const flow of flows) counts.set(flow.mapping.kind, (counts.get(flow.mapping.kind) ?? 0) + 1);
    return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  };
  add(
    'connector filters',
    rules.filters.filter((filter) => toLeaveOut(filter) === undefined).length,
    'filters kept objects out of the connector space by code or by conditions that have no counterpart: kept in the rules, not applied. The others are "leaveOut"',
  );
  add('join rules', rules.joins.length, 'rules joined objects with the metaverse: kept in the rules. The identity cloud matches by filter instead');
  add('projection rules', rules.projections.length, 'rules made metaverse objects: kept in the rules');
  add(
    'export flows',
    rules.exportFlows.length,
    `flows wrote metaverse attributes to the application (${kinds(rules.exportFlows)}): kept in the rules. Make them attribute mappings of the identity cloud`,
  );
  add('import flows', rules.importFlows.length, `flows wrote attributes of the application to the metaverse (${kinds(rules.importFlows)}): kept in the rules`);
  const scripts = [...rules.exportFlows, ...rules.importFlows].filter((flow) => flow.mapping.kind === 'scripted').length;
  if (rules.rulesExtension !== '')
    notes.push({
      kind: 'no-counterpart',
      subject: 'rules extension',
      message: `the code in ${rules.rulesExtension} is not run${scripts === 0 ? '' : `; ${scripts} flows call it by the names kept in the rules`}: port it to expressions of the identity cloud`,
    });
  add('provisioning hierarchy', rules.hierarchyClasses.length, 'classes of containers were made where they were missing: create the containers beforehand');
  return notes;
}
