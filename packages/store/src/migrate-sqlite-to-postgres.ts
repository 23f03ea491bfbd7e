import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type EncodedAttributes, messageOf } from '@landbridge/connector-sdk';
import type { StoreModel } from './connector-store.ts';
import { connectorSchema, openSession, type PostgresOptions, quote, type Session } from './postgres/connection.ts';
import { indexKeys, isKept, toIndexKey, toKept } from './postgres/records.ts';
import { createIndexes } from './postgres/stored-model.ts';
import { migrate } from './postgres/tables.ts';
import { compileModel, EMPTY_MODEL, type StoredModel } from './rules/stored-model.ts';
import { openSqliteControlStore } from './sqlite/control-database.ts';
import { type Database, openForWriting } from './sqlite/database.ts';
import { isKeyColumn } from './sqlite/key-columns.ts';
import { createTables } from './sqlite/tables.ts';

/** What was moved of one file: rows by table, compared on both sides before they were committed. */
export interface MovedPart {
  readonly name: string;
  /** `moved` now, or there already from an earlier attempt. */
  readonly status: 'moved' | 'present';
  readonly rows: Readonly<Record<string, number>>;
}

type Value = string | number | null;
type Cells = Readonly<Record<string, Value>>;

/** How a row of one engine becomes a row of the other, where it is not the same. */
type Convert = (row: Cells) => Cells;

/** What says in the target that it was filled by a migration: the same files may fill it again as long as no host has used it. */
const MARK = 'migrated-from-sqlite';
/** The setting of the control data with which files are known again. A copy that was made before the first attempt is another source. */
const SOURCE = 'migration-source';

/** What the mark says: whose rows these are, and what they were. */
interface Mark {
  readonly source: string;
  readonly fingerprint: string;
}

/**
 * Moves the files of a data folder into a database: each connector in one transaction, the control data last. What an
 * earlier attempt has moved is left alone if it is still the same. The files get a name, and nothing else of them is changed. The folder must be locked.
 *
 * @throws Error naming the part, when a target holds anything else, is used by a host, or has not the same rows in the end.
 */
export async function migrateFromSqlite(dataFolder: string, postgres: PostgresOptions, report: (part: MovedPart) => void): Promise<readonly MovedPart[]> {
  const folder = join(dataFolder, 'connectors');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'connector.db'))) : [];
  const parts: MovedPart[] = [];
  const add = (part: MovedPart): void => {
    parts.push(part);
    report(part);
  };
  const file = join(dataFolder, 'control.db');
  const source = await nameOfSource(file);
  const controlSchema = postgres.schema ?? 'landbridge';
  // The control data come last and say that all is there: another installation is noticed before anything is put beside it.
  await inSchema('control data', postgres, controlSchema, 'control', (session) => readMark(session, 'control', source));
  for (const name of names.sort()) {
    const path = join(folder, name, 'connector.db');
    const database = openForWriting(path);
    createTables(database, path);
    try {
      add(await movePart(name, source, database, postgres, connectorSchema(postgres, name), 'connector'));
    } finally {
      database.close();
    }
  }
  const control = openForWriting(file);
  try {
    add(await movePart('control data', source, control, postgres, controlSchema, 'control'));
  } finally {
    control.close();
  }
  return parts;
}

/** The name of the files, given to them by the first attempt. Opening them brings their tables up to date. */
async function nameOfSource(file: string): Promise<string> {
  const control = openSqliteControlStore(file);
  try {
    const known = await control.readSetting(SOURCE);
    if (known !== undefined) return known;
    const made = randomUUID();
    await control.writeSetting(SOURCE, made);
    return made;
  } finally {
    await control.close();
  }
}

/** Does something in one transaction of a schema, which is made where it is not there. */
async function inSchema<Result>(
  name: string,
  postgres: PostgresOptions,
  schema: string,
  kind: 'connector' | 'control',
  act: (session: Session) => Promise<Result>,
  then: (session: Session, result: Result) => Promise<void> = async () => {},
): Promise<Result> {
  const session = await openSession(postgres, schema);
  try {
    await migrate(session, schema, kind);
    await session.execute('BEGIN');
    const result = await act(session);
    await session.execute('COMMIT');
    await then(session, result);
    return result;
  } catch (error) {
    if (!session.broken) await session.execute('ROLLBACK');
    throw new Error(`${name} could not be moved: ${messageOf(error)}`, { cause: error });
  } finally {
    await session.close();
  }
}

