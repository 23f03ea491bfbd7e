import {
  type Attributes,
  ConnectorError,
  type EncodedAttributes,
  type EntryFilter,
  encodeValue,
  type FindRequest,
  type FindResult,
  type ImportEntry,
  matchesEntry,
  type Value,
} from '@landbridge/connector-sdk';
import { quote, type SqlDatabase, type SqlRow } from './database.ts';
import { completeRows, createBinder, isAfterKey } from './fetch-entries.ts';
import { translateFilter } from './filter-sql.ts';
import { rowKey } from './import-session.ts';
import type { ObjectModel } from './object-model.ts';
import { compileReader, keyOf, type RowReader, rowsAtOnce } from './row-reader.ts';

/** Candidates that are read at once, at least: what the database cannot decide is decided here. */
const PAGE = 200;

/** Looks entries up live by a filter, as parameterised SQL (SEC-32). What SQL found is checked against the reference evaluator. */
export async function findEntries(database: SqlDatabase, models: ReadonlyMap<string, ObjectModel>, request: FindRequest): Promise<FindResult> {
  const model = models.get(request.objectType);
  const type = request.schema.objectTypes.find((one) => one.name === request.objectType);
  if (model === undefined || type === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${request.objectType}"`);
  const selected = new Set(type.attributes.map((attribute) => attribute.name));
  // The evaluator needs what the filter names, selected or not.
  const wanted = new Set([...selected, ...attributesOf(request.filter)]);
  const search: Search = {
    database,
    model,
    reader: compileReader(database, model, wanted),
    request,
    pageSize: rowsAtOnce(model, wanted, Math.max(PAGE, request.limit + 1)),
  };
  const found: ImportEntry[] = [];
  let seen: ReadonlySet<string> = new Set();
  for (let after: SqlRow | undefined; ; ) {
    const candidates = await readCandidates(search, after);
    const rows = database.dialect.loose ? candidates.filter((row) => !seen.has(rowKey(model, search.reader, row))) : candidates;
    if (database.dialect.loose) seen = new Set(candidates.map((row) => rowKey(model, search.reader, row)));
    for (const entry of await completeRows(database, model, wanted, search.reader, rows, request.signal)) {
      if (!matchesEntry(request.filter, encode(model, entry))) continue;
      // Whoever asked must not take an entry for complete that could not be read.
      if (entry.error !== undefined) throw new ConnectorError(entry.error.code, entry.error.message, entry.error.detail);
      if (found.length === request.limit) return { entries: found, truncated: true };
      found.push(onlySelected(entry, selected));
    }
    after = rows.at(-1);
    if (candidates.length < search.pageSize || after === undefined) return { entries: found, truncated: false };
  }
}

interface Search {
  readonly database: SqlDatabase;
  readonly model: ObjectModel;
  readonly reader: RowReader;
  readonly request: FindRequest;
  readonly pageSize: number;
}

/** A page of rows in the order of the anchor, after a row. */
async function readCandidates({ database, model, reader, request, pageSize }: Search, after: SqlRow | undefined): Promise<readonly SqlRow[]> {
  const { dialect } = database;
  const binder = createBinder(database);
  const conditions = [translateFilter(request.filter, { database, model, bind: binder.bind })];
  if (model.alive !== undefined) conditions.push(model.alive);
  if (after !== undefined) conditions.push(isAfterKey(database, model, keyOf(model, reader.entry(after, 'replace').anchor), binder));
  const order = model.anchor.map(({ column, order: kind }) => dialect.orderBy(`m.${quote(column.name)}`, column, kind)).join(', ');
  const sql = `SELECT ${reader.select} FROM ${model.from} WHERE ${conditions.join(' AND ')} ORDER BY ${order}`;
  return (await database.query(dialect.limited(sql, pageSize), binder.values, request.signal)).rows;
}

function attributesOf(filter: EntryFilter): readonly string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(attributesOf);
    case 'not':
      return attributesOf(filter.filter);
    default:
      return [filter.attribute];
  }
}

function onlySelected(entry: ImportEntry, selected: ReadonlySet<string>): ImportEntry {
  const attributes = Object.entries(entry.attributes ?? {}).filter(([name]) => selected.has(name));
  return { ...entry, attributes: Object.fromEntries(attributes) };
}

/** The entry as the reference evaluator wants it. */
function encode(model: ObjectModel, entry: ImportEntry): EncodedAttributes {
  const all: Attributes = { ...entry.attributes, ...entry.anchor };
  const encoded: Record<string, EncodedAttributes[string]> = {};
  for (const { name, type } of model.definition.attributes) {
    const value = Object.hasOwn(all, name) ? all[name] : undefined;
    if (value !== undefined)
      encoded[name] = Array.isArray(value) ? (value as readonly Value[]).map((one) => encodeValue(type, one)) : encodeValue(type, value as Value);
  }
  return encoded;
}
