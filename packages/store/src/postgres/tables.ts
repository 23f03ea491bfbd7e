import { quote, type Session } from './connection.ts';

/** Codes of the audit's rows, and the two ends of their chain (SEC-60). */
const AUDIT_CHAIN =
  'ALTER TABLE audit ADD COLUMN code text; CREATE TABLE audit_chain(name text PRIMARY KEY, id bigint NOT NULL, code text NOT NULL, seal text NOT NULL);';

/**
 * The tables of one connector, in a schema of its own. The same as on SQLite but for four things: `keys` holds the comparison
 * keys of all queryable single-valued attributes, since PostgreSQL has no virtual columns to index; `refs.key` is the
 * comparison key of a reference, so that those without target are found by an index instead of a second table; `head` has
 * one row that says who may write; text is compared by its bytes (`COLLATE "C"`), as SQLite does.
 *
 * A step never changes once it was released: the next change is the next step.
 */
const CONNECTOR_STEPS: readonly string[] = [
  `
CREATE TABLE head(
  one boolean PRIMARY KEY DEFAULT true CHECK (one), owner text, epoch bigint NOT NULL DEFAULT 0, lease_until timestamptz NOT NULL DEFAULT '-infinity',
  serial bigint NOT NULL DEFAULT 0, position bigint NOT NULL DEFAULT 0, next_entry bigint NOT NULL DEFAULT 1, next_journal bigint NOT NULL DEFAULT 1) WITH (fillfactor = 10);
INSERT INTO head DEFAULT VALUES;
CREATE FUNCTION fence(mine bigint, next_serial bigint, next_position bigint, entry bigint, journal bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE head SET serial = next_serial, position = next_position, next_entry = entry, next_journal = journal WHERE epoch = mine;
  IF NOT FOUND THEN RAISE EXCEPTION 'landbridge: epoch % is over', mine USING ERRCODE = 'LB001'; END IF;
END $$;
CREATE FUNCTION as_json(body text) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN strpos(body, '\\u') = 0 THEN body::json
    ELSE regexp_replace(body, '\\\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\\\ufffd', 'g')::json END $$;
CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lower(normalize(value, NFC) COLLATE "und-x-icu") COLLATE "C" $$;
CREATE TABLE meta(name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE types(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, entries bigint NOT NULL DEFAULT 0);
CREATE TABLE attributes(id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE entries(
  id bigint PRIMARY KEY, otype integer NOT NULL, flags integer NOT NULL, position bigint NOT NULL, version bigint NOT NULL, created bigint NOT NULL, modified bigint NOT NULL,
  scim_id text COLLATE "C" NOT NULL, anchor text COLLATE "C", anchor_key text COLLATE "C", dn text COLLATE "C", dn_key text COLLATE "C", partition text COLLATE "C" NOT NULL,
  hash text COLLATE "C", sets text COLLATE "C", keys jsonb NOT NULL, body text COLLATE "C" NOT NULL);
CREATE UNIQUE INDEX entries_anchor ON entries(otype, anchor_key) WHERE anchor_key IS NOT NULL;
CREATE UNIQUE INDEX entries_scim ON entries(scim_id);
CREATE INDEX entries_dn ON entries(dn_key) WHERE dn_key IS NOT NULL;
CREATE INDEX entries_type ON entries(otype, id);
CREATE INDEX entries_flags ON entries(flags) WHERE flags <> 0;
CREATE TABLE mv(attr integer NOT NULL, key text COLLATE "C" NOT NULL, entry bigint NOT NULL, PRIMARY KEY(attr, key, entry));
CREATE INDEX mv_entry ON mv(entry);
CREATE TABLE refs(entry bigint NOT NULL, attr integer NOT NULL, raw text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, target bigint, PRIMARY KEY(entry, attr, raw));
CREATE INDEX refs_target ON refs(target, attr, entry) WHERE target IS NOT NULL;
CREATE INDEX refs_waiting ON refs(key) WHERE target IS NULL;
CREATE TABLE links(
  scim_id text COLLATE "C" PRIMARY KEY, otype integer NOT NULL, entry bigint, anchor_key text COLLATE "C", generation integer NOT NULL, state text NOT NULL,
  shadow text NOT NULL, aliases text NOT NULL, created bigint NOT NULL, modified bigint NOT NULL, deleted_position bigint NOT NULL);
CREATE INDEX links_entry ON links(entry) WHERE entry IS NOT NULL;
CREATE INDEX links_anchor ON links(otype, anchor_key) WHERE anchor_key IS NOT NULL;
CREATE TABLE link_aliases(alias text COLLATE "C" PRIMARY KEY, scim_id text COLLATE "C" NOT NULL);
CREATE INDEX link_aliases_id ON link_aliases(scim_id);
CREATE TABLE link_external(client text COLLATE "C" NOT NULL, external_id text COLLATE "C" NOT NULL, scim_id text COLLATE "C" NOT NULL, PRIMARY KEY(client, external_id, scim_id));
CREATE INDEX link_external_id ON link_external(scim_id);
CREATE TABLE claims(otype integer NOT NULL, attr integer NOT NULL, key text COLLATE "C" NOT NULL, journal bigint NOT NULL, PRIMARY KEY(otype, attr, key));
CREATE INDEX claims_journal ON claims(journal);
CREATE TABLE journal(
  id bigint PRIMARY KEY, kind text NOT NULL, state text NOT NULL, otype integer NOT NULL, entry bigint NOT NULL, scim_id text,
  credential text NOT NULL, method text NOT NULL, target text NOT NULL, key text NOT NULL, correlation text NOT NULL,
  at bigint NOT NULL, result_at bigint, error text, attempts text, link text, sealed text, claims text NOT NULL, effect text NOT NULL, steps text NOT NULL, events text);
CREATE INDEX journal_open ON journal(id) WHERE state IN ('held', 'intended', 'in-doubt');
CREATE INDEX journal_entry ON journal(entry);
CREATE TABLE unconfirmed(entry bigint PRIMARY KEY, attributes text NOT NULL);
CREATE TABLE runs(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, profile text NOT NULL, started_by text NOT NULL, started bigint NOT NULL, ended bigint, result text NOT NULL,
  held_reason text, held_decision text, held_by text);
CREATE TABLE steps(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, run bigint NOT NULL, kind text NOT NULL, partition text NOT NULL, started bigint NOT NULL, ended bigint,
  result text NOT NULL, counts text NOT NULL, error_count bigint NOT NULL DEFAULT 0, errors text NOT NULL DEFAULT '[]');
CREATE INDEX steps_run ON steps(run);
CREATE TABLE held(run bigint NOT NULL, entry bigint NOT NULL, position bigint NOT NULL, PRIMARY KEY(run, entry));
CREATE TABLE watermarks(partition text COLLATE "C" PRIMARY KEY, value text NOT NULL);
CREATE TABLE audit(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at bigint NOT NULL, actor text NOT NULL, action text NOT NULL, otype text, resource text,
  attributes text NOT NULL, result text NOT NULL, correlation text NOT NULL, detail text);
CREATE TABLE outbox(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at bigint NOT NULL, kinds text NOT NULL, otype integer NOT NULL, scim_id text,
  attributes text NOT NULL, txn text NOT NULL, result text);
CREATE TABLE event_streams(name text PRIMARY KEY, position bigint NOT NULL);
CREATE TABLE event_acks(stream text NOT NULL, event bigint NOT NULL, PRIMARY KEY(stream, event));
CREATE TABLE event_failures(stream text NOT NULL, event bigint NOT NULL, error text NOT NULL, PRIMARY KEY(stream, event));
`,
  "CREATE INDEX journal_deletes ON journal(scim_id) WHERE kind = 'delete' AND state = 'applied'",
  AUDIT_CHAIN,
  'ALTER TABLE head ADD COLUMN address text',
  'ALTER TABLE types ADD COLUMN moved bigint NOT NULL DEFAULT 0',
  'CREATE TABLE missed(entry bigint PRIMARY KEY, run bigint NOT NULL, position bigint NOT NULL)',
  'CREATE TABLE drifts(journal bigint NOT NULL, attribute text NOT NULL, entry bigint NOT NULL, drift text NOT NULL, PRIMARY KEY(journal, attribute))',
];

