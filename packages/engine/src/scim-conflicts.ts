import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { EntryRow } from '@landbridge/store';
import type { ResourceModel } from './resources/resource-model.ts';
import type { ScimFace } from './scim-face.ts';
import { pickAnchor } from './writes/plan-write.ts';
import type { WriteAnswer } from './writes/planned-write.ts';

/**
 * Where the application refused a write because somebody changed the entry there, it is read again, so that the client sees what it has
 * now and its next try counts: as R15 does it for what exists already. Without that every try would be refused until the next import.
 */
export async function readAgain(face: ScimFace, model: ResourceModel, row: EntryRow, answer: WriteAnswer): Promise<void> {
  if (answer.status !== 'refused' || answer.error.code !== 'version-conflict') return;
  const attributes = JSON.parse(row.body) as EncodedAttributes;
  // A look-up asks for any of the values: of an anchor of several attributes each is one of many.
  const anchor = Object.keys(pickAnchor(model.objectType, attributes));
  const names = anchor.length === 1 ? anchor : uniqueNames(model);
  await face.refresh(model.objectType.name, claimsOf(attributes, names));
}

/** The attributes whose values no two entries share. */
export const uniqueNames = (model: ResourceModel): readonly string[] =>
  model.objectType.definition.attributes.filter((one) => one.unique).map((one) => one.name);

/** What a look-up asks for: the values of some attributes, where they have one. */
export function claimsOf(attributes: EncodedAttributes, names: readonly string[]): readonly { readonly attribute: string; readonly key: string }[] {
  return names.flatMap((attribute) => {
    const key = attributes[attribute];
    return typeof key === 'string' ? [{ attribute, key }] : [];
  });
}
