import type { EncodedValue } from '@landbridge/connector-sdk';
import type { EntryRow } from '@landbridge/store';
import { shownId } from '../linked-ids.ts';
import type { Binding } from './binding.ts';
import { readBody } from './body-text.ts';
import { isInactive, isoTime, isPrimaryFirst, locationOf, type RenderContext, type ResolvedReference, renderReference } from './render-resource.ts';
import type { ResourceModel } from './resource-model.ts';

/**
 * Renders an entry as the JSON text of a SCIM resource: what `JSON.stringify(renderResource(…))` says, without the objects in
 * between. Texts pass from the body to the answer as they are, escapes included. Every read takes this way, so what can be decided
 * once for a model is: {@link compileTextRenderer}.
 */
export type TextRenderer = (row: EntryRow, context: RenderContext) => string;

/** The values of an entry as JSON text, by the place of their attribute in the schema. */
type Values = readonly (string | undefined)[];

/** Writes one member with the comma before it, `,"name":value`; empty text where there is no value. */
type Member = (values: Values, row: EntryRow, context: RenderContext) => string;

/**
 * Makes the renderer of a model; `undefined` for one that needs the object: where something is not returned by default, or where
 * which element a value belongs to depends on the values.
 */
export function compileTextRenderer(model: ResourceModel): TextRenderer | undefined {
  if (model.hidesSome) return undefined;
  const names = model.objectType.definition.attributes.map((attribute) => attribute.name);
  const places = new Map(names.map((name, place) => [name, place]));
  const shown = model.bindings.filter((binding) => binding.source.type === 'reference' || binding.source.direction !== 'export-only');
  const extensions = new Map<string | undefined, Member[]>([[undefined, []]]);
  for (const group of Map.groupBy(shown, ({ extension, attribute }) => `${extension ?? ''} ${attribute}`).values()) {
    const [first] = group as [Binding];
    const member = first.extension === undefined && first.attribute === 'active' ? activeMember(model, group, places) : compileMember(group, places);
    if (member === undefined) return undefined;
    const members = extensions.get(first.extension) ?? [];
    extensions.set(first.extension, members);
    members.push(member);
  }
  for (const { kind, extension, definition } of model.hosted) {
    if (kind !== 'distinguished-name') continue;
    const members = extensions.get(extension) ?? [];
    extensions.set(extension, members);
    members.push((_values, row) => (row.dn === undefined ? '' : `,${JSON.stringify(definition.name)}:${JSON.stringify(row.dn)}`));
  }
  if (model.configuration.resourceType === 'User' && !shown.some((binding) => binding.extension === undefined && binding.attribute === 'active'))
    extensions.get(undefined)?.push((_values, row) => `,"active":${!isInactive(row)}`);
  return assemble(model, names, places, extensions);
}

const renderers = new WeakMap<ResourceModel, { readonly render: TextRenderer | undefined }>();

/** The renderer of a model, made with its first use. */
export function textRendererOf(model: ResourceModel): TextRenderer | undefined {
  const known = renderers.get(model) ?? { render: compileTextRenderer(model) };
  renderers.set(model, known);
  return known.render;
}

const PLAIN_ID = /^[A-Za-z0-9-]+$/;