const CONTROL_STEPS: readonly string[] = [
  `
CREATE TABLE revisions(number bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, document text NOT NULL, author text NOT NULL, at bigint NOT NULL, summary text NOT NULL);
CREATE TABLE tokens(id text PRIMARY KEY, scope text NOT NULL, label text NOT NULL, hash text NOT NULL, created bigint NOT NULL, expires bigint, revoked bigint, used bigint);
CREATE TABLE audit(id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, at bigint NOT NULL, actor text NOT NULL, action text NOT NULL, detail text NOT NULL);
CREATE TABLE settings(name text PRIMARY KEY, value text NOT NULL);
`,
  AUDIT_CHAIN,
];

/**
 * Creates a schema, or brings it to this version step by step, in one transaction that no other host can be in at the same time.
 *
 * @throws Error for a schema of a newer version, or a database that is not UTF-8.
 */
export async function migrate(session: Session, schema: string, kind: 'connector' | 'control'): Promise<void> {
  const steps = kind === 'connector' ? CONNECTOR_STEPS : CONTROL_STEPS;
  const encoding = (await session.get('SHOW server_encoding'))?.['server_encoding'];
  if (encoding !== 'UTF8') throw new Error(`the database of the store has the encoding ${String(encoding)}; create one with ENCODING 'UTF8'`);
  await session.execute('BEGIN');
  try {
    await session.all('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', `landbridge ${schema}`);
    await session.execute(`CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`);
    await session.execute('CREATE TABLE IF NOT EXISTS schema_version(version integer NOT NULL)');
    const version = Number((await session.get('SELECT max(version) AS version FROM schema_version'))?.['version'] ?? 0);
    if (version > steps.length)
      throw new Error(
        `the schema ${schema} was written by a newer Landbridge (version ${version}, this one knows ${steps.length}); start that version instead`,
      );
    for (let step = version; step < steps.length; step += 1) {
      await session.execute(steps[step] ?? '');
      await session.all('INSERT INTO schema_version(version) VALUES ($1)', step + 1);
    }
    await session.execute('COMMIT');
  } catch (error) {
    if (!session.broken) await session.execute('ROLLBACK');
    throw error;
  }
}
