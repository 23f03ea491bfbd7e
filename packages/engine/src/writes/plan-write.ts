import {
  type Capabilities,
  type CompiledObjectType,
  type EncodedAttributes,
  type EncodedValue,
  foldCase,
  formatAnchor,
  readAnchor,
  type SchemaAttribute,
} from '@landbridge/connector-sdk';
import type { Claim, EntryEffect, ReferenceDelta } from '@landbridge/store';
import type { EncodedAttributeChange, EncodedChange } from '../connector-host/connector-handle.ts';
import type { WriteStep } from './planned-write.ts';

/**
 * From a wanted state to connector calls. Pure: it reads nothing and decides everything that the capabilities of the
 * connector say about the form of an export (ECMA2 `MAExportType`, first pass without references, password pass).
 */
export interface PlannedSteps {
  readonly steps: readonly WriteStep[];
  readonly effect: EntryEffect;
  readonly claims: readonly Claim[];
}

/** The state of an entry as far as an export needs it. */
export interface EntryState {
  /** All but multi-valued references. */
  readonly attributes: EncodedAttributes;
  readonly dn: string | undefined;
}

/** A change of the values of an entry. */
export interface EntryDelta {
  readonly set: EncodedAttributes;
  readonly unset: readonly string[];
  readonly references: readonly ReferenceDelta[];
  readonly newDn?: string;
}

/** Whether the application, and not the caller, chooses a value. */
function isAssigned(attribute: SchemaAttribute): boolean {
  return attribute.assigned === true || attribute.direction === 'import-only';
}

/** Plans the creation of an entry. `references` hold raw values of all references, single and multi-valued. */
export function planAdd(
  objectType: CompiledObjectType,
  capabilities: Capabilities,
  wanted: EntryDelta,
  options: { readonly dn?: string; readonly withPassword: boolean },
): PlannedSteps {
  const values = new Map<string, readonly EncodedValue[]>();
  for (const attribute of objectType.definition.attributes) {
    const value = wanted.set[attribute.name];
    if (value !== undefined && !isAssigned(attribute)) values.set(attribute.name, listOf(value));
  }
  for (const delta of wanted.references) if (delta.added.length > 0) values.set(delta.attribute, delta.added);
  const later = capabilities.noReferenceValuesInFirstExport ? [...values.keys()].filter((name) => objectType.attributes.get(name)?.type === 'reference') : [];
  const names = namesOf(objectType, wanted.set, options.dn);
  const first: EntryDelta = {
    set: omit(wanted.set, later),
    unset: [],
    references: wanted.references.filter((delta) => !later.includes(delta.attribute)),
  };
  const anchor = readAnchor(objectType, wanted.set) === undefined ? undefined : pickAnchor(objectType, wanted.set);
  const change: Omit<EncodedChange, 'id'> = {
    modification: 'add',
    objectType: objectType.name,
    ...(anchor === undefined ? {} : { anchor }),
    ...(options.dn === undefined ? {} : { dn: options.dn }),
    changes: [...values].filter(([name]) => !later.includes(name)).map(([name, list]) => ({ name, modification: 'add', values: list })),
  };
  const firstPass = options.withPassword && capabilities.exportPasswordInFirstPass;
  const steps: WriteStep[] = [
    {
      call: 'put',
      change,
      effect: effectOf(objectType, first, names),
      ...(firstPass ? { withPassword: true as const } : {}),
    },
  ];
  if (later.length > 0) {
    const rest: EntryDelta = {
      set: pick(wanted.set, later),
      unset: [],
      references: wanted.references.filter((delta) => later.includes(delta.attribute)),
    };
    steps.push({
      call: 'put',
      change: {
        modification: 'update',
        objectType: objectType.name,
        // An anchor that the application assigns comes with the result of the first pass.
        ...(anchor === undefined ? {} : { anchor }),
        ...(options.dn === undefined ? {} : { dn: options.dn }),
        changes: later.map((name) => ({ name, modification: 'add', values: values.get(name) ?? [] })),
      },
      effect: effectOf(objectType, rest, {}),
    });
  }
  if (options.withPassword && !firstPass) steps.push({ call: 'set-password' });
  return {
    steps,
    effect: effectOf(objectType, wanted, names),
    claims: claimsOf(objectType, wanted.set),
  };
}

