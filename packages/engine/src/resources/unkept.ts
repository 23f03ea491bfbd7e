import { type ScimResource, scimErrors } from '@landbridge/scim';
import type { Binding } from './binding.ts';
import { findElement, pathOf } from './read-resource.ts';
import type { ResourceModel } from './resource-model.ts';

type Json = Readonly<Record<string, unknown>>;

/** Parts of an element that say which one it is, or that the host fills in: losing them loses nothing. */
const STRUCTURAL: ReadonlySet<string> = new Set(['type', 'primary', 'display', '$ref']);

/**
 * Refuses a change that the application has no place for, instead of answering success without effect (S-167): a second address
 * where it has one, an e-mail address of a type that is not mapped.
 *
 * @throws ScimError 400 `invalidValue` that names what is kept.
 */
export function refuseUnkept(model: ResourceModel, before: ScimResource, after: ScimResource): void {
  for (const bindings of elementBindings(model)) {
    const elements = elementsOf(after, bindings);
    const known = new Set(elementsOf(before, bindings).map((element) => JSON.stringify(element)));
    const lost = elements.some((element) => !known.has(JSON.stringify(element)) && !isKept(element, elements, bindings));
    if (!lost) continue;
    const [first] = bindings;
    throw scimErrors.invalidValue(`"${first?.attribute ?? ''}": the application keeps ${bindings.map(pathOf).join(', ')}; it has no place for what is given.`);
  }
}

/**
 * The elements of a whole resource that the application has no place for: a create or a replace leaves them out, as it does attributes that
 * are not mapped (S-032). As paths, without their values.
 */
export function leftOut(model: ResourceModel, resource: ScimResource): readonly string[] {
  return elementBindings(model).flatMap((bindings) => {
    const elements = elementsOf(resource, bindings);
    const [first] = bindings;
    if (first === undefined) return [];
    return elements
      .filter((element) => !isKept(element, elements, bindings))
      .map((element) => pathOf({ ...first, fixed: typeof element['type'] === 'string' ? { type: element['type'] } : undefined, sub: undefined }));
  });
}

const elementsByModel = new WeakMap<ResourceModel, readonly (readonly Binding[])[]>();

/** The bindings of single elements, by the attribute that they are of. */
function elementBindings(model: ResourceModel): readonly (readonly Binding[])[] {
  const known = elementsByModel.get(model);
  if (known !== undefined) return known;
  const groups = new Map<string, Binding[]>();
  for (const binding of model.bindings) {
    if (binding.shape !== 'element') continue;
    const key = `${binding.extension ?? ''} ${binding.attribute}`;
    groups.set(key, [...(groups.get(key) ?? []), binding]);
  }
  const made = [...groups.values()];
  elementsByModel.set(model, made);
  return made;
}

function elementsOf(resource: ScimResource, bindings: readonly Binding[]): readonly Json[] {
  const [binding] = bindings;
  if (binding === undefined) return [];
  const container = binding.extension === undefined ? resource : (resource[binding.extension] as Json | undefined);
  const value = container?.[binding.attribute];
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Whether every part of an element is read by some binding. */
function isKept(element: Json, elements: readonly Json[], bindings: readonly Binding[]): boolean {
  const readers = bindings.filter((binding) => findElement(elements, binding, bindings) === element);
  const read = new Set(readers.map((binding) => binding.sub ?? 'value'));
  return readers.length > 0 && Object.keys(element).every((name) => STRUCTURAL.has(name) || read.has(name));
}
