import { ConnectorError } from '@landbridge/connector-sdk';
import type { CatalogueColumn, ConstraintPlace, Dialect, SqlDatabase, SqlRow, SqlSnapshot, SqlValue, StatementResult } from '../database.ts';
import { qualified } from '../database.ts';
import { countMysqlRows, listMysqlTables, missingMysqlPrivileges, readMysqlColumns, readMysqlWriters } from '../mysql-catalogue.ts';
import { sessionStatements } from '../mysql-connection.ts';
import { locateMysqlConstraint } from '../mysql-errors.ts';
import { abortable, cancelled, createPooledConnections, type PooledConnections } from '../pooled-connections.ts';
import { countPostgresRows, listPostgresTables, missingPostgresPrivileges, readPostgresColumns, readPostgresWriters } from '../postgres-catalogue.ts';
import type { SqlSettings } from '../settings.ts';
import { locateSqliteConstraint } from '../sqlite-errors.ts';
import { connectionText } from './connection-text.ts';
import { genericDialect, requote, wantedRows } from './dialect-generic.ts';
import type { ResultColumn, RowsPage } from './messages.ts';
import { type AskCatalogue, describeOdbcColumns, listOdbcTables, readOdbcColumns, standardName } from './odbc-catalogue.ts';
import { odbcMysqlDialect, odbcPostgresDialect, odbcSqliteDialect } from './odbc-dialects.ts';
import { isBroken, odbcError } from './odbc-errors.ts';
import { borrowOdbcProcess, type OdbcConnection, OdbcError, type OdbcProcess } from './odbc-process.ts';
import { missingAttributes, type Product, pings, productOf, snapshotIsolation } from './products.ts';

/** Rows that cross from the process of the driver at once. */
const ROWS = 1000;
const CONNECT_SECONDS = 15;
/** How much later than the driver this side gives a statement up. */
const GRACE_MILLISECONDS = 5_000;
/** A connection that was idle for longer is asked whether it is still there before a transaction starts on it. */
const IDLE_MILLISECONDS = 1_000;

/** A connection of the pool. */
interface Client {
  readonly connection: OdbcConnection;
  usedAt: number;
}

/** What the database is, and how it is spoken to. */
interface Speech {
  readonly product: Product;
  readonly text: string;
  readonly session: readonly string[];
}

/** Opens whatever an ODBC driver speaks to. @throws ConnectorError. */
export async function openOdbc(settings: SqlSettings): Promise<SqlDatabase> {
  const { program, release } = borrowOdbcProcess();
  try {
    return await openWith(program, settings, release);
  } catch (error) {
    release();
    throw odbcError(error, 'before-commit', undefined);
  }
}