/** What `planUpdate` needs to know of an entry. */
export interface CurrentEntry extends EntryState {
  readonly anchor: EncodedAttributes;
  /** All raw values of multi-valued references, where whole objects or whole attributes are exported. */
  readonly allReferences?: ReadonlyMap<string, readonly string[]>;
}

/** Whether the plan of a change needs all values of the entry, references included. */
export function needsWholeEntry(capabilities: Capabilities, delta: Pick<EntryDelta, 'newDn'>): boolean {
  return (
    capabilities.exportType === 'object-replace' || capabilities.exportType === 'attribute-replace' || (delta.newDn !== undefined && !capabilities.objectRename)
  );
}

/** Plans a change of an entry: a rename first, then everything else, then the password. */
export function planUpdate(
  objectType: CompiledObjectType,
  capabilities: Capabilities,
  current: CurrentEntry,
  delta: EntryDelta,
  options: { readonly withPassword: boolean },
): PlannedSteps {
  const renames = delta.newDn !== undefined && delta.newDn !== current.dn;
  const steps =
    renames && !capabilities.objectRename ? moveByReplacing(objectType, capabilities, current, delta) : changeInPlace(objectType, capabilities, current, delta);
  // Where nothing else is put, the step says itself whose password it is (R21).
  if (options.withPassword)
    steps.push(steps.length > 0 ? { call: 'set-password' } : { call: 'set-password', identity: { objectType: objectType.name, ...identityOf(current) } });
  return {
    steps,
    effect: effectOf(objectType, delta, delta.newDn === undefined ? {} : namesOf(objectType, {}, delta.newDn)),
    claims: claimsOf(objectType, delta.set),
  };
}

function changeInPlace(objectType: CompiledObjectType, capabilities: Capabilities, current: CurrentEntry, delta: EntryDelta): WriteStep[] {
  const steps: WriteStep[] = [];
  const identity = { objectType: objectType.name, ...identityOf(current) };
  if (delta.newDn !== undefined) {
    steps.push({
      call: 'put',
      change: { ...identity, modification: 'update', newDn: delta.newDn, changes: [] },
      effect: effectOf(objectType, { set: {}, unset: [], references: [] }, namesOf(objectType, {}, delta.newDn)),
    });
  }
  if (Object.keys(delta.set).length === 0 && delta.unset.length === 0 && delta.references.length === 0) return steps;
  const dn = delta.newDn ?? current.dn;
  // After a rename the application may have counted already.
  const versions = delta.newDn === undefined ? objectType.definition.attributes.filter((attribute) => attribute.version) : [];
  const seen = pick(
    current.attributes,
    versions.map((attribute) => attribute.name),
  );
  const target = { ...identity, ...(dn === undefined ? {} : { dn }), ...(Object.keys(seen).length === 0 ? {} : { seen }) };
  const change: Omit<EncodedChange, 'id'> =
    capabilities.exportType === 'object-replace'
      ? { ...target, modification: 'replace', changes: wholeObject(objectType, current, delta) }
      : { ...target, modification: 'update', changes: changesOf(objectType, capabilities, current, delta) };
  const anchor = newAnchor(objectType, current.attributes, delta);
  steps.push({ call: 'put', change, effect: effectOf(objectType, delta, anchor === undefined ? {} : { anchor }) });
  return steps;
}

/**
 * A new name where the application cannot rename: the entry is deleted and added again, or, where the connector takes the pair
 * as one, replaced (ECMA2 `DeleteAddAsReplace`).
 */
function moveByReplacing(objectType: CompiledObjectType, capabilities: Capabilities, current: CurrentEntry, delta: EntryDelta): WriteStep[] {
  const dn = delta.newDn as string;
  const changes = wholeObject(objectType, current, delta);
  const effect = effectOf(objectType, delta, namesOf(objectType, {}, dn));
  const identity = { objectType: objectType.name, ...identityOf(current) };
  if (capabilities.deleteAddAsReplace) return [{ call: 'put', change: { ...identity, modification: 'replace', newDn: dn, changes }, effect }];
  const chosen = objectType.anchor.some(isAssigned) ? undefined : current.anchor;
  return [
    { call: 'put', change: { ...identity, modification: 'delete', changes: [] }, effect: { set: {}, unset: [], references: [], awaiting: [] } },
    {
      call: 'put',
      change: {
        objectType: objectType.name,
        modification: 'add',
        dn,
        ...(chosen === undefined || objectType.anchor.length === 0 ? {} : { anchor: chosen }),
        changes,
      },
      effect,
    },
  ];
}

