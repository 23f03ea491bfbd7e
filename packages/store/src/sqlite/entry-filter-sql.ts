import type { SQLInputValue } from 'node:sqlite';
import type { StoreFilter } from '../connector-store.ts';
import { flag } from '../rules/entry-flags.ts';
import { nextPrefix } from '../rules/next-prefix.ts';
import { foldText, type StoredAttribute, type StoredModel, type StoredType } from '../rules/stored-model.ts';

/** A condition over `entries e`, and whether an index serves it. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
  /** Whether looking at few rows is enough: some index narrows the search. */
  readonly indexed: boolean;
}

type Compare = Extract<StoreFilter, { kind: 'compare' }>;

const OPERATORS = { equal: '=', greater: '>', 'greater-or-equal': '>=', less: '<', 'less-or-equal': '<=' } as const;

/** Translates a filter. Everything translates; what no index serves is a scan, which the reader bounds (S-096). */
export function translateFilter(filter: StoreFilter, model: StoredModel, type: StoredType, hint: { readonly many: boolean } = { many: false }): SqlCondition {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return combine(
        filter.kind,
        filter.filters.map((part) => translateFilter(part, model, type, hint)),
      );
    case 'not': {
      const inner = translateFilter(filter.filter, model, type);
      return { sql: `NOT coalesce(${inner.sql}, 0)`, values: inner.values, indexed: false };
    }
    case 'present':
      return present(type.attributes.get(filter.attribute));
    case 'compare':
      return compare(filter, type);
    case 'resource':
      return resourceField(filter);
    case 'refers': {
      const attribute = type.attributes.get(filter.attribute);
      const values = [filter.entryId, attribute?.id ?? -1];
      if (hint.many) return { sql: 'EXISTS (SELECT 1 FROM refs WHERE target = ? AND attr = ? AND entry = e.id)', values, indexed: true };
      return { sql: 'e.id IN (SELECT entry FROM refs WHERE target = ? AND attr = ?)', values, indexed: true };
    }
    case 'referred': {
      const attribute = model.types.get(filter.objectType)?.attributes.get(filter.attribute)?.id ?? -1;
      if (filter.entryId === undefined) return { sql: 'EXISTS (SELECT 1 FROM refs WHERE target = e.id AND attr = ?)', values: [attribute], indexed: false };
      // Of many members a page is found by looking at entries in their order; of few, by looking at the members.
      if (hint.many)
        return { sql: 'EXISTS (SELECT 1 FROM refs WHERE target = e.id AND attr = ? AND entry = ?)', values: [attribute, filter.entryId], indexed: true };
      return { sql: 'e.id IN (SELECT target FROM refs WHERE entry = ? AND attr = ?)', values: [filter.entryId, attribute], indexed: true };
    }
  }
}

function combine(kind: 'and' | 'or', parts: readonly SqlCondition[]): SqlCondition {
  if (parts.length === 0) return { sql: kind === 'and' ? '1' : '0', values: [], indexed: kind === 'or' };
  return {
    sql: `(${parts.map((part) => part.sql).join(kind === 'and' ? ' AND ' : ' OR ')})`,
    values: parts.flatMap((part) => part.values),
    indexed: kind === 'and' ? parts.some((part) => part.indexed) : parts.every((part) => part.indexed),
  };
}

function present(attribute: StoredAttribute | undefined): SqlCondition {
  if (attribute === undefined) return { sql: '0', values: [], indexed: true };
  if (attribute.type === 'reference') return { sql: 'EXISTS (SELECT 1 FROM refs WHERE entry = e.id AND attr = ?)', values: [attribute.id], indexed: false };
  if (attribute.column !== undefined) return { sql: `e.${attribute.column} IS NOT NULL`, values: [], indexed: false };
  return { sql: `e.body -> ${path(attribute)} IS NOT NULL`, values: [], indexed: false };
}

