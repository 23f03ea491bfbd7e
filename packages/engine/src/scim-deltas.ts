import type { EncodedValue } from '@landbridge/connector-sdk';
import { type DeferredChange, scimErrors } from '@landbridge/scim';
import type { EntryRow, ReferenceDelta } from '@landbridge/store';
import { readAllRaw } from './reference-pages.ts';
import type { Binding } from './resources/binding.ts';
import type { ResourceAttributes } from './resources/read-resource.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { undecided } from './scim-errors.ts';
import type { ScimFace } from './scim-face.ts';
import { groupsOf } from './scim-groups.ts';
import type { EntryDelta } from './writes/plan-write.ts';
import { untoldReference } from './writes/shadow.ts';

/** The difference of two representations, in the application's terms. */
export async function deltaOf(
  face: ScimFace,
  model: ResourceModel,
  row: EntryRow,
  before: ResourceAttributes,
  after: ResourceAttributes,
  deferred: readonly DeferredChange[],
): Promise<EntryDelta> {
  const set: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  const unset: string[] = [];
  for (const [name, binding] of model.writers) {
    if (binding.source.type === 'reference') continue;
    const next = after.attributes[name];
    if (JSON.stringify(before.attributes[name]) === JSON.stringify(next)) continue;
    if (next === undefined) unset.push(name);
    else set[name] = next;
  }
  for (const [name, ids] of after.references) {
    if (model.writers.get(name)?.shape !== 'reference') continue;
    const [next] = ids;
    if (next === before.references.get(name)?.[0]) continue;
    if (next === undefined) unset.push(name);
    else set[name] = (await resolveIds(face, model, name, [next]))[0] as string;
  }
  const references: ReferenceDelta[] = [];
  for (const one of mergeDeferred(model, deferred)) {
    const delta = await referenceDelta(face, model, row, one.binding, one.changes);
    if (delta.added.length > 0 || delta.removed.length > 0) references.push(delta);
  }
  return { set, unset, references };
}

function mergeDeferred(
  model: ResourceModel,
  deferred: readonly DeferredChange[],
): readonly { readonly binding: Binding; readonly changes: readonly DeferredChange[] }[] {
  const merged = new Map<Binding, DeferredChange[]>();
  for (const one of deferred) {
    const binding = model.deferred.find((candidate) => candidate.attribute === one.attribute);
    if (binding !== undefined) merged.set(binding, [...(merged.get(binding) ?? []), one]);
  }
  return [...merged].map(([binding, changes]) => ({ binding, changes }));
}

/** Adds and removals against what is there: the cost follows the change, not the group (S-181); a replace reads the group once. */
async function referenceDelta(
  face: ScimFace,
  model: ResourceModel,
  row: EntryRow,
  binding: Binding,
  changes: readonly DeferredChange[],
): Promise<ReferenceDelta> {
  const attribute = binding.source.name;
  const added = new Set<string>();
  const removed = new Set<string>();
  // Values of the group as the application writes them; what was looked for is not asked for again.
  const present = new Set<string>();
  const spelled = new Map<string, string>();
  const asSpelled = async (values: readonly string[]): Promise<readonly string[]> => {
    const open = values.filter((value) => !present.has(value) && !spelled.has(value));
    const found = open.length === 0 ? new Map<string, string>() : await face.reader.presentReferences(row.id, attribute, open);
    for (const value of open) spelled.set(value, found.get(value) ?? value);
    for (const value of found.values()) present.add(value);
    return values.map((value) => spelled.get(value) ?? value);
  };
  for (const one of changes) {
    // A member to be removed may be gone already: then it is removed (S-148). One to be added must exist (S-178).
    const targets = one.kind === 'remove' ? await resolveKnown(face, one.values) : await resolveMembers(face, model, row, binding, one.values);
    const known = one.kind === 'replace' || one.kind === 'clear' ? await resolvedRaw(face, row.id, binding, targets.length) : undefined;
    for (const value of known ?? []) present.add(value);
    const raw = await asSpelled(targets);
    if (known !== undefined) {
      const wanted = new Set(raw);
      added.clear();
      for (const value of known) {
        if (!wanted.has(value)) removed.add(value);
      }
      for (const value of wanted) {
        removed.delete(value);
        added.add(value);
      }
    } else if (one.kind === 'add') {
      for (const value of raw) {
        removed.delete(value);
        added.add(value);
      }
    } else {
      for (const value of raw) {
        added.delete(value);
        removed.add(value);
      }
    }
  }
  return {
    attribute,
    replace: false,
    added: [...added].filter((value) => !present.has(value)),
    removed: [...removed].filter((value) => present.has(value)),
  };
}

