/** The databases behind a driver whose ways are known; another one gets the standard's. */
export type Product = 'sqlite' | 'postgres' | 'mysql' | 'generic';

/** By what the database calls itself (SQL_DBMS_NAME). */
const PRODUCTS: readonly (readonly [name: RegExp, product: Product])[] = [
  [/sqlite/i, 'sqlite'],
  [/postgres/i, 'postgres'],
  [/mariadb|mysql/i, 'mysql'],
];

/** The product of a name. */
export function productOf(name: string): Product {
  return PRODUCTS.find(([pattern]) => pattern.test(name))?.[1] ?? 'generic';
}

/** Attributes of connection strings without which a driver does not do what the statements need. */
const NEEDED: readonly (readonly [driver: RegExp, keyword: string, attribute: string])[] = [
  // Rows that an UPDATE finds count, changed or not: else nobody can tell "not there" from "as it was".
  [/maodbc|myodbc/i, 'option', 'OPTION=2'],
  // A file that is not there is a mistake, and not to be made.
  [/sqlite/i, 'nocreat', 'NoCreat=1'],
  // An error ends the transaction here anyway: no savepoint is needed before each statement.
  [/psqlodbc/i, 'protocol', 'Protocol=7.4-0'],
];

/** What a connection string lacks for its driver; nothing where it says something of its own. */
export function missingAttributes(driver: string, text: string): string {
  return NEEDED.filter(([pattern, keyword]) => pattern.test(driver) && !new RegExp(`(^|;)\\s*${keyword}\\s*=`, 'i').test(text))
    .map(([, , attribute]) => `${attribute};`)
    .join('');
}

/** The isolation level (SQL_TXN_…) in which a transaction sees one state, where that costs no other transaction its locks. */
export const snapshotIsolation: Readonly<Record<Product, number | undefined>> = { sqlite: 8, postgres: 4, mysql: 4, generic: undefined };

/** A statement that asks nothing, to see whether a connection is still there. */
export const pings: Readonly<Record<Product, string | undefined>> = { sqlite: undefined, postgres: 'SELECT 1', mysql: 'SELECT 1', generic: undefined };