function assemble(
  model: ResourceModel,
  names: readonly string[],
  places: ReadonlyMap<string, number>,
  extensions: ReadonlyMap<string | undefined, readonly Member[]>,
): TextRenderer {
  const { configuration, resourceType } = model;
  const core = JSON.stringify(resourceType.definition.schema.id);
  const resourceName = JSON.stringify(configuration.resourceType);
  const own = extensions.get(undefined) ?? [];
  const others = [...extensions].flatMap(([urn, members]) => (urn === undefined ? [] : [{ urn: JSON.stringify(urn), members }]));
  const write = (members: readonly Member[], values: Values, row: EntryRow, context: RenderContext): string => {
    let text = '';
    for (const member of members) text += member(values, row, context);
    return text;
  };
  let start = { baseUrl: '', text: '' };
  const startOfLocation = (baseUrl: string): string => {
    if (baseUrl !== start.baseUrl) start = { baseUrl, text: JSON.stringify(locationOf(baseUrl, configuration.endpoint, '')).slice(0, -1) };
    return start.text;
  };
  return (row, context) => {
    const values = readBody(row.body, names, places);
    let schemas = core;
    let text = write(own, values, row, context);
    for (const { urn, members } of others) {
      const inner = write(members, values, row, context);
      if (inner === '') continue;
      schemas += `,${urn}`;
      text += `,${urn}:{${inner.slice(1)}}`;
    }
    const id = shownId(model, row);
    const externalId = model.externalIdBinding === undefined ? row.link?.externalIds[context.client] : undefined;
    const external = externalId === undefined ? '' : `,"externalId":${JSON.stringify(externalId)}`;
    // Nearly every id is one of ours, which is the same in a URL and in JSON.
    const isPlain = PLAIN_ID.test(id);
    const quotedId = isPlain ? `"${id}"` : JSON.stringify(id);
    const location = isPlain ? `${startOfLocation(context.baseUrl)}${id}"` : JSON.stringify(locationOf(context.baseUrl, configuration.endpoint, id));
    const meta = `"resourceType":${resourceName},"created":"${isoTime(row.created)}","lastModified":"${isoTime(row.modified)}","location":${location},"version":"W/\\"${row.version}\\""`;
    return `{"schemas":[${schemas}],"id":${quotedId}${external}${text},"meta":{${meta}}}`;
  };
}

/** The member that shows the bindings of one SCIM attribute. */
function compileMember(group: readonly Binding[], places: ReadonlyMap<string, number>): Member | undefined {
  const [first] = group as [Binding];
  const name = `,${JSON.stringify(first.attribute)}:`;
  if (group.length === 1 && (first.shape === 'reference' || first.shape === 'references')) return referenceMember(first, name);
  if (group.length === 1 && first.shape === 'values') return valuesMember(first, name, places);
  if (group.length === 1 && first.shape === 'single' && first.sub === undefined) {
    const value = valueText(first, places);
    return (values) => {
      const text = value(values);
      return text === undefined ? '' : name + text;
    };
  }
  if (group.every((binding) => binding.shape === 'single' && binding.sub !== undefined)) {
    const parts = partsOf(group, places);
    if (parts === undefined) return undefined;
    return (values) => {
      const inner = writeParts(parts, values);
      return inner === '' ? '' : `${name}{${inner.slice(1)}}`;
    };
  }
  return group.every((binding) => binding.shape === 'element') ? elementsMember(group, name, places) : undefined;
}

/** A part of a complex value: `,"name":` and what gives its value. */
interface Part {
  readonly name: string;
  value(values: Values): string | undefined;
}

/** `undefined` where two bindings write one part: which one wins depends on the values. */
function partsOf(group: readonly Binding[], places: ReadonlyMap<string, number>): readonly Part[] | undefined {
  const names = new Set(group.map((binding) => binding.sub ?? 'value'));
  if (names.size < group.length) return undefined;
  return group.map((binding) => ({ name: `,${JSON.stringify(binding.sub ?? 'value')}:`, value: valueText(binding, places) }));
}

function writeParts(parts: readonly Part[], values: Values): string {
  let inner = '';
  for (const { name, value } of parts) {
    const text = value(values);
    if (text !== undefined) inner += name + text;
  }
  return inner;
}

