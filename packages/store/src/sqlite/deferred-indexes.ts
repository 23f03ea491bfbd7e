import { CACHE_KILOBYTES, type Database } from './database.ts';

/**
 * The first full import into an empty space goes without the indexes that importing does not read itself, and makes them at
 * its end: sorting once costs a fraction of a million insertions in random order.
 *
 * 1. Only while the space is empty are indexes dropped: nobody can look for what is not there.
 * 2. Whoever needs one meanwhile, a write or a read, has all of them made first: {@link makeDeferredIndexes} is called by every
 *    command that writes for a client, and readers ask for it.
 * 3. What was dropped is in the file, in the transaction that dropped it: a crash leaves nothing without an index for longer
 *    than until the file is opened.
 */

/** Importing itself looks entries up by anchor and distinguished name, and references by their entry. */
const KEPT = ['entries_anchor', 'entries_dn', 'entries_flags'];
const NAME = 'deferred-indexes';
const SORT_KILOBYTES = 16_384;

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
    database.run('INSERT INTO meta(name, value) VALUES (?, ?)', NAME, JSON.stringify(rows.map((row) => String(row['sql']))));
    return true;
  });
}

/** Makes the indexes that were dropped: one transaction for each. */
export function makeDeferredIndexes(database: Database): void {
  // What is sorted goes to files, and as much as the cache holds is sorted at once: in memory a million entries take hundreds of megabytes.
  database.execute(`PRAGMA temp_store=FILE; PRAGMA cache_size=-${SORT_KILOBYTES}`);
  try {
    makeWaiting(database);
  } finally {
    database.execute(`PRAGMA temp_store=MEMORY; PRAGMA cache_size=-${CACHE_KILOBYTES}`);
  }
}

function makeWaiting(database: Database): void {
  const value = database.get('SELECT value FROM meta WHERE name = ?', NAME)?.['value'];
  if (value === undefined) return;
  const waiting = JSON.parse(String(value)) as string[];
  for (let sql = waiting.shift(); sql !== undefined; sql = waiting.shift()) {
    const next = sql;
    database.transaction(() => {
      database.execute(next);
      if (waiting.length === 0) database.run('DELETE FROM meta WHERE name = ?', NAME);
      else database.run('UPDATE meta SET value = ? WHERE name = ?', JSON.stringify(waiting), NAME);
    });
  }
}
