import { type EncodedAttributes, type EncodedValue, foldName } from '@landbridge/connector-sdk';
import {
  applyPatch,
  applyReplace,
  checkPreconditions,
  checkRequired,
  type DeferredChange,
  type Projection,
  parsePatch,
  parseResource,
  profileOf,
  ScimError,
  type ScimResource,
  scimErrors,
} from '@landbridge/scim';
import type { EntryRow, EventKind, LinkChange, ReferenceDelta, RequestIdentity, ResourceRow } from '@landbridge/store';
import { projectionFor, refuseHiddenChange, refuseHiddenCreate } from './attribute-access.ts';
import { deltaOfFlow } from './deprovisioning-flows.ts';
import type { QueryParameters, RequestContext, ScimAnswer } from './host.ts';
import { shownId } from './linked-ids.ts';
import { readAllRaw } from './reference-pages.ts';
import { isAccountName } from './resources/account-name.ts';
import { qualifiedName } from './resources/binding.ts';
import { type ResourceAttributes, readResourceAttributes } from './resources/read-resource.ts';
import { locationOf, versionOf } from './resources/render-resource.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import { leftOut, refuseUnkept } from './resources/unkept.ts';
import { clearedUnseen, removedBy } from './resources/unseen.ts';
import { claimsOf, readAgain, uniqueNames } from './scim-conflicts.ts';
import { type Accepted, acceptedAnswer, isAccepted, withDeadline } from './scim-deadline.ts';
import { deltaOf, resolveIds } from './scim-deltas.ts';
import { throwUnlessApplied, undecided } from './scim-errors.ts';
import type { ScimFace } from './scim-face.ts';
import { choosePartition, named, refuseLeftOut, withRename } from './scim-naming.ts';
import { renderAlone, renderTexts, requireAlone, requireRow } from './scim-reads.ts';
import { identify } from './scim-repeats.ts';
import { composeName } from './writes/distinguished-names.ts';
import { type CurrentEntry, type EntryDelta, needsWholeEntry, type PlannedSteps, pickAnchor, planAdd, planDelete, planUpdate } from './writes/plan-write.ts';
import type { PlannedWrite, TakesAway, WriteAnswer, WriteStep } from './writes/planned-write.ts';

type Json = Readonly<Record<string, unknown>>;

/** Creates a resource (RFC 7644 §3.3). @throws ScimError. */
export async function createResource(face: ScimFace, model: ResourceModel, context: RequestContext, body: Json, query: QueryParameters): Promise<ScimAnswer> {
  refuseWrites(face, 'create');
  const projection = wantedIn(context, query, model);
  const parsed = parseResource(body, model.resourceType, profileOf(context.profile));
  face.ignored.note(model, context, [...parsed.ignored, ...leftOut(model, parsed.resource)]);
  checkRequired(parsed.resource, model.resourceType);
  refuseHiddenCreate(context, model, parsed.resource);
  const request = identify(context, 'POST', model.configuration.endpoint, body);
  const turn = face.turns.enter(request.key, context.waits ?? (() => true));
  let answer: WriteAnswer | Accepted;
  try {
    answer = await withDeadline(face, context, request.key, undefined, () => planCreate(face, model, context, parsed.resource, request));
    if (answer.status === 'applied' && !turn.take())
      throw scimErrors.uniqueness('Another request of this client has just created the same resource; look it up instead of creating it again.');
  } finally {
    turn.leave();
  }
  if (isAccepted(context, answer)) return acceptedAnswer(answer);
  if (answer.status === 'refused' && answer.error.code === 'already-exists')
    await face.refresh(model.objectType.name, claimsOf(readResourceAttributes(model, parsed.resource).attributes, uniqueNames(model)));
  throwUnlessApplied(answer, model);
  return answerWith(face, model, context, projection, answer.row, 201);
}

