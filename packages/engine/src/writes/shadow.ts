import type { CompiledObjectType } from '@landbridge/connector-sdk';
import type { EntryEffect } from '@landbridge/store';
import type { EncodedAttributeChange } from '../connector-host/connector-handle.ts';
import { mergeEffects, noEffect, type PlannedWrite, type WriteStep } from './planned-write.ts';

/**
 * Mode shadow (R31): writes are accepted, planned as if they were to be sent, and recorded; the application is not called.
 *
 * 1. A write is marked before its intent is durable: whatever becomes of the host, or of the mode, it is never sent.
 * 2. Its steps stay in the journal as the record of what would have been sent, without the values of secrets; a password is kept nowhere.
 * 3. The space shows its effect until an import tells what the application has (`commitResults` of the store, `recorded`).
 * 4. A reference to an entry that the application was not asked to make has no value yet: the record names the resource, and the space, which
 *    an import is compared with, leaves it out.
 * 5. Nobody is told of it but its client: no event, and nothing that the host issued ends.
 */
export function toShadowWrite(write: PlannedWrite, objectTypes: ReadonlyMap<string, CompiledObjectType>): PlannedWrite {
  const { password: _, events, ...rest } = write;
  const type = objectTypes.get(write.objectType);
  return {
    ...rest,
    effect: withoutUntold(write.effect),
    steps: write.steps.map((step) => ({
      ...step,
      shadow: true,
      ...(step.call === 'put'
        ? { change: { ...step.change, changes: step.change.changes.map((change) => withoutSecret(change, type)) }, effect: withoutUntold(step.effect) }
        : {}),
    })),
    // Who asked to be told of the end (`Prefer: respond-async`) is told.
    ...(events?.async ? { events } : {}),
  };
}

const UNTOLD = '(no identifier in the application yet) ';

/** What stands in the record for a reference to a resource whose identifier the application has not told. */
export function untoldReference(scimId: string): string {
  return `${UNTOLD}${scimId}`;
}

function withoutUntold(effect: EntryEffect): EntryEffect {
  const isUntold = (value: unknown): boolean => typeof value === 'string' && value.startsWith(UNTOLD);
  const left = Object.keys(effect.set).filter((name) => isUntold(effect.set[name]));
  const references = effect.references.flatMap((delta) => {
    const added = delta.added.filter((value) => !isUntold(value));
    if (added.length === delta.added.length) return [delta];
    if (added.length > 0 || delta.removed.length > 0 || delta.replace) return [{ ...delta, added }];
    left.push(delta.attribute);
    return [];
  });
  return {
    ...effect,
    set: Object.fromEntries(Object.entries(effect.set).filter(([name]) => !left.includes(name))),
    references,
    awaiting: effect.awaiting.filter((name) => !left.includes(name)),
  };
}

/** What stands for a value that nobody may read. */
const SECRET = '(secret)';

function withoutSecret(change: EncodedAttributeChange, type: CompiledObjectType | undefined): EncodedAttributeChange {
  if (type?.attributes.get(change.name)?.secret !== true || change.modification === 'delete') return change;
  return change.modification === 'update' ? { ...change, added: [SECRET], removed: [SECRET] } : { ...change, values: [SECRET] };
}

/** Whether a write was recorded instead of sent. */
export function isShadow(steps: readonly WriteStep[]): boolean {
  return steps[0]?.shadow === true;
}

/** The effect of all steps together. */
export function effectOfSteps(steps: readonly WriteStep[]): PlannedWrite['effect'] {
  return steps.reduce((effect, step) => (step.call === 'put' ? mergeEffects(effect, step.effect) : effect), noEffect);
}
