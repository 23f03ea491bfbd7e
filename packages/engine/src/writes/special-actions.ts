import type { CompiledObjectType, ConnectorErrorData, EncodedAttributes } from '@landbridge/connector-sdk';
import type { ConnectorReader } from '@landbridge/store';
import { isSameName, splitName } from './distinguished-names.ts';
import { wholeObject } from './plan-write.ts';
import type { WriteInFlight, WriteStep } from './planned-write.ts';

/**
 * What a connector asks for instead of a refusal (ECMA2 `ExportAction…`): the target of a reference is not there yet, the parent
 * is not there yet, or the entry to update is missing and should be added.
 *
 * 1. Something that may come is waited for a few times, with back-off, while the write stays open; then it is a refusal.
 * 2. A parent may come only while its own creation is under way.
 * 3. An update is turned into an add once, with everything that the space knows of the entry.
 */
export interface SpecialActions {
  /** Takes a refused step over. `false`: the refusal stands. */
  take(write: WriteInFlight, error: ConnectorErrorData): boolean;
  began(write: WriteInFlight): void;
  ended(write: WriteInFlight): void;
}

export interface SpecialActionOptions {
  readonly reader: Pick<ConnectorReader, 'readEntry' | 'readReferences'>;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  resend(write: WriteInFlight): void;
  refuse(write: WriteInFlight, error: ConnectorErrorData): void;
}

const BACK_OFF_MILLISECONDS = [100, 300, 1000, 3000] as const;

/** Makes the special actions of a connector's writes. */
export function createSpecialActions(options: SpecialActionOptions): SpecialActions {
  const creations = new Map<number, string>();
  const attempts = new WeakMap<WriteInFlight, number>();
  const converted = new WeakSet<WriteInFlight>();

  function waitAndResend(write: WriteInFlight): boolean {
    const attempt = attempts.get(write) ?? 0;
    const wait = BACK_OFF_MILLISECONDS[attempt];
    if (wait === undefined) return false;
    attempts.set(write, attempt + 1);
    setTimeout(() => options.resend(write), wait);
    return true;
  }

  function parentMayCome(write: WriteInFlight): boolean {
    const step = write.steps[write.nextStep];
    const name = step?.call === 'put' ? (step.change.newDn ?? step.change.dn) : undefined;
    const parent = name === undefined ? undefined : splitName(name)[1];
    return parent !== undefined && [...creations.values()].some((dn) => isSameName(dn, parent));
  }

  async function convert(write: WriteInFlight, error: ConnectorErrorData): Promise<void> {
    const step = write.steps[write.nextStep];
    const objectType = options.objectTypes.get(write.objectType);
    const row = await options.reader.readEntry(write.entryId);
    if (step?.call !== 'put' || objectType === undefined || row === undefined) return options.refuse(write, error);
    const allReferences = new Map<string, readonly string[]>();
    for (const { name, type, multiValued } of objectType.definition.attributes) {
      if (type !== 'reference' || multiValued !== true) continue;
      const references = await options.reader.readReferences(write.entryId, name, { limit: Number.MAX_SAFE_INTEGER });
      allReferences.set(
        name,
        references.map((reference) => reference.raw),
      );
    }
    const attributes = JSON.parse(row.body) as EncodedAttributes;
    const { anchor, dn, newDn } = step.change;
    const name = newDn ?? dn;
    const assigned = objectType.anchor.some((attribute) => attribute.assigned === true);
    const add: WriteStep = {
      ...step,
      change: {
        objectType: write.objectType,
        modification: 'add',
        ...(anchor === undefined || assigned ? {} : { anchor }),
        ...(name === undefined ? {} : { dn: name }),
        changes: wholeObject(objectType, { attributes, dn: row.dn, anchor: anchor ?? {}, allReferences }, step.effect),
      },
    };
    write.steps = write.steps.map((one, index) => (index === write.nextStep ? add : one));
    options.resend(write);
  }

  return {
    take(write, error) {
      const step = write.steps[write.nextStep];
      if (step?.call !== 'put') return false;
      if (error.code === 'retry-reference') return waitAndResend(write);
      if (error.code === 'missing-parent') return parentMayCome(write) && waitAndResend(write);
      const { modification } = step.change;
      if (error.code !== 'convert-to-add' || (modification !== 'update' && modification !== 'replace') || converted.has(write)) return false;
      converted.add(write);
      convert(write, error).catch(() => options.refuse(write, error));
      return true;
    },
    began(write) {
      const step = write.steps[0];
      if (write.kind === 'add' && step?.call === 'put' && step.change.dn !== undefined) creations.set(write.journalId, step.change.dn);
    },
    ended(write) {
      creations.delete(write.journalId);
    },
  };
}
