import { type AuditChain, beginChain, type ChainAnchor, type ChainAnchors, type ChainCells, chainCode, sealAnchor } from '../audit-chain.ts';
import type { AuditRecord } from '../connector-store.ts';
import { auditCells, toAnchors, toChainRow } from '../rules/row-mapping.ts';
import type { Database } from './database.ts';
import type { StoreState } from './entry-rows.ts';

/** The two ends of the chain, once there is one. */
export function readAnchors(database: Database): ChainAnchors | undefined {
  return toAnchors(database.all('SELECT * FROM audit_chain'));
}

export function writeAnchor(database: Database, name: 'base' | 'head', { id, code, seal }: ChainAnchor): void {
  database.run('INSERT OR REPLACE INTO audit_chain(name, id, code, seal) VALUES (?, ?, ?, ?)', name, id, code, seal);
}

/** The end of the chain; begins one behind the rows that are there when there is none. */
function headOf(database: Database, key: Uint8Array): ChainAnchor {
  const known = readAnchors(database);
  if (known !== undefined) return known.head;
  const { base, head } = beginChain(key, Number(database.get('SELECT max(id) AS id FROM audit')?.['id'] ?? 0));
  writeAnchor(database, 'base', base);
  writeAnchor(database, 'head', head);
  return head;
}

/** Appends a row to the audit of a connector, in the transaction under way. */
export function addAudit(state: StoreState, record: AuditRecord): void {
  const { database, auditKey } = state;
  const before = state.auditHead ?? headOf(database, auditKey);
  const cells = auditCells(record);
  const id = before.id + 1;
  const code = chainCode(auditKey, before.code, id, cells);
  database.run(
    'INSERT INTO audit(at, actor, action, otype, resource, attributes, result, correlation, detail, id, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ...(cells as (string | number | null)[]),
    id,
    code,
  );
  state.auditHead = { id, code, moved: true };
}

/** Writes the end of the chain once for a transaction, as its last statement. */
export function sealAudit(state: StoreState): void {
  const { auditHead } = state;
  if (auditHead?.moved !== true) return;
  writeAnchor(state.database, 'head', sealAnchor(state.auditKey, 'head', auditHead));
  state.auditHead = { id: auditHead.id, code: auditHead.code };
}

/** What a chain in a SQLite file is verified from. */
export function chainOf(database: Database, key: Uint8Array): AuditChain {
  return {
    key,
    anchors: async () => readAnchors(database),
    rows: async (after, limit) => database.all('SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?', after, limit).map(toChainRow),
  };
}

/** Appends a row to the audit of administration, in a transaction of its own. */
export function addControlAudit(database: Database, key: Uint8Array, cells: ChainCells): void {
  database.transaction(() => {
    const before = headOf(database, key);
    const id = before.id + 1;
    const code = chainCode(key, before.code, id, cells);
    database.run('INSERT INTO audit(at, actor, action, detail, id, code) VALUES (?, ?, ?, ?, ?, ?)', ...(cells as (string | number | null)[]), id, code);
    writeAnchor(database, 'head', sealAnchor(key, 'head', { id, code }));
  });
}
