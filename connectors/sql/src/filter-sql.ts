import { ConnectorError, decodeValue, type EntryFilter, foldCase, type Value } from '@landbridge/connector-sdk';
import { type CatalogueColumn, type Dialect, quote, type SqlDatabase, type SqlValue } from './database.ts';
import type { ColumnAttribute, ObjectModel, SideAttribute } from './object-model.ts';
import { formatReference, parseReference } from './references.ts';

type Compare = Extract<EntryFilter, { kind: 'compare' }>;

/**
 * Which rows a condition must be true for. `over`: all that match, maybe others (they are sorted out later). `under`: only
 * such that match, maybe not all. Below a negation the one becomes the other, so that nothing is ever missed.
 */
type Bound = 'over' | 'under';

const NOTHING = '1=0';
const EVERYTHING = '1=1';

/** What a translation works with. */
export interface FilterTarget {
  readonly database: SqlDatabase;
  readonly model: ObjectModel;
  bind(value: SqlValue): string;
}

/**
 * Translates a filter into a condition on the alias `m` that is true for every entry the filter matches. Rows it is true for
 * beside these are for `matchesEntry` to sort out.
 *
 * @throws ConnectorError `filter-not-supported` for an attribute that cannot be read.
 */
export function translateFilter(filter: EntryFilter, target: FilterTarget): string {
  return translate(filter, target, 'over');
}

