import { toOrdinaryWidth } from '@landbridge/connector-sdk';
import type { StoreFilter } from '../connector-store.ts';
import { flag } from '../rules/entry-flags.ts';
import { nextPrefix } from '../rules/next-prefix.ts';
import { foldText, type StoredAttribute, type StoredModel, type StoredType } from '../rules/stored-model.ts';
import type { SqlValue } from './connection.ts';
import { isShortPrefix, keyExpression, literal, SURELY_WHOLE, toIndexKey, toKept } from './records.ts';

/** A condition over `entries e`, and whether an index serves it. */
export interface SqlCondition {
  readonly sql: string;
  /** Whether looking at few rows is enough: some index narrows the search. */
  readonly indexed: boolean;
}

type Compare = Extract<StoreFilter, { kind: 'compare' }>;
type Resource = Extract<StoreFilter, { kind: 'resource' }>;

const OPERATORS = { equal: '=', greater: '>', 'greater-or-equal': '>=', less: '<', 'less-or-equal': '<=' } as const;
const NOTHING: SqlCondition = { sql: 'false', indexed: true };

/** Translates filters, gathering their values: `$n` of the first is `values[n - 1]`. */
export interface FilterTranslator {
  readonly values: SqlValue[];
  /** Everything translates; what no index serves is a scan, which the reader bounds (S-096). */
  translate(filter: StoreFilter, type: StoredType): SqlCondition;
  bind(value: SqlValue): string;
}

/**
 * A translator without values yet. With `after`, only entries behind that one are asked for: of a large group then no members are read that come
 * before it.
 */