async function planCreate(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  resource: ScimResource,
  request: RequestIdentity,
): Promise<PlannedWrite> {
  const read = readResourceAttributes(model, resource);
  const set: Record<string, EncodedValue | readonly EncodedValue[]> = { ...read.attributes };
  const { activeBinding } = model;
  // A create without `active` makes an active resource (S-064).
  if (activeBinding !== undefined && set[activeBinding.source.name] === undefined) set[activeBinding.source.name] = activeBinding.convert.fromScim(true);
  const references: ReferenceDelta[] = [];
  for (const [attribute, ids] of read.references) {
    if (ids.length === 0) continue;
    const raw = await resolveIds(face, model, attribute, ids);
    if (model.writers.get(attribute)?.shape === 'references') references.push({ attribute, replace: false, added: raw, removed: [] });
    else set[attribute] = raw[0] as string;
  }
  refuseLeftOut(model, set);
  const { dnTemplate } = model.configuration;
  // A name that the client writes is the name; else it is composed.
  const dn = read.dn ?? (dnTemplate === undefined ? undefined : named(() => composeName(dnTemplate, set, face.capabilities.distinguishedNameStyle)));
  const plan = planAdd(
    model.objectType,
    face.capabilities,
    { set, unset: [], references },
    { withPassword: read.password !== undefined && face.capabilities.password, ...(dn === undefined ? {} : { dn }) },
  );
  const link = linkOf(context, model, read, undefined);
  return toPlannedWrite('add', model, plan, request, context, {
    partition: choosePartition(face, model, dn),
    ...(link === undefined ? {} : { link }),
    ...(read.password === undefined ? {} : { password: read.password }),
  });
}

/** Replaces a resource (RFC 7644 §3.5.1). @throws ScimError. */
export async function replaceResource(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  id: string,
  body: Json,
  query: QueryParameters,
): Promise<ScimAnswer> {
  refuseWrites(face, 'replace');
  const profile = profileOf(context.profile);
  const parsed = parseResource(body, model.resourceType, profile);
  face.ignored.note(model, context, [...parsed.ignored, ...leftOut(model, parsed.resource)]);
  if (profile.strict && typeof body['id'] === 'string' && body['id'] !== id) throw scimErrors.mutability('"id" cannot be changed.');
  return change(face, model, context, id, 'PUT', body, query, async (current) => {
    const next = applyReplace(current, parsed, model.resourceType);
    // A list that the body has is the whole list; one it does not have stays as it is (S-127, S-131).
    const deferred = model.deferred.flatMap((binding): readonly DeferredChange[] => {
      const ids = readResourceAttributes(model, parsed.resource).references.get(binding.source.name) ?? [];
      const name = qualifiedName(binding);
      if (ids.length > 0) return [{ attribute: binding.attribute, kind: 'replace', values: ids }];
      return parsed.cleared.has(name) ? [{ attribute: binding.attribute, kind: 'clear', values: [] }] : [];
    });
    return { next: refuseHiddenChange(context, model, current, next, deferred, parsed.resource), deferred, unset: clearedUnseen(model, parsed.cleared) };
  });
}

/** Changes a resource (RFC 7644 §3.5.2). @throws ScimError. */
export async function patchResource(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  id: string,
  body: Json,
  query: QueryParameters,
): Promise<ScimAnswer> {
  refuseWrites(face, 'patch');
  const profile = profileOf(context.profile);
  const operations = parsePatch(body, profile);
  return change(face, model, context, id, 'PATCH', body, query, async (current) => {
    const result = applyPatch(current, operations, model.resourceType, {
      profile,
      deferred: model.deferred.map((binding) => binding.attribute),
    });
    face.ignored.note(model, context, result.ignored);
    refuseUnkept(model, current, result.resource);
    const next = refuseHiddenChange(context, model, current, result.resource, result.deferred);
    return { next, deferred: result.deferred, unset: clearedUnseen(model, removedBy(model, operations)) };
  });
}

