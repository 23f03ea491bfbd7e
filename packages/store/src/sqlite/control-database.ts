import { NO_AUDIT_KEY } from '../audit-chain.ts';
import type { ControlStore } from '../control-store.ts';
import { toRevision, toToken } from '../rules/control-rows.ts';
import { addControlAudit, chainOf } from './audit.ts';
import { openForWriting } from './database.ts';
import { AUDIT_CHAIN, requireKnownVersion } from './tables.ts';

/** The version of the tables below, kept in `user_version`; files from before it was kept have 0. */
const VERSION = 1;

const TABLES = `
CREATE TABLE IF NOT EXISTS revisions(number INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL, author TEXT NOT NULL, at INTEGER NOT NULL, summary TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens(id TEXT PRIMARY KEY, scope TEXT NOT NULL, label TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER, used INTEGER);
CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`;

/** Opens the control file of a data folder. */
export function openSqliteControlStore(file: string, auditKey: Uint8Array = NO_AUDIT_KEY): ControlStore {
  const database = openForWriting(file);
  requireKnownVersion(database, file, VERSION);
  database.execute(TABLES);
  const columns = database.all('PRAGMA table_info(audit)').map((row) => row['name']);
  if (!columns.includes('code')) database.execute(AUDIT_CHAIN);
  database.execute(`PRAGMA user_version=${VERSION}`);
  return {
    async addRevision(revision) {
      return database.run(
        'INSERT INTO revisions(document, author, at, summary) VALUES (?, ?, ?, ?)',
        revision.document,
        revision.author,
        revision.at,
        revision.summary,
      ).lastId;
    },
    async readRevision(number) {
      const row =
        number === undefined
          ? database.get('SELECT * FROM revisions ORDER BY number DESC LIMIT 1')
          : database.get('SELECT * FROM revisions WHERE number = ?', number);
      return row === undefined ? undefined : toRevision(row);
    },
    listRevisions: async (limit) => database.all('SELECT * FROM revisions ORDER BY number DESC LIMIT ?', limit).map(toRevision),
    async addToken(token) {
      database.run(
        'INSERT INTO tokens(id, scope, label, hash, created, expires) VALUES (?, ?, ?, ?, ?, ?)',
        token.id,
        JSON.stringify(token.scope),
        token.label,
        token.hash,
        token.createdAt,
        token.expiresAt ?? null,
      );
    },
    listTokens: async () => database.all('SELECT * FROM tokens ORDER BY created').map(toToken),
    revokeToken: async (id, at) => database.run('UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL', at, id).changes === 1,
    async touchTokens(used) {
      database.transaction(() => {
        for (const { id, at } of used) database.run('UPDATE tokens SET used = ? WHERE id = ?', at, id);
      });
    },
    async addAudit(record) {
      addControlAudit(database, auditKey, [record.at, record.actor, record.action, record.detail]);
    },
    listAudit: async (limit) =>
      database.all('SELECT * FROM audit ORDER BY id DESC LIMIT ?', limit).map((row) => ({
        id: Number(row['id']),
        at: Number(row['at']),
        actor: String(row['actor']),
        action: String(row['action']),
        detail: String(row['detail']),
      })),
    auditChain: chainOf(database, auditKey),
    async readSetting(name) {
      const value = database.get('SELECT value FROM settings WHERE name = ?', name)?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    async writeSetting(name, value) {
      database.run('INSERT INTO settings(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value', name, value);
    },
    async backup(target) {
      database.execute(`VACUUM INTO '${target.replaceAll("'", "''")}'`);
    },
    async close() {
      database.close();
    },
  };
}
