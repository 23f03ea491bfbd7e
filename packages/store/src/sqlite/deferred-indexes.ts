import { CACHE_KILOBYTES, type Database } from './database.ts';

/**
 * The first full import into an empty space goes without the indexes that importing does not read itself, and makes them at
 * its end: sorting once costs a fraction of a million insertions in random order.
 *
 * 1. Only while the space is empty are indexes dropped: nobody can look for what is not there.
 * 2. Whoever needs one meanwhile, a write or a read, has it made first: nothing is answered from a scan, no claim is checked by one.
 *    A create needs those of the values that it claims and no others, so that it does not wait for all of them (R1).
 * 3. What was dropped is in the file, in the transaction that dropped it: a crash leaves nothing without an index for longer
 *    than until the file is opened. So their commits wait for no disk, as those of the pages before them: what ends the import, and
 *    what a client asked for, is the next commit, which does.
 * 4. Making one is one statement, and the end of an import makes one at a time: what waits has its turn between two (R1).
 */

/** Importing itself looks entries up by anchor and distinguished name, and references by their entry. */
const KEPT = ['entries_anchor', 'entries_dn', 'entries_flags'];
const NAME = 'deferred-indexes';
const SORT_KILOBYTES = 16_384;

/** Finds an entry by its SCIM id. */
export const BY_SCIM_ID = 'entries_scim';

/** Drops the indexes if there is no entry; returns whether it did. */
export function deferIndexes(database: Database): boolean {
  if (database.get('SELECT 1 AS one FROM entries LIMIT 1') !== undefined) return false;
  return database.transaction(() => {
    const rows = database.all(
      `SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('entries', 'refs') AND sql IS NOT NULL AND name NOT IN (SELECT value FROM json_each(?))`,
      JSON.stringify(KEPT),
    );
    if (rows.length === 0) return false;
    for (const row of rows) database.execute(`DROP INDEX ${String(row['name'])}`);
    // Reading by id waits for the first, and that of references, which sorts the most and which few wait for, comes last.
    const waiting = [...readWaiting(database), ...rows.map((row) => String(row['sql']))].sort((left, right) => rank(left) - rank(right));
    database.run('INSERT INTO meta(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value', NAME, JSON.stringify(waiting));
    return true;
  });
}

function rank(sql: string): number {
  const name = nameOf(sql);
  return name === BY_SCIM_ID ? 0 : name === 'refs_target' ? 2 : 1;
}

function nameOf(sql: string): string {
  return /^CREATE (?:UNIQUE )?INDEX (\w+)/.exec(sql)?.[1] ?? '';
}

/** Makes the indexes that were dropped and are wanted, or the first of them: one transaction for each. Returns the names of those that still wait. */
export function makeDeferredIndexes(database: Database, wanted: (name: string) => boolean = () => true, atMost = Number.MAX_SAFE_INTEGER): readonly string[] {
  const waiting = readWaiting(database);
  const chosen = waiting.filter((sql) => wanted(nameOf(sql))).slice(0, atMost);
  if (chosen.length === 0) return waiting.map(nameOf);
  // What is sorted goes to files, and as much as the cache holds is sorted at once: in memory a million entries take hundreds of megabytes.
  // A second thread sorts what the first one has read.
  database.execute(`PRAGMA temp_store=FILE; PRAGMA cache_size=-${SORT_KILOBYTES}; PRAGMA threads=1`);
  try {
    return database.withoutWaiting(() => chosen.reduce((left, sql) => makeOne(database, left, sql), waiting).map(nameOf));
  } finally {
    database.execute(`PRAGMA temp_store=MEMORY; PRAGMA cache_size=-${CACHE_KILOBYTES}; PRAGMA threads=0`);
  }
}

function readWaiting(database: Database): readonly string[] {
  const value = database.get('SELECT value FROM meta WHERE name = ?', NAME)?.['value'];
  return value === undefined ? [] : (JSON.parse(String(value)) as string[]);
}

/** Makes one index; returns those that wait after it. */
function makeOne(database: Database, waiting: readonly string[], sql: string): readonly string[] {
  const left = waiting.filter((one) => one !== sql);
  database.transaction(() => {
    database.execute(sql);
    if (left.length === 0) database.run('DELETE FROM meta WHERE name = ?', NAME);
    else database.run('UPDATE meta SET value = ? WHERE name = ?', JSON.stringify(left), NAME);
  });
  return left;
}
