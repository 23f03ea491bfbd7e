import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { ConnectorError, foldCase, toConnectorError } from '@landbridge/connector-sdk';
import type { Outcome, SqlConnection, SqlDatabase, SqlRow, SqlSnapshot, SqlValue, StatementResult, Unit } from './database.ts';
import { quote } from './database.ts';
import { sqliteDialect } from './dialect-sqlite.ts';
import type { SqlSettings } from './settings.ts';
import { listSqliteTables, readSqliteColumns, typeOfDeclaration } from './sqlite-catalogue.ts';
import { locateSqliteConstraint, sqliteError } from './sqlite-errors.ts';

/** How long one attempt may block the thread; longer waits are made of several, so that a run can be cancelled. */
const BUSY_MILLISECONDS = 500;
const CACHED_STATEMENTS = 500;

/** Opens a SQLite application. @throws ConnectorError when the file is not there or not a database. */
export async function openSqlite(settings: SqlSettings): Promise<SqlDatabase> {
  const file = settings.file ?? '';
  if (!existsSync(file)) {
    throw new ConnectorError('server-down', `the SQLite file ${file} does not exist; check the parameter "file"`, {
      parameter: 'file',
    });
  }
  const deadline = settings.commandTimeoutSeconds * 1000;
  const handle = await whileBusy(() => openHandle(file, false), deadline);
  const run = createRunner(handle);
  const encoding = String(run('PRAGMA encoding', []).rows[0]?.[0] ?? 'UTF-8');
  const connection: SqlConnection = { query: async (sql, values) => run(sql, values) };
  // One connection: groups of units take turns.
  let turn: Promise<unknown> = Promise.resolve();

  return {
    dialect: sqliteDialect(encoding),
    query: (sql, values, signal) => whileBusy(() => run(sql, values), deadline, signal),
    runUnits(units, signal) {
      const mine = turn.then(() => runUnits({ handle, connection, run }, units, { signal, deadline }));
      turn = mine.catch(() => {});
      return mine;
    },
    snapshot: (signal) => whileBusy(() => openSnapshot(file, signal), deadline, signal),
    columns: async (table, schema) => readSqliteColumns(run, table, schema),
    tables: async () => listSqliteTables(run),
    queryColumns: async (sql) =>
      guard(() => handle.prepare(sql).columns()).map((column) => ({
        name: column.name,
        type: typeOfDeclaration(column.type ?? ''),
        declared: column.type ?? '',
        nullable: true,
        defaulted: false,
        assigned: false,
        generated: false,
        unique: false,
      })),
    countRows: async (table) => Number(run(`SELECT count(*) FROM ${quote(table)}`, []).rows[0]?.[0] ?? 0),
    missingPrivileges: async () => missingPrivileges(handle),
    // One writer at a time: what is committed later has later marks.
    writersNow: async () => ({ busy: false }),
    locate: async (error) => locateSqliteConstraint(run, error),
    async close() {
      if (handle.isOpen) handle.close();
    },
  };
}

/** A write that changes nothing tells whether writing is possible, and waits for nobody. */
function missingPrivileges(handle: DatabaseSync): readonly string[] {
  try {
    handle.exec('BEGIN IMMEDIATE');
    handle.exec('ROLLBACK');
    return [];
  } catch (error) {
    const { code } = sqliteError(error);
    // Somebody else writes just now: so it is possible.
    return code === 'throttled' ? [] : ['INSERT', 'UPDATE', 'DELETE'];
  }
}

type Run = (sql: string, values: readonly SqlValue[]) => StatementResult;

/** Runs statements of one handle, prepared once for each text. */
function createRunner(handle: DatabaseSync): Run {
  const statements = new Map<string, { readonly statement: StatementSync; readonly hasRows: boolean }>();

  function prepare(sql: string): { readonly statement: StatementSync; readonly hasRows: boolean } {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = configure(handle.prepare(sql));
    const prepared = { statement, hasRows: statement.columns().length > 0 };
    if (statements.size >= CACHED_STATEMENTS) statements.clear();
    statements.set(sql, prepared);
    return prepared;
  }

  return (sql, values) =>
    guard(() => {
      const { statement, hasRows } = prepare(sql);
      const parameters = values as SQLInputValue[];
      if (!hasRows) return { rows: [], changes: Number(statement.run(...parameters).changes) };
      // `setReturnArrays` is not in the types of `all`.
      const rows = statement.all(...parameters) as unknown as readonly SqlRow[];
      return { rows, changes: rows.length };
    });
}

function openHandle(file: string, readOnly: boolean): DatabaseSync {
  return guard(() => {
    const handle = new DatabaseSync(file, { readOnly, timeout: BUSY_MILLISECONDS, enableForeignKeyConstraints: true });
    const functions = { deterministic: true };
    handle.function('landbridge_fold', functions, (value) => (typeof value === 'string' ? foldCase(value) : value));
    handle.function('landbridge_utf8', functions, (value) => (typeof value === 'string' ? Buffer.from(value, 'utf8') : value));
    try {
      // The file is read at the first statement: now is better than later.
      handle.prepare('SELECT count(*) FROM sqlite_schema').get();
    } catch (error) {
      handle.close();
      throw error;
    }
    return handle;
  });
}

