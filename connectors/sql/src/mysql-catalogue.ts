import type { FieldPacket } from 'mysql2/promise';
import { type CatalogueColumn, type CatalogueTable, qualified, type SqlConnection } from './database.ts';
import type { ColumnType } from './settings.ts';

type Query = SqlConnection['query'];

// The names of schema and table are constants in each of these: the server then opens one table, not all of them.
const TABLE = 'table_schema = coalesce(?, database()) AND table_name = ?';
const COLUMNS = `SELECT column_name, column_type, is_nullable, column_default, extra, character_maximum_length, collation_name
  FROM information_schema.columns WHERE ${TABLE} ORDER BY ordinal_position`;
const UNIQUE = `SELECT min(column_name) FROM information_schema.statistics WHERE ${TABLE} AND non_unique = 0
  GROUP BY index_name HAVING count(*) = 1 AND max(sub_part) IS NULL`;
const FOREIGN = `SELECT column_name, concat(referenced_table_name, '.', referenced_column_name)
  FROM information_schema.key_column_usage WHERE ${TABLE} AND referenced_table_name IS NOT NULL`;

/** The columns of a table or view; empty when there is none, or none that the account may know of. */
export async function readMysqlColumns(query: Query, table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]> {
  const parameters = [schema ?? null, table];
  const { rows } = await query(COLUMNS, parameters);
  if (rows.length === 0) return [];
  const unique = new Set((await query(UNIQUE, parameters)).rows.map((row) => String(row[0])));
  const pointers = new Map((await query(FOREIGN, parameters)).rows.map((row) => [String(row[0]), String(row[1])]));
  return rows.map((row): CatalogueColumn => {
    const [name = '', declared = '', nullable, fallback, extra = '', length, collation] = row.map((value) => (value === null ? undefined : String(value)));
    const numbered = /auto_increment/i.test(extra);
    const generated = /(virtual|stored|persistent)( generated)?$/i.test(extra.trim());
    const limit = /^(char|varchar)\b/.test(declared) ? length : undefined;
    const pointsTo = pointers.get(name);
    const labels = labelsOf(declared);
    return {
      name,
      declared,
      type: typeOfDeclaration(declared),
      nullable: nullable === 'YES',
      // MariaDB says the word NULL where there is no default.
      defaulted: numbered || generated || (fallback !== undefined && fallback.toUpperCase() !== 'NULL'),
      assigned: numbered || generated,
      generated,
      unique: unique.has(name),
      ...(limit === undefined ? {} : { maximumLength: Number(limit) }),
      ...(collation === undefined ? {} : { collation }),
      ...(pointsTo === undefined ? {} : { pointsTo }),
      ...(labels === undefined ? {} : { labels }),
    };
  });
}

/** The values of an enumeration, from its declaration. */
function labelsOf(declared: string): readonly string[] | undefined {
  const quoted = declared.match(/^enum\((.*)\)$/i)?.[1]?.match(/'(?:[^']|'')*'/g);
  return quoted?.map((one) => one.slice(1, -1).replaceAll("''", "'"));
}

/** Types by their declaration: `tinyint(1)` and `bit(1)` are how booleans are kept here. */
function typeOfDeclaration(declared: string): ColumnType {
  if (/^(tinyint\(1\)|bit\(1\))/.test(declared)) return 'boolean';
  if (/^(tinyint|smallint|mediumint|int|bigint|year|bit)\b/.test(declared)) return 'integer';
  return /^(binary|varbinary|tinyblob|blob|mediumblob|longblob)\b/.test(declared) ? 'binary' : 'string';
}

/** The numbers of types in the protocol, as declarations. */
const DECLARATIONS: Readonly<Record<number, string>> = {
  0: 'decimal',
  1: 'tinyint',
  2: 'smallint',
  3: 'int',
  4: 'float',
  5: 'double',
  7: 'timestamp',
  8: 'bigint',
  9: 'mediumint',
  10: 'date',
  11: 'time',
  12: 'datetime',
  13: 'year',
  16: 'bit',
  245: 'json',
  246: 'decimal',
  247: 'enum',
  248: 'set',
};
const BINARY_CHARACTER_SET = 63;

