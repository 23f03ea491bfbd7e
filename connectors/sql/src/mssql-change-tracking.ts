import { ConnectorError, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, qualified, quote, type SqlDatabase, type SqlSnapshot } from './database.ts';
import { bracketed } from './mssql-catalogue.ts';
import type { ObjectModel } from './object-model.ts';
import type { ReplicatedChange } from './postgres-replication.ts';

/** The statements that ask about change tracking, by name: the fixture of the tests answers them by it. */
export const mssqlTracking = {
  version: 'SELECT CHANGE_TRACKING_CURRENT_VERSION()',
  minimum: 'SELECT CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@p1))',
  primaryKey: `SELECT COL_NAME(c.object_id, c.column_id) FROM sys.key_constraints k
    INNER JOIN sys.index_columns c ON c.object_id = k.parent_object_id AND c.index_id = k.unique_index_id AND c.is_included_column = 0
    WHERE k.type = 'PK' AND k.parent_object_id = OBJECT_ID(@p1) ORDER BY c.key_ordinal`,
} as const;

/** Pages of changes. */
const PAGE = 2000;

interface TrackedTable {
  readonly table: string;
  readonly schema: string | undefined;
  readonly key: readonly CatalogueColumn[];
  readonly isMain: boolean;
}

/** The tables whose rows make an entry. */
function trackedTables(model: ObjectModel): readonly TrackedTable[] {
  const { table, writeTable, schema } = model.settings;
  return [
    { table: table ?? writeTable ?? '', schema, key: model.anchor.map((one) => one.column), isMain: true },
    ...model.sides.map((side) => ({ table: side.settings.table, schema: side.settings.schema, key: side.key, isMain: false })),
  ];
}

/**
 * The version of now: what commits later has a later one.
 *
 * @throws ConnectorError when the database or a table does not track changes, or a primary key does not name the entry.
 */
export async function seedTracking(database: SqlDatabase, model: ObjectModel): Promise<string> {
  const version = (await database.query(mssqlTracking.version, [])).rows[0]?.[0];
  if (version === null || version === undefined)
    throw refused('the database does not track changes: ALTER DATABASE CURRENT SET CHANGE_TRACKING = ON (CHANGE_RETENTION = 14 DAYS, AUTO_CLEANUP = ON)');
  for (const { table, schema, key } of trackedTables(model)) {
    if ((await minimumOf(database, table, schema)) === undefined)
      throw refused(
        `the table ${table} does not track changes, or the account may not see them: ALTER TABLE ${bracketed(table, schema)} ENABLE CHANGE_TRACKING, GRANT VIEW CHANGE TRACKING ON it`,
      );
    const { rows } = await database.query(mssqlTracking.primaryKey, [bracketed(table, schema)]);
    const missing = key.filter((column) => !rows.some((row) => String(row[0]) === column.name));
    if (missing.length > 0)
      throw refused(
        `the primary key of ${table} does not hold ${missing.map((column) => column.name).join(', ')}: a deleted row would not say whose it was; use changeLog`,
      );
  }
  return String(version);
}

function refused(message: string): ConnectorError {
  return new ConnectorError('invalid-configuration', `delta.changeTracking: ${message}`, { parameter: 'delta.changeTracking' });
}

async function minimumOf(database: SqlDatabase, table: string, schema: string | undefined): Promise<bigint | undefined> {
  const value = (await database.query(mssqlTracking.minimum, [bracketed(table, schema)])).rows[0]?.[0];
  return value === null || value === undefined ? undefined : BigInt(String(value));
}

/** What the server has forgotten cannot be asked for: it would say that nothing changed. */
async function checkMinimum(database: SqlDatabase, model: ObjectModel, { table, schema }: TrackedTable, since: bigint): Promise<void> {
  const minimum = await minimumOf(database, table, schema);
  if (minimum === undefined || since < minimum)
    throw new ConnectorError(
      'watermark-lost',
      `"${model.name}": the server no longer knows what changed in ${table} since the last import (CHANGE_RETENTION); a full import is needed`,
    );
}

/** What changed in the table and the side tables of an object type after a version. @throws ConnectorError `watermark-lost`. */
export async function* readTracking(
  database: SqlDatabase,
  snapshot: SqlSnapshot,
  model: ObjectModel,
  since: string,
): AsyncGenerator<readonly ReplicatedChange[]> {
  const { dialect } = database;
  const version = /^\d+$/.test(since) ? BigInt(since) : -1n;
  for (const one of trackedTables(model)) {
    await checkMinimum(database, model, one, version);
    const keys = one.key.map((column) => dialect.selected(`ct.${quote(column.name)}`, column)).join(', ');
    const readers = one.key.map((column) => dialect.reader(column));
    const sql = `SELECT ${keys}, ct.SYS_CHANGE_OPERATION FROM CHANGETABLE(CHANGES ${qualified(one.table, one.schema)}, @p1) AS ct`;
    const cursor = await snapshot.cursor(sql, [version], PAGE);
    for (let rows = await cursor.read(); rows.length > 0; rows = await cursor.read()) {
      yield rows.map((row) => ({
        key: readers.map((read, index): Value => read(row[index])),
        deleted: one.isMain && String(row[readers.length]).trim() === 'D',
      }));
    }
    await cursor.close();
    // The server may have cleaned up while it was read.
    await checkMinimum(database, model, one, version);
  }
}
