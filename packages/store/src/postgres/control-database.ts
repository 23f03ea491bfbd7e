import { NO_AUDIT_KEY } from '../audit-chain.ts';
import type { ConfigurationRevision, ControlStore } from '../control-store.ts';
import { toRevision, toToken } from '../rules/control-rows.ts';
import { addControlAudit, chainOf } from './audit.ts';
import { openPool, openSession, type PostgresOptions } from './connection.ts';
import { toKept } from './records.ts';
import { migrate } from './tables.ts';

/** Opens the control data of an installation: one schema, shared by its hosts. */
export async function openPostgresControlStore(options: PostgresOptions, auditKey: Uint8Array = NO_AUDIT_KEY): Promise<ControlStore> {
  const schema = options.schema ?? 'landbridge';
  const session = await openSession(options, schema);
  try {
    await migrate(session, schema, 'control');
  } finally {
    await session.close();
  }
  const pool = openPool(options, schema, 2);
  return {
    async addRevision(revision) {
      const row = await pool.get(
        'INSERT INTO revisions(document, author, at, summary) VALUES ($1, $2, $3, $4) RETURNING number',
        revision.document,
        toKept(revision.author),
        revision.at,
        toKept(revision.summary),
      );
      return Number(row?.['number']);
    },
    async readRevision(number) {
      const row =
        number === undefined
          ? await pool.get('SELECT * FROM revisions ORDER BY number DESC LIMIT 1')
          : await pool.get('SELECT * FROM revisions WHERE number = $1', number);
      return row === undefined ? undefined : toRevision(row);
    },
    listRevisions: async (limit): Promise<readonly ConfigurationRevision[]> =>
      (await pool.all('SELECT * FROM revisions ORDER BY number DESC LIMIT $1', limit)).map(toRevision),
    async addToken(token) {
      await pool.all(
        'INSERT INTO tokens(id, scope, label, hash, created, expires) VALUES ($1, $2, $3, $4, $5, $6)',
        token.id,
        JSON.stringify(token.scope),
        toKept(token.label),
        token.hash,
        token.createdAt,
        token.expiresAt ?? null,
      );
    },
    listTokens: async () => (await pool.all('SELECT * FROM tokens ORDER BY created, id')).map(toToken),
    revokeToken: async (id, at) => (await pool.all('UPDATE tokens SET revoked = $1 WHERE id = $2 AND revoked IS NULL RETURNING id', at, id)).length === 1,
    async touchTokens(used) {
      await pool.all('UPDATE tokens t SET used = x.at FROM json_to_recordset($1) AS x(id text, at bigint) WHERE t.id = x.id', JSON.stringify(used));
    },
    async addAudit(record) {
      await addControlAudit(pool, auditKey, [record.at, record.actor, record.action, record.detail]);
    },
    listAudit: async (limit) =>
      (await pool.all('SELECT * FROM audit ORDER BY id DESC LIMIT $1', limit)).map((row) => ({
        id: Number(row['id']),
        at: Number(row['at']),
        actor: String(row['actor']),
        action: String(row['action']),
        detail: String(row['detail']),
      })),
    auditChain: chainOf(pool, auditKey),
    async readSetting(name) {
      const value = (await pool.get('SELECT value FROM settings WHERE name = $1', name))?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    async writeSetting(name, value) {
      await pool.all('INSERT INTO settings(name, value) VALUES ($1, $2) ON CONFLICT(name) DO UPDATE SET value = excluded.value', name, value);
    },
    backup: () => Promise.reject(new Error(NO_BACKUP)),
    close: () => pool.close(),
  };
}

/** What whoever asks for a copy of a file is told. */
export const NO_BACKUP = 'the store of this host is in PostgreSQL: back it up with pg_dump, or with the means of the database server';