/** Deletes a resource (RFC 7644 §3.6), as the deprovisioning of the connector says. @throws ScimError. */
export async function deleteResource(face: ScimFace, model: ResourceModel, context: RequestContext, id: string): Promise<ScimAnswer> {
  refuseWrites(face, 'delete');
  const { id: entryId, scimId } = await requireRow(face, model, id);
  const request = identify(context, 'DELETE', `${model.configuration.endpoint}/${id}`, {});
  const answer = await withDeadline(face, context, request.key, entryId, async () => {
    const row = await requireRow(face, model, id);
    checkPreconditions(context, versionOf(row));
    await refuseProtected(face, row, context);
    const link: LinkChange = { state: 'deleted' };
    const flow = face.configuration.deprovisioning.delete;
    if (row.link?.state === 'disabled' && row.anchor !== undefined)
      return hideOnly(face, model, context, row, link, ['delete'], 'delete of a resource that is not in the application any more');
    if (flow.action === 'none' || flow.action === 'map') return hideOnly(face, model, context, row, link, ['delete'], 'kept in the application by policy');
    const attributes = attributesOf(row);
    if (flow.action === 'delete') {
      const plan = planDelete(model.objectType, { anchor: anchorOf(face, model, row, attributes), dn: row.dn });
      return toPlannedWrite('delete', model, plan, request, context, {
        entryId: row.id,
        partition: partitionOf(face, model, row),
        expectedVersion: row.version,
        link,
        resource: row.scimId,
        takesEntry: true,
      });
    }
    const delta = withRename(face, model, row, attributes, deltaOfFlow(model.objectType, flow));
    const plan = planUpdate(model.objectType, face.capabilities, await stateOf(face, model, row, attributes, delta), delta, { withPassword: false });
    return toPlannedWrite('update', model, plan, request, context, {
      entryId: row.id,
      partition: partitionOf(face, model, row),
      expectedVersion: row.version,
      link,
      resource: row.scimId,
      takesEntry: true,
    });
  });
  if (isAccepted(context, answer)) return acceptedAnswer(answer);
  throwUnlessApplied(answer, model);
  face.deprovisioned?.([id, scimId]);
  return { status: 204 };
}

/** @throws ScimError 403 for a resource that an administrator protects (SEC-14). */
async function refuseProtected(face: ScimFace, row: EntryRow, context: RequestContext): Promise<void> {
  const model = face.protection.modelOf(row.objectType);
  if (model === undefined) return;
  const resource = await renderAlone(face, model, row, context);
  try {
    face.protection.refuse(model, resource);
  } catch (error) {
    face.alert?.('protected-object', context.credential);
    throw error;
  }
}

interface Changed {
  readonly next: ScimResource;
  readonly deferred: readonly DeferredChange[];
  /** What is cleared without being in any representation. */
  readonly unset: readonly string[];
}

/** Reads, changes and writes one resource under its lock; a version that moved in between is read again. */
async function change(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  id: string,
  method: 'PUT' | 'PATCH',
  body: Json,
  query: QueryParameters,
  alter: (current: ScimResource) => Promise<Changed>,
): Promise<ScimAnswer> {
  const projection = wantedIn(context, query, model);
  const first = await requireAlone(face, model, id);
  const { id: entryId } = first;
  const request = identify(context, method, `${model.configuration.endpoint}/${id}`, body);
  // Without a wait for the lock the row is as it was read; should an import change it meanwhile, the store refuses its version.
  let known = face.writes.locks.isFree(entryId) ? first : undefined;
  let unchanged: EntryRow | undefined;
  let disables = false;
  const attempt = (): Promise<WriteAnswer | Accepted> =>
    withDeadline(face, context, request.key, entryId, async () => {
      const row = known ?? (await requireAlone(face, model, id));
      known = undefined;
      checkPreconditions(context, versionOf(row));
      const planned = await planChange(face, model, context, row, request, async (current) => {
        const changed = await alter(current);
        disables = current['active'] !== false && changed.next['active'] === false;
        return changed;
      });
      if (planned === undefined) unchanged = row;
      return planned ?? { status: 'applied', row };
    });
  let answer = await attempt();
  // An import changed the row between reading and writing it: the client asked for nothing that depends on that.
  for (let again = 0; answer.status === 'conflict' && context.ifMatch === undefined && again < 5; again += 1) answer = await attempt();
  if (isAccepted(context, answer)) return acceptedAnswer(answer, locationOf(context.baseUrl, model.configuration.endpoint, id));
  await readAgain(face, model, first, answer);
  throwUnlessApplied(answer, model);
  const bodyless = method === 'PATCH' && model.configuration.resourceType === 'Group' && query['attributes'] === undefined;
  const row = answer.row ?? unchanged;
  if (disables) face.deprovisioned?.([id, row?.scimId ?? id]);
  if (bodyless && row !== undefined) return { status: 204, etag: versionOf(row) };
  return answerWith(face, model, context, projection, row, 200);
}

