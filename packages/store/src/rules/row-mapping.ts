import type { ChainAnchor, ChainAnchors, ChainCells, ChainRow } from '../audit-chain.ts';
import type {
  AuditRecord,
  ConnectorReader,
  Drift,
  DriftRow,
  EntryRow,
  HeldRow,
  JournalRow,
  JournalState,
  LinkRow,
  ReferenceRow,
  RunRow,
  StepRow,
} from '../connector-store.ts';
import { flag } from './entry-flags.ts';
import type { StoredModel } from './stored-model.ts';

/** A row of a database, of whichever engine: the tables have the same columns in both. */
type Row = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string | undefined => (value === null ? undefined : String(value));
const typeName = (model: StoredModel, row: Row): string => model.typesById.get(Number(row['otype']))?.name ?? '';

/** An entry from its row, with what its link says. */
export function toEntryRow(model: StoredModel, row: Row, link: LinkRow | undefined): EntryRow {
  return {
    id: Number(row['id']),
    objectType: typeName(model, row),
    scimId: String(row['scim_id']),
    anchor: textOf(row['anchor']),
    dn: textOf(row['dn']),
    partition: String(row['partition']),
    version: Number(row['version']),
    created: Number(row['created']),
    modified: Number(row['modified']),
    body: String(row['body']),
    link,
  };
}

/** Values that went back, by their writes; the rows come in the order of these. */
export function toDriftRows(rows: readonly Row[]): readonly DriftRow[] {
  const writes = new Map<number, { readonly journalId: number; readonly entryId: number; readonly drifts: { attribute: string; drift: Drift }[] }>();
  for (const row of rows) {
    const journalId = Number(row['journal']);
    const write = writes.get(journalId) ?? { journalId, entryId: Number(row['entry']), drifts: [] };
    writes.set(journalId, write);
    write.drifts.push({ attribute: String(row['attribute']), drift: JSON.parse(String(row['drift'])) as Drift });
  }
  return [...writes.values()];
}

/** A reference from its row, which has its target's columns where there is one. */
export function toReference(model: StoredModel, row: Row): ReferenceRow {
  const resolved = row['scim_id'] !== null;
  return {
    entryId: row['target'] === null ? undefined : Number(row['target']),
    scimId: resolved ? String(row['scim_id']) : undefined,
    objectType: resolved ? model.typesById.get(Number(row['otype']))?.name : undefined,
    raw: String(row['raw']),
    body: resolved ? String(row['body']) : undefined,
  };
}

/** What a reference to an entry is written as; `undefined` for an entry that no read shows. */
export function toTarget(model: StoredModel, row: Row | undefined): Awaited<ReturnType<ConnectorReader['resolveTargets']>>[number] {
  if (row === undefined || (Number(row['flags']) & flag.hidden) !== 0) return undefined;
  const raw = model.referenceForm === 'dn' ? row['dn'] : (Number(row['flags']) & (flag.pending | flag.absent)) !== 0 ? null : row['anchor'];
  return {
    entryId: Number(row['id']),
    objectType: typeName(model, row),
    raw: raw === null || raw === undefined ? undefined : String(raw),
  };
}

/** A removal that waits for approval. */
export function toHeldRow(model: StoredModel, row: Row): HeldRow {
  return { entryId: Number(row['id']), objectType: typeName(model, row), anchor: String(row['anchor'] ?? ''), dn: textOf(row['dn']) };
}

/** A line of the audit. */
export function toAuditRow(row: Row): AuditRecord & { readonly id: number } {
  return {
    id: Number(row['id']),
    at: Number(row['at']),
    actor: String(row['actor']),
    action: String(row['action']),
    ...(row['otype'] === null ? {} : { objectType: String(row['otype']) }),
    ...(row['resource'] === null ? {} : { resource: String(row['resource']) }),
    attributes: JSON.parse(String(row['attributes'])) as readonly string[],
    result: String(row['result']),
    correlation: String(row['correlation']),
    ...(row['detail'] === null ? {} : { detail: String(row['detail']) }),
  };
}

