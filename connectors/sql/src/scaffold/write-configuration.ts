import type { CatalogueColumn } from '../database.ts';
import { type Classified, type KnownTable, kindOf, personScore, proposedValue, type SideTable } from './classify-tables.ts';
import {
  activeWords,
  columnNames,
  deletedNames,
  inactiveWords,
  managerNames,
  managerTables,
  maybeVersionNames,
  personPaths,
  plainName,
  secretColumns,
  singular,
  stateNames,
  untilColumns,
  versionNames,
  watermarkNames,
} from './name-tables.ts';

/** What the text is written from. */
export interface Findings {
  readonly name: string;
  /** Parameters that reach the database, secrets by reference. */
  readonly connection: readonly (readonly [name: string, value: string])[];
  readonly schema: string | undefined;
  readonly classified: Classified;
}

/** Names of tables as names of object types, distinct. */
function objectTypeNames(objects: readonly KnownTable[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    objects.map((table) => {
      const plain = singular(table.name).replace(/[^A-Za-z0-9_-]/g, '_');
      const name = taken.has(plain) ? table.name : plain;
      taken.add(name);
      return [table.name, name];
    }),
  );
}

/** A text of YAML: plain where it can be, else in single quotes. */
function scalar(text: string): string {
  const isPlain = /^[A-Za-z_][\w$-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain || /^\d{1,5}$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

const list = (values: readonly string[]): string => `[${values.map(scalar).join(', ')}]`;

interface SideProposal {
  readonly name: string;
  readonly side: SideTable;
  readonly objectType: string | undefined;
  readonly isMembers: boolean;
  /** Of a table of contacts: the kind that this attribute is. */
  readonly kind?: string;
}

/** An object type with what was decided of it. */
interface Proposal {
  readonly objectType: string;
  readonly table: KnownTable;
  readonly kind: 'User' | 'Group' | undefined;
  /** Another table of the kind is the resource type already. */
  readonly like?: 'User' | 'Group';
  readonly references: readonly { readonly name: string; readonly columns: readonly string[]; readonly objectType: string; readonly isManager: boolean }[];
  readonly sides: readonly SideProposal[];
}

/** Writes a complete, commented configuration. */
export function writeConfiguration(findings: Findings): string {
  const { name, connection, classified } = findings;
  const names = objectTypeNames(classified.objects);
  const proposals = chooseKinds(classified.objects.map((table) => propose(table, classified, names)));
  const lines = [
    '# Proposed from the catalogue of the database. Read the comments, edit what they ask for, then:',
    '#   landbridge validate FILE; landbridge connector test NAME --config FILE; landbridge up --config FILE; landbridge run NAME full'.replaceAll(
      'NAME',
      name,
    ),
    'version: 1',
    'connectors:',
    `  ${scalar(name)}:`,
    '    package: sql',
    '    parameters:',
    // TLS is a structure: JSON is YAML.
    ...connection.map(([key, value]) => `      ${key}: ${key === 'tls' ? value : scalar(value)}`),
    '      objectTypes:',
    ...proposals.flatMap((one) => objectTypeLines(one, findings.schema).map((line) => `        ${line}`)),
    '    # How object types appear in SCIM. What is not mapped appears in an extension of the resource, under the name of its column.',
    '    objectTypes:',
    ...proposals.flatMap((one) => mappingLines(one).map((line) => `      ${line}`)),
    ...(classified.left.length === 0 ? [] : ['# Left out:', ...classified.left.map((one) => `#   ${one.name}: ${one.why}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** There is one resource type of people and one of groups: the tables that look most like it. Others are types of their own. */
function chooseKinds(proposals: readonly Proposal[]): readonly Proposal[] {
  const weight = ({ kind, table, sides }: Proposal): number =>
    kind === 'User' ? personScore(table) : sides.filter((one) => one.isMembers).length * 2 + (sides.length > 0 ? 1 : 0);
  const first = (kind: 'User' | 'Group'): Proposal | undefined =>
    proposals
      .filter((one) => one.kind === kind)
      .reduce<Proposal | undefined>((best, one) => (best !== undefined && weight(best) >= weight(one) ? best : one), undefined);
  const chosen = [first('User'), first('Group')];
  return proposals.map((one) => (one.kind === undefined || chosen.includes(one) ? one : { ...one, like: one.kind }));
}

function propose(table: KnownTable, { sides, objects }: Classified, names: ReadonlyMap<string, string>): Proposal {
  // Columns of foreign keys become references: their names are free.
  const foreign = new Set(table.foreignKeys.flatMap((key) => key.columns).filter((column) => !table.primaryKey.includes(column)));
  const taken = new Set(table.columns.map((column) => column.name).filter((column) => !foreign.has(column)));
  const free = (wish: string): string => {
    let name = wish;
    for (let count = 2; taken.has(name); count += 1) name = `${wish}${count}`;
    taken.add(name);
    return name;
  };
  const references = table.foreignKeys.flatMap((key) => {
    const objectType = names.get(key.table);
    const target = objects.find((one) => one.name === key.table);
    // A reference names its target by the anchor: a foreign key to other columns is left as it is.
    const isWhole =
      target !== undefined && target.primaryKey.length === key.targets.length && target.primaryKey.every((column) => key.targets.includes(column));
    if (objectType === undefined || target === undefined || !isWhole || key.columns.every((column) => table.primaryKey.includes(column))) return [];
    const columns = target.primaryKey.map((column) => key.columns[key.targets.indexOf(column)] ?? '');
    const plain = columns.length === 1 ? (columns[0] ?? '').replace(/_?(id|no|nr|number|key|code|fk)$/i, '') : singular(key.table);
    const isManager = key.table === table.name && managerNames.includes(plainName(plain));
    return [{ name: free(plain === '' ? objectType : plain), columns, objectType, isManager }];
  });
  const own = sides.get(table.name) ?? [];
  const members = own.find((side) => side.target !== undefined && !managerTables.test(side.table.name));
  return {
    objectType: names.get(table.name) ?? table.name,
    table,
    kind: kindOf(table),
    references,
    sides: own.flatMap((side): readonly SideProposal[] => {
      const { contact, value } = side;
      if (contact !== undefined)
        return contact.kinds.map((kind) => ({ name: free(`${kind}_${value?.name ?? ''}`), side, objectType: undefined, isMembers: false, kind }));
      const isMembers = side === members && kindOf(table) === 'Group';
      const rest = side.table.name.replace(new RegExp(`^${singular(table.name)}_?|^[a-z]+_`, 'i'), '');
      const target = side.target === undefined ? undefined : names.get(side.target.table);
      // A table between two that is named after both: what is not the owner is the other one.
      const isOwnName = target !== undefined && plainName(singular(rest)) === plainName(singular(table.name));
      const wish = isMembers
        ? 'members'
        : isOwnName
          ? plural(target)
          : plural(side.target !== undefined && rest !== '' ? rest : (side.value?.name ?? side.table.name));
      return [{ name: free(wish), side, objectType: side.target === undefined ? undefined : names.get(side.target.table), isMembers }];
    }),
  };
}

function pascal(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
}

function plural(name: string): string {
  if (/(ss|sh|ch|x|z)$/i.test(name)) return `${name}es`;
  if (/s$/i.test(name)) return name;
  return /[^aeiou]y$/i.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}

function objectTypeLines({ objectType, table, references, sides }: Proposal, schema: string | undefined): readonly string[] {
  const named = (names: readonly string[]): CatalogueColumn | undefined => table.columns.find((column) => names.includes(plainName(column.name)));
  const anchors = table.primaryKey.map((name) => table.columns.find((column) => column.name === name));
  // A default makes it too, such as gen_random_uuid().
  const assigned = anchors.length === 1 && (anchors[0]?.assigned === true || anchors[0]?.defaulted === true);
  const isUuid = !assigned && anchors.length === 1 && (anchors[0]?.maximumLength === 36 || /^(uuid|uniqueidentifier)$/i.test(anchors[0]?.declared ?? ''));
  const needed = table.columns
    .filter((column) => !column.nullable && !column.defaulted && !column.assigned && !(isUuid && table.primaryKey.includes(column.name)))
    .map((column) => column.name);
  const watermark = named(watermarkNames);
  const deleted = named(deletedNames);
  const version = named(versionNames);
  const maybeVersion =
    version === undefined ? table.columns.find((column) => column.type === 'integer' && maybeVersionNames.includes(plainName(column.name))) : undefined;
  const lines = [
    `  table: ${scalar(table.name)}`,
    ...(schema === undefined ? [] : [`  schema: ${scalar(schema)}`]),
    `  anchor: ${list(table.primaryKey)}`,
    isUuid
      ? '  anchorGenerated: uuid   # new rows get one; without this line whoever creates an entry chooses it'
      : `  anchorAssigned: ${String(assigned)}   # ${assigned ? (anchors[0]?.assigned === true ? 'the database numbers new rows' : 'the column has a default') : 'whoever creates an entry chooses it'}`,
    ...(needed.length === 0 ? [] : [`  # must have values in a new entry: ${needed.join(', ')}`]),
    ...(version === undefined ? [] : [`  version: { column: ${scalar(version.name)} }`]),
    ...(maybeVersion === undefined
      ? []
      : [
          `  # version: { column: ${scalar(maybeVersion.name)} }   # if it changes with every change of the row: changes of what others changed since are refused`,
        ]),
    ...(watermark === undefined
      ? ['  # delta: no column was found that rises with every change; "landbridge connector delta-script" makes a change log']
      : [
          deleted === undefined ? '  # a watermark does not see deletes: run full imports now and then' : '  # deleted rows are marked',
          `  delta: { watermarkColumn: ${scalar(watermark.name)}${deleted === undefined ? '' : `, deletedColumn: ${scalar(deleted.name)}`} }`,
        ]),
    ...(references.length === 0
      ? []
      : ['  references:', ...references.map((one) => `    ${scalar(one.name)}: { columns: ${list(one.columns)}, objectType: ${scalar(one.objectType)} }`)]),
    ...(sides.length === 0 ? [] : ['  multiValued:', ...sides.flatMap((one) => sideLines(one, table, schema).map((line) => `    ${line}`))]),
  ];
  return [`${scalar(objectType)}:`, ...lines];
}

/** What no client may read, by its name. */
function secretsOf(table: KnownTable): readonly string[] {
  return table.columns.filter((column) => secretColumns.test(plainName(column.name))).map((column) => column.name);
}

function sideLines({ name, side, objectType, kind }: SideProposal, owner: KnownTable, schema: string | undefined): readonly string[] {
  const key = owner.primaryKey.map((column) => side.owner.columns[side.owner.targets.indexOf(column)] ?? side.owner.columns[0] ?? '');
  const { contact } = side;
  const used = new Set([
    ...key,
    ...(side.target?.columns ?? []),
    ...(side.value === undefined ? [] : [side.value.name]),
    ...(contact === undefined ? [] : [contact.kind.name]),
  ]);
  const others = side.table.columns.filter((column) => !used.has(column.name) && !column.nullable && !column.defaulted && !column.assigned);
  const set = [
    ...(contact === undefined || kind === undefined ? [] : [[contact.kind.name, kind] as const]),
    ...others.flatMap((column) => {
      const value = proposedValue(column);
      return value === undefined ? [] : [[column.name, value] as const];
    }),
  ];
  const unknown = others.filter((column) => proposedValue(column) === undefined).map((column) => column.name);
  const until = side.table.columns.find((column) => untilColumns.test(column.name) && /date|time/i.test(column.declared));
  return [
    `${scalar(name)}:`,
    `  table: ${scalar(side.table.name)}`,
    ...(schema === undefined ? [] : [`  schema: ${scalar(schema)}`]),
    `  key: ${list(key)}`,
    side.target === undefined
      ? `  value: ${scalar(side.value?.name ?? '')}`
      : `  reference: { columns: ${list(side.target.columns)}, objectType: ${scalar(objectType ?? '')} }`,
    ...(contact === undefined || kind === undefined
      ? []
      : [
          `  where: ${scalar(`"${contact.kind.name}" = '${kind.replaceAll("'", "''")}'`)}${contact.isKnown ? '' : `   # check what ${contact.kind.name} holds`}`,
          '  single: true',
        ]),
    ...(until === undefined || contact !== undefined
      ? []
      : [`  where: '"${until.name}"${until.nullable ? ` IS NULL OR "${until.name}"` : ''} > CURRENT_DATE'   # rows that have ended are history`]),
    ...(set.length === 0 ? [] : [`  set: { ${set.map(([column, value]) => `${scalar(column)}: ${scalar(value)}`).join(', ')} }   # in rows that are added`]),
    ...(side.table.guessed === undefined ? [] : [`  # no foreign key says so: ${side.table.guessed.join(', ')} is named after a table`]),
    ...(unknown.length === 0 ? [] : [`  direction: import-only   # new rows need ${unknown.join(', ')}: give them values under set, and remove this line`]),
  ];
}

/** The lines of the SCIM mapping. */
function mappingLines({ objectType, table, kind: own, like, references, sides }: Proposal): readonly string[] {
  const kind = like === undefined ? own : undefined;
  const secrets = secretsOf(table);
  const mapped = kind === 'User' ? personMapping(table, references, sides) : kind === 'Group' ? groupMapping(table, sides) : [];
  const resourceType = kind ?? pascal(objectType);
  const endpoint = plural(resourceType);
  return [
    `${scalar(objectType)}:`,
    `  resourceType: ${resourceType}${like === undefined ? '' : `   # these are ${like === 'User' ? 'people' : 'groups'} too, but another table is the ${like} of this connector`}`,
    ...(endpoint === `${resourceType}s` ? [] : [`  endpoint: ${endpoint}`]),
    ...(secrets.length === 0 ? [] : [`  exclude: ${list(secrets)}   # by their names secrets: not for clients to read`]),
    ...(mapped.length === 0
      ? []
      : ['  mapping:', ...mapped.map(([path, attribute, comment]) => `    ${scalar(path)}: ${attribute}${comment === undefined ? '' : `   # ${comment}`}`)]),
  ];
}

type Mapped = readonly (readonly [path: string, attribute: string, comment?: string])[];

function personMapping(table: KnownTable, references: Proposal['references'], sides: Proposal['sides']): Mapped {
  const hidden = new Set(references.flatMap((one) => one.columns));
  const find = (names: readonly string[]): CatalogueColumn | undefined =>
    names.flatMap((name) =>
      table.columns.filter(
        (column) => columnNames(table.name, column.name).includes(name) && (!hidden.has(column.name) || table.primaryKey.includes(column.name)),
      ),
    )[0];
  const found = personPaths.flatMap(([path, names]): Mapped => {
    const column = find(names);
    if (column === undefined || (path === 'active' && column.type === 'binary')) return [];
    if (path === 'active' && column.type === 'string') return activeMapping(table, column, ['Y', 'N']);
    return [[path, scalar(column.name)]];
  });
  const contacts = sides.flatMap(({ name, side: { contact }, kind }): Mapped => {
    const path = `${contact?.path ?? ''}[type eq "${kind?.toLowerCase() ?? ''}"].value`;
    return contact === undefined || found.some(([taken]) => taken === path) || /["\\]/.test(kind ?? '') ? [] : [[path, scalar(name)]];
  });
  const manager = references.find((one) => one.isManager);
  const named = find(stateNames);
  // What a number means is anybody's guess.
  const status = named?.type === 'string' ? named : undefined;
  const fallback =
    find(['email', 'mail', 'emailaddress', 'mailaddress']) ??
    table.columns.find((column) => column.unique && column.type === 'string') ??
    table.columns.find((column) => column.name === table.primaryKey[0]);
  return [
    ...(found.some(([path]) => path === 'userName') || fallback === undefined
      ? []
      : ([['userName', scalar(fallback.name), 'no column looks like a login: choose what names a person']] as const)),
    ...found,
    ...contacts,
    ...(manager === undefined ? [] : ([['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', scalar(manager.name)]] as const)),
    ...(status === undefined || found.some(([path]) => path === 'active') ? [] : activeMapping(table, status, ['A', 'D'])),
  ];
}

/** What says that an account may be used, by the values that the column holds; nothing where they say something else. */
function activeMapping(table: KnownTable, column: CatalogueColumn, guess: readonly [on: string, off: string]): Mapped {
  const held = table.held?.get(column.name);
  const mapped = ([on, off]: readonly [string, string], comment: string): Mapped => [
    ['active', `{ attribute: ${scalar(column.name)}, values: { 'true': ${text(on)}, 'false': ${text(off)} } }`, comment],
  ];
  if (held === undefined) return mapped(guess, 'check what the column holds');
  const find = (word: string): string | undefined => held.find((value) => value.toLowerCase() === word);
  const holds = `the column holds ${held.join(', ')}`;
  for (const [word, opposite] of activeWords) {
    const on = find(word);
    if (on === undefined) continue;
    const off = [opposite, ...inactiveWords].map(find).find((value) => value !== undefined);
    if (off !== undefined) return mapped([on, off], holds);
    // In the letters of the other one.
    return mapped([on, on === on.toUpperCase() ? opposite.toUpperCase() : opposite], `${holds}: check the other value`);
  }
  return [];
}

/** A value that is a text, whatever it looks like. */
const text = (value: string): string => (/^\d+$/.test(value) ? `'${value}'` : scalar(value));

function groupMapping(table: KnownTable, sides: Proposal['sides']): Mapped {
  const own = plainName(singular(table.name));
  const texts = table.columns.filter((column) => column.type === 'string');
  const wanted = (column: CatalogueColumn): boolean => {
    const plain = plainName(column.name);
    return ['name', 'displayname', 'title', 'label', 'cn'].includes(plain) || (plain.endsWith('name') && own.startsWith(plain.slice(0, -4)));
  };
  const name = texts.find(wanted) ?? texts.find((column) => !table.primaryKey.includes(column.name)) ?? texts[0];
  const members = sides.find((one) => one.isMembers);
  return [
    ...(name === undefined ? [] : ([['displayName', scalar(name.name)]] as const)),
    ...(members === undefined ? [] : ([['members', scalar(members.name)]] as const)),
  ];
}
