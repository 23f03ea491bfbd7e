import { type CompiledObjectType, ConnectorError, type EncodedValue, type EntryFilter } from '@landbridge/connector-sdk';
import { everyProblem } from './every-problem.ts';

/** One condition on an object of the application. */
export interface LeaveOutCondition {
  readonly attribute: string;
  readonly is: 'equal' | 'not-equal' | 'present' | 'absent';
  /** As text; of `equal` and `not-equal`. */
  readonly value?: string;
}

/** Objects that are no entries of the connector: those that satisfy all conditions of any of these. MIM calls it a connector filter. */
export type LeaveOut = readonly (readonly LeaveOutCondition[])[];

/**
 * The filter that objects out of scope satisfy; undefined where nothing is left out. A comparison is not satisfied by an attribute
 * without a value.
 *
 * @throws ConnectorError `invalid-configuration` for an attribute that the object type does not have.
 */
export function compileLeaveOut(type: CompiledObjectType, leaveOut: LeaveOut | undefined): EntryFilter | undefined {
  if (leaveOut === undefined || leaveOut.length === 0) return undefined;
  return {
    kind: 'or',
    filters: everyProblem(leaveOut, (conditions) => ({ kind: 'and', filters: everyProblem(conditions, (condition) => compileCondition(type, condition)) })),
  };
}

function compileCondition(type: CompiledObjectType, { attribute: name, is, value = '' }: LeaveOutCondition): EntryFilter {
  const attribute = type.attributes.get(name);
  if (attribute === undefined)
    throw new ConnectorError('invalid-configuration', `leaveOut of the object type "${type.name}" names the attribute "${name}", which it does not have`, {
      attribute: name,
    });
  const present: EntryFilter = { kind: 'present', attribute: name };
  if (is === 'present') return present;
  if (is === 'absent') return { kind: 'not', filter: present };
  const encoded: EncodedValue = attribute.type === 'boolean' ? value === 'true' : value;
  const equal: EntryFilter = {
    kind: 'compare',
    attribute: name,
    comparison: 'equal',
    value: encoded,
    type: attribute.type,
    caseExact: attribute.caseExact === true || attribute.type !== 'string',
  };
  return is === 'equal' ? equal : { kind: 'and', filters: [present, { kind: 'not', filter: equal }] };
}
