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
import { flag } from '../rules/entry-flags.ts';
import { toAuditRow, toDriftRows, toHeldRow, toJournalRow, toReference, toRunRow, toTarget } from '../rules/row-mapping.ts';
import type { StoredType } from '../rules/stored-model.ts';
import { chainOf } from './audit.ts';
import { createBatches } from './batches.ts';
import type { Pool, Row, SqlValue } from './connection.ts';
import { bodyValue, createFilterTranslator, folded } from './entry-filter-sql.ts';
import { ENTRY_FROM, ENTRY_SELECT, toEntryRow } from './entry-read.ts';
import { createOutboxReader } from './outbox.ts';
import { createPageStarts } from './page-starts.ts';
import { keyExpression, referencesBy, toKept } from './records.ts';
import { spelledReferences } from './spelled-references.ts';
import { readModel } from './stored-model.ts';

/** A reader and the means to tell it that the model changed. */
export interface PostgresReader extends ConnectorReader {
  refreshModel(): Promise<void>;
}

const LAST = Number.MAX_SAFE_INTEGER;
const TARGET = 'r.raw, r.target, t.scim_id, t.otype, t.body';
/**
 * Without the bit of what is hidden. As ranges, and not as a bit, the planner knows that it is true of nearly all entries: else it puts
 * all of them in order for one page.
 */
const VISIBLE = `(e.flags < ${flag.hidden} OR e.flags BETWEEN ${flag.overlay} AND ${flag.overlay + flag.hidden - 1})`;
/**
 * Entries of a statement with what they refer to by some attributes: a row for each reference, a round trip less. `OFFSET 0` has them
 * looked up entry by entry; a plan for any number of entries reads all references in order.
 */
const withReferring = (entries: string, attributes: string): string => `SELECT e.*, f.* FROM (${entries}) e
  LEFT JOIN LATERAL (SELECT r.attr, r.raw, r.target, t.scim_id AS target_scim_id, t.otype AS target_otype, t.body AS target_body
    FROM ${referencesBy('e.id', attributes)} JOIN entries t ON t.id = r.target OFFSET 0) f ON true ORDER BY e.id`;
const BY_SCIM_ID = `SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.scim_id = ANY($1::text[]) AND ${VISIBLE}`;
const BY_ALIAS = `SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.scim_id = (SELECT a.scim_id FROM link_aliases a WHERE a.alias = $1) AND ${VISIBLE}`;
const BY_SCIM_ID_REFERRING = withReferring(BY_SCIM_ID, '$2');
/** A page of a type. The type stands in the statement: how many entries it has decides which index serves. */
export const allFrom = (otype: number): string =>
  `SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.otype = ${otype} AND ${VISIBLE} AND e.id > $1 ORDER BY e.id LIMIT $2 OFFSET $3`;
const REFERENCES_OF = `SELECT r.entry, r.attr, ${TARGET} FROM unnest($1::bigint[]) i(entry) CROSS JOIN ${referencesBy('i.entry', '$2')} JOIN entries t ON t.id = r.target`;

/** Who refers to each of some entries, a page of each. */
const REFERRERS_OF = `SELECT w.asked, p.* FROM (SELECT DISTINCT asked FROM unnest($1::bigint[]) u(asked)) w CROSS JOIN LATERAL (
  SELECT r.raw, e.id AS target, e.scim_id, e.otype, e.body FROM refs r JOIN entries e ON e.id = r.entry
  WHERE r.target = w.asked AND r.attr = $2 AND e.otype = $3 AND e.flags & ${flag.hidden} = 0 AND r.entry > $5 ORDER BY r.entry LIMIT $4) p`;

