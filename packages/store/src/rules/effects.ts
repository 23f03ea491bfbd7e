import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';
import type { EntryEffect, HeldDecision, ImportedEntry } from '../connector-store.ts';
import { type ComparedModel, sameValue, showsDelta } from './confirmation.ts';
import { attributeOf, type StoredModel, type StoredType } from './stored-model.ts';

/** A delete is a delete whatever changed; an update was planned against what the entry was. */
export function judgeHeld(
  decision: 'approved' | 'rejected',
  journal: Readonly<Record<string, unknown>>,
  entry: Readonly<Record<string, unknown>> | undefined,
): Exclude<HeldDecision, 'not-held'> {
  if (decision === 'rejected') return 'rejected';
  if (entry === undefined) return 'gone';
  return journal['kind'] === 'update' && Number(entry['modified']) > Number(journal['at']) ? 'changed' : 'approved';
}

/** A write that leaves the entry as the space knows it: a password, a full export. */
export function isNothing({ set, unset, references, anchor, dn }: EntryEffect): boolean {
  return Object.keys(set).length + unset.length + references.length === 0 && anchor === undefined && dn === undefined;
}

/** The method of the row that goes on with the password of a write. */
export const PASSWORD_METHOD = 'PASSWORD';

/** The steps of a write that sets a password by a call of its own hold this; of other passwords nothing is left once their entry is written. */
export const PASSWORD_STEP = '"call":"set-password"';

/** What a password changes of an entry that anybody can read, as a journal row has it. */
export const NO_EFFECT = JSON.stringify({ set: {}, unset: [], references: [], awaiting: [] } satisfies EntryEffect);

/** The rest of an effect that only sets values. */
export const noChange = { unset: [], references: [], awaiting: [] } as const;

/** Whether an object shows everything that a write wanted and that an import can show. */
export function showsEffect(
  model: ComparedModel & Pick<StoredModel, 'dnKey'>,
  type: StoredType,
  effect: EntryEffect | undefined,
  entry: Extract<ImportedEntry, { op: 'put' }>,
): boolean {
  if (effect === undefined) return false;
  const shown = JSON.parse(entry.body) as EncodedAttributes;
  if (effect.dn !== undefined && (entry.dn === undefined || model.dnKey(entry.dn) !== model.dnKey(effect.dn))) return false;
  const visible = (name: string): boolean => type.attributes.get(name)?.exportOnly === false;
  let evidence = effect.dn !== undefined;
  for (const [name, value] of Object.entries(effect.set)) {
    const attribute = type.attributes.get(name);
    if (attribute === undefined || !visible(name)) continue;
    if (!sameValue(model, attribute, value, shown[name])) return false;
    evidence = true;
  }
  for (const name of effect.unset) {
    if (!visible(name)) continue;
    if (shown[name] !== undefined) return false;
    evidence = true;
  }
  for (const delta of effect.references) {
    const values = entry.references.find((one) => one.attribute === delta.attribute)?.values ?? [];
    if (!showsDelta(model, values, delta.added, delta.removed)) return false;
    evidence = true;
  }
  return evidence;
}

/** The values after a delta import's update, without the multi-valued references, which rows of their own hold. */
export function afterUpdate(type: StoredType, before: EncodedAttributes, entry: Extract<ImportedEntry, { op: 'update' }>): EncodedAttributes {
  const after: Record<string, EncodedValue | readonly EncodedValue[]> = { ...before, ...entry.set };
  for (const name of entry.unset) delete after[name];
  for (const { attribute, added, removed } of entry.deltas) {
    if (attributeOf(type, attribute).type === 'reference') continue;
    const known = (after[attribute] ?? []) as readonly EncodedValue[];
    const values = [...new Set([...known.filter((one) => !removed.includes(String(one))), ...added])];
    if (values.length === 0) delete after[attribute];
    else after[attribute] = values;
  }
  return after;
}
