import { ConnectorError, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, qualified, type SqlDatabase, type SqlRow, type SqlSnapshot } from './database.ts';
import type { ObjectModel, ReplicationModel } from './object-model.ts';

/** A row that changed, by the anchor of the entry it belongs to. */
export interface ReplicatedChange {
  readonly key: readonly Value[];
  readonly deleted: boolean;
}

/** Pages of decoded changes. */
const PAGE = 2000;

/**
 * Makes sure that the slot is there, and gives the place in the log of now: what commits later is decoded after it.
 *
 * @throws ConnectorError when the server's `wal_level` or the account does not allow it.
 */
export async function seedReplication(database: SqlDatabase, { slot }: ReplicationModel): Promise<string> {
  const { rows } = await database.query('SELECT plugin, database = current_database() FROM pg_replication_slots WHERE slot_name = $1', [slot]);
  const [plugin, isOurs] = rows[0] ?? [];
  if (rows.length === 0) await createSlot(database, slot);
  else if (plugin !== 'test_decoding' || isOurs !== 't')
    throw new ConnectorError(
      'invalid-configuration',
      `the replication slot "${slot}" is somebody else's (${String(plugin)}); name another one in delta.replication`,
    );
  // Only what is flushed is decoded: a mark beyond that would leave out what was committed without waiting for the disk.
  return String((await database.query('SELECT pg_current_wal_flush_lsn()', [])).rows[0]?.[0]);
}

async function createSlot(database: SqlDatabase, slot: string): Promise<void> {
  try {
    await database.query("SELECT pg_create_logical_replication_slot($1, 'test_decoding')", [slot]);
  } catch (error) {
    const { message } = error as ConnectorError;
    const advice = 'delta.replication needs wal_level = logical and the attribute REPLICATION of the account; use a change log where that cannot be had';
    throw new ConnectorError('invalid-configuration', `${message}: ${advice}`, { parameter: 'delta.replication' }, { cause: error });
  }
}

/**
 * What changed in the table and the side tables of an object type after a place in the log. What is before it is given back to
 * the server.
 *
 * @throws ConnectorError `watermark-lost` when the log does not go back that far, or holds what names no row.
 */
export async function* readReplication(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  model: ObjectModel,
  replication: ReplicationModel,
  since: string,
): AsyncGenerator<readonly ReplicatedChange[]> {
  const { slot } = replication;
  const { rows } = await database.query(
    "SELECT confirmed_flush_lsn <= $2::pg_lsn AND coalesce(wal_status <> 'lost', true) FROM pg_replication_slots WHERE slot_name = $1",
    [slot, since],
  );
  if (rows[0]?.[0] !== 't') throw lost(model, `the replication slot "${slot}" is gone, or has moved on without this import`);
  await database.query('SELECT pg_replication_slot_advance($1, $2::pg_lsn)', [slot, since]);
  const tables = await watchedTables(database, model);
  const cursor = await snapshot.cursor(
    "SELECT data FROM pg_logical_slot_peek_changes($1, NULL, NULL, 'include-xids', '0', 'skip-empty-xacts', '1') WHERE data LIKE 'table %'",
    [slot],
    PAGE,
  );
  for (let page = await cursor.read(); page.length > 0; page = await cursor.read()) yield page.flatMap((row) => changesOf(database, model, tables, row));
  await cursor.close();
}

function lost(model: ObjectModel, why: string): ConnectorError {
  return new ConnectorError('watermark-lost', `"${model.name}": ${why}; a full import is needed`);
}

interface WatchedTable {
  /** As the decoder writes it. */
  readonly name: string;
  readonly key: readonly CatalogueColumn[];
  readonly isMain: boolean;
}