/** Opens a reader over a pool of connections. Many reads run at once; none is a transaction of several statements. */
export async function openPostgresReader(pool: Pool, auditKey: Uint8Array = NO_AUDIT_KEY): Promise<PostgresReader> {
  let { model } = await readModel(pool);
  const { lookUps } = pool;
  const entry = (row: Row | undefined): EntryRow | undefined => (row === undefined ? undefined : toEntryRow(model, row));
  /** The entries of rows that have a reference each, where the statement asked for them. */
  function resources(rows: readonly Row[]): readonly ResourceRow[] {
    if (rows[0]?.['target'] === undefined) return rows.map((row) => toEntryRow(model, row));
    return [...Map.groupBy(rows, (row) => row['id']).values()].map((own) => ({
      ...toEntryRow(model, own[0] as Row),
      references: own.flatMap((row) => (row['target'] === null ? [] : [referenceFrom(row)])),
    }));
  }

  const referenceFrom = (row: Row): ReferenceFrom => ({
    from: Number(row['id']),
    attribute: model.attributeNames.get(Number(row['attr'])) ?? '',
    raw: String(row['raw']),
    entryId: Number(row['target']),
    scimId: String(row['target_scim_id']),
    objectType: model.typesById.get(Number(row['target_otype']))?.name,
    body: String(row['target_body']),
  });

  const starts = createPageStarts(pool);

  async function query(request: EntryQuery): Promise<EntryPage> {
    const type = model.types.get(request.objectType);
    if (type === undefined) return { rows: [], total: request.total ? 0 : undefined };
    if (request.filter === undefined && request.sort === undefined && request.limit > 0) return readFrom(type, request);
    // A total is of all pages.
    const translator = createFilterTranslator(model, request.total ? undefined : request.after);
    const otype = translator.bind(type.id);
    const condition = request.filter === undefined ? undefined : translator.translate(request.filter, type);
    if (condition !== undefined && !condition.indexed && (await countOf(type)) > request.scanLimit)
      throw new ScanLimitError(`the filter has no index and would look at more than ${request.scanLimit} entries`);
    const where = `e.otype = ${otype}::integer AND ${VISIBLE}${condition === undefined ? '' : ` AND ${condition.sql}`}`;
    const counted = [...translator.values];
    const readTotal = (): Promise<number> => (request.filter === undefined ? countOf(type) : count(where, counted));
    if (request.limit === 0) return { rows: [], total: request.total ? await readTotal() : undefined };
    const { after, offset = 0 } = request;
    const behind = (id: string): string => (after === undefined ? '' : ` AND ${id} > ${translator.bind(after)}::bigint`);
    const limit = `LIMIT ${translator.bind(request.limit)}::bigint OFFSET ${translator.bind(offset)}::bigint`;
    const isByIds = request.total && condition !== undefined && request.sort === undefined;
    const page = isByIds
      ? `SELECT ${ENTRY_SELECT}, (SELECT count(*) FROM found) AS total FROM ${ENTRY_FROM}
          WHERE e.id = ANY(ARRAY(SELECT f.id FROM found f WHERE true${behind('f.id')} ORDER BY f.id ${limit})) ORDER BY e.id`
      : `SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE ${where}${behind('e.id')} ORDER BY ${orderBy(request, type)} ${limit}`;
    const { referring } = request;
    const sql = isAsked(referring) && request.sort === undefined ? withReferring(page, translator.bind(referring.map(model.attributeId))) : page;
    if (isByIds) {
      // The matches are looked at once, for the page and for how many there are. Of several conditions the one that finds the fewest has to be
      // known first: that is planned each time. Of one an index serves, the plan is made once: planning takes longer than reading.
      const isOne = condition.indexed && (request.filter?.kind === 'compare' || request.filter?.kind === 'resource');
      const found = await (isOne ? lookUps : pool).all(`WITH found AS MATERIALIZED (SELECT e.id FROM entries e WHERE ${where}) ${sql}`, ...translator.values);
      if (found[0] !== undefined) return { rows: resources(found), total: Number(found[0]['total']) };
      // A page without rows says nothing of those on other pages.
      return { rows: [], total: after === undefined && offset === 0 ? 0 : await readTotal() };
    }
    const [found, total] = await Promise.all([pool.all(sql, ...translator.values), request.total ? readTotal() : undefined]);
    return { rows: resources(found), total };
  }

  /** A page of all entries, wherever it is: deep pages cost what the first one does. */
  async function readFrom(type: StoredType, request: EntryQuery): Promise<EntryPage> {
    const { after, offset = 0, limit, referring } = request;
    const start = after === undefined ? await starts.find(type.id, offset) : { after, offset, entries: request.total ? countOf(type) : undefined };
    const place = [start.after, limit, start.offset] as const;
    const page = allFrom(type.id);
    const rows = isAsked(referring) ? lookUps.all(withReferring(page, '$4'), ...place, referring.map(model.attributeId)) : lookUps.all(page, ...place);
    const [found, entries] = await Promise.all([rows, start.entries]);
    return { rows: resources(found), total: request.total ? entries : undefined };
  }

  const byScimId = forNumbers((attributes) =>
    createBatches(async (scimIds: readonly string[]) => {
      const rows = await (attributes.length === 0 ? lookUps.all(BY_SCIM_ID, scimIds) : lookUps.all(BY_SCIM_ID_REFERRING, scimIds, attributes));
      const found = new Map(resources(rows).map((row) => [row.scimId, row]));
      return scimIds.map((scimId) => found.get(scimId));
    }),
  );

  const referencesOf = forNumbers((attributes) =>
    createBatches(async (asked: readonly (readonly number[])[]) => {
      const rows = await lookUps.all(REFERENCES_OF, [...new Set(asked.flat())], attributes);
      const byEntry = Map.groupBy(rows, (row) => Number(row['entry']));
      return asked.map((ids) => ids.flatMap((id) => byEntry.get(id) ?? []));
    }),
  );

  /** The first page of each. */
  const referrersOf = forNumbers(([attr = -1, otype = -1, limit = 0]) =>
    createBatches(async (ids: readonly number[]) => {
      const byTarget = Map.groupBy(await lookUps.all(REFERRERS_OF, ids, attr, otype, limit, 0), (row) => Number(row['asked']));
      return ids.map((id) => byTarget.get(id) ?? []);
    }),
  );

  const count = async (where: string, values: readonly SqlValue[]): Promise<number> =>
    Number((await pool.get(`SELECT count(*) AS n FROM entries e WHERE ${where}`, ...values))?.['n'] ?? 0);
  const countOf = async (type: StoredType): Promise<number> =>
    Number((await lookUps.get('SELECT entries FROM types WHERE id = $1', type.id))?.['entries'] ?? 0);

  async function runRow(row: Row): Promise<RunRow> {
    const id = Number(row['id']);
    const steps = await pool.all('SELECT * FROM steps WHERE run = $1 ORDER BY id', id);
    const held = row['held_decision'] === null ? 0 : Number((await pool.get('SELECT count(*) AS n FROM held WHERE run = $1', id))?.['n'] ?? 0);
    return toRunRow(row, steps, held);
  }

  return {
    ...createOutboxReader(pool, () => model),
    async refreshModel() {
      ({ model } = await readModel(pool));
    },
    async readResource(scimId, referring = []) {
      const id = toKept(scimId);
      return (await byScimId(referring.map(model.attributeId))(id)) ?? entry(await lookUps.get(BY_ALIAS, id));
    },
    readEntry: async (entryId) => entry(await lookUps.get(`SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.id = $1`, entryId)),
    async readByAnchor(objectType, anchor) {
      const type = model.types.get(objectType);
      if (type === undefined) return undefined;
      return entry(
        await lookUps.get(`SELECT ${ENTRY_SELECT} FROM ${ENTRY_FROM} WHERE e.otype = $1 AND e.anchor_key = $2`, type.id, toKept(model.anchorKey(anchor))),
      );
    },
    async readReferences(entryId, attribute, page) {
      const sql = `SELECT ${TARGET} FROM refs r LEFT JOIN entries t ON t.id = r.target WHERE r.entry = $1 AND r.attr = $2`;
      const rows =
        page.after === undefined
          ? await pool.all(`${sql} AND r.raw > $4 ORDER BY r.raw LIMIT $3`, entryId, model.attributeId(attribute), page.limit, toKept(page.afterRaw ?? ''))
          : await pool.all(`${sql} AND r.target > $4 ORDER BY r.target LIMIT $3`, entryId, model.attributeId(attribute), page.limit, page.after);
      return rows.map((row) => toReference(model, row));
    },
    async readReferencesOf(entryIds, attributes) {
      if (entryIds.length === 0 || attributes.length === 0) return [];
      const rows = await referencesOf(attributes.map(model.attributeId))(entryIds);
      return rows.map((row) => ({ ...toReference(model, row), from: Number(row['entry']), attribute: model.attributeNames.get(Number(row['attr'])) ?? '' }));
    },
    async presentReferences(entryId, attribute, raw) {
      return spelledReferences(pool, model, entryId, model.attributeId(attribute), raw);
    },
    async countReferences(entryId, attribute, atMost = Number.MAX_SAFE_INTEGER) {
      const sql = 'SELECT count(*) AS n FROM (SELECT 1 FROM refs WHERE entry = $1 AND attr = $2 LIMIT $3) r';
      return Number((await pool.get(sql, entryId, model.attributeId(attribute), atMost))?.['n'] ?? 0);
    },
    async readReferrers(entryId, attribute, { after, limit }) {
      const type = model.types.get(attribute.objectType);
      const [attr, otype] = [type?.attributes.get(attribute.name)?.id ?? -1, type?.id ?? -1];
      const rows = await (after === undefined ? referrersOf([attr, otype, limit])(entryId) : lookUps.all(REFERRERS_OF, [entryId], attr, otype, limit, after));
      return rows.map((row) => toReference(model, row));
    },
    async resolveTargets(scimIds) {
      const rows = await pool.all(
        `SELECT w.asked, e.id, e.otype, e.anchor, e.dn, e.flags FROM unnest($1::text[]) w(asked)
         JOIN entries e ON e.scim_id = w.asked OR e.scim_id = (SELECT a.scim_id FROM link_aliases a WHERE a.alias = w.asked)`,
        scimIds.map(toKept),
      );
      const found = new Map(rows.map((row) => [String(row['asked']), row]));
      return scimIds.map((scimId) => toTarget(model, found.get(scimId)));
    },
    query,
    async countEntries(objectType) {
      const type = model.types.get(objectType);
      return type === undefined ? 0 : countOf(type);
    },
    readOpenJournal: async () =>
      (await pool.all("SELECT * FROM journal WHERE state IN ('held', 'intended', 'in-doubt') ORDER BY id")).map((row) => toJournalRow(model, row)),
    async readJournal(page) {
      const rows =
        page.states === undefined
          ? await pool.all('SELECT * FROM journal WHERE id < $1 ORDER BY id DESC LIMIT $2', page.before ?? LAST, page.limit)
          : await pool.all(
              'SELECT * FROM journal WHERE id < $1 AND state = ANY($3::text[]) ORDER BY id DESC LIMIT $2',
              page.before ?? LAST,
              page.limit,
              page.states,
            );
      return rows.map((row) => toJournalRow(model, row));
    },
    async readJournalRow(journalId) {
      const row = await pool.get('SELECT * FROM journal WHERE id = $1', journalId);
      return row === undefined ? undefined : toJournalRow(model, row);
    },
    readRuns: async (page) =>
      Promise.all((await pool.all('SELECT * FROM runs WHERE id < $1 ORDER BY id DESC LIMIT $2', page.before ?? LAST, page.limit)).map(runRow)),
    async readRun(runId) {
      const row = await pool.get('SELECT * FROM runs WHERE id = $1', runId);
      return row === undefined ? undefined : runRow(row);
    },
    async hasFullImport() {
      const row = await pool.get("SELECT EXISTS (SELECT 1 FROM steps WHERE kind = 'full' AND result IN ('success', 'completed-with-errors')) AS yes");
      return row?.['yes'] === true;
    },
    hasOverlay: async () => (await pool.get("SELECT 1 AS yes FROM meta WHERE name = 'overlay'")) !== undefined,
    async readApprovedHolds() {
      const rows = await pool.all("SELECT id FROM runs r WHERE held_decision = 'approved' AND EXISTS (SELECT 1 FROM held h WHERE h.run = r.id) ORDER BY id");
      return rows.map((row) => Number(row['id']));
    },
    async readDrifts(page) {
      return toDriftRows(
        await pool.all(
          'SELECT journal, entry, attribute, drift FROM drifts WHERE journal IN (SELECT DISTINCT journal FROM drifts WHERE journal > $1 ORDER BY journal LIMIT $2) ORDER BY journal, attribute',
          page.after,
          page.limit,
        ),
      );
    },
    async readHeld(runId, page) {
      const rows = await pool.all(
        'SELECT e.id, e.otype, e.anchor, e.dn FROM held h JOIN entries e ON e.id = h.entry WHERE h.run = $1 AND h.entry > $2 ORDER BY h.entry LIMIT $3',
        runId,
        page.after ?? 0,
        page.limit,
      );
      return rows.map((row) => toHeldRow(model, row));
    },
    async readAudit(page) {
      const rows = await pool.all('SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2', page.before ?? LAST, page.limit);
      return rows.map(toAuditRow);
    },
    auditChain: chainOf(pool, auditKey),
    async readWatermark(partition) {
      const value = (await pool.get('SELECT value FROM watermarks WHERE partition = $1', partition))?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    // The server keeps its own log, for all its databases.
    walBytes: async () => 0,
    close: () => pool.close(),
  };
}

const isAsked = (referring: readonly string[] | undefined): referring is readonly string[] => referring !== undefined && referring.length > 0;

/** One thing for each list of numbers, made once: there are as many as projections that ask for references. */
function forNumbers<Made>(make: (numbers: readonly number[]) => Made): (numbers: readonly number[]) => Made {
  const made = new Map<string, Made>();
  return (numbers) => {
    const name = numbers.join(' ');
    const known = made.get(name) ?? make(numbers);
    made.set(name, known);
    return known;
  };
}

/** The ORDER BY of a query: values before none when ascending (S-103), ties by id (S-105). */
function orderBy(request: EntryQuery, type: StoredType): string {
  const { sort } = request;
  if (sort === undefined) return 'e.id';
  const direction = sort.descending ? 'DESC' : 'ASC';
  if ('field' in sort.by) return `e.${sort.by.field === 'id' ? 'scim_id' : sort.by.field} ${direction}, e.id`;
  const attribute = type.attributes.get(sort.by.attribute);
  if (attribute === undefined) return 'e.id';
  // What is not indexed is put in order as an index would (S-104, S-105).
  const folds = attribute.type === 'string' && !attribute.caseExact;
  const value = attribute.column !== undefined ? keyExpression(attribute) : folds ? folded(attribute, bodyValue(attribute)) : bodyValue(attribute);
  return `${value} ${direction} NULLS ${sort.descending ? 'FIRST' : 'LAST'}, e.id`;
}