async function planChange(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  row: ResourceRow,
  request: RequestIdentity,
  alter: (current: ScimResource) => Promise<Changed>,
): Promise<PlannedWrite | WriteAnswer | undefined> {
  await refuseProtected(face, row, context);
  const current = await renderAlone(face, model, row, context);
  const { next, deferred, unset } = await alter(current);
  const before = readResourceAttributes(model, current);
  const after = readResourceAttributes(model, next);
  const seen = await deltaOf(face, model, row, before, after, deferred);
  const unseen = unset.filter((name) => after.attributes[name] === undefined && !seen.unset.includes(name));
  const changes: EntryDelta = unseen.length === 0 ? seen : { ...seen, unset: [...seen.unset, ...unseen] };
  const delta: EntryDelta = after.dn === undefined || after.dn === before.dn ? changes : { ...changes, newDn: after.dn };
  const link = linkOf(context, model, after, before);
  const activeNow = after.active ?? true;
  const activeBefore = before.active ?? true;
  const again = after.active === false && isBackInApplication(face, row);
  if ((activeBefore && !activeNow) || again) return planDisable(face, model, context, row, request, delta, link, after);
  if (!activeBefore && activeNow && row.link?.state === 'disabled') return planEnable(face, model, context, row, request, delta, link);
  const enabling: LinkChange | undefined = !activeBefore && activeNow ? { ...link, shadow: { ...link?.shadow, active: null }, state: 'linked' } : link;
  return planPlain(face, model, context, row, request, delta, enabling, after.password, enabling === link ? {} : { activity: 'activate' });
}

/** Somebody created it again in the application after it was disabled by deletion: `active: false` takes it away once more (R11). */
function isBackInApplication({ configuration }: ScimFace, { link }: ResourceRow): boolean {
  return configuration.deprovisioning.disable.action === 'delete' && link?.state === 'linked' && link.shadow['active'] === false;
}

async function planPlain(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  row: EntryRow,
  request: RequestIdentity,
  delta: EntryDelta,
  link: LinkChange | undefined,
  password: string | undefined,
  means: { readonly activity?: 'activate' | 'deactivate'; readonly takesEntry?: boolean } = {},
): Promise<PlannedWrite | WriteAnswer | undefined> {
  if (password !== undefined && !face.capabilities.password) throw scimErrors.invalidValue('"password" cannot be set in this application.');
  const nothing =
    Object.keys(delta.set).length === 0 && delta.unset.length === 0 && delta.references.length === 0 && delta.newDn === undefined && password === undefined;
  if (nothing && link === undefined) return undefined;
  const attributes = attributesOf(row);
  if (nothing && link !== undefined) return hideOnly(face, model, context, row, link, eventKinds(request, means.activity), 'kept beside the application');
  if (row.link?.state === 'disabled') throw new ScimError(409, 'The resource is disabled and not in the application; set "active" to true first.');
  const change = withRename(face, model, row, attributes, delta);
  const plan = planUpdate(model.objectType, face.capabilities, await stateOf(face, model, row, attributes, change), change, {
    withPassword: password !== undefined,
  });
  return toPlannedWrite('update', model, plan, request, context, {
    entryId: row.id,
    partition: partitionOf(face, model, row),
    expectedVersion: row.version,
    resource: row.scimId,
    ...means,
    ...(link === undefined ? {} : { link }),
    ...(password === undefined ? {} : { password }),
  });
}

