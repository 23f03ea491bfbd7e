import type { CatalogueColumn, CatalogueTable } from '../database.ts';
import {
  columnNames,
  contactKinds,
  contacts,
  fromColumns,
  groupTables,
  personPaths,
  personTables,
  secretTables,
  singular,
  untilColumns,
} from './name-tables.ts';

/** A table with its columns. */
export interface KnownTable extends CatalogueTable {
  readonly columns: readonly CatalogueColumn[];
  /** Columns that refer to another table by their name alone: no foreign key says so. */
  readonly guessed?: readonly string[];
  /** What columns hold that say a kind or a state, by their names. */
  readonly held?: ReadonlyMap<string, readonly string[]>;
}

type ForeignKey = KnownTable['foreignKeys'][number];

/** Rows of another table, or values, that belong to the rows of an object type. */
export interface SideTable {
  readonly table: KnownTable;
  readonly owner: ForeignKey;
  /** The other end; absent where the table holds values. */
  readonly target?: ForeignKey;
  readonly value?: CatalogueColumn;
  /** Each row is a phone or an address of mail of some kind: one value for each of the kinds. */
  readonly contact?: Contact;
}

/** What a table of contacts holds. */
export interface Contact {
  /** The SCIM attribute: `phoneNumbers`, `emails`. */
  readonly path: string;
  readonly kind: CatalogueColumn;
  readonly kinds: readonly string[];
  /** The catalogue, or the rows that are there, say that these are the kinds. */
  readonly isKnown: boolean;
}

/** What a database holds, as far as its catalogue tells. */
export interface Classified {
  readonly objects: readonly KnownTable[];
  /** By the table that owns them. */
  readonly sides: ReadonlyMap<string, readonly SideTable[]>;
  /** Tables that nothing is proposed for, and why. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

/** Decides what each table is: an object type, a link between two, or values of one. */
export function classifyTables(tables: readonly KnownTable[]): Classified {
  const isSecret = ({ name }: KnownTable): boolean => secretTables.test(name);
  const base = tables.filter((table) => !table.isView && !isSecret(table)).map((table) => guessReference(table, tables));
  const left: { readonly name: string; readonly why: string }[] = tables
    .filter((table) => table.isView || isSecret(table))
    .map((table) => ({ name: table.name, why: table.isView ? 'a view' : 'its name says that it holds secrets' }));
  // What others refer to is something of its own, however little it holds.
  const referred = new Set(base.flatMap((table) => table.foreignKeys.filter((key) => key.table !== table.name).map((key) => key.table)));
  const objects = base.filter(
    (table) => table.primaryKey.length > 0 && (referred.has(table.name) || (linkOf(table) === undefined && ownerOf(table) === undefined)),
  );
  const names = new Set(objects.map((table) => table.name));
  const sides = new Map<string, SideTable[]>();
  const give = (owner: string, side: SideTable): void => void sides.set(owner, [...(sides.get(owner) ?? []), side]);
  for (const table of base) {
    if (names.has(table.name)) continue;
    const link = linkOf(table);
    const owner = link === undefined ? ownerOf(table) : undefined;
    if (link?.every((key) => names.has(key.table))) {
      const [group, member] = groupFirst(table, link, objects);
      give(group.table, { table, owner: group, target: member });
    } else if (owner !== undefined && names.has(owner.table) && sideValue(table, owner) !== undefined) {
      const contact = kindOf(objects.find((one) => one.name === owner.table)) === 'User' ? contactOf(table, owner) : undefined;
      give(owner.table, contact === undefined ? { table, owner, ...named('value', sideValue(table, owner)) } : { table, owner, ...contact });
    } else left.push({ name: table.name, why: table.primaryKey.length === 0 ? 'it has no primary key' : 'what it hangs on is no object type' });
  }
  return { objects, sides, left };
}

/** In a table whose key is a foreign key and one more column, that column refers to the table that it is named after: `group_id`. */
function guessReference(table: KnownTable, tables: readonly KnownTable[]): KnownTable {
  const linked = new Set(table.foreignKeys.flatMap((key) => key.columns));
  const [alone, ...more] = table.primaryKey.filter((column) => !linked.has(column));
  const stem = alone?.match(/^(.+?)_?id$/i)?.[1]?.toLowerCase();
  if (alone === undefined || stem === undefined || more.length > 0 || table.foreignKeys.length !== 1) return table;
  const named = tables.filter((one) => {
    const name = singular(one.name).toLowerCase();
    return one.name !== table.name && one.primaryKey.length === 1 && (name === stem || name.endsWith(`_${stem}`));
  });
  const [target] = named;
  const typeOf = (one: KnownTable, name: string | undefined) => one.columns.find((column) => column.name === name)?.type;
  if (target === undefined || named.length > 1 || typeOf(target, target.primaryKey[0]) !== typeOf(table, alone)) return table;
  return { ...table, foreignKeys: [...table.foreignKeys, { columns: [alone], table: target.name, targets: target.primaryKey }], guessed: [alone] };
}

/** A table whose key is two foreign keys, or that has little beside a key of its own and two foreign keys. */
function linkOf(table: KnownTable): readonly [ForeignKey, ForeignKey] | undefined {
  const [first, second, ...more] = table.foreignKeys;
  if (first === undefined || second === undefined || more.length > 0) return undefined;
  const linked = new Set([...first.columns, ...second.columns]);
  const isKey = table.primaryKey.every((column) => linked.has(column) || isMoment(table, column)) && table.primaryKey.some((column) => linked.has(column));
  const rest = table.columns.filter((column) => !linked.has(column.name) && !column.assigned);
  const isBare =
    table.primaryKey.length <= 1 && rest.every((column) => isMoment(table, column.name) || column.nullable || column.defaulted) && rest.length <= 3;
  return isKey || (isBare && personScore(table) === 0) ? [first, second] : undefined;
}

/** A table whose key begins with the key of another table and goes on. */
function ownerOf(table: KnownTable): ForeignKey | undefined {
  const [only, ...more] = table.foreignKeys;
  if (only === undefined || more.length > 0) return undefined;
  // Phones have keys of their own mostly, and are nothing of their own.
  if (contactOf(table, only) !== undefined) return only;
  const isPart = table.primaryKey.length > only.columns.length && only.columns.every((column) => table.primaryKey.includes(column));
  const isBare = table.primaryKey.length === 0 && table.columns.length <= only.columns.length + 3;
  return isPart || isBare ? only : undefined;
}

/** A table with a phone, or an address of mail, in each row, and a column that says which one it is. */
function contactOf(table: KnownTable, owner: ForeignKey): { readonly value: CatalogueColumn; readonly contact: Contact } | undefined {
  const own = table.columns.filter((column) => !owner.columns.includes(column.name) && !column.assigned && column.type === 'string');
  const kind = own.find((column) => contactKinds.test(column.name));
  if (kind === undefined) return undefined;
  const texts = own.filter((column) => column !== kind);
  for (const { path, value: values, table: tables, kinds } of contacts) {
    const value = texts.find((column) => values.test(column.name));
    // A number, or an address, is anything: the table has to say what it is.
    if (value === undefined || !(tables.test(table.name) || tables.test(value.name))) continue;
    const known = table.held?.get(kind.name);
    return { value, contact: { path, kind, kinds: known ?? kinds, isKnown: known !== undefined } };
  }
  return undefined;
}

const named = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [Key in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]: Value });