const movePart = (
  name: string,
  source: string,
  database: Database,
  postgres: PostgresOptions,
  schema: string,
  kind: 'connector' | 'control',
): Promise<MovedPart> =>
  inSchema(
    name,
    postgres,
    schema,
    kind,
    (session) => fill(name, source, database, session, kind),
    async (session, part) => {
      if (part.status === 'moved') for (const table of Object.keys(part.rows)) await session.all(`ANALYZE ${quote(table)}`);
    },
  );

const marksOf = (kind: 'connector' | 'control'): string => (kind === 'connector' ? 'meta' : 'settings');

/** What an earlier attempt of the same files left in a schema; undefined where it is empty. @throws Error when it holds anything else. */
async function readMark(session: Session, kind: 'connector' | 'control', source: string): Promise<Mark | undefined> {
  const text = (await session.get(`SELECT value FROM ${marksOf(kind)} WHERE name = $1 FOR UPDATE`, MARK))?.['value'];
  if (text === undefined) {
    for (const table of (await listTargets(session)).keys())
      if ((await countTarget(session, table)) > 0) throw new Error(`the schema has rows in the table ${table} already; name another schema, or drop it`);
    return undefined;
  }
  const mark = JSON.parse(String(text)) as Partial<Mark>;
  if (mark.source !== source) throw new Error('the schema holds the state of another data folder; name another database or schema, or drop it');
  return mark as Mark;
}

async function fill(name: string, from: string, database: Database, session: Session, kind: 'connector' | 'control'): Promise<MovedPart> {
  const source = listTables(database);
  const expected = Object.fromEntries(source.map((table) => [table, countRows(database, table)]));
  const used = kind === 'connector' && Number((await session.get('SELECT epoch FROM head FOR UPDATE'))?.['epoch']) > 0;
  const mark = await readMark(session, kind, from);
  const fingerprint = JSON.stringify({ expected, last: lastOf(database, kind) });
  if (mark?.fingerprint === fingerprint) return { name, status: 'present', rows: expected };
  if (used) throw new Error('a host has used the schema already; name another schema, or drop it');
  const target = await listTargets(session);
  for (const table of target.keys()) await session.execute(`DELETE FROM ${quote(table)}`);
  const model = kind === 'connector' ? await copyModel(database, session) : undefined;
  for (const table of source) await copyTable(database, session, table, target.get(table), converters(model)[table]);
  await setSequences(database, session, kind);
  if (model !== undefined) await createIndexes(session, model);
  for (const table of source) {
    const found = await countTarget(session, table);
    if (found !== expected[table]) throw new Error(`the table ${table} has ${expected[table] ?? 0} rows in SQLite and ${found} in PostgreSQL`);
  }
  const written: Mark = { source: from, fingerprint };
  await session.all(`INSERT INTO ${marksOf(kind)}(name, value) VALUES ($1, $2)`, MARK, JSON.stringify(written));
  return { name, status: 'moved', rows: expected };
}

/** Tables that mean nothing apart, or are made anew: references without target are found by an index. */
const APART: ReadonlySet<string> = new Set(['unresolved', 'meta', 'types', 'attributes']);
const NOT_TARGETS = "('schema_version', 'head')";

function listTables(database: Database): readonly string[] {
  const rows = database.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
  return rows.map((row) => String(row['name'])).filter((name) => !APART.has(name));
}

/** The columns of every table of the schema. */
async function listTargets(session: Session): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await session.all(
    `SELECT c.table_name, json_agg(c.column_name) AS columns FROM information_schema.columns c
     WHERE c.table_schema = current_schema() AND c.table_name NOT IN ${NOT_TARGETS} GROUP BY c.table_name`,
  );
  return new Map(rows.map((row) => [String(row['table_name']), JSON.parse(String(row['columns'])) as readonly string[]]));
}

const countRows = (database: Database, table: string): number => Number(database.get(`SELECT count(*) AS n FROM "${table}"`)?.['n']);
const countTarget = async (session: Session, table: string): Promise<number> => Number((await session.get(`SELECT count(*) AS n FROM ${quote(table)}`))?.['n']);

/** What changes with every change of the file that leaves the numbers of rows as they are. */
function lastOf(database: Database, kind: 'connector' | 'control'): unknown {
  return kind === 'connector'
    ? database.get("SELECT (SELECT value FROM meta WHERE name = 'position') AS position, (SELECT sum(version) FROM entries) AS versions")
    : database.get(
        'SELECT (SELECT max(revoked) FROM tokens) AS revoked, (SELECT max(used) FROM tokens) AS used, (SELECT group_concat(value) FROM settings) AS settings',
      );
}

