import type { CatalogueColumn, CatalogueTable, SqlConnection } from './database.ts';
import type { OracleColumn } from './oracle-driver.ts';
import type { ColumnType } from './settings.ts';

type Query = SqlConnection['query'];

const OWNER = (place: string): string => `NVL(${place}, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'))`;

/** The statements that read the catalogue. */
export const oracleCatalogue = {
  facts: "SELECT value FROM nls_database_parameters WHERE parameter = 'NLS_CHARACTERSET'",
  columns: `SELECT c.column_name, c.data_type, c.char_length, c.data_precision, c.data_scale, c.nullable, c.identity_column, c.virtual_column, NVL(c.default_length, 0),
    (SELECT COUNT(*) FROM all_constraints k JOIN all_cons_columns u ON u.owner = k.owner AND u.constraint_name = k.constraint_name
      WHERE k.owner = c.owner AND k.table_name = c.table_name AND k.constraint_type IN ('P', 'U') AND k.status = 'ENABLED' AND u.column_name = c.column_name
      AND NOT EXISTS (SELECT 1 FROM all_cons_columns o WHERE o.owner = k.owner AND o.constraint_name = k.constraint_name AND o.column_name <> c.column_name)),
    (SELECT MIN(t.table_name || '.' || t.column_name) FROM all_constraints k
      JOIN all_cons_columns u ON u.owner = k.owner AND u.constraint_name = k.constraint_name
      JOIN all_cons_columns t ON t.owner = k.r_owner AND t.constraint_name = k.r_constraint_name AND t.position = u.position
      WHERE k.owner = c.owner AND k.table_name = c.table_name AND k.constraint_type = 'R' AND u.column_name = c.column_name)
    FROM all_tab_cols c WHERE c.owner = ${OWNER(':p2')} AND c.table_name = :p1 AND c.hidden_column = 'NO' ORDER BY c.column_id`,
  tables: `SELECT object_name, object_type FROM all_objects WHERE owner = ${OWNER(':p1')} AND object_type IN ('TABLE', 'VIEW') AND secondary = 'N' ORDER BY object_name`,
  keys: `SELECT k.table_name, k.constraint_type, k.constraint_name, u.column_name, t.table_name, t.column_name FROM all_constraints k
    JOIN all_cons_columns u ON u.owner = k.owner AND u.constraint_name = k.constraint_name
    LEFT JOIN all_cons_columns t ON t.owner = k.r_owner AND t.constraint_name = k.r_constraint_name AND t.position = u.position
    WHERE k.owner = ${OWNER(':p1')} AND k.constraint_type IN ('P', 'R') ORDER BY k.table_name, k.constraint_name, u.position`,
  count: `SELECT num_rows FROM all_tables WHERE owner = ${OWNER(':p2')} AND table_name = :p1`,
  privileges: `SELECT CASE WHEN ${OWNER(':p2')} = USER THEN 'OWNER' ELSE NULL END FROM DUAL
    UNION ALL SELECT privilege FROM all_tab_privs WHERE table_name = :p1 AND table_schema = ${OWNER(':p2')}`,
  constraint: 'SELECT table_name, column_name FROM all_cons_columns WHERE owner = :p1 AND constraint_name = :p2 ORDER BY position',
  // Accounts seldom may look at v$transaction: whoever may not has to take it that others are writing.
  writers: 'SELECT COUNT(*) FROM v$transaction',
} as const;

/** A type as statements need it: with its length, or digits. */
function oracleDeclaration(type: string, length: number, precision: number | undefined, scale: number | undefined): string {
  if (/CHAR/.test(type)) return `${type}(${length})`;
  // INTEGER is NUMBER without precision, and without digits after the point.
  if (type === 'NUMBER') return scale === undefined ? 'NUMBER' : `NUMBER(${precision ?? 38},${scale})`;
  return type;
}

/** The type of an attribute by the declaration of its column. */
function typeOfDeclaration(declared: string): ColumnType {
  if (/^NUMBER\(\d+,0\)$/.test(declared)) return 'integer';
  if (declared === 'BOOLEAN') return 'boolean';
  return /^(RAW|BLOB|LONG RAW)\b/.test(declared) ? 'binary' : 'string';
}

