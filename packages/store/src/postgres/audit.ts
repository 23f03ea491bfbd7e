import { type AuditChain, beginChain, type ChainAnchor, type ChainAnchors, type ChainCells, chainCode, sealAnchor } from '../audit-chain.ts';
import type { AuditRecord } from '../connector-store.ts';
import { auditCells, toAnchors, toChainRow } from '../rules/row-mapping.ts';
import type { Queries, Session } from './connection.ts';
import { toKept, toRecords } from './records.ts';
import type { Writer } from './writer.ts';

/** The two ends of the chain, once there is one. */
export async function readAnchors(queries: Queries): Promise<ChainAnchors | undefined> {
  return toAnchors(await queries.all('SELECT name, id, code, seal FROM audit_chain'));
}

export async function writeAnchor(queries: Queries, name: 'base' | 'head', { id, code, seal }: ChainAnchor): Promise<void> {
  await queries.all(
    'INSERT INTO audit_chain(name, id, code, seal) VALUES ($1, $2, $3, $4) ON CONFLICT(name) DO UPDATE SET id = $2, code = $3, seal = $4',
    name,
    id,
    code,
    seal,
  );
}

/** The end of the chain; begins one behind the rows that are there when there is none. Of two hosts that begin one, one does. */
async function headOf(queries: Queries, key: Uint8Array): Promise<ChainAnchor> {
  const known = await readAnchors(queries);
  if (known !== undefined) return known.head;
  const { base, head } = beginChain(key, Number((await queries.get('SELECT coalesce(max(id), 0) AS id FROM audit'))?.['id']));
  await queries.all(
    `INSERT INTO audit_chain(name, id, code, seal) VALUES ('base', $1, $2, $3), ('head', $1, $2, $4) ON CONFLICT(name) DO NOTHING`,
    base.id,
    base.code,
    base.seal,
    head.seal,
  );
  return (await readAnchors(queries))?.head ?? head;
}

/** Makes sure that the end of the chain is known, in the transaction under way. */
export async function beginAudit(writer: Writer, session: Session): Promise<void> {
  writer.auditHead ??= await headOf(session, writer.auditKey);
}

/** Appends rows to the audit of a connector, in the transaction under way, after {@link beginAudit}. */
export async function addAudit(writer: Writer, session: Session, records: readonly AuditRecord[]): Promise<void> {
  if (writer.auditHead === undefined) throw new Error('the end of the chain of the audit is not known');
  let last = writer.auditHead;
  const rows = records.map((record) => {
    const cells = auditCells(record);
    const id = last.id + 1;
    last = { id, code: chainCode(writer.auditKey, last.code, id, cells) };
    const [at, actor, action, otype, resource, attributes, result, correlation, detail] = cells;
    return { ...last, at, actor, action, otype, resource, attributes, result, correlation, detail } as Readonly<Record<string, string | number | null>>;
  });
  writer.auditHead = last;
  await Promise.all([session.all(INSERT_AUDIT, toRecords(rows)), writeAnchor(session, 'head', sealAnchor(writer.auditKey, 'head', last))]);
}

const INSERT_AUDIT = `INSERT INTO audit(id, code, at, actor, action, otype, resource, attributes, result, correlation, detail)
  SELECT x.id, x.code, x.at, x.actor, x.action, x.otype, x.resource, x.attributes, x.result, x.correlation, x.detail FROM json_to_recordset($1)
  AS x(id bigint, code text, at bigint, actor text, action text, otype text, resource text, attributes text, result text, correlation text, detail text)`;

const ATTEMPTS = 50;

/**
 * Appends a row to the audit of administration. Several hosts may do so at once: a row is added only behind the end that its code
 * was made for, in one statement, and made anew when another host was faster.
 */
export async function addControlAudit(queries: Queries, key: Uint8Array, cells: ChainCells): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = await headOf(queries, key);
    const id = before.id + 1;
    const code = chainCode(key, before.code, id, cells);
    const [at, actor, action, detail] = cells.map((cell) => (typeof cell === 'string' ? toKept(cell) : cell));
    const added = await queries.all(
      `WITH moved AS (UPDATE audit_chain SET id = $1, code = $2, seal = $3 WHERE name = 'head' AND code = $4 RETURNING id)
       INSERT INTO audit(id, code, at, actor, action, detail) SELECT id, $2, $5::bigint, $6, $7, $8 FROM moved RETURNING id`,
      id,
      code,
      sealAnchor(key, 'head', { id, code }).seal,
      before.code,
      at ?? null,
      actor ?? null,
      action ?? null,
      detail ?? null,
    );
    if (added.length === 1) return;
  }
  throw new Error('the audit could not be written: other hosts were faster every time');
}

/** What a chain in a schema is verified from. */
export function chainOf(queries: Queries, key: Uint8Array): AuditChain {
  return {
    key,
    anchors: () => readAnchors(queries),
    rows: async (after, limit) => (await queries.all('SELECT * FROM audit WHERE id > $1 ORDER BY id LIMIT $2', after, limit)).map(toChainRow),
  };
}
