import type { EntryFilter } from '@landbridge/connector-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogueColumn, SqlDatabase, SqlValue } from './database.ts';
import { mssqlDialect } from './dialect-mssql.ts';
import { mysqlDialect } from './dialect-mysql.ts';
import { oracleDialect } from './dialect-oracle.ts';
import { postgresDialect } from './dialect-postgres.ts';
import { sqliteDialect } from './dialect-sqlite.ts';
import { translateFilter } from './filter-sql.ts';
import type { ObjectModel } from './object-model.ts';
import type { ColumnType } from './settings.ts';

/** Statements alone, for every dialect, whether its database can run here or not. */
const DIALECTS = [
  { name: 'SQLite', dialect: sqliteDialect('UTF-8'), types: { string: 'TEXT', integer: 'BIGINT', boolean: 'BOOLEAN', binary: 'BLOB' } },
  {
    name: 'PostgreSQL',
    dialect: postgresDialect({ encoding: 'UTF8', characterType: 'C.UTF-8' }),
    types: { string: 'text', integer: 'bigint', boolean: 'boolean', binary: 'bytea' },
  },
  { name: 'MariaDB', dialect: mysqlDialect({ returning: true }), types: { string: 'varchar(60)', integer: 'bigint', boolean: 'tinyint(1)', binary: 'blob' } },
  {
    name: 'Oracle',
    dialect: oracleDialect({ isUnicode: true }),
    types: { string: 'VARCHAR2(60)', integer: 'NUMBER(19,0)', boolean: 'NUMBER(1,0)', binary: 'RAW(60)' },
  },
  { name: 'SQL Server', dialect: mssqlDialect(), types: { string: 'varchar(60)', integer: 'bigint', boolean: 'bit', binary: 'varbinary(max)' } },
] as const;

function modelOf(types: Readonly<Record<ColumnType, string>>): ObjectModel {
  const column = (name: string, type: ColumnType): CatalogueColumn => ({
    ...{ name, type, declared: types[type], collation: 'Latin1_General_CI_AS' },
    ...{ nullable: true, defaulted: false, assigned: false, generated: false, unique: false },
  });
  const attribute = (name: string, type: ColumnType | 'reference') => ({
    attribute: { name, type },
    columns: [column(`${name}"x`, type === 'reference' ? 'integer' : type)],
  });
  const id = column('id', 'integer');
  // Of a model only what a filter looks at.
  return {
    name: 'thing',
    anchor: [{ attribute: { name: 'id', type: 'integer' }, column: id, order: 'integer' }],
    columns: [
      attribute('name', 'string'),
      attribute('number', 'integer'),
      attribute('flag', 'boolean'),
      attribute('photo', 'binary'),
      attribute('boss', 'reference'),
    ],
    sides: [
      {
        attribute: { name: 'tags', type: 'string', multiValued: true },
        settings: { table: 'tags', key: ['id'] },
        from: '"tags"',
        key: [id],
        value: [column('tag', 'string')],
        fixed: [],
      },
    ],
  } as unknown as ObjectModel;
}

/** Marked, so that a value in a statement is seen. */
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => `zq${value}[%_]'";--zq`);
const VALUES = {
  name: text,
  tags: text,
  number: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  flag: fc.boolean(),
  photo: fc.constant('enF6cQ=='),
  boss: fc.constant('7734'),
};
const TYPES = { name: 'string', tags: 'string', number: 'integer', flag: 'boolean', photo: 'binary', boss: 'reference' } as const;
const comparison = fc.constantFrom(...(Object.keys(VALUES) as (keyof typeof VALUES)[])).chain((attribute) =>
  fc.record({
    kind: fc.constant('compare' as const),
    attribute: fc.constant(attribute),
    type: fc.constant(TYPES[attribute]),
    comparison: fc.constantFrom('equal', 'not-equal', 'contains', 'starts', 'ends', 'greater', 'greater-or-equal', 'less', 'less-or-equal'),
    value: VALUES[attribute] as fc.Arbitrary<string | boolean>,
    caseExact: fc.boolean(),
  }),
);
const filter = fc.letrec<{ filter: EntryFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    comparison as fc.Arbitrary<EntryFilter>,
    fc.record({ kind: fc.constant('not' as const), filter: tie('filter') }),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), filters: fc.array(tie('filter'), { maxLength: 3 }) }),
  ),
})).filter;

describe.each(DIALECTS)('a filter as a statement of $name', ({ dialect, types }) => {
  const model = modelOf(types);
  const translate = (one: EntryFilter): { readonly sql: string; readonly values: readonly SqlValue[] } => {
    const values: SqlValue[] = [];
    const sql = translateFilter(one, { database: { dialect } as SqlDatabase, model, bind: (value) => dialect.placeholder(values.push(value)) });
    return { sql, values };
  };

  it('SEC-32: has a placeholder for each value, and no value in its text, whatever the filter', () => {
    fc.assert(
      fc.property(filter, (one) => {
        const { sql, values } = translate(one);
        expect(sql).not.toMatch(/zq|7734|enF6/);
        // Quotes are those of names and of constants of ours, all closed.
        expect(sql.replace(/"(?:[^"]|"")*"/g, '').replace(/'(?:[^']|'')*'/g, '')).not.toMatch(/['"]/);
        const placeholders = sql.match(/\?|[$@:]p?\d+/g) ?? [];
        const named = new Set(placeholders);
        if (dialect.placeholder(1) === '?') expect(placeholders).toHaveLength(values.length);
        else expect([...named].sort()).toEqual(values.map((_, index) => dialect.placeholder(index + 1)).sort());
      }),
      { numRuns: 500 },
    );
  });

  it('escapes what LIKE takes for more than itself', () => {
    const { values } = translate({ kind: 'compare', attribute: 'name', comparison: 'contains', value: '50%_[a]\\', type: 'string', caseExact: true });
    const bracket = dialect.name === 'mssql' ? '\\[' : '[';
    expect(values).toEqual([`%50\\%\\_${bracket}a]\\\\%`]);
  });
});
