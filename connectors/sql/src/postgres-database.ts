import { ConnectorError } from '@landbridge/connector-sdk';
import pg from 'pg';
import type { Outcome, SqlConnection, SqlDatabase, SqlValue, StatementResult, Unit } from './database.ts';
import { postgresDialect } from './dialect-postgres.ts';
import { countPostgresRows, describePostgresFields, missingPostgresPrivileges, readPostgresColumns, readPostgresWriters } from './postgres-catalogue.ts';
import { abortable, cancelStatement, connectError, connectionOf, runStatement } from './postgres-connection.ts';
import { isBroken, locatePostgresConstraint, type Phase, postgresError } from './postgres-errors.ts';
import { openPostgresSnapshot } from './postgres-snapshot.ts';
import type { SqlSettings } from './settings.ts';

/** Opens a PostgreSQL application: a pool, and what the statements depend on. @throws ConnectorError. */
export async function openPostgres(settings: SqlSettings): Promise<SqlDatabase> {
  const pool = new pg.Pool({
    ...connectionOf(settings),
    max: settings.poolSize,
    idleTimeoutMillis: 30_000,
    statement_timeout: settings.commandTimeoutSeconds * 1000,
  });
  // An idle connection that breaks is replaced by the pool; one at work fails its statement. The events alone would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  const server = createServer(pool, settings);
  try {
    const { rows } = await server.query("SELECT current_setting('server_encoding'), (SELECT datctype FROM pg_database WHERE datname = current_database())", []);
    return databaseOf(pool, settings, server, { encoding: String(rows[0]?.[0]), characterType: String(rows[0]?.[1]) });
  } catch (error) {
    await pool.end();
    throw error;
  }
}

function databaseOf(pool: pg.Pool, settings: SqlSettings, server: Server, facts: { readonly encoding: string; readonly characterType: string }): SqlDatabase {
  const { query } = server;
  let closing: Promise<void> | undefined;
  return {
    dialect: postgresDialect(facts),
    query,
    runUnits: (units, signal) => runUnits(server, units, signal),
    snapshot: async (signal) => openPostgresSnapshot(settings, signal),
    columns: (table, schema) => readPostgresColumns(query, table, schema),
    queryColumns: async (sql) => describePostgresFields(query, await server.describe(sql)),
    countRows: (table, schema) => countPostgresRows(query, table, schema),
    missingPrivileges: (table, schema) => missingPostgresPrivileges(query, table, schema),
    writersNow: () => readPostgresWriters(query),
    locate: async (error) => locatePostgresConstraint(error),
    close() {
      closing ??= pool.end();
      return closing;
    },
  };
}

/** A connection on loan. */
interface Loan {
  readonly client: pg.PoolClient;
  release(broken: boolean): void;
}

/** A pool with what runs on its connections. */
interface Server {
  query(sql: string, values: readonly SqlValue[], signal?: AbortSignal): Promise<StatementResult>;
  describe(sql: string): Promise<readonly { readonly name: string; readonly dataTypeID: number }[]>;
  transaction<Result>(work: (connection: SqlConnection) => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

function createServer(pool: pg.Pool, settings: SqlSettings): Server {
  const limit = settings.commandTimeoutSeconds;
  const waiting: (() => void)[] = [];
  let free = settings.poolSize;

  /** Waits for its turn without a limit: the limit of the pool is for making connections, not for waiting for one. */
  async function acquire(): Promise<Loan> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    const next = (): void => {
      const first = waiting.shift();
      if (first === undefined) free += 1;
      else first();
    };
    try {
      const client = await pool.connect();
      return {
        client,
        release(broken) {
          client.release(broken);
          next();
        },
      };
    } catch (error) {
      next();
      throw connectError(error, settings);
    }
  }

  /** Lends a connection; one that broke does not go back. */
  async function lend<Result>(signal: AbortSignal | undefined, work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    const { client, release } = await acquire();
    let broken = false;
    try {
      return await abortable(
        signal,
        () => void cancelStatement(settings, client),
        async () => {
          try {
            return await work(client);
          } catch (error) {
            const ours = postgresError(error, 'before-commit');
            broken = isBroken(ours);
            throw ours;
          }
        },
      );
    } finally {
      // A late cancellation could hit whoever works on the connection next.
      release(broken || signal?.aborted === true);
    }
  }

  return {
    query: (sql, values, signal) => lend(signal, (client) => runStatement(client, sql, values, limit)),
    describe: (sql) => lend(undefined, async (client) => (await client.query(`SELECT * FROM (${sql}) AS m LIMIT 0`)).fields),
    transaction: (work, signal) => runTransaction({ acquire, settings, limit }, work, signal),
  };
}

interface TransactionOptions {
  acquire(): Promise<Loan>;
  readonly settings: SqlSettings;
  readonly limit: number;
}

/** A pooled connection may have died long ago: that shows at BEGIN, when nothing was sent yet, and a new one is tried. */
async function runTransaction<Result>(options: TransactionOptions, work: (connection: SqlConnection) => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    const loan = await options.acquire();
    const { client } = loan;
    const progress: Progress = { began: false, phase: 'before-commit' };
    let failure: ConnectorError | undefined;
    try {
      return await abortable(
        signal,
        () => void cancelStatement(options.settings, client),
        () => attemptTransaction(client, options.limit, work, progress),
      );
    } catch (error) {
      failure = postgresError(error, progress.phase);
      // Whoever cancels a COMMIT does not learn what became of it.
      if (failure.code === 'cancelled' && progress.phase === 'committing')
        failure = new ConnectorError('timeout', 'the call was cancelled while the change was being committed');
      if (progress.began || attempt > 2 || !isBroken(failure)) throw failure;
    } finally {
      await giveBack(loan, failure);
    }
  }
}

interface Progress {
  began: boolean;
  phase: Phase;
}

async function attemptTransaction<Result>(
  client: pg.PoolClient,
  limit: number,
  work: (connection: SqlConnection) => Promise<Result>,
  progress: Progress,
): Promise<Result> {
  await runStatement(client, 'BEGIN', [], limit);
  progress.began = true;
  const query: SqlConnection['query'] = async (sql, values) => {
    try {
      return await runStatement(client, sql, values, limit);
    } catch (error) {
      throw postgresError(error, 'before-commit');
    }
  };
  const result = await work({ query });
  progress.phase = 'committing';
  await runStatement(client, 'COMMIT', [], limit);
  return result;
}

/** Gives a connection back without its transaction; where that fails the connection goes, and the transaction with it. */
async function giveBack({ client, release }: Loan, failure: ConnectorError | undefined): Promise<void> {
  if (failure === undefined) return release(false);
  if (failure.code === 'cancelled' || isBroken(failure)) return release(true);
  try {
    await client.query('ROLLBACK');
    release(false);
  } catch {
    release(true);
  }
}

/** Units side by side, as many as the pool has connections; each waits for those that it depends on. */
async function runUnits<Result>(server: Server, units: readonly Unit<Result>[], signal: AbortSignal): Promise<readonly Outcome<Result>[]> {
  const started: Promise<Outcome<Result>>[] = [];
  for (const unit of units) {
    const before = unit.after.flatMap((index) => started[index] ?? []);
    started.push(
      Promise.all(before)
        .then(() => server.transaction((connection) => unit.work(connection), signal))
        .then(
          (result): Outcome<Result> => ({ result }),
          (error: unknown): Outcome<Result> => ({ error }),
        ),
    );
  }
  return Promise.all(started);
}
