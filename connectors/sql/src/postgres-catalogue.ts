import { type CatalogueColumn, type CatalogueTable, qualified, quote, type SqlConnection } from './database.ts';
import type { ColumnType } from './settings.ts';

type Query = SqlConnection['query'];

/** A boolean as a driver tells it: PostgreSQL's own says `t`, others say 1 or true. */
function isTrue(value: unknown): boolean {
  return /^(t|true|1)$/.test(String(value));
}

const COLUMNS = `
  SELECT a.attname,
    format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, NULL),
    a.attnotnull OR t.typnotnull,
    a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
    a.attidentity <> '' OR a.attgenerated <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%',
    a.attgenerated <> '' OR a.attidentity = 'a',
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1
      AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND i.indexprs IS NULL),
    CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END,
    (SELECT k.confrelid::regclass::text || '.' || r.attname FROM pg_constraint k
      JOIN pg_attribute r ON r.attrelid = k.confrelid AND r.attnum = k.confkey[1]
      WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] LIMIT 1),
    (SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

/** The columns of a table or view; empty when there is none, or none that the account may know of. */
export async function readPostgresColumns(query: Query, table: string, schema: string | undefined): Promise<readonly CatalogueColumn[]> {
  const { rows } = await query(COLUMNS, [qualified(table, schema)]);
  return rows.map((row): CatalogueColumn => {
    const declared = castable(String(row[1]));
    return {
      name: String(row[0]),
      declared,
      type: typeOfName(declared),
      nullable: !isTrue(row[2]),
      defaulted: isTrue(row[3]),
      assigned: isTrue(row[4]),
      generated: isTrue(row[5]),
      unique: isTrue(row[6]),
      ...(row[7] === null ? {} : { maximumLength: Number(row[7]) }),
      ...(row[8] === null ? {} : { pointsTo: String(row[8]) }),
      // The statement above makes this JSON.
      ...(row[9] === null ? {} : { labels: JSON.parse(String(row[9])) as readonly string[] }),
    };
  });
}

/** The columns of the result of a query, from the numbers of their types. */
export async function describePostgresFields(
  query: Query,
  fields: readonly { readonly name: string; readonly dataTypeID: number }[],
): Promise<readonly CatalogueColumn[]> {
  const { rows } = await query('SELECT format_type(oid, NULL) FROM unnest($1::oid[]) WITH ORDINALITY AS o(oid, n) ORDER BY n', [
    fields.map((field) => String(field.dataTypeID)),
  ]);
  return fields.map((field, index) => {
    const declared = castable(String(rows[index]?.[0] ?? 'text'));
    return { name: field.name, type: typeOfName(declared), declared, nullable: true, defaulted: false, assigned: false, generated: false, unique: false };
  });
}

/** A cast to `character` or `bit` means one of them; these names mean any number. */
function castable(declared: string): string {
  if (declared === 'character') return 'bpchar';
  return declared === 'bit' ? 'varbit' : declared;
}

const TYPES: Readonly<Record<string, ColumnType>> = { boolean: 'boolean', smallint: 'integer', integer: 'integer', bigint: 'integer', bytea: 'binary' };

function typeOfName(declared: string): ColumnType {
  return TYPES[declared] ?? 'string';
}

/** The rows of a table by the planner's estimate where it is big, counted where it is small; `undefined` for views. */
export async function countPostgresRows(query: Query, table: string, schema: string | undefined): Promise<number | undefined> {
  const name = qualified(table, schema);
  const { rows } = await query('SELECT reltuples::bigint, relkind FROM pg_class WHERE oid = to_regclass($1)', [name]);
  const [estimate, kind] = rows[0] ?? [];
  if (kind === 'v') return undefined;
  if (Number(estimate) > 100_000) return Number(estimate);
  return Number((await query(`SELECT count(*) FROM ${name}`, [])).rows[0]?.[0] ?? 0);
}

/** What the account may not do with a table. */
export async function missingPostgresPrivileges(query: Query, table: string, schema: string | undefined): Promise<readonly string[]> {
  const { rows } = await query("SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p WHERE NOT has_table_privilege(to_regclass($1), p)", [
    qualified(table, schema),
  ]);
  return rows.map((row) => String(row[0]));
}

/**
 * Whether transactions are writing just now, and the start of the oldest. The start is known of one's own and to
 * privileged accounts only; that there are some is known to all.
 */
export async function readPostgresWriters(query: Query): Promise<{ readonly busy: boolean; readonly oldest?: string }> {
  const { rows } = await query(
    `SELECT pg_snapshot_xmin(s) <> pg_snapshot_xmax(s),
       (SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid())
     FROM pg_current_snapshot() s`,
    [],
  );
  const [busy, oldest] = rows[0] ?? [];
  return { busy: isTrue(busy), ...(typeof oldest === 'string' ? { oldest } : {}) };
}

const TABLES = `
  SELECT c.relname, c.relkind IN ('v', 'm'), coalesce((SELECT json_agg(a.attname ORDER BY k.n) FROM pg_index i
      CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
      WHERE i.indrelid = c.oid AND i.indisprimary), '[]'),
    coalesce((SELECT json_agg(json_build_object('table', (SELECT relname FROM pg_class WHERE oid = k.confrelid),
        'columns', (SELECT json_agg(a.attname ORDER BY o.n) FROM unnest(k.conkey) WITH ORDINALITY AS o(attnum, n) JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = o.attnum),
        'targets', (SELECT json_agg(a.attname ORDER BY o.n) FROM unnest(k.confkey) WITH ORDINALITY AS o(attnum, n) JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = o.attnum)) ORDER BY k.conname)
      FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'), '[]')
  FROM pg_class c WHERE c.relnamespace = coalesce($1, current_schema())::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition ORDER BY c.relname`;

/** All tables and views of a schema. */
export async function listPostgresTables(query: Query, schema: string | undefined): Promise<readonly CatalogueTable[]> {
  const { rows } = await query(TABLES, [schema === undefined ? null : quote(schema)]);
  // The statement above makes this JSON.
  return rows.map(([name, isView, key, foreign]) => ({
    name: String(name),
    isView: isTrue(isView),
    primaryKey: JSON.parse(String(key)) as readonly string[],
    foreignKeys: JSON.parse(String(foreign)) as CatalogueTable['foreignKeys'],
  }));
}