/** `active: false`, as the deprovisioning of the connector says (R11): the link stays, whatever the application does. */
async function planDisable(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  row: EntryRow,
  request: RequestIdentity,
  delta: EntryDelta,
  link: LinkChange | undefined,
  after: ResourceAttributes,
): Promise<PlannedWrite | WriteAnswer | undefined> {
  const flow = face.configuration.deprovisioning.disable;
  if (flow.action === 'map' && model.activeBinding !== undefined)
    return planPlain(face, model, context, row, request, delta, link, after.password, { activity: 'deactivate', takesEntry: true });
  const disabled: LinkChange = { ...link, shadow: { ...link?.shadow, active: false } };
  const others = withoutActive(model, delta);
  if (flow.action === 'map' || flow.action === 'none')
    return planPlain(face, model, context, row, request, others, disabled, after.password, { activity: 'deactivate' });
  const attributes = attributesOf(row);
  if (flow.action === 'delete') {
    const plan = planDelete(model.objectType, { anchor: anchorOf(face, model, row, attributes), dn: row.dn });
    return toPlannedWrite('delete', model, plan, request, context, {
      entryId: row.id,
      partition: partitionOf(face, model, row),
      expectedVersion: row.version,
      link: { ...disabled, state: 'disabled' },
      resource: row.scimId,
      activity: 'deactivate',
      takesEntry: true,
    });
  }
  const values = deltaOfFlow(model.objectType, flow);
  return planPlain(
    face,
    model,
    context,
    row,
    request,
    { ...others, set: { ...others.set, ...values.set }, unset: [...others.unset, ...values.unset] },
    disabled,
    after.password,
    { activity: 'deactivate', takesEntry: true },
  );
}

/** `active: true` of a resource that was disabled by deletion: created again with its last representation, under the same id (R11). */
async function planEnable(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  row: EntryRow,
  request: RequestIdentity,
  delta: EntryDelta,
  link: LinkChange | undefined,
): Promise<PlannedWrite> {
  const set: Record<string, EncodedValue | readonly EncodedValue[]> = { ...attributesOf(row), ...delta.set };
  for (const name of delta.unset) delete set[name];
  // A value that the application assigns is assigned anew.
  for (const attribute of model.objectType.definition.attributes) if (attribute.assigned) delete set[attribute.name];
  if (model.activeBinding !== undefined) set[model.activeBinding.source.name] = model.activeBinding.convert.fromScim(true);
  const references: ReferenceDelta[] = [];
  for (const binding of model.deferred) {
    const added = await readAllRaw(face.reader, row.id, binding.source.name);
    if (added.length > 0) references.push({ attribute: binding.source.name, replace: false, added, removed: [] });
  }
  const plan = planAdd(
    model.objectType,
    face.capabilities,
    { set, unset: [], references },
    { withPassword: false, ...(row.dn === undefined ? {} : { dn: row.dn }) },
  );
  return toPlannedWrite('add', model, plan, request, context, {
    entryId: row.id,
    partition: partitionOf(face, model, row),
    expectedVersion: row.version,
    link: { ...link, shadow: { ...link?.shadow, active: null }, state: 'linked' },
    resource: row.scimId,
    activity: 'activate',
  });
}

function withoutActive(model: ResourceModel, delta: EntryDelta): EntryDelta {
  const name = model.activeBinding?.source.name;
  if (name === undefined) return delta;
  return {
    ...delta,
    set: Object.fromEntries(Object.entries(delta.set).filter(([key]) => key !== name)),
    unset: delta.unset.filter((key) => key !== name),
  };
}