/** The columns of the result of a query. */
export function describeMysqlFields(fields: readonly FieldPacket[]): readonly CatalogueColumn[] {
  return fields.map((field) => {
    // The driver has these; its types know them by other names.
    const { columnType = 0, columnLength = 0, characterSet = 0 } = field as { columnType?: number; columnLength?: number; characterSet?: number };
    const isSmall = columnLength === 1 && (columnType === 1 || columnType === 16);
    const text = characterSet === BINARY_CHARACTER_SET ? 'blob' : 'text';
    const declared = `${DECLARATIONS[columnType] ?? text}${isSmall ? '(1)' : ''}`;
    return {
      name: field.name,
      declared,
      type: typeOfDeclaration(declared),
      nullable: true,
      defaulted: false,
      assigned: false,
      generated: false,
      unique: false,
    };
  });
}

/** The rows of a table by the estimate of its engine where it is big, counted where it is small; `undefined` for views. */
export async function countMysqlRows(query: Query, table: string, schema: string | undefined): Promise<number | undefined> {
  const { rows } = await query('SELECT table_rows FROM information_schema.tables WHERE table_schema = coalesce(?, database()) AND table_name = ?', [
    schema ?? null,
    table,
  ]);
  const estimate = rows[0]?.[0];
  if (estimate === null || estimate === undefined) return undefined;
  if (Number(estimate) > 100_000) return Number(estimate);
  return Number((await query(`SELECT count(*) FROM ${qualified(table, schema)}`, [])).rows[0]?.[0] ?? 0);
}

/** What the account may not do with a table: the server plans statements that change nothing, or refuses to. */
export async function missingMysqlPrivileges(query: Query, table: string, schema: string | undefined): Promise<readonly string[]> {
  const name = qualified(table, schema);
  const [column] = await readMysqlColumns(query, table, schema);
  const probes: Readonly<Record<string, string>> = {
    SELECT: `EXPLAIN SELECT 1 FROM ${name}`,
    INSERT: `EXPLAIN INSERT INTO ${name} SELECT * FROM ${name} WHERE 1 = 0`,
    UPDATE: `EXPLAIN UPDATE ${name} SET "${(column?.name ?? '').replaceAll('"', '""')}" = NULL WHERE 1 = 0`,
    DELETE: `EXPLAIN DELETE FROM ${name} WHERE 1 = 0`,
  };
  const missing: string[] = [];
  for (const [word, sql] of Object.entries(probes)) {
    try {
      await query(sql, []);
    } catch (error) {
      if ((error as { readonly code?: string }).code === 'permission-denied') missing.push(word);
    }
  }
  return missing;
}

/** How long the server's list of transactions may be old. */
const CACHED_MILLISECONDS = 120;

/**
 * Whether transactions are writing just now. The server keeps its list for a tenth of a second; an account that may not see
 * it has to take it that there are some.
 */
export async function readMysqlWriters(query: Query): Promise<{ readonly busy: boolean }> {
  await new Promise((resolve) => setTimeout(resolve, CACHED_MILLISECONDS));
  try {
    const { rows } = await query(
      'SELECT count(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> connection_id() AND (trx_rows_modified > 0 OR trx_rows_locked > 0)',
      [],
    );
    return { busy: String(rows[0]?.[0]) !== '0' };
  } catch {
    return { busy: true };
  }
}

/** All tables and views of a schema. */
export async function listMysqlTables(query: Query, schema: string | undefined): Promise<readonly CatalogueTable[]> {
  const own = [schema ?? null];
  const tables = await query(
    'SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = coalesce(?, database()) ORDER BY table_name',
    own,
  );
  const keys = await query(
    'SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name FROM information_schema.key_column_usage WHERE table_schema = coalesce(?, database()) ORDER BY table_name, constraint_name, ordinal_position',
    own,
  );
  return tables.rows.map(([name, kind]) => {
    const mine = keys.rows.filter((row) => row[0] === name);
    const foreign = [...new Set(mine.filter((row) => row[3] !== null).map((row) => String(row[1])))].map((constraint) =>
      mine.filter((row) => row[1] === constraint),
    );
    return {
      name: String(name),
      isView: String(kind).includes('VIEW'),
      primaryKey: mine.filter((row) => row[1] === 'PRIMARY').map((row) => String(row[2])),
      foreignKeys: foreign.map((rows) => ({
        columns: rows.map((row) => String(row[2])),
        table: String(rows[0]?.[3]),
        targets: rows.map((row) => String(row[4])),
      })),
    };
  });
}
