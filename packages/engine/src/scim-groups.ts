import type { ReferenceRow, StoreFilter } from '@landbridge/store';
import type { ScimFace } from './scim-face.ts';

/**
 * Groups in groups (S-074, S-180). An entry is a member of a group directly, or through groups that are members of it.
 *
 * 1. Nobody keeps what is indirect: it is worked out when it is asked for, upwards from a member or downwards from a group.
 * 2. What groups the application holds need not be a tree: each is visited once.
 * 3. Beyond a number of groups nothing is said, rather than a part of it.
 */

/** Of more groups than this an entry shows none. */
export const GROUPS_SHOWN = 1000;

/** A filter on the members of a group looks into so many groups within it; of more, resources are looked at one by one. */
const GROUPS_WITHIN = 200;

/** A group of an entry. */
export interface GroupOf {
  readonly group: ReferenceRow;
  readonly isDirect: boolean;
}

/** Which groups hold an entry directly, read or being read: many members of one list are in the same groups. */
export type KnownGroups = Map<number, Promise<readonly ReferenceRow[]>>;

/** The groups of an entry, direct ones first; `undefined` for more than `GROUPS_SHOWN`. */
export async function groupsOf(
  face: ScimFace,
  entry: { readonly id: number; readonly objectType: string },
  known: KnownGroups = new Map(),
): Promise<readonly GroupOf[] | undefined> {
  const found = new Map<number, GroupOf>();
  let members: readonly { readonly id: number; readonly objectType: string }[] = [entry];
  for (let isDirect = true; members.length > 0; isDirect = false) {
    const next: { readonly id: number; readonly objectType: string }[] = [];
    for (const member of members) {
      for (const group of await directGroups(face, member, known)) {
        // A group in a circle of groups is not a group of itself.
        if (group.entryId === undefined || group.objectType === undefined || group.entryId === entry.id || found.has(group.entryId)) continue;
        if (found.size === GROUPS_SHOWN) return undefined;
        found.set(group.entryId, { group, isDirect });
        next.push({ id: group.entryId, objectType: group.objectType });
      }
    }
    members = next;
  }
  return [...found.values()];
}

function directGroups(face: ScimFace, member: { readonly id: number; readonly objectType: string }, known: KnownGroups): Promise<readonly ReferenceRow[]> {
  const read = async (): Promise<readonly ReferenceRow[]> => {
    const groups: ReferenceRow[] = [];
    for (const { objectType, attribute } of groupReferences(face, member.objectType))
      groups.push(...(await face.reader.readReferrers(member.id, { objectType, name: attribute }, { limit: GROUPS_SHOWN + 1 })));
    return groups;
  };
  const groups = known.get(member.id) ?? read();
  known.set(member.id, groups);
  return groups;
}

/** The condition that entries are members of a group, directly or not; `undefined` for a group of very many groups. */
export async function membersOf(face: ScimFace, objectType: string, groupId: string): Promise<StoreFilter | undefined> {
  const row = await face.reader.readResource(groupId);
  if (row === undefined || face.byObjectType.get(row.objectType)?.configuration.resourceType !== 'Group') return { kind: 'or', filters: [] };
  const groups = [{ id: row.id, objectType: row.objectType }];
  const seen = new Set([row.id]);
  const ofGroups = [...face.byObjectType.values()]
    .filter((model) => model.configuration.resourceType === 'Group')
    .flatMap((model) => groupReferences(face, model.objectType.name).map((reference) => ({ ...reference, member: model.objectType.name })));
  // The list grows while it is walked.
  for (const group of groups) {
    for (const { member, attribute } of ofGroups.filter((reference) => reference.objectType === group.objectType)) {
      const filter: StoreFilter = { kind: 'referred', objectType: group.objectType, attribute, entryId: group.id };
      const { rows } = await face.reader.query({ objectType: member, filter, limit: GROUPS_WITHIN + 1, total: false, scanLimit: Number.MAX_SAFE_INTEGER });
      for (const { id } of rows) {
        if (seen.has(id)) continue;
        if (seen.size === GROUPS_WITHIN) return undefined;
        seen.add(id);
        groups.push({ id, objectType: member });
      }
    }
  }
  const filters = groups.flatMap((group) =>
    groupReferences(face, objectType)
      .filter((reference) => reference.objectType === group.objectType)
      .map(({ attribute }): StoreFilter => ({ kind: 'referred', objectType: group.objectType, attribute, entryId: group.id })),
  );
  const [only] = filters;
  return filters.length === 1 && only !== undefined ? only : { kind: 'or', filters };
}

/** The attributes by which groups hold entries of a type: `members` of whatever is a Group. */
export function groupReferences(face: ScimFace, objectType: string): readonly { readonly objectType: string; readonly attribute: string }[] {
  return [...face.byObjectType.values()]
    .filter((model) => model.configuration.resourceType === 'Group')
    .flatMap((model) =>
      model.deferred
        .filter((binding) => binding.attribute === 'members' && (binding.source.referenceTypes?.includes(objectType) ?? true))
        .map((binding) => ({ objectType: model.objectType.name, attribute: binding.source.name })),
    );
}