async function openWith(program: OdbcProcess, settings: SqlSettings, release: () => void): Promise<SqlDatabase> {
  const own = connectionText(settings);
  // By the name of the driver, where it is there to see; else by what the driver says of itself.
  const text = `${own}${missingAttributes(own, own)}`;
  const first = await connect(program, text);
  const { facts } = first;
  const product = productFor(settings, first);
  const more = missingAttributes(facts.driver, text);
  first.close();
  if (!facts.transactions) throw new ConnectorError('not-supported', `${facts.product} has no transactions, or its driver (${facts.driver}) has none`);
  const speech: Speech = { product, text: `${text}${more}`, session: SESSIONS[product](settings) };
  const idle: Client[] = [];
  const server = createPooledConnections<Client>({
    // SQLite has one writer at a time; two that have both read first would stop each other.
    size: product === 'sqlite' ? 1 : settings.poolSize,
    async take() {
      const known = idle.pop();
      if (known !== undefined) return known;
      return { connection: await openConnection(program, speech, settings), usedAt: performance.now() };
    },
    giveBack(client, broken) {
      client.usedAt = performance.now();
      if (broken) client.connection.close();
      else idle.push(client);
    },
    run: async ({ connection }, sql, values) => {
      const result = await runStatement(connection, sql, values, settings);
      if (product !== 'sqlite' || result.changes === 0 || !/^\s*insert\b/i.test(sql)) return result;
      const [row] = (await runStatement(connection, 'SELECT last_insert_rowid()', [], settings)).rows;
      return { ...result, assigned: BigInt(String(row?.[0] ?? 0)) };
    },
    async begin({ connection, usedAt }) {
      const ping = pings[product];
      if (ping !== undefined && performance.now() - usedAt > IDLE_MILLISECONDS) await runStatement(connection, ping, [], settings);
      await connection.request({ call: 'begin', isolation: undefined });
    },
    commit: ({ connection }) => connection.request({ call: 'end', commit: true }),
    rollback: ({ connection }) => connection.request({ call: 'end', commit: false }),
    cancel: ({ connection }) => connection.cancel(),
    errorOf: (thrown, phase) => odbcError(thrown, phase, product),
    isBroken,
  });
  const dialect = await DIALECTS[product](server.query, facts.version);
  const ask: AskCatalogue = (catalogue) => server.lend(undefined, ({ connection }) => connection.request({ call: 'catalogue', catalogue }));
  return {
    dialect,
    query: server.query,
    runUnits: server.runUnits,
    snapshot: (signal) => openSnapshot(program, speech, settings, signal),
    queryColumns: async (sql) => {
      const columns = await server.lend(undefined, ({ connection }) => connection.request<readonly ResultColumn[]>({ call: 'describe', sql }));
      return describeOdbcColumns(columns, (type) => QUERY_NAMES[product][type] ?? (product === 'postgres' ? 'any' : standardName(type)));
    },
    ...CATALOGUES[product](server.query, ask),
    async close() {
      for (const { connection } of idle.splice(0)) connection.close();
      release();
    },
  };
}

function productFor({ speaks }: SqlSettings, { facts }: OdbcConnection): Product {
  return speaks === 'generic' ? 'generic' : productOf(facts.product);
}

async function connect(program: OdbcProcess, text: string): Promise<OdbcConnection> {
  return program.connect(text, CONNECT_SECONDS);
}

async function openConnection(program: OdbcProcess, { text, session, product }: Speech, settings: SqlSettings): Promise<OdbcConnection> {
  try {
    const connection = await connect(program, text);
    for (const sql of session) await runStatement(connection, sql, [], settings);
    return connection;
  } catch (error) {
    throw odbcError(error, 'before-commit', product);
  }
}

/** Runs a statement to its end. */
async function runStatement(connection: OdbcConnection, sql: string, values: readonly SqlValue[], settings: SqlSettings): Promise<StatementResult> {
  const rows: SqlRow[] = [];
  const wanted = wantedRows(sql) ?? Number.POSITIVE_INFINITY;
  for await (const page of pages(connection, sql, values, Math.min(ROWS, wanted), settings)) {
    if (page.ended && rows.length === 0) return { rows: page.rows, changes: page.rows.length === 0 ? page.changes : page.rows.length };
    rows.push(...page.rows);
    if (rows.length >= wanted) break;
  }
  return { rows, changes: rows.length };
}

/** The pages of a result. Whoever stops before the end frees the cursor. */
async function* pages(connection: OdbcConnection, text: string, values: readonly SqlValue[], rows: number, settings: SqlSettings): AsyncGenerator<RowsPage> {
  const seconds = settings.commandTimeoutSeconds;
  const bytes = largestValue(settings);
  const sql = productFor(settings, connection) === 'generic' ? requote(text, connection.facts.quote) : text;
  const limited = async (request: Parameters<OdbcConnection['request']>[0]): Promise<RowsPage> => {
    const timer = setTimeout(() => connection.cancel(), seconds * 1000 + GRACE_MILLISECONDS);
    try {
      return await connection.request<RowsPage>(request);
    } catch (error) {
      throw error instanceof OdbcError ? new OdbcError({ ...error.diagnosis, sql }) : error;
    } finally {
      clearTimeout(timer);
    }
  };
  let page = await limited({ call: 'run', sql, values, seconds, rows, bytes });
  try {
    for (; !page.ended; page = await limited({ call: 'more', rows, bytes })) yield page;
    yield page;
  } finally {
    if (!page.ended) await connection.request({ call: 'free' });
  }
}