function translate(filter: EntryFilter, target: FilterTarget, bound: Bound): string {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      if (filter.filters.length === 0) return filter.kind === 'and' ? EVERYTHING : NOTHING;
      return `(${filter.filters.map((part) => translate(part, target, bound)).join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      // NULL is false here, as an unassigned attribute satisfies nothing. Not every database has conditions as values.
      return `(CASE WHEN ${translate(filter.filter, target, bound === 'over' ? 'under' : 'over')} THEN 1 ELSE 0 END = 0)`;
    case 'present':
      // What a codec makes of a value nobody knows but the evaluator: an empty list is nothing.
      return ofAttribute(filter.attribute, target, ([column], expressions) =>
        column?.codec === undefined ? isThere(expressions) : unknown(expressions, bound),
      );
    case 'compare':
      return ofAttribute(filter.attribute, target, (columns, expressions, isReference) => {
        if (isReference) return compareReference(filter, columns, expressions, target, bound);
        return compareValue(filter, columns[0], expressions[0] ?? '', target, bound);
      });
  }
}

type Condition = (columns: readonly CatalogueColumn[], expressions: readonly string[], isReference: boolean) => string;

/** A condition on the columns of the main table, or on some row of a side table. */
function ofAttribute(name: string, target: FilterTarget, condition: Condition): string {
  const { model } = target;
  const column = model.columns.find((one) => one.attribute.name === name);
  if (column !== undefined) return condition(column.columns, expressionsOf(column), column.attribute.type === 'reference');
  const side = model.sides.find((one) => one.attribute.name === name);
  if (side === undefined) return NOTHING;
  const expressions = side.value.map((one) => `s.${quote(one.name)}`);
  const own = `${ownerCondition(side, target)} AND ${isThere(expressions)}${side.settings.where === undefined ? '' : ` AND (${side.settings.where})`}`;
  return `EXISTS (SELECT 1 FROM ${side.from} s WHERE ${own} AND ${condition(side.value, expressions, side.attribute.type === 'reference')})`;
}

function expressionsOf({ attribute, columns }: ColumnAttribute): readonly string[] {
  if (attribute.direction === 'export-only')
    throw new ConnectorError('filter-not-supported', `the attribute "${attribute.name}" can be written, not read`, { attribute: attribute.name });
  return columns.map((one) => `m.${quote(one.name)}`);
}

function isThere(expressions: readonly string[]): string {
  return `(${expressions.map((expression) => `${expression} IS NOT NULL`).join(' AND ')})`;
}

/** The rows of a side table that belong to a row of the main table. */
function ownerCondition(side: SideAttribute, { database, model }: FilterTarget): string {
  const parts = model.anchor.flatMap(({ column }, index) => {
    const own = side.key[index];
    return own === undefined ? [] : [database.dialect.joins(`s.${quote(own.name)}`, own, `m.${quote(column.name)}`, column)];
  });
  return parts.join(' AND ');
}

/** Nothing closer is known than who has a value at all. */
function unknown(expressions: readonly string[], bound: Bound): string {
  return bound === 'over' ? isThere(expressions) : NOTHING;
}

const OPERATORS: Partial<Record<Compare['comparison'], string>> = {
  equal: '=',
  'not-equal': '<>',
  greater: '>',
  'greater-or-equal': '>=',
  less: '<',
  'less-or-equal': '<=',
};

/** Of two booleans `matchesEntry` knows only whether they are equal; an unequal one counts as less. */
const BOOLEANS: Partial<Record<Compare['comparison'], '=' | '<>' | 'any'>> = {
  equal: '=',
  'not-equal': '<>',
  'greater-or-equal': '=',
  less: '<>',
  'less-or-equal': 'any',
};

function compareValue(filter: Compare, column: CatalogueColumn | undefined, expression: string, target: FilterTarget, bound: Bound): string {
  if (column === undefined || column.codec !== undefined || column.type !== filter.type) return unknown([expression], bound);
  if (column.type === 'string') return compareText(filter, column, expression, target, bound);
  const value = decode(filter);
  // The administrator may have given the attribute another type than the column has: then the evaluator decides.
  if (value === undefined || !target.database.dialect.comparesNatively(column)) return unknown([expression], bound);
  const bindIt = (): string => target.bind(target.database.dialect.toSql(value, column));
  const operator = OPERATORS[filter.comparison];
  if (column.type === 'integer') return operator === undefined ? NOTHING : `${expression} ${operator} ${bindIt()}`;
  if (column.type === 'boolean') return compareBoolean(filter, target.database.dialect.truth(expression), bindIt);
  // Bytes are compared by the text of their encoding: only equality is the same.
  const isEquality = filter.comparison === 'equal' || filter.comparison === 'not-equal';
  return isEquality ? `${expression} ${operator ?? '='} ${bindIt()}` : unknown([expression], bound);
}

function compareBoolean({ comparison }: Compare, expression: string, bindIt: () => string): string {
  const operator = BOOLEANS[comparison];
  if (operator === undefined) return NOTHING;
  return operator === 'any' ? isThere([expression]) : `${expression} ${operator} ${bindIt()}`;
}

function decode(filter: Compare): Value | undefined {
  try {
    return decodeValue(filter.type, filter.value);
  } catch {
    // A value that the type does not have equals nothing; the evaluator knows what follows.
    return undefined;
  }
}

function compareReference(filter: Compare, columns: readonly CatalogueColumn[], expressions: readonly string[], target: FilterTarget, bound: Bound): string {
  if (filter.comparison !== 'equal') return unknown(expressions, bound);
  const text = String(filter.value);
  const values = parseQuietly(text, columns);
  // "007" is another text than "7", and equals no reference.
  if (values === undefined || formatReference(values) !== text) return NOTHING;
  if (bound === 'under' && target.database.dialect.loose && values.some((value) => typeof value === 'string')) return NOTHING;
  const parts = values.map((value, index) => equalPart(value, columns[index], expressions[index] ?? '', target));
  // A part that cannot be equal still had its values bound before: they must be used.
  return parts.some((part) => part === undefined) ? `(${[...parts.filter((part) => part !== undefined), NOTHING].join(' AND ')})` : `(${parts.join(' AND ')})`;
}

function parseQuietly(text: string, columns: readonly CatalogueColumn[]): readonly Value[] | undefined {
  try {
    return parseReference(text, columns);
  } catch {
    // Not the text of a reference: it equals none.
    return undefined;
  }
}

function equalPart(value: Value, column: CatalogueColumn | undefined, expression: string, { database, bind }: FilterTarget): string | undefined {
  if (column === undefined) return undefined;
  if (typeof value === 'string') return isStorable(value) ? database.dialect.equalsText(expression, column, value, bind) : undefined;
  return `${expression} = ${bind(database.dialect.toSql(value, column))}`;
}

/** Databases hold well-formed text without NUL: nothing else equals any of theirs. */
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function compareText(filter: Compare, column: CatalogueColumn, expression: string, target: FilterTarget, bound: Bound): string {
  const { dialect } = target.database;
  const value = String(filter.value);
  if (!isStorable(value) || (dialect.emptyIsNull && value === '') || dialect.isOpaque?.(column)) return unknown([expression], bound);
  if (dialect.loose) return compareLoosely(filter, column, expression, target, bound);
  if (!filter.caseExact) return compareFolded(filter, column, expression, target, bound);
  const text = dialect.text(expression, column);
  switch (filter.comparison) {
    case 'equal':
      return dialect.equalsText(expression, column, value, target.bind) ?? NOTHING;
    case 'starts':
    case 'ends':
    case 'contains':
      // SQLite's LIKE folds ASCII: it finds more, never less.
      return bound === 'under' ? NOTHING : like(dialect.searched(text), patternOf(filter.comparison, escapePattern(value, dialect)), expression, target);
    default:
      if (dialect.ordersByCodeUnit && filter.comparison !== 'not-equal' && BEYOND.test(value)) return unknown([expression], bound);
      return `${dialect.codePoints(text)} ${OPERATORS[filter.comparison] ?? '='} ${dialect.codePoints(target.bind(value))}`;
  }
}

/** Only `=` is the same everywhere, and may find too much; without regard to case it is asked in three ways, for ASCII. */
function compareLoosely(
  { comparison, value, caseExact }: Compare,
  { declared }: CatalogueColumn,
  expression: string,
  target: FilterTarget,
  bound: Bound,
): string {
  const isText = declared === 'char' || declared === 'varchar';
  if (bound === 'under' || comparison !== 'equal' || !isText) return unknown([expression], bound);
  const text = String(value);
  if (caseExact) return `${expression} = ${target.bind(text)}`;
  const folded = foldCase(text);
  if (!PLAIN_WITHOUT_FOLDING.test(folded) || folded.includes('i')) return unknown([expression], bound);
  const ways = [
    [expression, text],
    [`LOWER(${expression})`, folded],
    [`UPPER(${expression})`, folded.toUpperCase()],
  ] as const;
  return `(${ways.map(([left, right]) => `${left} = ${target.bind(right)}`).join(' OR ')})`;
}

/**
 * Comparisons without regard to case. What the database folds is a guess at what `foldCase` folds: of the value searched for
 * only the ASCII part is compared, and every character that could come from beyond ASCII is left open.
 */
function compareFolded(filter: Compare, column: CatalogueColumn, expression: string, target: FilterTarget, bound: Bound): string {
  const { comparison } = filter;
  if (bound === 'under') return NOTHING;
  if (comparison !== 'equal' && comparison !== 'starts' && comparison !== 'ends' && comparison !== 'contains') return unknown([expression], bound);
  const { dialect } = target.database;
  const folded = dialect.fold(dialect.text(expression, column));
  const value = foldCase(String(filter.value));
  const isPlain =
    comparison === 'equal' &&
    ((dialect.name === 'sqlite' && dialect.foldMisses === 'nothing') || (dialect.foldMisses === 'nothing' ? PLAIN : PLAIN_WITHOUT_FOLDING).test(value));
  if (isPlain) return `${folded} = ${target.bind(value)}`;
  return like(folded, patternOf(comparison, openPattern(value, dialect)), expression, target);
}

/** From here on the order of code units is not that of code points. */
const BEYOND = /[\ud800-\uffff]/;

/** A search that finds too much rather than too little. */
function like(text: string, pattern: string, expression: string, { database, bind }: FilterTarget): string {
  if (pattern.length > (database.dialect.longestPattern ?? Infinity)) return isThere([expression]);
  return `${text} LIKE ${bind(pattern)} ESCAPE '\\'`;
}

// What folds into these comes from ASCII alone. Three characters beyond it have ASCII as their canonical form or lower case:
// U+212A (k), U+1FEF (`) and U+037E (;); a database that folds knows the first, and U+0130 gives an i with a dot.
const PLAIN = /^[ -:<-_a-~]*$/;
const PLAIN_WITHOUT_FOLDING = /^[ -:<-_a-jl-~]*$/;

/** A pattern that matches whatever folds into the value: what is or may come from beyond ASCII matches anything. */
function openPattern(value: string, dialect: Dialect): string {
  return value
    .split(/(.?[^\0-\u007f]+|[ki`;])/su)
    .map((part, index) => (index % 2 === 1 ? '%' : escapePattern(part, dialect)))
    .join('');
}

function escapePattern(text: string, { wildcards }: Dialect): string {
  return text.replace(wildcards, '\\$&');
}

function patternOf(comparison: Compare['comparison'], pattern: string): string {
  const before = comparison === 'ends' || comparison === 'contains' ? '%' : '';
  const after = comparison === 'starts' || comparison === 'contains' ? '%' : '';
  return `${before}${pattern}${after}`;
}