function whole(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** The columns of a table or view; empty when there is none, or none that the account may know of. Names as the catalogue has them. */
export async function readOracleColumns(query: Query, table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]> {
  const { rows } = await query(oracleCatalogue.columns, [table, schema ?? null]);
  return rows.map((row): CatalogueColumn => {
    const [name, type, length, precision, scale, nullable, identity, computed, fallback, unique, pointsTo] = row;
    const declared = oracleDeclaration(String(type), Number(length), whole(precision), whole(scale));
    const [generated, numbered] = [computed === 'YES', identity === 'YES'];
    return {
      name: String(name),
      declared,
      type: typeOfDeclaration(declared),
      nullable: nullable === 'Y',
      defaulted: numbered || generated || Number(fallback) > 0,
      assigned: numbered || generated,
      generated,
      unique: Number(unique) > 0,
      ...(/CHAR/.test(declared) ? { maximumLength: Number(length) } : {}),
      ...(pointsTo === null || pointsTo === undefined ? {} : { pointsTo: String(pointsTo) }),
    };
  });
}

/** The columns of the result of a query, by what the driver says of them. */
export function describeOracleColumns(columns: readonly OracleColumn[]): readonly CatalogueColumn[] {
  return columns.map(({ name, dbTypeName, precision, scale, byteSize, nullable }): CatalogueColumn => {
    // The driver says -127 where a number has no scale.
    const declared = oracleDeclaration(dbTypeName, byteSize ?? 0, precision === 0 ? undefined : precision, scale === -127 ? undefined : scale);
    return {
      name,
      declared,
      type: typeOfDeclaration(declared),
      nullable: nullable ?? true,
      defaulted: false,
      assigned: false,
      generated: false,
      unique: false,
    };
  });
}

/** The rows of a table, as the optimizer counted them last; `undefined` for views, and where it never did. */
export async function countOracleRows(query: Query, table: string, schema: string | undefined): Promise<number | undefined> {
  return whole((await query(oracleCatalogue.count, [table, schema ?? null])).rows[0]?.[0]);
}

const WORDS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const;

/** What the account may not do with a table. Whoever owns it may do all. */
export async function missingOraclePrivileges(query: Query, table: string, schema: string | undefined): Promise<readonly string[]> {
  const granted = new Set((await query(oracleCatalogue.privileges, [table, schema ?? null])).rows.map((row) => String(row[0])));
  return granted.has('OWNER') ? [] : WORDS.filter((word) => !granted.has(word));
}

/** Whether transactions are writing just now. */
export async function readOracleWriters(query: Query): Promise<{ readonly busy: boolean }> {
  try {
    return { busy: String((await query(oracleCatalogue.writers, [])).rows[0]?.[0]) !== '0' };
  } catch (error) {
    if (['invalid-configuration', 'permission-denied'].includes((error as { readonly code?: string }).code ?? '')) return { busy: true };
    throw error;
  }
}

/** All tables and views of a schema; by default of the account's own. */
export async function listOracleTables(query: Query, schema: string | undefined): Promise<readonly CatalogueTable[]> {
  const own = [schema ?? null];
  const tables = await query(oracleCatalogue.tables, own);
  const keys = (await query(oracleCatalogue.keys, own)).rows;
  return tables.rows.map(([name, kind]) => {
    const mine = keys.filter((row) => row[0] === name);
    const foreign = mine.filter((row) => row[1] === 'R');
    const constraints = [...new Set(foreign.map((row) => String(row[2])))].map((constraint) => foreign.filter((row) => row[2] === constraint));
    return {
      name: String(name),
      isView: kind === 'VIEW',
      primaryKey: mine.filter((row) => row[1] === 'P').map((row) => String(row[3])),
      foreignKeys: constraints.map((rows) => ({
        columns: rows.map((row) => String(row[3])),
        table: String(rows[0]?.[4]),
        targets: rows.map((row) => String(row[5])),
      })),
    };
  });
}