/** Bytes of a binary value that are read at most: one more than any attribute may have. */
function largestValue({ objectTypes }: SqlSettings): number {
  const limits = Object.values(objectTypes).flatMap((type) =>
    [...Object.values(type.attributes ?? {}), ...Object.values(type.multiValued ?? {})].map((attribute) => attribute.maximumBytes ?? 0),
  );
  return Math.max(1024 * 1024, ...limits) + 1;
}

/** One state of the database on one connection; a cursor has a connection, and a state, of its own. */
async function openSnapshot(program: OdbcProcess, speech: Speech, settings: SqlSettings, signal: AbortSignal): Promise<SqlSnapshot> {
  const connections: OdbcConnection[] = [];
  const abort = (): void => {
    for (const connection of connections) connection.cancel();
  };
  signal.addEventListener('abort', abort, { once: true });
  const errorOf = (thrown: unknown): ConnectorError => (signal.aborted ? cancelled() : odbcError(thrown, 'before-commit', speech.product));

  async function begin(): Promise<OdbcConnection> {
    const connection = await openConnection(program, speech, settings);
    connections.push(connection);
    try {
      await connection.request({ call: 'begin', isolation: snapshotIsolation[speech.product] });
      return connection;
    } catch (error) {
      throw errorOf(error);
    }
  }

  const main = await begin();
  return {
    async query(sql, values, querySignal) {
      try {
        return await abortable(
          querySignal,
          () => main.cancel(),
          () => runStatement(main, sql, values, settings),
        );
      } catch (error) {
        throw errorOf(error);
      }
    },
    async cursor(sql, values, fetchSize) {
      if (signal.aborted) throw cancelled();
      const found = pages(await begin(), sql, values, fetchSize, settings);
      return {
        async read() {
          if (signal.aborted) throw cancelled();
          try {
            for (;;) {
              const next = await found.next();
              if (next.done) return [];
              if (next.value.rows.length > 0) return next.value.rows;
            }
          } catch (error) {
            throw errorOf(error);
          }
        },
        close: async () => void (await found.return(undefined)),
      };
    },
    async close() {
      signal.removeEventListener('abort', abort);
      for (const connection of connections) connection.close();
    },
  };
}

type Query = PooledConnections<Client>['query'];

/** What every session of a database sets. */
const SESSIONS: Readonly<Record<Product, (settings: SqlSettings) => readonly string[]>> = {
  sqlite: () => ['PRAGMA foreign_keys = ON'],
  postgres: ({ commandTimeoutSeconds }) => [`SET statement_timeout = ${commandTimeoutSeconds * 1000}`],
  mysql: (settings) => [...sessionStatements(settings), 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'],
  generic: () => [],
};

const DIALECTS: Readonly<Record<Product, (query: Query, version: string) => Promise<Dialect>>> = {
  sqlite: async (query) => odbcSqliteDialect(String((await query('PRAGMA encoding', [])).rows[0]?.[0] ?? 'UTF-8')),
  async postgres(query) {
    const { rows } = await query("SELECT current_setting('server_encoding'), (SELECT datctype FROM pg_database WHERE datname = current_database())", []);
    return odbcPostgresDialect({ encoding: String(rows[0]?.[0]), characterType: String(rows[0]?.[1]) });
  },
  async mysql(query) {
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)\.\d+-MariaDB/i.exec(String((await query('SELECT version()', [])).rows[0]?.[0])) ?? [];
    return odbcMysqlDialect({ returning: Number(major) > 10 || (Number(major) === 10 && Number(minor) >= 5) });
  },
  generic: async () => genericDialect,
};

