import type { EntryComparison, SchemaAttribute } from '@landbridge/connector-sdk';
import type { ScimAttribute } from '@landbridge/scim';
import type { StoreFilter } from '@landbridge/store';
import type { Binding } from './binding.ts';

/** The comparison operators of SCIM (RFC 7644 §3.4.2.2) as the store knows them. */
const COMPARISONS: Readonly<Record<string, EntryComparison>> = {
  eq: 'equal',
  ne: 'not-equal',
  co: 'contains',
  sw: 'starts',
  ew: 'ends',
  gt: 'greater',
  ge: 'greater-or-equal',
  lt: 'less',
  le: 'less-or-equal',
};

/** The store's name of a SCIM operator; `undefined` for `pr`. */
export function comparisonOf(operator: string): EntryComparison | undefined {
  return COMPARISONS[operator.toLowerCase()];
}

/** Always true, always false: a conjunction and a disjunction of nothing. */
export const everything: StoreFilter = { kind: 'and', filters: [] };
export const nothing: StoreFilter = { kind: 'or', filters: [] };

/** A comparison of one bound attribute, or `undefined` where the value cannot be compared in the application's terms. */
export function compareBinding(binding: Binding, definition: Pick<ScimAttribute, 'caseExact'>, comparison: EntryComparison, value: string | number | boolean): StoreFilter | undefined {
  const { source, convert } = binding;
  let encoded: string | boolean;
  try {
    encoded = convert.fromScim(value);
  } catch {
    // A value that the application cannot hold equals nothing.
    return comparison === 'equal' ? nothing : undefined;
  }
  // Values kept in another form (integers or booleans shown as text, mapped booleans) compare for equality only.
  const sameForm = convert.type === 'string' ? source.type === 'string' : true;
  if (!sameForm && comparison !== 'equal' && comparison !== 'not-equal') return undefined;
  return { kind: 'compare', attribute: source.name, comparison, value: encoded, type: source.type, caseExact: isCaseExact(source, definition) };
}

function isCaseExact(source: SchemaAttribute, definition: Pick<ScimAttribute, 'caseExact'>): boolean {
  return source.type !== 'string' || definition.caseExact;
}

/** The disjunction of filters, without ceremony for one or none. */
export function anyOf(filters: readonly StoreFilter[]): StoreFilter {
  const [only] = filters;
  return filters.length === 1 && only !== undefined ? only : { kind: 'or', filters };
}