function identityOf(current: { readonly anchor: EncodedAttributes; readonly dn: string | undefined }): {
  readonly anchor?: EncodedAttributes;
  readonly dn?: string;
} {
  return {
    ...(Object.keys(current.anchor).length === 0 ? {} : { anchor: current.anchor }),
    ...(current.dn === undefined ? {} : { dn: current.dn }),
  };
}

/** The names that an entry has by its values and distinguished name, which is its anchor where its type has no other (ECMA2 `IsDNAsAnchor`). */
function namesOf(objectType: CompiledObjectType, set: EncodedAttributes, dn: string | undefined): { readonly anchor?: string; readonly dn?: string } {
  const anchor = objectType.anchor.length === 0 ? dn : readAnchor(objectType, set);
  return { ...(anchor === undefined ? {} : { anchor }), ...(dn === undefined ? {} : { dn }) };
}

/** Plans the presentation of a whole entry, unchanged: a full export. It has no effect on the space. */
export function planPresentation(objectType: CompiledObjectType, capabilities: Capabilities, current: CurrentEntry): PlannedSteps {
  const nothing: EntryDelta = { set: {}, unset: [], references: [] };
  const whole = wholeObject(objectType, current, nothing);
  const replaces = capabilities.exportType === 'object-replace';
  const change: Omit<EncodedChange, 'id'> = {
    objectType: objectType.name,
    ...identityOf(current),
    modification: replaces ? 'replace' : 'update',
    // Where objects are not replaced, each attribute is: it may be there already.
    changes: replaces ? whole : whole.map((one) => (one.modification === 'add' ? { ...one, modification: 'replace' as const } : one)),
  };
  const effect = effectOf(objectType, nothing, {});
  return { steps: [{ call: 'put', change, effect, full: true }], effect, claims: [] };
}

/** Plans the removal of an entry from the application. */
export function planDelete(objectType: CompiledObjectType, current: { readonly anchor: EncodedAttributes; readonly dn: string | undefined }): PlannedSteps {
  const effect: EntryEffect = { set: {}, unset: [], references: [], awaiting: [] };
  const change: Omit<EncodedChange, 'id'> = {
    modification: 'delete',
    objectType: objectType.name,
    ...identityOf(current),
    changes: [],
  };
  return { steps: [{ call: 'put', change, effect }], effect, claims: [] };
}

/** The unique values a set of attributes takes (R15). */
export function claimsOf(objectType: CompiledObjectType, set: EncodedAttributes): readonly Claim[] {
  const claims: Claim[] = [];
  for (const [name, value] of Object.entries(set)) {
    const attribute = objectType.attributes.get(name);
    if (attribute === undefined || attribute.secret || isAssigned(attribute)) continue;
    if (!attribute.unique && !(attribute.anchor && objectType.anchor.length === 1)) continue;
    for (const one of listOf(value)) {
      const fold = attribute.type === 'string' && !attribute.caseExact;
      claims.push({ objectType: objectType.name, attribute: name, key: fold ? foldCase(String(one)) : String(one) });
    }
  }
  return claims;
}

/** The anchor attributes of an entry, for a change. */
export function pickAnchor(objectType: CompiledObjectType, attributes: EncodedAttributes): EncodedAttributes {
  return pick(
    attributes,
    objectType.anchor.map((attribute) => attribute.name),
  );
}

function newAnchor(objectType: CompiledObjectType, attributes: EncodedAttributes, delta: EntryDelta): string | undefined {
  if (!objectType.anchor.some((attribute) => Object.hasOwn(delta.set, attribute.name))) return undefined;
  const values = objectType.anchor.map((attribute) => delta.set[attribute.name] ?? attributes[attribute.name]);
  return values.every((value): value is EncodedValue => value !== undefined && typeof value !== 'object') ? formatAnchor(values) : undefined;
}