function isMoment(table: KnownTable, name: string): boolean {
  const column = table.columns.find((one) => one.name === name);
  return column !== undefined && /date|time/i.test(column.declared);
}

/** The value that rows of a side table hold: a text of the key, another text, or anything that is no time. */
function sideValue(table: KnownTable, owner: ForeignKey): CatalogueColumn | undefined {
  const candidates = table.columns.filter((column) => !owner.columns.includes(column.name) && !isMoment(table, column.name) && !column.assigned);
  const inKey = candidates.find((column) => table.primaryKey.includes(column.name) && column.type === 'string');
  return inKey ?? candidates.find((column) => column.type === 'string') ?? candidates[0];
}

/** Groups own their links: departments have employees. Else people do, an employee has territories; else what the table is named after, an order has details. */
function groupFirst(table: KnownTable, [first, second]: readonly [ForeignKey, ForeignKey], objects: readonly KnownTable[]): readonly [ForeignKey, ForeignKey] {
  const kind = (key: ForeignKey): string | undefined => kindOf(objects.find((table) => table.name === key.table));
  const isFirst = (key: ForeignKey): boolean => table.name.toLowerCase().startsWith(singular(key.table).toLowerCase());
  const isOwner = (key: ForeignKey, other: ForeignKey): boolean =>
    kind(key) === 'Group' || (kind(key) === 'User' && kind(other) === undefined) || (kind(key) === kind(other) && isFirst(key));
  return !isOwner(first, second) && isOwner(second, first) ? [second, first] : [first, second];
}

/** How many columns are called like those of people. */
export function personScore(table: KnownTable): number {
  const names = new Set(table.columns.flatMap((column) => columnNames(table.name, column.name)));
  return personPaths.filter(([path, known]) => path !== 'displayName' && known.some((name) => names.has(name))).length;
}

/** The SCIM resource that a table is likely to be; `undefined` for neither a person nor a group. */
export function kindOf(table: KnownTable | undefined): 'User' | 'Group' | undefined {
  if (table === undefined) return undefined;
  const score = personScore(table);
  if (groupTables.test(table.name) && score < 3) return 'Group';
  return score >= 3 || (personTables.test(table.name) && score >= 1) ? 'User' : undefined;
}

/** What a column of a side table must be given in new rows: from today, until the end of time; `undefined` where nobody knows. */
export function proposedValue(column: CatalogueColumn): string | undefined {
  if (!/date|time/i.test(column.declared)) return undefined;
  const now = /time/i.test(column.declared) ? '=now' : '=today';
  if (untilColumns.test(column.name)) return '9999-01-01';
  return fromColumns.test(column.name) || /date|time|at$/i.test(column.name) ? now : undefined;
}
