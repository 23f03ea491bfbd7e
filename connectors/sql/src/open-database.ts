import { type ConnectorContext, ConnectorError } from '@landbridge/connector-sdk';
import type { SqlDatabase } from './database.ts';
import { openMssql } from './mssql-database.ts';
import { openMysql } from './mysql-database.ts';
import { buildModels, type ObjectModel } from './object-model.ts';
import { openOdbc } from './odbc/odbc-database.ts';
import { openOracle } from './oracle-database.ts';
import { openPostgres } from './postgres-database.ts';
import { type DialectName, readSettings, type SqlSettings } from './settings.ts';
import { openSqlite } from './sqlite-database.ts';

/** Opens the database of the settings. Another dialect is another line here, and its own files. */
export async function openDatabase(settings: SqlSettings): Promise<SqlDatabase> {
  return OPENERS[settings.dialect](settings);
}

const OPENERS: Readonly<Record<DialectName, (settings: SqlSettings) => SqlDatabase | Promise<SqlDatabase>>> = {
  sqlite: openSqlite,
  postgres: openPostgres,
  mariadb: openMysql,
  mysql: openMysql,
  mssql: openMssql,
  oracle: openOracle,
  odbc: openOdbc,
};

/** An open database with the object types of its parameters. */
export interface OpenApplication {
  readonly database: SqlDatabase;
  readonly models: ReadonlyMap<string, ObjectModel>;
  readonly settings: SqlSettings;
}

/** Reads the parameters. @throws ConnectorError `invalid-configuration` with the first problem. */
function requireSettings(context: ConnectorContext): SqlSettings {
  const { settings, problems } = readSettings(context.parameters);
  const [problem] = problems;
  if (problem !== undefined) throw new ConnectorError('invalid-configuration', `${problem.parameter}: ${problem.message}`, { parameter: problem.parameter });
  return settings;
}

/** Opens the database and reads its catalogue. */
export async function openApplication(context: ConnectorContext): Promise<OpenApplication> {
  const settings = requireSettings(context);
  const database = await openDatabase(settings);
  try {
    return { database, models: await buildModels(database, settings), settings };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** How long a database without users stays open. */
const IDLE_MILLISECONDS = 10_000;
/** How old a catalogue may be: tables change, seldom. */
const AGE_MILLISECONDS = 60_000;

interface Shared {
  readonly key: ConnectorContext['parameters'];
  readonly opening: Promise<OpenApplication>;
  readonly openedAt: number;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** By the parameters themselves: other parameters are another object. */
const shared = new WeakMap<ConnectorContext['parameters'], Shared>();

/**
 * Lends the open database of a connector: sessions and look-ups that follow each other, or work side by side, share one pool
 * and one catalogue. It closes when nobody has used it for a while.
 */
export async function borrowApplication(context: ConnectorContext): Promise<OpenApplication & { release(): Promise<void> }> {
  const key = context.parameters;
  const entry = current(key) ?? start(key, context);
  entry.users += 1;
  clearTimeout(entry.idle);
  let released = false;
  const release = async (): Promise<void> => {
    if (released) return;
    released = true;
    entry.users -= 1;
    if (entry.users > 0) return;
    if (shared.get(key) !== entry) return close(entry);
    entry.idle = setTimeout(() => void close(entry), IDLE_MILLISECONDS).unref();
  };
  try {
    return { ...(await entry.opening), release };
  } catch (error) {
    // A connector that cannot be opened now may be in a moment.
    forget(entry);
    throw error;
  }
}

function current(key: Shared['key']): Shared | undefined {
  const entry = shared.get(key);
  if (entry === undefined || performance.now() - entry.openedAt < AGE_MILLISECONDS) return entry;
  forget(entry);
  if (entry.users === 0) void close(entry);
  return undefined;
}

function start(key: Shared['key'], context: ConnectorContext): Shared {
  const entry: Shared = { key, opening: openApplication(context), openedAt: performance.now(), users: 0, idle: undefined };
  shared.set(key, entry);
  return entry;
}

function forget(entry: Shared): void {
  if (shared.get(entry.key) === entry) shared.delete(entry.key);
}

async function close(entry: Shared): Promise<void> {
  forget(entry);
  clearTimeout(entry.idle);
  try {
    await (await entry.opening).database.close();
  } catch {
    // It never opened, or is broken: there is nothing left to close.
  }
}