/** A change that never reaches the application: shadow, external id, a deletion kept out by policy. */
async function hideOnly(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  row: EntryRow,
  link: LinkChange,
  kinds: readonly EventKind[],
  detail: string,
): Promise<WriteAnswer> {
  const at = face.now();
  const audit = {
    at,
    actor: context.credential,
    action: 'link',
    objectType: model.objectType.name,
    resource: row.scimId,
    attributes: Object.keys(link),
    result: 'applied',
    correlation: context.correlation,
    detail,
  };
  const [written] = await face.store.commitLinkChanges([
    { scimId: row.scimId, change: link, expectedVersion: row.version, events: { kinds, async: false }, audit, at },
  ]);
  return written?.row === undefined ? { status: 'conflict', version: row.version } : { status: 'applied', row: written.row };
}

/** What changes beside the application: the external id of this client, and `active` where nothing is mapped. */
function linkOf(context: RequestContext, model: ResourceModel, after: ResourceAttributes, before: ResourceAttributes | undefined): LinkChange | undefined {
  const externalId =
    model.externalIdBinding === undefined && after.externalId !== before?.externalId ? { client: context.client, value: after.externalId ?? null } : undefined;
  const inactive = before === undefined && model.activeBinding === undefined && after.active === false;
  if (externalId === undefined && !inactive) return undefined;
  return { ...(externalId === undefined ? {} : { externalId }), ...(inactive ? { shadow: { active: false } } : {}) };
}

function attributesOf(row: EntryRow): EncodedAttributes {
  return JSON.parse(row.body) as EncodedAttributes;
}

function anchorOf(face: ScimFace, model: ResourceModel, row: EntryRow, attributes: EncodedAttributes): EncodedAttributes {
  // In mode shadow nobody is asked for it before the next import (R31).
  if (row.anchor === undefined && face.configuration.mode !== 'shadow') throw undecided('the application has not told the identifier of this resource yet');
  return pickAnchor(model.objectType, attributes);
}

async function stateOf(face: ScimFace, model: ResourceModel, row: EntryRow, attributes: EncodedAttributes, delta: EntryDelta): Promise<CurrentEntry> {
  const whole = needsWholeEntry(face.capabilities, delta);
  const allReferences = new Map<string, readonly string[]>();
  if (whole) for (const binding of model.deferred) allReferences.set(binding.source.name, await readAllRaw(face.reader, row.id, binding.source.name));
  return { attributes, dn: row.dn, anchor: anchorOf(face, model, row, attributes), ...(whole ? { allReferences } : {}) };
}

/** The partition of an entry. One that an earlier version created has none until an import shows it. */
function partitionOf(face: ScimFace, model: ResourceModel, row: EntryRow): string | undefined {
  return row.partition === '' ? choosePartition(face, model, row.dn) : row.partition;
}

function toPlannedWrite(
  kind: PlannedWrite['kind'],
  model: ResourceModel,
  plan: PlannedSteps,
  request: RequestIdentity,
  context: RequestContext,
  more: {
    readonly entryId?: number;
    readonly partition: string | undefined;
    readonly expectedVersion?: number;
    readonly link?: LinkChange;
    readonly password?: string;
    readonly resource?: string;
    readonly activity?: 'activate' | 'deactivate';
    /** It deletes or disables the entry in the application. */
    readonly takesEntry?: boolean;
  },
): PlannedWrite {
  const { resource, partition, takesEntry, activity, ...rest } = more;
  const there = partition === undefined ? {} : { partition };
  const takesAway = whatIsTaken(plan, takesEntry === true);
  return {
    kind,
    objectType: model.objectType.name,
    claims: plan.claims.map((claim) => claimAsStored(model, claim)),
    // An entry is put into its partition by the first step of its creation; the others find it there.
    steps: plan.steps.map(
      (step, index): WriteStep =>
        step.call === 'put' && kind === 'add' && index === 0 ? { ...step, ...there, effect: { ...step.effect, ...there } } : { ...step, ...there },
    ),
    effect: kind === 'update' ? plan.effect : { ...plan.effect, ...there },
    request,
    ...rest,
    ...(takesAway === undefined ? {} : { takesAway }),
    events: { kinds: eventKinds(request, activity), async: context.respondAsync !== undefined },
    audit: {
      actor: context.credential,
      action: takesEntry === true && kind === 'update' ? 'disable' : kind,
      objectType: model.objectType.name,
      ...(resource === undefined ? {} : { resource }),
      attributes: [
        ...Object.keys(plan.effect.set),
        ...plan.effect.unset,
        ...plan.effect.references.map((delta) => delta.attribute),
        ...(rest.password === undefined ? [] : ['password']),
      ],
      correlation: context.correlation,
    },
  };
}