/** One request removes no more members than this: an intent is one row, and names each of them. */
const MOST_REMOVED = 100_000;

/** The members that a client may replace. @throws ScimError 413 where more than can be removed at once would have to go. */
async function resolvedRaw(face: ScimFace, entryId: number, { attribute, source }: Binding, wanted: number): Promise<readonly string[]> {
  const most = MOST_REMOVED + wanted;
  if ((await face.reader.countReferences(entryId, source.name, most + 1)) > most)
    throw scimErrors.tooLarge(
      `One request removes at most ${MOST_REMOVED} values of "${attribute}", and here more would have to go; remove them by value, or delete the resource.`,
    );
  // Unresolved references are not the client's to remove: it never saw them (R10).
  return readAllRaw(face.reader, entryId, source.name, { resolvedOnly: true });
}

type Target = NonNullable<Awaited<ReturnType<ScimFace['reader']['resolveTargets']>>[number]>;

/** Raw reference values of resources. @throws ScimError 400 naming the unknown ids only (S-178), 503 for one without an anchor yet (R10), but for mode shadow (R31). */
export async function resolveIds(face: ScimFace, model: ResourceModel, attribute: string, ids: readonly string[]): Promise<readonly string[]> {
  return (await resolveAllowed(face, model, attribute, ids)).map((target, index) => rawOf(face, target, ids[index]));
}

async function resolveAllowed(face: ScimFace, model: ResourceModel, attribute: string, ids: readonly string[]): Promise<readonly Target[]> {
  if (ids.length === 0) return [];
  const targets = await face.reader.resolveTargets(ids);
  const allowed = model.objectType.attributes.get(attribute)?.referenceTypes;
  const isFit = (target: (typeof targets)[number]): target is Target => target !== undefined && (allowed?.includes(target.objectType) ?? true);
  const unknown = ids.filter((_, index) => !isFit(targets[index]));
  if (unknown.length > 0)
    throw scimErrors.invalidValue(`There is no resource with the id ${unknown.slice(0, 20).join(', ')} that "${attribute}" may refer to.`);
  return targets.filter(isFit);
}

function rawOf(face: ScimFace, target: Target, id = ''): string {
  if (target.raw !== undefined) return target.raw;
  // In mode shadow the application is not asked to make what a client creates: it may never tell one (R31).
  if (face.configuration.mode === 'shadow') return untoldReference(id);
  throw undecided('a resource that is referred to has no identifier in the application yet');
}

/** Raw values of new members. @throws ScimError as `resolveIds`, and 400 for a group that would be a member of itself (S-180). */
async function resolveMembers(face: ScimFace, model: ResourceModel, row: EntryRow, binding: Binding, ids: readonly string[]): Promise<readonly string[]> {
  const targets = await resolveAllowed(face, model, binding.source.name, ids);
  const isGroup = ({ objectType }: Target): boolean => face.byObjectType.get(objectType)?.configuration.resourceType === 'Group';
  if (binding.attribute === 'members' && isGroup({ ...row, entryId: row.id, raw: undefined }) && targets.some(isGroup)) {
    const above = new Set([row.id, ...((await groupsOf(face, row)) ?? []).map(({ group }) => group.entryId)]);
    const circular = targets.flatMap((target, index) => (above.has(target.entryId) ? [{ raw: rawOf(face, target, ids[index]), id: ids[index] }] : []));
    // What the application holds already is not the client's doing.
    const present = await face.reader.presentReferences(
      row.id,
      binding.source.name,
      circular.map(({ raw }) => raw),
    );
    const wrong = circular.filter(({ raw }) => !present.has(raw)).map(({ id }) => id);
    if (wrong.length > 0)
      throw scimErrors.invalidValue(`The group with the id ${wrong.slice(0, 20).join(', ')} cannot be a member: this group would be within itself.`);
  }
  return targets.map((target, index) => rawOf(face, target, ids[index]));
}

async function resolveKnown(face: ScimFace, ids: readonly string[]): Promise<readonly string[]> {
  return (await face.reader.resolveTargets(ids)).flatMap((target) => (target?.raw === undefined ? [] : [target.raw]));
}