/** Elements of a multi-valued attribute, each chosen by its fixed values; the first one there is the primary one. */
function elementsMember(group: readonly Binding[], name: string, places: ReadonlyMap<string, number>): Member | undefined {
  const elements: { readonly fixed: string; readonly parts: readonly Part[] }[] = [];
  const fixedOf = (binding: Binding | undefined): string => JSON.stringify(Object.entries(binding?.fixed ?? {}).sort());
  const byFixed = Map.groupBy(group, fixedOf);
  // The first one there comes first: of elements whose bindings are mixed, which one that is depends on the values.
  const changes = group.filter((binding, index) => index === 0 || fixedOf(binding) !== fixedOf(group[index - 1])).length;
  if (changes > byFixed.size) return undefined;
  const kinds = [...byFixed.values()].map(([first]) => first?.fixed ?? {});
  // Elements must differ in a fixed value: then no value can make one of them look like another.
  const differ = (left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean =>
    Object.entries(left).some(([key, value]) => right[key] !== undefined && right[key] !== value);
  if (kinds.some((one, index) => kinds.slice(index + 1).some((other) => !differ(one, other)))) return undefined;
  for (const bindings of byFixed.values()) {
    const fixed = bindings[0]?.fixed ?? {};
    const parts = partsOf(bindings, places);
    if (parts === undefined || bindings.some((binding) => kinds.some((kind) => (binding.sub ?? 'value') in kind))) return undefined;
    elements.push({ fixed: JSON.stringify(fixed).slice(1, -1), parts });
  }
  const primary = isPrimaryFirst(group[0]?.attribute ?? '') ? ',"primary":true' : '';
  return (values) => {
    let list = '';
    for (const { fixed, parts } of elements) {
      const inner = writeParts(parts, values);
      if (inner === '') continue;
      const flag = list === '' ? primary : '';
      list += `,{${fixed === '' ? (flag + inner).slice(1) : fixed + flag + inner}}`;
    }
    return list === '' ? '' : `${name}[${list.slice(1)}]`;
  };
}

function valuesMember(binding: Binding, name: string, places: ReadonlyMap<string, number>): Member {
  const place = places.get(binding.source.name) ?? -1;
  const { convert, sub } = binding;
  return (values) => {
    const text = values[place];
    if (text === undefined) return '';
    const value = JSON.parse(text) as EncodedValue | readonly EncodedValue[];
    const list = (Array.isArray(value) ? value : [value]) as readonly EncodedValue[];
    return name + JSON.stringify(list.map((one) => (sub === undefined ? convert.toScim(one) : { [sub]: convert.toScim(one) })));
  };
}

function referenceMember(binding: Binding, name: string): Member {
  const source = binding.source.name;
  // People who stand together have one manager: what was written last is often what is to be written.
  let last: { readonly target: ResolvedReference; readonly baseUrl: string; readonly text: string } | undefined;
  const render = (target: ResolvedReference, baseUrl: string): string => {
    if (last?.target !== target || last.baseUrl !== baseUrl) last = { target, baseUrl, text: JSON.stringify(renderReference(binding, target, baseUrl)) };
    return last.text;
  };
  return (_values, _row, { references, baseUrl }) => {
    const targets = references.get(source);
    const [first] = targets ?? [];
    if (targets === undefined || first === undefined) return '';
    return name + (binding.shape === 'references' ? `[${targets.map((target) => render(target, baseUrl)).join(',')}]` : render(first, baseUrl));
  };
}

/** `active` is an attribute of the application, or true, unless the host knows better (R11). */
function activeMember(model: ResourceModel, group: readonly Binding[], places: ReadonlyMap<string, number>): Member | undefined {
  const [binding, ...more] = group as [Binding];
  if (more.length > 0 || binding.shape !== 'single' || binding.sub !== undefined) return undefined;
  const value = valueText(binding, places);
  const isUser = model.configuration.resourceType === 'User';
  return (values, row) => {
    if (isUser && isInactive(row)) return ',"active":false';
    const text = value(values) ?? (isUser ? 'true' : undefined);
    return text === undefined ? '' : `,"active":${text}`;
  };
}

/** The JSON text of a single value in SCIM terms. */
function valueText({ source, convert }: Binding, places: ReadonlyMap<string, number>): (values: Values) => string | undefined {
  const place = places.get(source.name) ?? -1;
  if (convert.asItIs === true) return (values) => values[place];
  // Most people have the same state: a value is converted when it is another one than that before it.
  let last = { text: '', converted: '' };
  return (values) => {
    const text = values[place];
    if (text === undefined) return undefined;
    const known = convert.textToScim?.(text);
    if (known !== undefined) return known;
    if (text !== last.text) last = { text, converted: JSON.stringify(convert.toScim(JSON.parse(text) as EncodedValue)) };
    return last.converted;
  };
}
