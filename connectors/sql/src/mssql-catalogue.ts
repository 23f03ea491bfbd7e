import { ConnectorError } from '@landbridge/connector-sdk';
import type { CatalogueColumn, CatalogueTable, SqlConnection } from './database.ts';
import { formatDeclaration, isVersionType, typeOfDeclaration } from './mssql-types.ts';

type Query = SqlConnection['query'];

/** The statements that read the catalogue, by name: the fixture of the tests answers them by it. */
export const mssqlCatalogue = {
  facts: 'SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()',
  columns: `SELECT c.name, COALESCE(TYPE_NAME(c.system_type_id), TYPE_NAME(c.user_type_id)), c.max_length, c.precision, c.scale, c.is_nullable,
    c.is_identity, c.is_computed, CASE WHEN c.default_object_id <> 0 THEN 1 ELSE 0 END, c.collation_name,
    CASE WHEN EXISTS (SELECT 1 FROM sys.indexes i INNER JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id
      WHERE i.object_id = c.object_id AND i.is_unique = 1 AND i.is_disabled = 0 AND i.has_filter = 0 AND k.is_included_column = 0 AND k.column_id = c.column_id
      AND NOT EXISTS (SELECT 1 FROM sys.index_columns o WHERE o.object_id = i.object_id AND o.index_id = i.index_id
        AND o.is_included_column = 0 AND o.column_id <> k.column_id)) THEN 1 ELSE 0 END,
    (SELECT MIN(OBJECT_NAME(f.referenced_object_id) + N'.' + COL_NAME(f.referenced_object_id, f.referenced_column_id))
      FROM sys.foreign_key_columns f WHERE f.parent_object_id = c.object_id AND f.parent_column_id = c.column_id)
    FROM sys.columns c WHERE c.object_id = OBJECT_ID(@p1) ORDER BY c.column_id`,
  tables: `SELECT o.name, o.type FROM sys.objects o
    WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND o.schema_id = SCHEMA_ID(COALESCE(@p1, SCHEMA_NAME())) ORDER BY o.name`,
  primaryKeys: `SELECT OBJECT_NAME(k.parent_object_id), COL_NAME(c.object_id, c.column_id) FROM sys.key_constraints k
    INNER JOIN sys.index_columns c ON c.object_id = k.parent_object_id AND c.index_id = k.unique_index_id AND c.is_included_column = 0
    WHERE k.type = 'PK' AND k.schema_id = SCHEMA_ID(COALESCE(@p1, SCHEMA_NAME())) ORDER BY k.parent_object_id, c.key_ordinal`,
  foreignKeys: `SELECT OBJECT_NAME(f.parent_object_id), OBJECT_NAME(f.constraint_object_id), COL_NAME(f.parent_object_id, f.parent_column_id),
    OBJECT_NAME(f.referenced_object_id), COL_NAME(f.referenced_object_id, f.referenced_column_id) FROM sys.foreign_key_columns f
    INNER JOIN sys.objects o ON o.object_id = f.parent_object_id
    WHERE o.schema_id = SCHEMA_ID(COALESCE(@p1, SCHEMA_NAME())) ORDER BY f.constraint_object_id, f.constraint_column_id`,
  describe: `SELECT name, system_type_name, is_nullable, collation_name, error_message
    FROM sys.dm_exec_describe_first_result_set(@p1, NULL, 0) ORDER BY column_ordinal`,
  count: 'SELECT SUM(p.rows) FROM sys.partitions p WHERE p.object_id = OBJECT_ID(@p1) AND p.index_id IN (0, 1)',
  privileges: `SELECT HAS_PERMS_BY_NAME(@p1, N'OBJECT', N'SELECT'), HAS_PERMS_BY_NAME(@p1, N'OBJECT', N'INSERT'),
    HAS_PERMS_BY_NAME(@p1, N'OBJECT', N'UPDATE'), HAS_PERMS_BY_NAME(@p1, N'OBJECT', N'DELETE')`,
  constraint: `SELECT OBJECT_NAME(k.object_id), COL_NAME(k.object_id, k.column_id) FROM sys.indexes i
    INNER JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.is_included_column = 0
    WHERE i.name = @p1 AND i.object_id = OBJECT_ID(@p2)
    UNION ALL SELECT OBJECT_NAME(f.parent_object_id), COL_NAME(f.parent_object_id, f.parent_column_id) FROM sys.foreign_key_columns f
    WHERE OBJECT_NAME(f.constraint_object_id) = @p1
    UNION ALL SELECT OBJECT_NAME(c.parent_object_id), c.definition FROM sys.check_constraints c WHERE c.name = @p1`,
  writers: `SELECT COUNT(*) FROM sys.dm_tran_database_transactions d INNER JOIN sys.dm_tran_session_transactions s ON s.transaction_id = d.transaction_id
    WHERE d.database_id = DB_ID() AND d.database_transaction_log_record_count > 0 AND s.session_id <> @@SPID`,
} as const;