/** The types of queries by the names of each database, where the standard's are others. */
const QUERY_NAMES: Readonly<Record<Product, Readonly<Record<number, string>>>> = {
  sqlite: {},
  generic: {},
  // Other types may be any of several, and compare by their text.
  postgres: { [-7]: 'boolean', [-5]: 'bigint', 4: 'integer', 5: 'smallint', [-10]: 'text', [-1]: 'text', [-3]: 'bytea', [-4]: 'bytea' },
  mysql: { [-7]: 'bit(1)', 4: 'int', [-10]: 'longtext', [-1]: 'longtext', [-2]: 'binary', [-3]: 'varbinary', [-4]: 'longblob', 93: 'datetime' },
};

type Catalogue = Pick<SqlDatabase, 'columns' | 'tables' | 'countRows' | 'missingPrivileges' | 'writersNow' | 'locate'>;

/** Known databases are asked as their own drivers ask them; others by the catalogue functions of ODBC. */
const CATALOGUES: Readonly<Record<Product, (query: Query, ask: AskCatalogue) => Catalogue>> = {
  sqlite: (query, ask) => ({
    ...standardCatalogue(query, ask, 'own'),
    writersNow: async () => ({ busy: false }),
    locate: async (error) => locateSqliteConstraint(() => ({ rows: [] }), error),
  }),
  postgres(query) {
    const numbered: Query = (sql, values, signal) => query(sql.replace(/\$\d+/g, '?'), values, signal);
    return {
      columns: (table, schema) => readPostgresColumns(numbered, table, schema),
      tables: (schema) => listPostgresTables(numbered, schema),
      countRows: (table, schema) => countPostgresRows(numbered, table, schema),
      missingPrivileges: (table, schema) => missingPostgresPrivileges(numbered, table, schema),
      writersNow: () => readPostgresWriters(numbered),
      locate: (error) => locateByName(query, error),
    };
  },
  mysql: (query) => ({
    columns: (table, schema) => readMysqlColumns(query, table, schema),
    tables: (schema) => listMysqlTables(query, schema),
    countRows: (table, schema) => countMysqlRows(query, table, schema),
    missingPrivileges: (table, schema) => missingMysqlPrivileges(query, table, schema),
    writersNow: () => readMysqlWriters(query),
    locate: (error) => locateMysqlConstraint(query, error),
  }),
  generic: (query, ask) => standardCatalogue(query, ask, 'standard'),
};

function standardCatalogue(query: Query, ask: AskCatalogue, naming: 'own' | 'standard'): Catalogue {
  return {
    columns: (table, schema): Promise<readonly CatalogueColumn[]> => readOdbcColumns(ask, table, schema, naming),
    tables: (schema) => listOdbcTables(ask, schema),
    countRows: async (table, schema) => Number((await query(`SELECT count(*) FROM ${qualified(table, schema)}`, [])).rows[0]?.[0] ?? 0),
    // Drivers seldom tell what an account may do; the first write does.
    missingPrivileges: async () => [],
    // Nobody knows: so there may be some.
    writersNow: async () => ({ busy: true }),
    locate: async () => ({ columns: [] }),
  };
}

/** PostgreSQL's driver tells the name of the constraint, and the catalogue its columns. */
async function locateByName(query: Query, error: unknown): Promise<ConstraintPlace> {
  const message = error instanceof Error ? error.message : '';
  const column = /column "([^"]+)" of relation "([^"]+)"/.exec(message);
  if (column !== null) return { columns: [column[1] ?? ''], table: column[2] ?? '' };
  const name = /constraint "([^"]+)"/.exec(message)?.[1];
  if (name === undefined) return { columns: [] };
  const { rows } = await query(
    `SELECT c.relname, a.attname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) WHERE k.conname = ?
     UNION SELECT c.relname, a.attname FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = i.oid WHERE i.relname = ?`,
    [name, name],
  );
  const table = rows[0]?.[0];
  return { ...(table === undefined || table === null ? {} : { table: String(table) }), columns: rows.map((row) => String(row[1])) };
}
