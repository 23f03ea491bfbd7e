import type { ColumnType } from './settings.ts';

/** Kinds of SQL Server's types, by how they are declared. */
export const mssqlTypes = {
  text: /^(n?(var)?char|n?text|sysname)\b/,
  /** Filled up with spaces. */
  padded: /^n?char\b/,
  varying: /^(n?varchar|sysname)\b/,
  bit: /^bit\b/,
  binary: /^(binary|varbinary|image)\b/,
  time: /^(date|time|datetime|datetime2|smalldatetime|datetimeoffset)\b/,
  money: /^(small)?money\b/,
  float: /^(float|real)\b/,
  uuid: /^uniqueidentifier\b/,
  clr: /^(hierarchyid|geography|geometry)\b/,
  /** No operator takes these. */
  incomparable: /^(n?text|image|xml|json|geography|geometry)\b/,
} as const;

/** Whole numbers. */
export function isWholeType(declared: string): boolean {
  return /^(tinyint|smallint|int|bigint)\b/.test(declared);
}

/** The counter that changes with every change of a row. */
export function isVersionType(declared: string): boolean {
  return /^(timestamp|rowversion)\b/.test(declared);
}

/** The type of an attribute by the declaration of its column. */
export function typeOfDeclaration(declared: string): ColumnType {
  if (mssqlTypes.bit.test(declared)) return 'boolean';
  if (isWholeType(declared) || isVersionType(declared)) return 'integer';
  return mssqlTypes.binary.test(declared) ? 'binary' : 'string';
}

/** A type as statements declare it, by what the catalogue holds of it: lengths in bytes, -1 for no limit. */
export function formatDeclaration(name: string, bytes: number, precision: number, scale: number): string {
  if (/^(nvarchar|nchar)$/.test(name)) return `${name}(${bytes === -1 ? 'max' : bytes / 2})`;
  if (/^(varchar|char|varbinary|binary)$/.test(name)) return `${name}(${bytes === -1 ? 'max' : bytes})`;
  if (/^(decimal|numeric)$/.test(name)) return `${name}(${precision},${scale})`;
  return /^(datetime2|datetimeoffset|time)$/.test(name) ? `${name}(${scale})` : name;
}
