import type { CompiledObjectType, EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { EntryEffect } from '@landbridge/store';
import type { EncodedAttributeChange, EncodedChange } from '../connector-host/connector-handle.ts';
import type { PasswordSeal } from './password-seal.ts';
import type { PlannedWrite } from './planned-write.ts';

/**
 * Values of secret attributes, which no import shows (R8): the space keeps what was written last, sealed, so that an export of the
 * whole object takes nothing away; the journal has them sealed too; they are opened for the connector's call, and nowhere else.
 *
 * A password is no such value: it is kept nowhere once it is set (R21).
 */
export interface SecretValues {
  /** The write with its secret values sealed, and with the effect that the space keeps them. */
  seal(write: PlannedWrite): PlannedWrite;
  /** The change as the connector is to have it. A value that was sealed under another key is left out: it cannot be read any more. */
  open<Change extends Pick<EncodedChange, 'objectType' | 'changes'>>(change: Change): Change;
}

/** Makes it for the object types of a connector. `seal` is bound to secret values: a sealed password cannot stand for one. */
export function createSecretValues(seal: PasswordSeal, objectTypes: ReadonlyMap<string, CompiledObjectType>): SecretValues {
  const secrets = new Map([...objectTypes].map(([name, type]) => [name, new Set(secretsOf(type))]));
  const namesOf = (objectType: string): ReadonlySet<string> => secrets.get(objectType) ?? new Set();

  /** Sealed values look like it and open: nobody without the key can write one. */
  function read(value: EncodedValue): EncodedValue | undefined {
    if (typeof value !== 'string' || !/^1\.[\w-]+\.[\w-]+\.[\w-]+$/.test(value)) return undefined;
    try {
      return JSON.parse(seal.open(value)) as EncodedValue;
    } catch {
      return undefined;
    }
  }

  return {
    seal(write) {
      const names = namesOf(write.objectType);
      if (names.size === 0) return write;
      const type = objectTypes.get(write.objectType);
      const kept: Record<string, EncodedAttributes[string]> = {};
      const steps = write.steps.map((step) => {
        if (step.call !== 'put' || !step.change.changes.some((change) => names.has(change.name))) return step;
        const set: Record<string, EncodedAttributes[string]> = {};
        const changes = step.change.changes.map((change): EncodedAttributeChange => {
          if (!names.has(change.name) || change.modification === 'delete' || change.modification === 'update') return change;
          // What the space had already is sealed.
          if (change.values.every((value) => read(value) !== undefined)) return change;
          const values = change.values.map((value) => seal.seal(JSON.stringify(value)));
          set[change.name] = type?.attributes.get(change.name)?.multiValued === true ? values : (values[0] as string);
          return { ...change, values };
        });
        Object.assign(kept, set);
        return { ...step, change: { ...step.change, changes }, effect: withValues(step.effect, set) };
      });
      return { ...write, steps, effect: withValues(write.effect, kept) };
    },
    open(change) {
      const names = namesOf(change.objectType);
      if (names.size === 0 || !change.changes.some(({ name }) => names.has(name))) return change;
      const changes = change.changes.flatMap((one): readonly EncodedAttributeChange[] => {
        if (!names.has(one.name) || one.modification === 'delete' || one.modification === 'update') return [one];
        const values = one.values.flatMap((value) => read(value) ?? []);
        return values.length === 0 ? [] : [{ ...one, values }];
      });
      return { ...change, changes };
    },
  };
}

/** The names of the secret attributes of a type. */
function secretsOf(type: CompiledObjectType | undefined): readonly string[] {
  return (type?.definition.attributes ?? []).filter((attribute) => attribute.secret === true).map(({ name }) => name);
}

/** Attributes without secret ones: for whoever is only to know whose entry it is. */
export function withoutSecrets(type: CompiledObjectType | undefined, attributes: EncodedAttributes): EncodedAttributes {
  const names = secretsOf(type);
  return names.length === 0 ? attributes : Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

function withValues(effect: EntryEffect, set: EncodedAttributes): EntryEffect {
  return Object.keys(set).length === 0 ? effect : { ...effect, set: { ...effect.set, ...set } };
}
