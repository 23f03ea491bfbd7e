import { existsSync, statSync } from 'node:fs';
import { foldCase, foldName } from '@landbridge/connector-sdk';
import { NO_AUDIT_KEY } from '../audit-chain.ts';
import {
  type ConnectorReader,
  type EntryPage,
  type EntryQuery,
  type EntryRow,
  type ReferenceFrom,
  type ResourceRow,
  type RunRow,
  ScanLimitError,
} from '../connector-store.ts';
import { toAuditRow, toDriftRows, toHeldRow, toJournalRow, toReference, toRunRow, toTarget } from '../rules/row-mapping.ts';
import type { StoredAttribute, StoredModel, StoredType } from '../rules/stored-model.ts';
import { chainOf } from './audit.ts';
import { type Database, openForReading, type Row, type Tuple } from './database.ts';
import { BY_SCIM_ID } from './deferred-indexes.ts';
import { foldFunction, type SqlCondition, translateFilter } from './entry-filter-sql.ts';
import { ENTRY_COLUMNS, isHidden, toEntryRow } from './entry-rows.ts';
import { findFew, OF_TYPE_BY_FILTER, VISIBLE } from './few-matches.ts';
import { createOutboxReader } from './outbox.ts';
import { createPageStarts } from './page-starts.ts';
import { createReadTurns } from './read-turns.ts';
import { exactReferences, spelledReferences } from './spelled-references.ts';
import { readModel } from './stored-model.ts';

/** Runs a query that needs a scan somewhere else than on the caller's thread. */
export type RunScan = (query: EntryQuery) => Promise<EntryPage>;

/** Where the reference begins in a row of {@link resourceSql}. */
const REFERENCE_AT = ENTRY_COLUMNS.split(', ').length;
/** And where the SCIM id of its target is; there is none without a reference. */
const TARGET_AT = REFERENCE_AT + 4;

const PREFIXED = ENTRY_COLUMNS.split(', ')
  .map((column) => `e.${column}`)
  .join(', ');

/** A reader and the means to tell it that the model changed. */
export interface SqliteReader extends ConnectorReader {
  refreshModel(): void;
}

/**
 * Opens a reader on a connector's file. `runScan` takes queries without an index; absent, they run here. `indexed` is waited for
 * before what an index must serve, the one that it names or any: a first import goes without some.
 */
