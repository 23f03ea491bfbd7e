import type { Database } from './database.ts';

/** The version of the tables below, kept in `user_version`. */
const VERSION = 8;

/**
 * The tables of one connector. `entries` is the connector space: one row an entry, its attributes as JSON, the hash before
 * the body so that comparing reads little. Multi-valued references live in `refs` alone, so that adding a member to a group
 * of a million is one insert; single-valued ones are in both.
 */
const TABLES = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE types(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, entries INTEGER NOT NULL DEFAULT 0);
CREATE TABLE attributes(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE entries(
  id INTEGER PRIMARY KEY AUTOINCREMENT, otype INTEGER NOT NULL, anchor TEXT, anchor_key TEXT, dn TEXT, dn_key TEXT,
  partition TEXT NOT NULL, scim_id TEXT NOT NULL, hash TEXT, sets TEXT, flags INTEGER NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL, modified INTEGER NOT NULL,
  keys TEXT, body TEXT NOT NULL);
CREATE UNIQUE INDEX entries_anchor ON entries(otype, anchor_key) WHERE anchor_key IS NOT NULL;
CREATE UNIQUE INDEX entries_scim ON entries(scim_id);
CREATE INDEX entries_dn ON entries(dn_key) WHERE dn_key IS NOT NULL;
CREATE INDEX entries_type ON entries(otype, id);
CREATE INDEX entries_flags ON entries(flags) WHERE flags <> 0;
CREATE TABLE mv(attr INTEGER NOT NULL, key TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY(attr, key, entry)) WITHOUT ROWID;
CREATE INDEX mv_entry ON mv(entry);
CREATE TABLE refs(entry INTEGER NOT NULL, attr INTEGER NOT NULL, raw TEXT NOT NULL, target INTEGER, PRIMARY KEY(entry, attr, raw)) WITHOUT ROWID;
CREATE INDEX refs_target ON refs(target, attr, entry) WHERE target IS NOT NULL;
CREATE TABLE unresolved(raw_key TEXT NOT NULL, entry INTEGER NOT NULL, attr INTEGER NOT NULL, raw TEXT NOT NULL, PRIMARY KEY(raw_key, entry, attr, raw)) WITHOUT ROWID;
CREATE INDEX unresolved_entry ON unresolved(entry);
CREATE TABLE links(
  scim_id TEXT PRIMARY KEY, otype INTEGER NOT NULL, entry INTEGER, anchor_key TEXT, generation INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL,
  shadow TEXT NOT NULL DEFAULT '{}', aliases TEXT NOT NULL DEFAULT '[]', created INTEGER NOT NULL, modified INTEGER NOT NULL,
  deleted_position INTEGER NOT NULL DEFAULT 0);
CREATE INDEX links_entry ON links(entry) WHERE entry IS NOT NULL;
CREATE INDEX links_anchor ON links(otype, anchor_key) WHERE anchor_key IS NOT NULL;
CREATE TABLE link_aliases(alias TEXT PRIMARY KEY, scim_id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE link_external(client TEXT NOT NULL, external_id TEXT NOT NULL, scim_id TEXT NOT NULL, PRIMARY KEY(client, external_id, scim_id)) WITHOUT ROWID;
CREATE INDEX link_external_id ON link_external(scim_id);
CREATE TABLE claims(otype INTEGER NOT NULL, attr INTEGER NOT NULL, key TEXT NOT NULL, journal INTEGER NOT NULL, PRIMARY KEY(otype, attr, key)) WITHOUT ROWID;
CREATE INDEX claims_journal ON claims(journal);
CREATE TABLE journal(
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, state TEXT NOT NULL, otype INTEGER NOT NULL, entry INTEGER NOT NULL, scim_id TEXT,
  credential TEXT NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, correlation TEXT NOT NULL,
  at INTEGER NOT NULL, result_at INTEGER, error TEXT, attempts TEXT, link TEXT, sealed TEXT, claims TEXT NOT NULL, effect TEXT NOT NULL, steps TEXT NOT NULL,
  events TEXT);
CREATE INDEX journal_open ON journal(id) WHERE state IN ('held', 'intended', 'in-doubt');
CREATE INDEX journal_entry ON journal(entry);
CREATE TABLE unconfirmed(entry INTEGER PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE runs(id INTEGER PRIMARY KEY AUTOINCREMENT, profile TEXT NOT NULL, started_by TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER, result TEXT NOT NULL,
  held_reason TEXT, held_decision TEXT, held_by TEXT);
CREATE TABLE steps(id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, kind TEXT NOT NULL, partition TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
  result TEXT NOT NULL, counts TEXT NOT NULL, error_count INTEGER NOT NULL DEFAULT 0, errors TEXT NOT NULL DEFAULT '[]');
CREATE INDEX steps_run ON steps(run);
CREATE TABLE held(run INTEGER NOT NULL, entry INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(run, entry)) WITHOUT ROWID;
CREATE TABLE watermarks(partition TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, otype TEXT, resource TEXT,
  attributes TEXT NOT NULL, result TEXT NOT NULL, correlation TEXT NOT NULL, detail TEXT);
CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kinds TEXT NOT NULL, otype INTEGER NOT NULL, scim_id TEXT,
  attributes TEXT NOT NULL, txn TEXT NOT NULL, result TEXT);
CREATE TABLE event_streams(name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE event_acks(stream TEXT NOT NULL, event INTEGER NOT NULL, PRIMARY KEY(stream, event)) WITHOUT ROWID;
CREATE TABLE event_failures(stream TEXT NOT NULL, event INTEGER NOT NULL, error TEXT NOT NULL, PRIMARY KEY(stream, event)) WITHOUT ROWID;
`;

/** Codes of the audit's rows, and the two ends of their chain (SEC-60). */
export const AUDIT_CHAIN =
  'ALTER TABLE audit ADD COLUMN code TEXT; CREATE TABLE audit_chain(name TEXT PRIMARY KEY, id INTEGER NOT NULL, code TEXT NOT NULL, seal TEXT NOT NULL) WITHOUT ROWID';

/** What came after the first version, one element a version: files of every earlier one are brought up to date. */
const LATER: readonly (string | ((database: Database) => void))[] = [
  "CREATE INDEX journal_deletes ON journal(scim_id) WHERE kind = 'delete' AND state = 'applied'",
  dropGeneratedKeys,
  'ALTER TABLE types ADD COLUMN moved INTEGER NOT NULL DEFAULT 0',
  AUDIT_CHAIN,
  'CREATE TABLE missed(entry INTEGER PRIMARY KEY, run INTEGER NOT NULL, position INTEGER NOT NULL)',
  'CREATE TABLE drifts(journal INTEGER NOT NULL, attribute TEXT NOT NULL, entry INTEGER NOT NULL, drift TEXT NOT NULL, PRIMARY KEY(journal, attribute)) WITHOUT ROWID',
  // Statistics of a space with five people would make plans for the million that come next: without them SQLite takes tables to be large.
  'CREATE INDEX link_aliases_id ON link_aliases(scim_id); DROP TABLE IF EXISTS sqlite_stat1',
];

/** Real key columns take the place of generated ones: the next configuration adds and fills them. */
function dropGeneratedKeys(database: Database): void {
  const indexes = database.all("SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'entries_q[0-9]*'");
  for (const row of indexes) database.execute(`DROP INDEX ${String(row['name'])}`);
  const columns = database.all('PRAGMA table_xinfo(entries)').map((row) => String(row['name']));
  for (const column of columns) if (/^q\d+_/.test(column)) database.execute(`ALTER TABLE entries DROP COLUMN ${column}`);
  database.execute("ALTER TABLE entries DROP COLUMN keys; DELETE FROM meta WHERE name = 'model'");
}

/** The version of a file. @throws Error for a file of a newer one: what it means is not known here. */
export function requireKnownVersion(database: Database, file: string, known: number): number {
  const version = Number(database.get('PRAGMA user_version')?.['user_version'] ?? 0);
  if (version <= known) return version;
  database.close();
  throw new Error(`the store file ${file} was written by a newer Landbridge (version ${version}, this one knows ${known}); start that version instead`);
}

/** Creates the tables of a new file, and brings those of an older one up to date. @throws Error for a file of a newer version. */
export function createTables(database: Database, file: string): void {
  const version = requireKnownVersion(database, file, VERSION);
  if (version === VERSION) return;
  database.transaction(() => {
    for (const change of [TABLES, ...LATER].slice(version)) {
      if (typeof change === 'string') database.execute(change);
      else change(database);
    }
    database.execute(`PRAGMA user_version=${VERSION}`);
  });
}
