import { type CatalogueColumn, type CatalogueTable, quote, type SqlRow, type SqlValue } from './database.ts';
import type { ColumnType } from './settings.ts';

type Run = (sql: string, values: readonly SqlValue[]) => { readonly rows: readonly SqlRow[] };

/** The columns of a table or view, by the pragmas of SQLite; empty when there is none. */
export function readSqliteColumns(run: Run, table: string, schema: string | undefined): readonly CatalogueColumn[] {
  const prefix = schema === undefined ? '' : `${quote(schema)}.`;
  const pragma = (name: string, argument: string): readonly SqlRow[] => run(`PRAGMA ${prefix}${name}(${quote(argument)})`, []).rows;
  const info = pragma('table_xinfo', table);
  const keys = info.filter((row) => row[5] !== 0n);
  const unique = readUnique(pragma, table);
  const pointers = readForeignKeys(pragma, table);
  // Column 6 says: 0 ordinary, 1 hidden column of a virtual table, 2 and 3 generated.
  return info
    .filter((row) => row[6] !== 1n)
    .map((row): CatalogueColumn => {
      const name = String(row[1]);
      const declared = String(row[2]);
      const isOnlyKey = row[5] !== 0n && keys.length === 1;
      const isRowId = isOnlyKey && /^integer$/i.test(declared);
      const generated = row[6] === 2n || row[6] === 3n;
      const maximumLength = /char\w*\s*\(\s*(\d+)\s*\)/i.exec(declared)?.[1];
      const pointsTo = pointers.get(name);
      return {
        name,
        declared,
        type: typeOfDeclaration(declared),
        nullable: row[3] === 0n && !isRowId,
        defaulted: row[4] !== null || isRowId || generated,
        assigned: isRowId || generated,
        generated,
        unique: isOnlyKey || unique.has(name),
        ...(maximumLength === undefined ? {} : { maximumLength: Number(maximumLength) }),
        ...(pointsTo === undefined ? {} : { pointsTo }),
      };
    });
}

type Pragma = (name: string, argument: string) => readonly SqlRow[];

/** Columns with a unique index of their own, over all rows. */
function readUnique(pragma: Pragma, table: string): ReadonlySet<string> {
  const unique = new Set<string>();
  for (const [, index, isUnique, , isPartial] of pragma('index_list', table)) {
    if (isUnique !== 1n || isPartial === 1n) continue;
    const columns = pragma('index_info', String(index));
    // An index over an expression has no column name.
    const name = columns[0]?.[2];
    if (columns.length === 1 && typeof name === 'string') unique.add(name);
  }
  return unique;
}

function readForeignKeys(pragma: Pragma, table: string): ReadonlyMap<string, string> {
  return new Map(pragma('foreign_key_list', table).map((row) => [String(row[3]), `${String(row[2])}.${String(row[4] ?? 'its key')}`]));
}

/** SQLite's rules of affinity (sqlite.org/datatype3.html §3.1), with BOOLEAN as people mean it. */
export function typeOfDeclaration(declared: string): ColumnType {
  if (/bool/i.test(declared)) return 'boolean';
  if (/int/i.test(declared)) return 'integer';
  return /blob|binary/i.test(declared) ? 'binary' : 'string';
}

/** All tables and views of a database file. */
export function listSqliteTables(run: Run): readonly CatalogueTable[] {
  const { rows } = run("SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name", []);
  return rows.map(([name, type]) => {
    const table = String(name);
    const keys = run(`PRAGMA table_xinfo(${quote(table)})`, []).rows.filter((row) => row[5] !== 0n);
    const foreign = Map.groupBy(run(`PRAGMA foreign_key_list(${quote(table)})`, []).rows, (row) => String(row[0]));
    return {
      name: table,
      isView: type === 'view',
      primaryKey: keys.sort((left, right) => Number(left[5]) - Number(right[5])).map((row) => String(row[1])),
      foreignKeys: [...foreign.values()].map((parts) => ({
        columns: parts.map((row) => String(row[3])),
        table: String(parts[0]?.[2]),
        targets: parts.map((row) => String(row[4] ?? '')),
      })),
    };
  });
}
