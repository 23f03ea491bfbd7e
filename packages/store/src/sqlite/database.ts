import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** A row as node:sqlite returns it: a null-prototype object of SQLite's types. */
export type Row = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

/** The columns of a row, in the order of its statement. */
export type Tuple = readonly (string | number | bigint | Uint8Array | null)[];

/** A SQLite database with prepared statements kept by their text, and synchronous transactions. */
export interface Database {
  /** Runs a statement; returns the number of changed rows and the last row id. */
  run(sql: string, ...values: readonly SQLInputValue[]): { readonly changes: number; readonly lastId: number };
  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[];
  /** The rows as lists of their columns: a third cheaper, for what every request reads. */
  tuples(sql: string, ...values: readonly SQLInputValue[]): readonly Tuple[];
  iterate(sql: string, ...values: readonly SQLInputValue[]): Iterable<Row>;
  /** Registers a deterministic function for statements of this handle. */
  registerFunction(name: string, work: (value: SQLInputValue) => SQLInputValue): void;
  /** Runs statements that are not worth keeping: DDL, pragmas. */
  execute(sql: string): void;
  /**
   * Runs a synchronous function in one immediate transaction; what it throws rolls everything back (R2). It cannot be
   * given an asynchronous function: a transaction never spans an `await`.
   */
  transaction<Result>(work: () => Result extends Promise<unknown> ? never : Result): Result;
  /** Runs a synchronous function whose reads all see the database of one moment: the file is locked and looked at once for them. */
  reading(work: () => void): void;
  /**
   * Runs transactions that nobody was promised yet: their commits do not wait for the disk. The next one outside does, and takes them
   * along: after a loss of power the file is as some commit left it, and never has a later one without an earlier (R3).
   */
  withoutWaiting<Result>(work: () => Result extends Promise<unknown> ? never : Result): Result;
  close(): void;
}

export const PAGE_BYTES = 4096;

/**
 * After how many pages the write-ahead log begins again, which is also what of it stays on disk. Single writes soon overwrite what is
 * there, which costs half of growing the file; an import commits whole pages and shall stop for copying them as rarely as can be.
 */
const LOG_PAGES = { writes: 4000, import: 16_000 } as const;

/** Sets how far the write-ahead log grows. A longer one is cut by the first commit after it began again. */
export function limitLog(database: Database, work: keyof typeof LOG_PAGES): void {
  const pages = LOG_PAGES[work];
  database.execute(`PRAGMA wal_autocheckpoint=${pages}; PRAGMA journal_size_limit=${pages * PAGE_BYTES};`);
}

/** What the writer keeps of its file in memory. */
export const CACHE_KILOBYTES = 65_536;

/** SQLite's codes for a file that cannot be used, without their extensions. */
const UNUSABLE: Readonly<Record<number, string>> = {
  8: 'this account may not write it',
  11: 'it is damaged; restore it from a backup',
  14: 'it cannot be opened by this account, or is a folder',
  23: 'this account may not open it',
  26: 'it is no SQLite database, or damaged; restore it from a backup',
};

/** @throws Error naming the file: SQLite's own words do not. */
function open(file: string): Database {
  try {
    const handle = new DatabaseSync(file);
    try {
      // The file is read at the first statement.
      handle.prepare('SELECT count(*) FROM sqlite_schema').get();
    } catch (error) {
      handle.close();
      throw error;
    }
    return wrap(handle);
  } catch (error) {
    const reason = UNUSABLE[Number((error as { readonly errcode?: number }).errcode) & 0xff];
    throw reason === undefined ? error : new Error(`the store file ${file}: ${reason}`, { cause: error });
  }
}

/**
 * Opens a database file for writing: write-ahead log, full synchronisation (R3).
 *
 * @throws Error when the file system does not give the durability asked for.
 */
export function openForWriting(file: string): Database {
  const database = open(file);
  database.execute(`
    PRAGMA page_size=${PAGE_BYTES}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;
    PRAGMA cache_size=-${CACHE_KILOBYTES}; PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=10000;`);
  limitLog(database, 'writes');
  const mode = database.get('PRAGMA journal_mode')?.['journal_mode'];
  const synchronous = database.get('PRAGMA synchronous')?.['synchronous'];
  if (mode !== 'wal' || synchronous !== 2) {
    database.close();
    throw new Error(
      `the store file ${file} cannot be written durably (journal_mode=${String(mode)}, synchronous=${String(synchronous)}); keep the data folder on a local disk`,
    );
  }
  return database;
}

/**
 * Opens a database file for reading beside its writer. It is not mapped into memory: SQLite lets go of the whole mapping whenever
 * the writer commits, and the page faults that follow cost more than reading does.
 */
export function openForReading(file: string): Database {
  const database = wrap(new DatabaseSync(file, { readOnly: true }));
  database.execute('PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=10000; PRAGMA query_only=1;');
  return database;
}

const KEPT_STATEMENTS = 1000;

/**
 * SQLite plans a statement with a parameter as its LIMIT again each time the parameter is bound, which takes longer than running it.
 * Of an expression it does not know the value, and keeps the plan.
 */
const LIMIT = /\bLIMIT \?/g;

function wrap(handle: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  const tupleStatements = new Map<string, StatementSync>();
  function prepare(sql: string, kept = statements): StatementSync {
    const known = kept.get(sql);
    if (known !== undefined) return known;
    const statement = handle.prepare(sql.replace(LIMIT, 'LIMIT ? + 0'));
    if (kept === tupleStatements) statement.setReturnArrays(true);
    // Statements that change some columns come in many forms.
    if (kept.size >= KEPT_STATEMENTS) kept.clear();
    kept.set(sql, statement);
    return statement;
  }
  return {
    run(sql, ...values) {
      const { changes, lastInsertRowid } = prepare(sql).run(...values);
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    get: (sql, ...values) => prepare(sql).get(...values) as Row | undefined,
    all: (sql, ...values) => prepare(sql).all(...values) as readonly Row[],
    // `setReturnArrays` is not in the types of `all`.
    tuples: (sql, ...values) => prepare(sql, tupleStatements).all(...values) as unknown as readonly Tuple[],
    iterate: (sql, ...values) => prepare(sql).iterate(...values) as Iterable<Row>,
    registerFunction: (name, work) => handle.function(name, { deterministic: true }, work),
    execute: (sql) => handle.exec(sql),
    transaction(work) {
      prepare('BEGIN IMMEDIATE').run();
      try {
        const result = work();
        prepare('COMMIT').run();
        return result;
      } catch (error) {
        if (handle.isTransaction) prepare('ROLLBACK').run();
        throw error;
      }
    },
    reading(work) {
      prepare('BEGIN').run();
      try {
        work();
      } finally {
        prepare('COMMIT').run();
      }
    },
    withoutWaiting(work) {
      handle.exec('PRAGMA synchronous=NORMAL');
      try {
        return work();
      } finally {
        handle.exec('PRAGMA synchronous=FULL');
      }
    },
    close() {
      statements.clear();
      tupleStatements.clear();
      handle.close();
    },
  };
}
