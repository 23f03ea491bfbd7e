import type { CatalogueColumn, CatalogueTable, SqlRow } from '../database.ts';
import type { ColumnType } from '../settings.ts';
import { typeOfDeclaration } from '../sqlite-catalogue.ts';
import type { CatalogueCall, ResultColumn } from './messages.ts';

/** Asks a catalogue function of the driver: rows as ODBC lays them out. */
export type AskCatalogue = (call: CatalogueCall) => Promise<readonly SqlRow[]>;

/** SQL_… numbers of types as the names that dialects know; what is not here is `other`. */
const NAMES: Readonly<Record<number, string>> = {
  [-10]: 'longvarchar',
  [-9]: 'varchar',
  [-8]: 'char',
  [-7]: 'bit',
  [-6]: 'tinyint',
  [-5]: 'bigint',
  [-4]: 'longvarbinary',
  [-3]: 'varbinary',
  [-2]: 'binary',
  [-1]: 'longvarchar',
  1: 'char',
  2: 'numeric',
  3: 'decimal',
  4: 'integer',
  5: 'smallint',
  6: 'float',
  7: 'real',
  8: 'double',
  12: 'varchar',
  91: 'date',
  92: 'time',
  93: 'timestamp',
};

/** Digits of decimals without a fraction that surely fit into 64 bits. */
const INTEGER_DIGITS = 18;

/** The type of an attribute by the number of its SQL type. */
function typeOfNumber(type: number, digits: number, fraction: number | undefined): ColumnType {
  if (type === -7) return 'boolean';
  if (type <= -2 && type >= -4) return 'binary';
  if ([4, 5, -5, -6].includes(type)) return 'integer';
  return (type === 2 || type === 3) && fraction === 0 && digits > 0 && digits <= INTEGER_DIGITS ? 'integer' : 'string';
}

/** How the types of columns are named: by the standard's names, or by those of the database. */
export type Naming = 'standard' | 'own';

/** The columns of a table or view (SQLColumns, SQLPrimaryKeys, SQLStatistics, SQLForeignKeys); empty when there is none. */
export async function readOdbcColumns(ask: AskCatalogue, table: string, schema: string | undefined, naming: Naming): Promise<readonly CatalogueColumn[]> {
  const place = { schema: schema ?? null, table };
  // The name of the table is a pattern here: others may match it.
  const rows = (await ask({ function: 'columns', ...place })).filter((row) => String(row[2]).trim() === table);
  if (rows.length === 0) return [];
  const keys = await readKey(ask, place);
  const unique = await readUnique(ask, place);
  const pointers = new Map((await quietly(ask, { function: 'foreignKeys', ...place })).map((row) => [String(row[7]), `${String(row[2])}.${String(row[3])}`]));
  return rows.map((row): CatalogueColumn => {
    const name = String(row[3]);
    const number = Number(row[4]);
    const declared = naming === 'own' ? String(row[5]) : (NAMES[number] ?? 'other');
    const isOnlyKey = keys.length === 1 && keys[0] === name;
    // The way in which databases of this kind number rows by themselves.
    const isRowId = naming === 'own' && isOnlyKey && /^integer$/i.test(declared);
    const assigned = isRowId || /identity|serial|auto.?increment/i.test(`${String(row[5])} ${String(row[12] ?? '')}`);
    const fallback = row[12] === null ? undefined : String(row[12]);
    const size = Number(row[6]);
    const isText = [1, 12, -8, -9].includes(number);
    const pointsTo = pointers.get(name);
    return {
      name,
      declared,
      type: naming === 'own' ? typeOfDeclaration(declared) : typeOfNumber(number, size, fractionOf(row[8])),
      nullable: Number(row[10]) !== 0 && !isOnlyKey,
      defaulted: assigned || (fallback !== undefined && fallback.toUpperCase() !== 'NULL'),
      assigned,
      generated: false,
      unique: isOnlyKey || unique.has(name),
      ...(isText && size > 0 && (naming === 'standard' || /\(\d+\)/.test(declared)) ? { maximumLength: size } : {}),
      ...(pointsTo === undefined ? {} : { pointsTo }),
    };
  });
}

function fractionOf(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

type Place = { readonly schema: string | null; readonly table: string };

async function readKey(ask: AskCatalogue, place: Place): Promise<readonly string[]> {
  const rows = await quietly(ask, { function: 'primaryKeys', ...place });
  return [...rows].sort((left, right) => Number(left[4]) - Number(right[4])).map((row) => String(row[3]));
}

/** Columns with a unique index of their own: NON_UNIQUE is 0, and no other column has the name of the index. */
async function readUnique(ask: AskCatalogue, place: Place): Promise<ReadonlySet<string>> {
  const rows = (await quietly(ask, { function: 'statistics', ...place })).filter((row) => String(row[3]) === '0' && row[8] !== null && row[8] !== undefined);
  const byIndex = Map.groupBy(rows, (row) => String(row[5]));
  // FILTER_CONDITION: an index over some rows says nothing of the others.
  return new Set([...byIndex.values()].flatMap((parts) => (parts.length === 1 && (parts[0]?.[12] ?? '') === '' ? [String(parts[0]?.[8])] : [])));
}

/** Keys are worth knowing, but not every driver tells them. */
async function quietly(ask: AskCatalogue, call: CatalogueCall): Promise<readonly SqlRow[]> {
  try {
    return await ask(call);
  } catch {
    return [];
  }
}

/** All tables and views (SQLTables), with their keys. */
export async function listOdbcTables(ask: AskCatalogue, schema: string | undefined): Promise<readonly CatalogueTable[]> {
  const tables = (await ask({ function: 'tables', schema: schema ?? null, table: null })).filter((row) => /^(TABLE|VIEW)$/i.test(String(row[3])));
  const result: CatalogueTable[] = [];
  for (const row of tables) {
    const place = { schema: schema ?? null, table: String(row[2]) };
    const foreign = Map.groupBy(await quietly(ask, { function: 'foreignKeys', ...place }), (one) => `${String(one[11])} ${String(one[2])}`);
    result.push({
      name: place.table,
      isView: /view/i.test(String(row[3])),
      primaryKey: await readKey(ask, place),
      foreignKeys: [...foreign.values()].map((parts) => ({
        columns: parts.map((one) => String(one[7])),
        table: String(parts[0]?.[2]),
        targets: parts.map((one) => String(one[3])),
      })),
    });
  }
  return result;
}

/** The columns of a query as its driver describes them. */
export function describeOdbcColumns(columns: readonly ResultColumn[], nameOf: (type: number) => string): readonly CatalogueColumn[] {
  return columns.map(({ name, type, size }) => ({
    name,
    declared: nameOf(type),
    type: typeOfNumber(type, size, undefined),
    nullable: true,
    defaulted: false,
    assigned: false,
    generated: false,
    unique: false,
  }));
}

/** The standard's name of a type. */
export function standardName(type: number): string {
  return NAMES[type] ?? 'other';
}