/** A line of the audit of a connector, or of administration, with what its code is made over (SEC-60). */
export function toChainRow(row: Row): ChainRow {
  const cell = (name: string): string | number | null => (row[name] ?? null) as string | number | null;
  const columns = 'correlation' in row ? CONNECTOR_AUDIT : CONTROL_AUDIT;
  return { id: Number(row['id']), at: Number(row['at']), cells: columns.map(cell), code: row['code'] === null ? null : String(row['code']) };
}

const CONNECTOR_AUDIT = ['at', 'actor', 'action', 'otype', 'resource', 'attributes', 'result', 'correlation', 'detail'] as const;
const CONTROL_AUDIT = ['at', 'actor', 'action', 'detail'] as const;

/** The cells of a line of a connector's audit, in the order of {@link toChainRow}. */
export function auditCells(record: AuditRecord): ChainCells {
  const { at, actor, action, objectType, resource, attributes, result, correlation, detail } = record;
  return [at, actor, action, objectType ?? null, resource ?? null, JSON.stringify(attributes), result, correlation, detail ?? null];
}

/** The two ends of a chain from their rows. */
export function toAnchors(rows: readonly Row[]): ChainAnchors | undefined {
  const anchor = (name: string): ChainAnchor | undefined => {
    const row = rows.find((one) => one['name'] === name);
    return row === undefined ? undefined : { id: Number(row['id']), code: String(row['code']), seal: String(row['seal']) };
  };
  const [base, head] = [anchor('base'), anchor('head')];
  return base === undefined || head === undefined ? undefined : { base, head };
}

/** A journal row from a database row. */
export function toJournalRow(model: StoredModel, row: Row): JournalRow {
  const json = (name: string): unknown => (row[name] === null ? undefined : JSON.parse(String(row[name])));
  return {
    id: Number(row['id']),
    kind: String(row['kind']) as JournalRow['kind'],
    state: String(row['state']) as JournalState,
    objectType: typeName(model, row),
    entryId: Number(row['entry']),
    scimId: row['scim_id'] === null ? undefined : String(row['scim_id']),
    steps: String(row['steps']),
    effect: json('effect') as JournalRow['effect'],
    link: json('link') as JournalRow['link'],
    claims: json('claims') as JournalRow['claims'],
    request: {
      credential: String(row['credential']),
      method: String(row['method']),
      target: String(row['target']),
      key: String(row['key']),
      correlation: String(row['correlation']),
    },
    sealed: row['sealed'] === null ? undefined : String(row['sealed']),
    error: json('error') as JournalRow['error'],
    at: Number(row['at']),
    resultAt: row['result_at'] === null ? undefined : Number(row['result_at']),
    attempts: (json('attempts') ?? []) as JournalRow['attempts'],
  };
}

/** A run from its row, those of its steps, and how many removals it holds. */
export function toRunRow(row: Row, stepRows: readonly Row[], heldEntries: number): RunRow {
  const id = Number(row['id']);
  const steps = stepRows.map(
    (step): StepRow => ({
      id: Number(step['id']),
      kind: String(step['kind']) as StepRow['kind'],
      partition: String(step['partition']),
      startedAt: Number(step['started']),
      endedAt: step['ended'] === null ? undefined : Number(step['ended']),
      result: String(step['result']) as StepRow['result'],
      counts: JSON.parse(String(step['counts'])) as StepRow['counts'],
      errorCount: Number(step['error_count']),
      errors: JSON.parse(String(step['errors'])) as StepRow['errors'],
    }),
  );
  const held =
    row['held_decision'] === null
      ? undefined
      : {
          reason: String(row['held_reason']),
          entries: heldEntries,
          decision: String(row['held_decision']) as 'waiting',
          ...(row['held_by'] === null ? {} : { by: String(row['held_by']) }),
        };
  return {
    id,
    profile: String(row['profile']),
    startedBy: String(row['started_by']),
    startedAt: Number(row['started']),
    endedAt: row['ended'] === null ? undefined : Number(row['ended']),
    result: String(row['result']) as RunRow['result'],
    steps,
    held,
  };
}