/** Names of accounts are claimed as the store compares them: without regard to width, too (S-056). */
function claimAsStored({ objectType, configuration }: ResourceModel, claim: PlannedSteps['claims'][number]): PlannedSteps['claims'][number] {
  const exact = objectType.attributes.get(claim.attribute)?.caseExact === true;
  return exact || !isAccountName([configuration], claim.objectType, claim.attribute) ? claim : { ...claim, key: foldName(claim.key) };
}

/** What the guard counts (SEC-20): the entry itself, else the references that lose most values. */
function whatIsTaken(plan: PlannedSteps, takesEntry: boolean): TakesAway | undefined {
  if (takesEntry) return { kind: 'entry' };
  const [most] = plan.effect.references.filter((delta) => delta.removed.length > 0).sort((left, right) => right.removed.length - left.removed.length);
  return most === undefined ? undefined : { kind: 'references', attribute: most.attribute, values: most.removed.length };
}

const KINDS: Readonly<Record<string, EventKind>> = { POST: 'create', PUT: 'put', PATCH: 'patch', DELETE: 'delete' };

/** What event streams are told of a request (RFC 9967 §2.4). */
function eventKinds(request: RequestIdentity, activity: 'activate' | 'deactivate' | undefined): readonly EventKind[] {
  const kind = KINDS[request.method];
  return [...(kind === undefined ? [] : [kind]), ...(activity === undefined ? [] : [activity])];
}

function refuseWrites(face: ScimFace, what: string): void {
  if (face.configuration.mode === 'observe') {
    const reason = `The connector "${face.configuration.name}" only observes; set its mode to live to ${what} resources.`;
    // PATCH is a feature that ServiceProviderConfig says there is not (S-207); the others are methods that are not allowed now.
    throw what === 'patch' ? scimErrors.notImplemented(reason) : scimErrors.forbidden(reason);
  }
  const behind = face.behind();
  if (behind !== undefined) throw new ScimError(503, `The connector ${behind}; writes wait until a full import has ended.`, { retryAfter: 30 });
  if (!face.capabilities.export) throw scimErrors.notImplemented('The application can only be read.');
}

/** What the answer is to show, before anything is written: a request that is refused must change nothing. @throws ScimError 400. */
function wantedIn(context: RequestContext, query: QueryParameters, model: ResourceModel): Projection {
  return projectionFor(context, query['attributes'], query['excludedAttributes'], model);
}

async function answerWith(
  face: ScimFace,
  model: ResourceModel,
  context: RequestContext,
  projection: Projection,
  row: EntryRow | undefined,
  status: 200 | 201,
): Promise<ScimAnswer> {
  if (row === undefined) throw scimErrors.notFound();
  const [body] = await renderTexts(face, model, [row], context, projection);
  return {
    status,
    ...(body === undefined ? {} : { body }),
    etag: versionOf(row),
    location: locationOf(context.baseUrl, model.configuration.endpoint, shownId(model, row)),
  };
}