/** Types and attributes keep their numbers; the model decides how entries are indexed. */
async function copyModel(database: Database, session: Session): Promise<StoredModel> {
  const ids = { types: new Map<string, number>(), attributes: new Map<string, number>() };
  for (const table of ['types', 'attributes'] as const) {
    for (const row of database.all(`SELECT * FROM ${table}`)) {
      ids[table].set(String(row['name']), Number(row['id']));
      if (table === 'types')
        await session.all(
          'INSERT INTO types(id, name, entries) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3)',
          Number(row['id']),
          String(row['name']),
          Number(row['entries']),
        );
      else await session.all('INSERT INTO attributes(id, name) OVERRIDING SYSTEM VALUE VALUES ($1, $2)', Number(row['id']), String(row['name']));
    }
    await session.all(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM ${table}), false)`);
  }
  for (const row of database.all("SELECT name, value FROM meta WHERE name NOT IN ('position', 'deferred-indexes')"))
    await session.all('INSERT INTO meta(name, value) VALUES ($1, $2)', String(row['name']), String(row['value']));
  const text = database.get("SELECT value FROM meta WHERE name = 'model'")?.['value'];
  return compileModel(typeof text === 'string' ? (JSON.parse(text) as StoreModel) : EMPTY_MODEL, ids.types, ids.attributes);
}

function converters(model: StoredModel | undefined): Readonly<Record<string, Convert>> {
  if (model === undefined) return {};
  const cut: Convert = (row) => ({ ...row, key: toIndexKey(String(row['key'])) });
  return {
    mv: cut,
    claims: cut,
    refs: (row) => ({ ...row, key: model.referenceKey(String(row['raw'])) }),
    entries(row) {
      const type = model.typesById.get(Number(row['otype']));
      return { ...row, keys: type === undefined ? '{}' : indexKeys(type, JSON.parse(String(row['body'])) as EncodedAttributes) };
    },
  };
}

/** Columns whose text is a value and must stay what it is; in others what cannot be kept is replaced. */
const VALUES: ReadonlySet<string> = new Set(['anchor', 'anchor_key', 'dn', 'dn_key', 'raw', 'body']);

async function copyTable(database: Database, session: Session, table: string, columns: readonly string[] | undefined, convert?: Convert): Promise<void> {
  const all = database.all(`SELECT name FROM pragma_table_info('${table}')`).map((row) => String(row['name']));
  // Key columns are in `keys` there.
  const own = table === 'entries' ? all.filter((name) => !isKeyColumn(name)) : all;
  const unknown = columns === undefined ? own : own.filter((name) => !columns.includes(name));
  if (columns === undefined || unknown.length > 0) throw new Error(`the table ${table} has no place for ${unknown.join(', ')} in PostgreSQL`);
  function* rows(target: readonly string[]): Generator<readonly Value[]> {
    for (const row of database.iterate(`SELECT ${own.map((name) => `"${name}"`).join(', ')} FROM "${table}"`)) {
      const cells = convert === undefined ? (row as Cells) : convert(row as Cells);
      yield target.map((name) => toCell(table, name, cells[name] ?? null));
    }
  }
  const target = convert === undefined ? own : columns;
  await session.copy(`${quote(table)}(${target.map(quote).join(', ')})`, rows(target));
}

function toCell(table: string, column: string, value: Value): Value {
  if (typeof value !== 'string' || isKept(value)) return value;
  if (VALUES.has(column)) throw new Error(`the table ${table} has a value in ${column} with a character that PostgreSQL cannot keep (NUL)`);
  return toKept(value);
}

/** What was given out once is never given out again. */
async function setSequences(database: Database, session: Session, kind: 'connector' | 'control'): Promise<void> {
  const last = new Map(database.all('SELECT name, seq FROM sqlite_sequence').map((row) => [String(row['name']), Number(row['seq'])]));
  const identities = kind === 'connector' ? (['runs', 'steps', 'audit', 'outbox'] as const) : (['audit', 'revisions'] as const);
  for (const table of identities) {
    const column = table === 'revisions' ? 'number' : 'id';
    await session.all(`SELECT setval(pg_get_serial_sequence('${table}', '${column}'), $1::bigint, false)`, (last.get(table) ?? 0) + 1);
  }
  if (kind === 'control') return;
  const journalled = Number(database.get('SELECT max(entry) AS entry FROM journal')?.['entry'] ?? 0);
  await session.all(
    'UPDATE head SET position = $1, next_entry = $2, next_journal = $3',
    Number(database.get("SELECT value FROM meta WHERE name = 'position'")?.['value'] ?? 0),
    Math.max(last.get('entries') ?? 0, journalled) + 1,
    (last.get('journal') ?? 0) + 1,
  );
}
