import {
  type Attributes,
  ConnectorError,
  decodeValue,
  type EncodedAttributes,
  type EntryFilter,
  encodeValue,
  type FindRequest,
  type FindResult,
  type ImportEntry,
  matchesEntry,
  type SchemaAttribute,
  type Value,
} from '@landbridge/connector-sdk';
import { quote, type SqlDatabase, type SqlValue } from './database.ts';
import { fetchEntries } from './fetch-entries.ts';
import { type ColumnAttribute, type ObjectModel, parseReference, type SideAttribute } from './object-model.ts';

type Compare = Extract<EntryFilter, { kind: 'compare' }>;

/** Looks entries up live by a filter, as parameterised SQL (SEC-32). What SQL found is checked against the reference evaluator. */
export async function findEntries(database: SqlDatabase, models: ReadonlyMap<string, ObjectModel>, request: FindRequest): Promise<FindResult> {
  const model = models.get(request.objectType);
  const type = request.schema.objectTypes.find((one) => one.name === request.objectType);
  if (model === undefined || type === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${request.objectType}"`);
  const values: SqlValue[] = [];
  const sql = translate(request.filter, { database, model, values });
  const wanted = new Set(type.attributes.map((attribute) => attribute.name));
  const entries = await fetchEntries(database, model, wanted, { sql, values }, request.limit + 1);
  const matching = entries.filter((entry) => matchesEntry(request.filter, encode(model, entry)));
  return { entries: matching.slice(0, request.limit), truncated: entries.length > request.limit };
}

interface Translation {
  readonly database: SqlDatabase;
  readonly model: ObjectModel;
  readonly values: SqlValue[];
}

/** SQL that is true for every entry the filter matches, and for few others. */
function translate(filter: EntryFilter, to: Translation): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      if (filter.filters.length === 0) return filter.kind === 'and' ? '1=1' : '1=0';
      return `(${filter.filters.map((part) => translate(part, to)).join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    case 'not':
      // Below a negation "few others" would become "some missing": only exact translations may be negated.
      return isExact(filter.filter) ? `NOT coalesce(${translate(filter.filter, to)}, 1=0)` : '1=1';
    case 'present':
      return present(filter.attribute, to);
    case 'compare':
      return compare(filter, to);
  }
}

/** Whether a translation is true for exactly the entries that match: no folding is involved. */
function isExact(filter: EntryFilter): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.every(isExact);
    case 'not':
      return isExact(filter.filter);
    case 'present':
      return true;
    case 'compare':
      // A LIKE of SQLite folds ASCII whatever one wants.
      return filter.type !== 'string' || (filter.caseExact && !['starts', 'ends', 'contains'].includes(filter.comparison));
  }
}

function present(name: string, to: Translation): string {
  const column = to.model.columns.find((one) => one.attribute.name === name);
  if (column !== undefined) return `(${column.columns.map((one) => `${quote(one.name)} IS NOT NULL`).join(' AND ')})`;
  const side = to.model.sides.find((one) => one.attribute.name === name);
  return side === undefined ? '1=0' : `EXISTS (SELECT 1 FROM ${side.from} s WHERE ${ownerOf(side, to)})`;
}

/** The rows of a side table that belong to a row of the main table. */
function ownerOf(side: SideAttribute, { model }: Translation): string {
  const outer = model.settings.table ?? model.settings.view;
  const name = outer === undefined ? 'landbridge_source' : quote(outer);
  return side.key.map((column, index) => `s.${quote(column.name)} = ${name}.${quote(model.anchor[index]?.columns[0]?.name ?? '')}`).join(' AND ');
}

function bind(to: Translation, value: Value): string {
  to.values.push(to.database.dialect.toSql(value));
  return to.database.dialect.placeholder(to.values.length);
}

function compare(filter: Compare, to: Translation): string {
  const column = to.model.columns.find((one) => one.attribute.name === filter.attribute);
  if (column !== undefined) return compareColumns(filter, column.attribute, column.columns, '', to);
  const side = to.model.sides.find((one) => one.attribute.name === filter.attribute);
  if (side === undefined) return '1=0';
  return `EXISTS (SELECT 1 FROM ${side.from} s WHERE ${ownerOf(side, to)} AND ${compareColumns(filter, side.attribute, side.value, 's.', to)})`;
}

function compareColumns(filter: Compare, attribute: SchemaAttribute, columns: ColumnAttribute['columns'], prefix: string, to: Translation): string {
  const names = columns.map((column) => `${prefix}${quote(column.name)}`);
  if (attribute.type === 'reference') return compareReference(filter, columns, names, to);
  const [name = ''] = names;
  const declared = columns[0]?.type ?? 'string';
  if (filter.type === 'string' || filter.type === 'binary' ? declared === 'string' : false) return compareText(filter, name, to);
  let value: Value;
  try {
    value = decodeValue(filter.type, filter.value);
  } catch {
    return filter.comparison === 'not-equal' ? `${name} IS NOT NULL` : '1=0';
  }
  return `${name} ${operatorOf(filter)} ${bind(to, value)}`;
}

function compareReference(filter: Compare, columns: ColumnAttribute['columns'], names: readonly string[], to: Translation): string {
  const there = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  if (filter.comparison !== 'equal') return `(${there})`;
  try {
    return `(${parseReference(String(filter.value), columns)
      .map((value, index) => `${names[index] ?? ''} = ${bind(to, value)}`)
      .join(' AND ')})`;
  } catch {
    return '1=0';
  }
}

const OPERATORS: Readonly<Record<string, string>> = { equal: '=', 'not-equal': '<>', greater: '>', 'greater-or-equal': '>=', less: '<', 'less-or-equal': '<=' };

function operatorOf(filter: Compare): string {
  return OPERATORS[filter.comparison] ?? '=';
}

function compareText(filter: Compare, name: string, to: Translation): string {
  const { dialect } = to.database;
  const value = String(filter.value);
  const text = `CAST(${name} AS TEXT)`;
  if (filter.caseExact) return compareExact(filter, text, value, to);
  // Every database folds its own way; for anything but ASCII the reference evaluator decides among all that have a value.
  if (!/^[\u0020-\u007e]*$/.test(value) || !['equal', 'starts', 'contains', 'ends'].includes(filter.comparison)) return `${name} IS NOT NULL`;
  const folded = compareExact(filter, dialect.fold(text), value.toLowerCase(), to);
  // A few other characters fold into ASCII (the Kelvin sign): rows with anything beyond ASCII are looked at too.
  const beyond = dialect.name === 'postgres' ? `${text} ~ '[^\\x01-\\x7f]'` : `${text} GLOB '*[^ -~]*'`;
  return dialect.name === 'sqlite' ? folded : `(${folded} OR ${beyond})`;
}

function compareExact(filter: Compare, text: string, value: string, to: Translation): string {
  const { dialect } = to.database;
  switch (filter.comparison) {
    case 'starts':
    case 'ends':
    case 'contains': {
      const pattern = `${filter.comparison === 'starts' ? '' : '%'}${value.replace(/[\\%_]/g, '\\$&')}${filter.comparison === 'ends' ? '' : '%'}`;
      // SQLite's LIKE folds ASCII: it finds more, never less, and instr/substr would scan just the same.
      return `${text} LIKE ${bind(to, pattern)} ESCAPE '\\'`;
    }
    default:
      return `${text} ${dialect.textCollation} ${operatorOf(filter)} ${bind(to, value)}`;
  }
}

/** The entry as the reference evaluator wants it. */
function encode(model: ObjectModel, entry: ImportEntry): EncodedAttributes {
  const definitions = new Map(model.definition.attributes.map((attribute) => [attribute.name, attribute]));
  const all: Attributes = { ...entry.attributes, ...entry.anchor };
  const encoded: Record<string, EncodedAttributes[string]> = {};
  for (const [name, value] of Object.entries(all)) {
    const attribute = definitions.get(name);
    if (attribute === undefined) continue;
    encoded[name] = Array.isArray(value)
      ? (value as readonly Value[]).map((one) => encodeValue(attribute.type, one))
      : encodeValue(attribute.type, value as Value);
  }
  return encoded;
}