function changesOf(objectType: CompiledObjectType, capabilities: Capabilities, current: CurrentEntry, delta: EntryDelta): EncodedAttributeChange[] {
  const changes: EncodedAttributeChange[] = [];
  for (const [name, value] of Object.entries(delta.set)) {
    const attribute = objectType.attributes.get(name);
    if (attribute === undefined) continue;
    const values = listOf(value);
    const before = listOf(current.attributes[name]);
    if (attribute.multiValued && capabilities.exportType === 'attribute-update' && before.length > 0 && attribute.secret !== true) {
      changes.push({
        name,
        modification: 'update',
        added: values.filter((one) => !before.includes(one)),
        removed: before.filter((one) => !values.includes(one)),
      });
    } else
      changes.push({
        name,
        modification: capabilities.exportType === 'attribute-update' && before.length === 0 && isImported(attribute) ? 'add' : 'replace',
        values,
      });
  }
  for (const name of delta.unset) changes.push({ name, modification: 'delete' });
  for (const reference of delta.references) changes.push(referenceChange(capabilities, current, reference));
  return changes;
}

/** Whether the space knows what values the application has. */
function isImported(attribute: SchemaAttribute): boolean {
  return attribute.direction !== 'export-only' && attribute.secret !== true;
}

function referenceChange(capabilities: Capabilities, current: CurrentEntry, delta: ReferenceDelta): EncodedAttributeChange {
  const asDelta = capabilities.exportType === 'attribute-update' || capabilities.exportType === 'multivalued-reference-update';
  if (asDelta) return { name: delta.attribute, modification: 'update', added: delta.added, removed: delta.removed };
  const values = afterDelta(current.allReferences?.get(delta.attribute) ?? [], delta);
  return values.length === 0 ? { name: delta.attribute, modification: 'delete' } : { name: delta.attribute, modification: 'replace', values };
}

function afterDelta(before: readonly string[], delta: ReferenceDelta): readonly string[] {
  const removed = new Set(delta.removed);
  return [...new Set([...before.filter((value) => !removed.has(value)), ...delta.added])];
}

/** Every selected attribute that may be exported, each with its newest value (R8). */
export function wholeObject(objectType: CompiledObjectType, current: CurrentEntry, delta: EntryDelta): EncodedAttributeChange[] {
  const attributes = { ...omit(current.attributes, delta.unset), ...delta.set };
  const changes: EncodedAttributeChange[] = [];
  for (const attribute of objectType.definition.attributes) {
    if (isAssigned(attribute)) continue;
    const change = delta.references.find((one) => one.attribute === attribute.name);
    const values =
      attribute.type === 'reference' && attribute.multiValued
        ? afterDelta(current.allReferences?.get(attribute.name) ?? [], change ?? { attribute: attribute.name, replace: false, added: [], removed: [] })
        : listOf(attributes[attribute.name]);
    if (values.length > 0) changes.push({ name: attribute.name, modification: 'add', values });
  }
  return changes;
}

function effectOf(objectType: CompiledObjectType, delta: EntryDelta, names: { readonly anchor?: string; readonly dn?: string }): EntryEffect {
  const awaited = (name: string): boolean => {
    const attribute = objectType.attributes.get(name);
    return attribute !== undefined && attribute.direction !== 'export-only' && !attribute.secret;
  };
  return {
    // A secret is in no image in clear (R8): what the space keeps of it is added where it is sealed.
    set: Object.fromEntries(Object.entries(delta.set).filter(([name]) => !objectType.attributes.get(name)?.secret)),
    unset: delta.unset,
    references: delta.references,
    awaiting: [...Object.keys(delta.set), ...delta.unset, ...delta.references.map((reference) => reference.attribute)].filter(awaited),
    ...names,
  };
}

function listOf(value: EncodedAttributes[string] | undefined): readonly EncodedValue[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]) as readonly EncodedValue[];
}

function omit(attributes: EncodedAttributes, names: readonly string[]): EncodedAttributes {
  return names.length === 0 ? attributes : Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

function pick(attributes: EncodedAttributes, names: readonly string[]): EncodedAttributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.includes(name)));
}