function configure(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement;
}

interface Patience {
  readonly signal: AbortSignal;
  readonly deadline: number;
}

/**
 * Units in one transaction, each in a savepoint: a failing one leaves the others alone, and all of them cost one wait for the
 * disk. Nothing is applied before COMMIT. Where that fails by a deferred constraint, which is the fault of one unit, each gets a
 * transaction of its own.
 */
async function runUnits<Result>(tools: UnitTools, units: readonly Unit<Result>[], patience: Patience): Promise<readonly Outcome<Result>[]> {
  const together = await runTogether(tools, units, patience);
  if (together !== undefined) return together;
  const outcomes: Outcome<Result>[] = [];
  for (const unit of units) outcomes.push(...((await runTogether(tools, [unit], patience)) ?? []));
  return outcomes;
}

/** What units run with. */
interface UnitTools {
  readonly handle: DatabaseSync;
  readonly connection: SqlConnection;
  readonly run: Run;
}

/** `undefined` when several units failed at COMMIT, and one of them may be to blame. */
async function runTogether<Result>(
  { handle, connection, run }: UnitTools,
  units: readonly Unit<Result>[],
  { signal, deadline }: Patience,
): Promise<readonly Outcome<Result>[] | undefined> {
  const outcomes: Outcome<Result>[] = [];
  let committing = false;
  try {
    await whileBusy(() => run('BEGIN IMMEDIATE', []), deadline, signal);
    for (const unit of units) {
      if (signal.aborted) throw cancelled();
      outcomes.push(units.length === 1 ? { result: await unit.work(connection) } : await inSavepoint(connection, run, unit));
    }
    committing = true;
    await whileBusy(() => run('COMMIT', []), deadline, signal);
    return outcomes;
  } catch (error) {
    if (handle.isTransaction) run('ROLLBACK', []);
    const failure = toConnectorError(error);
    if (committing && units.length > 1 && failure.code === 'constraint-violation') return undefined;
    // What failed for itself keeps its own reason.
    return units.map((_, index) => {
      const outcome = outcomes[index];
      return outcome !== undefined && 'error' in outcome ? outcome : { error: failure };
    });
  }
}

async function inSavepoint<Result>(connection: SqlConnection, run: Run, unit: Unit<Result>): Promise<Outcome<Result>> {
  run('SAVEPOINT landbridge_entry', []);
  try {
    const result = await unit.work(connection);
    run('RELEASE landbridge_entry', []);
    return { result };
  } catch (error) {
    run('ROLLBACK TO landbridge_entry', []);
    run('RELEASE landbridge_entry', []);
    return { error };
  }
}

/** Repeats while another process holds the lock, until the time is up or the caller has had enough. */
async function whileBusy<Result>(work: () => Result, deadline: number, signal?: AbortSignal): Promise<Result> {
  const until = performance.now() + deadline;
  for (;;) {
    if (signal?.aborted) throw cancelled();
    try {
      return work();
    } catch (error) {
      if (toConnectorError(error).code !== 'throttled' || performance.now() >= until) throw error;
      await wait(20);
    }
  }
}

function openCursor(handle: DatabaseSync, sql: string, values: readonly SqlValue[], fetchSize: number): () => readonly SqlRow[] {
  const iterator = guard(() => configure(handle.prepare(sql)).iterate(...(values as SQLInputValue[])));
  return () =>
    guard(() => {
      const rows: SqlRow[] = [];
      while (rows.length < fetchSize) {
        const next = iterator.next();
        if (next.done) break;
        // `setReturnArrays` is not in the types of `iterate`.
        rows.push(next.value as unknown as SqlRow);
      }
      return rows;
    });
}

/** A handle of its own in one read transaction: all cursors see the same state. */
function openSnapshot(file: string, signal: AbortSignal): SqlSnapshot {
  const handle = openHandle(file, true);
  // BEGIN alone reads nothing; the first SELECT fixes the state.
  try {
    guard(() => handle.exec('BEGIN; SELECT count(*) FROM sqlite_schema'));
  } catch (error) {
    handle.close();
    throw error;
  }
  return {
    async cursor(sql, values, fetchSize) {
      const next = openCursor(handle, sql, values, fetchSize);
      return {
        async read() {
          if (signal.aborted) throw cancelled();
          return next();
        },
        close: async () => {},
      };
    },
    async close() {
      if (handle.isOpen) handle.close();
    },
  };
}

function cancelled(): ConnectorError {
  return new ConnectorError('cancelled', 'the run was cancelled');
}

function guard<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw sqliteError(error);
  }
}