/** A name as OBJECT_ID takes it: in brackets. */
export function bracketed(table: string, schema: string | undefined): string {
  const one = (name: string): string => `[${name.replaceAll(']', ']]')}]`;
  return schema === undefined ? one(table) : `${one(schema)}.${one(table)}`;
}

/** Whether readers can have a state of their own. */
export async function allowsSnapshots(query: Query): Promise<boolean> {
  const { rows } = await query(mssqlCatalogue.facts, []);
  return String(rows[0]?.[0]) === '1';
}

function isTrue(value: unknown): boolean {
  return value === true || String(value) === '1';
}

/** The columns of a table or view; empty when there is none, or none that the account may know of. */
export async function readMssqlColumns(query: Query, table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]> {
  const { rows } = await query(mssqlCatalogue.columns, [bracketed(table, schema)]);
  return rows.map((row): CatalogueColumn => {
    const [name, type, length, precision, scale, nullable, identity, computed, fallback, collation, unique, pointsTo] = row;
    const declared = formatDeclaration(String(type), Number(length), Number(precision), Number(scale));
    const generated = isTrue(computed) || isVersionType(declared);
    const characters = /^n?(?:var)?char\((\d+)\)$/.exec(declared)?.[1];
    return {
      name: String(name),
      declared,
      type: typeOfDeclaration(declared),
      nullable: isTrue(nullable),
      defaulted: isTrue(identity) || generated || isTrue(fallback),
      assigned: isTrue(identity) || generated,
      generated,
      unique: isTrue(unique),
      ...(characters === undefined ? {} : { maximumLength: Number(characters) }),
      ...(collation === null || collation === undefined ? {} : { collation: String(collation) }),
      ...(pointsTo === null || pointsTo === undefined ? {} : { pointsTo: String(pointsTo) }),
    };
  });
}

/** The columns of the result of a query, which is not run. @throws ConnectorError for one that the server does not understand. */
export async function describeMssqlQuery(query: Query, sql: string): Promise<readonly CatalogueColumn[]> {
  const { rows } = await query(mssqlCatalogue.describe, [sql]);
  return rows.map(([name, type, nullable, collation, error]): CatalogueColumn => {
    if (error !== null && error !== undefined) throw new ConnectorError('invalid-configuration', String(error));
    const declared = String(type);
    return {
      name: String(name),
      declared,
      type: typeOfDeclaration(declared),
      nullable: isTrue(nullable),
      defaulted: false,
      assigned: false,
      generated: false,
      unique: false,
      ...(collation === null || collation === undefined ? {} : { collation: String(collation) }),
    };
  });
}

/** The rows of a table as its partitions count them; `undefined` for views. */
export async function countMssqlRows(query: Query, table: string, schema: string | undefined): Promise<number | undefined> {
  const count = (await query(mssqlCatalogue.count, [bracketed(table, schema)])).rows[0]?.[0];
  return count === null || count === undefined ? undefined : Number(count);
}

const WORDS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

/** What the account may not do with a table. */
export async function missingMssqlPrivileges(query: Query, table: string, schema: string | undefined): Promise<readonly string[]> {
  const { rows } = await query(mssqlCatalogue.privileges, [bracketed(table, schema)]);
  return WORDS.filter((_, index) => !isTrue(rows[0]?.[index]));
}

/** Whether transactions are writing just now. An account that may not see them (VIEW DATABASE STATE) has to take it that there are some. */
export async function readMssqlWriters(query: Query): Promise<{ readonly busy: boolean }> {
  try {
    const { rows } = await query(mssqlCatalogue.writers, []);
    return { busy: String(rows[0]?.[0]) !== '0' };
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'permission-denied') return { busy: true };
    throw error;
  }
}

/** All tables and views of a schema; by default of the account's own. */
export async function listMssqlTables(query: Query, schema: string | undefined): Promise<readonly CatalogueTable[]> {
  const own = [schema ?? null];
  const tables = await query(mssqlCatalogue.tables, own);
  const primary = await query(mssqlCatalogue.primaryKeys, own);
  const foreign = await query(mssqlCatalogue.foreignKeys, own);
  return tables.rows.map(([name, kind]) => {
    const mine = foreign.rows.filter((row) => row[0] === name);
    const constraints = [...new Set(mine.map((row) => String(row[1])))].map((constraint) => mine.filter((row) => row[1] === constraint));
    return {
      name: String(name),
      isView: String(kind).trim() === 'V',
      primaryKey: primary.rows.filter((row) => row[0] === name).map((row) => String(row[1])),
      foreignKeys: constraints.map((rows) => ({
        columns: rows.map((row) => String(row[2])),
        table: String(rows[0]?.[3]),
        targets: rows.map((row) => String(row[4])),
      })),
    };
  });
}