/** The tables whose rows make an entry, by the names that the decoder gives them. */
async function watchedTables(database: SqlDatabase, model: ObjectModel): Promise<ReadonlyMap<string, WatchedTable>> {
  const { table, writeTable, schema } = model.settings;
  const wanted = [
    { table: table ?? writeTable ?? '', schema, key: model.anchor.map((one) => one.column), isMain: true },
    ...model.sides.map((side) => ({ table: side.settings.table, schema: side.settings.schema, key: side.key, isMain: false })),
  ];
  const tables = new Map<string, WatchedTable>();
  for (const one of wanted) {
    const { rows } = await database.query(
      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)",
      [qualified(one.table, one.schema)],
    );
    const name = String(rows[0]?.[0]);
    tables.set(name, { name, key: one.key, isMain: one.isMain });
  }
  return tables;
}

const LINE = /^table ((?:"(?:[^"]|"")+"|[^".\s]+)\.(?:"(?:[^"]|"")+"|[^":\s]+)): (INSERT|UPDATE|DELETE|TRUNCATE): ([\s\S]*)$/;

function changesOf(database: SqlDatabase, model: ObjectModel, tables: ReadonlyMap<string, WatchedTable>, [data]: SqlRow): readonly ReplicatedChange[] {
  const [, name = '', operation, rest = ''] = LINE.exec(String(data)) ?? [];
  const watched = tables.get(name);
  if (watched === undefined) return truncates(String(data), tables) ? fail(lost(model, 'a table was truncated')) : [];
  if (operation === 'TRUNCATE') throw lost(model, `${name} was truncated`);
  const tuples = parseTuples(rest);
  if (tuples.length === 0)
    throw lost(model, `${name} has no key that tells which row was deleted; give it a primary key with the columns of the anchor, or REPLICA IDENTITY FULL`);
  const keys = tuples.flatMap((tuple) => keyOf(database, watched, tuple) ?? []);
  if (keys.length === 0) throw lost(model, `the replica identity of ${name} lacks ${watched.key.map((column) => column.name).join(', ')}`);
  // An update of the key has the old one first. What is not there any more is seen to be gone when it is looked for.
  return keys.map((key) => ({ key, deleted: watched.isMain && operation === 'DELETE' }));
}

function fail(error: ConnectorError): never {
  throw error;
}

/** `table a.b, a.c: TRUNCATE: …` names several. */
function truncates(data: string, tables: ReadonlyMap<string, WatchedTable>): boolean {
  const names = /^table (.*): TRUNCATE: /.exec(data)?.[1]?.split(', ') ?? [];
  return names.some((name) => tables.has(name));
}

/** `name[type]:value`, values in quotes doubled; the type may hold brackets of its own. */
const COLUMN = /("(?:[^"]|"")+"|[^\s"[]+)\[((?:"(?:[^"]|"")*"|[^\]"]|\[\])+)\]:('(?:[^']|'')*'|B'[01]*'|[^\s]+)(?: |$)/gy;

/** The tuples of a change: the new one, or the old key and the new one. */
export function parseTuples(text: string): readonly ReadonlyMap<string, string | null>[] {
  const tuples: Map<string, string | null>[] = [];
  let at = 0;
  let current: Map<string, string | null> | undefined;
  while (at < text.length) {
    const label = /(?:old-key|new-tuple): /y;
    label.lastIndex = at;
    if (label.test(text)) {
      at = label.lastIndex;
      current = undefined;
    }
    COLUMN.lastIndex = at;
    const match = COLUMN.exec(text);
    if (match === null) break;
    at = COLUMN.lastIndex;
    if (current === undefined) {
      current = new Map();
      tuples.push(current);
    }
    const [, name = '', , value = ''] = match;
    const plain = name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
    if (value === 'unchanged-toast-datum') continue;
    current.set(plain, value === 'null' ? null : value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value);
  }
  return tuples;
}

function keyOf(database: SqlDatabase, { key }: WatchedTable, tuple: ReadonlyMap<string, string | null>): readonly (readonly Value[])[] | undefined {
  const values: Value[] = [];
  for (const column of key) {
    const text = tuple.get(column.name);
    if (text === undefined || text === null) return undefined;
    values.push(database.dialect.reader(column)(text));
  }
  return [values];
}