function compare(filter: Compare, type: StoredType): SqlCondition {
  const attribute = type.attributes.get(filter.attribute);
  if (attribute === undefined) return { sql: '0', values: [], indexed: true };
  if (attribute.type === 'reference') return compareReference(filter, attribute);
  if (attribute.multiValued) return compareMultiValued(filter, attribute);
  const stored = attribute.type === 'string' && !attribute.caseExact;
  const fold = attribute.type === 'string' && !filter.caseExact;
  if (attribute.column !== undefined && (stored === fold || attribute.type !== 'string')) {
    return comparison(
      `e.${attribute.column}`,
      filter,
      operand(filter, attribute, fold),
      filter.comparison !== 'not-equal' && filter.comparison !== 'contains' && filter.comparison !== 'ends',
    );
  }
  // An exact comparison of an attribute whose index is folded: the index finds candidates, the body decides.
  const raw = comparison(`(e.body ->> ${path(attribute)})`, filter, operand(filter, attribute, false), false);
  if (attribute.column !== undefined && stored && !fold && filter.comparison === 'equal') {
    return { sql: `(e.${attribute.column} = ? AND ${raw.sql})`, values: [foldText(attribute, String(filter.value)), ...raw.values], indexed: true };
  }
  if (!fold)
    return attribute.type === 'integer' ? comparison(`CAST(e.body ->> ${path(attribute)} AS INTEGER)`, filter, operand(filter, attribute, false), false) : raw;
  return comparison(`${foldFunction(attribute)}(e.body ->> ${path(attribute)})`, filter, operand(filter, attribute, true), false);
}

/** The function that folds the text of an attribute. */
export function foldFunction(attribute: StoredAttribute): string {
  return attribute.accountName ? 'landbridge_fold_name' : 'landbridge_fold';
}

function operand(filter: Compare, attribute: StoredAttribute, fold: boolean): SQLInputValue {
  if (attribute.type === 'boolean') return filter.value === true || filter.value === 'true' ? 1 : 0;
  if (attribute.type === 'integer') return BigInt(String(filter.value));
  return fold ? foldText(attribute, String(filter.value)) : String(filter.value);
}

function comparison(left: string, filter: Compare, value: SQLInputValue, indexed: boolean): SqlCondition {
  switch (filter.comparison) {
    case 'not-equal':
      return { sql: `${left} <> ?`, values: [value], indexed: false };
    case 'contains':
      return { sql: `instr(${left}, ?) > 0`, values: [value], indexed: false };
    case 'ends':
      return {
        sql: `(length(${left}) >= length(?) AND substr(${left}, length(${left}) - length(?) + 1) = ?)`,
        values: [value, value, value],
        indexed: false,
      };
    case 'starts':
      return startsWith(left, String(value), indexed);
    default:
      return { sql: `${left} ${OPERATORS[filter.comparison]} ?`, values: [value], indexed };
  }
}

/** A prefix as a range, which an index serves; SQLite compares text by the bytes of UTF-8, that is by code point. */
function startsWith(left: string, prefix: string, indexed: boolean): SqlCondition {
  if (prefix === '') return { sql: `${left} IS NOT NULL`, values: [], indexed: false };
  const end = nextPrefix(prefix);
  if (end === undefined) return { sql: `${left} >= ?`, values: [prefix], indexed };
  return { sql: `(${left} >= ? AND ${left} < ?)`, values: [prefix, end], indexed };
}

function compareReference(filter: Compare, attribute: StoredAttribute): SqlCondition {
  const inner = comparison('raw', filter, String(filter.value), false);
  return {
    sql: `EXISTS (SELECT 1 FROM refs WHERE entry = e.id AND attr = ? AND ${inner.sql})`,
    values: [attribute.id, ...inner.values],
    indexed: false,
  };
}

