import type { CatalogueColumn, Dialect, RowSet, Statement } from '../database.ts';
import { inParts, insertWithReturning, quote } from '../database.ts';
import { mysqlDialect } from '../dialect-mysql.ts';
import { type PostgresFacts, postgresDialect } from '../dialect-postgres.ts';
import { sqliteDialect } from '../dialect-sqlite.ts';

/** SQLite without the functions that its own driver lets us add: it folds ASCII only. Its ODBC driver takes no rows from an INSERT. */
export function odbcSqliteDialect(encoding: string): Dialect {
  const { insertReturning: _, ...base } = sqliteDialect(encoding);
  return {
    ...base,
    // The driver knows bytes by their column only; of a value it is read no more than an attribute may have.
    firstBytes: (expression) => expression,
    codePoints: (text) => `${text} COLLATE BINARY`,
    fold: (text) => `lower(${text})`,
    foldMisses: 'beyond-ascii',
  };
}

/** MariaDB and MySQL: values come as text, which their dialect reads anyway. */
export function odbcMysqlDialect(facts: { readonly returning: boolean }): Dialect {
  return mysqlDialect(facts);
}

/** Types whose text the driver gives as the server writes it. */
const AS_IT_IS: ReadonlySet<string> = new Set(['text', 'character varying', 'bpchar', 'smallint', 'integer', 'bigint', 'bytea']);

/** PostgreSQL: parameters are question marks, have no arrays, and other types than text come as the server's own text. */
export function odbcPostgresDialect(facts: PostgresFacts): Dialect {
  const base = postgresDialect(facts);
  const selected = (expression: string, { declared }: CatalogueColumn): string => (AS_IT_IS.has(declared) ? expression : `CAST(${expression} AS text)`);
  return {
    ...base,

    placeholder: () => '?',
    selected,
    insertReturning: (insert, columns) => insertWithReturning({ selected }, insert, columns),
    toSql(value, column) {
      // The base gives PostgreSQL's driver texts; this one takes integers as such.
      if (typeof value === 'bigint' && ['smallint', 'integer', 'bigint'].includes(column.declared)) return value;
      const given = base.toSql(value, column);
      return typeof given === 'boolean' ? String(given) : given;
    },
    reader: (column) => (column.declared === 'bytea' && column.type === 'binary' ? (value) => value as Uint8Array : base.reader(column)),
    insertRows: (rows) => inChunks(rows, insertChunk),
    deleteRows: (rows) => inChunks(rows, (set, source) => `DELETE FROM ${set.from} s USING ${source} WHERE ${isSame(set)}`),
    ...(base.call === undefined
      ? {}
      : {
          call: (routine, parameters, kind) =>
            (base.call?.(routine, parameters, kind) ?? []).map(({ sql, values }) => ({ sql: sql.replace(/\$\d+/g, '?'), values })),
        }),
  };
}

/** Rows in one statement: few sizes, so that the server parses few texts. */
const CHUNKS = [100, 10, 1] as const;

/** A statement for some rows at once: the rows, with the key of their owner in each, are a table `r` of the statement. */
function inChunks(rows: RowSet, text: (rows: RowSet, source: string) => string): readonly Statement[] {
  const columns = [...rows.fixedColumns, ...rows.keyColumns, ...rows.columns];
  const one = `(${columns.map((column) => `CAST(? AS ${column.declared})`).join(', ')})`;
  const names = columns.map((_, index) => `v${index}`).join(', ');
  return inParts(rows.rows, CHUNKS).map((part) => {
    const source = `(VALUES ${part.map(() => one).join(', ')}) AS r(${names})`;
    return { sql: text(rows, source), values: part.flatMap((row) => [...rows.fixed, ...rows.key, ...row]) };
  });
}

function insertChunk(rows: RowSet, source: string): string {
  const columns = [...rows.fixedColumns, ...rows.keyColumns, ...rows.columns];
  const names = columns.map((column) => quote(column.name)).join(', ');
  return `INSERT INTO ${rows.from} (${names}) SELECT ${columns.map((_, index) => `r.v${index}`).join(', ')} FROM ${source} WHERE NOT EXISTS (SELECT 1 FROM ${rows.from} s WHERE ${isSame(rows)})`;
}

function isSame({ fixedColumns, keyColumns, columns, where }: RowSet): string {
  const parts = [...keyColumns, ...columns].map((column, index) => `s.${quote(column.name)} = r.v${fixedColumns.length + index}`);
  return [...parts, ...(where === undefined ? [] : [`(${where})`])].join(' AND ');
}
