import { ConnectorError, type EncodedAttributes, type EncodedValue, matchesEntry, toErrorData } from '@landbridge/connector-sdk';
import { scimErrors } from '@landbridge/scim';
import type { EntryRow } from '@landbridge/store';
import type { ResourceModel } from './resources/resource-model.ts';
import { scimErrorOf } from './scim-errors.ts';
import type { ScimFace } from './scim-face.ts';
import { MissingNamePart, nameAfterChange } from './writes/distinguished-names.ts';
import type { EntryDelta } from './writes/plan-write.ts';

/** Names an entry. @throws ScimError for a part that is missing. */
export function named<Name>(compose: () => Name): Name {
  try {
    return compose();
  } catch (error) {
    if (error instanceof MissingNamePart) throw scimErrors.invalidValue(error.message);
    throw error;
  }
}

/** The change with the new name that it brings, where names are composed from values. */
export function withRename(face: ScimFace, model: ResourceModel, row: EntryRow, attributes: EncodedAttributes, delta: EntryDelta): EntryDelta {
  const { dnTemplate } = model.configuration;
  if (delta.newDn !== undefined) {
    requireInside(face, delta.newDn, row.partition);
    return delta;
  }
  if (dnTemplate === undefined) return delta;
  const after: Record<string, EncodedValue | readonly EncodedValue[]> = { ...attributes, ...delta.set };
  for (const name of delta.unset) delete after[name];
  const newDn = named(() => nameAfterChange(dnTemplate, face.capabilities.distinguishedNameStyle, { dn: row.dn, attributes }, after));
  if (newDn === undefined) return delta;
  requireInside(face, newDn, row.partition);
  return { ...delta, newDn };
}

/** The partition that a new entry goes to. @throws ScimError for a name outside the scope of the connector (R31). */
export function choosePartition(face: ScimFace, model: ResourceModel, dn: string | undefined): string | undefined {
  try {
    const partition = face.scope.choose(dn, model.configuration.partition);
    face.scope.requireInside(dn, partition);
    return partition?.id;
  } catch (error) {
    throw scimErrorOf(toErrorData(error));
  }
}

/** What imports leave out would be gone with the next one (R31). @throws ScimError for such a new entry. */
export function refuseLeftOut(model: ResourceModel, attributes: EncodedAttributes): void {
  if (model.leaveOut !== undefined && matchesEntry(model.leaveOut, attributes))
    throw scimErrors.invalidValue('Objects with these values are left out by the configuration of this connector ("leaveOut").');
}

/** A rename stays in its partition and in the selected containers (R31). @throws ScimError. */
function requireInside(face: ScimFace, dn: string, partition: string): void {
  try {
    const own = face.scope.partition(partition);
    const target = own === undefined || face.capabilities.distinguishedNameStyle !== 'ldap' ? own : face.scope.choose(dn, undefined);
    if (target !== own) throw new ConnectorError('invalid-dn', `"${dn}" is in another partition; an entry is renamed within its own (${own?.dn ?? ''})`);
    face.scope.requireInside(dn, own);
  } catch (error) {
    throw scimErrorOf(toErrorData(error));
  }
}
