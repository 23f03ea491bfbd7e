import type { FilterRule } from '../model.ts';

/** A value of `leaveOut` in the configuration: conditions of one alternative, by attribute. */
export type LeaveOutValue = Readonly<Record<string, string | { readonly not: string } | { readonly present: boolean }>>;

const RADIX = /^radix \d+:/;

/**
 * What a declared connector filter is in the configuration; undefined for what has no counterpart: rules of the extension, other
 * operators, binary values, two conditions on one attribute.
 */
export function toLeaveOut(filter: FilterRule): readonly LeaveOutValue[] | undefined {
  if (filter.kind !== 'declared') return undefined;
  const result: LeaveOutValue[] = [];
  for (const alternative of filter.alternatives) {
    const value: Record<string, LeaveOutValue[string]> = {};
    for (const { attribute, operator, values } of alternative) {
      const condition = toCondition(operator, values);
      if (condition === undefined || attribute === '' || Object.hasOwn(value, attribute)) return undefined;
      value[attribute] = condition;
    }
    if (alternative.length > 0) result.push(value);
  }
  return result.length === 0 ? undefined : result;
}

function toCondition(operator: string, values: readonly string[]): LeaveOutValue[string] | undefined {
  if (operator === 'present') return { present: true };
  if (operator === 'not-present') return { present: false };
  const [value, ...more] = values;
  if (value === undefined || more.length > 0 || value.startsWith('base64:')) return undefined;
  // Integers are written in hexadecimal, with the radix that the designer showed.
  const plain = RADIX.test(value) ? decimal(value.replace(RADIX, '')) : value;
  if (plain === undefined) return undefined;
  if (operator === 'equality') return plain;
  return operator === 'inequality' ? { not: plain } : undefined;
}

function decimal(text: string): string | undefined {
  return /^(0x[0-9a-f]+|\d+)$/i.test(text) ? String(BigInt(text)) : undefined;
}