export function createFilterTranslator(model: StoredModel, after?: number): FilterTranslator {
  const values: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${values.push(typeof value === 'string' ? toKept(value) : value)}`;

  function translate(filter: StoreFilter, type: StoredType): SqlCondition {
    switch (filter.kind) {
      case 'and':
      case 'or': {
        const parts = filter.filters.map((part) => translate(part, type));
        return combine(filter.kind, parts);
      }
      case 'not':
        return { sql: `NOT coalesce(${translate(filter.filter, type).sql}, false)`, indexed: false };
      case 'present':
        return present(type.attributes.get(filter.attribute));
      case 'compare':
        return compare(filter, type);
      case 'resource':
        return resourceField(filter);
      case 'refers': {
        const attribute = type.attributes.get(filter.attribute)?.id ?? -1;
        return { sql: `e.id IN (SELECT r.entry FROM refs r WHERE r.target = ${bind(filter.entryId)}::bigint AND r.attr = ${attribute})`, indexed: true };
      }
      case 'referred': {
        const attribute = model.types.get(filter.objectType)?.attributes.get(filter.attribute)?.id ?? -1;
        if (filter.entryId === undefined) return { sql: `EXISTS (SELECT 1 FROM refs r WHERE r.target = e.id AND r.attr = ${attribute})`, indexed: false };
        const behind = after === undefined ? '' : ` AND r.target > ${bind(after)}::bigint`;
        return {
          sql: `e.id IN (SELECT r.target FROM refs r WHERE r.entry = ${bind(filter.entryId)}::bigint AND r.attr = ${attribute}${behind})`,
          indexed: true,
        };
      }
    }
  }

  function present(attribute: StoredAttribute | undefined): SqlCondition {
    if (attribute === undefined) return NOTHING;
    if (attribute.type === 'reference') return { sql: `EXISTS (SELECT 1 FROM refs r WHERE r.entry = e.id AND r.attr = ${attribute.id})`, indexed: false };
    return { sql: `(as_json(e.body) -> ${literal(attribute.name)}) IS NOT NULL`, indexed: false };
  }

  function compare(filter: Compare, type: StoredType): SqlCondition {
    const attribute = type.attributes.get(filter.attribute);
    if (attribute === undefined) return NOTHING;
    if (attribute.type === 'reference')
      return {
        sql: `EXISTS (SELECT 1 FROM refs r WHERE r.entry = e.id AND r.attr = ${attribute.id} AND ${comparison('r.raw', filter, String(filter.value))})`,
        indexed: false,
      };
    if (attribute.multiValued) return compareMultiValued(filter, attribute);
    const stored = attribute.type === 'string' && !attribute.caseExact;
    const fold = attribute.type === 'string' && !filter.caseExact;
    const body = bodyValue(attribute);
    if (attribute.column !== undefined && (stored === fold || attribute.type !== 'string') && isServed(filter)) {
      return { sql: comparison(keyExpression(attribute), filter, keyOperand(filter, attribute, fold)), indexed: filter.comparison !== 'not-equal' };
    }
    const whole = comparison(fold ? folded(attribute, body) : body, filter, operand(filter, attribute, fold));
    // An exact comparison of an attribute whose index is folded: the index finds candidates, the body decides.
    if (attribute.column !== undefined && stored && !fold && filter.comparison === 'equal')
      return { sql: `(${keyExpression(attribute)} = ${bind(toIndexKey(foldText(attribute, String(filter.value))))} AND ${whole})`, indexed: true };
    if (attribute.column !== undefined && attribute.type === 'string' && stored === fold && isPart(filter)) {
      const key = keyExpression(attribute);
      return {
        sql: `CASE WHEN length(${key}) >= ${SURELY_WHOLE} THEN ${whole} ELSE ${comparison(key, filter, operand(filter, attribute, fold))} END`,
        indexed: false,
      };
    }
    return { sql: whole, indexed: false };
  }

  function compareMultiValued(filter: Compare, attribute: StoredAttribute): SqlCondition {
    const stored = attribute.type === 'string' && !attribute.caseExact;
    const fold = attribute.type === 'string' && !filter.caseExact;
    const kept = (attribute.queryable || attribute.unique) && attribute.type !== 'integer' && attribute.type !== 'boolean';
    if (kept && stored === fold && isServed(filter)) {
      const inner = comparison('m.key', filter, keyOperand(filter, attribute, fold));
      return {
        sql: `e.id IN (SELECT m.entry FROM mv m WHERE m.attr = ${attribute.id} AND ${inner})`,
        indexed: filter.comparison === 'equal' || filter.comparison === 'starts',
      };
    }
    const value = operand(filter, attribute, fold);
    const element = attribute.type === 'integer' ? 'a.value::bigint' : fold ? folded(attribute, 'a.value') : '(a.value COLLATE "C")';
    const list = `json_array_elements_text(CASE json_typeof(as_json(e.body) -> ${literal(attribute.name)}) WHEN 'array' THEN as_json(e.body) -> ${literal(attribute.name)} ELSE '[]'::json END)`;
    const inBody = `EXISTS (SELECT 1 FROM ${list} AS a(value) WHERE ${comparison(element, filter, value)})`;
    if (!(kept && stored === fold && isPart(filter))) return { sql: inBody, indexed: false };
    const keys = `SELECT m.entry FROM mv m WHERE m.attr = ${attribute.id} AND length(m.key) < ${SURELY_WHOLE} AND ${comparison('m.key', filter, value)}`;
    const cut = `SELECT e.id FROM mv m JOIN entries e ON e.id = m.entry WHERE m.attr = ${attribute.id} AND length(m.key) >= ${SURELY_WHOLE} AND ${inBody}`;
    return { sql: `e.id IN (${keys} UNION ALL ${cut})`, indexed: false };
  }

  function comparison(left: string, filter: Compare, value: SqlValue): string {
    const cast = typeof value === 'string' && left.endsWith('::bigint)') ? '::bigint' : '';
    switch (filter.comparison) {
      case 'not-equal':
        return `${left} <> ${bind(value)}${cast}`;
      case 'contains':
        return `strpos(${left}, ${bind(value)}) > 0`;
      case 'ends': {
        const operandOf = bind(value);
        return `(length(${left}) >= length(${operandOf}) AND right(${left}, length(${operandOf})) = ${operandOf})`;
      }
      case 'starts':
        return startsWith(left, String(value)).sql;
      default:
        return `${left} ${OPERATORS[filter.comparison]} ${bind(value)}${cast}`;
    }
  }

  /** A prefix as a range, which an index serves: text is compared by the bytes of UTF-8, that is by code point. */
  function startsWith(left: string, prefix: string): { readonly sql: string; readonly narrow: boolean } {
    if (prefix === '') return { sql: `${left} IS NOT NULL`, narrow: false };
    const end = nextPrefix(prefix);
    return { sql: end === undefined ? `${left} >= ${bind(prefix)}` : `(${left} >= ${bind(prefix)} AND ${left} < ${bind(end)})`, narrow: true };
  }

  function resourceField(filter: Resource): SqlCondition {
    const text = String(filter.value);
    const operator = filter.comparison === 'not-equal' ? '<>' : ((OPERATORS as Readonly<Record<string, string>>)[filter.comparison] ?? '=');
    switch (filter.field) {
      case 'id': {
        if (filter.comparison === 'present') return { sql: 'true', indexed: false };
        if (filter.comparison === 'starts') {
          const { sql, narrow } = startsWith('e.scim_id', text);
          return { sql, indexed: narrow };
        }
        if (operator !== '=') return { sql: `e.scim_id ${operator} ${bind(text)}`, indexed: false };
        const id = bind(text);
        return { sql: `e.scim_id IN (SELECT ${id}::text UNION ALL SELECT a.scim_id FROM link_aliases a WHERE a.alias = ${id})`, indexed: true };
      }
      case 'created':
      case 'modified':
        if (filter.comparison === 'present') return { sql: 'true', indexed: false };
        return { sql: `e.${filter.field} ${operator} ${bind(Number(filter.value))}::bigint`, indexed: false };
      case 'inactive': {
        const inactive = `(e.flags & ${flag.link} <> 0 AND EXISTS (SELECT 1 FROM links k WHERE k.scim_id = e.scim_id AND (k.state = 'disabled' OR as_json(k.shadow) ->> 'active' = 'false')))`;
        return { sql: filter.value === true ? inactive : `NOT ${inactive}`, indexed: false };
      }
      case 'external-id': {
        const client = bind(filter.client ?? '');
        const of = `SELECT 1 FROM link_external x WHERE x.scim_id = e.scim_id AND x.client = ${client}`;
        if (filter.comparison === 'present') return { sql: `EXISTS (${of})`, indexed: false };
        if (operator === '=' && filter.comparison !== 'starts')
          return { sql: `e.scim_id IN (SELECT x.scim_id FROM link_external x WHERE x.client = ${client} AND x.external_id = ${bind(text)})`, indexed: true };
        const inner = filter.comparison === 'starts' ? startsWith('x.external_id', text).sql : `x.external_id ${operator} ${bind(text)}`;
        return { sql: `EXISTS (${of} AND ${inner})`, indexed: false };
      }
    }
  }

  return { values, translate, bind };
}

/** Whether the comparison key alone decides: it is cut where values are very long. */
function isServed(filter: Compare): boolean {
  if (filter.comparison === 'contains' || filter.comparison === 'ends') return false;
  return filter.comparison !== 'starts' || (String(filter.value) !== '' && isShortPrefix(String(filter.value)));
}

/** Whether a part of a text is asked for: of a key that is surely whole that is answered ten times as fast as of a body. */
function isPart(filter: Compare): boolean {
  return filter.comparison === 'contains' || filter.comparison === 'ends';
}

function combine(kind: 'and' | 'or', parts: readonly SqlCondition[]): SqlCondition {
  if (parts.length === 0) return kind === 'and' ? { sql: 'true', indexed: false } : NOTHING;
  return {
    sql: `(${parts.map((part) => part.sql).join(kind === 'and' ? ' AND ' : ' OR ')})`,
    indexed: kind === 'and' ? parts.some((part) => part.indexed) : parts.every((part) => part.indexed),
  };
}

const WIDE = ['\u3000', ...Array.from({ length: 0xffee - 0xff00 }, (_, index) => String.fromCharCode(0xff01 + index))].filter(
  (character) => toOrdinaryWidth(character) !== character,
);

/** A text expression as {@link foldText} folds it. */
export function folded({ accountName }: Pick<StoredAttribute, 'accountName'>, text: string): string {
  return accountName ? `fold(translate(${text}, ${literal(WIDE.join(''))}, ${literal(WIDE.map(toOrdinaryWidth).join(''))}))` : `fold(${text})`;
}

/** The value of a single-valued attribute in the body: the expression of a scan, and of sorting without an index. */
export function bodyValue(attribute: Pick<StoredAttribute, 'name' | 'type'>): string {
  const text = `(as_json(e.body) ->> ${literal(attribute.name)})`;
  return attribute.type === 'integer' ? `(${text}::bigint)` : `(${text} COLLATE "C")`;
}

function keyOperand(filter: Compare, attribute: StoredAttribute, fold: boolean): string {
  const value = operand(filter, attribute, fold);
  return attribute.type === 'integer' || filter.comparison === 'starts' ? value : toIndexKey(value);
}

function operand(filter: Compare, attribute: StoredAttribute, fold: boolean): string {
  if (attribute.type === 'boolean') return filter.value === true || filter.value === 'true' ? 'true' : 'false';
  return fold ? foldText(attribute, String(filter.value)) : String(filter.value);
}