export function openSqliteReader(
  file: string,
  runScan?: RunScan,
  indexed: (name?: string) => Promise<void> = async () => {},
  auditKey: Uint8Array = NO_AUDIT_KEY,
): SqliteReader {
  const database = openForReading(file);
  // Scans fold case as the contract does: SQLite's own lower() knows ASCII only.
  database.registerFunction('landbridge_fold', (value) => (typeof value === 'string' ? foldCase(value) : value));
  database.registerFunction('landbridge_fold_name', (value) => (typeof value === 'string' ? foldName(value) : value));
  let { model } = readModel(database);

  const entry = ([row]: readonly Tuple[]): EntryRow | undefined => (row === undefined ? undefined : toEntryRow(database, model, row));
  const visible = (rows: readonly Tuple[]): EntryRow | undefined => (rows[0] === undefined || isHidden(rows[0]) ? undefined : entry(rows));

  async function query(request: EntryQuery): Promise<EntryPage> {
    const type = model.types.get(request.objectType);
    if (type === undefined) return { rows: [], total: request.total ? 0 : undefined };
    await indexed();
    const condition = request.filter === undefined ? undefined : translateFilter(request.filter, model, type);
    if (condition !== undefined && !condition.indexed) {
      if (countOf(database, type) > request.scanLimit)
        throw new ScanLimitError(`the filter has no index and would look at more than ${request.scanLimit} entries`);
      if (runScan !== undefined) return runScan(request);
    }
    // Putting all entries of a type in order takes long, whatever index there is.
    if (request.sort !== undefined && condition === undefined && runScan !== undefined) return runScan(request);
    if (condition === undefined && request.sort === undefined && (request.offset ?? 0) > 0 && request.limit > 0) return readFrom(type, request);
    if (condition === undefined || runScan === undefined) return readPage(database, model, type, request);
    // An index finds the matches, but there may be many of them to count or to pass over.
    return (await turns.read(() => readHandful(type, request, condition) ?? readFew(type, request))) ?? runScan(request);
  }

  /** A page of the matches of a filter, where they are few: the rows of the page are read, and no others; `undefined` for many. */
  function readFew(type: StoredType, request: EntryQuery): EntryPage | undefined {
    if (request.filter === undefined) return undefined;
    const ids = findFew(database, model, type, request.filter);
    if (ids === undefined) return undefined;
    const { after, sort, offset = 0, limit } = request;
    const total = request.total ? ids.length : undefined;
    const start = offset + (after === undefined ? 0 : ids.filter((id) => id <= after).length);
    const page = sort === undefined ? ids.slice(start, start + limit) : ids;
    if (page.length === 0 || limit === 0) return { rows: [], total };
    const sql = `SELECT ${PREFIXED} FROM json_each(?) i CROSS JOIN entries e ON e.id = i.value`;
    const rows =
      sort === undefined
        ? database.tuples(sql, JSON.stringify(page))
        : database.tuples(`${sql} ORDER BY ${orderBy(request, type)} LIMIT ? OFFSET ?`, JSON.stringify(page), limit, offset);
    return { rows: rows.map((row) => toEntryRow(database, model, row)), total };
  }

  /** All matches of a filter, where they are a handful: what looks for one entry is one statement. */
  function readHandful(type: StoredType, request: EntryQuery, condition: SqlCondition): EntryPage | undefined {
    // Of several conditions the one that finds the fewest has to be known first.
    if (request.sort !== undefined || (request.offset ?? 0) > 0 || (request.filter?.kind !== 'compare' && request.filter?.kind !== 'resource'))
      return undefined;
    const most = Math.min(HANDFUL, request.limit);
    if (most === 0) return undefined;
    const { referring = [] } = request;
    const found = `SELECT ${PREFIXED} FROM entries e WHERE ${OF_TYPE_BY_FILTER} AND ${VISIBLE} AND ${condition.sql} LIMIT ?`;
    const sql = referring.length === 0 ? found : `SELECT ${PREFIXED}, ${REFERENCE} FROM (${found}) e ${referencesOf(referring.length)}`;
    const tuples = database.tuples(sql, type.id, ...condition.values, most + 1, ...referring.map(model.attributeId));
    const rows = referring.length === 0 ? tuples.map((row) => toEntryRow(database, model, row)) : gather(tuples);
    if (rows.length > most) return undefined;
    rows.sort((left, right) => left.id - right.id);
    const { after } = request;
    return { rows: after === undefined ? rows : rows.filter((row) => row.id > after), total: request.total ? rows.length : undefined };
  }

  const referenceFrom = ([from, attribute, raw, target, scimId, otype, body]: Tuple): ReferenceFrom => ({
    from: Number(from),
    attribute: model.attributeNames.get(Number(attribute)) ?? '',
    raw: String(raw),
    entryId: Number(target),
    scimId: String(scimId),
    objectType: model.typesById.get(Number(otype))?.name,
    body: String(body),
  });

  /** An entry, and what it refers to where that is asked for: one statement, for what is asked for most. */
  function readByScimId(scimId: string, referring: readonly string[] | undefined): ResourceRow | undefined {
    const rows = database.tuples(resourceSql(referring?.length ?? 0), ...(referring ?? []).map(model.attributeId), scimId);
    const row = visible(rows);
    return row === undefined || referring === undefined ? row : withReferences(row, rows);
  }

  /** An entry with what it refers to: `rows` are its own, one for each reference. */
  function withReferences(row: EntryRow, rows: readonly Tuple[]): ResourceRow {
    return { ...row, references: rows.filter((one) => typeof one[TARGET_AT] === 'string').map((one) => referenceFrom(one.slice(REFERENCE_AT))) };
  }

  /** The entries of rows that have a reference each. */
  function gather(rows: readonly Tuple[]): ResourceRow[] {
    return [...Map.groupBy(rows, ([id]) => id).values()].map((own) => withReferences(toEntryRow(database, model, own[0] as Tuple), own));
  }

  function readByAlias(scimId: string): EntryRow | undefined {
    return visible(database.tuples(`SELECT ${ENTRY_COLUMNS} FROM entries WHERE scim_id = (SELECT scim_id FROM link_aliases WHERE alias = ?)`, scimId));
  }

  const starts = createPageStarts(database);
  const turns = createReadTurns(database);

  /** A page of all entries, wherever it is: deep pages cost what the first one does. */
  function readFrom(type: StoredType, request: EntryQuery): EntryPage {
    const start = request.after === undefined ? starts.find(type.id, request.offset ?? 0) : undefined;
    if (start === undefined) return readPage(database, model, type, request);
    if (start === null) return { rows: [], total: request.total ? countOf(database, type) : undefined };
    return readPage(database, model, type, { ...request, offset: 0, after: start - 1 });
  }

  return {
    ...createOutboxReader(database, () => model),
    refreshModel() {
      ({ model } = readModel(database));
    },
    async readResource(scimId, referring) {
      await indexed(BY_SCIM_ID);
      return turns.read(() => readByScimId(scimId, referring) ?? readByAlias(scimId));
    },
    readEntry: async (entryId) => entry(database.tuples(`SELECT ${ENTRY_COLUMNS} FROM entries WHERE id = ?`, entryId)),
    async readByAnchor(objectType, anchor) {
      const type = model.types.get(objectType);
      return type === undefined
        ? undefined
        : entry(database.tuples(`SELECT ${ENTRY_COLUMNS} FROM entries WHERE otype = ? AND anchor_key = ?`, type.id, model.anchorKey(anchor)));
    },
    async readReferences(entryId, attribute, page) {
      const attr = model.attributeId(attribute);
      const sql = `SELECT r.raw, r.target, t.scim_id, t.otype, t.body FROM refs r LEFT JOIN entries t ON t.id = r.target WHERE r.entry = ? AND r.attr = ?`;
      const rows =
        page.after === undefined
          ? database.all(`${sql} AND r.raw > ? ORDER BY r.raw LIMIT ?`, entryId, attr, page.afterRaw ?? '', page.limit)
          : database.all(`${sql} AND r.target > ? ORDER BY r.target LIMIT ?`, entryId, attr, page.after, page.limit);
      return rows.map((row) => toReference(model, row));
    },
    async readReferencesOf(entryIds, attributes) {
      return readResolved(database, entryIds, attributes.map(model.attributeId)).map(referenceFrom);
    },
    async presentReferences(entryId, attribute, raw) {
      const attr = model.attributeId(attribute);
      const exact = exactReferences(database, entryId, attr, raw);
      if (!model.plainReferences && exact.size < raw.length) await indexed();
      return spelledReferences(database, model, entryId, attr, raw, exact);
    },
    async countReferences(entryId, attribute, atMost = Number.MAX_SAFE_INTEGER) {
      const sql = 'SELECT count(*) AS n FROM (SELECT 1 FROM refs WHERE entry = ? AND attr = ? LIMIT ?)';
      return Number(database.get(sql, entryId, model.attributeId(attribute), atMost)?.['n'] ?? 0);
    },
    async readReferrers(entryId, attribute, page) {
      await indexed();
      const attr = model.types.get(attribute.objectType)?.attributes.get(attribute.name)?.id ?? -1;
      const otype = model.types.get(attribute.objectType)?.id ?? -1;
      const rows = database.all(
        `SELECT r.raw, e.id AS target, e.scim_id, e.otype, e.body FROM refs r JOIN entries e ON e.id = r.entry
         WHERE r.target = ? AND r.attr = ? AND e.otype = ? AND ${VISIBLE} AND r.entry > ? ORDER BY r.entry LIMIT ?`,
        entryId,
        attr,
        otype,
        page.after ?? 0,
        page.limit,
      );
      return rows.map((row) => toReference(model, row));
    },
    async resolveTargets(scimIds) {
      await indexed(BY_SCIM_ID);
      return scimIds.map((scimId) => {
        const row =
          database.get('SELECT id, otype, anchor, dn, flags FROM entries WHERE scim_id = ?', scimId) ??
          database.get('SELECT id, otype, anchor, dn, flags FROM entries WHERE scim_id = (SELECT scim_id FROM link_aliases WHERE alias = ?)', scimId);
        return toTarget(model, row);
      });
    },
    query,
    async countEntries(objectType) {
      const type = model.types.get(objectType);
      return type === undefined ? 0 : countOf(database, type);
    },
    readOpenJournal: async () =>
      database.all("SELECT * FROM journal WHERE state IN ('held', 'intended', 'in-doubt') ORDER BY id").map((row) => toJournalRow(model, row)),
    async readJournal(page) {
      const states = page.states === undefined ? '' : `AND state IN (${page.states.map(() => '?').join(', ')})`;
      return database
        .all(
          `SELECT * FROM journal WHERE id < ? ${states} ORDER BY id DESC LIMIT ?`,
          page.before ?? Number.MAX_SAFE_INTEGER,
          ...(page.states ?? []),
          page.limit,
        )
        .map((row) => toJournalRow(model, row));
    },
    async readJournalRow(journalId) {
      const row = database.get('SELECT * FROM journal WHERE id = ?', journalId);
      return row === undefined ? undefined : toJournalRow(model, row);
    },
    readRuns: async (page) =>
      database
        .all('SELECT * FROM runs WHERE id < ? ORDER BY id DESC LIMIT ?', page.before ?? Number.MAX_SAFE_INTEGER, page.limit)
        .map((row) => readRunRow(database, row)),
    async readRun(runId) {
      const row = database.get('SELECT * FROM runs WHERE id = ?', runId);
      return row === undefined ? undefined : readRunRow(database, row);
    },
    hasFullImport: async () =>
      database.get("SELECT 1 AS yes FROM steps WHERE kind = 'full' AND result IN ('success', 'completed-with-errors') LIMIT 1") !== undefined,
    hasOverlay: async () => database.get("SELECT 1 AS yes FROM meta WHERE name = 'overlay'") !== undefined,
    async readApprovedHolds() {
      const rows = database.all("SELECT id FROM runs r WHERE held_decision = 'approved' AND EXISTS (SELECT 1 FROM held h WHERE h.run = r.id)");
      return rows.map((row) => Number(row['id']));
    },
    async readDrifts(page) {
      return toDriftRows(
        database.all(
          'SELECT journal, entry, attribute, drift FROM drifts WHERE journal IN (SELECT DISTINCT journal FROM drifts WHERE journal > ? ORDER BY journal LIMIT ?) ORDER BY journal, attribute',
          page.after,
          page.limit,
        ),
      );
    },
    async readHeld(runId, page) {
      const rows = database.all(
        'SELECT e.id, e.otype, e.anchor, e.dn FROM held h JOIN entries e ON e.id = h.entry WHERE h.run = ? AND h.entry > ? ORDER BY h.entry LIMIT ?',
        runId,
        page.after ?? 0,
        page.limit,
      );
      return rows.map((row) => toHeldRow(model, row));
    },
    async readAudit(page) {
      const rows = database.all('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?', page.before ?? Number.MAX_SAFE_INTEGER, page.limit);
      return rows.map(toAuditRow);
    },
    auditChain: chainOf(database, auditKey),
    async readWatermark(partition) {
      const value = database.get('SELECT value FROM watermarks WHERE partition = ?', partition)?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    walBytes: async () => (existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0),
    async close() {
      turns.serve();
      database.close();
    },
  };
}

const resourceSqls: string[] = [];

/** The statement that reads an entry by its SCIM id, a row for each reference by a number of attributes: made once for each number. */
function resourceSql(attributes: number): string {
  const sql = resourceSqls[attributes] ?? makeResourceSql(attributes);
  resourceSqls[attributes] = sql;
  return sql;
}

function makeResourceSql(attributes: number): string {
  if (attributes === 0) return `SELECT ${PREFIXED} FROM entries e WHERE e.scim_id = ?`;
  return `SELECT ${PREFIXED}, ${REFERENCE} FROM entries e ${referencesOf(attributes)} WHERE e.scim_id = ?`;
}

/** The columns of a reference and of its target, behind those of an entry. */
const REFERENCE = 'r.entry, r.attr, r.raw, r.target, t.scim_id, t.otype, t.body';

/** Joins what an entry `e` refers to by a number of attributes: rows without a target are those of an entry that refers to nothing. */
function referencesOf(attributes: number): string {
  return `LEFT JOIN refs r ON r.entry = e.id AND r.attr IN (${Array.from({ length: attributes }, () => '?').join(', ')}) AND r.target IS NOT NULL
    LEFT JOIN entries t ON t.id = r.target`;
}

/** The resolved references of entries: entry, attribute, raw value, target, and SCIM id, type and body of that. */
function readResolved(database: Database, entryIds: readonly number[], attributes: readonly number[]): readonly Tuple[] {
  const [entry] = entryIds;
  const [attribute] = attributes;
  if (entry === undefined || attribute === undefined) return [];
  const reference = 'r.entry, r.attr, r.raw, r.target';
  if (entryIds.length === 1 && attributes.length === 1)
    return database.tuples(
      `SELECT ${reference}, t.scim_id, t.otype, t.body FROM refs r CROSS JOIN entries t ON t.id = r.target WHERE r.entry = ? AND r.attr = ?`,
      entry,
      attribute,
    );
  const referring = database.tuples(
    `SELECT ${reference} FROM json_each(?) i CROSS JOIN json_each(?) a CROSS JOIN refs r ON r.entry = i.value AND r.attr = a.value WHERE r.target IS NOT NULL`,
    JSON.stringify(entryIds),
    JSON.stringify(attributes),
  );
  // Many refer to few: the manager of a department is read once.
  const ids = JSON.stringify([...new Set(referring.map((row) => row[3]))]);
  const targets = database.tuples('SELECT t.id, t.scim_id, t.otype, t.body FROM json_each(?) i CROSS JOIN entries t ON t.id = i.value', ids);
  const byId = new Map(targets.map(([id, ...rest]) => [id, rest]));
  return referring.flatMap((row) => {
    const target = byId.get(row[3] ?? null);
    return target === undefined ? [] : [[...row, ...target]];
  });
}

/** So many are read before anything is counted. */
const HANDFUL = 10;

/** Reads one page of a query on an open database: of all entries of a type, or of many matches. */
function readPage(database: Database, model: StoredModel, type: StoredType, request: EntryQuery): EntryPage {
  const condition = request.filter === undefined ? { sql: '1', values: [], indexed: true } : translateFilter(request.filter, model, type, { many: true });
  const where = `e.otype = ? AND ${VISIBLE}${request.filter === undefined ? '' : ` AND ${condition.sql}`}`;
  const values = [type.id, ...condition.values];
  const order = orderBy(request, type);
  const after = request.after === undefined ? '' : ' AND e.id > ?';
  const rows =
    request.limit === 0
      ? []
      : database.tuples(
          `SELECT ${PREFIXED} FROM entries e WHERE ${where}${after} ORDER BY ${order} LIMIT ? OFFSET ?`,
          ...values,
          ...(request.after === undefined ? [] : [request.after]),
          request.limit,
          request.offset ?? 0,
        );
  return {
    rows: rows.map((row) => toEntryRow(database, model, row)),
    total: request.total ? countMatches(database, type, request, condition) : undefined,
  };
}

function countMatches(database: Database, type: StoredType, request: EntryQuery, condition: SqlCondition): number {
  if (request.filter === undefined) return countOf(database, type);
  const ofType = condition.indexed ? OF_TYPE_BY_FILTER : 'e.otype = ?';
  return Number(
    database.get(`SELECT count(*) AS n FROM entries e WHERE ${ofType} AND ${VISIBLE} AND ${condition.sql}`, type.id, ...condition.values)?.['n'] ?? 0,
  );
}

/** The ORDER BY of a query: values before none when ascending (S-103), ties by id (S-105). */
function orderBy(request: EntryQuery, type: StoredType): string {
  const { sort } = request;
  if (sort === undefined) return 'e.id';
  const direction = sort.descending ? 'DESC' : 'ASC';
  if ('field' in sort.by) return `e.${sort.by.field === 'id' ? 'scim_id' : sort.by.field} ${direction}, e.id`;
  const attribute = type.attributes.get(sort.by.attribute);
  if (attribute === undefined) return 'e.id';
  const value = attribute.column === undefined ? uncolumned(attribute) : `e.${attribute.column}`;
  return `${value} IS NULL ${direction}, ${value} ${direction}, e.id`;
}

/** What a column would hold: text folded unless its case matters, numbers as numbers (S-104, S-105). */
function uncolumned(attribute: StoredAttribute): string {
  const text = `(e.body ->> '$.${JSON.stringify(attribute.name).replaceAll("'", "''")}')`;
  if (attribute.type === 'integer') return `CAST(${text} AS INTEGER)`;
  return attribute.type === 'string' && !attribute.caseExact ? `${foldFunction(attribute)}(${text})` : text;
}

function countOf(database: Database, type: StoredType): number {
  return Number(database.get('SELECT entries FROM types WHERE id = ?', type.id)?.['entries'] ?? 0);
}

function readRunRow(database: Database, row: Row): RunRow {
  const id = Number(row['id']);
  const held = row['held_decision'] === null ? 0 : Number(database.get('SELECT count(*) AS n FROM held WHERE run = ?', id)?.['n'] ?? 0);
  return toRunRow(row, database.all('SELECT * FROM steps WHERE run = ? ORDER BY id', id), held);
}