function compareMultiValued(filter: Compare, attribute: StoredAttribute): SqlCondition {
  const stored = attribute.type === 'string' && !attribute.caseExact;
  const fold = attribute.type === 'string' && !filter.caseExact;
  const kept = attribute.queryable || attribute.unique;
  if (kept && stored === fold && attribute.type !== 'integer' && attribute.type !== 'boolean') {
    const inner = comparison('key', filter, operand(filter, attribute, fold), true);
    const indexed = filter.comparison === 'equal' || filter.comparison === 'starts';
    return { sql: `e.id IN (SELECT entry FROM mv WHERE attr = ? AND ${inner.sql})`, values: [attribute.id, ...inner.values], indexed };
  }
  const element = attribute.type === 'integer' ? 'CAST(value AS INTEGER)' : fold ? `${foldFunction(attribute)}(value)` : 'value';
  const inner = comparison(element, filter, operand(filter, attribute, fold), false);
  return { sql: `EXISTS (SELECT 1 FROM json_each(e.body, ${path(attribute)}) WHERE ${inner.sql})`, values: inner.values, indexed: false };
}

function resourceField(filter: Extract<StoreFilter, { kind: 'resource' }>): SqlCondition {
  const operator = filter.comparison === 'equal' ? '=' : filter.comparison === 'not-equal' ? '<>' : undefined;
  switch (filter.field) {
    case 'id':
      if (filter.comparison === 'present') return { sql: '1', values: [], indexed: false };
      if (filter.comparison === 'starts') return startsWith('e.scim_id', String(filter.value), true);
      if (operator === '=')
        return {
          sql: '(e.scim_id = ? OR e.scim_id = (SELECT scim_id FROM link_aliases WHERE alias = ?))',
          values: [String(filter.value), String(filter.value)],
          indexed: true,
        };
      return { sql: `e.scim_id ${operator ?? orderOperator(filter.comparison)} ?`, values: [String(filter.value)], indexed: false };
    case 'created':
    case 'modified':
      if (filter.comparison === 'present') return { sql: '1', values: [], indexed: false };
      return { sql: `e.${filter.field} ${operator ?? orderOperator(filter.comparison)} ?`, values: [Number(filter.value)], indexed: false };
    case 'inactive': {
      const inactive = `(e.flags & ${flag.link} <> 0 AND EXISTS (SELECT 1 FROM links l WHERE l.scim_id = e.scim_id AND (l.state = 'disabled' OR l.shadow ->> '$.active' = 0)))`;
      return { sql: filter.value === true ? inactive : `NOT ${inactive}`, values: [], indexed: false };
    }
    case 'external-id': {
      const client = filter.client ?? '';
      if (filter.comparison === 'present')
        return {
          sql: 'EXISTS (SELECT 1 FROM link_external x WHERE x.scim_id = e.scim_id AND x.client = ?)',
          values: [client],
          indexed: false,
        };
      if (operator === '=')
        return {
          sql: 'e.scim_id IN (SELECT scim_id FROM link_external WHERE client = ? AND external_id = ?)',
          values: [client, String(filter.value)],
          indexed: true,
        };
      const inner =
        filter.comparison === 'starts'
          ? startsWith('x.external_id', String(filter.value), false)
          : { sql: `x.external_id ${operator ?? orderOperator(filter.comparison)} ?`, values: [String(filter.value)] };
      return {
        sql: `EXISTS (SELECT 1 FROM link_external x WHERE x.scim_id = e.scim_id AND x.client = ? AND ${inner.sql})`,
        values: [client, ...inner.values],
        indexed: false,
      };
    }
  }
}

function orderOperator(comparisonName: Extract<StoreFilter, { kind: 'resource' }>['comparison']): string {
  const operators: Readonly<Record<string, string>> = OPERATORS;
  return operators[comparisonName] ?? '=';
}

/** The JSON path of an attribute, as a literal: names come from the configured model only, and are quoted. */
function path(attribute: StoredAttribute): string {
  return `'$.${JSON.stringify(attribute.name).replaceAll("'", "''")}'`;
}
